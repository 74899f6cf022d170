// SPDX-License-Identifier: Apache-2.0

package main

import (
	"container/heap"
	"math"
	"runtime"
	"runtime/debug"
	"strconv"
)

const leastHeapBytes = 4 << 20

type mortalMap struct {
	dies float64
	m    map[string]int
}

type mortalMaps []mortalMap

func (m mortalMaps) Len() int            { return len(m) }
func (m mortalMaps) Less(i, k int) bool  { return m[i].dies < m[k].dies }
func (m mortalMaps) Swap(i, k int)       { m[i], m[k] = m[k], m[i] }
func (m *mortalMaps) Push(x interface{}) { *m = append(*m, x.(mortalMap)) }
func (m *mortalMaps) Pop() interface{} {
	last := len(*m) - 1
	x := (*m)[last]
	(*m)[last] = mortalMap{}
	*m = (*m)[:last]
	return x
}

func fieldTexts(count int) []string {
	texts := make([]string, count)
	for i := range texts {
		texts[i] = "field_" + strconv.Itoa(i)
	}
	return texts
}

func heapStats() (stats runtime.MemStats) {
	runtime.ReadMemStats(&stats)
	return
}

// T-D3. Maps live and die as in the C++ measurement; what is dead is collected together, when the heap has reached
// twice what the last collection left. The runtime tells bytes of its spans and no slots: what is free of those in use.
func spanLives(request *request, round int, out *result) {
	const entriesMax = 16
	texts := fieldTexts(entriesMax)
	maps := request.whole("maps")
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, scene := range []string{"low", "high"} {
		life := float64(request.whole(scene + "_life_ms"))
		perMs := float64(request.whole(scene+"_maps_a_second")) / 1000
		random := newRandom(nextSeed(request.Seed + uint64(round)))
		living := mortalMaps{}
		runtime.GC()
		before := heapStats()
		allocated := before.Mallocs
		goal := uint64(leastHeapBytes)
		sum, looks := 0.0, 0
		for made, now := 0, 0.0; made < maps; made, now = made+1, float64(made+1)/perMs {
			entries := 1 + random.below(entriesMax)
			dies := now - life*math.Log(1-random.unit())
			random.next() // the seed of the C++ map's hash
			m := make(map[string]int)
			for i, text := range texts[:entries] {
				m[text] = i
			}
			heap.Push(&living, mortalMap{dies, m})
			if made%64 != 63 {
				continue // reading the heap stops the world
			}
			if stats := heapStats(); stats.HeapAlloc-before.HeapAlloc < goal {
				continue
			}
			for len(living) > 0 && living[0].dies <= now {
				heap.Pop(&living)
			}
			runtime.GC()
			stats := heapStats()
			goal = leastHeapBytes
			if left := stats.HeapAlloc - before.HeapAlloc; 2*left > goal {
				goal = 2 * left
			}
			if now >= life {
				inUse := float64(stats.HeapInuse - before.HeapInuse)
				sum += 100 * (inUse - float64(stats.HeapAlloc-before.HeapAlloc)) / inUse
				looks++
			}
		}
		if looks == 0 {
			fail("T-D3: too few maps for the scene '%s' to be looked at", scene)
		}
		if heapStats().Mallocs == allocated {
			fail("T-D3: the maps of the scene '%s' were not allocated", scene)
		}
		out.note("free_percent."+scene+".collected", "%", false, sum/float64(looks))
		out.Missing["free_percent."+scene+".at_once"] = "Go frees no map as it dies"
		for _, how := range []string{".at_once", ".collected"} {
			out.Missing["partial_spans."+scene+how] = "the runtime tells bytes of its spans, not which are part free"
		}
		runtime.KeepAlive(living)
	}
}

type hintOutcome struct{ objects, mb, scavengedMB float64 }

var lastHinted map[string]int // else the compiler may keep a map on the stack

func playHint(hint, maps int, texts []string) hintOutcome {
	debug.FreeOSMemory()
	before := heapStats()
	var out hintOutcome
	goal := uint64(leastHeapBytes)
	collect := func() {
		runtime.GC() // what is free now and was not given back yet
		released := heapStats().HeapReleased
		debug.FreeOSMemory()
		stats := heapStats()
		out.scavengedMB += float64(stats.HeapReleased-released) / 1e6
		goal = leastHeapBytes
		if left := stats.HeapAlloc - before.HeapAlloc; stats.HeapAlloc > before.HeapAlloc && 2*left > goal {
			goal = 2 * left
		}
	}
	for i := 0; i < maps; i++ {
		lastHinted = make(map[string]int, hint)
		for k, text := range texts {
			lastHinted[text] = k
		}
		if stats := heapStats(); stats.HeapAlloc >= before.HeapAlloc+goal {
			collect()
		}
	}
	lastHinted = nil
	collect()
	after := heapStats()
	out.objects = float64(after.Mallocs - before.Mallocs)
	out.mb = float64(after.TotalAlloc-before.TotalAlloc) / 1e6
	return out
}

// T-D4. What is allocated and what free pages give back, with the hint and without it.
func hint(request *request, round int, out *result) {
	maps, entries := request.whole("maps"), request.whole("entries")
	texts := fieldTexts(entries)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var with, without hintOutcome
	for i := 0; i < 2; i++ { // the two take turns at going first
		if (i+round)%2 == 0 {
			with = playHint(entries, maps, texts)
		} else {
			without = playHint(0, maps, texts)
		}
	}
	objects := float64(maps * entries)
	change := func(a, b float64) float64 { return 100 * (a/b - 1) }
	out.note("objects_change.map", "%", false, change(with.objects, without.objects))
	out.note("objects_change.map_and_entries", "%", false, change(with.objects+objects, without.objects+objects))
	out.note("bytes_change", "%", false, change(with.mb, without.mb))
	out.note("scavenged_mb.hinted", "MB", false, with.scavengedMB)
	out.note("scavenged_mb.unhinted", "MB", false, without.scavengedMB)
	out.note("no_change", "%", true, 0)
}
