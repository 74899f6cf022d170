// SPDX-License-Identifier: Apache-2.0
// The user's compiler: which one, with which flags and headers, and jobs run with it, as many at a time as
// there are cores. A job's output goes to a log file, which stays where the job failed.
#ifndef TOPHASH_BENCH_LAB_COMPILER_HPP
#define TOPHASH_BENCH_LAB_COMPILER_HPP

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tophash::lab {

struct compiler {
  std::vector<std::string> command;  // the program's path, then words that $CXX had behind it
  std::string version;               // first line of --version
  std::vector<std::string> flags;    // the lab's own, and what a shared object needs
  std::vector<std::filesystem::path> include_folders;
  std::string text() const;  // command, version, flags and folders: what an object's identity depends on
};

// $CXX decides alone where it is set, as in make and cmake; otherwise the compiler that built the lab, else
// c++. The headers: $TOPHASH_INCLUDE (folders separated by ':'), otherwise those that the lab was built with.
// Throws command_error (exit_not_here) that names what was searched, and where.
compiler find_compiler();

// The program that a command's first word means: a path as it is, a name through $PATH; empty: none.
std::filesystem::path find_program(const std::string& word);

// What a command writes to its standard output and error; empty when it cannot be started.
std::string output_of(const std::vector<std::string>& words);

// One hash over the names and contents of all headers that a variant can include.
std::string headers_sha256(const compiler& with);

struct compile_job {
  std::string title;                   // for the line of progress
  std::vector<std::string> arguments;  // behind the compiler's command, flags and include folders
  std::filesystem::path log;
  bool succeeded = false;
};

// Starts jobs in order; where one fails, those that run are waited for and no other is started. A job's log
// is removed when it succeeded. Throws command_error (exit_interrupted) after Ctrl-C.
void run_jobs(const compiler& with, std::vector<compile_job>& jobs,
              const std::function<void(const std::string&)>& progress);

// The first line with `error:`, otherwise the first line, otherwise a sentence.
std::string first_error(const std::filesystem::path& log);

}  // namespace tophash::lab

#endif
