// SPDX-License-Identifier: Apache-2.0
// sync::owner_checked: what is noticed, with which of Go's three sentences, and that the map is none the
// worse.
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>

#include <catch2/catch.hpp>

#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/sync/owner_checked.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

#if __has_include(<unistd.h>)
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>
#define TOPHASH_TEST_HAS_FORK 1
#else
#define TOPHASH_TEST_HAS_FORK 0
#endif

using namespace tophash;

namespace {

// Hash and equality that call back while they are armed, once.
struct calling_back {
  using axis = axes::hashing;
  static inline std::function<void()> in_equal, in_hash;

  static void call(std::function<void()>& armed) {
    if (!armed) return;
    const std::function<void()> once = std::move(armed);
    armed = nullptr;
    once();
  }
  std::uint64_t hash(std::uint64_t key) const {
    call(in_hash);
    return hashing::wyhash{}.hash(key);
  }
  bool equal(std::uint64_t a, std::uint64_t b) const {
    call(in_equal);
    return a == b;
  }
};

constexpr const char* writes = "tophash: concurrent map writes";
constexpr const char* read_and_write = "tophash: concurrent map read and map write";
constexpr const char* iteration_and_write = "tophash: concurrent map iteration and map write";

template <class F>
std::string said(F&& f) {
  try {
    f();
  } catch (const concurrent_use& e) {
    return e.what();
  }
  return "";
}

template <class... Options>
using checked = map<std::uint64_t, std::uint64_t, calling_back, sync::owner_checked_throwing, Options...>;

template <class Map>
void fill(Map& m, std::uint64_t n) {
  for (std::uint64_t k = 0; k < n; ++k) m.try_emplace(k, k * k);
}

template <class Map>
void require_intact(Map& m, std::uint64_t n) {
  REQUIRE(m.size() == n);
  for (std::uint64_t k = 0; k < n; ++k) REQUIRE(m.at(k) == k * k);
  const char* const broken = m.check_invariants();
  INFO((broken == nullptr ? "" : broken));
  REQUIRE(broken == nullptr);
}

// What a mark needs of a table.
struct flag_alone {
  struct binding_type {
    using spec = compose<sync::owner_checked_throwing>;
    static constexpr spec_facts facts = facts_of<spec>();
  };
  table::access_flag<true> access;
};

// Arms equality, does `outer`, and expects the sentence out of `inner`.
template <class Map>
void reentrant(Map& m, const char* expected, const std::function<void()>& inner,
               const std::function<void()>& outer) {
  std::string inner_said;
  calling_back::in_equal = [&] { inner_said = said(inner); };
  const std::string outer_said = said(outer);
  CHECK(!calling_back::in_equal);  // equality was called at all
  calling_back::in_equal = nullptr;
  CHECK(inner_said == expected);
  CHECK(outer_said.empty());
  require_intact(m, m.size());
}

template <class Map>
void walk(Map& m) {
  fill(m, 100);
  m.reserve(100);  // ends a growth
  const auto erase = [&m] {
    m.erase(5);
    m.try_emplace(5, 25u);
  };
  const auto insert = [&m] { m.insert_or_assign(7, 49u); };
  const auto noop = [&m] { m.try_emplace(3, 9u); };
  // a write in a write
  reentrant(
      m, writes, [&m] { m.try_emplace(5000, 1u); }, noop);
  reentrant(
      m, writes, [&m] { m.erase(5); }, insert);
  const auto fifth = m.find(5);
  reentrant(
      m, writes, [&] { m.erase(fifth); }, noop);
  reentrant(
      m, writes, [&m] { m.clear(); }, erase);
  reentrant(
      m, writes, [&m] { m.reserve(10'000); }, noop);
  reentrant(
      m, writes, [&m] { static_cast<void>(m.try_reserve(10'000)); }, noop);
  reentrant(
      m, writes, [&m] { m.rehash(10'000); }, noop);
  reentrant(
      m, writes, [&m] { m = Map(); }, noop);
  reentrant(
      m, writes,
      [&m] {
        m = {{1u, 1u}};
      },
      noop);
  reentrant(
      m, writes,
      [&m] {
        Map other;
        m.swap(other);
      },
      noop);
  reentrant(
      m, writes,
      [&m] {
        Map other;
        other.swap(m);
      },
      noop);
  reentrant(
      m, writes,
      [&m] {
        static_cast<void>(m.try_insert({1u, 1u}));
      },
      noop);
  reentrant(
      m, writes,
      [&m] {
        const Map other;
        static_cast<void>(m.try_assign(other));
      },
      noop);
  // a read in a write
  reentrant(
      m, read_and_write, [&m] { static_cast<void>(m.find(1)); }, noop);
  reentrant(
      m, read_and_write, [&m] { static_cast<void>(std::as_const(m).contains(1)); }, erase);
  reentrant(
      m, read_and_write, [&m] { static_cast<void>(m.count(77'777)); }, insert);
  // iteration in a write
  auto it = m.begin();
  reentrant(
      m, iteration_and_write, [&m] { static_cast<void>(m.begin()); }, noop);
  reentrant(
      m, iteration_and_write, [&it] { ++it; }, noop);
  reentrant(
      m, iteration_and_write, [&m] { const Map copy(m); }, noop);
  reentrant(
      m, iteration_and_write,
      [&m] {
        Map copy;
        copy = m;
      },
      noop);
  reentrant(
      m, iteration_and_write,
      [&m] {
        Map copy;
        static_cast<void>(copy.try_assign(m));
      },
      noop);
  // what Go allows: reads in reads, anything before the flag is raised
  reentrant(
      m, "", [&m] { static_cast<void>(m.find(1)), static_cast<void>(m.begin()); },
      [&m] { static_cast<void>(m.find(2)); });
  calling_back::in_hash = [&m] { m.insert_or_assign(7, 49u); };
  CHECK(said([&m] { m.insert_or_assign(8, 64u); }).empty());
  require_intact(m, 100);
}

}  // namespace

TEST_CASE("owner_checked: a map used by its own equality from within a write is noticed", "[owner_checked]") {
  SECTION("chains") {
    checked<> m;
    walk(m);
  }
  SECTION("go_like") {
    checked<presets::go_like> m;
    walk(m);
  }
  SECTION("grouped chains") {
    checked<presets::low_latency> m;
    walk(m);
  }
  SECTION("open groups") {
    checked<layout::open_groups<>> m;
    walk(m);
  }
  SECTION("nodes") {
    checked<layout::nodes> m;
    walk(m);
  }
}

TEST_CASE("owner_checked: sweep is a write, mark_in_place is not asked", "[owner_checked]") {
  checked<deletion::dirty> m;
  fill(m, 50);
  reentrant(
      m, writes, [&m] { m.sweep(); }, [&m] { m.try_emplace(3, 9u); });
  const auto victim = m.find(49);
  reentrant(
      m, "", [&] { m.mark_in_place(victim); }, [&m] { m.try_emplace(3, 9u); });
  CHECK(m.sweep() == 1);
  require_intact(m, 49);
}

TEST_CASE("owner_checked: a hash that writes while a growth moves entries is noticed", "[owner_checked]") {
  checked<growth::incremental<2>> m;
  std::uint64_t n = 0;
  while (!m.stats().growing) m.try_emplace(n, n * n), ++n;
  // The hash of the argument is the first call, the second one moves an entry.
  std::string inner;
  calling_back::in_hash = [&] { calling_back::in_hash = [&] { inner = said([&m] { m.erase(0); }); }; };
  CHECK(said([&] { m.try_emplace(n, n * n); }).empty());
  CHECK(!calling_back::in_hash);
  calling_back::in_hash = nullptr;
  CHECK(inner == writes);
  require_intact(m, n + 1);
}

TEST_CASE("owner_checked: an update that steps a growth is a write", "[owner_checked]") {
  checked<presets::go_like> m;
  std::uint64_t n = 0;
  while (!m.stats().growing || n < 100) m.try_emplace(n, n * n), ++n;
  reentrant(
      m, writes, [&m] { m.erase(0); }, [&m] { m.insert_or_assign(7, 49u); });
  REQUIRE(m.stats().growing);
  reentrant(
      m, read_and_write, [&m] { static_cast<void>(m.find(0)); },
      [&m] { static_cast<void>(m.try_insert_or_assign(7, 49u)); });
  REQUIRE(m.stats().growing);
}

TEST_CASE("owner_checked: sets are checked as maps are", "[owner_checked]") {
  set<std::uint64_t, calling_back, sync::owner_checked_throwing> s;
  for (std::uint64_t k = 0; k < 20; ++k) s.insert(k);
  std::string inner;
  for (const auto& [sentence, use] :
       {std::pair<const char*, std::function<void()>>{writes, [&s] { s.insert(99); }},
        {writes, [&s] { static_cast<void>(s.try_insert(99)); }},
        {read_and_write, [&s] { static_cast<void>(s.contains(1)); }},
        {iteration_and_write, [&s] { static_cast<void>(s.begin()); }}}) {
    calling_back::in_equal = [&inner, &use = use] { inner = said(use); };
    CHECK_FALSE(s.insert(5).second);
    CHECK(inner == sentence);
  }
  CHECK(s.size() == 20);
}

// One that is out and one that is in at once cannot be had without a race: here the other's writes to the
// flag are done by hand.
TEST_CASE("owner_checked: a write that another one overtook says so when it ends", "[owner_checked]") {
  flag_alone s;
  CHECK(said([&s] {
          const table::write_mark<flag_alone> mine(s);
          s.access.set(false);  // both had begun; the other one has ended
        }) == writes);
  CHECK_FALSE(s.access.raised());
  CHECK(said([&s] { const table::write_mark<flag_alone> mine(s); }).empty());
  // An exception under way is not replaced.
  CHECK_THROWS_AS(([&s] {
                    const table::write_mark<flag_alone> mine(s);
                    s.access.set(false);
                    throw std::string("another");
                  }()),
                  std::string);
  static_assert(std::is_empty_v<table::access_flag<false>>);
}

// The writer waits in its equality until the readers are done: they load the flag and nothing else of the
// map.
TEST_CASE("owner_checked: another thread is noticed", "[owner_checked]") {
  checked<> m;
  fill(m, 100);
  auto it = m.begin();
  std::mutex mutex;
  std::condition_variable changed;
  bool writing = false, looked = false;
  calling_back::in_equal = [&] {
    std::unique_lock lock(mutex);
    writing = true;
    changed.notify_all();
    changed.wait(lock, [&] { return looked; });
  };
  std::thread writer([&m] { m.insert_or_assign(7, 49u); });
  std::string write, read, iteration;
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return writing; });
    const std::uint64_t unlike = 12'345;
    write = said([&] { m.try_emplace(unlike, 0u); });
    read = said([&] { static_cast<void>(m.find(unlike)); });
    iteration = said([&] { ++it; });
    looked = true;
    changed.notify_all();
  }
  writer.join();
  CHECK(write == writes);
  CHECK(read == read_and_write);
  CHECK(iteration == iteration_and_write);
  require_intact(m, 100);
}

TEST_CASE("owner_checked: a response of one's own may return, and then the operation goes on",
          "[owner_checked]") {
  struct counting {
    static int& seen() {
      static int count = 0;
      return count;
    }
    static void misused(const char*) noexcept { ++seen(); }
  };
  map<std::uint64_t, std::uint64_t, calling_back, sync::basic_owner_checked<counting>> m;
  m.try_emplace(1, 1u);
  calling_back::in_equal = [&m] { static_cast<void>(m.contains(2)); };
  m.try_emplace(1, 1u);
  CHECK(counting::seen() == 1);
  CHECK(noexcept(++std::declval<decltype(m)::iterator&>()));
  CHECK_FALSE(has_name<sync::basic_owner_checked<counting>>());
  CHECK_FALSE(noexcept(++std::declval<checked<>::iterator&>()));
  CHECK(option_name<sync::owner_checked>().view() == "owner_checked");
  CHECK(option_name<sync::owner_checked_throwing>().view() == "owner_checked(throwing)");
  static_assert(
      noexcept(std::declval<map<int, int>&>().begin())&& noexcept(std::declval<map<int, int>&>().clear()));
}

#if TOPHASH_TEST_HAS_FORK
TEST_CASE("owner_checked: by default the sentence is the program's last", "[owner_checked]") {
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // not Catch2's handler
    map<std::uint64_t, std::uint64_t, calling_back, sync::owner_checked> m;
    m.try_emplace(1, 1u);
    calling_back::in_equal = [&m] { m.erase(1); };
    m.try_emplace(1, 1u);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string out;
  char bytes[256];
  for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;)
    out.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK(out == std::string(writes) + "\n");
}
#endif
