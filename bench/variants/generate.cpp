// SPDX-License-Identifier: Apache-2.0
// tophash_variant_generator CURATED GROUP GROUPS OUTPUT: writes the C++ of every GROUPS-th line of
// curated.txt, from the GROUP-th on, as one translation unit. A line that is no legal SPEC stops the build
// with its number.
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lab/catalogue.hpp"
#include "lab/variant_source.hpp"

namespace {

using tophash::lab::spec_description;

struct curated_line {
  std::size_t number;
  spec_description spec;
};

std::vector<curated_line> read_lines(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error(file + ": cannot be opened");
  std::vector<curated_line> out;
  std::set<std::string> seen;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    const std::string place = file + ":" + std::to_string(number) + ": ";
    try {
      const spec_description spec = tophash::lab::parse_spec(line);
      if (const auto broken = tophash::lab::check_rules(spec, nullptr))
        throw std::runtime_error(broken->message());
      if (!seen.insert(canonical(spec)).second)
        throw std::runtime_error("the same composition as an earlier line");
      out.push_back({number, spec});
    } catch (const std::exception& error) {
      throw std::runtime_error(place + error.what());
    }
  }
  return out;
}

std::string id_of(const curated_line& line) { return "line_" + std::to_string(line.number); }

void write_row(std::ostream& out, const curated_line& line) {
  const std::string name = id_of(line);
  out << "  out.push_back(make_variant_row<" << name << "::map, "
      << (tophash::lab::takes_strings(line.spec) ? "true" : "false") << ">(\"" << short_text(line.spec)
      << "\",\n      std::string{canonical_text<" << name << "::composed>()}, \"\", true));\n";
}

void write_group(std::ostream& out, const std::vector<curated_line>& lines, std::size_t group) {
  out << "// Written by tophash_variant_generator from bench/variants/curated.txt: change that file "
         "instead.\n"
         "#include <cstdint>\n#include <string>\n#include <vector>\n\n";
  std::set<std::string> headers;
  for (const curated_line& line : lines) headers.merge(tophash::lab::variant_headers(line.spec));
  for (const std::string& header : headers) out << "#include <tophash/" << header << ">\n";
  out << "\n#include \"lab/variant.hpp\"\n\nnamespace tophash::lab {\n\nnamespace {\n\n";
  for (const curated_line& line : lines) tophash::lab::write_variant(out, id_of(line), line.spec);
  out << "}  // namespace\n\nvoid add_curated_group_" << group << "(std::vector<variant_row>& out);\n\n"
      << "void add_curated_group_" << group << "(std::vector<variant_row>& out) {\n";
  if (lines.empty()) out << "  static_cast<void>(out);\n";
  for (const curated_line& line : lines) write_row(out, line);
  out << "}\n\n}  // namespace tophash::lab\n";
}

std::size_t number_of(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size())
    throw std::runtime_error("no number: " + std::string{text});
  return out;
}

// Neighbouring lines share headers and instantiations, so a group is a run of lines.
std::vector<curated_line> lines_of_group(const std::vector<curated_line>& all, std::size_t group,
                                         std::size_t groups) {
  const auto begin = static_cast<std::ptrdiff_t>(all.size() * group / groups);
  const auto end = static_cast<std::ptrdiff_t>(all.size() * (group + 1) / groups);
  return {all.begin() + begin, all.begin() + end};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: tophash_variant_generator CURATED GROUP GROUPS OUTPUT\n";
    return 64;
  }
  try {
    const std::size_t group = number_of(argv[2]), groups = number_of(argv[3]);
    if (groups == 0 || group >= groups) throw std::runtime_error("GROUP must be below GROUPS");
    std::ofstream out(argv[4]);
    write_group(out, lines_of_group(read_lines(argv[1]), group, groups), group);
    out.close();
    if (!out) throw std::runtime_error(std::string{argv[4]} + ": cannot be written");
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  return 0;
}
