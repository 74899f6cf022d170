// SPDX-License-Identifier: Apache-2.0
#include "lab/report/bucket_drawing.hpp"

#include <algorithm>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "lab/report/text.hpp"

namespace tophash::lab::report {
namespace {

using nlohmann::json;

constexpr double slot_width = 25, slot_height = 19, row_pitch = 25, name_width = 62, bucket_gap = 22;
constexpr std::size_t slots = 8;
constexpr double bucket_width = slot_width * slots;

const char* fill_of(const std::string& tag) {
  if (tag == "..") return "none";
  if (tag == "--") return "var(--v21)";
  if (tag == "lo" || tag == "hi" || tag == "mt") return "var(--p6)";
  return "var(--v12)";
}

std::string text_at(double x, double y, const std::string& text, const char* anchor, const char* more = "") {
  return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor + "\"" +
         more + ">" + escape(text) + "</text>";
}

// The same slot one step earlier, or null: arrays are told apart by their place, the only one of a step being
// the old one of a growth that begins.
const json* earlier_tag(const json* step, const std::string& array, const json& bucket, std::size_t in_chain,
                        std::size_t slot) {
  if (step == nullptr) return nullptr;
  const json& arrays = step->at("arrays");
  const json* from = nullptr;
  for (const json& one : arrays) {
    if (one.at("name") == array) from = &one;
  }
  if (from == nullptr && arrays.size() == 1 && array == "old array") from = &arrays.front();
  if (from == nullptr && arrays.size() == 2 && array == "array") from = &arrays.front();
  if (from == nullptr) return nullptr;
  for (const json& chain : from->at("chains")) {
    if (chain.at("bucket") == bucket && in_chain < chain.at("buckets").size())
      return &chain.at("buckets")[in_chain][slot];
  }
  return nullptr;
}

std::string picture(const json& step, const json* before) {
  std::size_t longest = 1, rows = 0;
  for (const json& array : step.at("arrays")) {
    rows += array.at("chains").size() + 1;
    for (const json& chain : array.at("chains")) longest = std::max(longest, chain.at("buckets").size());
  }
  const double width = name_width + static_cast<double>(longest) * (bucket_width + bucket_gap);
  const double height = static_cast<double>(rows) * row_pitch + 4;
  std::string out = "<svg viewBox=\"0 0 " + coordinate(width) + " " + coordinate(height) +
                    "\" role=\"img\" style=\"max-width:" + coordinate(width) + "px\"><title>" +
                    escape(step.at("title").get<std::string>()) + ": " +
                    escape(step.at("says").get<std::string>()) + "</title>";
  double y = 2;
  for (const json& array : step.at("arrays")) {
    const std::string name = array.at("name");
    out += text_at(0, y + 14, name, "start", " font-size=\"12\" font-weight=\"600\" fill=\"currentColor\"");
    y += row_pitch;
    for (const json& chain : array.at("chains")) {
      out += text_at(0, y + 14, "bucket " + std::to_string(chain.at("bucket").get<unsigned>()), "start",
                     " font-size=\"12\" fill=\"currentColor\"");
      double x = name_width;
      for (std::size_t b = 0; b < chain.at("buckets").size(); ++b) {
        if (b > 0)
          out += "<path d=\"M" + coordinate(x - bucket_gap + 2) + " " + coordinate(y + slot_height / 2) +
                 "h" + coordinate(bucket_gap - 6) +
                 "m-5 -4l5 4l-5 4\" fill=\"none\" stroke=\"currentColor\"/>";
        for (std::size_t i = 0; i < slots; ++i) {
          const std::string tag = chain.at("buckets")[b][i];
          const json* was = earlier_tag(before, name, chain.at("bucket"), b, i);
          const bool changed = before != nullptr && tag != (was != nullptr ? was->get<std::string>() : "..");
          out += "<rect x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" width=\"" +
                 coordinate(slot_width - 2) + "\" height=\"" + coordinate(slot_height) +
                 "\" rx=\"3\" fill=\"" + fill_of(tag) + "\" fill-opacity=\"0.55\" stroke=\"" +
                 (changed ? "var(--published)\" stroke-width=\"2.2" : "var(--line)") + "\"/>" +
                 text_at(x + (slot_width - 2) / 2, y + 13.5, tag, "middle",
                         " font-size=\"11.5\" font-family=\"ui-monospace, monospace\" fill=\"currentColor\"");
          x += slot_width;
        }
        x += bucket_gap;
      }
      y += row_pitch;
    }
  }
  return out + "</svg>";
}

}  // namespace

std::string bucket_drawings(const nlohmann::json& story) {
  std::string out;
  const json* before = nullptr;
  for (const json& step : story) {
    std::string says = escape(step.at("says").get<std::string>());
    if (const auto bytes_freed = step.find("collected_bytes"); bytes_freed != step.end())
      says += " Here it freed " + bytes(bytes_freed->get<double>()) + ".";
    out += "<figure style=\"flex:0 1 540px\"><h3>" + escape(step.at("title").get<std::string>()) + "</h3>" +
           picture(step, before) + "<figcaption>" + says + "</figcaption></figure>\n";
    before = &step;
  }
  return out.empty() ? out : "<div class=\"plots\">" + out + "</div>\n";
}

}  // namespace tophash::lab::report
