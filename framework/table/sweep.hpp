// SPDX-License-Identifier: Apache-2.0
// deletion::dirty's other half: destroying what erases left. A sweep goes on where the last one stopped, so a
// small budget a call covers the table in turn. `mark_in_place` is the entry for a collector's pause: it takes
// an entry out of sight without allocating, destroying, moving or stepping.
#ifndef TOPHASH_FRAMEWORK_TABLE_SWEEP_HPP
#define TOPHASH_FRAMEWORK_TABLE_SWEEP_HPP

#include <bit>
#include <cstddef>

#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// Destroys at most `budget` dirty entries of one chain. `index` and `in_old` say which, for observers.
template <class B>
std::size_t sweep_chain(state<B>& s, typename B::bucket* home, std::size_t budget, std::size_t index,
                        bool in_old) noexcept {
  using model = typename B::model;
  std::size_t swept = 0;
  for (auto* b = home; b != nullptr;) {
    auto* const next = s.current.links.next(b);
    for (unsigned mask = model::dirty(b); mask != 0 && swept < budget; mask &= mask - 1) {
      const typename B::slot at{b, static_cast<std::size_t>(std::countr_zero(mask))};
      destroy_entry(s, at);
      ++swept;
      --s.dirty;
      notify_with<events::swept>(s.policies.observe, [&] {
        return events::swept{{.chain = index,
                              .bucket = events::identity_of(at.in),
                              .slot = at.index,
                              .in_old = in_old}};
      });
      if (auto* const emptied = model::vacate(s.current.links, home, at)) release_overflow_slow(s, emptied);
    }
    if (swept == budget) break;
    b = next;
  }
  return swept;
}

// The chains of both arrays as one sequence: current ones first.
template <class B>
std::size_t sweep_dirty(state<B>& s, std::size_t budget) noexcept {
  const bool begins = budget != 0 && s.dirty != 0;
  if (begins) notify(s.policies.observe, events::sweep_started{});
  std::size_t swept = 0;
  const std::size_t chains = s.current.units + s.old.units;
  for (std::size_t seen = 0; seen < chains && swept < budget && s.dirty != 0; ++seen) {
    if (s.sweep_at >= chains) s.sweep_at = 0;
    const bool in_old = s.sweep_at >= s.current.units;
    const std::size_t index = in_old ? s.sweep_at - s.current.units : s.sweep_at;
    auto* const home = in_old ? s.old.at(index) : s.current.at(index);
    swept += sweep_chain(s, home, budget - swept, index, in_old);
    if (swept < budget) ++s.sweep_at;
  }
  refresh_grow_at(s);
  if (begins) notify(s.policies.observe, events::sweep_finished{swept});
  return swept;
}

}  // namespace tophash::inline v1::table

#endif
