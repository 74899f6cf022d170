// SPDX-License-Identifier: Apache-2.0
// Where the system puts stacks, heaps and libraries. A conservative collector takes a number for a pointer when it
// lies in its heap: with addresses drawn anew at each start it keeps, in a cell of several, another dead block or
// two. Linux lays a process out the same way each time when asked to.
#ifndef TOPHASH_BENCH_LAB_ADDRESSES_HPP
#define TOPHASH_BENCH_LAB_ADDRESSES_HPP

#include <string>
#include <vector>

namespace tophash::lab {

// Whether this process was laid out without drawing addresses.
bool addresses_are_fixed();

// Starts this program again with these arguments and a malloc that asks for 2 MiB pages (glibc 2.35 and later), as
// Go's heap does; returns where GLIBC_TUNABLES is set already, by whoever it may be.
void restart_with_large_pages(const std::vector<std::string>& argv);

// Starts this program again with these arguments, its addresses fixed; returns where they are already, and where
// the system does not allow it.
void restart_with_fixed_addresses(const std::vector<std::string>& argv);

}  // namespace tophash::lab

#endif
