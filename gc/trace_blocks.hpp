// SPDX-License-Identifier: Apache-2.0
// Walks the arrays of maps by their trace_info and tells a collector what their live slots point to. Control
// bytes are read first and decide; nothing of a dead slot is read. A dirty slot (erased, not swept) keeps its
// key and nothing else: an insertion compares it, and a resurrection goes on using it.
//
//   unit      one home chain, overflow buckets included, or one group of open addressing: what is traced in
//   one go. A
//             collector that stops between units therefore never sees half a chain, and links need no barrier
//   Sink      sink.pointer(p)   a pointer lies in a live entry
//             sink.visitor()    a pointer_visitor, for keys and values with pointers inside
//             sink.has_read(n)  n more bytes were read: control words and live slots
// What the control words say besides is added to a slot_census: two additions a bucket, since the counts of live slots
// are taken for has_read anyhow.
#ifndef TOPHASH_GC_TRACE_BLOCKS_HPP
#define TOPHASH_GC_TRACE_BLOCKS_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/census.hpp>
#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

namespace gc {

// Bits of a mask of up to 16 slots. Where the target has no instruction for it std::popcount is a call, of which two a
// bucket made a census 10 to 16 % of marking.
TOPHASH_ALWAYS_INLINE std::uint32_t count_slots(unsigned mask) noexcept {
#if defined(__POPCNT__)
  return static_cast<std::uint32_t>(std::popcount(mask));
#else
  mask -= mask >> 1 & 0x5555u;
  mask = (mask & 0x3333u) + (mask >> 2 & 0x3333u);
  mask = (mask + (mask >> 4)) & 0x0f0fu;
  return (mask + (mask >> 8)) & 0x1fu;
#endif
}

// Units of an array of so many bytes. The bytes of a request fix it: see open_groups' block_bytes.
inline std::size_t units_of(const trace_info& t, std::size_t bytes) noexcept {
  if (t.shape == trace_shape::open_groups) {
    const std::size_t unit_bytes = std::size_t{t.slots} * t.key_stride_bytes + t.bucket_bytes;
    return (bytes + unit_bytes - 1) / unit_bytes;
  }
  const std::size_t buckets = bytes / t.bucket_bytes;
  if (t.tail_units == nullptr) return buckets;
  std::size_t low = 0, high = buckets;  // the least number whose tail fills the block
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (middle + t.tail_units(middle) < buckets) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

inline const unsigned char* load_address(const unsigned char* from) noexcept {
  const unsigned char* p;
  std::memcpy(&p, from, sizeof p);
  return p;
}

template <class Sink>
TOPHASH_ALWAYS_INLINE void trace_part(const unsigned char* part, bool is_pointer, trace_function trace,
                                      Sink& sink) {
  if (is_pointer) {
    sink.pointer(load_address(part));
  } else {
    trace(sink.visitor(), part);
  }
}

// The parts of an entry, each where its slot has it.
template <class Sink>
TOPHASH_ALWAYS_INLINE void trace_entry(const trace_info& t, const unsigned char* key,
                                       const unsigned char* value, bool key_only, Sink& sink) {
  if (t.trace_value != nullptr && !key_only) {
    if (t.entry_boxed || t.value_boxed) value = load_address(value);
    trace_part(value + t.value_in_entry_bytes, t.value_is_pointer, t.trace_value, sink);
  }
  if (t.trace_key != nullptr) {
    if (t.entry_boxed || t.key_boxed) key = load_address(key);
    trace_part(key + t.key_in_entry_bytes, t.key_is_pointer, t.trace_key, sink);
  }
}

template <class Sink>
TOPHASH_ALWAYS_INLINE void trace_slots(const trace_info& t, const unsigned char* keys,
                                       const unsigned char* values, unsigned slots, bool keys_only,
                                       Sink& sink) {
  for (; slots != 0; slots &= slots - 1) {
    const std::size_t i = lowest_bit(slots);
    trace_entry(t, keys + i * t.key_stride_bytes, values + i * t.value_stride_bytes, keys_only, sink);
  }
}

// The bytes of one live slot.
inline std::size_t slot_read_bytes(const trace_info& t) noexcept {
  const bool apart = t.values_offset_bytes >= t.keys_offset_bytes + t.key_stride_bytes;
  return apart ? t.key_stride_bytes + t.value_stride_bytes : t.key_stride_bytes;
}

// Keys of dirty slots that are followed.
TOPHASH_ALWAYS_INLINE std::size_t dirty_key_bytes(const trace_info& t, unsigned dirty) noexcept {
  return dirty == 0 || t.trace_key == nullptr ? 0 : count_slots(dirty) * std::size_t{t.key_bytes};
}

// Slots of erased entries among those that are not occupied. Where a tombstone's slot can be used again it has no tag of
// its own, and none is counted.
TOPHASH_ALWAYS_INLINE unsigned dead_slots(const trace_info& t, const std::uint8_t* tags) noexcept {
  return match_nonzero_byte(tags, t.dead_tag);
}

template <class Sink>
void trace_chain(const trace_info& t, const unsigned char* bucket, Sink& sink, slot_census& seen) {
  for (std::uint32_t is_overflow = 0; bucket != nullptr; is_overflow = 1) {
    const auto* const tags = reinterpret_cast<const std::uint8_t*>(bucket + t.tags_offset_bytes);
    const unsigned char* const next = load_address(bucket + t.link_offset_bytes);
    if (next != nullptr) TOPHASH_PREFETCH(next);
    const unsigned occupied = at_least(tags, t.first_live_tag);
    const unsigned dirty = t.dirty_bit == 0 ? 0 : at_least(tags, t.dirty_bit);
    const unsigned char* const keys = bucket + t.keys_offset_bytes;
    const unsigned char* const values = bucket + t.values_offset_bytes;
    trace_slots(t, keys, values, occupied & ~dirty, false, sink);
    if (dirty != 0 && t.trace_key != nullptr) trace_slots(t, keys, values, dirty, true, sink);
    const auto live = count_slots(occupied & ~dirty);
    sink.has_read(sizeof(void*) + 8 + live * slot_read_bytes(t) + dirty_key_bytes(t, dirty));
    seen.live += live;
    if (dirty != 0) seen.residue += count_slots(dirty);
    if (t.dead_tag != 0) seen.residue += count_slots(dead_slots(t, tags));
    seen.overflow += is_overflow;
    seen.overflow_empty += is_overflow & static_cast<std::uint32_t>(occupied == 0);
    bucket = next;
  }
}

// The live slots of a group, and the dirty ones.
struct group_slots {
  unsigned live = 0, dirty = 0;
  group_slots(const trace_info& t, const std::uint8_t* tags) noexcept {
    const unsigned mask = (1u << t.slots) - 1u;
    const bool wide = t.bucket_bytes == 16;
    const unsigned occupied =
        (wide ? at_least_16(tags, t.first_live_tag) : at_least(tags, t.first_live_tag)) & mask;
    if (t.dirty_bit != 0)
      dirty = (wide ? at_least_16(tags, t.dirty_bit) : at_least(tags, t.dirty_bit)) & mask;
    live = occupied & ~dirty;
  }
};

template <class Sink>
void trace_group(const trace_info& t, const unsigned char* entries, const std::uint8_t* tags, bool more,
                 Sink& sink, slot_census& seen) {
  const std::size_t entries_bytes = std::size_t{t.slots} * t.key_stride_bytes;
  if (t.entry_boxed && more) {
    // Nodes lie anywhere: those of the next group are asked for while this one is traced.
    const unsigned char* const next = entries + entries_bytes;
    for (unsigned live = group_slots(t, tags + t.bucket_bytes).live; live != 0; live &= live - 1) {
      TOPHASH_PREFETCH(load_address(next + lowest_bit(live) * sizeof(void*)));
    }
  }
  const group_slots slots(t, tags);
  trace_slots(t, entries, entries + t.values_offset_bytes, slots.live, false, sink);
  if (slots.dirty != 0 && t.trace_key != nullptr) trace_slots(t, entries, entries, slots.dirty, true, sink);
  const auto live = count_slots(slots.live);
  sink.has_read(t.bucket_bytes + std::size_t{live} * t.key_stride_bytes + dirty_key_bytes(t, slots.dirty));
  seen.live += live;
  seen.residue += count_slots(slots.dirty);
  if (t.dead_tag != 0) {
    const unsigned dead = t.bucket_bytes == 16 ? match_byte_16(tags, t.dead_tag) : match_nonzero_byte(tags, t.dead_tag);
    seen.residue += count_slots(dead & ((1u << t.slots) - 1u));
  }
}

// Units [first, last) of the array that begins at `block` and has `units`, in `bytes`. Returns what their control words
// say.
template <class Sink>
slot_census trace_units(const trace_info& t, const unsigned char* block, std::size_t bytes, std::size_t units,
                        std::size_t first, std::size_t last, Sink& sink) {
  slot_census seen;
  if (t.shape == trace_shape::chains) {
    const unsigned char* bucket = block + first * t.bucket_bytes;
    for (std::size_t u = first; u < last; ++u, bucket += t.bucket_bytes) trace_chain(t, bucket, sink, seen);
    return seen;
  }
  const unsigned char* const tags = block + (bytes - units * t.bucket_bytes);
  const std::size_t entries_bytes = std::size_t{t.slots} * t.key_stride_bytes;
  for (std::size_t u = first; u < last; ++u) {
    trace_group(t, block + u * entries_bytes,
                reinterpret_cast<const std::uint8_t*>(tags + u * t.bucket_bytes), u + 1 < units, sink, seen);
  }
  return seen;
}

// Calls f(key, value) with the parts of each live entry of an array.
template <class F>
void for_each_live_entry(const trace_info& t, const unsigned char* block, std::size_t bytes, F&& f) {
  const auto each = [&](const unsigned char* keys, const unsigned char* values, unsigned live) {
    for (; live != 0; live &= live - 1) {
      const std::size_t i = lowest_bit(live);
      const unsigned char* key = keys + i * t.key_stride_bytes;
      const unsigned char* value = values + i * t.value_stride_bytes;
      if (t.entry_boxed || t.key_boxed) key = load_address(key);
      if (t.entry_boxed || t.value_boxed) value = load_address(value);
      f(key + t.key_in_entry_bytes, value + t.value_in_entry_bytes);
    }
  };
  const std::size_t units = units_of(t, bytes);
  const unsigned char* const tags = block + (bytes - units * t.bucket_bytes);
  for (std::size_t u = 0; u < units; ++u) {
    if (t.shape == trace_shape::open_groups) {
      const unsigned char* const entries = block + u * t.slots * t.key_stride_bytes;
      each(entries, entries + t.values_offset_bytes,
           group_slots(t, reinterpret_cast<const std::uint8_t*>(tags + u * t.bucket_bytes)).live);
      continue;
    }
    for (const unsigned char* bucket = block + u * t.bucket_bytes; bucket != nullptr;
         bucket = load_address(bucket + t.link_offset_bytes)) {
      const auto* const chain_tags = reinterpret_cast<const std::uint8_t*>(bucket + t.tags_offset_bytes);
      unsigned live = at_least(chain_tags, t.first_live_tag);
      if (t.dirty_bit != 0) live &= ~at_least(chain_tags, t.dirty_bit);
      each(bucket + t.keys_offset_bytes, bucket + t.values_offset_bytes, live);
    }
  }
}

}  // namespace gc

}  // namespace tophash::inline v1

#endif
