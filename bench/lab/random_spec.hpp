// SPDX-License-Identifier: Apache-2.0
// Random SPECs, drawn from the catalogue alone: an option that joins it takes part with its examples.
#ifndef TOPHASH_BENCH_LAB_RANDOM_SPEC_HPP
#define TOPHASH_BENCH_LAB_RANDOM_SPEC_HPP

#include <cstddef>
#include <string>

#include "lab/catalogue.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

// Any option of the axis, by its examples; wrapped at most twice.
std::string random_option(std::size_t axis, random_stream& random);

// About every other axis is named, never the storage, which the lab chooses apart; now and then a preset is.
// Well-formed, but perhaps against a rule.
std::string random_spec(random_stream& random);

// A SPEC that no compiler should see, by a rule or by its form, and why.
struct illegal_spec {
  std::string text;
  std::string sentence;  // what a command must say of it, or the part that is certain
};
illegal_spec random_illegal_spec(random_stream& random);

// Legal, and with this kind of keys if they are strings.
std::string random_legal_spec(random_stream& random, bool string_keys);

}  // namespace tophash::lab

#endif
