// SPDX-License-Identifier: Apache-2.0

package main

// Tables of what no map of Go's ever had: a program that measured something else beside them would be no answer.

// T-B4.
func unlinkOrMark(asked *request, round int, out *result) {
	const why = "Go's map holds entries in buckets: it neither unlinks a node nor marks one"
	for _, work := range []string{"erase", "mixed"} {
		for _, change := range []string{"loads_change.", "misses_change.", "replacements_change.", "hit_rate_gain."} {
			out.Missing[change+work] = why
		}
		for _, way := range []string{"unlink.", "mark."} {
			out.Missing["hit_rate."+way+work] = why
		}
	}
}

// T-B5.
func dirtyCheck(asked *request, round int, out *result) {
	for _, metric := range []string{"cpi_more.clear", "cpi_more.set", "mispredicted.clear", "mispredicted.set",
		"instructions_more.clear", "bytes"} {
		out.Missing[metric] = "no store into Go's map tests such a flag"
	}
}

// T-B8.
func reclaimers(asked *request, round int, out *result) {
	for _, way := range []string{"plain", "versioned", "hazard", "rcu"} {
		for _, metric := range []string{"survives.", "survives_a_round.", "bytes_more."} {
			out.Missing[metric+way] = "no chain of Go's map is lock-free, and its collector frees no node that is still reached"
		}
	}
}
