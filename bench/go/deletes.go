// SPDX-License-Identifier: Apache-2.0

package main

// T-C1. Go's delete lowers the count plainly.
func atomicDeletes(request *request, round int, out *result) {
	entries := request.whole("entries")
	random := newRandom(nextSeed(request.Seed + uint64(round)))
	keys := make([]uint64, entries)
	for i := range keys {
		keys[i] = random.next()
	}
	order := append([]uint64(nil), keys...)
	for i := len(order); i > 1; i-- {
		k := random.below(i)
		order[i-1], order[k] = order[k], order[i-1]
	}
	m := make(map[uint64]uint64)
	for _, key := range keys {
		m[key] = key
	}
	ms := cpuMs(func() {
		for _, key := range order {
			delete(m, key)
		}
	})
	if len(m) != 0 {
		fail("T-C1: a delete found no entry")
	}
	out.note("delete_ns.plain", "ns", false, ms*1e6/float64(entries))
	out.Missing["delete_ns.atomic"] = "no version of Go's delete counts atomically"
	out.Missing["ipc.plain"] = "instructions and cycles of a Go program are not counted"
	out.Missing["ipc.atomic"] = out.Missing["delete_ns.atomic"]
}
