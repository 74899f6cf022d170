// SPDX-License-Identifier: Apache-2.0
// Facts about types for collected storage: which standard types cannot hold a pointer to collected memory,
// and the words to say so of one's own. The question is `gc_traits<T>::may_contain_pointers`
// (framework/core). A class is never guessed: it "may" until a specialisation says otherwise. Include this
// before the first use of gc_traits on the types below (strings are in core), in every translation unit
// alike; the collectors' storage does.
#ifndef TOPHASH_GC_FACTS_HPP
#define TOPHASH_GC_FACTS_HPP

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

namespace gc {

// To inherit from:  template <> struct tophash::gc_traits<point> : tophash::gc::holds_no_pointers {};
struct holds_no_pointers {
  static constexpr bool may_contain_pointers = false;
};

// The same for a class whose members are known: true as soon as one of them may.
template <class... Members>
struct holds {
  static constexpr bool may_contain_pointers =
      (gc_traits<std::remove_cv_t<Members>>::may_contain_pointers || ...);
  static constexpr bool collected = (holds_collected<std::remove_cv_t<Members>>() || ...);
};

template <class T>
inline constexpr bool points_into_collected_memory =
    gc_traits<std::remove_cv_t<std::remove_reference_t<T>>>::may_contain_pointers;

// A pointer to collected memory that says so: a T* in layout and behaviour, but a map of it in storage that no
// collector searches does not compile. Not owning; null when made without a pointer.
template <class T>
class collected {
 public:
  constexpr collected() noexcept = default;
  constexpr collected(std::nullptr_t) noexcept {}
  constexpr explicit collected(T* to) noexcept : to_(to) {}

  constexpr T* get() const noexcept { return to_; }
  constexpr T& operator*() const noexcept { return *to_; }
  constexpr T* operator->() const noexcept { return to_; }
  constexpr explicit operator bool() const noexcept { return to_ != nullptr; }
  friend constexpr bool operator==(collected, collected) noexcept = default;

 private:
  T* to_ = nullptr;
};

// May an entry of a map lie in pointer-free storage?
template <class Key, class T>
inline constexpr bool pointer_free_entry =
    !points_into_collected_memory<Key> && !points_into_collected_memory<T>;

}  // namespace gc

template <class T>
struct gc_traits<gc::collected<T>> {
  static constexpr bool may_contain_pointers = true;
  static constexpr bool collected = true;
};

// A vector's buffer comes from operator new, as a string's does. Its elements lie in memory that no collector
// reads, whatever storage holds the vector; those that may point to collected memory are left as "may", since
// such a vector is wrong in either.
template <class T>
struct gc_traits<std::vector<T, std::allocator<T>>> : gc_traits<T> {};

template <class T>
struct gc_traits<std::optional<T>> : gc_traits<std::remove_cv_t<T>> {};

template <class... Ts>
struct gc_traits<std::tuple<Ts...>> : gc::holds<Ts...> {};

template <class... Ts>
struct gc_traits<std::variant<Ts...>> : gc::holds<Ts...> {};

// An exact collector's way into them.
template <class T>
struct is_traceable<std::optional<T>> : is_traceable<T> {};
template <class... Ts>
struct is_traceable<std::tuple<Ts...>> : std::bool_constant<(is_traceable<Ts>::value && ...)> {};

template <class T>
void trace_pointers(pointer_visitor& visit, const std::optional<T>& object) {
  if (object.has_value()) trace_pointers(visit, *object);
}
template <class... Ts>
void trace_pointers(pointer_visitor& visit, const std::tuple<Ts...>& object) {
  std::apply([&visit](const Ts&... members) { (trace_pointers(visit, members), ...); }, object);
}

// Offsets and code, never data of a collector.
template <class Member, class Class>
struct gc_traits<Member Class::*> : gc::holds_no_pointers {};

}  // namespace tophash::inline v1

// By address.
template <class T>
struct std::hash<tophash::gc::collected<T>> {
  std::size_t operator()(tophash::gc::collected<T> p) const noexcept { return std::hash<T*>{}(p.get()); }
};

#endif
