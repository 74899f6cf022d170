// SPDX-License-Identifier: Apache-2.0
// Tables that end in one call: what is alone in storage that can release all, and has no destructor to run,
// goes at once; everything else goes block by block.
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/decorators/limited.hpp>
#include <tophash/allocators/decorators/logged.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>

namespace {

using namespace tophash;
using namespace tophash::allocators;
using u64 = std::uint64_t;

const std::string none;

template <class Map>
std::string unsound(const Map& m) {
  const char* const wrong = m.check_invariants();
  return wrong != nullptr ? wrong : "";
}

}  // namespace

namespace {

struct seen {
  u64 allocated = 0, deallocated = 0, released = 0;
  log_sink sink() noexcept {
    return {.write =
                [](void* to, const log_entry& e) noexcept {
                  auto& counts = *static_cast<seen*>(to);
                  counts.allocated += e.what == log_event::allocate ? 1 : 0;
                  counts.deallocated += e.what == log_event::deallocate ? 1 : 0;
                  counts.released += e.what == log_event::release_all ? 1 : 0;
                },
            .context = this};
  }
};

using arena_log = logging_resource<arena<>>;
using arena_handle = logged<arena<>>;

// Alone in its storage a table of such options gives everything back by one call; beside another, block by
// block.
template <class... Options>
void check_ends_at_once(bool expected = true) {
  using map = tophash::map<u64, u64, arena_handle, Options...>;
  arena_resource memory;
  seen events;
  arena_log log{arena(memory), events.sink()};
  for (const u64 entries : {u64{1}, u64{53}, u64{105}, u64{1000}}) {
    INFO(entries << " entries");
    {
      map m{arena_handle(log)};
      for (u64 key = 0; key < entries; ++key) m.try_emplace(key, key);
      for (u64 key = 0; key < entries; key += 3) m.erase(key);
      events = {};
    }
    CHECK(memory.live_bytes() == 0);
    CHECK(events.released == (expected ? 1 : 0));
    CHECK((events.deallocated == 0) == expected);
  }
  {
    map kept{arena_handle(log)};
    kept.try_emplace(u64{1}, u64{1});
    events = {};
    {
      map m{arena_handle(log)};
      for (u64 key = 0; key < 200; ++key) m.try_emplace(key, key);
    }
    CHECK(events.released == 0);
    CHECK(events.deallocated == events.allocated);
    CHECK(kept.at(1) == 1);
    // One that was emptied so can be used again, its counts are right, and it can end so again.
    map filled{arena_handle(log)};
    for (u64 round = 0; round < 2; ++round) {
      for (u64 key = 0; key < 300; ++key) filled.try_emplace(key, key);
      kept = std::move(filled);
      CHECK(kept.size() == 300);
      CHECK(unsound(kept) == none);
      CHECK(unsound(filled) == none);
      CHECK(memory.live_bytes() == kept.memory_report().total_bytes() + filled.memory_report().total_bytes());
    }
    kept.swap(filled);
    CHECK(unsound(filled) == none);
  }
  CHECK(memory.live_bytes() == 0);
}

}  // namespace

TEST_CASE("storage: a table alone in its storage ends in one call", "[map]") {
  SECTION("chained buckets") { check_ends_at_once<>(); }
  SECTION("chained buckets, half grown, with a list of spare ones") {
    check_ends_at_once<growth::incremental<1>, overflow::local_list>();
  }
  SECTION("chained buckets, a tail in the array") { check_ends_at_once<overflow::preallocated>(); }
  SECTION("entries behind pointers, dirty ones too") {
    check_ends_at_once<layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>, deletion::dirty>();
  }
  SECTION("groups of buckets") {
    check_ends_at_once<layout::bucket_chain<bucket_options{.group_bytes = 4096}>>();
  }
  SECTION("open groups, half grown, dirty") {
    check_ends_at_once<layout::open_groups<>, overflow::none, load<14>, deletion::dirty,
                       growth::incremental<1>>();
  }
  SECTION("nodes") { check_ends_at_once<layout::nodes, overflow::none, load<14>>(); }
}

TEST_CASE("storage: values with a destructor are destroyed one by one", "[map]") {
  arena_resource memory;
  seen events;
  arena_log log{arena(memory), events.sink()};
  {
    tophash::map<u64, std::string, arena_handle, layout::nodes, overflow::none, load<14>> m{
        arena_handle(log)};
    for (u64 key = 0; key < 100; ++key) m.try_emplace(key, std::string(100, 'x'));  // leaks if not destroyed
    events = {};
  }
  CHECK(events.released == 0);
  CHECK(events.deallocated == 101);
}

TEST_CASE("storage: decorators pass the one call on and count it", "[map]") {
  arena_resource memory;
  tracking_resource<arena<>, true> counts{arena(memory)};
  {
    tophash::map<u64, u64, tracked<arena<>, true>> m{tracked(counts)};
    for (u64 key = 0; key < 500; ++key) m.try_emplace(key, key);
    CHECK(counts.total().live_bytes == memory.live_bytes());
  }
  CHECK(counts.total().live_bytes == 0);
  CHECK(counts.total().live_blocks == 0);
  CHECK(counts.total().deallocations == counts.total().allocations);
  limiting_resource<arena<>> limit{arena(memory), 100'000};
  {
    tophash::map<u64, u64, limited<arena<>>> m{limited(limit)};
    CHECK_THROWS_AS(
        [&] {
          for (u64 key = 0; key < 100'000; ++key) m.try_emplace(key, key);
        }(),
        std::bad_alloc);
    CHECK(limit.live_bytes() == m.memory_report().total_bytes());
    CHECK(unsound(m) == none);
  }
  CHECK(limit.live_bytes() == 0);
}
