// SPDX-License-Identifier: Apache-2.0
// Concurrent histories for headers with a planted bug (.ci/bugs): the subjects of unit/shared_history.cpp, no
// test framework, until one of them is wrong. Exit status: 0 when everything holds, 1 with what does not.
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>

#include "support/history.hpp"
#include "support/shared_subjects.hpp"

using namespace tophash::testing;

namespace {

template <class Subject>
std::string wrong_with(std::uint64_t rounds) {
  for (std::uint64_t round = 0; round < rounds; ++round) {
    storage_resource memory;
    {
      Subject subject(memory);
      const std::string wrong = judge(run_history(subject, profiles[round % std::size(profiles)], round + 1));
      if (!wrong.empty()) return wrong;
      if (cell::damaged) return "a value was read half written, or after its end";
    }
    if (memory.total().live_bytes != 0) return "storage was not given back";
  }
  return {};
}

}  // namespace

int main() {
  std::string wrong = wrong_with<sync_map_subject>(24);
  if (wrong.empty()) wrong = wrong_with<striped_subject>(12);
  if (wrong.empty()) wrong = wrong_with<locked_subject>(8);
  if (wrong.empty()) return 0;
  std::printf("%s\n", wrong.c_str());
  return 1;
}
