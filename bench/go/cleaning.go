// SPDX-License-Identifier: Apache-2.0

package main

// T-A4. Go's map has one way to delete.
func cleaning(asked *request, round int, out *result) {
	for _, metric := range []string{"operations_to_destruction.", "destroyed_at_once.", "buckets_per_lookup."} {
		for _, name := range []string{"immediate", "deferred"} {
			out.Missing[metric+name] = "Go's map has one way to delete: what the entry held goes at once, its slot stays"
		}
	}
}
