// SPDX-License-Identifier: Apache-2.0
// What a block of memory is for, and the request that asks for one. A map is a client of several kinds of
// memory: one large array that lives as long as a generation, many small overflow buckets, single nodes.
// A backend that knows which is which can serve each from where it fits; one that does not care ignores it.
#ifndef TOPHASH_FRAMEWORK_CORE_PURPOSE_HPP
#define TOPHASH_FRAMEWORK_CORE_PURPOSE_HPP

#include <cstddef>
#include <cstdint>

namespace tophash::inline v1 {

struct trace_info;

enum class purpose : std::uint8_t {
  slots,      // the array of main buckets or groups
  overflow,   // one overflow bucket
  node,       // one entry (or key, or value) held behind a pointer
  directory,  // an array of pointers to groups
  side,       // bookkeeping beside the table, such as the list that keeps pointer-free overflow buckets alive
};

inline constexpr std::size_t purpose_count = 5;

constexpr const char* purpose_name(purpose p) noexcept {
  constexpr const char* names[purpose_count] = {"slots", "overflow", "node", "directory", "side"};
  return names[static_cast<std::size_t>(p)];
}

// One request. `deallocate` gets the same four values back, so a backend needs no header of its own.
struct request {
  std::size_t bytes = 0;
  std::size_t align = alignof(std::max_align_t);
  purpose use = purpose::slots;
  const trace_info* trace = nullptr;  // what a collector may know of the block; null: nothing is known
};

// Who looks inside a block to keep what it points to alive.
//   opaque        nobody (malloc and its kind)
//   scanned       a collector reads every word of it
//   pointer_free  a collector owns it and never looks inside
//   traced        a collector reads the links, the tags and, by the request's trace_info, the slots in use: what a
//                 vacated slot still holds keeps nothing alive and need not be wiped
//   typed         the same, exactly: it follows the pointers of live slots by their types and takes no number for one
enum class visibility : std::uint8_t { opaque, scanned, pointer_free, traced, typed };

constexpr const char* visibility_name(visibility v) noexcept {
  constexpr const char* names[] = {"opaque", "scanned", "pointer_free", "traced", "typed"};
  return names[static_cast<std::size_t>(v)];
}

}  // namespace tophash::inline v1

#endif
