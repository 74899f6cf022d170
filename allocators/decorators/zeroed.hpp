// SPDX-License-Identifier: Apache-2.0
// A backend whose blocks are zeroed when they are given out, so that a table need not touch the tags of a new
// array itself, and nothing of an earlier block shows. Where the backend zeroes its blocks already it is
// asked for no more. Bytes that an expansion adds are zeroed too. No resource: the handle is the backend's.
// Cost: a memset a block.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_ZEROED_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_ZEROED_HPP

#include <concepts>
#include <cstddef>
#include <cstring>
#include <utility>

#include <tophash/allocators/decorators/forwarded.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <class A>
class zeroing : public forwarded<zeroing<A>, A> {
 public:
  static constexpr bool zeroed = true;

  static constexpr option_text name() { return zeroing::decorated_name("zeroed"); }

  zeroing() noexcept requires std::default_initializable<A>
  = default;
  explicit zeroing(A backend) noexcept : backend_(std::move(backend)) {}

  void* try_allocate(const request& r) const noexcept {
    void* const p = backend_.try_allocate(r);
    if constexpr (!returns_zeroed<A>()) {
      if (p != nullptr) std::memset(p, 0, r.bytes);
    }
    return p;
  }
  void deallocate(void* p, const request& r) const noexcept { backend_.deallocate(p, r); }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept requires requires(A& a) {
    a.try_expand(p, r, n);
  }
  {
    if (!backend_.try_expand(p, r, n)) return false;
    if (n > r.bytes) std::memset(static_cast<unsigned char*>(p) + r.bytes, 0, n - r.bytes);
    return true;
  }
  void release_all() const noexcept requires requires(A& a) { a.release_all(); }
  { backend_.release_all(); }
  bool try_release_all(std::size_t bytes) const noexcept requires releases_at_once<A> {
    return backend_.try_release_all(bytes);
  }

  A& inner() const noexcept { return backend_; }

  friend bool operator==(const zeroing& a, const zeroing& b) noexcept { return a.backend_ == b.backend_; }

 private:
  // A handle's constness is not its backend's.
  [[no_unique_address]] mutable A backend_{};
};

// A class cannot have a member of its own name, and the contract calls the constant `zeroed`.
template <class A>
using zeroed = zeroing<A>;

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
