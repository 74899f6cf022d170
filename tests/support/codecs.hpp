// SPDX-License-Identifier: Apache-2.0
// Key and value types of the battery, each with its way from a small number and back. A value also says how
// it is overwritten without a throw. `name` goes into the pairwise cover.
#ifndef TOPHASH_TESTS_SUPPORT_CODECS_HPP
#define TOPHASH_TESTS_SUPPORT_CODECS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "support/elements.hpp"

namespace tophash::testing {

struct u64_codec {
  static constexpr bool covered = true;  // takes part in the pairwise cover
  static constexpr const char* name = "u64";
  using type = std::uint64_t;
  static type make(std::uint32_t n) { return n; }
  static std::uint32_t number(const type& v) { return static_cast<std::uint32_t>(v); }
  static void set(type& v, std::uint32_t n) noexcept { v = n; }
};

// Short and long strings by turns, so that some live on the heap.
struct string_codec {
  static constexpr bool covered = true;
  static constexpr const char* name = "string";
  using type = std::string;
  static type make(std::uint32_t n) {
    if (n == 0) return {};
    std::string out = std::to_string(n);
    if (n % 2 == 1) out.append(40, '.');
    return out;
  }
  static std::uint32_t number(const type& v) {
    return static_cast<std::uint32_t>(std::strtoul(v.c_str(), nullptr, 10));
  }
  static void set(type& v, std::uint32_t n) noexcept { v = make(n); }
};

template <class Element, bool Covered = true>
struct element_codec {
  static constexpr bool covered = Covered;
  using type = Element;
  static type make(std::uint32_t n) { return type(n); }
  static std::uint32_t number(const type& v) { return v.number(); }
  static void set(type& v, std::uint32_t n) noexcept {
    if constexpr (requires { v.set(n); })
      v.set(n);
    else if constexpr (requires { v = type(n); })
      v = type(n);
  }
};

struct counted_key_codec : element_codec<counted_key> {
  static constexpr const char* name = "counted";
};
struct counted_value_codec : element_codec<counted_value> {
  static constexpr const char* name = "counted";
};
struct steady_key_codec : element_codec<steady_key, false> {
  static constexpr const char* name = "steady";
};
struct steady_value_codec : element_codec<steady_value> {
  static constexpr const char* name = "steady";
};
struct minimal_key_codec : element_codec<minimal_key, false> {
  static constexpr const char* name = "minimal";
};
struct minimal_value_codec : element_codec<minimal_value> {
  static constexpr const char* name = "minimal";
};
struct wide_key_codec : element_codec<wide<136>> {
  static constexpr const char* name = "wide136";
};
struct wide_value_codec : element_codec<wide<200>> {
  static constexpr const char* name = "wide200";
};
struct small_value_codec : element_codec<wide<3>> {
  static constexpr const char* name = "wide3";
};

// The ledgers behind a codec's type, where it has any.
template <class Codec>
instance_ledger* ledger_of() {
  if constexpr (requires { Codec::type::ledger(); })
    return &Codec::type::ledger();
  else
    return nullptr;
}

}  // namespace tophash::testing

#endif
