// SPDX-License-Identifier: Apache-2.0
// The laws of collectors on those that are shipped, and on ones that break them: each must be noticed.
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <gc.h>

#include <tophash/gc/boehm_objects.hpp>
#include <tophash/gc/precise_heap.hpp>

#include "laws/collector.hpp"

namespace {

using namespace tophash;

gc::precise_options small() {
  gc::precise_options o;
  o.objects.reserved_bytes = o.blocks.reserved_bytes = std::size_t{64} << 20;
  return o;
}

constexpr laws::collector_limits little{.objects = 200, .deep = 4'000};

template <class Heap>
std::vector<std::string> broken(Heap& heap, const laws::collector_limits& limits = {.deep = 8'000}) {
  return laws::violations([&](auto report) { laws::check_collected_heap(heap, report, limits); });
}

bool mentions(const std::vector<std::string>& all, const std::string& what) {
  for (const std::string& s : all) {
    if (s.find(what) != std::string::npos) return true;
  }
  return false;
}

// The laws ask for blocks that nobody can supply.
struct without_warnings {
  GC_warn_proc before = GC_get_warn_proc();
  without_warnings() { GC_set_warn_proc(&GC_ignore_warn_proc); }
  without_warnings(const without_warnings&) = delete;
  without_warnings& operator=(const without_warnings&) = delete;
  ~without_warnings() { GC_set_warn_proc(before); }
};

// Stores are not told: what is moved behind the marker is lost.
struct untold : gc::precise_heap {
  using precise_heap::precise_heap;
  void stored(const void*) noexcept {}
};
// Says that it finds everything.
struct boastful : gc::boehm_objects {
  static constexpr bool is_exact = true;
};
// Maps lie in memory that nobody searches, and say otherwise.
struct blind_storage : allocators::system {
  static constexpr std::string_view name = "blind";
};
struct blind : gc::boehm_objects {
  using storage = blind_storage;
  friend blind_storage storage_of(blind&) noexcept { return {}; }
};
// Counts are those of the process.
struct forgetful : gc::precise_heap {
  using precise_heap::precise_heap;
  void start_window() noexcept {}
};

}  // namespace

TEST_CASE("laws of collectors: those that are shipped obey", "[boehm][laws]") {
  const without_warnings quiet;
  gc::precise_heap precise(small());
  CHECK(broken(precise) == std::vector<std::string>{});
  gc::boehm_objects boehm;
  CHECK(broken(boehm) == std::vector<std::string>{});
}

TEST_CASE("laws of collectors: the breaches are told", "[boehm][laws]") {
  const without_warnings quiet;
  untold u(small());
  CHECK(mentions(broken(u), "steps: an object was lost"));
  boastful b;
  CHECK(mentions(broken(b, little), "finds:"));
  blind nobody;
  CHECK(mentions(broken(nobody, little), "keeps: a map"));
  forgetful f(small());
  CHECK(mentions(broken(f, little), "window:"));
}
