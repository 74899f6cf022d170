// SPDX-License-Identifier: Apache-2.0
// The map without exceptions: compiled with -fno-exceptions, without a test framework. Every `try_` form must
// say that memory ran out and leave the map as it was, for every allocation it makes; with memory it must do
// its work. Exit status: 0, or 1 after the first failed check.
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/presets.hpp>

#include "support/storage.hpp"

#if defined(__cpp_exceptions)
#error "this file is to be compiled with -fno-exceptions"
#endif

namespace {

using tophash::testing::recording;
using tophash::testing::recording_resource;

int checks = 0;

void check(bool holds, const char* what, int line) {
  ++checks;
  if (holds) return;
  std::fprintf(stderr, "no_exceptions.cpp:%d: failed: %s\n", line, what);
  std::exit(1);
}
#define CHECK(condition) check((condition), #condition, __LINE__)

template <class Map>
bool holds_exactly(const Map& m, std::uint64_t count) {
  if (m.size() != count || m.check_invariants() != nullptr) return false;
  for (std::uint64_t key = 0; key < count; ++key) {
    const auto it = m.find(key);
    if (it == m.end() || (*it).second != key * 3) return false;
  }
  return true;
}

// Each insertion is first tried with its n-th allocation failing, for every n.
template <class Map>
void insert_under_failures() {
  recording_resource storage;
  {
    Map m{recording<>(storage)};
    for (std::uint64_t key = 0; key < 300; ++key) {
      for (long n = 1;; ++n) {
        storage.fail_at(n);
        const auto result =
            key % 2 == 0 ? m.try_insert({key, key * 3}) : m.try_insert_or_assign(key, key * 3);
        const bool failed = storage.disarm();
        if (result.allocated) {
          CHECK(result.inserted);
          CHECK((*result.position).first == key);
          break;
        }
        CHECK(failed);
        CHECK(!result.inserted);
        CHECK(holds_exactly(m, key));
      }
      CHECK(holds_exactly(m, key + 1));
    }
    const auto again = m.try_insert({7u, 0u});
    CHECK(again.allocated && !again.inserted && (*again.position).second == 21);
  }
  CHECK(storage.live_blocks() == 0);
  CHECK(storage.error().empty());
}

template <class Map>
void reserve_and_assign_under_failures() {
  recording_resource storage;
  {
    Map from{recording<>(storage)}, to{recording<>(storage)};
    for (std::uint64_t key = 0; key < 100; ++key) CHECK(from.try_insert({key, key * 3}).allocated);
    for (std::uint64_t key = 0; key < 40; ++key) CHECK(to.try_insert({key, key * 3}).allocated);
    for (long n = 1;; ++n) {
      storage.fail_at(n);
      const bool assigned = to.try_assign(from);
      const bool failed = storage.disarm();
      if (assigned) break;
      CHECK(failed);
      CHECK(holds_exactly(to, 40));
      CHECK(holds_exactly(from, 100));
    }
    CHECK(holds_exactly(to, 100));
    for (long n = 1;; ++n) {
      storage.fail_at(n);
      const bool reserved = to.try_reserve(1000);
      const bool failed = storage.disarm();
      if (reserved) break;
      CHECK(failed);
      CHECK(holds_exactly(to, 100));
    }
    const auto units = to.stats().units;
    for (std::uint64_t key = 100; key < 1000; ++key) CHECK(to.try_insert({key, key * 3}).allocated);
    CHECK(to.stats().units == units);
    CHECK(holds_exactly(to, 1000));
    CHECK(!to.try_reserve(std::size_t{1} << 62));  // refused, not wrapped and not ended
    CHECK(holds_exactly(to, 1000));
  }
  CHECK(storage.live_blocks() == 0);
}

template <class... Options>
void all() {
  using map = tophash::map<std::uint64_t, std::uint64_t, Options..., recording<>>;
  insert_under_failures<map>();
  reserve_and_assign_under_failures<map>();
}

}  // namespace

int main() {
  using namespace tophash;
  all<>();
  all<growth::incremental<2>, deletion::tombstone>();
  all<growth::incremental<1, true>, deletion::dirty, overflow::local_list>();
  all<presets::go_like>();
  all<layout::bucket_chain<bucket_options{.slots = 3, .inline_limit_bytes = 0}>, growth::incremental<2>>();
  all<layout::bucket_chain<bucket_options{.arrange = arrangement::split, .inline_limit_bytes = 0}>>();
  std::printf("%d checks passed\n", checks);
}
