// SPDX-License-Identifier: Apache-2.0
// What the values of a variant are (--value): the lab's number alone, the number in N bytes of the entry, or
// a block of the size that the record names, which the entry points to. See lab/values.hpp for the types.
#ifndef TOPHASH_BENCH_LAB_VALUE_KIND_HPP
#define TOPHASH_BENCH_LAB_VALUE_KIND_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tophash::lab {

struct value_kind {
  enum class where : std::uint8_t { number, inside, boxed, collected };
  static constexpr std::size_t inline_max_bytes = 4096;

  where how = where::number;
  std::size_t inline_bytes = sizeof(std::uint64_t);

  bool usual() const noexcept { return how == where::number; }
  bool points() const noexcept { return how == where::boxed || how == where::collected; }

  // As --value takes it.
  std::string text() const {
    switch (how) {
    case where::number:
      return {};
    case where::inside:
      return "inline:" + std::to_string(inline_bytes);
    case where::boxed:
      return "boxed";
    case where::collected:
      return "gc";
    }
    return {};
  }
  std::string spelling() const {
    switch (how) {
    case where::number:
      return "std::uint64_t";
    case where::inside:
      return "tophash::lab::inline_value<" + std::to_string(inline_bytes) + ">";
    case where::boxed:
      return "tophash::lab::boxed_value";
    case where::collected:
      return "tophash::lab::collected_value";
    }
    return {};
  }
  friend bool operator==(const value_kind&, const value_kind&) = default;
};

// inline:N (a multiple of 8 up to 4096; inline:8 is the number alone), boxed, gc. Nothing: it is none of
// them.
inline std::optional<value_kind> parse_value_kind(std::string_view text) {
  using where = value_kind::where;
  if (text.empty()) return value_kind{};
  if (text == "boxed") return value_kind{.how = where::boxed};
  if (text == "gc") return value_kind{.how = where::collected};
  constexpr std::string_view inside = "inline:";
  if (!text.starts_with(inside)) return std::nullopt;
  const char* const end = text.data() + text.size();
  std::size_t bytes = 0;
  const auto [stop, error] = std::from_chars(text.data() + inside.size(), end, bytes);
  if (error != std::errc{} || stop != end || bytes == 0 || bytes % sizeof(std::uint64_t) != 0 ||
      bytes > value_kind::inline_max_bytes)
    return std::nullopt;
  if (bytes == sizeof(std::uint64_t)) return value_kind{};
  return value_kind{.how = where::inside, .inline_bytes = bytes};
}

}  // namespace tophash::lab

#endif
