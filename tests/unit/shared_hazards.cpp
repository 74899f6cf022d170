// SPDX-License-Identifier: Apache-2.0
// The lab's lock-free chain (bench/hazards): each hazard of unlinking shown by its schedule, each remedy
// under the same one; the chain against a model in one thread, and by its sums in three. The thread sanitizer
// sees no fault in the unsafe chain, whose memory stays nodes and whose words are all atomic: what catches it
// are the schedules, and the address sanitizer where a freed node is stepped on.
#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>

#include "hazards/chain.hpp"
#include "hazards/counters.hpp"
#include "hazards/delete_race.hpp"
#include "hazards/scenarios.hpp"
#include "hazards/two_threads.hpp"
#if TOPHASH_LAB_WITH_URCU
#include "hazards/rcu.hpp"
#define RCU_TOO , rcu
#else
#define RCU_TOO
#endif

#if TOPHASH_HAS_ASAN
#include <cstdio>

#include <sys/wait.h>
#include <unistd.h>
#endif

// liburcu is compiled without the thread sanitizer, which then does not see what it orders.
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if UNDER_TSAN
#undef RCU_TOO
#define RCU_TOO
#endif

using namespace tophash;
using namespace tophash::hazards;

namespace {

using keys = std::vector<std::uint64_t>;

#if TOPHASH_HAS_ASAN
// What the schedule of freed_step prints before it dies, in a process of its own.
std::string report_of_freed_step(int& status) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    static_cast<void>(freed_step<unsafe>());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string out;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    out.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(ends[0]);
  ::waitpid(child, &status, 0);
  return out;
}
#endif

}  // namespace

TEST_CASE("hazards: without a remedy a reader steps on a freed node") {
#if TOPHASH_HAS_ASAN
  int status = 0;
  const std::string report = report_of_freed_step(status);
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  CHECK_THAT(report, Catch::Contains("AddressSanitizer: use-after-poison"));
#else
  const step_outcome step = freed_step<unsafe>();
  CHECK(step.steps_on_freed == 1);
  CHECK_FALSE(step.survived());
#endif
}

TEST_CASE("hazards: without a remedy ABA loses keys that nobody erased") {
  const aba_outcome once = aba<unsafe>();
  CHECK_FALSE(once.survived());
  CHECK(once.left == keys{40});
}

TEST_CASE("hazards: a tag of 16 bits survives ABA, but not once it has come round") {
  CHECK(aba<tagged>().survived());
  CHECK(aba<tagged>(changes_of_a_whole_tag - 2).survived());
  CHECK(aba<tagged>(changes_of_a_whole_tag + 2).survived());
  const aba_outcome round = tag_round<tagged>();
  CHECK(round.left == keys{40, 50});
  CHECK(round.expected == keys{5, 40, 50});
}

TEMPLATE_TEST_CASE("hazards: each remedy survives the same schedules", "", tagged, hazard, epoch RCU_TOO) {
  CHECK(aba<TestType>().left == keys{5, 30, 40});
  CHECK(freed_step<TestType>().survived());
  if (!TestType::counts_changes) CHECK(tag_round<TestType>().survived());
}

TEMPLATE_TEST_CASE("hazards: what waits beside a reader that stands still", "", unsafe, tagged, hazard,
                   epoch RCU_TOO) {
  constexpr std::size_t erased = 500;
  const stall_outcome stall = stalled<TestType>(erased);
  if (TestType::name == "unsafe" || TestType::counts_changes) {
    CHECK(stall.waiting == 0);
  } else if (TestType::name == hazard::name) {
    CHECK(stall.waiting < hazard::scan_at);  // whatever is erased
  } else {
    CHECK(stall.waiting == erased);
  }
  CHECK(stall.after < settling);
}

TEMPLATE_TEST_CASE("hazards: the chain against a model in one thread", "", unsafe, tagged, hazard,
                   epoch RCU_TOO) {
  chain_table<TestType> t(4);
  typename chain_table<TestType>::participant me(t);
  std::set<std::uint64_t> model;
  bool as_the_model = true;
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    const std::uint64_t key = mix(i) % 40;
    switch (mix(i * 3 + 1) % 3) {
    case 0:
      as_the_model &= t.insert(me, key, key * 7) == model.insert(key).second;
      break;
    case 1:
      as_the_model &= t.erase(me, key) == (model.erase(key) != 0);
      break;
    default: {
      const auto found = t.find(me, key);
      as_the_model &= found.has_value() == (model.count(key) != 0) && found.value_or(key * 7) == key * 7;
    }
    }
  }
  CHECK(as_the_model);
  const keys left = t.contents();
  CHECK(std::set<std::uint64_t>(left.begin(), left.end()) == model);
  CHECK(left.size() == model.size());
}

TEMPLATE_TEST_CASE("hazards: three threads, every insertion and erasure accounted for", "", tagged, hazard,
                   epoch RCU_TOO) {
  constexpr std::size_t key_count = 16, threads = 3, calls = 4'000;
  chain_table<TestType> t(2);
  std::array<std::array<std::int64_t, key_count>, threads> net{};
  std::atomic<bool> wrong_value{false};
  std::vector<std::thread> running;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      typename chain_table<TestType>::participant me(t);
      for (std::size_t i = 0; i < calls; ++i) {
        const std::uint64_t r = mix(thread * calls + i), key = r % key_count;
        switch (r / key_count % 3) {
        case 0:
          net[thread][key] += t.insert(me, key, key + 100) ? 1 : 0;
          break;
        case 1:
          net[thread][key] -= t.erase(me, key) ? 1 : 0;
          break;
        default:
          if (t.find(me, key).value_or(key + 100) != key + 100) wrong_value = true;
        }
        if (i % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& r : running) r.join();
  CHECK_FALSE(wrong_value);
  std::array<std::int64_t, key_count> left{};
  for (const std::uint64_t key : t.contents()) ++left[key];
  for (std::size_t key = 0; key < key_count; ++key) {
    INFO("key " << key);
    CHECK(left[key] == net[0][key] + net[1][key] + net[2][key]);
  }
}

TEST_CASE("hazards: counters for two threads lose nothing") {
  atomic_counter atomic;
  sharded_counter sharded;
  two_threads_ns([&](std::size_t t) {
    for (int i = 0; i < 1'000; ++i) {
      atomic.add(t, 1);
      sharded.add(t, 1);
    }
  });
  CHECK(atomic.sum() == 2'000);
  CHECK(sharded.sum() == 2'000);
}

TEST_CASE("hazards: a load that begins after the delete finds no key") {
  constexpr std::size_t races = 2'000;
  CHECK(loads_without_the_key(races, joining::yes) == races);
  CHECK(loads_without_the_key(races, joining::no) <= races);  // whatever the machine makes of it
}
