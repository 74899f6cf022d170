// SPDX-License-Identifier: Apache-2.0
// Backends made of backends: by purpose, by size, one after the other; decorators that limit, write down,
// zero and count by size class and cause. Each has the operations its parts have and no more, keeps the laws,
// and loses nothing when an allocation fails at any point.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/bucket_pool.hpp>
#include <tophash/allocators/by_purpose.hpp>
#include <tophash/allocators/by_size.hpp>
#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/limited.hpp>
#include <tophash/allocators/decorators/logged.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/decorators/zeroed.hpp>
#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/fallback.hpp>
#include <tophash/allocators/pages.hpp>
#include <tophash/allocators/spans.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "laws/allocation.hpp"
#include "support/backends.hpp"

namespace specimens {

using namespace tophash;
using base = tophash::allocators::system;

// The least that a backend can be.
struct bare {
  using axis = axes::allocation;
  static constexpr std::string_view name = "bare";
  void* try_allocate(const request& r) noexcept { return base{}.try_allocate(r); }
  void deallocate(void* p, const request& r) noexcept { base{}.deallocate(p, r); }
  friend bool operator==(bare, bare) noexcept { return true; }
};

// Two kinds of storage that a collector would see differently.
template <visibility Sees>
struct seen_as : bare {
  static constexpr tophash::visibility visibility = Sees;
  friend bool operator==(seen_as, seen_as) noexcept { return true; }
};

}  // namespace specimens

namespace {

using namespace tophash;
using namespace tophash::allocators;
using specimens::bare;
using specimens::seen_as;
using namespace tophash::testing;
using u64 = std::uint64_t;
using base = allocators::system;
using counted = tracked<base, true>;

template <class... Parts>
using purposes = by_purpose<Parts...>;
using overflow_apart = purposes<route<purpose::overflow, bucket_pool<144>>, rest<counted>>;

constexpr laws::allocation_limits quick{.steps = 1'500};

}  // namespace

// ---- combinations

TEST_CASE("storage: by_purpose obeys the laws and takes each purpose where it belongs", "[allocation]") {
  bucket_pool_resource<144> pool;
  tracking_resource<base, true> counts;
  const overflow_apart handle{bucket_pool(pool), tracked(counts)};
  STATIC_REQUIRE(sizeof(overflow_apart) == 2 * sizeof(void*));
  CHECK(breaches(handle, quick) == no_reports());
  CHECK(pair_breaches(handle, overflow_apart{bucket_pool(pool), tracked(counts)}, quick) == no_reports());
  CHECK(option_name<overflow_apart>().view() == "by_purpose(overflow=bucket_pool(144),rest=tracked(system))");
  CHECK(counts.counts(purpose::overflow).allocations == 0);
  const u64 before = counts.counts(purpose::slots).allocations;
  {
    tophash::map<u64, u64, overflow_apart> m{handle};
    // Until a bucket overflows: which key does it depends on the map's seed.
    for (u64 key = 0; key < 2'000 || (m.stats().overflow_in_use == 0 && key < 200'000); ++key)
      m.try_emplace(key, key);
    CHECK(m.stats().overflow_in_use > 0);
    CHECK(pool.live() == m.stats().overflow_in_use);
    CHECK(counts.counts(purpose::slots).allocations > before);
    CHECK(counts.total().live_blocks == 1);
  }
  CHECK(pool.live() == 0);
  CHECK(counts.total().live_blocks == 0);
  bucket_pool_resource<144> other;
  CHECK(handle != overflow_apart{bucket_pool(other), tracked(counts)});
  // Parts without state need no room and no arguments.
  using stateless = purposes<route<purpose::slots, pages<>>, rest<base>>;
  STATIC_REQUIRE(sizeof(stateless) <= 2 && std::is_default_constructible_v<stateless>);
  CHECK(breaches(stateless{}, quick) == no_reports());
}

TEST_CASE("storage: by_size obeys the laws on both sides of its limit", "[allocation]") {
  spans_resource heap{{.reserved_bytes = std::size_t{1} << 28}};
  tracking_resource<pages<>, true> counts;
  using storage = by_size<1024, spans, tracked<pages<>, true>>;
  STATIC_REQUIRE(sizeof(storage) > 2 * sizeof(void*));  // three words: a decorator makes it one
  using one_word = by_size<1024, tracked<spans, true>, tracked<pages<>, true>>;
  tracking_resource<spans, true> small{spans(heap)};
  const one_word handle{tracked(small), tracked(counts)};
  CHECK(breaches(handle, quick) == no_reports());
  CHECK(pair_breaches(handle, handle, quick) == no_reports());
  CHECK(option_name<one_word>().view() == "by_size(1024,small=tracked(spans),large=tracked(pages(32768)))");
  std::size_t larger = 0, smaller = 0;
  small.for_each_size_class([&](const class_counts& c) { larger += c.bytes_max > 1024 ? 1 : 0; });
  counts.for_each_size_class([&](const class_counts& c) { smaller += c.bytes_max <= 1024 ? 1 : 0; });
  CHECK(larger + smaller == 0);
  one_word expanding = handle;
  void* const p = expanding.try_allocate(ask(1'020));
  CHECK(expanding.good_size(ask(1'020)) == 1'024);
  expanding.deallocate(p, ask(1'020));
  STATIC_REQUIRE(!expands<one_word> && tells_good_size<one_word> &&
                 !tells_owner<one_word>);  // pages has neither
}

TEST_CASE("storage: fallback takes from the second what the first refuses", "[allocation]") {
  limiting_resource<base> little{10'000};
  arena_resource<limited<base>> first{limited(little), {.first_chunk_bytes = 4096, .chunk_max_bytes = 4096}};
  tracking_resource<base, true> second;
  using storage = fallback<arena<limited<base>>, counted>;
  const storage handle{arena(first), tracked(second)};
  CHECK(breaches(handle, quick) == no_reports());
  CHECK(pair_breaches(handle, handle, quick) == no_reports());
  CHECK(second.total().allocations > 0);
  CHECK(second.total().live_blocks == 0);
  CHECK(first.live_bytes() == 0);
  CHECK(option_name<storage>().view() == "fallback(arena(limited(system)),tracked(system))");
  STATIC_REQUIRE(storage_fault_of<storage>() == storage_fault::none);
  STATIC_REQUIRE(storage_fault_of<fallback<base, base>>() == storage_fault::unknown_owner);
  STATIC_REQUIRE(storage_fault_of<tracked<fallback<base, base>>>() == storage_fault::unknown_owner);
}

TEST_CASE("storage: a combination says what its parts have in common", "[allocation]") {
  using scanned = seen_as<visibility::scanned>;
  using opaque = seen_as<visibility::opaque>;
  using one_kind = by_size<64, scanned, scanned>;
  using two_kinds = by_size<64, scanned, opaque>;
  STATIC_REQUIRE(storage_fault_of<one_kind>() == storage_fault::none);
  STATIC_REQUIRE(static_visibility<one_kind>() == visibility::scanned);
  STATIC_REQUIRE(storage_fault_of<two_kinds>() == storage_fault::mixed_visibility);
  STATIC_REQUIRE(storage_fault_of<purposes<route<purpose::node, opaque>, rest<two_kinds>>>() ==
                 storage_fault::mixed_visibility);
  STATIC_REQUIRE(storage_fault_of<by_size<64, erased, base>>() == storage_fault::none);
  STATIC_REQUIRE(decides_visibility_at_run_time<by_size<64, erased, base>>());
  STATIC_REQUIRE(returns_zeroed<by_size<64, pages<>, zeroed<base>>>() &&
                 !returns_zeroed<by_size<64, pages<>, base>>());
  STATIC_REQUIRE(hoards_blocks<tracked<purposes<rest<arena<>>>>>() &&
                 !hoards_blocks<purposes<rest<spans>>>());
  using nothing = purposes<route<purpose::slots, base>, rest<bare>>;
  STATIC_REQUIRE(!tells_good_size<nothing> && !expands<nothing> && !tells_owner<nothing> &&
                 !releases<nothing> && !releases_at_once<nothing>);
  using plenty = by_size<64, arena<>, spans>;
  STATIC_REQUIRE(!tells_good_size<plenty> && expands<plenty> && tells_owner<plenty> && releases<plenty>);
  // At once only where one backend answers for everything.
  STATIC_REQUIRE(!releases_at_once<plenty> && releases_at_once<logged<limited<zeroed<arena<>>>>> &&
                 !releases_at_once<zeroed<base>>);
}

// ---- decorators

TEST_CASE("storage: limited counts what is in use, and gives it back", "[allocation]") {
  limiting_resource<spans> resource{spans(resident<spans_resource>()), SIZE_MAX};
  const limited handle{resource};
  CHECK(breaches(handle, quick) == no_reports());
  CHECK(resource.live_bytes() == 0);
  CHECK(option_name<limited<base>>().view() == "limited(system)");
  resource.set_limit(100);
  const u64 refused = resource.refused();
  void* const p = handle.try_allocate(ask(60));
  CHECK(handle.try_allocate(ask(41)) == nullptr);
  void* const q = handle.try_allocate(ask(36));
  REQUIRE(q != nullptr);
  CHECK(resource.live_bytes() == 96);
  CHECK(handle.try_expand(p, ask(60), 64));
  CHECK_FALSE(handle.try_expand(p, ask(64), 65));
  CHECK(resource.live_bytes() == 100);
  CHECK(resource.refused() == refused + 2);
  handle.deallocate(p, ask(64));
  CHECK(resource.live_bytes() == 36);
  handle.deallocate(q, ask(36));
  CHECK(handle.try_allocate(ask(101)) == nullptr);
  CHECK(resource.live_bytes() == 0);
}

TEST_CASE("storage: two runs write one log", "[allocation]") {
  const auto run = [](std::size_t seed_bytes) {
    void* const shift = base{}.try_allocate(ask(seed_bytes));  // other addresses
    std::vector<std::string> lines;
    const log_sink sink{.write =
                            [](void* to, const log_entry& e) noexcept {
                              static_cast<std::vector<std::string>*>(to)->push_back(
                                  std::string(log_event_name(e.what)) + " " + std::to_string(e.block) + " " +
                                  std::to_string(e.asked.bytes) + " " + purpose_name(e.asked.use));
                            },
                        .context = &lines};
    failing_resource<base> faults;
    logging_resource<failing<base>> log{failing(faults), sink};
    {
      tophash::map<u64, std::string, logged<failing<base>>> m{hashing::seeded<hashing::wyhash>{1},
                                                              logged(log)};
      for (u64 key = 0; key < 60; ++key) m.try_emplace(key, "x");
      faults.arm({.nth = 1});
      CHECK_THROWS_AS(m.reserve(10'000), std::bad_alloc);
      faults.disarm();
    }
    base{}.deallocate(shift, ask(seed_bytes));
    return lines;
  };
  const std::vector<std::string> lines = run(16);
  CHECK(lines == run(123'456));
  CHECK(lines.front().starts_with("allocate 1 "));
  std::size_t refused = 0, open = 0;
  for (const std::string& line : lines) {
    refused += line.starts_with("refuse 0 ") ? 1 : 0;
    open += line.starts_with("allocate") ? 1 : 0;
    open -= line.starts_with("deallocate") ? 1 : 0;
    CHECK(line.find("deallocate 0") == std::string::npos);
  }
  CHECK(refused == 1);
  CHECK(open == 0);
  // As text.
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    logging_resource<base> log{log_to_file(file)};
    const logged handle(log);
    CHECK(breaches(handle, {.steps = 100}) == no_reports());
    std::rewind(file);
    handle.deallocate(handle.try_allocate(ask(24, purpose::node, 8)), ask(24, purpose::node, 8));
  }
  std::rewind(file);
  char line[64] = "";
  REQUIRE(std::fgets(line, sizeof line, file) != nullptr);
  CHECK(std::string(line).starts_with("allocate,"));
  CHECK(std::string(line).ends_with(",24,8,node,0\n"));
  std::fclose(file);
}

TEST_CASE("storage: zeroed blocks stay zeroed when they are used again", "[allocation]") {
  spans_resource heap{{.reserved_bytes = std::size_t{1} << 28}};
  STATIC_REQUIRE(returns_zeroed<zeroed<spans>>() && !returns_zeroed<spans>());
  STATIC_REQUIRE(returns_zeroed<tracked<zeroed<base>>>());
  CHECK(breaches(zeroed<spans>{spans(heap)}, quick) == no_reports());
  CHECK(breaches(zeroed<base>{}, quick) == no_reports());
  CHECK(option_name<zeroed<spans>>().view() == "zeroed(spans)");
  const zeroed<spans> handle{spans(heap)};
  auto* const p = static_cast<unsigned char*>(handle.try_allocate(ask(100)));
  for (std::size_t i = 0; i < 112; ++i) p[i] = 0xff;
  CHECK(handle.try_expand(p, ask(100), 110));
  CHECK(p[100] + p[109] == 0);
  CHECK(p[99] == 0xff);
  handle.deallocate(p, ask(110));
}

TEST_CASE("storage: tracked tells size classes, causes, and what was granted", "[allocation]") {
  spans_resource heap{{.reserved_bytes = std::size_t{1} << 28}};
  tracking_resource<spans, true> resource{spans(heap)};
  {
    tophash::map<u64, u64, tracked<spans, true>, presets::go_like> m{tracked(resource)};
    for (u64 key = 0; key < 5'000; ++key) m.try_emplace(key, key);
    const storage_traffic growth = resource.traffic(allocation_cause::growth),
                          overflow = resource.traffic(allocation_cause::overflow);
    CHECK(overflow.allocations == resource.counts(purpose::overflow).allocations);
    CHECK(growth.allocations + overflow.allocations == resource.total().allocations);
    CHECK(growth.requested_bytes + overflow.requested_bytes >= resource.total().peak_bytes);
    CHECK(overflow.requested_bytes == overflow.allocations * 144);
    CHECK(overflow.granted_bytes == overflow.requested_bytes);  // 144 is a class
    CHECK(growth.granted_bytes >= growth.requested_bytes);
    CHECK(resource.traffic(allocation_cause::node) == storage_traffic{});
    u64 blocks = 0, bytes = 0, allocations = 0, largest = 0;
    resource.for_each_size_class([&](const class_counts& c) {
      CHECK(c.bytes_max > largest);
      largest = c.bytes_max;
      CHECK(c.live_bytes <= c.live_blocks * c.bytes_max);
      blocks += c.live_blocks, bytes += c.live_bytes, allocations += c.allocations;
    });
    CHECK(blocks == resource.total().live_blocks);
    CHECK(bytes == resource.total().live_bytes);
    CHECK(allocations == resource.total().allocations);
  }
  resource.for_each_size_class([](const class_counts& c) {
    CHECK(c.live_blocks == 0);
    CHECK(c.live_bytes == 0);
  });
  using classes = size_class_meters;
  std::size_t misplaced = 0;
  for (u64 bytes = 1; bytes < 100'000; ++bytes) {
    const std::size_t c = classes::class_of(bytes);
    misplaced += classes::bytes_max(c) < bytes || (c != 0 && classes::bytes_max(c - 1) >= bytes) ? 1 : 0;
    misplaced += classes::bytes_max(c) > bytes + bytes / 4 + 8 ? 1 : 0;
  }
  CHECK(misplaced == 0);
  CHECK(classes::class_of(~u64{0}) == classes::count - 1);
}

// ---- every allocation fails once

TEST_CASE("storage: a map on combined storage survives every failing allocation", "[map]") {
  tracking_resource<base, true> counts;
  failing_resource<counted> faults{tracked(counts)};
  bucket_pool_resource<144, failing<counted>> spare{failing(faults)};
  using storage =
      purposes<route<purpose::overflow, bucket_pool<144, failing<counted>>>, rest<failing<counted>>>;
  // Overflow buckets one by one, and always the same ones.
  using tested = tophash::map<u64, u64, storage, presets::go_like, overflow::fresh>;
  u64 fired = 0;
  for (u64 n = 1;; ++n) {
    faults.arm({.nth = n});
    {
      tested m{storage(bucket_pool(spare), failing(faults)), tested::spec_type::hashing{u64{1}}};
      u64 expected = 0;
      bool failed = false;
      for (u64 key = 0; key < 400; ++key) {
        const auto result = m.try_insert({key, key});
        failed = failed || !result.allocated;
        expected += result.inserted ? 1 : 0;
      }
      REQUIRE(m.size() == expected);
      REQUIRE(m.check_invariants() == nullptr);
      if (failed) REQUIRE(m.try_insert({1'000'000, 1}).inserted);
    }
    const bool struck = faults.refused() != 0;
    spare.drain();
    REQUIRE(counts.total().live_blocks == 0);
    if (!struck) break;
    ++fired;
  }
  CHECK(fired >= 8);
}
