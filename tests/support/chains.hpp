// SPDX-License-Identifier: Apache-2.0
// Reads a map's buckets from outside: raw bytes of the blocks that a recording_resource handed out, by the
// geometry that each request carries (trace_info). What the layout says of itself is thereby checked by code
// that shares nothing with it. Tags as the layout's byte diagram documents them.
#ifndef TOPHASH_TESTS_SUPPORT_CHAINS_HPP
#define TOPHASH_TESTS_SUPPORT_CHAINS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/core/trace_info.hpp>

#include "support/storage.hpp"

namespace tophash::testing {

inline constexpr std::uint8_t empty_rest_tag = 0, empty_one_tag = 1, first_live_tag = 6;

struct chain {
  std::vector<std::uint8_t> tags;  // of all its buckets in order
  std::size_t buckets = 0;
};

// Every chain of every array alive in the resource.
inline std::vector<chain> chains_in(const recording_resource& storage) {
  std::vector<chain> out;
  storage.for_each_block([&out](const unsigned char* block, const request& asked) {
    if (asked.use != purpose::slots || asked.trace == nullptr) return;
    const trace_info& shape = *asked.trace;
    for (std::size_t at = 0; at + shape.bucket_bytes <= asked.bytes; at += shape.bucket_bytes) {
      chain read;
      for (const unsigned char* bucket = block + at; bucket != nullptr && read.buckets < 100000;) {
        for (std::size_t i = 0; i < shape.slots; ++i)
          read.tags.push_back(bucket[shape.tags_offset_bytes + i]);
        ++read.buckets;
        std::memcpy(&bucket, bucket + shape.link_offset_bytes, sizeof bucket);
      }
      out.push_back(std::move(read));
    }
  });
  return out;
}

// Go's invariant: after the first empty_rest everything is, and the slot before it is not empty_one.
inline std::string collapse_violation(const std::vector<chain>& chains) {
  for (std::size_t c = 0; c < chains.size(); ++c) {
    const std::vector<std::uint8_t>& tags = chains[c].tags;
    std::size_t rest = 0;
    while (rest < tags.size() && tags[rest] != empty_rest_tag) ++rest;
    for (std::size_t i = rest; i < tags.size(); ++i) {
      if (tags[i] != empty_rest_tag) {
        return "chain " + std::to_string(c) + ": slot " + std::to_string(i) +
               " is in use after an empty_rest";
      }
    }
    if (rest != 0 && rest < tags.size() && tags[rest - 1] == empty_one_tag) {
      return "chain " + std::to_string(c) + ": empty_one before the first empty_rest, slot " +
             std::to_string(rest);
    }
  }
  return {};
}

inline std::size_t count_tags(const std::vector<chain>& chains, std::uint8_t wanted) {
  std::size_t n = 0;
  for (const chain& c : chains) {
    for (const std::uint8_t tag : c.tags) n += tag == wanted ? 1u : 0u;
  }
  return n;
}

}  // namespace tophash::testing

#endif
