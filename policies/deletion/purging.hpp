// SPDX-License-Identifier: Apache-2.0
// Wraps a deletion policy that leaves residue (dirty, tombstone_not_reusing): an erase by key removes all of it when
// there is enough.
//   purging<dirty, share<25>>                        as soon as the residue is 25 % of the load limit
//   purging<tombstone_not_reusing, batch<1024, 3>>   when three checks in a row, one every 1,024 erases, found 1,024
//                                                    or more
//   purging<dirty, census>                           after each collection, where marking counted residue: a few chains at
//                                                    each insertion and erase by key (framework/table/census.hpp). Also
//                                                    of tombstone: overflow buckets that hold nothing go back
// Dirty entries are swept within that erase: O(buckets), paid for by the share's erases, not by a small batch's.
// Tombstones go when the next insert moves the entries to a fresh array of the same size, at the quantum of the
// growth policy. erase(iterator) and erase_if never purge. The batch with its count is the scheme that a published
// article ascribes to Go's map, which has none.
#ifndef TOPHASH_POLICIES_DELETION_PURGING_HPP
#define TOPHASH_POLICIES_DELETION_PURGING_HPP

#include <cstddef>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace deletion {

template <std::size_t Percent>
struct share {
  static constexpr void put(deletion_facts& out) noexcept { out.purge_percent = Percent; }
  static constexpr option_text name() {
    option_text out;
    out.append("share=").append(Percent);
    return out;
  }
};

template <std::size_t Slots, std::size_t Batches>
struct batch {
  static constexpr void put(deletion_facts& out) noexcept {
    out.purge_batch_slots = Slots;
    out.purge_batches = Batches;
  }
  static constexpr option_text name() {
    option_text out;
    out.append("batch(").append(Slots).append(",").append(Batches).append(")");
    return out;
  }
};

struct census {
  static constexpr void put(deletion_facts& out) noexcept { out.purge_census = true; }
  static constexpr option_text name() {
    option_text out;
    out.append("census");
    return out;
  }
};

template <class Base, class Trigger>
struct purging {
  using axis = axes::deletion;
  static constexpr deletion_facts facts = [] {
    deletion_facts out = Base::facts;
    Trigger::put(out);
    return out;
  }();

  static constexpr option_text name() {
    option_text out;
    out.append("purging(").append(option_name<Base>()).append(",").append(Trigger::name()).append(")");
    return out;
  }
};

}  // namespace deletion

}  // namespace tophash::inline v1

#endif
