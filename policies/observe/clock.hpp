// SPDX-License-Identifier: Apache-2.0
// The clock of an observer that notes times: any clock of <chrono>'s kind whose now() does not throw, or
// no_clock, which reads as 0 at no cost. std::chrono::steady_clock costs some 20 ns a reading on Linux.
#ifndef TOPHASH_POLICIES_OBSERVE_CLOCK_HPP
#define TOPHASH_POLICIES_OBSERVE_CLOCK_HPP

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace tophash::inline v1 {

namespace observe {

struct no_clock {};

template <class Clock>
inline constexpr bool has_clock = !std::is_same_v<Clock, no_clock>;

// As a SPEC spells it; empty for a clock that no SPEC can name.
template <class Clock>
inline constexpr std::string_view clock_name = {};
template <>
inline constexpr std::string_view clock_name<no_clock> = "no_clock";
template <>
inline constexpr std::string_view clock_name<std::chrono::steady_clock> = "steady_clock";

// Nanoseconds since the clock's epoch.
template <class Clock>
std::uint64_t clock_ns() noexcept {
  if constexpr (has_clock<Clock>) {
    const auto since = Clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
  } else {
    return 0;
  }
}

}  // namespace observe

}  // namespace tophash::inline v1

#endif
