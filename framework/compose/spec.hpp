// SPDX-License-Identifier: Apache-2.0
// A spec: exactly one option an axis, in the axes' order. Two packs that mean the same composition name the
// same spec, so the order of options never makes a second type.
#ifndef TOPHASH_FRAMEWORK_COMPOSE_SPEC_HPP
#define TOPHASH_FRAMEWORK_COMPOSE_SPEC_HPP

#include <cstddef>

#include <tophash/framework/compose/axis.hpp>
#include <tophash/framework/concepts/axes.hpp>

namespace tophash::inline v1 {

template <class Layout, class Hashing, class Sizing, class Deletion, class Load, class Growth, class Overflow,
          class Allocation, class Iteration, class Sync, class Observe>
struct spec {
  using layout = Layout;
  using hashing = Hashing;
  using sizing = Sizing;
  using deletion = Deletion;
  using load = Load;
  using growth = Growth;
  using overflow = Overflow;
  using allocation = Allocation;
  using iteration = Iteration;
  using sync = Sync;
  using observe = Observe;
};

// Calls f.template operator()<Axis, Option>() for every axis in order.
template <class Spec, class F>
constexpr void for_each_axis(F&& f) {
  f.template operator()<axes::layout, typename Spec::layout>();
  f.template operator()<axes::hashing, typename Spec::hashing>();
  f.template operator()<axes::sizing, typename Spec::sizing>();
  f.template operator()<axes::deletion, typename Spec::deletion>();
  f.template operator()<axes::load, typename Spec::load>();
  f.template operator()<axes::growth, typename Spec::growth>();
  f.template operator()<axes::overflow, typename Spec::overflow>();
  f.template operator()<axes::allocation, typename Spec::allocation>();
  f.template operator()<axes::iteration, typename Spec::iteration>();
  f.template operator()<axes::sync, typename Spec::sync>();
  f.template operator()<axes::observe, typename Spec::observe>();
}

namespace compose_steps {

template <class Axis, class Defaults, class... Options>
struct pick_or_default {
  using picked = typename pick_in<Axis, bundle<Options...>>::type;
  using type = typename std::conditional_t<std::is_void_v<picked>, pick_in<Axis, typename Defaults::options>,
                                           std::type_identity<picked>>::type;
};

template <class Axis, class Defaults, class... Options>
using pick_t = typename pick_or_default<Axis, Defaults, Options...>::type;

// A default may depend on the layout: what `Defaults::beside<Layout>` (a bundle) names beats what Defaults
// names.
template <class Defaults, class Layout>
struct defaults_beside {
  using options = typename Defaults::options;
};
template <class Defaults, class Layout>
  requires requires { typename Defaults::template beside<Layout>; }
struct defaults_beside<Defaults, Layout> {
  struct otherwise {
    using axis = axes::preset;
    using options = typename Defaults::options;
  };
  template <class... Named>
  static bundle<Named..., otherwise> before(bundle<Named...>);
  using options = decltype(before(typename Defaults::template beside<Layout>{}));
};

template <class Defaults, class... Options>
using beside_layout_of = defaults_beside<Defaults, pick_t<axes::layout, Defaults, Options...>>;

template <class Defaults, class... Options>
using spec_of =
    spec<pick_t<axes::layout, Defaults, Options...>, pick_t<axes::hashing, Defaults, Options...>,
         pick_t<axes::sizing, Defaults, Options...>,
         pick_t<axes::deletion, beside_layout_of<Defaults, Options...>, Options...>,
         pick_t<axes::load, beside_layout_of<Defaults, Options...>, Options...>,
         pick_t<axes::growth, Defaults, Options...>,
         pick_t<axes::overflow, beside_layout_of<Defaults, Options...>, Options...>,
         pick_t<axes::allocation, Defaults, Options...>, pick_t<axes::iteration, Defaults, Options...>,
         pick_t<axes::sync, Defaults, Options...>, pick_t<axes::observe, Defaults, Options...>>;

}  // namespace compose_steps

}  // namespace tophash::inline v1

#endif
