// SPDX-License-Identifier: Apache-2.0
#include "lab/reproduce_go.hpp"

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/experiment.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct child_result {
  int code = -1;
  std::string out, err;
};

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void redirect(const fs::path& file, int to) {
  const int opened = ::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (opened < 0 || ::dup2(opened, to) < 0) ::_exit(126);
}

// Both streams go to files in `scratch`, so no pipe can fill up. `settings` are NAME=VALUE for the child
// alone.
child_result run_child(const std::vector<std::string>& words, const fs::path& directory,
                       const fs::path& scratch, const std::vector<std::string>& settings) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const fs::path out = scratch / "stdout", err = scratch / "stderr";
  const pid_t child = ::fork();
  if (child < 0) throw command_error(exit_check_failed, std::string{"fork: "} + std::strerror(errno));
  if (child == 0) {
    redirect(out, STDOUT_FILENO);
    redirect(err, STDERR_FILENO);
    if (::chdir(directory.c_str()) != 0) ::_exit(126);
    for (const std::string& setting : settings) ::putenv(const_cast<char*>(setting.c_str()));
    ::execvp(argv.front(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), contents(out), contents(err)};
}

fs::path make_scratch() {
  std::string name = (fs::temp_directory_path() / "tophash-go-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw command_error(exit_check_failed, name + ": cannot be made: " + std::strerror(errno));
  return name;
}

[[noreturn]] void not_understood(const std::string& why) {
  throw command_error(exit_check_failed, "the Go program's output: " + why);
}

const json& need(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) not_understood(std::string{name} + ": missing");
  return *found;
}

}  // namespace

bool go_installed(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    std::error_code failed;
    return fs::is_regular_file(program, failed) && ::access(program.c_str(), X_OK) == 0;
  }
  const char* path = std::getenv("PATH");
  if (path == nullptr) return false;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const fs::path candidate = fs::path(rest.substr(0, end)) / program;
    std::error_code failed;
    if (fs::is_regular_file(candidate, failed) && ::access(candidate.c_str(), X_OK) == 0) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

namespace {

// The child starts in another folder.
std::string by_path(const std::string& program) {
  return program.find('/') == std::string::npos ? program : fs::absolute(program).string();
}

std::vector<std::string> go_settings(const std::string& scratch) {
  return {"GOCACHE=" + scratch + "/cache",
          "GOPATH=" + scratch + "/path",
          "GOFLAGS=-mod=readonly",
          "GOPROXY=off",
          "GOTOOLCHAIN=local",
          "GO111MODULE=on",
          "CGO_ENABLED=0",
          "GOENV=off",
          "GOWORK=off"};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// A path below the folder is told from there on, and the folder itself by `name`. Of a name that mktemp made
// there ("tmp." and ten letters) nothing but "tmp" is the same in every run.
std::string without_folder(std::string text, const std::string& folder, const std::string& name) {
  static constexpr std::string_view made = "tmp.";
  constexpr std::size_t letters = 10;
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder, at)) {
    const std::size_t end = at + folder.size();
    if (end < text.size() && text[end] == '/') {
      text.erase(at, folder.size() + 1);
      if (text.compare(at, made.size(), made) == 0) text.erase(at + made.size() - 1, letters + 1);
    } else if (end == text.size() || std::isalnum(static_cast<unsigned char>(text[end])) == 0) {
      text.replace(at, folder.size(), name);
      at += name.size();
    } else {
      at = end;  // another folder, whose name begins alike
    }
  }
  return text;
}

go_result result_of(const child_result& ran, const std::string& measurement) {
  if (ran.code == 3) throw no_go_program("there is no Go program for " + measurement);
  if (ran.code != 0) {
    throw command_error(exit_check_failed, "the Go program for " + measurement + " ended with " +
                                               std::to_string(ran.code) + ": " + ran.err);
  }
  return parse_go_result(ran.out);
}

}  // namespace

go_programs::go_programs(const fs::path& sources, const std::string& program) : sources_(sources) {
  if (!go_installed(program)) {
    throw command_error(exit_not_here, "--with-go needs the program '" + program +
                                           "', which is not installed (Debian package " +
                                           std::string{go_package} + ")");
  }
  if (!fs::exists(sources / "go.mod"))
    throw command_error(exit_not_here, sources.string() + ": holds no Go module");
  folder_ = make_scratch();
  const std::string scratch = folder_.string();
  const child_result built = run_child({by_path(program), "build", "-o", scratch + "/programs", "."}, sources,
                                       folder_, go_settings(scratch));
  if (built.code != 0) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw command_error(exit_check_failed, "the Go programs do not build: " + built.err + built.out);
  }
}

go_programs::~go_programs() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

go_answer go_programs::ask(const std::string& command) const {
  const fs::path source_folder = fs::absolute(sources_).lexically_normal().parent_path().parent_path();
  const auto said = [&](const std::string& text) {
    const std::string line = without_folder(first_line(text), source_folder.string(), ".");
    return without_folder(line, folder_.string(), "$TMPDIR");
  };
  std::vector<std::string> settings = go_settings(folder_.string());
  settings.push_back("TMPDIR=" + folder_.string());
  const child_result ran = run_child({"/bin/sh", "-c", command}, source_folder, folder_, settings);
  if (ran.code == 0 && !ran.out.empty()) return {.printed = true, .said = said(ran.out)};
  if (ran.code == 1 && ran.out.empty()) return {.printed = false, .said = ""};
  return {.printed = std::nullopt, .said = "exit code " + std::to_string(ran.code) + ": " + said(ran.err)};
}

std::unique_ptr<go_rounds> go_programs::start(const claim_request& request) const {
  const json how{{"measurement", request.table->workload},
                 {"rounds", request.rounds},
                 {"seed", request.seed},
                 {"parameters", request.parameters},
                 {"stepwise", true}};
  return std::make_unique<go_rounds>(folder_ / "programs", how.dump(), request.table->workload,
                                     request.rounds, folder_);
}

go_result go_programs::run(const std::string& measurement, unsigned rounds, std::uint64_t seed,
                           const std::map<std::string, double>& parameters) const {
  const json how{
      {"measurement", measurement}, {"rounds", rounds}, {"seed", seed}, {"parameters", parameters}};
  const child_result ran =
      run_child({(folder_ / "programs").string(), how.dump()}, folder_, folder_, {"GOGC=100"});
  return result_of(ran, measurement);
}

// The child's two streams are one socket: a signal is not what a write to a dead child should be.
go_rounds::go_rounds(const fs::path& program, const std::string& argument, const std::string& measurement,
                     unsigned rounds, const fs::path& scratch)
    : measurement_(measurement), errors_(scratch / "stderr"), left_(rounds) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw command_error(exit_check_failed, std::string{"socketpair: "} + std::strerror(errno));
  std::vector<std::string> words = {program.string(), argument};
  char* argv[] = {words[0].data(), words[1].data(), nullptr};
  std::string setting = "GOGC=100";
  child_ = ::fork();
  if (child_ == 0) {
    redirect(errors_, STDERR_FILENO);
    if (::dup2(ends[1], STDIN_FILENO) < 0 || ::dup2(ends[1], STDOUT_FILENO) < 0) ::_exit(126);
    if (::chdir(scratch.c_str()) != 0) ::_exit(126);
    ::putenv(setting.data());
    ::execv(argv[0], argv);
    ::_exit(127);
  }
  ::close(ends[1]);
  stream_ = ends[0];
  if (child_ < 0) {
    ::close(stream_);
    throw command_error(exit_check_failed, std::string{"fork: "} + std::strerror(errno));
  }
}

go_rounds::~go_rounds() {
  ::close(stream_);
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
}

// Up to a newline, or to the end of what the process says.
std::string go_rounds::read_line() {
  std::string out;
  char one = 0;
  while (true) {
    const ssize_t got = ::read(stream_, &one, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || one == '\n') return out;
    out += one;
  }
}

void go_rounds::step() {
  if (left_ == 0) return;
  --left_;
  if (::send(stream_, "\n", 1, MSG_NOSIGNAL) == 1) read_line();
}

go_result go_rounds::finish() {
  while (left_ != 0) step();
  child_result ran;
  ran.out = read_line();
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.err = contents(errors_);
  return result_of(ran, measurement_);
}

go_result parse_go_result(const std::string& text) {
  const json top = json::parse(text, nullptr, false);
  if (top.is_discarded() || !top.is_object()) not_understood("no JSON object: " + text.substr(0, 80));
  go_result out;
  try {
    out.version = need(top, "go").get<std::string>();
    for (const auto& [name, metric] : need(top, "metrics").items()) {
      measured_metric m;
      m.unit = need(metric, "unit").get<std::string>();
      m.exact = need(metric, "exact").get<bool>();
      m.rounds = need(metric, "rounds").get<std::vector<double>>();
      out.sample.emplace(name, std::move(m));
    }
    if (const auto found = top.find("missing"); found != top.end() && !found->is_null())
      out.missing = found->get<std::map<std::string, std::string>>();
  } catch (const json::exception& error) {
    not_understood(error.what());
  }
  return out;
}

}  // namespace tophash::lab
