// SPDX-License-Identifier: Apache-2.0
// Maps and the handles of their storage: all eight sets of propagation traits, equal and unequal handles, for
// copy, move and swap; the shipped decorators under a map; the type-erased handle; standard maps on our
// backends.
#include <cstdint>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <catch2/catch.hpp>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/presets.hpp>

#include "support/elements.hpp"
#include "support/hashes.hpp"
#include "support/storage.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using u64 = std::uint64_t;

template <class Map>
void check_sound(const Map& m) {
  const char* wrong = m.check_invariants();
  CHECK(std::string(wrong != nullptr ? wrong : "") == "");
}

template <class Map>
void fill(Map& m, u64 from, u64 to) {
  for (u64 key = from; key < to; ++key) m.try_emplace(key, std::to_string(key));
}

template <class Map>
void check_holds(const Map& m, u64 from, u64 to) {
  CHECK(m.size() == to - from);
  for (u64 key = from; key < to; ++key) CHECK(m.at(key) == std::to_string(key));
  check_sound(m);
}

// The memory a map says it has is in this resource.
template <class Map>
void check_lives_in(const Map& m, const recording_resource& storage) {
  std::size_t bytes = 0;
  for (std::size_t use = 0; use < purpose_count; ++use)
    bytes += storage.live_bytes(static_cast<purpose>(use));
  CHECK(m.memory_report().total_bytes() == bytes);
}

template <class Handle, class... Options>
void all_propagations() {
  using map = tophash::map<u64, std::string, Handle, Options...>;
  constexpr bool on_copy = Handle::propagate_on_copy;
  constexpr bool on_move = Handle::propagate_on_move;
  constexpr bool on_swap = Handle::propagate_on_swap;
  CAPTURE(on_copy, on_move, on_swap);
  SECTION("copy assignment, unequal handles") {
    recording_resource first, second;
    {
      map a{Handle(first)}, b{Handle(second)};
      fill(a, 0, 40), fill(b, 100, 190);
      a = b;
      CHECK(a.allocation() == Handle(on_copy ? second : first));
      CHECK(b.allocation() == Handle(second));
      check_holds(a, 100, 190), check_holds(b, 100, 190);
      if (on_copy)
        CHECK(first.live_blocks() == 0);
      else
        check_lives_in(a, first), check_lives_in(b, second);
      fill(a, 190, 250);
      check_holds(a, 100, 250);
    }
    CHECK(first.live_blocks() + second.live_blocks() == 0);
    CHECK(first.error() + second.error() == "");
  }
  SECTION("move assignment, unequal handles") {
    recording_resource first, second;
    {
      map a{Handle(first)}, b{Handle(second)};
      fill(a, 0, 40), fill(b, 100, 190);
      const auto asked = first.asked() + second.asked();
      a = std::move(b);
      CHECK(a.allocation() == Handle(on_move ? second : first));
      check_holds(a, 100, 190);
      if (on_move) {
        CHECK(first.asked() + second.asked() == asked);
        CHECK(first.live_blocks() == 0);
        check_lives_in(a, second);
      } else {
        check_lives_in(a, first);
      }
      b.clear();
      fill(b, 0, 5);
      check_holds(b, 0, 5);
      fill(a, 190, 250);
      check_holds(a, 100, 250);
    }
    CHECK(first.live_blocks() + second.live_blocks() == 0);
    CHECK(first.error() + second.error() == "");
  }
  SECTION("equal handles: moves and swaps allocate nothing") {
    recording_resource storage;
    {
      map a{Handle(storage)}, b{Handle(storage)};
      fill(a, 0, 40), fill(b, 100, 190);
      const auto asked = storage.asked();
      swap(a, b);
      check_holds(a, 100, 190), check_holds(b, 0, 40);
      a = std::move(b);
      check_holds(a, 0, 40);
      map c(std::move(a));
      check_holds(c, 0, 40);
      CHECK(a.empty());
      map d(std::move(c), Handle(storage));
      check_holds(d, 0, 40);
      CHECK(storage.asked() == asked);
      a = d;
      check_holds(a, 0, 40);
    }
    CHECK(storage.live_blocks() == 0);
    CHECK(storage.error() == "");
  }
  if constexpr (on_swap) {
    SECTION("swap, unequal handles that go along") {
      recording_resource first, second;
      map a{Handle(first)}, b{Handle(second)};
      fill(a, 0, 40), fill(b, 100, 190);
      const auto asked = first.asked() + second.asked();
      swap(a, b);
      CHECK(a.allocation() == Handle(second));
      CHECK(b.allocation() == Handle(first));
      check_holds(a, 100, 190), check_holds(b, 0, 40);
      check_lives_in(a, second), check_lives_in(b, first);
      CHECK(first.asked() + second.asked() == asked);
    }
  }
  SECTION("construction with a handle") {
    recording_resource first, second;
    {
      map a{Handle(first)};
      fill(a, 0, 105);
      map copy(a), copy_there(a, Handle(second));
      CHECK(copy.allocation() == a.allocation());
      CHECK(copy_there.allocation() == Handle(second));
      check_holds(copy, 0, 105), check_holds(copy_there, 0, 105);
      check_lives_in(copy_there, second);
      map moved_there(std::move(copy), Handle(second));
      check_holds(moved_there, 0, 105);
      CHECK(moved_there.allocation() == Handle(second));
    }
    CHECK(first.live_blocks() + second.live_blocks() == 0);
    CHECK(first.error() + second.error() == "");
  }
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("storage: handles propagate as their traits say", "[map]",
                       ((bool Copy, bool Move, bool Swap), Copy, Move, Swap), (false, false, false),
                       (false, false, true), (false, true, false), (false, true, true), (true, false, false),
                       (true, false, true), (true, true, false), (true, true, true)) {
  all_propagations<recording<Copy, Move, Swap>, growth::incremental<2>, overflow::local_list>();
}

TEST_CASE("storage: handles propagate, entries behind pointers", "[map]") {
  all_propagations<
      recording<false, false, false>, deletion::tombstone,
      layout::bucket_chain<bucket_options{.arrange = arrangement::split, .inline_limit_bytes = 0}>>();
}

TEST_CASE("storage: an assignment of moved elements between unequal handles moves each once", "[map]") {
  using map = tophash::map<u64, steady_value, recording<>>;
  steady_value::ledger() = {};
  recording_resource first, second;
  {
    map a{recording<>(first)}, b{recording<>(second)};
    a.reserve(50);
    for (u64 key = 0; key < 50; ++key) b.try_emplace(key, static_cast<std::uint32_t>(key));
    const auto before = steady_value::ledger();
    a = std::move(b);
    CHECK(steady_value::ledger().copied == before.copied);
    CHECK(steady_value::ledger().moved - before.moved <= 100);
    for (u64 key = 0; key < 50; ++key) CHECK(a.at(key).number() == key);
    CHECK(steady_value::ledger().alive == 50);
  }
  CHECK(steady_value::ledger().alive == 0);
  CHECK(steady_value::ledger().error == "");
}

TEST_CASE("storage: growth moves values that move without throwing, and copies none", "[map]") {
  const auto play = [](auto tag) {
    using map = typename decltype(tag)::type;
    steady_key::ledger() = {}, steady_value::ledger() = {};
    {
      map m;
      for (std::uint32_t i = 0; i < 500; ++i) m.try_emplace(steady_key(i), i);
      for (std::uint32_t i = 0; i < 500; ++i) CHECK(m.at(steady_key(i)).number() == i);
      CHECK(steady_key::ledger().copied == 0);
      CHECK(steady_value::ledger().copied == 0);
    }
    CHECK(steady_key::ledger().alive + steady_value::ledger().alive == 0);
    CHECK(steady_key::ledger().error + steady_value::ledger().error == "");
  };
  using hash = hashing::hash_with<faulty_hash>;
  play(std::type_identity<tophash::map<steady_key, steady_value, hash>>{});
  play(std::type_identity<
       tophash::map<steady_key, steady_value, hash, growth::incremental<2>, presets::go_like>>{});
}

TEST_CASE("storage: memory_report equals what tracked counts", "[map]") {
  using storage = allocators::tracked<allocators::system>;
  storage::resource_type resource;
  {
    tophash::map<u64, std::string, storage, presets::go_like, overflow::fresh> m{storage(resource)};
    tophash::map<u64, std::string, storage, overflow::local_list> n{storage(resource)};
    for (u64 key = 0; key < 3000; ++key) {
      m.try_emplace(key, "m"), n.try_emplace(key, "n");
      if (key % 2 == 0) n.erase(key / 2);
      if (key % 50 != 0) continue;
      CHECK(m.memory_report().total_bytes() + n.memory_report().total_bytes() == resource.total().live_bytes);
    }
    const auto overflow =
        m.stats().overflow.requested + n.stats().overflow.requested - n.stats().overflow.recycled;
    CHECK(resource.counts(purpose::overflow).allocations == overflow);
  }
  CHECK(resource.total().live_blocks == 0);
  CHECK(resource.total().allocations == resource.total().deallocations);
}

TEST_CASE("storage: the shipped failing decorator under a map", "[map]") {
  using storage = allocators::tracked<allocators::failing<allocators::system>>;
  allocators::failing_resource<allocators::system> failing;
  storage::resource_type resource{allocators::failing<allocators::system>(failing)};
  {
    tophash::map<u64, u64, storage, growth::incremental<1>> m{storage(resource)};
    for (u64 key = 0; key < 500; ++key) {
      failing.arm({.requests = 0});
      const auto asked = resource.total().failed;
      const auto result = m.try_insert({key, key});
      failing.disarm();
      if (!result.allocated) {
        CHECK(resource.total().failed == asked + 1);
        CHECK(m.size() == key);
        CHECK(m.try_insert({key, key}).inserted);
      }
    }
    CHECK(m.size() == 500);
    CHECK(resource.total().failed >= 6);
    check_sound(m);
  }
  CHECK(resource.total().live_blocks == 0);
}

TEST_CASE("storage: a type-erased handle", "[map]") {
  allocators::erased_resource<allocators::system> malloc_resource;
  recording_resource recorded;
  allocators::erased_resource<recording<>> recording_erased{recording<>(recorded)};
  using map = tophash::map<u64, std::string, allocators::erased, presets::go_like>;
  {
    map a{allocators::erased(malloc_resource)}, b{allocators::erased(recording_erased)};
    fill(a, 0, 500), fill(b, 0, 500);
    CHECK(a == b);
    check_lives_in(b, recorded);
    a = std::move(b);  // unequal: entry by entry
    check_holds(a, 0, 500);
  }
  CHECK(recorded.live_blocks() == 0);
  CHECK(recorded.error() == "");
}

TEST_CASE("storage: the standard's map on a backend of ours, ours on a standard allocator", "[map]") {
  recording_resource recorded;
  {
    using allocator = allocators::as_std<std::pair<const u64, std::string>, recording<>>;
    std::unordered_map<u64, std::string, std::hash<u64>, std::equal_to<u64>, allocator> standard{
        allocator(recording<>(recorded))};
    fill(standard, 0, 500);
    CHECK(standard.at(499) == "499");
    CHECK(recorded.live_blocks() >= 500);
  }
  CHECK(recorded.live_blocks() == 0);
  CHECK(recorded.error() == "");
  tophash::map<u64, std::string, allocators::from_std<std::allocator<std::byte>>> ours;
  fill(ours, 0, 500);
  check_holds(ours, 0, 500);
}
