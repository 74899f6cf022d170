// SPDX-License-Identifier: Apache-2.0
// tophash_lab_on_demand PROGRAM FOLDER CASE COMPILER: variants that are compiled when they are asked for.
// Every case has a cache of its own. Run from the repository's root.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "lab/catalogue.hpp"
#include "lab/disassembly.hpp"
#include "lab/random_spec.hpp"
#include "lab/variant_source.hpp"
#include "runner.hpp"

namespace lab = tophash::lab;

namespace {

std::string compiler;

// ---- helpers ------------------------------------------------------------------------------------

std::vector<fs::path> cached(const std::string& extension) {
  std::vector<fs::path> out;
  if (!fs::exists(folder / "cache")) return out;
  for (const fs::directory_entry& e : fs::recursive_directory_iterator(folder / "cache")) {
    if (e.path().extension() == extension) out.push_back(e.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> checked_run(std::vector<std::string> variants, std::vector<std::string> more = {}) {
  std::vector<std::string> out = {"run", "--workload", "grow", "--n", "300", "--check", "--json", "-"};
  out.insert(out.end(), more.begin(), more.end());
  out.emplace_back("--variant");
  out.insert(out.end(), variants.begin(), variants.end());
  return out;
}

// A run that must succeed, with so many variants compiled and taken from the cache.
json succeed(const std::vector<std::string>& arguments, std::size_t compiled, std::size_t from_cache) {
  const outcome o = run(arguments);
  check(o.code == 0, arguments.back() + " ended with " + std::to_string(o.code) + ": " + o.err);
  if (o.code != 0) return json::object();
  const json j = o.parsed();
  const json made = j.at("manifest").value("compiled_on_demand", json::object());
  check(made.value("compiled", 0u) == compiled && made.value("from_cache", 0u) == from_cache,
        arguments.back() + ": not " + std::to_string(compiled) + " compiled and " +
            std::to_string(from_cache) + " cached: " + made.dump());
  return j;
}

std::set<std::string> checksums(const json& result) {
  std::set<std::string> out;
  for (const json& row : result.value("rows", json::array()))
    out.insert(row.value("checksum", row.value("trouble", "no checksum")));
  return out;
}

class variable {
 public:
  variable(std::string name, const std::string& value) : name_(std::move(name)) {
    if (const char* const was = std::getenv(name_.c_str())) was_ = was, set_ = true;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { set_ ? ::setenv(name_.c_str(), was_.c_str(), 1) : ::unsetenv(name_.c_str()); }

 private:
  std::string name_, was_;
  bool set_ = false;
};

// For what is not about the code that comes out: the compiler without its optimiser is a third faster.
std::string unoptimised() {
  const fs::path script = write("unoptimised", "#!/bin/sh\nexec '" + compiler + "' \"$@\" -O0\n");
  fs::permissions(script, fs::perms::owner_all);
  return script.string();
}

// test.sh --long: more compositions, where each costs a compilation and shows what the first ones show.
bool everything() { return std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr; }

// ---- random SPECs -------------------------------------------------------------------------------

// Abseil and xxhash are packages of their own.
bool possible_here(const std::string& spec) {
  return (TOPHASH_TEST_WITH_ABSL != 0 || spec.find("absl_hash") == std::string::npos) &&
         (TOPHASH_TEST_WITH_XXHASH != 0 || spec.find("xxh3") == std::string::npos);
}

// Different compositions that are not built in, so that each is compiled.
std::vector<std::string> legal_specs(std::size_t count, bool string_keys, lab::random_stream& random) {
  std::set<std::string> seen;
  const json built = run({"list", "variants", "--json", "-"}).parsed();
  for (const json& row : built.at("variants")) seen.insert(row.value("spec", ""));
  std::vector<std::string> out;
  while (out.size() < count) {
    const std::string text = lab::random_legal_spec(random, string_keys);
    if (possible_here(text) && seen.insert(lab::canonical(lab::parse_spec(text))).second) out.push_back(text);
  }
  return out;
}

void agree(std::size_t count, std::size_t at_a_time, std::uint64_t seed) {
  lab::random_stream random(seed);
  for (const bool string_keys : {false, true}) {
    const std::vector<std::string> specs = legal_specs(count / 2, string_keys, random);
    for (std::size_t begin = 0; begin < specs.size(); begin += at_a_time) {
      std::vector<std::string> command = {"replay",
                                          string_keys ? "bench/traces/pystdlib_symbols.csv.zst"
                                                      : "bench/traces/alloc_python_ast.csv.zst",
                                          "--rows",
                                          "20000",
                                          "--check",
                                          "--json",
                                          "-",
                                          "--variant",
                                          "std::unordered_map"};
      const std::size_t end = std::min(begin + at_a_time, specs.size());
      for (std::size_t i = begin; i < end; ++i) command.push_back(specs[i]);
      const json j = succeed(command, end - begin, 0);
      check(j.value("rows", json::array()).size() == end - begin + 1, "a row for every SPEC");
      check(checksums(j).size() == 1, "every SPEC agrees with std::unordered_map");
    }
  }
}

void refuse(std::size_t count, std::uint64_t seed) {
  lab::random_stream random(seed);
  std::size_t by_rule = 0;
  const std::vector<fs::path> before = cached(".so");
  for (std::size_t i = 0; i < count; ++i) {
    const lab::illegal_spec bad = lab::random_illegal_spec(random);
    const outcome o = run({"run", "--workload", "grow", "--n", "10", "--variant", bad.text});
    check(o.code == 64, "'" + bad.text + "' ended with " + std::to_string(o.code));
    check(o.out.empty() && std::count(o.err.begin(), o.err.end(), '\n') == 1 && o.err.back() == '\n',
          "'" + bad.text + "' gives one line, not: " + o.out + o.err);
    check(o.err.find(bad.sentence) != std::string::npos,
          "'" + bad.text + "' does not say '" + bad.sentence + "' but: " + o.err);
    by_rule += bad.sentence.find("tophash[") == 0 ? 1 : 0;
  }
  check(by_rule >= count / 3 && by_rule < count, "both rules and the form refused some");
  check(cached(".so") == before, "nothing illegal was compiled");
}

// ---- the cache ----------------------------------------------------------------------------------

void cache() {
  const variable cxx("CXX", unoptimised());
  const std::vector<std::string> command = checked_run({"load(3),incremental(9)"});
  succeed(command, 1, 0);
  const std::vector<fs::path> entries = cached(".so");
  check(entries.size() == 1, "one entry");
  if (entries.size() != 1) return;
  const fs::path entry = entries.front();
  const fs::file_time_type made = fs::last_write_time(entry);
  succeed(command, 0, 1);
  // The same composition in other words; with strings it is another entry.
  succeed(checked_run({"growth=incremental(9),load=load(3,1),mimalloc"}), 0, 1);
  check(fs::last_write_time(entry) == made, "a hit leaves the entry as it is");

  const std::string good = contents(entry);
  const auto rebuilt_after = [&](const std::string& what, const std::string& bytes) {
    std::ofstream(entry, std::ios::binary | std::ios::trunc) << bytes;
    const json j = succeed(command, 1, 0);
    check(checksums(j).size() == 1, what);
    succeed(command, 0, 1);
  };
  rebuilt_after("cut in half", good.substr(0, good.size() / 2));
  rebuilt_after("empty", "");
  std::string damaged = good;
  damaged[damaged.size() / 3] = static_cast<char>(~damaged[damaged.size() / 3]);
  rebuilt_after("one byte changed", damaged);
  succeed(checked_run({"load(3),incremental(10)"}), 1, 0);
  for (const fs::path& other : cached(".so")) {
    if (other != entry) rebuilt_after("another composition's entry", contents(other));
  }
  check(!cached(".gch").empty(), "the headers were compiled ahead for the later ones");
  for (const fs::path& ahead : cached(".gch")) fs::resize_file(ahead, fs::file_size(ahead) / 2);
  succeed(checked_run({"load(3),incremental(11)"}), 1, 0);
  check(cached(".log").empty(), "no log is left of what succeeded");
}

void processes_at_once() {
  const variable cxx("CXX", unoptimised());
  const std::vector<std::string> command = checked_run({"load(2),incremental(9)"});
  const pid_t a = start(command, "_a"), b = start(command, "_b");
  const outcome first = finish(a, "_a"), second = finish(b, "_b");
  check(first.code == 0 && second.code == 0, "both succeed: " + first.err + second.err);
  succeed(command, 0, 1);
  for (const char* left_over : {".o", ".part", ".log"}) check(cached(left_over).empty(), left_over);
  check(cached(".so").size() == 1, "one entry, and nothing beside it");
}

// What the headers say decides, not when they were written.
void headers() {
  const variable cxx("CXX", unoptimised());
  const fs::path copy = folder / "headers";
  const fs::path built = fs::path{program}.parent_path().parent_path() / "include";
  fs::create_directories(copy / "tophash");
  const auto follow = fs::copy_options::recursive;
  for (const fs::directory_entry& e : fs::directory_iterator(built / "tophash"))
    fs::copy(fs::canonical(e.path()), copy / "tophash" / e.path().filename(),
             follow | fs::copy_options::overwrite_existing);
  fs::create_directories(copy / "lab");
  for (const fs::directory_entry& e : fs::directory_iterator("bench/lab")) {
    if (e.path().extension() == ".hpp") fs::copy(e.path(), copy / "lab");
  }
  const variable include("TOPHASH_INCLUDE", copy.string());
  const std::vector<std::string> command = checked_run({"load(2),incremental(7)"});
  succeed(command, 1, 0);
  const fs::path policy = copy / "tophash/policies/growth/incremental.hpp";
  const std::string text = contents(policy);
  std::ofstream(policy) << text;
  succeed(command, 0, 1);
  std::string changed = text;
  changed[changed.find("SPDX")] = 's';  // in a comment, and the size is as it was
  std::ofstream(policy) << changed;
  succeed(command, 1, 0);
  check(cached(".so").size() == 2, "both states keep their entry");

  const fs::path execution = copy / "lab/execution.hpp";
  std::string other = contents(execution);
  const std::string field = "  std::uint64_t operations = 0;";
  other.replace(other.find(field), field.size(), "  std::uint64_t planted[4];\n" + field);
  std::ofstream(execution) << other;
  expect(command, 1, "these headers are not those that the program was built with");
}

// ---- what can go wrong --------------------------------------------------------------------------

void errors() {
  const std::vector<std::string> command = checked_run({"load(5),incremental(9)"});
  {
    const variable cxx("CXX", (folder / "no-such-compiler").string());
    expect(command, 2, "no compiler: CXX is '");
    expect(command, 2, "install the package g++");
  }
  {
    const variable include("TOPHASH_INCLUDE", folder.string());
    expect(command, 2, "tophash/map.hpp is in none of the folders");
  }
  {
    const variable cache_home("XDG_CACHE_HOME", "/dev/null/cache");
    expect(command, 2, "set XDG_CACHE_HOME to a folder that can be written");
  }
  {
    const fs::path script =
        write("broken-compiler", "#!/bin/sh\ncase $1 in --version) echo broken 1; exit;; esac\n"
                                 "echo first; echo 'x.cpp:7:1: error: planted'; exit 1\n");
    fs::permissions(script, fs::perms::owner_all);
    const variable cxx("CXX", script.string());
    const outcome o = run(command);
    check(o.code == 1 &&
              o.err.find("does not compile: x.cpp:7:1: error: planted (the whole log: ") != std::string::npos,
          "a failing compiler: " + std::to_string(o.code) + " " + o.err);
    const std::vector<fs::path> logs = cached(".log");
    check(logs.size() == 1 && o.err.find(logs.front().string()) != std::string::npos,
          "the log that the sentence names is there");
    check(!logs.empty() && contents(logs.front()).find("first\n") == 0, "and it is whole");
  }
  expect(checked_run({"load(5),incremental(9)"}, {"--no-compile"}), 2,
         "is legal but not built into this program; nearest built: ");
  expect(checked_run({"incremental(0)"}), 64, "tophash[growth]: ");
  expect(checked_run({"identity"}, {"--key", "string"}), 64, "tophash[hashing x Key]: ");
  check(cached(".so").empty(), "nothing was compiled");
}

// A compiler that never ends: Ctrl-C ends the command, the compilers and what they had begun.
void interrupt() {
  const fs::path script = write("endless", "#!/bin/sh\ncase $1 in --version) echo endless 1; exit;; esac\n"
                                           "while [ \"$1\" != -o ]; do shift; done; echo begun > \"$2\"\n"
                                           "echo $$ >> '" +
                                               (folder / "started").string() + "'; exec sleep 1000\n");
  fs::permissions(script, fs::perms::owner_all);
  const variable cxx("CXX", script.string());
  const pid_t child = start(checked_run({"load(5),incremental(9)", "load(5),incremental(10)"}));
  while (contents(folder / "started").find('\n') == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(child, SIGINT);
  const outcome o = finish(child);
  check(o.code == 130 && o.err == "tophash: interrupted while compiling\n",
        "an interrupted compilation: " + std::to_string(o.code) + " " + o.err);
  std::ifstream started(folder / "started");
  for (pid_t id = 0; started >> id;) check(::kill(id, 0) != 0, "a compiler was left running");
  for (const char* kind : {".so", ".gch", ".log"}) check(cached(kind).empty(), kind);
}

// ---- --bind, --load, --cxx ----------------------------------------------------------------------

void bind() {
  const json j = succeed(
      checked_run({"defaults", "std::unordered_map"}, {"--bind", "--allocator", "system", "tracked(system)"}),
      2, 0);
  std::size_t bound = 0;
  for (const json& row : j.value("rows", json::array())) bound += row.value("bound", false) ? 1 : 0;
  check(bound == 2 && j.at("rows").size() == 6, "a bound row beside each of ours: " + j.at("rows").dump());
  check(checksums(j).size() == 1, "the same results");
  check(j.at("left_out").dump().find("std::unordered_map bound to system: it is no composition") !=
            std::string::npos,
        "what cannot be bound is left out");
  // The type that was compiled has the storage in it, and nothing erased.
  std::size_t statically = 0;
  for (const fs::path& source : cached(".cpp")) {
    const std::string text = contents(source);
    const std::string map =
        text.substr(text.find("using map"), text.find("using composed") - text.find("using map"));
    check(map.find("erased") == std::string::npos, "no erased handle: " + map);
    statically += map.find("allocators::system") != std::string::npos ? 1 : 0;
  }
  check(statically == 2, "both on the system's heap");

  // Storage with a resource: the compiled map makes its own.
  const std::string limited = "limited(1000000,spans)", wide = "by_purpose(overflow=bucket_pool(144),rest=spans)";
  const json own = run(checked_run({"defaults"}, {"--bind", "--allocator", limited, wide})).parsed();
  check(own.at("rows").size() == 3 && checksums(own).size() == 1, "bound to its resources: " + own.dump());
  check(own.at("left_out").size() == 1 &&
            own.at("left_out").dump().find("handle is larger than two words") != std::string::npos,
        "a handle that is too wide for a type says so: " + own.at("left_out").dump());

  const outcome o = run({"run", "--workload", "churn_random", "--n", "2000", "--variant", "defaults",
                         "--bind", "--repeat", "3", "--json", "-"});
  const json timed = o.parsed();
  check(timed.at("findings").dump().find("calibration, defaults on system: ") != std::string::npos,
        "the price of the erased handle is a finding: " + timed.at("findings").dump());
  const auto counted = [&timed](std::size_t row) {
    return timed.at("rows").at(row).contains("allocations") &&
           timed.at("rows").at(row).at("memory").contains("peak_bytes");
  };
  check(counted(0) && !counted(1), "no figure where nothing was counted");
  check(timed.at("rows").at(1).at("rerun").get<std::string>().find("--variant defaults --allocator system "
                                                                   "--bind") != std::string::npos,
        "how to run it again: " + timed.at("rows").at(1).at("rerun").dump());
}

void load() {
  const variable cxx("CXX", unoptimised());
  const std::string head =
      "#include <tophash/map.hpp>\n#include <tophash/policies/deletion/dirty.hpp>\n"
      "#include \"lab/variant.hpp\"\n#include \"my_options.hpp\"\n"
      "template <class Key>\nusing mine = tophash::map<Key, std::uint64_t, MY_DELETION>;\n";
  write("my_options.hpp", "#define MY_DELETION tophash::deletion::dirty\n");
  const std::string good = write("mine.cpp", head + "TOPHASH_VARIANT(\"my map\", mine);\n").string();
  for (const char* key : {"string", "u64"}) {
    if (key[0] == 'u' && !everything()) continue;
    const json j =
        run(checked_run({"my map", "std::unordered_map"}, {"--load", good, "--key", key})).parsed();
    check(j.at("rows").size() == 2 && checksums(j).size() == 1, "a loaded map is a variant like any other");
    check(j.at("rows").at(0).at("rerun").get<std::string>().find("--load ") != std::string::npos,
          "how to run it again");
  }
  const auto refused = [](const std::string& file, const std::string& sentence) {
    expect(checked_run({"my map"}, {"--load", file}), 1, sentence);
  };
  refused(write("none.cpp", head).string(), "none.cpp registers no map; write TOPHASH_VARIANT(");
  refused(write("taken.cpp", head + "TOPHASH_VARIANT(\"defaults\", mine);\n").string(),
          "registers 'defaults', but a variant of that name is there already");
  refused(write("wrong.cpp", head + "TOPHASH_VARIANT(\"my map\", yours);\n").string(),
          "wrong.cpp' does not compile: ");
  refused((folder / "absent.cpp").string(), "no such file");
  check(cached(".so").empty(), "a file of the user's own is not cached");
}

void cxx() {
  expect({"explain", "dirty", "--value", "vector", "--cxx"}, 1, "tophash[deletion x types]: ");
  expect({"explain", "dritx", "--cxx"}, 64);
  const std::string include = (fs::path{program}.parent_path().parent_path() / "include").string();
  const std::vector<std::vector<std::string>> all = {
      {"go_like,deletion=dirty", "--key", "string", "--value", "bytes_128"},
      {"failing(tracked(system)),bucket_chain(slots=5,split),counters", "--value", "vector"},
      {"erased,incremental(2,every_write)", "--key", "pointer", "--value", "pointer"},
      {"event_log(64,no_clock)"},
      {"tombstone_log(64,steady_clock)"},
      {"go_like,limited(100000,spans)"},
      {"shared_pool,tracked(zeroed(arena(bucket_pool(4096))))"},
      {"by_size(1024,small=from_resource(pool),large=kept_pages(keep))"},
      {"failing(100,fallback(arena,failing(system)))"}};
  expect({"explain", "by_purpose(overflow=bucket_pool(144),rest=spans)", "--cxx"}, 1,
         "larger than two words");
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!everything() && i > 1 && all[i].front() != "go_like,limited(100000,spans)") continue;
    std::vector<std::string> command = {"explain", "--cxx"};
    command.insert(command.end(), all[i].begin(), all[i].end());
    const outcome o = run(command);
    check(o.code == 0 && o.err.empty(), all[i].front() + ": " + o.err);
    const fs::path source = write("program_" + std::to_string(i) + ".cpp", o.out), made = folder / "program";
    const std::string build = "'" + compiler + "' -std=c++20 -Wall -Wextra -Werror -I '" + include +
                              "' -o '" + made.string() + "' '" + source.string() + "' && '" + made.string() +
                              "' > '" + (folder / "said").string() + "'";
    check(std::system(build.c_str()) == 0, "it compiles and runs: " + build);
    check(contents(folder / "said") == "1 entry\n", "and says what it should");
  }
}

// A small map of the composition, the same each time.
void dump() {
  const variable cxx("CXX", unoptimised());
  expect({"explain", "go_like", "--raw"}, 64, "--raw is for --dump");
  check(run({"explain", "dirty", "--value", "vector", "--dump"}).code == 1,
        "a refused composition has no dump");
  const auto dumped = [](std::vector<std::string> spec) {
    std::vector<std::string> command = {"explain", "--dump", "--json", "-"};
    command.insert(command.end(), spec.begin(), spec.end());
    const outcome o = run(command);
    check(o.code == 0, spec.front() + ": " + o.err);
    return o.parsed().value("dump", "");
  };
  const std::string go = dumped({"go_like"});
  check(go.find("\ngrowing: the first ") != std::string::npos &&
            go.find("\nold array\nbucket 0 ") != std::string::npos,
        "in the middle of a growth: " + go);
  check(go.find(" -- ") != std::string::npos && go.find(" lo ") != std::string::npos,
        "erased and moved slots: " + go);
  check(go == dumped({"go_like"}), "the same each time");
  check(dumped({"open_groups,tombstone,incremental(1)", "--key", "string"}).find(" xx ") != std::string::npos,
        "a dead slot");
  if (!everything()) return;
  check(go != dumped({"go_like", "--seed", "2"}), "a seed decides");
  check(dumped({"go_like", "--raw"}).find("\n    slot 0 ") != std::string::npos, "bytes of slots");
  check(dumped({"nodes,wiping(immediate,all),owner_checked(throwing)", "--value", "vector"})
                .find("| passed by ") != std::string::npos,
        "nodes");
  check(dumped({"erased,shared_pool,dirty", "--value", "bytes_128"}).find("! ") != std::string::npos,
        "a dirty entry");
  check(run({"explain", "go_like", "--dump"})
                .out.find("\na small one in memory\nlayout=bucket_chain(arrange=split)") != std::string::npos,
        "and as text");
}

// The maps behave as without an observer, and watch shows what a tombstone_log knows.
void observers() {
  const variable cxx("CXX", unoptimised());
  std::vector<std::string> observed = {"go_like", "go_like,event_log(64,no_clock)", "go_like,chrome_trace", "recorder"};
  if (everything())
    observed.insert(observed.end(), {"go_like,histogram", "go_like,tombstone_log(64,steady_clock)"});
  const json result = succeed(checked_run(observed), observed.size() - 1, 0);
  check(checksums(result).size() == 1, "an observer changes nothing: " + result.dump().substr(0, 300));
  const auto last_sample = [](const std::string& observer) {
    const outcome o = run({"watch", "--workload", "churn_random", "--n", "2000", "--json", "-", "--variant",
                           "go_like," + observer});
    check(o.code == 0, observer + ": " + o.err);
    return o.parsed().value("samples", json::array({json::object()})).back();
  };
  const json roomy = last_sample("tombstone_log(8192)"), narrow = last_sample("tombstone_log(64)");
  check(roomy.value("tombstones", 0.0) > 64, "slots wait: " + roomy.dump());
  check(roomy.value("not_followed", -1.0) == 0, "all are followed");
  check(roomy.value("reused", 0.0) > 1000, "slots are reused");
  check(roomy.value("reuse_age", 0.0) > 1, "and had an age then");
  check(roomy.value("oldest_tombstone", 0.0) > roomy.value("tombstone_age", 1e9),
        "the oldest is above the mean");
  check(narrow.value("tombstones", 0.0) == 64, "no more than there is room for: " + narrow.dump());
  check(narrow.value("not_followed", 0.0) > 0, "and it says so");
  check(narrow.value("live", 0.0) == roomy.value("live", 1.0), "the same run");
  if (everything())
    check(!last_sample("counters").contains("tombstones"), "another observer tells no ages");
}

// ---- asm ----------------------------------------------------------------------------------------

// An object as objdump prints one: `operation` only jumps to f<g<int> >, which has a cold part, padding
// inside and behind it, and every kind of instruction that is counted.
constexpr const char* printed =
    "x.so:     file format elf64-x86-64\n\n\nDisassembly of section .text:\n\n"
    "0000000000001000 <memcmp@plt>:\n    1000:\tff 25 00 00 00 00    \tjmp    QWORD PTR [rip+0x0]        # "
    "2000 "
    "<memcmp>\n\n"
    "0000000000001010 <int tophash::v1::f<g<int> >(long) [clone .cold]>:\n"
    "    1010:\te8 00 00 00 00       \tcall   1080 <tophash::v1::h::operator<<(int)>\n"
    "    1015:\teb 29                \tjmp    1040 <int tophash::v1::f<g<int> >(long)>\n\n"
    "0000000000001020 <operation>:\noperation():\n/src/a.cpp:3\n"
    "    1020:\te9 1b 00 00 00       \tjmp    1040 <int tophash::v1::f<g<int> >(long)>\n"
    "    1025:\t66 90                \txchg   ax,ax\n\n"
    "0000000000001040 <int tophash::v1::f<g<int> >(long)>:\nint tophash::v1::f<g<int> >(long):\n"
    "/src/inc/f.hpp:7 (discriminator 2)\n"
    "    1040:\t55                   \tpush   rbp\n"
    "    1041:\t48 8b 07             \tmov    rax,QWORD PTR [rdi]\n"
    "/src/inc/f.hpp:8\n"
    "    1044:\t48 89 06             \tmov    QWORD PTR [rsi],rax\n"
    "    1047:\t48 01 06             \tadd    QWORD PTR [rsi],rax\n"
    "    104a:\t48 3b 06             \tcmp    rax,QWORD PTR [rsi]\n"
    "    104d:\t75 f1                \tjne    1040 <int tophash::v1::f<g<int> >(long)>\n"
    "    104f:\t90                   \tnop\n"
    "    1050:\tf0 48 0f b1 0f       \tlock cmpxchg QWORD PTR [rdi],rcx\n"
    "    1055:\t48 87 07             \txchg   QWORD PTR [rdi],rax\n"
    "    1058:\t48 8d 47 08          \tlea    rax,[rdi+0x8]\n"
    "    105c:\t72 b2                \tjb     1010 <int tophash::v1::f<g<int> >(long) [clone .cold]>\n"
    "    105e:\teb f0                \tjmp    1050 <int tophash::v1::f<g<int> >(long)+0x10>\n"
    "    1060:\te9 9b ff ff ff       \tjmp    1000 <memcmp@plt>\n"
    "    1065:\t0f 1f 00             \tnop    DWORD PTR [rax]\n\n"
    "0000000000001080 <tophash::v1::h::operator<<(int)>:\n    1080:\tc3                   \tret\n";

void disassembly() {
  check(lab::is_x86_64(printed) &&
            !lab::is_x86_64("x.so:     file format elf64-littleaarch64\n\nDisassembly of"),
        "the machine is known");
  const lab::disassembled_function f = lab::read_disassembly(printed, "operation", {"/src/inc"});
  check(f.name == "f", "the function behind the jump: " + f.name);
  const lab::instruction_counts &n = f.fast_counts, &cold = f.cold_counts;
  const auto is = [](std::size_t value, std::size_t wanted, const char* what) {
    check(value == wanted,
          std::string{what} + ": " + std::to_string(value) + ", not " + std::to_string(wanted));
  };
  is(n.instructions, 12, "instructions");
  is(n.bytes, 0x25, "bytes");
  is(n.conditional, 2, "conditional branches");
  is(n.unconditional, 1, "other branches");
  is(n.calls, 1, "calls: the last jump leads out");
  is(n.locked, 2, "locked");
  is(n.loads, 5, "loads");
  is(n.stores, 4, "stores");
  is(cold.instructions, 2, "cold instructions");
  is(cold.calls, 1, "cold calls");
  is(cold.unconditional, 1, "the cold part's way back");
  if (f.fast.size() != 12 || f.cold.size() != 2 || f.callees.size() != 2) return check(false, "parts");
  check(f.cold.front().label == ".L1" && f.fast[0].label == ".L2" && f.fast[6].label == ".L3", "labels");
  check(f.fast[5].text == "jne .L2" && f.fast[9].text == "jb .L1" && f.fast[10].text == "jmp .L3",
        "branches");
  check(f.fast[11].text == "jmp memcmp" && f.cold[0].text == "call h::operator<<", "calls by name");
  check(f.fast[0].location == "f.hpp:7 f" && f.fast[1].location.empty() && f.fast[2].location == "f.hpp:8 f",
        "locations: " + f.fast[0].location);
  check(f.callees[0].name == "memcmp" && f.callees[0].bytes == 0, "a function of another object");
  check(f.callees[1].name == "h::operator<<" && f.callees[1].bytes == 1 && f.callees[1].instructions == 1,
        "a function of this one");
  check(lab::short_function_name("std::pair<int, a::b<c> > tophash::v1::x<1>::operator()<long>(int) const") ==
            "x::operator()",
        "a call operator");
}

// What the listing shows is what was counted.
void consistent(const json& function, const std::string& part) {
  std::set<std::string> labels, used;
  std::size_t branches = 0, calls = 0;
  const json& lines = function.at(part + "listing");
  const json& counts = function.at(part + "counts");
  for (const json& line : lines) {
    const std::string text = line.at("text");
    if (line.contains("label")) check(labels.insert(line.at("label")).second, "a label is there once");
    const std::string to = text.substr(text.find(' ') + 1);
    if (text[0] == 'j' && to.rfind(".L", 0) == 0) ++branches, used.insert(to);
    if (text.rfind("call", 0) == 0 || (text[0] == 'j' && to.rfind(".L", 0) != 0)) ++calls;
  }
  const std::size_t last =
      lines.back().at("address").get<std::size_t>() + lines.back().at("bytes").get<std::size_t>();
  check(counts.at("bytes") == last - lines.front().at("address").get<std::size_t>(),
        "bytes from first to last");
  check(counts.at("instructions") == lines.size(), "instructions");
  check(counts.at("conditional_branches").get<std::size_t>() +
                counts.at("other_branches").get<std::size_t>() ==
            branches,
        "branches: " + counts.dump());
  check(counts.at("calls") == calls, "calls: " + counts.dump());
  if (!function.contains("cold_listing")) check(labels == used, "labels are where branches lead");
}

void assembly() {
  disassembly();
  if (std::system("objdump --version > /dev/null 2>&1") != 0) return;
  const std::string a = "open_groups", b = "open_groups,incremental(3)";
  const outcome o = run({"asm", a, "find", "--against", b, "--json", "-"});
  check(o.code == 0 && o.err.empty(), "asm: " + o.err);
  const json j = o.parsed();
  if (j.value("functions", json::array()).size() != 2) return check(false, "two functions: " + o.out);
  check(j.at("schema") == "tophash-asm-1" && j.at("manifest").contains("variant_compiler"), "schema");
  for (const json& f : j.at("functions")) {
    consistent(f, "");
    check(f.at("counts").at("loads") > 2 && f.at("counts").at("locked") == 0, "what a search does");
    bool annotated = false;
    for (const json& line : f.at("listing"))
      annotated =
          annotated || line.value("location", "").find("layout/open_groups.hpp:") != std::string::npos;
    check(annotated, "the layout's lines are named");
  }
  // Where a growth may be under way, a search asks whether one is.
  const auto instructions = [&j](std::size_t i) {
    return j.at("functions").at(i).at("counts").at("instructions").get<std::size_t>();
  };
  check(instructions(0) < instructions(1), "incremental growth costs find a test");
  expect({"asm", a, "fnid"}, 64, "nearest: find");
  expect({"asm", "nodes,tombstone", "find"}, 1, "tophash[deletion x layout]: ");
  expect({"asm", "dritx", "find"}, 64);
  const variable path("PATH", folder.string());
  expect({"asm", a, "find"}, 2, "no objdump: asm reads objects with it; install the package binutils");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> cases = {
      {"random", [] { agree(6, 3, 1), refuse(12, 1); }},
      {"random_200", [] { agree(200, 25, 2); }},
      {"refused_50", [] { refuse(50, 2); }},
      {"cache", cache},
      {"processes", processes_at_once},
      {"headers", headers},
      {"errors", errors},
      {"interrupt", interrupt},
      {"bind", bind},
      {"load", load},
      {"cxx", cxx},
      {"dump", dump},
      {"observers", observers},
      {"asm", assembly}};
  if (argc != 5 || cases.count(argv[3]) == 0) {
    std::fputs("usage: tophash_lab_on_demand PROGRAM FOLDER CASE COMPILER\n", stderr);
    return 64;
  }
  compiler = argv[4];
  return run_case_of(argv[1], argv[2], cases.at(argv[3]));
}
