// SPDX-License-Identifier: Apache-2.0
// The program `tophash`: its commands and their options. Exit codes: 0 done, 1 a check failed, 2 not
// resolvable here (not built, not installed), 64 usage.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <tophash/framework/version.hpp>

#include "lab/addresses.hpp"
#include "lab/advise.hpp"
#include "lab/allocation_profile.hpp"
#include "lab/allocation_replay.hpp"
#include "lab/assembly.hpp"
#include "lab/attribution.hpp"
#include "lab/axes.hpp"
#include "lab/claims.hpp"
#include "lab/collector_timeline.hpp"
#include "lab/collectors.hpp"
#include "lab/compare.hpp"
#include "lab/counted.hpp"
#include "lab/describe.hpp"
#include "lab/equal_memory.hpp"
#include "lab/experiment.hpp"
#include "lab/explain_dump.hpp"
#include "lab/fragmentation.hpp"
#include "lab/go_speed.hpp"
#include "lab/go_structure.hpp"
#include "lab/hazards.hpp"
#include "lab/import_trace.hpp"
#include "lab/incidents.hpp"
#include "lab/nearest.hpp"
#include "lab/overflow_reuse.hpp"
#include "lab/peers_run.hpp"
#include "lab/record.hpp"
#include "lab/reproduce.hpp"
#include "lab/result.hpp"
#include "lab/storages.hpp"
#include "lab/sweep.hpp"
#include "lab/terminal.hpp"
#include "lab/tour.hpp"
#include "lab/watch.hpp"
#include "lab/weak_costs.hpp"
#include "lab/whole_file.hpp"

#if __has_include("lab/report/report.hpp")
#include "lab/report/report.hpp"
#include "lab/report/reproduction_page.hpp"
#include "lab/report/watch_page.hpp"
#define TOPHASH_LAB_HAS_REPORT 1
#else
#define TOPHASH_LAB_HAS_REPORT 0
#endif

namespace {

using namespace tophash::lab;

struct settings {
  std::string json_file;
  std::string topic;
  std::string spec, other_spec, key = "u64", value = "u64";
  bool cxx = false, dump = false, raw_slots = false;
  experiment_request request;
  std::string sizes;
  std::uint64_t capacity = 0, row_limit = 0;
  std::string values;  // --value of run and replay
  std::vector<std::string> results;
  std::string output;
  std::string folded_file, pprof_file, budgets, chrome_file;
  std::string page_file, document_file;
  bool gctrace = false;
  bool allocations = false;
  record_request recorded;
  std::size_t every = 0;
  std::vector<std::string> alerts;
  reproduce_request reproduction;
  claim_filter claims;
  reuse_request reuse;
  go_structure_request structure;
  assembly_request assembled;
  peers_request peers;
  advice_request advised;
  axes_request axes;
  import_request imported;
  sweep_request swept;
};

// Options of `explain` that two SPECs take.
constexpr const char* pair_group = "With two SPECs";

// Options of `run` for one workload alone.
constexpr const char* reuse_group = "Options of overflow_reuse";
constexpr const char* peers_group = "Options of peers";

// Text first: if the file cannot be written after all, what was measured has still been said.
template <class Text>
void answer(const settings& s, const nlohmann::json& result, const Text& text) {
  if (s.json_file != "-") std::fputs(text().c_str(), stdout);
  flush_output();
  if (!s.json_file.empty()) write_json(result, s.json_file);
}

// ---- the commands -------------------------------------------------------------------------------

int list_claims_command(const settings& s) {
  const nlohmann::json found = claims_json(load_claims(claims_folder(s.reproduction.claims)), s.claims);
  answer(s, found, [&] { return claims_text(found); });
  return exit_done;
}

int list_command(const settings& s) {
  if (s.topic == "claims") return list_claims_command(s);
  if (!s.claims.empty())
    throw command_error(exit_usage, "--article, --section and --search are for `list claims`");
  const nlohmann::json all = list_json(s.topic);
  answer(s, all, [&] { return list_text(s.topic); });
  return exit_done;
}

int explain_command(const settings& s) {
  if (s.cxx) {
    std::fputs(explain_program(s.spec, s.key, s.value).c_str(), stdout);
    return exit_done;
  }
  if (s.raw_slots && !s.dump) throw command_error(exit_usage, "--raw is for --dump");
  nlohmann::json explained = explain_json(s.spec, s.key, s.value);
  if (s.dump && !explained.contains("violation")) {
    explained["dump"] = explain_dump({.spec = s.spec,
                                      .key = s.key,
                                      .value = s.value,
                                      .raw_slots = s.raw_slots,
                                      .seed = s.request.seed,
                                      .progress = progress_line()});
  }
  answer(s, explained, [&] { return explain_text(explained); });
  return explained.contains("violation") ? exit_check_failed : exit_done;
}

int asm_command(settings& s) {
  s.assembled.spec = s.spec;
  s.assembled.key = s.key;
  s.assembled.value = s.value;
  s.assembled.progress = progress_line();
  const assembly a = assemble(s.assembled);
  s.assembled.progress("");
  answer(s, assembly_json(a), [&] { return assembly_text(a); });
  return exit_done;
}

// What the maps of an experiment allocated, by cause.
void write_profiles(const settings& s, const experiment& e) {
  if (s.folded_file.empty() && s.pprof_file.empty()) return;
  const std::vector<allocation_site> sites = allocation_sites(e.measured);
  if (sites.empty())
    throw command_error(exit_check_failed, "no row's memory was counted: there is no profile to write");
  if (!s.folded_file.empty()) write_whole_file(s.folded_file, folded_stacks(sites));
  if (!s.pprof_file.empty()) write_whole_file(s.pprof_file, pprof_profile(sites, e.input_text));
}

int allocations_command(settings& s) {
  s.request.progress = progress_line();
  if (s.row_limit != 0) s.request.row_limit = s.row_limit;
  const allocation_result r = run_allocation_replay(s.request);
  s.request.progress("");
  answer(s, allocation_json(r), [&] { return allocation_text(r); });
  return exit_code_of(r);
}

int record_command(const settings& s) {
  const recording r = record_program(s.recorded);
  std::fputs(recording_text(r).c_str(), stderr);  // standard output is the program's
  return r.exit_code != 0 || r.signal != 0 ? exit_check_failed : exit_done;
}

int equal_memory_command(settings& s) {
  const memory_frontier f = run_equal_memory(s.request, parse_budgets(s.budgets));
  s.request.progress("");
  answer(s, memory_frontier_json(f), [&] { return memory_frontier_text(f); });
  for (const std::string& sentence : f.mismatches) std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return exit_code_of(f);
}

// What collectors did, row by row: lines go to standard error, as Go's do.
void write_timelines(const settings& s, const std::vector<named_timeline>& rows) {
  if (!s.request.timeline) return;
  if (!s.chrome_file.empty()) write_whole_file(s.chrome_file, chrome_trace_json(rows).dump() + "\n");
  if (!s.gctrace) return;
  for (const named_timeline& row : rows) {
    const std::string lines = gctrace_text(row.collector, row.stays);
    std::fprintf(stderr, "%s: %s\n%s", row.name.c_str(), lines.empty() ? "no collection" : "", lines.c_str());
  }
}

std::vector<named_timeline> timelines_of(const experiment& e) {
  std::vector<named_timeline> out;
  for (const measured_row& row : e.measured.rows) {
    if (!row.collector) continue;
    out.push_back({.name = row.name(),
                   .collector = row.collector->collector,
                   .window_ns = row.collector->sample.window_ns,
                   .stays = row.collector->stays});
  }
  return out;
}

int experiment_command(settings& s, const std::string& name) {
  s.request.command = name;
  s.request.progress = progress_line();
  if (!s.sizes.empty()) s.request.n = parse_sizes(s.sizes);
  if (s.capacity != 0) s.request.capacity = static_cast<std::size_t>(s.capacity);
  if (s.row_limit != 0) s.request.row_limit = s.row_limit;
  s.request.value = checked_value(s.values);
  if (!s.budgets.empty()) return equal_memory_command(s);
  const experiment e = run_experiment(s.request);
  s.request.progress("");
  answer(s, result_json(e), [&] { return result_table(e); });
  write_profiles(s, e);
  write_timelines(s, timelines_of(e));
  for (const std::string& sentence : e.measured.mismatches)
    std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return e.measured.interrupted ? exit_interrupted : exit_code_of(e);
}

int incident_command(settings& s) {
  s.request.command = "run";
  s.request.progress = progress_line();
  if (!s.sizes.empty()) s.request.n = parse_sizes(s.sizes);
  const incident_result r = run_incident(s.request);
  s.request.progress("");
  answer(s, incident_json(r), [&] { return incident_text(r); });
  write_profiles(s, r.run);
  write_timelines(s, timelines_of(r.run));
  for (const std::string& sentence : r.run.measured.mismatches)
    std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return r.run.measured.interrupted ? exit_interrupted : exit_code_of(r.run);
}

int overflow_reuse_command(settings& s) {
  if (s.request.collector == "boehm") restart_with_fixed_addresses(s.request.argv);
  s.request.command = "run";
  s.request.progress = progress_line();
  if (!s.sizes.empty()) s.request.n = parse_sizes(s.sizes);
  s.reuse.base = s.request;
  s.reuse.garbage_bytes = s.request.garbage_bytes;
  const reuse_result r = run_overflow_reuse(s.reuse);
  s.request.progress("");
  answer(s, reuse_json(r), [&] { return reuse_text(r); });
  std::vector<named_timeline> timelines;
  for (const reuse_cell& c : r.cells) {
    if (c.collected && c.trouble.empty())
      timelines.push_back({.name = c.pattern + ", " + c.composition(),
                           .collector = std::string{collector_of(c.storage)},
                           .stays = c.times.stays});
  }
  write_timelines(s, timelines);
  bool failed = !r.mismatches.empty();
  for (const std::string& sentence : r.mismatches) std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  for (const reuse_cell& c : r.cells) failed = failed || !c.trouble.empty();
  return r.interrupted ? exit_interrupted : failed ? exit_check_failed : exit_done;
}

int fragmentation_command(settings& s) {
  s.request.command = "run";
  s.request.progress = progress_line();
  if (!s.sizes.empty()) s.request.n = parse_sizes(s.sizes);
  const fragmentation_result r = run_fragmentation(s.request);
  s.request.progress("");
  answer(s, fragmentation_json(r), [&] { return fragmentation_text(r); });
  bool failed = !r.mismatches.empty();
  for (const std::string& sentence : r.mismatches) std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  for (const fragmentation_row& row : r.rows) failed = failed || !row.trouble.empty();
  return r.interrupted ? exit_interrupted : failed ? exit_check_failed : exit_done;
}

int go_structure_command(settings& s, bool repeat_given) {
  go_structure_request& request = s.structure;
  request.seed = s.request.seed;
  if (repeat_given) request.rounds = s.request.repeat;
  request.argv = s.request.argv;
  request.progress = progress_line();
  const go_structure_result r = run_go_structure(request);
  request.progress("");
  answer(s, go_structure_json(r), [&] { return go_structure_text(r); });
  return exit_code_of(r);
}

int go_speed_command(settings& s, bool repeat_given, bool key_given) {
  const go_structure_request& given = s.structure;
  go_speed_request request{.with_go = given.with_go, .go = given.go, .keys = {}, .sizes = {}, .seed = s.request.seed,
                           .argv = s.request.argv, .progress = progress_line()};
  if (repeat_given) request.rounds = s.request.repeat;
  if (key_given) request.keys = {parse_speed_key(s.request.key)};
  if (!s.sizes.empty()) request.sizes = parse_sizes(s.sizes);
  if (given.with_go) restart_with_large_pages(s.request.argv);
  const go_speed_result r = run_go_speed(request);
  request.progress("");
  answer(s, go_speed_json(r), [&] { return go_speed_text(r); });
  return r.interrupted ? exit_interrupted : r.no_go.empty() ? exit_done : exit_not_here;
}

int hazards_command(settings& s, const CLI::App& run) {
  for (const CLI::Option* o : run.get_options()) {
    const std::string& name = o->get_name();
    const bool taken = name == "--workload" || name == "--seed" || name == "--repeat" || name == "--json";
    if (!taken && o->count() != 0)
      throw command_error(exit_usage, "hazards takes --repeat, --seed and --json, not " + name);
  }
  hazards_request request{.seed = s.request.seed, .argv = s.request.argv, .progress = progress_line()};
  if (run.count("--repeat") != 0) request.rounds = s.request.repeat;
  const hazards_result r = run_hazards(request);
  request.progress("");
  answer(s, hazards_json(r), [&] { return hazards_text(r); });
  for (const std::string& sentence : r.failures) std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return exit_code_of(r);
}

int weak_command(settings& s, const CLI::App& run) {
  for (const CLI::Option* o : run.get_options()) {
    const std::string& name = o->get_name();
    const bool taken = name == "--workload" || name == "--collector" || name == "--n" || name == "--seed" ||
                       name == "--repeat" || name == "--json";
    if (!taken && o->count() != 0)
      throw command_error(exit_usage, "weak takes --collector, --n, --repeat, --seed and --json, not " + name);
  }
  weak_request request;
  request.seed = s.request.seed, request.argv = s.request.argv, request.progress = progress_line();
  if (run.count("--collector") != 0) request.collectors = split_storages({s.request.collector});
  if (!s.sizes.empty()) request.sizes = parse_sizes(s.sizes);
  if (run.count("--repeat") != 0) request.rounds = s.request.repeat;
  const weak_result r = run_weak(request);
  request.progress("");
  answer(s, weak_json(r), [&] { return weak_text(r); });
  for (const std::string& sentence : r.failures) std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return exit_code_of(r);
}

int peers_command(settings& s, const CLI::App& run) {
  for (const CLI::Option* o : run.get_options()) {
    const std::string& name = o->get_name();
    const bool passed_on = name == "--workload" || name == "--n" || name == "--seed" || name == "--repeat" ||
                           name == "--json" || o->get_group() == peers_group;
    if (!passed_on && o->count() != 0)
      throw command_error(exit_usage,
                          "peers takes --n, --seed, --repeat, --json, --quick and --only, not " + name);
  }
  if (!s.sizes.empty()) s.request.n = parse_sizes(s.sizes);
  s.peers.base = s.request;
  if (run.count("--repeat") != 0) s.peers.rounds = s.request.repeat;
  s.peers.table_on_stderr = s.json_file == "-";
  const peers_result r = run_peers(s.peers);
  if (!s.json_file.empty()) write_json(peers_json(r), s.json_file);
  return r.interrupted ? exit_interrupted : r.differed ? exit_check_failed : exit_done;
}

// Of the commands that take a workload or a trace.
void take_input(settings& s, const std::string& command) {
  experiment_request& r = s.request;
  if (r.workload.empty() == r.trace.empty())
    throw command_error(exit_usage, command + " takes either --workload W or --trace T");
  r.command = r.trace.empty() ? "run" : "replay";
  r.progress = progress_line();
  if (!s.sizes.empty()) r.n = parse_sizes(s.sizes);
  if (s.capacity != 0) r.capacity = static_cast<std::size_t>(s.capacity);
  if (s.row_limit != 0) r.row_limit = s.row_limit;
  // With both of a collector's storages every variant would be there twice: the one that is scanned shows
  // what a collector costs.
  if (r.collector == "boehm" && r.allocators.empty()) r.allocators = {"boehm_scanned"};
}

// What two compositions differ in, and what each axis has to do with it.
int explain_pair_command(settings& s, const CLI::App& command) {
  for (const char* other : {"--value", "--cxx", "--dump", "--raw"}) {
    if (command.count(other) != 0) throw command_error(exit_usage, std::string{other} + " is for one SPEC");
  }
  experiment_request& r = s.request;
  take_input(s, "explain with two SPECs");
  r.key = s.key;
  r.variants = {s.spec, s.other_spec};
  if (command.count("--repeat") == 0) r.repeat = attribution_rounds;
  const attribution a = run_attribution(r);
  r.progress("");
  answer(s, attribution_json(a), [&] { return attribution_text(a); });
  for (const std::string& sentence : a.measured.measured.measured.mismatches)
    std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return exit_code_of(a);
}

int advise_command(settings& s, bool repeat_given) {
  experiment_request& r = s.request;
  take_input(s, "advise");
  s.advised.base = r;
  if (repeat_given) s.advised.final_rounds = r.repeat;
  const advice a = run_advice(s.advised);
  r.progress("");
  answer(s, advice_json(a), [&] { return advice_text(a); });
  return exit_code_of(a);
}

int axes_command(settings& s, bool repeat_given) {
  axes_request& r = s.axes;
  r.compile = s.request.compile, r.seed = s.request.seed, r.argv = s.request.argv;
  if (repeat_given) r.rounds = s.request.repeat;
  r.progress = progress_line();
  const axes_result found = run_axes(r);
  r.progress("");
  if (!s.document_file.empty()) write_whole_file(s.document_file, axes_document(found));
  answer(s, axes_json(found), [&] { return axes_text(found); });
  for (const std::string& sentence : found.mismatches)
    std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return exit_code_of(found);
}

int import_command(settings& s) {
  if (s.row_limit != 0) s.imported.row_limit = s.row_limit;
  const import_result r = import_trace(s.imported);
  std::fputs(import_text(r).c_str(), stdout);
  return r.interrupted ? exit_interrupted : exit_done;
}

int say_sweep(const settings& s, const nlohmann::json& sweep) {
  answer(s, sweep, [&] { return sweep_text(sweep); });
  for (const nlohmann::json& sentence : sweep.value("mismatches", nlohmann::json::array()))
    std::fprintf(stderr, "tophash: %s\n", sentence.get<std::string>().c_str());
  return exit_code_of_sweep(sweep);
}

int sweep_command(settings& s) {
  take_input(s, "sweep");
  s.request.variants = {s.spec};
  s.swept.base = s.request;
  const nlohmann::json sweep = run_sweep(s.swept);
  s.request.progress("");
  return say_sweep(s, sweep);
}

int merge_command(const settings& s) {
  std::vector<std::pair<std::string, nlohmann::json>> parts;
  for (const std::string& file : s.results) parts.emplace_back(file, read_json(file));
  return say_sweep(s, merge_sweeps(parts));
}

int compare_command(settings& s) {
  experiment_request& r = s.request;
  take_input(s, "compare");
  const comparison c = run_comparison(r);
  r.progress("");
  answer(s, comparison_json(c), [&] { return comparison_text(c); });
  for (const std::string& sentence : c.measured.measured.mismatches)
    std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  for (const measured_row& row : c.measured.measured.rows) {
    if (!row.trouble.empty())
      std::fprintf(stderr, "tophash: %s: %s\n", row.name().c_str(), row.trouble.c_str());
  }
  return exit_code_of(c);
}

int watch_command(settings& s) {
  take_input(s, "watch");
  const timeline t = watch({.input = s.request, .every = s.every, .alerts = s.alerts});
  s.request.progress("");
  const nlohmann::json result = timeline_json(t);
  answer(s, result, [&] { return timeline_text(t); });
  if (!s.output.empty()) {
#if TOPHASH_LAB_HAS_REPORT
    write_watch_page(result, s.output);
#else
    throw command_error(exit_not_here, "this program was built without the report page");
#endif
  }
  if (t.measured.measured.interrupted) return exit_interrupted;
  return t.alerts.empty() ? exit_done : exit_check_failed;
}

int report_command(const settings& s) {
#if TOPHASH_LAB_HAS_REPORT
  std::vector<nlohmann::json> results;
  for (const std::string& file : s.results) results.push_back(read_json(file));
  const auto is_reproduction = [](const nlohmann::json& r) {
    return r.is_object() && r.value("schema", nlohmann::json{}) == "tophash-reproduction-1";
  };
  if (results.size() == 1 && is_reproduction(results.front()))
    write_reproduction_page(results.front(), s.output);
  else if (std::any_of(results.begin(), results.end(), is_reproduction))
    throw command_error(exit_usage, "what `reproduce` wrote makes a page of its own: give that file alone");
  else
    write_report(results, s.output);
  if (!s.json_file.empty()) write_json({{"report", s.output}, {"results", s.results}}, s.json_file);
  if (s.json_file != "-") std::printf("%s\n", s.output.c_str());
  return exit_done;
#else
  static_cast<void>(s);
  throw command_error(exit_not_here, "this program was built without the report page");
#endif
}

int reproduce_command(settings& s, bool repeat_given) {
  reproduce_request& request = s.reproduction;
  request.seed = s.request.seed;
  if (repeat_given) request.repeat = s.request.repeat;
  request.argv = s.request.argv;
  request.progress = progress_line();
  if (s.json_file != "-")
    request.say = [](const std::string& text) { std::fputs(text.c_str(), stdout), std::fflush(stdout); };
#if !TOPHASH_LAB_HAS_REPORT
  if (!s.page_file.empty() || !s.document_file.empty())
    throw command_error(exit_not_here, "this program was built without the report page");
#endif
  const reproduction r = reproduce(request);
  const nlohmann::json found = reproduction_json(r);
  if (!s.json_file.empty()) write_json(found, s.json_file);
#if TOPHASH_LAB_HAS_REPORT
  if (!s.page_file.empty()) write_reproduction_page(found, s.page_file);
  if (!s.document_file.empty()) write_reproduction_document(found, s.document_file);
#endif
  return r.interrupted ? exit_interrupted : exit_done;
}

int tour_command(const settings& s) {
  const std::string output = s.output.empty() ? "tophash-tour" : s.output;
  std::vector<std::string> said;
  const int code = run_tour({.output = output,
                             .trace = s.request.trace,
                             .repeat = s.request.repeat,
                             .seed = s.request.seed,
                             .argv = s.request.argv,
                             .progress = progress_line(),
                             .say = [&](const std::string& line) {
                               said.push_back(line);
                               if (s.json_file != "-") std::printf("%s\n", line.c_str()), std::fflush(stdout);
                             }});
  if (!s.json_file.empty()) write_json({{"output", output}, {"said", said}}, s.json_file);
  return code;
}

// ---- their options ------------------------------------------------------------------------------

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t most_entries = 1'000'000'000;  // as of --n

// For options that are numbers: strtoull, which would read them, takes -1 for the largest and stops there in
// silence at what does not fit.
CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  const auto read = [least, most](std::string& text) {
    const bool hexadecimal = text.starts_with("0x");
    const char* const begin = text.data() + (hexadecimal ? 2 : 0);
    const char* const end = text.data() + text.size();
    std::uint64_t value = 0;
    const auto [stop, failure] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
    if (failure != std::errc{} || stop != end || value < least || value > most)
      return "'" + text + "' is no whole number from " + std::to_string(least) + " to " +
             std::to_string(most);
    text = std::to_string(value);
    return std::string{};
  };
  return {read, ""};
}

void add_common(CLI::App* command, settings& s) {
  command->add_option("--json", s.json_file, "write the result to FILE as JSON; - is standard output")
      ->type_name("FILE");
  command->add_option("--seed", s.request.seed, "of keys, choices and maps")
      ->capture_default_str()
      ->transform(whole_number(0, no_limit));
  command->add_option("--repeat", s.request.repeat, "timed rounds")
      ->capture_default_str()
      ->transform(whole_number(1, 10'000));
}

// Of every command that takes SPECs to execute.
void add_on_demand_options(CLI::App* command, settings& s) {
  command->add_flag("!--no-compile", s.request.compile,
                    "built-in variants only; otherwise a SPEC is compiled");
  command->add_flag("--bind", s.request.bind,
                    "beside each row the same with its allocator bound when compiling");
  command->add_option("--load", s.request.load, "compile and load a file with TOPHASH_VARIANTs of your own")
      ->type_name("FILE.cpp");
}

void add_storage_options(CLI::App* command, settings& s) {
  command
      ->add_option("--allocator", s.request.allocators,
                   "storage backends, or all (see: tophash list allocators)")
      ->type_name("A...");
  command
      ->add_option("--collector", s.request.collector,
                   "none, boehm (alone: boehm_scanned and boehm_pointer_free), precise, or one of boehm's storages; "
                   "commas separate")
      ->type_name("C,...");
  add_on_demand_options(command, s);
}

// Of the commands that take a workload or a trace, but for --key.
void add_source_options(CLI::App* command, settings& s) {
  command->add_option("--workload", s.request.workload, "see: tophash list workloads")->type_name("W");
  command->add_option("--n", s.sizes, "entries, such as 10k")->type_name("N");
  command->add_option("--trace", s.request.trace, "instead: a file of lines time,op,key,size, zstd or plain")
      ->type_name("T");
  command->add_option("--capacity", s.capacity, "the trace as a cache of N entries")
      ->type_name("N")
      ->transform(whole_number(1, most_entries));
  command->add_option("--rows", s.row_limit, "the trace's first N rows only")
      ->type_name("N")
      ->transform(whole_number(1, no_limit));
}

void add_input_options(CLI::App* command, settings& s) {
  add_source_options(command, s);
  command->add_option("--key", s.request.key, "of a workload's keys: u64 or string")->capture_default_str();
}

void add_experiment_options(CLI::App* command, settings& s) {
  add_common(command, s);
  command->add_option("--variant", s.request.variants, "names, SPECs, or all (see: tophash list variants)")
      ->type_name("SPEC...");
  add_storage_options(command, s);
  command->add_flag("--check", s.request.check_only,
                    "execute each row once and compare checksums; no figures");
  command->add_flag("!--no-memory", s.request.memory, "skip the memory pass");
  command
      ->add_option("--value", s.values,
                   "the maps' values: inline:N bytes of the entry, boxed in the storage, or gc (the "
                   "collector's alone); else 8 bytes inline")
      ->type_name("V");
  command
      ->add_option("--memory", s.budgets,
                   "time within budgets of memory, as multiples of what the live entries take: 1.5x,2x,3x,5x")
      ->type_name("RATIOS");
  command
      ->add_option(
          "--garbage", s.request.garbage_bytes,
          "under a collector: bytes allocated beside the map for each operation (not while it is timed, but "
          "by overflow_reuse)")
      ->capture_default_str()
      ->transform(whole_number(0, 1'000'000'000));
  command->add_flag("--gctrace", s.gctrace, "under a collector: a line a cycle, on standard error");
  command
      ->add_option("--chrome-trace", s.chrome_file,
                   "under a collector: write its cycles and steps to FILE, for chrome://tracing or ui.perfetto.dev")
      ->type_name("FILE");
  command->add_flag("!--no-latency", s.request.latency, "skip the pass that times single operations");
  command
      ->add_option("--folded", s.folded_file, "write allocations by cause to FILE as folded stacks, in bytes")
      ->type_name("FILE");
  command
      ->add_option("--pprof", s.pprof_file, "write allocations by cause to FILE as a profile for pprof")
      ->type_name("FILE");
}

void add_reuse_options(CLI::App* run, settings& s) {
  const auto option = [run](const char* name, auto& to, const char* description) {
    return run->add_option(name, to, description)->group(reuse_group);
  };
  option("--pattern", s.reuse.patterns, "printed same_keys new_keys adversary; none: all")->type_name("P...");
  option("--pool", s.reuse.pools, "a shared pool is drained at collections, or kept; none: both");
  option("--reclaim", s.reuse.reclaim, "who frees what the map gives back: collector or owner");
  option("--heap-ratio", s.reuse.heap_ratio, "heap at which a collection is due, to reachable bytes")
      ->capture_default_str();
}

// Of go_structure and go_speed alone.
constexpr const char* structure_group = "Options of go_structure and go_speed";

void add_structure_options(CLI::App* run, settings& s) {
  run->add_flag("--with-go", s.structure.with_go, "compare with real Go's map")->group(structure_group);
  run->add_option("--go", s.structure.go,
                  "programs `go` of the versions to compare with; none: the one in PATH")
      ->type_name("PATH...")
      ->group(structure_group);
}

void add_peers_options(CLI::App* run, settings& s) {
  run->add_flag("--quick", s.peers.quick, "3 rounds, u64 keys, two sizes, without the slowest peers")
      ->group(peers_group);
  run->add_option("--only", s.peers.only,
                  "workloads whose name (WORKLOAD KIND N) the regular expression finds")
      ->type_name("REGEX")
      ->group(peers_group);
}

void add_advise(CLI::App& app, settings& s) {
  CLI::App* const advise = app.add_subcommand(
      "advise", "which map for a trace: searched on its first half, checked on the second");
  advise->add_option("--trace", s.request.trace, "a file of lines time,op,key,size, zstd or plain")
      ->required()
      ->type_name("T");
  advise
      ->add_option(
          "--goal", s.advised.goals,
          "what the map has to keep to, such as p99.9<1ms,rss<2x: time p50 p90 p99 p99.9 max peak rss pause")
      ->type_name("GOALS");
  advise->add_option("--budget", s.advised.budget_minutes, "minutes for the search")
      ->type_name("MINUTES")
      ->capture_default_str();
  advise->add_flag(
      "--exhaustive", s.advised.exhaustive,
      "also all of the starting set on the held-out half, and how far the advice is from its best");
  advise->add_option("--capacity", s.capacity, "the trace as a cache of N entries")
      ->type_name("N")
      ->transform(whole_number(1, most_entries));
  advise->add_option("--rows", s.row_limit, "the trace's first N rows only")
      ->type_name("N")
      ->transform(whole_number(1, no_limit));
  advise->add_option("--key", s.request.trace_keys, "detect, u64 or string")
      ->capture_default_str()
      ->check(CLI::IsMember({"detect", "u64", "string"}));
  advise->add_option("--variant", s.request.variants, "SPECs to start from; otherwise the curated ones")
      ->type_name("SPEC...");
  advise->add_option("--allocator", s.request.allocators, "storage backends (see: tophash list allocators)")
      ->type_name("A...");
  advise->add_option("--collector", s.request.collector, "none or boehm; boehm alone means boehm_scanned")
      ->type_name("C");
  advise->add_flag("!--no-compile", s.request.compile,
                   "built-in variants only; otherwise neighbours of the best are compiled and tried");
  advise->add_option("--load", s.request.load, "compile and load a file with TOPHASH_VARIANTs of your own")
      ->type_name("FILE.cpp");
  add_common(advise, s);
  advise->get_option("--repeat")->description("rounds of the final and of the held-out measurement");
  advise->get_option("--repeat")->default_str(std::to_string(advice_request{}.final_rounds));
}

void add_axes(CLI::App& app, settings& s) {
  CLI::App* const axes = app.add_subcommand(
      "axes", "what each axis moves on the shipped traces: a metric, by how much, and the counter behind it");
  axes->add_option("--axis", s.axes.axes, "these only, such as layout hashing collector; none: all")
      ->type_name("AXIS...");
  axes->add_flag("!--no-compile", s.request.compile, "pairs of built-in variants only");
  axes->add_flag("!--no-times", s.axes.times, "only what is counted");
  axes->add_option("--document", s.document_file, "the same as Markdown")->type_name("FILE.md");
  add_common(axes, s);
  axes->get_option("--repeat")
      ->description("rounds of what is time")
      ->default_str(std::to_string(axes_rounds));
}

void add_import(CLI::App& app, settings& s) {
  CLI::App* const importing = app.add_subcommand("import", "a trace of another format as one of ours");
  importing
      ->add_option("--format", s.imported.format,
                   "oracle_general (libCacheSim's binary), csv, or twitter (its cache traces)")
      ->required()
      ->type_name("F");
  importing->add_option("input", s.imported.input, "the trace, zstd or plain")->required()->type_name("IN");
  importing->add_option("-o,--output", s.imported.output, "the trace to write; compressed if it ends in .zst")
      ->required()
      ->type_name("OUT");
  importing->add_flag(
      "--as-map", s.imported.as_map,
      "the first request of a key that is not there sets it, and its last one, where the format "
      "tells, deletes it; otherwise a request is a lookup, to be replayed with --capacity");
  importing->add_option("--columns", s.imported.columns, "csv: which column is what; op= is possible, too")
      ->type_name("time=1,key=2,...")
      ->capture_default_str();
  importing->add_option("--delimiter", s.imported.delimiter, "csv: one character, or tab")
      ->capture_default_str();
  importing->add_option("--rows", s.row_limit, "the first N records only")
      ->type_name("N")
      ->transform(whole_number(1, no_limit));
}

void add_sweep(CLI::App& app, settings& s) {
  CLI::App* const sweep = app.add_subcommand("sweep", "curves: a SPEC with some of its options varied");
  sweep->add_option("spec", s.spec, "what every ratio refers to")->required()->type_name("SPEC");
  sweep
      ->add_option("--vary", s.swept.vary,
                   "values of an axis, such as load=3..12 or 'growth=incremental({1,2,8})|eager'; all "
                   "combinations of several are measured")
      ->required()
      ->type_name("AXIS=VALUES...");
  sweep->add_option("--shard", s.swept.shard, "the i-th of n parts of the grid; tophash merge joins them")
      ->type_name("i/n")
      ->capture_default_str();
  add_source_options(sweep, s);
  sweep->get_option("--n")->description("entries, such as 1k,10k,100k");
  sweep->add_option("--key", s.request.key, "of a workload's keys: u64 or string")->capture_default_str();
  sweep
      ->add_option("--allocator", s.request.allocators,
                   "storage backends, or all (see: tophash list allocators)")
      ->type_name("A...");
  sweep->add_option("--collector", s.request.collector, "none or boehm; boehm alone means boehm_scanned")
      ->type_name("C");
  sweep->add_flag("!--no-compile", s.request.compile, "built-in variants only; otherwise a SPEC is compiled");
  sweep->add_flag("!--no-latency", s.request.latency, "skip the pass that times single operations");
  add_common(sweep, s);

  CLI::App* const merge = app.add_subcommand("merge", "the shards of a sweep as one result");
  merge->add_option("results", s.results, "files written by sweep --shard i/n --json FILE")
      ->required()
      ->type_name("SHARD.json...");
  merge->add_option("--json", s.json_file, "write the result to FILE as JSON; - is standard output")
      ->type_name("FILE");
}

bool any_option_of(const CLI::App& run, const char* group) {
  for (const CLI::Option* o : run.get_options()) {
    if (o->get_group() == group && o->count() != 0) return true;
  }
  return false;
}

void add_reproduce(CLI::App& app, settings& s) {
  CLI::App* const reproduce =
      app.add_subcommand("reproduce", "published tables held against a measurement: figures, verdicts, why");
  reproduce
      ->add_option("id", s.reproduction.ids, "tables or claims (see: tophash list claims); none: every table")
      ->type_name("ID...");
  reproduce->add_flag("--quick", s.reproduction.quick, "smaller sizes");
  reproduce->add_flag("--with-go", s.reproduction.with_go, "measure the same with real Go");
  reproduce->add_option("--report", s.page_file, "a self-contained page of what was found")
      ->type_name("FILE.html");
  reproduce->add_option("--document", s.document_file, "the same as Markdown")->type_name("FILE.md");
  reproduce->add_option("--claims", s.reproduction.claims, "another folder of claim files")->type_name("DIR");
  add_common(reproduce, s);
  reproduce->get_option("--repeat")->default_str("9");
}

void add_commands(CLI::App& app, settings& s) {
  CLI::App* const list = app.add_subcommand(
      "list", "what there is: axes, presets, variants, workloads, allocators, collectors, rules, claims");
  list->add_option("topic", s.topic, "one of them; none: all")->type_name("TOPIC");
  list->add_option("--article", s.claims.article, "claims of one article")->type_name("000");
  list->add_option("--section", s.claims.section, "claims of one section")->type_name("2.5");
  list->add_option("--search", s.claims.search, "claims whose text or heading holds TEXT")->type_name("TEXT");
  list->add_option("--claims", s.reproduction.claims, "another folder of claim files")->type_name("DIR");
  add_common(list, s);
  add_reproduce(app, s);

  CLI::App* const explain =
      app.add_subcommand("explain", "what a SPEC means, its C++ type, or why it is refused");
  explain->add_option("spec", s.spec, "a composition, such as go_like,deletion=dirty")
      ->required()
      ->type_name("SPEC");
  explain
      ->add_option(
          "other", s.other_spec,
          "another: what each axis on which they differ has to do with the gap between them, measured")
      ->type_name("[SPEC_B]");
  explain
      ->add_option("--key", s.key,
                   "u8 u16 u32 u64 i64 double string pointer vector bytes_16 bytes_128 bytes_4000")
      ->capture_default_str();
  explain->add_option("--value", s.value, "the same")->capture_default_str();
  explain->add_flag("--cxx", s.cxx, "a whole program with that map, and nothing else");
  explain->add_flag("--dump", s.dump,
                    "also a small map of it as it lies in memory, compiled for the purpose");
  explain->add_flag("--raw", s.raw_slots, "with --dump: the bytes of each slot, erased ones included");
  add_source_options(explain, s);
  add_storage_options(explain, s);
  for (const char* name : {"--workload", "--n", "--trace", "--capacity", "--rows", "--allocator",
                           "--collector", "--no-compile", "--bind", "--load"})
    explain->get_option(name)->group(pair_group);
  explain->remove_option(explain->get_option("--bind"));
  add_common(explain, s);
  explain->get_option("--repeat")
      ->group(pair_group)
      ->description("rounds at most; fewer when all is decided");
  explain->get_option("--repeat")->default_str(std::to_string(attribution_rounds));

  CLI::App* const assembled =
      app.add_subcommand("asm", "one operation of a SPEC as machine code: a listing and counts");
  assembled->add_option("spec", s.spec, "a composition")->required()->type_name("SPEC");
  assembled->add_option("operation", s.assembled.operation, "find, insert or erase")
      ->required()
      ->type_name("OPERATION");
  assembled->add_option("--against", s.assembled.against, "counts beside those of another composition")
      ->type_name("SPEC");
  assembled->add_option("--key", s.key, "as of explain")->capture_default_str();
  assembled->add_option("--value", s.value, "as of explain")->capture_default_str();
  assembled->add_option("--json", s.json_file, "write the result to FILE as JSON; - is standard output")
      ->type_name("FILE");

  CLI::App* const run = app.add_subcommand("run", "one workload over variants and allocators");
  run->add_option("--workload", s.request.workload, "see: tophash list workloads")
      ->required()
      ->type_name("W");
  run->add_option("--n", s.sizes, "entries (load_sweep: buckets), such as 1000,10k,1M")->type_name("N,...");
  run->add_option("--key", s.request.key, "u64 or string (go_speed: or string_view; not given: all three)")
      ->capture_default_str();
  add_experiment_options(run, s);
  add_reuse_options(run, s);
  add_structure_options(run, s);
  add_peers_options(run, s);

  CLI::App* const replay = app.add_subcommand("replay", "a recorded trace over variants and allocators");
  replay->add_option("trace", s.request.trace, "a file of lines time,op,key,size, zstd or plain")
      ->required()
      ->type_name("TRACE");
  replay
      ->add_option("--capacity", s.capacity,
                   "replay as a cache of N entries: misses insert, evictions delete")
      ->type_name("N")
      ->transform(whole_number(1, most_entries));
  replay->add_option("--key", s.request.trace_keys, "detect, u64 or string")
      ->capture_default_str()
      ->check(CLI::IsMember({"detect", "u64", "string"}));
  replay->add_option("--rows", s.row_limit, "the first N rows only")
      ->type_name("N")
      ->transform(whole_number(1, no_limit));
  replay->add_flag("--allocations", s.allocations,
                   "play a trace of allocations on --allocator itself, without a map (see: tophash record)");
  add_experiment_options(replay, s);

  CLI::App* const record = app.add_subcommand(
      "record", "a program's allocations as a trace: tophash record -o FILE -- PROGRAM ARGS");
  record->add_option("-o,--output", s.recorded.output, "the trace; compressed if it ends in .zst")
      ->required()
      ->type_name("FILE");
  record->add_option("command", s.recorded.command, "the program and its arguments")
      ->required()
      ->type_name("PROGRAM ARGS...");
  record->positionals_at_end();

  CLI::App* const compare =
      app.add_subcommand("compare", "variants side by side: what differs, by how much, and why");
  compare->add_option("variants", s.request.variants, "the first is what the others are compared with")
      ->required()
      ->type_name("SPEC...");
  add_input_options(compare, s);
  add_storage_options(compare, s);
  add_common(compare, s);
  compare->get_option("--collector")->description("none, boehm (alone: boehm_scanned) or precise");
  compare->get_option("--repeat")->description("rounds at most; fewer when all is decided");
  compare->get_option("--repeat")->default_str(std::to_string(compare_rounds));

  add_advise(app, s);
  add_axes(app, s);
  add_sweep(app, s);
  add_import(app, s);

  CLI::App* const watch = app.add_subcommand("watch", "the timeline of one run");
  watch->add_option("--variant", s.request.variants, "a name or a SPEC")->required()->type_name("SPEC");
  watch->add_option("--every", s.every, "operations between two samples; else about 40 samples")
      ->type_name("K")
      ->transform(whole_number(1, no_limit));
  watch
      ->add_option(
          "--alert", s.alerts,
          "a comparison such as 'allocated/live>2'; the first sample at which it holds is printed, exit 1")
      ->type_name("EXPRESSION...");
  watch->add_option("-o,--output", s.output, "the timeline as a page")->type_name("FILE.html");
  add_input_options(watch, s);
  add_storage_options(watch, s);
  watch->get_option("--collector")->description("none, boehm (alone: boehm_scanned) or precise");
  add_common(watch, s);
  watch->get_option("--repeat")->description("has no meaning here: a timeline is one run");

  CLI::App* const report = app.add_subcommand("report", "one self-contained page from results");
  report->add_option("results", s.results, "files written with --json")
      ->required()
      ->type_name("RESULT.json...");
  report->add_option("-o,--output", s.output, "the page")->required()->type_name("FILE.html");
  add_common(report, s);

  CLI::App* const tour = app.add_subcommand("tour", "the guided first experiment, with its report");
  tour->add_option("--output", s.output, "a folder for results and report.html")->type_name("DIR");
  tour->add_option("--trace", s.request.trace, "another trace than the shipped one")->type_name("TRACE");
  add_common(tour, s);
  tour->get_option("--repeat")->default_str("6");
}

bool has_special_command(const std::string& workload) {
  return workload == overflow_reuse_name || workload == fragmentation_name || workload == go_structure_name ||
         workload == go_speed_name || workload == peers_name;
}

int dispatch(const CLI::App& app, settings& s) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "list") return list_command(s);
  if (name == "explain") {
    const CLI::App& explain = *app.get_subcommands().front();
    if (!s.other_spec.empty()) return explain_pair_command(s, explain);
    if (any_option_of(explain, pair_group))
      throw command_error(exit_usage, "a workload or a trace, and how it is measured, are for two SPECs");
    return explain_command(s);
  }
  if (name == "import") return import_command(s);
  if (name == "sweep") return sweep_command(s);
  if (name == "merge") return merge_command(s);
  if (name == "advise") return advise_command(s, app.get_subcommands().front()->count("--repeat") != 0);
  if (name == "axes") return axes_command(s, app.get_subcommands().front()->count("--repeat") != 0);
  if (name == "asm") return asm_command(s);
  if (name == "record") return record_command(s);
  if (name == "report") return report_command(s);
  if (name == "compare") {
    if (app.get_subcommands().front()->count("--repeat") == 0) s.request.repeat = compare_rounds;
    return compare_command(s);
  }
  if (name == "watch") return watch_command(s);
  if (name == "reproduce") return reproduce_command(s, app.get_subcommands().front()->count("--repeat") != 0);
  if (name == "tour") {
    if (app.get_subcommands().front()->count("--repeat") == 0) s.request.repeat = tour_request{}.repeat;
    return tour_command(s);
  }
  const CLI::App& chosen = *app.get_subcommands().front();
  const bool profiled = !s.folded_file.empty() || !s.pprof_file.empty();
  const bool valued = (name == "run" || name == "replay") && chosen.count("--value") != 0;
  const bool special = has_special_command(s.request.workload) || s.request.workload == hazards_name ||
                       s.request.workload == weak_name;
  if (valued && ((name == "run" && special) || s.allocations))
    throw command_error(exit_usage, "--value is about the maps of a workload or a trace");
  if ((profiled || !s.budgets.empty()) && name == "run" && has_special_command(s.request.workload))
    throw command_error(exit_usage, "--folded, --pprof and --memory are not for " + s.request.workload);
  s.request.timeline = s.gctrace || !s.chrome_file.empty();
  if (s.request.timeline && (!s.budgets.empty() || !s.request.memory || s.request.check_only || s.allocations ||
                 (name == "run" && has_special_command(s.request.workload) && s.request.workload != overflow_reuse_name)))
    throw command_error(exit_usage, "--gctrace and --chrome-trace are of the memory pass of run and replay: not for "
                                    "--memory, --no-memory, --check, --allocations, or workloads with rows of their own");
  if (profiled && !s.budgets.empty())
    throw command_error(exit_usage, "--folded and --pprof are of a run without --memory");
  if (name == "run" && s.request.workload == overflow_reuse_name) {
    if (chosen.count("--repeat") == 0) s.request.repeat = reuse_rounds_usual;
    return overflow_reuse_command(s);
  }
  if (name == "run" && s.request.workload == fragmentation_name && !any_option_of(chosen, reuse_group) &&
      !any_option_of(chosen, structure_group))
    return fragmentation_command(s);
  if (name == "run" && s.request.workload == hazards_name) return hazards_command(s, chosen);
  if (name == "run" && s.request.workload == weak_name) return weak_command(s, chosen);
  const bool structure = name == "run" && s.request.workload == go_structure_name,
             speed = name == "run" && s.request.workload == go_speed_name;
  if (name == "run" && !structure && !speed && any_option_of(chosen, structure_group))
    throw command_error(exit_usage, "--with-go and --go are for go_structure and go_speed");
  if (structure || speed) {
    bool others = any_option_of(chosen, reuse_group);
    if (structure) others = others || chosen.count("--n") != 0;
    if (structure) others = others || chosen.count("--key") != 0;
    for (const char* other : {"--variant", "--allocator", "--collector", "--bind", "--load", "--check"})
      others = others || chosen.count(other) != 0;
    if (others)
      throw command_error(exit_usage, s.request.workload + " takes --with-go, --go, " +
                                          (speed ? "--key, --n, " : "") +
                                          "--repeat, --seed and --json alone: it is about preset=go_like");
    if (speed) return go_speed_command(s, chosen.count("--repeat") != 0, chosen.count("--key") != 0);
    return go_structure_command(s, chosen.count("--repeat") != 0);
  }
  if (name == "run" && s.request.workload != peers_name && any_option_of(chosen, peers_group))
    throw command_error(exit_usage, "--quick and --only are for peers");
  if (name == "run" && s.request.workload == peers_name) return peers_command(s, chosen);
  if (name == "run" && any_option_of(chosen, reuse_group))
    throw command_error(exit_usage,
                        "--pattern, --pool, --reclaim and --heap-ratio are for overflow_reuse");
  if (s.allocations) {
    for (const char* other : {"--capacity", "--key", "--variant", "--collector", "--bind", "--load",
                              "--folded", "--pprof", "--memory"})
      if (chosen.count(other) != 0)
        throw command_error(exit_usage,
                            std::string{other} + " is about maps: --allocations takes --allocator, --rows, "
                                                 "--repeat, --check and --json");
    return allocations_command(s);
  }
  // With --check there is nothing but checksums, with --memory budgets: a workload like any other.
  if (name == "run" && find_incident(s.request.workload) != nullptr && !s.request.check_only &&
      s.budgets.empty())
    return incident_command(s);
  return experiment_command(s, name);
}

// An option with nothing behind it is most often a shell's variable that was not set.
void refuse_empty_values(const CLI::App& command) {
  for (const CLI::Option* o : command.get_options()) {
    if (o->get_lnames().empty()) continue;
    for (const std::string& value : o->results())
      if (value.empty())
        throw command_error(exit_usage, "--" + o->get_lnames().front() + ": the value is empty");
  }
}

// Long work comes between: what cannot be written afterwards is refused before.
void check_outputs(const CLI::App& command, const settings& s) {
  std::vector<std::string> files = {s.folded_file, s.pprof_file, s.chrome_file, s.page_file, s.document_file};
  if (s.json_file != "-") files.push_back(s.json_file);
  if (command.get_name() != "tour") files.push_back(s.output);
  for (const std::string& file : files)
    if (!file.empty()) check_writable(file);
}

// CLI11 says of a word that is no command that a command is required.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || !app.get_subcommands().empty()) return {};
  const std::string word = argv[1];
  if (word.starts_with("-"))
    return "'" + word + "' is no option of tophash itself: a command comes first (tophash --help)";
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(command->get_name());
  return "'" + word + "' is no command" + nearest_hint(word, known) + " (tophash --help lists them)";
}

int run_program(int argc, char** argv) {
  settings s;
  s.request.argv.assign(argv, argv + argc);
  s.request.argv.front() = "tophash";
  CLI::App app("tophash: hash maps composed from policies, measured");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::to_string(TOPHASH_VERSION_MAJOR) + "." +
                                        std::to_string(TOPHASH_VERSION_MINOR) + "." +
                                        std::to_string(TOPHASH_VERSION_PATCH));
  add_commands(app, s);
  bool asked = false;  // for --help or --version
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    asked = error.get_exit_code() == 0;
    if (const std::string sentence = asked ? std::string{} : unknown_command(app, argc, argv);
        !sentence.empty()) {
      std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
      return exit_usage;
    }
    static_cast<void>(app.exit(error));
    if (!asked) return exit_usage;
  }
  try {
    if (asked) {
      flush_output();
      return exit_done;
    }
    refuse_empty_values(*app.get_subcommands().front());
    check_outputs(*app.get_subcommands().front(), s);
    const int code = dispatch(app, s);
    flush_output();
    return code;
  } catch (const command_error& error) {
    progress_line()("");
    std::fprintf(stderr, "tophash: %s\n", error.what());
    return error.code();
  } catch (const std::exception& error) {
    progress_line()("");
    std::fprintf(stderr, "tophash: %s\n", error.what());
    return exit_check_failed;
  }
}

// Closed, its number would be the next file's, and what is printed would be in a trace or a result.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0)
      static_cast<void>(::open("/dev/null", O_RDONLY));  // writing to it fails
}

}  // namespace

int main(int argc, char** argv) {
  // Started by the program itself, under callgrind: no collector, no parsing.
  if (argc > 1 && argv[1] == counted_child_command) return run_counted_child(argc, argv);
  hold_standard_streams();
  start_collector();
  catch_interrupt();
  return run_program(argc, argv);
}
