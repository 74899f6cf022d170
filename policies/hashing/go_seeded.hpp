// SPDX-License-Identifier: Apache-2.0
// hashing::seeded with what else Go's map does with hashes and keys:
//   - the seed changes whenever the last entry goes, by erase or clear (Go's issue 25237: who learns an order that
//     collides cannot use it on the map's next filling);
//   - a key that is unequal to itself (NaN) is inserted under a random hash, since no lookup will ever ask for it:
//     such keys spread over the table instead of filling one chain;
//   - an assignment (operator[], insert_or_assign) to a key that is there replaces the stored key, where equal keys can
//     differ: +0 and -0. Only where keys lie together (arrangement::split): a pair's key is const.
// The last two concern keys whose `equality_is_identity` is false. Cost over seeded: an erase tests whether it was
// the last.
#ifndef TOPHASH_POLICIES_HASHING_GO_SEEDED_HPP
#define TOPHASH_POLICIES_HASHING_GO_SEEDED_HPP

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/policies/hashing/seeded.hpp>

namespace tophash::inline v1 {

namespace hashing {

template <class H>
class go_seeded : public seeded<H> {
 public:
  static constexpr hashing_facts facts{.seeded = true,
                                       .raw = hashing_facts_of<H>().raw,
                                       .reseeds = true,
                                       .scatters = true,
                                       .updates_keys = true};

  static constexpr option_text name()
    requires(has_name<H>())
  {
    option_text out;
    out.append("go_seeded(").append(option_name<H>().view()).append(")");
    return out;
  }

  using seeded<H>::seeded;
};

}  // namespace hashing

}  // namespace tophash::inline v1

#endif
