// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"sort"
)

const lettersOfKeys = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
const loadKeyBytes = 16
const loadPasses = 5

func randomTexts(count int, random *randomStream) []string {
	texts := make([]string, count)
	for i := range texts {
		var text [loadKeyBytes]byte
		var bits uint64
		for k := range text {
			if k%8 == 0 {
				bits = random.next()
			}
			text[k] = lettersOfKeys[bits&63]
			bits >>= 6
		}
		texts[i] = string(text[:])
	}
	return texts
}

func quantile(sorted []int, share float64) float64 {
	rank := int(math.Ceil(share*float64(len(sorted)))) - 1
	return float64(sorted[rank])
}

func bucketsFor(entries int) int {
	if entries <= slotsInBucket {
		return 1
	}
	return (entries + slotsInBucket - 1) / slotsInBucket
}

type loadedMap struct {
	load   float64
	m      map[string]int
	lookUp []string
	ns     float64
}

func lookUpAll(m map[string]int, keys []string) int {
	sum := 0
	for _, key := range keys {
		sum += m[key] + 1
	}
	return sum
}

// T-B1. A map filled entry by entry up to load x buckets ends with that many buckets if the load is at most 6.5.
func load(asked *request, round int, out *result) {
	buckets := 1
	for buckets < asked.whole("buckets") {
		buckets *= 2
	}
	random := newRandom(nextSeed(asked.Seed + uint64(round)))
	loads := []float64{5.0, 6.5}
	texts := randomTexts(int(6.5*float64(buckets)), random)
	maps := make([]*loadedMap, 0, len(loads))
	for _, l := range loads {
		entries := int(l * float64(buckets))
		one := &loadedMap{load: l, m: make(map[string]int), ns: math.Inf(1)}
		for i, key := range texts[:entries] {
			one.m[key] = i
		}
		one.lookUp = append([]string(nil), texts[:entries]...)
		for i := len(one.lookUp); i > 1; i-- {
			k := random.below(i)
			one.lookUp[i-1], one.lookUp[k] = one.lookUp[k], one.lookUp[i-1]
		}
		maps = append(maps, one)
	}
	for pass := 0; pass < loadPasses; pass++ {
		for i := range maps {
			one := maps[(i+pass+round)%len(maps)]
			n := len(one.lookUp)
			started := threadCPUNs()
			sum := lookUpAll(one.m, one.lookUp)
			one.ns = math.Min(one.ns, float64(threadCPUNs()-started)/float64(n))
			if sum != n*(n+1)/2 {
				fail("the map at load %.1f lost an entry", one.load)
			}
		}
	}
	for _, one := range maps {
		out.note(fmt.Sprintf("lookup_ns.%.1f", one.load), "ns", false, one.ns)
	}
	noteChains(maps, buckets, out)
	const limit = "Go's map grows past a load of 6.5"
	for _, name := range []string{"lookup_ns.7.2", "chain_p90_buckets.7.2", "chain_p90_entries.7.2",
		"chain_median_buckets.7.0", "chain_median_entries.7.0", "amplification.7.2", "relative_memory.7.2"} {
		out.Missing[name] = limit
	}
	notePublishedLoad(asked, random, out)
}

func noteChains(maps []*loadedMap, buckets int, out *result) {
	names := []string{"chain_p90_buckets", "chain_p90_entries", "amplification", "relative_memory"}
	if why := whyNoBuckets(); why != "" {
		for _, one := range maps {
			for _, name := range names {
				out.Missing[fmt.Sprintf("%s.%.1f", name, one.load)] = why
			}
		}
		return
	}
	var first float64
	for i, one := range maps {
		h := headerOfStringInt(one.m)
		shape := shapeOf(h, stringIntBucket)
		if shape.units != buckets || h.oldbuckets != nil {
			fail("load %.1f: %d buckets, not %d", one.load, shape.units, buckets)
		}
		held := float64(stringIntBucket) * float64(arrayBuckets(buckets)+heapOverflow(h, shape, buckets))
		perEntry := held / float64(len(one.m))
		if i == 0 {
			first = perEntry
		}
		at := func(name string) string { return fmt.Sprintf("%s.%.1f", name, one.load) }
		chains := append([]int(nil), shape.entries...)
		sort.Ints(chains)
		out.note(at("chain_p90_entries"), "long", true, quantile(chains, 0.9))
		for k := range chains {
			chains[k] = bucketsFor(chains[k])
		}
		out.note(at("chain_p90_buckets"), "long", true, quantile(chains, 0.9))
		out.note(at("amplification"), "x", true, perEntry/24)
		out.note(at("relative_memory"), "x", true, perEntry/first)
	}
}

// Main buckets and the overflow buckets that come with the array: a sixteenth, rounded up to whole 8 KiB pages.
func arrayBuckets(buckets int) int {
	if buckets < 16 {
		return buckets
	}
	bytes := (buckets + buckets/16) * stringIntBucket
	const page = 8192
	return (bytes + page - 1) / page * page / stringIntBucket
}

// Overflow buckets that do not lie in the array: each is one allocation.
func heapOverflow(h *hmap, shape chainShape, buckets int) int {
	start := uintptr(h.buckets)
	end := start + uintptr(arrayBuckets(buckets))*stringIntBucket
	count := 0
	for _, at := range shape.overflowAt {
		if at < start || at >= end {
			count++
		}
	}
	return count
}

func notePublishedLoad(asked *request, random *randomStream, out *result) {
	if why := whyNoBuckets(); why != "" {
		out.Missing["load_as_published"] = why
		return
	}
	m := make(map[string]int)
	for i, key := range randomTexts(asked.whole("entries_as_published"), random) {
		m[key] = i
	}
	buckets := float64(uint64(1) << headerOfStringInt(m).b)
	out.note("load_as_published", "entries/bucket", true, float64(len(m))/buckets)
}
