// SPDX-License-Identifier: Apache-2.0
// Laws of every option, whatever its axis: it stands on the axis it is used for, and a name it has can be
// written into a spec and read back. A name is lower-case words, digits and underscores, parameters in
// balanced parentheses, separated by commas; no blank, and no `=`, which separates an axis from its option.
#ifndef TOPHASH_TESTS_LAWS_OPTION_HPP
#define TOPHASH_TESTS_LAWS_OPTION_HPP

#include <string_view>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>

#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

// Empty, or what keeps `name` from being written into a spec.
constexpr std::string_view name_fault(std::string_view name) noexcept {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz", more = "0123456789_(),.";
  if (name.empty()) return "it is empty";
  if (letters.find(name.front()) == letters.npos) return "it does not begin with a lower-case letter";
  int depth = 0;
  for (char c : name) {
    const bool names_an_argument = c == '=' && depth > 0;
    if (letters.find(c) == letters.npos && more.find(c) == more.npos && !names_an_argument)
      return "it has a character that no spec takes";
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return "a parenthesis closes that never opened";
    if (c == ',' && depth == 0) return "a comma outside parentheses would end the option";
  }
  return depth == 0 ? std::string_view{} : "a parenthesis stays open";
}

template <class O, class Axis, class Report>
void check_option(Report&& report) {
  static_assert(option<O>, "an option has a nested type `axis`");
  if constexpr (!std::is_same_v<typename O::axis, Axis>) {
    report(sentence(subject<O>(), "is checked as an option of the axis ", Axis::name));
  }
  if constexpr (has_name<O>()) {
    const std::string_view fault = name_fault(option_name<O>().view());
    if (!fault.empty()) report(sentence(subject<O>(), "its name cannot stand in a spec: ", fault));
  }
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
