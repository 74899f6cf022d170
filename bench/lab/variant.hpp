// SPDX-License-Identifier: Apache-2.0
// The driver that is compiled into every variant: it executes a program's segments on one map, so that no
// virtual call, no type-erased key and no allocation of the lab's own sits inside a measured loop. The map is
// a local variable: a conservative collector sees it on the stack.
//
// A program of one's own links tophash::lab, says TOPHASH_VARIANT(name, type) once for each map, and
// gets them under that name in every command. `type` is a template over the key: see bench/variants.
#ifndef TOPHASH_BENCH_LAB_VARIANT_HPP
#define TOPHASH_BENCH_LAB_VARIANT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>

#include "lab/clock.hpp"
#include "lab/execution.hpp"
#include "lab/map_watcher.hpp"
#include "lab/overflow_meter.hpp"
#include "lab/perf_counters.hpp"
#include "lab/values.hpp"

namespace tophash::lab {

void register_variant(variant_row row);  // registry.cpp

// ---- one operation: kept out of line where a loop mixes them, inlined where a loop has only one -

// Maps that threads share have no iterators: an entry is seen by a visitor, under its lock.
template <class Map>
concept is_visited = requires { Map::stripe_count(); };

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t* look_up(Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : std::addressof(number_of(found->second));
}

// A copy of the value: valid until the next one.
template <is_visited Map, class Key>
TOPHASH_NOINLINE const std::uint64_t* look_up(Map& map, const Key& key) {
  static thread_local std::uint64_t copy;
  const auto take = [](const auto& e) { copy = number_of(e.second); };
  return map.cvisit(key, take) == 0 ? nullptr : std::addressof(copy);
}

template <class Map, class Key>
std::uint64_t add_to_value(Map& map, const Key& key, std::uint64_t row) {
  std::uint64_t* const value = look_up(map, key);
  return value == nullptr ? 0 : (*value += row) + 1;
}

template <is_visited Map, class Key>
std::uint64_t add_to_value(Map& map, const Key& key, std::uint64_t row) {
  std::uint64_t sum = 0;
  map.visit(key, [&sum, row](auto& e) { sum = (number_of(e.second) += row) + 1; });
  return sum;
}

template <class Map, class Key>
TOPHASH_ALWAYS_INLINE bool put(Map& map, const Key& key, std::uint64_t value) {
  if constexpr (is_visited<Map>) {
    return map.insert_or_assign(key, value);
  } else {
    return map.insert_or_assign(key, value).second;
  }
}

// f(key, value) on every entry.
template <class Map, class F>
TOPHASH_ALWAYS_INLINE void each_entry(Map& map, F&& f) {
  if constexpr (is_visited<Map>) {
    map.cvisit_all([&f](const auto& e) { f(e.first, number_of(e.second)); });
  } else {
    for (auto it = map.begin(); it != map.end(); ++it) f(it->first, number_of(it->second));
  }
}

template <class Map, class Key>
TOPHASH_NOINLINE bool assign(Map& map, const Key& key, std::uint64_t value) {
  return put(map, key, value);
}

template <class Map, class Key>
TOPHASH_NOINLINE std::size_t remove(Map& map, const Key& key) {
  return map.erase(key);
}

template <class Map, class Key>
std::uint64_t perform(Map& map, const record<Key>& r, std::uint64_t row) {
  const std::uint64_t weight = 2 * row + 1;
  switch (r.what) {
  case operation::get: {
    const std::uint64_t* const value = look_up(map, key_of(r));
    return value == nullptr ? 0 : (*value + 1) * weight;
  }
  case operation::set:
    return assign(map, key_of(r), value_of(r.size_bytes, row)) ? weight : 2 * weight;
  case operation::erase:
    return remove(map, key_of(r)) * weight;
  case operation::modify:
    return add_to_value(map, key_of(r), row) * weight;
  }
  return 0;
}

// ---- loops over [begin, end) of the records -----------------------------------------------------

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_gets(Map& map, const record<Key>* r, std::size_t begin, std::size_t end) {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    if constexpr (is_visited<Map>) {
      map.cvisit(key_of(r[i]), [&](const auto& e) { sum += (number_of(e.second) + 1) * (2 * (i + 1) + 1); });
    } else {
      const auto found = map.find(key_of(r[i]));
      if (found != map.end()) sum += (number_of(found->second) + 1) * (2 * (i + 1) + 1);
    }
  }
  return sum;
}

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_sets(Map& map, const record<Key>* r, std::size_t begin, std::size_t end) {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const bool added = put(map, key_of(r[i]), value_of(r[i].size_bytes, i + 1));
    sum += (added ? 1u : 2u) * (2 * (i + 1) + 1);
  }
  return sum;
}

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_erases(Map& map, const record<Key>* r, std::size_t begin,
                                          std::size_t end) {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += map.erase(key_of(r[i])) * (2 * (i + 1) + 1);
  return sum;
}

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_mixed(Map& map, const record<Key>* r, std::size_t begin, std::size_t end) {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += perform(map, r[i], i + 1);
  return sum;
}

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_timed(Map& map, const record<Key>* r, std::size_t begin, std::size_t end,
                                         latency_log& ticks) {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint64_t started = ticks_now();
    sum += perform(map, r[i], i + 1);
    ticks.record(ticks_now() - started);
  }
  return sum;
}

// Independent of the order: two maps with the same entries give the same number.
template <class Map>
TOPHASH_NOINLINE std::uint64_t run_iterate(Map& map) {
  std::uint64_t sum = 0;
  each_entry(map, [&sum](const auto&, std::uint64_t value) { sum += value * 2 + 1; });
  return sum;
}

inline std::uint64_t digest(std::uint64_t key) noexcept { return next_seed(key); }
inline std::uint64_t digest(const std::string& key) noexcept { return hashing::wyhash{}.hash(key); }

// What run_iterate cannot see: that each value still belongs to its key. Independent of the order, too.
template <class Map>
TOPHASH_NOINLINE std::uint64_t run_audit(const Map& map) {
  std::uint64_t sum = map.size();
  each_entry(map, [&sum](const auto& key, std::uint64_t value) {
    sum += next_seed(digest(key) ^ mix(value + 1));
  });
  return sum;
}

// A cache on top of the map: the map's value is the index of a node in one array, which is a list in the
// order of use. The same few lines for every variant, so what differs is the map.
template <class Key>
class recent_list {
 public:
  explicit recent_list(std::size_t capacity) : nodes_(capacity + 1) {}  // node 0 is the list's head

  std::size_t size() const noexcept { return used_; }
  bool full() const noexcept { return used_ + 1 == nodes_.size(); }
  const Key& oldest_key() const noexcept { return *nodes_[nodes_[0].before].key; }

  void use(std::size_t node) noexcept {
    unlink(node);
    link_first(node);
  }

  // The place of a new entry: the victim's if the list is full. Its key must outlive the list.
  std::size_t take(const Key& key) noexcept {
    std::size_t node = nodes_[0].before;
    if (full()) {
      unlink(node);
    } else if (free_ != 0) {
      node = free_;
      free_ = nodes_[node].after;
      ++used_;
    } else {
      node = ++used_;
    }
    nodes_[node].key = &key;
    link_first(node);
    return node;
  }

  void drop(std::size_t node) noexcept {
    unlink(node);
    nodes_[node].after = free_;
    free_ = node;
    --used_;
  }

 private:
  struct list_node {
    const Key* key = nullptr;
    std::size_t before = 0, after = 0;
  };

  void unlink(std::size_t node) noexcept {
    nodes_[nodes_[node].before].after = nodes_[node].after;
    nodes_[nodes_[node].after].before = nodes_[node].before;
  }

  void link_first(std::size_t node) noexcept {
    nodes_[node].before = 0;
    nodes_[node].after = nodes_[0].after;
    nodes_[nodes_[0].after].before = node;
    nodes_[0].after = node;
  }

  std::vector<list_node> nodes_;
  std::size_t used_ = 0;
  std::size_t free_ = 0;
};

template <class Map, class Key>
std::uint64_t perform_cached(Map& map, recent_list<Key>& recent, const record<Key>& r, std::uint64_t row,
                             execution& out) {
  const std::uint64_t weight = 2 * row + 1;
  const std::uint64_t* const place = look_up(map, key_of(r));
  if (r.what == operation::erase) {
    if (place == nullptr) return 0;
    recent.drop(static_cast<std::size_t>(*place));
    return remove(map, key_of(r)) * weight;
  }
  if (place != nullptr) {
    ++out.cache_hits;
    recent.use(static_cast<std::size_t>(*place));
    return weight;
  }
  ++out.cache_misses;
  std::uint64_t sum = 2 * weight;
  if (recent.full()) {
    ++out.cache_evictions;
    sum += remove(map, recent.oldest_key()) * 4 * weight;
  }
  static_cast<void>(assign(map, key_of(r), recent.take(key_of(r))));
  return sum;
}

template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_cached(Map& map, const record<Key>* r, std::size_t begin, std::size_t end,
                                          recent_list<Key>& recent, latency_log* ticks, execution& out) {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    if (ticks == nullptr) {
      sum += perform_cached(map, recent, r[i], i + 1, out);
    } else {
      const std::uint64_t started = ticks_now();
      sum += perform_cached(map, recent, r[i], i + 1, out);
      ticks->record(ticks_now() - started);
    }
  }
  return sum;
}

// ---- what a map of ours can say about itself ----------------------------------------------------

template <class Map>
concept tells_chains = requires(const Map& map) {
  map.chain_statistics();
};

template <class Map>
void note_end(const Map& map, execution& out) {
  out.end_size = map.size();
  if constexpr (requires { map.stats(); }) {
    const auto s = map.stats();
    out.counts.known = true;
    out.counts.dead = s.dead;
    out.counts.dirty = s.dirty;
    out.counts.overflow_in_use = s.overflow_in_use;
    out.counts.growths = s.growths;
    out.counts.regrows = s.regrows;
    out.counts.evacuated_chains = s.evacuated_chains;
    out.counts.growing = s.growing;
    out.counts.overflow_requested = s.overflow.requested;
    out.counts.overflow_recycled = s.overflow.recycled;
    out.counts.overflow_released = s.overflow.released;
    out.counts.overflow_kept = s.overflow.kept;
  }
  if constexpr (tells_chains<Map>) {
    const auto c = map.chain_statistics();
    if (c.entries != 0)
      out.counts.hit_probes = static_cast<double>(c.hit_probes) / static_cast<double>(c.entries);
    if (c.units != 0) out.counts.miss_probes = static_cast<double>(c.entries) / static_cast<double>(c.units);
    out.counts.longest_chain_entries = c.longest_chain_entries;
  }
  const auto note_memory = [&out](const auto& table) {
    for (const auto& part : table.memory_report())
      out.end_memory.push_back({part.use, part.size_bytes * part.count});
  };
  if constexpr (requires { map.memory_report(); }) {
    note_memory(map);
  } else if constexpr (is_visited<Map>) {
    map.visit_tables(note_memory);
  }
}

// The probes of the lookups in [begin, end), counted by walking the map: an entry's position in its chain is
// the number of entries of the same bucket that iteration meets up to it. Independent of chain_statistics().
template <class Map, class Key>
void sample_probes(const Map& map, std::size_t units, const record<Key>* r, std::size_t begin,
                   std::size_t end, load_point& point) {
  const auto bucket_of = [&map, units](const Key& key) {
    const std::uint64_t hash = position_hash<Key>(map.hashing_policy(), map.prehash(key).unseeded());
    return typename Map::spec_type::sizing::mapper{units}.index(hash);
  };
  std::vector<std::uint32_t> in_bucket(units);
  std::vector<std::uint32_t> position_of_row;
  for (auto it = map.begin(); it != map.end(); ++it) {
    const auto row = static_cast<std::size_t>(number_of(it->second));
    if (row >= position_of_row.size()) position_of_row.resize(row + 1);
    position_of_row[row] = ++in_bucket[bucket_of(it->first)];
  }
  std::uint64_t hits = 0, misses = 0, hit_probes = 0, miss_probes = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const auto found = map.find(key_of(r[i]));
    if (found != map.end())
      ++hits, hit_probes += position_of_row[static_cast<std::size_t>(number_of(found->second))];
    else
      ++misses, miss_probes += in_bucket[bucket_of(key_of(r[i]))];
  }
  if (hits != 0) point.sampled_hit_probes = static_cast<double>(hit_probes) / static_cast<double>(hits);
  if (misses != 0) point.sampled_miss_probes = static_cast<double>(miss_probes) / static_cast<double>(misses);
}

template <class Map, class Key>
void inspect(const Map& map, const record<Key>* r, const segment& s, execution& out) {
  if constexpr (tells_chains<Map>) {
    const auto c = map.chain_statistics();
    const double units = static_cast<double>(c.units), entries = static_cast<double>(c.entries);
    load_point point{.load = entries / units};
    point.overflow_percent = 100.0 * static_cast<double>(c.units_with_overflow) / units;
    point.hit_probes = static_cast<double>(c.hit_probes) / entries;
    point.miss_probes = entries / units;
    const double held = static_cast<double>(map.memory_report().total_bytes());
    point.overhead_bytes_per_entry =
        held / entries - static_cast<double>(sizeof(Key) + sizeof(std::uint64_t));
    point.checksum = out.checksum;
    sample_probes(map, c.units, r, s.begin, s.end, point);
    out.load_points.push_back(point);
  } else {
    static_cast<void>(map), static_cast<void>(r), static_cast<void>(s);
    out.trouble = "this map tells no chain statistics";
  }
}

// ---- construction -------------------------------------------------------------------------------

template <class Source>
inline constexpr bool is_metered = false;
template <class Source>
inline constexpr bool is_metered<metered<Source>> = true;

template <class Map, class Storage>
Map make_composed(const execution_input& in, const Storage& storage, overflow::pool& pool) {
  using hashing_type = typename Map::spec_type::hashing;
  using source = typename Map::spec_type::overflow;
  const auto with_storage = [&](auto&&... rest) {
    if constexpr (std::is_same_v<source, overflow::shared_pool>) {
      return Map(storage, source(pool), rest...);
    } else if constexpr (is_metered<source> && source::facts.shared) {
      return Map(storage, source(in.meter, pool), rest...);
    } else if constexpr (is_metered<source>) {
      return Map(storage, source(in.meter), rest...);
    } else {
      return Map(storage, rest...);
    }
  };
  if constexpr (std::is_constructible_v<hashing_type, std::uint64_t> && hashing_facts_of<hashing_type>().seeded) {
    return with_storage(hashing_type{in.map_seed});
  } else {
    return with_storage();
  }
}

// The resources of a storage that a variant is bound to, and its handle. Specialised where it has any, by
// what compiles the variant.
template <class Allocation>
struct made_storage {
  Allocation handle() { return Allocation{}; }
};

template <class Allocation>
class storage_in_use {
 public:
  explicit storage_in_use(const execution_input&) {}
  Allocation handle() { return made_.handle(); }

 private:
  made_storage<Allocation> made_;
};
template <>
class storage_in_use<allocators::erased> {
 public:
  explicit storage_in_use(const execution_input& in) : chosen_(in.storage) {}
  allocators::erased handle() const noexcept { return chosen_; }

 private:
  allocators::erased chosen_;
};

// Values in blocks take them from the map's storage.
template <class Allocation, bool InBlocks>
struct values_in_use {
  explicit values_in_use(const Allocation&) noexcept {}
};
template <class Allocation>
struct values_in_use<Allocation, true> {
  explicit values_in_use(const Allocation& storage) noexcept : resource(storage), handle(resource) {
    value_storage = &handle;
  }
  values_in_use(const values_in_use&) = delete;
  values_in_use& operator=(const values_in_use&) = delete;
  ~values_in_use() { value_storage = nullptr; }

  allocators::erased_resource<Allocation> resource;
  allocators::erased handle;
};

// A map, and the pool that it takes overflow buckets from if its composition says so. Both on the stack.
template <class Map>
struct made_map {
  explicit made_map(const execution_input& in) : map(make(in)) {}

  static Map make(const execution_input& in) {
    if constexpr (std::is_constructible_v<typename Map::allocator_type, allocators::erased>) {
      return Map(typename Map::allocator_type(in.storage));
    } else {
      return Map();
    }
  }

  overflow::pool pool{allocators::system{}};
  Map map;
};
template <class Map>
  requires requires { typename Map::spec_type; }
struct made_map<Map> {
  using allocation = typename Map::spec_type::allocation;

  explicit made_map(const execution_input& in)
      : storage(in), values(storage.handle()), pool(storage.handle()),
        map(make_composed<Map>(in, storage.handle(), pool)) {
    if (in.pool_clock != nullptr) pool.follow(*in.pool_clock);
  }

  storage_in_use<allocation> storage;
  [[no_unique_address]] values_in_use<allocation, is_in_blocks<typename Map::mapped_type>> values;
  overflow::pool pool;
  Map map;
};

// ---- the program --------------------------------------------------------------------------------

// A second copy of every operation, inlined into a loop that has only one: worth its compile time where an
// operation may take 3 ns, not where it hashes and compares a string.
template <class Key>
inline constexpr bool inlined = !std::is_same_v<Key, std::string>;

template <class Map, class Key>
std::uint64_t run_watched(Map& map, const program<Key>& p, const segment& s, const execution_input& in,
                          execution& out);

template <class Map, class Key>
std::uint64_t run_segment(Map& map, const program<Key>& p, const segment& s, const execution_input& in,
                          execution& out) {
  const record<Key>* const r = p.records.data();
  const bool timed = in.latencies != nullptr && s.measured;
  if (in.watcher != nullptr) return run_watched(map, p, s, in, out);
  switch (s.kind) {
  case segment_kind::reserve:
    map.reserve(s.amount);
    return 0;
  case segment_kind::clear:
    map.clear();
    return 0;
  case segment_kind::inspect:
    inspect(map, r, s, out);
    return 0;
  case segment_kind::iterate:
    return run_iterate(map);
  case segment_kind::audit:
    return run_audit(map);
  case segment_kind::cached: {
    recent_list<Key> recent(s.amount);
    return run_cached(map, r, s.begin, s.end, recent, timed ? in.latencies : nullptr, out);
  }
  case segment_kind::gets:
    if (timed) break;
    if constexpr (inlined<Key>) return run_gets(map, r, s.begin, s.end);
    return run_mixed(map, r, s.begin, s.end);
  case segment_kind::sets:
    if (timed) break;
    if constexpr (inlined<Key>) return run_sets(map, r, s.begin, s.end);
    return run_mixed(map, r, s.begin, s.end);
  case segment_kind::erases:
    if (timed) break;
    if constexpr (inlined<Key>) return run_erases(map, r, s.begin, s.end);
    return run_mixed(map, r, s.begin, s.end);
  case segment_kind::mixed:
    if (timed) break;
    return run_mixed(map, r, s.begin, s.end);
  }
  return run_timed(map, r, s.begin, s.end, *in.latencies);
}

// ---- the same with somebody watching ------------------------------------------------------------

// Of a map with observe::tombstone_log, whatever its size and clock.
template <class Log>
void sample_tombstones(const Log& log, map_sample& out) {
  const auto waiting = log.ages_now();
  const auto reuse = log.reuse_ages();
  out.tells_tombstones = true;
  out.tombstones = waiting.total(), out.tombstone_age = waiting.mean();
  out.oldest_tombstone = waiting.greatest();
  out.reused = reuse.total(), out.reuse_age = reuse.mean();
  out.not_followed = log.not_followed();
}

template <class Map>
map_sample sample_of(const Map& map) {
  map_sample out{.live = map.size()};
  if constexpr (requires {
                  map.stats();
                  typename Map::spec_type;
                }) {
    const auto s = map.stats();
    out.tells = true;
    out.buckets = s.units, out.old_buckets = s.old_units, out.evacuated = s.old_evacuated;
    constexpr tophash::spec_facts facts = tophash::facts_of<typename Map::spec_type>();
    out.slots_per_bucket = facts.layout.slots;
    if constexpr (facts.layout.kind == tophash::layout_kind::open_groups ||
                  facts.layout.kind == tophash::layout_kind::nodes) {
      // A group of W tags has a slot for each, or one is its filter. Behind the last slot of an array stands
      // its end; a single group holds no more than its limit, and one that is evacuated at most W - 2.
      const std::uint64_t width = facts.layout.slots;
      out.slots_per_bucket = facts.deletion.kind == tophash::deletion_kind::tombstone ? width : width - 1;
      const auto behind = [&out](std::uint64_t groups, std::uint64_t of_one) {
        return groups == 0 ? 0 : groups == 1 ? out.slots_per_bucket - of_one : 1;
      };
      out.never_used = behind(out.buckets, s.limit) + behind(out.old_buckets, width - 2);
    }
    out.limit = s.limit, out.dead = s.dead, out.dirty = s.dirty;
    out.overflow_in_use = s.overflow_in_use, out.overflow_kept = s.overflow.kept;
    out.overflow_requested = s.overflow.requested, out.overflow_recycled = s.overflow.recycled;
    out.overflow_released = s.overflow.released;
    out.growths = s.growths, out.regrows = s.regrows;
  }
  if constexpr (requires { map.observer().ages_now(); }) sample_tombstones(map.observer(), out);
  return out;
}

// In pieces that end where a look is due; each gives what it would give within the whole.
template <class Map, class Key>
TOPHASH_NOINLINE std::uint64_t run_watched(Map& map, const program<Key>& p, const segment& s,
                                           const execution_input& in, execution& out) {
  map_watcher& watcher = *in.watcher;
  execution_input unwatched = in;
  unwatched.watcher = nullptr;
  const bool cached = s.kind == segment_kind::cached, whole = s.kind > segment_kind::cached;
  recent_list<Key> recent(cached ? s.amount : 0);
  std::uint64_t sum = 0;
  segment piece = s;
  do {
    piece.end = whole ? s.end : std::min(s.end, piece.begin + watcher.until_due());
    const std::uint64_t begin = thread_cpu_ns();
    sum += cached ? run_cached(map, p.records.data(), piece.begin, piece.end, recent, nullptr, out)
                  : run_segment(map, p, piece, unwatched, out);
    const std::uint64_t end = thread_cpu_ns();
    const bool due = watcher.ran(whole ? 0 : piece.end - piece.begin, end - begin);
    if (due || s.kind == segment_kind::reserve || s.kind == segment_kind::clear) watcher.look(sample_of(map));
    piece.begin = piece.end;
  } while (piece.begin < s.end);
  return sum;
}

inline std::uint64_t operations_of(const segment& s, std::size_t map_size) noexcept {
  return s.kind == segment_kind::iterate ? map_size : s.end - s.begin;
}

// Runs one segment once, between clocks; what it took for an operation.
template <class Map, class Key>
double run_clocked(Map& map, const program<Key>& p, const segment& s, const execution_input& in,
                   execution& out) {
  if (s.measured && in.counters != nullptr) in.counters->resume();
  const std::uint64_t cpu_begin = thread_cpu_ns(), wall_begin = wall_ns();
  const std::uint64_t sum = run_segment(map, p, s, in, out);
  const std::uint64_t cpu_end = thread_cpu_ns(), wall_end = wall_ns();
  if (s.measured && in.counters != nullptr) in.counters->pause();
  out.checksum = out.checksum * 31 + sum;
  if (!s.measured) return 0;
  const std::uint64_t operations = operations_of(s, map.size());
  out.cpu_ns += cpu_end - cpu_begin;
  out.wall_ns += wall_end - wall_begin;
  out.operations += operations;
  return operations == 0 ? 0 : static_cast<double>(cpu_end - cpu_begin) / static_cast<double>(operations);
}

template <class Map, class Key>
void run_segments(Map& map, const program<Key>& p, const execution_input& in, execution& out) {
  double last_ns = 0, last_but_one_ns = 0;  // before an inspection: the hits, then the misses
  for (const segment& s : p.segments) {
    for (std::uint32_t pass = 0; pass < s.passes && out.trouble.empty(); ++pass) {
      const double ns = run_clocked(map, p, s, in, out);
      if (s.measured) last_but_one_ns = std::exchange(last_ns, ns);
      if (s.kind != segment_kind::inspect || out.load_points.empty()) continue;
      out.load_points.back().hit_ns = last_but_one_ns;
      out.load_points.back().miss_ns = last_ns;
    }
  }
}

template <class Map, class Key>
void execute(const program<Key>& p, const execution_input& in, execution& out) {
  try {
    for (std::uint32_t turn = 0; turn < p.repeats && out.trouble.empty(); ++turn) {
      made_map<Map> made(in);
      Map& map = made.map;
      if (in.watcher != nullptr) in.watcher->new_map();
      run_segments(map, p, in, out);
      if (turn + 1 != p.repeats) continue;
      out.checksum = out.checksum * 31 + run_audit(map);
      note_end(map, out);
      out.counts.overflow_kept += made.pool.kept();  // the lab's pool serves this map alone
      if (in.watcher != nullptr) in.watcher->look(sample_of(map));
    }
  } catch (const std::exception& e) {
    out.trouble = e.what();
  }
}

// `Strings` false: the map takes no string keys (hashing::identity), and that driver is not compiled.
template <template <class> class Map, bool Strings = true>
variant_row make_variant_row(std::string name, std::string spec, std::string description, bool any_storage) {
  variant_row out{.name = std::move(name),
                  .spec = std::move(spec),
                  .description = std::move(description),
                  .any_storage = any_storage,
                  .run_u64 = &execute<Map<std::uint64_t>, std::uint64_t>,
                  .run_string = nullptr};
  if constexpr (Strings) out.run_string = &execute<Map<std::string>, std::string>;
  return out;
}

// The same for one kind of key: half of the instantiations.
template <template <class> class Map, class Key>
variant_row make_variant_row_for(std::string name, std::string spec, std::string description,
                                 bool any_storage) {
  variant_row out{.name = std::move(name),
                  .spec = std::move(spec),
                  .description = std::move(description),
                  .any_storage = any_storage,
                  .run_u64 = nullptr,
                  .run_string = nullptr};
  if constexpr (std::is_same_v<Key, std::string>)
    out.run_string = &execute<Map<std::string>, std::string>;
  else
    out.run_u64 = &execute<Map<std::uint64_t>, std::uint64_t>;
  return out;
}

// Sizes of what passes between the program and a variant that was compiled apart from it: equal numbers, one
// layout. Folded as FNV-1a.
constexpr std::uint64_t driver_layout() noexcept {
  std::uint64_t out = 0xcbf29ce484222325;
  for (const std::size_t bytes :
       {sizeof(variant_row), sizeof(execution), sizeof(execution_input), sizeof(map_counts),
        sizeof(load_point), sizeof(purpose_bytes), sizeof(segment), sizeof(record<std::uint64_t>),
        sizeof(record<std::string>), sizeof(program<std::uint64_t>), sizeof(program<std::string>),
        sizeof(latency_log), sizeof(perf_counters), sizeof(map_sample), sizeof(allocators::erased_operations), sizeof(request),
        purpose_count})
    out = (out ^ bytes) * 0x100000001b3;
  return out;
}

struct variant_registration {
  explicit variant_registration(variant_row row) { register_variant(std::move(row)); }
};

}  // namespace tophash::lab

#define TOPHASH_VARIANT_JOIN_(a, b) a##b
#define TOPHASH_VARIANT_AT_LINE_(a, line) TOPHASH_VARIANT_JOIN_(a, line)
#define TOPHASH_VARIANT(name, type)                                                                          \
  static const ::tophash::lab::variant_registration TOPHASH_VARIANT_AT_LINE_(tophash_variant_, __LINE__)(    \
      ::tophash::lab::make_variant_row<type>(name, "", "registered by this program", false))

#endif
