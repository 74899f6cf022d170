// SPDX-License-Identifier: Apache-2.0
// `tophash reproduce`: measures what the chosen claim files name, with our framework and on request with real
// Go, and holds each published figure against it. Every figure but the published ones comes from this run;
// verdicts come from the files' rules. A claim that no figure decides is answered with what does: the test
// and how to run it, the command of Go's, or why there is none.
#ifndef TOPHASH_BENCH_LAB_REPRODUCE_HPP
#define TOPHASH_BENCH_LAB_REPRODUCE_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/claims.hpp"
#include "lab/claims_verdict.hpp"
#include "lab/machine_share.hpp"
#include "lab/reproduce_go.hpp"
#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

// Of nine rounds the interval leaves out the least and the greatest (96 %), of fewer none may be left out. Quick runs
// have as many, of smaller sizes: with five, one disturbed round left two rows of T-B1 open in one run of two.
inline constexpr unsigned reproduce_rounds = 9;

// Where other processes took more than this of a processor while a table was measured, its times are judged as
// ones that may be too long by the factor. Measured beside two processes for each processor that write all over
// 64 MiB: medians of T-A3 and T-C1 up to 4.1 times what they are alone, single rounds up to 5.6 times.
inline constexpr double busy_processors = 0.15, slowed_at_most = 8;

struct reproduce_request {
  std::vector<std::string> ids;  // tables (T-A1), their rows (T-A1.make), claims (A30); empty: every table
  std::string claims;            // folder; empty: as claims_folder finds it
  bool quick = false;
  bool with_go = false;
  std::optional<unsigned> repeat;  // rounds
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
  std::function<void(const std::string&)> say = [](const std::string&) {
  };  // each table's text, when it is ready
};

struct judged_claim {
  const claim* published = nullptr;
  ruling here;
  std::optional<ruling> go;
};

struct reproduced_table {
  claim_table table;
  std::vector<judged_claim> claims;  // into `table`
  claim_measurement measured;
  std::optional<go_result> go;
  std::string go_absent;  // why there is no Go column's figure
  std::string rerun;
  machine_share cost;
  bool slowed = false;  // other processes were busy

  reproduced_table() = default;
  reproduced_table(reproduced_table&&) = default;
  reproduced_table(const reproduced_table&) = delete;
  reproduced_table& operator=(const reproduced_table&) = delete;
};

struct reproduction {
  reproduce_request request;
  unsigned rounds = 0;
  std::vector<reproduced_table> tables;
  std::vector<ledger_record> records;        // of the claims that were asked for; of all if none was
  std::map<std::string, go_answer> answers;  // of those that need Go, where it was asked for
  std::vector<stated_truth> truths;          // none where only some ids were asked for
  bool interrupted = false;
  double seconds = 0;
};

// Throws command_error (unknown id; Go asked for and absent) and claim_error.
reproduction reproduce(const reproduce_request& request);

// Schema tophash-reproduction-1.
nlohmann::json reproduction_json(const reproduction& r);
std::string reproduction_text(const reproduced_table& t);
// What each table cost; nothing for a single one.
std::string costs_text(const reproduction& r);

// `141 ms (139..150)`; no interval where all rounds agree.
std::string figure_text(const estimate& value, const std::string& unit);

}  // namespace tophash::lab

#endif
