// SPDX-License-Identifier: Apache-2.0
// The same measurements with real Go: bench/go, a module without dependencies, built in a temporary directory
// (nothing is fetched, no cache outside it is written) and run with the same parameters, rounds and seed.
#ifndef TOPHASH_BENCH_LAB_REPRODUCE_GO_HPP
#define TOPHASH_BENCH_LAB_REPRODUCE_GO_HPP

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lab/claims_verdict.hpp"
#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

inline constexpr std::string_view go_package = "golang-go";

// Is `program` one that can be started: a path as it is, a name through PATH?
bool go_installed(const std::string& program = "go");

struct go_result {
  std::string version;  // go1.19.8
  measured_sample sample;
  std::map<std::string, std::string> missing;  // metric: why
};

// What a command of the ledger answered: it printed a line (exit code 0), printed none (1), or decides
// nothing.
struct go_answer {
  std::optional<bool> printed;
  std::string said;  // the first line printed, or of the trouble
};

// A measurement that is taken here and not with Go.
class no_go_program : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One measurement under way in a Go process that waits before each of its rounds, so that rounds here and
// there take turns. Its trouble is told by finish(). Destroyed before that, the process is killed.
class go_rounds {
 public:
  go_rounds(const std::filesystem::path& program, const std::string& argument, const std::string& measurement,
            unsigned rounds, const std::filesystem::path& scratch);
  go_rounds(const go_rounds&) = delete;
  go_rounds& operator=(const go_rounds&) = delete;
  ~go_rounds();

  void step();         // one round, unless all were
  go_result finish();  // the rest. Throws command_error, no_go_program.

 private:
  std::string read_line();

  std::string measurement_;
  std::filesystem::path errors_;
  unsigned left_;
  int child_ = -1, stream_ = -1;
};

class go_programs {
 public:
  // Builds. Throws command_error: exit_not_here without `go`, exit_check_failed with the compiler's words.
  explicit go_programs(const std::filesystem::path& sources, const std::string& program = "go");
  go_programs(const go_programs&) = delete;
  go_programs& operator=(const go_programs&) = delete;
  ~go_programs();

  std::unique_ptr<go_rounds> start(const claim_request& request) const;
  // All rounds at once.
  go_result run(const std::string& measurement, unsigned rounds, std::uint64_t seed,
                const std::map<std::string, double>& parameters) const;

  // By the shell, in the folder that holds bench/go; what it leaves in $TMPDIR goes with the programs.
  // The paths of that folder and of $TMPDIR are cut from what is said: other machines and runs have others.
  go_answer ask(const std::string& command) const;

 private:
  std::filesystem::path sources_, folder_;
};

// What a program prints, read with errors that name the field.
go_result parse_go_result(const std::string& text);

}  // namespace tophash::lab

#endif
