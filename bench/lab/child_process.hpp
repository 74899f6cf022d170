// SPDX-License-Identifier: Apache-2.0
// Work in a child process: a fork has the program's records already, a heap and a collector of its own from
// there on, and sends its figures back through a pipe as one line of JSON. What kills it is reported, not
// caught.
#ifndef TOPHASH_BENCH_LAB_CHILD_PROCESS_HPP
#define TOPHASH_BENCH_LAB_CHILD_PROCESS_HPP

#include <functional>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

// What body() returned in a child, or {"trouble": why there is nothing}. An interrupt of this program
// (interrupt_requested) ends the child.
nlohmann::json in_child(const std::function<nlohmann::json()>& body);

}  // namespace tophash::lab

#endif
