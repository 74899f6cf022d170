// SPDX-License-Identifier: Apache-2.0
// What a decorator passes on unchanged from the backend under it: its constants (visibility, zeroed, the
// three propagations, what the rules of composition ask) and the questions that need no counting (good_size,
// owns, visibility_now). Only what the backend has: a missing member stays missing, because a composition
// reads absence. Stateless, a base class of no size. Derived has inner(), the backend's handle.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_FORWARDED_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_FORWARDED_HPP

#include <cstddef>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

// A constant cannot be constrained, so each is a base class that is empty when the backend lacks it.
template <class A>
struct forwarded_visibility {};

template <class A>
  requires requires { A::visibility; }
struct forwarded_visibility<A> {
  static constexpr tophash::visibility visibility = A::visibility;
};

template <class A>
struct forwarded_zeroed {};

template <class A>
  requires requires { A::zeroed; }
struct forwarded_zeroed<A> {
  static constexpr bool zeroed = A::zeroed;
};

template <class Derived, class A>
struct forwarded : forwarded_visibility<A>, forwarded_zeroed<A> {
  using axis = axes::allocation;

  // False says the same as absence here, so these need no base class.
  static constexpr bool propagate_on_copy = propagates_on_copy<A>();
  static constexpr bool propagate_on_move = propagates_on_move<A>();
  static constexpr bool propagate_on_swap = propagates_on_swap<A>();
  static constexpr bool thread_bound = is_thread_bound<A>();
  static constexpr bool unsynchronised = is_unsynchronised<A>();
  static constexpr bool hoards = hoards_blocks<A>();
  static constexpr std::size_t align_max_bytes = strictest_align_bytes<A>();
  static constexpr storage_fault composition_fault = storage_fault_of<A>();

  std::size_t good_size(const request& r) const noexcept
    requires requires(A& a) { a.good_size(r); }
  {
    return self().inner().good_size(r);
  }

  bool owns(const void* p) const noexcept
    requires requires(A& a) { a.owns(p); }
  {
    return self().inner().owns(p);
  }

  tophash::visibility visibility_now() const noexcept
    requires requires(const A& a) { a.visibility_now(); }
  {
    return self().inner().visibility_now();
  }

 protected:
  static constexpr option_text decorated_name(std::string_view decorator) {
    option_text out;
    return out.append(decorator).append("(").append(option_name<A>().view()).append(")");
  }

 private:
  const Derived& self() const noexcept { return static_cast<const Derived&>(*this); }
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
