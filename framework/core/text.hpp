// SPDX-License-Identifier: Apache-2.0
// A short text built while compiling: the name of an option with its parameters, a spec's canonical text.
// Capacity is fixed; a name that does not fit is a compile error (an index past the array in a constant).
#ifndef TOPHASH_FRAMEWORK_CORE_TEXT_HPP
#define TOPHASH_FRAMEWORK_CORE_TEXT_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tophash::inline v1 {

template <std::size_t Capacity>
struct text {
  char chars[Capacity] = {};
  std::size_t length = 0;

  constexpr text() = default;
  constexpr explicit(false) text(std::string_view s) { append(s); }

  constexpr text& append(std::string_view s) {
    for (char c : s) chars[length++] = c;
    return *this;
  }

  constexpr text& append(std::uint64_t n) {
    char digits[20] = {};
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + n % 10);
      n /= 10;
    } while (n != 0);
    while (count != 0) chars[length++] = digits[--count];
    return *this;
  }

  constexpr std::string_view view() const noexcept { return {chars, length}; }
  constexpr explicit(false) operator std::string_view() const noexcept { return view(); }
};

using option_text = text<384>;  // one option with its parameters, wrapped ones included
using spec_text = text<2048>;   // a whole spec

// The spelling of a type as the compiler gives it, for an option that has no name of its own.
template <class T>
constexpr std::string_view type_spelling() noexcept {
#if defined(__clang__) || defined(__GNUC__)
  constexpr std::string_view all = __PRETTY_FUNCTION__;
  constexpr std::size_t from = all.find("T = ") + 4;
  constexpr std::size_t to = all.find_first_of(";]", from);
  return all.substr(from, to - from);
#else
  return "unnamed";
#endif
}

}  // namespace tophash::inline v1

#endif
