// SPDX-License-Identifier: Apache-2.0
// Element types that notice misuse.
//   counted<Tag, Moves>   every construction, copy, move and destruction is counted per Tag; an object knows
//   its
//                         own address and whether it is alive, so that a double destruction, a use after it
//                         and a byte-wise move are seen. Passes a fault point in each (Moves::nothrow: not in
//                         moves).
//   minimal_key, minimal_value   only what the documentation asks of an element: move construction,
//   destruction;
//                         no default constructor, no copy, no assignment, no usable operator& or comma.
//   wide<Bytes>           trivially copyable, of any size, one number spread over it
#ifndef TOPHASH_TESTS_SUPPORT_ELEMENTS_HPP
#define TOPHASH_TESTS_SUPPORT_ELEMENTS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "support/faults.hpp"

namespace tophash::testing {

struct instance_ledger {
  long alive = 0;
  long constructed = 0;  // by value or by default, not copies or moves
  long copied = 0;
  long moved = 0;
  long assigned = 0;
  long destroyed = 0;
  std::string error;  // the first misuse

  void complain(const char* what) {
    if (error.empty()) error = what;
  }
};

enum class moves : bool { throwing, nothrow };

template <int Tag, moves Moves = moves::throwing>
class counted {
 public:
  static instance_ledger& ledger() noexcept {
    static instance_ledger one;
    return one;
  }

  counted() : number_(0) { born(fault_point::construct, ledger().constructed); }
  explicit counted(std::uint32_t number) : number_(number) {
    born(fault_point::construct, ledger().constructed);
  }
  counted(const counted& other) : number_(other.read()) { born(fault_point::copy, ledger().copied); }
  counted(counted&& other) noexcept(Moves == moves::nothrow) : number_(other.read()) {
    if constexpr (Moves == moves::throwing) pass_fault_point(fault_point::move);
    enroll(ledger().moved);
    other.number_ = moved_from;
  }
  counted& operator=(const counted& other) {
    pass_fault_point(fault_point::assign);
    number_ = other.read();
    check_alive("assignment to a dead element");
    ++ledger().assigned;
    return *this;
  }
  counted& operator=(counted&& other) noexcept(Moves == moves::nothrow) {
    if constexpr (Moves == moves::throwing) pass_fault_point(fault_point::assign);
    check_alive("assignment to a dead element");
    const std::uint32_t taken = other.read();
    other.number_ = moved_from;
    number_ = taken;
    ++ledger().assigned;
    return *this;
  }
  ~counted() {
    check_alive("destruction of what is no living element");
    state_ = dead_mark;
    self_ = nullptr;
    --ledger().alive;
    ++ledger().destroyed;
  }

  std::uint32_t number() const { return read(); }
  void set(std::uint32_t number) noexcept {
    check_alive("write to a dead element");
    number_ = number;
  }

  friend bool operator==(const counted& a, const counted& b) {
    pass_fault_point(fault_point::equal);
    return a.read() == b.read();
  }

  static constexpr std::uint32_t moved_from = 0xfffffff0u;

 private:
  static constexpr std::uint32_t alive_mark = 0xa11fe00du;
  static constexpr std::uint32_t dead_mark = 0xdeadbeefu;

  void born(fault_point where, long& count) {
    pass_fault_point(where);
    enroll(count);
  }
  void enroll(long& count) noexcept {
    state_ = alive_mark;
    self_ = this;
    ++ledger().alive;
    ++count;
  }
  void check_alive(const char* what) const noexcept {
    if (state_ != alive_mark)
      ledger().complain(what);
    else if (self_ != this)
      ledger().complain("an element was moved as bytes");
  }
  std::uint32_t read() const noexcept {
    check_alive("read of a dead element");
    if (number_ == moved_from) ledger().complain("read of a moved-from element");
    return number_;
  }

  std::uint32_t number_;
  std::uint32_t state_ = 0;
  const counted* self_ = nullptr;
};

// What a late destructor of these does is only counted.
using counted_key = counted<0>;
using counted_value = counted<1>;
using steady_key = counted<2, moves::nothrow>;
using steady_value = counted<3, moves::nothrow>;

template <class Tag>
class minimal_element {
 public:
  explicit minimal_element(std::uint32_t number) noexcept : number_(number) {}
  minimal_element(minimal_element&& other) noexcept : number_(other.number_) {}
  minimal_element(const minimal_element&) = delete;
  minimal_element& operator=(const minimal_element&) = delete;
  minimal_element& operator=(minimal_element&&) = delete;
  ~minimal_element() = default;

  std::uint32_t number() const noexcept { return number_; }
  void set(std::uint32_t number) noexcept { number_ = number; }
  void operator&() const = delete;
  template <class Other>
  friend void operator,(const minimal_element&, Other&&) = delete;
  template <class Other>
  friend void operator,(Other&&, const minimal_element&) = delete;

 private:
  std::uint32_t number_;
};

struct key_role;
struct value_role;
using minimal_key = minimal_element<key_role>;
using minimal_value = minimal_element<value_role>;

// Not operator==: equality comes from the functor that the map is given.
struct minimal_hash {
  using is_avalanching = void;
  std::size_t operator()(const minimal_key& key) const noexcept {
    return static_cast<std::size_t>(key.number() * 0x9e3779b97f4a7c15u);
  }
};
struct minimal_equal {
  bool operator()(const minimal_key& a, const minimal_key& b) const noexcept {
    return a.number() == b.number();
  }
};

template <std::size_t Bytes>
struct wide {
  unsigned char bytes[Bytes];

  wide() : wide(0) {}
  explicit wide(std::uint32_t number) noexcept {
    for (std::size_t i = 0; i < Bytes; ++i) bytes[i] = static_cast<unsigned char>(number >> (8 * (i % 4)));
  }
  // All copies of the number must agree: a torn copy reads as 0xffffffff.
  std::uint32_t number() const noexcept {
    std::uint32_t first = 0;
    for (std::size_t i = 0; i < Bytes && i < 4; ++i) first |= std::uint32_t{bytes[i]} << (8 * i);
    for (std::size_t i = 4; i < Bytes; ++i) {
      if (bytes[i] != static_cast<unsigned char>(first >> (8 * (i % 4)))) return 0xffffffffu;
    }
    return first;
  }
  friend bool operator==(const wide& a, const wide& b) noexcept {
    return std::memcmp(a.bytes, b.bytes, Bytes) == 0;
  }
};

}  // namespace tophash::testing

#endif
