// SPDX-License-Identifier: Apache-2.0
// Each purpose of a map's memory from a backend of its own:
//
//   using namespace tophash::allocators;
//   using storage = by_purpose<route<purpose::overflow, bucket_pool<144>>, rest<mimalloc>>;
//   tophash::map<K, V, storage> m{storage(bucket_pool(spare), mimalloc{})};
//
// In a spec: by_purpose(overflow=bucket_pool(144),rest=mimalloc). The handle holds the handles of its parts,
// in their order: two words in all; parts that need more go into a resource each (a decorator's handle is one
// word whatever is under it). A block goes back to the part that its request names, so a purpose may not
// change between the two. Equal when all parts are. An operation is there when every part has it. Cost: none
// where the purpose is known when compiling, as it is in a table.
#ifndef TOPHASH_ALLOCATORS_BY_PURPOSE_HPP
#define TOPHASH_ALLOCATORS_BY_PURPOSE_HPP

#include <concepts>
#include <cstddef>
#include <utility>

#include <tophash/allocators/combined.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <purpose Use, allocation_backend A>
struct route {
  using backend = A;
  static constexpr bool takes(purpose use) noexcept { return use == Use; }
  static constexpr const char* label() noexcept { return purpose_name(Use); }
};

// The last part: everything that no route takes.
template <allocation_backend A>
struct rest {
  using backend = A;
  static constexpr bool takes(purpose) noexcept { return true; }
  static constexpr const char* label() noexcept { return "rest"; }
};

// The handles of the parts, in a chain.
template <class Part, class... Others>
struct purpose_parts {
  [[no_unique_address]] typename Part::backend mine;
  [[no_unique_address]] purpose_parts<Others...> others;

  template <class F>
  TOPHASH_ALWAYS_INLINE decltype(auto) with(purpose use, F&& f) {
    using result = decltype(f(mine));
    if (Part::takes(use)) return static_cast<result>(f(mine));
    return static_cast<result>(others.with(use, f));
  }
  template <class F>
  bool any(F&& f) {
    return f(mine) || others.any(f);
  }
  bool seen_as(visibility sees) const noexcept { return visibility_of(mine) == sees && others.seen_as(sees); }
  bool equals(const purpose_parts& other) const noexcept {
    return mine == other.mine && others.equals(other.others);
  }
};

template <class Part>
struct purpose_parts<Part> {
  [[no_unique_address]] typename Part::backend mine;

  template <class F>
  TOPHASH_ALWAYS_INLINE decltype(auto) with(purpose, F&& f) {
    return f(mine);
  }
  template <class F>
  bool any(F&& f) {
    return f(mine);
  }
  bool seen_as(visibility sees) const noexcept { return visibility_of(mine) == sees; }
  bool equals(const purpose_parts& other) const noexcept { return mine == other.mine; }
};

template <class... Parts>
class by_purpose : public combined<typename Parts::backend...> {
  static_assert(
      (Parts::takes(purpose::slots) || ...) && (Parts::takes(purpose::overflow) || ...) &&
          (Parts::takes(purpose::node) || ...) && (Parts::takes(purpose::directory) || ...) &&
          (Parts::takes(purpose::side) || ...),
      "tophash[allocation]: by_purpose<...> has no part for some purpose of a map's memory; end it with "
      "rest<A>");
  using parts = purpose_parts<Parts...>;

 public:
  static constexpr storage_fault composition_fault = fault_of_parts<typename Parts::backend...>();

  static constexpr option_text name() {
    option_text out;
    out.append("by_purpose(");
    bool first = true;
    ((out.append(first ? "" : ",")
          .append(Parts::label())
          .append("=")
          .append(option_name<typename Parts::backend>().view()),
      first = false),
     ...);
    return out.append(")");
  }

  by_purpose() noexcept requires(std::default_initializable<typename Parts::backend>&&...) = default;
  explicit by_purpose(typename Parts::backend... handles) noexcept
      : parts_(make<Parts...>(std::move(handles)...)) {}

  void* try_allocate(const request& r) noexcept {
    return parts_.with(r.use, [&r](auto& a) noexcept -> void* { return a.try_allocate(r); });
  }
  void deallocate(void* p, const request& r) noexcept {
    parts_.with(r.use, [p, &r](auto& a) noexcept -> void { a.deallocate(p, r); });
  }
  std::size_t good_size(const request& r) noexcept requires(tells_good_size<typename Parts::backend>&&...) {
    return parts_.with(r.use, [&r](auto& a) noexcept -> std::size_t { return a.good_size(r); });
  }
  bool try_expand(void* p, const request& r, std::size_t n) noexcept
      requires(expands<typename Parts::backend>&&...) {
    return parts_.with(r.use, [p, &r, n](auto& a) noexcept -> bool { return a.try_expand(p, r, n); });
  }
  bool owns(const void* p) noexcept requires(tells_owner<typename Parts::backend>&&...) {
    return parts_.any([p](auto& a) noexcept -> bool { return a.owns(p); });
  }
  void release_all() noexcept requires(releases<typename Parts::backend>&&...) {
    static_cast<void>(parts_.any([](auto& a) noexcept -> bool { return a.release_all(), false; }));
  }
  tophash::visibility visibility_now() const noexcept
      requires(decides_visibility_at_run_time<typename Parts::backend>() || ...) {
    const tophash::visibility first = visibility_of(parts_.mine);
    TOPHASH_CHECK(parts_.seen_as(first), "by_purpose: its parts are not seen alike by a collector");
    return first;
  }

  friend bool operator==(const by_purpose& a, const by_purpose& b) noexcept {
    return a.parts_.equals(b.parts_);
  }

 private:
  template <class Part, class... Others>
  static purpose_parts<Part, Others...> make(typename Part::backend mine,
                                             typename Others::backend... others) noexcept {
    if constexpr (sizeof...(Others) == 0) {
      return {std::move(mine)};
    } else {
      return {std::move(mine), make<Others...>(std::move(others)...)};
    }
  }

  parts parts_;
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
