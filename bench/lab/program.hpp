// SPDX-License-Identifier: Apache-2.0
// What a variant is made to do: records (one map operation each, 16 bytes, made before any clock runs) cut
// into segments. A workload or a trace becomes a program once; every variant executes the same program, so
// equal results are a matter of comparing one number.
//
// What an operation adds to the checksum, with row = index of the record + 1 (so order matters):
//   get      (value + 1) * (2 row + 1) if present
//   set      insert_or_assign of value_of(size, row); (1 if new, else 2) * (2 row + 1)
//   erase    (number erased) * (2 row + 1)
//   modify   value of a present key += row; (new value + 1) * (2 row + 1)
//   audit    a mix of every key and value in the map, whatever their order; also at the end of every program
#ifndef TOPHASH_BENCH_LAB_PROGRAM_HPP
#define TOPHASH_BENCH_LAB_PROGRAM_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tophash::lab {

enum class key_kind : std::uint8_t { u64, string };
constexpr const char* key_kind_name(key_kind k) noexcept { return k == key_kind::u64 ? "u64" : "string"; }

enum class operation : std::uint8_t { get, set, erase, modify };

template <class Key>
struct record;

template <>
struct record<std::uint64_t> {
  std::uint64_t key;
  std::uint32_t size_bytes;
  operation what;
};

template <>
struct record<std::string> {
  const std::string* key;  // into the program's pool
  std::uint32_t size_bytes;
  operation what;
};

inline const std::uint64_t& key_of(const record<std::uint64_t>& r) noexcept { return r.key; }
inline const std::string& key_of(const record<std::string>& r) noexcept { return *r.key; }

constexpr std::uint64_t value_of(std::uint32_t size_bytes, std::uint64_t row) noexcept {
  return (std::uint64_t{size_bytes} << 32) ^ row;
}

enum class segment_kind : std::uint8_t {
  gets,  // every record is a get: a loop with nothing else in it
  sets,
  erases,
  mixed,    // each record says what it is
  cached,   // a cache of `amount` entries, least recently used out first: a set or a missed get inserts
  reserve,  // `amount` entries
  iterate,  // over the whole map
  clear,
  audit,    // every key and value, folded into the checksum; never timed
  inspect,  // chain statistics, and the probes of the real hits and misses of [begin, end)
};

struct segment {
  segment_kind kind = segment_kind::mixed;
  std::size_t begin = 0;  // records
  std::size_t end = 0;
  std::size_t amount = 0;
  std::uint32_t passes = 1;  // over [begin, end)
  bool measured = true;
};

template <class Key>
struct program {
  std::vector<record<Key>> records;
  std::vector<segment> segments;
  std::uint32_t repeats = 1;                            // each with a new map
  std::shared_ptr<const std::deque<std::string>> pool;  // string keys; addresses do not move
};

using any_program = std::variant<program<std::uint64_t>, program<std::string>>;

// Operations that are timed on their own when single operations are.
template <class Key>
std::size_t timed_operations(const program<Key>& p) noexcept {
  std::size_t out = 0;
  for (const segment& s : p.segments) {
    if (s.measured) out += (s.end - s.begin) * s.passes;
  }
  return out * p.repeats;
}

inline key_kind kind_of(const any_program& p) noexcept {
  return p.index() == 0 ? key_kind::u64 : key_kind::string;
}

}  // namespace tophash::lab

#endif
