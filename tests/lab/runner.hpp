// SPDX-License-Identifier: Apache-2.0
// Runs the lab program as a user would: with a folder of its own, its output in files, its exit code judged.
#ifndef TOPHASH_TESTS_LAB_RUNNER_HPP
#define TOPHASH_TESTS_LAB_RUNNER_HPP

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;
using nlohmann::json;

inline std::string program;
inline fs::path folder;
inline int failures = 0;

inline void check(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "FAILED: %s\n", what.c_str());
}

// The rest of a case cannot be tested here. Said, and told to CTest.
constexpr int exit_skipped = 77;
inline bool skipped = false;
inline void skip(const char* why) {
  skipped = true;
  std::puts(why);
}

inline std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline fs::path write(const std::string& name, const std::string& text) {
  std::ofstream(folder / name, std::ios::binary) << text;
  return folder / name;
}

struct outcome {
  int code = -1;
  std::string out, err;
  json parsed() const {
    json j = json::parse(out, nullptr, false);
    check(!j.is_discarded(), "standard output is no JSON: " + out.substr(0, 200));
    return j.is_discarded() ? json::object() : j;
  }
};

// Where two run at once, each has files of its own: `who` tells them apart.
inline pid_t start(const std::vector<std::string>& arguments, const std::string& who = "") {
  const pid_t child = ::fork();
  if (child != 0) return child;
  const auto redirect = [&who](const char* stream, int to) {
    const std::string name = stream + who;
    const int file = ::open((folder / name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ::dup2(file, to);
  };
  redirect("stdout", STDOUT_FILENO);
  redirect("stderr", STDERR_FILENO);
  std::vector<char*> argv;
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

inline outcome finish(pid_t child, const std::string& who = "") {
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          contents(folder / ("stdout" + who)), contents(folder / ("stderr" + who))};
}

inline outcome run(const std::vector<std::string>& arguments) { return finish(start(arguments)); }

inline void expect(const std::vector<std::string>& arguments, int code, const std::string& in_error = "") {
  std::string command = "tophash";
  for (const std::string& a : arguments) command += " " + a;
  const outcome o = run(arguments);
  check(o.code == code,
        command + " ended with " + std::to_string(o.code) + ", not " + std::to_string(code) + ": " + o.err);
  check(o.err.find(in_error) != std::string::npos,
        command + " does not say '" + in_error + "' but: " + o.err);
}

// A case starts with an empty folder and an empty cache in it; 0: nothing failed.
template <class Case>
int run_case_of(const char* program_file, const char* folder_name, const Case& body) {
  program = fs::absolute(program_file).string();
  folder = fs::absolute(folder_name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  try {
    body();
  } catch (const std::exception& error) {
    check(false, error.what());
  }
  return failures != 0 ? 1 : skipped ? exit_skipped : 0;
}

#endif
