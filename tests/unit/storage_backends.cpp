// SPDX-License-Identifier: Apache-2.0
// The backends beside malloc's kind: the laws on each, keys aligned more strictly than malloc does, what an
// arena and a pool keep and give back, memory resources both ways, and what a checked build says of a wrong
// block.
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <string>
#include <unordered_map>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/bucket_pool.hpp>
#include <tophash/allocators/decorators/limited.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/kept_pages.hpp>
#include <tophash/allocators/pages.hpp>
#include <tophash/allocators/pmr.hpp>
#include <tophash/allocators/spans.hpp>
#include <tophash/allocators/system.hpp>
#if defined(TOPHASH_WITH_MIMALLOC)
#include <tophash/allocators/mimalloc.hpp>
#include <tophash/allocators/mimalloc_heap.hpp>
#endif
#if defined(TOPHASH_WITH_JEMALLOC)
#include <tophash/allocators/jemalloc.hpp>
#endif
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/overflow/none.hpp>

#include "laws/allocation.hpp"
#include "support/backends.hpp"
#include "support/storage.hpp"

namespace {

using namespace tophash;
using namespace tophash::allocators;
using namespace tophash::testing;
using u64 = std::uint64_t;

const std::string none;

}  // namespace

// ---- the laws

TEST_CASE("storage: pages of both sizes obey the laws", "[allocation]") {
  CHECK(breaches(pages<>{}, {.steps = 300}) == no_reports());
  CHECK(breaches(large_pages<8192>{}, {.bytes_max = 3'000'000, .steps = 150}) == no_reports());
  CHECK(option_name<large_pages<>>().view() == "large_pages(32768)");
  const large_pages<> large;
  const request r = ask(5'000'000, purpose::slots, 64);
  CHECK(large.good_size(r) == 3 * large_page_bytes);
  void* const p = large.try_allocate(r);
  REQUIRE(p != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % large_page_bytes == 0);
  large.deallocate(p, r);
  CHECK(pages<>{}.good_size(ask(40'000)) == 40'960);
}

TEST_CASE("storage: kept pages serve the next block of their size, emptied as was asked", "[allocation]") {
  const auto play = [](give_back how) {
    kept_pages_resource resource{{.how = how, .kept_bytes = 1'000'000}};
    const kept_pages k(resource);
    CHECK(breaches(k, {.steps = 400}) == no_reports());
    CHECK(pair_breaches(k, k) == no_reports());
    resource.drain();
    const request r = ask(300'000), other = ask(400'000), small = ask(1'000);
    std::array<unsigned char*, 4> blocks{};
    for (unsigned char*& p : blocks) p = static_cast<unsigned char*>(k.try_allocate(r));
    blocks[2][5'000] = 0xff;
    const std::uint64_t before = resource.recycled();
    k.deallocate(blocks[2], r);
    void* const apart = k.try_allocate(other);
    CHECK(apart != blocks[2]);
    CHECK(k.try_allocate(r) == blocks[2]);
    CHECK(resource.recycled() == before + 1);
    const bool kept = blocks[2][5'000] == 0xff;
    for (unsigned char* p : blocks) k.deallocate(p, r);  // the fourth would be more than is kept
    CHECK(resource.kept_bytes() == 3 * k.good_size(r));
    k.deallocate(apart, other);
    CHECK(k.good_size(r) == 303'104);
    CHECK(k.good_size(small) == 1'000);
    return kept;
  };
  CHECK(play(give_back::keep));
  CHECK_FALSE(play(give_back::at_once));
  static_cast<void>(play(give_back::lazily));  // kept or not, as the system pleases
}

TEST_CASE("storage: an arena obeys the laws over any backend", "[allocation]") {
  arena_resource small{arena_options{.first_chunk_bytes = 256, .chunk_max_bytes = 4096}};
  arena_resource<pages<>> of_pages;
  CHECK(breaches(arena(small)) == no_reports());
  CHECK(breaches(arena(of_pages)) == no_reports());
  CHECK(pair_breaches(arena(small), arena(small)) == no_reports());
  CHECK(arena(small) == arena(small));
  arena_resource other;
  CHECK(arena(small) != arena(other));
  CHECK(option_name<arena<pages<>>>().view() == "arena(pages(32768))");
}

TEST_CASE("storage: over a handle whose backend only run time knows, visibility is that backend's",
          "[allocation]") {
  erased_resource<allocators::system> keeper;
  arena_resource<erased> memory{erased(keeper)};
  bucket_pool_resource<size_at_run_time, erased> pool{144, erased(keeper)};
  CHECK(visibility_of(arena(memory)) == visibility::opaque);
  CHECK(visibility_of(bucket_pool(pool)) == visibility::opaque);
  CHECK(breaches(bucket_pool(pool), {.steps = 500}) == no_reports());
  CHECK(pool.recycled() > 0);
}

TEST_CASE("storage: a bucket pool obeys the laws", "[allocation]") {
  bucket_pool_resource<144> pool;
  CHECK(breaches(bucket_pool(pool)) == no_reports());
  CHECK(pool.live() == 0);
  CHECK(pool.recycled() > 0);
  bucket_pool_resource<64, pages<>> of_pages{pages<>{}, 3};
  CHECK(breaches(bucket_pool(of_pages)) == no_reports());
  CHECK(pair_breaches(bucket_pool(of_pages), bucket_pool(of_pages)) == no_reports());
  CHECK(of_pages.kept() <= 3);
  CHECK(option_name<bucket_pool<144>>().view() == "bucket_pool(144)");
  CHECK(option_name<bucket_pool<64, pages<>>>().view() == "bucket_pool(64,pages(32768))");
}

TEST_CASE("storage: spans obey the laws", "[allocation]") {
  spans_resource heap{{.reserved_bytes = std::size_t{1} << 30}};
  CHECK(breaches(spans(heap)) == no_reports());
  CHECK(breaches(spans(heap, span_contents::pointer_free)) == no_reports());
  CHECK(pair_breaches(spans(heap), spans(heap, span_contents::pointer_free)) == no_reports());
  CHECK(heap.live_bytes() == 0);
}

TEST_CASE("storage: a memory resource obeys the laws, and a backend is one", "[allocation]") {
  std::pmr::unsynchronized_pool_resource pool;
  CHECK(breaches(from_resource(pool)) == no_reports());
  CHECK(pair_breaches(from_resource{}, from_resource{}) == no_reports());
  CHECK(from_resource(pool) != from_resource{});

  recording_resource counted;
  as_resource<recording<>> resource{recording<>(counted)}, same{recording<>(counted)};
  as_resource<recording<>> for_side{recording<>(counted), purpose::side};
  CHECK(resource == same);
  CHECK(resource != for_side);
  CHECK(resource != *std::pmr::new_delete_resource());
  {
    std::pmr::unordered_map<int, std::pmr::string> m(&resource);
    for (int i = 0; i < 200; ++i) m.emplace(i, std::string(40, 'x'));
    CHECK(counted.live_blocks(purpose::node) > 400);
    std::pmr::vector<int> v(100, &for_side);
    CHECK(counted.live_bytes(purpose::side) == 400);
    void* const nothing = resource.allocate(0, 1);
    resource.deallocate(nothing, 0, 1);
    // There and back.
    tophash::map<u64, u64, from_resource> back{from_resource(for_side)};
    for (u64 i = 0; i < 100; ++i) back.try_emplace(i, i);
    CHECK(counted.live_bytes(purpose::side) >= 400 + back.memory_report().total_bytes());
  }
  CHECK(counted.live_blocks() == 0);
  CHECK(counted.error() == none);
  counted.fail_at(1);
  CHECK_THROWS_AS(resource.allocate(8, 8), std::bad_alloc);
  counted.disarm();
}

#if defined(TOPHASH_WITH_MIMALLOC)
TEST_CASE("storage: a heap of mimalloc's obeys the laws", "[allocation]") {
  mimalloc_heap_resource heap, other;
  CHECK(breaches(mimalloc_heap(heap)) == no_reports());
  CHECK(pair_breaches(mimalloc_heap(heap), mimalloc_heap(heap)) == no_reports());
  CHECK(mimalloc_heap(heap) != mimalloc_heap(other));
  CHECK(heap.live_bytes() == 0);
  // The heap is destroyed and made again; blocks of another heap stay.
  const request r = ask(100, purpose::node);
  void* const kept = mimalloc_heap(other).try_allocate(r);
  REQUIRE(mimalloc_heap(heap).try_allocate(r) != nullptr);
  CHECK_FALSE(mimalloc_heap(heap).try_release_all(99));
  CHECK(mimalloc_heap(heap).try_release_all(100));
  CHECK(other.live_bytes() == 100);
  mimalloc_heap(other).deallocate(kept, r);
}
#endif

#if defined(TOPHASH_WITH_JEMALLOC)
TEST_CASE("storage: jemalloc obeys the laws beside the C library's malloc", "[allocation]") {
  const jemalloc j;
  CHECK(breaches(j) == no_reports());
  CHECK(pair_breaches(j, j) == no_reports());
  CHECK_FALSE(jemalloc_replaces_malloc());
  for (std::size_t bytes = 1; bytes <= 131'072; bytes += 1 + bytes / 7) {
    const request r = ask(bytes);
    void* const p = j.try_allocate(r);
    REQUIRE(p != nullptr);
    CHECK(j.good_size(r) == sallocx(p, 0));
    if (bytes <= 8192) CHECK_FALSE(j.try_expand(p, r, j.good_size(r) + 1));
    CHECK(j.try_expand(p, r, j.good_size(r)));
    j.deallocate(p, ask(j.good_size(r)));
  }
}
#endif

// ---- over-aligned keys

namespace {

struct alignas(64) line_key {
  u64 number = 0;
  explicit line_key(u64 n = 0) noexcept : number(n) {}
  friend bool operator==(const line_key& a, const line_key& b) noexcept { return a.number == b.number; }
};

}  // namespace

template <>
struct std::hash<line_key> {
  std::size_t operator()(const line_key& k) const noexcept { return k.number * 0x9e3779b97f4a7c15u; }
};

namespace {

template <class Handle>
void check_lines(Handle handle) {
  const auto play = [](auto& m) {
    for (u64 n = 0; n < 400; ++n) m.try_emplace(line_key(n), n);
    for (u64 n = 0; n < 400; n += 2) m.erase(line_key(n));
    std::size_t misaligned = 0;
    for (const auto& [key, value] : m) {
      misaligned += reinterpret_cast<std::uintptr_t>(&key) % 64 != 0 ? 1 : 0;
      CHECK(key.number == value);
    }
    CHECK(m.size() == 200);
    CHECK(misaligned == 0);
  };
  erased_resource<Handle> keeper{handle};
  const erased storage(keeper);
  INFO(storage.backend_name());
  tophash::map<line_key, u64, erased> chained{storage};
  play(chained);
  tophash::map<line_key, u64, erased, layout::nodes, overflow::none, load<14>> nodes{storage};
  play(nodes);
}

}  // namespace

TEST_CASE("storage: keys of 64-byte alignment on every backend", "[map]") {
  spans_resource heap;
  arena_resource memory;
  bucket_pool_resource<1088> pool;
  std::pmr::unsynchronized_pool_resource resource;
  kept_pages_resource kept;
  check_lines(allocators::system{});
  check_lines(pages<>{});
  check_lines(large_pages<>{});
  check_lines(kept_pages(kept));
  check_lines(spans(heap));
  check_lines(arena(memory));
  check_lines(bucket_pool(pool));
  check_lines(from_resource(resource));
#if defined(TOPHASH_WITH_MIMALLOC)
  mimalloc_heap_resource heap_of_mimalloc;
  check_lines(mimalloc{});
  check_lines(mimalloc_heap(heap_of_mimalloc));
#endif
#if defined(TOPHASH_WITH_JEMALLOC)
  check_lines(jemalloc{});
#endif
  CHECK(heap.live_bytes() + memory.live_bytes() == 0);
}

// ---- what an arena and a pool keep

TEST_CASE("storage: an arena takes back its last block and begins again when all came back", "[allocation]") {
  tracking_resource<allocators::system, true> upstream;
  {
    arena_resource memory{tracked(upstream), {.first_chunk_bytes = 1024, .chunk_max_bytes = 8192}};
    const arena a(memory);
    const request r = ask(100, purpose::node, 8);
    void* const first = a.try_allocate(r);
    void* const second = a.try_allocate(r);
    a.deallocate(second, r);
    CHECK(a.try_allocate(r) == second);
    CHECK_FALSE(a.try_expand(first, r, 101));
    CHECK(a.try_expand(second, r, 400));
    CHECK(memory.live_bytes() == 500);
    CHECK(a.owns(first));
    void* const large = a.try_allocate(ask(100'000));
    CHECK(upstream.total().live_blocks == 2);
    CHECK(memory.held_bytes() == upstream.total().live_bytes);
    a.deallocate(first, r);
    a.deallocate(second, ask(400, purpose::node, 8));
    CHECK(upstream.total().live_blocks == 2);
    a.deallocate(large, ask(100'000));
    CHECK(upstream.total().live_blocks == 1);  // the largest chunk is kept
    CHECK(memory.held_bytes() >= 100'000);
    CHECK_FALSE(a.owns(first));
    a.release_all();
    CHECK(upstream.total().live_blocks == 0);
  }
  CHECK(upstream.total().live_blocks == 0);
  // Upstream refuses the doubled chunk and grants what is needed.
  limiting_resource<allocators::system> tight{6'000};
  arena_resource<limited<allocators::system>> memory{limited(tight), {.first_chunk_bytes = 4096}};
  const arena a(memory);
  CHECK(a.try_allocate(ask(4'000)) != nullptr);
  CHECK(a.try_allocate(ask(1'000)) != nullptr);
  CHECK(a.try_allocate(ask(4'000)) == nullptr);
  CHECK(memory.live_bytes() == 5'000);
  a.release_all();
  CHECK(tight.live_bytes() == 0);
}

TEST_CASE("storage: a bucket pool hands out what came back last, under any purpose", "[map]") {
  tracking_resource<allocators::system, true> upstream;
  {
    bucket_pool_resource<144, tracked<allocators::system, true>> pool{tracked(upstream), 2};
    const bucket_pool b(pool);
    const request overflow = ask(144, purpose::overflow, 8), node = ask(144, purpose::node);
    std::array<void*, 3> blocks{b.try_allocate(overflow), b.try_allocate(node), b.try_allocate(overflow)};
    CHECK(pool.live() == 3);
    b.deallocate(blocks[0], overflow);
    b.deallocate(blocks[1], node);
    b.deallocate(blocks[2], overflow);  // two are kept at most
    CHECK(pool.kept() == 2);
    CHECK(upstream.total().live_blocks == 2);
    CHECK(b.try_allocate(node) == blocks[1]);
    CHECK(b.try_allocate(overflow) == blocks[0]);
    CHECK(pool.recycled() == 2);
    b.deallocate(blocks[0], overflow);
    b.deallocate(blocks[1], node);
    pool.drain();
    CHECK(upstream.total().live_blocks == 0);
    // A map that overflows and is emptied again and again takes the same buckets.
    using map = tophash::map<u64, u64, bucket_pool<144, tracked<allocators::system, true>>>;
    map m{bucket_pool(pool)};
    for (int round = 0; round < 4; ++round) {
      for (u64 key = 0; key < 3'000; ++key) m.try_emplace(key, key);
      m.clear();
    }
    CHECK(pool.recycled() > 10);
  }
  CHECK(upstream.total().live_blocks == 0);
}

// ---- a wrong block is named

#if TOPHASH_CHECKED >= 1
namespace {

template <class Handle>
void check_names_wrong_blocks(Handle handle, const char* backend) {
  using Catch::Contains;
  const request made = ask(100, purpose::overflow, 16);
  static unsigned char foreign[256];
  const std::string of_foreign = dying_words([&] { handle.deallocate(foreign + 16, made); });
  CHECK_THAT(of_foreign,
             Contains(std::string(backend) + ": deallocate: 100 bytes aligned to 16 for overflow") &&
                 !Contains("not aborted"));
  const std::string of_larger = dying_words([&] {
    Handle mine(handle);
    mine.deallocate(mine.try_allocate(made), ask(100'000, purpose::node));
  });
  CHECK_THAT(of_larger, Contains("100000 bytes aligned to 16 for node") && !Contains("not aborted"));
}

}  // namespace

TEST_CASE("storage: a checked build names a wrong block", "[allocation]") {
  using Catch::Contains;
  spans_resource heap;
  arena_resource memory;
  check_names_wrong_blocks(spans(heap), "spans");
  check_names_wrong_blocks(arena(memory), "arena");
#if defined(TOPHASH_WITH_MIMALLOC)
  mimalloc_heap_resource of_mimalloc;
  check_names_wrong_blocks(mimalloc_heap(of_mimalloc), "mimalloc_heap");
#endif
  // Of small blocks these know nothing, and leave them to the C library.
  kept_pages_resource kept;
  const auto of_pages = [](auto handle, const std::string& backend) {
    const request large = ask(100'000, purpose::slots);
    CHECK_THAT(dying_words([&] { handle.deallocate(handle.try_allocate(ask(100)), large); }),
               Contains(backend + ": deallocate: 100000 bytes aligned to 16 for slots: ") &&
                   Contains("no block of whole pages"));
  };
  of_pages(pages<>{}, "pages");
  of_pages(kept_pages(kept), "kept_pages");
  CHECK_THAT(dying_words([&] {
               const request large = ask(100'000, purpose::slots);
               void* const p = kept_pages(kept).try_allocate(large);
               static_cast<void>(kept_pages(kept).try_allocate(large));
               kept_pages(kept).deallocate(p, large);
               kept_pages(kept).deallocate(p, large);
             }),
             Contains("kept_pages: deallocate: ") && Contains("come back already"));
#if defined(TOPHASH_WITH_MIMALLOC)
  CHECK_THAT(dying_words([] {
               mimalloc{}.deallocate(mimalloc{}.try_allocate(ask(100)), ask(100'000, purpose::node));
             }),
             Contains("mimalloc: deallocate: 100000 bytes aligned to 16 for node: the block there is "));
#endif
  // And tracked tells of each backend, whatever that knows.
  const auto is_told = [](auto handle) {
    static unsigned char foreign[256];
    tracking_resource<decltype(handle), true> counts{handle};
    const tracked told{counts};
    CHECK_THAT(dying_words([&] { told.deallocate(foreign + 16, ask(100, purpose::overflow)); }),
               Contains("100 bytes aligned to 16 for overflow: no such live block"));
    CHECK_THAT(dying_words([&] { told.deallocate(told.try_allocate(ask(100)), ask(96, purpose::node)); }),
               Contains("96 bytes aligned to 16 for node") && Contains("100 bytes"));
  };
  is_told(allocators::system{});
  is_told(pages<>{});
  is_told(kept_pages(kept));
  is_told(arena(memory));
  is_told(spans(heap));
  is_told(from_resource{});
#if defined(TOPHASH_WITH_MIMALLOC)
  is_told(mimalloc{});
  is_told(mimalloc_heap(of_mimalloc));
#endif
#if defined(TOPHASH_WITH_JEMALLOC)
  is_told(jemalloc{});
#endif
  const request r = ask(100, purpose::node);
  CHECK_THAT(
      dying_words([&] {
        void* const p = spans(heap).try_allocate(r);
        spans(heap).deallocate(p, r);
        spans(heap).deallocate(p, r);
      }),
      Contains("spans: deallocate: 100 bytes aligned to 16 for node: the block has come back already"));
  CHECK_THAT(dying_words([&] {
               void* const p = spans(heap).try_allocate(r);
               spans(heap).deallocate(static_cast<unsigned char*>(p) + 16, r);
             }),
             Contains("it begins inside a block"));
  CHECK_THAT(dying_words([&] {
               void* const p = spans(heap).try_allocate(ask(50'000));
               spans(heap).deallocate(p, ask(60'000, purpose::directory));
             }),
             Contains("60000 bytes aligned to 16 for directory: the block there has another size"));
  CHECK_THAT(dying_words([] {
               bucket_pool_resource<144> pool;
               void* const p = bucket_pool(pool).try_allocate(ask(144));
               void* const q = bucket_pool(pool).try_allocate(ask(144));
               bucket_pool(pool).deallocate(p, ask(144));
               bucket_pool(pool).deallocate(p, ask(144));
               bucket_pool(pool).deallocate(q, ask(144));
             }),
             Contains("bucket_pool: deallocate: 144 bytes") && Contains("come back already"));
  CHECK_THAT(dying_words([] {
               arena_resource ends;
               static_cast<void>(arena(ends).try_allocate(ask(8)));
             }),
             Contains("arena: the resource ends before a map that uses it"));
}
#endif
