// SPDX-License-Identifier: Apache-2.0
// Wraps a deletion policy: what stays in memory of an entry that is gone.
//   wiping<tombstone, wipe::none>      its bytes, until another entry takes the slot: what every policy does unwrapped
//   wiping<tombstone, wipe::pointers>  keys or values (whichever) whose bytes may be an address are zeroed: nothing
//                                      dangles, and a collector that searches the memory finds nothing. Go
//                                      clears keys with pointers, and any value
//   wiping<dirty, wipe::all>           every byte of the slot, and of the blocks of entries behind pointers before
//                                      they are given back: for secrets
// It happens when the entry is destroyed: in erase, with deletion::dirty at the sweep. Not wiped: what growth
// leaves in the old array when it moves entries, and what clear and the end of a map leave in blocks that
// they give back or keep. Storage that a collector scans is wiped in any case. Cost: zeroing key, value or
// slot, a write to the payload's line that an erase otherwise does without.
#ifndef TOPHASH_POLICIES_DELETION_WIPING_HPP
#define TOPHASH_POLICIES_DELETION_WIPING_HPP

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace deletion {

template <class Base, wipe What>
struct wiping {
  using axis = axes::deletion;
  static constexpr deletion_facts facts = [] {
    deletion_facts out = Base::facts;
    out.wiped = What;
    return out;
  }();

  static constexpr option_text name() {
    option_text out;
    out.append("wiping(").append(option_name<Base>()).append(",").append(wipe_name(What)).append(")");
    return out;
  }
};

}  // namespace deletion

}  // namespace tophash::inline v1

#endif
