// SPDX-License-Identifier: Apache-2.0
// Runs gnuplot on a script and fits its SVG into the page.
// No text of a result ever reaches gnuplot (whose strings can run commands): a script names texts by tokens
// such as _row_3_, and the SVG gets the escaped texts afterwards. Colours are tokens too: rgb triples that no
// plot uses, replaced by the page's variables, so that a plot follows the light or dark scheme.
#ifndef TOPHASH_BENCH_LAB_REPORT_GNUPLOT_HPP
#define TOPHASH_BENCH_LAB_REPORT_GNUPLOT_HPP

#include <map>
#include <string>

#include "lab/report/naming.hpp"

namespace tophash::lab::report {

// Colours as gnuplot's integers; see the file's head.
int color_token(const look& appearance);
int purpose_color_token(std::size_t purpose);
inline constexpr int ink_token = 0x030000, muted_token = 0x030100, grid_token = 0x030200,
                     published_token = 0x030300;
inline constexpr std::size_t purpose_colors = 7;

struct plot_texts {
  std::string id;                           // prefix of the ids inside; unique in the page
  std::string title, description;           // for readers that do not see the plot; not escaped
  std::map<std::string, std::string> html;  // token -> what stands inside its <text> element, escaped
};

class gnuplot {
 public:
  explicit gnuplot(std::string program) : program_(std::move(program)) {}

  // The <svg> element, or empty: then complaint() says why. After a first failure to start, no further tries.
  std::string draw(const std::string& script, const plot_texts& texts);
  const std::string& complaint() const { return complaint_; }

 private:
  std::string run(const std::string& script);

  std::string program_, complaint_;
  bool missing_ = false;  // no program of that name
  bool failed_ = false;   // the last run
};

// Exposed for tests: gnuplot's own SVG made ready for the page; empty when it has not the expected shape.
std::string fit_svg(const std::string& raw, const plot_texts& texts);

}  // namespace tophash::lab::report

#endif
