// SPDX-License-Identifier: Apache-2.0
// Three experiments, each written to a file as soon as it is done, then the page.
#include "lab/tour.hpp"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include <nlohmann/json.hpp>

#include "lab/experiment.hpp"
#include "lab/findings.hpp"
#include "lab/result.hpp"
#include "lab/shipped.hpp"
#include "lab/storages.hpp"
#include "lab/terminal.hpp"

#if __has_include("lab/report/report.hpp")
#include "lab/report/report.hpp"
#define TOPHASH_LAB_HAS_REPORT 1
#else
#define TOPHASH_LAB_HAS_REPORT 0
#endif

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

std::string shipped_trace(const std::string& name) {
  const fs::path here = fs::path("bench/traces") / name;
  return fs::exists(here) ? here.string() : (shipped_folder("traces") / name).string();
}

class tour {
 public:
  explicit tour(const tour_request& request) : request_(request) {
    std::error_code failed;
    fs::create_directories(request.output, failed);
    if (failed) throw command_error(exit_check_failed, request.output + ": " + failed.message());
  }

  // A few rows within seconds: something to read while the main job runs.
  void first_look() {
    experiment_request r = replay();
    r.variants = {"immediate,eager,fresh", "dirty,eager,fresh", "std::unordered_map"};
    r.memory = r.latency = false;
    r.row_limit = 400'000;
    r.repeat = 3;
    const experiment e = measured("first look", r);
    for (const std::string& sentence : findings(e.measured)) {
      if (sentence.rfind("deletion", 0) == 0)
        return request_.say("first finding, on the first 400,000 rows: " + sentence);
    }
  }

  void load_table() {
    experiment_request r = base("run");
    r.workload = "load_sweep";
    r.variants = {"go_like", "go_like,load=load(8)"};
    r.memory = r.latency = false;
    r.repeat = 1;
    keep("load_sweep", measured("load sweep", r));
  }

  void main_job() {
    experiment_request r = replay();
    r.variants.clear();
    for (const char* deletion : {"immediate", "tombstone", "dirty"}) {
      for (const char* growth : {"eager", "incremental(2)"}) {
        for (const char* overflow : {"fresh", "local_list"})
          r.variants.push_back(std::string{deletion} + "," + growth + "," + overflow);
      }
    }
    r.variants.emplace_back("std::unordered_map");
    for (const storage_entry& s : storages()) {
      if (s.here && s.in_tour) r.allocators.push_back(s.name);
    }
    keep("alloc_python_ast", measured("replay", r));
  }

  void calibration() {
    experiment_request r = base("run");
    r.workload = "churn_random";
    r.n = {20'000};
    r.variants = {"calibration_static_system", "defaults"};
    r.memory = r.latency = false;
    r.repeat = 7;
    keep("calibration", measured("calibration", r));
  }

  // A page needs a result.
  void finish_early() {
    request_.say(results_.empty() ? "interrupted before the first result"
                                  : "interrupted: the page holds what was finished");
    if (!results_.empty()) static_cast<void>(finish());
  }

  int finish() {
    request_.progress("");
    const std::string page = (fs::path(request_.output) / "report.html").string();
#if TOPHASH_LAB_HAS_REPORT
    write_report(results_, page);
#endif
    for (const std::string& sentence : closing_) request_.say(sentence);
    request_.say(TOPHASH_LAB_HAS_REPORT
                     ? "report: " + page
                     : "report: not built into this program; results are in " + request_.output);
    return code_;
  }

 private:
  experiment_request base(std::string command) const {
    experiment_request r;
    r.command = std::move(command);
    r.repeat = request_.repeat;
    r.seed = request_.seed;
    r.argv = request_.argv;
    r.progress = request_.progress;
    return r;
  }

  experiment_request replay() const {
    experiment_request r = base("replay");
    r.trace = request_.trace.empty() ? shipped_trace("alloc_python_ast.csv.zst") : request_.trace;
    return r;
  }

  experiment measured(const std::string& title, experiment_request r) {
    r.progress = [this, title](const std::string& text) { request_.progress(title + ": " + text); };
    experiment e = run_experiment(r);
    request_.progress("");
    code_ = std::max(code_, exit_code_of(e));
    if (e.measured.interrupted) throw interrupted{};
    return e;
  }

  void keep(const std::string& name, const experiment& e) {
    results_.push_back(result_json(e));
    write_json(results_.back(), (fs::path(request_.output) / (name + ".json")).string());
    const std::vector<std::string> all = findings(e.measured);
    const std::size_t most = name == "alloc_python_ast" ? 6 : 1;
    for (std::size_t i = 0; i < all.size() && i < most; ++i) closing_.push_back(all[i]);
    for (const measured_row& row : e.measured.rows) {
      if (!row.trouble.empty()) closing_.push_back("NOT MEASURED: " + row.name() + ": " + row.trouble);
    }
  }

 public:
  struct interrupted {};

 private:
  const tour_request& request_;
  std::vector<nlohmann::json> results_;
  std::vector<std::string> closing_;
  int code_ = exit_done;
};

}  // namespace

int run_tour(const tour_request& request) {
  tour t(request);
  try {
    t.first_look();
    t.main_job();
    t.load_table();
    t.calibration();
  } catch (const tour::interrupted&) {
    t.finish_early();
    return exit_interrupted;
  }
  return t.finish();
}

}  // namespace tophash::lab
