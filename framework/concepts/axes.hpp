// SPDX-License-Identifier: Apache-2.0
// The axes of composition, as tags. An option is any type with a nested `axis` that names one of them; there
// is no base class and no registration. `preset` is the tag of a bundle of options.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_AXES_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_AXES_HPP

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace axes {

struct layout { static constexpr std::size_t index = 0; static constexpr std::string_view name = "layout"; };
struct hashing { static constexpr std::size_t index = 1; static constexpr std::string_view name = "hashing"; };
struct sizing { static constexpr std::size_t index = 2; static constexpr std::string_view name = "sizing"; };
struct deletion { static constexpr std::size_t index = 3; static constexpr std::string_view name = "deletion"; };
struct load { static constexpr std::size_t index = 4; static constexpr std::string_view name = "load"; };
struct growth { static constexpr std::size_t index = 5; static constexpr std::string_view name = "growth"; };
struct overflow { static constexpr std::size_t index = 6; static constexpr std::string_view name = "overflow"; };
struct allocation { static constexpr std::size_t index = 7; static constexpr std::string_view name = "allocation"; };
struct iteration { static constexpr std::size_t index = 8; static constexpr std::string_view name = "iteration"; };
struct sync { static constexpr std::size_t index = 9; static constexpr std::string_view name = "sync"; };
struct observe { static constexpr std::size_t index = 10; static constexpr std::string_view name = "observe"; };
inline constexpr std::size_t count = 11;

struct preset { static constexpr std::string_view name = "preset"; };

}  // namespace axes

template <class O>
concept option = requires { typename O::axis; };

// The name an option prints and parses by. `name` may be a string or a function that builds one; an option
// without it prints as its type's spelling in angle brackets, which does not parse.
template <class O>
constexpr option_text option_name() {
  option_text out;
  if constexpr (requires { O::name(); }) {
    out.append(std::string_view{O::name()});
  } else if constexpr (requires { std::string_view{O::name}; }) {
    out.append(std::string_view{O::name});
  } else {
    out.append("<").append(type_spelling<O>()).append(">");
  }
  return out;
}

template <class O>
constexpr bool has_name() {
  return requires { O::name(); } || requires { std::string_view{O::name}; };
}

}  // namespace tophash::inline v1

#endif
