// SPDX-License-Identifier: Apache-2.0
// tophash_lab_cli PROGRAM FOLDER CASE: runs the lab program as a user would and judges what comes out: exit
// code, standard output, standard error, files. Every case starts with an empty FOLDER. Run from the
// repository's root.
#include <chrono>
#include <cmath>
#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "runner.hpp"

namespace {

// ---- cases --------------------------------------------------------------------------------------

void usage() {
  expect({}, 64);
  expect({"--help"}, 0);
  expect({"--version"}, 0);
  expect({"runn"}, 64);
  expect({"run"}, 64, "--workload is required");
  expect({"run", "--workload", "grow", "--sede", "1"}, 64);
  expect({"run", "--workload", "grow", "--repeat", "0"}, 64);
  expect({"run", "--workload", "grow", "--n", "ten"}, 64, "'ten' is no size");
  expect({"run", "--workload", "delete_hevy"}, 64, "nearest: delete_heavy");
  expect({"run", "--workload", "grow", "--variant", "diryt"}, 64, "dirty");
  expect({"run", "--workload", "grow", "--allocator", "mimaloc"}, 64, "nearest: mimalloc");
  expect({"run", "--workload", "grow", "--collector", "bohem"}, 64, "nearest: boehm");
  expect({"run", "--workload", "grow", "--variant", "dirty,load(3)", "--no-compile"}, 2,
         "nearest built: dirty");
  expect({"run", "--workload", "grow", "--variant", "incremental(0)"}, 64, "tophash[growth]: ");
  expect({"run", "--workload", "grow", "--key", "u46"}, 64, "nearest: u64");
  expect({"list", "axis"}, 64, "nearest: axes");
}

void list() {
  std::set<std::string> topics;
  for (const char* topic :
       {"axes", "presets", "variants", "workloads", "allocators", "collectors", "rules"}) {
    const outcome o = run({"list", topic, "--json", "-"});
    check(o.code == 0 && o.err.empty(), std::string{"list "} + topic);
    const json j = o.parsed();
    check(j.contains(topic) && !j.value(topic, json::array()).empty(),
          std::string{"list "} + topic + " is empty");
    check(run({"list", topic}).out.size() > 20, std::string{"list "} + topic + " as text");
  }
  check(run({"list", "axes", "--json", "-"}).parsed().at("axes").size() == 11, "eleven axes");
  check(run({"list", "variants", "--json", "-"}).parsed().at("variants").size() >= 26,
        "curated variants and baselines");
  check(run({"list"}).out.find("load_sweep") != std::string::npos, "list without a topic lists all");
}

void explain() {
  const outcome o =
      run({"explain", "go_like,deletion=dirty", "--key", "string", "--value", "u64", "--json", "-"});
  check(o.code == 0, "explain of a legal SPEC");
  const json j = o.parsed();
  check(j.value("built_as", "") == "go_like,dirty", "explain names the built variant");
  check(j.value("cxx", "").find("tophash::map<std::string, std::uint64_t") == 0,
        "explain gives the C++ type");
  check(run({"explain", j.value("canonical", "")}).code == 0, "the canonical text explains itself");
  expect({"explain", "dirty", "--value", "vector"}, 1);
  check(run({"explain", "dirty", "--value", "vector"}).out.find("refused: tophash[deletion x types]: ") !=
            std::string::npos,
        "the rule's sentence");
  expect({"explain", "deletion=drity"}, 64, "nearest: dirty");
  expect({"explain", "load(13,2"}, 64, "character 10");
  expect({"explain", "defaults", "--key", "u46"}, 64, "u64");
}

void run_case() {
  const outcome o = run({"run",
                         "--workload",
                         "ycsb_b",
                         "--n",
                         "300,1k",
                         "--key",
                         "string",
                         "--variant",
                         "defaults",
                         "go_like",
                         "std::unordered_map",
                         "--allocator",
                         "system",
                         "tracked(system)",
                         "--repeat",
                         "2",
                         "--seed",
                         "5",
                         "--json",
                         "-"});
  check(o.code == 0, "run: " + o.err);
  check(o.err.empty(), "nothing on standard error in a pipe: " + o.err);
  const json j = o.parsed();
  check(j.at("rows").size() == 12, "two sizes, three variants, two storages");
  std::map<std::size_t, std::set<std::string>> checksums;
  for (const json& row : j.at("rows"))
    checksums[row.at("n").get<std::size_t>()].insert(row.at("checksum").get<std::string>());
  check(checksums.size() == 2 && checksums[300].size() == 1 && checksums[1000].size() == 1,
        "one checksum a size");
  check(j.at("experiment").at("argv").size() == 21, "the command line is in the result");
  check(j.at("manifest").at("seed") == 5, "the seed is in the manifest");
  const outcome text =
      run({"run", "--workload", "iterate", "--n", "500", "--variant", "defaults", "--repeat", "1"});
  check(text.code == 0 && text.out.find("defaults on system") != std::string::npos, "a table without --json");
  const fs::path file = folder / "result.json";
  check(run({"run", "--workload", "grow", "--n", "500", "--variant", "defaults", "--repeat", "1", "--json",
             file.string()})
                .code == 0,
        "--json FILE");
  check(json::parse(contents(file), nullptr, false).value("schema", "") == "tophash-result-1",
        "the file holds the result");
}

// Chance that a bucket of a random table gets more than its 8 slots: the Poisson tail, in percent.
double overflow_expected(double load) {
  double term = std::exp(-load), inside = term;
  for (int k = 1; k <= 8; ++k) inside += term *= load / k;
  return 100 * (1 - inside);
}

// Go's own table, as its source comment has it: load, % of buckets with overflow, hit probes, miss probes.
// The figures compared with it come from the run. Above 6.5 Go's overflow column lies up to 0.4 above the
// exact tail.
void load_sweep() {
  const double published[][4] = {
      {4.00, 2.13, 3.00, 4.00},  {4.50, 4.05, 3.25, 4.50},  {5.00, 6.85, 3.50, 5.00},
      {5.50, 10.55, 3.75, 5.50}, {6.00, 15.27, 4.00, 6.00}, {6.50, 20.90, 4.25, 6.50},
      {7.00, 27.14, 4.50, 7.00}, {7.50, 34.03, 4.75, 7.50}, {8.00, 41.10, 5.00, 8.00}};
  const auto near = [](double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; };
  std::size_t compared = 0;
  for (const char* variant : {"preset=go_like", "go_like,load=load(8)"}) {
    const json j = run({"run", "--workload", "load_sweep", "--variant", variant, "--repeat", "1",
                        "--no-memory", "--no-latency", "--json", "-"})
                       .parsed();
    for (const json& point : j.at("rows").at(0).at("load_sweep")) {
      for (const auto& [load, overflow, hit, miss] : published) {
        if (point.at("load") != load) continue;
        ++compared;
        const std::string where =
            std::string{variant} + " at load " + std::to_string(load) + ": " + point.dump();
        if (load <= 6.5) check(near(point.at("overflow_percent"), overflow, 0.3), "overflow, " + where);
        check(near(point.at("overflow_percent"), overflow_expected(load), 0.3),
              "overflow against theory, " + where);
        check(near(point.at("hit_probes"), hit, 0.05), "hit probes, " + where);
        check(near(point.at("sampled_hit_probes"), hit, 0.05), "sampled hit probes, " + where);
        check(near(point.at("miss_probes"), miss, 0.05), "miss probes, " + where);
        check(near(point.at("sampled_miss_probes"), miss, 0.05), "sampled miss probes, " + where);
      }
    }
  }
  check(compared == 6 + 9, "every load of the table that a variant reaches was measured");
}

void replay_all(const std::vector<std::string>& more) {
  for (const char* trace :
       {"bench/traces/alloc_python_ast.csv.zst", "bench/traces/pystdlib_symbols.csv.zst"}) {
    std::vector<std::string> command = {"replay", trace,     "--variant", "all", "--allocator",
                                        "all",    "--check", "--json",    "-"};
    command.insert(command.end(), more.begin(), more.end());
    const outcome o = run(command);
    check(o.code == 0, std::string{trace} + ": " + o.err);
    const json j = o.parsed();
    std::set<std::string> checksums;
    for (const json& row : j.at("rows"))
      checksums.insert(row.value("checksum", row.value("trouble", "no checksum")));
    check(checksums.size() == 1, std::string{trace} + " gives one checksum");
    check(j.at("rows").size() >= 28 * 2, "variants times storages: " + std::to_string(j.at("rows").size()));
    bool baseline = false;
    for (const json& row : j.at("rows")) baseline = baseline || row.at("variant") == "std::unordered_map";
    check(baseline, "std::unordered_map is among them");
  }
}

void replay() {
  replay_all({"--rows", "60000"});
  const fs::path small = write("small.csv", "time,op,key,size\n,s,1,8\n,s,2,8\n,g,1,\n,d,1,\n,g,1,\n");
  const json j = run({"replay", small.string(), "--variant", "defaults", "dirty", "std::unordered_map",
                      "--repeat", "1", "--json", "-"})
                     .parsed();
  check(j.at("rows").size() == 3 && j.at("rows").at(0).at("ops") == 5, "five operations");
  check(j.at("manifest").at("input_sha256").get<std::string>().size() == 64, "the trace's hash");
}

void cache() {
  const outcome o = run({"replay", "bench/traces/pystdlib_symbols.csv.zst", "--capacity", "1000", "--rows",
                         "50000", "--variant", "all", "--allocator", "all", "--check", "--json", "-"});
  check(o.code == 0, "cache replay: " + o.err);
  std::set<std::string> outcomes;
  const json j = o.parsed();
  for (const json& row : j.at("rows")) {
    const json& c = row.at("counters");
    outcomes.insert(row.at("checksum").get<std::string>() + " " + c.at("cache_misses").dump() + " " +
                    c.at("cache_evictions").dump());
  }
  check(outcomes.size() == 1, "every map is the same cache");
}

void errors() {
  expect({"replay", (folder / "absent.csv").string()}, 1, "cannot be opened");
  expect({"replay", write("head.csv", "time,op,key\n").string()}, 1, "head.csv:1: the first line is not");
  expect({"replay", write("row.csv", "time,op,key,size\n,g,1,\n,q,2,\n").string()}, 1,
         "row.csv:3: the operation 'q'");
  expect({"replay",
          write("cut.zst", contents("bench/traces/pystdlib_symbols.csv.zst").substr(0, 100'000)).string()},
         1, "the file was cut");
  expect({"report", (folder / "absent.json").string(), "-o", (folder / "r.html").string()}, 1,
         "cannot be opened");
  expect({"report", write("bad.json", "{").string(), "-o", (folder / "r.html").string()}, 1, "no JSON");
  expect({"report", write("other.json", "{\"schema\":\"something\"}").string(), "-o",
          (folder / "r.html").string()},
         1);
  expect({"run", "--workload", "grow", "--n", "100", "--variant", "defaults", "--repeat", "1", "--json",
          (folder / "no" / "such" / "x.json").string()},
         1, "cannot be written");
}

// Ctrl-C in the middle: the results so far are whole JSON, and the exit code says what happened. A busy
// machine may need longer until there is something to keep.
void interrupt() {
  const fs::path file = folder / "result.json";
  for (const int seconds : {2, 10, 40}) {
    const pid_t child =
        start({"run", "--workload", "churn_random", "--n", "50k", "--variant", "defaults", "go_like",
               "--repeat", "10000", "--no-memory", "--no-latency", "--json", file.string()});
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    ::kill(child, SIGINT);
    const outcome o = finish(child);
    const json j = json::parse(contents(file), nullptr, false);
    const bool something = j.is_object() && !j.at("rows").empty();
    if (!something && seconds < 40) continue;
    check(o.code == 130, "exit code of an interrupted run: " + std::to_string(o.code) + " " + o.err);
    check(j.is_object() && j.value("interrupted", false), "the file says that it was interrupted");
    check(something && j.at("rows").at(0).contains("ns_per_op"), "and holds what was measured");
    return;
  }
}

void report() {
  const fs::path result = folder / "result.json", page = folder / "report.html";
  check(run({"run", "--workload", "lookup", "--n", "2k", "--variant", "defaults", "go_like", "--repeat", "2",
             "--json", result.string()})
                .code == 0,
        "run");
  const outcome o = run({"report", result.string(), "-o", page.string()});
  check(o.code == 0 || o.code == 2, "report: " + o.err);  // 2: built without the page
  if (o.code == 0) check(contents(page).find("go_like") != std::string::npos, "the page names its rows");
}

void storages() {
  const json m = run({"run", "--workload", "grow", "--n", "100", "--variant", "defaults", "--repeat", "1",
                      "--json", "-"})
                     .parsed()
                     .at("manifest");
  check(m.at("allocator_versions").at("system").get<std::string>().find("replaced") == std::string::npos,
        "the system's malloc is the system's: " + m.at("allocator_versions").dump());
  bool boehm = false;
  const json collectors = run({"list", "collectors", "--json", "-"}).parsed();
  for (const json& c : collectors.at("collectors"))
    boehm = boehm || (c.at("name") == "boehm" && c.at("here") == true);
  if (!boehm) return;
  const json j = run({"replay", "bench/traces/alloc_python_ast.csv.zst", "--rows", "300000", "--variant",
                      "defaults", "--collector", "boehm", "--repeat", "1", "--json", "-"})
                     .parsed();
  check(j.at("rows").size() == 2, "boehm alone means both of its storages");
  for (const json& row : j.at("rows")) {
    check(row.at("collector") == "boehm" && row.contains("gc"), "a collector's row tells of collections");
    for (const char* field : {"collections", "stop_the_world_ns", "stall_ns", "heap_bytes", "allocated_bytes",
                              "allocation_rate_bytes_per_s", "collector_cpu_ns"}) {
      check(row.value("gc", json::object()).contains(field), std::string{"gc."} + field);
    }
    check(row.at("gc").at("allocated_bytes") > row.at("memory").at("end_bytes"),
          "the collector counted what the map allocated");
  }
}

void tour() {
  const fs::path out = folder / "tour";
  const outcome o = run({"tour", "--trace", "bench/traces/pystdlib_symbols.csv.zst", "--output", out.string(),
                         "--repeat", "1"});
  check(o.code == 0, "tour: " + o.err);
  check(o.out.find("report") != std::string::npos, "the tour ends with the report's path");
  std::size_t results = 0;
  for (const fs::directory_entry& e : fs::directory_iterator(out))
    results += e.path().extension() == ".json" ? 1 : 0;
  check(results == 3, "three results");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> cases = {{"usage", usage},
                                                              {"list", list},
                                                              {"explain", explain},
                                                              {"run", run_case},
                                                              {"load_sweep", load_sweep},
                                                              {"replay", replay},
                                                              {"cache", cache},
                                                              {"errors", errors},
                                                              {"interrupt", interrupt},
                                                              {"report", report},
                                                              {"storages", storages},
                                                              {"tour", tour},
                                                              {"replay_everything", [] { replay_all({}); }}};
  if (argc != 4 || cases.count(argv[3]) == 0) {
    std::fputs("usage: tophash_lab_cli PROGRAM FOLDER CASE\n", stderr);
    return 64;
  }
  return run_case_of(argv[1], argv[2], cases.at(argv[3]));
}
