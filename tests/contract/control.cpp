// SPDX-License-Identifier: Apache-2.0
// The battery on trial. std::unordered_map must pass it (what it asks is possible), and maps broken on
// purpose must not (it notices). The breakages are those that a map is most likely to have: an entry lost,
// doubled or forgotten by a copy, a half-done step after a throw, a leak, a second destruction, a wrong
// answer.
#include <unordered_map>

#include <catch2/catch.hpp>

#include "support/battery.hpp"
#include "support/hashes.hpp"
#include "support/map_subject.hpp"
#include "support/storage_std.hpp"

using namespace tophash::testing;

namespace {

using key = counted_key;
using value = counted_value;
using allocator = recording_std<std::pair<const key, value>>;
using standard = std::unordered_map<key, value, faulty_hash, std::equal_to<key>, allocator>;

template <class Map>
struct standard_supply {
  mutable recording_resource resource;
  Map make(int) { return Map(allocator(resource)); }
  recording_resource* recorded(int) const { return &resource; }
  bool owns(int, const Map& m) const { return m.get_allocator() == allocator(resource); }
};

template <class Map>
composition control() {
  return {.name = "control",
          .promised = {.accounts = false, .recorded = true, .counted = true, .strong_copy = false},
          .choices = {},
          .make = [] {
            return std::unique_ptr<subject>(
                std::make_unique<
                    map_subject<Map, counted_key_codec, counted_value_codec, standard_supply<Map>>>());
          }};
}

// Everything the battery has, in the order of cost.
template <class Map>
std::string whole_battery() {
  const composition tested = control<Map>();
  std::string wrong = random_streams(tested, 40);
  if (wrong.empty()) wrong = long_stream(tested, 4000, 1);
  if (wrong.empty()) wrong = growth_walk(tested);
  if (wrong.empty()) wrong = fault_walk(tested, fault_source::user_code);
  if (wrong.empty()) wrong = fault_walk(tested, fault_source::allocation);
  return wrong;
}

struct erase_forgets_another : standard {
  using standard::erase;
  using standard::standard;
  std::size_t erase(const key& k) {
    const std::size_t erased = standard::erase(k);
    if (erased != 0 && size() > 20) standard::erase(begin());
    return erased;
  }
};

struct copy_skips_one : standard {
  using standard::standard;
  copy_skips_one(const copy_skips_one& other) : standard(other) {
    if (size() > 9) standard::erase(begin());
  }
  copy_skips_one(copy_skips_one&&) = default;
  copy_skips_one& operator=(const copy_skips_one&) = default;
  copy_skips_one& operator=(copy_skips_one&&) = default;
};

struct clear_leaves_one : standard {
  using standard::standard;
  void clear() {
    if (!empty()) erase(std::next(begin()), end());
  }
};

struct assigns_on_insert : standard {
  using standard::standard;
  template <class... Args>
  auto try_emplace(key&& k, Args&&... args) {
    return insert_or_assign(std::move(k), value(std::forward<Args>(args)...));
  }
};

struct half_done_after_throw : standard {
  using standard::standard;
  std::pair<iterator, bool> insert_or_assign(key&& k, value&& v) {
    standard::erase(k);  // gone, should what follows throw
    return standard::insert_or_assign(std::move(k), std::move(v));
  }
};

struct answers_wrong_place : standard {
  using standard::erase;
  using standard::standard;
  iterator erase(const_iterator at) {
    standard::erase(at);
    return begin();
  }
};

struct leaks_a_block : standard {
  using standard::standard;
  void rehash(std::size_t n) {
    allocator lost = get_allocator();
    static_cast<void>(lost.allocate(1));
    standard::rehash(n);
  }
};

struct destroys_twice : standard {
  using standard::erase;
  using standard::standard;
  iterator erase(const_iterator at) {
    at->second.~value();
    return standard::erase(at);
  }
};

struct moves_bytes : standard {
  using standard::standard;
  void reserve(std::size_t n) {
    standard::reserve(n);
    if (size() < 2) return;
    alignas(value) unsigned char room[sizeof(value)];
    void* a = const_cast<void*>(static_cast<const void*>(&begin()->second));
    void* b = const_cast<void*>(static_cast<const void*>(&std::next(begin())->second));
    std::memcpy(room, a, sizeof room), std::memcpy(a, b, sizeof room), std::memcpy(b, room, sizeof room);
  }
};

struct finds_too_much : standard {
  using standard::standard;
  std::size_t count(const key& k) const { return standard::count(k) + (size() > 33 ? 1 : 0); }
};

struct compares_sizes : standard {
  using standard::standard;
  friend bool operator==(const compares_sizes& a, const compares_sizes& b) { return a.size() == b.size(); }
};

}  // namespace

TEST_CASE("control: std::unordered_map passes the battery", "[contract][control]") {
  CHECK(whole_battery<standard>() == "");
}

TEMPLATE_TEST_CASE("control: the battery notices a broken map", "[contract][control]", erase_forgets_another,
                   copy_skips_one, clear_leaves_one, assigns_on_insert, half_done_after_throw,
                   answers_wrong_place, leaks_a_block, destroys_twice, moves_bytes, finds_too_much,
                   compares_sizes) {
  CHECK(whole_battery<TestType>() != "");
}

TEST_CASE("control: a failing stream is cut down to a few steps", "[contract][control]") {
  const std::string wrong = long_stream(control<clear_leaves_one>(), 4000, 1);
  INFO(wrong);
  CHECK(wrong.find("cut down to") != std::string::npos);
  CHECK(wrong.size() < 4000);
}

TEST_CASE("control: uncovered pairs are named", "[contract][control]") {
  const composition rows[] = {{"one", {}, {"a=1", "b=1"}, nullptr}, {"two", {}, {"a=2", "b=2"}, nullptr}};
  CHECK(uncovered_pairs(rows) == std::vector<std::string>{"a=1 with b=2", "a=2 with b=1"});
  const composition more[] = {
      rows[0], rows[1], {"three", {}, {"a=1", "b=2"}, nullptr}, {"four", {}, {"a=2", "b=1"}, nullptr}};
  CHECK(uncovered_pairs(more).empty());
}
