// SPDX-License-Identifier: Apache-2.0
// The span allocator against a model: size classes, every number it tells, the bitmap of every span, objects
// found by interior addresses; pages that go back to the page heap, merge, and go back to the system; lazy
// sweeping for a collector; spans set aside for survivors to leave.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/spans.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "laws/sampling.hpp"
#include "support/backends.hpp"

namespace {

using namespace tophash;
using namespace tophash::allocators;
using namespace tophash::testing;
using u64 = std::uint64_t;

constexpr spans_options small_heap{.reserved_bytes = std::size_t{1} << 30};

// What is in use, known from outside.
class model {
 public:
  model(spans_resource& heap, u64 seed) : heap_(heap), numbers_(seed) {}

  bool allocate(std::size_t bytes, std::size_t align, bool pointer_free = false) {
    const request r = ask(bytes, purpose::node, align);
    auto* const p = static_cast<unsigned char*>(
        spans(heap_, pointer_free ? span_contents::pointer_free : span_contents::any).try_allocate(r));
    if (p == nullptr) return false;
    REQUIRE(reinterpret_cast<std::uintptr_t>(p) % align == 0);
    p[0] = p[bytes - 1] = 0x5a;
    blocks_[p] = {r, pointer_free};
    return true;
  }
  void deallocate(std::size_t which) {
    auto at = blocks_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(which));
    spans(heap_).deallocate(at->first, at->second.made);
    freed_.push_back(at->first);
    blocks_.erase(at);
  }
  void forget(const unsigned char* p) { blocks_.erase(const_cast<unsigned char*>(p)); }
  void deallocate_all() {
    while (!blocks_.empty()) deallocate(0);
  }
  std::size_t size() const { return blocks_.size(); }
  std::size_t draw(std::size_t bound) { return numbers_.below(bound); }

  // Everything the heap says is what the blocks say.
  void check(bool requests_known = true) {
    span_counts expected;
    std::map<std::uint32_t, std::vector<std::uint32_t>> slots;  // by span
    for (const auto& [p, block] : blocks_) {
      const span_object whole = heap_.object_at(p);
      REQUIRE(whole.begin != nullptr);
      REQUIRE(whole.begin <= p);
      const auto past = static_cast<std::size_t>(p - whole.begin);
      REQUIRE(past + block.made.bytes <= whole.bytes);
      REQUIRE(whole.bytes == spans_resource::good_size(block.made));
      const span_object inner = heap_.object_at(p + block.made.bytes - 1);
      REQUIRE(inner.begin == whole.begin);
      REQUIRE(inner.slot == whole.slot);
      slots[whole.span].push_back(whole.slot);
      ++expected.used_slots;
      expected.used_bytes += whole.bytes;
      expected.requested_bytes += block.made.bytes;
      REQUIRE(heap_.view(whole.span).pointer_free == block.pointer_free);
    }
    std::size_t bytes_of_spans = 0, spans_in_use = 0, slots_of_spans = 0;
    std::set<const unsigned char*> bases;
    heap_.for_each_span([&](const span_view& v) {
      ++spans_in_use;
      bytes_of_spans += v.bytes;
      slots_of_spans += v.slots;
      REQUIRE(bases.insert(v.base).second);
      std::array<u64, span_slots_max / 64> bits{};
      for (const std::uint32_t slot : slots[v.number]) bits[slot / 64] |= u64{1} << (slot % 64);
      REQUIRE(v.allocated == bits);
      REQUIRE(v.used == slots[v.number].size());
    });
    const span_counts told = heap_.counts();
    CHECK(told.used_slots == expected.used_slots);
    CHECK(told.used_bytes == expected.used_bytes);
    if (requests_known) CHECK(told.requested_bytes == expected.requested_bytes);
    CHECK(told.spans == spans_in_use);
    CHECK(told.slots == slots_of_spans);
    CHECK(told.span_bytes == bytes_of_spans);
    CHECK(told.trapped_bytes() == bytes_of_spans - expected.used_bytes);
    CHECK(told.resident_bytes <= told.span_bytes + told.free_bytes);
    CHECK(told.resident_bytes >= told.span_bytes);
    for (const unsigned char* p : freed_) {
      const span_object there = heap_.object_at(p);
      if (there.begin == nullptr) continue;
      const auto again = blocks_.lower_bound(there.begin);  // taken again, by another block
      REQUIRE(again != blocks_.end());
      REQUIRE(again->first < there.begin + there.bytes);
    }
    freed_.clear();
  }

  struct known {
    request made;
    bool pointer_free;
  };
  const std::map<unsigned char*, known>& blocks() const { return blocks_; }

 private:
  spans_resource& heap_;
  laws::sampler numbers_;
  std::map<unsigned char*, known> blocks_;
  std::vector<unsigned char*> freed_;
};

std::size_t spans_of(const spans_resource& heap) { return heap.counts().spans; }

}  // namespace

TEST_CASE("spans: the size classes are Go's", "[spans]") {
  STATIC_REQUIRE(span_classes.size() == 67);
  const auto class_of = [](std::size_t bytes) { return span_classes[span_class_for(bytes)]; };
  CHECK(class_of(144).slot_bytes == 144);
  CHECK(class_of(144).slots == 56);
  CHECK(class_of(208).slots == 39);
  CHECK(class_of(1).slot_bytes == 8);
  CHECK(class_of(1025).slot_bytes == 1152);
  CHECK(class_of(2592).slot_bytes == 2688);
  CHECK(class_of(32'768).slot_bytes == 32'768);
  const std::array<std::uint32_t, 10> last{16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768};
  for (std::size_t i = 0; i < 9; ++i) CHECK(span_classes[58 + i].slot_bytes == last[i]);
  std::size_t wrong_quotients = 0, wasteful = 0, wrong_class = 0;
  for (const span_class& c : span_classes) {
    for (u64 offset = 0; offset < c.pages * span_page_bytes; ++offset) {
      wrong_quotients += offset * c.reciprocal >> 32 != offset / c.slot_bytes ? 1 : 0;
    }
    const std::size_t tail = c.pages * span_page_bytes - std::size_t{c.slots} * c.slot_bytes;
    wasteful += tail > c.pages * span_page_bytes / 8 ? 1 : 0;
  }
  for (std::size_t bytes = 1; bytes <= span_slot_bytes_max; ++bytes) {
    const std::size_t c = span_class_for(bytes);
    wrong_class +=
        span_classes[c].slot_bytes < bytes || (c != 0 && span_classes[c - 1].slot_bytes >= bytes) ? 1 : 0;
  }
  CHECK(wrong_quotients == 0);
  CHECK(wasteful == 0);
  CHECK(wrong_class == 0);
}

TEST_CASE("spans: every number is what a model counts", "[spans]") {
  spans_resource heap{small_heap};
  model blocks(heap, 7);
  for (int step = 0; step < 12'000; ++step) {
    const bool shrinking = step / 1'500 % 2 == 1;
    if (blocks.size() != 0 && blocks.draw(10) < (shrinking ? 7u : 3u)) {
      blocks.deallocate(blocks.draw(blocks.size()));
    } else {
      const std::size_t kind = blocks.draw(100);
      const std::size_t bytes = kind < 2    ? 32'769 + blocks.draw(200'000)
                                : kind < 12 ? 1 + blocks.draw(32'768)
                                            : 8 * (1 + blocks.draw(40));
      const std::size_t align = kind == 50 ? 16'384 : std::size_t{1} << blocks.draw(kind < 8 ? 13 : 5);
      REQUIRE(blocks.allocate(bytes, align, blocks.draw(3) == 0));
    }
    if (step % 400 == 399) blocks.check();
    if (step % 3'000 == 2'999) {
      const std::size_t before = heap.counts().resident_bytes;
      const std::size_t given = heap.scavenge();
      const span_counts now = heap.counts();
      CHECK(now.resident_bytes == before - given);
      CHECK(now.resident_bytes == now.span_bytes);  // not a free page is held
      blocks.check();
    }
  }
  blocks.deallocate_all();
  blocks.check();
  CHECK(spans_of(heap) <= 2 * span_class_count);  // current spans only
  heap.scavenge();
  CHECK(heap.counts().span_bytes == 0);
  CHECK(heap.counts().resident_bytes == 0);
  CHECK_FALSE(heap.owns(&blocks));
}

TEST_CASE("spans: a span is reused by its class at once, an empty one by any", "[spans]") {
  spans_resource heap{small_heap};
  const spans s(heap);
  const request r = ask(144, purpose::overflow, 8);
  std::vector<void*> blocks;
  for (int i = 0; i < 56 * 10; ++i) blocks.push_back(s.try_allocate(r));
  CHECK(spans_of(heap) == 10);
  // One slot of each comes back: the next ten need no new span.
  for (std::size_t i = 0; i < 10; ++i) s.deallocate(blocks[i * 56 + 3], r);
  for (std::size_t i = 0; i < 10; ++i) blocks[i * 56 + 3] = s.try_allocate(r);
  CHECK(spans_of(heap) == 10);
  CHECK(heap.counts().used_slots == 560);
  // All but one of each: nothing goes back, another size takes fresh pages.
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 56 != 0) s.deallocate(blocks[i], r);
  }
  CHECK(spans_of(heap) == 10);
  CHECK(heap.counts().free_bytes == 0);
  CHECK(heap.counts().trapped_bytes() == 10 * (8192 - 144));
  // The last ones: the pages are free, neighbours merged, and serve a large block.
  for (std::size_t i = 0; i < 10; ++i) s.deallocate(blocks[i * 56], r);
  CHECK(heap.counts().free_bytes >= 9 * 8192);
  const std::size_t pages_ever = heap.counts().free_bytes + heap.counts().span_bytes;
  heap.scavenge(0);  // gives up the empty current span
  void* const large = s.try_allocate(ask(10 * 8192));
  CHECK(heap.counts().free_bytes + heap.counts().span_bytes == pages_ever);
  s.deallocate(large, ask(10 * 8192));
}

TEST_CASE("spans: free runs merge with both neighbours", "[spans]") {
  spans_resource heap{small_heap};
  const spans s(heap);
  std::array<void*, 5> runs{};
  const request r = ask(5 * 8192), all = ask(25 * 8192);
  std::array<std::size_t, 5> order{0, 1, 2, 3, 4};
  do {
    for (void*& p : runs) p = s.try_allocate(r);
    for (const std::size_t i : order) s.deallocate(runs[i], r);
    void* const whole = s.try_allocate(all);
    CHECK(whole == *std::min_element(runs.begin(), runs.end()));
    s.deallocate(whole, all);
    CHECK(heap.counts().free_bytes == 25 * 8192);
  } while (std::next_permutation(order.begin(), order.end()));
  // The smallest run that fits, and its rest is free.
  heap.release_all();
  CHECK(heap.counts().free_bytes == 25 * 8192);
  static_cast<void>(s.try_allocate(all));
  void* const shorter = s.try_allocate(ask(140 * 8192));
  static_cast<void>(s.try_allocate(r));
  void* const longer = s.try_allocate(ask(200 * 8192));
  static_cast<void>(s.try_allocate(r));
  s.deallocate(shorter, ask(140 * 8192));
  s.deallocate(longer, ask(200 * 8192));
  CHECK(s.try_allocate(ask(139 * 8192)) == shorter);
  CHECK(heap.counts().free_bytes == (1 + 200) * 8192);
  CHECK(s.try_allocate(ask(8192)) == static_cast<unsigned char*>(shorter) + 139 * 8192);
  CHECK(s.try_allocate(ask(150 * 8192)) == longer);
  heap.release_all();
  CHECK(heap.counts().span_bytes == 0);
  CHECK(heap.live_bytes() == 0);
}

TEST_CASE("spans: memory goes back to the system by policy", "[spans]") {
  const auto play = [](scavenging when, give_back how) {
    spans_resource heap{{.reserved_bytes = std::size_t{1} << 28, .when = when, .how = how}};
    const spans s(heap);
    const request r = ask(std::size_t{1} << 20);
    void* const p = s.try_allocate(r);
    std::memset(p, 0xff, r.bytes);
    CHECK(heap.counts().resident_bytes == r.bytes);
    s.deallocate(p, r);
    const std::size_t after_free = heap.counts().resident_bytes;
    const std::size_t given = heap.scavenge(300'000);
    const std::size_t after_request = heap.counts().resident_bytes;
    CHECK(after_free == after_request + given);
    auto* const again = static_cast<unsigned char*>(s.try_allocate(r));
    CHECK(again == p);
    const bool kept = again[12'345] == 0xff;
    s.deallocate(again, r);
    return std::array<std::size_t, 4>{after_free, given, after_request, kept ? std::size_t{1} : 0};
  };
  constexpr std::size_t all = std::size_t{1} << 20;
  CHECK(play(scavenging::never, give_back::at_once) == std::array<std::size_t, 4>{all, 0, all, 1});
  CHECK(play(scavenging::on_request, give_back::at_once) == std::array<std::size_t, 4>{all, all, 0, 0});
  CHECK(play(scavenging::at_once, give_back::at_once) == std::array<std::size_t, 4>{0, 0, 0, 0});
  CHECK(play(scavenging::on_request, give_back::keep) == std::array<std::size_t, 4>{all, 0, all, 1});
  CHECK(play(scavenging::on_request, give_back::lazily)[1] == all);
}

TEST_CASE("spans: a heap that is full refuses, and serves again when something came back", "[spans]") {
  spans_resource heap{{.reserved_bytes = span_page_heap::least_reserved_bytes}};
  CHECK(heap.reserved_bytes() == span_page_heap::least_reserved_bytes);
  const spans s(heap);
  CHECK(s.try_allocate(ask(heap.reserved_bytes() + 1)) == nullptr);
  void* const most = s.try_allocate(ask(heap.reserved_bytes() - 8192));
  REQUIRE(most != nullptr);
  void* const small = s.try_allocate(ask(48));
  REQUIRE(small != nullptr);
  CHECK(s.try_allocate(ask(64)) == nullptr);
  CHECK(s.try_allocate(ask(48)) != nullptr);  // its span has room
  CHECK(heap.counts().used_slots == 3);
  s.deallocate(most, ask(heap.reserved_bytes() - 8192));
  CHECK(s.try_allocate(ask(64)) != nullptr);
  heap.release_all();

  tophash::map<u64, u64, spans, presets::go_like> m{spans(heap)};
  CHECK_THROWS_AS(
      [&] {
        for (u64 key = 0; key < 10'000'000; ++key) m.try_emplace(key, key);
      }(),
      std::bad_alloc);
  CHECK(m.size() > 400'000);
  CHECK(m.check_invariants() == nullptr);
  CHECK(heap.live_bytes() == m.memory_report().total_bytes());
}

// ---- for a collector

namespace {

// Marks that a collector would keep beside the spans.
struct marks {
  std::set<const unsigned char*> reached;  // begins of slots
  std::size_t swept = 0;

  static void sweep(void* context, const span_view& v, u64* live) noexcept {
    auto& self = *static_cast<marks*>(context);
    ++self.swept;
    for (std::size_t slot = 0; slot < v.slots; ++slot) {
      const u64 bit = u64{1} << (slot % 64);
      if ((live[slot / 64] & bit) != 0 && self.reached.count(v.base + slot * v.slot_bytes) == 0)
        live[slot / 64] &= ~bit;
    }
  }
};

}  // namespace

TEST_CASE("spans: swept lazily, each span once a round, before its class takes fresh pages", "[spans]") {
  spans_resource heap{small_heap};
  model blocks(heap, 11);
  marks kept;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 3'000; ++i) {
      REQUIRE(blocks.allocate(i % 300 == 0 ? 40'000 : 16 * (1 + blocks.draw(20)), 8));
    }
    kept = {};
    std::vector<const unsigned char*> dead;
    for (const auto& [p, block] : blocks.blocks()) {
      if (blocks.draw(10) == 0) {
        kept.reached.insert(p);
      } else {
        dead.push_back(p);
      }
    }
    const std::size_t spans_before = spans_of(heap);
    heap.start_sweep({.sweep = &marks::sweep, .context = &kept});
    CHECK(kept.swept == 0);
    for (const unsigned char* p : dead) blocks.forget(p);
    // A freed slot of an unswept span, by the program: it is not freed twice.
    if (blocks.size() != 0) blocks.deallocate(blocks.draw(blocks.size()));
    const std::size_t pages_before = heap.counts().span_bytes + heap.counts().free_bytes;
    for (int i = 0; i < 100; ++i) {
      REQUIRE(blocks.allocate(16 * (1 + blocks.draw(20)), 8));  // by and by, by what needs it
      if (i == 50) CHECK(heap.sweep_some(5) == 5);
    }
    CHECK(kept.swept > 5);
    CHECK(kept.swept < spans_before);
    CHECK(heap.counts().span_bytes + heap.counts().free_bytes == pages_before);
    heap.finish_sweep();
    CHECK(kept.swept <= spans_before);
    CHECK(heap.sweep_some(10) == 0);
    blocks.check(false);
  }
  CHECK_FALSE(spans(heap).try_release_all(heap.live_bytes()));  // nobody knows the requests that were swept
  heap.release_all();
  CHECK(spans(heap).try_release_all(0));
}

// ---- for one who relocates

TEST_CASE("spans: survivors leave the spans that are set aside, and the spans go", "[spans]") {
  spans_resource heap{small_heap};
  const spans s(heap);
  const request r = ask(144, purpose::node, 8);
  std::vector<void*> blocks;
  for (int i = 0; i < 56 * 200; ++i) blocks.push_back(s.try_allocate(r));
  std::vector<void*> survivors;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    i % 10 == 0 || i / 56 % 20 == 0 ? survivors.push_back(blocks[i]) : s.deallocate(blocks[i], r);
  }
  CHECK(spans_of(heap) == 200);
  const aside_counts aside = heap.set_aside(50);
  CHECK(aside.spans == 190);  // every twentieth is full
  CHECK(aside.span_bytes == 190 * 8192);
  CHECK(aside.used_bytes < aside.span_bytes / 5);
  std::size_t moved = 0;
  for (void*& p : survivors) {
    if (!heap.is_set_aside(p)) continue;
    void* const fresh = s.try_allocate(r);
    CHECK_FALSE(heap.is_set_aside(fresh));
    s.deallocate(p, r);
    p = fresh;
    moved += r.bytes;
  }
  CHECK(moved == aside.used_bytes);
  CHECK(spans_of(heap) <= 10 + (aside.used_bytes / 144 + 55) / 56);
  CHECK(heap.counts().trapped_share() < 0.1);
  // Ended early: what is left is allocated from again.
  const aside_counts again = heap.set_aside(101);
  CHECK(again.spans <= 1);
  heap.end_aside();
  CHECK_FALSE(heap.is_set_aside(survivors[0]));
  for (void* p : survivors) s.deallocate(p, r);
  CHECK(heap.live_bytes() == 0);
}
