// SPDX-License-Identifier: Apache-2.0
// Picking one option an axis out of a pack, whatever its order. An explicit option beats a preset's; a preset's
// beats the default; a preset may build on another one, which it beats in turn.
#ifndef TOPHASH_FRAMEWORK_COMPOSE_AXIS_HPP
#define TOPHASH_FRAMEWORK_COMPOSE_AXIS_HPP

#include <cstddef>
#include <type_traits>

#include <tophash/framework/concepts/axes.hpp>

namespace tophash::inline v1 {

// A preset is a named bundle: `using axis = axes::preset; using options = bundle<...>;`.
template <class... Options>
struct bundle {};

namespace compose_steps {

template <class O>
consteval bool is_preset() {
  if constexpr (requires { typename O::axis; }) {
    return std::is_same_v<typename O::axis, axes::preset>;
  } else {
    return false;
  }
}

template <class O, class Axis>
consteval bool is_on() {
  if constexpr (requires { typename O::axis; }) {
    return std::is_same_v<typename O::axis, Axis>;
  } else {
    return false;
  }
}

template <class Axis, class... Options>
struct pick_explicit {
  using type = void;
};
template <class Axis, class First, class... Rest>
struct pick_explicit<Axis, First, Rest...> {
  using type = typename std::conditional_t<is_on<First, Axis>(), std::type_identity<First>,
                                           pick_explicit<Axis, Rest...>>::type;
};

template <class Axis, class Bundle>
struct pick_in;

template <class O, bool = is_preset<O>()>
struct options_of {
  using type = bundle<>;
};
template <class O>
struct options_of<O, true> {
  using type = typename O::options;
};

template <class Axis, class... Options>
struct pick_preset {
  using type = void;
};
template <class Axis, class First, class... Rest>
struct pick_preset<Axis, First, Rest...> {
  using found = typename pick_in<Axis, typename options_of<First>::type>::type;
  using type = typename std::conditional_t<std::is_void_v<found>, pick_preset<Axis, Rest...>,
                                           std::type_identity<found>>::type;
};

template <class Axis, class... Options>
struct pick_in<Axis, bundle<Options...>> {
  using named = typename pick_explicit<Axis, Options...>::type;
  using type =
      typename std::conditional_t<std::is_void_v<named>, pick_preset<Axis, Options...>, std::type_identity<named>>::type;
};

// How many options of the pack are on the axis by name, and how many presets set it.
template <class Axis, class... Options>
inline constexpr std::size_t explicit_count = (std::size_t{0} + ... + std::size_t{is_on<Options, Axis>()});

template <class Axis, class O>
consteval bool preset_sets() {
  return !std::is_void_v<typename pick_in<Axis, typename options_of<O>::type>::type>;
}

template <class Axis, class... Options>
inline constexpr std::size_t preset_count = (std::size_t{0} + ... + std::size_t{preset_sets<Axis, Options>()});

}  // namespace compose_steps

}  // namespace tophash::inline v1

#endif
