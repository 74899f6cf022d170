// SPDX-License-Identifier: Apache-2.0
// A backend that is counted by purpose: bytes and blocks live, the peak, allocations, deallocations,
// failures. The counters live in a `tracking_resource`, which the user owns and which outlives the maps; the
// handle is one pointer to it. A handle made without a resource uses the process's own, one for each A.
// Bytes are those requested. Exact, from several threads too: every counter is one atomic step, and a peak is
// the largest value that its counter passed through. What a collector reclaims by itself stays live here.
// In checked builds a deallocation that does not fit the live block is reported with purpose and size.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_TRACKED_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_TRACKED_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <tophash/allocators/decorators/forwarded.hpp>
#include <tophash/allocators/decorators/live_blocks.hpp>
#include <tophash/allocators/decorators/resident.hpp>
#include <tophash/framework/core/checked.hpp>

namespace tophash::inline v1 {

namespace allocators {

struct storage_counts {
  std::uint64_t live_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t allocations = 0;
  std::uint64_t deallocations = 0;
  std::uint64_t failed = 0;  // requests that the backend answered with null

  friend bool operator==(const storage_counts&, const storage_counts&) = default;
};

// The counters of one purpose, or of all.
class storage_meter {
 public:
  void grow(std::uint64_t bytes) noexcept {
    const std::uint64_t now = live_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    std::uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
    while (peak < now && !peak_bytes_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
  }
  void shrink(std::uint64_t bytes) noexcept { live_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  void allocated(std::uint64_t bytes) noexcept {
    allocations_.fetch_add(1, std::memory_order_relaxed);
    grow(bytes);
  }
  void deallocated(std::uint64_t bytes) noexcept {
    deallocations_.fetch_add(1, std::memory_order_relaxed);
    shrink(bytes);
  }
  void refused() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }
  void released_all() noexcept {
    deallocations_.store(allocations_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    live_bytes_.store(0, std::memory_order_relaxed);
  }
  void restart_peak() noexcept {
    peak_bytes_.store(live_bytes_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }

  storage_counts read() const noexcept {
    storage_counts c;
    c.live_bytes = live_bytes_.load(std::memory_order_relaxed);
    c.peak_bytes = peak_bytes_.load(std::memory_order_relaxed);
    c.allocations = allocations_.load(std::memory_order_relaxed);
    c.deallocations = deallocations_.load(std::memory_order_relaxed);
    c.live_blocks = c.allocations - c.deallocations;
    c.failed = failed_.load(std::memory_order_relaxed);
    return c;
  }

 private:
  std::atomic<std::uint64_t> live_bytes_{0};
  std::atomic<std::uint64_t> peak_bytes_{0};
  std::atomic<std::uint64_t> allocations_{0};
  std::atomic<std::uint64_t> deallocations_{0};
  std::atomic<std::uint64_t> failed_{0};
};

// Stands where live_blocks would in an unchecked build.
struct unchecked_blocks {};

// Checked is part of the type, so that translation units with different TOPHASH_CHECKED do not share one.
template <class A, bool Checked = (TOPHASH_CHECKED >= 1)>
class tracking_resource {
 public:
  tracking_resource() = default;
  explicit tracking_resource(A backend) noexcept : backend_(std::move(backend)) {}
  tracking_resource(const tracking_resource&) = delete;
  tracking_resource& operator=(const tracking_resource&) = delete;
  ~tracking_resource() {
    if constexpr (Checked) {
      if (!collected()) blocks_.check_none(label());
    }
  }

  storage_counts counts(purpose use) const noexcept { return meters_[static_cast<std::size_t>(use)].read(); }
  // Its peak is that of the sum, at most the sum of the purposes' peaks.
  storage_counts total() const noexcept { return total_.read(); }

  // Peaks count from here, for a measurement that starts with a full map.
  void restart_peaks() noexcept {
    for (storage_meter& m : meters_) m.restart_peak();
    total_.restart_peak();
  }

  const A& backend() const noexcept { return backend_; }
  A& backend() noexcept { return backend_; }

  void* allocate(const request& r) noexcept {
    void* p = backend_.try_allocate(r);
    if constexpr (Checked) {
      if (p != nullptr && !blocks_.add(number(p), r, collected(), label())) {
        backend_.deallocate(p, r);
        p = nullptr;
      }
    }
    if (p == nullptr) {
      meter(r).refused();
      total_.refused();
    } else {
      meter(r).allocated(r.bytes);
      total_.allocated(r.bytes);
    }
    return p;
  }

  void deallocate(void* p, const request& r) noexcept {
    if constexpr (Checked) blocks_.remove(number(p), r, label());
    meter(r).deallocated(r.bytes);
    total_.deallocated(r.bytes);
    backend_.deallocate(p, r);
  }

  bool expand(void* p, const request& r, std::size_t n) noexcept {
    if constexpr (Checked) blocks_.check(number(p), r, label());
    if (!backend_.try_expand(p, r, n)) return false;
    if constexpr (Checked) blocks_.resize(number(p), n);
    resize(meter(r), r.bytes, n);
    resize(total_, r.bytes, n);
    return true;
  }

  void release_all() noexcept {
    if constexpr (Checked) blocks_.clear();
    for (storage_meter& m : meters_) m.released_all();
    total_.released_all();
    backend_.release_all();
  }

 private:
  static constexpr bool collected() noexcept { return static_visibility<A>() != visibility::opaque; }
  static constexpr std::string_view label() noexcept { return label_text.view(); }
  static constexpr option_text label_text =
      option_text{"tracked("}.append(option_name<A>().view()).append(")");

  static std::uintptr_t number(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }

  static void resize(storage_meter& m, std::size_t from, std::size_t to) noexcept {
    to < from ? m.shrink(from - to) : m.grow(to - from);
  }

  storage_meter& meter(const request& r) noexcept { return meters_[static_cast<std::size_t>(r.use)]; }

  [[no_unique_address]] A backend_{};
  std::array<storage_meter, purpose_count> meters_;
  storage_meter total_;
  [[no_unique_address]] std::conditional_t<Checked, live_blocks, unchecked_blocks> blocks_;
};

template <class A, bool Checked = (TOPHASH_CHECKED >= 1)>
class tracked : public forwarded<tracked<A, Checked>, A> {
 public:
  using resource_type = tracking_resource<A, Checked>;

  static constexpr option_text name() { return tracked::decorated_name("tracked"); }

  tracked() noexcept
    requires std::default_initializable<A>
      : resource_(&resident<resource_type>()) {}
  explicit tracked(resource_type& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept { return resource_->allocate(r); }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }

  bool try_expand(void* p, const request& r, std::size_t n) const noexcept
    requires requires(A& a) { a.try_expand(p, r, n); }
  {
    return resource_->expand(p, r, n);
  }

  void release_all() const noexcept
    requires requires(A& a) { a.release_all(); }
  {
    resource_->release_all();
  }

  resource_type& resource() const noexcept { return *resource_; }
  A& inner() const noexcept { return resource_->backend(); }

  friend bool operator==(tracked a, tracked b) noexcept { return a.resource_ == b.resource_; }

 private:
  resource_type* resource_;
};

template <class A, bool Checked>
tracked(tracking_resource<A, Checked>&) -> tracked<A, Checked>;

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
