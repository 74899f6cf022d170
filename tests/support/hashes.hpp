// SPDX-License-Identifier: Apache-2.0
// Hash functors that are bad on purpose, for hashing::hash_with. They claim to avalanche so that the table
// uses them unmixed and meets the collisions they make:
//   constant_hash   one chain, one tag
//   one_bucket_hash low bits equal: one chain, many tags (policies that take bits from the low end)
//   one_tag_hash    high bits equal: many chains, one tag
//   faulty_hash     good, passes a fault point; for counted elements
#ifndef TOPHASH_TESTS_SUPPORT_HASHES_HPP
#define TOPHASH_TESTS_SUPPORT_HASHES_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "support/elements.hpp"
#include "support/faults.hpp"

namespace tophash::testing {

constexpr std::uint64_t scramble(std::uint64_t n) noexcept {
  n = (n ^ (n >> 32)) * 0xd6e8feb86659fd93u;
  n = (n ^ (n >> 32)) * 0xd6e8feb86659fd93u;
  return n ^ (n >> 32);
}

struct number_of {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return key; }
  std::uint64_t operator()(const std::string& key) const noexcept { return std::hash<std::string>{}(key); }
  template <int Tag, moves Moves>
  std::uint64_t operator()(const counted<Tag, Moves>& key) const {
    pass_fault_point(fault_point::hash);
    return key.number();
  }
  template <std::size_t Bytes>
  std::uint64_t operator()(const wide<Bytes>& key) const noexcept {
    return key.number();
  }
};

struct constant_hash {
  static constexpr const char* name = "constant";
  using is_avalanching = void;
  template <class Key>
  std::uint64_t operator()(const Key& key) const {
    static_cast<void>(number_of{}(key));  // pays the key's fault point
    return 0x5a5a5a5a5a5a5a5au;
  }
};

struct one_bucket_hash {
  static constexpr const char* name = "one_bucket";
  using is_avalanching = void;
  template <class Key>
  std::uint64_t operator()(const Key& key) const {
    return scramble(number_of{}(key)) << 40;
  }
};

struct one_tag_hash {
  static constexpr const char* name = "one_tag";
  using is_avalanching = void;
  template <class Key>
  std::uint64_t operator()(const Key& key) const {
    return scramble(number_of{}(key)) & 0xffffffu;
  }
};

// Throws nothing, also of elements that could.
struct steady_hash {
  static constexpr const char* name = "steady";
  using is_avalanching = void;
  template <class Key>
  std::uint64_t operator()(const Key& key) const noexcept {
    return scramble(key.number() + 0x1234567u);
  }
};

struct faulty_hash {
  static constexpr const char* name = "faulty";
  using is_avalanching = void;
  template <class Key>
  std::uint64_t operator()(const Key& key) const {
    return scramble(number_of{}(key) + 0x1234567);
  }
};

}  // namespace tophash::testing

#endif
