// SPDX-License-Identifier: Apache-2.0
// One JSON object in a buffer of fixed size, for the observers that write text. Names and texts are their own
// literals, so nothing needs escaping. Addresses and hashes are texts: a JSON number is safe up to 53 bits.
#ifndef TOPHASH_POLICIES_OBSERVE_JSON_LINE_HPP
#define TOPHASH_POLICIES_OBSERVE_JSON_LINE_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tophash/framework/concepts/observe.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace observe {

class json_line {
 public:
  json_line() { out_.append("{"); }

  json_line& number(std::string_view name, std::uint64_t n) {
    field(name).append(n);
    return *this;
  }
  // In thousands, with three decimals: nanoseconds as microseconds.
  json_line& thousandths(std::string_view name, std::uint64_t n) {
    field(name).append(n / 1000).append(".");
    const auto rest = static_cast<unsigned>(n % 1000);
    for (unsigned digit : {rest / 100, rest / 10 % 10, rest % 10}) out_.append(std::uint64_t{digit});
    return *this;
  }
  json_line& word(std::string_view name, std::string_view value) {
    field(name).append("\"").append(value).append("\"");
    return *this;
  }
  json_line& flag(std::string_view name, bool value) {
    field(name).append(value ? "true" : "false");
    return *this;
  }
  json_line& hex(std::string_view name, std::uint64_t value) {
    field(name).append("\"0x");
    for (int shift = 60; shift >= 0; shift -= 4) {
      const auto digit = static_cast<std::size_t>(value >> shift & 15u);
      out_.append(std::string_view{"0123456789abcdef"}.substr(digit, 1));
    }
    out_.append("\"");
    return *this;
  }
  json_line& place(const events::slot_place& at) {
    number("chain", at.chain).hex("bucket", at.bucket).number("slot", at.slot);
    return flag("in_old", at.in_old);
  }
  json_line& begin(std::string_view name) {
    field(name).append("{");
    first_ = true;
    return *this;
  }
  json_line& end() {
    out_.append("}");
    first_ = false;
    return *this;
  }

  // The whole object, closed; call once.
  std::string_view close() {
    out_.append("}");
    return out_.view();
  }

 private:
  // The longest line, an event_log's `moved`, has under 300 characters.
  using line = text<640>;

  line& field(std::string_view name) {
    if (!first_) out_.append(",");
    first_ = false;
    return out_.append("\"").append(name).append("\":");
  }

  line out_;
  bool first_ = true;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
