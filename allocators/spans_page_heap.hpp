// SPDX-License-Identifier: Apache-2.0
// The page heap of `spans`: runs of 8-KiB pages in one reserved range of addresses, handed out and taken back
// by the run, neighbours merged. After Go's mheap, with the boundary tags and size bins of TCMalloc's page
// heap instead of a radix tree: the smallest run that fits, the one freed last among equals; then new pages
// at the frontier.
//
//   base            +8 KiB          ...                         frontier               end of the reservation
//   | page 0        | page 1        | ...                       | never handed out ... |
//   page_record     4 bytes a page: the record of the span or free run that the page belongs to (in the middle
//                   of a free run: anything, so a reader checks that the record's range holds the page)
//   resident        1 bit a page: it may be backed by memory (it was handed out, and not given back since)
//   records         one span or free run each, numbered from 1; numbers are reused
// Reserving is only addresses: memory of the three tables is taken as they are touched. Where no more than
// the least can be reserved, every request is refused. All numbers are exact; "resident" is exact for what
// this heap did (the system may back less: pages that nobody wrote to). Not synchronised, allocates nothing
// elsewhere, never throws.
#ifndef TOPHASH_ALLOCATORS_SPANS_PAGE_HEAP_HPP
#define TOPHASH_ALLOCATORS_SPANS_PAGE_HEAP_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <tophash/allocators/pages_system.hpp>
#include <tophash/allocators/span_classes.hpp>

namespace tophash::inline v1 {

namespace allocators {

enum class span_state : std::uint8_t { unused, free_run, small, large };
// Where a span of slots is listed. `current` and `none` are in no list.
enum class span_place : std::uint8_t { none, current, partial, full, aside, large };

struct span_record {
  std::uint32_t first_page = 0;
  std::uint32_t pages = 0;
  std::uint32_t previous = 0, next = 0;  // in its list or bin; a number of 0 ends it
  std::uint32_t used = 0;                // bits set in `taken`
  std::uint16_t slots = 0;
  std::uint8_t kind = 0;  // 2 * class + (pointer-free)
  span_state state = span_state::unused;
  span_place place = span_place::none;
  std::uint8_t round = 0;                // parity of the sweep that it was listed in
  std::array<std::uint64_t, span_slots_max / 64> taken{};
};

class span_page_heap {
 public:
  static constexpr std::size_t least_reserved_bytes = std::size_t{64} << 20;

  // What could be reserved of `wanted_bytes`: less, by halves, where the system allows no more.
  span_page_heap(std::size_t wanted_bytes, bool large_pages) noexcept {
    if constexpr (sizeof(void*) < 8) wanted_bytes = wanted_bytes > (1u << 30) ? 1u << 30 : wanted_bytes;
    if (wanted_bytes < least_reserved_bytes) wanted_bytes = least_reserved_bytes;
    wanted_bytes = wanted_bytes / large_page_bytes * large_page_bytes;
    for (; wanted_bytes >= least_reserved_bytes && !reserve(wanted_bytes); wanted_bytes /= 2) {
    }
    if (base_ != nullptr) wish_large_pages(base_, page_limit_ * span_page_bytes, large_pages);
  }
  span_page_heap(const span_page_heap&) = delete;
  span_page_heap& operator=(const span_page_heap&) = delete;
  ~span_page_heap() { unreserve(); }

  // The number of a record with so many pages, its state to be set; 0: there are none left.
  std::uint32_t take(std::size_t pages) noexcept {
    std::uint32_t n = smallest_run(pages);
    if (n != 0) {
      unlink_run(n);
      cut(n, static_cast<std::uint32_t>(pages));
    } else {
      if (pages > page_limit_ - frontier_) return 0;
      n = new_record();
      records_[n].first_page = static_cast<std::uint32_t>(frontier_);
      records_[n].pages = static_cast<std::uint32_t>(pages);
      frontier_ += pages;
    }
    span_record& r = records_[n];
    for (std::uint32_t p = r.first_page; p < r.first_page + r.pages; ++p) page_record_[p] = n;
    set_resident(r.first_page, r.pages);
    pages_in_use_ += pages;
    return n;
  }

  // The record is unused afterwards.
  void give(std::uint32_t n) noexcept {
    span_record& r = records_[n];
    pages_in_use_ -= r.pages;
    merge_neighbours(n);
    link_run(n);
  }

  // Returns the memory of free pages to the system, the longest runs first, until `bytes` are given back.
  // Returns how many were.
  std::size_t scavenge(std::size_t bytes, give_back how) noexcept {
    std::size_t given = 0;
    for (std::size_t bin = bins_.size(); bin-- != 0 && given < bytes;) {
      for (std::uint32_t n = bins_[bin]; n != 0 && given < bytes; n = records_[n].next) {
        given += scavenge_pages(records_[n].first_page, records_[n].pages, how);
      }
    }
    return given;
  }
  std::size_t scavenge_pages(std::uint32_t first, std::uint32_t pages, give_back how) noexcept {
    std::size_t given = 0;
    const std::uint32_t end = first + pages;
    for (std::uint32_t p = first; p < end;) {
      if (!is_resident(p)) {
        ++p;
        continue;
      }
      std::uint32_t q = p;
      while (q < end && is_resident(q)) ++q;
      if (!give_back_contents(address(p), (q - p) * span_page_bytes, how)) return given;
      for (std::uint32_t i = p; i < q; ++i) resident_[i / 64] &= ~(std::uint64_t{1} << (i % 64));
      resident_pages_ -= q - p;
      given += (q - p) * span_page_bytes;
      p = q;
    }
    return given;
  }

  // Every record is gone, every page free.
  void reset() noexcept {
    for (std::uint32_t n = 1; n < record_end_; ++n) records_[n] = {};
    record_end_ = 1;
    free_record_ = 0;
    bins_ = {};
    bins_in_use_ = {};
    pages_in_use_ = 0;
    if (frontier_ == 0) return;
    const std::uint32_t n = new_record();
    records_[n].pages = static_cast<std::uint32_t>(frontier_);
    link_run(n);
  }

  // Of the span that holds the address; 0: none does. O(1).
  std::uint32_t record_at(const void* p) const noexcept {
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(base_);
    const std::size_t page = offset / span_page_bytes;
    if (page >= frontier_) return 0;
    const std::uint32_t n = page_record_[page];
    const span_record& r = records_[n];
    const bool holds = page >= r.first_page && page < r.first_page + r.pages;
    return holds && (r.state == span_state::small || r.state == span_state::large) ? n : 0;
  }
  // The same where p is known to lie in a span.
  std::uint32_t record_of(const void* p) const noexcept {
    return page_record_[static_cast<std::size_t>(static_cast<const unsigned char*>(p) - base_) /
                        span_page_bytes];
  }

  span_record& operator[](std::uint32_t n) noexcept { return records_[n]; }
  const span_record& operator[](std::uint32_t n) const noexcept { return records_[n]; }
  // For tables beside the heap: the number of each page's record, by page from address(0); in pages of no span, anything.
  const std::uint32_t* page_records() const noexcept { return page_record_; }
  std::uint32_t record_end() const noexcept { return record_end_; }  // numbers are 1 to this, exclusive
  unsigned char* address(std::uint32_t page) const noexcept {
    return base_ + std::size_t{page} * span_page_bytes;
  }

  std::size_t reserved_bytes() const noexcept { return page_limit_ * span_page_bytes; }
  std::size_t bytes_in_use() const noexcept { return pages_in_use_ * span_page_bytes; }
  std::size_t free_bytes() const noexcept { return frontier_ * span_page_bytes - bytes_in_use(); }
  std::size_t resident_bytes() const noexcept { return resident_pages_ * span_page_bytes; }

 private:
  // Runs of 1 to 127 pages have a bin for each length, the longer ones share the last.
  static constexpr std::size_t bin_count = 128;
  static constexpr std::size_t bin_of(std::size_t pages) noexcept {
    return pages < bin_count ? pages - 1 : bin_count - 1;
  }

  bool reserve(std::size_t bytes) noexcept {
    page_limit_ = bytes / span_page_bytes;
    base_ = static_cast<unsigned char*>(take_system_pages_aligned(bytes, large_page_bytes, true));
    page_record_ = static_cast<std::uint32_t*>(take_system_pages(page_record_bytes(), true));
    resident_ = static_cast<std::uint64_t*>(take_system_pages(resident_table_bytes(), true));
    records_ = static_cast<span_record*>(take_system_pages(records_bytes(), true));
    if (base_ != nullptr && page_record_ != nullptr && resident_ != nullptr && records_ != nullptr)
      return true;
    unreserve();
    return false;
  }
  void unreserve() noexcept {
    if (base_ != nullptr) return_system_pages(base_, page_limit_ * span_page_bytes);
    if (page_record_ != nullptr) return_system_pages(page_record_, page_record_bytes());
    if (resident_ != nullptr) return_system_pages(resident_, resident_table_bytes());
    if (records_ != nullptr) return_system_pages(records_, records_bytes());
    base_ = nullptr, page_record_ = nullptr, resident_ = nullptr, records_ = nullptr;
    page_limit_ = 0;
  }
  static constexpr std::size_t whole_pages(std::size_t bytes) noexcept {
    return (bytes + system_page_bytes - 1) / system_page_bytes * system_page_bytes;
  }
  std::size_t page_record_bytes() const noexcept { return whole_pages(page_limit_ * sizeof(std::uint32_t)); }
  std::size_t resident_table_bytes() const noexcept { return whole_pages(page_limit_ / 8 + 8); }
  std::size_t records_bytes() const noexcept { return whole_pages((page_limit_ + 2) * sizeof(span_record)); }

  std::uint32_t new_record() noexcept {
    std::uint32_t n = free_record_;
    if (n != 0) {
      free_record_ = records_[n].next;
    } else {
      n = record_end_++;
    }
    records_[n] = {};
    return n;
  }
  void drop_record(std::uint32_t n) noexcept {
    records_[n].state = span_state::unused;
    records_[n].next = free_record_;
    free_record_ = n;
  }

  std::uint32_t smallest_run(std::size_t pages) const noexcept {
    std::size_t bin = bin_of(pages);
    for (std::size_t word = bin / 64; word < bins_in_use_.size(); ++word) {
      std::uint64_t set = bins_in_use_[word];
      if (word == bin / 64) set &= ~std::uint64_t{0} << (bin % 64);
      if (set == 0) continue;
      bin = word * 64 + static_cast<std::size_t>(std::countr_zero(set));
      return bin != bin_count - 1 ? bins_[bin] : smallest_of_the_long(pages);
    }
    return 0;
  }
  std::uint32_t smallest_of_the_long(std::size_t pages) const noexcept {
    std::uint32_t best = 0;
    for (std::uint32_t n = bins_[bin_count - 1]; n != 0; n = records_[n].next) {
      const span_record& r = records_[n];
      if (r.pages < pages || (best != 0 && r.pages > records_[best].pages)) continue;
      if (best == 0 || r.pages < records_[best].pages || r.first_page < records_[best].first_page) best = n;
    }
    return best;
  }

  void link_run(std::uint32_t n) noexcept {
    span_record& r = records_[n];
    r.state = span_state::free_run;
    const std::size_t bin = bin_of(r.pages);
    r.previous = 0;
    r.next = bins_[bin];
    if (r.next != 0) records_[r.next].previous = n;
    bins_[bin] = n;
    bins_in_use_[bin / 64] |= std::uint64_t{1} << (bin % 64);
    page_record_[r.first_page] = n;
    page_record_[r.first_page + r.pages - 1] = n;
  }
  void unlink_run(std::uint32_t n) noexcept {
    const span_record& r = records_[n];
    const std::size_t bin = bin_of(r.pages);
    if (r.previous != 0) {
      records_[r.previous].next = r.next;
    } else {
      bins_[bin] = r.next;
      if (r.next == 0) bins_in_use_[bin / 64] &= ~(std::uint64_t{1} << (bin % 64));
    }
    if (r.next != 0) records_[r.next].previous = r.previous;
  }
  // The run keeps its first pages, the rest is a run of its own.
  void cut(std::uint32_t n, std::uint32_t pages) noexcept {
    const std::uint32_t first = records_[n].first_page, all = records_[n].pages;
    records_[n] = {};
    records_[n].first_page = first;
    records_[n].pages = pages;
    if (all == pages) return;
    const std::uint32_t rest = new_record();
    records_[rest].first_page = first + pages;
    records_[rest].pages = all - pages;
    link_run(rest);
  }
  // The pages beside a run are the ends of their span or run, where page_record is always right.
  void merge_neighbours(std::uint32_t n) noexcept {
    span_record& r = records_[n];
    if (r.first_page != 0) {
      const std::uint32_t before = page_record_[r.first_page - 1];
      if (records_[before].state == span_state::free_run) {
        unlink_run(before);
        r.first_page = records_[before].first_page;
        r.pages += records_[before].pages;
        drop_record(before);
      }
    }
    if (r.first_page + r.pages != frontier_) {
      const std::uint32_t after = page_record_[r.first_page + r.pages];
      if (records_[after].state == span_state::free_run) {
        unlink_run(after);
        r.pages += records_[after].pages;
        drop_record(after);
      }
    }
  }

  bool is_resident(std::uint32_t page) const noexcept {
    return (resident_[page / 64] >> (page % 64) & 1) != 0;
  }
  void set_resident(std::uint32_t first, std::uint32_t pages) noexcept {
    for (std::uint32_t p = first; p < first + pages; ++p) {
      if (is_resident(p)) continue;
      resident_[p / 64] |= std::uint64_t{1} << (p % 64);
      ++resident_pages_;
    }
  }

  unsigned char* base_ = nullptr;
  std::uint32_t* page_record_ = nullptr;
  std::uint64_t* resident_ = nullptr;
  span_record* records_ = nullptr;
  std::size_t page_limit_ = 0;
  std::size_t frontier_ = 0;  // pages below it were handed out once
  std::size_t pages_in_use_ = 0, resident_pages_ = 0;
  std::uint32_t record_end_ = 1, free_record_ = 0;
  std::array<std::uint32_t, bin_count> bins_{};
  std::array<std::uint64_t, bin_count / 64> bins_in_use_{};
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
