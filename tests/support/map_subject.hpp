// SPDX-License-Identifier: Apache-2.0
// The adaptor from a concrete map to the battery's subject. It takes what the standard's map has; tophash's
// own operations are used where the map has them, otherwise their nearest standard form, so that the same
// battery runs on std::unordered_map as a control. Invariant: nothing here decides what is right, except that
// an erase returns what followed the erased entry.
#ifndef TOPHASH_TESTS_SUPPORT_MAP_SUBJECT_HPP
#define TOPHASH_TESTS_SUPPORT_MAP_SUBJECT_HPP

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/table/binding.hpp>

#include "support/codecs.hpp"
#include "support/storage.hpp"
#include "support/subject.hpp"

namespace tophash::testing {

// Does an erase move other entries (layout::open_slots with immediate deletion)?
template <class Map>
constexpr bool moves_on_erase() {
  if constexpr (requires { typename Map::spec_type; }) {
    const spec_facts facts = facts_of<typename Map::spec_type>();
    return facts.layout.kind == layout_kind::open_slots && facts.deletion.kind == deletion_kind::immediate;
  } else {
    return false;
  }
}

// A supply makes both maps and owns the resources their storage comes from.
//   S::map make(int which); recording_resource* S::recorded(int which) (null: not recorded)
//   bool S::owns(int which, map): does the map hold the handle it was made with?
template <class Map, class KeyCodec, class ValueCodec, class Supply>
class map_subject final : public subject {
  using key_type = typename KeyCodec::type;
  using mapped_type = typename ValueCodec::type;
  using iterator = typename Map::iterator;
  static constexpr bool copyable =
      std::is_copy_constructible_v<key_type> && std::is_copy_constructible_v<mapped_type>;

 public:
  map_subject() {
    for (int i = 0; i < 2; ++i) maps_[static_cast<std::size_t>(i)].emplace(supply_.make(i));
    for (instance_ledger* ledger : ledgers()) {
      if (ledger != nullptr) *ledger = {};
    }
  }

  outcome apply(const step& s) override {
    outcome out;
    if (is_write(s.what)) {
      write(s, out);
    } else if (is_erase(s.what)) {
      erase(s, out);
    } else if (is_read(s.what)) {
      read(s, out);
    } else {
      act_on_all(s, out);
    }
    return out;
  }

  std::vector<std::pair<std::uint32_t, std::uint32_t>> contents(int map) const override {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
    const Map& m = one(map);
    for (auto it = m.begin(); it != m.end(); ++it) {
      out.emplace_back(KeyCodec::number((*it).first), ValueCodec::number((*it).second));
    }
    return out;
  }

  account account_of(int map) const override {
    const Map& m = one(map);
    account out;
    out.size = m.size();
    if constexpr (requires { m.stats(); }) {
      const auto now = m.stats();
      if (now.size != m.size()) complain("stats().size differs from size()");
      out.units = now.units, out.old_units = now.old_units;
      out.old_evacuated = now.old_evacuated, out.limit = now.limit;
      out.dead = now.dead, out.dirty = now.dirty, out.overflow_in_use = now.overflow_in_use;
      out.growths = now.growths, out.regrows = now.regrows, out.evacuated_chains = now.evacuated_chains;
      out.growing = now.growing;
      out.requested = now.overflow.requested, out.recycled = now.overflow.recycled;
      out.released = now.overflow.released, out.kept = now.overflow.kept;
      out.in_array = now.overflow.in_array;
      std::size_t total = 0;
      const auto report = m.memory_report();
      for (const auto& part : report) {
        const std::size_t bytes = part.size_bytes * part.count;
        out.bytes[static_cast<std::size_t>(part.use)] += bytes;
        total += bytes;
      }
      if (total != report.total_bytes())
        complain("memory_report: total_bytes() is not the sum of its classes");
    }
    return out;
  }

  const char* violated_invariant(int map) const override {
    if constexpr (requires(const Map& m) { m.check_invariants(); })
      return one(map).check_invariants();
    else
      return nullptr;
  }

  void fail_allocation(long n) override {
    if (recording_resource* r = supply_.recorded(0)) r->fail_at(n);
  }
  bool disarm_allocation() override {
    recording_resource* r = supply_.recorded(0);
    return r != nullptr && r->disarm();
  }
  std::array<std::size_t, 5> live_bytes() const override {
    auto out = sum([](const recording_resource& r, purpose use) { return r.live_bytes(use); });
    // What a pool keeps belongs to no map.
    if constexpr (requires { supply_.pooled_bytes(); }) out[overflow_purpose] -= supply_.pooled_bytes();
    return out;
  }
  std::array<std::size_t, 5> live_blocks() const override {
    auto out = sum([](const recording_resource& r, purpose use) { return r.live_blocks(use); });
    if constexpr (requires { supply_.pooled_blocks(); }) out[overflow_purpose] -= supply_.pooled_blocks();
    if constexpr (requires { requires Map::spec_type::overflow::facts.numbers; }) {
      // Slabs of buckets: as many as there are buckets in them.
      using binding = typename table::binding_of<typename Map::key_type, typename Map::mapped_type, typename Map::spec_type,
                                                 layout_kind::bucket_chain>::type;
      const auto bytes = sum([](const recording_resource& r, purpose use) { return r.live_bytes(use); });
      out[overflow_purpose] = bytes[overflow_purpose] / sizeof(typename binding::bucket);
    }
    return out;
  }

  std::string misuse() const override {
    if (!complaint_.empty()) return complaint_;
    for (instance_ledger* ledger : ledgers()) {
      if (ledger != nullptr && !ledger->error.empty()) return ledger->error;
    }
    for (int i = 0; i < 2; ++i) {
      const recording_resource* r = supply_.recorded(i);
      if (r != nullptr && !r->error().empty()) return r->error();
      const auto& m = maps_[static_cast<std::size_t>(i)];
      if (m.has_value() && !supply_.owns(i, *m)) return "a map has another map's storage handle";
    }
    return {};
  }

  std::pair<long, long> alive() const override {
    const auto both = ledgers();
    return {both[0] != nullptr ? both[0]->alive : 0, both[1] != nullptr ? both[1]->alive : 0};
  }

  std::string finish() override {
    maps_[0].reset();
    maps_[1].reset();
    if constexpr (requires { supply_.drain(); }) supply_.drain();
    if (std::string wrong = misuse(); !wrong.empty()) return wrong;
    if (const auto [keys, values] = alive(); keys != 0 || values != 0) {
      return "elements alive after both maps are gone: " + std::to_string(keys) + " keys, " +
             std::to_string(values) + " values";
    }
    const auto blocks = live_blocks();
    for (std::size_t use = 0; use < blocks.size(); ++use) {
      if (blocks[use] != 0) {
        return std::to_string(blocks[use]) + " blocks leaked, purpose " +
               purpose_name(static_cast<purpose>(use));
      }
    }
    return {};
  }

 private:
  static constexpr std::size_t overflow_purpose = static_cast<std::size_t>(purpose::overflow);

  Map& one(int i) { return *maps_[static_cast<std::size_t>(i)]; }
  const Map& one(int i) const { return *maps_[static_cast<std::size_t>(i)]; }
  static std::array<instance_ledger*, 2> ledgers() {
    return {ledger_of<KeyCodec>(), ledger_of<ValueCodec>()};
  }
  void complain(const char* what) const {
    if (complaint_.empty()) complaint_ = what;
  }

  template <class Measure>
  std::array<std::size_t, 5> sum(Measure measure) const {
    std::array<std::size_t, 5> out{};
    const recording_resource* first = supply_.recorded(0);
    for (int i = 0; i < 2; ++i) {
      const recording_resource* r = supply_.recorded(i);
      if (r == nullptr || (i == 1 && r == first)) continue;
      for (std::size_t use = 0; use < out.size(); ++use) out[use] += measure(*r, static_cast<purpose>(use));
    }
    return out;
  }

  template <class Iterator>
  static std::uint32_t key_at(Iterator it) {
    return KeyCodec::number((*it).first);
  }
  template <class Iterator>
  static std::uint32_t value_at(Iterator it) {
    return ValueCodec::number((*it).second);
  }
  template <class Pair>
  static void note(outcome& out, const Pair& result) {
    out.result = result.second ? 1 : 0;
    out.value = value_at(result.first);
  }

  void write(const step& s, outcome& out) {
    Map& m = one(s.map);
    switch (s.what) {
    case verb::insert:
      if constexpr (copyable) {
        const typename Map::value_type entry(KeyCodec::make(s.key), ValueCodec::make(s.value));
        return note(out, m.insert(entry));
      } else {
        return note(out, m.emplace(KeyCodec::make(s.key), ValueCodec::make(s.value)));
      }
    case verb::insert_moved:
      return note(
          out, m.insert(std::pair<key_type, mapped_type>(KeyCodec::make(s.key), ValueCodec::make(s.value))));
    case verb::insert_or_assign:
      return insert_or_assign(m, s, out);
    case verb::emplace:
      return note(out, m.emplace(KeyCodec::make(s.key), ValueCodec::make(s.value)));
    case verb::emplace_hint: {
      const std::size_t before = m.size();
      const auto it = m.emplace_hint(m.cbegin(), KeyCodec::make(s.key), ValueCodec::make(s.value));
      out.result = m.size() - before;
      out.value = value_at(it);
      return;
    }
    case verb::try_emplace:
      return note(out, m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(s.value)));
    case verb::try_emplace_hashed:
      return try_emplace_hashed(m, s, out);
    case verb::index:
      return index(m, s, out);
    case verb::assign:
      if (const auto it = m.find(KeyCodec::make(s.key)); it != m.end()) {
        out.result = 1;
        ValueCodec::set((*it).second, s.value);
      }
      return;
    default:
      return write_or_say(m, s, out);
    }
  }

  void insert_or_assign(Map& m, const step& s, outcome& out) {
    if constexpr (std::is_assignable_v<mapped_type&, mapped_type>) {
      note(out, m.insert_or_assign(KeyCodec::make(s.key), ValueCodec::make(s.value)));
    } else {
      const auto result = m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(s.value));
      if (!result.second) {
        m.erase(result.first);
        m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(s.value));
      }
      out.result = result.second ? 1 : 0;
      out.value = s.value;
    }
  }

  void try_emplace_hashed(Map& m, const step& s, outcome& out) {
    if constexpr (requires(const key_type& key) { m.prehash(key); }) {
      const key_type key = KeyCodec::make(s.key);
      const auto token = m.prehash(key);
      note(out, m.try_emplace_hashed(token, KeyCodec::make(s.key), ValueCodec::make(s.value)));
    } else {
      note(out, m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(s.value)));
    }
  }

  void index(Map& m, const step& s, outcome& out) {
    if constexpr (std::is_default_constructible_v<mapped_type>) {
      mapped_type& there = m[KeyCodec::make(s.key)];
      out.value = ValueCodec::number(there);
      ValueCodec::set(there, s.value);
    } else {
      const auto [it, inserted] = m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(0));
      out.value = value_at(it);
      static_cast<void>(inserted);
      if (out.value != s.value) {
        m.erase(it);
        m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(s.value));
      }
    }
  }

  template <class Result>
  static void note_try(outcome& out, const Result& result) {
    out.allocated = result.allocated;
    if (!result.allocated) return;
    out.result = result.inserted ? 1 : 0;
    out.value = value_at(result.position);
  }

  void write_or_say(Map& m, const step& s, outcome& out) {
    if constexpr (!copyable || !std::is_assignable_v<mapped_type&, mapped_type>) {
      if (s.what == verb::try_insert)
        note(out, m.try_emplace(KeyCodec::make(s.key), ValueCodec::make(s.value)));
      else
        insert_or_assign(m, s, out);
    } else if constexpr (requires(const typename Map::value_type& v) { m.try_insert(v); }) {
      if (s.what == verb::try_insert) {
        note_try(out,
                 m.try_insert(typename Map::value_type(KeyCodec::make(s.key), ValueCodec::make(s.value))));
      } else {
        note_try(out, m.try_insert_or_assign(KeyCodec::make(s.key), ValueCodec::make(s.value)));
      }
    } else if (s.what == verb::try_insert) {
      note(out, m.insert(typename Map::value_type(KeyCodec::make(s.key), ValueCodec::make(s.value))));
    } else {
      insert_or_assign(m, s, out);
    }
  }

  // Where an erase moves entries, those that followed may change places: a walk from the answer on still
  // meets all of them, once.
  template <class Iterator, class Erase>
  void erase_and_walk_on(Map& m, Iterator next, Erase erase) {
    std::vector<std::uint32_t> following, met;
    for (; next != m.end(); ++next) following.push_back(key_at(next));
    for (auto at = erase(); at != m.end(); ++at) met.push_back(key_at(at));
    std::sort(following.begin(), following.end());
    std::sort(met.begin(), met.end());
    if (following != met) complain("a walk from what erase returned did not meet what followed");
  }

  // Erases at `it` and checks that the answer is what stood after it.
  template <class Iterator>
  void erase_here(Map& m, Iterator it) {
    if constexpr (moves_on_erase<Map>())
      return erase_and_walk_on(m, std::next(it), [&] { return m.erase(it); });
    const Iterator next = std::next(it);
    const bool last = next == m.end();
    const std::uint32_t following = last ? 0 : key_at(next);
    const iterator answer = m.erase(it);
    if ((answer == m.end()) != last)
      complain("erase(iterator) did not return what followed (end)");
    else if (!last && key_at(answer) != following)
      complain("erase(iterator) did not return what followed");
  }

  void erase(const step& s, outcome& out) {
    Map& m = one(s.map);
    if (s.what == verb::erase_key) {
      out.result = m.erase(KeyCodec::make(s.key));
    } else if (s.what == verb::erase_found || s.what == verb::mark) {
      // What follows must move nothing, whatever a lookup does.
      const auto it = std::as_const(m).find(KeyCodec::make(s.key));
      if (it == std::as_const(m).end()) return;
      out.result = 1;
      if constexpr (requires(typename Map::const_iterator c) { m.mark_in_place(c); }) {
        if (s.what == verb::mark) return static_cast<void>(m.mark_in_place(it));
      }
      erase_here(m, it);
    } else if (!m.empty()) {
      out.result = 1;
      auto it = m.cbegin();
      if (s.what == verb::erase_at) std::advance(it, static_cast<std::ptrdiff_t>(s.key % m.size()));
      out.touched.push_back(key_at(it));
      erase_here(m, it);
    }
  }

  template <class Iterator>
  void note_found(outcome& out, Iterator it, const step& s, const Map& m) const {
    if (it == m.end()) return;
    out.result = 1;
    out.value = value_at(it);
    if (key_at(it) != s.key) complain("a lookup found another key than it was asked for");
  }

  // Through a const map, unless the growth policy wants lookups to move something.
  static constexpr bool reads_step = [] {
    if constexpr (requires { Map::spec_type::growth::facts.on_read; }) {
      return Map::spec_type::growth::facts.on_read;
    } else {
      return false;
    }
  }();

  void read(const step& s, outcome& out) {
    std::conditional_t<reads_step, Map, const Map>& m = one(s.map);
    if (s.what == verb::compare) {
      if constexpr (requires(const mapped_type& v) { v == v; }) out.result = one(0) == one(1) ? 1 : 0;
      return;
    }
    if (s.what == verb::iterate) return iterate(m, out);
    const key_type key = KeyCodec::make(s.key);
    switch (s.what) {
    case verb::find:
      return note_found(out, m.find(key), s, m);
    case verb::find_hashed:
      if constexpr (requires { m.prehash(key); })
        return note_found(out, m.find(key, m.prehash(key)), s, m);
      else
        return note_found(out, m.find(key), s, m);
    case verb::contains:
      out.result = m.contains(key) ? 1 : 0;
      return;
    case verb::contains_hashed:
      if constexpr (requires { m.prehash(key); })
        out.result = m.contains(key, m.prehash(key)) ? 1 : 0;
      else
        out.result = m.contains(key) ? 1 : 0;
      return;
    case verb::count:
      out.result = m.count(key);
      return;
    case verb::at:
      try {
        out.value = ValueCodec::number(m.at(key));
        out.result = 1;
      } catch (const std::out_of_range&) {
      }
      return;
    default: {
      const auto [first, last] = m.equal_range(key);
      out.result = static_cast<std::uint64_t>(std::distance(first, last));
      if (first != last) out.value = value_at(first);
    }
    }
  }

  void iterate(const Map& m, outcome& out) const {
    for (auto&& [key, value] : m) {
      ++out.result;
      out.value += KeyCodec::number(key) * 31 + ValueCodec::number(value);
    }
    if (out.result != m.size()) complain("an iteration visited another number of entries than size()");
  }

  void act_on_all(const step& s, outcome& out) {
    Map& m = one(s.map);
    switch (s.what) {
    case verb::insert_range:
      return insert_range(m, s);
    case verb::erase_range:
      return erase_range(m, s, out);
    case verb::erase_if:
      out.result =
          erase_if(m, [&s](const auto& entry) { return KeyCodec::number(entry.first) % 3 == s.value % 3; });
      return;
    case verb::clear:
      return m.clear();
    case verb::reserve:
      return m.reserve(s.value % 200);
    case verb::try_reserve:
      if constexpr (requires { m.try_reserve(1); })
        out.allocated = m.try_reserve(s.value % 200);
      else
        m.reserve(s.value % 200);
      return;
    case verb::rehash:
      return m.rehash(s.value % 40);
    case verb::sweep:
      if constexpr (requires { m.sweep(1); }) {
        if (m.sweep(s.key % 7) > s.key % 7) complain("sweep destroyed more than its budget");
      }
      return;
    case verb::swap:
      using std::swap;
      if (s.key % 2 == 0)
        swap(one(0), one(1));
      else
        m.swap(one(1 - s.map));
      return;
    default:
      return copy_or_move(m, one(1 - s.map), s, out);
    }
  }

  void insert_range(Map& m, const step& s) {
    if constexpr (copyable) {
      std::vector<std::pair<key_type, mapped_type>> entries;
      for (std::uint32_t i = 0; i < s.value % 16; ++i) {
        entries.emplace_back(KeyCodec::make(s.key + i), ValueCodec::make(s.value + i));
      }
      m.insert(entries.begin(), entries.end());
    } else {
      for (std::uint32_t i = 0; i < s.value % 16; ++i) {
        m.emplace(KeyCodec::make(s.key + i), ValueCodec::make(s.value + i));
      }
    }
  }

  void erase_range(Map& m, const step& s, outcome& out) {
    auto first = m.cbegin();
    std::advance(first, static_cast<std::ptrdiff_t>(s.key % (m.size() + 1)));
    auto last = first;
    for (std::uint32_t i = 0; i < s.value % 5 && last != m.cend(); ++i, ++last)
      out.touched.push_back(key_at(last));
    if constexpr (moves_on_erase<Map>())
      return erase_and_walk_on(m, last, [&] { return m.erase(first, last); });
    const bool to_end = last == m.cend();
    const std::uint32_t following = to_end ? 0 : key_at(last);
    const iterator answer = m.erase(first, last);
    if ((answer == m.end()) != to_end || (!to_end && key_at(answer) != following)) {
      complain("erase(first, last) did not return last");
    }
  }

  void copy_or_move(Map& from, Map& to, const step& s, outcome& out) {
    if constexpr (copyable) {
      switch (s.what) {
      case verb::copy_construct: {
        Map fresh(from);
        if (fresh.size() != from.size()) complain("a copy has another size");
        to = std::move(fresh);
        return;
      }
      case verb::copy_assign:
        to = from;
        return;
      case verb::copy_self: {
        const Map& same = from;
        from = same;
        return;
      }
      case verb::try_assign:
        if constexpr (requires { to.try_assign(from); })
          out.allocated = to.try_assign(from);
        else
          to = from;
        return;
      default:
        break;
      }
    }
    if (s.what == verb::move_construct) {
      Map fresh(std::move(from));
      if (!from.empty()) complain("a moved-from map is not empty");
      to = std::move(fresh);
    } else if (s.what == verb::move_assign) {
      to = std::move(from);
      if (!from.empty()) from.clear();
    }
  }

  Supply supply_;
  std::array<std::optional<Map>, 2> maps_;
  mutable std::string complaint_;
};

}  // namespace tophash::testing

#endif
