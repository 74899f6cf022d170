// SPDX-License-Identifier: Apache-2.0
// Callgrind collects between the entry and the return of one function, and writes a profile of its own each
// time that function returns: the n-th file is the n-th section. The child says in the same order how the
// sections are called. It starts with an empty environment, so that nothing of the user's moves its stack.
#include "lab/counted.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include <tophash/framework/config.hpp>

#include "lab/compiler.hpp"
#include "lab/perf_counters.hpp"

// Named by callgrind's options: found by its C name in any build.
extern "C" TOPHASH_NOINLINE void tophash_counted_section(void (*body)(void*), void* context) {
  body(context);
  __asm__ volatile("" ::: "memory");  // no tail call: the return is what ends the section
}

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

constexpr const char* section_word = "counted-section";

// Callgrind's names of what it counts.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> simulated = {
    {{"Ir", "instructions"},
     {"Dr", "l1d_loads"},
     {"D1mr", "l1d_load_misses"},
     {"Bc", "branches"},
     {"Bcm", "branch_misses"}}};

class processor_counter final : public section_counter {
 public:
  processor_counter(perf_counters& counters, counted_rounds& out) : counters_(counters), out_(out) {}
  void count(std::string_view name, std::size_t operations, const std::function<void()>& body) override {
    counters_.reset();
    counters_.resume();
    body();
    counters_.pause();
    for (const auto& [event, value] : counters_.read())
      out_[std::string{name}][event].push_back(static_cast<double>(value) / static_cast<double>(operations));
  }

 private:
  perf_counters& counters_;
  counted_rounds& out_;
};

class child_counter final : public section_counter {
 public:
  void count(std::string_view name, std::size_t operations, const std::function<void()>& body) override {
    std::function<void()> copy = body;
    tophash_counted_section([](void* f) { (*static_cast<std::function<void()>*>(f))(); }, &copy);
    std::printf("%s %.*s %zu\n", section_word, static_cast<int>(name.size()), name.data(), operations);
  }
};

const counted_subject* find_subject(std::string_view name) {
  for (const counted_subject& s : counted_subjects()) {
    if (s.name == name) return &s;
  }
  return nullptr;
}

// Its own folder, gone afterwards.
class scratch_folder {
 public:
  scratch_folder() : path_(fs::temp_directory_path() / ("tophash-counted-" + std::to_string(::getpid()))) {
    std::error_code failed;
    fs::remove_all(path_, failed);
    fs::create_directories(path_);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code failed;
    fs::remove_all(path_, failed);
  }
  const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

// Zeros at the end of `totals:` are left out.
std::map<std::string, double> read_profile(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> events;
  std::map<std::string, double> out;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "events:") {
      for (std::string word; words >> word;) events.push_back(word);
    } else if (first == "totals:") {
      for (const std::string& event : events) {
        double value = 0;
        words >> value;
        out[event] = words ? value : 0;
      }
    }
  }
  return out;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\n ");
  if (end == std::string::npos) return "nothing was said";
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin));
}

void read_sections(const std::string& said, const fs::path& profiles, counted_result& out) {
  std::istringstream lines(said);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, name;
    double operations = 0;
    if (!(words >> first >> name >> operations) || first != section_word) continue;
    const auto totals = read_profile(profiles.string() + "." + std::to_string(++number));
    if (totals.empty()) {
      out.trouble = "callgrind wrote no profile of the section '" + name + "': " + last_line(said);
      return;
    }
    auto& events = out.sections[name];
    for (const auto& [theirs, ours] : simulated)
      events[std::string{ours}].push_back(totals.at(std::string{theirs}) / operations);
    events["l1d_replacements"].push_back((totals.at("D1mr") + totals.at("D1mw")) / operations);
  }
  if (number == 0) out.trouble = "valgrind ended without a section: " + last_line(said);
}

void count_in_child(std::string_view subject, const counted_input& input, counted_result& out) {
  const fs::path valgrind = find_program("valgrind");
  if (valgrind.empty()) {
    out.trouble = out.no_hardware + "; no valgrind either (package valgrind)";
    return;
  }
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (failed || self.filename() != "tophash") {
    out.trouble = out.no_hardware + "; only the program tophash runs itself under valgrind";
    return;
  }
  const scratch_folder folder;
  const fs::path profiles = folder.path() / "profile";
  std::vector<std::string> command = {"/usr/bin/env", "-i", "PATH=/usr/bin:/bin"};
  if (const char* const libraries = std::getenv("LD_LIBRARY_PATH"))
    command.push_back(std::string{"LD_LIBRARY_PATH="} + libraries);
  for (const std::string& word :
       {valgrind.string(), std::string{"--tool=callgrind"}, std::string{"--collect-atstart=no"},
        std::string{"--toggle-collect=tophash_counted_section"},
        std::string{"--dump-after=tophash_counted_section"}, std::string{"--cache-sim=yes"},
        std::string{"--I1=32768,8,64"}, std::string{"--D1=32768,8,64"}, std::string{"--LL=8388608,16,64"},
        std::string{"--branch-sim=yes"}, "--callgrind-out-file=" + profiles.string(),
        "--log-file=" + (folder.path() / "log").string(), self.string(), std::string{counted_child_command},
        std::string{subject}, std::to_string(input.entries), std::to_string(input.operations),
        std::to_string(input.rounds), std::to_string(input.seed)})
    command.push_back(word);
  read_sections(output_of(command), profiles, out);
  if (out.trouble.empty()) out.source = "callgrind";
}

template <class Number>
bool read_number(const char* text, Number& out) {
  const std::string_view all = text;
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), out);
  return error == std::errc{} && end == all.data() + all.size();
}

}  // namespace

const std::vector<counted_subject>& counted_subjects() {
  static const std::vector<counted_subject> all = {{"unlink_or_mark", count_unlink_or_mark},
                                                   {"dirty_check", count_dirty_check},
                                                   {"atomic_deletes", count_atomic_deletes}};
  return all;
}

counted_result count_sections(std::string_view subject, const counted_input& input) {
  counted_result out;
  const counted_subject* const s = find_subject(subject);
  if (s == nullptr) {
    out.trouble = "no subject is called '" + std::string{subject} + "'";
    return out;
  }
  perf_counters counters(perf_events::caches);
  if (!counters.works()) {
    out.no_hardware = "no hardware counters (" + counters.why_not() + ")";
    count_in_child(subject, input, out);
    return out;
  }
  processor_counter counter(counters, out.sections);
  s->run(input, counter);
  out.source = "perf";
  return out;
}

int run_counted_child(int argc, char** argv) {
  counted_input input;
  const counted_subject* const s = argc == 7 ? find_subject(argv[2]) : nullptr;
  if (s == nullptr || !read_number(argv[3], input.entries) || !read_number(argv[4], input.operations) ||
      !read_number(argv[5], input.rounds) || !read_number(argv[6], input.seed) || input.entries == 0 ||
      input.operations == 0) {
    std::fprintf(stderr, "tophash: counted-child: expected SUBJECT ENTRIES OPERATIONS ROUNDS SEED\n");
    return 64;
  }
  child_counter counter;
  s->run(input, counter);
  return 0;
}

}  // namespace tophash::lab
