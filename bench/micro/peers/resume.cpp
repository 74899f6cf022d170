// SPDX-License-Identifier: Apache-2.0
#include "micro/peers/resume.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tophash::peers {

namespace {

using nlohmann::json;

constexpr kind all_kinds[] = {kind::u64, kind::short_string, kind::long_string, kind::value_64,
                              kind::value_256};

std::optional<kind> kind_named(std::string_view name) {
  for (const kind k : all_kinds) {
    if (name == name_of(k)) return k;
  }
  return std::nullopt;
}

const json* figures_of(const json& result, const json& workload, const json& what, const json& n) {
  const auto workloads = result.find("workloads");
  if (workloads == result.end()) return nullptr;
  const auto at = std::find_if(workloads->begin(), workloads->end(), [&](const json& one) {
    return one.at("workload") == workload && one.at("kind") == what && one.at("n") == n;
  });
  return at == workloads->end() ? nullptr : &*at;
}

}  // namespace

std::optional<std::string> cannot_resume(const json& saved, const json& fresh) {
  if (!saved.is_object() || saved.value("format", json()) != fresh.at("format"))
    return "is no result of this version of tophash_peers";
  const json& then = saved.at("made_with");
  for (const auto& [what, now] : fresh.at("made_with").items()) {
    const json before = then.value(what, json());
    if (before != now)
      return fmt::format("was made with {} = {}, and this run has {}", what, before.dump(), now.dump());
  }
  if (saved.at("subject") != fresh.at("subject") || saved.at("maps") != fresh.at("maps"))
    return "compares other maps (--maps, --subject, --quick)";
  return std::nullopt;
}

void restore_footprints(bench& b, const json& saved) {
  const auto footprints = saved.find("footprints");
  if (footprints == saved.end()) return;
  for (const auto& [name, maps] : footprints->items()) {
    const auto what = kind_named(name);
    if (!what) continue;
    for (std::size_t m = 0; m < b.maps().size(); ++m) {
      const auto one = maps.find(std::string(b.maps()[m].name));
      if (one == maps.end()) continue;
      footprint bytes;
      bytes.mean = one->at("mean");
      for (const json& point : one->at("at")) bytes.at[point.at(0)] = point.at(1);
      b.restore_bytes(m, *what, std::move(bytes));
    }
  }
}

std::vector<task_result> restore_results(const bench& b, const json& saved, const std::vector<task>& tasks) {
  std::vector<task_result> out;
  for (const task& t : tasks) {
    const json* const one = figures_of(saved, t.row->name, name_of(t.what), t.n);
    if (one == nullptr) continue;
    task_result r;
    r.what = t;
    r.operations = one->at("operations");
    r.ns.resize(b.maps().size());
    for (std::size_t m = 0; m < b.maps().size(); ++m) {
      const auto entry = one->at("maps").find(std::string(b.maps()[m].name));
      if (entry != one->at("maps").end()) r.ns[m] = entry->at("ns_per_operation").get<std::vector<double>>();
    }
    if (const auto floor = one->find("floor_ns_per_operation"); floor != one->end())
      r.floor_ns = floor->get<std::vector<double>>();
    b.judge(r);
    out.push_back(std::move(r));
  }
  return out;
}

void keep_other_results(json& result, const json& saved) {
  const auto workloads = saved.find("workloads");
  if (workloads == saved.end()) return;
  for (const json& one : *workloads) {
    if (figures_of(result, one.at("workload"), one.at("kind"), one.at("n")) == nullptr)
      result["workloads"].push_back(one);
  }
}

}  // namespace tophash::peers
