// SPDX-License-Identifier: Apache-2.0

package main

// T-D2. Overflow buckets of Go's map as the load rises. Keys of one bucket cannot be made: the hash is seeded.
func overflowGrowth(asked *request, round int, out *result) {
	const seeded = "keys of one bucket cannot be made for a hash with a random seed"
	for _, name := range []string{"overflow_per_bucket.built", "overflow_buckets.built.half", "overflow_buckets.built.all"} {
		out.Missing[name] = seeded
	}
	loads := []float64{3.25, 4.0, 6.5}
	names := []string{"3.25", "4.0", "6.5"}
	if why := whyNoBuckets(); why != "" {
		for _, name := range names {
			out.Missing["overflow_percent.uniform."+name] = why
		}
		out.Missing["overflow_per_bucket.uniform"] = why
		return
	}
	buckets := 1
	for buckets < asked.whole("buckets") {
		buckets *= 2
	}
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	m := make(map[uint64]uint64, buckets*13/2)
	for i, l := range loads {
		for float64(len(m)+1) <= l*float64(buckets) {
			m[random.next()] = 0
		}
		shape := shapeOf(headerOfUint64(m), uint64Bucket)
		if shape.units != buckets {
			fail("Go's map has %d buckets at load %.2f, not %d", shape.units, l, buckets)
		}
		out.note("overflow_percent.uniform."+names[i], "%", true,
			100*float64(shape.unitsWithOverflow)/float64(buckets))
		if l > 6 {
			out.note("overflow_per_bucket.uniform", "x", true, float64(shape.overflow)/float64(buckets))
		}
	}
}
