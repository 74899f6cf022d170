// SPDX-License-Identifier: Apache-2.0
// `explain SPEC --dump`: a small map of the composition, filled, thinned out and, where it grows step by
// step, in the middle of a growth, as tophash::dump shows it. Compiled with the user's compiler
// (lab/compiler.hpp) and loaded; a seed makes it the same each time.
#ifndef TOPHASH_BENCH_LAB_EXPLAIN_DUMP_HPP
#define TOPHASH_BENCH_LAB_EXPLAIN_DUMP_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "lab/catalogue.hpp"

namespace tophash::lab {

struct dump_request {
  std::string spec, key = "u64", value = "u64";
  bool raw_slots = false;
  std::size_t max_units = 16;
  std::uint64_t seed = 1;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// Throws command_error: the rule's sentence where the composition is refused, the compiler's where it does
// not compile.
std::string explain_dump(const dump_request& request);

}  // namespace tophash::lab

#endif
