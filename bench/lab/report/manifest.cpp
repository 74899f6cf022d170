// SPDX-License-Identifier: Apache-2.0
#include "lab/report/manifest.hpp"

#include <algorithm>
#include <initializer_list>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

using json = nlohmann::json;

// The first of the names that the manifest has, at the top or one level below, as one line of text.
std::string first_of(const json& manifest, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto it = manifest.find(name);
    if (it != manifest.end() && !it->is_null() && !it->is_structured()) return scalar_text(*it);
  }
  for (const char* name : names) {
    for (const auto& [group, inner] : manifest.items()) {
      const auto it = inner.is_object() ? inner.find(name) : inner.end();
      if (inner.is_object() && it != inner.end() && !it->is_null() && !it->is_structured())
        return scalar_text(*it);
    }
  }
  return {};
}

void add_part(std::string& line, const std::string& part, const char* before = "", const char* after = "") {
  if (part.empty()) return;
  line += (line.empty() ? "" : " \xC2\xB7 ") + (before + part) + after;
}

std::string leaf_html(const json& value) { return "<code>" + escape(scalar_text(value)) + "</code>"; }

std::string list_html(const json& value);

std::string value_html(const json& value) {
  if (value.is_object()) return list_html(value);
  if (!value.is_array()) return leaf_html(value);
  std::string out;
  for (const json& part : value) out += (out.empty() ? "" : " ") + value_html(part);
  return out;
}

std::string list_html(const json& value) {
  std::string out = "<dl class=\"facts\">";
  for (const auto& [name, inner] : value.items()) {
    if (!inner.is_null()) out += "<dt>" + escape(name) + "</dt><dd>" + value_html(inner) + "</dd>";
  }
  return out + "</dl>";
}

}  // namespace

std::string machine_line(const json& manifest) {
  std::string line;
  add_part(line, first_of(manifest, {"cpu_model", "cpu", "model"}));
  const std::string cores = first_of(manifest, {"cores", "cpus", "cpu_cores"});
  add_part(line, cores, "", cores == "1" ? " core" : " cores");
  add_part(line, first_of(manifest, {"governor"}), "governor ");
  add_part(line, first_of(manifest, {"compiler"}));
  add_part(line, first_of(manifest, {"flags", "compiler_flags"}));
  add_part(line, first_of(manifest, {"counter_source", "counters"}), "counters: ");
  add_part(line, first_of(manifest, {"version", "tophash_version", "tophash"}), "tophash ");
  return line;
}

std::string manifest_list(const json& manifest) { return list_html(manifest); }

std::string machine_paragraph(std::span<const experiment_view> views) {
  std::vector<std::string> lines;
  for (const experiment_view& view : views) {
    const std::string line = machine_line(view.source->manifest);
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  }
  std::string out;
  for (const std::string& line : lines) {
    out +=
        "<p class=\"machine\">" + (line.empty() ? "machine and build not recorded" : escape(line)) + "</p>\n";
  }
  if (lines.size() > 1) {
    out += "<p class=\"notice\">These results come from " + std::to_string(lines.size()) +
           " different machines or builds: do not compare times across them.</p>\n";
  }
  return out;
}

std::string manifests_part(std::span<const experiment_view> views) {
  std::string out =
      "<h2 id=\"manifest\">Manifest</h2>\n<p class=\"muted\">What each result was made with.</p>\n";
  for (const experiment_view& view : views) {
    out += "<details><summary>" + escape(view.title) + "</summary>" + list_html(view.source->manifest) +
           "</details>\n";
  }
  return out;
}

}  // namespace tophash::lab::report
