// SPDX-License-Identifier: Apache-2.0
// Forward declarations of the public class templates.
#ifndef TOPHASH_FRAMEWORK_FWD_HPP
#define TOPHASH_FRAMEWORK_FWD_HPP

namespace tophash::inline v1 {

template <class Key, class T, class Spec>
class basic_map;

template <class Key, class Spec>
class basic_set;

}  // namespace tophash::inline v1

#endif
