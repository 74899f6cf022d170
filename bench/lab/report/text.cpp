// SPDX-License-Identifier: Apache-2.0
#include "lab/report/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace tophash::lab::report {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

unsigned byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// The length of the valid UTF-8 sequence at `i`, or 0: overlong forms, surrogates and values past U+10FFFF
// are none, since a browser would replace them, possibly swallowing the quote behind.
std::size_t sequence_length(std::string_view text, std::size_t i) {
  const unsigned first = byte_at(text, i);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || i + length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte_at(text, i + k) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte_at(text, i + 1);
  if (first == 0xE0 && second < 0xA0) return 0;
  if (first == 0xED && second > 0x9F) return 0;
  if (first == 0xF0 && second < 0x90) return 0;
  if (first == 0xF4 && second > 0x8F) return 0;
  return length;
}

bool is_control(unsigned byte) { return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F; }

struct unit {
  double size;
  std::string_view name;
};
constexpr std::array<unit, 4> times = {{{1e9, "s"}, {1e6, "ms"}, {1e3, "\xC2\xB5s"}, {1, "ns"}}};
constexpr std::array<unit, 4> sizes = {
    {{1024.0 * bytes_per_mib, "GiB"}, {bytes_per_mib, "MiB"}, {1024, "KiB"}, {1, "B"}}};

// The largest unit of which the value is at least one, else the smallest.
std::string in_unit(double value, std::span<const unit> units, std::string (*write)(double)) {
  for (const unit& u : units) {
    // 999.6 ns is written with three digits and would read "1,000 ns": from 0.9995 on the larger unit takes
    // over.
    if (std::abs(value) >= 0.9995 * u.size) return write(value / u.size) + " " + std::string(u.name);
  }
  return write(value) + " " + std::string(units.back().name);
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text, i);
    if (length == 0 || (length == 1 && is_control(byte_at(text, i)))) {
      out += replacement;
      ++i;
      continue;
    }
    switch (text[i]) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

std::string fixed(double value, int decimals) {
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                 std::chars_format::fixed, decimals);
  std::string digits(buffer.data(), end.ptr);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  std::size_t point = digits.find('.');
  if (point == std::string::npos) point = digits.size();
  for (std::size_t i = point; i > 3; i -= 3) digits.insert(i - 3, ",");
  return (value < 0 && !zero ? "\xE2\x88\x92" : "") + digits;
}

std::string figure(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 99.95) return fixed(value, 0);
  if (size >= 9.995) return fixed(value, 1);
  if (size >= 0.9995) return fixed(value, 2);
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(size)));
  return fixed(value, decimals > 9 ? 9 : decimals);
}

std::string duration(double ns) { return in_unit(ns, times, figure); }
std::string bytes(double count) { return in_unit(count, sizes, figure); }

std::string tick_figure(double value) {
  std::string text = fixed(value, 6);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}
std::string tick_duration(double ns) { return in_unit(ns, times, tick_figure); }

std::string coordinate(double value) {
  std::array<char, 400> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, 1);
  return {buffer.data(), end.ptr};
}

std::string exact(double value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

std::size_t length_characters(std::string_view utf8) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) count += (byte_at(utf8, i) & 0xC0) != 0x80;
  return count;
}

std::string shortened(std::string_view utf8, std::size_t characters) {
  const std::size_t length = length_characters(utf8);
  if (length <= characters || characters < 3) return std::string(utf8);
  const std::size_t head = characters * 2 / 3;
  const std::size_t tail_start = length - (characters - 1 - head);
  std::string out;
  std::size_t index = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if ((byte_at(utf8, i) & 0xC0) != 0x80) {
      if (index == head) out += "\xE2\x80\xA6";
      ++index;
    }
    if (index <= head || index > tail_start) out += utf8[i];
  }
  return out;
}

}  // namespace tophash::lab::report
