// SPDX-License-Identifier: Apache-2.0
// The exact heap (gc/precise_heap.hpp) among the rows of --memory. Its storage is no erased handle: a map on
// it tells it of every store, so the maps are compiled here, for the compositions that it is compared on.
#ifndef TOPHASH_BENCH_LAB_EQUAL_MEMORY_PRECISE_HPP
#define TOPHASH_BENCH_LAB_EQUAL_MEMORY_PRECISE_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include <tophash/gc/collector.hpp>

#include "lab/execution.hpp"
#include "lab/program.hpp"

namespace tophash::lab {

inline constexpr const char* precise_storage = "precise_heap";

// Of a canonical spec whose storage is `system`, and a kind of key.
bool has_precise_map(const std::string& spec, key_kind key);

struct precise_execution {
  execution result;
  gc::gc_sample heap;
};

// One execution on a heap of its own, which collects so as to stay within `budget_bytes` (0: as it likes). It
// is never refused memory: whether it fitted, its greatest size says.
precise_execution execute_on_precise_heap(const std::string& spec, const any_program& program,
                                          const execution_input& input, std::size_t budget_bytes);

}  // namespace tophash::lab

#endif
