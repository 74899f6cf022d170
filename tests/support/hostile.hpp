// SPDX-License-Identifier: Apache-2.0
// Types that generic code must not ask for anything but what it documents: no address by operator&, no comma,
// and a namespace whose templates take every unqualified call of a standard function.
#ifndef TOPHASH_TESTS_SUPPORT_HOSTILE_HPP
#define TOPHASH_TESTS_SUPPORT_HOSTILE_HPP

#include <cstddef>
#include <functional>

namespace hostile {

template <int Which>
struct number {
  int value = 0;
  number() = default;
  explicit number(int v) : value(v) {}
  friend bool operator==(const number& a, const number& b) { return a.value == b.value; }
  number* operator&() = delete;
  const number* operator&() const = delete;
  template <class T>
  void operator,(T&&) const = delete;
  template <class T>
  friend void operator,(T&&, const number&) = delete;
};

using key = number<0>;
using mapped = number<1>;

// clang-format off
template <class A, class B> void swap(A&, B&) = delete;
template <class... A> void move(A&&...) = delete;
template <class... A> void forward(A&&...) = delete;
template <class... A> void exchange(A&&...) = delete;
template <class... A> void addressof(A&&...) = delete;
template <class... A> void to_address(A&&...) = delete;
template <class... A> void construct_at(A&&...) = delete;
template <class... A> void destroy_at(A&&...) = delete;
template <class... A> void launder(A&&...) = delete;
template <class... A> void invoke(A&&...) = delete;
template <class... A> void apply(A&&...) = delete;
template <class... A> void get(A&&...) = delete;
template <class... A> void find(A&&...) = delete;
template <class... A> void begin(A&&...) = delete;
template <class... A> void end(A&&...) = delete;
template <class... A> void distance(A&&...) = delete;
template <class... A> void hash_of(A&&...) = delete;
// clang-format on

}  // namespace hostile

template <>
struct std::hash<hostile::key> {
  std::size_t operator()(const hostile::key& k) const noexcept { return static_cast<std::size_t>(k.value); }
};

#endif
