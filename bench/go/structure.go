// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"runtime"
	"sort"
	"time"
	"unsafe"
)

// What bench/lab/go_structure.cpp does with tophash's map, step for step, with the runtime's own; the same fields under
// the same names. Scripts name slots by their place in a chain, so that no hash need agree.

// Is the header where we think it is? A map of known content answers.
func whyUnreadable() string {
	m := make(map[uint64]uint64)
	for i := uint64(0); i < 100; i++ {
		m[i] = i
	}
	h := headerOfUint64(m)
	sum := 0
	if h.count == 100 && h.b == 4 && h.oldbuckets == nil && h.buckets != nil {
		for _, entries := range shapeOf(h, uint64Bucket).entries {
			sum += entries
		}
	}
	if sum != 100 {
		return runtime.Version() + ": its map header is not the classic one (a map of 100 entries was read as another)"
	}
	return ""
}

func linkOf(b unsafe.Pointer, bucketBytes uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(uintptr(b) + bucketBytes - 8))
}

func chainOf(array unsafe.Pointer, index int, bucketBytes uintptr) []unsafe.Pointer {
	var out []unsafe.Pointer
	for b := unsafe.Pointer(uintptr(array) + uintptr(index)*bucketBytes); b != nil; b = linkOf(b, bucketBytes) {
		out = append(out, b)
	}
	return out
}

func tagOf(b unsafe.Pointer, slot int) uint8 {
	return *(*uint8)(unsafe.Pointer(uintptr(b) + uintptr(slot)))
}

func keyOf(b unsafe.Pointer, slot int) uint64 {
	return *(*uint64)(unsafe.Pointer(uintptr(b) + 8 + uintptr(slot)*8))
}

// A bucket's eight states as decimal digits: 0 empty rest, 1 empty one, 2 3 4 evacuated, 5 an entry.
func statesOf(b unsafe.Pointer) float64 {
	out := 0.0
	for slot := 0; slot < slotsInBucket; slot++ {
		tag := tagOf(b, slot)
		if tag > minTopHash {
			tag = minTopHash
		}
		out = 10*out + float64(tag)
	}
	return out
}

func noteStates(m map[uint64]uint64, name string, out *result) {
	for i, b := range chainOf(headerOfUint64(m).buckets, 0, uint64Bucket) {
		out.note(fmt.Sprintf("%s.bucket%d", name, i), "states", true, statesOf(b))
	}
}

// Keys in their order in the first chain.
func keysOfFirstChain(m map[uint64]uint64) []uint64 {
	var keys []uint64
	for _, b := range chainOf(headerOfUint64(m).buckets, 0, uint64Bucket) {
		for slot := 0; slot < slotsInBucket; slot++ {
			if tagOf(b, slot) >= minTopHash {
				keys = append(keys, keyOf(b, slot))
			}
		}
	}
	return keys
}

// The place of a key in the first chain, or -1.
func placeOf(m map[uint64]uint64, key uint64) int {
	for i, b := range chainOf(headerOfUint64(m).buckets, 0, uint64Bucket) {
		for slot := 0; slot < slotsInBucket; slot++ {
			if tagOf(b, slot) >= minTopHash && keyOf(b, slot) == key {
				return i*slotsInBucket + slot
			}
		}
	}
	return -1
}

// Inserts new keys until one lies in the first chain; the others are deleted again.
func landInFirstChain(m map[uint64]uint64, random *randomStream) int {
	for {
		key := random.next()
		m[key] = key
		if place := placeOf(m, key); place >= 0 {
			return place
		}
		delete(m, key)
	}
}

const (
	thresholdsTo = 14
	chainKeys    = 19 // two full buckets and three slots
)

var hints = []int{0, 1, 8, 9, 13, 14, 26, 27, 52, 53, 104, 105, 208, 209, 1000, 100000, 1000000}
var deletesInBucket = []int{3, 7, 6, 5, 0, 4, 2, 1}
var deletesInChain = []int{18, 16, 17, 7, 9, 15, 14, 13, 12, 11, 10, 8, 6, 0, 1, 2, 3, 4, 5}
var holesInChain = []int{3, 10, 12}

func noteThresholds(out *result) {
	m := make(map[uint64]uint64)
	h := headerOfUint64(m)
	before := h.b
	for i := uint64(1); h.b < thresholdsTo; i++ {
		m[i] = i
		if h.b != before {
			out.note(fmt.Sprintf("grows_to.%d", 1<<h.b), "entries", true, float64(h.count))
			before = h.b
		}
	}
}

func noteHints(out *result) {
	for _, n := range hints {
		m := make(map[uint64]uint64, n)
		m[1] = 1
		out.note(fmt.Sprintf("buckets_for_hint.%d", n), "buckets", true, float64(uint64(1)<<headerOfUint64(m).b))
	}
}

func noteStateScripts(random *randomStream, out *result) {
	m := make(map[uint64]uint64)
	for i := uint64(0); i < slotsInBucket; i++ {
		m[i] = i
	}
	noteStates(m, "states.bucket.full", out)
	keys := keysOfFirstChain(m)
	for step, slot := range deletesInBucket {
		delete(m, keys[slot])
		noteStates(m, fmt.Sprintf("states.bucket.%02d", step), out)
	}

	chain := func() map[uint64]uint64 {
		m := make(map[uint64]uint64, 1000)
		for landInFirstChain(m, random) != chainKeys-1 {
		}
		return m
	}
	m = chain()
	noteStates(m, "states.chain.full", out)
	keys = keysOfFirstChain(m)
	for step, slot := range deletesInChain {
		delete(m, keys[slot])
		noteStates(m, fmt.Sprintf("states.chain.%02d", step), out)
	}
	m = chain()
	keys = keysOfFirstChain(m)
	for _, slot := range holesInChain {
		delete(m, keys[slot])
	}
	for i := 0; i <= len(holesInChain); i++ {
		out.note(fmt.Sprintf("reused_place.%d", i), "slots", true, float64(landInFirstChain(m, random)))
		noteStates(m, fmt.Sprintf("states.reused.%d", i), out)
	}
}

// A map emptied key by key, and one cleared.
func noteEmptied(random *randomStream, out *result) {
	const entries = 50000
	m := make(map[uint64]uint64)
	keys := make([]uint64, entries)
	for i := range keys {
		keys[i] = random.next()
		m[keys[i]] = 1
	}
	for headerOfUint64(m).oldbuckets != nil {
		m[keys[0]] = 1
	}
	before := shapeOf(headerOfUint64(m), uint64Bucket)
	for _, key := range keys {
		delete(m, key)
	}
	h := headerOfUint64(m)
	after := shapeOf(h, uint64Bucket)
	out.note("emptied.buckets", "buckets", true, float64(after.units))
	out.note("emptied.overflow_given_back", "buckets", true, float64(before.overflow-after.overflow))
	ones := 0
	for i := 0; i < after.units; i++ {
		for _, b := range chainOf(h.buckets, i, uint64Bucket) {
			for slot := 0; slot < slotsInBucket; slot++ {
				if tagOf(b, slot) == 1 {
					ones++
				}
			}
		}
	}
	out.note("emptied.tombstones", "slots", true, float64(ones))
	for _, key := range keys {
		m[key] = 1
	}
	for key := range m { // compiled to a clear
		delete(m, key)
	}
	out.note("cleared.buckets", "buckets", true, float64(uint64(1)<<headerOfUint64(m).b))
}

// ---- geometry

func noteGeometry(out *result) {
	note := func(name string, bytes uintptr) { out.note("bucket_bytes."+name, "bytes", true, float64(bytes)) }
	type key128 = [128]byte
	type key129 = [129]byte
	m1 := map[uint8]uint8{}
	m2 := map[uint32]uint32{}
	m3 := map[uint64]uint32{}
	m4 := map[uint64]uint64{}
	m5 := map[uint64]struct{}{}
	m6 := map[uint64]key128{}
	m7 := map[uint64]key129{}
	for i := uint64(0); i < 100; i++ { // 16 buckets, with their tail
		m1[uint8(i)] = 0
		m2[uint32(i)] = 0
		m3[i] = 0
		m4[i] = 0
		m5[i] = struct{}{}
		m6[i] = key128{}
		m7[i] = key129{}
	}
	note("u8_u8", strideOf(m1))
	note("u32_u32", strideOf(m2))
	note("u64_u32", strideOf(m3))
	note("u64_u64", strideOf(m4))
	note("u64_nothing", strideOf(m5))
	note("u64_128_bytes", strideOf(m6))
	note("u64_129_bytes", strideOf(m7))
}

// Of the type that the runtime made for the map: its bucket type's size, which the map type names.
func strideOf(m interface{}) uintptr {
	type face struct{ typ, word unsafe.Pointer }
	t := (*face)(unsafe.Pointer(&m)).typ
	// runtime.maptype: a type of 48 bytes, key, elem, bucket, hasher, key size, value size, bucket size.
	return uintptr(*(*uint16)(unsafe.Pointer(uintptr(t) + 48 + 4*8 + 2)))
}

// ---- evacuation

func evacuatedOf(m map[uint64]uint64, oldUnits int) int {
	h := headerOfUint64(m)
	if h.oldbuckets == nil {
		return oldUnits
	}
	done := 0
	for i := 0; i < oldUnits; i++ {
		tag := tagOf(unsafe.Pointer(uintptr(h.oldbuckets)+uintptr(i)*uint64Bucket), 0)
		if tag > 1 && tag < minTopHash {
			done++
		}
	}
	return done
}

// A map that has just begun to grow from so many buckets, and its keys.
func beginningToGrow(units int, random *randomStream) (map[uint64]uint64, []uint64) {
	m := make(map[uint64]uint64)
	var keys []uint64
	for h := headerOfUint64(m); 1<<h.b <= units; {
		keys = append(keys, random.next())
		m[keys[len(keys)-1]] = 1
	}
	return m, keys
}

const (
	evacuatedUnits = 256
	evacuatingOps  = 80
	manyOldUnits   = 16384
)

var found uint64

func noteEvacuation(random *randomStream, out *result) {
	kinds := []struct {
		name string
		do   func(m map[uint64]uint64, keys []uint64)
	}{
		{"update", func(m map[uint64]uint64, keys []uint64) { m[keys[random.below(len(keys))]] = 2 }},
		{"insert", func(m map[uint64]uint64, keys []uint64) { m[random.next()] = 2 }},
		{"erase", func(m map[uint64]uint64, keys []uint64) { delete(m, keys[random.below(len(keys))]) }},
		{"erase_absent", func(m map[uint64]uint64, keys []uint64) { delete(m, random.next()) }},
		{"look_up", func(m map[uint64]uint64, keys []uint64) { found += m[keys[random.below(len(keys))]] }},
		{"look_up_absent", func(m map[uint64]uint64, keys []uint64) { found += m[random.next()] }},
		{"iterate", func(m map[uint64]uint64, keys []uint64) {
			for _, value := range m {
				found += value
			}
		}},
	}
	for _, kind := range kinds {
		m, keys := beginningToGrow(evacuatedUnits, random)
		done := evacuatedOf(m, evacuatedUnits)
		out.note("evacuated_by."+kind.name+".at_start", "chains", true, float64(done))
		least, most := math.Inf(1), 0.0
		for i := 0; i < evacuatingOps; i++ {
			kind.do(m, keys)
			now := evacuatedOf(m, evacuatedUnits)
			least, most = math.Min(least, float64(now-done)), math.Max(most, float64(now-done))
			done = now
		}
		out.note("evacuated_by."+kind.name+".least", "chains", true, least)
		out.note("evacuated_by."+kind.name+".most", "chains", true, most)
	}
}

func noteGrowthWrites(random *randomStream, out *result) {
	m, keys := beginningToGrow(manyOldUnits, random)
	writes := 0
	for ; headerOfUint64(m).oldbuckets != nil; writes++ {
		m[keys[random.below(len(keys))]] = 2
	}
	out.note("writes_to_evacuate", "% of old buckets", false, 100*float64(writes)/manyOldUnits)
}

// ---- shapes

func noteShape(m map[uint64]uint64, name string, out *result) {
	shape := shapeOf(headerOfUint64(m), uint64Bucket)
	entries, probes, longest := 0.0, 0.0, 0.0
	for _, in := range shape.entries {
		n := float64(in)
		entries += n
		probes += n * (n + 1) / 2
		longest = math.Max(longest, n)
	}
	units := float64(shape.units)
	out.note("overflow_share."+name, "% of buckets", false, 100*float64(shape.unitsWithOverflow)/units)
	out.note("hit_probe."+name, "slots", false, probes/entries)
	out.note("chain_buckets."+name, "buckets", false, (units+float64(shape.overflow))/units)
	out.note("longest_chain."+name, "entries", false, longest)
}

func noteLoads(asked *request, random *randomStream, out *result) {
	units := asked.whole("buckets")
	m := make(map[uint64]uint64, units*13/2)
	for _, load := range []float64{4.0, 5.0, 6.0, 6.5} {
		for float64(len(m)) < load*float64(units) {
			m[random.next()] = 1
		}
		if got := 1 << headerOfUint64(m).b; got != units {
			fail("load %.1f: %d buckets, not %d", load, got, units)
		}
		noteShape(m, fmt.Sprintf("%.1f", load), out)
	}
}

func noteChurn(asked *request, random *randomStream, out *result) {
	units := asked.whole("churn_buckets")
	pairs := asked.whole("churn_pairs")
	afterGrowth := asked.whole("churn_pairs_after_growth")
	for _, pattern := range []string{"same_keys", "rotation", "new_keys"} {
		m := make(map[uint64]uint64, units*13/2)
		live := make([]uint64, units*64/10)
		for i := range live {
			live[i] = random.next()
			m[live[i]] = 1
		}
		spare := random.next()
		h := headerOfUint64(m)
		array, sameSize, firstGrowth := h.buckets, 0, 0
		grows, end := pattern == "new_keys", pairs
		if grows {
			end = 8 * pairs
		}
		for i := 0; i < end; i++ {
			k := random.below(len(live))
			gone := live[k]
			delete(m, gone)
			switch pattern {
			case "rotation": // the key deleted last time comes back
				live[k], spare = spare, gone
			case "new_keys":
				live[k] = random.next()
			}
			m[live[k]] = 1
			if h.buckets != array {
				array = h.buckets
				sameSize++
				if grows && firstGrowth == 0 {
					firstGrowth = i + 1
					end = firstGrowth + afterGrowth
				}
			}
		}
		for h.oldbuckets != nil {
			m[live[0]] = 1
		}
		noteShape(m, "churn_"+pattern, out)
		out.note("same_size_growths.churn_"+pattern, "growths", true, float64(sameSize))
		if grows {
			out.note("first_same_size_growth.churn_"+pattern, "% of the pairs", false,
				100*float64(firstGrowth)/float64(pairs))
		}
		out.note("buckets.churn_"+pattern, "buckets", true, float64(uint64(1)<<h.b))
	}
}

// Wall time of each insert, on the way from nothing; the clock's own share is in it.
func noteLatency(asked *request, random *randomStream, out *result) {
	entries := asked.whole("latency_entries")
	m := make(map[uint64]uint64)
	ns := make([]int, entries)
	runtime.GC()
	started := threadCPUNs()
	begun := time.Now()
	last := begun
	for i := range ns {
		m[random.next()] = 1
		now := time.Now()
		ns[i] = int(now.Sub(last))
		last = now
	}
	out.note("insert_ns.mean", "ns", false, float64(threadCPUNs()-started)/float64(entries))
	sort.Ints(ns)
	out.note("insert_ns.p50", "ns", false, quantile(ns, 0.5))
	out.note("insert_ns.p99_9", "ns", false, quantile(ns, 0.999))
	out.note("insert_ns.longest", "ns", false, float64(ns[entries-1]))
}

func structure(asked *request, round int, out *result) {
	why := whyNoBuckets()
	if why == "" {
		why = whyUnreadable()
	}
	if why != "" {
		out.Missing["structure"] = why
		return
	}
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	if round == 0 {
		noteThresholds(out)
		noteHints(out)
		noteGeometry(out)
		noteStateScripts(random, out)
		noteEmptied(random, out)
		noteEvacuation(random, out)
	}
	noteGrowthWrites(random, out)
	noteLoads(asked, random, out)
	noteChurn(asked, random, out)
	noteLatency(asked, random, out)
}
