// SPDX-License-Identifier: Apache-2.0
// Laws of a deletion policy. It only states facts, so the law is that they do not contradict each other: a
// slot that is free at once, or that the same key takes back, is reused by an insert; only a tombstone may
// not be, and only such a one may tell of runs. What a layout makes of the facts is the contract battery's to test. Also that a late destructor is
// harmless exactly for the types that say so.
#ifndef TOPHASH_TESTS_LAWS_DELETION_HPP
#define TOPHASH_TESTS_LAWS_DELETION_HPP

#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/deletion.hpp>
#include <tophash/framework/concepts/facts.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

template <class D, class Report>
void check_deletion(Report&& report) {
  static_assert(deletion_policy<D>);
  check_option<D, axes::deletion>(report);
  constexpr deletion_facts facts = D::facts;
  if (facts.kind == deletion_kind::immediate && !facts.reusing) {
    report(sentence(subject<D>(), "immediate frees a slot at once, yet reusing is false"));
  }
  if (facts.kind == deletion_kind::dirty && !facts.reusing) {
    report(sentence(subject<D>(), "dirty lets the same key take its slot back, yet reusing is false"));
  }
  if (facts.hinted && (facts.kind != deletion_kind::tombstone || facts.reusing)) {
    report(sentence(subject<D>(), "a run of dead slots would be told of where none stays dead until a rehash"));
  }
  if (facts.kind != deletion_kind::immediate && facts.kind != deletion_kind::tombstone &&
      facts.kind != deletion_kind::dirty) {
    report(sentence(subject<D>(), "its kind is none of immediate, tombstone, dirty"));
  }
}

// For a type that an author opted in: a type with a trivial destructor needs no opting in, and must not be
// out.
template <class T, class Report>
void check_deferred_destruction(Report&& report) {
  if (std::is_trivially_destructible_v<T> && !deferred_destruction<T>) {
    report(sentence("deferred_destruction of ", type_spelling<T>(),
                    ": false, though there is nothing to defer"));
  }
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
