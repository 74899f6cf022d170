// SPDX-License-Identifier: Apache-2.0
// tophash_lab_advice PROGRAM FOLDER CASE: advise, explain of two SPECs, import, sweep and merge, from
// outside. As of cli.cpp: an empty FOLDER, from the repository's root.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "runner.hpp"

namespace {

using words = std::vector<std::string>;

words joined(words a, const words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Inserts, lookups and deletes of 300 keys, the same each time.
fs::path small_trace(std::size_t rows) {
  std::string text = "time,op,key,size\n";
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < rows; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const char operation = "ggssd"[(state >> 33) % 5];
    text += std::to_string(i) + "," + operation + "," + std::to_string((state >> 40) % 300) + ",8\n";
  }
  return write("small.csv", text);
}

// ---- advise -------------------------------------------------------------------------------------

void advise_refuses(const std::string& trace) {
  const auto goal = [&trace](const std::string& text, const std::string& sentence) {
    expect({"advise", "--trace", trace, "--goal", text}, 64, sentence);
  };
  goal("p99>1ms", "the goal 'p99>1ms' is no METRIC<LIMIT");
  goal("p99<1ms,", "the goal '' is empty");
  goal("p98<1ms", "names no metric: 'p98'");
  goal("p99<", "has no limit");
  goal("p99<-1ms", "has no limit");
  goal("p99<1", "the goal 'p99<1' has no unit; write ns, us, ms or s");
  goal("rss<2ms", "has a unit that is none of rss: 'ms'; write B, KiB, MiB, GiB, or x");
  goal("p99<2x", "none of p99: 'x'");
  goal("p99<1ms,p99<2ms", "the goal 'p99<2ms' is the second one for p99");
  expect({"advise", "--trace", trace, "--goal", "pause<1ms", "--variant", "defaults"}, 64,
         "--collector boehm");
  expect({"advise", "--trace", trace, "--budget", "0"}, 64, "--budget is in minutes");
  expect({"advise", "--trace", trace, "--variant", "fasstest"}, 64, "nearest: fastest");
  expect({"advise", "--trace", trace, "--rows", "100", "--variant", "defaults"}, 64, "has 100 rows: too few");
  expect({"advise", "--trace", (folder / "absent.csv").string()}, 1, "absent.csv: cannot be opened");
  expect({"advise"}, 64, "--trace is required");
}

const json* stage_of(const json& j, const std::string& name) {
  for (const json& s : j.at("stages")) {
    if (s.at("name") == name) return &s;
  }
  return nullptr;
}

void advise() {
  const std::string trace = small_trace(4'000).string();
  advise_refuses(trace);
  const words few = {"advise",    "--trace",  trace,     "--no-compile", "--repeat", "3",
                     "--variant", "defaults", "fastest", "go_like",      "--json",   "-"};
  const outcome o = run(joined(few, {"--goal", "rss<100000x, p50<1s", "--exhaustive"}));
  check(o.code == 0 && o.err.empty(), "advise: " + o.err);
  const json j = o.parsed();
  if (!j.contains("stages")) return;
  check(j.at("schema") == "tophash-advice-1" && j.at("manifest").contains("input_sha256"),
        "schema and manifest");
  check(j.at("training_rows") == 2'000 && j.at("held_out_rows") == 2'000, "two halves");
  check(j.at("goals").size() == 2 && j.at("goals").at(0).at("multiple") == true, "the goals");
  for (const char* name : {"halving 1", "final", "held out", "exhaustive"}) {
    const json* const s = stage_of(j, name);
    if (s == nullptr) return check(false, std::string{"a stage "} + name);
    std::set<std::string> checksums;
    for (const json& r : s->at("measured")) {
      checksums.insert(r.at("checksum").get<std::string>());
      check(r.at("missed") == 0, "wide goals are met");
      check(r.at("metrics").contains("time") && r.at("metrics").contains("peak") &&
                r.at("metrics").contains("max"),
            "time, memory and worst operation: " + r.dump());
    }
    check(checksums.size() == 1, std::string{"equal results in "} + name);
  }
  check(stage_of(j, "exhaustive")->at("measured").size() == 3, "all to start from");
  bool found = false;
  for (const json& r : j.at("pareto")) found = found || r.at("variant") == j.at("recommended").at("variant");
  check(found, "the recommendation is of the Pareto set");
  check(j.at("recommended").at("cxx").get<std::string>().rfind("tophash::map<K, V", 0) == 0, "a C++ type");
  const json& distance = j.at("exhaustive");
  check(!j.at("reasons").empty() && distance.contains("distance_percent"), "reasons and a distance");
  const double low = distance.at("ratio").at("low"), high = distance.at("ratio").at("high");
  const json within = high <= 1.05 ? json(true) : low > 1.05 ? json(false) : json(nullptr);
  check(distance.at("within") == within && distance.at("limit_percent") == 5,
        "within 5 %: " + distance.dump());
  check((distance.at("rounds") == 0) == (low == high),
        "a duel of rounds, or none with itself: " + distance.dump());

  // The held-out half starts with what training left: in the end the map holds what the whole trace leaves.
  const json whole = run({"replay", trace, "--check", "--variant", "defaults", "--json", "-"}).parsed();
  for (const json& r : stage_of(j, "held out")->at("measured"))
    check(r.at("entries") == whole.at("rows").at(0).at("counters").at("entries_at_end"),
          "entries in the end");
  check(stage_of(j, "final")->at("rows") == 2'000 && stage_of(j, "held out")->at("rows") == 2'000,
        "half each");

  // What is no time is the same again.
  const auto peaks = [](const json& result) {
    std::map<std::string, double> out;
    for (const json& r : stage_of(result, "halving 1")->at("measured"))
      out[r.at("variant")] = r.at("metrics").at("peak");
    return out;
  };
  const json again = run(joined(few, {"--goal", "peak<1B", "--capacity", "50"})).parsed();
  const json third = run(few).parsed();
  check(peaks(third) == peaks(j), "the same bytes each time");
  check(peaks(again) != peaks(j), "a cache of 50 is another map");
  check(again.at("recommended").at("missed").get<double>() > 1, "a goal that nobody reaches is missed");
  check(run({"advise", "--trace", trace, "--no-compile", "--variant", "defaults", "--repeat", "3", "--goal",
             "peak<1B"})
                .out.find("misses peak<1B by ") != std::string::npos,
        "and the text says so");

  // Without a compiler the built-in ones are advice enough.
  ::setenv("CXX", "/no/such/compiler", 1);
  words compiling = few;
  compiling.erase(compiling.begin() + 3);
  const outcome without = run(compiling);
  ::unsetenv("CXX");
  check(without.code == 0 &&
            without.parsed().at("left_out").dump().find("/no/such/compiler") != std::string::npos,
        "no compiler: " + without.err);
}

void advise_interrupted() {
  const std::string trace = small_trace(40'000).string();
  const fs::path file = folder / "result.json";
  for (const int seconds : {1, 5, 30}) {
    const pid_t child = start({"advise", "--trace", trace, "--no-compile", "--repeat", "10000", "--variant",
                               "defaults", "fastest", "--json", file.string()});
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    ::kill(child, SIGINT);
    const outcome o = finish(child);
    const json j = json::parse(contents(file), nullptr, false);
    const bool something = j.is_object() && j.contains("recommended");
    if (!something && seconds < 30) continue;
    check(o.code == 130, "exit code: " + std::to_string(o.code) + " " + o.err);
    check(something && j.value("interrupted", false), "what is known so far, and that it was interrupted");
    return;
  }
}

// ---- explain A B --------------------------------------------------------------------------------

double total(const json& figure) {
  double out = figure.at("rest").at("median");
  for (const json& s : figure.at("shares")) {
    if (!s.at("share").is_null()) out += s.at("share").at("median").get<double>();
  }
  return out;
}

void attribution() {
  const words on = {"--workload", "delete_heavy", "--n",    "200", "--repeat",
                    "2",          "--no-compile", "--json", "-"};
  expect({"explain", "defaults", "dirty"}, 64,
         "explain with two SPECs takes either --workload W or --trace T");
  expect({"explain", "defaults", "--workload", "grow"}, 64, "are for two SPECs");
  expect(joined({"explain", "dirty", "deletion=dirty"}, on), 64, "mean the same composition");
  expect(joined({"explain", "dirty", "tombstone", "--cxx"}, on), 64, "--cxx is for one SPEC");
  expect(joined({"explain", "dirty", "std::unordered_map"}, on), 64, "is no SPEC");
  expect(joined({"explain", "dirty", "incremental(0)"}, on), 64, "tophash[growth]: ");
  expect(joined({"explain", "dirty", "tombstone", "--allocator", "system,pages"}, on), 64, "takes one allocator");

  const outcome o = run(joined({"explain", "defaults", "dirty,incremental(2)"}, on));
  check(o.code == 0 && o.err.empty(), "explain A B: " + o.err);
  const json j = o.parsed();
  if (!j.contains("figures")) return;
  check(j.at("axes").size() == 2 && j.at("axes").at(0).at("axis") == "deletion" &&
            j.at("axes").at(1).at("axis") == "growth",
        "two axes differ: " + j.at("axes").dump());
  check(j.at("variants").size() == 4, "both ends of both");
  check(j.at("figures").at(0).at("name") == "CPU", "time first");
  bool bytes = false;
  for (const json& f : j.at("figures")) {
    check(std::abs(total(f) - f.at("gap").at("median").get<double>()) < 1e-6, "shares and rest are the gap");
    if (f.at("name") != "peak bytes") continue;
    bytes = true;
    check(f.at("exact") == true &&
              f.at("gap").at("median") == f.at("b").get<double>() - f.at("a").get<double>(),
          "exact: " + f.dump());
  }
  check(bytes, "dirty entries take memory");
  const json open = run(joined({"explain", "defaults", "fastest"}, on)).parsed();
  check(open.at("axes").at(0).at("axis").get<std::string>().rfind("layout+", 0) == 0,
        "what no rule allows alone is changed together: " + open.at("axes").dump());
  check(open.at("axes").size() == 1 && open.at("figures").at(0).at("rest").at("median") == 0,
        "and one share is all of the gap");
}

// ---- import -------------------------------------------------------------------------------------

template <class Number>
void put(std::string& out, Number n) {
  for (std::size_t i = 0; i < sizeof n; ++i)
    out += static_cast<char>(static_cast<std::uint64_t>(n) >> (8 * i));
}

std::string oracle_record(std::uint32_t time, std::uint64_t id, std::uint32_t bytes, std::int64_t next) {
  std::string out;
  put(out, time), put(out, id), put(out, bytes), put(out, next);
  return out;
}

// One block, as it is: a zstd frame of less than 256 bytes.
std::string zstd_frame(const std::string& text) {
  std::string out = "\x28\xb5\x2f\xfd\x20";
  out += static_cast<char>(text.size());
  const auto header = static_cast<std::uint32_t>(text.size()) << 3 | 1;
  for (unsigned i = 0; i < 3; ++i) out += static_cast<char>(header >> (8 * i));
  return out + text;
}

std::string imported(const std::string& format, const std::string& text, const words& more = {}) {
  const fs::path in = write("in." + format, text), out = folder / "out.csv";
  fs::remove(out);
  const outcome o = run(joined({"import", "--format", format, in.string(), "-o", out.string()}, more));
  check(o.code == 0 && o.err.empty(), "import " + format + ": " + o.err);
  return contents(out);
}

void import_refuses(const std::string& format, const std::string& text, const std::string& sentence,
                    const words& more = {}) {
  const fs::path in = write("bad", text), out = folder / "bad_out.csv";
  expect(joined({"import", "--format", format, in.string(), "-o", out.string()}, more), 1,
         "bad: " + sentence);
  check(!fs::exists(out) && !fs::exists(out.string() + ".part"), "an import that failed leaves nothing");
}

void imports() {
  constexpr std::int64_t none = -1, also_none = INT64_MAX;
  const std::string oracle =
      oracle_record(100, 7, 10, 3) + oracle_record(101, 8, 20, none) + oracle_record(103, 7, 10, also_none);
  check(imported("oracle_general", oracle) == "time,op,key,size\n0,g,7,10\n1000,g,8,20\n3000,g,7,10\n",
        "oracle");
  check(imported("oracle_general", zstd_frame(oracle)) == imported("oracle_general", oracle), "compressed");
  check(imported("oracle_general", oracle, {"--as-map"}) ==
            "time,op,key,size\n0,s,7,10\n1000,s,8,20\n1000,d,8,\n3000,g,7,10\n3000,d,7,\n",
        "as a map: " + contents(folder / "out.csv"));
  check(imported("oracle_general", oracle, {"--rows", "1"}) == "time,op,key,size\n0,g,7,10\n",
        "the first row");
  import_refuses("oracle_general", oracle.substr(0, 53), "record 3: the file ends after 5 of its 24 bytes");
  import_refuses("oracle_general", oracle_record(1, 1, 1, -2), "record 1: the next request is number -2");
  import_refuses("oracle_general", zstd_frame(oracle).substr(0, 40),
                 "record 2: the compressed data ends in the middle");
  import_refuses("oracle_general", "", "record 1: the file is empty");

  check(imported("csv", "# time, id, size\n5,a,1\n6.5,b,\n") == "time,op,key,size\n0,g,a,1\n1500,g,b,\n",
        "csv");
  check(imported("csv", "time\tx\top\tid\n1\t9\tSET\ta,b\r\n2\t9\tget\t50%\n",
                 {"--delimiter", "tab", "--columns", "time=1,op=3,key=4"}) ==
            "time,op,key,size\n0,s,a%2Cb,\n1000,g,50%25,\n",
        "columns: " + contents(folder / "out.csv"));
  import_refuses("csv", "1,a,2\nx,b,3\n", "line 2: the time 'x' is no number of seconds");
  import_refuses("csv", "1,a,2\n2,,3\n", "line 2: the key is empty");
  import_refuses("csv", "1,a,4294967296\n", "line 1: the size '4294967296' is no number of bytes below 2^32");
  import_refuses("csv", "1,a\n", "line 1: expected 3 fields or more, found 2");
  import_refuses("csv", "# nothing\n", "no record");
  import_refuses("csv", "1,a,dleete\n", "line 1: the operation 'dleete' is unknown; nearest: delete",
                 {"--columns", "time=1,key=2,op=3"});

  const std::string twitter =
      "10,nz:u:a,6,100,1,set,3600\n11,nz:u:a,6,100,2,get,0\n11,x,y,3,5,2,incr,0\n12,nz:u:a,6,0,1,delete,0\n";
  check(imported("twitter", twitter) ==
            "time,op,key,size\n0,s,nz:u:a,100\n1000,g,nz:u:a,100\n1000,g,x%2Cy,5\n2000,d,nz:u:a,\n",
        "twitter: " + contents(folder / "out.csv"));
  import_refuses("twitter", "1,k,1,1,1,get\n", "line 1: expected 7 fields");
  import_refuses("twitter", twitter + "1,k,1,1,1,fetch,0\n", "line 5: the operation 'fetch' is unknown");
  import_refuses("twitter", "1,k,1,1,1,get,soon\n", "line 1: the TTL 'soon' is no number of seconds");

  const std::string in = write("in.csv", "1,a,2\n").string(), out = (folder / "o.csv").string();
  expect({"import", "--format", "cvs", in, "-o", out}, 64, "nearest: csv");
  expect({"import", "--format", "csv", in, "-o", in}, 64, "is the input, too");
  expect({"import", "--format", "csv", in, "-o", out, "--columns", "time=1"}, 64, "no column is the key");
  expect({"import", "--format", "csv", in, "-o", out, "--columns", "key=0"}, 64, "'key=0' is no NAME=COLUMN");
  expect({"import", "--format", "csv", in, "-o", out, "--columns", "key=1,kye=2"}, 64, "'kye' is none of");
  expect({"import", "--format", "csv", in, "-o", out, "--delimiter", "::"}, 64,
         "--delimiter is one character");
  expect({"import", "--format", "csv", (folder / "absent").string(), "-o", out}, 1,
         "absent: cannot be opened");
  expect({"import", "--format", "csv", in, "-o", "/no/such/folder/t.csv"}, 1, "cannot be written");

  // What was imported is replayed, compressed or not.
  std::string many;
  for (std::uint64_t i = 0; i < 2'000; ++i)
    many += oracle_record(static_cast<std::uint32_t>(i), i * i % 257, 8, i % 3 == 0 ? none : 1'000'000);
  const std::string raw = write("many.bin", many).string();
  std::set<std::string> sums;
  for (const char* name : {"many.csv", "many.csv.zst"}) {
    const std::string trace = (folder / name).string();
    check(run({"import", "--format", "oracle_general", "--as-map", raw, "-o", trace}).code == 0, "import");
    const json j = run({"replay", trace, "--check", "--variant", "defaults", "--json", "-"}).parsed();
    check(j.contains("rows") && !j.at("rows").empty(), "replayed");
    if (j.contains("rows")) sums.insert(j.at("rows").at(0).at("checksum").dump());
  }
  check(sums.size() == 1, "equal results");
  check(contents(folder / "many.csv.zst").size() < contents(folder / "many.csv").size(), "compressed");
}

// ---- sweep --------------------------------------------------------------------------------------

// Without what the machine decides.
json exact_of(json sweep) {
  sweep.erase("shards");
  for (json& p : sweep["points"]) p.erase("varies");
  return sweep;
}

void sweep() {
  const words grid = {"sweep",
                      "defaults",
                      "--vary",
                      "deletion=immediate|tombstone|dirty",
                      "growth=eager|incremental({1,2})",
                      "--workload",
                      "delete_heavy",
                      "--n",
                      "300",
                      "--repeat",
                      "1",
                      "--no-compile",
                      "--no-latency"};
  const outcome o = run(joined(grid, {"--json", "-"}));
  check(o.code == 0 && o.err.empty(), "sweep: " + o.err);
  const json whole = o.parsed();
  if (!whole.contains("points")) return;
  check(whole.at("schema") == "tophash-sweep-1" && whole.at("points").size() == 9, "3 x 3 points");
  for (const json& p : whole.at("points"))
    check(p.contains("exact") && p.at("varies").at("ratio").contains("median"), "measured: " + p.dump());
  check(whole.at("points").at(1).at("values").at("growth") == "incremental(1)", "the last axis fastest");
  check(whole.at("shards").at(0).at("bases").size() == 1, "a row of the base");

  std::vector<std::string> files;
  for (const char* i : {"1", "2", "3"}) {
    files.push_back((folder / (std::string{"shard_"} + i + ".json")).string());
    check(run(joined(grid, {"--shard", std::string{i} + "/3", "--json", files.back()})).code == 0, "a shard");
  }
  const json merged = run({"merge", files[2], files[0], files[1], "--json", "-"}).parsed();
  check(exact_of(merged) == exact_of(whole),
        "the shards are the whole: " + json::diff(exact_of(merged), exact_of(whole)).dump().substr(0, 500));
  check(merged.at("shards").size() == 3, "three manifests");
  check(run({"merge", files[0], files[1], files[2]}).out.find("incremental(2)") != std::string::npos,
        "as text");

  expect({"merge", files[0], files[2]}, 1, "missing: shard 2/3");
  expect({"merge", files[0], files[1], files[2], files[1]}, 1, "are both shard 2/3");
  const auto changed = [&files](const char* name, const std::function<void(json&)>& change) {
    json j = json::parse(contents(files[1]));
    change(j);
    return write(name, j.dump()).string();
  };
  expect({"merge", files[0], changed("seed.json", [](json& j) { j["grid"]["seed"] = 2; }), files[2]}, 1,
         "is of another sweep than " + files[0] + ": its seed is 2, not 1");
  expect({"merge", files[0], changed("cut.json", [](json& j) { j["points"].erase(0); }), files[2]}, 1,
         "cut.json was cut short: it has 2 of its 3 points");
  expect({"merge", files[0], changed("of.json", [](json& j) { j["shards"][0]["of"] = 4; }), files[2]}, 1,
         "is one of 4 shards");
  expect({"merge", files[0],
          changed("wrong.json", [](json& j) { j["points"][0]["exact"]["checksum"] = "1"; }), files[2]},
         1, "unequal results");
  expect({"merge", write("other.json", "{}").string()}, 1, "is no result of `tophash sweep`");
  expect({"merge", write("none.json", "{").string()}, 1, "no JSON");

  const auto refused = [](const words& vary, const std::string& sentence, int code = 64) {
    expect(joined({"sweep", "defaults", "--workload", "grow", "--n", "100", "--repeat", "1", "--no-compile"},
                  vary),
           code, sentence);
  };
  refused({"--vary", "laod=3..12"}, "nearest: load");
  refused({"--vary", "load"}, "is no AXIS=VALUES");
  refused({"--vary", "load=12..3"}, "'12..3' is no range");
  refused({"--vary", "load=load({3..5)"}, "a '{' without its '}'");
  refused({"--vary", "growth=1..8"}, "names no option");
  refused({"--vary", "growth=incremental(x)"}, "--vary growth=incremental(x): growth=incremental(x): ");
  refused({"--vary", "deletion=dirty", "deletion=tombstone"}, "names the axis deletion twice");
  refused({"--vary", "allocation=system"}, "--allocator");
  refused({"--vary", "load=3/2..5/3"}, "has two divisors");
  refused({"--vary", "load=1..400", "growth=incremental({1..300})"}, "more than 100000 points");
  refused({"--vary", "deletion=dirty", "--shard", "4/3"}, "is no i/n");
  refused({"--vary", "load=3..4"}, "legal but not built", 2);
  const json some = run({"sweep", "defaults", "--vary", "deletion=dirty", "layout=bucket_chain|nodes",
                         "--workload", "grow", "--n", "100", "--repeat", "1", "--no-compile", "--json", "-"})
                        .parsed();
  check(some.at("points").size() == 2 &&
            some.at("points").at(1).at("refused").get<std::string>().rfind("tophash[", 0) == 0,
        "a rule's sentence stands for a point: " + some.dump().substr(0, 300));
}

// ---- axes ---------------------------------------------------------------------------------------

// Every exact row of a run stands in docs/axes.md as it is.
std::size_t rows_in_the_document(const json& axes) {
  const std::string page = contents("docs/axes.md");
  std::size_t exact = 0;
  for (const json& row : axes.at("rows")) {
    check(!row.contains("trouble"), "measured: " + row.dump());
    if (row.contains("trouble") || row.at("evidence") != "exact") continue;
    ++exact;
    const std::string line = "| " + row.at("line").get<std::string>() + " |\n";
    check(page.find(line) != std::string::npos,
          "docs/axes.md has no line\n" + line + "to renew it: tophash axes --document docs/axes.md");
  }
  return exact;
}

const json* row_of_axis(const json& axes, const std::string& axis) {
  for (const json& row : axes.at("rows")) {
    if (row.at("axis") == axis) return &row;
  }
  check(false, "a row of " + axis);
  return nullptr;
}

void axes() {
  expect({"axes", "--axis", "laoyut"}, 64, "'laoyut' is no axis that is measured; nearest: layout");
  const words few = {"axes", "--no-compile", "--no-times", "--axis", "deletion", "overflow"};
  const outcome o = run(joined(few, {"--json", "-"}));
  check(o.code == 0 && o.err.empty(), "axes: " + o.err);
  const json j = o.parsed();
  if (!j.contains("rows")) return;
  check(j.at("schema") == "tophash-axes-1" && j.at("rows").size() == 2, "two axes: " + j.at("rows").dump());
  check(rows_in_the_document(j) == 2, "both are counted");
  if (const json* const deletion = row_of_axis(j, "deletion")) {
    check(deletion->at("moves") == true && deletion->at("factor") >= 2, "slots that are not used again");
    check(deletion->at("counter").at("a") == 0 && deletion->at("counter").at("b") > 0,
          "dead slots are the cause");
  }
  const json other =
      run({"axes", "--no-compile", "--no-times", "--axis", "overflow", "--seed", "2", "--json", "-"})
          .parsed();
  check(other.at("rows").at(0).at("line") != j.at("rows").at(1).at("line"), "another seed, another map");
  check(run({"axes", "--no-compile", "--no-times", "--axis", "iteration"}).out.find("that do not: none") !=
            std::string::npos,
        "without a compiler a pair that is not built in has no row");
}

// All axes, compiled: the whole table of the document, and no line in it that no run gives.
void axes_all() {
  const json j = run({"axes", "--no-times", "--json", "-"}).parsed();
  const std::size_t exact = rows_in_the_document(j);
  std::set<std::string> seen;
  for (const json& row : j.at("rows")) seen.insert(row.at("axis").get<std::string>());
  for (const char* axis : {"layout", "hashing", "sizing", "deletion", "load", "growth", "overflow",
                           "allocation", "collector", "iteration", "sync", "observe"})
    check(seen.count(axis) == 1, std::string{"a row of "} + axis);
  const std::string page = contents("docs/axes.md");
  const std::size_t from = page.find("|---|"), to = page.find("\n\n", from);
  check(from != std::string::npos && to != std::string::npos, "a table of what is counted");
  const std::string table = page.substr(from, to - from);
  check(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')) == exact,
        "as many lines as rows");
}

// ---- the page -----------------------------------------------------------------------------------

void search_report() {
  const std::string trace = small_trace(4'000).string();
  const auto into = [](words command, const char* name) {
    const std::string file = (folder / name).string();
    const outcome o = run(joined(std::move(command), {"--json", file}));
    check(o.code == 0, file + ": " + o.err);
    return file;
  };
  const std::string advice = into({"advise", "--trace", trace, "--no-compile", "--repeat", "3",
                                   "--exhaustive", "--variant", "defaults", "fastest", "go_like"},
                                  "advice.json"),
                    curves = into({"sweep", "defaults", "--vary", "growth=incremental({1,2})",
                                   "deletion=dirty|tombstone", "layout=bucket_chain|nodes", "--workload",
                                   "grow", "--n", "500", "--repeat", "2", "--no-compile"},
                                  "curves.json"),
                    rows = into({"sweep", "defaults", "--vary", "deletion=dirty|tombstone", "--workload",
                                 "grow", "--n", "500", "--repeat", "2", "--no-compile"},
                                "rows.json"),
                    moved = into({"axes", "--no-compile", "--no-times", "--axis", "overflow"}, "axes.json");
  const std::string page = (folder / "search.html").string();
  const outcome o = run({"report", advice, curves, rows, moved, "-o", page});
  if (o.code == 2) return;  // built without the page
  check(o.code == 0, "report: " + o.err);
  const std::string text = contents(page);
  for (const char* part : {"Recommended: ", "tophash::map&lt;K, V", "halving 1", "Of 8 points the fastest is",
                           "tophash[overflow x layout]", "entries a miss meets",
                           "Axes that move a metric twice or more: overflow"})
    check(text.find(part) != std::string::npos, std::string{"the page has "} + part);
  if (text.find("gnuplot was not found") == std::string::npos) {
    std::size_t plots = 0;
    constexpr const char* plot = "<figure class=\"plot\">";
    for (std::size_t at = text.find(plot); at != std::string::npos; at = text.find(plot, at + 1)) ++plots;
    // Curves, rows, factors; the final stage twice. A stage of one map, as the held-out one is where the
    // default map was chosen, has nothing to compare.
    const json found = json::parse(contents(advice));
    const auto compares = [&found](const char* name) -> std::size_t {
      const json* const s = stage_of(found, name);
      return s != nullptr && s->at("measured").size() > 1 ? 1 : 0;
    };
    const std::size_t expected = 3 + 2 * compares("final") + compares("held out") + compares("exhaustive");
    check(plots == expected, "plots: " + std::to_string(plots) + " of " + std::to_string(expected));
  }
  run({"report", advice, curves, rows, moved, "-o", (folder / "again.html").string()});
  check(contents(folder / "again.html") == text, "the same results, the same bytes");
  json wrong = json::parse(contents(advice));
  wrong["stages"][0].erase("measured");
  expect({"report", write("wrong.json", wrong.dump()).string(), "-o", page}, 1, "result 1, advice: ");
  json cut = json::parse(contents(curves));
  cut["points"][0].erase("values");
  expect({"report", advice, write("cut.json", cut.dump()).string(), "-o", page}, 1, "result 2, sweep: ");
  check(contents(page) == text, "a page that could not be made leaves the old one");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> cases = {
      {"advise", advise},           {"advise_interrupted", advise_interrupted},
      {"attribution", attribution}, {"axes", axes},
      {"axes_all", axes_all},       {"search_report", search_report},
      {"import", imports},          {"sweep", sweep}};
  if (argc != 4 || cases.count(argv[3]) == 0) {
    std::fputs("usage: tophash_lab_advice PROGRAM FOLDER CASE\n", stderr);
    return 64;
  }
  return run_case_of(argv[1], argv[2], cases.at(argv[3]));
}
