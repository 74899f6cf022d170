// SPDX-License-Identifier: Apache-2.0
// Storage chosen at run time: a backend by its text (`system`, `tracked(mimalloc)`, `boehm_pointer_free`,
// ...) as the erased handle that every variant is compiled with, and its counters where it is tracked. A
// backend of a package that this program was built without is known, named and refused.
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

namespace tophash::lab {

struct storage_entry {
  std::string name;
  tophash::visibility sees;
  bool here;            // built in
  std::string version;  // of the library behind it; empty: unknown
  std::string missing;  // the package that would bring it
  bool collected() const noexcept { return sees != tophash::visibility::opaque; }
};

// The plain backends; `tracked(...)` wraps any of them.
const std::vector<storage_entry>& storages();
const storage_entry* find_storage(std::string_view plain_name);

struct tracked_counts {
  std::array<allocators::storage_counts, purpose_count> by_purpose;
  allocators::storage_counts total;
};

class bound_storage {
 public:
  virtual ~bound_storage() = default;
  virtual allocators::erased handle() noexcept = 0;
  virtual std::optional<tracked_counts> counts() const = 0;  // of an outermost tracked
};

// Throws std::invalid_argument with a sentence for a text that no built-in backend has.
std::unique_ptr<bound_storage> bind_storage(std::string_view text);

// The name inside every decorator.
std::string_view plain_storage(std::string_view text) noexcept;

// Does plain malloc end in mimalloc? (Linking Debian's shared libmimalloc can do that.)
bool malloc_is_replaced() noexcept;

// Shall the C library's heap keep freed memory instead of giving it back? While rows are timed in turn it
// shall, so that one row's frees do not spare or cost the next one its page faults; where memory or single
// operations are measured, each row in a process of its own, it does what it always does. False: this library
// has no such knob.
bool keep_freed_memory(bool keep) noexcept;

}  // namespace tophash::lab

#endif
