// SPDX-License-Identifier: Apache-2.0
// What an experiment's maps allocated, by cause, for the viewers that people have: folded stacks
// (flamegraph.pl, speedscope, inferno) and pprof's profile.proto (`go tool pprof -top FILE`, `pprof -http`).
//
// A stack, outermost first: variant, storage, cause (growth, overflow, node), purpose. Folded stacks are
// weighted by bytes requested; a profile has allocations, bytes requested (shown first) and the peak of each
// purpose. From the memory pass: exact, the same in every run of one seed.
#ifndef TOPHASH_BENCH_LAB_ALLOCATION_PROFILE_HPP
#define TOPHASH_BENCH_LAB_ALLOCATION_PROFILE_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "lab/measure.hpp"

namespace tophash::lab {

struct allocation_site {
  std::vector<std::string> stack;
  std::uint64_t allocations = 0, requested_bytes = 0, peak_bytes = 0;
};

// Rows without trouble whose memory was counted.
std::vector<allocation_site> allocation_sites(const measurement& m);

std::string folded_stacks(const std::vector<allocation_site>& sites);

// Not compressed: pprof takes it so. `comment`: what was measured.
std::string pprof_profile(const std::vector<allocation_site>& sites, const std::string& comment);

}  // namespace tophash::lab

#endif
