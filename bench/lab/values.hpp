// SPDX-License-Identifier: Apache-2.0
// The values that a variant can have beside the driver's number (--value). Each holds that number, so that
// results are comparable whatever the values are; each is made of it, and its upper half is the record's
// size.
//
//   inline_value<N>   N bytes of the entry: number 8 | zeros
//   boxed_value       an owned block of the map's storage (purpose side): number 8 | size 8 | the rest
//   collected_value   the same block, owned by nobody: the collector's
//
// A block has the record's size, 16 bytes at least. It is written when it is made, as a program would do.
#ifndef TOPHASH_BENCH_LAB_VALUES_HPP
#define TOPHASH_BENCH_LAB_VALUES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <tophash/allocators/erased.hpp>
#include <tophash/framework/core/trace_info.hpp>

namespace tophash::lab {

template <std::size_t Bytes>
struct inline_value {
  std::uint64_t words[Bytes / sizeof(std::uint64_t)]{};

  inline_value() = default;
  explicit(false) inline_value(std::uint64_t n) noexcept : words{n} {}
};

// Where blocks of values come from while a map runs: its own storage. One thread, one map at a time.
inline const allocators::erased* value_storage = nullptr;

struct value_block {
  std::uint64_t number;
  std::uint64_t bytes;

  static request request_of(std::uint64_t bytes) noexcept {
    return {.bytes = static_cast<std::size_t>(bytes),
            .align = alignof(value_block),
            .use = purpose::side,
            .trace = nullptr};
  }
  // Throws std::bad_alloc.
  static value_block* make(std::uint64_t n) {
    const std::uint64_t bytes = std::max<std::uint64_t>(n >> 32, sizeof(value_block));
    void* const p = value_storage->try_allocate(request_of(bytes));
    if (p == nullptr) throw std::bad_alloc();
    std::memset(p, 0, static_cast<std::size_t>(bytes));
    return ::new (p) value_block{n, bytes};
  }
};

class boxed_value {
 public:
  boxed_value() noexcept = default;
  explicit(false) boxed_value(std::uint64_t n) : block_(value_block::make(n)) {}
  boxed_value(const boxed_value& other)
      : block_(other.block_ == nullptr ? nullptr : copy_of(*other.block_)) {}
  boxed_value(boxed_value&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  boxed_value& operator=(boxed_value other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~boxed_value() {
    if (block_ != nullptr) value_storage->deallocate(block_, value_block::request_of(block_->bytes));
  }

  std::uint64_t& number() const noexcept { return block_->number; }

 private:
  static value_block* copy_of(const value_block& from) {
    value_block* const out = value_block::make(from.bytes << 32);
    out->number = from.number;
    return out;
  }

  value_block* block_ = nullptr;
};

class collected_value {
 public:
  collected_value() noexcept = default;
  explicit(false) collected_value(std::uint64_t n) : block_(value_block::make(n)) {}
  std::uint64_t& number() const noexcept { return block_->number; }

 private:
  value_block* block_ = nullptr;
};

// The driver's number in a value.
inline std::uint64_t& number_of(std::uint64_t& value) noexcept { return value; }
inline const std::uint64_t& number_of(const std::uint64_t& value) noexcept { return value; }
template <std::size_t Bytes>
std::uint64_t& number_of(inline_value<Bytes>& value) noexcept {
  return value.words[0];
}
template <std::size_t Bytes>
const std::uint64_t& number_of(const inline_value<Bytes>& value) noexcept {
  return value.words[0];
}
inline std::uint64_t& number_of(const boxed_value& value) noexcept { return value.number(); }
inline std::uint64_t& number_of(const collected_value& value) noexcept { return value.number(); }

template <class T>
inline constexpr bool is_in_blocks = std::is_same_v<T, boxed_value> || std::is_same_v<T, collected_value>;

}  // namespace tophash::lab

template <std::size_t Bytes>
struct tophash::gc_traits<tophash::lab::inline_value<Bytes>> {
  static constexpr bool may_contain_pointers = false;
};

#endif
