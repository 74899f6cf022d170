// SPDX-License-Identifier: Apache-2.0
// What marking needs to know of a layout, made by the layout and carried by every storage request, so that
// a collector's code includes no layout. And `gc_traits`, what is asked of a user's type: whether it may hold
// pointers to collected memory, and, where a collector is to follow exactly those, which.
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

// Told of what tracing an object finds, by a collector that marks exactly. Null and pointers that lead to no
// object of that collector are ignored by it.
struct pointer_visitor {
  void (*pointer_found)(pointer_visitor& self, const void* pointer) noexcept;
  // An array of a map that lies inside the object (container::for_each_array).
  void (*array_found)(pointer_visitor& self, const void* array) noexcept;

  void operator()(const void* pointer) noexcept { pointer_found(*this, pointer); }
  void array(const void* block) noexcept { array_found(*this, block); }
};

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

  // For collectors that follow keys and values by their type. A key lies at keys_offset + i * key_stride; where
  // entry_boxed or key_boxed, a pointer lies there, and the key key_in_entry_bytes behind what it leads to. So
  // does a value, with its own offset and stride.
  bool entry_boxed = false;  // the slot holds a pointer to a block with key and value
  std::uint32_t key_in_entry_bytes = 0, value_in_entry_bytes = 0;
  bool key_is_pointer = false, value_is_pointer = false;  // nothing but one pointer
  void (*trace_key)(pointer_visitor&, const void*) = nullptr;  // null: holds no pointer
  void (*trace_value)(pointer_visitor&, const void*) = nullptr;
  // Either is not null. A field, since g++ 12 with -fsanitize=undefined takes no address for known to be not null when
  // it evaluates a constant expression (its bug 71962).
  bool traced = false;
  // How many buckets behind `units` main ones a block has that are no homes; null: none.
  std::size_t (*tail_units)(std::size_t units) = nullptr;

  constexpr bool is_traced() const noexcept { return traced; }
};

// May a value of T hold a pointer to collected memory? Numbers and enumerations cannot; pointers can; a class
// is never guessed and counts as "may", until its author says otherwise by specialising this template. An exact
// collector asks further: a specialisation may have
//   static void trace(pointer_visitor& visit, const T& object)
// which calls visit(pointer) for each pointer, or trace_pointers(visit, member) for each member. Without it a class
// that may contain pointers is refused there.
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

// ---- tracing a value by its type

template <class T>
concept traces_itself = requires(pointer_visitor& v, const T& object) { gc_traits<T>::trace(v, object); };

// A map or set of this framework: it names the arrays that it holds, and they are traced as arrays.
template <class T>
concept holds_arrays = requires(const T& object) { object.for_each_array([](const void*) {}); };

// Does an exact collector know every pointer in a T?
template <class T>
struct is_traceable
    : std::bool_constant<!gc_traits<T>::may_contain_pointers || std::is_pointer_v<T> || traces_itself<T> ||
                         holds_arrays<T>> {};
template <class T>
struct is_traceable<const T> : is_traceable<T> {};
template <class T, std::size_t N>
struct is_traceable<T[N]> : is_traceable<T> {};
template <class T, std::size_t N>
struct is_traceable<std::array<T, N>> : is_traceable<T> {};
template <class A, class B>
struct is_traceable<std::pair<A, B>> : std::bool_constant<is_traceable<A>::value && is_traceable<B>::value> {};

template <class T>
inline constexpr bool traceable = is_traceable<T>::value;

template <class T>
void trace_pointers(pointer_visitor& visit, const T& object);

template <class T>
void trace_pointers(pointer_visitor& visit, const T* first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) trace_pointers(visit, first[i]);
}
template <class T, std::size_t N>
void trace_pointers(pointer_visitor& visit, const T (&objects)[N]) {
  trace_pointers(visit, &objects[0], N);
}
template <class T, std::size_t N>
void trace_pointers(pointer_visitor& visit, const std::array<T, N>& objects) {
  trace_pointers(visit, objects.data(), N);
}
template <class A, class B>
void trace_pointers(pointer_visitor& visit, const std::pair<A, B>& both) {
  trace_pointers(visit, both.first);
  trace_pointers(visit, both.second);
}

// Visits every pointer to collected memory in the object.
template <class T>
void trace_pointers(pointer_visitor& visit, const T& object) {
  static_assert(traceable<T>,
                "tophash[gc]: an exact collector does not know the pointers of this type; specialise gc_traits<T> with "
                "trace(visitor, object), or with may_contain_pointers = false if it has none");
  if constexpr (std::is_pointer_v<T>) {
    if constexpr (!std::is_function_v<std::remove_pointer_t<T>>) visit(object);
  } else if constexpr (traces_itself<T>) {
    gc_traits<T>::trace(visit, object);
  } else if constexpr (holds_arrays<T>) {
    object.for_each_array([&visit](const void* array) { visit.array(array); });
  } else {
    static_cast<void>(visit), static_cast<void>(object);
  }
}

// Where `second` lies in pair<const A, B>.
template <class A, class B>
inline constexpr std::uint32_t second_offset_bytes =
    static_cast<std::uint32_t>((sizeof(A) + alignof(B) - 1) / alignof(B) * alignof(B));

using trace_function = void (*)(pointer_visitor&, const void*);

template <class T>
inline constexpr bool has_trace_function = gc_traits<T>::may_contain_pointers && traceable<T>;
template <>
inline constexpr bool has_trace_function<void> = false;

// Of a part of an entry; null where there is nothing to trace, or nothing known of it (rules refuse the latter).
template <class T>
constexpr trace_function trace_function_of() noexcept {
  if constexpr (has_trace_function<T>) {
    return [](pointer_visitor& visit, const void* object) { trace_pointers(visit, *static_cast<const T*>(object)); };
  } else {
    return nullptr;
  }
}

}  // namespace tophash::inline v1

#endif
