// SPDX-License-Identifier: Apache-2.0
// What observers are told, event by event, and what the shipped ones make of it. The hash is placed, so that
// chains and slots are known; a mirror that knows a map by its events alone must agree with the map.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/observe/chrome_trace.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/observe/event_log.hpp>
#include <tophash/policies/observe/histogram.hpp>
#include <tophash/policies/observe/recorder.hpp>
#include <tophash/policies/observe/tombstone_log.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

#include "laws/observe.hpp"
#include "support/hashes.hpp"
#include "support/storage.hpp"

using namespace tophash;
using namespace tophash::testing;

namespace {

using u64 = std::uint64_t;
using raw_hash = hashing::identity;
template <class... Options>
using numbers = tophash::map<u64, u64, raw_hash, Options...>;

// Keys that fall into one bucket at any size up to 2^20, with tags of their own.
constexpr u64 in_bucket(u64 bucket, u64 n) { return bucket + (n << 20) + (n << 56); }

// Time in test's hands.
struct hand_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<hand_clock>;
  static inline rep ns = 0;
  static time_point now() noexcept { return time_point{duration{ns}}; }
};

template <class Log>
std::vector<std::string> kinds(const Log& log) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < log.size(); ++i) out.emplace_back(observe::name_of(log[i].kind));
  return out;
}

using words = std::vector<std::string>;
using log_of_64 = observe::event_log<64, observe::no_clock>;

// ---- a map known by its events alone

// Slots by what is in them, from events; with every event, that it may happen to a slot in that state.
class mirror {
 public:
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = false};

  mirror() = default;
  mirror(const mirror&) noexcept {}
  mirror(mirror&& other) noexcept { *this = std::move(other); }
  mirror& operator=(const mirror&) noexcept { return *this; }
  mirror& operator=(mirror&& other) noexcept {
    log = std::move(other.log);
    events_told = std::move(other.events_told);
    slots = std::exchange(other.slots, {});
    errors = std::exchange(other.errors, {});
    units = std::exchange(other.units, 0);
    old_units = std::exchange(other.old_units, 0);
    entries = std::exchange(other.entries, 0);
    hidden = std::exchange(other.hidden, 0);
    return *this;
  }

  void on(const events::inserted& e) noexcept {
    log.on(e), events_told.on(e);
    expect(!e.at.in_old && e.at.chain == (e.hash & (units - 1)), "inserted into another chain");
    put(e.at, state::live, "inserted into a slot that is taken");
    ++entries;
  }
  void on(const events::resurrected& e) noexcept {
    log.on(e), events_told.on(e);
    expect(at(e.at) == state::dirty, "resurrected what was not dirty");
    slots[key(e.at)] = state::live;
    ++entries, --hidden;
  }
  void on(const events::erased& e) noexcept {
    log.on(e), events_told.on(e);
    const std::size_t array = e.at.in_old ? old_units : units;
    expect(e.at.chain < array, "erased from a chain that is none");
    if (e.hash_known) expect(e.at.chain == (e.hash & (array - 1)), "erased from another chain");
    expect(at(e.at) == state::live, "erased what was not there");
    slots[key(e.at)] = state::dirty;  // whatever the deletion: until told otherwise
    --entries, ++hidden;
  }
  void on(const events::swept& e) noexcept {
    log.on(e), events_told.on(e);
    expect(at(e.at) == state::dirty, "swept what was not dirty");
    slots.erase(key(e.at));
    --hidden;
  }
  void on(const events::moved& e) noexcept {
    log.on(e), events_told.on(e);
    expect(e.from.in_old && e.from.chain == (e.hash & (old_units - 1)), "moved from another chain");
    expect(!e.to.in_old && e.to.chain == (e.hash & (units - 1)), "moved to another chain");
    expect(at(e.from) == state::live, "moved what was not there");
    slots.erase(key(e.from));
    put(e.to, state::live, "moved into a slot that is taken");
  }
  void on(const events::retired& e) noexcept {
    log.on(e), events_told.on(e);
    expect(at(e.at) != state::live, "an entry was passed over");
    expect(e.at.in_old && e.at.chain < old_units, "retired in the new array");
    hidden -= slots.erase(key(e.at));
  }
  void on(const events::overflow_acquired& e) noexcept {
    log_acquired(e);
    expect(e.chain < units && e.chain_buckets >= 2, "acquired for no chain");
    for (std::size_t slot = 0; slot < 8; ++slot) {
      expect(slots.count({e.bucket, slot}) == 0, "acquired a bucket in use");
    }
  }
  void on(const events::overflow_released& e) noexcept {
    log.on(e), events_told.on(e);
    for (std::size_t slot = 0; slot < e.slots; ++slot) {
      const auto it = slots.find({e.bucket, slot});
      if (it == slots.end()) continue;
      if (it->second == state::dirty) --hidden;
      if (it->second == state::live) --entries, ++gone_with_buckets;
      slots.erase(it);
    }
  }
  void on(const events::growth_started& e) noexcept {
    log.on(e), events_told.on(e);
    expect(e.units_before == units, "grew from another size");
    old_units = e.units_before;
    units = e.units_after;
  }
  void on(const events::growth_finished& e) noexcept {
    events_told.on(e);
    expect(e.units == old_units, "another array ended");
    old_units = 0;
  }
  void on(const events::cleared& e) noexcept {
    log.on(e), events_told.on(e);
    expect(e.entries == entries + gone_with_buckets, "cleared another number of entries");
    forget();
  }
  void on(const events::discarded& e) noexcept {
    log.on(e), events_told.on(e);
    expect(e.entries == entries + gone_with_buckets, "discarded another number of entries");
    forget();
    units = old_units = 0;
  }

  observe::tombstone_log<> log;
  observe::event_log<32, observe::no_clock> events_told;
  std::set<std::string> errors;
  std::size_t entries = 0, hidden = 0;

 private:
  enum class state { free, live, dirty };
  using slot_key = std::pair<std::uintptr_t, std::size_t>;

  static slot_key key(const events::slot_place& p) { return {p.bucket, p.slot}; }
  state at(const events::slot_place& p) const {
    const auto it = slots.find(key(p));
    return it == slots.end() ? state::free : it->second;
  }
  // A slot that an erase emptied may be taken at once, or not, by the deletion.
  void put(const events::slot_place& p, state s, const char* error) {
    expect(at(p) != state::live, error);
    if (at(p) == state::dirty) --hidden;
    slots[key(p)] = s;
  }
  void log_acquired(const events::overflow_acquired& e) noexcept { events_told.on(e); }
  void expect(bool holds, const char* error) {
    if (!holds) errors.insert(error);
  }
  void forget() {
    slots.clear();
    entries = hidden = gone_with_buckets = 0;
  }

  std::map<slot_key, state> slots;
  std::size_t units = 0, old_units = 0, gone_with_buckets = 0;
};

u64 accounted(const observe::tombstone_log<>& log) {
  u64 out = log.open() + log.not_followed() + log.forgotten();
  for (std::size_t e = 0; e < observe::endings; ++e) out += log.ended(static_cast<observe::ending>(e));
  return out;
}

template <class Map>
void check_mirror(const Map& m) {
  const mirror& seen = m.observer();
  CHECK(seen.errors == std::set<std::string>{});
  CHECK(seen.entries == m.size());
  CHECK(accounted(seen.log) == seen.log.erases());
  CHECK(seen.log.open() == seen.hidden);
  constexpr deletion_facts deletes = Map::spec_type::deletion::facts;
  if constexpr (deletes.kind == deletion_kind::dirty) {
    CHECK(seen.log.open() == m.stats().dirty);
  } else if constexpr (!deletes.reusing) {
    CHECK(seen.log.open() == m.stats().dead);
  }
}

struct dice {
  u64 state;
  u64 operator()(u64 sides) { return scramble(state += 0x9e3779b97f4a7c15u) % sides; }
};

template <class Map>
void write_at_random(Map& m, dice& roll, int writes) {
  for (int i = 0; i < writes; ++i) {
    // Few keys, crowded into the low chains, so that there are overflow buckets, reuse and resurrections.
    const u64 key = roll(4) == 0 ? in_bucket(roll(4), roll(40)) : roll(900);
    switch (roll(20)) {
    case 0:
      if (const auto it = m.find(key); it != m.end()) m.erase(it);
      break;
    case 1: {
      auto it = m.begin();
      for (u64 n = roll(20); n != 0 && it != m.end(); --n) ++it;
      for (u64 n = roll(6); n != 0 && it != m.end(); --n) it = m.erase(it);
      break;
    }
    case 2:
      if constexpr (requires { m.sweep(); }) {
        if (roll(2) == 0) m.sweep(static_cast<std::size_t>(roll(30)));
        if (const auto it = m.find(key); it != m.end()) m.mark_in_place(it);
      }
      break;
    case 3:
      if (roll(300) == 0) m.clear();
      if (roll(100) == 0) m.reserve(static_cast<std::size_t>(roll(1500)));
      if (roll(100) == 0) erase_if(m, [](const auto& entry) { return entry.first % 3 == 0; });
      break;
    default:
      // Waves: mostly insertions, then mostly erases.
      if (roll(10) < (i / 1500 % 2 == 0 ? 7u : 3u)) {
        m[key] = static_cast<u64>(i);
      } else {
        m.erase(key);
      }
    }
  }
}

}  // namespace

// ---- what is told

TEMPLATE_TEST_CASE("observers: events alone say where every entry is", "[observe]", (numbers<mirror>),
                   (numbers<mirror, deletion::tombstone, growth::incremental<1>>),
                   (numbers<mirror, deletion::tombstone_not_reusing, growth::incremental<2>, load<5>>),
                   (numbers<mirror, deletion::tombstone_not_reusing>),
                   (numbers<mirror, deletion::dirty, growth::incremental<2, true>>),
                   (numbers<mirror, deletion::dirty, load<20>, overflow::local_list>),
                   (numbers<mirror, deletion::purging<deletion::dirty, deletion::share<10>>>),
                   (numbers<mirror, growth::shrinking<growth::incremental<2>, 20>, overflow::preallocated>),
                   (numbers<mirror, growth::shrinking<growth::eager, 20>, deletion::tombstone>),
                   (numbers<mirror, layout::bucket_chain<bucket_options{.slots = 3, .group_bytes = 1024}>,
                            growth::incremental<2>>),
                   (numbers<mirror, layout::bucket_chain<bucket_options{.group_bytes = 1024}>,
                            deletion::dirty, growth::incremental<3>>),
                   (numbers<mirror, presets::go_like>)) {
  dice roll{7};
  TestType m;
  for (int round = 0; round < 40; ++round) {
    write_at_random(m, roll, 300);
    check_mirror(m);
    if (round % 8 == 3) {
      TestType copy(m);  // with an observer of its own, which is told of every entry
      check_mirror(copy);
      CHECK(copy.observer().log.erases() == 0);
      write_at_random(copy, roll, 100);
      check_mirror(copy);
      if (round % 16 == 3) {
        m = std::move(copy);  // the observer came with the entries
        check_mirror(m);
        write_at_random(copy, roll, 100);
        check_mirror(copy);
      } else {
        m = copy;
        check_mirror(m);
        swap(m, copy);
        check_mirror(copy);
      }
      check_mirror(m);
    }
  }
  CHECK(m.observer().log.erases() > 100);
}

TEST_CASE("observers: a move between unequal handles erases here what it inserts there", "[observe]") {
  recording_resource here, there;
  using map = tophash::map<u64, u64, raw_hash, mirror, deletion::dirty, recording<>>;
  map from{recording<>(here)};
  dice roll{1};
  write_at_random(from, roll, 800);
  const std::size_t entries = from.size();
  const u64 erases = from.observer().log.erases();
  map to(std::move(from), recording<>(there));
  check_mirror(to);
  check_mirror(from);
  CHECK(to.observer().entries == entries);
  CHECK(from.observer().log.erases() == erases + entries);
  CHECK(from.observer().log.open() == 0);
  // Equal handles: memory and observer go over as they are.
  map third(std::move(to), recording<>(there));
  check_mirror(third);
  CHECK(third.observer().entries == entries);
  CHECK(to.observer().entries == 0);
  write_at_random(to, roll, 300);
  check_mirror(to);
}

TEST_CASE("observers: exact events of a small map", "[observe]") {
  numbers<log_of_64> m;
  const log_of_64& log = m.observer();
  const auto told = [&m] {
    const words out = kinds(m.observer());
    m.observer().reset();
    return out;
  };
  for (u64 n = 0; n < 8; ++n) m[in_bucket(0, n)] = n;
  CHECK(log[0].kind == observe::event_kind::growth_started);
  CHECK(log[0].units == 0);
  CHECK(log[0].units_after == 1);
  CHECK(log[3].at.slot == 2);
  CHECK(log[3].hash == in_bucket(0, 2));
  CHECK(log[8].sequence == 8);
  const std::uintptr_t main = log[1].at.bucket;
  CHECK(told() == words{"growth_started", "inserted", "inserted", "inserted", "inserted", "inserted",
                        "inserted", "inserted", "inserted"});
  // Full: two chains, to the lower of which all eight go; the ninth needs an overflow bucket.
  m[in_bucket(0, 8)] = 8;
  CHECK(log[2].kind == observe::event_kind::moved);
  CHECK(log[2].from == events::slot_place{0, main, 0, true});
  CHECK(log[2].at.chain == 0);
  CHECK(log[10].entries == 8);
  CHECK(log[11].units == 1);
  CHECK(log[13].units == 2);
  CHECK(log[13].at.bucket == log[14].at.bucket);
  const std::uintptr_t overflow = log[14].at.bucket;
  CHECK(told() == words{"growth_started", "step_started", "moved", "moved", "moved", "moved", "moved",
                        "moved", "moved", "moved", "evacuated", "growth_finished", "step_finished",
                        "overflow_acquired", "inserted"});
  static_cast<void>(m.contains(1));
  m.erase(in_bucket(1, 1));  // absent
  m[in_bucket(0, 8)] = 9;    // present
  CHECK(told() == words{});
  // An emptied overflow bucket goes back; the erase comes first.
  m.erase(m.find(in_bucket(0, 8)));
  CHECK(log[0].hash_known);
  CHECK(log[0].hash == in_bucket(0, 8));
  CHECK(log[0].at == events::slot_place{0, overflow, 0, false});
  CHECK(log[1].at.bucket == overflow);
  CHECK(told() == words{"erased", "overflow_released"});
  m.erase(m.begin());
  CHECK(!log[0].hash_known);
  CHECK(log[0].at.slot == 0);
  CHECK(told() == words{"erased"});
  m[in_bucket(0, 20)] = 1;
  CHECK(log[0].at.slot == 0);
  CHECK(told() == words{"inserted"});
  m.clear();
  CHECK(log[0].entries == 8);
  CHECK(told() == words{"cleared"});
  m = numbers<log_of_64>{};
  CHECK(told() == words{});  // the other's log, which nobody told anything
}

TEST_CASE("observers: exact events of dirty entries", "[observe]") {
  numbers<log_of_64, deletion::dirty> m;
  const auto told = [&m] {
    const words out = kinds(m.observer());
    m.observer().reset();
    return out;
  };
  for (u64 n = 0; n < 4; ++n) m[in_bucket(0, n)] = n;
  m.observer().reset();
  m.erase(in_bucket(0, 0));
  m.erase(in_bucket(0, 1));
  m.mark_in_place(m.find(in_bucket(0, 2)));
  m[in_bucket(0, 1)] = 1;
  CHECK(told() == words{"erased", "erased", "erased", "resurrected"});
  m.sweep(1);
  m.sweep();
  m.sweep();  // nothing to do
  CHECK(told() ==
        words{"sweep_started", "swept", "sweep_finished", "sweep_started", "swept", "sweep_finished"});
  m.erase(in_bucket(0, 3));
  m.reserve(9);
  CHECK(told() == words{"erased", "growth_started", "step_started", "retired", "moved", "retired", "swept",
                        "retired", "retired", "retired", "retired", "evacuated", "growth_finished",
                        "step_finished"});
}

namespace {

struct throws_at_will {
  static inline bool armed = false;
  u64 number = 0;
  throws_at_will(u64 n) : number(n) {
    if (armed) throw 1;
  }
};

}  // namespace

TEST_CASE("observers: a resurrection that throws is told as swept", "[observe]") {
  tophash::map<u64, throws_at_will, raw_hash, deletion::dirty, mirror> m;
  m.try_emplace(1, u64{1});
  m.try_emplace(2, u64{2});
  m.erase(1);
  throws_at_will::armed = true;
  CHECK_THROWS_AS(m.try_emplace(1, u64{3}), int);
  throws_at_will::armed = false;
  check_mirror(m);
  CHECK(m.observer().log.ended(observe::ending::swept) == 1);
  CHECK(m.observer().log.open() == 0);
}

namespace {

// The last search.
struct probe_ear {
  using axis = axes::observe;
  static constexpr observe_facts facts{.on_const_paths = true};
  void on(const events::probed& e) const noexcept { last = e; }
  mutable events::probed last;
};

template <class Map>
std::pair<std::size_t, bool> last_probe(const Map& m) {
  return {m.observer().last.buckets, m.observer().last.hit};
}

}  // namespace

TEST_CASE("observers: a search says how many buckets it looked at", "[observe]") {
  using answer = std::pair<std::size_t, bool>;
  numbers<probe_ear, load<100>, growth::incremental<1>> m;
  static_cast<void>(m.find(1));
  CHECK(last_probe(m) == answer(1, false));
  for (u64 n = 0; n < 20; ++n) m[in_bucket(0, n)] = n;
  CHECK(last_probe(m) == answer(3, false));
  static_cast<void>(m.find(in_bucket(0, 0)));
  CHECK(last_probe(m) == answer(1, true));
  static_cast<void>(m.contains(in_bucket(0, 8)));
  CHECK(last_probe(m) == answer(2, true));
  static_cast<void>(m.at(in_bucket(0, 19)));
  CHECK(last_probe(m) == answer(3, true));
  m[in_bucket(0, 9)] = 0;
  CHECK(last_probe(m) == answer(2, true));
  m.erase(in_bucket(0, 99));
  CHECK(last_probe(m) == answer(3, false));
  m.erase(in_bucket(0, 12));
  CHECK(last_probe(m) == answer(2, true));
}

TEST_CASE("observers: a search during a growth looks at one chain", "[observe]") {
  using answer = std::pair<std::size_t, bool>;
  numbers<probe_ear, load<8>, growth::incremental<1>> m;
  for (u64 n = 0; n < 12; ++n) m[in_bucket(0, n)] = n;
  for (u64 n = 0; n < 4; ++n) m[in_bucket(1, n)] = n;
  REQUIRE(!m.stats().growing);
  m[in_bucket(1, 4)] = 4;  // the growth evacuates its chain and no other
  REQUIRE(m.stats().growing);
  REQUIRE(m.stats().evacuated_chains == 2);  // with that of the growth before
  CHECK(last_probe(m) == answer(1, false));
  static_cast<void>(m.find(in_bucket(0, 10)));
  CHECK(last_probe(m) == answer(2, true));
  static_cast<void>(m.find(in_bucket(0, 99)));
  CHECK(last_probe(m) == answer(2, false));  // the old chain only
  static_cast<void>(m.find(in_bucket(1, 99)));
  CHECK(last_probe(m) == answer(1, false));  // the new one only
  m.erase(in_bucket(0, 11));                 // ends the growth
  CHECK(last_probe(m) == answer(2, true));
  CHECK(!m.stats().growing);
}

// ---- laws

TEMPLATE_TEST_CASE("observers: laws", "[observe]", observe::histogram, observe::event_log<>,
                   (observe::event_log<3, observe::no_clock>), (observe::event_log<3, hand_clock>),
                   observe::tombstone_log<>, (observe::tombstone_log<5, std::chrono::steady_clock>),
                   observe::chrome_trace) {
  std::vector<std::string> broken;
  TestType o;
  laws::check_observer<TestType, events::growth_started, events::cleared>(
      o, [&broken](auto&& sentence) { broken.emplace_back(sentence); });
  CHECK(broken == std::vector<std::string>{});
  static_assert(std::is_nothrow_move_constructible_v<TestType> &&
                std::is_nothrow_move_assignable_v<TestType>);
}

TEST_CASE("observers: laws of the recorder, told by two readers at once", "[observe]") {
  std::FILE* const file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    observe::trace_writer trace(file);
    observe::recorder o(trace);
    std::vector<std::string> broken;
    laws::check_observer<observe::recorder, events::searched, events::erased, events::cleared>(
        o, [&broken](auto&& sentence) { broken.emplace_back(sentence); });
    CHECK(broken == std::vector<std::string>{});
    CHECK(trace.rows() == 20000);  // of the law's two readers
    CHECK(trace.error() == nullptr);
  }
  std::fclose(file);
}

TEST_CASE("observers: names in a SPEC", "[observe]") {
  CHECK(std::string(option_name<observe::event_log<>>().view()) == "event_log(1024)");
  CHECK(std::string(option_name<observe::event_log<8, observe::no_clock>>().view()) ==
        "event_log(8,no_clock)");
  CHECK(std::string(option_name<observe::tombstone_log<>>().view()) == "tombstone_log(4096)");
  CHECK(std::string(option_name<observe::tombstone_log<8, std::chrono::steady_clock>>().view()) ==
        "tombstone_log(8,steady_clock)");
  CHECK(!has_name<observe::event_log<8, hand_clock>>());
}

// ---- log2_histogram, histogram

TEST_CASE("log2_histogram: classes, sum, bounds", "[observe]") {
  observe::log2_histogram h;
  CHECK(h.at_most(500) == 0);
  CHECK(h.mean() == 0.0);
  for (std::size_t k = 0; k < h.classes; ++k) {
    CHECK(h.class_of(h.least_of(k)) == k);
    CHECK(h.class_of(h.most_of(k)) == k);
    if (k + 1 < h.classes) CHECK(h.most_of(k) + 1 == h.least_of(k + 1));
  }
  CHECK(h.most_of(h.classes - 1) == std::numeric_limits<u64>::max());
  for (u64 n : {0u, 1u, 2u, 3u, 4u, 100u}) h.add(n);
  CHECK(h.count(0) == 1);
  CHECK(h.count(1) == 1);
  CHECK(h.count(2) == 2);
  CHECK(h.count(3) == 1);
  CHECK(h.count(7) == 1);
  CHECK(h.total() == 6);
  CHECK(h.sum() == 110);
  CHECK(h.greatest() == 100);
  CHECK(h.at_most(500) == 3);  // half of six: 0, 1 and the class of 2 and 3
  CHECK(h.at_most(1000) == 100);
  CHECK(h.at_most(0) == 0);
  observe::log2_histogram twice = h;
  twice.add(h);
  CHECK(twice.total() == 12);
  CHECK(twice.sum() == 220);
  CHECK(twice.greatest() == 100);
}

TEST_CASE("histogram: what each operation met", "[observe]") {
  using map = numbers<observe::histogram, deletion::dirty>;
  map m;
  for (u64 n = 0; n < 9; ++n) m[in_bucket(0, n)] = n;  // grows from one chain to two, and one overflow bucket
  static_cast<void>(m.find(in_bucket(0, 8)));
  static_cast<void>(m.find(in_bucket(1, 8)));
  const observe::histogram_values v = m.observer().snapshot();
  CHECK(v.hit_buckets.total() == 1);
  CHECK(v.hit_buckets.sum() == 2);
  CHECK(v.miss_buckets.total() == 10);
  CHECK(v.miss_buckets.sum() == 10);
  CHECK(v.chain_buckets.total() == 1);
  CHECK(v.chain_buckets.sum() == 2);
  CHECK(v.chain_entries.total() == 1);
  CHECK(v.chain_entries.sum() == 8);
  CHECK(v.step_entries.total() == 1);
  CHECK(v.step_entries.sum() == 8);
  CHECK(v.step_chains.sum() == 1);
  CHECK(v.growth_writes.total() == 1);
  CHECK(v.growth_writes.sum() == 0);  // growth::eager: within one write
  CHECK(v.sweep_entries.total() == 0);
  m.erase(in_bucket(0, 0));
  m.erase(in_bucket(0, 1));
  m.sweep();
  CHECK(m.observer().snapshot().sweep_entries.sum() == 2);
  m.clear();
  CHECK(m.observer().snapshot().cleared_entries.sum() == 7);

  const observe::histogram_values before = m.observer().snapshot();
  map copy(m);
  CHECK(copy.observer().snapshot() == observe::histogram_values{});
  map moved(std::move(m));
  CHECK(moved.observer().snapshot() == before);
  CHECK(m.observer().snapshot() == observe::histogram_values{});
  copy = std::move(moved);
  CHECK(copy.observer().snapshot() == before);
  copy.observer().reset();
  CHECK(copy.observer().snapshot() == observe::histogram_values{});
}

TEST_CASE("histogram: the steps of a growth and the writes meanwhile", "[observe]") {
  numbers<observe::histogram, growth::incremental<1>, load<4>> m;
  u64 key = 0;
  while (m.bucket_count() < 16) m[key++] = 1;
  m.observer().reset();
  while (m.bucket_count() < 32) m[key++] = 1;
  while (m.stats().growing) m[key++] = 1;
  const observe::histogram_values v = m.observer().snapshot();
  CHECK(v.growth_writes.total() == 2);  // that to 16, most of which was before the reset, and that to 32
  CHECK(v.chain_entries.sum() >= 64);
  CHECK(v.step_chains.greatest() == 1);
  CHECK(v.step_entries.sum() == v.chain_entries.sum());
  CHECK(v.growth_writes.greatest() == 15);  // 16 chains, one a write, the last within the write that ends it
}

// ---- event_log

TEST_CASE("event_log: the last events, in order", "[observe]") {
  hand_clock::ns = 5;
  observe::event_log<3, hand_clock> log;
  CHECK(log.size() == 0);
  CHECK(log.capacity() == 3);
  for (std::size_t n = 0; n < 10; ++n) {
    notify(log, events::cleared{n});
    ++hand_clock::ns;
    CHECK(log.told() == n + 1);
    REQUIRE(log.size() == std::min<std::size_t>(n + 1, 3));
    for (std::size_t i = 0; i < log.size(); ++i) {
      const observe::logged_event& e = log[i];
      CHECK(e.sequence == n + 1 - log.size() + i);
      CHECK(e.entries == e.sequence);
      CHECK(e.ns == e.sequence + 5);
      CHECK(e.kind == observe::event_kind::cleared);
    }
  }
  CHECK(log.lost() == 0);
  observe::event_log<3, hand_clock> copy(log);
  CHECK(copy.told() == 0);
  observe::event_log<3, hand_clock> moved(std::move(log));
  CHECK(moved.told() == 10);
  CHECK(moved[0].sequence == 7);
  CHECK(log.told() == 0);
  notify(log, events::cleared{1});  // a moved-from log starts anew
  CHECK(log.size() == 1);
  copy = std::move(moved);
  CHECK(copy[2].sequence == 9);
  copy.reset();
  CHECK(copy.size() == 0);
  CHECK(copy.told() == 0);
}

// ---- tombstone_log

TEST_CASE("tombstone_log: ages at reuse, per deletion", "[observe]") {
  using observe::ending;
  SECTION("immediate: until an insertion takes the slot") {
    numbers<observe::tombstone_log<>> m;
    for (u64 n = 0; n < 6; ++n) m[in_bucket(0, n)] = n;
    m.erase(in_bucket(0, 2));  // write 7
    m.erase(in_bucket(0, 1));  // write 8
    const auto& log = m.observer();
    CHECK(log.writes() == 8);
    CHECK(log.open() == 2);
    log.for_each_open([](const observe::tombstone& t, u64 age) {
      CHECK(t.at.chain == 0);
      CHECK(t.hash_known);
      CHECK(t.hash == in_bucket(0, t.at.slot));
      CHECK(age == t.at.slot - 1);
      CHECK(t.erased_at_write == (t.at.slot == 2 ? 7u : 8u));
    });
    CHECK(log.ages_now().sum() == 1);
    m[in_bucket(0, 30)] = 1;  // write 9 takes slot 1: age 1
    m[in_bucket(0, 31)] = 1;  // write 10 takes slot 2: age 3
    CHECK(log.open() == 0);
    CHECK(log.ended(ending::reused) == 2);
    CHECK(log.ages(ending::reused).sum() == 4);
    CHECK(log.ages(ending::reused).greatest() == 3);
    CHECK(log.never_reused() == 0);
  }
  SECTION("tombstone, not reusing: until a growth passes it") {
    numbers<observe::tombstone_log<>, deletion::tombstone_not_reusing> m;
    for (u64 n = 0; n < 6; ++n) m[in_bucket(0, n)] = n;
    m.erase(in_bucket(0, 2));
    m[in_bucket(0, 40)] = 1;
    CHECK(m.observer().open() == 1);
    m.reserve(40);
    CHECK(m.observer().open() == 0);
    CHECK(m.observer().ended(ending::retired) == 1);
    CHECK(m.observer().ages(ending::retired).sum() == 1);
    CHECK(m.observer().never_reused() == 1);
  }
  SECTION("dirty: until it is resurrected or swept") {
    numbers<observe::tombstone_log<>, deletion::dirty> m;
    for (u64 n = 0; n < 6; ++n) m[in_bucket(0, n)] = n;
    m.erase(in_bucket(0, 2));
    m.erase(in_bucket(0, 3));
    m.erase(in_bucket(0, 4));
    m[in_bucket(0, 3)] = 1;
    CHECK(m.observer().ages(ending::resurrected).sum() == 2);
    CHECK(m.sweep(1) == 1);
    CHECK(m.observer().ages(ending::swept).sum() == 3);
    m.clear();
    CHECK(m.observer().ended(ending::cleared) == 1);
    CHECK(m.observer().open() == 0);
    CHECK(m.observer().never_reused() == 2);
  }
  SECTION("an emptied overflow bucket takes its slots along") {
    numbers<observe::tombstone_log<>, load<100>> m;
    for (u64 n = 0; n < 10; ++n) m[in_bucket(0, n)] = n;
    m.erase(in_bucket(0, 8));
    CHECK(m.observer().open() == 1);
    m.erase(in_bucket(0, 9));
    CHECK(m.observer().open() == 0);
    CHECK(m.observer().ended(ending::released) == 2);
    CHECK(m.observer().ages(ending::released).sum() == 1);
  }
  SECTION("a growth step may take a slot of the new array: shrinking puts two chains into one") {
    numbers<observe::tombstone_log<>, growth::shrinking<growth::incremental<1>, 20>, load<4>> m;
    for (u64 n = 0; n < 200; ++n) m[n] = n;
    while (m.stats().growing) m[0] = 0, m[m.size() + 1000] = 0;
    const std::size_t buckets = m.bucket_count();
    u64 next = 0;
    while (m.bucket_count() == buckets) m.erase(next++);
    REQUIRE(m.stats().growing);
    const u64 half = buckets / 2;
    // One of a pair of chains is evacuated and an entry of it erased; then the other one follows.
    while (!m.contains(next) || !m.contains(next + half)) ++next;
    m.erase(next);
    CHECK(m.observer().ended(ending::moved_into) == 0);
    m.erase(next + half);
    CHECK(m.observer().ended(ending::moved_into) == 1);
    CHECK(m.observer().ages(ending::moved_into).sum() == 0);  // no write was between
    CHECK(m.observer().reuse_ages().total() == m.observer().ended(ending::reused) + 1);
  }
}

TEST_CASE("tombstone_log: bounded, switchable, exact", "[observe]") {
  using observe::ending;
  numbers<observe::tombstone_log<4>, load<100>> m;
  for (u64 n = 0; n < 8; ++n) m[in_bucket(0, n)] = n;
  for (u64 n = 0; n < 6; ++n) m.erase(in_bucket(0, n));
  auto& log = m.observer();
  CHECK(log.open() == 4);
  CHECK(log.not_followed() == 2);
  for (u64 n = 0; n < 6; ++n) m[in_bucket(0, 10 + n)] = n;
  CHECK(log.open() == 0);
  CHECK(log.ended(ending::reused) == 4);
  m.erase(in_bucket(0, 11));
  log.enabled(false);
  CHECK(!log.enabled());
  CHECK(log.open() == 0);
  CHECK(log.forgotten() == 1);
  m[in_bucket(0, 30)] = 1;  // unseen
  m.erase(in_bucket(0, 12));
  CHECK(log.writes() == 21);
  CHECK(log.erases() == 7);
  log.enabled(true);
  m[in_bucket(0, 31)] = 1;  // takes a slot whose erase was not seen
  CHECK(log.ended(ending::reused) == 4);
  m.erase(in_bucket(0, 31));
  numbers<observe::tombstone_log<4>, load<100>> moved(std::move(m));
  CHECK(moved.observer().open() == 1);
  CHECK(m.observer().open() == 0);
  CHECK(m.observer().erases() == 0);
  moved.observer().enabled(false);
  numbers<observe::tombstone_log<4>, load<100>> copy(moved);
  CHECK(!copy.observer().enabled());
  CHECK(copy.observer().erases() == 0);
  moved.observer().reset();
  CHECK(moved.observer().erases() == 0);
}

TEST_CASE("tombstone_log: with a clock, ages in nanoseconds", "[observe]") {
  hand_clock::ns = 1000;
  numbers<observe::tombstone_log<8, hand_clock>> m;
  m[1] = 1;
  m.erase(1);
  hand_clock::ns += 64;
  m[1] = 1;
  CHECK(m.observer().ages_ns(observe::ending::reused).sum() == 64);
  CHECK(m.observer().ages(observe::ending::reused).sum() == 1);
}

TEST_CASE("tombstone_log: its table against a std::map", "[observe]") {
  using observe::ending;
  observe::tombstone_log<64> log;
  std::map<std::pair<std::uintptr_t, std::size_t>, u64> open;
  dice roll{3};
  u64 writes = 0, reused = 0, sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto bucket = static_cast<std::uintptr_t>(4096 + 144 * roll(8));
    const auto slot = static_cast<std::size_t>(roll(8));
    const auto there = open.find({bucket, slot});
    ++writes;
    if (there == open.end()) {
      notify(log, events::erased{.at = {0, bucket, slot, false}});
      open[{bucket, slot}] = writes;
    } else {
      notify(log, events::inserted{{0, bucket, slot, false}, 0});
      ++reused;
      sum += writes - there->second;
      open.erase(there);
    }
    if (log.open() != open.size()) FAIL("after " << i << " writes");
  }
  CHECK(log.ended(ending::reused) == reused);
  CHECK(log.ages(ending::reused).sum() == sum);
  u64 seen = 0;
  log.for_each_open([&](const observe::tombstone& t, u64 age) {
    const auto it = open.find({t.at.bucket, t.at.slot});
    REQUIRE(it != open.end());
    CHECK(age == writes - it->second);
    ++seen;
  });
  CHECK(seen == open.size());
}

// ---- which log a map has after an assignment

TEMPLATE_TEST_CASE("observers: a copy's log is of the copying, a move's is the source's", "[observe]",
                   observe::counters, observe::histogram) {
  using map = numbers<TestType>;
  map a, b;
  for (u64 n = 0; n < 50; ++n) a[n] = n;
  for (u64 n = 0; n < 3; ++n) b[n] = n;
  const auto of_a = a.observer().snapshot(), of_b = b.observer().snapshot();
  map copy(b);
  const auto of_copying = copy.observer().snapshot();
  CHECK(!(of_copying == of_a));
  a = b;
  CHECK(a.observer().snapshot() == of_copying);
  CHECK(b.observer().snapshot() == of_b);
  a = std::move(b);
  CHECK(a.observer().snapshot() == of_b);
}
