// SPDX-License-Identifier: Apache-2.0
#include "lab/truths.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "lab/claim_fields.hpp"
#include "lab/claims_verdict.hpp"
#include "lab/nearest.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

const std::vector<std::string>& firm_verdicts() {
  static const std::vector<std::string> all = {std::string{verdict_name(verdict::confirmed)},
                                               std::string{verdict_name(verdict::refuted)},
                                               std::string{verdict_name(verdict::direction_only)}};
  return all;
}

struct found_verdict {
  std::string is, by;
};

std::map<std::string, found_verdict> verdicts_of(const json& reproduction) {
  std::map<std::string, found_verdict> out;
  for (const json& t : reproduction.at("tables")) {
    for (const json& row : t.at("claims"))
      out[row.at("id").get<std::string>()] = {row.at("verdict").get<std::string>(), "measured"};
  }
  for (const json& record : reproduction.at("ledger")) {
    found_verdict& one = out[record.at("id").get<std::string>()];
    if (const auto test = record.find("verdict_if_it_passes"); test != record.end())
      one = {test->get<std::string>(), "test"};
    else if (const auto go = record.find("verdict"); go != record.end())
      one = {go->get<std::string>(), "Go"};
  }
  return out;
}

}  // namespace

std::vector<stated_truth> parse_truths(const json& value, const std::string& file) {
  const claim_fields from(value, file, "");
  from.allow({"schema", "truths"});
  from.expect_schema(truths_schema);
  std::vector<stated_truth> out;
  from.each("truths", [&](const claim_fields& one) {
    one.allow({"says", "stands_on"});
    stated_truth t{file, one.text("says"), {}};
    const json& stands_on = one.need("stands_on");
    const claim_fields verdicts = one.object("stands_on");
    for (const auto& [id, unused] : stands_on.items()) {
      const std::string needed = verdicts.text(id.c_str());
      if (std::find(firm_verdicts().begin(), firm_verdicts().end(), needed) == firm_verdicts().end())
        verdicts.refuse(id,
                        "'" + needed + "' is no verdict to stand on" + nearest_hint(needed, firm_verdicts()));
      t.stands_on.emplace_back(id, needed);
    }
    if (t.stands_on.empty()) one.refuse("stands_on", "names no verdict");
    out.push_back(std::move(t));
  });
  return out;
}

void check_truths(const claim_ledger& ledger) {
  std::vector<std::string> known;
  for (const claim_table& t : ledger.tables) {
    for (const claim& c : t.claims) known.push_back(c.id);
  }
  for (const ledger_record& r : ledger.records) {
    if (r.is == claim_class::by_construction || r.is == claim_class::needs_go) known.push_back(r.id);
  }
  for (const stated_truth& t : ledger.truths) {
    for (const auto& [id, needed] : t.stands_on) {
      if (std::find(known.begin(), known.end(), id) != known.end()) continue;
      throw claim_error(t.file + ": '" + t.says + "': '" + id +
                        "' is no row of a table and no claim that a test or Go decides" +
                        nearest_hint(id, known));
    }
  }
}

json truths_json(const std::vector<stated_truth>& truths, const json& reproduction) {
  const std::map<std::string, found_verdict> verdicts = verdicts_of(reproduction);
  const std::string unresolved{verdict_name(verdict::not_resolvable)};
  json out = json::array();
  for (const stated_truth& t : truths) {
    std::string is = "holds";
    json stands_on = json::array();
    for (const auto& [id, needed] : t.stands_on) {
      const auto found = verdicts.find(id);
      const found_verdict one = found != verdicts.end() ? found->second : found_verdict{};
      stands_on.push_back({{"id", id}, {"needed", needed}, {"found", one.is}, {"by", one.by}});
      if (one.is == needed) continue;
      if (!one.is.empty() && one.is != unresolved)
        is = "contradicted";
      else if (is == "holds")
        is = "open";
    }
    out.push_back({{"says", t.says}, {"stands_on", std::move(stands_on)}, {"is", is}});
  }
  return out;
}

}  // namespace tophash::lab
