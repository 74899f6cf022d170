// SPDX-License-Identifier: Apache-2.0
#include "lab/overflow_reuse_heap.hpp"

#include <algorithm>

#include <tophash/framework/core/trace_info.hpp>

#include "lab/clock.hpp"

namespace tophash::lab {

namespace {

std::uintptr_t address_of(const void* block) noexcept { return reinterpret_cast<std::uintptr_t>(block); }

}  // namespace

void drag_counts::add(std::uint64_t cycles) noexcept {
  ++count;
  sum_cycles += cycles;
  max_cycles = std::max(max_cycles, cycles);
}

// ---- the ledger ---------------------------------------------------------------------------------

overflow_ledger::~overflow_ledger() {
  for (auto& [address, w] : waiting_) {
    if (w.linked && w.link != nullptr) collector_->forget_link(&w.link);
  }
}

void overflow_ledger::forget(std::map<std::uintptr_t, waiting>::iterator at) noexcept {
  if (at->second.linked && at->second.link != nullptr) collector_->forget_link(&at->second.link);
  waiting_.erase(at);
}

void overflow_ledger::acquired(const void* bucket) noexcept {
  const auto at = waiting_.find(address_of(bucket));
  if (at == waiting_.end()) return;
  // One that was dropped is handed out again only after a collection found it, and collected() has seen to it
  // then.
  if (at->second.counted && !at->second.linked) drag_.reused.add(collections_ - at->second.since);
  forget(at);
}

void overflow_ledger::released(const void* bucket) noexcept {
  waiting_.insert_or_assign(
      address_of(bucket),
      waiting{.since = collections_, .counted = counting_, .linked = false, .link = nullptr});
}

void overflow_ledger::dropped(const void* block, std::size_t bytes, bool collector_finds_it) noexcept {
  auto at = waiting_.lower_bound(address_of(block));
  while (at != waiting_.end() && at->first < address_of(block) + bytes) {
    const auto next = std::next(at);
    waiting& w = at->second;
    if (!collector_finds_it) {
      if (w.counted) drag_.freed.add(collections_ - w.since);
      forget(at);
    } else if (!w.linked) {
      w.linked = true;
      collector_->watch_block(&w.link, reinterpret_cast<const void*>(at->first));
    }
    at = next;
  }
}

void overflow_ledger::collected() {
  ++collections_;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto next = std::next(at);
    if (at->second.linked && at->second.link == nullptr) {
      if (at->second.counted) drag_.reclaimed.add(collections_ - at->second.since);
      waiting_.erase(at);
    }
    at = next;
  }
}

void overflow_ledger::reset() {
  counting_ = true;
  drag_ = {};
  for (auto& [address, w] : waiting_) w.counted = false;
}

reuse_drag overflow_ledger::drag() const {
  reuse_drag out = drag_;
  for (const auto& [address, w] : waiting_) {
    if (w.counted) out.open.add(collections_ - w.since);
  }
  return out;
}

// ---- the heap -----------------------------------------------------------------------------------

paced_heap::paced_heap(allocators::erased inner, heap_collector* collector, bool by_collector, heap_pacing pacing,
                       overflow_ledger* ledger) noexcept
    : inner_(inner),
      collector_(collector),
      by_collector_(collector != nullptr && by_collector),
      pacing_(pacing),
      ledger_(ledger),
      budget_bytes_(pacing.least_bytes) {}

void paced_heap::collect() noexcept {
  counts_.scanned_bytes += searched_bytes_;
  counts_.visited_blocks += blocks_;
  ++counts_.collections;
  collector_->collect();
  if (ledger_ != nullptr) ledger_->collected();
  since_bytes_ = 0;
  budget_bytes_ =
      std::max(pacing_.least_bytes,
               static_cast<std::uint64_t>((pacing_.ratio - 1) * static_cast<double>(reachable_bytes_)));
}

void* paced_heap::try_allocate(const request& r) noexcept {
  if (due(r.bytes)) {
    const std::uint64_t began = thread_cpu_ns();
    collect();
    collecting_in_map_ns_ += thread_cpu_ns() - began;
  }
  void* const block = inner_.try_allocate(r);
  if (block == nullptr) return nullptr;
  counts_.allocated_bytes += r.bytes, ++counts_.allocated_blocks;
  searched_bytes_ += searched_bytes(r, visibility_now()), blocks_ += visits_block(visibility_now());
  reachable_bytes_ += r.bytes;
  since_bytes_ += r.bytes;
  return block;
}

void paced_heap::deallocate(void* block, const request& r) noexcept {
  searched_bytes_ -= searched_bytes(r, visibility_now()), blocks_ -= visits_block(visibility_now());
  reachable_bytes_ -= r.bytes;
  if (ledger_ != nullptr) ledger_->dropped(block, r.bytes, by_collector_);
  if (!by_collector_) inner_.deallocate(block, r);
}

void paced_heap::allocate_beside(std::size_t bytes) {
  if (collector_ == nullptr) return;
  if (due(bytes)) collect();
  collector_->allocate_garbage(bytes);
  counts_.garbage_bytes += bytes;
  since_bytes_ += bytes;
}

}  // namespace tophash::lab
