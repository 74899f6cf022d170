// SPDX-License-Identifier: Apache-2.0
// The size classes of `spans`: those of Go's runtime (mksizeclasses.go, 67 classes), derived from its rule.
//   Sizes step by 8 bytes, from 32 on by 16, from 128 on by an eighth of the power of two below, from 2048 by 256.
//   A class takes as many 8-KiB pages as leave at most an eighth of them unused at the end.
//   Sizes that fit the same number of times into the same pages are one class, the largest of them.
//   A class is then enlarged to what fits as often, in steps of 128.
// So 8-slot buckets fit: 144 bytes (8-byte keys and values) 56 times a span of 8 KiB, 208 (16-byte keys) 39
// times.
#ifndef TOPHASH_ALLOCATORS_SPAN_CLASSES_HPP
#define TOPHASH_ALLOCATORS_SPAN_CLASSES_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tophash::inline v1 {

namespace allocators {

inline constexpr std::size_t span_page_bytes = 8192;
inline constexpr std::size_t span_slot_bytes_max = 32768;  // larger blocks have a span of their own
inline constexpr std::size_t span_class_count = 67;

struct span_class {
  std::uint32_t slot_bytes = 0;
  std::uint32_t pages = 0;
  std::uint32_t slots = 0;
  // ceil(2^32 / slot_bytes): offset * reciprocal >> 32 is offset / slot_bytes for every offset in a span
  // (Lemire).
  std::uint32_t reciprocal = 0;
};

constexpr std::array<span_class, span_class_count> make_span_classes() noexcept {
  constexpr std::uint32_t page = span_page_bytes, stretch = 128;
  std::array<span_class, span_class_count> out{};
  std::size_t count = 0;
  std::uint32_t step = 8;
  for (std::uint32_t bytes = 8; bytes <= span_slot_bytes_max; bytes += step) {
    if (std::has_single_bit(bytes))
      step = bytes >= 2048 ? 256 : bytes >= 128 ? bytes / 8 : bytes >= 32 ? 16 : step;
    std::uint32_t pages = 1;
    while (pages * page % bytes > pages * page / 8) ++pages;
    const std::uint32_t slots = pages * page / bytes;
    const bool as_the_last = count != 0 && out[count - 1].pages == pages && out[count - 1].slots == slots;
    if (!as_the_last) ++count;
    out[count - 1] = {.slot_bytes = bytes, .pages = pages, .slots = slots, .reciprocal = 0};
  }
  for (span_class& c : out) {
    const std::uint32_t largest = c.pages * page / c.slots / stretch * stretch;
    if (largest > c.slot_bytes) c.slot_bytes = largest;
    c.reciprocal = static_cast<std::uint32_t>((std::uint64_t{1} << 32) / c.slot_bytes) +
                   (std::has_single_bit(c.slot_bytes) ? 0 : 1);
  }
  return out;
}

inline constexpr std::array<span_class, span_class_count> span_classes = make_span_classes();
inline constexpr std::uint32_t span_slots_max = span_page_bytes / 8;

// Index of the smallest class for a size: by steps of 8 up to 1024, of 128 beyond.
struct span_class_table {
  static constexpr std::size_t fine_max = 1024, fine_step = 8, coarse_step = 128;
  std::array<std::uint8_t, fine_max / fine_step + 1> fine{};
  std::array<std::uint8_t, (span_slot_bytes_max - fine_max) / coarse_step + 1> coarse{};
};

constexpr span_class_table make_span_class_table() noexcept {
  span_class_table t;
  const auto smallest = [](std::size_t bytes) {
    std::uint8_t c = 0;
    while (span_classes[c].slot_bytes < bytes) ++c;
    return c;
  };
  for (std::size_t i = 0; i < t.fine.size(); ++i) t.fine[i] = smallest(i * t.fine_step);
  for (std::size_t i = 0; i < t.coarse.size(); ++i) t.coarse[i] = smallest(t.fine_max + i * t.coarse_step);
  return t;
}

inline constexpr span_class_table span_class_of_size = make_span_class_table();

// For bytes of 1 to span_slot_bytes_max.
constexpr std::size_t span_class_for(std::size_t bytes) noexcept {
  using table = span_class_table;
  if (bytes <= table::fine_max)
    return span_class_of_size.fine[(bytes + table::fine_step - 1) / table::fine_step];
  return span_class_of_size.coarse[(bytes - table::fine_max + table::coarse_step - 1) / table::coarse_step];
}

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
