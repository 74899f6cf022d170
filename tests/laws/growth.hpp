// SPDX-License-Identifier: Apache-2.0
// Laws of a growth policy, asked of plain numbers and of a table that is only numbers:
//   pure            the same load gives the same plan, also from a copy of the policy
//   keep            below the limit nothing grows, unless the policy's facts name a reason: residue of dead_percent,
//                   fewer entries than shrink_percent (asked_load() says so), an overflow bucket just acquired
//   relief          after a plan is carried out, the same entries are below the new limit and are no reason again
//   no oscillation  inserts and erases around a boundary move few entries each, whatever an erase leaves
//   quantum         a growth ends before the next one is due
// The limits come from a load policy that the caller may choose; sizes are rounded up by a sizing policy.
#ifndef TOPHASH_TESTS_LAWS_GROWTH_HPP
#define TOPHASH_TESTS_LAWS_GROWTH_HPP

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/growth.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/step.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

inline std::string described(const load_state& load) {
  return sentence("live ", load.live, ", dead ", load.dead, ", dirty ", load.dirty, " of limit ", load.limit,
                  " in ", load.units, " units");
}

inline std::string described(const plan& p) {
  switch (p.what) {
    case action::keep: return "keep";
    case action::resize: return sentence("resize(", p.units, ")");
    case action::regrow: return "regrow";
  }
  return "no action at all";
}

// The load once every chain is evacuated: what erases left behind is gone.
template <class L = load<13, 2>, class S = sizing::power_of_two>
struct arithmetic_table {
  L limits{};

  load_state sized(std::size_t units, std::size_t slots) const noexcept {
    load_state out;
    out.units = units, out.slots_per_unit = slots, out.limit = limits.limit(units, slots);
    return out;
  }

  // False: there is no such size, and a table would throw.
  bool carry_out(const plan& p, load_state& load) const noexcept {
    std::size_t units = load.units;
    if (p.what == action::keep) return true;
    if (p.what == action::resize && (units = S::round_up(p.units)) == 0) return false;
    const std::size_t live = load.live;
    load = sized(units, load.slots_per_unit);
    load.live = live;
    return true;
  }
};

// Has the policy a reason, by its facts, to be heard below the limit?
template <class G>
constexpr bool has_reason(const load_state& load) noexcept {
  constexpr growth_facts facts = G::facts;
  return (facts.dead_percent != 0 && load.dead + load.dirty >= share_of(load.limit, facts.dead_percent)) ||
         (facts.shrink_percent != 0 && load.units > 1 && load.live < share_of(load.limit, facts.shrink_percent)) ||
         (facts.asks_overflow && load.acquired != 0);
}

template <class G, class Table, class Report>
bool check_one_load(const G& g, const Table& table, const load_state& load, Report&& report) {
  const plan first = g.decide(load);
  const G copy(g);
  const plan second = g.decide(load), third = copy.decide(load);
  const auto say = [&](const auto&... what) {
    report(sentence(subject<G>(), described(load), ": ", what...));
    return false;
  };
  if (!(first == second && first == third)) {
    return say("says ", described(first), ", then ", described(second), ", a copy says ", described(third));
  }
  if (load.used() < load.limit && first.what != action::keep && !has_reason<G>(load)) {
    return say(described(first), " below the limit");
  }
  if (first.what == action::keep) return true;
  if (first.what == action::resize && first.units == 0) return say("resize(0)");
  load_state after = load;
  if (!table.carry_out(first, after)) return true;
  if (after.used() >= after.limit) {
    return say("after ", described(first), " it is ", described(after), ": full again");
  }
  if (after.used() < after.limit && g.decide(after).what != action::keep) {
    return say("after ", described(first), " it is ", described(after), ": it wants ", described(g.decide(after)));
  }
  return true;
}

// Loads at, around and far from the limit, with every kind of residue, in tables of 1 to 2^60 units.
template <class G, class Table, class Report>
void check_decisions(const G& g, const Table& table, std::size_t slots, Report&& report) {
  sampler draw(3);
  for (int k = 0; k < std::numeric_limits<std::size_t>::digits - 3; ++k) {
    for (int i = 0; i != 200; ++i) {
      load_state load = table.sized(std::size_t{1} << k, slots);
      const std::size_t near = load.limit - draw.below(std::min<std::size_t>(load.limit, 4));
      const std::size_t used = i < 100 ? near : draw.below(load.limit) + 1;
      load.live = i % 3 == 0 ? used : std::min(used, draw.below(used + 1));
      load.dead = i % 2 == 0 ? used - load.live : 0;
      load.dirty = used - load.live - load.dead;
      load.overflow = draw.below(load.units + 1);
      if (i % 4 == 0) load.overflow = load.acquired = load.units;
      if (i % 8 == 0) load.chain_buckets = 2 + draw.below(6);
      if (!check_one_load(g, table, load, report)) return;
    }
  }
  // Where a size doubled would wrap. Resizing to nothing is caught above; a refusal by the sizing policy is
  // fine.
  load_state vast = table.sized((std::numeric_limits<std::size_t>::max() >> 1) + 1, slots);
  vast.live = vast.limit;
  check_one_load(g, table, vast, report);
}

enum class residue { none, dead, dirty };

constexpr const char* residue_name(residue r) noexcept {
  return r == residue::none ? "nothing" : r == residue::dead ? "a dead slot" : "a dirty entry";
}

// Two per operation would be a growth after every insert of half the entries; doubling at Go's load makes
// 0.5.
inline constexpr std::size_t most_moves_per_operation = 4;

// Fills a table to some percentage of its limit, then erases and inserts one entry in turn.
template <class G, class Table, class Report>
void check_no_oscillation(const G& g, const Table& table, std::size_t slots, residue left,
                          std::size_t percent, Report&& report) {
  load_state load = table.sized(64, slots);
  load.live = std::max<std::size_t>(load.limit * percent / 100, 1);
  const std::size_t operations = 20 * load.limit, begun_with = load.live;
  std::size_t moved = 0, growths = 0;
  for (std::size_t i = 0; i != operations; i += 2) {
    --load.live;
    if (left == residue::dead) ++load.dead;
    if (left == residue::dirty) ++load.dirty;
    if (constexpr growth_facts facts = G::facts;
        facts.shrink_percent != 0 && load.live < share_of(load.limit, facts.shrink_percent)) {
      const plan answer = g.decide(load);
      if (answer.what != action::keep) ++growths, moved += load.live;
      if (!table.carry_out(answer, load)) return;
    }
    for (int inserted = 0; inserted != 2; ++inserted) {
      if (inserted == 1 && i != 0) break;  // one entry more at the start, to stand on the boundary itself
      if (load.used() >= load.limit) {
        const plan answer = g.decide(load);
        if (answer.what != action::keep) ++growths, moved += load.live;
        if (!table.carry_out(answer, load)) return;
      }
      ++load.live;
    }
  }
  if (moved <= most_moves_per_operation * operations) return;
  report(sentence(subject<G>(), "oscillates: ", begun_with, " entries (", percent, " % of the limit), then ",
                  operations, " erases and inserts in turn, each erase leaving ", residue_name(left),
                  ", grew it ", growths, " times and moved ", moved, " entries"));
}

// Each insert, the one that begins the growth included, evacuates `quantum` chains.
template <class G, class Table, class Report>
void check_quantum(const G& g, const Table& table, std::size_t slots, Report&& report) {
  constexpr growth_facts facts = G::facts;
  if (facts.endless) {
    report(sentence(subject<G>(), "by its own facts a growth never ends"));
    return;
  }
  if (facts.quantum == whole_table) return;
  for (int k = 0; k != 24; ++k) {
    for (bool with_residue : {false, true}) {
      load_state load = table.sized(std::size_t{1} << k, slots);
      load.live = with_residue ? load.limit / 2 : load.limit;
      load.dead = load.limit - load.live;
      const std::size_t chains = load.units;
      load_state after = load;
      const plan answer = g.decide(load);
      if (answer.what == action::keep || !table.carry_out(answer, after) || after.limit <= after.live)
        continue;
      const std::size_t inserts = after.limit - after.live;
      if (inserts >= (chains + facts.quantum - 1) / facts.quantum) continue;
      report(sentence(subject<G>(), described(load), ": ", described(answer), " leaves room for ", inserts,
                      " inserts, each evacuating ", facts.quantum, " of ", chains,
                      " chains: the next growth is due first"));
      return;
    }
  }
}

template <class G, class Report, class L = load<13, 2>, class S = sizing::power_of_two>
void check_growth(const G& g, Report&& report, std::size_t slots = 8,
                  const arithmetic_table<L, S>& table = {}) {
  static_assert(growth_policy<G>);
  check_option<G, axes::growth>(report);
  check_decisions(g, table, slots, report);
  for (residue left : {residue::none, residue::dead, residue::dirty}) {
    for (std::size_t percent : {10u, 24u, 25u, 26u, 49u, 50u, 51u, 75u, 99u, 100u}) {
      check_no_oscillation(g, table, slots, left, percent, report);
    }
  }
  check_quantum(g, table, slots, report);
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
