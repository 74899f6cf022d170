// SPDX-License-Identifier: Apache-2.0
// A map behind a directory as text: see table/dump.hpp and open/dump.hpp.
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_DUMP_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_DUMP_HPP

#include <cstddef>

#include <tophash/framework/table/directory/memory_report.hpp>
#include <tophash/framework/table/open/dump.hpp>

namespace tophash::inline v1::table {

template <with_directory B, class Sink>
void dump_table(const open_state<B>& s, const dump_options& options, Sink& sink) {
  line_writer<Sink> out(sink);
  dump_head(s, options, out, "group", "groups");
  if (s.tables == nullptr) return dump_open_array(s, s.current, options, out);
  out.put("directory of ").count(places_of(s), "place", "places").put(", ");
  out.count(s.table_count, "table", "tables").put("\n");
  for (std::size_t place = 0, next = 0; place < places_of(s); place = next) {
    const directory_table<B>& t = *s.tables[place];
    next = next_place(s, place);
    out.put("table of places ").put(place).put(" to ").put(next - 1).put(", depth ").put(t.depth).put(": ");
    out.put(t.size).put(" live, ").put(t.dead).put(" dead, room for ").put(t.room).put("\n");
    dump_open_array(s, t.groups, options, out);
  }
}

}  // namespace tophash::inline v1::table

#endif
