// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// The runtime's header of a classic map, the same from Go 1.9 to 1.23. Go 1.24's Swiss map has no buckets to walk.
type hmap struct {
	count      int
	flags      uint8
	b          uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
	extra      unsafe.Pointer
}

// Why buckets cannot be walked here; empty if they can.
func whyNoBuckets() string {
	var minor int
	if _, err := fmt.Sscanf(strings.TrimPrefix(runtime.Version(), "go1."), "%d", &minor); err != nil || minor > 23 {
		return runtime.Version() + " is not known to have Go's classic map"
	}
	return ""
}

const (
	slotsInBucket   = 8
	minTopHash      = 5
	stringIntBucket = 8 + 8*16 + 8*8 + 8 // tags, string keys, int values, link
	uint64Bucket    = 8 + 8*8 + 8*8 + 8
)

type chainShape struct {
	units, overflow, unitsWithOverflow int
	entries                            []int // of each chain
	overflowAt                         []uintptr
}

// Walks the current array only: while a growth is under way the rest is in the old one.
func shapeOf(h *hmap, bucketBytes uintptr) chainShape {
	out := chainShape{}
	if h.buckets == nil {
		return out
	}
	out.units = 1 << h.b
	out.entries = make([]int, out.units)
	for i := 0; i < out.units; i++ {
		home := unsafe.Pointer(uintptr(h.buckets) + uintptr(i)*bucketBytes)
		for b := home; b != nil; b = *(*unsafe.Pointer)(unsafe.Pointer(uintptr(b) + bucketBytes - 8)) {
			if b != home {
				out.overflow++
				out.overflowAt = append(out.overflowAt, uintptr(b))
			}
			for slot := uintptr(0); slot < slotsInBucket; slot++ {
				if *(*uint8)(unsafe.Pointer(uintptr(b) + slot)) >= minTopHash {
					out.entries[i]++
				}
			}
		}
		if *(*unsafe.Pointer)(unsafe.Pointer(uintptr(home) + bucketBytes - 8)) != nil {
			out.unitsWithOverflow++
		}
	}
	return out
}

func headerOfStringInt(m map[string]int) *hmap { return *(**hmap)(unsafe.Pointer(&m)) }

func headerOfUint64(m map[uint64]uint64) *hmap { return *(**hmap)(unsafe.Pointer(&m)) }
