// SPDX-License-Identifier: Apache-2.0
// A backend that fails on demand: the n-th request, every request past a budget of requests or of bytes, or a
// seeded share of them. The plan lives in a `failing_resource`, which the user owns and which outlives the
// maps; the handle is one pointer to it. A handle made without a resource uses the process's own, one for
// each A. A refused request never reaches the backend, so it has no effect. Counting is exact from several
// threads; arm() and disarm() are not for concurrent use.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_FAILING_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_FAILING_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <tophash/allocators/decorators/forwarded.hpp>
#include <tophash/allocators/decorators/resident.hpp>
#include <tophash/framework/core/bits.hpp>

namespace tophash::inline v1 {

namespace allocators {

// When to refuse. The parts combine: a request is refused if any of them says so. Requests are counted from 1
// since arm().
struct failure_plan {
  static constexpr std::uint64_t unlimited = UINT64_MAX;

  std::uint64_t nth = 0;                  // this one alone; 0: none
  std::uint64_t requests = unlimited;     // so many may pass, all later ones are refused
  std::uint64_t bytes = unlimited;        // so many may be given out in total; a deallocation refunds nothing
  double probability = 0;                 // of refusing each
  std::uint64_t seed = 0;                 // the same seed refuses the same requests
};

template <class A>
class failing_resource {
 public:
  failing_resource() = default;
  explicit failing_resource(A backend) noexcept : backend_(std::move(backend)) {}
  explicit failing_resource(const failure_plan& plan) noexcept { arm(plan); }
  failing_resource(A backend, const failure_plan& plan) noexcept : backend_(std::move(backend)) { arm(plan); }
  failing_resource(const failing_resource&) = delete;
  failing_resource& operator=(const failing_resource&) = delete;

  void arm(const failure_plan& plan) noexcept {
    plan_ = plan;
    asked_.store(0, std::memory_order_relaxed);
    refused_.store(0, std::memory_order_relaxed);
    bytes_left_.store(plan.bytes, std::memory_order_relaxed);
  }

  void disarm() noexcept { arm(failure_plan{}); }

  // Since the last arm() or disarm().
  std::uint64_t asked() const noexcept { return asked_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

  const A& backend() const noexcept { return backend_; }
  A& backend() noexcept { return backend_; }

  bool admit(const request& r) noexcept {
    const std::uint64_t turn = asked_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (turn != plan_.nth && turn <= plan_.requests && !unlucky(turn) && spend(r.bytes)) return true;
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  // Takes bytes from the budget, or nothing if they are not there.
  bool spend(std::size_t bytes) noexcept {
    if (plan_.bytes == failure_plan::unlimited) return true;
    std::uint64_t left = bytes_left_.load(std::memory_order_relaxed);
    do {
      if (left < bytes) return false;
    } while (!bytes_left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed));
    return true;
  }

  void refund(std::size_t bytes) noexcept {
    if (plan_.bytes != failure_plan::unlimited) bytes_left_.fetch_add(bytes, std::memory_order_relaxed);
  }

 private:
  bool unlucky(std::uint64_t turn) const noexcept {
    if (plan_.probability <= 0) return false;
    const std::uint64_t draw = next_seed(plan_.seed + turn * golden_ratio_bits);
    return static_cast<double>(draw >> 11) * 0x1p-53 < plan_.probability;
  }

  [[no_unique_address]] A backend_{};
  failure_plan plan_;
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> bytes_left_{failure_plan::unlimited};
};

template <class A>
class failing : public forwarded<failing<A>, A> {
 public:
  static constexpr option_text name() { return failing::decorated_name("failing"); }

  failing() noexcept
    requires std::default_initializable<A>
      : resource_(&resident<failing_resource<A>>()) {}
  explicit failing(failing_resource<A>& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept {
    if (!resource_->admit(r)) return nullptr;
    void* const p = inner().try_allocate(r);
    if (p == nullptr) resource_->refund(r.bytes);
    return p;
  }

  void deallocate(void* p, const request& r) const noexcept { inner().deallocate(p, r); }

  // An expansion is no request, but its bytes come from the same budget.
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept
    requires requires(A& a) { a.try_expand(p, r, n); }
  {
    const std::size_t more = n > r.bytes ? n - r.bytes : 0;
    if (!resource_->spend(more)) return false;
    if (inner().try_expand(p, r, n)) return true;
    resource_->refund(more);
    return false;
  }

  void release_all() const noexcept
    requires requires(A& a) { a.release_all(); }
  {
    inner().release_all();
  }

  bool try_release_all(std::size_t bytes) const noexcept requires releases_at_once<A> {
    return inner().try_release_all(bytes);
  }

  failing_resource<A>& resource() const noexcept { return *resource_; }
  A& inner() const noexcept { return resource_->backend(); }

  friend bool operator==(failing a, failing b) noexcept { return a.resource_ == b.resource_; }

 private:
  failing_resource<A>* resource_;
};

template <class A>
failing(failing_resource<A>&) -> failing<A>;

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
