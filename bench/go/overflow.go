// SPDX-License-Identifier: Apache-2.0

package main

import "runtime/debug"

// T-B2. Go has one source of overflow buckets. The churn is that of the C++ measurement; every so often all overflow
// buckets are walked. One that is new to its place in a chain was either never seen before or is used again. The
// collector is off meanwhile, so that an address is no other bucket's.
func overflowSources(asked *request, round int, out *result) {
	for _, source := range []string{"shared_pool", "local_list"} {
		for _, name := range []string{"reuse_percent.", "warm_up_reuse_percent.", "storage_requests."} {
			out.Missing[name+source] = "Go's map has no such source"
		}
	}
	if why := whyNoBuckets(); why != "" {
		out.Missing["reuse_percent.fresh"], out.Missing["storage_requests.fresh"] = why, why
		return
	}
	buckets := 1
	for buckets < asked.whole("buckets") {
		buckets *= 2
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	live := make([]uint64, buckets*13/2-1)
	m := make(map[uint64]uint64)
	for i := range live {
		live[i] = random.next()
		m[live[i]] = 0
	}
	churn := func(pairs int, look func()) {
		for i := 0; i < pairs; i++ {
			k := random.below(len(live))
			delete(m, live[k])
			live[k] = random.next()
			m[live[k]] = uint64(i)
			if look != nil && i%2048 == 2047 {
				look()
			}
		}
	}
	churn(asked.whole("warm_up_pairs"), nil)

	seen, linked := map[uintptr]bool{}, map[uintptr]bool{}
	requested, reused := 0, 0
	look := func(count bool) {
		now := map[uintptr]bool{}
		for _, at := range shapeOf(headerOfUint64(m), uint64Bucket).overflowAt {
			now[at] = true
			if count && !linked[at] {
				requested++
				if seen[at] {
					reused++
				}
			}
			seen[at] = true
		}
		linked = now
	}
	look(false)
	pairs := asked.whole("pairs")
	churn(pairs, func() { look(true) })
	percent := 0.0
	if requested != 0 {
		percent = 100 * float64(reused) / float64(requested)
	}
	out.note("reuse_percent.fresh", "%", true, percent)
	out.note("storage_requests.fresh", "per 1000 pairs", true, 1000*float64(requested-reused)/float64(pairs))
}
