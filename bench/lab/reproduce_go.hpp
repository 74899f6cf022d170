// SPDX-License-Identifier: Apache-2.0
// The same measurements with real Go: bench/go, a module without dependencies, built in a temporary directory
// (nothing is fetched, no cache outside it is written) and run with the same parameters, rounds and seed.
#ifndef TOPHASH_BENCH_LAB_REPRODUCE_GO_HPP
#define TOPHASH_BENCH_LAB_REPRODUCE_GO_HPP

#include <cstdint>
#include <filesystem>
#include <map>
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

class go_programs {
 public:
  // Builds. Throws command_error: exit_not_here without `go`, exit_check_failed with the compiler's words.
  explicit go_programs(const std::filesystem::path& sources, const std::string& program = "go");
  go_programs(const go_programs&) = delete;
  go_programs& operator=(const go_programs&) = delete;
  ~go_programs();

  go_result run(const claim_request& request) const;
  go_result run(const std::string& measurement, unsigned rounds, std::uint64_t seed,
                const std::map<std::string, double>& parameters) const;

  // By the shell, in the folder that holds bench/go; what it leaves in $TMPDIR goes with the programs.
  go_answer ask(const std::string& command) const;

 private:
  std::filesystem::path sources_, folder_;
};

// What a program prints, read with errors that name the field.
go_result parse_go_result(const std::string& text);

}  // namespace tophash::lab

#endif
