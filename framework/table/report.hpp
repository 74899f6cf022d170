// SPDX-License-Identifier: Apache-2.0
// What a table says of itself: memory as classes (purpose, size, count), so that an allocator's rounding can be
// computed afterwards; its counts; the shape of its chains, or of its probe sequences.
#ifndef TOPHASH_FRAMEWORK_TABLE_REPORT_HPP
#define TOPHASH_FRAMEWORK_TABLE_REPORT_HPP

#include <cstddef>
#include <cstdint>

#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

struct memory_class {
  purpose use = purpose::slots;
  std::size_t size_bytes = 0;  // of one block, as requested
  std::size_t count = 0;
};

// Live blocks, by class. At most one class each for the current and the old array (grouped: for the groups and the
// directory of each), overflow buckets in use and kept (in slabs: one for each size of theirs, at most 14, and their table
// of places), boxed keys and boxed entries or values, and the keep-alive list.
// Of tables behind a directory: one for each size of theirs.
class memory_report {
 public:
  void add(purpose use, std::size_t size_bytes, std::size_t count) noexcept {
    if (count == 0 || size_bytes == 0) return;
    for (std::size_t i = 0; i < used_; ++i) {
      if (classes_[i].use == use && classes_[i].size_bytes == size_bytes) {
        classes_[i].count += count;
        return;
      }
    }
    classes_[used_++] = {use, size_bytes, count};
  }
  const memory_class* begin() const noexcept { return classes_; }
  const memory_class* end() const noexcept { return classes_ + used_; }
  std::size_t total_bytes() const noexcept {
    std::size_t sum = 0;
    for (const memory_class& c : *this) sum += c.size_bytes * c.count;
    return sum;
  }

 private:
  memory_class classes_[32];
  std::size_t used_ = 0;
};

struct map_stats {
  std::size_t size = 0;
  std::size_t units = 0;          // main buckets of the current array
  std::size_t old_units = 0;      // of the array being evacuated
  std::size_t old_evacuated = 0;  // of these, the ones that are done
  std::size_t limit = 0;          // entries at which the growth policy is asked
  std::size_t dead = 0;
  std::size_t dirty = 0;
  std::size_t overflow_in_use = 0;
  std::uint64_t growths = 0;  // to another size
  std::uint64_t regrows = 0;  // to a fresh array of the same size
  std::uint64_t evacuated_chains = 0;
  bool growing = false;
  overflow_counts overflow;
  std::size_t tables = 0;           // behind a directory, each with its own growth; 0: there is none
  std::size_t directory_depth = 0;  // of 2^depth places
};

struct chain_shape {
  std::size_t units = 0;
  std::size_t units_with_overflow = 0;
  std::size_t overflow_buckets = 0;
  std::size_t entries = 0;
  std::uint64_t hit_probes = 0;  // sum over entries of their place in the chain, counted over occupied slots from 1
  std::size_t longest_chain_entries = 0;
};

namespace table {

// What a walk over a whole table counts, for its check of itself.
struct recount {
  std::size_t live = 0, dirty = 0, dead = 0, overflow = 0;
};

// Of a map_census, block by block.
inline void add_block(map_census& out, const slot_census& seen, bool counted, bool dirty_kind) noexcept {
  if (!counted) {
    ++out.uncounted;
    return;
  }
  ++out.blocks;
  out.live += seen.live;
  (dirty_kind ? out.dirty : out.dead) += seen.residue;
  out.overflow += seen.overflow;
  out.overflow_empty += seen.overflow_empty;
  out.blocks_with_work += seen.has_work() ? 1 : 0;
}

template <class Storage>
void add_block_of(map_census& out, const Storage& from, const void* block, const request& r, bool dirty_kind) noexcept {
  slot_census seen;
  const bool counted = from.census_of(block, r, seen);
  add_block(out, seen, counted, dirty_kind);
}

template <class Storage>
map_census finished(map_census out, const Storage& from) noexcept {
  if (out.blocks != 0) out.collection = from.census_number();
  return out;
}

}  // namespace table

}  // namespace tophash::inline v1

#endif
