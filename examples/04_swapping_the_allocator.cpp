// One map, three ways to get memory: the same code, another option. `tracked` counts what the map asked for, by
// purpose; `failing` shows what happens when there is none.
//
// Prints:
//   tracked(system): 1000 entries, slots 36864 bytes in 1 block
//   after the map's end: 0 bytes live
//   failing(system): try_insert says no memory, the map still holds 8 entries
#include <cstdint>
#include <cstdio>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/map.hpp>

namespace allocators = tophash::allocators;
using tracked_system = allocators::tracked<allocators::system>;
using failing_system = allocators::failing<allocators::system>;

int main() {
  allocators::tracking_resource<allocators::system> tracker;
  {
    tophash::map<std::uint64_t, std::uint64_t, tracked_system> m(1000, tracked_system{tracker});
    for (std::uint64_t k = 0; k < 1000; ++k) m[k] = k;
    const auto& slots = tracker.counts(tophash::purpose::slots);
    std::printf("tracked(system): %zu entries, slots %zu bytes in %zu block\n", m.size(),
                static_cast<std::size_t>(slots.live_bytes), static_cast<std::size_t>(slots.live_blocks));
  }
  std::printf("after the map's end: %zu bytes live\n",
              static_cast<std::size_t>(tracker.counts(tophash::purpose::slots).live_bytes));

  allocators::failing_resource<allocators::system> faults;
  tophash::map<std::uint64_t, std::uint64_t, failing_system> m(8, failing_system{faults});
  for (std::uint64_t k = 0; k < 8; ++k) m[k] = k;
  faults.arm({.requests = 0});  // no further allocation succeeds
  const auto answer = m.try_insert({8, 8});
  std::printf("failing(system): try_insert says %s, the map still holds %zu entries\n",
              answer.allocated ? "done" : "no memory", m.size());
}
