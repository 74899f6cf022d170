// SPDX-License-Identifier: Apache-2.0
// What marking needs to know of a layout, made by the layout and carried by every storage request, so that
// a collector's code includes no layout. And `gc_traits`, the one question asked of a user's type.
#ifndef TOPHASH_FRAMEWORK_CORE_TRACE_INFO_HPP
#define TOPHASH_FRAMEWORK_CORE_TRACE_INFO_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace tophash::inline v1 {

// How the buckets of a block lie.
enum class trace_shape : std::uint8_t {
  chains,       // bucket after bucket, each with a link, its tags and its slots
  open_groups,  // the entries of all groups, then, at the block's end, the groups: `bucket_bytes` of tags each
};

// Byte geometry of one bucket of a block: a collector that knows it can read the tags and visit live slots
// only. Offsets are from the start of a bucket; of open groups, from the start of the first entry.
struct trace_info {
  std::uint32_t bucket_bytes = 0;
  std::uint32_t link_offset_bytes = 0;  // the overflow pointer
  std::uint32_t tags_offset_bytes = 0;
  std::uint32_t slots = 0;
  std::uint32_t keys_offset_bytes = 0;
  std::uint32_t key_stride_bytes = 0;
  std::uint32_t values_offset_bytes = 0;
  std::uint32_t value_stride_bytes = 0;
  std::uint8_t first_live_tag = 0;
  std::uint8_t dirty_bit = 0;           // 0: the layout has no dirty entries
  bool entries_may_point = true;        // false: no key, value or node pointer in the slots
  trace_shape shape = trace_shape::chains;
  bool links = true;                    // false: buckets have no overflow pointer
  std::uint8_t dead_tag = 0;            // of a slot that an erase left unusable; 0: the layout has no such slots
  std::uint8_t opening_tags = 0;        // so many tags below first_live_tag: an entry is being put into the slot. No
                                        // search sees it yet, but its pointers may be nowhere else
  std::uint32_t key_bytes = 0;          // of each key (value) that may hold pointers, at the offsets and strides
  std::uint32_t value_bytes = 0;        // above; 0: it holds none
  bool key_boxed = false;               // the key (value) in a slot is a pointer to a block of its own, which a
  bool value_boxed = false;             // sweep of the dirty entry will still give back
};

// May a value of T hold a pointer to collected memory? Numbers and enumerations cannot; pointers can; a class
// is never guessed and counts as "may", until its author says otherwise by specialising this template.
template <class T>
struct gc_traits {
  static constexpr bool may_contain_pointers =
      !(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_null_pointer_v<T> || std::is_empty_v<T> ||
        std::is_void_v<T>);
};

template <class T>
struct gc_traits<const T> : gc_traits<T> {};

template <class T, std::size_t N>
struct gc_traits<T[N]> : gc_traits<T> {};

template <class T, std::size_t N>
struct gc_traits<std::array<T, N>> : gc_traits<T> {};

// Is T, or has it, a pointer that is known to lead into collected memory (gc_traits<T>::collected, false when absent)?
// Storage that nobody searches is then refused, where a T that only "may" is let pass.
template <class T>
constexpr bool holds_collected() noexcept {
  if constexpr (requires { gc_traits<T>::collected; }) {
    return gc_traits<T>::collected;
  } else {
    return false;
  }
}

template <class A, class B>
struct gc_traits<std::pair<A, B>> {
  static constexpr bool collected = holds_collected<A>() || holds_collected<B>();
  static constexpr bool may_contain_pointers =
      gc_traits<A>::may_contain_pointers || gc_traits<B>::may_contain_pointers;
};

// A string's buffer comes from operator new, which no collector owns: the string's pointer to it keeps nothing
// alive that a collector could free, and its own destructor frees it. Not so with another allocator, nor in a
// program that replaces operator new by a collector's (gc_cpp.h): such a program must not use this fact.
template <class Char, class Traits>
struct gc_traits<std::basic_string<Char, Traits, std::allocator<Char>>> {
  static constexpr bool may_contain_pointers = false;
};

}  // namespace tophash::inline v1

#endif
