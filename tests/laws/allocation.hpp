// SPDX-License-Identifier: Apache-2.0
// The laws of an allocation backend (framework/concepts/allocation.hpp), for ours and for one of your own:
//
//   tophash::laws::check_allocation(my_handle, [](const std::string& what) { std::cerr << what << '\n'; });
//   tophash::laws::check_allocation_pair(handle_a, handle_b, report);  // two handles that may be equal
//
// Each broken law is reported once, with the first request that showed it: "allocation mine: alignment: 24
// bytes aligned to 64 for node gave an address 8 past". The blocks in use are listed on the stack only, where
// a collector that searches it sees them: collected backends are tested by the same code.
#ifndef TOPHASH_TESTS_LAWS_ALLOCATION_HPP
#define TOPHASH_TESTS_LAWS_ALLOCATION_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <type_traits>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/purpose.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

// What the backend under test can take: smaller figures for a small arena.
struct allocation_limits {
  std::size_t bytes_max = 100'000;  // of one request
  std::size_t align_max = 4096;
  std::size_t steps = 4'000;
  std::uint64_t seed = 1;
};

// Passes each law's first breach on.
template <class A, class Report>
class breach_reporter {
 public:
  explicit breach_reporter(Report& report) : report_(report) {}

  template <class... Parts>
  void operator()(const std::string& law, const Parts&... what) {
    if (broken_.insert(law).second) report_(sentence(subject<A>(), law, ": ", what...));
  }

 private:
  Report& report_;
  std::set<std::string> broken_;
};

inline std::string describe(const request& r) {
  return sentence(r.bytes, " bytes aligned to ", r.align, " for ", purpose_name(r.use));
}

struct law_block {
  unsigned char* address = nullptr;
  request made;
  unsigned char mark = 0;

  bool meets(const unsigned char* p, std::size_t bytes) const {
    const auto mine = reinterpret_cast<std::uintptr_t>(address), other = reinterpret_cast<std::uintptr_t>(p);
    return address != nullptr && mine < other + bytes && other < mine + made.bytes;
  }
  void fill(std::size_t from = 0) const {
    for (std::size_t i = from; i < made.bytes; ++i) address[i] = byte(i);
  }
  bool intact() const {
    for (std::size_t i = 0; i < made.bytes; ++i) {
      if (address[i] != byte(i)) return false;
    }
    return true;
  }
  unsigned char byte(std::size_t i) const { return static_cast<unsigned char>(mark + i * 31); }
};

// A few live blocks of one backend. Every step checks what the contract says of it.
template <class A, class Report>
class law_bench {
 public:
  static constexpr std::size_t places = 96;

  law_bench(A& backend, breach_reporter<A, Report>& breach, const allocation_limits& limits)
      : backend_(backend), breach_(breach), limits_(limits), numbers_(limits.seed) {}

  std::size_t draw(std::size_t bound) { return numbers_.below(bound); }

  request draw_request() {
    const std::size_t large = limits_.bytes_max, small = large < 512 ? large : 512;
    request r;
    r.bytes = 1 + draw(draw(16) == 0 ? large : small);
    r.align = std::size_t{1} << draw(draw(16) == 0 ? 13 : 7);
    while (r.align > limits_.align_max) r.align /= 2;
    r.use = static_cast<purpose>(draw(purpose_count));
    return r;
  }

  // False when the block may not be touched.
  bool allocate(std::size_t place, const request& r) {
    auto* const p = static_cast<unsigned char*>(backend_.try_allocate(r));
    if (p == nullptr) {
      breach_("supply", "an ordinary request was refused, so nothing could be checked: ", describe(r));
      return false;
    }
    const std::size_t past = reinterpret_cast<std::uintptr_t>(p) % r.align;
    if (past != 0) breach_("alignment", describe(r), " gave an address ", past, " past");
    if (overlaps(p, r.bytes, place)) {
      breach_("disjoint", describe(r), " gave bytes of a block that is in use");
      return false;
    }
    blocks_[place] = {p, r, static_cast<unsigned char>(draw(256))};
    check_zeroed(blocks_[place]);
    check_owned(blocks_[place]);
    blocks_[place].fill();
    return true;
  }

  template <class Handle>
  void deallocate(std::size_t place, Handle& handle) {
    law_block& b = blocks_[place];
    if (b.address == nullptr) return;
    check_intact(b);
    handle.deallocate(b.address, b.made);
    b.address = nullptr;
  }

  void check_all_intact() {
    for (const law_block& b : blocks_) {
      if (b.address != nullptr) check_intact(b);
    }
  }

  template <class Handle>
  void deallocate_all(Handle& handle) {
    for (std::size_t i = 0; i < places; ++i) deallocate(i, handle);
  }

  void expand(std::size_t place) {
    if constexpr (requires(A& a, void* p, const request& r) { a.try_expand(p, r, r.bytes); }) {
      law_block& b = blocks_[place];
      if (b.address == nullptr) return;
      const std::size_t before = b.made.bytes, after = before + 1 + draw(before);
      const bool expanded = backend_.try_expand(b.address, b.made, after);
      if (!b.intact()) breach_("try_expand", describe(b.made), " lost its contents");
      if (!expanded) return;
      if (overlaps(b.address, after, place)) {
        breach_("try_expand", describe(b.made), " grew over a block that is in use");
        return;
      }
      b.made.bytes = after;
      b.fill(before);
    }
  }

  law_block& block(std::size_t place) { return blocks_[place]; }
  bool vacant(std::size_t place) const { return blocks_[place].address == nullptr; }

 private:
  bool overlaps(const unsigned char* p, std::size_t bytes, std::size_t except) const {
    for (std::size_t i = 0; i < places; ++i) {
      if (i != except && blocks_[i].meets(p, bytes)) return true;
    }
    return false;
  }

  void check_intact(const law_block& b) {
    if (!b.intact()) breach_("contents", describe(b.made), " changed while it was in use");
  }

  void check_zeroed(const law_block& b) {
    if constexpr (returns_zeroed<A>()) {
      for (std::size_t i = 0; i < b.made.bytes; ++i) {
        if (b.address[i] != 0) return breach_("zeroed", describe(b.made), " is not zero at ", i);
      }
    }
  }

  void check_owned(const law_block& b) {
    if constexpr (requires(A& a, void* p) { a.owns(p); }) {
      if (!backend_.owns(b.address)) breach_("owns", describe(b.made), " is not owned by its own backend");
    }
  }

  A& backend_;
  breach_reporter<A, Report>& breach_;
  allocation_limits limits_;
  sampler numbers_;
  std::array<law_block, places> blocks_;
};

// Alignment for every purpose, not only the one that the backend's author had in mind.
template <class A, class Report>
void check_alignment(A& a, breach_reporter<A, Report>& breach, const allocation_limits& limits) {
  law_bench<A, Report> bench(a, breach, limits);
  for (std::size_t use = 0; use < purpose_count; ++use) {
    for (std::size_t align = 1; align <= limits.align_max; align *= 2) {
      for (const std::size_t bytes :
           {std::size_t{1}, std::size_t{8}, std::size_t{24}, std::size_t{144}, limits.bytes_max}) {
        bench.allocate(0,
                       {.bytes = bytes, .align = align, .use = static_cast<purpose>(use), .trace = nullptr});
        bench.deallocate(0, a);
      }
    }
  }
}

// A random stream of allocate, deallocate and expand: blocks stay disjoint and keep their bytes, recycled
// ones too.
template <class A, class Report>
void check_stream(A& a, breach_reporter<A, Report>& breach, const allocation_limits& limits) {
  using bench_type = law_bench<A, Report>;
  bench_type bench(a, breach, limits);
  A copy(a);
  for (std::size_t step = 0; step < limits.steps; ++step) {
    const std::size_t place = bench.draw(bench_type::places);
    if (bench.vacant(place)) {
      if (!bench.allocate(place, bench.draw_request())) return;
    } else if (bench.draw(4) == 0) {
      bench.expand(place);
    } else {
      bench.deallocate(place, bench.draw(2) == 0 ? a : copy);  // a copy may give back what the original gave
    }
    if (step % 64 == 0) bench.check_all_intact();
  }
  bench.deallocate_all(copy);
}

// Null means no effect: sizes that no machine has, and sizes that wrap to a small one when rounded up.
template <class A, class Report>
void check_refusal(A& a, breach_reporter<A, Report>& breach, const allocation_limits& limits) {
  law_bench<A, Report> bench(a, breach, limits);
  if (!bench.allocate(0, {.bytes = 8, .align = 8, .use = purpose::slots, .trace = nullptr})) return;
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 62, SIZE_MAX / 2 + 2, SIZE_MAX / 4}) {
    // AddressSanitizer's operator new ends the program over a size that could be an object's.
    if (TOPHASH_HAS_ASAN != 0 && bytes <= static_cast<std::size_t>(PTRDIFF_MAX)) continue;
    for (const std::size_t align : {std::size_t{8}, std::size_t{16}, std::size_t{64}}) {
      const request r{.bytes = bytes, .align = align, .use = purpose::slots, .trace = nullptr};
      if (a.try_allocate(r) != nullptr) breach("refusal", describe(r), " was granted");
    }
  }
  bench.check_all_intact();
  bench.allocate(1, {.bytes = 8, .align = 8, .use = purpose::slots, .trace = nullptr});
  bench.deallocate_all(a);
}

template <class A, class Report>
void check_equality(A& a, breach_reporter<A, Report>& breach) {
  const A copy(a);
  if (!(a == a) || a != a) breach("equality", "a handle is not equal to itself");
  if (!(copy == a) || !(a == copy) || copy != a) breach("equality", "a copy of a handle is not equal to it");
}

template <class A, class Report>
void check_good_size(A& a, breach_reporter<A, Report>& breach, const allocation_limits& limits) {
  if constexpr (requires(const request& r) { a.good_size(r); }) {
    law_bench<A, Report> bench(a, breach, limits);
    for (std::size_t step = 0; step < 1'000; ++step) {
      const request r = bench.draw_request();
      const std::size_t good = a.good_size(r);
      if (good < r.bytes) breach("good_size", describe(r), " would occupy only ", good);
      if (good != a.good_size(r)) breach("good_size", describe(r), " is answered in two ways");
    }
  }
}

template <class A, class Report>
void check_owns(A& a, breach_reporter<A, Report>& breach) {
  if constexpr (requires(void* p) { a.owns(p); }) {
    int on_stack = 0;
    if (a.owns(&on_stack)) breach("owns", "an object on the stack is said to be the backend's");
  }
}

// What is decided at run time stays within what the type announces.
template <class A, class Report>
void check_visibility(A& a, breach_reporter<A, Report>& breach) {
  const visibility announced = static_visibility<A>(), now = visibility_of(a);
  if (announced != visibility::pointer_free && now != announced) {
    breach("visibility", "the type says ", visibility_name(announced), ", the handle says ",
           visibility_name(now));
  }
}

template <class A, class Report>
void check_release_all(A& a, breach_reporter<A, Report>& breach, const allocation_limits& limits) {
  if constexpr (requires { a.release_all(); }) {
    for (int round = 0; round < 2; ++round) {
      law_bench<A, Report> bench(a, breach, limits);
      for (std::size_t place = 0; place < 8; ++place) {
        if (!bench.allocate(place, {.bytes = 16, .align = 8, .use = purpose::node, .trace = nullptr})) return;
      }
      bench.check_all_intact();
      a.release_all();
    }
  }
}

// All at once only if what the caller counts is all there is. The backend under test holds nothing else here.
template <class A, class Report>
void check_try_release_all(A& a, breach_reporter<A, Report>& breach, const allocation_limits& limits) {
  if constexpr (releases_at_once<A>) {
    for (int round = 0; round < 2; ++round) {
      law_bench<A, Report> bench(a, breach, limits);
      std::size_t bytes = 0;
      for (std::size_t place = 0; place < law_bench<A, Report>::places; ++place) {
        const request r = bench.draw_request();
        if (!bench.allocate(place, r)) return;
        bytes += r.bytes;
      }
      for (std::size_t place = 0; place < law_bench<A, Report>::places; place += 3) {
        bytes -= bench.block(place).made.bytes;
        bench.deallocate(place, a);
      }
      if (a.try_release_all(bytes - 1) || a.try_release_all(bytes + 1)) {
        breach("try_release_all", "blocks were released whose bytes the caller did not know");
        return;
      }
      bench.check_all_intact();
      // A handle whose backend only run time knows may stand for one that cannot.
      if (a.try_release_all(bytes)) continue;
      bench.deallocate_all(a);
      if (!decides_visibility_at_run_time<A>()) {
        breach("try_release_all", "it refused although the caller named all bytes in use");
      }
    }
  }
}

// Every law of one handle.
template <allocation_backend A, class Report>
void check_allocation(A handle, Report&& report, const allocation_limits& limits = {}) {
  check_option<A, axes::allocation>(report);
  breach_reporter<A, std::remove_reference_t<Report>> breach(report);
  check_equality(handle, breach);
  check_visibility(handle, breach);
  check_owns(handle, breach);
  check_good_size(handle, breach, limits);
  check_alignment(handle, breach, limits);
  check_refusal(handle, breach, limits);
  check_stream(handle, breach, limits);
  check_release_all(handle, breach, limits);
  check_try_release_all(handle, breach, limits);
}

// Two handles: == is symmetric, and if they are equal each gives back what the other allocated.
template <allocation_backend A, class Report>
void check_allocation_pair(A a, A b, Report&& report, const allocation_limits& limits = {}) {
  using reporter = std::remove_reference_t<Report>;
  breach_reporter<A, reporter> breach(report);
  if ((a == b) != (b == a)) breach("equality", "a == b and b == a differ");
  if ((a == b) == (a != b)) breach("equality", "== and != agree");
  if (!(a == b)) return;
  law_bench<A, reporter> of_a(a, breach, limits), of_b(b, breach, limits);
  for (std::size_t place = 0; place < law_bench<A, reporter>::places; ++place) {
    if (!of_a.allocate(place, of_a.draw_request()) || !of_b.allocate(place, of_b.draw_request())) break;
    if constexpr (requires(void* p) { a.owns(p); }) {
      const law_block& block = of_a.block(place);
      if (!b.owns(block.address)) breach("owns", "an equal handle disowns ", describe(block.made));
    }
    if (place % 3 == 2) of_a.deallocate(place - 1, b);
    of_a.check_all_intact();
    of_b.check_all_intact();
  }
  of_a.deallocate_all(b);
  of_b.deallocate_all(a);
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
