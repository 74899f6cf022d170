// SPDX-License-Identifier: Apache-2.0
// Every topic is built as JSON first and the text is a rendering of it, so both say the same.
#include "lab/describe.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <tophash/framework/compose/rules.hpp>

#include "lab/catalogue.hpp"
#include "lab/claims.hpp"
#include "lab/collectors.hpp"
#include "lab/experiment.hpp"
#include "lab/fragmentation.hpp"
#include "lab/go_speed.hpp"
#include "lab/go_structure.hpp"
#include "lab/hazards.hpp"
#include "lab/nearest.hpp"
#include "lab/peers_run.hpp"
#include "lab/registry.hpp"
#include "lab/storage_source.hpp"
#include "lab/storages.hpp"
#include "lab/variant_source.hpp"
#include "lab/weak_costs.hpp"
#include "workloads/workloads.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

json axes_json() {
  json out = json::array();
  const spec_description standard = default_spec();
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    json options = json::array();
    for (const option_entry& e : catalogue_options()) {
      if (e.axis == axis)
        options.push_back({{"name", e.name},
                           {"parameters", e.parameters},
                           {"description", e.description},
                           {"header", e.header}});
    }
    out.push_back({{"name", axis_names[axis]},
                   {"description", axis_description(axis)},
                   {"default", text_of(standard.options[axis])},
                   {"options", options}});
  }
  return out;
}

json presets_json() {
  json out = json::array();
  for (const preset_entry& p : catalogue_presets()) {
    out.push_back({{"name", p.name},
                   {"description", p.description},
                   {"spec", canonical(parse_spec(p.name))},
                   {"cxx", p.spelling}});
  }
  return out;
}

json variants_json() {
  json out = json::array();
  for (const variant_row& v : variants()) {
    json row{{"name", v.name}, {"keys", json::array()}, {"any_allocator", v.any_storage}};
    if (!v.spec.empty()) row["spec"] = v.spec;
    if (!v.description.empty()) row["description"] = v.description;
    if (v.run_u64 != nullptr) row["keys"].push_back("u64");
    if (v.run_string != nullptr) row["keys"].push_back("string");
    out.push_back(row);
  }
  return out;
}

json workloads_json() {
  json out = json::array();
  for (const workload_entry& w : workloads())
    out.push_back({{"name", w.name}, {"description", w.description}});
  out.push_back({{"name", fragmentation_name},
                 {"description",
                  "many small maps on each storage, nine of ten dropped: what is trapped, what goes back"}});
  out.push_back({{"name", go_structure_name},
                 {"description",
                  "the inside of go_like, field by field, with --with-go beside real Go's map (run only)"}});
  out.push_back(
      {{"name", go_speed_name},
       {"description", "times of go_like over times of real Go's map, interleaved (run --with-go only)"}});
  out.push_back({{"name", hazards_name}, {"description", hazards_description}});
  out.push_back({{"name", weak_name}, {"description", weak_description}});
  for (const workload_entry& apart : {overflow_reuse_entry(), peers_entry()})
    out.push_back({{"name", apart.name}, {"description", apart.description}});
  return out;
}

json allocators_json() {
  json out = json::array();
  for (const storage_entry& s : storages()) {
    json row{{"name", s.name}, {"visibility", visibility_name(s.sees)}, {"here", s.here}};
    if (!s.version.empty()) row["version"] = s.version;
    if (!s.missing.empty()) row["package"] = s.missing;
    row["alone"] = s.alone;
    out.push_back(row);
  }
  out.push_back({{"name", "tracked(A)"},
                 {"visibility", "as A"},
                 {"here", true},
                 {"description", "counts by purpose around any of them"}});
  return out;
}

json collectors_json() {
  json out = json::array();
  for (const collector_entry& c : collectors())
    out.push_back({{"name", c.name}, {"description", c.description}, {"here", c.here}});
  return out;
}

json rules_json() {
  json out = json::array();
  for (const rule_row& r : rules) {
    out.push_back({{"id", r.id},
                   {"axes", r.axes},
                   {"kind", r.kind == tophash::rule_kind::pack ? "pack" : "typed"},
                   {"sentence", r.sentence},
                   {"remedy", r.remedy}});
  }
  return out;
}

json claims_array() { return claims_json(load_claims(claims_folder("")), {}).at("claims"); }

struct topic {
  std::string name;
  json (*build)();
};

const std::vector<topic>& topics() {
  static const std::vector<topic> all = {
      {"axes", axes_json},           {"presets", presets_json},       {"variants", variants_json},
      {"workloads", workloads_json}, {"allocators", allocators_json}, {"collectors", collectors_json},
      {"rules", rules_json},         {"claims", claims_array}};
  return all;
}

std::string one_line(const json& row) {
  std::string out = fmt::format("  {:<34}", row.value("name", row.value("id", "")));
  if (row.contains("axes"))
    out += " [" + row.at("axes").get<std::string>() + "] " + row.value("sentence", "") + "; " +
           row.value("remedy", "");
  if (row.contains("visibility")) out += " " + row.at("visibility").get<std::string>();
  if (row.contains("version")) out += ", " + row.at("version").get<std::string>();
  if (!row.value("here", true))
    out += ", not built in" +
           (row.contains("package") ? " (package " + row.at("package").get<std::string>() + ")" : "");
  if (row.contains("description"))
    out += " " + row.at("description").get<std::string>();
  else if (row.contains("spec"))
    out += " " + row.at("spec").get<std::string>();
  return out + "\n";
}

std::string axes_text(const json& all) {
  std::string out;
  for (const json& axis : all) {
    out += fmt::format("{}: {} (default {})\n", axis.at("name").get<std::string>(),
                       axis.at("description").get<std::string>(), axis.at("default").get<std::string>());
    for (const json& o : axis.at("options")) {
      const std::string parameters = o.at("parameters");
      const std::string name =
          o.at("name").get<std::string>() + (parameters.empty() ? "" : "(" + parameters + ")");
      out += fmt::format("  {:<34} {}\n", name, o.at("description").get<std::string>());
    }
  }
  return out;
}

}  // namespace

const std::vector<std::string>& list_topics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const topic& t : topics()) out.push_back(t.name);
    return out;
  }();
  return names;
}

json list_json(const std::string& name) {
  if (name.empty()) {
    json out;
    for (const topic& t : topics()) out[t.name] = t.build();
    return out;
  }
  for (const topic& t : topics()) {
    if (t.name == name) return {{t.name, t.build()}};
  }
  throw command_error(exit_usage, "'" + name + "' is nothing to list" + nearest_hint(name, list_topics()));
}

std::string list_text(const std::string& name) {
  const json all = list_json(name);
  std::string out;
  for (const topic& t : topics()) {
    if (!all.contains(t.name)) continue;
    if (name.empty()) out += (out.empty() ? "" : "\n") + t.name + "\n";
    if (t.name == "axes") {
      out += axes_text(all.at(t.name));
    } else {
      for (const json& row : all.at(t.name)) out += one_line(row);
    }
  }
  return out;
}

// ---- explain ------------------------------------------------------------------------------------

namespace {

const named_type& type_named(const std::string& name) {
  if (const named_type* t = find_type(name)) return *t;
  std::vector<std::string> known;
  for (const named_type& t : named_types()) known.emplace_back(t.name);
  throw command_error(exit_usage, "'" + name + "' is no type that explain knows" + nearest_hint(name, known));
}

// One block: the entries, and behind them their tags. See framework/layout/open_groups.hpp.
std::string groups_text(const spec_facts& facts, const named_type& key, const named_type& value) {
  const std::size_t width = facts.layout.slots;
  const bool dead = facts.deletion.kind == deletion_kind::tombstone,
             dirty = facts.deletion.kind == deletion_kind::dirty;
  const std::size_t slots = dead ? width : width - 1;
  if (facts.layout.kind == layout_kind::nodes) {
    return fmt::format("entries: groups x 15 x pointer 8 bytes | tags: groups x 16 bytes\n"
                       "  node:  hash 8 | pair of {} + {} bytes\n"
                       "  group: tags 15 | counter 1 (how many entries passed by: 0 ends a search)\n"
                       "  tag:   0 empty | 1 end of the array | {}",
                       key.bytes, value.bytes, dirty ? "2..127 live | 128 + live: erased, unswept" : "2..255 live");
  }
  const std::string ends =
      dead ? "an empty slot ends a search"
           : "the filter ends a search: a bit for each 1/8 of the hashes, set when one passed by";
  return fmt::format("entries: groups x {} x pair of {} + {} bytes | tags: groups x {} bytes\n"
                     "  group: tags {}{} ({})\n"
                     "  tag:   0 empty | {}{} end of the array | {}\n"
                     "  at most 4 entries: 4 pairs | {} tags; at most {}: {} pairs | {} tags",
                     slots, key.bytes, value.bytes, width, slots, dead ? "" : " | filter 1", ends,
                     dead ? "1 dead | " : "", dead ? 2 : 1,
                     dirty  ? "2..127 live | 128 + live: erased, unswept"
                     : dead ? "3..255 live"
                            : "2..255 live",
                     width, width - 2, width - 2, width);
}

// See framework/layout/open_slots.hpp.
std::string slots_text(const spec_facts& facts, const named_type& key, const named_type& value) {
  constexpr std::string_view steps[] = {"i + 1", "i + 1, + 2, + 3, ...",
                                        "5 i + 1 + p, p = hash >> 5, >> 10, ..."};
  const bool dirty = facts.deletion.kind == deletion_kind::dirty,
             gone = facts.deletion.kind == deletion_kind::immediate;
  return fmt::format("entries: slots x pair of {} + {} bytes | control: slots x 1 byte | end 1\n"
                     "  control: 0 empty, a search ends | {}2 end of the array | {}\n"
                     "  steps:   from slot i to {}",
                     key.bytes, value.bytes, gone ? "" : "1 dead, a search goes on | ",
                     dirty ? "3..127 live | 128 + live: erased, unswept" : "3..255 live",
                     steps[static_cast<std::size_t>(facts.layout.steps)]);
}

// See framework/layout/directory.hpp.
std::string tables_text(const spec_facts& facts, const named_type& key, const named_type& value) {
  const bool in_nodes = key.bytes + value.bytes > facts.layout.inline_limit_bytes;
  return fmt::format("directory: 2^depth x pointer 8 bytes | table: counts, depth, where its groups are, at most {}\n"
                     "  groups: groups x 8 x pair of {} + {} bytes{} | tags: groups x 8 bytes | end 8\n"
                     "  tag:    0 empty, a search ends | 1 dead | 2 end of the array | 5..255 live\n"
                     "  at most 8 entries: one group, no directory",
                     facts.layout.table_slots / facts.layout.slots, key.bytes, value.bytes,
                     in_nodes ? ", each behind a pointer" : "");
}

std::string bucket_text(const spec_facts& facts, const named_type& key, const named_type& value) {
  const layout_facts& layout = facts.layout;
  if (layout.kind == layout_kind::open_slots) return slots_text(facts, key, value);
  if (layout.kind == layout_kind::directory) return tables_text(facts, key, value);
  if (layout.is_open()) return groups_text(facts, key, value);
  const auto slot = [&layout](std::size_t bytes) {
    return bytes > layout.inline_limit_bytes ? sizeof(void*) : bytes;
  };
  if (layout.split) {
    return fmt::format("link 8 | tags 8 | {} x key {} | {} x value {} bytes", layout.slots, slot(key.bytes),
                       layout.slots, slot(value.bytes));
  }
  return fmt::format("link 8 | tags 8 | {} x pair of {} + {} bytes{}", layout.slots, key.bytes, value.bytes,
                     layout.boxes(key.bytes, value.bytes) ? ", each behind a pointer" : "");
}

}  // namespace

json explain_json(const std::string& text, const std::string& key_name, const std::string& value_name) {
  spec_description spec;
  try {
    spec = parse_spec(text);
  } catch (const spec_error& error) {
    throw command_error(exit_usage, "SPEC '" + text + "', " + error.what());
  }
  const named_type &key = type_named(key_name), &value = type_named(value_name);
  json out{{"spec", text}, {"canonical", canonical(spec)}, {"key", key.spelling}, {"value", value.spelling}};
  out["presets"] = spec.presets;
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    const option_entry& entry = entry_of(axis, spec.options[axis].name);
    const bool from_preset = !spec.given[axis] && !spec.presets.empty();
    out["axes"].push_back({{"axis", axis_names[axis]},
                           {"option", text_of(spec.options[axis])},
                           {"description", entry.description},
                           {"decided_by", spec.given[axis] ? "option"
                                          : from_preset    ? "preset or default"
                                                           : "default"}});
  }
  const type_facts types = type_facts_for(spec, key, value);
  if (const std::optional<violation> broken = check_rules(spec, &types)) {
    out["violation"] = {{"rule", broken->id}, {"axes", broken->axes}, {"message", broken->message()}};
    return out;
  }
  out["cxx"] = cxx_type(spec, key.spelling, value.spelling);
  for (const std::string& header : cxx_headers(spec))
    out["headers"].push_back("#include <tophash/" + header + ">");
  out["bucket"] = bucket_text(facts_of(spec), key, value);
  const variant_choice built = choose_variants(canonical(with_option(spec, "allocation=system")));
  if (!built.rows.empty()) out["built_as"] = built.rows.front()->name;
  return out;
}

std::string explain_text(const json& e) {
  std::string out = "canonical: " + e.at("canonical").get<std::string>() + "\n\n";
  for (const json& row : e.at("axes")) {
    out += fmt::format("  {:<11} {:<32} {}\n", row.at("axis").get<std::string>(),
                       row.at("option").get<std::string>(), row.at("description").get<std::string>());
  }
  if (e.contains("violation"))
    return out + "\nrefused: " + e.at("violation").at("message").get<std::string>() + "\n";
  out += (e.at("bucket").get<std::string>().starts_with("entries") ? "\n" : "\nbucket: ") +
         e.at("bucket").get<std::string>() + "\n\n";
  for (const json& header : e.at("headers")) out += header.get<std::string>() + "\n";
  out += e.at("cxx").get<std::string>() + "\n";
  out += e.contains("built_as")
             ? "\nbuilt into this program as '" + e.at("built_as").get<std::string>() + "'\n"
             : "\nnot built into this program: compiled when it is asked for\n";
  if (e.contains("dump")) out += "\na small one in memory\n" + e.at("dump").get<std::string>();
  return out;
}

namespace {

void throw_if_refused(const std::string& text, const std::string& key, const std::string& value) {
  const json explained = explain_json(text, key, value);
  if (explained.contains("violation"))
    throw command_error(exit_check_failed, explained.at("violation").at("message").get<std::string>());
}

}  // namespace

std::string explain_program(const std::string& text, const std::string& key_name,
                            const std::string& value_name) {
  throw_if_refused(text, key_name, value_name);
  const spec_description spec = parse_spec(text);
  if (const std::string why = handle_too_wide(spec.options[axes::allocation::index]); !why.empty())
    throw command_error(exit_check_failed, why);
  return program_source(spec, type_named(key_name), type_named(value_name));
}

std::string operation_program(const std::string& text, const std::string& key_name,
                              const std::string& value_name, const std::string& operation) {
  throw_if_refused(text, key_name, value_name);
  return operation_source(parse_spec(text), type_named(key_name), type_named(value_name), operation);
}

}  // namespace tophash::lab
