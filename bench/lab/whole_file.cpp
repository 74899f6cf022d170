// SPDX-License-Identifier: Apache-2.0
#include "lab/whole_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include <unistd.h>

#include "lab/experiment.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
  throw command_error(exit_check_failed, name + ": cannot be written: " + reason);
}

// Where its bytes end: behind symbolic links.
fs::path place_of(const std::string& name) {
  std::error_code none;
  const fs::path there = fs::weakly_canonical(name, none);
  return none ? fs::path{name} : there;
}

bool is_special(const fs::path& place) {
  std::error_code none;
  const fs::file_status status = fs::status(place, none);
  return fs::exists(status) && !fs::is_regular_file(status);
}

}  // namespace

whole_file::whole_file(const std::string& name) : name_(name), place_(place_of(name)), written_(place_) {
  check_writable(name);
  if (is_special(place_)) return;
  written_ += ".part";
  std::FILE* const probe = std::fopen(written_.c_str(), "wb");
  if (probe == nullptr) refuse(name_, std::strerror(errno));
  std::fclose(probe);
}

whole_file::~whole_file() {
  std::error_code ignored;
  if (!kept_ && !in_place()) fs::remove(written_, ignored);
}

void whole_file::keep() {
  if (!in_place()) {
    std::error_code failed;
    fs::rename(written_, place_, failed);
    if (failed) refuse(name_, failed.message());
  }
  kept_ = true;
}

void write_whole_file(const std::string& name, std::string_view bytes) {
  whole_file file(name);
  std::FILE* const to = std::fopen(file.path().c_str(), "wb");
  if (to == nullptr) refuse(name, std::strerror(errno));
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size();
  const int why = errno;
  const bool closed = std::fclose(to) == 0;  // this, too, may be what finds the disk full
  if (!written || !closed) refuse(name, std::strerror(written ? errno : why));
  file.keep();
}

void check_writable(const std::string& name) {
  const fs::path place = place_of(name);
  std::error_code none;
  const fs::file_status status = fs::status(place, none);
  if (fs::is_directory(status)) refuse(name, std::strerror(EISDIR));
  if (fs::exists(status) && ::access(place.c_str(), W_OK) != 0) refuse(name, std::strerror(errno));
  if (is_special(place)) return;
  const fs::path parent = place.has_parent_path() ? place.parent_path() : fs::path{"."};
  if (::access(parent.c_str(), W_OK | X_OK) != 0) refuse(name, std::strerror(errno));
}

}  // namespace tophash::lab
