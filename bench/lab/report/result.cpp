// SPDX-License-Identifier: Apache-2.0
#include "lab/report/result.hpp"

#include <cmath>
#include <stdexcept>

namespace tophash::lab::report {
namespace {

using json = nlohmann::json;

[[noreturn]] void refuse(const std::string& path, std::string_view why) {
  throw std::runtime_error("report: " + path + ": " + std::string(why));
}

// One JSON object and its path from the top, so that each complaint names the field.
class fields {
 public:
  fields(const json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object.is_object()) refuse(path_, std::string("expected an object, found ") + object.type_name());
  }

  std::string at(std::string_view name) const { return path_ + "." + std::string(name); }
  const std::string& path() const { return path_; }
  const json& object() const { return object_; }

  // Absent and null are the same: the lab had nothing to say.
  const json* find(const char* name) const {
    const auto it = object_.find(name);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }

  const json& need(const char* name) const {
    const json* value = find(name);
    if (value == nullptr) refuse(at(name), "missing");
    return *value;
  }

  std::optional<double> number(const char* name) const {
    const json* value = find(name);
    return value == nullptr ? std::nullopt : std::optional(to_number(*value, at(name)));
  }

  double need_number(const char* name) const { return to_number(need(name), at(name)); }

  std::string text(const char* name) const {
    const json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) refuse(at(name), std::string("expected a string, found ") + value->type_name());
    return value->get<std::string>();
  }

  // A name or a number as text; a list (n, argv) becomes its parts with a space between.
  std::string loose_text(const char* name) const {
    const json* value = find(name);
    if (value == nullptr) return {};
    if (value->is_object()) refuse(at(name), "expected a string or a number, found object");
    if (!value->is_array()) return scalar_text(*value);
    std::string joined;
    for (const json& part : *value) {
      if (part.is_structured()) refuse(at(name), "expected a list of strings or numbers");
      joined += (joined.empty() ? "" : " ") + scalar_text(part);
    }
    return joined;
  }

  const json* array(const char* name) const {
    const json* value = find(name);
    if (value != nullptr && !value->is_array()) {
      refuse(at(name), std::string("expected an array, found ") + value->type_name());
    }
    return value;
  }

  static double to_number(const json& value, const std::string& path) {
    if (!value.is_number()) refuse(path, std::string("expected a number, found ") + value.type_name());
    const double number = value.get<double>();
    if (!std::isfinite(number)) refuse(path, "expected a finite number");
    return number;
  }

 private:
  const json& object_;
  std::string path_;
};

std::string indexed(std::string_view name, std::size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

interval read_interval(const fields& from) {
  return {from.need_number("median"), from.number("low"), from.number("high")};
}

percentiles read_percentiles(const fields& parent, const char* name) {
  const json* value = parent.find(name);
  if (value == nullptr) return {};
  const fields from(*value, parent.at(name));
  return {from.number("p50"), from.number("p90"), from.number("p99"), from.number("p99_9"),
          from.number("max")};
}

bytes_by_purpose read_purposes(const fields& parent, const char* name) {
  bytes_by_purpose all;
  const json* value = parent.find(name);
  if (value == nullptr) return all;
  const fields from(*value, parent.at(name));
  for (const auto& [purpose, bytes] : from.object().items()) {
    all.emplace_back(purpose, fields::to_number(bytes, from.at(purpose)));
  }
  return all;
}

memory_figures read_memory(const fields& from) {
  return {from.number("peak_bytes"), from.number("end_bytes"), from.number("rss_bytes"),
          read_purposes(from, "by_purpose"), read_purposes(from, "peak_by_purpose")};
}

gc_figures read_gc(const fields& from) {
  gc_figures gc;
  gc.collections = from.number("collections");
  gc.heap_bytes = from.number("heap_bytes");
  gc.heap_peak_bytes = from.number("heap_peak_bytes");
  gc.allocated_bytes = from.number("allocated_bytes");
  gc.allocation_rate_bytes_per_s = from.number("allocation_rate_bytes_per_s");
  gc.collector_cpu_ns = from.number("collector_cpu_ns");
  gc.stop_the_world_ns = read_percentiles(from, "stop_the_world_ns");
  gc.stall_ns = read_percentiles(from, "stall_ns");
  return gc;
}

std::vector<load_point> read_load_sweep(const fields& from) {
  std::vector<load_point> points;
  const json* list = from.array("load_sweep");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const fields point((*list)[i], indexed(from.at("load_sweep"), i));
    points.push_back({point.need_number("load"), point.number("overflow_percent"), point.number("hit_probes"),
                      point.number("miss_probes"), point.number("overhead_bytes_per_entry"),
                      point.number("sampled_hit_probes"), point.number("sampled_miss_probes"),
                      point.number("hit_ns"), point.number("miss_ns")});
  }
  return points;
}

void flatten(const json& value, const std::string& name,
             std::vector<std::pair<std::string, std::string>>& into) {
  if (value.is_object()) {
    for (const auto& [part, inner] : value.items())
      flatten(inner, name.empty() ? part : name + "." + part, into);
  } else if (!value.is_null()) {
    into.emplace_back(name, value.is_array() ? value.dump(-1, ' ', false, json::error_handler_t::replace)
                                             : scalar_text(value));
  }
}

// The counts of the overflow source: an object of the row's own, or among its counters, nested or flat.
std::optional<overflow_figures> read_overflow(const fields& from) {
  if (const json* own = from.find("overflow")) {
    const fields counts(*own, from.at("overflow"));
    return overflow_figures{counts.number("requested"), counts.number("recycled")};
  }
  const json* counters = from.find("counters");
  if (counters == nullptr) return std::nullopt;
  const fields all(*counters, from.at("counters"));
  if (const json* nested = all.find("overflow"); nested != nullptr && nested->is_object()) {
    const fields counts(*nested, all.at("overflow"));
    return overflow_figures{counts.number("requested"), counts.number("recycled")};
  }
  const overflow_figures flat{all.number("overflow_requested"), all.number("overflow_recycled")};
  return flat.requested || flat.recycled ? std::optional(flat) : std::nullopt;
}

void read_figures(const fields& from, row& into) {
  if (const json* part = from.find("ns_per_op"))
    into.ns_per_op = read_interval({*part, from.at("ns_per_op")});
  if (const json* part = from.find("ratio")) {
    const fields ratio(*part, from.at("ratio"));
    into.ratio = read_interval(ratio);
    into.ratio_to = ratio.loose_text("to");
  }
  if (from.find("latency_ns")) into.latency_ns = read_percentiles(from, "latency_ns");
  if (const json* part = from.find("memory")) into.memory = read_memory({*part, from.at("memory")});
  if (const json* part = from.find("gc")) into.gc = read_gc({*part, from.at("gc")});
  into.load_sweep = read_load_sweep(from);
  into.overflow = read_overflow(from);
}

row read_row(const fields& from) {
  row r;
  if (!from.need("variant").is_string()) refuse(from.at("variant"), "expected a string");
  r.variant = from.text("variant");
  r.spec = from.text("spec");
  r.allocator = from.text("allocator");
  r.collector = from.text("collector");
  r.key = from.text("key");
  r.checksum = from.loose_text("checksum");
  r.rerun = from.loose_text("rerun");
  r.pattern = from.text("pattern");
  r.trouble = from.text("trouble");
  r.n = from.number("n");
  r.ops = from.number("ops");
  read_figures(from, r);
  if (const json* counters = from.find("counters")) {
    flatten(fields(*counters, from.at("counters")).object(), "", r.counters);
  }
  if (const json* allocations = from.find("allocations");
      allocations != nullptr && allocations->is_object()) {
    r.allocations = fields(*allocations, from.at("allocations")).number("count");
    flatten(*allocations, "allocations", r.counters);
  } else {
    r.allocations = from.number("allocations");
  }
  return r;
}

void read_experiment(const fields& from, result& into) {
  into.command = from.loose_text("command");
  into.subject = from.loose_text(from.find("workload") != nullptr ? "workload" : "trace");
  into.n = from.loose_text("n");
  into.repeat = from.loose_text("repeat");
  into.seed = from.loose_text("seed");
  into.argv = from.loose_text("argv");
  into.input = from.loose_text("input");
}

std::vector<std::string> read_sentences(const fields& from, const char* name) {
  std::vector<std::string> sentences;
  const json* list = from.array(name);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    if (!(*list)[i].is_string()) refuse(indexed(from.at(name), i), "expected a string");
    sentences.push_back((*list)[i].get<std::string>());
  }
  return sentences;
}

bool flagged(const fields& from, const char* name, bool when) {
  const json* value = from.find(name);
  return value != nullptr && value->is_boolean() && value->get<bool>() == when;
}

}  // namespace

std::string scalar_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

result read_result(const json& value, std::string_view where) {
  const fields top(value, std::string(where));
  const std::string schema = top.loose_text("schema");
  if (schema != "tophash-result-1") {
    refuse(top.at("schema"),
           "expected \"tophash-result-1\", found " + (schema.empty() ? "none" : "\"" + schema + "\""));
  }
  result r;
  r.manifest = json::object();
  if (const json* manifest = top.find("manifest"))
    r.manifest = fields(*manifest, top.at("manifest")).object();
  read_experiment(fields(top.need("experiment"), top.at("experiment")), r);
  r.partial =
      flagged(top, "partial", true) || flagged(top, "interrupted", true) || flagged(top, "complete", false);
  static_cast<void>(top.need("rows"));
  const json& rows = *top.array("rows");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    r.rows.push_back(read_row(fields(rows[i], indexed(top.at("rows"), i))));
  }
  r.findings = read_sentences(top, "findings");
  r.left_out = read_sentences(top, "left_out");
  r.mismatches = read_sentences(top, "mismatches");
  return r;
}

}  // namespace tophash::lab::report
