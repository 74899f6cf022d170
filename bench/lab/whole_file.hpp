// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all: it is written beside its place and renamed into it, so that nobody
// reads half of it and what was there before stays until then. Through a symbolic link the file that it names
// is replaced. A device or a pipe (/dev/stdout, a shell's >(command)) is written where it is: a rename would
// put a file in its stead.
#ifndef TOPHASH_BENCH_LAB_WHOLE_FILE_HPP
#define TOPHASH_BENCH_LAB_WHOLE_FILE_HPP

#include <filesystem>
#include <string>
#include <string_view>

namespace tophash::lab {

class whole_file {
 public:
  // Throws command_error if nothing can be written there, before anything is; it leaves an empty file beside.
  explicit whole_file(const std::string& name);
  whole_file(const whole_file&) = delete;
  whole_file& operator=(const whole_file&) = delete;
  ~whole_file();  // without keep(): as if there had been nothing

  const std::filesystem::path& path() const noexcept { return written_; }  // to be written, and closed
  bool in_place() const noexcept { return written_ == place_; }
  void keep();  // throws command_error

 private:
  std::string name_;
  std::filesystem::path place_, written_;
  bool kept_ = false;
};

// All of it at once. Throws command_error.
void write_whole_file(const std::string& name, std::string_view bytes);

// Throws command_error if write_whole_file(name) would fail for what is known before: long work comes
// between.
void check_writable(const std::string& name);

}  // namespace tophash::lab

#endif
