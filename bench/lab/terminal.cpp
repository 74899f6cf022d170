// SPDX-License-Identifier: Apache-2.0
// Progress, interruption and files of JSON.
#include "lab/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lab/experiment.hpp"
#include "lab/whole_file.hpp"

namespace tophash::lab {

std::function<void(const std::string&)> progress_line() {
  if (::isatty(STDERR_FILENO) == 0) return [](const std::string&) {};
  return [](const std::string& text) {
    std::fprintf(stderr, "\r\033[K%.100s", text.c_str());
    std::fflush(stderr);
  };
}

void catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupt_requested.store(true, std::memory_order_relaxed); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
}

void flush_output() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return;
  std::clearerr(stdout);  // once is enough
  throw command_error(exit_check_failed, std::string{"standard output cannot be written"} +
                                             (flushed ? "" : std::string{": "} + std::strerror(errno)));
}

void write_json(const nlohmann::json& value, const std::string& file) {
  const std::string text = value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (file == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    flush_output();
    return;
  }
  write_whole_file(file, text);
}

nlohmann::json read_json(const std::string& file) {
  if (std::error_code none; std::filesystem::is_directory(file, none))
    throw command_error(exit_check_failed, file + ": is a directory");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) throw command_error(exit_check_failed, file + ": cannot be opened: " + std::strerror(errno));
  try {
    return nlohmann::json::parse(in);
  } catch (const nlohmann::json::parse_error& error) {
    throw command_error(exit_check_failed, file + ": no JSON: " + error.what());
  }
}

}  // namespace tophash::lab
