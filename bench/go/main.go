// SPDX-License-Identifier: Apache-2.0

// The measurements of bench/lab/reproduce_*.cpp with Go's own map: the same metrics under the same names, so that
// one rule judges both. Started by `tophash reproduce --with-go` with one argument, the parameters as JSON; prints
// one JSON object. Standard library only.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

type request struct {
	Measurement string             `json:"measurement"`
	Rounds      int                `json:"rounds"`
	Seed        uint64             `json:"seed"`
	Parameters  map[string]float64 `json:"parameters"`
	// Before each round a line is awaited, after it one is written: so the rounds of two programs take turns.
	Stepwise bool `json:"stepwise"`
}

type metric struct {
	Unit   string    `json:"unit"`
	Exact  bool      `json:"exact"`
	Rounds []float64 `json:"rounds"`
}

type result struct {
	Go      string             `json:"go"`
	Metrics map[string]*metric `json:"metrics"`
	Missing map[string]string  `json:"missing"`
}

func (r *result) note(name, unit string, exact bool, value float64) {
	m := r.Metrics[name]
	if m == nil {
		m = &metric{Unit: unit, Exact: exact}
		r.Metrics[name] = m
	}
	m.Rounds = append(m.Rounds, value)
}

func (r *request) whole(name string) int {
	value, given := r.Parameters[name]
	if !given || value < 1 {
		fail("the parameter '%s' is missing", name)
	}
	return int(value)
}

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

var measurements = map[string]func(*request, int, *result){
	"addresses":        addresses,
	"atomic_deletes":   atomicDeletes,
	"chain_or_nodes":   chainOrNodes,
	"dirty_check":      dirtyCheck,
	"emptying":         emptying,
	"heap_profile":     heapProfile,
	"hint":             hint,
	"iterators":        iterators,
	"kept_buckets":     keptBuckets,
	"load":             load,
	"overflow_growth":  overflowGrowth,
	"overflow_sources": overflowSources,
	"cleaning":         cleaning,
	"collisions":       collisions,
	"offsets":          offsets,
	"reclaimers":       reclaimers,
	"rotation":         rotation,
	"service":          services,
	"span_lives":       spanLives,
	"structure":        structure,
	"speed":            speed,
	"sync_map":         syncMap,
	"delete_race":      deleteRace,
	"unlink_or_mark":   unlinkOrMark,
}

func main() {
	if len(os.Args) != 2 {
		fail("usage: %s PARAMETERS", os.Args[0])
	}
	var asked request
	if err := json.Unmarshal([]byte(os.Args[1]), &asked); err != nil {
		fail("the parameters are no JSON: %v", err)
	}
	measure := measurements[asked.Measurement]
	if measure == nil {
		fmt.Fprintf(os.Stderr, "'%s' is no measurement\n", asked.Measurement)
		os.Exit(3) // the caller tells a table without a Go program from one whose program failed
	}
	runtime.LockOSThread() // the clock is this thread's
	out := result{Go: runtime.Version(), Metrics: map[string]*metric{}, Missing: map[string]string{}}
	in := bufio.NewReader(os.Stdin)
	for round := 0; round < asked.Rounds; round++ {
		if asked.Stepwise {
			if _, err := in.ReadString('\n'); err != nil {
				break // no more are wanted
			}
		}
		measure(&asked, round, &out)
		if asked.Stepwise {
			fmt.Println()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(&out); err != nil {
		fail("%v", err)
	}
}
