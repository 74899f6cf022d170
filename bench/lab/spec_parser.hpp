// SPDX-License-Identifier: Apache-2.0
// The grammar of a SPEC (see catalogue.hpp), without any knowledge of what the names mean.
#ifndef TOPHASH_BENCH_LAB_SPEC_PARSER_HPP
#define TOPHASH_BENCH_LAB_SPEC_PARSER_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lab/catalogue.hpp"

namespace tophash::lab {

struct spec_part {
  std::string axis;  // empty: a bare option or preset
  term option;
  std::size_t position = 0;
};

std::vector<spec_part> split_spec(std::string_view text);
term parse_term(std::string_view text);

}  // namespace tophash::lab

#endif
