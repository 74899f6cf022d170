// SPDX-License-Identifier: Apache-2.0
// Progress, interruption and files of JSON. A file is written under another name and renamed when it is whole.
#include "lab/terminal.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "lab/experiment.hpp"

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

void write_json(const nlohmann::json& value, const std::string& file) {
  const std::string text = value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (file == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (std::fflush(stdout) != 0) throw command_error(exit_check_failed, "standard output cannot be written");
    return;
  }
  const std::string beside = file + ".part";
  std::ofstream out(beside, std::ios::binary);
  out << text;
  out.close();
  std::error_code failed;
  if (out) std::filesystem::rename(beside, file, failed);
  if (!out || failed) throw command_error(exit_check_failed, file + ": cannot be written");
}

nlohmann::json read_json(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw command_error(exit_check_failed, file + ": cannot be opened");
  try {
    return nlohmann::json::parse(in);
  } catch (const nlohmann::json::parse_error& error) {
    throw command_error(exit_check_failed, file + ": no JSON: " + error.what());
  }
}

}  // namespace tophash::lab
