// SPDX-License-Identifier: Apache-2.0

package main

// T-A5. Buckets and the address of their array after each insert.
func addresses(asked *request, round int, out *result) {
	if why := whyNoBuckets(); why != "" {
		for _, name := range []string{"buckets.made", "entries.at_buckets", "address_changes",
			"address_changes.between_growths", "growths"} {
			out.Missing[name] = why
		}
		return
	}
	hint, entries, wanted := asked.whole("hint"), asked.whole("entries"), asked.whole("buckets_looked_for")
	m := make(map[uint64]uint64, hint)
	m[0] = 0
	h := headerOfUint64(m)
	out.note("buckets.made", "buckets", true, float64(int(1)<<h.b))
	array, b := h.buckets, h.b
	changes, between, growths, reached := 0, 0, 0, 0
	for n := 1; n < entries; n++ {
		m[uint64(n)] = uint64(n)
		grown := h.b != b
		if grown {
			growths++
		}
		if reached == 0 && 1<<h.b == wanted {
			reached = len(m)
		}
		if h.buckets != array {
			changes++
			if !grown {
				between++
			}
		}
		array, b = h.buckets, h.b
	}
	out.note("entries.at_buckets", "entries", true, float64(reached))
	out.note("address_changes", "x", true, float64(changes))
	out.note("address_changes.between_growths", "x", true, float64(between))
	out.note("growths", "x", true, float64(growths))
}
