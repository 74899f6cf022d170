// SPDX-License-Identifier: Apache-2.0
// The guided first experiment: what deletion, growth, overflow source, storage and collector cost on a real
// recording, and Go's own load table measured again. Under 150 s on two cores; most of it is timed rounds.
#ifndef TOPHASH_BENCH_LAB_TOUR_HPP
#define TOPHASH_BENCH_LAB_TOUR_HPP

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tophash::lab {

struct tour_request {
  std::string output;  // a folder
  std::string trace;   // empty: the shipped recording
  unsigned repeat = 6;
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress;
  std::function<void(const std::string&)> say;  // a line of what was found
};

// The exit code. Throws command_error.
int run_tour(const tour_request& request);

}  // namespace tophash::lab

#endif
