// SPDX-License-Identifier: Apache-2.0
// Variants that are not built in: compiled with the user's compiler, kept in a cache, loaded, and from there
// on rows like any other. What --variant accepts goes through resolve_variants().
//
// Cost (docs/on-demand.md has how it was measured): 1.6 s of CPU for a SPEC with one kind of key, 4 to 5 s
// once for each state of the headers (precompiled), 10 ms for one that is in the cache. One translation unit
// a SPEC: four in one would take a quarter less CPU, but then one that fails takes the others with it.
//
// Not thread-safe: the lab has one thread.
#ifndef TOPHASH_BENCH_LAB_ON_DEMAND_HPP
#define TOPHASH_BENCH_LAB_ON_DEMAND_HPP

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lab/execution.hpp"
#include "lab/program.hpp"
#include "lab/value_kind.hpp"

namespace tophash::lab {

struct on_demand_options {
  bool compile = true;           // false: what is not built in is an error (exit_not_here)
  bool keep_duplicates = false;  // a variant that is named twice is two rows, for a comparison with itself
  value_kind value = {};         // other than the usual one: every composition is compiled with it
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// What this process compiled or took from the cache so far; for the manifest.
struct on_demand_summary {
  std::string compiler;  // with flags and folders; empty: nothing was asked for
  std::size_t compiled = 0, from_cache = 0, files = 0;
  double compile_seconds = 0;
};
const on_demand_summary& on_demand_so_far();

// Names, SPECs or `all`: are they known, legal, and built in or allowed to be compiled? Compiles nothing.
// Throws command_error.
void check_variants(const std::vector<std::string>& texts, const on_demand_options& options);

// The rows of names, SPECs or `all`, in that order, each once (see keep_duplicates); a SPEC that is not built
// in is compiled for this kind of key. The rows live as long as the program. Throws command_error;
// exit_check_failed means that the compiler refused.
std::vector<const variant_row*> resolve_variants(const std::vector<std::string>& texts, key_kind key,
                                                 const on_demand_options& options);

// The row's composition with the storage bound when compiling (`bound_to` says which), for every pair.
// The rows must have a spec.
struct binding {
  const variant_row* row;
  std::string storage;
};
std::vector<const variant_row*> bind_variants(const std::vector<binding>& pairs, key_kind key,
                                              const on_demand_options& options);

// The SPECs with metered overflow sources, for u64 keys. They are in the cache beside the others, one by one:
// all forty of overflow_reuse cost about a minute once, an interrupted run keeps what it has, and a run of a
// few compiles a few.
std::vector<const variant_row*> metered_variants(const std::vector<std::string>& specs,
                                                 const on_demand_options& options);

// Compiles and loads a file of the user's own, whose TOPHASH_VARIANTs are then in variants(). Not cached:
// what it includes is its own affair. Throws command_error.
void load_variants(const std::string& file, const on_demand_options& options);

}  // namespace tophash::lab

#endif
