// SPDX-License-Identifier: Apache-2.0
// tophash_lab_reproduction PROGRAM FOLDER CASE: `tophash reproduce` run twice. Of one seed, all that is no
// time is the same; and a verdict is the same whatever else the machine does, or there is none.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/prctl.h>

#include "runner.hpp"

namespace {

constexpr const char* unresolved = "NOT RESOLVABLE HERE";

std::vector<std::string> words(std::vector<std::string> first, const std::vector<std::string>& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

json reproduced(const std::vector<std::string>& arguments) {
  const outcome o = run(words({"reproduce", "--quick", "--seed", "3", "--json", "-"}, arguments));
  check(o.code == 0 && o.err.empty(), "reproduce: " + o.err);
  return o.parsed();
}

// ---- what is no time ------------------------------------------------------------------------------

// The rows of a table that stand on counts alone.
std::set<std::string> counted_rows(const json& table, const json& metrics) {
  std::set<std::string> out;
  for (const json& row : table.at("claims")) {
    const json& rule = row.at("rule");
    std::vector<std::string> names;
    const json metric = rule.value("metric", json{});
    for (const json& one : metric.is_array() ? metric : json::array({metric}))
      if (one.is_string()) names.push_back(one);
    names.push_back(rule.value("per", ""));
    if (rule.contains("direction")) names.push_back(rule.at("direction").at("than"));
    const bool counted = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      const auto found = metrics.find(name);
      return found == metrics.end() || found->at("exact") == true;
    });
    if (counted) out.insert(row.at("id").get<std::string>());
  }
  return out;
}

void keep_exact(json& metrics) {
  for (auto at = metrics.begin(); at != metrics.end();) {
    if (at->at("exact") == true)
      ++at;
    else
      at = metrics.erase(at);
  }
}

// Takes out of a run what a clock or the machine's other processes say; returns how many rows are left.
std::size_t without_times(json& r) {
  std::set<std::string> timed;
  std::size_t rows = 0;
  r.erase("seconds");
  for (const char* moment : {"started_utc", "timer_overhead_ns"}) r.at("manifest").erase(moment);
  for (json& table : r.at("tables")) {
    table.erase("cost");
    table.erase("why");  // sentences with times in them; what they are made of is in the metrics
    const std::set<std::string> counted = counted_rows(table, table.at("metrics"));
    const std::set<std::string> counted_in_go =
        table.contains("go") ? counted_rows(table, table.at("go").at("metrics")) : std::set<std::string>{};
    for (json& row : table.at("claims")) {
      const std::string id = row.at("id");
      rows += counted.count(id);
      if (counted.count(id) == 0) row.erase("here"), row.erase("verdict"), timed.insert(id);
      if (counted_in_go.count(id) == 0) row.erase("go");
    }
    keep_exact(table.at("metrics"));
    if (table.contains("go")) keep_exact(table.at("go").at("metrics"));
  }
  for (json& record : r.at("ledger")) {
    if (!record.contains("verdicts")) continue;
    for (const std::string& id : timed) record.at("verdicts").erase(id);
  }
  if (r.contains("truths")) {
    for (json& truth : r.at("truths")) {
      for (json& one : truth.at("stands_on")) {
        if (timed.count(one.at("id")) == 0) continue;
        one.erase("found");
        truth.erase("is");
      }
    }
  }
  return rows;
}

void check_same(json a, json b, std::size_t least_rows) {
  const std::size_t rows = without_times(a);
  without_times(b);
  check(rows >= least_rows, "rows of counts: " + std::to_string(rows));
  if (a == b) return;
  for (const json& change : json::diff(a, b)) check(false, "two runs of one seed differ: " + change.dump());
}

// ---- verdicts ---------------------------------------------------------------------------------------

std::map<std::string, std::string> verdicts_of(const json& r) {
  std::map<std::string, std::string> out;
  for (const json& table : r.at("tables")) {
    for (const json& row : table.at("claims")) out[row.at("id")] = row.at("verdict");
  }
  return out;
}

json row_of(const json& r, const std::string& id) {
  for (const json& table : r.at("tables")) {
    for (const json& row : table.at("claims"))
      if (row.at("id") == id) return row;
  }
  return {};
}

// No verdict of the one run is another in the other; `may_open`: unless it is unresolved there.
void check_verdicts(const json& first, const json& second, bool may_open) {
  const auto a = verdicts_of(first), b = verdicts_of(second);
  check(a.size() == b.size(), "as many rows");
  for (const auto& [id, is] : a) {
    const auto found = b.find(id);
    const std::string other = found == b.end() ? "absent" : found->second;
    if (other == is) continue;
    check(may_open && (other == unresolved || is == unresolved),
          id + ": " + is + ", then " + other + ": " + row_of(first, id).at("here").dump() + " then " +
              row_of(second, id).at("here").dump());
    std::printf("%s: %s, then %s\n", id.c_str(), is.c_str(), other.c_str());
  }
}

// ---- busy processes -----------------------------------------------------------------------------------

// Two for each processor, each writing all over 64 MiB: they take time, cache and memory's bandwidth.
class busy_processes {
 public:
  busy_processes() {
    for (unsigned i = 0; i < 2 * std::max(1u, std::thread::hardware_concurrency()); ++i) {
      const pid_t child = ::fork();
      if (child == 0) thrash(i + 1);
      if (child > 0) children_.push_back(child);
    }
  }
  busy_processes(const busy_processes&) = delete;
  busy_processes& operator=(const busy_processes&) = delete;
  ~busy_processes() {
    for (const pid_t child : children_) ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
  }
  std::size_t count() const { return children_.size(); }

 private:
  [[noreturn]] static void thrash(std::uint64_t x) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<std::uint64_t> memory(std::size_t{8} << 20);
    while (true) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      memory[x % memory.size()] += x;
    }
  }

  std::vector<pid_t> children_;
};

// ---- cases ----------------------------------------------------------------------------------------------

void same() {
  const std::vector<std::string> some = {"T-A5", "T-B9", "T-D1",     "T-D2", "T-D5",
                                         "T-D6", "A5",   "--repeat", "2"};
  const json first = reproduced(some);
  check_same(first, reproduced(some), 25);
  for (const json& table : first.at("tables")) {
    const json& cost = table.at("cost");
    check(cost.at("seconds") > 0 && cost.at("cpu_seconds") >= 0 && cost.contains("slowed"),
          "what a table cost: " + cost.dump());
  }
  const std::string said = run({"reproduce", "T-A5", "T-D5", "--quick", "--repeat", "1"}).out;
  check(said.find("\nseconds: T-A5 ") != std::string::npos && said.find("2 tables in ") != std::string::npos,
        "the text ends with what each table cost: " + said);
}

// Every table, as a reader would.
void twice() {
  const json first = reproduced({}), second = reproduced({});
  check(first.at("tables").size() == 22, "all tables");
  check_same(first, second, 60);
  const auto slowed = [](const json& r) {
    return std::any_of(r.at("tables").begin(), r.at("tables").end(),
                       [](const json& t) { return t.at("cost").at("slowed") == true; });
  };
  check_verdicts(first, second, slowed(first) || slowed(second));
}

// Tables whose rows are times.
void under_load() {
  const std::vector<std::string> timed = {"T-A1", "T-A3", "--repeat", "3"};
  const json alone = reproduced(timed);
  json beside;
  {
    const busy_processes others;
    beside = reproduced(timed);
  }
  check_verdicts(alone, beside, true);
  for (const json& table : beside.at("tables")) {
    const json& cost = table.at("cost");
    check(cost.at("slowed") == true && cost.value("other_processes", 0.0) > 0.5,
          "busy processes are noticed: " + cost.dump());
  }
  std::map<std::string, std::string> kept = verdicts_of(beside);
  std::erase_if(kept, [](const auto& one) { return one.second == unresolved; });
  check(kept.size() >= 8, "what no load can hide keeps its verdict: " + std::to_string(kept.size()));
}

// Each table beside Go: a figure in each row or the reason why there is none.
void with_go() {
  if (std::system("command -v go >/dev/null 2>&1") != 0) return skip("Go is not installed");
  const json r = reproduced({"--repeat", "1", "--with-go"});
  check(r.at("tables").size() == 22, "all tables");
  std::size_t figures = 0;
  for (const json& table : r.at("tables")) {
    check(table.contains("go"), table.at("table").get<std::string>() + " has a Go program");
    if (!table.contains("go")) continue;
    for (const json& row : table.at("claims")) {
      const json& go = row.at("go");
      const bool found = go.contains("figure"), defined = row.at("rule").at("compare") != "undefined";
      figures += found ? 1 : 0;
      const std::string reason = go.at("reason");
      check(found || !defined ||
                (!reason.empty() && reason.find("was not measured here") == std::string::npos),
            row.at("id").get<std::string>() + ": no Go figure, and no reason: " + go.dump());
    }
  }
  check(figures >= 60, "rows with a figure of Go's: " + std::to_string(figures));
  // What Go prints for the ledger is the same in each run.
  const auto answers = [](const json& run) {
    std::map<std::string, std::string> out;
    for (const json& record : run.at("ledger"))
      if (record.contains("go_says")) out[record.at("id")] = record.at("go_says");
    return out;
  };
  const std::map<std::string, std::string> said = answers(r);
  check(said.size() >= 30, "answers of Go's: " + std::to_string(said.size()));
  std::vector<std::string> ids;
  for (const auto& [id, line] : said) {
    ids.push_back(id);
    check(line.find("tophash-go-") == std::string::npos &&
              line.find(fs::current_path().string()) == std::string::npos,
          id + " names a folder of this machine: " + line);
  }
  check(answers(reproduced(words({"--with-go"}, ids))) == said, "what Go prints is the same in each run");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> cases = {
      {"same", same}, {"twice", twice}, {"under_load", under_load}, {"with_go", with_go}};
  if (argc != 4 || cases.count(argv[3]) == 0) {
    std::fputs("usage: tophash_lab_reproduction PROGRAM FOLDER CASE\n", stderr);
    return 64;
  }
  return run_case_of(argv[1], argv[2], cases.at(argv[3]));
}
