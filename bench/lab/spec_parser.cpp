// SPDX-License-Identifier: Apache-2.0
// Recursive descent over the characters of a SPEC. Nesting is limited, so that no text can exhaust the stack.
#include "lab/spec_parser.hpp"

#include <utility>

namespace tophash::lab {

namespace {

constexpr std::size_t depth_limit = 16;
constexpr std::size_t length_limit = 4096;

class parser {
 public:
  explicit parser(std::string_view text) : text_(text) {
    if (text.size() > length_limit) throw spec_error(length_limit, "the SPEC is longer than 4096 characters");
  }

  std::vector<spec_part> parts() {
    std::vector<spec_part> out;
    do {
      spec_part part;
      skip_blanks();
      part.position = at_ + 1;
      part.option = parse(0);
      if (part.option.arguments.empty() && take('=')) {
        part.axis = std::move(part.option.name);
        part.option = parse(0);
      }
      out.push_back(std::move(part));
    } while (take(','));
    expect_end();
    return out;
  }

  term whole_term() {
    term out = parse(0);
    expect_end();
    return out;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  static bool is_name_character(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }

  std::string found() const {
    return at_ < text_.size() ? std::string{"'"} + text_[at_] + "'" : std::string{"the end"};
  }

  term parse(std::size_t depth) {
    if (depth > depth_limit) throw spec_error(at_ + 1, "options are nested more than 16 deep");
    skip_blanks();
    term out;
    out.position = at_ + 1;
    while (at_ < text_.size() && is_name_character(text_[at_])) out.name += text_[at_++];
    if (out.name.empty()) throw spec_error(at_ + 1, "expected a name or a number, found " + found());
    if (!take('(')) return out;
    if (take(')')) return out;
    do {
      term::argument a{.key = {}, .value = parse(depth + 1)};
      if (a.value.arguments.empty() && take('=')) {
        a.key = std::move(a.value.name);
        a.value = parse(depth + 1);
      }
      out.arguments.push_back(std::move(a));
    } while (take(','));
    if (!take(')')) throw spec_error(at_ + 1, "expected ',' or ')', found " + found());
    return out;
  }

  void expect_end() {
    skip_blanks();
    if (at_ != text_.size()) throw spec_error(at_ + 1, "expected ',' or the end, found " + found());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

spec_error::spec_error(std::size_t position, const std::string& reason)
    : std::runtime_error("character " + std::to_string(position) + ": " + reason), position_(position) {}

std::string text_of(const term& t) {
  std::string out = t.name;
  for (std::size_t i = 0; i < t.arguments.size(); ++i) {
    out += i == 0 ? "(" : ",";
    if (!t.arguments[i].key.empty()) out += t.arguments[i].key + "=";
    out += text_of(t.arguments[i].value);
  }
  return t.arguments.empty() ? out : out + ")";
}

std::vector<spec_part> split_spec(std::string_view text) { return parser(text).parts(); }

term parse_term(std::string_view text) { return parser(text).whole_term(); }

}  // namespace tophash::lab
