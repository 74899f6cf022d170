// SPDX-License-Identifier: Apache-2.0
// Allocation backends: the laws on every one that needs no collector, the laws on backends that break one law
// each, the decorators' exact counts and plans, both directions of the standard adaptor, and the erased
// handle.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/allocators/system.hpp>
#if defined(TOPHASH_WITH_MIMALLOC)
#include <tophash/allocators/mimalloc.hpp>
#endif

#include "laws/allocation.hpp"
#include "support/backends.hpp"

namespace {

using namespace tophash;
using namespace tophash::testing;
using allocators::as_std;
using allocators::erased;
using allocators::erased_resource;
using allocators::failing;
using allocators::failing_resource;
using allocators::failure_plan;
using allocators::from_std;
using allocators::storage_counts;
using allocators::tracked;
using allocators::tracking_resource;
using base = allocators::system;

template <class A>
concept has_good_size = requires(A a, request r) {
  a.good_size(r);
};
template <class A>
concept has_try_expand = requires(A a, request r, void* p) {
  a.try_expand(p, r, r.bytes);
};
template <class A>
concept has_owns = requires(A a, void* p) {
  a.owns(p);
};
template <class A>
concept has_visibility = requires {
  A::visibility;
};
template <class A>
concept has_zeroed = requires {
  A::zeroed;
};
template <class A>
concept has_release_all = requires(A a) {
  a.release_all();
};

// The least that a backend can be.
struct bare {
  using axis = axes::allocation;
  static constexpr std::string_view name = "bare";
  void* try_allocate(const request& r) noexcept { return base{}.try_allocate(r); }
  void deallocate(void* p, const request& r) noexcept { base{}.deallocate(p, r); }
  friend bool operator==(bare, bare) noexcept { return true; }
};

}  // namespace

// ---- the laws hold for what we ship

TEST_CASE("system obeys the laws", "[allocation]") {
  STATIC_REQUIRE(std::is_empty_v<base>);
  STATIC_REQUIRE(!has_good_size<base>);
  CHECK(breaches(base{}) == no_reports());
  CHECK(pair_breaches(base{}, base{}) == no_reports());
}

#if defined(TOPHASH_WITH_MIMALLOC)
TEST_CASE("mimalloc obeys the laws and tells its size classes", "[allocation]") {
  const allocators::mimalloc m;
  STATIC_REQUIRE(std::is_empty_v<allocators::mimalloc> && !has_owns<allocators::mimalloc>);
  CHECK(breaches(m) == no_reports());
  CHECK(pair_breaches(m, m) == no_reports());
  for (std::size_t bytes = 1; bytes <= 131'072; bytes += 1 + bytes / 7) {
    const request r = ask(bytes);
    void* const p = m.try_allocate(r);
    REQUIRE(p != nullptr);
    INFO(bytes << " bytes");
    CHECK(m.good_size(r) == mi_usable_size(p));
    CHECK(m.try_expand(p, r, m.good_size(r)));
    CHECK_FALSE(m.try_expand(p, r, m.good_size(r) + 1));
    m.deallocate(p, r);
  }
}

TEST_CASE("mimalloc: a large power-of-two array keeps its size when over-aligned", "[allocation]") {
  const allocators::mimalloc m;
  const request r = ask(std::size_t{1} << 20, purpose::slots, 64);
  void* const p = m.try_allocate(r);
  CHECK(mi_usable_size(p) == r.bytes);
  m.deallocate(p, r);
}

// A shared libmimalloc may interpose malloc, and then `system` measures mimalloc: the build must prevent it.
// Under AddressSanitizer malloc is the sanitizer's anyway.
TEST_CASE("system is not mimalloc in disguise", "[allocation]") {
  CHECK_FALSE(allocators::mimalloc_replaces_malloc());
}
#endif

TEST_CASE("decorators obey the laws", "[allocation]") {
  tracking_resource<base> counts;
  tracking_resource<base, true> checked;
  failing_resource<base> plan;
  CHECK(breaches(tracked{counts}) == no_reports());
  CHECK(breaches(tracked{checked}) == no_reports());
  CHECK(breaches(failing{plan}) == no_reports());
  CHECK(breaches(tracked<failing<bare>>{}) == no_reports());
  CHECK(pair_breaches(tracked{counts}, tracked{counts}) == no_reports());
  CHECK(counts.total().live_blocks == 0);
  CHECK(counts.total().live_bytes == 0);
}

TEST_CASE("adapted standard allocators obey the laws", "[allocation]") {
  std::pmr::unsynchronized_pool_resource pool;
  from_std<std::pmr::polymorphic_allocator<int>> pooled{&pool};
  CHECK(breaches(from_std<std::allocator<int>>{}) == no_reports());
  CHECK(breaches(pooled) == no_reports());
  CHECK(pair_breaches(pooled, from_std<std::pmr::polymorphic_allocator<int>>{}) == no_reports());
}

TEST_CASE("the erased handle obeys the laws", "[allocation]") {
  erased_resource<base> keeper;
  CHECK(breaches(erased{keeper}) == no_reports());
}

// ---- the laws notice what is broken

namespace broken {

// One arena that never takes anything back: a backend on it can misbehave without harming the process.
struct arena {
  static constexpr std::size_t capacity = std::size_t{4} << 20;
  alignas(4096) static inline unsigned char bytes[capacity];
  static inline std::size_t used = 0;

  static void* take(std::size_t size, std::size_t align) noexcept {
    const std::size_t begin = (used + align - 1) / align * align;
    if (size > capacity || begin > capacity - size) return nullptr;
    used = begin + size;
    return bytes + begin;
  }
};

template <class Derived>
struct on_arena {
  using axis = axes::allocation;
  static constexpr std::string_view name = "broken";
  void* try_allocate(const request& r) noexcept { return arena::take(r.bytes, r.align); }
  void deallocate(void*, const request&) noexcept {}
  static bool same(const Derived&, const Derived&) noexcept { return true; }
  friend bool operator==(const Derived& a, const Derived& b) noexcept { return Derived::same(a, b); }
};

struct nothing_wrong : on_arena<nothing_wrong> {};

struct misaligned : on_arena<misaligned> {
  void* try_allocate(const request& r) noexcept {
    auto* const p = static_cast<unsigned char*>(arena::take(r.bytes + 8, r.align));
    return p != nullptr && r.align > 16 && r.use == purpose::node ? p + 8 : p;  // one purpose alone
  }
};

struct twice : on_arena<twice> {
  static inline unsigned calls = 0;
  static inline void* last = nullptr;
  static inline request last_request;
  void* try_allocate(const request& r) noexcept {
    if (++calls % 5 == 0 && r.bytes <= last_request.bytes && r.align <= last_request.align) return last;
    last_request = r;
    return last = arena::take(r.bytes, r.align);
  }
};

struct scribbles : on_arena<scribbles> {
  void deallocate(void* p, const request& r) noexcept { std::memset(p, 0xee, r.bytes + 64); }
};

struct wraps : on_arena<wraps> {
  void* try_allocate(const request& r) noexcept {
    return arena::take((r.bytes + r.align - 1) / r.align * r.align, r.align);
  }
};

struct never_equal : on_arena<never_equal> {
  static bool same(const never_equal&, const never_equal&) noexcept { return false; }
};

struct not_zeroed : on_arena<not_zeroed> {
  static constexpr bool zeroed = true;
  void* try_allocate(const request& r) noexcept {
    void* const p = arena::take(r.bytes, r.align);
    if (p != nullptr && r.bytes > 100) static_cast<unsigned char*>(p)[100] = 1;
    return p;
  }
};

struct too_good : on_arena<too_good> {
  std::size_t good_size(const request& r) const noexcept { return r.bytes / 16 * 16; }
};

struct expands_always : on_arena<expands_always> {
  bool try_expand(void*, const request&, std::size_t) noexcept { return true; }
};

struct expands_badly : on_arena<expands_badly> {
  bool try_expand(void* p, const request& r, std::size_t) noexcept {
    std::memset(p, 0xee, r.bytes);
    return false;
  }
};

struct owns_all : on_arena<owns_all> {
  bool owns(const void*) const noexcept { return true; }
};

struct owns_none : on_arena<owns_none> {
  bool owns(const void*) const noexcept { return false; }
};

struct says_otherwise : on_arena<says_otherwise> {
  tophash::visibility visibility_now() const noexcept { return tophash::visibility::pointer_free; }
};

struct empty_handed : on_arena<empty_handed> {
  void* try_allocate(const request&) noexcept { return nullptr; }
};

struct badly_named : on_arena<badly_named> {
  static constexpr std::string_view name = "Two words";
};

// Handles with an identity.
struct one_way : on_arena<one_way> {
  int id = 0;
  explicit one_way(int i) : id(i) {}
  static bool same(const one_way& a, const one_way& b) noexcept { return a.id <= b.id; }
};

struct disowns : on_arena<disowns> {
  int id = 0;
  explicit disowns(int i) : id(i) {}
  static inline std::map<const void*, int> given;
  void* try_allocate(const request& r) noexcept {
    void* const p = arena::take(r.bytes, r.align);
    given[p] = id;
    return p;
  }
  bool owns(const void* p) const noexcept { return given.count(p) != 0 && given[p] == id; }
};

struct foreign_free : on_arena<foreign_free> {
  int id = 0;
  explicit foreign_free(int i) : id(i) {}
  static inline std::map<const void*, int> given;
  void* try_allocate(const request& r) noexcept {
    void* const p = arena::take(r.bytes, r.align);
    given[p] = id;
    return p;
  }
  void deallocate(void* p, const request& r) noexcept {
    if (given[p] != id) std::memset(p, 0xee, r.bytes + 32);  // as a free list of another size class would
  }
};

const laws::allocation_limits small{.bytes_max = 256, .align_max = 64, .steps = 300};

template <class A>
std::string caught(A a) {
  arena::used = 0;
  std::memset(arena::bytes, 0, arena::capacity);
  std::string all;
  for (const std::string& one : breaches(a, small)) all += one + "\n";
  return all;
}

template <class A>
std::string caught(A a, A b) {
  arena::used = 0;
  std::string all;
  for (const std::string& one : pair_breaches(a, b, small)) all += one + "\n";
  return all;
}

}  // namespace broken

TEST_CASE("each law notices a backend that breaks it", "[allocation]") {
  using Catch::Contains;
  using namespace broken;
  CHECK(caught(nothing_wrong{}).empty());
  CHECK_THAT(caught(misaligned{}), Contains("alignment:") && Contains("for node gave an address 8 past"));
  CHECK_THAT(caught(twice{}), Contains("disjoint:"));
  CHECK_THAT(caught(scribbles{}), Contains("contents:"));
  CHECK_THAT(caught(wraps{}), Contains("refusal:") && Contains("was granted"));
  CHECK_THAT(caught(never_equal{}), Contains("equality:"));
  CHECK_THAT(caught(not_zeroed{}), Contains("zeroed:") && Contains("at 100"));
  CHECK_THAT(caught(too_good{}), Contains("good_size:"));
  CHECK_THAT(caught(expands_always{}), Contains("try_expand:") && Contains("grew over"));
  CHECK_THAT(caught(expands_badly{}), Contains("try_expand:") && Contains("lost its contents"));
  CHECK_THAT(caught(owns_all{}), Contains("owns:"));
  CHECK_THAT(caught(owns_none{}), Contains("owns:"));
  CHECK_THAT(caught(says_otherwise{}), Contains("visibility:"));
  CHECK_THAT(caught(empty_handed{}), Contains("supply:"));
  CHECK_THAT(caught(badly_named{}), Contains("cannot stand in a spec"));
  CHECK_THAT(caught(one_way{1}, one_way{2}), Contains("equality:"));
  CHECK_THAT(caught(disowns{1}, disowns{2}), Contains("owns: an equal handle disowns"));
  CHECK_THAT(caught(foreign_free{1}, foreign_free{2}), Contains("contents:"));
}

// ---- what is absent stays absent

TEST_CASE("decorators add nothing that the backend lacks", "[allocation]") {
  using tracked_bare = tracked<bare>;
  using failing_bare = failing<bare>;
  STATIC_REQUIRE(!has_good_size<tracked_bare> && !has_try_expand<tracked_bare> && !has_owns<tracked_bare>);
  STATIC_REQUIRE(!has_visibility<tracked_bare> && !has_zeroed<tracked_bare> &&
                 !has_release_all<tracked_bare>);
  STATIC_REQUIRE(!has_good_size<failing_bare> && !has_try_expand<failing_bare> && !has_owns<failing_bare>);
  STATIC_REQUIRE(!has_visibility<failing_bare> && !has_zeroed<failing_bare> &&
                 !has_release_all<failing_bare>);
  STATIC_REQUIRE(!decides_visibility_at_run_time<tracked_bare>());
  STATIC_REQUIRE(has_visibility<tracked<base>> && decides_visibility_at_run_time<tracked<erased>>());
  STATIC_REQUIRE(has_try_expand<tracked<erased>> && !has_good_size<tracked<erased>>);
  STATIC_REQUIRE(!std::is_default_constructible_v<erased> &&
                 !std::is_default_constructible_v<tracked<erased>>);
}

TEST_CASE("decorated handles are one pointer and print their nesting", "[allocation]") {
  STATIC_REQUIRE(sizeof(tracked<base>) == sizeof(void*));
  STATIC_REQUIRE(sizeof(tracked<failing<bare>>) == sizeof(void*));
  STATIC_REQUIRE(sizeof(tracked<erased>) == sizeof(void*));  // erased alone is two
  STATIC_REQUIRE(allocation_backend<tracked<erased>> && sizeof(erased) == 2 * sizeof(void*));
  CHECK(option_name<tracked<failing<base>>>().view() == "tracked(failing(system))");
  CHECK(option_name<failing<tracked<bare>>>().view() == "failing(tracked(bare))");
}

// ---- tracked

TEST_CASE("tracked counts by purpose, exactly", "[allocation]") {
  tracking_resource<failing<base>, true> resource;
  tracked handle{resource};
  failing_resource<base>& faults = resource.backend().resource();
  void* const array = handle.try_allocate(ask(1000));
  void* const first = handle.try_allocate(ask(100, purpose::node));
  void* const second = handle.try_allocate(ask(60, purpose::node, 64));
  handle.deallocate(first, ask(100, purpose::node));
  void* const third = handle.try_allocate(ask(10, purpose::node));

  CHECK(resource.counts(purpose::slots) == storage_counts{1000, 1000, 1, 1, 0, 0});
  CHECK(resource.counts(purpose::node) == storage_counts{70, 160, 2, 3, 1, 0});
  CHECK(resource.counts(purpose::side) == storage_counts{});
  CHECK(resource.total() == storage_counts{1070, 1160, 3, 4, 1, 0});

  faults.arm({.nth = 1});
  CHECK(handle.try_allocate(ask(7, purpose::overflow)) == nullptr);
  faults.disarm();
  CHECK(resource.counts(purpose::overflow) == storage_counts{0, 0, 0, 0, 0, 1});
  CHECK(resource.total().failed == 1);

  handle.deallocate(array, ask(1000));
  resource.restart_peaks();
  CHECK(resource.total().peak_bytes == 70);
  CHECK(resource.counts(purpose::slots).peak_bytes == 0);
  handle.deallocate(second, ask(60, purpose::node, 64));
  handle.deallocate(third, ask(10, purpose::node));
  CHECK(resource.total() == storage_counts{0, 70, 0, 4, 4, 1});
}

TEST_CASE("the peak of all is that of the sum, not the sum of the peaks", "[allocation]") {
  tracking_resource<base> resource;
  tracked handle{resource};
  for (const purpose use : {purpose::slots, purpose::side}) {
    void* const p = handle.try_allocate(ask(100, use));
    handle.deallocate(p, ask(100, use));
  }
  CHECK(resource.counts(purpose::slots).peak_bytes == 100);
  CHECK(resource.counts(purpose::side).peak_bytes == 100);
  CHECK(resource.total().peak_bytes == 100);
}

TEST_CASE("tracked counts exactly from several threads", "[allocation]") {
  tracking_resource<base, true> resource;
  std::vector<std::thread> threads;
  constexpr std::uint64_t rounds = 5'000;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&resource] {
      tracked handle{resource};
      for (std::uint64_t i = 0; i < rounds; ++i) {
        void* const kept = handle.try_allocate(ask(32, purpose::node));
        void* const brief = handle.try_allocate(ask(48, purpose::overflow));
        handle.deallocate(brief, ask(48, purpose::overflow));
        handle.deallocate(kept, ask(32, purpose::node));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  const storage_counts c = resource.total();
  CHECK(c.allocations == 3 * 2 * rounds);
  CHECK(c.deallocations == 3 * 2 * rounds);
  CHECK(c.live_bytes == 0);
  CHECK(c.peak_bytes >= 80);
  CHECK(c.peak_bytes <= 3 * 80);
}

TEST_CASE("handles of one resource are equal, of two are not", "[allocation]") {
  tracking_resource<base> a, b;
  CHECK(tracked{a} == tracked{a});
  CHECK(tracked{a} != tracked{b});
  CHECK(tracked<base>{} == tracked<base>{});
  CHECK(tracked<base>{} != tracked{a});
  failing_resource<base> f, g;
  CHECK(failing{f} == failing{f});
  CHECK(failing{f} != failing{g});
}

namespace specimens {
// Expands within a fixed slack, and releases everything by forgetting it.
struct roomy {
  using axis = axes::allocation;
  static constexpr std::string_view name = "roomy";
  static constexpr std::size_t slack_bytes = 64;
  void* try_allocate(const request& r) noexcept { return base{}.try_allocate(ask(r.bytes + slack_bytes)); }
  void deallocate(void* p, const request& r) noexcept { base{}.deallocate(p, r); }
  bool try_expand(void*, const request& r, std::size_t n) noexcept { return n <= r.bytes + slack_bytes; }
  void release_all() noexcept {}
  friend bool operator==(roomy, roomy) noexcept { return true; }
};
}  // namespace specimens

using specimens::roomy;

TEST_CASE("tracked follows an expansion and a release of all", "[allocation]") {
  tracking_resource<roomy, true> resource;
  tracked handle{resource};
  request r = ask(100, purpose::side);
  void* const p = handle.try_allocate(r);
  CHECK_FALSE(handle.try_expand(p, r, 1000));
  CHECK(resource.total().live_bytes == 100);
  REQUIRE(handle.try_expand(p, r, 150));
  CHECK(resource.counts(purpose::side) == storage_counts{150, 150, 1, 1, 0, 0});
  r.bytes = 150;
  handle.deallocate(p, r);
  CHECK(resource.total().live_bytes == 0);
  void* const lost = handle.try_allocate(r);
  handle.release_all();
  CHECK(resource.counts(purpose::side) == storage_counts{0, 150, 0, 2, 2, 0});
  CHECK(resource.total().live_blocks == 0);
  base{}.deallocate(lost, r);
}

TEST_CASE("a checked build names a wrong deallocation", "[allocation]") {
  using Catch::Contains;
  using checked = tracking_resource<base, true>;
  CHECK_THAT(dying_words([] {
               checked resource;
               tracked handle{resource};
               handle.deallocate(handle.try_allocate(ask(128, purpose::overflow)),
                                 ask(64, purpose::overflow));
             }),
             Contains("tracked(system): deallocate: 64 bytes aligned to 16 for overflow") &&
                 Contains("128 bytes aligned to 16 for overflow") && !Contains("not aborted"));
  CHECK_THAT(dying_words([] {
               checked resource;
               tracked handle{resource};
               handle.deallocate(handle.try_allocate(ask(128, purpose::overflow)), ask(128, purpose::node));
             }),
             Contains("128 bytes aligned to 16 for node") && Contains("for overflow") &&
                 !Contains("not aborted"));
  CHECK_THAT(dying_words([] {
               checked resource;
               tracked handle{resource};
               void* const p = handle.try_allocate(ask(32));
               handle.deallocate(p, ask(32));
               handle.deallocate(p, ask(32));
             }),
             Contains("32 bytes aligned to 16 for slots: no such live block") && !Contains("not aborted"));
  CHECK_THAT(dying_words([] {
               checked resource;
               static_cast<void>(tracked{resource}.try_allocate(ask(32, purpose::directory)));
             }),
             Contains("ends before a map that uses it") && Contains("directory") && !Contains("not aborted"));
  CHECK_THAT(dying_words([] {
               checked resource;
               tracked handle{resource};
               handle.deallocate(handle.try_allocate(ask(32)), ask(32));
             }),
             Contains("not aborted"));
}

// ---- failing

namespace {
// Which of `n` requests came back null, from 1.
template <class A>
std::vector<int> nulls(const A& handle, int n, std::size_t bytes = 16) {
  std::vector<int> out;
  for (int i = 1; i <= n; ++i) {
    void* const p = handle.try_allocate(ask(bytes));
    if (p == nullptr) {
      out.push_back(i);
    } else {
      handle.deallocate(p, ask(bytes));
    }
  }
  return out;
}
}  // namespace

TEST_CASE("failing refuses the n-th request, and those past a budget", "[allocation]") {
  failing_resource<base> resource;
  failing handle{resource};
  CHECK(nulls(handle, 10).empty());
  CHECK(resource.asked() == 10);
  resource.arm({.nth = 3});
  CHECK(nulls(handle, 10) == std::vector<int>{3});
  CHECK(resource.asked() == 10);
  CHECK(resource.refused() == 1);
  resource.arm({.requests = 7});
  CHECK(nulls(handle, 10) == std::vector<int>{8, 9, 10});
  resource.arm({.requests = 0});
  CHECK(nulls(handle, 2) == std::vector<int>{1, 2});
  resource.arm({.nth = 2, .requests = 4});
  CHECK(nulls(handle, 5) == std::vector<int>{2, 5});
  resource.disarm();
  CHECK(nulls(handle, 10).empty());
}

TEST_CASE("failing keeps a budget of bytes", "[allocation]") {
  failing_resource<base> resource(failure_plan{.bytes = 100});
  failing handle{resource};
  CHECK(nulls(handle, 4, 40) == std::vector<int>{3, 4});
  CHECK(nulls(handle, 2, 20) == std::vector<int>{2});  // 20 are left: a refusal spends nothing
  CHECK(resource.refused() == 3);
}

TEST_CASE("failing: a null of the backend itself spends nothing", "[allocation]") {
  failing_resource<failing<base>> outer;
  failing handle{outer};
  outer.backend().resource().arm({.nth = 1});
  outer.arm({.bytes = 40});
  CHECK(nulls(handle, 2, 40) == std::vector<int>{1});
  CHECK(outer.refused() == 0);
  outer.backend().resource().disarm();
}

TEST_CASE("failing: an expansion spends bytes and is no request", "[allocation]") {
  failing_resource<roomy> resource(failure_plan{.bytes = 50});
  failing handle{resource};
  request r = ask(30);
  void* const p = handle.try_allocate(r);
  REQUIRE(p != nullptr);
  CHECK_FALSE(handle.try_expand(p, r, 60));
  CHECK(handle.try_expand(p, r, 50));
  CHECK(resource.asked() == 1);
  handle.deallocate(p, ask(50));

  resource.arm({.bytes = 200});
  void* const q = handle.try_allocate(r);
  CHECK_FALSE(handle.try_expand(q, r, 150));  // admitted, but the backend cannot
  void* const rest = handle.try_allocate(ask(170));
  CHECK(rest != nullptr);
  handle.deallocate(q, r);
  handle.deallocate(rest, ask(170));
}

TEST_CASE("failing by chance is the same for the same seed", "[allocation]") {
  failing_resource<base> resource;
  failing handle{resource};
  resource.arm({.probability = 0.25, .seed = 7});
  const std::vector<int> first = nulls(handle, 4'000);
  resource.arm({.probability = 0.25, .seed = 7});
  CHECK(nulls(handle, 4'000) == first);
  resource.arm({.probability = 0.25, .seed = 8});
  CHECK(nulls(handle, 4'000) != first);
  CHECK(first.size() > 800);  // mean 1,000, deviation 27
  CHECK(first.size() < 1'200);
  resource.arm({.probability = 1.0});
  CHECK(nulls(handle, 3).size() == 3);
  resource.arm({.probability = 0.0});
  CHECK(nulls(handle, 3).empty());
}

// ---- standard adaptors

namespace {

using counted = tracked<base, true>;
template <class T, purpose Use = purpose::node>
using counted_allocator = as_std<T, counted, Use>;

// Bounded, stateful, throwing; remembers the largest request.
struct meter {
  std::size_t left_bytes = 0;
  std::size_t live_bytes = 0;
};

template <class T>
struct metered {
  using value_type = T;
  using propagate_on_container_swap = std::true_type;
  meter* m;
  explicit metered(meter& to) : m(&to) {}
  metered(const metered& other) : m(other.m) {}  // not noexcept, as many are written
  template <class U>
  explicit(false) metered(const metered<U>& other) : m(other.m) {}
  metered& operator=(const metered&) = default;
  T* allocate(std::size_t n) {
    if (n * sizeof(T) > m->left_bytes - m->live_bytes) throw std::bad_alloc{};
    m->live_bytes += n * sizeof(T);
    return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* p, std::size_t n) {
    m->live_bytes -= n * sizeof(T);
    std::allocator<T>{}.deallocate(p, n);
  }
  template <class U>
  friend bool operator==(const metered& a, const metered<U>& b) {
    return a.m == b.m;
  }
};

// Gives 16-byte alignment and never more, whatever T asks.
template <class T>
struct careless {
  using value_type = T;
  careless() = default;
  template <class U>
  explicit(false) careless(const careless<U>&) {}
  T* allocate(std::size_t n) {
    void* const block = base{}.try_allocate(ask(n * sizeof(T) + 16, purpose::slots, 64));
    return reinterpret_cast<T*>(static_cast<unsigned char*>(block) + 16);
  }
  void deallocate(T* p, std::size_t n) {
    base{}.deallocate(reinterpret_cast<unsigned char*>(p) - 16, ask(n * sizeof(T) + 16, purpose::slots, 64));
  }
  friend bool operator==(careless, careless) { return true; }
};

}  // namespace

TEST_CASE("from_std turns exceptions into null and asks for nothing extra", "[allocation]") {
  meter m{.left_bytes = 1000};
  from_std<metered<int>> handle{metered<int>(m)};
  STATIC_REQUIRE(allocation_backend<from_std<metered<int>>>);
  STATIC_REQUIRE(propagates_on_swap<from_std<metered<int>>>() &&
                 !propagates_on_copy<from_std<metered<int>>>());
  void* const p = handle.try_allocate(ask(96));
  REQUIRE(p != nullptr);
  CHECK(m.live_bytes == 96);
  CHECK(handle.try_allocate(ask(2000)) == nullptr);
  CHECK(m.live_bytes == 96);
  handle.deallocate(p, ask(96));
  CHECK(m.live_bytes == 0);
  meter other;
  CHECK(handle == from_std<metered<int>>{metered<int>(m)});
  CHECK(handle != from_std<metered<int>>{metered<int>(other)});
}

TEST_CASE("from_std says who looks inside, if it is told", "[allocation]") {
  STATIC_REQUIRE(static_visibility<from_std<std::allocator<int>>>() == visibility::opaque);
  STATIC_REQUIRE(static_visibility<from_std<std::allocator<int>, visibility::scanned>>() ==
                 visibility::scanned);
  STATIC_REQUIRE(std::is_empty_v<from_std<std::allocator<int>>>);
  STATIC_REQUIRE(!std::is_default_constructible_v<from_std<metered<int>>>);
}

#if !defined(TOPHASH_CHECKED) || TOPHASH_CHECKED == 0
TEST_CASE("from_std never passes on a block that is not aligned", "[allocation]") {
  from_std<careless<int>> handle;
  void* const fine = handle.try_allocate(ask(64));
  CHECK(fine != nullptr);
  handle.deallocate(fine, ask(64));
  CHECK(handle.try_allocate(ask(64, purpose::slots, 32)) == nullptr);
}
#endif

TEST_CASE("standard containers run on any backend and give everything back", "[allocation]") {
  tracking_resource<base, true> resource;
  const counted handle{resource};
  {
    using pair = std::pair<const int, std::string>;
    using table =
        std::unordered_map<int, std::string, std::hash<int>, std::equal_to<>, counted_allocator<pair>>;
    table m(handle);
    for (int i = 0; i < 1'000; ++i) m[i] = std::to_string(i);
    CHECK(resource.counts(purpose::node).live_blocks == 1'000);
    CHECK(resource.counts(purpose::directory).live_blocks == 1);
    CHECK(resource.counts(purpose::directory).live_bytes == m.bucket_count() * sizeof(void*));
    for (int i = 0; i < 500; ++i) m.erase(i);
    CHECK(resource.counts(purpose::node).live_blocks == 500);

    table copy = m;
    CHECK(copy == m);
    CHECK(copy.get_allocator() == m.get_allocator());
    tracking_resource<base, true> elsewhere;
    {
      table moved(std::move(copy),
                  counted_allocator<pair>(counted{elsewhere}));  // unequal: element by element
      CHECK(moved == m);
      CHECK(elsewhere.counts(purpose::node).live_blocks == 500);
      moved = m;  // does not propagate
      CHECK(elsewhere.counts(purpose::node).live_blocks == 500);
    }
    CHECK(elsewhere.total().live_blocks == 0);

    std::map<int, int, std::less<>, counted_allocator<std::pair<const int, int>>> ordered(handle);
    std::list<int, counted_allocator<int>> list(handle);
    std::set<int, std::less<>, counted_allocator<int>> set(handle);
    std::vector<int, counted_allocator<int, purpose::side>> vector(handle);
    for (int i = 0; i < 100; ++i) {
      ordered[i] = i;
      list.push_back(i);
      set.insert(i);
      vector.push_back(i);
    }
    CHECK(resource.counts(purpose::side).live_bytes == vector.capacity() * sizeof(int));
  }
  CHECK(resource.total().live_bytes == 0);
  CHECK(resource.total().live_blocks == 0);
}

TEST_CASE("as_std throws what null means", "[allocation]") {
  failing_resource<base> faults(failure_plan{.requests = 3});
  std::list<int, as_std<int, failing<base>>> list(failing{faults});
  CHECK_THROWS_AS(list.assign({1, 2, 3, 4}), std::bad_alloc);
  as_std<std::uint64_t, base> plain;
  CHECK_THROWS_AS(plain.allocate(SIZE_MAX / 8 + 2), std::bad_alloc);  // times 8 wraps to 8
  CHECK(plain.max_size() == static_cast<std::size_t>(PTRDIFF_MAX) / 8);
}

TEST_CASE("as_std is a standard allocator", "[allocation]") {
  using allocator = as_std<int, counted>;
  using traits = std::allocator_traits<allocator>;
  STATIC_REQUIRE(std::is_same_v<traits::rebind_alloc<long>, as_std<long, counted>>);
  STATIC_REQUIRE(std::is_same_v<traits::rebind_alloc<int>, allocator>);
  STATIC_REQUIRE(!traits::is_always_equal::value &&
                 std::allocator_traits<as_std<int, base>>::is_always_equal::value);
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<allocator> && sizeof(as_std<int, base>) == 1);
  STATIC_REQUIRE(as_std<int*, base>::use == purpose::directory && as_std<int, base>::use == purpose::node);
  STATIC_REQUIRE(as_std<int*, base, purpose::side>::use == purpose::side);
  tracking_resource<base, true> a, b;
  CHECK(allocator{counted{a}} == as_std<long, counted>{counted{a}});
  CHECK(allocator{counted{a}} != as_std<long, counted>{counted{b}});
  const as_std<long, counted> converted{allocator{counted{a}}};
  CHECK(converted == allocator{counted{a}});
}

TEST_CASE("both adaptors compose to the identity", "[allocation]") {
  tracking_resource<base, true> resource;
  from_std<as_std<int, counted, purpose::side>> there_and_back{
      as_std<int, counted, purpose::side>{counted{resource}}};
  CHECK(breaches(there_and_back) == no_reports());
  CHECK(resource.counts(purpose::side).allocations > 0);
  CHECK(resource.total().live_bytes == 0);
}

// ---- erased

namespace specimens {
struct pretends : bare {
  tophash::visibility sees = tophash::visibility::opaque;
  static constexpr tophash::visibility visibility = tophash::visibility::pointer_free;
  tophash::visibility visibility_now() const noexcept { return sees; }
  friend bool operator==(pretends a, pretends b) noexcept { return a.sees == b.sees; }
};
}  // namespace specimens

using specimens::pretends;

TEST_CASE("erased passes on name, visibility and equality", "[allocation]") {
  erased_resource<base> plain, plain_too;
  erased_resource<bare> other;
  CHECK(erased{plain} == erased{plain_too});  // system equals system
  CHECK(erased{plain} != erased{other});
  tracking_resource<base> r, s;
  erased_resource<tracked<base>> of_r{tracked{r}}, also_of_r{tracked{r}}, of_s{tracked{s}};
  CHECK(erased{of_r} == erased{also_of_r});
  CHECK(erased{of_r} != erased{of_s});
  CHECK(erased{of_r}.backend_name() == "tracked(system)");
  CHECK(option_name<erased>().view() == "erased");
  CHECK(visibility_of(erased{plain}) == visibility::opaque);
  CHECK(static_visibility<erased>() == visibility::pointer_free);
  erased_resource<pretends> scanned{pretends{{}, visibility::scanned}};
  CHECK(visibility_of(erased{scanned}) == visibility::scanned);

  void* const p = erased{of_r}.try_allocate(ask(40, purpose::node));
  CHECK(r.counts(purpose::node).live_bytes == 40);
  CHECK_FALSE(erased{of_r}.try_expand(p, ask(40, purpose::node), 41));
  erased{of_r}.deallocate(p, ask(40, purpose::node));
  CHECK(r.total().live_bytes == 0);
}

TEST_CASE("as_std refuses pointer-free storage that shows only at run time", "[allocation]") {
  erased_resource<pretends> hidden{pretends{{}, visibility::pointer_free}}, open{pretends{}};
  std::list<int, as_std<int, erased>> refused{erased{hidden}};
  CHECK_THROWS_AS(refused.push_back(1), std::invalid_argument);
  std::list<int, as_std<int, erased>> fine{erased{open}};
  CHECK_NOTHROW(fine.push_back(1));
  std::vector<int, as_std<int, erased>> numbers{erased{hidden}};
  CHECK_NOTHROW(numbers.push_back(1));
}
