// SPDX-License-Identifier: Apache-2.0
// What a row is called and how it looks. A spec names every axis, so that two rows of one experiment agree in
// most of their text: the short name keeps the options in which the experiment's rows differ, the page shows
// the rest once and the whole on hover. Looks are systematic and the same in every plot of a page: hue by the
// first axis that varies (deletion before growth before overflow ...), lightness by the second, filled or
// hollow by the third; a variant that these leave with another's look takes an unused hue; rows without a
// spec (other people's maps) are grey. A storage has a marker shape, in plots that show several storages
// together.
#ifndef TOPHASH_BENCH_LAB_REPORT_NAMING_HPP
#define TOPHASH_BENCH_LAB_REPORT_NAMING_HPP

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/report/result.hpp"

namespace tophash::lab::report {

struct spec_option {
  std::string axis;                    // "growth"
  std::string text;                    // "incremental(2)"
  std::string head;                    // "incremental"
  std::vector<std::string> arguments;  // "2"; "slots=8"
};

// The options of a canonical spec, split at its outer commas. Empty when the text is none.
std::vector<spec_option> split_spec(std::string_view spec);

// "system", "boehm_scanned", "erased + boehm": the allocator, and the collector where its name says more.
std::string storage_of(const row& r);

struct look {
  int hue = 0;  // 0: grey, no spec
  int level = 1;
  bool hollow = false;
  bool operator==(const look&) const = default;
};

inline constexpr int hues = 7;
inline constexpr int levels = 3;
inline constexpr int marker_shapes = 6;

struct legend_entry {
  std::string axis;  // "deletion"; "further variants"; "other maps"
  std::string option;
  look appearance;
};

// The looks of all rows of a page.
class palette {
 public:
  explicit palette(std::span<const result> results);
  look of(const row& r) const;
  int marker_of(const row& r) const;
  const std::vector<std::string>& storages() const { return storages_; }
  const std::vector<legend_entry>& legend() const { return legend_; }

 private:
  void choose_axes();
  look systematic(const row& r) const;
  void assign(const row& r);
  void add_legend();

  std::map<std::string, std::vector<std::string>, std::less<>> options_;  // axis -> options, as they appear
  std::map<std::string, look> looks_;                                     // by the variant's identity
  std::vector<std::string> others_, storages_;
  std::string hue_axis_, level_axis_, fill_axis_;
  std::vector<legend_entry> legend_, further_;
};

// Per row of one experiment: the short name, and an identity that two rows share when they differ in storage,
// key or n alone.
struct row_names {
  std::vector<std::string> short_names;
  std::string
      shared;  // the options in which all rows with a spec agree; empty: none, or too few rows to tell
};

row_names name_rows(std::span<const row> rows);

}  // namespace tophash::lab::report

#endif
