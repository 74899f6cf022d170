// SPDX-License-Identifier: Apache-2.0
// tophash_peers: tophash::fast_map against the hash maps that Debian packages, in one process. See
// docs/peers.md.
//   tophash_peers [--quick] [--only REGEX] [--sizes N,...] [--rounds N] [--large] [--native-hash]
//                 [--json FILE] [--resume FILE]
// Exit codes: 0 done, 1 a map computed something else than the others, 2 could not be run or written here, 64
// usage.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "micro/peers/heap_meter.hpp"
#include "micro/peers/report.hpp"
#include "micro/peers/resume.hpp"

namespace {

using namespace tophash::peers;

struct arguments {
  std::vector<std::size_t> sizes = {2'000, 150'000, 200'000, 300'000};
  std::vector<std::string> maps;
  std::string subject = "fast_map";
  std::string only;
  std::string json_file;
  std::string resume_file;
  bench_settings settings;
  bool large = false;
  bool quick = false;
  bool list = false;
  bool native_hash = false;
};

volatile std::sig_atomic_t interrupted = 0;

[[noreturn]] void refuse(const std::string& why) {
  std::cerr << "tophash_peers: " << why << "\n";
  std::exit(64);
}

// A family that was not found when the program was configured is named in the output, with its package.
struct family {
  const char* maps;
  const char* package;
  void (*add_shared)(std::vector<contestant>&);
  void (*add_native)(std::vector<contestant>&);
};

#define TOPHASH_PEERS_IN(name) &shared_hashing::add_##name, &native_hashing::add_##name

std::vector<family> families() {
  return {
    {"tophash", "", TOPHASH_PEERS_IN(tophash)},
#if TOPHASH_PEERS_WITH_ABSL
        {"absl::flat_hash_map, absl::node_hash_map", "libabsl-dev", TOPHASH_PEERS_IN(absl)},
#else
        {"absl::flat_hash_map, absl::node_hash_map", "libabsl-dev", nullptr, nullptr},
#endif
#if TOPHASH_PEERS_WITH_BOOST
        {"boost::unordered_flat_map", "libboost1.81-dev", TOPHASH_PEERS_IN(boost)},
#else
        {"boost::unordered_flat_map", "libboost1.81-dev", nullptr, nullptr},
#endif
#if TOPHASH_PEERS_WITH_TSL_ROBIN
        {"tsl::robin_map", "robin-map-dev", TOPHASH_PEERS_IN(tsl_robin)},
#else
        {"tsl::robin_map", "robin-map-dev", nullptr, nullptr},
#endif
#if TOPHASH_PEERS_WITH_TSL_HOPSCOTCH
        {"tsl::hopscotch_map", "libtsl-hopscotch-map-dev", TOPHASH_PEERS_IN(tsl_hopscotch)},
#else
        {"tsl::hopscotch_map", "libtsl-hopscotch-map-dev", nullptr, nullptr},
#endif
#if TOPHASH_PEERS_WITH_SPARSEHASH
        {"google::dense_hash_map", "libsparsehash-dev", TOPHASH_PEERS_IN(sparsehash)},
#else
        {"google::dense_hash_map", "libsparsehash-dev", nullptr, nullptr},
#endif
        {"std::unordered_map", "", TOPHASH_PEERS_IN(std)},
#if TOPHASH_PEERS_WITH_PBDS
        {"__gnu_pbds::cc_hash_table, __gnu_pbds::gp_hash_table", "libstdc++", TOPHASH_PEERS_IN(pbds)},
#else
        {"__gnu_pbds::cc_hash_table, __gnu_pbds::gp_hash_table", "libstdc++", nullptr, nullptr},
#endif
  };
}

arguments parse(int argc, char** argv) {
  arguments a;
  CLI::App app{
      "tophash::fast_map against the hash maps that Debian packages: same keys, same hash, one process, "
      "interleaved rounds."};
  app.option_defaults()->always_capture_default();
  app.add_option("--only", a.only,
                 "Only workloads whose name (WORKLOAD KIND N) this regular expression finds");
  app.add_option("--sizes", a.sizes, "Entries of the u64 maps; other kinds run at the largest up to 200,000")
      ->delimiter(',')
      ->check(CLI::Range(16, 100'000'000));
  app.add_option("--rounds", a.settings.rounds, "Measured rounds")->check(CLI::Range(1, 1000));
  app.add_option("--tries", a.settings.tries,
                 "Executions of each map in a round, of which the fastest counts")
      ->check(CLI::Range(1, 100));
  app.add_option("--maps", a.maps, "Only these maps (--list names them); the subject is always there")
      ->delimiter(',');
  app.add_option("--subject", a.subject, "The tophash map that is compared with its peers");
  app.add_option("--seed", a.settings.seed, "Seed of keys and orders");
  app.add_option("--json", a.json_file, "Write every round to FILE; - is standard output");
  app.add_option("--resume", a.resume_file,
                 "Write FILE after each workload, and leave out what an earlier run wrote there: the whole "
                 "table in pieces, each of which may be cut off");
  app.add_flag("--large", a.large, "Also 10,000,000 entries: some gigabytes, and minutes");
  app.add_flag("--quick", a.quick,
               "3 rounds, u64 only, 2,000 and 200,000 entries, without the slowest peers: under a minute");
  app.add_flag("--native-hash", a.native_hash,
               "Each map hashes with its own default instead of the shared hash");
  app.add_flag("--list", a.list, "List maps and workloads, run nothing");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 64);
  }
  if (a.quick) {
    if (app.count("--rounds") == 0) a.settings.rounds = 3;
    if (app.count("--sizes") == 0) a.sizes = {2'000, 200'000};
  }
  if (a.large && std::find(a.sizes.begin(), a.sizes.end(), 10'000'000u) == a.sizes.end())
    a.sizes.push_back(10'000'000);
  return a;
}

std::vector<contestant> all_maps(bool native_hash, std::vector<std::string>& absent) {
  std::vector<contestant> out;
  for (const family& f : families()) {
    if (f.add_shared == nullptr) {
      absent.push_back(fmt::format("{} (Debian: {})", f.maps, f.package));
    } else {
      (native_hash ? f.add_native : f.add_shared)(out);
    }
  }
  return out;
}

// A node an entry: building and destroying them takes half of a run, and they are seldom the best.
bool slow(std::string_view name) { return name == "absl_node" || name == "std" || name == "pbds_cc"; }

// The subject first, then what was asked for: by default every peer and no further map of ours.
std::vector<contestant> chosen_maps(std::vector<contestant> all, const arguments& a) {
  std::string names;
  for (const contestant& c : all) names += (names.empty() ? "" : ", ") + std::string(c.name);
  const auto named = [&](const std::string& name) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const contestant& c) { return c.name == name; });
    if (at == all.end()) refuse(fmt::format("no map is called '{}'; there are {}", name, names));
    return *at;
  };
  std::vector<contestant> out{named(a.subject)};
  if (!out.front().ours)
    refuse(fmt::format("--subject {}: a peer; the subject is one of tophash's own maps", a.subject));
  for (const std::string& name : a.maps) {
    if (name != a.subject) out.push_back(named(name));
  }
  if (a.maps.empty()) {
    for (const contestant& c : all) {
      if (!c.ours && !(a.quick && slow(c.name))) out.push_back(c);
    }
  }
  return out;
}

std::string first_value(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (key.empty()) return line;
    if (line.starts_with(key)) return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "unknown";
}

circumstances observe(const arguments& a, std::vector<std::string> absent) {
  circumstances how;
#if defined(__clang__)
  how.compiler = "clang " __clang_version__;
#else
  how.compiler = "g++ " __VERSION__;
#endif
  how.flags = TOPHASH_PEERS_FLAGS;
  how.processor = first_value("/proc/cpuinfo", "model name");
  const std::string pages = first_value("/sys/kernel/mm/transparent_hugepage/enabled", "");
  const auto open = pages.find('[');
  how.huge_pages = open == std::string::npos ? pages : pages.substr(open + 1, pages.find(']') - open - 1);
  how.hashing = a.native_hash ? "native" : "shared";
  if (a.quick && a.maps.empty()) how.left_out = "absl_node, std, pbds_cc";
  how.absent = std::move(absent);
  return how;
}

void list(const std::vector<contestant>& maps, const std::vector<std::string>& absent,
          const std::vector<task>& tasks) {
  for (const contestant& c : maps)
    fmt::print("map       {:18} {}{}\n", c.name, c.type, c.ours ? "" : ", a peer");
  for (const std::string& a : absent) fmt::print("absent    {}\n", a);
  for (const workload_row& row : workload_rows()) fmt::print("workload  {:18} {}\n", row.name, row.what);
  for (const task& t : tasks) fmt::print("run       {}\n", t.name());
}

[[noreturn]] void cannot_write(const std::string& option, const std::string& file) {
  std::cerr << "tophash_peers: " << option << " " << file << ": cannot be written\n";
  std::exit(2);
}

// Whole or not at all: what is there is not lost when this run ends half way.
void save_progress(const nlohmann::json& result, const std::string& file) {
  const std::string beside = file + ".part";
  std::ofstream out(beside);
  out << result.dump(1) << "\n";
  out.close();
  std::error_code failed;
  if (out) std::filesystem::rename(beside, file, failed);
  if (!out || failed) cannot_write("--resume", file);
}

// Of an earlier run with --resume; null: there was none.
nlohmann::json read_progress(const std::string& file, const nlohmann::json& fresh) {
  if (!std::filesystem::exists(file)) return nullptr;
  std::ifstream in(file);
  nlohmann::json saved = nlohmann::json::parse(in, nullptr, false);
  if (saved.is_discarded()) refuse(fmt::format("--resume {}: is no JSON", file));
  try {
    if (const auto why = cannot_resume(saved, fresh)) refuse(fmt::format("--resume {}: {}", file, *why));
  } catch (const nlohmann::json::exception& error) {
    refuse(fmt::format("--resume {}: is damaged: {}", file, error.what()));
  }
  return saved;
}

void write_json(const nlohmann::json& result, const std::string& file) {
  const std::string text = result.dump(1) + "\n";
  if (file == "-") {
    std::cout << text;
    return;
  }
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out) cannot_write("--json", file);
}

}  // namespace

int main(int argc, char** argv) {
  const bool keeps = keep_freed_heap();
  const arguments a = parse(argc, argv);

  std::vector<std::string> absent;
  std::vector<contestant> all = all_maps(a.native_hash, absent);
  task_choice choice{.sizes = a.sizes, .only_u64 = a.quick, .only = std::nullopt};
  if (!a.only.empty()) {
    try {
      choice.only = std::regex(a.only);
    } catch (const std::regex_error& error) {
      refuse(fmt::format("--only '{}': not a regular expression: {}", a.only, error.what()));
    }
  }
  std::vector<task> tasks = choose_tasks(choice);
  const std::vector<contestant> maps = chosen_maps(all, a);
  std::erase_if(tasks, [&](const task& t) { return maps[0].row(t.what).bytes == nullptr; });
  if (a.list) {
    list(all, absent, tasks);
    return 0;
  }
  if (tasks.empty()) refuse(fmt::format("--only '{}' --sizes ...: no workload left; see --list", a.only));

  circumstances how = observe(a, std::move(absent));
  how.keeps_freed_heap = keeps;
  // With the JSON on standard output the table would spoil it.
  std::FILE* const text = a.json_file == "-" ? stderr : stdout;
  bench b(maps, 0, a.settings);
  fmt::print(text, "{}\n{}", heading(b, how), table_head(b));
  std::fflush(text);
  nlohmann::json saved;
  if (!a.resume_file.empty()) saved = read_progress(a.resume_file, to_json(b, how, {}));
  std::vector<task_result> results;
  try {
    if (!saved.is_null()) restore_footprints(b, saved);
    b.weigh(tasks);
    if (!saved.is_null()) results = restore_results(b, saved, tasks);
  } catch (const nlohmann::json::exception& error) {
    refuse(fmt::format("--resume {}: is damaged: {}", a.resume_file, error.what()));
  }

  std::signal(SIGINT, [](int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);  // the second ends at once
  });
  for (const task_result& r : results) fmt::print(text, "{}", table_line(b, r));
  std::fflush(text);
  const auto is_done = [&results](const task& t) {
    return std::any_of(results.begin(), results.end(),
                       [&](const task_result& r) { return r.what.name() == t.name(); });
  };
  for (const task& t : tasks) {
    if (interrupted) break;
    if (is_done(t)) continue;
    const bool shown = isatty(STDERR_FILENO) != 0;
    if (shown) fmt::print(stderr, "\r\033[K{} ({} of {})\r", t.name(), results.size() + 1, tasks.size());
    results.push_back(b.measure(t));
    if (shown) fmt::print(stderr, "\033[K");
    fmt::print(text, "{}", table_line(b, results.back()));
    std::fflush(text);
    // A wrong result is not kept: the next run meets it again.
    if (!a.resume_file.empty() && b.wrong().empty()) {
      nlohmann::json so_far = to_json(b, how, results);
      keep_other_results(so_far, saved);
      save_progress(so_far, a.resume_file);
    }
  }
  fmt::print(text, "{}", summary(b, results));
  if (!a.json_file.empty()) write_json(to_json(b, how, results), a.json_file);
  for (const wrong_result& w : b.wrong()) {
    fmt::print(stderr, "tophash_peers: {}: {} computed {}, expected {}\n", w.task, w.map, w.got, w.expected);
  }
  return b.wrong().empty() ? 0 : 1;
}
