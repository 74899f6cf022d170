// SPDX-License-Identifier: Apache-2.0
// Texts and figures as HTML: everything that comes from a result goes through escape() before it reaches the
// page. Figures are written without the locale, so that the same result gives the same bytes everywhere.
#ifndef TOPHASH_BENCH_LAB_REPORT_TEXT_HPP
#define TOPHASH_BENCH_LAB_REPORT_TEXT_HPP

#include <string>
#include <string_view>

namespace tophash::lab::report {

// For element content and for attributes in either quote. What is no UTF-8, and control characters other than
// tab and line feed, become U+FFFD.
std::string escape(std::string_view text);

// "1,234.50"; -0 is written 0.
std::string fixed(double value, int decimals);
// About three significant digits, no exponent: 0.0213, 4.21, 41.2, 1,234.
std::string figure(double value);
// With the unit that suits the size: 950 ns, 1.20 µs, 3.4 ms; 512 B, 41.2 MiB.
std::string duration(double ns);
std::string bytes(double count);

// The same without trailing zeros, for the round values at an axis: 20, 0.5, 2 ms.
std::string tick_figure(double value);
std::string tick_duration(double ns);

inline constexpr double bytes_per_mib = 1024.0 * 1024.0;

// A coordinate: no grouping, one decimal.
std::string coordinate(double value);
// The shortest text that reads back as the same number, for scripts and data attributes.
std::string exact(double value);

// Characters, not bytes, of valid UTF-8.
std::size_t length_characters(std::string_view utf8);
// At most `characters`, the middle replaced by an ellipsis.
std::string shortened(std::string_view utf8, std::size_t characters);

}  // namespace tophash::lab::report

#endif
