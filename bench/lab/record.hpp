// SPDX-License-Identifier: Apache-2.0
// `tophash record -o FILE -- COMMAND...`: runs a program with bench/record/preload.cpp preloaded and writes
// every block that it obtained (s, key the address, size the bytes asked for) and gave back (d) as a trace,
// compressed if FILE ends in .zst. A realloc is a delete and a set.
#ifndef TOPHASH_BENCH_LAB_RECORD_HPP
#define TOPHASH_BENCH_LAB_RECORD_HPP

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tophash::lab {

struct record_request {
  std::string output;
  std::vector<std::string> command;
};

struct recording {
  std::string output;
  std::uint64_t allocations = 0, releases = 0;
  std::uint64_t buffers = 0;         // threads that lived at one time, at most
  std::uint64_t most_live = 0;       // blocks
  std::uint64_t most_live_bytes = 0;
  std::uint64_t unknown = 0;         // releases of blocks that were there before the recording began
  std::uint64_t gaps = 0;            // events that are not there: the program ended by a signal
  int exit_code = 0;                 // of the program
  int signal = 0;                    // or what ended it
};

// Throws command_error: no such program, no way to preload into it, a file that cannot be written.
recording record_program(const record_request& request);

// From the preloaded library's file to a trace. Throws command_error with file, block and reason.
recording convert_recording(const std::filesystem::path& raw,
                            const std::filesystem::path& trace);  // by its name
recording convert_recording(const std::filesystem::path& raw, const std::filesystem::path& trace,
                            bool compressed);

std::string recording_text(const recording& r);

}  // namespace tophash::lab

#endif
