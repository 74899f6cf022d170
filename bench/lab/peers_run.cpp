// SPDX-License-Identifier: Apache-2.0
#include "lab/peers_run.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/compiler.hpp"
#include "lab/manifest.hpp"
#include "lab/measure.hpp"
#include "lab/sha256.hpp"
#include "lab/statistics.hpp"
#include "lab/terminal.hpp"
#include "workloads/workloads.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* program_name = "tophash_peers";

// Built into the same folder as this program.
fs::path find_peers() {
  std::error_code failed;
  const fs::path own = fs::read_symlink("/proc/self/exe", failed);
  const fs::path beside = failed ? fs::path{program_name} : own.parent_path() / program_name;
  if (const fs::path found = find_program(beside.string()); !found.empty()) return found;
  throw command_error(
      exit_not_here,
      "peers is measured by " + std::string{program_name} + ", a program of its own, and " + beside.string() +
          " is not there; build it: cmake --build BUILD --target tophash_peers (some minutes)");
}

std::vector<std::string> words_for(const fs::path& program, const peers_request& r, const fs::path& file) {
  std::vector<std::string> words = {program.string(), "--json", file.string(), "--seed",
                                    std::to_string(r.base.seed)};
  if (r.rounds) words.insert(words.end(), {"--rounds", std::to_string(*r.rounds)});
  if (r.quick) words.emplace_back("--quick");
  if (!r.only.empty()) words.insert(words.end(), {"--only", r.only});
  if (!r.base.n.empty()) {
    std::string sizes;
    for (const std::size_t n : r.base.n) sizes += (sizes.empty() ? "" : ",") + std::to_string(n);
    words.insert(words.end(), {"--sizes", sizes});
  }
  return words;
}

// In a process group of its own, so that Ctrl-C comes to it once, from here: then it writes what it has.
int run_program(const std::vector<std::string>& words, bool table_on_stderr, bool& interrupted) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawn_file_actions_init(&files);
  if (table_on_stderr) posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv.front(), &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw command_error(exit_not_here, words.front() + ": " + std::strerror(failed));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    if (!interrupted && interrupt_requested.load(std::memory_order_relaxed))
      interrupted = true, ::kill(child, SIGINT);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

json interval(const json& rounds) {
  const estimate e = summarise(rounds.get<std::vector<double>>());
  return {{"median", e.median}, {"low", e.low}, {"high", e.high}};
}

json row_json(const peers_result& r, const json& workload, const std::string& map, const json& figures) {
  const std::string pattern = workload.at("workload"), kind = workload.at("kind");
  const auto n = workload.at("n").get<std::uint64_t>();
  const bool is_subject = map == r.measured.at("subject").get<std::string>();
  const double bytes = figures.at("bytes_per_entry").get<double>();
  json out{{"variant", map},
           {"key", kind},
           {"n", n},
           {"pattern", pattern},
           {"ops", workload.at("operations")},
           {"ns_per_op", interval(figures.at("ns_per_operation"))},
           {"memory", {{"end_bytes", bytes * static_cast<double>(n)}}},
           {"counters", {{"bytes_per_entry", bytes}}},
           {"rerun", fmt::format("tophash run --workload peers --only '^{} {} {}$' --n {} --seed {}{}",
                                 pattern, kind, n, n, r.request.base.seed,
                                 r.request.rounds ? fmt::format(" --repeat {}", *r.request.rounds) : "")}};
  if (!is_subject) {
    const json& ratio = figures.at("time_over_subject");
    out["ratio"] = {{"median", ratio.at("median")},
                    {"low", ratio.at("low")},
                    {"high", ratio.at("high")},
                    {"to", r.measured.at("subject")}};
  } else if (workload.contains("floor_ns_per_operation")) {
    out["counters"]["floor_ns"] = interval(workload.at("floor_ns_per_operation")).at("median");
  }
  return out;
}

std::string mean_sentence(const json& mean, const std::string& subject, const char* against) {
  return fmt::format("{}'s time over that of the best {} of each workload, geometric mean: {:.3f} "
                     "({:.3f}..{:.3f})",
                     subject, against, mean.at("median").get<double>(), mean.at("low").get<double>(),
                     mean.at("high").get<double>());
}

json findings(const json& measured) {
  json out = json::array();
  const std::string subject = measured.at("subject");
  if (measured.contains("geometric_mean_over_best"))
    out.push_back(mean_sentence(measured.at("geometric_mean_over_best"), subject, "peer"));
  if (measured.contains("geometric_mean_over_best_of_similar_bytes"))
    out.push_back(mean_sentence(measured.at("geometric_mean_over_best_of_similar_bytes"), subject,
                                "peer of at most 1.25 times its bytes"));
  std::size_t lost = 0, compared = 0;
  for (const json& w : measured.value("workloads", json::array())) {
    if (!w.contains("subject_over_best")) continue;
    ++compared;
    lost += w.at("subject_over_best").at("low").get<double>() > 1 ? 1 : 0;
  }
  out.push_back(fmt::format("{} is slower than the best peer beyond the interval in {} of {} workloads",
                            subject, lost, compared));
  return out;
}

}  // namespace

const workload_entry& peers_entry() {
  static const workload_entry entry{
      .name = peers_name,
      .description =
          "fast_map against Debian's hash maps (needs the program tophash_peers): over 60 workloads",
      .build = nullptr};
  return entry;
}

peers_result run_peers(const peers_request& request) {
  peers_result out{.request = request, .measured = {}, .program = find_peers().string()};
  std::string file = (fs::temp_directory_path() / "tophash-peers-XXXXXX").string();
  const int made = ::mkstemp(file.data());
  if (made < 0) throw command_error(exit_not_here, file + ": cannot be made");
  ::close(made);
  struct removed {
    const std::string& name;
    ~removed() { ::unlink(name.c_str()); }
  } const removed_at_end{file};
  const int code =
      run_program(words_for(out.program, request, file), request.table_on_stderr, out.interrupted);
  if (code != 0 && code != exit_check_failed)
    throw command_error(code == exit_usage ? exit_usage : exit_not_here,
                        out.program + " ended with code " + std::to_string(code));
  out.differed = code == exit_check_failed;
  out.measured = read_json(file);
  if (out.measured.value("format", "") != "tophash peers 1")
    throw command_error(exit_not_here, out.program + " writes another format: build it again");
  return out;
}

json peers_json(const peers_result& r) {
  const std::string input = fmt::format(
      "peers: {} workloads, subject {}, {} hash", r.measured.value("workloads", json::array()).size(),
      r.measured.at("subject").get<std::string>(), r.measured.at("made_with").at("hash").get<std::string>());
  json out{{"schema", "tophash-result-1"}, {"manifest", manifest()}};
  out["manifest"]["seed"] = r.request.base.seed;
  out["manifest"]["input"] = input;
  out["manifest"]["input_sha256"] = sha256_of(input);
  out["manifest"]["peers"] = r.measured.at("made_with");
  out["experiment"] = {{"command", "run"},
                       {"workload", peers_name},
                       {"repeat", r.measured.at("made_with").at("rounds")},
                       {"seed", r.request.base.seed},
                       {"argv", r.request.base.argv},
                       {"input", input}};
  if (!r.request.base.n.empty()) out["experiment"]["n"] = r.request.base.n;
  out["rows"] = json::array();
  for (const json& workload : r.measured.value("workloads", json::array())) {
    for (const auto& [map, figures] : workload.at("maps").items())
      out["rows"].push_back(row_json(r, workload, map, figures));
  }
  out["findings"] = findings(r.measured);
  for (const json& absent : r.measured.at("made_with").at("absent"))
    out["left_out"].push_back(absent.get<std::string>() + ": not found when tophash_peers was configured");
  if (r.differed) out["mismatches"] = {"maps computed different results: see standard error"};
  if (r.interrupted) out["interrupted"] = true;
  return out;
}

}  // namespace tophash::lab
