// SPDX-License-Identifier: Apache-2.0
#include "lab/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/measure.hpp"
#include "lab/storages.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

bool write_all(int file, const std::string& text) noexcept {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

// All that the child sends. Who interrupts the program alone, not its group, ends the child with it; by SIGKILL, as
// the child may still have this program's handler or its mask.
std::string read_all(int file, pid_t child) {
  std::string out;
  char buffer[4096];
  for (;;) {
    if (interrupt_requested.load(std::memory_order_relaxed)) ::kill(child, SIGKILL);
    pollfd ready{.fd = file, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 100) <= 0) continue;
    const ssize_t n = ::read(file, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

std::string death_of(int status) {
  if (WIFSIGNALED(status)) return std::string{"its process was ended by "} + strsignal(WTERMSIG(status));
  return "its process ended with code " + std::to_string(WEXITSTATUS(status));
}

[[noreturn]] void be_child(int file, const std::function<json()>& body) {
  json answer;
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGINT, SIGSEGV, SIGTERM})
    ::signal(signal, SIG_DFL);
  keep_freed_memory(false);
  try {
    answer = body();
  } catch (const std::exception& error) {
    answer = {{"trouble", error.what()}};
  }
  const bool sent = write_all(file, answer.dump());
  ::_exit(sent ? 0 : 1);
}

}  // namespace

json in_child(const std::function<json()>& body) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return {{"trouble", std::string{"pipe: "} + std::strerror(errno)}};
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]), ::close(ends[1]);
    return {{"trouble", std::string{"fork: "} + std::strerror(errno)}};
  }
  if (child == 0) {
    ::close(ends[0]);
    be_child(ends[1], body);
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0], child);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  json answer = json::parse(text, nullptr, false);
  if (status != 0 || answer.is_discarded()) return {{"trouble", death_of(status)}};
  return answer;
}

}  // namespace tophash::lab
