// SPDX-License-Identifier: Apache-2.0
// A backend with a limit on the bytes that are in use at once: a request that would exceed it is refused with
// null, as by a backend that has no more, and never reaches it. What comes back is available again (failing's
// budget is not). The limit lives in a `limiting_resource`, which the user owns and which outlives the maps;
// the handle is one pointer. Bytes are those requested. Exact from several threads; set_limit() is not for
// concurrent use.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_LIMITED_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_LIMITED_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <tophash/allocators/decorators/forwarded.hpp>

namespace tophash::inline v1 {

namespace allocators {

template <class A>
class limiting_resource {
 public:
  explicit limiting_resource(std::size_t limit_bytes) noexcept : limit_bytes_(limit_bytes) {}
  limiting_resource(A backend, std::size_t limit_bytes) noexcept
      : backend_(std::move(backend)), limit_bytes_(limit_bytes) {}
  limiting_resource(const limiting_resource&) = delete;
  limiting_resource& operator=(const limiting_resource&) = delete;

  // What is in use stays, even above the new limit.
  void set_limit(std::size_t bytes) noexcept { limit_bytes_ = bytes; }

  std::size_t limit_bytes() const noexcept { return limit_bytes_; }
  std::size_t live_bytes() const noexcept { return live_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }
  A& backend() noexcept { return backend_; }

  bool take(std::size_t bytes) noexcept {
    std::size_t live = live_bytes_.load(std::memory_order_relaxed);
    do {
      if (live > limit_bytes_ || bytes > limit_bytes_ - live) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
    } while (!live_bytes_.compare_exchange_weak(live, live + bytes, std::memory_order_relaxed));
    return true;
  }
  void give(std::size_t bytes) noexcept { live_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  void give_all() noexcept { live_bytes_.store(0, std::memory_order_relaxed); }

 private:
  [[no_unique_address]] A backend_{};
  std::size_t limit_bytes_;
  std::atomic<std::size_t> live_bytes_{0};
  std::atomic<std::uint64_t> refused_{0};
};

template <class A>
class limited : public forwarded<limited<A>, A> {
 public:
  using resource_type = limiting_resource<A>;

  static constexpr option_text name() { return limited::decorated_name("limited"); }

  explicit limited(resource_type& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept {
    if (!resource_->take(r.bytes)) return nullptr;
    void* const p = inner().try_allocate(r);
    if (p == nullptr) resource_->give(r.bytes);
    return p;
  }
  void deallocate(void* p, const request& r) const noexcept {
    inner().deallocate(p, r);
    resource_->give(r.bytes);
  }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept requires requires(A& a) {
    a.try_expand(p, r, n);
  }
  {
    if (n > r.bytes && !resource_->take(n - r.bytes)) return false;
    if (!inner().try_expand(p, r, n)) {
      if (n > r.bytes) resource_->give(n - r.bytes);
      return false;
    }
    if (n < r.bytes) resource_->give(r.bytes - n);
    return true;
  }
  void release_all() const noexcept requires requires(A& a) { a.release_all(); }
  {
    inner().release_all();
    resource_->give_all();
  }
  bool try_release_all(std::size_t bytes) const noexcept requires releases_at_once<A> {
    if (bytes != resource_->live_bytes() || !inner().try_release_all(bytes)) return false;
    resource_->give_all();
    return true;
  }

  resource_type& resource() const noexcept { return *resource_; }
  A& inner() const noexcept { return resource_->backend(); }

  friend bool operator==(limited a, limited b) noexcept { return a.resource_ == b.resource_; }

 private:
  resource_type* resource_;
};

template <class A>
limited(limiting_resource<A>&) -> limited<A>;

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
