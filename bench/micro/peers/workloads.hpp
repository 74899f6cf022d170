// SPDX-License-Identifier: Apache-2.0
// The workloads, for a map behind one of interfaces.hpp. Each builds what it needs with the clock stopped,
// times its loop, and returns the sum of what it saw, which keeps the optimiser from removing the loop and
// betrays a wrong map. Sums do not depend on the order in which a map keeps its entries.
#ifndef TOPHASH_BENCH_MICRO_PEERS_WORKLOADS_HPP
#define TOPHASH_BENCH_MICRO_PEERS_WORKLOADS_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "micro/peers/clock.hpp"
#include "micro/peers/contestant.hpp"
#include "micro/peers/heap_meter.hpp"
#include "micro/peers/inputs.hpp"

namespace tophash::peers {

template <class I>
struct workloads {
  using map = typename I::map;
  using key = typename I::key;
  using value = typename I::value;
  using input = inputs<key>;

  static constexpr std::size_t small_maps = 8192;

  // ---- parts
  // ------------------------------------------------------------------------------------------------

  static std::span<const key> keys_of_repeat(const input& in, std::size_t repeat) {
    return {in.keys.data() + repeat * in.n, in.n};
  }
  static void insert_all(map& m, std::span<const key> keys) {
    std::uint64_t word = 1;
    for (const key& k : keys) {
      ask_ahead(k);
      I::insert(m, k, word++);
    }
  }
  // Out of line: what is built with the clock stopped takes no register from the loop that is timed.
  [[gnu::noinline]] static map& filled(std::optional<map>& place, const input& in, std::size_t repeat = 0) {
    map& m = place.emplace();
    I::prepare(m);
    insert_all(m, keys_of_repeat(in, repeat));
    return m;
  }
  static std::uint64_t find_all(const map& m, std::span<const key> keys) {
    std::uint64_t sum = 0;
    for (const key& k : keys) {
      ask_ahead(k);
      I::add_found(m, k, sum);
    }
    return sum;
  }
  static std::uint64_t sum_of(const map& m) {
    std::uint64_t sum = 0;
    for (const auto& entry : m) sum += word_of(entry.second);
    return sum;
  }
  // Every key's sum is its own, so that two wrong entries do not make a right sum: outside of the clock.
  static std::uint64_t audit(const map& m, std::span<const key> keys) {
    std::uint64_t sum = m.size();
    std::uint64_t row = 1;
    for (const key& k : keys) {
      std::uint64_t word = 0;
      if (I::add_found(m, k, word)) sum += (word + 1) * (2 * row + 1);
      ++row;
    }
    return sum;
  }

  // What is erased and what is left add up to n in any map that counts: they are kept apart.
  static std::uint64_t of_size(const map& m) { return static_cast<std::uint64_t>(m.size()) << 32; }

  static measurement result(const stopwatch& clock, std::uint64_t operations, std::uint64_t checksum) {
    return {clock.ns(), operations, checksum};
  }

  static measurement lookups(const input& in, std::span<const key> asked) {
    std::optional<map> place;
    const map& m = filled(place, in);
    stopwatch clock;
    clock.start();
    const std::uint64_t sum = find_all(m, asked);
    clock.stop(sum);
    return result(clock, asked.size(), sum);
  }

  // ---- insert
  // -----------------------------------------------------------------------------------------------

  template <bool Reserve>
  static measurement insert(const input& in) {
    stopwatch clock;
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      const auto keys = keys_of_repeat(in, r);
      map m;
      I::prepare(m);
      clock.start();
      if constexpr (Reserve) I::reserve(m, in.n);
      insert_all(m, keys);
      clock.stop();
      sum += audit(m, keys.first(std::min<std::size_t>(keys.size(), 1000)));
    }
    return result(clock, in.n * in.repeats, sum);
  }
  static measurement insert_sequential(const input& in) {
    stopwatch clock;
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      map m;
      I::prepare(m);
      clock.start();
      for (std::uint64_t k = 1; k <= in.n; ++k) I::insert(m, k, k);
      clock.stop();
      sum += sum_of(m);
    }
    return result(clock, in.n * in.repeats, sum);
  }
  // The order in which a table of the same type and hash iterates, which is that of the hashes: inserted
  // without reserve it fills one end of the smaller table first.
  static measurement insert_foreign(const input& in) {
    stopwatch clock;
    std::uint64_t sum = 0;
    std::vector<key> order;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      order.clear();
      {
        std::optional<map> place;
        for (const auto& entry : filled(place, in, r)) order.push_back(entry.first);
      }
      map m;
      I::prepare(m);
      clock.start();
      insert_all(m, order);
      clock.stop();
      sum += sum_of(m);
    }
    return result(clock, in.n * in.repeats, sum);
  }
  static measurement insert_present(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    std::uint64_t inserted = 0;
    stopwatch clock;
    clock.start();
    for (const key& k : in.hits) {
      ask_ahead(k);
      inserted += I::insert(m, k, 0) ? 1 : 0;
    }
    clock.stop(inserted);
    return result(clock, in.hits.size(), inserted + sum_of(m));
  }
  static measurement assign_present(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    std::uint64_t word = 1;
    stopwatch clock;
    clock.start();
    for (const key& k : in.hits) {
      ask_ahead(k);
      I::assign(m, k, word++);
    }
    clock.stop();
    return result(clock, in.hits.size(), sum_of(m));
  }
  static measurement count_skewed(const input& in) {
    stopwatch clock;
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      const std::span<const key> words(in.skewed.data() + r * in.n, in.n);
      map m;
      I::prepare(m);
      clock.start();
      for (const key& k : words) {
        ask_ahead(k);
        ++word_of(m[k]);
      }
      clock.stop();
      sum += audit(m, words);
    }
    return result(clock, in.n * in.repeats, sum);
  }

  // ---- find
  // -------------------------------------------------------------------------------------------------

  static measurement find_hit(const input& in) { return lookups(in, in.hits); }
  static measurement find_miss(const input& in) {
    return lookups(in, std::span<const key>(in.others).first(in.hits.size()));
  }
  static measurement find_half(const input& in) { return lookups(in, in.halves); }
  static measurement find_hit_in_order(const input& in) {
    std::optional<map> place;
    const map& m = filled(place, in);
    const std::span<const key> asked = keys_of_repeat(in, 0).first(std::min(in.n, in.hits.size()));
    std::uint64_t sum = 0;
    stopwatch clock;
    clock.start();
    for (std::size_t r = 0; r < in.repeats; ++r) {
      forget(m);
      sum += find_all(m, asked);
    }
    clock.stop(sum);
    return result(clock, asked.size() * in.repeats, sum);
  }
  static measurement find_few(const input& in) {
    std::optional<map> place;
    const map& m = filled(place, in);
    std::uint64_t found = 0;
    stopwatch clock;
    clock.start();
    for (const key& k : in.few) {
      ask_ahead(k);
      found += I::contains(m, k) ? 1 : 0;
    }
    clock.stop(found);
    return result(clock, in.few.size(), found);
  }
  // Keys 1 .. n, asked for at random.
  static measurement find_sequential(const input& in) {
    map m;
    I::prepare(m);
    for (std::uint64_t k = 1; k <= in.n; ++k) I::insert(m, k, k);
    std::uint64_t sum = 0;
    stopwatch clock;
    clock.start();
    for (const std::uint32_t& victim : in.victims) {
      ask_ahead(victim);
      I::add_found(m, victim + std::uint64_t{1}, sum);
    }
    clock.stop(sum);
    return result(clock, in.victims.size(), sum);
  }

  // ---- erase and churn
  // --------------------------------------------------------------------------------------

  static measurement erase_hit(const input& in) {
    stopwatch clock;
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      std::optional<map> place;
      map& m = filled(place, in);
      // Another order each time, all of it one permutation.
      const std::span<const key> order(in.hits.data() + (in.hits.size() < (r + 1) * in.n ? 0 : r * in.n),
                                       std::min(in.n, in.hits.size()));
      clock.start();
      for (const key& k : order) {
        ask_ahead(k);
        sum += I::erase(m, k);
      }
      clock.stop();
      sum += of_size(m);
    }
    return result(clock, std::min(in.n, in.hits.size()) * in.repeats, sum);
  }
  static measurement erase_miss(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    std::uint64_t sum = 0;
    stopwatch clock;
    clock.start();
    for (std::size_t i = 0; i < in.hits.size(); ++i) {
      ask_ahead(in.others[i]);
      sum += I::erase(m, in.others[i]);
    }
    clock.stop(sum);
    return result(clock, in.hits.size(), sum + of_size(m));
  }
  static measurement erase_refill(const input& in) {
    stopwatch clock;
    std::uint64_t sum = 0;
    std::optional<map> place;
    map& m = filled(place, in);
    for (std::size_t r = 0; r < in.repeats; ++r) {
      const std::span<const key> old = r == 0 ? std::span<const key>(in.hits).first(in.n)
                                              : std::span<const key>(in.others).subspan((r - 1) * in.n, in.n);
      const std::span<const key> fresh(in.others.data() + r * in.n, in.n);
      clock.start();
      for (const key& k : old) {
        ask_ahead(k);
        sum += I::erase(m, k);
      }
      insert_all(m, fresh);
      clock.stop();
    }
    return result(clock, 2 * in.n * in.repeats, sum + sum_of(m));
  }
  // Every key of `others` comes in, and the oldest goes.
  static void full_turn(map& m, const input& in) {
    const std::size_t n = in.n;
    std::uint64_t word = 1;
    for (std::size_t i = 0; i < in.others.size(); ++i) {
      const key& fresh = in.others[i];
      const key& oldest = i < n ? in.keys[i] : in.others[i - n];
      ask_ahead(fresh);
      ask_ahead(oldest);
      I::insert(m, fresh, word++);
      I::erase(m, oldest);
    }
  }
  static measurement churn_fifo(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    stopwatch clock;
    clock.start();
    full_turn(m, in);
    clock.stop();
    return result(clock, 2 * in.others.size(), sum_of(m));
  }
  static measurement churn_random(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    std::vector<const key*> live;
    for (const key& k : keys_of_repeat(in, 0)) live.push_back(&k);
    std::uint64_t word = 1;
    stopwatch clock;
    clock.start();
    for (std::size_t i = 0; i < in.others.size(); ++i) {
      const key*& victim = live[in.victims[i]];
      ask_ahead(in.victims[i]);
      ask_ahead(in.others[i]);
      I::erase(m, *victim);
      victim = &in.others[i];
      I::insert(m, *victim, word++);
    }
    clock.stop();
    return result(clock, 2 * in.others.size(), sum_of(m));
  }
  static measurement after_churn(const input& in, std::span<const key> asked) {
    std::optional<map> place;
    map& m = filled(place, in);
    full_turn(m, in);
    stopwatch clock;
    clock.start();
    const std::uint64_t sum = find_all(m, asked);
    clock.stop(sum);
    return result(clock, asked.size(), sum);
  }
  static measurement hit_after_churn(const input& in) { return after_churn(in, in.hits_others); }
  static measurement miss_after_churn(const input& in) {
    return after_churn(in, std::span<const key>(in.keys).first(in.hits_others.size()));
  }

  // ---- whole maps
  // -------------------------------------------------------------------------------------------

  static std::size_t passes(const input& in) { return std::max<std::size_t>(1, 8 * least_stream / in.n); }

  static measurement walks(const map& m, const input& in) {
    std::uint64_t sum = 0;
    stopwatch clock;
    clock.start();
    for (std::size_t pass = 0; pass < passes(in); ++pass) {
      forget(m);
      sum += sum_of(m);
    }
    clock.stop(sum);
    return result(clock, m.size() * passes(in), sum);
  }
  static measurement iterate(const input& in) {
    std::optional<map> place;
    return walks(filled(place, in), in);
  }
  static measurement iterate_sparse(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    for (std::size_t i = in.n / 10; i < in.n; ++i) I::erase(m, in.keys[i]);
    return walks(m, in);
  }
  static measurement copy(const input& in) {
    std::optional<map> place;
    const map& m = filled(place, in);
    stopwatch clock;
    std::uint64_t sum = 0;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      clock.start();
      const map other(m);
      forget(other);
      clock.stop();
      sum += r == 0 ? audit(other, keys_of_repeat(in, 0)) : other.size();
    }
    return result(clock, in.n * in.repeats, sum);
  }
  static measurement clear_refill(const input& in) {
    std::optional<map> place;
    map& m = filled(place, in);
    stopwatch clock;
    for (std::size_t r = 0; r < in.repeats; ++r) {
      const auto keys = keys_of_repeat(in, in.repeats - 1 - r);
      clock.start();
      m.clear();
      insert_all(m, keys);
      clock.stop();
    }
    return result(clock, in.n * in.repeats, audit(m, keys_of_repeat(in, 0)));
  }
  // Several maps in one stretch: where entries need no destructor it is one call of free each.
  static measurement destroy(const input& in) {
    const std::size_t count = in.n >= 1'000'000 ? 1 : std::max<std::size_t>(8, in.repeats);
    std::vector<std::optional<map>> maps(count);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += filled(maps[i], in, i % in.repeats).size();
    stopwatch clock;
    clock.start();
    for (auto& m : maps) m.reset();
    clock.stop();
    return result(clock, in.n * count, sum);
  }

  // ---- many small maps: `small_maps` of them in an array, keys taken one after the other
  // ------------------------

  // Map i holds entries_of(i) keys, the first of which is key `from`.
  template <std::size_t Entries>
  static std::size_t entries_of(std::size_t i) noexcept {
    return Entries == 0 ? 1 + i % 16 : Entries;  // 0: 1 to 16
  }
  template <std::size_t Entries>
  static void fill_small(map* maps, const input& in) {
    std::size_t from = 0;
    for (std::size_t i = 0; i < small_maps; ++i) {
      I::prepare(maps[i]);
      for (std::size_t e = 0; e < entries_of<Entries>(i); ++e, ++from) {
        I::insert(maps[i], in.keys[from % in.keys.size()], from);
      }
    }
  }
  template <std::size_t Entries>
  static measurement small_build(const input& in) {
    stopwatch clock;
    clock.start();
    const std::unique_ptr<map[]> maps(new map[small_maps]);
    fill_small<Entries>(maps.get(), in);
    clock.stop();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < small_maps; ++i) sum += sum_of(maps[i]);
    return result(clock, small_maps * Entries, sum);
  }
  // The maps in turn, a random one of each one's keys.
  template <std::size_t Entries>
  static measurement small_find(const input& in) {
    const std::unique_ptr<map[]> maps(new map[small_maps]);
    fill_small<Entries>(maps.get(), in);
    std::vector<std::uint32_t> asked(4 * small_maps);
    for (std::size_t round = 0, i = 0; round < 4; ++round) {
      std::size_t from = 0;
      for (std::size_t which = 0; which < small_maps; ++which, ++i) {
        const std::size_t entries = entries_of<Entries>(which);
        asked[i] =
            static_cast<std::uint32_t>((from + in.victims[i % in.victims.size()] % entries) % in.keys.size());
        from += entries;
      }
    }
    std::uint64_t sum = 0;
    stopwatch clock;
    clock.start();
    for (std::size_t i = 0; i < asked.size(); ++i) I::add_found(maps[i % small_maps], in.keys[asked[i]], sum);
    clock.stop(sum);
    return result(clock, asked.size(), sum);
  }
  static measurement small_move(const input& in) {
    const std::unique_ptr<map[]> maps(new map[small_maps]);
    fill_small<4>(maps.get(), in);
    std::vector<map> moved;
    moved.reserve(small_maps);
    stopwatch clock;
    clock.start();
    for (std::size_t i = 0; i < small_maps; ++i) moved.push_back(std::move(maps[i]));
    clock.stop();
    std::uint64_t sum = 0;
    for (const map& m : moved) sum += sum_of(m);
    return result(clock, small_maps, sum);
  }
  template <std::size_t Entries>
  static measurement small_destroy(const input& in) {
    std::unique_ptr<map[]> maps(new map[small_maps]);
    fill_small<Entries>(maps.get(), in);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < small_maps; ++i) sum += maps[i].size();
    stopwatch clock;
    clock.start();
    maps.reset();
    clock.stop();
    return result(clock, small_maps * Entries, sum);
  }
  static measurement tiny_build_drop(const input& in) {
    std::uint64_t sum = 0, operations = 0;
    std::size_t from = 0;
    stopwatch clock;
    clock.start();
    for (std::size_t i = 0; i < small_maps; ++i) {
      map m;
      I::prepare(m);
      const std::size_t entries = entries_of<0>(i);
      for (std::size_t e = 0; e < entries; ++e, ++from) I::insert(m, in.keys[from % in.keys.size()], from);
      sum += m.size();
      operations += entries;
    }
    clock.stop();
    return result(clock, operations, sum);
  }

  // ---- memory
  // -----------------------------------------------------------------------------------------------

  static std::vector<double> bytes(const input_base& any, std::span<const std::size_t> sizes) {
    const input& in = static_cast<const input&>(any);
    std::vector<double> out(sizes.size());
    const heap_meter meter;
    map m;
    I::prepare(m);
    std::size_t at = 0;
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      for (; at < sizes[s]; ++at) I::insert(m, in.keys[at], at);
      out[s] = static_cast<double>(meter.live_bytes()) + static_cast<double>(sizeof(map));
    }
    return out;
  }

  // ---- the row
  // ----------------------------------------------------------------------------------------------

  template <measurement (*Run)(const input&)>
  static measurement erased(const input_base& in) {
    return Run(static_cast<const input&>(in));
  }

  static element_row row() {
    constexpr bool is_u64 = sizeof(key) == sizeof(std::uint64_t);
    constexpr bool is_small = sizeof(value) == sizeof(std::uint64_t);
    element_row out;
    const auto set = [&out](workload w, workload_function f) { out.run[static_cast<std::size_t>(w)] = f; };
    out.bytes = &bytes;
    set(workload::insert_grow, &erased<&insert<false>>);
    if constexpr (I::reserves) set(workload::insert_reserve, &erased<&insert<true>>);
    set(workload::insert_foreign, &erased<&insert_foreign>);
    set(workload::find_hit, &erased<&find_hit>);
    set(workload::find_miss, &erased<&find_miss>);
    set(workload::erase_hit, &erased<&erase_hit>);
    set(workload::churn_fifo, &erased<&churn_fifo>);
    set(workload::churn_random, &erased<&churn_random>);
    set(workload::iterate, &erased<&iterate>);
    set(workload::copy, &erased<&copy>);
    set(workload::clear_refill, &erased<&clear_refill>);
    set(workload::destroy, &erased<&destroy>);
    if constexpr (is_small) {
      set(workload::insert_present, &erased<&insert_present>);
      set(workload::assign_present, &erased<&assign_present>);
      set(workload::count_skewed, &erased<&count_skewed>);
      set(workload::find_half, &erased<&find_half>);
      set(workload::erase_miss, &erased<&erase_miss>);
      set(workload::erase_refill, &erased<&erase_refill>);
      set(workload::hit_after_churn, &erased<&hit_after_churn>);
      set(workload::miss_after_churn, &erased<&miss_after_churn>);
    }
    if constexpr (is_u64 && is_small) {
      set(workload::insert_sequential, &erased<&insert_sequential>);
      set(workload::find_hit_in_order, &erased<&find_hit_in_order>);
      set(workload::find_few, &erased<&find_few>);
      set(workload::find_sequential, &erased<&find_sequential>);
      set(workload::iterate_sparse, &erased<&iterate_sparse>);
      set(workload::small_4_build, &erased<&small_build<4>>);
      set(workload::small_4_find, &erased<&small_find<4>>);
      set(workload::small_4_move, &erased<&small_move>);
      set(workload::small_4_destroy, &erased<&small_destroy<4>>);
      set(workload::small_12_build, &erased<&small_build<12>>);
      set(workload::small_12_find, &erased<&small_find<12>>);
      set(workload::small_12_destroy, &erased<&small_destroy<12>>);
      set(workload::tiny_find, &erased<&small_find<0>>);
      set(workload::tiny_build_drop, &erased<&tiny_build_drop>);
    }
    return out;
  }
};

// All elements of one map template: Map<Key, Value> is the type, Interface<Map> how it is spoken to. Large
// values only with the shared hash: they are the same keys again.
template <template <class> class Interface, template <class, class> class Map, bool LargeValues>
contestant make_contestant(std::string_view name, std::string_view code, std::string_view type,
                           bool ours = false) {
  contestant out{.name = name, .code = code, .type = type, .ours = ours};
  const auto set = [&out](element e, element_row row) { out.elements[static_cast<std::size_t>(e)] = row; };
  set(element::u64, workloads<Interface<Map<std::uint64_t, std::uint64_t>>>::row());
  set(element::string, workloads<Interface<Map<std::string, std::uint64_t>>>::row());
  if constexpr (LargeValues) {
    set(element::value_64, workloads<Interface<Map<std::uint64_t, large_value<64>>>>::row());
    set(element::value_256, workloads<Interface<Map<std::uint64_t, large_value<256>>>>::row());
  }
  return out;
}

}  // namespace tophash::peers

#endif
