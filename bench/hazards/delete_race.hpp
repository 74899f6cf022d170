// SPDX-License-Identifier: Apache-2.0
// Another thread deletes a key of a go_sync_map as this one loads it (claim C25, table T-C2).
#ifndef TOPHASH_BENCH_HAZARDS_DELETE_RACE_HPP
#define TOPHASH_BENCH_HAZARDS_DELETE_RACE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include <tophash/go_sync_map.hpp>

#include "hazards/two_threads.hpp"

namespace tophash::hazards {

enum class joining : std::uint8_t {
  no,   // the load follows the start of the delete, as the article prints it
  yes,  // ... its end
};

// Keys that are handed over together: to wake a thread for each would take longer than all else.
inline constexpr std::size_t keys_at_once = 50;

// Of `races` loads so many found no key. Every key is deleted by the other thread once, in the same order.
inline std::size_t loads_without_the_key(std::size_t races, joining joined) {
  go_sync_map<std::size_t, int> m;
  std::atomic<std::size_t> stored{0}, erased{0};  // rounds of keys_at_once
  const std::size_t rounds = races / keys_at_once;
  const auto reach = [](std::atomic<std::size_t>& count, std::size_t n) {
    count.store(n);
    count.notify_one();
  };
  std::thread eraser([&] {
    for (std::size_t i = 1; i <= rounds; ++i) {
      wait_for(stored, i);
      for (std::size_t k = 0; k < keys_at_once; ++k) m.erase(k);
      reach(erased, i);
    }
  });
  std::size_t absent = 0;
  for (std::size_t i = 1; i <= rounds; ++i) {
    for (std::size_t k = 0; k < keys_at_once; ++k) m.store(k, 42);
    reach(stored, i);
    if (joined == joining::yes) wait_for(erased, i);
    for (std::size_t k = 0; k < keys_at_once; ++k) absent += m.contains(k) ? 0 : 1;
    wait_for(erased, i);
  }
  eraser.join();
  return absent;
}

}  // namespace tophash::hazards

#endif
