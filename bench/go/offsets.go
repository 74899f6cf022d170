// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"unsafe"
)

// Where the runtime put what: a map of known content is searched byte for byte, no declaration of ours is believed.
// bench/lab/reproduce_offsets.cpp does the same with tophash's bucket.
const unknown = math.MaxUint32

func wordAt(base unsafe.Pointer, offset uintptr) uint64 {
	return *(*uint64)(unsafe.Pointer(uintptr(base) + offset))
}

// The offset of the only word with that value; unknown if there is none or there are two.
func offsetOf(base unsafe.Pointer, bytes uintptr, value uint64) float64 {
	found := float64(unknown)
	for at := uintptr(0); at+8 <= bytes; at += 8 {
		if wordAt(base, at) == value {
			if found != unknown {
				return unknown
			}
			found = float64(at)
		}
	}
	return found
}

func address(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) }

func offsets(asked *request, round int, out *result) {
	if why := whyNoBuckets(); why != "" {
		for _, part := range []string{"tags", "keys", "values", "link"} {
			out.Missing["offset."+part] = why
		}
		return
	}
	// One bucket, full; its entries' values are addresses that nothing else has.
	const bytes = 8 + 8*8 + 8*16 + 8
	text := []byte("0123456789abcdef")
	m := make(map[int64]string)
	for i := 0; i < slotsInBucket; i++ {
		m[int64(0x5eed00+i)] = string(text[:8+i])
	}
	h := *(**hmap)(unsafe.Pointer(&m))
	first := h.buckets
	note := func(name string, offset float64) { out.note("offset."+name, "bytes", true, offset) }
	for at := uintptr(0); at+8 <= bytes; at += 8 {
		switch wordAt(first, at) {
		case 0x5eed00:
			note("keys", float64(at))
		case 8: // the first string's length; its data lies before it
			note("values", float64(at-8))
		}
	}
	// Tags: the first eight bytes in a row of which none is 0, before or behind what was found.
	for at := uintptr(0); at+8 <= bytes; at += 8 {
		all := true
		for i := uintptr(0); i < 8; i++ {
			all = all && *(*uint8)(unsafe.Pointer(uintptr(first) + at + i)) >= minTopHash
		}
		if all {
			note("tags", float64(at))
			break
		}
	}
	noteLink(out)
	// The header: its words that hold what is known.
	note("header.count", offsetOf(unsafe.Pointer(h), 48, slotsInBucket))
	note("header.buckets", offsetOf(unsafe.Pointer(h), 48, address(first)))
	noteSmallFields(out)
}

// A chain's first bucket holds the address of its second, which lies in the array's tail or on its own.
func noteLink(out *result) {
	m := make(map[int64]string, 1000)
	h := *(**hmap)(unsafe.Pointer(&m))
	const bytes = 8 + 8*8 + 8*16 + 8
	for i := int64(0); i < 1600; i++ {
		m[i] = "x"
	}
	words := map[uintptr]int{}
	for unit := uintptr(0); unit < 1<<h.b; unit++ {
		b := unsafe.Pointer(uintptr(h.buckets) + unit*bytes)
		for at := uintptr(0); at+8 <= bytes; at += 8 {
			tail := uintptr(h.buckets) + (uintptr(1)<<h.b)*bytes
			if to := uintptr(wordAt(b, at)); to >= tail && to < tail+(uintptr(1)<<h.b)*bytes && (to-tail)%bytes == 0 {
				words[at]++
			}
		}
	}
	best, most := uintptr(0), 0
	for at, n := range words {
		if n > most {
			best, most = at, n
		}
	}
	if most == 0 {
		out.Missing["offset.link"] = "no chain of two buckets came about"
		return
	}
	out.note("offset.link", "bytes", true, float64(best))
}

// B and noverflow, of a map whose B is known by its number of entries: they change with it and nothing else does.
func noteSmallFields(out *result) {
	m := make(map[uint64]uint64)
	h := headerOfUint64(m)
	for i := uint64(0); i < 800; i++ { // B becomes 7, and a fifth of the chains overflows
		m[i] = i
	}
	for growing := 0; h.oldbuckets != nil && growing < 1000; growing++ {
		m[0] = 0
	}
	for at := uintptr(8); at < 16; at++ {
		if *(*uint8)(unsafe.Pointer(uintptr(unsafe.Pointer(h)) + at)) == 7 {
			out.note("offset.header.b", "bytes", true, float64(at))
			break
		}
	}
	shape := shapeOf(h, uint64Bucket)
	for at := uintptr(8); at < 16; at += 2 {
		value := *(*uint16)(unsafe.Pointer(uintptr(unsafe.Pointer(h)) + at))
		if shape.overflow > 0 && int(value) == shape.overflow {
			out.note("offset.header.noverflow", "bytes", true, float64(at))
			return
		}
	}
	out.Missing["offset.header.noverflow"] = fmt.Sprintf("no field holds %d", shape.overflow)
}
