// SPDX-License-Identifier: Apache-2.0
// tophash_lab_cli PROGRAM FOLDER CASE: runs the lab program as a user would and judges what comes out: exit
// code, standard output, standard error, files. Every case starts with an empty FOLDER. Run from the
// repository's root.
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include <sys/stat.h>

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
  expect({"run", "--workload", "grow", "--allocator", "by_purpose(overflow=system)"}, 64,
         "has nothing for slots");
  expect({"run", "--workload", "grow", "--allocator", "fallback(system,pages)"}, 64,
         "cannot tell its own blocks");
  expect({"run", "--workload", "fragmentation", "--n", "10"}, 64, "at least 100 maps");
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

// A copy of the shipped claims with one file changed.
template <class Change>
std::string changed_file(const std::string& name, const char* file, const Change& change) {
  const fs::path copy = folder / name;
  fs::copy("bench/claims", copy);
  json value = json::parse(contents(copy / file));
  change(value);
  std::ofstream(copy / file) << value;
  return copy.string();
}

void claims() {
  const outcome all = run({"list", "claims", "--json", "-"});
  check(all.code == 0 && all.err.empty(), "list claims: " + all.err);
  check(all.parsed().at("claims").size() >= 50, "the claims of five tables");
  const outcome one = run({"list", "claims", "--article", "000", "--section", "2.5", "--json", "-"});
  const json found_here = one.parsed();
  check(!found_here.at("claims").empty(), "claims of article 000, 2.5");
  for (const json& c : found_here.at("claims"))
    check(c.at("table") == "T-A1" && c.at("reported").contains("unit"), "a claim of T-A1: " + c.dump());
  const outcome found = run({"list", "claims", "--search", "链表膨胀"});
  check(found.out.find("T-D1") == 0 && found.out.find("T-A1") == std::string::npos,
        "a heading's own words find its table: " + found.out);
  const json listed_all = all.parsed();
  check(listed_all.at("ledger").size() == 194, "one record for each claim and each table without figures");
  std::size_t counted = 0;
  for (const auto& [name, count] : listed_all.at("classes").items()) counted += count.get<std::size_t>();
  check(listed_all.at("classes").size() == 4 && counted == 194, "each of a class");
  const std::string listed = run({"list", "claims"}).out;
  for (const char* word : {"A5    decided by construction", "D42   not testable", "194 claims and tables: "})
    check(listed.find(word) != std::string::npos, std::string{"the list says '"} + word + "'");
  const std::string broken = changed_file("broken_ledger", "ledger-000.json", [](json& ledger) {
    ledger["records"][3].erase("test");
  });
  expect({"list", "claims", "--claims", broken}, 1, "ledger-000.json: A4.test: missing");
  check(run({"list", "claims", "--search", "零开销"}).out.find("B40") != std::string::npos,
        "a heading without a table is found too");
  expect({"list", "claims", "--article", "01"}, 64, "'01' is no article");
  expect({"list", "claims", "--section", "9.9"}, 64, "no article has section '9.9'");
  expect({"list", "axes", "--search", "x"}, 64, "--search are for `list claims`");
  expect({"list", "claims", "--claims", (folder / "nowhere").string()}, 1, "no folder of claims");
}

const std::set<std::string> verdicts = {"CONFIRMED", "REFUTED", "DIRECTION ONLY", "NOT RESOLVABLE HERE"};

// T-D1, quick, with the claim files of `claims_folder` (empty: the shipped ones).
json reproduced(const std::string& claims_folder) {
  std::vector<std::string> words = {"reproduce", "T-D1", "--quick", "--seed", "7", "--json", "-"};
  if (!claims_folder.empty()) words.insert(words.end(), {"--claims", claims_folder});
  const outcome o = run(words);
  check(o.code == 0 && o.err.empty(), "reproduce T-D1: " + o.err);
  return o.parsed().at("tables").at(0);
}

// The shipped claims with T-D1 changed.
template <class Change>
std::string changed_claims(const std::string& name, const Change& change) {
  return changed_file(name, "T-D1.json", change);
}

// What needs instructions and cache misses has them, from the processor or from callgrind, and says from
// which; or says what is missing.
void counted_tables() {
  const json both = run({"reproduce", "T-B4", "T-B5", "--quick", "--repeat", "1", "--json", "-"}).parsed();
  check(both.at("tables").size() == 2, "two tables");
  for (const json& table : both.at("tables")) {
    const std::string id = table.at("table"), first = table.at("why").at(0);
    const bool counted = first.rfind("counted by ", 0) == 0;
    check(counted || first.rfind("nothing was counted: ", 0) == 0, id + " says what counted: " + first);
    for (const json& row : table.at("claims")) {
      const std::string name = row.at("id");
      // A row without a figure says why.
      const json& here = row.at("here");
      check(here.contains("figure") || !here.at("reason").get<std::string>().empty(), name);
      if (!counted && id == "T-B4")
        check(row.at("verdict") == "NOT RESOLVABLE HERE", name + " without a counter");
    }
    if (!counted || id != "T-B5") continue;
    const double more = table.at("metrics").at("instructions_more.clear").at("rounds").at(0);
    check(more > 0.5 && more < 4, "a test and a jump: " + std::to_string(more));
    check(table.at("metrics").at("instructions_more.set").at("rounds").at(0) > more, "the barrier is called");
  }
  // Without valgrind and without counters nothing is made up.
  const char* const path = std::getenv("PATH");
  const std::string kept = path == nullptr ? "" : path;
  setenv("PATH", folder.c_str(), 1);
  const json alone = run({"reproduce", "T-B4", "--quick", "--repeat", "1", "--json", "-"}).parsed();
  setenv("PATH", kept.c_str(), 1);
  const json& table = alone.at("tables").at(0);
  if (table.at("why").at(0).get<std::string>().rfind("counted by the processor", 0) == 0) return;
  for (const json& row : table.at("claims")) {
    check(row.at("verdict") == "NOT RESOLVABLE HERE" &&
              row.at("here").at("reason").get<std::string>().find("package valgrind") != std::string::npos,
          "what is missing: " + row.at("here").dump());
  }
}

// golang/go#20135 and #16070: the verdict follows from bytes, and turns with them.
void incidents() {
  const outcome o =
      run({"run", "--workload", "go-20135", "--n", "20k", "--variant", "go_like", "std::unordered_map",
           "--allocator", "system", "--repeat", "3", "--json", "-"});
  check(o.code == 0, "go-20135: " + o.err);
  const json kept = o.parsed().at("incident");
  check(kept.at("issue") == "golang/go#20135", "which issue");
  const json& ill = kept.at("rows").at(0);
  check(ill.at("cured") == false && ill.at("end_bytes") > 100 * ill.at("reference_bytes").get<double>(),
        "go_like keeps what it held: " + ill.dump());
  const std::string said =
      run({"run", "--workload", "go-16070", "--n", "5k", "--variant", "go_like", "--repeat", "3"}).out;
  for (const char* word : {"golang/go#16070: ", "at the end", "reference", "cured", "findings:"})
    check(said.find(word) != std::string::npos, std::string{"go-16070 says '"} + word + "': " + said);
  check(run({"list", "workloads"}).out.find("go-16070") != std::string::npos, "they are listed");
  check(run({"list", "workloads"}).out.find(".reference") == std::string::npos, "their references are not");
}

void reproduce() {
  const outcome o = run({"reproduce", "T-D1", "--quick", "--seed", "7", "--json", "-"});
  check(o.code == 0 && o.err.empty(), "reproduce: " + o.err);
  const json all = o.parsed();
  check(all.value("schema", "") == "tophash-reproduction-1" && all.contains("manifest"), "the schema");
  check(all.at("seed") == 7 && all.at("quick") == true && all.at("tables").size() == 1, "what was asked");
  const json shipped = all.at("tables").at(0);
  const json file = json::parse(contents("bench/claims/T-D1.json"));
  check(shipped.at("claims").size() == file.at("claims").size(), "a row for each claim of the file");
  for (const json& row : shipped.at("claims")) {
    check(verdicts.count(row.at("verdict")) == 1, "a verdict: " + row.dump());
    check(row.at("here").at("figure").contains("median") && row.at("reported").contains("figure"),
          "both figures: " + row.dump());
  }
  check(!shipped.at("why").empty(), "a why line");
  check(reproduced("").at("metrics") == shipped.at("metrics"), "one seed, one set of counts");

  // The article's program keeps one key: no overflow bucket. Rules and figures decide, not the program.
  const json inverted = reproduced(changed_claims("inverted", [](json& table) {
    for (json& c : table.at("claims")) c["rule"]["inverted"] = true;
  }));
  for (std::size_t i = 0; i < shipped.at("claims").size(); ++i) {
    const std::string before = shipped.at("claims").at(i).at("verdict");
    const std::string after = inverted.at("claims").at(i).at("verdict");
    const bool open = before == "NOT RESOLVABLE HERE";
    check(open ? after == before : after == (before == "CONFIRMED" ? "REFUTED" : "CONFIRMED"),
          before + " becomes " + after + " with the rule inverted");
  }
  const auto planted = [&](const std::string& name, double factor, double tolerance) {
    return reproduced(changed_claims(name, [&](json& table) {
      for (std::size_t i = 0; i < table.at("claims").size(); ++i) {
        json& c = table.at("claims").at(i);
        const json& figure = shipped.at("claims").at(i).at("here").at("figure");
        c["reported"]["figure"] = factor * figure.at("median").get<double>() + (factor == 1 ? 0 : 1);
        c["rule"]["compare"] = "within";
        c["rule"]["tolerance"] =
            tolerance * (figure.at("high").get<double>() - figure.at("low").get<double>());
        c["rule"].erase("direction");
      }
    }));
  };
  const json right = planted("right", 1, 1), wrong = planted("wrong", 100, 1), fine = planted("fine", 1, 0.1);
  std::size_t spread = 0;
  for (std::size_t i = 0; i < shipped.at("claims").size(); ++i) {
    const std::string id = shipped.at("claims").at(i).at("id");
    const json& figure = shipped.at("claims").at(i).at("here").at("figure");
    check(right.at("claims").at(i).at("verdict") == "CONFIRMED", id + ": a planted right figure");
    check(wrong.at("claims").at(i).at("verdict") == "REFUTED", id + ": a planted wrong figure");
    if (figure.at("low") == figure.at("high")) continue;
    ++spread;
    check(fine.at("claims").at(i).at("verdict") == "NOT RESOLVABLE HERE", id + ": an impossible precision");
  }
  check(spread > 0, "some counts depend on the seed");

  const outcome text = run({"reproduce", "D36", "--quick", "--repeat", "3"});
  for (const char* word : {"T-D1", "published", "REFUTED", "why: ", "rerun: tophash reproduce T-D1"})
    check(text.out.find(word) != std::string::npos, std::string{"the text says '"} + word + "'");
  expect({"reproduce", "T-D9"}, 64, "nearest: T-B9, T-D1");
  // Claims that no figure decides: the test, the command, the reason.
  const outcome decided = run({"reproduce", "A5", "A32", "D42", "--json", "-"});
  check(decided.code == 0 && decided.parsed().at("tables").empty(), "nothing is measured for these");
  const json records = decided.parsed().at("ledger");
  check(records.size() == 3, "a record for each that was asked for");
  check(records.at(0).at("run").get<std::string>().rfind("ctest --test-dir ", 0) == 0 &&
            records.at(0).at("verdict_if_it_passes") == "REFUTED",
        "which test decides, how it is run, and what follows: " + records.at(0).dump());
  const std::string said = run({"reproduce", "A5", "A32", "D42"}).out;
  for (const char* word : {"by the test: unit:published: ", "run: ctest ", "by: grep ", "because: "})
    check(said.find(word) != std::string::npos, std::string{"the text says '"} + word + "': " + said);
  const json offsets = run({"reproduce", "D21", "--json", "-"}).parsed();
  check(offsets.at("tables").size() == 1 && offsets.at("ledger").at(0).at("verdicts").size() == 4,
        "a measured claim with the verdicts of its rows");
  const std::string misspelt = changed_claims("misspelt", [](json& table) {
    table["claims"][0]["rule"]["metric"] = "overflow_bucket.printed.10000";
  });
  expect({"reproduce", "T-D1", "--quick", "--claims", misspelt}, 1,
         "nearest: overflow_buckets.printed.10000");
  const std::string no_keys =
      changed_claims("no_keys", [](json& table) { table["workload"]["parameters"].erase("keys"); });
  expect({"reproduce", "T-D1", "--claims", no_keys}, 1, "T-D1.json: workload.parameters.keys: missing");
  const std::string stranger =
      changed_claims("stranger", [](json& table) { table["variants"][1] = "go_like,deletion=dirt"; });
  expect({"reproduce", "T-D1", "--claims", stranger}, 1, "T-D1.json: variants[1]: 'go_like,deletion=dirt'");
}

// Each remedy under each schedule, C25's sentence, and what cannot be asked of it.
void hazards() {
  expect({"run", "--workload", "hazards", "--variant", "go_like"}, 64,
         "hazards takes --repeat, --seed and --json");
  expect({"compare", "go_like", "--workload", "hazards"}, 64, "hazards is no workload of variants");
  const outcome o = run({"run", "--workload", "hazards", "--repeat", "2", "--json", "-"});
  check(o.code == 0 && o.err.empty(), "hazards: " + o.err);
  const json all = o.parsed();
  check(all.at("failures").empty(), "every schedule has its one outcome");
  std::size_t surviving = 0;
  for (const json& row : all.at("reclaimers")) {
    if (row.contains("package")) continue;
    surviving += row.at("aba").at("survived").get<bool>() ? 1 : 0;
    check(row.at("times_unsafe").at("rounds").size() == 2, "two rounds");
  }
  check(surviving >= 3 && !all.at("reclaimers").at(0).at("aba").at("survived").get<bool>(),
        "the unsafe chain breaks and the others do not");
  const json& race = all.at("race");
  check(race.at("absent_joined") == race.at("loads"), "a load after the delete finds no key");
  check(all.at("counters").size() == 4, "four kinds of counter");
}

// How late weak entries go is exact, but for what a word of libgc's stack keeps; what they cost is there.
void weak_entries() {
  const std::vector<std::string> weak = {"run", "--workload", "weak"};
  const auto with = [&weak](std::vector<std::string> more) {
    more.insert(more.begin(), weak.begin(), weak.end());
    return more;
  };
  expect(with({"--variant", "go_like"}), 64, "weak takes --collector, --n, --repeat, --seed and --json, not --variant");
  expect(with({"--collector", "none"}), 64, "--collector none: weak entries are measured on boehm and precise");
  expect(with({"--collector", "boehm,precize"}), 64, "--collector precize");
  expect(with({"--n", "99"}), 64, "--n 99: weak takes from 100 to 10000000 entries");
  expect(with({"--n", "few"}), 64, "'few' is no size");
  expect({"compare", "go_like", "--workload", "weak"}, 64, "weak is no workload of variants");
  const json listed = run({"list", "collectors", "--json", "-"}).parsed();
  std::size_t here = 0;
  for (const json& c : listed.at("collectors")) here += c.at("name") != "none" && c.at("here").get<bool>() ? 1 : 0;

  const outcome o = run(with({"--n", "1000", "--repeat", "2", "--json", "-"}));
  check(o.code == 0 && o.err.empty(), "weak: " + o.err);
  const json all = o.parsed();
  check(all.at("schema") == "tophash-weak-1" && all.at("failures").empty(), "no entry is lost, none kept");
  check(all.at("costs").size() == 3 * here && all.at("chains").size() == 3 * here, "a row of each, a collector");
  for (const json& row : all.at("costs")) {
    for (const char* time : {"no_map_ns", "ordinary_ns", "weak_ns"})
      check(row.at(time).at("rounds").size() == 2 && row.at(time).at("low") > 0, std::string{time} + " is a time");
    check(row.at("w_ns_per_entry").at("rounds").size() == 2, "two rounds");
  }
  for (const json& row : all.at("chains")) {
    check(row.at("weak_ns").at("low") > 0 && row.at("purge").at("cycles") == 1, "a chain goes at once: " + row.dump());
    if (row.at("collector") != "boehm") continue;
    const bool across = row.at("order") == "across it";
    check(across ? row.at("rounds") > 2 : row.at("rounds") <= 2, "rounds of a chain: " + row.dump());
    check(across || row.at("kept_undecided") == 0, "a chain along the table is decided: " + row.dump());
  }

  const json& purge = all.at("purge");
  check(purge.at("rows").size() == 8 * here && purge.at("dropped") == 2048, "every holding, in a ring or not");
  for (const json& row : purge.at("rows")) {
    const std::string held = row.at("held");
    const bool exact = row.at("collector") == "precise";
    const bool goes = held == "ephemerons" || (held != "ordinary map" && !row.at("in_a_ring").get<bool>());
    const json once = goes ? json(1) : json(nullptr);
    check(row.at("entries").at("cycles") == once && row.at("weak_objects").at("cycles") == once,
          "gone after one collection, or never: " + row.dump());
    // What an entry of weak keys or weak values held is found dead a collection after it.
    const json strong = !goes ? json(nullptr) : held == "ephemerons" ? json(1) : json(2);
    check(row.at("strong_objects").at("cycles") == strong, "what it held: " + row.dump());
    if (exact) check(row.at("destroyed").at("cycles") == strong, "destroyed when found dead: " + row.dump());
    if (!exact) check(goes == (row.at("made_to_destroy") != 0), "destroyed by allocations: " + row.dump());
    const std::uint64_t slots = row.at("slots_to_sweep").back();
    check(goes ? exact ? slots == 2048 : slots > 2028 : slots == 0, "slots wait for writes: " + row.dump());
    check(row.at("writes_to_sweep") == (slots + 15) / 16, "16 slots a write: " + row.dump());
    if (!goes || exact)
      check(row.at("entries").at("left").back() == (goes ? 0 : 2048), "all of them: " + row.dump());
  }

  const outcome text = run(with({"--n", "1000", "--repeat", "1", "--collector", "precise"}));
  check(text.code == 0 && text.out.find("boehm") == std::string::npos, "one collector: " + text.err);
  for (const char* word : {"W, ns an entry", "weak_values", "across it", "slots empty", "the control"})
    check(text.out.find(word) != std::string::npos, std::string{"the text says '"} + word + "'");
}

// A map that threads share, as a SPEC: explained, refused.
void shared_specs() {
  const outcome explained = run({"explain", "fastest,sync=striped(16)"});
  check(explained.code == 0 && explained.out.find("tophash::sync::striped<16>") != std::string::npos,
        "explain: " + explained.out + explained.err);
  check(run({"explain", "fastest,striped(16),allocation=arena"}).code == 1, "an arena under stripes");
  check(run({"explain", "fastest,shared_mutex,allocation=arena"}).code == 0, "an arena under one lock");
  expect({"explain", "striped(16)", "--dump"}, 64, "has a table a stripe");
}

// ... compiled, and executed beside the same map without locks.
void shared_specs_run() {
  const outcome o = run({"run", "--workload", "ycsb_f", "--n", "2000", "--variant", "fastest",
                         "fastest,striped(16)", "--check", "--json", "-"});
  check(o.code == 0, "the same answers: " + o.err);
}

// With Go where it is installed; and without, whether it is or not.
void reproduce_with_go() {
  const char* const path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  ::setenv("PATH", folder.c_str(), 1);
  expect({"reproduce", "T-D1", "--quick", "--with-go"}, 2, "golang-go");
  check(run({"reproduce", "T-D1", "--quick"}).out.find("not installed") != std::string::npos,
        "the Go column says that Go is not installed");
  ::setenv("PATH", before.c_str(), 1);
  if (std::system("command -v go >/dev/null 2>&1") != 0) return;
  // A command that prints nothing, one that prints a line, and one that fails: what it needs is not there.
  ::unsetenv("GO_REPOSITORY");
  const json asked = run({"reproduce", "B50", "C20", "B41", "--with-go", "--json", "-"}).parsed().at("ledger");
  check(asked.size() == 3 && asked.at(0).at("id") == "B41" && asked.at(0).at("verdict") == "NOT RESOLVABLE HERE",
        "a command that fails decides nothing: " + asked.dump());
  check(asked.at(1).at("verdict") == "REFUTED" && asked.at(1).at("go_says") == "",
        "there is no such function: " + asked.at(1).dump());
  check(asked.at(2).at("verdict") == "CONFIRMED", "there are such calls: " + asked.at(2).dump());
  const outcome o =
      run({"reproduce", "T-D1", "T-B3", "--quick", "--repeat", "3", "--with-go", "--json", "-"});
  check(o.code == 0 && o.err.empty(), "reproduce --with-go: " + o.err);
  const json all = o.parsed();
  for (const json& table : all.at("tables")) {
    check(table.at("go").at("version").get<std::string>().rfind("go", 0) == 0, "Go's version");
    for (const json& row : table.at("claims")) {
      check(verdicts.count(row.at("go").at("verdict")) == 1, "a verdict on Go: " + row.dump());
      check(row.at("go").contains("figure") || !row.at("go").at("reason").get<std::string>().empty(),
            "Go's figure, or why there is none");
    }
    if (table.at("table") != "T-B3") continue;
    // The prefix of the same random keys is the same arithmetic in both languages.
    const std::string metric = "taken.prefix.65536.hex";
    check(table.at("metrics").at(metric) == table.at("go").at("metrics").at(metric),
          "both programs count the same collisions");
  }
}

// Of a Go without a classic map: a `go` whose programs say so.
std::string go_that_is_refused() {
  const fs::path made = write("refused_program",
                              "#!/bin/sh\necho '{\"go\": \"go1.24.1\", \"metrics\": {}, "
                              "\"missing\": {\"structure\": \"another map\"}}'\n");
  fs::permissions(made, fs::perms::owner_all);
  const fs::path script =
      write("go_of_another_kind",
            "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\ncp '" + made.string() + "' \"$2\"\n");
  fs::permissions(script, fs::perms::owner_all);
  return script.string();
}

void go_structure() {
  expect({"run", "--workload", "go_structure", "--go", "go"}, 64, "--go is for --with-go");
  expect({"run", "--workload", "go_structure", "--variant", "go_like"}, 64, "go_structure takes");
  expect({"run", "--workload", "churn", "--with-go"}, 64, "are for go_structure");
  expect({"compare", "go_like", "--workload", "go_structure"}, 64, "go_structure is no workload of variants");
  expect({"run", "--workload", "go_speed"}, 64, "it takes --with-go");
  expect({"run", "--workload", "go_speed", "--with-go", "--key", "int"}, 64, "--key int: go_speed's keys are");
  expect({"run", "--workload", "go_structure", "--key", "u64"}, 64, "go_structure takes");
  check(run({"run", "--workload", "go_speed", "--with-go", "--go", (folder / "no-such-go").string()}).code ==
            2,
        "no go for go_speed");
  const outcome none = run({"run", "--workload", "go_structure", "--repeat", "1", "--with-go", "--go",
                            (folder / "no-such-go").string()});
  check(none.code == 2 && none.out.find("\nno go: ") != std::string::npos, "no go is said: " + none.out);
  check(none.out.find("\ngrows_to.16384 ") != std::string::npos, "and our fields are there all the same");
  const outcome refused =
      run({"run", "--workload", "go_structure", "--repeat", "1", "--with-go", "--go", go_that_is_refused()});
  check(refused.code == 2 && refused.out.find(" refused: another map") != std::string::npos,
        "a map of another kind is refused: " + refused.out.substr(0, 300) + refused.err);
  if (std::system("command -v go >/dev/null 2>&1") != 0) {
    std::puts("no go: the comparison itself was skipped");
    return;
  }
  const outcome o = run({"run", "--workload", "go_structure", "--with-go", "--json", "-"});
  const json all = o.parsed();
  if (all.at("go").at(0).contains("refused")) {
    check(o.code == 2, "a Go that cannot be read");
    std::puts(("no go: " + all.at("go").at(0).at("refused").get<std::string>()).c_str());
    return;
  }
  const json speed =
      run({"run", "--workload", "go_speed", "--with-go", "--key", "string_view", "--n", "1000", "--repeat", "1",
           "--json", "-"})
          .parsed();
  check(speed.at("rows").size() == 6, "one key, six operations");
  for (const json& row : speed.at("rows"))
    check(row.at("ratio").at("median") > 0.01 && row.at("ratio").at("median") < 100,
          "a ratio: " + row.dump());
  std::size_t exact = 0, close = 0;
  for (const json& f : all.at("go").at(0).at("fields")) {
    check(f.at("is") == "same" || f.at("is") == "shown", "as in Go: " + f.dump());
    (f.contains("tolerance") ? close : exact) += f.at("is") == "same" ? 1 : 0;
  }
  check(o.code == 0 && exact > 130 && close > 25, "fields compared: " + std::to_string(exact) + ", " +
                                                     std::to_string(close) + " " + o.err);
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
  const outcome groups = run({"explain", "open_groups,tombstone"});
  check(groups.code == 0, "explain of open groups");
  check(groups.out.find("entries: groups x 16 x pair of 8 + 8 bytes | tags: groups x 16 bytes") !=
                std::string::npos &&
            groups.out.find("0 empty | 1 dead | 2 end of the array") != std::string::npos,
        "the bytes of open groups: " + groups.out);
  check(groups.out.find("built into this program as 'fastest,tombstone'") != std::string::npos, "built in");
  expect({"explain", "open_groups(4)"}, 1);
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
  expect({"run", "--workload", "load_sweep", "--variant", "fastest"}, 64,
         "the sweep counts buckets that overflow, and open addressing has none");
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

// Numbers that strtoull takes for others, values that an unset variable left empty, words that are no
// command.
void bad_values() {
  const auto grow = [](std::vector<std::string> more) {
    std::vector<std::string> out = {"run", "--workload", "grow",     "--n",
                                    "100", "--variant",  "defaults", "--check"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  for (const char* seed : {"-1", "1.5", "nan", "99999999999999999999999", "1e3"})
    expect(grow({"--seed", seed}), 64, "--seed: '" + std::string{seed} + "' is no whole number from 0 to");
  expect(grow({"--seed", "0x10"}), 0);
  expect(grow({"--seed", "18446744073709551615"}), 0);
  for (const char* repeat : {"0", "-1", "10001"})
    expect(grow({"--repeat", repeat}), 64, "is no whole number from 1 to 10000");
  expect(grow({"--garbage", "-1"}), 64, "--garbage: '-1' is no whole number");
  const std::string trace = "bench/traces/pystdlib_symbols.csv.zst";
  expect({"replay", trace, "--capacity", "1000000001"}, 64, "is no whole number from 1 to 1000000000");
  expect({"replay", trace, "--rows", "0"}, 64, "--rows: '0' is no whole number from 1 to");
  expect({"watch", "--variant", "go_like", "--workload", "grow", "--every", "0"}, 64,
         "--every: '0' is no whole number");
  for (const char* option : {"--n", "--seed", "--memory", "--value", "--json"})
    expect({"run", "--workload", "grow", "--variant", "defaults", option, ""}, 64,
           std::string{option} + ": ");
  expect({"replya"}, 64, "'replya' is no command; nearest: replay");
  expect({"--workload"}, 64, "'--workload' is no option of tophash itself");
  expect({"report", folder.string(), "-o", (folder / "r.html").string()}, 1,
         folder.string() + ": is a directory");
  expect({"list", "claims", "--claims", folder.string()}, 1,
         (folder / "articles.json").string() + ": cannot be opened");
  expect({"run", "--workload", "grow", "--load", folder.string()}, 1,
         folder.string() + ": is no file of C++");
  expect({"replay", folder.string()}, 1, folder.string() + ": is a directory");
}

// What is written arrives whole, or the exit code says that it did not and what was there before is still
// there.
void outputs() {
  // Standard output: a full disk, and closed.
  const auto with_output = [](const char* file) {
    const std::string command = "'" + program + "' list >" + file + " 2>'" + (folder / "said").string() + "'";
    const int status = std::system(command.c_str());
    return std::make_pair(WIFEXITED(status) ? WEXITSTATUS(status) : -1, contents(folder / "said"));
  };
  for (const char* file : {"/dev/full", "&-"}) {
    const auto [code, said] = with_output(file);
    check(code == 1 && said.find("standard output cannot be written") != std::string::npos,
          std::string{"list >"} + file + ": " + std::to_string(code) + " " + said);
  }
  // A file: refused before the work, with the text all the same where that is not known before.
  const std::vector<std::string> work = {"run", "--workload", "grow", "--n", "1000M", "--json"};
  const auto to = [](std::vector<std::string> words, const fs::path& file) {
    words.push_back(file.string());
    return words;
  };
  expect(to(work, folder / "no" / "r.json"), 1, "cannot be written: No such file");
  expect(to(work, folder), 1, "cannot be written: Is a directory");
  // The device itself stays as it is, even for one who may replace it: through a link, whose place is ours.
  const fs::path full = folder / "full", kept = folder / "kept.csv", link = folder / "link.csv",
                 pipe = folder / "pipe";
  fs::create_symlink("/dev/full", full);
  const outcome o = run({"list", "axes", "--json", full.string()});
  check(o.code == 1 && o.err.find("No space left") != std::string::npos, "--json to a full disk: " + o.err);
  check(o.out.size() > 100, "the text was printed before");
  check(fs::is_symlink(full) && fs::is_character_file(full), "the device and the link are there");
  // A pipe is written through.
  check(::mkfifo(pipe.c_str(), 0600) == 0, "a pipe");
  const int reader = ::open(pipe.c_str(), O_RDWR);
  expect({"list", "rules", "--json", pipe.string()}, 0);
  char first = 0;
  check(fs::is_fifo(pipe) && ::read(reader, &first, 1) == 1 && first == '{', "the pipe got the result");
  ::close(reader);
  // A failed recording or import leaves what was there, and a link a link.
  std::ofstream(kept) << "precious";
  fs::create_symlink(kept, link);
  expect({"record", "-o", link.string(), "--", "/no/such/program"}, 64);
  expect({"import", "--format", "csv", write("bad.csv", "1,a\n").string(), "-o", link.string()}, 1);
  check(contents(kept) == "precious", "a command that failed left the file alone");
  check(!fs::exists(folder / "kept.csv.part") && !fs::exists(folder / "kept.csv.recording"),
        "and nothing beside it");
  expect({"record", "-o", link.string(), "--", "true"}, 0);
  check(fs::is_symlink(link) && contents(kept).rfind("time,op,key,size\n", 0) == 0,
        "written through the link");
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
    break;
  }
  // Workloads that compare at the end, or measure in children, which the signal does not reach.
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--workload", "go_structure", "--repeat", "10000"},
        std::vector<std::string>{"run", "--workload", "fragmentation", "--n", "5M"}}) {
    const pid_t child = start(words);
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    ::kill(child, SIGINT);
    const outcome o = finish(child);
    check(o.code == 130, words[2] + " interrupted: " + std::to_string(o.code) + " " + o.err);
  }
}

// ---- overflow_reuse -----------------------------------------------------------------------------

bool boehm_here() {
  const json listed = run({"list", "collectors", "--json", "-"}).parsed();
  for (const json& c : listed.at("collectors")) {
    if (c.at("name") == "boehm") return c.at("here") == true;
  }
  return false;
}

std::vector<std::string> reuse_words(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"run", "--workload", "overflow_reuse", "--seed", "3", "--json", "-"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// The counts of every row: what a seed fixes.
json counts_of(const json& result) {
  json out = json::array();
  for (const json& row : result.at("rows")) {
    json counts = {row.at("pattern"), row.at("spec"), row.at("source"), row.at("checksum"),
                   row.at("counters")};
    if (row.contains("gc")) {
      for (const char* name :
           {"collections", "allocated_bytes", "garbage_bytes", "scanned_bytes", "visited_blocks"})
        counts.push_back(row.at("gc").at(name));
    }
    out.push_back(counts);
  }
  return out;
}

void overflow_reuse_errors() {
  expect({"run", "--workload", "overflow_reuse", "--pattern", "new_kyes"}, 64, "nearest: new_keys");
  expect({"run", "--workload", "overflow_reuse", "--pool", "draind"}, 64, "nearest: drained");
  expect({"run", "--workload", "overflow_reuse", "--reclaim", "collector"}, 64, "needs --collector boehm");
  expect({"run", "--workload", "overflow_reuse", "--heap-ratio", "1"}, 64, "above 1");
  expect({"run", "--workload", "overflow_reuse", "--key", "string"}, 64, "measures u64 keys");
  expect({"run", "--workload", "overflow_reuse", "--n", "8"}, 64, "at least 64");
  expect({"run", "--workload", "overflow_reuse", "--variant", "diryt"}, 64, "dirty");
  expect({"run", "--workload", "overflow_reuse", "--variant", "std_hash"}, 64, "default hashing");
  expect({"run", "--workload", "overflow_reuse", "--no-compile"}, 2, "compiles its compositions");
  expect({"run", "--workload", "overflow_reuse", "--allocator", "mimaloc"}, 64, "nearest: mimalloc");
  expect({"run", "--workload", "grow", "--pattern", "printed"}, 64, "are for overflow_reuse");
  expect({"compare", "dirty", "immediate", "--workload", "overflow_reuse"}, 64, "reuse_new_keys");
}

void overflow_reuse() {
  overflow_reuse_errors();
  const bool boehm = boehm_here();
  const std::string collector = boehm ? "boehm" : "none";
  const std::vector<std::string> words =
      reuse_words({"--collector", collector, "--n", "2k", "--repeat", "1", "--variant", "immediate,fresh",
                   "immediate,local_list", "immediate,shared_pool", "tombstone,local_list"});
  const outcome first = run(words);
  check(first.code == 0 && first.err.empty(), "overflow_reuse: " + first.err);
  const json j = first.parsed();
  const std::size_t kinds = boehm ? 5 : 4;  // a shared pool is drained, and kept
  check(j.at("rows").size() == kinds * 4 && j.at("experiment").at("cells_planned") == kinds * 4, "all cells");
  const json again = run(words).parsed();
  check(counts_of(j) == counts_of(again), "one seed, one set of counts");
  check(!counts_of(j).empty() && j.at("findings").size() >= 8, "counts and sentences");
  for (const json& row : j.at("rows")) {
    const json& c = row.at("counters");
    check(row.contains("gc") == boehm, "collector figures under a collector only");
    if (row.at("pattern") == "printed") check(c.at("overflow_requested") == 0, "one entry asks for nothing");
    if (row.at("source") == "fresh") check(c.at("overflow_recycled") == 0, "fresh reuses nothing");
    if (row.at("pattern") == "adversary" && row.at("source") == "local_list" &&
        row.at("deletion") == "immediate")
      check(c.at("reuse_percent") == 100.0, "a warm list serves every wave: " + c.dump());
    if (row.at("deletion") == "tombstone")
      check(c.at("overflow_released") == 0, "a tombstone gives nothing back");
  }
  const fs::path result = folder / "result.json", page = folder / "report.html";
  std::ofstream(result) << j;
  const outcome o = run({"report", result.string(), "-o", page.string()});
  check(o.code == 0 || o.code == 2, "report: " + o.err);  // 2: built without the page
  if (o.code == 0) {
    const std::string text = contents(page);
    check(text.find("Checksums differ") == std::string::npos, "patterns are groups of their own");
    check(text.find("adversary") != std::string::npos, "the page names the patterns");
    check(text.find("gives none back") != std::string::npos, "and says the sentences");
  }
}

void overflow_reuse_interrupted() {
  const fs::path file = folder / "result.json";
  const std::vector<std::string> words = {
      "run", "--workload", "overflow_reuse", "--variant",  "immediate,local_list", "--repeat", "300",
      "--n", "20k",        "--json",         file.string()};
  for (const int seconds : {6, 20, 60}) {
    const pid_t child = start(words);
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    ::kill(child, SIGINT);
    const outcome o = finish(child);
    const json j = json::parse(contents(file), nullptr, false);
    const bool something = j.is_object() && !j.at("rows").empty();
    if (!something && seconds < 60) continue;
    check(o.code == 130, "exit code of an interrupted run: " + std::to_string(o.code) + " " + o.err);
    check(something && j.value("interrupted", false) &&
              j.at("experiment").at("cells_planned") > j.at("rows").size(),
          "the file says that it was interrupted, and holds whole cells");
    return;
  }
}

// All of the matrix, twice.
void overflow_reuse_matrix() {
  const std::string collector = boehm_here() ? "boehm" : "none";
  const std::vector<std::string> words =
      reuse_words({"--collector", collector, "--repeat", "1", "--n", "5k"});
  const outcome first = run(words);
  check(first.code == 0, "overflow_reuse: " + first.err);
  const json j = first.parsed();
  check(j.at("rows").size() == (collector == "boehm" ? 200 : 160), "every cell");
  check(counts_of(j) == counts_of(run(words).parsed()), "one seed, one set of counts");
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
  const std::string nested = "tracked(by_purpose(overflow=bucket_pool(144),rest=spans))";
  const json rows = run({"run", "--workload", "churn_random", "--n", "2000", "--variant", "go_like", "--allocator",
                         "system," + nested, "--check", "--json", "-"})
                        .parsed()
                        .at("rows");
  check(rows.size() == 2, "two storages, two rows: " + rows.dump());
  const json f =
      run({"run", "--workload", "fragmentation", "--n", "300", "--allocator", "system,spans",
           "--variant", "go_like", "--json", "-"})
          .parsed();
  check(f.at("rows").size() == 2 && f.at("mismatches").empty(),
        "fragmentation: " + f.at("mismatches").dump());
  check(f.at("rows")[1].at("exact").at("phases").at("dropped").at("spans").at("trapped_share") > 0.6,
        "spans stay trapped");
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

// Collectors by name, what a row tells of them, and their timelines.
void collectors() {
  const std::string trace = (folder / "trace.json").string();
  const outcome o = run({"run", "--workload", "churn_random", "--n", "20k", "--variant", "defaults", "go_like",
                         "--collector", boehm_here() ? "precise,boehm_map_aware" : "precise", "--garbage", "256",
                         "--no-latency", "--repeat", "1", "--gctrace", "--chrome-trace", trace, "--json", "-"});
  const json j = o.parsed();
  check(o.code == 0 && j.at("rows").size() == (boehm_here() ? 4u : 2u), "two maps on each collector: " + o.err);
  std::size_t cycles = 0;
  for (const json& row : j.at("rows")) {
    const json& gc = row.at("gc");
    check(row.at("collector") == (row.at("allocator") == "precise" ? "precise" : "boehm"), "whose storage it is");
    check(gc.at("collections") > 0, "garbage is collected: " + gc.dump());
    check(gc.at("garbage_bytes_per_op") >= 256.0, "as much as was asked for, and what the warm-up made");
    check(gc.at("collector_ns_per_op") > 0 && gc.at("predicted_ns_per_op") > 0, "cost, measured and predicted");
    const double keep = gc.at("minimum_utilisation").at("10ms");
    check(keep >= 0 && keep <= 1, "a share");
    if (row.at("allocator") == "precise")
      check(gc.at("scanned_bytes") == 0, "numbers are not read on an exact heap");
    const json& kept = gc.at("kept");
    check(kept.at("known") == true && kept.at("live_slot_bytes") > 0, "what is kept, and why: " + kept.dump());
    check(kept.at("live").at("count") == 0, "numbers lead to nothing");
    if (row.at("allocator") == "precise")
      check(kept.at("by_false_pointers").at("count") == 0, "no word is taken for a pointer on an exact heap");
    cycles += gc.at("collections").get<std::size_t>();
  }
  check(o.err.find("gc precise 1 @") != std::string::npos, "a line a cycle: " + o.err);
  const json events = json::parse(contents(trace), nullptr, false).at("traceEvents");
  std::size_t ended = 0;
  for (const json& e : events) ended += e.at("name") == "collection" && e.at("ph") == "X";
  check(ended > 0 && ended <= cycles, "a span a collection: " + std::to_string(ended));
  expect({"run", "--workload", "grow", "--collector", "precize"}, 64, "nearest: precise");
  expect({"run", "--workload", "grow", "--collector", "precise", "--allocator", "system"}, 64, "do not go together");
  expect({"run", "--workload", "grow", "--n", "100", "--variant", "defaults", "--gctrace"}, 64, "there is none");
  expect({"run", "--workload", "grow", "--gctrace", "--no-memory"}, 64, "memory pass");
  // Before anything is looked up, read or measured.
  expect({"run", "--workload", "grow", "--variant", "no_such_variant", "--gctrace"}, 64, "there is none");
  expect({"replay", "no_such_trace.csv", "--chrome-trace", trace}, 64, "there is none");
  expect({"run", "--workload", "overflow_reuse", "--variant", "no_such_variant", "--gctrace"}, 64, "there is none");
  expect({"run", "--workload", "overflow_reuse", "--collector", "precise", "--reclaim", "collector"}, 64,
         "blocks belong to their map");
}

// A program's allocations recorded, and played on storage and over maps.
void record() {
  const std::string trace = (folder / "sh.csv.zst").string();
  const outcome o = run({"record", "-o", trace, "--", "sh", "-c", "echo of the program; exit 0"});
  check(o.code == 0 && o.out == "of the program\n" && o.err.find(" blocks obtained, ") != std::string::npos,
        "record: " + o.out + o.err);
  expect({"record", "-o", trace, "--", "sh", "-c", "exit 3"}, 1, "ended with code 3");
  const fs::path none = folder / "none.csv";
  expect({"record", "-o", none.string(), "--", "/no/such/program"}, 64, "cannot be run: No such file");
  expect({"record", "-o", "/no/such/folder/t.csv", "--", "true"}, 1, "cannot be written: No such file");
  expect({"record", "-o", trace}, 64, "command is required");
  check(!fs::exists(none) && !fs::exists(none.string() + ".part"), "no half trace is left");
  static_cast<void>(run({"record", "-o", trace, "--", "sh", "-c", "exit 0"}));
  const json played = run({"replay", trace, "--allocations", "--repeat", "1", "--json", "-"}).parsed();
  check(played.at("rows").size() >= 10, "ten storages: " + std::to_string(played.at("rows").size()));
  for (const json& row : played.at("rows")) {
    check(!row.contains("trouble"), row.dump());
    check(row.at("exact") == played.at("rows")[0].at("exact"), "the same blocks everywhere: " + row.dump());
    check(row.at("exact").at("peak_live_bytes") == played.at("trace").at("peak_live_bytes"), "live bytes");
  }
  check(run({"replay", trace, "--check", "--variant", "defaults", "--json", "-"}).code == 0, "over a map");
  expect({"replay", "bench/traces/pystdlib_symbols.csv.zst", "--allocations"}, 1,
         "the key is no number, so no block's address");
  expect({"replay", trace, "--allocations", "--capacity", "3"}, 64, "--capacity is about maps");
  const fs::path cut = write("cut.csv", "time,op,key,size\n0,s,16,8\n0,d,16");
  expect({"replay", cut.string(), "--allocations"}, 1, "cut.csv:3: expected 4 fields");
}

// Allocations by cause, read by pprof itself.
void profile() {
  const std::string folded = (folder / "folded.txt").string(), pprof = (folder / "map.pprof").string();
  const std::vector<std::string> measured = {"run",      "--workload", "grow",    "--n",
                                             "3000",     "--variant",  "go_like", "std::unordered_map",
                                             "--repeat", "1",          "--json",  "-",
                                             "--folded", folded,       "--pprof", pprof,
                                             "--no-latency"};
  const outcome o = run(measured);
  check(o.code == 0, "run --folded --pprof: " + o.err);
  const json first = o.parsed();
  const std::string stacks = contents(folded), bytes = contents(pprof);
  check(stacks.find("std::unordered_map;system;node;node ") != std::string::npos, stacks);
  check(stacks.find(";system;overflow;overflow ") != std::string::npos, stacks);
  static_cast<void>(run(measured));
  check(contents(folded) == stacks && contents(pprof) == bytes, "the same profile twice");
  expect({"run", "--workload", "grow", "--n", "100", "--no-memory", "--repeat", "1", "--pprof", pprof}, 1,
         "no row's memory was counted");
  expect({"run", "--workload", "fragmentation", "--pprof", pprof}, 64, "not for fragmentation");
  if (std::system("command -v go >/dev/null 2>&1") != 0) return skip("no go: pprof did not read the profile");
  const std::string out = (folder / "top.txt").string();
  const std::string command =
      "go tool pprof -top -sample_index=allocations '" + pprof + "' >'" + out + "' 2>&1";
  check(std::system(command.c_str()) == 0, "pprof: " + contents(out));
  const std::string top = contents(out);
  check(top.find("Type: allocations") != std::string::npos, top);
  std::uint64_t nodes = 0;
  for (const json& row : first.at("rows")) {
    if (row.at("variant") == "std::unordered_map") nodes = row.at("allocations").at("node");
  }
  check(nodes >= 3000 && top.find(std::to_string(nodes)) != std::string::npos,
        std::to_string(nodes) + " nodes: " + top);
}

void memory() {
  const outcome o =
      run({"run", "--workload", "grow", "--n", "20000", "--variant", "defaults", "fastest", "--allocator",
           "system,spans", "--memory", "1x,3x,20x", "--repeat", "1", "--json", "-"});
  check(o.code == 0, "--memory: " + o.err);
  const json rows = o.parsed().at("rows");
  check(rows.size() == 4, "two maps on two storages: " + rows.dump());
  for (const json& row : rows) {
    check(row.at("live_bytes") == 20000 * 16, "1x is the entries' own size");
    const double needed = row.at("needed_bytes").get<double>() / row.at("live_bytes").get<double>();
    const double budgets[] = {1, 3, 20};
    for (std::size_t i = 0; i < 3; ++i)
      check(row.at("cells")[i].at("fits") == (needed <= budgets[i]), "fits where it does: " + row.dump());
  }
  expect({"run", "--workload", "grow", "--memory", "2x,1x"}, 64, "budgets ascend");
  expect({"run", "--workload", "grow", "--memory", "half"}, 64, "'half' is no multiple");
  if (!boehm_here()) return;
  const json beside =
      run({"run", "--workload", "grow", "--n", "20000", "--variant", "defaults", "--allocator",
           "system,boehm_scanned", "--memory", "2x,20x", "--repeat", "1", "--json", "-"})
          .parsed();
  const json& exact = beside.at("rows").back();
  check(beside.at("rows").size() == 4 && exact.at("storage") == "precise_heap",
        "the exact heap beside a collector: " + beside.at("rows").dump());
  check(!exact.at("cells")[0].at("fits") && exact.at("cells")[1].at("fits") &&
            beside.at("mismatches").empty(),
        "it fits where it does, and computes the same: " + exact.dump());
}

// Values inline, in blocks of the storage, and a collector's: the same results whatever they are.
void values() {
  const std::vector<std::string> small = {"run",     "--workload", "churn_random", "--n",    "500",
                                          "--check", "--json",     "-",            "--variant"};
  const auto with = [&small](std::vector<std::string> more) {
    std::vector<std::string> out = small;
    out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  std::vector<std::string> sums;
  for (const char* value : {"inline:8", "inline:64", "boxed"}) {
    const json j =
        run(with({"defaults", "--allocator", "system,tracked(spans)", "--value", value})).parsed();
    check(j.at("rows").size() == 2, std::string{value} + ": a row a storage: " + j.dump());
    for (const json& row : j.at("rows")) sums.push_back(row.at("checksum"));
  }
  check(std::count(sums.begin(), sums.end(), sums.front()) == 6, "the same results");
  const json left =
      run(with({"defaults", "std::unordered_map", "dirty", "--value", "boxed"})).parsed().at("left_out");
  check(left.size() == 2 && left.dump().find("std::unordered_map on system: it is no composition") !=
                                std::string::npos,
        "what cannot have such values is left out: " + left.dump());
  expect(with({"defaults", "--value", "gc", "--allocator", "system"}), 64, "nobody searches this storage");
  expect(with({"defaults", "--value", "inline:7"}), 64, "'inline:7' is neither inline:N");
  expect({"run", "--workload", "fragmentation", "--value", "boxed"}, 64, "--value is about the maps");
  if (!boehm_here()) return;
  const json gc = run(with({"defaults", "--value", "gc"})).parsed();
  check(gc.at("rows").size() == 2 && gc.at("rows")[0].at("checksum") == sums.front(),
        "a collector's values: " + gc.dump());
}

// Results about storage itself have pages with plots.
void storage_report() {
  const auto into = [](std::vector<std::string> command, const char* name) {
    const std::string file = (folder / name).string();
    command.insert(command.end(), {"--json", file});
    const outcome o = run(command);
    check(o.code == 0, command.front() + ": " + o.err);
    return file;
  };
  const std::string trace =
      write("allocations.csv", "time,op,key,size\n,s,16,100\n,s,32,5000\n,d,16,\n").string();
  const std::string fragmentation = into({"run", "--workload", "fragmentation", "--n", "200", "--variant",
                                          "go_like", "--allocator", "system,spans"},
                                         "fragmentation.json"),
                    allocations = into({"replay", trace, "--allocations", "--allocator", "system,spans",
                                        "--repeat", "2"},
                                       "allocations.json"),
                    memory = into({"run", "--workload", "grow", "--n", "2000", "--variant", "defaults",
                                   "--allocator", "system,spans", "--memory", "2x,20x", "--repeat", "1"},
                                  "memory.json");
  const std::string page = (folder / "storage.html").string();
  const outcome o = run({"report", fragmentation, allocations, memory, "-o", page});
  if (o.code == 2) return;  // built without the page
  check(o.code == 0, "report: " + o.err);
  const std::string text = contents(page);
  for (const char* part : {"Occupancy of spans", "Resident against live memory",
                           "Time within a budget of memory", "page faults", "relocating ", "given back on request"})
    check(text.find(part) != std::string::npos, std::string{"the page has "} + part);
  if (text.find("gnuplot was not found") == std::string::npos) {
    constexpr const char* plot = "<figure class=\"plot\">";
    std::size_t plots = 0;
    for (std::size_t at = text.find(plot); at != std::string::npos; at = text.find(plot, at + 1)) ++plots;
    // Held, timelines, spans; memory, time, timelines; the frontier.
    check(plots == 7, "plots: " + std::to_string(plots));
  }
  run({"report", fragmentation, allocations, memory, "-o", (folder / "again.html").string()});
  check(contents(folder / "again.html") == text, "the same results, the same bytes");
  // A trace of allocations that was cut, compressed and plain: file, line and reason, and no figure.
  const std::string cut =
      write("cut.csv.zst", contents("bench/traces/alloc_python_ast.csv.zst").substr(0, 100'000)).string();
  expect({"replay", cut, "--allocations"}, 1, "the file was cut");
  expect({"replay", write("row.csv", "time,op,key,size\n,s,16,8\n,s,3").string(), "--allocations"}, 1,
         "row.csv:3: expected 4 fields");
  json wrong = json::parse(contents(fragmentation));
  wrong["rows"][0]["exact"].erase("phases");
  expect({"report", write("wrong.json", wrong.dump()).string(), "-o", page}, 1, "result 1, fragmentation: ");
}

const std::vector<std::string> small_compare = {
    "--trace", "bench/traces/pystdlib_symbols.csv.zst", "--rows", "20000", "--json", "-"};

outcome compare_small(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
  arguments.insert(arguments.begin(), "compare");
  arguments.insert(arguments.end(), small_compare.begin(), small_compare.end());
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments);
}

void compare() {
  const outcome o =
      compare_small({"go_like", "go_like,deletion=dirty", "std::unordered_map"}, {"--repeat", "20"});
  check(o.code == 0 && o.err.empty(), "compare: " + o.err);
  const json j = o.parsed();
  check(j.value("schema", "") == "tophash-compare-1", "the schema");
  check(j.at("variants").size() == 3 && j.at("pairs").size() == 2, "all against the first");
  const std::size_t rounds = j.at("rounds");
  check(rounds >= 16 && rounds <= 20, "a look, and no more rounds than asked for");
  for (const json& v : j.at("variants")) {
    check(v.at("rounds_ns").size() >= 4,
          "CPU time, and kinds of operations apart: " + v.at("rounds_ns").dump());
    for (const json& figures : v.at("rounds_ns")) check(figures.size() == rounds, "every round is there");
    check(v.at("exact").at("peak bytes") > 0 && v.at("exact").at("allocations") > 0, "exact columns");
  }
  const json& dirty = j.at("pairs").at(0);
  for (const json& f : dirty.at("figures")) {
    check(f.at("deciding_interval").at("low") <= f.at("interval").at("low") &&
              f.at("interval").at("high") <= f.at("deciding_interval").at("high"),
          "what decides is wider than what is shown: " + f.dump());
    check(f.at("interval").at("low") <= f.at("difference") &&
              f.at("difference") <= f.at("interval").at("high"),
          "the interval holds the figure");
  }
  check(dirty.at("why").get<std::string>().find("dirty slots") != std::string::npos,
        "why: " + dirty.at("why").dump());
  check(j.at("pairs").at(1).at("why").get<std::string>().find("std::unordered_map tells no counters") !=
            std::string::npos,
        "what a foreign map does not tell");
  check(!j.at("winners").empty() && j.at("variants").at(0).at("cxx") != j.at("variants").at(1).at("cxx"),
        "C++ types");

  const outcome text =
      run({"compare", "go_like", "go_like", "--workload", "grow", "--n", "500", "--repeat", "3"});
  check(text.code == 0 && text.out.find("so few rounds cannot decide") != std::string::npos, text.out);
  check(text.out.find("\nwhy: no counter differs\n") != std::string::npos, "equal counters: " + text.out);
  check(text.out.find("\nC++: tophash::map<K, V") != std::string::npos, "the type: " + text.out);

  expect({"compare", "go_like", "--workload", "grow"}, 64, "two variants or more");
  expect({"compare", "go_like", "dirty"}, 64, "either --workload W or --trace T");
  expect({"compare", "go_like", "dirty", "--workload", "grow", "--trace", "x"}, 64, "either --workload W");
  expect({"compare", "go_like", "drity", "--workload", "grow"}, 64, "dirty");
  expect({"compare", "go_like", "dirty", "--workload", "grow", "--n", "1k,2k"}, 64, "takes one --n");
  expect({"compare", "go_like", "go_like,load=load(8)", "--workload", "load_sweep", "--n", "64"}, 64,
         "load_sweep");
  expect({"compare", "go_like", "dirty", "--trace", (folder / "absent.csv").string()}, 1, "cannot be opened");
}

// The promise on a real clock: a hundred A/A comparisons, each with a seed of its own, on whatever else the
// machine is doing. At least 99 must see nothing.
void compare_with_itself() {
  std::size_t differences = 0, rounds = 0;
  constexpr int times = 100;
  for (int i = 1; i <= times; ++i) {
    const char* const variant = i % 2 == 0 ? "go_like" : "dirty";
    const json j = compare_small({variant, variant}, {"--seed", std::to_string(i)}).parsed();
    rounds += j.at("rounds").get<std::size_t>();
    if (j.at("pairs").at(0).at("verdict") != "different") continue;
    ++differences;
    std::fprintf(stderr, "seed %d, %s: %s\n", i, variant,
                 j.at("pairs").at(0).at("sentence").get<std::string>().c_str());
  }
  std::printf("%d A/A comparisons, %zu rounds, %zu differences seen\n", times, rounds, differences);
  check(differences <= 1, "an A/A comparison sees no difference 99 times in 100");
}

void watch() {
  const std::vector<std::string> base = {
      "watch",  "--variant", "go_like,deletion=dirty", "--trace", "bench/traces/pystdlib_symbols.csv.zst",
      "--rows", "20000"};
  const auto with = [&base](const std::vector<std::string>& more) {
    std::vector<std::string> out = base;
    out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  const json j = run(with({"--every", "1000", "--json", "-"})).parsed();
  check(j.value("schema", "") == "tophash-watch-1" && j.at("samples").size() == 20, "twenty samples");
  for (const json& s : j.at("samples")) {
    for (const char* name :
         {"live", "allocated", "old_buckets", "evacuated", "overflow_in_use", "overflow_kept", "dead",
          "dirty", "slots_bytes", "overflow_bytes", "array", "old_array"})
      check(s.contains(name) &&
                j.at("figures").contains(name) != (std::string{name}.find("array") != std::string::npos),
            std::string{"a sample tells "} + name);
  }
  check(run(with({})).out.find("allocated") != std::string::npos, "a table");
  // Open groups of 15 slots, less the one behind the end: room for all that live, and for no more than there
  // is.
  const json open =
      run({"watch", "--variant", "fastest", "--workload", "ycsb_b", "--n", "3000", "--json", "-"}).parsed();
  const json& last = open.at("samples").back();
  check(last.at("allocated") == 256 * 15 - 1 && last.at("limit") == 3456 && last.at("overflow_in_use") == 0,
        "a sample of open groups: " + last.dump());
  const outcome held = run(with({"--alert", "allocated/live>1", "live<0"}));
  check(held.code == 1 && held.out.find("alert: allocated/live>1 holds at") != std::string::npos, held.out);
  check(held.out.find("alert: live<0") == std::string::npos, "an alert that never holds");
  check(run(with({"--alert", "live<0"})).code == 0, "no alert holds");
  expect(with({"--alert", "allocated/lvie>2"}), 64,
         "character 11: 'lvie' is no figure of a sample; nearest: live");
  expect(with({"--alert", "live"}), 64, "character 5: a comparison is missing");
  expect(with({"--every", "0"}), 64);
  expect({"watch", "--variant", "go_like"}, 64, "either --workload W or --trace T");
  expect({"watch", "--variant", "all", "--workload", "grow", "--n", "100"}, 64, "one variant on one storage");
  // What is watched gives what is not watched gives: caches, strings, every variant that is built.
  const json variants = run({"list", "variants", "--json", "-"}).parsed();
  for (const json& v : variants.at("variants")) {
    const outcome o =
        run({"watch", "--variant", v.at("name"), "--trace", "bench/traces/pystdlib_symbols.csv.zst", "--rows",
             "5000", "--capacity", "300", "--every", "77", "--json", "-"});
    check(o.code == 0 && o.parsed().at("samples").back().at("live") == 300, v.at("name").dump() + o.err);
  }
  const fs::path page = folder / "watch.html";
  const outcome o = run(with({"-o", page.string()}));
  check(o.code == 0 || o.code == 2, "page: " + o.err);  // 2: built without pages
  if (o.code == 0) check(contents(page).find("tophash watch: ") != std::string::npos, "the page");
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

// The program tophash_peers, which other tests build: here a script stands for it, beside a copy of the lab.
constexpr const char* peers_script = R"sh(#!/bin/sh
cd '@'
for word; do echo "$word"; done > arguments
while [ "$1" != --json ]; do shift; done
echo 'a table'
cat > "$2" <<'END'
{"format": "tophash peers 1", "subject": "fast_map",
 "made_with": {"hash": "shared", "rounds": 3, "absent": ["tsl::robin_map (Debian: robin-map-dev)"]},
 "maps": [{"name": "fast_map", "peer": false}, {"name": "std", "peer": true}],
 "geometric_mean_over_best": {"median": 0.5, "low": 0.4, "high": 0.6, "coverage": 0.75},
 "workloads": [{"workload": "find_hit", "what": "", "kind": "u64", "n": 2000, "operations": 4000,
   "floor_ns_per_operation": [1, 1, 1], "best_peer": "std",
   "subject_over_best": {"median": 0.5, "low": 0.4, "high": 0.6, "coverage": 0.75},
   "maps": {"fast_map": {"ns_per_operation": [2, 3, 4], "bytes_per_entry": 27,
                         "time_over_subject": {"median": 1, "low": 1, "high": 1, "coverage": 1}},
            "std": {"ns_per_operation": [4, 6, 8], "bytes_per_entry": 40,
                    "time_over_subject": {"median": 2, "low": 1.5, "high": 2.5, "coverage": 0.75}}}}]}
END
exit $(cat code)
)sh";

void peers() {
  const fs::path copy = folder / "tophash";
  fs::copy_file(program, copy);
  program = copy.string();
  expect({"run", "--workload", "peers"}, 2, "cmake --build BUILD --target tophash_peers");
  std::string script = peers_script;
  script.replace(script.find('@'), 1, folder.string());
  fs::permissions(write("tophash_peers", script), fs::perms::owner_all);
  write("code", "0");

  const std::string file = (folder / "peers.json").string();
  const outcome shown = run({"run", "--workload", "peers", "--quick", "--seed", "9", "--repeat", "3", "--n",
                             "2k,3k", "--only", "find", "--json", file});
  check(shown.code == 0 && shown.out == "a table\n", "the program's table: " + shown.out + shown.err);
  const std::string words = contents(folder / "arguments");
  for (const char* passed :
       {"--seed\n9\n", "--rounds\n3\n", "--quick\n", "--only\nfind\n", "--sizes\n2000,3000\n"})
    check(words.find(passed) != std::string::npos, std::string{"passed on: "} + passed + " in " + words);
  const json j = json::parse(contents(file), nullptr, false);
  check(j.value("schema", "") == "tophash-result-1" && j.at("rows").size() == 2, "a result: " + j.dump());
  const json &ours = j.at("rows").at(0), &theirs = j.at("rows").at(1);
  check(ours.at("variant") == "fast_map" && ours.at("pattern") == "find_hit" && ours.at("n") == 2000 &&
            ours.at("ns_per_op").at("median") == 3 && ours.at("counters").at("floor_ns") == 1 &&
            ours.at("memory").at("end_bytes") == 54'000 && !ours.contains("ratio"),
        "a row: " + ours.dump());
  check(theirs.at("ratio").at("median") == 2 && theirs.at("ratio").at("to") == "fast_map", "its ratio");
  check(j.at("findings").dump().find("geometric mean: 0.500 (0.400..0.600)") != std::string::npos,
        "a finding");
  check(j.at("left_out").dump().find("robin-map-dev") != std::string::npos, "what was absent");
  check(j.at("manifest").at("peers").at("rounds") == 3 && j.at("manifest").contains("cpu_model"),
        "both manifests");
  const std::string page = (folder / "peers.html").string();
  check(run({"report", file, "-o", page}).code == 0, "a report");
  check(contents(page).find("find_hit") != std::string::npos &&
            contents(page).find("fast_map") != std::string::npos,
        "shows it");

  const outcome plain = run({"run", "--workload", "peers", "--json", "-"});
  check(plain.code == 0 && plain.err == "a table\n" && plain.parsed().at("rows").size() == 2,
        "JSON alone on stdout");
  check(contents(folder / "arguments").find("--rounds") == std::string::npos, "its own number of rounds");
  write("code", "1");
  const outcome wrong = run({"run", "--workload", "peers", "--json", "-"});
  check(wrong.code == 1 && wrong.parsed().contains("mismatches"), "a map that computes something else");
  write("code", "64");
  expect({"run", "--workload", "peers", "--only", "("}, 64, "tophash_peers ended with code 64");
  expect({"run", "--workload", "peers", "--variant", "go_like"}, 64, "not --variant");
  expect({"run", "--workload", "grow", "--quick"}, 64, "--quick and --only are for peers");
  expect({"compare", "go_like", "defaults", "--workload", "peers"}, 64, "for `run` alone");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> cases = {
      {"usage", usage},
      {"list", list},
      {"claims", claims},
      {"reproduce", reproduce},
      {"reproduce_with_go", reproduce_with_go},
      {"counted_tables", counted_tables},
      {"incidents", incidents},
      {"go_structure", go_structure},
      {"hazards", hazards},
      {"weak", weak_entries},
      {"shared_specs", shared_specs},
      {"shared_specs_run", shared_specs_run},
      {"explain", explain},
      {"run", run_case},
      {"load_sweep", load_sweep},
      {"replay", replay},
      {"cache", cache},
      {"errors", errors},
      {"bad_values", bad_values},
      {"outputs", outputs},
      {"interrupt", interrupt},
      {"report", report},
      {"storages", storages},
      {"collectors", collectors},
      {"record", record},
      {"profile", profile},
      {"memory", memory},
      {"values", values},
      {"storage_report", storage_report},
      {"peers", peers},
      {"tour", tour},
      {"compare", compare},
      {"watch", watch},
      {"overflow_reuse", overflow_reuse},
      {"overflow_reuse_interrupted", overflow_reuse_interrupted},
      {"overflow_reuse_matrix", overflow_reuse_matrix},
      {"compare_with_itself", compare_with_itself},
      {"replay_everything", [] { replay_all({}); }}};
  if (argc != 4 || cases.count(argv[3]) == 0) {
    std::fputs("usage: tophash_lab_cli PROGRAM FOLDER CASE\n", stderr);
    return 64;
  }
  return run_case_of(argv[1], argv[2], cases.at(argv[3]));
}
