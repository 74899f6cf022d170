// SPDX-License-Identifier: Apache-2.0
// T-D1. Two rotations of delete and insert, counted at 10,000 and 50,000 rounds:
//   printed   the article's loop: round i deletes key_(i mod n), then stores key_((i + 1) mod n). The next
//   round
//             deletes what this one stored: one key is live, whatever n
//   new_keys  what its text describes: n keys live, round i deletes the oldest and stores a key never seen
// Memory is what the map holds, less what it held when the rotation began.
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

namespace rotation_parts {
namespace {

constexpr std::array<std::size_t, 2> marks = {10'000, 50'000};

struct rotation_point {
  std::size_t live = 0, units = 0, overflow = 0, dead = 0;
  double added_mb = 0;
};

using rotation_points = std::array<rotation_point, marks.size()>;

template <class Map>
rotation_point point_of(const Map& m, double start_bytes) {
  const auto s = m.stats();
  return {s.size, s.units, s.overflow_in_use, s.dead,
          (static_cast<double>(m.memory_report().total_bytes()) - start_bytes) / 1e6};
}

template <class Map>
struct rotation {
  using hashing_type = typename Map::spec_type::hashing;

  static rotation_points printed(const std::vector<std::string>& texts, std::size_t keys,
                                 std::uint64_t seed) {
    Map m{hashing_type{seed}};
    rotation_points out;
    const double start = static_cast<double>(m.memory_report().total_bytes());
    std::size_t mark = 0;
    for (std::size_t i = 0; mark < marks.size(); ++i) {
      if (i == marks[mark]) out[mark++] = point_of(m, start);
      m.erase(std::string_view{texts[i % keys]});
      m.insert_or_assign(std::string_view{texts[(i + 1) % keys]}, static_cast<std::int64_t>(i));
    }
    return out;
  }

  static rotation_points new_keys(const std::vector<std::string>& texts, std::size_t keys,
                                  std::uint64_t seed) {
    Map m{hashing_type{seed}};
    for (std::size_t i = 0; i < keys; ++i) m.insert_or_assign(std::string_view{texts[i]}, 0);
    rotation_points out;
    const double start = static_cast<double>(m.memory_report().total_bytes());
    std::size_t mark = 0;
    for (std::size_t i = 0; mark < marks.size(); ++i) {
      if (i == marks[mark]) out[mark++] = point_of(m, start);
      m.erase(std::string_view{texts[i]});
      m.insert_or_assign(std::string_view{texts[i + keys]}, static_cast<std::int64_t>(i));
    }
    return out;
  }
};

struct both_rotations {
  rotation_points (*printed)(const std::vector<std::string>&, std::size_t, std::uint64_t);
  rotation_points (*new_keys)(const std::vector<std::string>&, std::size_t, std::uint64_t);
};

template <class... Options>
constexpr both_rotations rotations = {
    &rotation<map<std::string_view, std::int64_t, presets::go_like, Options...>>::printed,
    &rotation<map<std::string_view, std::int64_t, presets::go_like, Options...>>::new_keys};

const std::vector<built_composition<both_rotations>>& built() {
  static const std::vector<built_composition<both_rotations>> all = {
      {"go_like", rotations<>},
      {"go_like,deletion=immediate", rotations<deletion::immediate>},
      {"go_like,deletion=tombstone(not_reusing)", rotations<deletion::tombstone_not_reusing>},
      {"go_like,deletion=tombstone(hinted)", rotations<deletion::tombstone_hinted>},
  };
  return all;
}

std::string metric_at(std::string_view metric, std::string_view pattern, std::size_t mark) {
  return fmt::format("{}.{}.{}", metric, pattern, mark);
}

void note_points(const rotation_points& points, std::string_view pattern, std::string_view spec, bool judged,
                 claim_measurement& out) {
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const rotation_point& p = points[i];
    const auto add = [&](std::string_view metric, std::string_view unit, double value) {
      note(out, metric_of(metric_at(metric, pattern, marks[i]), spec, judged), unit, true, value);
    };
    const double units = static_cast<double>(p.units), overflow = static_cast<double>(p.overflow);
    add("overflow_buckets", "buckets", overflow);
    add("mean_chain", "buckets", units == 0 ? 0 : (units + overflow) / units);
    add("added_mb", "MB", p.added_mb);
    add("live_keys", "keys", static_cast<double>(p.live));
    add("main_buckets", "buckets", units);
  }
}

void explain(const std::vector<built_composition<both_rotations>>& variants, claim_measurement& out) {
  const std::size_t last = marks.back();
  out.why.push_back(
      fmt::format("the printed loop keeps {:.0f} key live in {:.0f} bucket: nothing can overflow",
                  median_of(out, metric_at("live_keys", "printed", last)),
                  median_of(out, metric_at("main_buckets", "printed", last))));
  out.why.push_back(fmt::format(
      "with new keys {:.0f} stay live in {:.0f} buckets: an erased slot serves any new key of its "
      "chain, a chain keeps its longest length",
      median_of(out, metric_at("live_keys", "new_keys", last)),
      median_of(out, metric_at("main_buckets", "new_keys", last))));
  for (std::size_t v = 1; v < variants.size(); ++v) {
    const auto value = [&](std::string_view metric, std::size_t mark) {
      return median_of(out, metric_of(metric_at(metric, "new_keys", mark), variants[v].spec, false));
    };
    out.why.push_back(fmt::format("{}, new keys: {:.0f} and {:.0f} overflow buckets beside {:.0f}",
                                  variants[v].spec, value("overflow_buckets", marks[0]),
                                  value("overflow_buckets", marks[1]), value("main_buckets", last)));
  }
}

}  // namespace
}  // namespace rotation_parts

claim_measurement measure_rotation(const claim_request& request) {
  using namespace rotation_parts;
  const std::size_t keys = whole_parameter(request, "keys");
  const auto variants = chosen(*request.table, built());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i <= marks.back() + keys; ++i) texts.push_back("key_" + std::to_string(i));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const std::uint64_t seed = next_seed(request.seed + round);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      note_points(variants[v].run.printed(texts, keys, seed), "printed", variants[v].spec, v == 0, out);
      note_points(variants[v].run.new_keys(texts, keys, seed), "new_keys", variants[v].spec, v == 0, out);
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("rotation over {} string keys -> int", grouped(keys));
  explain(variants, out);
  return out;
}

}  // namespace tophash::lab
