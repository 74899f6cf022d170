// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"hash/maphash"
	"strconv"
)

type hashOfText func(string) uint64

// First three bytes, the first most significant; a shorter key whole. With xor, byte 3 into the lowest one.
func prefixHash(xor bool) hashOfText {
	return func(key string) uint64 {
		var hash uint64
		for i := 0; i < 3 && i < len(key); i++ {
			hash = hash<<8 | uint64(key[i])
		}
		if xor && len(key) > 3 {
			hash ^= uint64(key[3])
		}
		return hash
	}
}

func randomKinds(count int, seed uint64) map[string][]string {
	random := newRandom(seed)
	kinds := map[string][]string{"bytes": make([]string, count), "hex": make([]string, count), "user": make([]string, count)}
	for i := 0; i < count; i++ {
		var text [8]byte
		bits := random.next()
		for k := range text {
			text[k] = byte(bits)
			bits >>= 8
		}
		kinds["bytes"][i] = string(text[:])
		kinds["hex"][i] = fmt.Sprintf("%016x", random.next())
		kinds["user"][i] = "user_" + strconv.Itoa(i)
	}
	return kinds
}

func noteRates(inBucket []int, hash string, kind string, out *result) {
	keys, used, alone, pairs := 0.0, 0.0, 0.0, 0.0
	for _, c := range inBucket {
		count := float64(c)
		keys += count
		pairs += count * (count - 1) / 2
		if c != 0 {
			used++
		}
		if c == 1 {
			alone++
		}
	}
	at := func(reading string) string { return fmt.Sprintf("%s.%s.%d.%s", reading, hash, len(inBucket), kind) }
	out.note(at("taken"), "%", true, 100*(keys-used)/keys)
	out.note(at("shared"), "%", true, 100*(keys-alone)/keys)
	out.note(at("pair"), "%", true, 100*pairs/(keys*(keys-1)/2))
}

func noteLowPrefixes(texts []string, hash hashOfText, kind string, out *result) {
	inBucket := make([]int, 4096)
	for _, text := range texts {
		inBucket[hash(text)&4095]++
	}
	colliding, low := 0.0, 0.0
	for _, text := range texts {
		h := hash(text)
		if inBucket[h&4095] < 2 {
			continue
		}
		colliding++
		if h <= 0x00ffff {
			low++
		}
	}
	out.note("low_prefix."+kind, "%", true, 100*low/colliding)
}

// T-B3, with hash/maphash (the map's own hash) where the C++ measurement has wyhash.
func collisions(asked *request, round int, out *result) {
	mapSeed := maphash.MakeSeed()
	hashes := []struct {
		name string
		of   hashOfText
	}{
		{"prefix", prefixHash(false)},
		{"prefix_xor", prefixHash(true)},
		{"wyhash", func(key string) uint64 { return maphash.String(mapSeed, key) }},
	}
	kinds := randomKinds(asked.whole("keys"), nextSeed(asked.Seed+uint64(round)))
	for _, hash := range hashes {
		for kind, texts := range kinds {
			for _, buckets := range []int{4096, 65536} {
				inBucket := make([]int, buckets)
				for _, text := range texts {
					inBucket[hash.of(text)&uint64(buckets-1)]++
				}
				noteRates(inBucket, hash.name, kind, out)
			}
			if hash.name == "prefix" {
				noteLowPrefixes(texts, hash.of, kind, out)
			}
		}
		out.note("hash_ns."+hash.name, "ns", false, hashNs(kinds["hex"], hash.of))
	}
}

var hashSum uint64

func hashNs(texts []string, hash hashOfText) float64 {
	const passes = 20
	started := threadCPUNs()
	for i := 0; i < passes; i++ {
		for _, text := range texts {
			hashSum += hash(text)
		}
	}
	return float64(threadCPUNs()-started) / float64(passes*len(texts))
}
