// SPDX-License-Identifier: Apache-2.0
// The rules of composition, judged from facts alone: when compiling by `resolution`, at run time by the lab
// from a spec's text, with the same conditions. A pack that breaks a rule resolves to a safe spec, and the one
// assertion that fires lives in `verdict`: the user sees one error with one sentence.
#ifndef TOPHASH_FRAMEWORK_COMPOSE_RULES_HPP
#define TOPHASH_FRAMEWORK_COMPOSE_RULES_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <tophash/framework/compose/spec.hpp>
#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/deletion.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/growth.hpp>
#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/concepts/layout.hpp>
#include <tophash/framework/concepts/load.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/concepts/sizing.hpp>
#include <tophash/framework/core/relocate.hpp>
#include <tophash/framework/core/trace_info.hpp>

namespace tophash::inline v1 {

// The options as given, before one is picked for each axis.
struct pack_facts {
  std::size_t strangers = 0;
  std::size_t duplicates = 0;
  std::size_t preset_conflicts = 0;
  bool layout_conforms = true;
  bool sizing_conforms = true;
  bool deletion_conforms = true;
  bool load_conforms = true;
  bool growth_conforms = true;
  bool overflow_conforms = true;
  bool allocation_conforms = true;
  bool observer_is_told_of_reads = false;  // it takes found, missed, probed or searched, stated or not
};

enum class rule_kind : std::uint8_t { pack, typed };

struct rule_row {
  const char* id;
  const char* axes;
  rule_kind kind;
  const char* condition;
  const char* sentence;
  const char* remedy;
};

inline constexpr rule_row rules[] = {
#define TOPHASH_RULE(id, axes, kind, condition, sentence, remedy) \
  {#id, axes, rule_kind::kind, #condition, sentence, remedy},
#include <tophash/framework/compose/rules.def>
#undef TOPHASH_RULE
};

inline constexpr std::size_t rule_count = sizeof(rules) / sizeof(rules[0]);
inline constexpr std::size_t no_rule = rule_count;

namespace compose_steps {

constexpr std::size_t judge(const pack_facts& p, const spec_facts& f, const type_facts& t, bool typed) noexcept {
  std::size_t index = 0;
#define TOPHASH_RULE(id, axes, kind, condition, sentence, remedy)                    \
  if ((rule_kind::kind == rule_kind::pack || typed) && (condition)) return index; \
  ++index;
#include <tophash/framework/compose/rules.def>
#undef TOPHASH_RULE
  return no_rule;
}

}  // namespace compose_steps

// Index of the first rule that the facts break, or no_rule. Without type facts only pack rules are judged.
constexpr std::size_t first_violation(const pack_facts& p, const spec_facts& f) noexcept {
  return compose_steps::judge(p, f, type_facts{}, false);
}
constexpr std::size_t first_violation(const pack_facts& p, const spec_facts& f, const type_facts& t) noexcept {
  return compose_steps::judge(p, f, t, true);
}

namespace compose_steps {

enum class rule_index : std::size_t {
#define TOPHASH_RULE(id, axes, kind, condition, sentence, remedy) id,
#include <tophash/framework/compose/rules.def>
#undef TOPHASH_RULE
};

// The only class whose assertions speak of compositions.
template <std::size_t Violated>
struct verdict {
#define TOPHASH_RULE(id, axes, kind, condition, sentence, remedy) \
  static_assert(Violated != static_cast<std::size_t>(rule_index::id), "tophash[" axes "]: " sentence "; " remedy);
#include <tophash/framework/compose/rules.def>
#undef TOPHASH_RULE
};

template <class O, class Facts>
constexpr Facts facts_or_default() noexcept {
  if constexpr (requires { static_cast<Facts>(O::facts); }) {
    return O::facts;
  } else {
    return Facts{};
  }
}

template <class A>
constexpr allocation_facts allocation_facts_of() noexcept {
  // A handle that decides at run time is judged where the decision is known, not here.
  const bool late = decides_visibility_at_run_time<A>();
  const storage_fault fault = storage_fault_of<A>();
  return {.sees = late ? visibility::opaque : static_visibility<A>(),
          .handle_bytes = sizeof(A),
          .mixed_visibility = fault == storage_fault::mixed_visibility,
          .unknown_owner = fault == storage_fault::unknown_owner,
          .thread_bound = is_thread_bound<A>(),
          .unsynchronised = is_unsynchronised<A>(),
          .hoards = hoards_blocks<A>(),
          .takes_census = tophash::takes_census<A>,
          .align_max_bytes = strictest_align_bytes<A>()};
}

}  // namespace compose_steps

template <class Spec>
constexpr spec_facts facts_of() noexcept {
  using namespace compose_steps;
  return {
      .layout = facts_or_default<typename Spec::layout, layout_facts>(),
      .hashing = facts_or_default<typename Spec::hashing, hashing_facts>(),
      .sizing = facts_or_default<typename Spec::sizing, sizing_facts>(),
      .deletion = facts_or_default<typename Spec::deletion, deletion_facts>(),
      .load = facts_or_default<typename Spec::load, load_facts>(),
      .growth = facts_or_default<typename Spec::growth, growth_facts>(),
      .overflow = facts_or_default<typename Spec::overflow, overflow_facts>(),
      .allocation = allocation_facts_of<typename Spec::allocation>(),
      .iteration = facts_or_default<typename Spec::iteration, iteration_facts>(),
      .sync = facts_or_default<typename Spec::sync, sync_facts>(),
      .observe = facts_or_default<typename Spec::observe, observe_facts>(),
  };
}

namespace compose_steps {

template <class Axis, class... Options>
constexpr void count_axis(pack_facts& p) noexcept {
  if (explicit_count<Axis, Options...> > 1) ++p.duplicates;
  if (explicit_count<Axis, Options...> == 0 && preset_count<Axis, Options...> > 1) ++p.preset_conflicts;
}

template <class Spec, class... Options>
constexpr pack_facts pack_facts_of() noexcept {
  pack_facts p;
  p.strangers = (std::size_t{0} + ... + std::size_t{!option<Options>});
  for_each_axis<Spec>([&p]<class Axis, class Option>() { count_axis<Axis, Options...>(p); });
  p.layout_conforms = layout_option<typename Spec::layout>;
  p.sizing_conforms = sizing_policy<typename Spec::sizing>;
  p.deletion_conforms = deletion_policy<typename Spec::deletion>;
  p.load_conforms = load_policy<typename Spec::load>;
  p.growth_conforms = growth_policy<typename Spec::growth>;
  p.overflow_conforms = overflow_source<typename Spec::overflow, typename Spec::allocation>;
  p.allocation_conforms = allocation_backend<typename Spec::allocation>;
  using observer_type = typename Spec::observe;
  p.observer_is_told_of_reads = takes_event<observer_type, events::found> || takes_event<observer_type, events::missed> ||
                                takes_event<observer_type, events::probed> || takes_event<observer_type, events::searched>;
  return p;
}

template <std::size_t Violated, class Spec, class Fallback>
struct judged {
  static constexpr std::size_t said = sizeof(verdict<Violated>);  // instantiates the assertions
  using type = std::conditional_t<Violated == no_rule && said != 0, Spec, Fallback>;
};

}  // namespace compose_steps

// The spec that a pack means, or the fallback after one error. Defaults and Fallback carry `options` and `spec`.
template <class Defaults, class Fallback, class... Options>
struct resolution {
  using wanted = compose_steps::spec_of<Defaults, Options...>;
  static constexpr std::size_t violated =
      first_violation(compose_steps::pack_facts_of<wanted, Options...>(), facts_of<wanted>());
  using type = typename compose_steps::judged<violated, wanted, Fallback>::type;
};

template <class Key, class T, class Spec>
constexpr type_facts type_facts_of() noexcept {
  type_facts t;
  const layout_facts layout = facts_of<Spec>().layout;
  t.key_bytes = sizeof(Key);
  t.align_bytes = alignof(Key);
  if constexpr (!std::is_void_v<T>) {
    t.value_bytes = sizeof(T);
    if (alignof(T) > t.align_bytes) t.align_bytes = alignof(T);
  }
  t.key_deferred = deferred_destruction<Key>;
  t.value_deferred = deferred_destruction<T>;
  t.key_may_point = gc_traits<Key>::may_contain_pointers;
  t.value_may_point = gc_traits<T>::may_contain_pointers;
  t.key_collected = holds_collected<Key>();
  t.value_collected = holds_collected<T>();
  t.key_traceable = traceable<Key>;
  if constexpr (!std::is_void_v<T>) t.value_traceable = traceable<T>;
  t.hashable = hashing_policy<typename Spec::hashing, Key>;
  t.key_identity = equality_is_identity<Key>;
  t.key_movable = std::is_move_constructible_v<Key>;
  if constexpr (!std::is_void_v<T>) t.value_movable = std::is_move_constructible_v<T>;
  t.boxed = layout.boxes(t.key_bytes, t.value_bytes);
  t.moving_may_throw = !nothrow_relocatable<Key>;
  if constexpr (!std::is_void_v<T>) t.moving_may_throw = t.moving_may_throw || !nothrow_relocatable<T>;
  if constexpr (hashing_policy<typename Spec::hashing, Key>) {
    t.hashing_may_throw =
        !noexcept(std::declval<const typename Spec::hashing&>().hash(std::declval<const Key&>()));
  }
  return t;
}

// The second judgement, once Key and T are known.
template <class Key, class T, class Spec, class Fallback>
struct typed_resolution {
  static constexpr type_facts types = type_facts_of<Key, T, Spec>();
  static constexpr std::size_t violated = first_violation(pack_facts{}, facts_of<Spec>(), types);
  using type = typename compose_steps::judged<violated, Spec, Fallback>::type;
};

}  // namespace tophash::inline v1

#endif
