// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
)

// T-D6. Buckets of a map emptied key by key, before and after three collections.
func keptBuckets(asked *request, round int, out *result) {
	if why := whyNoBuckets(); why != "" {
		for _, name := range []string{"buckets.first", "mb.first", "kept_percent.collected.1", "kept_percent.collected.3"} {
			out.Missing[name] = why
		}
		return
	}
	entries := asked.whole("entries")
	m := make(map[uint64]uint64)
	h := headerOfUint64(m)
	buckets := func() float64 {
		shape := shapeOf(h, uint64Bucket)
		return float64(shape.units + shape.overflow)
	}
	m[0] = 0
	out.note("buckets.first", "buckets", true, buckets())
	out.note("mb.first", "MB", true, buckets()*uint64Bucket/1e6)
	for key := 1; key < entries; key++ {
		m[uint64(key)] = uint64(key)
	}
	for h.oldbuckets != nil {
		delete(m, uint64(entries))
	}
	full := buckets()
	out.note("buckets.full", "buckets", true, full)
	for key := 0; key < entries; key++ {
		delete(m, uint64(key))
	}
	out.note("kept_percent.emptied", "%", true, 100*buckets()/full)
	for collection := 1; collection <= 3; collection++ {
		runtime.GC()
		out.note(fmt.Sprintf("kept_percent.collected.%d", collection), "%", true, 100*buckets()/full)
	}
	runtime.KeepAlive(m)
}
