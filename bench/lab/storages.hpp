// SPDX-License-Identifier: Apache-2.0
// Storage chosen at run time: a backend by its text (`system`, `tracked(mimalloc)`, `boehm_pointer_free`,
// `tracked(by_purpose(overflow=bucket_pool(144),rest=mimalloc))`, ...) as the erased handle that every
// variant is compiled with, and its counters where it is tracked. A backend of a package that this program
// was built without is known, named and refused. Every part of a combination costs one indirect call more.
#ifndef TOPHASH_BENCH_LAB_STORAGES_HPP
#define TOPHASH_BENCH_LAB_STORAGES_HPP

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/erased.hpp>
#include <tophash/allocators/spans.hpp>

namespace tophash::lab {

struct storage_entry {
  std::string name;
  tophash::visibility sees;
  bool here;            // built in
  std::string version;  // of the library behind it; empty: unknown
  std::string missing;  // the package that would bring it
  bool alone = true;    // runs without other storage in parentheses
  bool in_tour = true;  // among the rows of a first run
  bool collected() const noexcept { return sees != tophash::visibility::opaque; }
};

// The plain backends; `tracked(...)` wraps any of them. Those that are not `alone` are kinds of combinations.
const std::vector<storage_entry>& storages();
const storage_entry* find_storage(std::string_view plain_name);

// Is it a collector's, in decorators or not? No combination is.
bool is_collected(std::string_view text);

// Whose it is: none, boehm or precise.
std::string_view collector_of(std::string_view text);

class heap_collector;

struct tracked_counts {
  std::array<allocators::storage_counts, purpose_count> by_purpose;
  allocators::storage_counts total;
};

class bound_storage {
 public:
  virtual ~bound_storage() = default;
  virtual allocators::erased handle() noexcept = 0;
  virtual std::optional<tracked_counts> counts() const = 0;  // of an outermost tracked
  // The same, since the start.
  virtual std::optional<std::uint64_t> requested_bytes(purpose) const { return std::nullopt; }
  std::optional<std::uint64_t> requested_bytes() const {
    std::optional<std::uint64_t> sum;
    for (std::size_t i = 0; i < purpose_count; ++i) {
      if (const auto one = requested_bytes(static_cast<purpose>(i))) sum = sum.value_or(0) + *one;
    }
    return sum;
  }
  // That its blocks belong to; null: only their owner frees them.
  virtual heap_collector* collector() noexcept { return nullptr; }
  virtual allocators::spans_resource* spans_heap() noexcept {
    return nullptr;
  }  // of `spans`, or of the first part that is
};

// Throws std::invalid_argument with a sentence for a text that no built-in backend has, or that cannot be
// combined so.
std::unique_ptr<bound_storage> bind_storage(std::string_view text);

// A collector's storage whose blocks nobody gives back: all of them are the collector's to find. Throws
// std::invalid_argument for any other.
std::unique_ptr<bound_storage> bind_unfreed_storage(std::string_view collected_name);

// The name inside every decorator.
std::string_view plain_storage(std::string_view text) noexcept;

// By what plain malloc is replaced, or empty. (Linking Debian's shared libmimalloc or libjemalloc can do
// that.)
std::string malloc_replaced_by();

// Asks every built-in allocator to give free memory back to the system, and the spans of `storage`. Returns
// how many bytes of pages the spans gave; what the others did shows in resident memory.
std::uint64_t return_free_memory(bound_storage& storage);

// Shall the C library's heap keep freed memory instead of giving it back? While rows are timed in turn it
// shall, so that one row's frees do not spare or cost the next one its page faults; where memory or single
// operations are measured, each row in a process of its own, it does what it always does. False: this library
// has no such knob.
bool keep_freed_memory(bool keep) noexcept;

}  // namespace tophash::lab

#endif
