// SPDX-License-Identifier: Apache-2.0
// The composition of a table that something else synchronises: the same spec with sync::none, and the
// observer it shall have.
#ifndef TOPHASH_FRAMEWORK_SHARED_UNSHARED_HPP
#define TOPHASH_FRAMEWORK_SHARED_UNSHARED_HPP

#include <tophash/framework/compose/spec.hpp>
#include <tophash/policies/sync/none.hpp>

namespace tophash::inline v1::shared {

template <class Spec, class Observe = typename Spec::observe>
using unshared =
    spec<typename Spec::layout, typename Spec::hashing, typename Spec::sizing, typename Spec::deletion,
         typename Spec::load, typename Spec::growth, typename Spec::overflow, typename Spec::allocation,
         typename Spec::iteration, sync::none, Observe>;

}  // namespace tophash::inline v1::shared

#endif
