// SPDX-License-Identifier: Apache-2.0
// An open-addressing table as text: see table/dump.hpp.
//
//   group 3    | c1 -- 5f -- ... | filter 00100000 | 2 live
//
// `--` is empty, `xx` dead, `$$` the end of the array. What is behind the tags: the filter, most significant
// bit first (bit n: an entry whose hash ends the probe class n passed by), or with nodes the counter of
// entries that passed by.
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_DUMP_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_DUMP_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tophash/framework/core/poison.hpp>
#include <tophash/framework/table/dump.hpp>
#include <tophash/framework/table/open/memory_report.hpp>
#include <tophash/framework/table/open/state.hpp>

namespace tophash::inline v1::table {

template <class B, class Writer>
void dump_open_tag(std::uint8_t tag, Writer& out) {
  using model = typename B::model;
  if (tag == model::empty) {
    out.put("--");
  } else if (tag == model::sentinel) {
    out.put("$$");
  } else if (model::classic && tag == model::dead) {
    out.put("xx");
  } else {
    out.hex(tag);
  }
  if constexpr (B::dirty_kind) out.put(model::is_dirty(tag) ? "!" : " ");
}

template <class B, class Writer>
void dump_open_slot(const open_state<B>& s, typename B::slot at, std::size_t index,
                    const dump_options& options, Writer& out) {
  using unit = typename B::model::unit;
  // Of an empty slot, the sanitizer's eyes are shut for the moment of the copy.
  const bool closed = *at.tag < B::model::first_live && !is_scanned(s);
  unsigned char copy[sizeof(unit)];
  if (closed) unpoison(at.entry, sizeof(unit));
  std::memcpy(copy, static_cast<const void*>(at.entry), sizeof(unit));
  if (closed) poison(at.entry, sizeof(unit));
  out.put("    slot ").put(index).put(index < 10 ? "  " : " ");
  dump_open_tag<B>(*at.tag, out);
  out.put(B::model::boxed ? "  pointer to node " : B::model::is_set ? "  key " : "  pair ");
  out.bytes(copy, sizeof copy, B::model::is_set ? options.max_bytes : 2 * options.max_bytes).put("\n");
}

template <class B, class Writer>
void dump_open_array(const open_state<B>& s, const typename B::array& a, const dump_options& options,
                     Writer& out) {
  using model = typename B::model;
  std::size_t u = 0;
  for (; u < a.units() && u < options.max_units; ++u) {
    auto* const g = a.groups + u;
    out.put("group ").padded(u, 5).put("|");
    for (std::size_t i = 0; i < model::slots; ++i) {
      out.put(" ");
      dump_open_tag<B>(g->tags[i], out);
    }
    if constexpr (model::counts_passed) {
      out.put(" | passed by ").put(std::uint64_t{g->tags[model::width - 1]});
    } else if constexpr (!model::classic) {
      out.put(" | filter ");
      for (unsigned bit = 8; bit-- != 0;) out.put(((g->tags[model::width - 1] >> bit) & 1u) != 0 ? "1" : "0");
    }
    out.put(" | ").put(static_cast<std::uint64_t>(std::popcount(model::live(g)))).put(" live\n");
    if (!options.raw_slots) continue;
    for (std::size_t i = 0; i < model::slots && g->tags[i] != model::sentinel; ++i) {
      dump_open_slot(s, {a.entries + u * model::slots + i, g->tags + i}, i, options, out);
    }
  }
  dump_rest(a.units(), u, out, "groups");
}

template <class B, class Sink>
void dump_table(const open_state<B>& s, const dump_options& options, Sink& sink) {
  line_writer<Sink> out(sink);
  dump_head(s, options, out, "group", "groups");
  dump_open_array(s, s.current, options, out);
  if constexpr (B::may_stay_growing) {
    if (s.growing()) {
      out.put("old array: groups from ").put(s.generation.progress).put(" on are to be moved\n");
      dump_open_array(s, s.generation.old, options, out);
    }
  }
}

}  // namespace tophash::inline v1::table

#endif
