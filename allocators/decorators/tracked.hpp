// SPDX-License-Identifier: Apache-2.0
// A backend that is counted by purpose: bytes and blocks live, the peak, allocations, deallocations,
// failures. The counters live in a `tracking_resource`, which the user owns and which outlives the maps; the
// handle is one pointer to it. A handle made without a resource uses the process's own, one for each A.
// Bytes are those requested; where the backend tells sizes (good_size), also those granted. By size class
// too, and by cause: what a table allocates to grow (slots, directory, side), an overflow bucket, a node.
// Exact, from several threads too: every counter is one atomic step, and a peak is the largest value that its
// counter passed through. What a collector reclaims by itself stays live here. In checked builds a
// deallocation that does not fit the live block is reported with purpose and size.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_TRACKED_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_TRACKED_HPP

#include <array>
#include <atomic>
#include <bit>
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

// Since the resource began: what went through, and not what is there.
struct storage_traffic {
  std::uint64_t allocations = 0;
  std::uint64_t requested_bytes = 0;
  std::uint64_t granted_bytes = 0;  // by good_size; 0 throughout where the backend has none

  friend bool operator==(const storage_traffic&, const storage_traffic&) = default;
};

// Blocks of one size class: sizes above the class before, up to bytes_max.
struct class_counts {
  std::uint64_t bytes_max = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t allocations = 0;

  friend bool operator==(const class_counts&, const class_counts&) = default;
};

// Why a table allocates.
enum class allocation_cause : std::uint8_t { growth, overflow, node };
inline constexpr std::size_t allocation_cause_count = 3;

constexpr allocation_cause cause_of(purpose use) noexcept {
  return use == purpose::overflow ? allocation_cause::overflow
         : use == purpose::node   ? allocation_cause::node
                                  : allocation_cause::growth;
}

constexpr const char* allocation_cause_name(allocation_cause c) noexcept {
  constexpr const char* names[allocation_cause_count] = {"growth", "overflow", "node"};
  return names[static_cast<std::size_t>(c)];
}

// Classes four to a doubling: 8, 16, ... 64 by steps of 8 or less, then 80, 96, 112, 128, 160, ... up to
// 2^40. A size is counted within a quarter of itself.
class size_class_meters {
 public:
  static constexpr std::size_t count = 8 + 4 * 34;

  static constexpr std::size_t class_of(std::uint64_t bytes) noexcept {
    if (bytes <= 64) return bytes == 0 ? 0 : static_cast<std::size_t>((bytes - 1) / 8);
    const auto doubling = static_cast<std::size_t>(std::bit_width(bytes - 1));  // 2^(doubling - 1) < bytes
    const std::uint64_t below = std::uint64_t{1} << (doubling - 1);
    const std::size_t c =
        8 + 4 * (doubling - 7) + static_cast<std::size_t>((bytes - 1 - below) / (below / 4));
    return c < count ? c : count - 1;
  }
  static constexpr std::uint64_t bytes_max(std::size_t c) noexcept {
    if (c < 8) return 8 * (c + 1);
    const std::uint64_t below = std::uint64_t{64} << ((c - 8) / 4);
    return below + below / 4 * ((c - 8) % 4 + 1);
  }

  void allocated(std::uint64_t bytes) noexcept {
    meter& m = meters_[class_of(bytes)];
    m.live_bytes.fetch_add(bytes, std::memory_order_relaxed);
    m.allocations.fetch_add(1, std::memory_order_relaxed);
    m.live_blocks.fetch_add(1, std::memory_order_relaxed);
  }
  void deallocated(std::uint64_t bytes) noexcept {
    meter& m = meters_[class_of(bytes)];
    m.live_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    m.live_blocks.fetch_sub(1, std::memory_order_relaxed);
  }
  // An expanded block is one of its new size.
  void resized(std::uint64_t from, std::uint64_t to) noexcept {
    deallocated(from);
    meter& m = meters_[class_of(to)];
    m.live_bytes.fetch_add(to, std::memory_order_relaxed);
    m.live_blocks.fetch_add(1, std::memory_order_relaxed);
  }
  void released_all() noexcept {
    for (meter& m : meters_) {
      m.live_bytes.store(0, std::memory_order_relaxed);
      m.live_blocks.store(0, std::memory_order_relaxed);
    }
  }
  class_counts read(std::size_t c) const noexcept {
    const meter& m = meters_[c];
    return {.bytes_max = bytes_max(c),
            .live_blocks = m.live_blocks.load(std::memory_order_relaxed),
            .live_bytes = m.live_bytes.load(std::memory_order_relaxed),
            .allocations = m.allocations.load(std::memory_order_relaxed)};
  }

 private:
  struct meter {
    std::atomic<std::uint64_t> live_blocks{0}, live_bytes{0}, allocations{0};
  };
  std::array<meter, count> meters_;
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

  storage_traffic traffic(purpose use) const noexcept {
    const auto at = static_cast<std::size_t>(use);
    return {.allocations = meters_[at].read().allocations,
            .requested_bytes = requested_bytes_[at].load(std::memory_order_relaxed),
            .granted_bytes = granted_bytes_[at].load(std::memory_order_relaxed)};
  }
  storage_traffic traffic(allocation_cause cause) const noexcept {
    storage_traffic sum;
    for (std::size_t i = 0; i < purpose_count; ++i) {
      if (cause_of(static_cast<purpose>(i)) != cause) continue;
      const storage_traffic one = traffic(static_cast<purpose>(i));
      sum.allocations += one.allocations;
      sum.requested_bytes += one.requested_bytes;
      sum.granted_bytes += one.granted_bytes;
    }
    return sum;
  }
  // f(const class_counts&) for every size class that was ever allocated from, in order of size.
  template <class F>
  void for_each_size_class(F f) const {
    for (std::size_t c = 0; c < size_class_meters::count; ++c) {
      const class_counts one = classes_.read(c);
      if (one.allocations != 0 || one.live_blocks != 0) f(one);
    }
  }

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
      classes_.allocated(r.bytes);
      requested_bytes_[static_cast<std::size_t>(r.use)].fetch_add(r.bytes, std::memory_order_relaxed);
      if constexpr (requires { backend_.good_size(r); }) {
        granted_bytes_[static_cast<std::size_t>(r.use)].fetch_add(backend_.good_size(r),
                                                                  std::memory_order_relaxed);
      }
    }
    return p;
  }

  void deallocate(void* p, const request& r) noexcept {
    if constexpr (Checked) blocks_.remove(number(p), r, label());
    meter(r).deallocated(r.bytes);
    total_.deallocated(r.bytes);
    classes_.deallocated(r.bytes);
    backend_.deallocate(p, r);
  }

  bool expand(void* p, const request& r, std::size_t n) noexcept {
    if constexpr (Checked) blocks_.check(number(p), r, label());
    if (!backend_.try_expand(p, r, n)) return false;
    if constexpr (Checked) blocks_.resize(number(p), n);
    resize(meter(r), r.bytes, n);
    resize(total_, r.bytes, n);
    classes_.resized(r.bytes, n);
    return true;
  }

  void release_all() noexcept {
    if constexpr (Checked) blocks_.clear();
    for (storage_meter& m : meters_) m.released_all();
    total_.released_all();
    classes_.released_all();
    backend_.release_all();
  }

  // The backend knows best whether it holds more than these bytes: others may have blocks of it.
  bool try_release_all(std::size_t bytes) noexcept {
    if (total_.read().live_bytes != bytes || !backend_.try_release_all(bytes)) return false;
    if constexpr (Checked) blocks_.clear();
    for (storage_meter& m : meters_) m.released_all();
    total_.released_all();
    classes_.released_all();
    return true;
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
  size_class_meters classes_;
  std::array<std::atomic<std::uint64_t>, purpose_count> requested_bytes_{}, granted_bytes_{};
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

  bool try_release_all(std::size_t bytes) const noexcept requires releases_at_once<A> {
    return resource_->try_release_all(bytes);
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
