// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known words nearest to one that is not known, by edit distance (a swap of two
// neighbours counts as one edit). Quadratic in the words' lengths; called only on the way to an error.
#ifndef TOPHASH_BENCH_LAB_NEAREST_HPP
#define TOPHASH_BENCH_LAB_NEAREST_HPP

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tophash::lab {

std::size_t edit_distance(std::string_view a, std::string_view b);

// At most `count` of the known words, nearest first; none that shares nothing with the word.
std::vector<std::string> nearest_words(std::string_view word, std::span<const std::string> known,
                                       std::size_t count = 3);

// `; nearest: a, b` or nothing.
std::string nearest_hint(std::string_view word, std::span<const std::string> known);

}  // namespace tophash::lab

#endif
