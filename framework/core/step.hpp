// SPDX-License-Identifier: Apache-2.0
// What a growth policy answers: keep the array, move to one of another size, or move to a fresh one of the
// same size (which drops what erases left behind).
#ifndef TOPHASH_FRAMEWORK_CORE_STEP_HPP
#define TOPHASH_FRAMEWORK_CORE_STEP_HPP

#include <cstddef>
#include <cstdint>

namespace tophash::inline v1 {

enum class action : std::uint8_t { keep, resize, regrow };

struct plan {
  action what = action::keep;
  std::size_t units = 0;  // wanted size for `resize`; the sizing policy rounds it up

  static constexpr plan keep() noexcept { return {}; }
  static constexpr plan resize(std::size_t units) noexcept { return {action::resize, units}; }
  static constexpr plan regrow() noexcept { return {action::regrow, 0}; }

  friend constexpr bool operator==(const plan&, const plan&) = default;
};

// A growth quantum that evacuates the whole old array within the write that started the growth.
inline constexpr std::size_t whole_table = 0;

}  // namespace tophash::inline v1

#endif
