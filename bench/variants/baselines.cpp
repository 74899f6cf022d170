// SPDX-License-Identifier: Apache-2.0
// The rows to compare with: std::unordered_map on any backend, Abseil's and Boost's flat maps where the
// packages are there, and a calibration row (the default map bound to the system's heap when compiling,
// beside the default variant, whose storage is chosen at run time). Each foreign map has its own library's
// hash: what a user gets.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#if TOPHASH_LAB_WITH_ABSL
#include <absl/base/config.h>
#include <absl/container/flat_hash_map.h>
#endif
#if TOPHASH_LAB_WITH_BOOST
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/version.hpp>
#endif

#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/std_adaptor.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/framework/compose/name.hpp>
#include <tophash/map.hpp>

#include "lab/registry.hpp"
#include "lab/variant.hpp"

namespace tophash::lab {

namespace {

template <class Key>
using std_unordered_map =
    std::unordered_map<Key, std::uint64_t, std::hash<Key>, std::equal_to<Key>,
                       allocators::as_std<std::pair<const Key, std::uint64_t>, allocators::erased>>;

template <class Key>
using static_system = tophash::map<Key, std::uint64_t, allocators::system>;

// Flat maps allocate one array: the erased handle costs them one indirect call a growth.
#if TOPHASH_LAB_WITH_ABSL
template <class Key>
using absl_flat_hash_map = absl::flat_hash_map<
    Key, std::uint64_t, typename absl::flat_hash_map<Key, std::uint64_t>::hasher,
    typename absl::flat_hash_map<Key, std::uint64_t>::key_equal,
    allocators::as_std<std::pair<const Key, std::uint64_t>, allocators::erased, purpose::slots>>;
#endif
#if TOPHASH_LAB_WITH_BOOST
template <class Key>
using boost_flat_map = boost::unordered_flat_map<
    Key, std::uint64_t, boost::hash<Key>, std::equal_to<Key>,
    allocators::as_std<std::pair<const Key, std::uint64_t>, allocators::erased, purpose::slots>>;
#endif

#if TOPHASH_LAB_WITH_ABSL
std::string absl_version() {
#if defined(ABSL_LTS_RELEASE_VERSION)
  return "LTS " + std::to_string(ABSL_LTS_RELEASE_VERSION);
#else
  return "no release";
#endif
}
#endif

}  // namespace

void add_baseline_variants(std::vector<variant_row>& out) {
  out.push_back(make_variant_row<std_unordered_map>("std::unordered_map", "",
                                                    "the standard library's map of nodes, std::hash", true));
#if TOPHASH_LAB_WITH_ABSL
  out.push_back(make_variant_row<absl_flat_hash_map>(
      "absl::flat_hash_map", "", "Abseil's flat map, absl::Hash (" + absl_version() + ")", true));
#endif
#if TOPHASH_LAB_WITH_BOOST
  out.push_back(make_variant_row<boost_flat_map>(
      "boost::unordered_flat_map", "", "Boost's flat map, boost::hash (" BOOST_LIB_VERSION ")", true));
#endif
  out.push_back(
      make_variant_row<static_system>("calibration_static_system", std::string{canonical_text<compose<>>()},
                                      "the default map with the system's heap bound when compiling", false));
}

}  // namespace tophash::lab
