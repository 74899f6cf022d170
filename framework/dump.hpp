// SPDX-License-Identifier: Apache-2.0
// tophash::dump: what a map or set holds in memory, as text: tags, chains or groups, how far a growth is, and
// on request the bytes of every slot. See framework/table/dump.hpp.
//
//   std::puts(tophash::dump(m).c_str());
//   std::puts(tophash::dump(m, {.max_units = 4, .raw_slots = true}).c_str());
#ifndef TOPHASH_FRAMEWORK_DUMP_HPP
#define TOPHASH_FRAMEWORK_DUMP_HPP

#include <string>
#include <string_view>

#include <tophash/framework/table/directory/dump.hpp>
#include <tophash/framework/table/dump.hpp>
#include <tophash/framework/table/open/dump.hpp>

namespace tophash::inline v1 {

template <class Container>
std::string dump(const Container& c, const dump_options& options = {}) {
  std::string out;
  c.dump_to([&out](std::string_view part) { out += part; }, options);
  return out;
}

}  // namespace tophash::inline v1

#endif
