// SPDX-License-Identifier: Apache-2.0
// The mechanism of sync::owner_checked, after Go's hashWriting flag; with any other sync policy all of it is
// empty. The container marks its writes and asks before its reads, after the hash of the argument is
// computed: a hash that throws, or that uses the map itself, finds nothing marked. Where Go toggles its bit
// we set it: Go hashes between its test and its toggle, here nothing lies between the two.
#ifndef TOPHASH_FRAMEWORK_TABLE_ACCESS_HPP
#define TOPHASH_FRAMEWORK_TABLE_ACCESS_HPP

#include <exception>

#include <tophash/framework/config.hpp>

namespace tophash::inline v1::table {

template <bool Checked>
struct access_flag {};

// Volatile, so that no access is optimised away: a race on the flag there is only where there is one on the
// map. A relaxed atomic would be the honest spelling, but g++ 12 takes each access to one for an access to
// all memory: counted in go_like, an insert then executes 21 instructions more and an erase 26, against 8
// each.
template <>
struct access_flag<true> {
  volatile bool writing = false;
  bool raised() const noexcept { return writing; }
  void set(bool to) noexcept { writing = to; }
};

inline constexpr const char* said_of_writes = "tophash: concurrent map writes";
inline constexpr const char* said_of_read = "tophash: concurrent map read and map write";
inline constexpr const char* said_of_iteration = "tophash: concurrent map iteration and map write";

// `State`: a table's state.
template <class State>
inline constexpr bool is_checked = State::binding_type::facts.sync.checked;
template <class State>
inline constexpr bool misuse_throws = State::binding_type::facts.sync.throwing;

template <class State>
TOPHASH_NOINLINE void misused_slow(const char* sentence) noexcept(!misuse_throws<State>) {
  State::binding_type::spec::sync::misused(sentence);
}

template <class State>
TOPHASH_ALWAYS_INLINE void check_read(const State& s) noexcept(!misuse_throws<State>) {
  if constexpr (is_checked<State>) {
    if (s.access.raised()) [[unlikely]]
      misused_slow<State>(said_of_read);
  }
}

template <class State>
TOPHASH_ALWAYS_INLINE void check_iteration(const State& s) noexcept(!misuse_throws<State>) {
  if constexpr (is_checked<State>) {
    if (s.access.raised()) [[unlikely]]
      misused_slow<State>(said_of_iteration);
  }
}

template <class State>
TOPHASH_NOINLINE void overtaken_slow() noexcept(!misuse_throws<State>) {
  if (std::uncaught_exceptions() == 0) misused_slow<State>(said_of_writes);
}

// A write, from its beginning to its end. Finding the mark gone means that another write began and ended
// within this one; while an exception is under way that is left unsaid.
template <class State, bool Checked = is_checked<State>>
class write_mark {
 public:
  TOPHASH_ALWAYS_INLINE explicit write_mark(State&) noexcept {}
};

template <class State>
class write_mark<State, true> {
 public:
  TOPHASH_ALWAYS_INLINE explicit write_mark(State& s) noexcept(!misuse_throws<State>) : s_(s) {
    if (s.access.raised()) [[unlikely]]
      misused_slow<State>(said_of_writes);
    s.access.set(true);
  }
  write_mark(const write_mark&) = delete;
  write_mark& operator=(const write_mark&) = delete;
  TOPHASH_ALWAYS_INLINE ~write_mark() noexcept(!misuse_throws<State>) {
    if (!s_.access.raised()) [[unlikely]]
      overtaken_slow<State>();
    s_.access.set(false);
  }

 private:
  State& s_;
};

}  // namespace tophash::inline v1::table

#endif
