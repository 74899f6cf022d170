// SPDX-License-Identifier: Apache-2.0
// tophash::map and tophash::set with a sync option that synchronises: any composition, used by several
// threads.
//
//   tophash::map<std::string, int, sync::striped<64>> words;
//   words.try_emplace_or_visit("tag", 1, [](auto& entry) { ++entry.second; });   // inserted, or visited
//   under its lock words.cvisit("tag", [](const auto& entry) { std::printf("%d\n", entry.second); });
//   words.erase_if("tag", [](const auto& entry) { return entry.second == 0; });
//
// There are no iterators, and no reference leaves a visit: see framework/shared/synchronised.hpp for what is
// visited under which lock, and for what must not be done inside. Operations that name a key are atomic. What
// the table of a stripe promises (complexity, exceptions, memory) is what the same composition promises
// without the sync option. An allocation resource or an observer's sink that its handles share must be fit
// for several threads.
#ifndef TOPHASH_FRAMEWORK_SHARED_MAP_HPP
#define TOPHASH_FRAMEWORK_SHARED_MAP_HPP

#include <tophash/framework/map.hpp>
#include <tophash/framework/set.hpp>
#include <tophash/framework/shared/shared_map.hpp>
#include <tophash/framework/shared/shared_set.hpp>
#include <tophash/policies/sync/shared_mutex.hpp>
#include <tophash/policies/sync/striped.hpp>

#endif
