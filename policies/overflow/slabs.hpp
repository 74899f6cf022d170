// SPDX-License-Identifier: Apache-2.0
// Overflow buckets from slabs that the map keeps, each with a number, so that a link needs four bytes and not eight
// (bucket_options{.link = link_kind::index32}).
//
//   places:   | unused | slab 0 | slab 1 | slab 2, its first 8 | slab 2, its next 8 | ...
//   numbers:    0..7     8..15    16..23   24..31                32..39
//
// A slab has 8 buckets, or about an eighth of what there is already, rounded down to a power of two: so at most an eighth
// of the buckets wait to be used for the first time. The place of every eight numbers is in a table that doubles; slabs
// never move. An emptied bucket is handed out again before a new one; slabs go back to storage all at once, when none of
// their buckets is in use and the source is drained.
// Counts: recycled are the requests that storage did not see; kept is what the slabs have and no chain holds.
// A copy starts empty; a move takes slabs and counts along. Not thread-safe.
#ifndef TOPHASH_POLICIES_OVERFLOW_SLABS_HPP
#define TOPHASH_POLICIES_OVERFLOW_SLABS_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace overflow {

class slabs {
 public:
  using axis = axes::overflow;
  static constexpr std::string_view name = "slabs";
  static constexpr overflow_facts facts{.recycles = true, .numbers = true};

  constexpr slabs() noexcept = default;
  constexpr slabs(const slabs&) noexcept {}
  constexpr slabs(slabs&& other) noexcept { take(other); }
  constexpr slabs& operator=(const slabs&) noexcept { return *this; }
  constexpr slabs& operator=(slabs&& other) noexcept {
    if (this == &other) return *this;
    TOPHASH_CHECK(held_.places == nullptr, "slabs that are still held are assigned to: drain them first");
    take(other);
    return *this;
  }
  ~slabs() = default;

  // The block's first four bytes tell its number.
  template <class Storage>
  void* acquire(Storage& storage, const request& wanted) noexcept {
    std::uint32_t number = held_.emptied;
    if (number != 0) {
      std::memcpy(&held_.emptied, block_of(number, wanted), sizeof number);
    } else {
      const bool asks = held_.next == held_.end;
      if (asks && !add_slab_slow(storage, wanted)) return nullptr;
      number = held_.next++;
      if (asks) --counts_.recycled;
    }
    ++counts_.requested;
    ++counts_.recycled;
    --counts_.kept;
    void* const block = block_of(number, wanted);
    std::memcpy(block, &number, sizeof number);
    return block;
  }

  template <class Storage>
  void release(Storage&, void* block, const request&) noexcept {
    std::uint32_t number = 0;
    std::memcpy(&number, block, sizeof number);
    TOPHASH_CHECK(number >= blocks_a_place && number < held_.next, "an emptied overflow bucket does not tell its number");
    std::memcpy(block, &held_.emptied, sizeof number);
    held_.emptied = number;
    ++counts_.released;
    ++counts_.kept;
  }

  // While a bucket is in use the slabs stay.
  template <class Storage>
  void drain(Storage& storage, const request& was) noexcept {
    if (held_.places == nullptr || counts_.requested != counts_.released) return;
    for (std::uint32_t first = blocks_a_place; first != held_.end;) {
      const std::uint32_t blocks = slab_after(first);
      storage.deallocate(held_.places[first / blocks_a_place], slab_request(blocks, was));
      first += blocks;
    }
    storage.deallocate(held_.places, places_request(held_.capacity));
    held_ = {};
    counts_.kept = 0;
  }

  constexpr void forget() noexcept {
    held_ = {};
    counts_.released = counts_.requested;
    counts_.kept = 0;
  }

  void* const* places() const noexcept { return held_.places; }
  constexpr overflow_counts counts() const noexcept { return counts_; }

  // O(slabs).
  template <class Use>
  void report(const request& was, Use&& use) const {
    if (held_.places == nullptr) return;
    for (std::uint32_t first = blocks_a_place; first != held_.end;) {
      const std::uint32_t blocks = slab_after(first);
      use(purpose::overflow, slab_request(blocks, was).bytes, std::size_t{1});
      first += blocks;
    }
    use(purpose::directory, places_request(held_.capacity).bytes, std::size_t{1});
  }

 private:
  // As one value, which a move takes.
  struct slab_state {
    void** places = nullptr;
    std::size_t capacity = 0;  // of the table of places
    std::uint32_t next = blocks_a_place;  // no number from here on was handed out
    std::uint32_t end = blocks_a_place;   // ... or has a block
    std::uint32_t emptied = 0;            // a list through the blocks' first four bytes
  };

  static constexpr std::size_t least_places = 4;
  static constexpr std::uint32_t largest_slab = 1u << 16;

  // Blocks of the slab that begins with number `first`: the same each time, so that none keeps its size.
  static constexpr std::uint32_t slab_after(std::uint32_t first) noexcept {
    const std::uint32_t eighth = std::bit_floor(first / 8);
    return eighth < blocks_a_place ? blocks_a_place : eighth < largest_slab ? eighth : largest_slab;
  }
  static constexpr request slab_request(std::uint32_t blocks, const request& block) noexcept {
    request r = block;
    r.bytes = block.bytes * blocks;
    return r;
  }
  static constexpr request places_request(std::size_t capacity) noexcept {
    return {.bytes = capacity * sizeof(void*), .align = alignof(void*), .use = purpose::directory, .trace = nullptr};
  }

  void* block_of(std::uint32_t number, const request& block) const noexcept {
    return static_cast<unsigned char*>(held_.places[number / blocks_a_place]) + number % blocks_a_place * block.bytes;
  }

  // False: memory ran out, or numbers. Nothing changed then, but that there may be room for more places.
  template <class Storage>
  TOPHASH_NOINLINE bool add_slab_slow(Storage& storage, const request& wanted) noexcept {
    const std::uint32_t blocks = slab_after(held_.end);
    if (std::numeric_limits<std::uint32_t>::max() - held_.end < blocks) return false;
    const std::size_t used = held_.end / blocks_a_place;
    const std::size_t places = used + blocks / blocks_a_place;
    if (places > held_.capacity) {
      const std::size_t capacity = std::bit_ceil(places < least_places ? least_places : places);
      void* const table = storage.try_allocate(places_request(capacity));
      if (table == nullptr) return false;
      std::memset(table, 0, capacity * sizeof(void*));
      if (held_.places != nullptr) {
        std::memcpy(table, held_.places, used * sizeof(void*));
        storage.deallocate(held_.places, places_request(held_.capacity));
      }
      held_.places = static_cast<void**>(table);
      held_.capacity = capacity;
    }
    auto* slab = static_cast<unsigned char*>(storage.try_allocate(slab_request(blocks, wanted)));
    if (slab == nullptr) return false;
    for (std::size_t place = used; place != places; ++place, slab += blocks_a_place * wanted.bytes) {
      held_.places[place] = slab;
    }
    held_.end += blocks;
    counts_.kept += blocks;
    return true;
  }

  constexpr void take(slabs& other) noexcept {
    held_ = std::exchange(other.held_, {});
    counts_ = std::exchange(other.counts_, {});
  }

  slab_state held_;
  overflow_counts counts_;
};

}  // namespace overflow

}  // namespace tophash::inline v1

#endif
