// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
)

// bench/lab/go_speed.cpp with the runtime's own map: nanoseconds of the thread's CPU an operation. Twice the same for two
// types of keys: a generic function would not get the compiler's fast paths for them.

const speedOperations = 1000000 // of one measured loop, or one pass over all keys if that is more

func passesFor(n int) int {
	if n >= speedOperations {
		return 1
	}
	return speedOperations / n
}

func noteNs(name string, started int64, operations int, out *result) {
	out.note(name, "ns", false, float64(threadCPUNs()-started)/float64(operations))
}

func textOf(bits uint64) string { return fmt.Sprintf("k%016x", bits) }

func speedUint64(n int, random *randomStream, out *result) {
	newKey := func() uint64 { return random.next() }
	keys, absent, shuffled := make([]uint64, n), make([]uint64, n), make([]uint64, n)
	for i := range keys {
		keys[i], absent[i] = newKey(), newKey()
	}
	copy(shuffled, keys)
	for i := n; i > 1; i-- {
		k := random.below(i)
		shuffled[i-1], shuffled[k] = shuffled[k], shuffled[i-1]
	}
	passes := passesFor(n)
	fill := func() map[uint64]uint64 {
		m := make(map[uint64]uint64)
		for i, key := range keys {
			m[key] = uint64(i)
		}
		return m
	}
	found += uint64(len(fill())) // the process's first pages are nobody's time
	runtime.GC()
	started := threadCPUNs()
	for p := 0; p < passes; p++ {
		found += uint64(len(fill()))
	}
	noteNs("insert", started, passes*n, out)

	m := fill()
	runtime.GC()
	started = threadCPUNs()
	inHits := uint64(0)
	for p := 0; p < passes; p++ {
		for _, key := range shuffled {
			inHits += m[key]
		}
	}
	found += inHits
	noteNs("hit", started, passes*n, out)
	started = threadCPUNs()
	inMisses := uint64(0)
	for p := 0; p < passes; p++ {
		for _, key := range absent {
			inMisses += m[key]
		}
	}
	found += inMisses
	noteNs("miss", started, passes*n, out)
	visits := 10 * passes
	started = threadCPUNs()
	for p := 0; p < visits; p++ {
		for _, value := range m {
			found += value
		}
	}
	noteNs("iterate", started, visits*n, out)

	fresh := make([]uint64, passes*n)
	places := make([]int, passes*n)
	for i := range fresh {
		fresh[i], places[i] = newKey(), random.below(n)
	}
	live := append([]uint64(nil), keys...)
	runtime.GC()
	started = threadCPUNs()
	for i, place := range places {
		delete(m, live[place])
		live[place] = fresh[i]
		m[fresh[i]] = 1
	}
	noteNs("churn", started, passes*n, out)

	maps := make([]map[uint64]uint64, passes)
	for p := range maps {
		maps[p] = fill()
	}
	runtime.GC()
	started = threadCPUNs()
	for _, m := range maps {
		for _, key := range shuffled {
			delete(m, key)
		}
	}
	noteNs("erase", started, passes*n, out)
}

func speedString(n int, random *randomStream, out *result) {
	newKey := func() string { return textOf(random.next()) }
	keys, absent, shuffled := make([]string, n), make([]string, n), make([]string, n)
	for i := range keys {
		keys[i], absent[i] = newKey(), newKey()
	}
	copy(shuffled, keys)
	for i := n; i > 1; i-- {
		k := random.below(i)
		shuffled[i-1], shuffled[k] = shuffled[k], shuffled[i-1]
	}
	passes := passesFor(n)
	fill := func() map[string]uint64 {
		m := make(map[string]uint64)
		for i, key := range keys {
			m[key] = uint64(i)
		}
		return m
	}
	found += uint64(len(fill())) // the process's first pages are nobody's time
	runtime.GC()
	started := threadCPUNs()
	for p := 0; p < passes; p++ {
		found += uint64(len(fill()))
	}
	noteNs("insert", started, passes*n, out)

	m := fill()
	runtime.GC()
	started = threadCPUNs()
	inHits := uint64(0)
	for p := 0; p < passes; p++ {
		for _, key := range shuffled {
			inHits += m[key]
		}
	}
	found += inHits
	noteNs("hit", started, passes*n, out)
	started = threadCPUNs()
	inMisses := uint64(0)
	for p := 0; p < passes; p++ {
		for _, key := range absent {
			inMisses += m[key]
		}
	}
	found += inMisses
	noteNs("miss", started, passes*n, out)
	visits := 10 * passes
	started = threadCPUNs()
	for p := 0; p < visits; p++ {
		for _, value := range m {
			found += value
		}
	}
	noteNs("iterate", started, visits*n, out)

	fresh := make([]string, passes*n)
	places := make([]int, passes*n)
	for i := range fresh {
		fresh[i], places[i] = newKey(), random.below(n)
	}
	live := append([]string(nil), keys...)
	runtime.GC()
	started = threadCPUNs()
	for i, place := range places {
		delete(m, live[place])
		live[place] = fresh[i]
		m[fresh[i]] = 1
	}
	noteNs("churn", started, passes*n, out)

	maps := make([]map[string]uint64, passes)
	for p := range maps {
		maps[p] = fill()
	}
	runtime.GC()
	started = threadCPUNs()
	for _, m := range maps {
		for _, key := range shuffled {
			delete(m, key)
		}
	}
	noteNs("erase", started, passes*n, out)
}

func speed(asked *request, round int, out *result) {
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	if asked.Parameters["strings"] != 0 {
		speedString(asked.whole("entries"), random, out)
	} else {
		speedUint64(asked.whole("entries"), random, out)
	}
}
