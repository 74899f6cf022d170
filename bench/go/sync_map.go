// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"sync"
)

type syncMapSubject interface {
	store(key int)
	erase(key int)
	visit()
}

type goSyncMap struct{ m sync.Map }

func (s *goSyncMap) store(key int) { s.m.Store(key, struct{}{}) }
func (s *goSyncMap) erase(key int) { s.m.Delete(key) }
func (s *goSyncMap) visit()        { s.m.Range(func(key, value interface{}) bool { return true }) }

type lockedMap struct {
	sync.RWMutex
	m map[int]struct{}
}

func (l *lockedMap) store(key int) {
	l.Lock()
	l.m[key] = struct{}{}
	l.Unlock()
}
func (l *lockedMap) erase(key int) {
	l.Lock()
	delete(l.m, key)
	l.Unlock()
}
func (l *lockedMap) visit() {
	l.RLock()
	for range l.m {
	}
	l.RUnlock()
}

func allocatedMB() float64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.TotalAlloc) / 1e6
}

// T-A3. Held: what a collection leaves.
func syncMap(asked *request, round int, out *result) {
	keys := asked.whole("operations") / 2
	for _, order := range []string{"pairs", "all_then_delete", "range_between"} {
		var retained [2]float64
		for i, name := range []string{"sync_map", "locked"} {
			var subject syncMapSubject = &goSyncMap{}
			if name == "locked" {
				subject = &lockedMap{m: make(map[int]struct{})}
			}
			runtime.GC()
			held, inAll := heapMB(), allocatedMB()
			var ms float64
			if order == "pairs" {
				ms = cpuMs(func() {
					for k := 0; k < keys; k++ {
						subject.store(k)
						subject.erase(k)
					}
				})
			} else {
				for k := 0; k < keys; k++ {
					subject.store(k)
				}
				if order == "range_between" {
					subject.visit()
				}
				ms = cpuMs(func() {
					for k := 0; k < keys; k++ {
						subject.erase(k)
					}
				})
			}
			total := allocatedMB() - inAll
			runtime.GC()
			runtime.GC()
			retained[i] = heapMB() - held
			at := func(metric string) string { return metric + "." + name + "." + order }
			out.note(at("retained_mb"), "MB", false, retained[i])
			out.note(at("allocated_mb"), "MB", false, total)
			out.note(at("delete_ns"), "ns", false, ms*1e6/float64(keys))
			runtime.KeepAlive(subject)
		}
		if order != "pairs" {
			out.note("times_locked."+order, "times", false, retained[0]/retained[1])
		}
	}
}
