// SPDX-License-Identifier: Apache-2.0
// Deletion policy: what an erase leaves behind. A policy states facts; the layout writes the bytes and the
// table runs the destructors.
//
//   kind        value destroyed  slot reusable                        residue
//   immediate   in erase         at once                              none
//   tombstone   in erase         by the next insert that meets it     a dead slot; lengthens misses
//               (not reusing)    only at a rehash                     the same, until then
//               (hinted)         the same                             the same, until its whole overflow bucket is dead
//   dirty       at sweep         at sweep, or at once by inserting    the entry, hidden from find and
//                                the same key again (resurrection)    iteration
//
//   expression   type            meaning
//   D::facts     deletion_facts  kind, and for a tombstone whether inserts reuse it and whether its mark tells of a run
//
// A dirty entry outlives its erase, so its destructor runs later, at a time the caller does not choose.
// `deferred_destruction<T>` says that this is harmless for T: true for trivially destructible types and for
// strings with the standard allocator (only memory is late), otherwise for the author of T to specialise.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_DELETION_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_DELETION_HPP

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::inline v1 {

template <class D>
concept deletion_policy = option<D> && requires {
  { D::facts } -> std::convertible_to<deletion_facts>;
};

template <class T>
inline constexpr bool deferred_destruction = std::is_void_v<T> || std::is_trivially_destructible_v<T>;

template <class Char, class Traits>
inline constexpr bool deferred_destruction<std::basic_string<Char, Traits, std::allocator<Char>>> = true;

template <class A, class B>
inline constexpr bool deferred_destruction<std::pair<A, B>> = deferred_destruction<A>&& deferred_destruction<B>;

}  // namespace tophash::inline v1

#endif
