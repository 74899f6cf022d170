// SPDX-License-Identifier: Apache-2.0
// The C++ that makes a storage's handle from its text: resources in the order in which they must be made, and
// the handle's expression. What `explain --cxx` prints and `--bind` compiles is made by the same lines.
#ifndef TOPHASH_BENCH_LAB_STORAGE_SOURCE_HPP
#define TOPHASH_BENCH_LAB_STORAGE_SOURCE_HPP

#include <cstddef>
#include <string>
#include <vector>

#include "lab/catalogue.hpp"

namespace tophash::lab {

struct storage_source {
  std::vector<std::string> resources;  // each a declaration with its initialiser, for a scope or a class
  std::string handle;                  // an expression; its type is the option's spelling
  std::size_t handle_bytes = 0;        // of that type; the rule handle_words bounds it
};

// Of a canonical term of the allocation axis.
storage_source source_of_storage(const term& storage);

// The sentence of the rule handle_words where the type's handle would not fit; empty: it does. (Chosen at run
// time such a storage runs all the same: there its handles are behind a pointer.)
std::string handle_too_wide(const term& storage);

}  // namespace tophash::lab

#endif
