// SPDX-License-Identifier: Apache-2.0
// `run --workload go_speed --with-go`: how long operations of preset=go_like take, divided by what they take
// with real Go's map. Same keys, same order; in each round one cell is measured with both before the next,
// who begins alternates. The Go half is bench/go/speed.go. No verdict: these are ratios of this machine.
#ifndef TOPHASH_BENCH_LAB_GO_SPEED_HPP
#define TOPHASH_BENCH_LAB_GO_SPEED_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/statistics.hpp"

namespace tophash::lab {

inline constexpr const char* go_speed_name = "go_speed";
inline constexpr unsigned go_speed_rounds = 15;

// `view`: std::string_view, which like Go's string is a pointer and a length; `string` owns its bytes, which
// an insert copies. Both 17 characters, and both are held against Go's string.
enum class speed_key : std::uint8_t { u64, view, string };
std::string_view speed_key_name(speed_key k) noexcept;
// Throws command_error.
speed_key parse_speed_key(std::string_view name);

struct go_speed_request {
  bool with_go = false;
  std::vector<std::string> go;     // programs `go`; empty: the one in PATH
  std::vector<speed_key> keys;     // empty: all three
  std::vector<std::size_t> sizes;  // entries; empty: 1,000, 100,000, 1,000,000
  unsigned rounds = go_speed_rounds;
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// Nanoseconds of thread CPU an operation: insert, hit, miss, iterate, churn (a delete and an insert), erase.
std::map<std::string, double> measure_go_like_speed(speed_key key, std::size_t entries, std::uint64_t seed);

struct speed_row {
  std::string program, version;
  speed_key key = speed_key::u64;
  std::size_t entries = 0;
  std::string operation;
  std::vector<double> ours_ns, go_ns;  // of each round
  estimate ratio;                      // of the rounds' quotients, ours / Go's
};

struct go_speed_result {
  go_speed_request request;
  std::vector<speed_row> rows;
  std::string no_go;
  bool interrupted = false;
};

// Throws command_error.
go_speed_result run_go_speed(const go_speed_request& request);
nlohmann::json go_speed_json(const go_speed_result& r);
std::string go_speed_text(const go_speed_result& r);

}  // namespace tophash::lab

#endif
