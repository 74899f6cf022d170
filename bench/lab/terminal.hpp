// SPDX-License-Identifier: Apache-2.0
// Where a command's words go: results to standard output, progress and errors to standard error, progress
// only when that is a terminal. And Ctrl-C: the first ends the run after the execution under way, the second
// at once.
#ifndef TOPHASH_BENCH_LAB_TERMINAL_HPP
#define TOPHASH_BENCH_LAB_TERMINAL_HPP

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

// One line that overwrites itself; an empty text wipes it. Does nothing in a pipe.
std::function<void(const std::string&)> progress_line();

void catch_interrupt();

// Throws command_error if what was printed so far did not arrive: a full disk, a closed descriptor.
void flush_output();

// FILE (a whole_file), or `-` for standard output.
void write_json(const nlohmann::json& value, const std::string& file);
nlohmann::json read_json(const std::string& file);

}  // namespace tophash::lab

#endif
