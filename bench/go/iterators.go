// SPDX-License-Identifier: Apache-2.0

package main

// T-B9. A range begun in the middle of a growth; at each step an entry that is not reached yet is deleted and a new one
// stored.
func iterators(asked *request, round int, out *result) {
	for _, name := range []string{"missed.snapshot", "repeated.snapshot", "erased_seen.snapshot"} {
		out.Missing[name] = "Go's map has no snapshot iterator"
	}
	if why := whyNoBuckets(); why != "" {
		out.Missing["moved_by_begin.live"] = why
		out.Missing["erased_seen.live"] = why
		return
	}
	buckets := asked.whole("buckets")
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	m := make(map[uint64]uint64)
	h := headerOfUint64(m)
	var keys []uint64
	for 1<<h.b <= buckets || h.oldbuckets == nil {
		keys = append(keys, random.next())
		m[keys[len(keys)-1]] = 0
	}
	for h.oldbuckets != nil && int(h.nevacuate) < buckets/2 {
		delete(m, random.next())
	}
	left := float64(buckets - int(h.nevacuate))
	met, gone := map[uint64]int{}, map[uint64]bool{}
	erasedSeen, first := 0, true
	for key := range m {
		if first {
			out.note("moved_by_begin.live", "%", true, 100*(left-float64(buckets-int(h.nevacuate)))/left)
			first = false
		}
		met[key]++
		if gone[key] {
			erasedSeen++
		}
		other := keys[random.below(len(keys))]
		if _, there := m[other]; there && met[other] == 0 {
			delete(m, other)
			gone[other] = true
		}
		m[random.next()] = 1
	}
	missed, repeated := 0, 0
	for _, key := range keys {
		if !gone[key] && met[key] == 0 {
			missed++
		}
		if met[key] > 1 {
			repeated++
		}
	}
	out.note("missed.live", "entries", true, float64(missed))
	out.note("repeated.live", "entries", true, float64(repeated))
	out.note("erased_seen.live", "entries", true, float64(erasedSeen))
}
