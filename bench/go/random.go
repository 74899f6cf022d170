// SPDX-License-Identifier: Apache-2.0

package main

import "math/bits"

// splitmix64, as the lab's random_stream: the same seed, the same keys.
const goldenRatioBits = 0x9e3779b97f4a7c15

func nextSeed(seed uint64) uint64 {
	z := seed + goldenRatioBits
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

type randomStream struct{ state uint64 }

func newRandom(seed uint64) *randomStream { return &randomStream{nextSeed(seed)} }

func (r *randomStream) next() uint64 {
	r.state += goldenRatioBits
	return nextSeed(r.state)
}

func (r *randomStream) below(bound int) int {
	high, _ := bits.Mul64(r.next(), uint64(bound))
	return int(high)
}

// In [0, 1).
func (r *randomStream) unit() float64 { return float64(r.next()>>11) * 0x1p-53 }
