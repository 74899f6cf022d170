// SPDX-License-Identifier: Apache-2.0
// What each workload does is its description in the table at the end; the functions above it only spell it.
// Key number i of a seed is one splitmix64 step, which is a bijection: keys are distinct without a set.
#include "workloads/workloads.hpp"

#include <algorithm>
#include <bit>
#include <deque>
#include <memory>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/wyhash.hpp>

#include "workloads/random.hpp"

namespace tophash::lab {

namespace {

constexpr std::size_t steady_operations = 1'000'000;  // measured ones of a workload whose n is small
constexpr std::size_t least_loop = 16'384;            // records of a loop that is run over and over
constexpr std::size_t growth_operations = 200'000;

template <class Key>
class program_builder {
 public:
  explicit program_builder(const workload_input& in) : start_(next_seed(in.seed ^ 0x6b657973u)) {}

  void add(operation what, std::size_t key_number) { out_.records.push_back({key(key_number), 0, what}); }
  void add_hostile(operation what, std::size_t index) { out_.records.push_back({hostile(index), 0, what}); }

  // `count` further keys whose position hash, under the default hashing with the seed of the run's maps, is
  // below `buckets` in its low `bits` bits.
  void make_hostile(std::size_t count, std::uint64_t map_seed, unsigned bits, std::uint64_t buckets) {
    const hashing::seeded<hashing::wyhash> policy{map_seed};
    constexpr std::size_t beyond = std::size_t{1} << 40;  // no workload counts its keys so far
    for (std::size_t i = beyond; hostile_.size() < count; ++i) {
      Key candidate = key_text(i);
      const std::uint64_t hash = position_hash<Key>(policy, policy.hash(candidate));
      if ((hash & ((std::uint64_t{1} << bits) - 1)) < buckets) hostile_.push_back(std::move(candidate));
    }
    if constexpr (std::is_same_v<Key, std::string>) {
      pool_->hostile.assign(hostile_.begin(), hostile_.end());
    }
  }

  // Ends the records added since the last cut as one segment.
  segment& cut(segment_kind kind, bool measured, std::uint32_t passes = 1) {
    segment s{.kind = kind,
              .begin = from_,
              .end = out_.records.size(),
              .amount = 0,
              .passes = passes,
              .measured = measured};
    from_ = out_.records.size();
    out_.segments.push_back(s);
    return out_.segments.back();
  }

  void command(segment_kind kind, std::size_t amount, bool measured = false, std::uint32_t passes = 1) {
    out_.segments.push_back(
        {.kind = kind, .begin = 0, .end = 0, .amount = amount, .passes = passes, .measured = measured});
  }

  void fill(std::size_t first_key, std::size_t count, bool measured) {
    for (std::size_t i = 0; i < count; ++i) add(operation::set, first_key + i);
    cut(segment_kind::sets, measured);
  }

  std::size_t records() const noexcept { return out_.records.size(); }

  any_program finish(std::uint32_t repeats = 1) {
    out_.repeats = repeats;
    if constexpr (std::is_same_v<Key, std::string>) out_.pool = {pool_, &pool_->usual};
    return std::move(out_);
  }

 private:
  std::uint64_t number(std::size_t i) const noexcept { return next_seed(start_ + i * golden_ratio_bits); }

  // Addresses in a deque do not move; a program's records point into both.
  struct key_pool {
    std::deque<std::string> usual, hostile;
  };

  Key key_text(std::size_t i) const {
    if constexpr (std::is_same_v<Key, std::uint64_t>) {
      return number(i);
    } else {
      return "user" + std::to_string(number(i));
    }
  }

  auto key(std::size_t i) {
    if constexpr (std::is_same_v<Key, std::uint64_t>) {
      return number(i);
    } else {
      while (pool_->usual.size() <= i) pool_->usual.push_back(key_text(pool_->usual.size()));
      return &pool_->usual[i];
    }
  }

  auto hostile(std::size_t i) const {
    if constexpr (std::is_same_v<Key, std::uint64_t>) {
      return hostile_[i];
    } else {
      return &pool_->hostile[i];
    }
  }

  program<Key> out_;
  std::size_t from_ = 0;
  std::uint64_t start_;
  std::vector<Key> hostile_;
  std::shared_ptr<key_pool> pool_ = std::make_shared<key_pool>();
};

std::uint32_t times(std::size_t wanted, std::size_t each) {
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(wanted / std::max<std::size_t>(each, 1), 1, 1'000'000));
}

template <class Key>
any_program build_grow(const workload_input& in, bool reserved) {
  program_builder<Key> b(in);
  if (reserved) b.command(segment_kind::reserve, in.n, true);
  b.fill(0, in.n, true);
  return b.finish(times(growth_operations, in.n));
}

template <class Key>
any_program build_lookup(const workload_input& in, unsigned hits_of_two) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x6c6f6f6bu);
  b.fill(0, in.n, false);
  const std::size_t count = std::max(in.n, least_loop);
  for (std::size_t i = 0; i < count; ++i) {
    const bool hit = random.below(2) < hits_of_two;
    b.add(operation::get, (hit ? 0 : in.n) + static_cast<std::size_t>(random.below(in.n)));
  }
  b.cut(segment_kind::gets, true, times(steady_operations, count));
  return b.finish();
}

template <class Key>
any_program build_churn(const workload_input& in, bool random_victim) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x6368726eu);
  b.fill(0, in.n, false);
  std::vector<std::size_t> live(in.n);
  std::iota(live.begin(), live.end(), std::size_t{0});
  const std::size_t pairs = std::max(in.n, steady_operations / 4);
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t victim = random_victim ? static_cast<std::size_t>(random.below(in.n)) : i % in.n;
    b.add(operation::erase, live[victim]);
    b.add(operation::set, live[victim] = in.n + i);
  }
  b.cut(segment_kind::mixed, true);
  return b.finish();
}

template <class Key>
any_program build_erase_refill(const workload_input& in) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x72656669u);
  b.fill(0, in.n, false);
  std::vector<std::size_t> order(in.n);
  constexpr std::size_t cycles = 3;
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    std::iota(order.begin(), order.end(), cycle * in.n);
    random.shuffle(order);
    for (const std::size_t key : order) b.add(operation::erase, key);
    b.cut(segment_kind::erases, true);
    b.fill((cycle + 1) * in.n, in.n, true);
  }
  return b.finish(times(growth_operations, cycles * in.n));
}

template <class Key>
any_program build_iterate(const workload_input& in) {
  program_builder<Key> b(in);
  b.fill(0, in.n, false);
  b.command(segment_kind::iterate, 0, true, times(2 * steady_operations, in.n));
  return b.finish();
}

// Nine of ten entries go, lookups meet what they left, and new entries take their place.
template <class Key>
any_program build_delete_heavy(const workload_input& in) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x64656c65u);
  std::vector<std::size_t> live(in.n);
  std::iota(live.begin(), live.end(), std::size_t{0});
  b.fill(0, in.n, false);
  std::size_t next_key = in.n;
  constexpr std::size_t cycles = 3;
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    random.shuffle(live);
    const std::vector<std::size_t> gone(live.begin() + static_cast<std::ptrdiff_t>(in.n / 10), live.end());
    live.resize(in.n / 10);
    for (const std::size_t key : gone) b.add(operation::erase, key);
    b.cut(segment_kind::erases, true);
    for (std::size_t i = 0; i < in.n; ++i) {
      const std::vector<std::size_t>& from = live.empty() || random.below(2) == 0 ? gone : live;
      b.add(operation::get, from[static_cast<std::size_t>(random.below(from.size()))]);
    }
    b.cut(segment_kind::gets, true);
    b.fill(next_key, gone.size(), true);
    for (std::size_t i = 0; i < gone.size(); ++i) live.push_back(next_key++);
  }
  return b.finish(times(growth_operations, 3 * cycles * in.n));
}

// ---- mixes in the shape of YCSB's core workloads: Zipf 0.99 over keys in random order -----------

struct mix {
  unsigned reads, updates, inserts, scans, modifies;  // percent
  bool latest;
};

constexpr double ycsb_exponent = 0.99;
constexpr std::uint64_t longest_scan = 100;

template <class Key>
class mix_builder {
 public:
  mix_builder(const workload_input& in, const mix& m)
      : b_(in),
        random_(in.seed ^ 0x79637362u),
        ranks_(in.n, ycsb_exponent),
        mix_(m),
        order_(in.n),
        keys_(in.n) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    random_.shuffle(order_);
    b_.fill(0, in.n, false);
    const std::size_t loaded = b_.records(), wanted = std::max(in.n, steady_operations / 2);
    while (b_.records() - loaded < wanted) step();
    b_.cut(segment_kind::mixed, true);
  }

  any_program finish() { return b_.finish(); }

 private:
  std::size_t choose() {
    const auto rank = static_cast<std::size_t>(ranks_(random_));
    return mix_.latest ? keys_ - rank : order_[rank - 1];
  }

  void step() {
    auto dice = static_cast<unsigned>(random_.below(100));
    const auto falls = [&dice](unsigned percent) { return dice < percent || (dice -= percent, false); };
    if (falls(mix_.reads))
      b_.add(operation::get, choose());
    else if (falls(mix_.updates))
      b_.add(operation::set, choose());
    else if (falls(mix_.inserts))
      b_.add(operation::set, keys_++);
    else if (falls(mix_.modifies))
      b_.add(operation::modify, choose());
    else
      scan();
  }

  // A hash map has no order to scan in: as many lookups of consecutive key numbers instead.
  void scan() {
    const std::size_t first = choose();
    const auto length = static_cast<std::size_t>(random_.below(longest_scan)) + 1;
    for (std::size_t i = 0; i < length; ++i) b_.add(operation::get, (first + i) % keys_);
  }

  program_builder<Key> b_;
  random_stream random_;
  zipf_ranks ranks_;
  mix mix_;
  std::vector<std::size_t> order_;
  std::size_t keys_;
};

// ---- load sweep ---------------------------------------------------------------------------------

constexpr std::size_t sweep_lookups = 100'000;

template <class Key>
any_program build_load_sweep(const workload_input& in) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x6c6f6164u);
  const auto entries_at = [&in](double load) {
    return static_cast<std::size_t>(load * static_cast<double>(in.n));
  };
  b.command(segment_kind::reserve, entries_at(in.load_limit));
  const std::size_t most = entries_at(sweep_loads(100).back());
  std::size_t filled = 0;
  for (const double load : sweep_loads(in.load_limit)) {
    b.fill(filled, entries_at(load) - filled, false);
    filled = entries_at(load);
    const std::size_t begin = b.records();
    for (std::size_t i = 0; i < sweep_lookups; ++i)
      b.add(operation::get, static_cast<std::size_t>(random.below(filled)));
    b.cut(segment_kind::gets, true);
    for (std::size_t i = 0; i < sweep_lookups; ++i)
      b.add(operation::get, most + static_cast<std::size_t>(random.below(most)));
    b.cut(segment_kind::gets, true);
    b.cut(segment_kind::inspect, false).begin = begin;
  }
  return b.finish();
}

// ---- overflow reuse: pairs of one erase and one insert ------------------------------------------

constexpr std::size_t reuse_warm_up_rounds = 2, reuse_rounds = 6;  // of n pairs each
constexpr std::size_t hostile_rounds = 3;  // a chain that residue fills takes microseconds an operation

template <class Key, class Pair>
any_program finish_pairs(program_builder<Key>& b, std::size_t n, const Pair& pair,
                         std::size_t rounds = reuse_rounds) {
  for (std::size_t i = 0; i < reuse_warm_up_rounds * n; ++i) pair(i);
  b.cut(segment_kind::mixed, false);
  for (std::size_t i = reuse_warm_up_rounds * n; i < (reuse_warm_up_rounds + rounds) * n; ++i) pair(i);
  b.cut(segment_kind::mixed, true);
  return b.finish();
}

// The loop of the article's program: what a round stores, the next one erases.
template <class Key>
any_program build_reuse_printed(const workload_input& in) {
  program_builder<Key> b(in);
  constexpr std::size_t keys = 1024;
  return finish_pairs(b, in.n, [&](std::size_t i) {
    b.add(operation::erase, i % keys);
    b.add(operation::set, (i + 1) % keys);
  });
}

template <class Key>
any_program build_reuse_same_keys(const workload_input& in) {
  program_builder<Key> b(in);
  b.fill(0, in.n, false);
  const std::size_t keys = in.n + std::max<std::size_t>(in.n / 8, 1);
  return finish_pairs(b, in.n, [&](std::size_t i) {
    b.add(operation::erase, i % keys);
    b.add(operation::set, (i + in.n) % keys);
  });
}

template <class Key>
any_program build_reuse_new_keys(const workload_input& in) {
  program_builder<Key> b(in);
  b.fill(0, in.n, false);
  return finish_pairs(b, in.n, [&](std::size_t i) {
    b.add(operation::erase, i);
    b.add(operation::set, in.n + i);
  });
}

// Waves that fill four chains and empty them again, beside n entries that stay. Four waves' keys, so that a
// wave does not meet its own residue. The bits hold for arrays eight times as large as n entries need.
template <class Key>
any_program build_reuse_adversary(const workload_input& in) {
  program_builder<Key> b(in);
  constexpr std::size_t wave = 512, waves = 4, buckets = 4;
  b.make_hostile(waves * wave, in.seed, static_cast<unsigned>(std::bit_width(in.n / 6)) + 3, buckets);
  b.fill(0, in.n, false);
  const auto pair = [&](std::size_t i) {
    const std::size_t turn = i % wave, first = i / wave % waves * wave;
    if (turn != 0) return;  // a wave's pairs come together
    for (std::size_t k = 0; k < wave; ++k) b.add_hostile(operation::set, first + k);
    for (std::size_t k = 0; k < wave; ++k) b.add_hostile(operation::erase, first + k);
  };
  return finish_pairs(b, (in.n + wave - 1) / wave * wave, pair, hostile_rounds);
}

// ---- incidents: what Go's users reported (lab/incidents.hpp) ------------------------------------

constexpr std::size_t incident_left = 1000;    // of n entries, one of so many stays
constexpr std::size_t incident_rounds = 20;    // of n pairs at constant size
constexpr std::size_t incident_trickle = 4;    // n / 4 pairs of a set and an erase on what is left

// golang/go#20135. n entries, nearly all erased, and then a life with few. The reference never held more.
template <class Key>
any_program build_never_shrinks(const workload_input& in, bool reference) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x32303133u);
  const std::size_t left = std::max<std::size_t>(in.n / incident_left, 1);
  if (reference) {
    b.fill(0, left, true);
    return b.finish();
  }
  b.fill(0, in.n, true);
  std::vector<std::size_t> order(in.n - left);
  std::iota(order.begin(), order.end(), left);
  random.shuffle(order);
  for (const std::size_t key : order) b.add(operation::erase, key);
  b.cut(segment_kind::erases, true);
  for (std::size_t i = 0; i < in.n / incident_trickle; ++i) {
    b.add(operation::set, in.n + i);
    b.add(operation::erase, in.n + i);
  }
  b.cut(segment_kind::mixed, true);
  return b.finish();
}

// golang/go#16070. n entries, and pairs of an erase of any one and an insert of a key never seen. The
// reference holds n entries and has seen no erase.
template <class Key>
any_program build_grows_in_place(const workload_input& in, bool reference) {
  program_builder<Key> b(in);
  random_stream random(in.seed ^ 0x31363037u);
  b.fill(0, in.n, reference);
  if (reference) return b.finish();
  std::vector<std::size_t> live(in.n);
  std::iota(live.begin(), live.end(), std::size_t{0});
  for (std::size_t i = 0; i < incident_rounds * in.n; ++i) {
    std::size_t& victim = live[static_cast<std::size_t>(random.below(in.n))];
    b.add(operation::erase, victim);
    b.add(operation::set, victim = in.n + i);
  }
  b.cut(segment_kind::mixed, true);
  return b.finish();
}

// ---- the table ----------------------------------------------------------------------------------

#define TOPHASH_BUILD(function, ...)                                                                         \
  [](const workload_input& in) {                                                                             \
    return in.key == key_kind::u64 ? function<std::uint64_t>(in __VA_OPT__(, ) __VA_ARGS__)                  \
                                   : function<std::string>(in __VA_OPT__(, ) __VA_ARGS__);                   \
  }

template <class Key>
any_program build_mix(const workload_input& in, const mix& m) {
  return mix_builder<Key>(in, m).finish();
}

constexpr workload_entry table[] = {
    {"grow", "insert n new keys into an empty map, without a hint", TOPHASH_BUILD(build_grow, false)},
    {"grow_reserved", "reserve(n), then insert n new keys", TOPHASH_BUILD(build_grow, true)},
    {"lookup_hit", "look up present keys in random order", TOPHASH_BUILD(build_lookup, 2)},
    {"lookup_miss", "look up absent keys", TOPHASH_BUILD(build_lookup, 0)},
    {"lookup", "look up keys of which half are present", TOPHASH_BUILD(build_lookup, 1)},
    {"churn_fifo", "at n entries: erase the oldest, insert a new one, again and again",
     TOPHASH_BUILD(build_churn, false)},
    {"churn_random", "at n entries: erase any one, insert a new one, again and again",
     TOPHASH_BUILD(build_churn, true)},
    {"erase_refill", "erase all n entries in random order, insert n new ones, three times",
     TOPHASH_BUILD(build_erase_refill)},
    {"iterate", "visit every entry of a map of n", TOPHASH_BUILD(build_iterate)},
    {"ycsb_a", "Zipf 0.99: 50 % reads, 50 % updates", TOPHASH_BUILD(build_mix, mix{50, 50, 0, 0, 0, false})},
    {"ycsb_b", "Zipf 0.99: 95 % reads, 5 % updates", TOPHASH_BUILD(build_mix, mix{95, 5, 0, 0, 0, false})},
    {"ycsb_c", "Zipf 0.99: reads only", TOPHASH_BUILD(build_mix, mix{100, 0, 0, 0, 0, false})},
    {"ycsb_d", "95 % reads of the newest (Zipf by age), 5 % inserts",
     TOPHASH_BUILD(build_mix, mix{95, 0, 5, 0, 0, true})},
    {"ycsb_e", "95 % runs of 1 to 100 lookups (in place of scans), 5 % inserts",
     TOPHASH_BUILD(build_mix, mix{0, 0, 5, 95, 0, false})},
    {"ycsb_f", "Zipf 0.99: 50 % reads, 50 % read, modify, write in place",
     TOPHASH_BUILD(build_mix, mix{50, 0, 0, 0, 50, false})},
    {"delete_heavy", "three times: erase 90 % of n entries, look up (half of them erased), fill up again",
     TOPHASH_BUILD(build_delete_heavy)},
    {"load_sweep", "n buckets filled to rising loads: overflow, probes of hits and misses, bytes an entry",
     TOPHASH_BUILD(build_load_sweep)},
    {"reuse_printed",
     "the published churn program as printed: erase key i mod 1024, store the next: one entry",
     TOPHASH_BUILD(build_reuse_printed)},
    {"reuse_same_keys",
     "at n entries: erase the oldest, insert it back n/8 rounds later: 9n/8 keys in rotation",
     TOPHASH_BUILD(build_reuse_same_keys)},
    {"reuse_new_keys", "at n entries: erase the oldest, insert a key never seen",
     TOPHASH_BUILD(build_reuse_new_keys)},
    {"reuse_adversary", "beside n entries: waves of 512 keys that all fall into four buckets, in and out",
     TOPHASH_BUILD(build_reuse_adversary)},
    {"go-20135",
     "golang/go#20135: n entries, all but one in a thousand erased, a trickle of sets and erases: what stays",
     TOPHASH_BUILD(build_never_shrinks, false)},
    {"go-16070",
     "golang/go#16070: at n entries, 20 n pairs of an erase and an insert of a new key: what they add",
     TOPHASH_BUILD(build_grows_in_place, false)},
    {"overflow_reuse",
     "the matrix of deletions, overflow sources and growths over the four reuse_ patterns (run only)",
     nullptr},
};

// Found by name, and in no list: what an incident is held against.
constexpr workload_entry references[] = {
    {"go-20135.reference", "what is left after go-20135, in a map that never held more",
     TOPHASH_BUILD(build_never_shrinks, true)},
    {"go-16070.reference", "n entries, without a delete", TOPHASH_BUILD(build_grows_in_place, true)},
};

#undef TOPHASH_BUILD

}  // namespace

// The last is no program but a matrix of the four before it.
std::span<const workload_entry> workloads() noexcept { return std::span(table).first(std::size(table) - 1); }
const workload_entry& overflow_reuse_entry() noexcept { return *(std::end(table) - 1); }

const workload_entry* find_workload(std::string_view name) noexcept {
  for (const workload_entry& w : workloads()) {
    if (w.name == name) return &w;
  }
  for (const workload_entry& w : references) {
    if (w.name == name) return &w;
  }
  return nullptr;
}

std::vector<double> sweep_loads(double limit) {
  std::vector<double> out;
  for (double load = 4.0; load <= 8.0 && load <= limit; load += 0.5) out.push_back(load);
  if (out.empty()) out.push_back(limit);
  return out;
}

}  // namespace tophash::lab
