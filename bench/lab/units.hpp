// SPDX-License-Identifier: Apache-2.0
// Figures as people read them.
#ifndef TOPHASH_BENCH_LAB_UNITS_HPP
#define TOPHASH_BENCH_LAB_UNITS_HPP

#include <cstdint>

namespace tophash::lab {

inline double in_mib(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace tophash::lab

#endif
