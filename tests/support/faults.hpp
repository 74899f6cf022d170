// SPDX-License-Identifier: Apache-2.0
// Exceptions on demand. Hashes, equalities and elements made for tests pass a fault point before they do
// anything; an armed plan throws at the n-th one. Walking n from 1 until nothing fires visits every place at
// which user code can throw inside one operation.
// Invariant: a fault point is passed before the step's first effect, so a thrown step changed nothing itself.
#ifndef TOPHASH_TESTS_SUPPORT_FAULTS_HPP
#define TOPHASH_TESTS_SUPPORT_FAULTS_HPP

#include <cstdint>

namespace tophash::testing {

enum class fault_point : std::uint8_t { hash, equal, construct, copy, move, assign };

constexpr const char* fault_point_name(fault_point where) noexcept {
  constexpr const char* names[] = {"hash", "equality", "construction", "copy", "move", "assignment"};
  return names[static_cast<unsigned>(where)];
}

struct injected_fault {
  fault_point where;
};

constexpr unsigned mask_of(fault_point where) noexcept { return 1u << static_cast<unsigned>(where); }
inline constexpr unsigned every_fault_point = 0x3f;

struct fault_plan {
  long remaining = 0;  // 0: disarmed
  unsigned mask = every_fault_point;
  bool fired = false;
};

inline fault_plan faults;

inline void arm_fault(long n, unsigned mask = every_fault_point) noexcept { faults = {n, mask, false}; }

// Says whether the plan fired since it was armed.
inline bool disarm_fault() noexcept {
  const bool fired = faults.fired;
  faults = {};
  return fired;
}

inline void pass_fault_point(fault_point where) {
  if (faults.remaining == 0 || (faults.mask & mask_of(where)) == 0) return;
  if (--faults.remaining == 0) {
    faults.fired = true;
    throw injected_fault{where};
  }
}

}  // namespace tophash::testing

#endif
