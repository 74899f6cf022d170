// accept
// SPDX-License-Identifier: Apache-2.0
// The control: near misses of the rules that are legal, so that a test which fails on everything shows.
#include <array>
#include <memory>
#include <string>

#include <tophash/framework/layout/directory.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/observe/chrome_trace.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/policies/sizing/prime.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>
#include <tophash/shared_map.hpp>

struct pinned {
  pinned() = default;
  pinned(const pinned&) = delete;
};

tophash::map<int, int, tophash::presets::go_like, tophash::deletion::dirty> beats_the_preset;
tophash::map<int, std::string, tophash::deletion::dirty> strings_may_wait;
tophash::map<int, std::unique_ptr<int>> at_once;
tophash::map<int, pinned, tophash::layout::bucket_chain<tophash::bucket_options{.inline_limit_bytes = 0}>> behind_pointers;
tophash::map<int, int, tophash::growth::incremental<1>, tophash::load<1, 4>> slow_and_sparse;
tophash::set<std::string, tophash::layout::bucket_chain<tophash::bucket_options{.slots = 1, .tag_bits = 0}>> one_slot;
tophash::set<int, tophash::layout::open_groups<8>, tophash::load<7>, tophash::overflow::none> groups_of_eight;
tophash::map<int, int, tophash::layout::open_groups<>, tophash::load<15>, tophash::deletion::dirty,
             tophash::growth::regrowing<tophash::growth::incremental<1>, tophash::growth::when::dead<25>>> groups_filled;
tophash::map<double, int, tophash::presets::go_swiss_like, tophash::layout::directory<16>, tophash::growth::eager> small_tables;
tophash::map<int, int, tophash::sync::striped<16>, tophash::observe::counters> counted_reads;

tophash::overflow::pool spare{tophash::allocators::system{}};
tophash::map<int, int, tophash::sync::shared_mutex, tophash::overflow::shared_pool, tophash::observe::chrome_trace> one_lock{
    tophash::overflow::shared_pool{spare}};

struct copied {
  copied() = default;
  copied(const copied&) {}
};
tophash::map<int, copied, tophash::layout::open_slots<tophash::layout::probe::triangular>, tophash::growth::incremental<3>>
    steps_of_three;
tophash::map<int, int, tophash::layout::open_slots<>, tophash::load<99, 100>, tophash::sizing::prime> nearly_full;

void use() {
  counted_reads.try_emplace(1, 1);
  one_lock.try_emplace(1, 1);
  steps_of_three[1];
  small_tables[1] = 1;
  nearly_full[1] = 1;
  groups_of_eight.insert(1);
  groups_filled[1] = 1;
  behind_pointers.try_emplace(1);
  at_once[1] = nullptr;
  strings_may_wait["x"[0]] = "y";
  one_slot.insert("z");
}
