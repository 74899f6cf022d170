// SPDX-License-Identifier: Apache-2.0
// The program `tophash`: its commands and their options. Exit codes: 0 done, 1 a check failed, 2 not
// resolvable here (not built, not installed), 64 usage.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <tophash/framework/version.hpp>

#include "lab/collectors.hpp"
#include "lab/describe.hpp"
#include "lab/experiment.hpp"
#include "lab/result.hpp"
#include "lab/terminal.hpp"
#include "lab/tour.hpp"

#if __has_include("lab/report/report.hpp")
#include "lab/report/report.hpp"
#define TOPHASH_LAB_HAS_REPORT 1
#else
#define TOPHASH_LAB_HAS_REPORT 0
#endif

namespace {

using namespace tophash::lab;

struct settings {
  std::string json_file;
  std::string topic;
  std::string spec, key = "u64", value = "u64";
  bool cxx = false;
  experiment_request request;
  std::string sizes;
  std::uint64_t capacity = 0, row_limit = 0;
  std::vector<std::string> results;
  std::string output;
};

// ---- the commands -------------------------------------------------------------------------------

int list_command(const settings& s) {
  const nlohmann::json all = list_json(s.topic);
  if (!s.json_file.empty()) write_json(all, s.json_file);
  if (s.json_file != "-") std::fputs(list_text(s.topic).c_str(), stdout);
  return exit_done;
}

int explain_command(const settings& s) {
  if (s.cxx) {
    std::fputs(explain_program(s.spec, s.key, s.value).c_str(), stdout);
    return exit_done;
  }
  const nlohmann::json explained = explain_json(s.spec, s.key, s.value);
  if (!s.json_file.empty()) write_json(explained, s.json_file);
  if (s.json_file != "-") std::fputs(explain_text(explained).c_str(), stdout);
  return explained.contains("violation") ? exit_check_failed : exit_done;
}

int experiment_command(settings& s, const std::string& name) {
  s.request.command = name;
  s.request.progress = progress_line();
  if (!s.sizes.empty()) s.request.n = parse_sizes(s.sizes);
  if (s.capacity != 0) s.request.capacity = static_cast<std::size_t>(s.capacity);
  if (s.row_limit != 0) s.request.row_limit = s.row_limit;
  const experiment e = run_experiment(s.request);
  s.request.progress("");
  if (!s.json_file.empty()) write_json(result_json(e), s.json_file);
  if (s.json_file != "-") std::fputs(result_table(e).c_str(), stdout);
  for (const std::string& sentence : e.measured.mismatches)
    std::fprintf(stderr, "tophash: %s\n", sentence.c_str());
  return e.measured.interrupted ? exit_interrupted : exit_code_of(e);
}

int report_command(const settings& s) {
#if TOPHASH_LAB_HAS_REPORT
  std::vector<nlohmann::json> results;
  for (const std::string& file : s.results) results.push_back(read_json(file));
  write_report(results, s.output);
  if (!s.json_file.empty()) write_json({{"report", s.output}, {"results", s.results}}, s.json_file);
  if (s.json_file != "-") std::printf("%s\n", s.output.c_str());
  return exit_done;
#else
  static_cast<void>(s);
  throw command_error(exit_not_here, "this program was built without the report page");
#endif
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

void add_common(CLI::App* command, settings& s) {
  command->add_option("--json", s.json_file, "write the result to FILE as JSON; - is standard output")
      ->type_name("FILE");
  command->add_option("--seed", s.request.seed, "of keys, choices and maps")->capture_default_str();
  command->add_option("--repeat", s.request.repeat, "timed rounds")
      ->capture_default_str()
      ->check(CLI::Range(1u, 10'000u));
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

void add_experiment_options(CLI::App* command, settings& s) {
  add_common(command, s);
  command->add_option("--variant", s.request.variants, "names, SPECs, or all (see: tophash list variants)")
      ->type_name("SPEC...");
  command
      ->add_option("--allocator", s.request.allocators,
                   "storage backends, or all (see: tophash list allocators)")
      ->type_name("A...");
  command
      ->add_option("--collector", s.request.collector,
                   "none or boehm; boehm alone means both of its storages")
      ->type_name("C");
  add_on_demand_options(command, s);
  command->add_flag("--check", s.request.check_only,
                    "execute each row once and compare checksums; no figures");
  command->add_flag("!--no-memory", s.request.memory, "skip the memory pass");
  command->add_flag("!--no-latency", s.request.latency, "skip the pass that times single operations");
}

void add_commands(CLI::App& app, settings& s) {
  CLI::App* const list = app.add_subcommand(
      "list", "what there is: axes, presets, variants, workloads, allocators, collectors, rules");
  list->add_option("topic", s.topic, "one of them; none: all")->type_name("TOPIC");
  add_common(list, s);

  CLI::App* const explain =
      app.add_subcommand("explain", "what a SPEC means, its C++ type, or why it is refused");
  explain->add_option("spec", s.spec, "a composition, such as go_like,deletion=dirty")
      ->required()
      ->type_name("SPEC");
  explain
      ->add_option("--key", s.key,
                   "u8 u16 u32 u64 i64 double string pointer vector bytes_16 bytes_128 bytes_4000")
      ->capture_default_str();
  explain->add_option("--value", s.value, "the same")->capture_default_str();
  explain->add_flag("--cxx", s.cxx, "a whole program with that map, and nothing else");
  add_common(explain, s);

  CLI::App* const run = app.add_subcommand("run", "one workload over variants and allocators");
  run->add_option("--workload", s.request.workload, "see: tophash list workloads")
      ->required()
      ->type_name("W");
  run->add_option("--n", s.sizes, "entries (load_sweep: buckets), such as 1000,10k,1M")->type_name("N,...");
  run->add_option("--key", s.request.key, "u64 or string")->capture_default_str();
  add_experiment_options(run, s);

  CLI::App* const replay = app.add_subcommand("replay", "a recorded trace over variants and allocators");
  replay->add_option("trace", s.request.trace, "a file of lines time,op,key,size, zstd or plain")
      ->required()
      ->type_name("TRACE");
  replay
      ->add_option("--capacity", s.capacity,
                   "replay as a cache of N entries: misses insert, evictions delete")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  replay->add_option("--key", s.request.trace_keys, "detect, u64 or string")
      ->capture_default_str()
      ->check(CLI::IsMember({"detect", "u64", "string"}));
  replay->add_option("--rows", s.row_limit, "the first N rows only")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  add_experiment_options(replay, s);

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

int dispatch(const CLI::App& app, settings& s) {
  const std::string name = app.get_subcommands().front()->get_name();
  if (name == "list") return list_command(s);
  if (name == "explain") return explain_command(s);
  if (name == "report") return report_command(s);
  if (name == "tour") {
    if (app.get_subcommands().front()->count("--repeat") == 0) s.request.repeat = tour_request{}.repeat;
    return tour_command(s);
  }
  return experiment_command(s, name);
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;  // --help, --version
    static_cast<void>(app.exit(error));
    return asked ? exit_done : exit_usage;
  }
  try {
    return dispatch(app, s);
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

}  // namespace

int main(int argc, char** argv) {
  start_collector();
  catch_interrupt();
  return run_program(argc, argv);
}
