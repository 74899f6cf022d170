// SPDX-License-Identifier: Apache-2.0

package main

// T-B7. Blocks of Go's map; it has no map of chained nodes to hold beside it.
func chainOrNodes(asked *request, round int, out *result) {
	const noNodes = "Go has no map of chained nodes"
	out.Missing["blocks_per_entry.nodes"] = noNodes
	out.Missing["entries_moved_by_overflow"] = "keys of one bucket cannot be made for a hash with a random seed"
	if why := whyNoBuckets(); why != "" {
		out.Missing["blocks_per_entry.buckets"], out.Missing["blocks_per_overflow_bucket"] = why, why
		return
	}
	entries := asked.whole("entries")
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	m := make(map[string]int)
	for _, key := range randomTexts(entries, random) {
		m[key] = 0
	}
	h := headerOfStringInt(m)
	for h.oldbuckets != nil {
		delete(m, "")
	}
	shape := shapeOf(h, stringIntBucket)
	single := float64(heapOverflow(h, shape, shape.units))
	out.note("blocks_per_entry.buckets", "x", true, (1+single)/float64(entries))
	out.note("blocks_per_overflow_bucket", "x", true, single/float64(shape.overflow))
}
