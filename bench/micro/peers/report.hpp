// SPDX-License-Identifier: Apache-2.0
// What a run of the peers bench says: a line a task while it runs, a summary at the end, and all of it as
// JSON.
#ifndef TOPHASH_BENCH_MICRO_PEERS_REPORT_HPP
#define TOPHASH_BENCH_MICRO_PEERS_REPORT_HPP

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "micro/peers/run.hpp"

namespace tophash::peers {

// The circumstances that a figure depends on.
struct circumstances {
  std::string compiler;
  std::string flags;
  std::string processor;
  std::string huge_pages;  // the kernel's setting for transparent ones
  std::string hashing;     // shared or native
  bool keeps_freed_heap = false;
  std::vector<std::string> absent;  // peers not compiled in, with the package that has them
  std::string left_out;             // peers that the quick run leaves out
};

std::string heading(const bench& b, const circumstances& how);
std::string table_head(const bench& b);
std::string table_line(const bench& b, const task_result& result);
std::string summary(const bench& b, const std::vector<task_result>& results);
nlohmann::json to_json(const bench& b, const circumstances& how, const std::vector<task_result>& results);

}  // namespace tophash::peers

#endif
