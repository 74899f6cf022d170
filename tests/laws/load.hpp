// SPDX-License-Identifier: Apache-2.0
// Laws of a load policy: the limit is at least 1, holds one unit's slots, rises with the units and does not
// wrap at the largest numbers; units_for is its inverse (the least number of units, 0 only where there is
// none); both answer the same when asked again; and the stated facts are what the limit follows.
#ifndef TOPHASH_TESTS_LAWS_LOAD_HPP
#define TOPHASH_TESTS_LAWS_LOAD_HPP

#include <cstddef>
#include <limits>
#include <vector>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/load.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

// Ascending: small ones, those around each power of two, and some at random in between.
inline std::vector<std::size_t> load_samples() {
  std::vector<std::size_t> all;
  for (std::size_t n = 1; n <= 600; ++n) all.push_back(n);
  sampler draw(11);
  for (int k = 10; k != std::numeric_limits<std::size_t>::digits; ++k) {
    const std::size_t power = std::size_t{1} << k;
    all.push_back(power - 1);
    all.push_back(power);
    all.push_back(power + 1);
    all.push_back(power + 2 + draw.below(power / 2));
  }
  all.push_back(std::numeric_limits<std::size_t>::max());
  return all;
}

template <class L, class Report>
void check_limit(const L& l, std::size_t slots, Report&& report) {
  if (l.limit(1, slots) < slots) {
    report(sentence(subject<L>(), "one unit of ", slots, " slots is full at ", l.limit(1, slots)));
  }
  std::size_t last_units = 0, last = 0;
  for (std::size_t units : load_samples()) {
    const std::size_t limit = l.limit(units, slots);
    if (limit == 0) report(sentence(subject<L>(), units, " units of ", slots, " slots hold nothing"));
    if (limit != l.limit(units, slots))
      report(sentence(subject<L>(), "limit(", units, ") changes when asked again"));
    if (limit < last) {
      report(sentence(subject<L>(), "not monotone with ", slots, " slots: limit(", last_units, ") is ", last,
                      ", limit(", units, ") is ", limit));
      return;
    }
    last_units = units, last = limit;
  }
}

template <class L, class Report>
void check_units_for(const L& l, std::size_t slots, Report&& report) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  for (std::size_t entries : load_samples()) {
    const std::size_t units = l.units_for(entries, slots);
    if (units == 0) {
      if (l.limit(most, slots) < entries) continue;
      report(sentence(subject<L>(), "units_for(", entries, ", ", slots, ") is 0, though ", most,
                      " units take ", l.limit(most, slots)));
      return;
    }
    if (l.limit(units, slots) < entries) {
      report(sentence(subject<L>(), "units_for(", entries, ", ", slots, ") is ", units, ", which take only ",
                      l.limit(units, slots)));
      return;
    }
    if (units > 1 && l.limit(units - 1, slots) >= entries) {
      report(sentence(subject<L>(), "units_for(", entries, ", ", slots, ") is ", units, ", but ", units - 1,
                      " take ", l.limit(units - 1, slots)));
      return;
    }
  }
}

// Over whole multiples of the denominator the limit is exactly what the facts say.
template <class L, class Report>
void check_load_facts(const L& l, std::size_t slots, Report&& report) {
  if constexpr (requires { L::facts; }) {
    constexpr load_facts facts = L::facts;
    if (facts.numerator == 0 || facts.denominator == 0) {
      report(sentence(subject<L>(), "its facts say ", facts.numerator, " / ", facts.denominator,
                      " entries a unit"));
      return;
    }
    for (std::size_t k : {1000u, 4096u, 1000000u}) {
      const std::size_t limit = l.limit(k * facts.denominator, slots), stated = k * facts.numerator;
      if (limit != stated && stated >= slots) {
        report(sentence(subject<L>(), "its facts make ", k * facts.denominator, " units full at ", stated,
                        ", its limit says ", limit));
        return;
      }
    }
  }
}

template <class L, class Report>
void check_load(const L& l, Report&& report) {
  static_assert(load_policy<L>);
  check_option<L, axes::load>(report);
  for (std::size_t slots : {1u, 2u, 8u, 16u}) {
    check_limit(l, slots, report);
    check_units_for(l, slots, report);
    check_load_facts(l, slots, report);
  }
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
