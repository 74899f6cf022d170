// SPDX-License-Identifier: Apache-2.0
// T-A2. What a map's storage is asked for, by the function of Go's that would ask:
//   makemap    the first array
//   hashGrow   the arrays of growths
//   growWork   overflow buckets for entries that a growth moves
//   newobject  overflow buckets for entries that a program inserts
// The article prints no program, so there are three, and shares of bytes and of requests:
//   grown    a map made without a hint and filled
//   hinted   made for what it is filled with
//   churned  grown, then as many pairs of a delete and an insert of a new key
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tophash/allocators/system.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace heap_profile_parts {
namespace {

using number = std::uint64_t;

enum class asker : std::uint8_t { makemap, hash_grow, grow_work, newobject };
constexpr std::array<const char*, 4> asker_names = {"makemap", "hashGrow", "growWork", "newobject"};

struct asked {
  number requests = 0, bytes = 0;
};

struct profile {
  bool being_made = true, in_step = false;
  std::array<asked, asker_names.size()> by{};

  asker asking(purpose use) const noexcept {
    if (use == purpose::overflow) return in_step ? asker::grow_work : asker::newobject;
    return being_made ? asker::makemap : asker::hash_grow;
  }
};

struct profiled {
  using axis = axes::allocation;
  [[maybe_unused]] static constexpr std::string_view name = "profiled";
  static constexpr tophash::visibility visibility = tophash::visibility::opaque;
  profile* of = nullptr;

  void* try_allocate(const request& r) const noexcept {
    void* const p = allocators::system{}.try_allocate(r);
    if (p == nullptr) return nullptr;
    asked& a = of->by[static_cast<std::size_t>(of->asking(r.use))];
    ++a.requests;
    a.bytes += r.bytes;
    return p;
  }
  void deallocate(void* p, const request& r) const noexcept { allocators::system{}.deallocate(p, r); }
  bool operator==(const profiled&) const noexcept = default;
};

struct step_observer {
  using axis = axes::observe;
  [[maybe_unused]] static constexpr std::string_view name = "steps";
  profile* of = nullptr;
  void on(const events::step_started&) const noexcept { of->in_step = true; }
  void on(const events::step_finished&) const noexcept { of->in_step = false; }
};

template <class... Options>
using profiled_map =
    map<std::string_view, std::int64_t, presets::go_like, profiled, step_observer, Options...>;

enum class filling : std::uint8_t { grown, hinted, churned };
constexpr std::array<const char*, 3> program_names = {"grown", "hinted", "churned"};

// Go's makemap allocates the array of a hint; an array without a hint is allocated by the first insert, in
// mapassign: it is counted with makemap's, as the first one.
template <class Map>
profile profile_of(filling what, const std::vector<std::string>& texts, std::size_t entries, number seed) {
  profile out;
  Map m(what == filling::hinted ? entries : 0, typename Map::spec_type::hashing{seed}, profiled{&out},
        step_observer{&out});
  m.insert_or_assign(std::string_view{texts[0]}, 0);
  out.being_made = false;
  for (std::size_t i = 1; i < entries; ++i) m.insert_or_assign(std::string_view{texts[i]}, 0);
  if (what == filling::churned) {
    for (std::size_t i = 0; i < entries; ++i) {
      m.erase(std::string_view{texts[i]});
      m.insert_or_assign(std::string_view{texts[entries + i]}, 0);
    }
  }
  if (m.size() != entries) throw claim_error("T-A2: the map lost an entry");
  return out;
}

using profile_function = profile (*)(filling, const std::vector<std::string>&, std::size_t, number);

const std::vector<built_composition<profile_function>>& built() {
  static const std::vector<built_composition<profile_function>> all = {
      {"go_like", &profile_of<profiled_map<>>},
      // Without a tail of the array to take them from first.
      {"go_like,overflow=fresh", &profile_of<profiled_map<overflow::fresh>>}};
  return all;
}

void note_shares(const profile& p, const char* program, std::string_view spec, bool judged,
                 claim_measurement& out) {
  asked all;
  for (const asked& a : p.by) all.requests += a.requests, all.bytes += a.bytes;
  const auto percent = [](number part, number of) {
    return of == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(of);
  };
  for (std::size_t i = 0; i < p.by.size(); ++i) {
    const std::string metric = fmt::format("{}.{}", asker_names[i], program);
    note(out, metric_of(metric + ".bytes", spec, judged), "%", true, percent(p.by[i].bytes, all.bytes));
    note(out, metric_of(metric + ".requests", spec, judged), "%", true,
         percent(p.by[i].requests, all.requests));
  }
  note(out, metric_of(fmt::format("requests.{}", program), spec, judged), "requests", true,
       static_cast<double>(all.requests));
  note(out, metric_of(fmt::format("mb.{}", program), spec, judged), "MB", true,
       static_cast<double>(all.bytes) / 1e6);
}

}  // namespace
}  // namespace heap_profile_parts

claim_measurement measure_heap_profile(const claim_request& request) {
  using namespace heap_profile_parts;
  const std::size_t entries = whole_parameter(request, "entries");
  const auto variants = chosen(*request.table, built());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 2 * entries; ++i) texts.push_back("key_" + std::to_string(i));
  claim_measurement out;
  for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
    begin_round(request, round, request.rounds);
    const number seed = next_seed(request.seed + round);
    for (std::size_t v = 0; v < variants.size(); ++v) {
      for (std::size_t i = 0; i < program_names.size(); ++i)
        note_shares(variants[v].run(static_cast<filling>(i), texts, entries, seed), program_names[i],
                    variants[v].spec, v == 0, out);
    }
    ++out.rounds;
  }
  if (out.rounds == 0) return out;
  out.setting = fmt::format("{} string keys -> int, three programs", grouped(entries));
  for (std::size_t v = 0; v < variants.size(); ++v) {
    for (const char* program : program_names) {
      const auto median = [&](const std::string& metric) {
        return median_of(out, metric_of(metric, variants[v].spec, v == 0));
      };
      std::string shares;
      for (const char* name : asker_names)
        shares += fmt::format("{}{} {:.2f} %", shares.empty() ? "" : ", ", name,
                              median(fmt::format("{}.{}.bytes", name, program)));
      out.why.push_back(fmt::format("{}, {}: of {:.1f} MB in {} requests: {}", variants[v].spec, program,
                                    median(fmt::format("mb.{}", program)),
                                    grouped(static_cast<number>(median(fmt::format("requests.{}", program)))),
                                    shares));
    }
  }
  out.why.push_back("growWork asks for overflow buckets only, and takes them from the array's tail first; a "
                    "growth's array is asked "
                    "for before its first step");
  return out;
}

}  // namespace tophash::lab
