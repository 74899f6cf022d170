// SPDX-License-Identifier: Apache-2.0
// Overflow source: where an overflow bucket comes from and where an emptied one goes. All buckets of one map
// have one size, so a source may keep them and hand them out again.
//
//   expression               type             throws  meaning
//   o.acquire(storage, r)    void*            never   a block for r, recycled or from storage; null with no effect
//   o.release(storage, p, r) void             never   the block may be kept or given back to storage
//   o.drain(storage, r)      void             never   gives back every block it keeps
//   o.counts()               overflow_counts  never   exact since construction
//   O::facts                 overflow_facts
//   o.forget()               void             never   by presence: storage took back every block, the kept ones too; they
//                                                     count as released
// With facts.in_array the blocks come from a tail of the bucket array first, and the source also has
//   O::tail_units(n)         std::size_t      never   buckets wanted behind n main buckets
//   o.adopt(p, n, bytes)     void             never   the tail of a new array, n buckets at p; the present one becomes old
//   o.retire_old()           void             never   the old array and its tail are gone
// With facts.numbers a block has a number from 1 on, which its first four bytes tell when it is acquired and must tell when
// it is released, and the source also has
//   o.places()               void* const*     never   block n lies at places()[n / blocks_a_place], n % blocks_a_place
//                                                     blocks on; an acquire may change it, but moves no block
//   o.report(use, r)                          never   calls use(purpose, bytes, count) for what it holds of storage,
//                                                     which is not one block an overflow bucket
// With facts.shared it uses a resource of its own instead of `storage`, and o.accepts(storage) says, never throwing,
// whether the blocks of both may be mixed; a map of an unaccepted handle is not made.
// `storage` has try_allocate and deallocate as a backend has. A kept block's first word may be used as a link;
// the layout wipes what else may hold pointers before it releases. Movable; a moved-from source keeps nothing.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_OVERFLOW_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_OVERFLOW_HPP

#include <concepts>
#include <cstdint>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

// Numbers that one place of a source with facts.numbers stands for: a small map's first slab has so many buckets.
inline constexpr std::uint32_t blocks_a_place = 8;

struct overflow_counts {
  std::uint64_t requested = 0;  // successful acquires
  std::uint64_t recycled = 0;   // of those, served from kept blocks
  std::uint64_t released = 0;
  std::uint64_t kept = 0;       // blocks held now
  std::uint64_t in_array = 0;   // of those acquired and not released, how many lie in the tail of a bucket array
};

template <class O, class Storage>
concept overflow_source = option<O> && requires(O& o, const O& c, Storage& s, void* p, const request& r) {
  { o.acquire(s, r) } noexcept -> std::same_as<void*>;
  { o.release(s, p, r) } noexcept -> std::same_as<void>;
  { o.drain(s, r) } noexcept -> std::same_as<void>;
  { c.counts() } noexcept -> std::same_as<overflow_counts>;
};

}  // namespace tophash::inline v1

#endif
