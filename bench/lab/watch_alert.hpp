// SPDX-License-Identifier: Apache-2.0
// What `--alert` takes: a comparison of two arithmetic expressions over the figures of a sample.
//
//   alert   = sum ("<" | "<=" | ">" | ">=" | "==" | "!=") sum
//   sum     = product {("+" | "-") product}        product = factor {("*" | "/") factor}
//   factor  = number | name | "-" factor | "(" sum ")"
// In doubles: x / 0 is infinite, and a comparison with 0 / 0 never holds (`!=` apart).
#ifndef TOPHASH_BENCH_LAB_WATCH_ALERT_HPP
#define TOPHASH_BENCH_LAB_WATCH_ALERT_HPP

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tophash::lab {

// what() is a sentence, then the expression with a mark under the place.
class alert_error : public std::runtime_error {
 public:
  alert_error(std::string_view text, std::size_t position, const std::string& reason);
  std::size_t position() const noexcept { return position_; }  // in characters, from 1

 private:
  std::size_t position_;
};

class alert {
 public:
  // `names` are those that may stand in it; their places are what `values` is read by. Throws alert_error.
  alert(std::string_view text, std::span<const std::string_view> names);

  bool holds(std::span<const double> values) const;
  const std::string& text() const noexcept { return text_; }
  std::vector<std::size_t> names_used() const;

 private:
  friend class alert_parser;
  enum class step_kind : unsigned char {
    number,
    name,
    negate,
    add,
    subtract,
    multiply,
    divide,
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    unequal
  };
  struct step {
    step_kind kind;
    double number = 0;
    std::size_t name = 0;
  };

  std::string text_;
  std::vector<step> steps_;  // reverse Polish: operands first
};

}  // namespace tophash::lab

#endif
