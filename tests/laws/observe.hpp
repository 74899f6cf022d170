// SPDX-License-Identifier: Apache-2.0
// Laws of an observer: every on(event) it defines is noexcept; it states facts.on_const_paths exactly if it
// takes found, missed, probed or searched, and then takes them from a const reference; events told by several
// readers at once break nothing (run under ThreadSanitizer to make a race visible); it moves without exceptions;
// and it takes at least the events that its author lists, since a misspelt parameter is silently never
// called.
#ifndef TOPHASH_TESTS_LAWS_OBSERVE_HPP
#define TOPHASH_TESTS_LAWS_OBSERVE_HPP

#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

using tophash::takes_event;

template <class O, class Event>
concept takes_event_from_const = requires(const O& observer, const Event& event) { observer.on(event); };

template <class O, class Event>
constexpr bool takes_event_safely() noexcept {
  if constexpr (takes_event<O, Event>) {
    return noexcept(std::declval<O&>().on(std::declval<const Event&>()));
  } else {
    return true;
  }
}

template <class O>
constexpr observe_facts observe_facts_of() noexcept {
  if constexpr (requires { O::facts; }) {
    return O::facts;
  } else {
    return {};
  }
}

template <class O, class... Events, class Report>
void check_noexcept(Report&& report) {
  const auto one = [&](bool safe, std::string_view event) {
    if (!safe) report(sentence(subject<O>(), "on(", event, ") is not noexcept"));
  };
  (one(takes_event_safely<O, Events>(), type_spelling<Events>()), ...);
}

// Two threads tell one observer what two readers of one map would.
template <class O>
void look_up_concurrently(O& observer, int times) {
  const auto reader = [&observer, times] {
    for (int i = 0; i != times; ++i) {
      notify(observer, events::found{});
      notify(observer, events::missed{});
      notify(observer, events::probed{2, true});
      notify(observer, events::searched{events::search::lookup, 7, true});
    }
  };
  std::thread other(reader);
  reader();
  other.join();
}

// Expected: the events that this observer means to take.
template <class O, class... Expected, class Report>
void check_observer(O& o, Report&& report) {
  static_assert(observer<O>);
  check_option<O, axes::observe>(report);
  check_noexcept<O, events::found, events::missed, events::probed, events::searched, events::inserted,
                 events::resurrected, events::erased, events::swept, events::moved, events::retired, events::growth_started,
                 events::step_started, events::evacuated, events::step_finished, events::growth_finished,
                 events::sweep_started, events::sweep_finished, events::overflow_acquired,
                 events::overflow_released, events::cleared, events::discarded>(report);
  [[maybe_unused]] const auto expected = [&](bool taken, std::string_view event) {
    if (!taken) report(sentence(subject<O>(), "takes no ", event, ", which it is meant to take"));
  };
  (expected(takes_event<O, Expected>, type_spelling<Expected>()), ...);

  if (!std::is_nothrow_move_constructible_v<O> || !std::is_nothrow_move_assignable_v<O>)
    report(sentence(subject<O>(), "moves with exceptions, but a map's move has none"));

  constexpr bool takes = takes_event<O, events::found> || takes_event<O, events::missed> ||
                         takes_event<O, events::probed> || takes_event<O, events::searched>;
  constexpr bool safely = takes_event_safely<O, events::found>() && takes_event_safely<O, events::missed>() &&
                          takes_event_safely<O, events::probed>() &&
                          takes_event_safely<O, events::searched>();
  constexpr bool stated = observe_facts_of<O>().on_const_paths;
  if (takes && !stated)
    report(sentence(subject<O>(),
                    "takes found, missed, probed or searched, but facts.on_const_paths is false"));
  if (!takes && stated)
    report(sentence(subject<O>(),
                    "facts.on_const_paths is true, but it takes none of found, missed, probed, searched"));
  if ((takes_event<O, events::found> && !takes_event_from_const<O, events::found>) ||
      (takes_event<O, events::missed> && !takes_event_from_const<O, events::missed>) ||
      (takes_event<O, events::probed> && !takes_event_from_const<O, events::probed>) ||
      (takes_event<O, events::searched> && !takes_event_from_const<O, events::searched>)) {
    report(sentence(subject<O>(), "takes found, missed, probed or searched, but not from a const reference"));
  }
  if constexpr (takes && safely) {
    look_up_concurrently(o, 10000);
  }
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
