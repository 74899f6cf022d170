// SPDX-License-Identifier: Apache-2.0
// Recursive descent into reverse Polish steps, and the stack machine that runs them.
#include "lab/watch_alert.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "lab/nearest.hpp"

namespace tophash::lab {

namespace {

constexpr std::size_t deepest = 100;  // parentheses and signs within each other

std::string pointed_at(std::string_view text, std::size_t position, const std::string& reason) {
  return "character " + std::to_string(position) + ": " + reason + "\n  " + std::string{text} + "\n  " +
         std::string(position - 1, ' ') + "^";
}

}  // namespace

alert_error::alert_error(std::string_view text, std::size_t position, const std::string& reason)
    : std::runtime_error(pointed_at(text, position, reason)), position_(position) {}

class alert_parser {
 public:
  using kind = alert::step_kind;

  alert_parser(alert& out, std::span<const std::string_view> names)
      : out_(out), text_(out.text_), names_(names) {}

  void parse() {
    sum();
    const std::size_t place = at_;
    static constexpr std::pair<std::string_view, kind> comparisons[] = {
        {"<=", kind::less_equal}, {">=", kind::greater_equal}, {"==", kind::equal},
        {"!=", kind::unequal},    {"<", kind::less},           {">", kind::greater}};
    for (const auto& [sign, compare] : comparisons) {
      if (!takes(sign)) continue;
      sum();
      if (at_ != text_.size()) fail(at_, "the expression should end here");
      emit(compare);
      return;
    }
    fail(place, "a comparison is missing: < <= > >= == !=");
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool takes(std::string_view sign) {
    if (text_.substr(at_, sign.size()) != sign) return false;
    at_ += sign.size();
    skip_blanks();
    return true;
  }

  [[noreturn]] void fail(std::size_t at, const std::string& reason) const {
    throw alert_error(text_, at + 1, reason);
  }

  void emit(kind what) { out_.steps_.push_back({.kind = what, .number = 0, .name = 0}); }

  void sum() {
    skip_blanks();
    product();
    for (;;) {
      if (takes("+"))
        product(), emit(kind::add);
      else if (takes("-"))
        product(), emit(kind::subtract);
      else
        return;
    }
  }

  void product() {
    factor();
    for (;;) {
      if (takes("*"))
        factor(), emit(kind::multiply);
      else if (takes("/"))
        factor(), emit(kind::divide);
      else
        return;
    }
  }

  void factor() {
    const std::size_t place = at_;
    if (++depth_ > deepest) fail(place, "nested too deeply");
    if (takes("-")) {
      factor();
      emit(kind::negate);
    } else if (takes("(")) {
      sum();
      if (!takes(")")) fail(at_, "')' is missing for the '(' of character " + std::to_string(place + 1));
    } else if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) {
      number();
    } else if (at_ < text_.size() && is_letter(text_[at_])) {
      name();
    } else {
      fail(place, "a number, a name or '(' should stand here");
    }
    --depth_;
  }

  void number() {
    double value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    const auto length = static_cast<std::size_t>(end - begin);
    const bool runs_on = at_ + length < text_.size() && is_letter(text_[at_ + length]);
    if (error != std::errc{} || runs_on) fail(at_, "this is no number");
    out_.steps_.push_back({.kind = kind::number, .number = value, .name = 0});
    at_ += length;
    skip_blanks();
  }

  void name() {
    std::size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    const auto found = std::find(names_.begin(), names_.end(), word);
    if (found == names_.end()) {
      const std::vector<std::string> known(names_.begin(), names_.end());
      fail(at_, "'" + std::string{word} + "' is no figure of a sample" + nearest_hint(word, known));
    }
    out_.steps_.push_back(
        {.kind = kind::name, .number = 0, .name = static_cast<std::size_t>(found - names_.begin())});
    at_ = end;
    skip_blanks();
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

  alert& out_;
  std::string_view text_;
  std::span<const std::string_view> names_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

alert::alert(std::string_view text, std::span<const std::string_view> names) : text_(text) {
  alert_parser(*this, names).parse();
}

bool alert::holds(std::span<const double> values) const {
  std::vector<double> stack;
  const auto two = [&stack](auto operation) {
    const double right = stack.back();
    stack.pop_back();
    stack.back() = static_cast<double>(operation(stack.back(), right));
  };
  for (const step& s : steps_) {
    switch (s.kind) {
    case step_kind::number:
      stack.push_back(s.number);
      break;
    case step_kind::name:
      stack.push_back(values[s.name]);
      break;
    case step_kind::negate:
      stack.back() = -stack.back();
      break;
    case step_kind::add:
      two([](double a, double b) { return a + b; });
      break;
    case step_kind::subtract:
      two([](double a, double b) { return a - b; });
      break;
    case step_kind::multiply:
      two([](double a, double b) { return a * b; });
      break;
    case step_kind::divide:
      two([](double a, double b) { return a / b; });
      break;
    case step_kind::less:
      two([](double a, double b) { return a < b; });
      break;
    case step_kind::less_equal:
      two([](double a, double b) { return a <= b; });
      break;
    case step_kind::greater:
      two([](double a, double b) { return a > b; });
      break;
    case step_kind::greater_equal:
      two([](double a, double b) { return a >= b; });
      break;
    case step_kind::equal:
      two([](double a, double b) { return a == b; });
      break;
    case step_kind::unequal:
      two([](double a, double b) { return a != b; });
      break;
    }
  }
  return stack.back() != 0;
}

std::vector<std::size_t> alert::names_used() const {
  std::vector<std::size_t> out;
  for (const step& s : steps_) {
    if (s.kind == step_kind::name) out.push_back(s.name);
  }
  return out;
}

}  // namespace tophash::lab
