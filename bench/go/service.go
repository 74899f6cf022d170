// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"runtime"
	"runtime/debug"
)

type serviceEntry struct{ fields [4]uint64 }

// Reading the heap stops the program, so it is read once in so many writes.
const writesBetweenReadings = 4096

type service struct {
	random     *randomStream
	m          map[uint64]*serviceEntry
	live       []uint64
	writes     int
	base, peak float64 // MB
	cycles     int64
}

func newService(seed uint64, writes int) *service {
	s := &service{random: newRandom(seed), live: make([]uint64, 0, writes)}
	runtime.GC()
	s.base = heapMB()
	s.m = make(map[uint64]*serviceEntry)
	return s
}

func (s *service) write() {
	key := s.random.next()
	s.m[key] = &serviceEntry{[4]uint64{key}}
	s.live = append(s.live, key)
	if s.writes++; s.writes%writesBetweenReadings == 0 {
		s.readHeap()
	}
}

func (s *service) readHeap() { s.peak = math.Max(s.peak, heapMB()-s.base) }

func (s *service) remove() {
	if len(s.live) == 0 {
		return
	}
	at := s.random.below(len(s.live))
	delete(s.m, s.live[at])
	s.live[at] = s.live[len(s.live)-1]
	s.live = s.live[:len(s.live)-1]
}

func (s *service) start() {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	s.cycles = stats.NumGC
}

// The least of three passes, as in the C++ measurement.
func rangeNs(m map[uint64]*serviceEntry, sum *uint64) float64 {
	least := int64(math.MaxInt64)
	for pass := 0; pass < 3; pass++ {
		started := threadCPUNs()
		for key := range m {
			*sum ^= key
		}
		if took := threadCPUNs() - started; took < least {
			least = took
		}
	}
	return float64(least) / float64(len(m))
}

func (s *service) finish(name string, out *result) {
	s.readHeap()
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	longest := 0.0
	for i := int64(0); i < stats.NumGC-s.cycles && i < int64(len(stats.Pause)); i++ {
		longest = math.Max(longest, float64(stats.Pause[i].Nanoseconds())/1e6)
	}
	runtime.GC()
	left := heapMB() - s.base
	if len(s.m) != len(s.live) {
		fail("T-B6: the map lost an entry")
	}
	var here, there uint64
	ns := rangeNs(s.m, &here)
	fresh := make(map[uint64]*serviceEntry)
	for key, entry := range s.m {
		fresh[key] = entry
	}
	freshNs := rangeNs(fresh, &there)
	if here != there {
		fail("T-B6: ranging met other entries than there are")
	}
	out.note("peak_gb."+name, "GB", false, s.peak/1e3)
	out.note("left_gb."+name, "GB", false, left/1e3)
	out.note("pause_ms.longest."+name, "ms", false, longest)
	out.note("live."+name, "entries", true, float64(len(s.m)))
	out.note("range_ns."+name, "ns", false, ns)
	out.note("fresh_range_ns."+name, "ns", false, freshNs)
	out.Missing["pause_ms.whole_collection."+name] = "Go's collector marks beside the program"
}

// T-B6. Go's heap paces itself; its pauses are those in which the program stands still.
func services(request *request, round int, out *result) {
	seconds, hours := request.whole("seconds"), request.whole("hours")
	writes, deletes := seconds*request.whole("writes_a_second"), seconds*request.whole("deletes_a_second")
	keys, replaced := request.whole("cache_keys"), hours*request.whole("deletes_an_hour")
	seed := nextSeed(request.Seed + uint64(round))

	s := newService(seed, writes)
	s.start()
	deleted := 0
	for i := 0; i < writes; i++ {
		s.write()
		for ; deleted < (i+1)*deletes/writes; deleted++ {
			s.remove()
		}
	}
	s.finish("writes", out)

	for _, name := range []string{"cache_replacing", "cache_emptying"} {
		c := newService(seed, keys+1)
		for i := 0; i < keys; i++ {
			c.write()
		}
		c.start()
		for i := 0; i < replaced; i++ {
			c.remove()
			if name == "cache_replacing" {
				c.write()
			}
		}
		c.finish(name, out)
	}
	const never = "the next new key of a chain takes a deleted slot of Go's map, in every version"
	const old = "@go_like,deletion=tombstone(not_reusing)"
	for _, metric := range []string{"peak_gb.writes", "pause_ms.longest.writes", "pause_ms.whole_collection.writes",
		"peak_gb.cache_replacing", "peak_gb.cache_emptying"} {
		out.Missing[metric+old] = never
	}
}
