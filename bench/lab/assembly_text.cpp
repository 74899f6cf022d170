// SPDX-License-Identifier: Apache-2.0
// Machine code as a listing with its counts, two of them as counts side by side, and both as JSON (schema
// tophash-asm-1).
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/assembly.hpp"
#include "lab/manifest.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

struct count_row {
  const char* name;
  std::size_t instruction_counts::*value;
};

constexpr std::array<count_row, 8> count_rows = {{{"instructions", &instruction_counts::instructions},
                                                  {"bytes", &instruction_counts::bytes},
                                                  {"conditional branches", &instruction_counts::conditional},
                                                  {"other branches", &instruction_counts::unconditional},
                                                  {"calls", &instruction_counts::calls},
                                                  {"locked instructions", &instruction_counts::locked},
                                                  {"loads", &instruction_counts::loads},
                                                  {"stores", &instruction_counts::stores}}};

std::string listing(const std::vector<instruction>& body) {
  std::string out;
  for (const instruction& i : body) {
    if (!i.label.empty()) out += i.label + ":\n";
    if (!i.location.empty()) out += "    ; " + i.location + "\n";
    out += "        " + i.text + "\n";
  }
  return out;
}

std::string callees_text(const disassembled_function& o) {
  if (o.callees.empty()) return "calls nothing\n";
  std::string out = "calls, out of line:\n";
  for (const callee& c : o.callees)
    out +=
        "  " + c.name +
        (c.bytes == 0 ? ", elsewhere" : fmt::format(", {} instructions, {} bytes", c.instructions, c.bytes)) +
        "\n";
  return out;
}

std::string listed(const disassembled_function& o) {
  std::string out = listing(o.fast);
  if (!o.cold.empty()) out += "\ncold part, apart from it:\n" + listing(o.cold);
  out += fmt::format("\n{:<22} {:>8} {:>8}\n", "", "here", "cold");
  for (const count_row& row : count_rows)
    out += fmt::format("{:<22} {:>8} {:>8}\n", row.name, o.fast_counts.*row.value, o.cold_counts.*row.value);
  return out + callees_text(o);
}

std::string side_by_side(const assembled_operation& a, const assembled_operation& b) {
  std::string out = fmt::format("A: {}\nB: {}\n", a.spec, b.spec);
  const auto part = [&out](const char* name, const instruction_counts& x, const instruction_counts& y) {
    out += fmt::format("\n{:<22} {:>8} {:>8} {:>10}\n", name, "A", "B", "B less A");
    for (const count_row& row : count_rows) {
      const auto from = static_cast<std::ptrdiff_t>(x.*row.value),
                 to = static_cast<std::ptrdiff_t>(y.*row.value);
      out += fmt::format("{:<22} {:>8} {:>8} {:>10}\n", row.name, from, to,
                         to == from ? std::string{"same"} : fmt::format("{:+}", to - from));
    }
  };
  part("", a.code.fast_counts, b.code.fast_counts);
  if (!a.code.cold.empty() || !b.code.cold.empty()) part("cold part", a.code.cold_counts, b.code.cold_counts);
  return out + "\nA " + callees_text(a.code) + "B " + callees_text(b.code);
}

json counts_json(const instruction_counts& n) {
  return {{"instructions", n.instructions},
          {"bytes", n.bytes},
          {"conditional_branches", n.conditional},
          {"other_branches", n.unconditional},
          {"calls", n.calls},
          {"locked", n.locked},
          {"loads", n.loads},
          {"stores", n.stores}};
}

json listing_json(const std::vector<instruction>& body) {
  json out = json::array();
  for (const instruction& i : body) {
    json row{{"address", i.address}, {"bytes", i.bytes}, {"text", i.text}};
    if (!i.label.empty()) row["label"] = i.label;
    if (!i.location.empty()) row["location"] = i.location;
    out.push_back(std::move(row));
  }
  return out;
}

json operation_json(const assembled_operation& o) {
  json out{{"spec", o.spec},
           {"canonical", o.canonical},
           {"function", o.code.name},
           {"counts", counts_json(o.code.fast_counts)},
           {"listing", listing_json(o.code.fast)},
           {"calls", json::array()}};
  if (!o.code.cold.empty()) {
    out["cold_counts"] = counts_json(o.code.cold_counts);
    out["cold_listing"] = listing_json(o.code.cold);
  }
  for (const callee& c : o.code.callees) {
    json row{{"name", c.name}};
    if (c.bytes != 0) row["bytes"] = c.bytes, row["instructions"] = c.instructions;
    out["calls"].push_back(std::move(row));
  }
  return out;
}

}  // namespace

json assembly_json(const assembly& a) {
  json out{{"schema", "tophash-asm-1"},
           {"manifest", manifest()},
           {"operation", a.request.operation},
           {"key", a.request.key},
           {"value", a.request.value}};
  out["manifest"]["variant_compiler"] = a.compiler;
  out["functions"] = json::array();
  for (const assembled_operation& o : a.operations) out["functions"].push_back(operation_json(o));
  return out;
}

std::string assembly_text(const assembly& a) {
  const assembly_request& r = a.request;
  std::string out =
      fmt::format("{} of a map from {} to {}; counts are of instructions there are, not of those that "
                  "run\n",
                  r.operation, r.key, r.value);
  if (a.operations.size() == 2) return out + side_by_side(a.operations[0], a.operations[1]);
  return out + a.operations.front().spec + ": " + a.operations.front().code.name + "\n\n" +
         listed(a.operations.front().code);
}

}  // namespace tophash::lab
