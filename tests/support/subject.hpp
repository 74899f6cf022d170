// SPDX-License-Identifier: Apache-2.0
// A composition behind virtual functions, so that the battery is compiled once. A subject owns two maps of
// one type (a step names which; copies, moves and swaps go between them) and speaks of keys and values as
// small numbers. The concrete adaptor is in support/map_subject.hpp; what a step must do is in
// support/battery.cpp. Invariant: a subject made twice with the same arguments behaves the same way step for
// step (fixed seeds).
#ifndef TOPHASH_TESTS_SUPPORT_SUBJECT_HPP
#define TOPHASH_TESTS_SUPPORT_SUBJECT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tophash::testing {

// Groups by what a throw may leave: the first two groups promise that nothing changed.
enum class verb : std::uint8_t {
  // writes by one key; strong guarantee
  insert,
  insert_moved,
  insert_or_assign,
  emplace,
  emplace_hint,
  try_emplace,
  try_emplace_hashed,
  index,
  assign,
  try_insert,
  try_insert_or_assign,
  erase_key,
  erase_found,
  erase_first,
  erase_at,
  mark,
  // reads
  find,
  find_hashed,
  contains,
  contains_hashed,
  count,
  at,
  equal_range,
  iterate,
  // whole-map steps
  insert_range,
  erase_range,
  erase_if,
  clear,
  reserve,
  try_reserve,
  rehash,
  sweep,
  copy_construct,
  copy_assign,
  copy_self,
  try_assign,
  move_construct,
  move_assign,
  swap,
  compare,
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(verb::compare) + 1;

const char* verb_name(verb what) noexcept;

constexpr bool is_write(verb what) noexcept { return what <= verb::try_insert_or_assign; }
constexpr bool is_erase(verb what) noexcept { return what >= verb::erase_key && what <= verb::mark; }
constexpr bool is_read(verb what) noexcept {
  return (what >= verb::find && what <= verb::iterate) || what == verb::compare;
}

struct step {
  verb what = verb::find;
  std::uint8_t map = 0;  // 0 or 1: the map acted on
  std::uint16_t key = 0;
  std::uint32_t value = 0;
};

struct outcome {
  std::uint64_t result = 0;            // inserted, found, erased, a count
  std::uint32_t value = 0;             // the mapped value now, where one was found
  bool allocated = true;               // try_ forms only
  std::vector<std::uint32_t> touched;  // keys that a step chose by position

  friend bool operator==(const outcome& a, const outcome& b) {
    return a.result == b.result && a.value == b.value && a.allocated == b.allocated;
  }
};

// One map's own account of itself.
struct account {
  std::size_t size = 0;
  std::size_t units = 0, old_units = 0, old_evacuated = 0, limit = 0;
  std::size_t dead = 0, dirty = 0, overflow_in_use = 0;
  std::uint64_t growths = 0, regrows = 0, evacuated_chains = 0;
  bool growing = false;
  std::uint64_t requested = 0, recycled = 0, released = 0, kept = 0, in_array = 0;
  std::array<std::size_t, 5> bytes{};  // memory report by purpose

  friend bool operator==(const account&, const account&) = default;
};

enum class deletion_family : std::uint8_t { immediate, tombstone, dirty };

// What the battery may expect of a composition.
struct promises {
  bool accounts = true;  // gives an account and checks its own invariants
  bool copyable = true;
  deletion_family deletion = deletion_family::immediate;
  bool reusing = true;
  std::size_t quantum = 0;  // chains a write evacuates; 0: all at once
  bool every_write = false;
  bool on_read = false;  // lookups step too
  std::size_t slots = 8;
  std::size_t open_width = 0;                            // tags of a group, 1: single slots; 0: chains
  std::size_t load_numerator = 1, load_denominator = 1;  // entries a unit when full
  bool recorded = false;      // storage is a recording_resource: memory is compared, allocation can fail
  bool counted = false;       // elements are counted and can throw
  bool equal_handles = true;  // both maps' storage handles are equal
  bool strong_copy = true;    // a copy assignment that throws changes nothing (the standard asks less)
};

class subject {
 public:
  virtual ~subject() = default;

  virtual outcome apply(const step& wanted) = 0;
  virtual std::vector<std::pair<std::uint32_t, std::uint32_t>> contents(int map) const = 0;  // unsorted
  virtual account account_of(int map) const = 0;
  virtual const char* violated_invariant(int map) const = 0;  // null: none

  // Storage; without a recording resource nothing can fail and nothing is live.
  virtual void fail_allocation(long n) = 0;
  virtual bool disarm_allocation() = 0;
  virtual std::array<std::size_t, 5> live_bytes() const = 0;
  virtual std::array<std::size_t, 5> live_blocks() const = 0;

  // A misuse that elements, storage or the adaptor itself saw, else empty.
  virtual std::string misuse() const = 0;
  // Counted elements alive now: keys, values.
  virtual std::pair<long, long> alive() const = 0;
  // Destroys both maps, then says what is still alive or was misused; empty when all is well.
  virtual std::string finish() = 0;
};

struct composition {
  std::string name;
  promises promised;
  std::vector<std::string> choices;  // "axis=option" for the pairwise cover
  std::unique_ptr<subject> (*make)();
};

// Compositions register themselves from static objects; the battery walks the list.
std::vector<composition>& compositions();

struct registration {
  registration(std::initializer_list<composition> made) { compositions().insert(compositions().end(), made); }
};

}  // namespace tophash::testing

#endif
