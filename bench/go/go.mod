module tophash/reproduce

go 1.19
