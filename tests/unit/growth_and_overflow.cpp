// SPDX-License-Identifier: Apache-2.0
// What wraps a growth or a deletion policy, grouped buckets, the overflow sources that own more than a list, filters,
// links by number, aligned buckets, and copies bucket by bucket: laws, and exact behaviour in a map.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/pages.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/on_read.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/policies/overflow/slabs.hpp>
#include <tophash/presets.hpp>

#include "laws/allocation.hpp"
#include "laws/growth.hpp"
#include "support/storage.hpp"

using namespace tophash;
using tophash::testing::recording;
using tophash::testing::recording_resource;

namespace {

using u64 = std::uint64_t;

template <class... Options>
using numbers = tophash::map<u64, u64, Options...>;

// Low bits choose the bucket, so a test can fill the chain it wants. Tags are the top bits: those of `n`.
using placed = hashing::identity;
constexpr u64 in_bucket(u64 bucket, u64 n) { return bucket | (n << 32) | (n << 56); }

template <class Map>
void check_sound(const Map& m) {
  const char* broken = m.check_invariants();
  CHECK(std::string(broken == nullptr ? "" : broken) == "");
}

template <class Policy>
std::string first_complaint() {
  std::string first;
  laws::check_growth(Policy{}, [&first](const std::string& what) {
    if (first.empty()) first = what;
  });
  return first;
}

// Takes half of the array away below half of the limit: what is left is nearly full, then below the half again.
struct restless {
  using axis = axes::growth;
  static constexpr growth_facts facts{.shrink_percent = 50};
  static constexpr plan decide(const load_state& load) noexcept {
    if (load.units > 1 && load.live < share_of(load.limit, 50)) return plan::resize(load.units / 2);
    return growth::double_or_regrow(load);
  }
};

}  // namespace

TEST_CASE("growth: the wrappers obey the laws", "[policies]") {
  namespace when = growth::when;
  using growth::eager;
  using growth::incremental;
  using growth::regrowing;
  using growth::shrinking;
  CHECK(first_complaint<shrinking<eager>>() == "");
  CHECK(first_complaint<shrinking<incremental<1>, 10>>() == "");
  CHECK(first_complaint<regrowing<eager>>() == "");
  CHECK(first_complaint<regrowing<incremental<2>, when::dead<25>>>() == "");
  CHECK(first_complaint<regrowing<incremental<2, true>, when::chain<4>>>() == "");
  CHECK(first_complaint<shrinking<regrowing<incremental<2>>>>() == "");
  CHECK(first_complaint<growth::on_read<shrinking<incremental<2>>>>() == "");
  CHECK(first_complaint<regrowing<shrinking<incremental<2>>, when::dead<50>>>() == "");
  // What the law is for: a policy that would shrink again what it has just shrunk, or grow below the limit.
  CHECK(first_complaint<restless>().find("it wants resize") != std::string::npos);
}

TEST_CASE("growth: names of the wrappers", "[policies]") {
  CHECK(option_name<growth::shrinking<growth::regrowing<growth::incremental<2>>>>().view() ==
        "shrinking(regrowing(incremental(2),overflow),25)");
  CHECK(option_name<growth::regrowing<growth::eager, growth::when::dead<30>>>().view() == "regrowing(eager,dead=30)");
  CHECK(option_name<growth::on_read<growth::incremental<1>>>().view() == "on_read(incremental(1))");
  CHECK(option_name<growth::regrowing<growth::eager, growth::when::chain<4>>>().view() == "regrowing(eager,chain=4)");
  CHECK(option_name<deletion::purging<deletion::dirty, deletion::share<25>>>().view() == "purging(dirty,share=25)");
  CHECK(option_name<deletion::purging<deletion::tombstone_not_reusing, deletion::batch<64, 3>>>().view() ==
        "purging(tombstone(not_reusing),batch(64,3))");
  CHECK(option_name<layout::bucket_chain<bucket_options{.group_bytes = 4096}>>().view() ==
        "bucket_chain(group_bytes=4096)");
}

TEST_CASE("growth: regrowing acts as Go does when there are as many overflow buckets as buckets", "[map]") {
  numbers<placed, deletion::tombstone, growth::regrowing<growth::eager>, load<13, 2>> m(100);
  const u64 units = m.stats().units;
  REQUIRE(units == 16);
  // Chains of three buckets, emptied to one entry in the last one: room everywhere, overflow buckets in use.
  u64 n = 0;
  for (u64 bucket = 0; m.stats().overflow_in_use < units - 1; ++bucket) {
    for (u64 i = 0; i < 17; ++i) m.try_emplace(in_bucket(bucket, ++n), n);
    for (u64 i = 0; i < 16; ++i) m.erase(in_bucket(bucket, n - 1 - i));
    if (m.stats().overflow_in_use == units - 2) break;
  }
  REQUIRE(m.stats().overflow_in_use < units);
  const u64 regrows = m.stats().regrows;
  u64 fills = 0;
  while (m.stats().overflow_in_use < units && fills < 40) m.try_emplace(in_bucket(15, ++n), n), ++fills;
  CHECK(m.stats().overflow_in_use == units);
  CHECK(m.stats().regrows == regrows);
  m.try_emplace(in_bucket(15, ++n), n);
  CHECK(m.stats().regrows == regrows + 1);
  CHECK(m.stats().units == units);
  CHECK(m.stats().overflow_in_use < 8);
  check_sound(m);
}

TEST_CASE("growth: regrowing by the length of a chain, and not for ever when a regrow cannot help", "[map]") {
  numbers<placed, deletion::immediate, growth::regrowing<growth::eager, growth::when::chain<3>>, load<8>> m(1000);
  const u64 units = m.stats().units;
  for (u64 n = 1; n <= 200; ++n) m.try_emplace(in_bucket(0, n), n);  // 25 buckets in one chain, for good
  const auto s = m.stats();
  CHECK(s.regrows >= 1);
  // One for every units / 8 overflow buckets acquired, at most.
  CHECK(s.regrows <= s.overflow.requested * 8 / units + 1);
  check_sound(m);
}

TEST_CASE("growth: regrowing by the share of dead slots", "[map]") {
  numbers<deletion::tombstone_not_reusing, growth::regrowing<growth::eager, growth::when::dead<25>>, load<4>> m(512);
  const u64 limit = m.stats().limit;
  REQUIRE(limit == 512);
  for (u64 key = 0; key < 200; ++key) m.try_emplace(key, key);
  for (u64 key = 0; key < 127; ++key) m.erase(key);
  m.try_emplace(1000, 0u);
  CHECK(m.stats().regrows == 0);
  m.erase(127);
  CHECK(m.stats().dead == 128);
  m.try_emplace(1001, 0u);
  CHECK(m.stats().regrows == 1);
  CHECK(m.stats().dead == 0);
  CHECK(m.size() == 200 - 128 + 2);
  check_sound(m);
}

TEST_CASE("growth: a regrow under way does not end at once because of the residue it removes", "[map]") {
  numbers<deletion::tombstone_not_reusing, growth::incremental<2>, load<4>> m(2000);
  const u64 limit = m.stats().limit;
  for (u64 key = 0; m.stats().growths + m.stats().regrows == 0 && key < 4 * limit; ++key) {
    m.try_emplace(key, key);
    if (key >= limit / 4) m.erase(key - limit / 4);
  }
  REQUIRE(m.stats().growing);
  const u64 before = m.stats().evacuated_chains;
  m.try_emplace(u64{1} << 40, 0u);
  CHECK(m.stats().growing);
  CHECK(m.stats().evacuated_chains - before <= 2);
  check_sound(m);
}

TEST_CASE("growth: shrinking gives memory back step by step and keeps what was reserved", "[map]") {
  const auto emptied = []<class Map>(Map m, std::size_t least_factor = 10) {
    for (u64 key = 0; key < 50'000; ++key) m.try_emplace(key, key);
    const std::size_t full = m.memory_report().total_bytes(), units = m.stats().units;
    u64 most = 0;
    for (u64 key = 0; key < 50'000; ++key) {
      const u64 before = m.stats().evacuated_chains;
      m.erase(key);
      most = std::max(most, m.stats().evacuated_chains - before);
      if (key % 1000 == 0) check_sound(m);
    }
    CHECK(m.empty());
    CHECK(m.memory_report().total_bytes() * least_factor < full);
    CHECK(m.stats().units < units / 8);
    return most;
  };
  CHECK(emptied(numbers<growth::shrinking<growth::incremental<2>>>{}) <= 2);
  // One chain an erase is too few to keep up with erases alone.
  CHECK(emptied(numbers<growth::shrinking<growth::incremental<1>>, deletion::dirty>{}, 2) <= 1);
  CHECK(emptied(numbers<growth::shrinking<growth::eager>>{}) > 100);
  using groups = layout::bucket_chain<bucket_options{.group_bytes = 4096}>;
  CHECK(emptied(numbers<groups, growth::shrinking<growth::incremental<2>>, allocators::pages<4096>>{}) <= 2);

  numbers<growth::shrinking<growth::eager>> reserved;
  reserved.reserve(10'000);
  const std::size_t units = reserved.stats().units;
  for (u64 key = 0; key < 100; ++key) reserved.try_emplace(key, key);
  for (u64 key = 0; key < 100; ++key) reserved.erase(key);
  CHECK(reserved.stats().units == units);

  // By position nothing moves, and the next erase by key makes up for it.
  numbers<growth::shrinking<growth::eager>> walked;
  for (u64 key = 0; key < 10'000; ++key) walked.try_emplace(key, key);
  const std::size_t grown = walked.stats().units;
  while (walked.size() > 1) walked.erase(walked.begin());
  CHECK(walked.stats().units == grown);
  walked.erase(walked.begin()->first);
  CHECK(walked.stats().units == 1);
  check_sound(walked);
}

TEST_CASE("growth: where a smaller array cannot be had, the map shrinks later", "[map]") {
  recording_resource storage;
  {
    numbers<growth::shrinking<growth::eager>, recording<>> m{recording<>(storage)};
    for (u64 key = 0; key < 4000; ++key) m.try_emplace(key, key);
    const std::size_t units = m.stats().units;
    storage.fail_at(1, true);
    for (u64 key = 0; key < 3000; ++key) CHECK(m.erase(key) == 1);
    storage.disarm();
    CHECK(m.stats().units == units);
    check_sound(m);
    for (u64 key = 3000; key < 4000; ++key) m.erase(key);
    CHECK(m.stats().units < units);
    check_sound(m);
  }
  CHECK(storage.error() == "");
}

TEST_CASE("layout: grouped buckets exist from the first write until they are evacuated", "[map]") {
  using groups = layout::bucket_chain<bucket_options{.group_bytes = 8 * 144}>;
  numbers<groups, placed, growth::incremental<1>, load<4>> m(2000);
  const auto count = [&m](purpose use) {
    std::size_t blocks = 0;
    for (const memory_class& part : m.memory_report()) blocks += part.use == use ? part.count : 0;
    return blocks;
  };
  REQUIRE(m.stats().units == 512);
  CHECK(count(purpose::slots) == 0);
  CHECK(count(purpose::directory) == 1);
  CHECK(m.find(in_bucket(17, 1)) == m.end());
  m.try_emplace(in_bucket(17, 1), 1u);
  m.try_emplace(in_bucket(16, 1), 1u);
  CHECK(count(purpose::slots) == 1);
  m.try_emplace(in_bucket(400, 1), 1u);
  CHECK(count(purpose::slots) == 2);
  CHECK(m.size() == 3);
  for (u64 n = 0; n < 2040; ++n) m.try_emplace(in_bucket(n % 512, 2 + n / 512), n);
  CHECK(count(purpose::slots) == 64);
  // Growing: each write evacuates one chain, and a group of eight goes when its last chain is moved.
  std::size_t most = 0;
  while (!m.stats().growing) m.try_emplace(in_bucket(0, 100 + m.size()), 1u);
  for (u64 n = 0; m.stats().growing; ++n) {
    most = std::max(most, count(purpose::slots));
    m.try_emplace(in_bucket(n % 512, 200 + n / 512), n);
    check_sound(m);
  }
  CHECK(most < 64 + 128);
  CHECK(count(purpose::directory) == 1);
  m.clear();
  CHECK(m.find(in_bucket(17, 1)) == m.end());
  check_sound(m);
}

namespace tophash::testing {

// What a growth asks of its storage.
struct growth_meter {
  std::size_t live_bytes = 0, peak_bytes = 0, largest_request_bytes = 0;
};

struct metered {
  using axis = axes::allocation;
  growth_meter* meter = nullptr;

  void* try_allocate(const request& asked) const noexcept {
    void* const block = allocators::system{}.try_allocate(asked);
    if (block == nullptr) return nullptr;
    meter->live_bytes += asked.bytes;
    meter->peak_bytes = std::max(meter->peak_bytes, meter->live_bytes);
    meter->largest_request_bytes = std::max(meter->largest_request_bytes, asked.bytes);
    return block;
  }
  void deallocate(void* block, const request& given) const noexcept {
    meter->live_bytes -= given.bytes;
    allocators::system{}.deallocate(block, given);
  }
  friend bool operator==(metered, metered) noexcept = default;
};

}  // namespace tophash::testing

namespace {

using tophash::testing::growth_meter;
using tophash::testing::metered;

// After 190,000 inserts, which is well behind the last growth.
template <class... Options>
growth_meter grown() {
  growth_meter meter;
  numbers<metered, Options...> m{metered{&meter}};
  for (u64 key = 0; key < 190'000; ++key) m.try_emplace(key, key);
  REQUIRE_FALSE(m.stats().growing);
  check_sound(m);
  return {meter.live_bytes, meter.peak_bytes, meter.largest_request_bytes};
}

}  // namespace

TEST_CASE("growth: low_latency asks for 64 KiB at most, and for no more while it grows than afterwards", "[map]") {
  constexpr std::size_t group_bytes = 65536;
  const growth_meter bounded = grown<presets::low_latency>();
  CHECK(bounded.largest_request_bytes <= group_bytes);
  CHECK(static_cast<double>(bounded.peak_bytes) <= 1.02 * static_cast<double>(bounded.live_bytes));
  // Chains evacuated as the writes hit them touch every group of both arrays: it is the order that bounds the peak.
  // And it is the groups that bound a request.
  const growth_meter any_order =
      grown<layout::bucket_chain<bucket_options{.group_bytes = group_bytes}>, growth::incremental<2>>();
  CHECK(any_order.largest_request_bytes <= group_bytes);
  CHECK(static_cast<double>(any_order.peak_bytes) > 1.2 * static_cast<double>(any_order.live_bytes));
  CHECK(grown<growth::incremental<2>>().largest_request_bytes > 16 * group_bytes);
}

namespace {

// The alignment that the last array or group was asked for with.
struct noting : allocators::system {
  [[maybe_unused]] static constexpr std::string_view name = "noting";
  static inline std::size_t slots_align_bytes = 0;
  void* try_allocate(const request& r) const noexcept {
    if (r.use == purpose::slots) slots_align_bytes = r.align;
    return allocators::system::try_allocate(r);
  }
};
struct noting_of_words : noting {
  [[maybe_unused]] static constexpr std::string_view name = "noting_of_words";
  static constexpr std::size_t align_max_bytes = 16;
};

template <class... Options>
std::size_t align_of_slots() {
  numbers<Options...> m;
  m[1] = 1;
  check_sound(m);
  return noting::slots_align_bytes;
}

}  // namespace

TEST_CASE("layout: groups of buckets that are whole cache lines begin at one, where the storage can", "[map]") {
  CHECK(align_of_slots<presets::low_latency, noting>() == 64);
  CHECK(align_of_slots<presets::low_latency, noting_of_words>() == alignof(u64));
  // Eight slots of sixteen bytes make 144.
  CHECK(align_of_slots<layout::bucket_chain<bucket_options{.group_bytes = 65536}>, noting>() == alignof(u64));
  // One array lies as its entries need.
  CHECK(align_of_slots<layout::bucket_chain<bucket_options{.slots = 7}>, load<6>, noting>() == alignof(u64));
}

TEST_CASE("deletion: purging dirty entries by share and by batches", "[map]") {
  numbers<deletion::purging<deletion::dirty, deletion::share<25>>, load<4>> shared(512);
  for (u64 key = 0; key < 300; ++key) shared.try_emplace(key, key);
  for (u64 key = 0; key < 127; ++key) shared.erase(key);
  CHECK(shared.stats().dirty == 127);
  shared.erase(127);
  CHECK(shared.stats().dirty == 0);
  CHECK(shared.size() == 172);
  check_sound(shared);
  // By position nothing is purged.
  while (shared.size() > 40) shared.erase(shared.begin());
  CHECK(shared.stats().dirty == 132);

  numbers<deletion::purging<deletion::dirty, deletion::batch<10, 3>>> batched(512);
  for (u64 key = 0; key < 300; ++key) batched.try_emplace(key, key);
  for (u64 key = 0; key < 29; ++key) batched.erase(key);
  CHECK(batched.stats().dirty == 29);
  batched.erase(29);
  CHECK(batched.stats().dirty == 0);
  // A check that finds less than a batch starts the count again.
  for (u64 key = 30; key < 59; ++key) batched.erase(key);
  CHECK(batched.sweep() == 29);
  for (u64 key = 59; key < 88; ++key) batched.erase(key);
  CHECK(batched.stats().dirty == 29);
  check_sound(batched);
}

TEST_CASE("deletion: purging tombstones replaces the array at the next insert", "[map]") {
  numbers<deletion::purging<deletion::tombstone_not_reusing, deletion::batch<10, 2>>> m(512);
  for (u64 key = 0; key < 300; ++key) m.try_emplace(key, key);
  for (u64 key = 0; key < 20; ++key) m.erase(key);
  CHECK(m.stats().dead == 20);
  CHECK(m.stats().regrows == 0);
  m.try_emplace(1000, 1u);
  CHECK(m.stats().dead == 0);
  CHECK(m.stats().regrows == 1);
  check_sound(m);
}

TEST_CASE("overflow: the tail of the array, as Go lays it out", "[map]") {
  using tracked_storage = recording<>;
  recording_resource resource;
  numbers<placed, overflow::preallocated, load<13, 2>, tracked_storage> m(100, tracked_storage(resource));
  REQUIRE(m.stats().units == 16);
  const auto bytes = [&m](purpose use) {
    std::size_t sum = 0;
    for (const memory_class& part : m.memory_report()) sum += part.use == use ? part.size_bytes * part.count : 0;
    return sum;
  };
  // 16 buckets and a tail of one.
  CHECK(bytes(purpose::slots) == 17 * 144);
  u64 n = 0;
  for (u64 i = 0; i < 9; ++i) m.try_emplace(in_bucket(3, ++n), n);
  CHECK(m.stats().overflow_in_use == 1);
  CHECK(m.stats().overflow.in_array == 1);
  CHECK(bytes(purpose::overflow) == 0);
  for (u64 i = 0; i < 9; ++i) m.try_emplace(in_bucket(4, ++n), n);
  CHECK(m.stats().overflow_in_use == 2);
  CHECK(bytes(purpose::overflow) == 144);
  // Emptied, the tail's bucket is taken again before storage is asked.
  for (u64 key = 1; key <= 9; ++key) m.erase(in_bucket(3, key));
  CHECK(m.stats().overflow.in_array == 0);
  for (u64 i = 0; i < 9; ++i) m.try_emplace(in_bucket(5, ++n), n);
  CHECK(m.stats().overflow.recycled == 1);
  CHECK(m.stats().overflow.in_array == 1);
  CHECK(bytes(purpose::overflow) == 144);
  check_sound(m);
  // Tails follow a move and a swap, and end with their arrays.
  auto moved = std::move(m);
  decltype(moved) other(tracked_storage{resource});
  for (u64 key = 0; key < 1000; ++key) other.try_emplace(key, key);
  swap(moved, other);
  check_sound(moved);
  check_sound(other);
  for (u64 key = 0; key < 1000; ++key) CHECK(moved.erase(key) == 1);
  check_sound(moved);
}

TEST_CASE("overflow: a pool that maps share", "[map]") {
  recording_resource storage;
  {
    overflow::pool pool{recording<>(storage)};
    using map_type = numbers<placed, overflow::shared_pool, recording<>>;
    map_type a(100, overflow::shared_pool(pool), recording<>(storage));
    map_type b(100, recording<>(storage), overflow::shared_pool(pool));
    for (u64 n = 1; n <= 40; ++n) a.try_emplace(in_bucket(1, n), n);
    CHECK(a.stats().overflow.requested == 4);
    CHECK(a.stats().overflow.recycled == 0);
    for (u64 n = 1; n <= 40; ++n) a.erase(in_bucket(1, n));
    CHECK(pool.kept() == 4);
    CHECK(pool.kept_bytes() == 4 * 144);
    for (u64 n = 1; n <= 24; ++n) b.try_emplace(in_bucket(2, n), n);
    CHECK(b.stats().overflow.recycled == 2);
    CHECK(pool.kept() == 2);
    // Two collections: what was kept before the first goes at the second.
    pool.collected();
    CHECK(pool.kept() == 2);
    pool.collected();
    CHECK(pool.kept() == 0);
    b.clear();
    CHECK(pool.kept() == 2);
    pool.drain();
    CHECK(pool.kept() == 0);
    CHECK(a == b);
    check_sound(a);
    check_sound(b);
    map_type copy(a);
    for (u64 n = 1; n <= 24; ++n) copy.try_emplace(in_bucket(2, n), n);
    a = std::move(copy);
    CHECK(a.size() == 24);
    check_sound(a);
  }
  CHECK(storage.error() == "");
  CHECK(storage.live_blocks(purpose::overflow) == 0);
}

TEST_CASE("overflow: a pool of other storage is refused", "[map]") {
  recording_resource storage, elsewhere;
  overflow::pool pool{recording<>(elsewhere)};
  using map_type = numbers<overflow::shared_pool, recording<>>;
  CHECK_THROWS_AS(map_type(overflow::shared_pool(pool), recording<>(storage)), std::invalid_argument);
  overflow::pool other_kind{allocators::system{}};
  CHECK_THROWS_AS(map_type(overflow::shared_pool(other_kind), recording<>(storage)), std::invalid_argument);
  STATIC_REQUIRE(!std::is_default_constructible_v<numbers<overflow::shared_pool>>);
  CHECK(storage.error() == "");
}

TEST_CASE("overflow: a pool has shelves for eight sizes and gives back what finds none", "[policies]") {
  recording_resource storage;
  {
    overflow::pool pool{recording<>(storage)};
    for (std::size_t size = 1; size <= 9; ++size) {
      const request r{.bytes = 64 * size, .align = 8, .use = purpose::overflow, .trace = nullptr};
      void* const block = pool.try_allocate(r);
      CHECK(pool.keep(block, r) == (size <= 8));
    }
    CHECK(pool.kept() == 8);
    const request first{.bytes = 64, .align = 8, .use = purpose::overflow, .trace = nullptr};
    const request ninth{.bytes = 64 * 9, .align = 8, .use = purpose::overflow, .trace = nullptr};
    void* const block = pool.take(first);
    REQUIRE(block != nullptr);
    CHECK(pool.take(first) == nullptr);
    pool.deallocate(block, first);
    CHECK(pool.keep(pool.try_allocate(ninth), ninth));
  }
  CHECK(storage.error() == "");
  CHECK(storage.live_blocks(purpose::overflow) == 0);
}

TEST_CASE("overflow: a pool that follows a clock gives back in two ticks what nobody took", "[policies]") {
  recording_resource storage;
  {
    std::atomic<std::uint64_t> clock{7};
    overflow::pool pool{recording<>(storage)};
    const request r{.bytes = 144, .align = 8, .use = purpose::overflow, .trace = nullptr};
    const request other{.bytes = 64, .align = 8, .use = purpose::overflow, .trace = nullptr};
    const auto keep_one = [&] { return pool.keep(pool.try_allocate(r), r); };
    const auto touch = [&] { REQUIRE(pool.take(other) == nullptr); };  // any access looks at the clock
    CHECK(keep_one());
    pool.follow(clock);
    touch();
    CHECK(pool.kept() == 1);  // ticks from before are not made up for
    ++clock;
    CHECK(keep_one());
    touch();
    CHECK(pool.kept() == 2);
    ++clock;
    touch();
    CHECK(pool.kept() == 1);  // the first is gone, the second has had one round
    CHECK(keep_one());
    clock += 5;
    CHECK(pool.kept() == 2);  // nothing happens before somebody comes
    touch();
    CHECK(pool.kept() == 0);
  }
  CHECK(storage.live_blocks(purpose::overflow) == 0);
}

TEST_CASE("pages obey the laws of allocation", "[allocators]") {
  const auto complaint = []<class A>(A backend) {
    std::string first;
    laws::check_allocation(backend, [&first](const std::string& what) {
      if (first.empty()) first = what;
    });
    return first;
  };
  CHECK(complaint(allocators::pages<>{}) == "");
  CHECK(complaint(allocators::pages<4096>{}) == "");
  CHECK(option_name<allocators::pages<>>().view() == "pages(32768)");
}

// ---- options of a chain's buckets -----------------------------------------------------------------------------

namespace {

template <bucket_options Options>
using chain_of = layout::bucket_chain<Options>;

// Of 64 bits a key: the bucket from the low half, the tag from the top byte, and a number in between.
constexpr u64 tagged(u64 bucket, u64 tag, u64 n) { return bucket | n << 32 | tag << 56; }

// The key for its hash, as identity has it, and every comparison counted.
struct comparing {
  using axis = axes::hashing;
  static constexpr hashing_facts facts{.raw = true};
  template <class Key>
  static constexpr bool avalanching = false;
  template <class Key, class Other>
  static constexpr bool transparent = false;
  inline static u64 made = 0;
  u64 hash(u64 key) const noexcept { return key; }
  bool equal(u64 a, u64 b) const noexcept { return ++made, a == b; }
};

// A collector's storage, as far as a map is told.
struct searched : allocators::system {
  static constexpr tophash::visibility visibility = tophash::visibility::scanned;
};

// Counts what a copy tells of, and so is copied entry by entry.
struct ear {
  using axis = axes::observe;
  u64 inserted = 0;
  void on(const events::inserted&) noexcept { ++inserted; }
};

}  // namespace

TEST_CASE("buckets: options have text", "[policies]") {
  CHECK(option_name<chain_of<bucket_options{.filter_bits = 8}>>().view() == "bucket_chain(filter_bits=8)");
  CHECK(option_name<chain_of<bucket_options{.slots = 7, .filter_bits = 32, .link = link_kind::index32}>>().view() ==
        "bucket_chain(slots=7,filter_bits=32,link=index32)");
  CHECK(option_name<chain_of<bucket_options{.align_bytes = 64}>>().view() == "bucket_chain(align_bytes=64)");
}

TEST_CASE("buckets: what the options make of their size", "[layout]") {
  const auto bytes = []<class Map>(std::type_identity<Map>) {
    Map m;
    m.try_emplace(1, 1);
    return m.memory_report().begin()->size_bytes;
  };
  using u32 = std::uint32_t;
  CHECK(bytes(std::type_identity<numbers<>>{}) == 144);
  CHECK(bytes(std::type_identity<numbers<chain_of<bucket_options{.filter_bits = 8}>>>{}) == 152);
  CHECK(bytes(std::type_identity<numbers<chain_of<bucket_options{.filter_bits = 32, .link = link_kind::index32}>,
                                         overflow::slabs>>{}) == 144);
  CHECK(bytes(std::type_identity<numbers<chain_of<bucket_options{.align_bytes = 64}>>>{}) == 192);
  CHECK(bytes(std::type_identity<numbers<chain_of<bucket_options{.slots = 7, .align_bytes = 64}>>>{}) == 128);
  CHECK(bytes(std::type_identity<tophash::map<u32, u32>>{}) == 80);
  CHECK(bytes(std::type_identity<
              tophash::map<u32, u32, chain_of<bucket_options{.link = link_kind::index32}>, overflow::slabs>>{}) == 76);
}

TEST_CASE("buckets: a filter spares a miss the overflow buckets, and forgets what was erased", "[layout]") {
  using filtered = numbers<comparing, growth::eager, load<100>, chain_of<bucket_options{.slots = 2, .filter_bits = 8}>>;
  filtered m(1);
  REQUIRE(m.stats().units == 1);
  // Two in the main bucket, then the tags 18 and 20 in an overflow bucket: the filter's bits 2 and 4.
  for (const u64 tag : {16u, 17u, 18u, 20u}) m.try_emplace(tagged(0, tag, 1), tag);
  REQUIRE(m.stats().overflow_in_use == 1);
  check_sound(m);
  const auto compared = [&m](u64 key) {
    const u64 before = comparing::made;
    CHECK_FALSE(m.contains(key));
    return comparing::made - before;
  };
  CHECK(compared(tagged(0, 18, 2)) == 1);
  CHECK(compared(tagged(0, 19, 2)) == 0);
  CHECK(m.at(tagged(0, 20, 1)) == 20);
  m.erase(tagged(0, 18, 1));
  check_sound(m);
  CHECK(m.at(tagged(0, 20, 1)) == 20);
  // In a place that became free before the chain's end, and beyond it.
  m.erase(tagged(0, 16, 1));
  m.try_emplace(tagged(0, 27, 1), 27u);
  m.try_emplace(tagged(0, 28, 1), 28u);
  m.try_emplace(tagged(0, 31, 1), 31u);
  check_sound(m);
  for (const u64 tag : {17u, 20u, 27u, 28u, 31u}) CHECK(m.at(tagged(0, tag, 1)) == tag);
  m.erase(tagged(0, 20, 1));
  m.erase(tagged(0, 28, 1));
  m.erase(tagged(0, 31, 1));
  check_sound(m);
  CHECK(m.stats().overflow_in_use == 0);
}

TEST_CASE("slabs: numbers, recycling, and slabs that go back when nothing is in use", "[policies]") {
  constexpr request block{.bytes = 24, .align = 8, .use = purpose::overflow, .trace = nullptr};
  recording_resource resource;
  recording<> storage(resource);
  overflow::slabs source;
  std::vector<void*> held;
  const auto number_of = [](const void* p) {
    std::uint32_t n = 0;
    std::memcpy(&n, p, sizeof n);
    return n;
  };
  for (std::uint32_t i = 0; i != 300; ++i) {
    void* const p = source.acquire(storage, block);
    REQUIRE(p != nullptr);
    REQUIRE(number_of(p) == blocks_a_place + i);
    held.push_back(p);
  }
  for (std::uint32_t i = 0; i != 300; ++i) {
    const std::uint32_t n = blocks_a_place + i;
    CHECK(held[i] == static_cast<unsigned char*>(source.places()[n / blocks_a_place]) + n % blocks_a_place * block.bytes);
  }
  CHECK(source.counts().requested == 300);
  // At most an eighth waits.
  CHECK(source.counts().kept <= 300 / 8);
  std::size_t reported = 0;
  source.report(block, [&reported](purpose, std::size_t bytes, std::size_t count) { reported += bytes * count; });
  CHECK(reported == resource.live_bytes(purpose::overflow) + resource.live_bytes(purpose::directory));
  source.release(storage, held[7], block);
  const u64 recycled = source.counts().recycled;
  CHECK(source.acquire(storage, block) == held[7]);
  CHECK(number_of(held[7]) == blocks_a_place + 7);
  CHECK(source.counts().recycled == recycled + 1);
  source.drain(storage, block);
  CHECK(source.counts().kept + 300 == (reported - resource.live_bytes(purpose::directory)) / block.bytes);
  // A failed request changes nothing.
  while (source.counts().kept != 0) held.push_back(source.acquire(storage, block));
  const auto before = source.counts();
  resource.fail_at(1);
  CHECK(source.acquire(storage, block) == nullptr);
  static_cast<void>(resource.disarm());
  CHECK(source.counts().requested == before.requested);
  CHECK(source.counts().kept == 0);
  overflow::slabs taken(std::move(source));
  CHECK(source.places() == nullptr);
  for (void* p : held) taken.release(storage, p, block);
  taken.drain(storage, block);
  CHECK(taken.counts().kept == 0);
  CHECK(resource.live_bytes(purpose::overflow) + resource.live_bytes(purpose::directory) == 0);
}

TEST_CASE("slabs: storage known at run time, where nobody searches it", "[map]") {
  using late = numbers<chain_of<bucket_options{.slots = 2, .link = link_kind::index32}>, overflow::slabs,
                       allocators::erased>;
  allocators::erased_resource<allocators::system> plain;
  late m{allocators::erased(plain)};
  for (u64 i = 0; i != 200; ++i) m.try_emplace(i, i);
  check_sound(m);
  for (u64 i = 0; i != 200; ++i) CHECK(m.at(i) == i);
  allocators::erased_resource<searched> scanned;
  CHECK_THROWS_WITH(late{allocators::erased(scanned)}, Catch::Contains("use link=pointer"));
}

TEST_CASE("copies: bucket by bucket, each entry in its place", "[map]") {
  const auto compare = []<class Map>(std::type_identity<Map>) {
    // As full as a table gets without growing, so that chains have overflow buckets and a copy needs as many buckets.
    Map m(typename Map::spec_type::hashing{42});
    for (u64 i = 0; i != 416; ++i) m.try_emplace(i * i, i);
    REQUIRE(m.stats().units == 64);
    REQUIRE(m.stats().overflow_in_use > 0);
    const Map copy(m);
    check_sound(copy);
    CHECK(copy.stats().overflow_in_use == m.stats().overflow_in_use);
    auto there = copy.begin();
    bool same = true;
    for (const auto& [key, value] : m) {
      same = same && there->first == key && there->second == value;
      ++there;
    }
    CHECK((same && there == copy.end()));
    // The copy's chains are its own.
    m.clear();
    CHECK(copy.at(415 * 415) == 415);
    Map grown(copy);
    for (u64 i = 416; i != 900; ++i) grown.try_emplace(i * i, i);
    check_sound(grown);
    CHECK(grown.size() == 900);
  };
  using seeded = hashing::seeded<hashing::wyhash>;
  compare(std::type_identity<numbers<seeded>>{});
  compare(std::type_identity<numbers<seeded, chain_of<bucket_options{.filter_bits = 32, .link = link_kind::index32}>,
                                     overflow::slabs>>{});
  compare(std::type_identity<numbers<seeded, chain_of<bucket_options{.group_bytes = 1024}>>>{});
}

TEST_CASE("copies: an observer of inserts hears of each entry, residue is not copied", "[map]") {
  numbers<ear> heard;
  for (u64 i = 0; i != 13; ++i) heard.try_emplace(i, i);
  const numbers<ear> copy(heard);
  CHECK(copy.observer().inserted == 26);
  numbers<deletion::dirty> marked;
  for (u64 i = 0; i != 13; ++i) marked.try_emplace(i, i);
  marked.erase(7);
  const numbers<deletion::dirty> clean(marked);
  CHECK(clean.stats().dirty == 0);
  CHECK(clean.size() == 12);
  check_sound(clean);
}

TEST_CASE("copies: memory that runs out bucket by bucket leaves nothing behind", "[map]") {
  recording_resource resource;
  using recorded = numbers<recording<>, chain_of<bucket_options{.slots = 2}>, load<2>, hashing::seeded<hashing::wyhash>>;
  recorded m(recording<>(resource), hashing::seeded<hashing::wyhash>{42});
  for (u64 i = 0; i != 32; ++i) m.try_emplace(i, i);
  REQUIRE(m.stats().overflow_in_use > 2);
  const std::size_t before = resource.live_bytes(purpose::slots) + resource.live_bytes(purpose::overflow);
  for (long n = 1; n != 4; ++n) {
    resource.fail_at(n);
    CHECK_THROWS_AS(recorded(m), std::bad_alloc);
    static_cast<void>(resource.disarm());
    CHECK(resource.live_bytes(purpose::slots) + resource.live_bytes(purpose::overflow) == before);
  }
}
