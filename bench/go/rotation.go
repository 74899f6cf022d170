// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
)

var rotationMarks = []int{10000, 50000}

// Bytes of the array and of the overflow buckets that do not lie in it.
func heldMB(m map[string]int) float64 {
	h := headerOfStringInt(m)
	shape := shapeOf(h, stringIntBucket)
	if shape.units == 0 {
		return 0
	}
	return float64(stringIntBucket) * float64(arrayBuckets(shape.units)+heapOverflow(h, shape, shape.units)) / 1e6
}

func noteRotation(m map[string]int, pattern string, mark int, start float64, out *result) {
	shape := shapeOf(headerOfStringInt(m), stringIntBucket)
	at := func(name string) string { return fmt.Sprintf("%s.%s.%d", name, pattern, mark) }
	out.note(at("overflow_buckets"), "buckets", true, float64(shape.overflow))
	out.note(at("mean_chain"), "buckets", true, float64(shape.units+shape.overflow)/float64(shape.units))
	out.note(at("added_mb"), "MB", true, heldMB(m)-start)
	out.note(at("live_keys"), "keys", true, float64(len(m)))
	out.note(at("main_buckets"), "buckets", true, float64(shape.units))
}

// T-D1. A new map has a hash seed of its own, so the rounds differ as those of the C++ measurement do.
func rotation(asked *request, round int, out *result) {
	keys := asked.whole("keys")
	last := rotationMarks[len(rotationMarks)-1]
	if why := whyNoBuckets(); why != "" {
		for _, pattern := range []string{"printed", "new_keys"} {
			for _, mark := range rotationMarks {
				for _, name := range []string{"overflow_buckets", "mean_chain", "added_mb"} {
					out.Missing[fmt.Sprintf("%s.%s.%d", name, pattern, mark)] = why
				}
			}
		}
		return
	}
	texts := make([]string, last+keys+1)
	for i := range texts {
		texts[i] = "key_" + strconv.Itoa(i)
	}
	rotate := func(pattern string, m map[string]int, gone, come func(int) int) {
		start := heldMB(m)
		mark := 0
		for i := 0; mark < len(rotationMarks); i++ {
			if i == rotationMarks[mark] {
				noteRotation(m, pattern, i, start, out)
				mark++
			}
			delete(m, texts[gone(i)])
			m[texts[come(i)]] = i
		}
	}
	rotate("printed", make(map[string]int), func(i int) int { return i % keys },
		func(i int) int { return (i + 1) % keys })
	filled := make(map[string]int)
	for i := 0; i < keys; i++ {
		filled[texts[i]] = i
	}
	rotate("new_keys", filled, func(i int) int { return i }, func(i int) int { return i + keys })
}
