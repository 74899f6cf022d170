// SPDX-License-Identifier: Apache-2.0
// What the build knows (compiler, flags, include folders) is in build_facts.hpp, which CMake writes.
#include "lab/compiler.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/build_facts.hpp"
#include "lab/experiment.hpp"
#include "lab/measure.hpp"
#include "lab/sha256.hpp"
#include "lab/shipped.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    if (end != begin) out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

bool is_program(const fs::path& file) {
  std::error_code failed;
  return fs::is_regular_file(file, failed) && ::access(file.c_str(), X_OK) == 0;
}

// ---- processes ----------------------------------------------------------------------------------

// Standard output and error go to the file; 0: not started. Signals are as this program was started with.
pid_t start(const std::vector<std::string>& words, const fs::path& output) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv.front(), &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed == 0) return child;
  std::ofstream(output) << words.front() << ": " << std::strerror(failed) << '\n';
  return 0;
}

class job_pool {
 public:
  job_pool(const compiler& with, std::vector<compile_job>& jobs,
           const std::function<void(const std::string&)>& progress)
      : with_(with),
        jobs_(jobs),
        progress_(progress),
        cores_(std::max(1u, std::thread::hardware_concurrency())) {}

  void run() {
    bool failed = false;
    for (std::size_t next = 0; next < jobs_.size() || !running_.empty();) {
      if (interrupt_requested.load(std::memory_order_relaxed)) end_all();
      if (failed || interrupted_) next = jobs_.size();
      if (next < jobs_.size() && running_.size() < cores_) {
        begin(next++);
        continue;
      }
      if (!reap(failed)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (!interrupted_) return;
    std::error_code ignored;
    for (const compile_job& job : jobs_) fs::remove(job.log, ignored);  // it says nothing but that
    throw command_error(exit_interrupted, "interrupted while compiling");
  }

 private:
  struct process {
    pid_t id;
    compile_job* job;
  };

  void begin(std::size_t index) {
    compile_job& job = jobs_[index];
    progress_("compiling " + std::to_string(index + 1) + " of " + std::to_string(jobs_.size()) + ": " +
              job.title);
    std::vector<std::string> words = with_.command;
    words.insert(words.end(), with_.flags.begin(), with_.flags.end());
    for (const fs::path& folder : with_.include_folders) words.push_back("-I" + folder.string());
    words.insert(words.end(), job.arguments.begin(), job.arguments.end());
    running_.push_back({start(words, job.log), &job});
  }

  // From a terminal the compilers got the signal too; from elsewhere only this program did.
  void end_all() {
    if (std::exchange(interrupted_, true)) return;
    for (const process& p : running_) {
      if (p.id != 0) ::kill(p.id, SIGTERM);
    }
  }

  // Did any end? Only the pool's own children are asked for.
  bool reap(bool& failed) {
    const std::size_t before = running_.size();
    std::erase_if(running_, [&failed](const process& p) {
      int status = -1;
      if (p.id != 0) {
        const pid_t ended = ::waitpid(p.id, &status, WNOHANG);
        if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
      }
      p.job->succeeded = status == 0;
      failed = failed || !p.job->succeeded;
      std::error_code ignored;
      if (p.job->succeeded) fs::remove(p.job->log, ignored);
      return true;
    });
    return running_.size() != before;
  }

  const compiler& with_;
  std::vector<compile_job>& jobs_;
  const std::function<void(const std::string&)>& progress_;
  std::size_t cores_;
  std::vector<process> running_;
  bool interrupted_ = false;
};

std::string version_of(std::vector<std::string> command) {
  command.emplace_back("--version");
  const std::string said = output_of(command);
  return said.substr(0, said.find('\n'));
}

// ---- what there is ------------------------------------------------------------------------------

std::vector<std::string> find_command() {
  const std::string asked = environment("CXX");
  if (std::vector<std::string> words = split(asked, ' '); !words.empty()) {
    const fs::path found = find_program(words.front());
    if (found.empty())
      throw command_error(exit_not_here, "no compiler: CXX is '" + asked +
                                             "', which is no program here; set CXX to a C++20 compiler, or "
                                             "install the package g++ and leave CXX unset");
    words.front() = found.string();
    return words;
  }
  for (const char* candidate : {build_facts::compiler, "c++"}) {
    if (const fs::path found = find_program(candidate); !found.empty()) return {found.string()};
  }
  throw command_error(exit_not_here, "no compiler: CXX is not set, and neither " +
                                         std::string{build_facts::compiler} +
                                         " (which built the lab) nor c++ is here; install the package g++");
}

bool holds(const std::vector<fs::path>& folders, const char* header) {
  return std::any_of(folders.begin(), folders.end(),
                     [header](const fs::path& folder) { return fs::exists(folder / header); });
}

std::vector<fs::path> find_headers() {
  const std::string asked = environment("TOPHASH_INCLUDE");
  const std::string folders = asked.empty() ? std::string{build_facts::include_folders} : asked;
  std::vector<fs::path> out;
  if (const fs::path prefix = installed_prefix(); asked.empty() && !prefix.empty())
    out = {prefix / "include", prefix / "share" / "tophash" / "headers"};
  for (const std::string& folder : split(folders, ':')) out.emplace_back(folder);
  for (const char* header : {"tophash/map.hpp", "lab/variant.hpp"}) {
    if (holds(out, header)) continue;
    throw command_error(exit_not_here,
                        std::string{header} + " is in none of the folders " + folders +
                            (asked.empty() ? " that this program was built with; set TOPHASH_INCLUDE to the "
                                             "include folder and the folder bench, separated by ':'"
                                           : " that TOPHASH_INCLUDE names"));
  }
  return out;
}

}  // namespace

std::string compiler::text() const {
  std::string out;
  for (const std::string& word : command) out += word + " ";
  for (const std::string& flag : flags) out += flag + " ";
  for (const fs::path& folder : include_folders) out += "-I" + folder.string() + " ";
  return out + "(" + version + ")";
}

fs::path find_program(const std::string& word) {
  if (word.find('/') != std::string::npos) return is_program(word) ? fs::path{word} : fs::path{};
  for (const std::string& folder : split(environment("PATH"), ':')) {
    if (is_program(fs::path{folder} / word)) return fs::path{folder} / word;
  }
  return {};
}

std::string output_of(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) {
    command += '\'';
    for (const char c : word) command += c == '\'' ? std::string{"'\\''"} : std::string{c};
    command += "' ";
  }
  std::string out;
  if (std::FILE* const pipe = ::popen((command + "2>&1").c_str(), "r")) {
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) != 0;) out.append(buffer, n);
    ::pclose(pipe);
  }
  return out;
}

compiler find_compiler() {
  compiler out;
  out.include_folders = find_headers();
  out.command = find_command();
  out.version = version_of(out.command);
  out.flags = split(build_facts::flags, ' ');
  // Hidden, so that a call inside the object is as direct as in a program and no function of the program
  // takes the place of one of the same name.
  for (const char* flag : {"-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden"})
    out.flags.emplace_back(flag);
  return out;
}

std::string headers_sha256(const compiler& with) {
  std::vector<fs::path> files;
  const auto add = [&files](const fs::path& folder) {
    constexpr auto follow = fs::directory_options::follow_directory_symlink;
    if (!fs::is_directory(folder)) return;
    for (const fs::directory_entry& e : fs::recursive_directory_iterator(folder, follow)) {
      const fs::path kind = e.path().extension();
      if ((kind == ".hpp" || kind == ".def") && e.is_regular_file()) files.push_back(e.path());
    }
  };
  for (const fs::path& folder : with.include_folders) add(folder / "tophash"), add(folder / "lab");
  std::sort(files.begin(), files.end());
  sha256 hash;
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    hash.feed(file.string() + "\n" + std::to_string(bytes.size()) + "\n");
    hash.feed(bytes);
  }
  return hash.hex();
}

void run_jobs(const compiler& with, std::vector<compile_job>& jobs,
              const std::function<void(const std::string&)>& progress) {
  job_pool(with, jobs, progress).run();
}

std::string first_error(const fs::path& log) {
  std::ifstream in(log);
  std::string first;
  for (std::string line; std::getline(in, line);) {
    if (line.find("error:") != std::string::npos) return line;
    if (first.empty()) first = line;
  }
  return first.empty() ? "the compiler ended without a word" : first;
}

}  // namespace tophash::lab
