// A map of one's own is recorded while the program does its work, and the recording is replayed on five
// allocators: the same operations, the same result, and what each was asked for. `tophash replay FILE` does
// the same with times, on any map.
//
// Prints:
//   recorded: 30000 rows (12000 get, 12000 set, 6000 delete)
//   system                    12000 nodes asked for, at most 144024 bytes at once
//   spans                     12000 nodes asked for, at most 144024 bytes at once
//   arena(system)             12000 nodes asked for, at most 144024 bytes at once
//   kept_pages                12000 nodes asked for, at most 144024 bytes at once
//   from_resource(pool)       12000 nodes asked for, at most 144024 bytes at once
//   one result everywhere: yes
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <unordered_map>

#include <tophash/traced.hpp>

#include "lab/experiment.hpp"

namespace lab = tophash::lab;

// Sessions come, are looked at, and the oldest go.
void work(tophash::traced<std::unordered_map<std::string, int>>& sessions) {
  const auto name = [](int i) { return "session " + std::to_string(i); };
  for (int i = 0; i < 12'000; ++i) {
    sessions[name(i)] = i;
    static_cast<void>(sessions.find(name(i - i % 7)));
    if (i >= 6'000) sessions.erase(name(i - 6'000));
  }
}

int main() {
  const std::string file = (std::filesystem::temp_directory_path() / "tophash_sessions.csv").string();
  {
    tophash::observe::trace_writer trace(file.c_str());
    tophash::traced<std::unordered_map<std::string, int>> sessions{trace};
    work(sessions);
  }
  lab::experiment_request request;
  request.command = "replay";
  request.trace = file;
  request.variants = {"std::unordered_map"};
  request.allocators = {"system", "spans", "arena(system)", "kept_pages", "from_resource(pool)"};
  request.repeat = 1;
  request.latency = false;
  const lab::experiment e = lab::run_experiment(request);
  std::filesystem::remove(file);
  std::printf("recorded: %s\n", e.input_text.substr(0, e.input_text.find("),") + 1).c_str());
  for (const lab::measured_row& row : e.measured.rows) {
    const lab::purpose_traffic& nodes = row.memory->traffic.front();
    std::printf("%-25s %zu nodes asked for, at most %zu bytes at once\n", row.task.storage.c_str(),
                static_cast<std::size_t>(nodes.allocations), static_cast<std::size_t>(nodes.peak_bytes));
  }
  std::printf("one result everywhere: %s\n", e.measured.mismatches.empty() ? "yes" : "no");
}
