// SPDX-License-Identifier: Apache-2.0
// The parts of compiling on demand that need no compiler: what is written, the cache's seal, the random
// SPECs. The whole, from outside, is in tests/lab/on_demand.cpp.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "lab/catalogue.hpp"
#include "lab/compiler.hpp"
#include "lab/experiment.hpp"
#include "lab/on_demand.hpp"
#include "lab/random_spec.hpp"
#include "lab/sha256.hpp"
#include "lab/spec_parser.hpp"
#include "lab/variant_cache.hpp"
#include "lab/variant_source.hpp"

namespace lab = tophash::lab;
namespace fs = std::filesystem;

namespace {

// A cache of this process's own, gone at the end.
class cache_home {
 public:
  cache_home() : folder_(fs::temp_directory_path() / ("tophash-cache-" + std::to_string(::getpid()))) {
    if (const char* const was = std::getenv("XDG_CACHE_HOME")) was_ = was;
    ::setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
  }
  cache_home(const cache_home&) = delete;
  cache_home& operator=(const cache_home&) = delete;
  ~cache_home() {
    was_.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", was_.c_str(), 1);
    fs::remove_all(folder_);
  }

  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
  std::string was_;
};

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE("lab variant cache: an entry is valid as it was kept, and in no other way", "[lab][on_demand]") {
  const cache_home home;
  const lab::variant_cache cache(lab::sha256_of("one state"));
  REQUIRE(cache.empty());
  REQUIRE_FALSE(cache.valid("a"));
  for (const char* name : {"a", "b"}) {
    const fs::path object = cache.beside(name, ".so");
    REQUIRE(object.parent_path() == cache.folder());
    put(object, std::string{"object of "} + name);
    cache.keep(name, object);
    REQUIRE_FALSE(fs::exists(object));
    REQUIRE(cache.valid(name));
  }
  REQUIRE_FALSE(cache.empty());
  const fs::path entry = cache.place("a", ".so");
  const std::string good = contents(entry);
  REQUIRE(good.find("object of a") == 0);  // the trailer is behind it
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    put(entry, good.substr(0, cut));
    REQUIRE_FALSE(cache.valid("a"));
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    put(entry, changed);
    REQUIRE_FALSE(cache.valid("a"));
  }
  put(entry, good + "x");
  REQUIRE_FALSE(cache.valid("a"));
  put(entry, contents(cache.place("b", ".so")));
  REQUIRE_FALSE(cache.valid("a"));
  put(entry, good);
  REQUIRE(cache.valid("a"));
  // The same bytes are no entry of another state.
  const lab::variant_cache other(lab::sha256_of("another state"));
  put(other.place("a", ".so"), good);
  REQUIRE_FALSE(other.valid("a"));
}

TEST_CASE("lab variant cache: the states unused for longest go, never one of the last hour",
          "[lab][on_demand]") {
  const cache_home home;
  const auto state = [](int i) { return lab::sha256_of(std::to_string(i)); };
  const auto now = fs::file_time_type::clock::now();
  std::vector<fs::path> folders;
  for (int i = 0; i < 8; ++i) folders.push_back(lab::variant_cache(state(i)).folder());
  for (const fs::path& f : folders) REQUIRE(fs::exists(f));  // all of this hour
  for (int i = 0; i < 8; ++i)
    fs::last_write_time(folders[static_cast<std::size_t>(i)], now - std::chrono::hours(2 + i));
  const lab::variant_cache ninth(state(9));
  REQUIRE(fs::exists(ninth.folder()));
  for (std::size_t i = 0; i < 8; ++i)
    REQUIRE(fs::exists(folders[i]) == (i + 1 < lab::variant_cache::kept_states));
}

TEST_CASE("lab variant source: the types are what the SPEC says, the storage what is asked",
          "[lab][on_demand]") {
  const lab::spec_description spec = lab::parse_spec("go_like,deletion=dirty,load(3)");
  const auto text = [&spec](lab::key_kind key, const std::string& storage) {
    return lab::variant_source(spec, key, storage, "told");
  };
  const std::string erased = text(lab::key_kind::u64, "");
  REQUIRE(erased.find("tophash::deletion::dirty, tophash::load<3, 1>") != std::string::npos);
  REQUIRE(erased.find("tophash::allocators::erased, ") != std::string::npos);
  REQUIRE(erased.find("<on_demand::map, std::uint64_t>") != std::string::npos);
  REQUIRE(text(lab::key_kind::string, "").find("<on_demand::map, std::string>") != std::string::npos);
  const std::string bound = text(lab::key_kind::u64, "mimalloc");
  REQUIRE(bound.find("tophash::allocators::mimalloc, ") != std::string::npos);
  REQUIRE(bound.find("erased") == std::string::npos);
  REQUIRE(bound.find("#include <tophash/allocators/mimalloc.hpp>") != std::string::npos);
}

TEST_CASE("lab random SPECs: every option takes part, and each is judged right", "[lab][on_demand]") {
  for (const lab::option_entry& e : lab::catalogue_options()) {
    INFO(e.name << " has parameters, so it needs examples");
    REQUIRE((e.parameters.empty() || !e.examples.empty()));
  }
  lab::random_stream random(5), again(5);
  std::set<std::string> drawn;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = lab::random_spec(random);
    REQUIRE(text == lab::random_spec(again));
    for (const lab::term& option : lab::parse_spec(text).options) {
      drawn.insert(option.name);
      if (!option.arguments.empty()) drawn.insert(option.arguments.front().value.name);
    }
  }
  for (const lab::option_entry& e : lab::catalogue_options()) {
    INFO(e.name);
    // Normalised to tombstone(not_reusing) and tombstone(hinted).
    const bool another_name = e.name == "tombstone_not_reusing" || e.name == "tombstone_hinted";
    if (e.axis != tophash::axes::allocation::index && !another_name)
      REQUIRE(drawn.count(std::string{e.name}) == 1);
  }
  for (int i = 0; i < 500; ++i) {
    const std::string legal = lab::random_legal_spec(random, i % 2 == 0);
    REQUIRE_FALSE(lab::check_rules(lab::parse_spec(legal), nullptr).has_value());
    const lab::illegal_spec bad = lab::random_illegal_spec(random);
    INFO(bad.text);
    try {
      const auto broken = lab::check_rules(lab::parse_spec(bad.text), nullptr);
      REQUIRE(broken.has_value());
      REQUIRE(broken->message() == bad.sentence);
    } catch (const lab::spec_error& error) {
      REQUIRE(std::string{error.what()}.find(bad.sentence) != std::string::npos);
    }
  }
}

TEST_CASE("lab on demand: what is known, legal and allowed is said before anything is compiled",
          "[lab][on_demand]") {
  const auto code_of = [](const std::string& text, bool compile) {
    try {
      lab::check_variants({text}, {.compile = compile});
    } catch (const lab::command_error& error) {
      return error.code();
    }
    return lab::exit_done;
  };
  REQUIRE(code_of("defaults", false) == lab::exit_done);
  REQUIRE(code_of("all", false) == lab::exit_done);
  REQUIRE(code_of("dirty,load(3)", false) == lab::exit_not_here);
  REQUIRE(code_of("dirty,load(3)", true) == lab::exit_done);
  REQUIRE(code_of("incremental(0)", true) == lab::exit_usage);
  REQUIRE(code_of("diryt", true) == lab::exit_usage);
  // Built-in rows need no compiler, in the order asked, each once or as often as named.
  const std::vector<std::string> texts = {"go_like", "defaults", "go_like"};
  REQUIRE(lab::resolve_variants(texts, lab::key_kind::u64, {.compile = false}).size() == 2);
  const auto rows =
      lab::resolve_variants(texts, lab::key_kind::u64, {.compile = false, .keep_duplicates = true});
  REQUIRE((rows.size() == 3 && rows[0] == rows[2] && rows[0]->name == "go_like"));
}

TEST_CASE("lab compiler: found by path or name, its first error by its word", "[lab][on_demand]") {
  REQUIRE(lab::find_program("sh").filename() == "sh");
  REQUIRE(lab::find_program("/no/such/program").empty());
  REQUIRE(lab::find_program("tophash-no-such-program").empty());
  REQUIRE(lab::find_program(fs::temp_directory_path().string()).empty());  // a folder
  const cache_home home;
  fs::create_directories(home.folder());
  const fs::path log = home.folder() / "log";
  put(log, "In file included from a:\nb.cpp:3:4: error: no\nc.cpp:1:1: error: other\n");
  REQUIRE(lab::first_error(log) == "b.cpp:3:4: error: no");
  put(log, "cc1plus: killed\nmore\n");
  REQUIRE(lab::first_error(log) == "cc1plus: killed");
  put(log, "");
  REQUIRE_FALSE(lab::first_error(log).empty());
}
