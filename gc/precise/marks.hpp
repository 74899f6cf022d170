// SPDX-License-Identifier: Apache-2.0
// The mark bitmaps of a precise_heap: one row a span, beside the objects and never in them. A row opens with
// what it takes to find a slot's bit, so that marking an object reads one word of a table (4 bytes an 8-KiB
// page) and one cache line here, and an object of a pointer-free span is not touched at all.
//
//   byte 0            4             8            12      14      16         24
//        +------------+-------------+------------+-------+-------+----------+---------------------------+
//        | first page | reciprocal  | slot bytes | slots | flags | touched  | 5 words, one bit a slot   |
//        +------------+-------------+------------+-------+-------+----------+---------------------------+
//   Slots of 32 bytes and more have all their bits in that line; of smaller ones the rest lie in a second
//   table.
// With rows of three lines, 4,000,000 shuffled objects took up to twice as long to mark. Memory of the rows
// is taken as spans begin: 64 bytes a span.
#ifndef TOPHASH_GC_PRECISE_MARKS_HPP
#define TOPHASH_GC_PRECISE_MARKS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include <tophash/allocators/pages_system.hpp>
#include <tophash/allocators/spans.hpp>
#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

namespace gc {

struct alignas(64) span_marks {
  std::uint32_t first_page = 0;
  std::uint32_t reciprocal = 0;  // ceil(2^32 / slot bytes); 0 of a large span: its offsets are all slot 0
  std::uint32_t slot_bytes = 0;  // of a large span: the 8-KiB pages
  std::uint16_t slots = 0;
  bool pointer_free = false;
  bool has_destructors = false;  // some object in it has one
  std::uint32_t touched_in = 0;  // the last cycle that marked something here
  std::uint64_t near_bits[5] = {};

  std::size_t bytes_of_slot() const noexcept {
    return reciprocal == 0 ? std::size_t{slot_bytes} * allocators::span_page_bytes : slot_bytes;
  }
};

class mark_table {
 public:
  explicit mark_table(const allocators::spans_resource& objects) noexcept
      : spans_max_(objects.reserved_bytes() / allocators::span_page_bytes + 2),
        rows_(static_cast<span_marks*>(allocators::take_system_pages_aligned(
            rounded(spans_max_ * sizeof(span_marks)), allocators::large_page_bytes, true))),
        far_bits_(static_cast<std::uint64_t*>(
            allocators::take_system_pages(rounded(spans_max_ * far_bytes), true))),
        page_records_(objects.page_heap().page_records()),
        base_(objects.page_heap().address(0)),
        reserved_bytes_(
            rows_ == nullptr || far_bits_ == nullptr || base_ == nullptr ? 0 : objects.reserved_bytes()) {
    if (rows_ != nullptr) {
      allocators::wish_large_pages(rows_, rounded(spans_max_ * sizeof(span_marks)),
                                   objects.options().large_pages);
    }
  }
  mark_table(const mark_table&) = delete;
  mark_table& operator=(const mark_table&) = delete;
  ~mark_table() {
    if (rows_ != nullptr) allocators::return_system_pages(rows_, rounded(spans_max_ * sizeof(span_marks)));
    if (far_bits_ != nullptr) allocators::return_system_pages(far_bits_, rounded(spans_max_ * far_bytes));
  }

  bool exists() const noexcept { return reserved_bytes_ != 0; }

  void span_began(const allocators::span_view& span) noexcept {
    span_marks& row = rows_[span.number];
    row = {};
    if (span.slots > near_slots) std::memset(far_bits_ + span.number * far_words, 0, far_bytes);
    row.first_page =
        static_cast<std::uint32_t>(static_cast<std::size_t>(span.base - base_) / allocators::span_page_bytes);
    row.pointer_free = span.pointer_free;
    row.slots = static_cast<std::uint16_t>(span.slots);
    if (span.large) {
      row.slot_bytes = static_cast<std::uint32_t>(span.bytes / allocators::span_page_bytes);
    } else {
      row.slot_bytes = static_cast<std::uint32_t>(span.slot_bytes);
      row.reciprocal =
          static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + span.slot_bytes - 1) / span.slot_bytes);
    }
  }

  // An address of this heap, and the row of its span.
  struct place {
    std::size_t offset_bytes = 0;
    span_marks* row = nullptr;
  };

  // Of any address; row is null for one outside the heap.
  TOPHASH_ALWAYS_INLINE place locate(const void* p) const noexcept {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(base_);
    if (offset >= reserved_bytes_) return {};
    return {offset, rows_ + page_records_[offset / allocators::span_page_bytes]};
  }
  TOPHASH_ALWAYS_INLINE static std::size_t slot_of(const place& at) noexcept {
    const std::uint64_t inside =
        at.offset_bytes - std::size_t{at.row->first_page} * allocators::span_page_bytes;
    return static_cast<std::size_t>(inside * at.row->reciprocal >> 32);
  }
  TOPHASH_ALWAYS_INLINE unsigned char* address_of(const place& at, std::size_t slot) const noexcept {
    return base_ + std::size_t{at.row->first_page} * allocators::span_page_bytes + slot * at.row->slot_bytes;
  }

  bool is_marked(const void* p) const noexcept {
    const place at = locate(p);
    if (at.row == nullptr) return false;
    const std::size_t slot = slot_of(at);
    return slot < at.row->slots && (bits_of(*at.row, slot / 64) >> (slot % 64) & 1) != 0;
  }

  // The word-th 64 slots of a row.
  TOPHASH_ALWAYS_INLINE std::uint64_t& bits_of(span_marks& row, std::size_t word) const noexcept {
    if (word < near_words) [[likely]]
      return row.near_bits[word];
    return far_bits_[static_cast<std::size_t>(&row - rows_) * far_words + (word - near_words)];
  }

  span_marks& operator[](std::uint32_t number) noexcept { return rows_[number]; }

 private:
  static constexpr std::size_t near_words = std::size(decltype(span_marks::near_bits){}),
                               near_slots = near_words * 64;
  static constexpr std::size_t far_words = allocators::span_slots_max / 64 - near_words;
  static constexpr std::size_t far_bytes = far_words * sizeof(std::uint64_t);

  static constexpr std::size_t rounded(std::size_t bytes) noexcept {
    return (bytes + allocators::system_page_bytes - 1) / allocators::system_page_bytes *
           allocators::system_page_bytes;
  }

  std::size_t spans_max_;
  span_marks* rows_;
  std::uint64_t* far_bits_;
  const std::uint32_t* page_records_;
  unsigned char* base_;
  std::size_t reserved_bytes_;
};

static_assert(sizeof(span_marks) == 64);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
