// SPDX-License-Identifier: Apache-2.0
#include "lab/equal_memory_precise.hpp"

#include <algorithm>
#include <string_view>
#include <variant>

#include <tophash/framework/compose/name.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/variant.hpp"

namespace tophash::lab {

namespace {

gc::precise_heap* heap_in_use = nullptr;

}  // namespace

template <>
struct made_storage<gc::precise> {
  static gc::precise handle() noexcept { return gc::precise(*heap_in_use); }
};

namespace {

using runner = void (*)(const program<std::uint64_t>&, const execution_input&, execution&);

template <class... Options>
struct precise_map {
  using on_precise = tophash::map<std::uint64_t, std::uint64_t, Options..., gc::precise>;
  static std::string spec() { return std::string{canonical_text<compose<Options...>>()}; }
  static constexpr runner run = &execute<on_precise, std::uint64_t>;
};

runner runner_of(const std::string& spec, key_kind key) {
  if (key != key_kind::u64) return nullptr;
  if (spec == precise_map<>::spec()) return precise_map<>::run;
  if (spec == precise_map<presets::go_like>::spec()) return precise_map<presets::go_like>::run;
  return nullptr;
}

}  // namespace

bool has_precise_map(const std::string& spec, key_kind key) { return runner_of(spec, key) != nullptr; }

precise_execution execute_on_precise_heap(const std::string& spec, const any_program& program,
                                          const execution_input& input, std::size_t budget_bytes) {
  // Pages of 4 KiB, as the other storages': a heap on large pages holds 2 MiB before it has an entry.
  gc::precise_options options;
  options.objects.large_pages = options.blocks.large_pages = false;
  if (budget_bytes != 0) {
    options.soft_limit_bytes = budget_bytes;
    options.min_heap_bytes = std::min(options.min_heap_bytes, budget_bytes / 4);
  }
  gc::precise_heap heap(options);
  heap_in_use = &heap;
  heap.start_window();
  precise_execution out;
  runner_of(spec, key_kind::u64)(std::get<0>(program), input, out.result);
  out.heap = heap.sample();
  heap_in_use = nullptr;
  return out;
}

}  // namespace tophash::lab
