// SPDX-License-Identifier: Apache-2.0
// What all laws share: a stream of numbers that is the same in every run, and the words of a violation. A law
// is a function that takes a policy and a report, any callable on a std::string. It calls the report once for
// each thing found broken, with the policy's name and the values that show it, and not at all for a good
// policy. The laws need the standard library only; they finish in well under a second each unless they say
// otherwise.
#ifndef TOPHASH_TESTS_LAWS_SAMPLING_HPP
#define TOPHASH_TESTS_LAWS_SAMPLING_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/bits.hpp>

namespace tophash::inline v1 {

namespace laws {

class sampler {
 public:
  explicit constexpr sampler(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    state_ += golden_ratio_bits;
    return next_seed(state_);
  }

  // In [0, bound), and 0 for an empty range; slightly uneven for huge bounds, which no law minds.
  constexpr std::size_t below(std::size_t bound) noexcept {
    return bound == 0 ? 0 : static_cast<std::size_t>(next() % bound);
  }

 private:
  std::uint64_t state_;
};

inline void append_to(std::string& out, std::string_view part) { out.append(part); }
template <class Number>
  requires std::is_arithmetic_v<Number>
void append_to(std::string& out, Number part) {
  if constexpr (std::same_as<Number, bool>) {
    out.append(part ? "true" : "false");
  } else {
    out.append(std::to_string(part));
  }
}

template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::string out;
  (append_to(out, parts), ...);
  return out;
}

// "axis name: " before each violation.
template <class O>
std::string subject() {
  return sentence(O::axis::name, " ", option_name<O>().view(), ": ");
}

// All that a law reports: `check` is called with a report that collects.
template <class Check>
std::vector<std::string> violations(const Check& check) {
  std::vector<std::string> found;
  check([&found](std::string text) { found.push_back(std::move(text)); });
  return found;
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
