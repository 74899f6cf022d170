// SPDX-License-Identifier: Apache-2.0
#include "lab/reproduce.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/bucket_story.hpp"
#include "lab/claim_records.hpp"
#include "lab/clock.hpp"
#include "lab/experiment.hpp"
#include "lab/manifest.hpp"
#include "lab/nearest.hpp"
#include "lab/truths.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

// ---- which tables, and which of their claims -------------------------------------------------------

bool is_named(const std::string& id, const std::vector<std::string>& ids) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void require_known(const std::vector<std::string>& ids, const claim_ledger& ledger) {
  std::vector<std::string> known;
  for (const claim_table& t : ledger.tables) {
    known.push_back(t.id);
    for (const claim& c : t.claims) {
      known.push_back(c.ledger);
      known.push_back(c.id);
    }
  }
  for (const ledger_record& r : ledger.records) known.push_back(r.id);
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  for (const std::string& id : ids) {
    if (is_named(id, known)) continue;
    throw command_error(exit_usage, "'" + id + "' is no table and no claim" + nearest_hint(id, known) +
                                        " (see: tophash list claims)");
  }
}

std::vector<ledger_record> chosen_records(const std::vector<std::string>& ids, const claim_ledger& ledger) {
  std::vector<ledger_record> out;
  for (const ledger_record& r : ledger.records) {
    if (ids.empty() || is_named(r.id, ids)) out.push_back(r);
  }
  return out;
}

std::vector<claim_table> chosen_tables(const std::vector<std::string>& ids,
                                       const std::vector<ledger_record>& records,
                                       const claim_ledger& ledger) {
  if (ids.empty()) return ledger.tables;
  std::vector<claim_table> out;
  for (claim_table t : ledger.tables) {
    std::erase_if(t.claims, [&](const claim& c) {
      return !is_named(t.id, ids) && !is_named(c.id, ids) && !is_named(c.ledger, ids) &&
             std::none_of(records.begin(), records.end(),
                          [&](const ledger_record& r) { return is_named(c.id, r.rows); });
    });
    if (!t.claims.empty()) out.push_back(std::move(t));
  }
  return out;
}

const measurement_entry& measurement_of(const claim_table& t) {
  std::vector<std::string> known;
  for (const measurement_entry& m : claim_measurements()) {
    if (m.name == t.workload) return m;
    known.emplace_back(m.name);
  }
  throw claim_error(t.file + ": workload.measurement: '" + t.workload + "' is no measurement" +
                    nearest_hint(t.workload, known));
}

// A rule that names a metric which the measurement neither takes nor misses is a misspelt rule.
void check_metrics(const claim_table& t, const claim_measurement& m) {
  std::vector<std::string> known;
  for (const auto& [name, metric] : m.sample) known.push_back(name);
  for (const auto& [name, why] : m.missing) known.push_back(name);
  const auto need = [&](const claim& c, const std::string& name) {
    if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
    throw claim_error(t.file + ": " + c.id + ": '" + name + "' is no metric of the measurement '" +
                      t.workload + "'" + nearest_hint(name, known));
  };
  for (const claim& c : t.claims) {
    for (const std::string& name : c.rule.readings) need(c, name);
    need(c, c.rule.per);
    if (c.rule.direction) need(c, c.rule.direction->than);
  }
}

// `not measured` becomes the measurement's own reason.
ruling judged(const claim& c, const measured_sample& sample,
              const std::map<std::string, std::string>& missing) {
  ruling out = judge(c.rule, c.unit, sample);
  for (judged_reading& reading : out.readings) {
    if (reading.value) continue;
    for (const std::string& name : {reading.metric, c.rule.per}) {
      if (const auto found = missing.find(name); found != missing.end()) reading.reason = found->second;
    }
  }
  return out;
}

// A reading that Go cannot have is none of its readings, as long as it has another.
ruling judged_in_go(claim c, const go_result& go) {
  const auto measured = [&go](const std::string& name) { return go.sample.count(name) != 0; };
  std::vector<std::string>& readings = c.rule.readings;
  if (std::any_of(readings.begin(), readings.end(), measured))
    std::erase_if(readings,
                  [&](const std::string& name) { return !measured(name) && go.missing.count(name) != 0; });
  return judged(c, go.sample, go.missing);
}

std::string rerun_command(const reproduce_request& r, const std::string& table) {
  std::string out = "tophash reproduce " + table + " --seed " + std::to_string(r.seed);
  if (r.repeat) out += " --repeat " + std::to_string(*r.repeat);
  if (r.quick) out += " --quick";
  if (r.with_go) out += " --with-go";
  if (!r.claims.empty()) out += " --claims " + r.claims;
  return out;
}

// ---- text ------------------------------------------------------------------------------------------

// Three significant digits, no exponent.
std::string digits(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 10'000) return grouped(static_cast<std::uint64_t>(std::llround(value)));
  if (size >= 100) return fmt::format("{:.0f}", value);
  if (size < 1e-6) return fmt::format("{:.1e}", value);
  const int decimals = std::max(0, 2 - static_cast<int>(std::floor(std::log10(size))));
  return fmt::format("{:.{}f}", value, decimals);
}

std::string published_text(const claim& c) {
  if (!c.text.empty()) return c.text;
  return fmt::format("{:g} {}", *c.figure, c.unit);
}

const judged_reading& shown(const ruling& j) { return j.readings[j.decided_by]; }

std::string cell(const ruling& j, const claim& c) {
  const judged_reading& reading = shown(j);
  return reading.value ? figure_text(*reading.value, c.unit) : "-";
}

std::string go_cell(const reproduced_table& t, const judged_claim& c) {
  if (!t.go) return t.go_absent;
  return cell(*c.go, *c.published);
}

std::string verdict_text(const judged_claim& c) {
  std::string out{verdict_name(c.here.is)};
  if (c.go && shown(*c.go).value && c.go->is != c.here.is)
    out += fmt::format(" (Go: {})", verdict_name(c.go->is));
  return out;
}

// A reason, and the rows that it holds for.
class grouped_rows {
 public:
  void add(const std::string& reason, const std::string& row) {
    for (auto& [known, rows] : all_) {
      if (known == reason) {
        rows += ", " + row;
        return;
      }
    }
    all_.emplace_back(reason, row);
  }
  void append_to(std::string& out, std::string_view what) const {
    for (const auto& [reason, rows] : all_) out += fmt::format("{}: {}: {}\n", what, rows, reason);
  }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

// Why a row has no verdict or no Go figure, and which metric is shown where the article may mean several.
std::string footnotes(const reproduced_table& t) {
  grouped_rows unresolved, no_go;
  std::string readings;
  for (const judged_claim& c : t.claims) {
    const claim& p = *c.published;
    if (c.here.is == verdict::not_resolvable) unresolved.add(c.here.reason(), p.label);
    if (c.go && !shown(*c.go).value && p.rule.compare != claim_comparison::undefined)
      no_go.add(c.go->reason(), p.label);
    if (p.rule.readings.size() > 1) readings += (readings.empty() ? "" : ", ") + shown(c.here).metric;
  }
  std::string out;
  unresolved.append_to(out, "not resolvable");
  no_go.append_to(out, "no Go figure");
  if (!readings.empty())
    out += "readings: any of several counts where the article defines nothing (--json has all); shown: " +
           readings + "\n";
  return out;
}

// ---- JSON ------------------------------------------------------------------------------------------

json estimate_json(const estimate& e) {
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}, {"coverage", e.coverage}};
}

json judgement_json(const ruling& j) {
  json out{{"verdict", verdict_name(j.is)}, {"reason", j.reason()}, {"reading", shown(j).metric}};
  if (shown(j).value) out["figure"] = estimate_json(*shown(j).value);
  if (j.readings.size() > 1) {
    for (const judged_reading& reading : j.readings) {
      json one{{"metric", reading.metric}, {"verdict", verdict_name(reading.is)}, {"reason", reading.reason}};
      if (reading.value) one["figure"] = estimate_json(*reading.value);
      out["readings"].push_back(std::move(one));
    }
  }
  return out;
}

json sample_json(const measured_sample& sample) {
  json out = json::object();
  for (const auto& [name, metric] : sample)
    out[name] = {{"unit", metric.unit}, {"exact", metric.exact}, {"rounds", metric.rounds}};
  return out;
}

json row_json(const judged_claim& c, const reproduced_table& t) {
  const claim& p = *c.published;
  json reported{{"unit", p.unit}};
  if (p.figure) reported["figure"] = *p.figure;
  if (!p.text.empty()) reported["text"] = p.text;
  json out{{"id", p.id},
           {"ledger", p.ledger},
           {"label", p.label},
           {"claim", p.sentence},
           {"reported", reported},
           {"rule", rule_json(p.rule)},
           {"here", judgement_json(c.here)},
           {"verdict", verdict_name(c.here.is)}};
  if (c.go)
    out["go"] = judgement_json(*c.go);
  else
    out["go_absent"] = t.go_absent;
  return out;
}

// All that a run takes and what else the machine does: what differs between two runs of one seed, beside
// times.
json cost_json(const reproduced_table& t) {
  json out{{"seconds", t.cost.seconds}, {"cpu_seconds", t.cost.cpu_seconds}, {"slowed", t.slowed}};
  if (t.cost.others) out["other_processes"] = *t.cost.others;
  return out;
}

json table_json(const reproduced_table& t) {
  json out{{"table", t.table.id},
           {"article", t.table.article},
           {"section", t.table.section},
           {"heading", t.table.heading},
           {"title", t.table.title},
           {"setting", t.measured.setting},
           {"variants", t.table.variants},
           {"workload", {{"measurement", t.table.workload}, {"parameters", t.table.parameters}}},
           {"rounds", t.measured.rounds},
           {"claims", json::array()},
           {"why", t.measured.why},
           {"metrics", sample_json(t.measured.sample)},
           {"missing", t.measured.missing},
           {"rerun", t.rerun},
           {"cost", cost_json(t)}};
  for (const judged_claim& c : t.claims) out["claims"].push_back(row_json(c, t));
  for (const bucket_heat& h : t.measured.heat) out["heat"].push_back({{"title", h.title}, {"entries", h.entries}});
  if (t.go)
    out["go"] = {
        {"version", t.go->version}, {"metrics", sample_json(t.go->sample)}, {"missing", t.go->missing}};
  return out;
}

// Ctrl-C reaches the Go program too; what was measured before it stays.
std::optional<go_result> finish_go(go_rounds& go, std::string& absent) {
  try {
    return go.finish();
  } catch (const no_go_program&) {
    absent = "no Go program";
    return std::nullopt;
  } catch (const command_error&) {
    if (stop_measuring()) return std::nullopt;
    throw;
  }
}

// A measured claim with the verdicts of its rows, as far as they were measured.
json record_json(const ledger_record& record, const reproduction& r) {
  json out = lab::record_json(record);
  for (const reproduced_table& t : r.tables) {
    for (const judged_claim& c : t.claims) {
      if (is_named(c.published->id, record.rows)) out["verdicts"][c.published->id] = verdict_name(c.here.is);
    }
  }
  if (const auto asked = r.answers.find(record.id); asked != r.answers.end()) {
    out["go_says"] = asked->second.said;
    out["verdict"] = verdict_name(decided(record, asked->second.printed));
  }
  return out;
}

std::string record_text(const ledger_record& record, const reproduction& r) {
  std::string out = lab::record_text(record);
  if (const auto asked = r.answers.find(record.id); asked != r.answers.end())
    out += fmt::format("here: {}: {}\n", asked->second.said.empty() ? "prints nothing" : asked->second.said,
                       verdict_name(decided(record, asked->second.printed)));
  return out;
}

// What busy processes would bear on.
bool has_times(measured_sample sample) {
  mark_slowed(sample, slowed_at_most);
  return std::any_of(sample.begin(), sample.end(),
                     [](const auto& metric) { return metric.second.slowed != 1; });
}

// A table that was over too soon to tell who else was busy is waited for: who was, still is.
void note_cost(const machine_watch& watch, reproduced_table& out) {
  out.cost = watch.so_far();
  if (has_times(out.measured.sample) && out.cost.seconds < machine_watch::shortest_seconds) {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(1.01 * machine_watch::shortest_seconds - out.cost.seconds));
    out.cost.others = watch.so_far().others;
  }
  out.slowed = out.cost.others && *out.cost.others > busy_processors;
  if (!out.slowed) return;
  mark_slowed(out.measured.sample, slowed_at_most);
  if (out.go) mark_slowed(out.go->sample, slowed_at_most);
  if (has_times(out.measured.sample) || (out.go && has_times(out.go->sample)))
    out.measured.why.push_back(fmt::format(
        "other processes took {:.1f} processors meanwhile: times are judged as if they might be too long "
        "by a factor of {:g}",
        *out.cost.others, slowed_at_most));
}

bool needs_go(const ledger_record& record) { return record.is == claim_class::needs_go; }

reproduced_table reproduce_table(claim_table table, const reproduce_request& request, unsigned rounds,
                                 const go_programs* go) {
  reproduced_table out;
  out.table = std::move(table);
  claim_request wanted{.table = &out.table,
                       .parameters = out.table.parameters,
                       .rounds = rounds,
                       .seed = request.seed,
                       .quick = request.quick,
                       .progress = request.progress};
  if (request.quick) {
    for (const auto& [name, value] : out.table.quick_parameters) wanted.parameters[name] = value;
  }
  const machine_watch watch;
  std::unique_ptr<go_rounds> beside;
  if (go != nullptr) {
    beside = go->start(wanted);
    wanted.between_rounds = [&beside] { beside->step(); };
  }
  out.measured = measurement_of(out.table).measure(wanted);
  out.rerun = rerun_command(request, out.table.id);
  out.table.parameters = wanted.parameters;
  if (out.measured.rounds == 0) return out;
  check_metrics(out.table, out.measured);
  out.go_absent = go != nullptr ? "interrupted" : go_installed() ? "not asked for" : "not installed";
  if (beside && !stop_measuring()) {
    request.progress(out.table.id + ": Go");
    out.go = finish_go(*beside, out.go_absent);
  }
  beside.reset();
  note_cost(watch, out);
  for (const claim& c : out.table.claims) {
    judged_claim row{.published = &c, .here = judged(c, out.measured.sample, out.measured.missing), .go = {}};
    if (out.go) row.go = judged_in_go(c, *out.go);
    out.claims.push_back(std::move(row));
  }
  return out;
}

}  // namespace

std::string figure_text(const estimate& value, const std::string& unit) {
  const bool tiny = unit == "ms" && value.high != 0 && value.high < 1e-3;
  const double scale = tiny ? 1e6 : 1;
  std::string out = digits(value.median * scale) + " " + (tiny ? "ns" : unit);
  const std::string low = digits(value.low * scale), high = digits(value.high * scale);
  if (low != high) out += " (" + low + ".." + high + ")";
  return out;
}

reproduction reproduce(const reproduce_request& request) {
  const claim_ledger ledger = load_claims(claims_folder(request.claims));
  require_known(request.ids, ledger);
  reproduction out;
  out.request = request;
  out.records = chosen_records(request.ids, ledger);
  if (request.ids.empty()) out.truths = ledger.truths;
  std::vector<claim_table> tables = chosen_tables(request.ids, out.records, ledger);
  for (const claim_table& t : tables) static_cast<void>(measurement_of(t));
  out.rounds = request.repeat.value_or(reproduce_rounds);
  const std::uint64_t started = wall_ns();
  std::unique_ptr<go_programs> go;
  if (request.with_go && (!tables.empty() || std::any_of(out.records.begin(), out.records.end(), needs_go))) {
    request.progress("building the Go programs");
    go = std::make_unique<go_programs>(go_folder());
  }
  bool said = false;
  const auto say = [&](const std::string& text) {
    request.say((said ? "\n" : "") + text);
    said = true;
  };
  for (claim_table& t : tables) {
    reproduced_table done = reproduce_table(std::move(t), request, out.rounds, go.get());
    request.progress("");
    if (done.measured.rounds != 0) {
      say(reproduction_text(done));
      out.tables.push_back(std::move(done));
    }
    if (stop_measuring()) break;
  }
  for (const ledger_record& record : out.records) {
    if (go != nullptr && needs_go(record) && !stop_measuring()) {
      request.progress(record.id + ": Go");
      out.answers[record.id] = go->ask(record.command);
      request.progress("");
    }
    if (!request.ids.empty() && record.is != claim_class::measured) say(record_text(record, out));
  }
  if (const std::string costs = costs_text(out); !costs.empty()) say(costs);
  out.interrupted = stop_measuring();
  out.seconds = static_cast<double>(wall_ns() - started) / 1e9;
  return out;
}

std::string reproduction_text(const reproduced_table& t) {
  std::string out =
      fmt::format("{}  article {}, {}  {}\n", t.table.id, t.table.article, t.table.section, t.table.heading);
  out += fmt::format("{}: {}; {}; {} round{}\n", t.table.title, t.table.variants.front(), t.measured.setting,
                     t.measured.rounds, t.measured.rounds == 1 ? "" : "s");
  std::vector<std::array<std::string, 5>> rows = {
      {"", "published", "here", t.go ? t.go->version : "Go", "verdict"}};
  for (const judged_claim& c : t.claims)
    rows.push_back({c.published->label, published_text(*c.published), cell(c.here, *c.published),
                    go_cell(t, c), verdict_text(c)});
  std::array<std::size_t, 4> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) out += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += row.back() + "\n";
  }
  for (const std::string& line : t.measured.why) out += "why: " + line + "\n";
  return out + footnotes(t) + "rerun: " + t.rerun + "\n";
}

std::string costs_text(const reproduction& r) {
  if (r.tables.size() < 2) return "";
  std::string out = "seconds:";
  double cpu = 0, seconds = 0;
  for (const reproduced_table& t : r.tables) {
    out += fmt::format("{} {} {:.1f}", &t == &r.tables.front() ? "" : ",", t.table.id, t.cost.seconds);
    cpu += t.cost.cpu_seconds, seconds += t.cost.seconds;
  }
  return out + fmt::format("\n{} tables in {:.0f} s, {:.0f} s of CPU time\n", r.tables.size(), seconds, cpu);
}

json reproduction_json(const reproduction& r) {
  json out{{"schema", "tophash-reproduction-1"},
           {"manifest", manifest()},
           {"argv", r.request.argv},
           {"seed", r.request.seed},
           {"rounds", r.rounds},
           {"quick", r.request.quick},
           {"interval", "median over the rounds; low..high holds the true median with the chance `coverage`"},
           {"seconds", r.seconds},
           {"interrupted", r.interrupted},
           {"tables", json::array()},
           {"ledger", json::array()}};
  for (const reproduced_table& t : r.tables) out["tables"].push_back(table_json(t));
  for (const ledger_record& record : r.records) out["ledger"].push_back(record_json(record, r));
  if (!r.truths.empty()) {
    out["truths"] = truths_json(r.truths, out);
    out["bucket"] = bucket_story();
  }
  return out;
}

}  // namespace tophash::lab
