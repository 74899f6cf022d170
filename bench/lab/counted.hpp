// SPDX-License-Identifier: Apache-2.0
// What sections of a piece of work execute: instructions, loads, cache misses, branches. By the processor's
// own counters where perf_event_open gives them; otherwise the program runs the same work once more as a
// child under valgrind's callgrind, with a simulated first-level data cache of 32 KiB and 8 ways (the same on
// every machine) and a simulated branch predictor. Callgrind counts no cycles. Which of the two it was is in
// the result, and said wherever its figures are shown. A piece of work is a subject, named in
// counted_subjects(); it makes its maps itself, so that nothing but its parameters and seed decides what a
// child does.
#ifndef TOPHASH_BENCH_LAB_COUNTED_HPP
#define TOPHASH_BENCH_LAB_COUNTED_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tophash::lab {

struct counted_input {
  std::size_t entries = 0, operations = 0;
  unsigned rounds = 1;
  std::uint64_t seed = 1;
};

// Counts while `body` runs. Sections of one name are the rounds of one figure.
class section_counter {
 public:
  section_counter() = default;
  section_counter(const section_counter&) = delete;
  section_counter& operator=(const section_counter&) = delete;
  virtual ~section_counter() = default;
  virtual void count(std::string_view name, std::size_t operations, const std::function<void()>& body) = 0;
};

struct counted_subject {
  std::string_view name;
  void (*run)(const counted_input& input, section_counter& counter);
};
const std::vector<counted_subject>& counted_subjects();

// By name and event, an operation's share in each round. Events: instructions, l1d_loads, l1d_load_misses,
// branches, branch_misses; of callgrind l1d_replacements (loads and stores that missed) too, of the processor
// cycles too.
using counted_rounds = std::map<std::string, std::map<std::string, std::vector<double>>>;

struct counted_result {
  std::string source;       // "perf" or "callgrind"; empty: neither is here
  std::string trouble;      // then: why
  std::string no_hardware;  // why the processor's counters were not used
  counted_rounds sections;
};

counted_result count_sections(std::string_view subject, const counted_input& input);

// The child: `tophash counted-child SUBJECT ENTRIES OPERATIONS ROUNDS SEED`, as count_sections starts it
// under callgrind. Returns the exit code.
inline constexpr std::string_view counted_child_command = "counted-child";
int run_counted_child(int argc, char** argv);

void count_unlink_or_mark(const counted_input& input, section_counter& counter);  // T-B4
void count_dirty_check(const counted_input& input, section_counter& counter);     // T-B5
void count_atomic_deletes(const counted_input& input, section_counter& counter);  // T-C1

}  // namespace tophash::lab

#endif
