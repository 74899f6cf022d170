// SPDX-License-Identifier: Apache-2.0
// For tests of allocation backends: the laws as a list of breaches, requests in one line, and what a program
// says when a check ends it.
#ifndef TOPHASH_TESTS_SUPPORT_BACKENDS_HPP
#define TOPHASH_TESTS_SUPPORT_BACKENDS_HPP

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <tophash/framework/core/purpose.hpp>

#include "laws/allocation.hpp"

namespace tophash::testing {

inline std::vector<std::string> no_reports() { return {}; }

template <class A>
std::vector<std::string> breaches(A handle, const laws::allocation_limits& limits = {}) {
  std::vector<std::string> out;
  laws::check_allocation(
      handle, [&](const std::string& what) { out.push_back(what); }, limits);
  return out;
}

template <class A>
std::vector<std::string> pair_breaches(A a, A b, const laws::allocation_limits& limits = {}) {
  std::vector<std::string> out;
  laws::check_allocation_pair(
      a, b, [&](const std::string& what) { out.push_back(what); }, limits);
  return out;
}

inline request ask(std::size_t bytes, purpose use = purpose::slots, std::size_t align = 16) {
  return {.bytes = bytes, .align = align, .use = use, .trace = nullptr};
}

// What a child process wrote to stderr before it ended, and whether it was aborted.
template <class F>
std::string dying_words(F f) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // Catch2's handler would print a test report
    dup2(ends[1], 2);
    f();
    _exit(0);
  }
  close(ends[1]);
  std::string out;
  std::array<char, 256> buffer;
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? out : "not aborted: " + out;
}

}  // namespace tophash::testing

#endif
