// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

func heapMB() float64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc) / 1e6
}

// T-A1. Between the two readings of the heap the collector is off, so that what is added is what was allocated.
func emptying(asked *request, round int, out *result) {
	entries := asked.whole("entries")
	keys := make([]string, entries)
	for i := range keys {
		keys[i] = "key_" + strconv.Itoa(i)
	}
	var m, fresh map[string]int
	fill := func() {
		m = make(map[string]int)
		for i, key := range keys {
			m[key] = i
		}
		runtime.GC()
	}
	ways := []struct {
		name string
		run  func()
	}{
		{"erase_by_key", func() {
			for _, key := range keys {
				delete(m, key)
			}
		}},
		{"erase_ranging", func() { // the printed loop; the compiler makes one clear of it
			for key := range m {
				delete(m, key)
			}
		}},
		{"make", func() { fresh = make(map[string]int, entries) }},
	}
	for i := range ways {
		way := ways[(i+round)%len(ways)]
		fill()
		restore := debug.SetGCPercent(-1)
		before := heapMB()
		ms := cpuMs(way.run)
		after := heapMB()
		debug.SetGCPercent(restore)
		out.note(way.name+"_ms", "ms", false, ms)
		out.note(way.name+"_added_mb", "MB", false, after-before)
		runtime.KeepAlive(m)
		runtime.KeepAlive(fresh)
		m, fresh = nil, nil
	}
	fill()
	before := heapMB()
	started := time.Now() // a store: finer than the clock of CPU time
	m = nil
	out.note("forget_ms", "ms", false, float64(time.Since(started).Nanoseconds())/1e6)
	out.note("drop_added_mb", "MB", false, heapMB()-before)
	runtime.GC()
	out.Missing["drop_ms"] = "Go drops no map without its collector"
	out.Missing["clear_ms"] = "Go 1.19 has no clear: the ranging loop is compiled to it"
}
