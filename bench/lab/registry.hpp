// SPDX-License-Identifier: Apache-2.0
// The maps that are built into this program: curated variants, foreign maps as baselines, and whatever a
// program of the user's own registered with TOPHASH_VARIANT.
#ifndef TOPHASH_BENCH_LAB_REGISTRY_HPP
#define TOPHASH_BENCH_LAB_REGISTRY_HPP

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "lab/execution.hpp"

namespace tophash::lab {

const std::deque<variant_row>& variants();  // addresses stay when a loaded file registers more
const variant_row* find_variant(std::string_view name);

// Names of the built variants that differ from the spec on the fewest axes, nearest first.
std::vector<std::string> nearest_variants(std::string_view spec_text, std::size_t count = 3);

// What --variant accepts: a name, a SPEC whose canonical text a built variant has, or `all`.
struct variant_choice {
  std::vector<const variant_row*> rows;
  std::string error;       // not empty: a sentence
  bool not_built = false;  // the SPEC is legal, but nothing built has it
};
variant_choice choose_variants(std::string_view text);

// Written by tophash_variant_generator from curated.txt, and the hand-written baselines.
void add_curated_variants(std::vector<variant_row>& out);
void add_baseline_variants(std::vector<variant_row>& out);

}  // namespace tophash::lab

#endif
