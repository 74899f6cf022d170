// SPDX-License-Identifier: Apache-2.0
// A table as text: counts, how far a growth is, and every bucket's tags, overflow buckets below their main
// one.
//
//   bucket 3   | c1 -- 5f .. .. .. .. .. | 2 live
//
// `..` is empty from here on, `--` empty, `lo` `hi` moved to the lower or upper half of the new array, `mt`
// empty when its chain was moved, any other pair of digits the tag of an entry; `!` behind a tag marks a
// dirty entry. The raw view adds the bytes of each slot, whatever its state: what an erase left behind is
// seen there, and, in blocks that came from malloc, what other owners left.
//
// This is for people: the text may change between versions. Nothing is allocated, nothing of the map changes;
// in an AddressSanitizer build bytes of empty slots are read all the same. O(units printed + their chains).
#ifndef TOPHASH_FRAMEWORK_TABLE_DUMP_HPP
#define TOPHASH_FRAMEWORK_TABLE_DUMP_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/core/text.hpp>
#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/memory_report.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1 {

struct dump_options {
  std::size_t max_units = 64;  // buckets or groups printed of each array; of the others only how many
  bool raw_slots = false;      // the bytes of each slot
  std::size_t max_bytes = 16;  // ... of a key and of a value, at most
  bool spec = true;            // begins with the canonical text of the composition
};

namespace table {

// Writes lines to `sink(std::string_view)`.
template <class Sink>
class line_writer {
 public:
  explicit line_writer(Sink& sink) noexcept : sink_(sink) {}
  line_writer& put(std::string_view part) { return sink_(part), *this; }
  line_writer& put(std::uint64_t number) {
    text<20> digits;
    return put(digits.append(number).view());
  }
  line_writer& count(std::uint64_t number, std::string_view one, std::string_view many) {
    return put(number).put(" ").put(number == 1 ? one : many);
  }
  line_writer& hex(std::uint8_t byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    const char two[] = {digits[byte >> 4], digits[byte & 15]};
    return put({two, 2});
  }
  line_writer& bytes(const unsigned char* from, std::size_t size, std::size_t most) {
    for (std::size_t i = 0; i < size && i < most; ++i) put(i == 0 ? "" : " ").hex(from[i]);
    return put(size > most ? " ..." : "");
  }
  // A number in at least `width` places, blanks behind it.
  line_writer& padded(std::uint64_t number, std::size_t width) {
    text<20> digits;
    digits.append(number);
    put(digits.view());
    for (std::size_t n = digits.length; n < width; ++n) put(" ");
    return *this;
  }

 private:
  Sink& sink_;
};

template <class State, class Writer>
void dump_head(const State& s, const dump_options& options, Writer& out, std::string_view unit,
               std::string_view units) {
  const map_stats stats = stats_of(s);
  if (options.spec) out.put(canonical_text<typename State::binding_type::spec>()).put("\n");
  out.count(stats.size, "entry", "entries").put(" in ").count(stats.units, unit, units);
  if (stats.overflow_in_use != 0) {
    out.put(" and ").count(stats.overflow_in_use, "overflow bucket", "overflow buckets");
  }
  out.put("; ")
      .put(stats.dead)
      .put(" dead, ")
      .put(stats.dirty)
      .put(" dirty; growth is asked at ")
      .put(stats.limit);
  out.put("; grown ").count(stats.growths, "time", "times").put(", regrown ").put(stats.regrows).put("\n");
  if (stats.growing) {
    out.put("growing: the first ")
        .put(stats.old_evacuated)
        .put(" of ")
        .put(stats.old_units)
        .put(" old ")
        .put(units);
    out.put(" are evacuated\n");
  } else {
    out.put("not growing\n");
  }
}

template <class Writer>
void dump_rest(std::size_t units, std::size_t printed, Writer& out, std::string_view name) {
  if (printed < units) out.put("... and ").put(units - printed).put(" further ").put(name).put("\n");
}

// ---- chained buckets
// ------------------------------------------------------------------------------------------

template <class B, class Writer>
void dump_tag(std::uint8_t tag, Writer& out) {
  using model = typename B::model;
  if (tag == model::empty_rest) {
    out.put("..");
  } else if (tag == model::empty_one) {
    out.put("--");
  } else if (model::hinted && model::is_dead(tag)) {
    out.put("d").put(std::size_t{1} << (tag - model::first_dead_run + 1));
  } else if (tag == model::moved_low) {
    out.put("lo");
  } else if (tag == model::moved_high) {
    out.put("hi");
  } else if (tag == model::moved_empty) {
    out.put("mt");
  } else {
    out.hex(tag);
  }
  if constexpr (B::dirty_kind) out.put(model::is_dirty(tag) ? "!" : " ");
}

template <class B, class Writer>
void dump_slot_bytes(const typename B::bucket* b, const dump_options& options, Writer& out) {
  using bytes = typename B::model::bytes;
  for (std::size_t i = 0; i < B::model::slots; ++i) {
    out.put("    slot ").put(i).put(" ");
    dump_tag<B>(b->tags[i], out);
    if constexpr (B::model::split) {
      out.put(bytes::key_boxed ? "  pointer to key " : "  key ");
      out.bytes(b->entries + i * sizeof(typename bytes::key_unit), sizeof(typename bytes::key_unit),
                options.max_bytes);
      out.put(bytes::value_boxed ? "  pointer to value " : "  value ");
      out.bytes(b->entries + bytes::values_offset + i * sizeof(typename bytes::value_unit),
                sizeof(typename bytes::value_unit), options.max_bytes);
    } else {
      out.put(bytes::pair_boxed ? "  pointer to entry " : B::model::is_set ? "  key " : "  pair ");
      out.bytes(b->entries + i * sizeof(typename bytes::pair_unit), sizeof(typename bytes::pair_unit),
                B::model::is_set ? options.max_bytes : 2 * options.max_bytes);
    }
    out.put("\n");
  }
}

template <class B, class Writer>
void dump_chain(const state<B>& s, const typename B::bucket* home, std::size_t index, bool in_old,
                const dump_options& options, Writer& out) {
  using model = typename B::model;
  for (const auto* b = home; b != nullptr; b = s.current.links.next(b)) {
    if (b == home) {
      out.put("bucket ").padded(index, 5);
    } else {
      out.put("  overflow  ");
    }
    out.put("|");
    for (std::size_t i = 0; i < model::slots; ++i) {
      out.put(" ");
      dump_tag<B>(b->tags[i], out);
    }
    out.put(" | ").put(static_cast<std::uint64_t>(std::popcount(model::live(b)))).put(" live");
    if (in_old && b == home) {
      const chain_progress done = progress_of(s, home);
      out.put(done == chain_progress::untouched   ? ", to be moved"
              : done == chain_progress::evacuated ? ", evacuated"
                                                  : ", moved in part");
    }
    out.put("\n");
    if (options.raw_slots) dump_slot_bytes<B>(b, options, out);
  }
}

template <class B, class Writer>
void dump_array(const state<B>& s, const typename B::array& a, bool in_old, const dump_options& options,
                Writer& out) {
  std::size_t printed = 0;
  while (printed < a.units && printed < options.max_units) {
    if (!B::model::is_absent(a.at(printed))) {
      dump_chain(s, a.at(printed), printed, in_old, options, out);
      ++printed;
      continue;
    }
    const std::size_t first = printed;
    while (printed < a.units && B::model::is_absent(a.at(printed))) ++printed;
    out.put("buckets ").put(first).put(" to ").put(printed - 1).put(" take no memory\n");
  }
  dump_rest(a.units, printed, out, "buckets");
}

template <class B, class Sink>
void dump_table(const state<B>& s, const dump_options& options, Sink& sink) {
  line_writer<Sink> out(sink);
  dump_head(s, options, out, "bucket", "buckets");
  if (s.current.units != 0) dump_array(s, s.current, false, options, out);
  if (s.growing()) {
    out.put("old array\n");
    dump_array(s, s.old, true, options, out);
  }
}

}  // namespace table

}  // namespace tophash::inline v1

#endif
