// SPDX-License-Identifier: Apache-2.0
// T-B4. Deleting by taking an entry out and freeing its node, against marking it and leaving it in place. The
// article's figures are of the dirty bits of page tables under random file access; what its words say of maps
// is built here: layout::nodes with either deletion. Counted are
//   erase   half of the entries, in random order
//   mixed   lookups (half), erases and inserts of new keys (a quarter each), and at the end the sweep that
//           marking has put off
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>

#include "lab/counted.hpp"
#include "lab/reproduce_counted.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace unlink_or_mark_parts {
namespace {

using number = std::uint64_t;

template <class Deletion>
using node_map = map<number, number, layout::nodes, Deletion>;

template <class Map>
Map filled(const std::vector<number>& keys, number seed) {
  Map m(typename Map::spec_type::hashing{seed});
  for (const number key : keys) m.try_emplace(key, key);
  return m;
}

template <class Map>
void count_erases(const std::string& way, const std::vector<number>& keys, number seed,
                  section_counter& counter) {
  Map m = filled<Map>(keys, seed);
  std::vector<number> order = keys;
  random_stream random(seed ^ 0x6f726465u);
  random.shuffle(order);
  order.resize(order.size() / 2);
  counter.count(way + ".erase", order.size(), [&] {
    for (const number key : order) m.erase(key);
  });
}

template <class Map>
void count_mixed(const std::string& way, const std::vector<number>& keys, std::size_t operations, number seed,
                 section_counter& counter) {
  Map m = filled<Map>(keys, seed);
  struct step {
    number key;
    unsigned what;  // 0 erase, 1 insert, else find
  };
  random_stream random(seed ^ 0x6d6978u);  // another stream than that of the keys
  std::vector<number> live = keys;
  std::vector<step> steps;
  while (steps.size() < operations) {
    number& key = live[static_cast<std::size_t>(random.below(live.size()))];
    const auto find = [&] {
      steps.push_back({live[static_cast<std::size_t>(random.below(live.size()))], 2});
    };
    steps.push_back({key, 0});
    find();
    steps.push_back({key = random.next(), 1});
    find();
  }
  number found = 0;
  counter.count(way + ".mixed", steps.size(), [&] {
    for (const step& s : steps) {
      if (s.what == 0)
        m.erase(s.key);
      else if (s.what == 1)
        m.try_emplace(s.key, s.key);
      else
        found += m.contains(s.key) ? 1u : 0u;
    }
    if constexpr (requires { m.sweep(); }) m.sweep();
  });
  // The key between its erase and its insert is one that is not there.
  if (found < steps.size() / 2 - steps.size() / 8 || m.size() != live.size())
    throw claim_error("T-B4: the map lost an entry");
}

}  // namespace
}  // namespace unlink_or_mark_parts

void count_unlink_or_mark(const counted_input& input, section_counter& counter) {
  using namespace unlink_or_mark_parts;
  for (unsigned round = 0; round < input.rounds; ++round) {
    const number seed = next_seed(input.seed + round);
    random_stream random(seed);
    std::vector<number> keys(input.entries);
    for (number& key : keys) key = random.next();
    count_erases<node_map<deletion::immediate>>("unlink", keys, seed, counter);
    count_erases<node_map<deletion::dirty>>("mark", keys, seed, counter);
    count_mixed<node_map<deletion::immediate>>("unlink", keys, input.operations, seed, counter);
    count_mixed<node_map<deletion::dirty>>("mark", keys, input.operations, seed, counter);
  }
}

claim_measurement measure_unlink_or_mark(const claim_request& request) {
  using namespace unlink_or_mark_parts;
  static_cast<void>(
      chosen(*request.table, std::vector<built_composition<int>>{{"layout=nodes,deletion=dirty", 0},
                                                                 {"layout=nodes,deletion=immediate", 0}}));
  // A hit rate hangs on the size of the map, so --quick spares rounds.
  const unsigned rounds =
      request.quick ? std::min(request.rounds, unsigned{fewest_timed_rounds}) : request.rounds;
  const counted_input input{.entries = whole_parameter(request, "entries"),
                            .operations = whole_parameter(request, "operations"),
                            .rounds = rounds,
                            .seed = request.seed};
  request.progress(request.table->id + ": counting");
  const counted_result counted = count_sections("unlink_or_mark", input);
  claim_measurement out;
  out.rounds = rounds;
  const auto change = [](const std::vector<double>& v) { return 100 * (v[0] / v[1] - 1); };
  const auto hits = [](const std::vector<double>& v) { return 100 * (1 - v[0] / v[1]); };
  for (const char* work : {"erase", "mixed"}) {
    const std::string mark = fmt::format("mark.{}", work), unlink = fmt::format("unlink.{}", work);
    const auto changed = [&](const std::string& metric, const std::string& event) {
      note_counted(out, counted, metric + "_change." + work, "%", {{mark, event}, {unlink, event}}, change);
    };
    changed("loads", "l1d_loads");
    changed("misses", "l1d_load_misses");
    changed("replacements", "l1d_replacements");
    changed("instructions", "instructions");
    for (const std::string& way : {mark, unlink}) {
      note_counted(out, counted, "hit_rate." + way, "%", {{way, "l1d_load_misses"}, {way, "l1d_loads"}},
                   hits);
      for (const char* event : {"instructions", "l1d_loads", "l1d_load_misses"})
        note_counted(out, counted, fmt::format("{}.{}", event, way), "an operation", {{way, event}},
                     [](const std::vector<double>& v) { return v[0]; });
    }
    note_counted(
        out, counted, fmt::format("hit_rate_gain.{}", work), "points",
        {{mark, "l1d_load_misses"}, {mark, "l1d_loads"}, {unlink, "l1d_load_misses"}, {unlink, "l1d_loads"}},
        [](const std::vector<double>& v) { return 100 * (v[2] / v[3] - v[0] / v[1]); });
  }
  // What a claimed fall is less than, and a claimed gain more.
  for (unsigned round = 0; round < out.rounds; ++round) {
    note(out, "no_change", "%", true, 0);
    note(out, "no_gain", "points", true, 0);
  }
  out.setting = fmt::format("{} numbers in nodes, half of them erased; {} mixed operations",
                            grouped(input.entries), grouped(input.operations));
  out.why.push_back(counted_by(counted));
  if (counted.source.empty()) return out;
  for (const char* work : {"erase", "mixed"}) {
    const auto figures = [&](const char* way) {
      const auto of = [&](const char* event) {
        return median_of(out, fmt::format("{}.{}.{}", event, way, work));
      };
      return fmt::format("{:.0f} instructions, {:.1f} loads, {:.2f} of them misses", of("instructions"),
                         of("l1d_loads"), of("l1d_load_misses"));
    };
    out.why.push_back(fmt::format("{}: an operation takes {} where it marks, {} where it unlinks and frees",
                                  work, figures("mark"), figures("unlink")));
  }
  return out;
}

}  // namespace tophash::lab
