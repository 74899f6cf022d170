// SPDX-License-Identifier: Apache-2.0
// How much memory the process holds now.
#ifndef TOPHASH_BENCH_LAB_RESIDENT_HPP
#define TOPHASH_BENCH_LAB_RESIDENT_HPP

#include <cstdint>
#include <cstdio>

#include <unistd.h>

namespace tophash::lab {

// Resident pages that belong to no file. 0 where the system does not tell.
inline std::uint64_t anonymous_resident_bytes() noexcept {
  unsigned long long size = 0, resident = 0, shared = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  const bool read = std::fscanf(file, "%llu %llu %llu", &size, &resident, &shared) == 3;
  std::fclose(file);
  return read ? (resident - shared) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace tophash::lab

#endif
