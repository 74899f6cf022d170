// SPDX-License-Identifier: Apache-2.0
// The bytes of a file, decompressed where the first four say zstd, 64 KiB at a time whatever the file's size;
// and lines or records out of them. Each layer knows only the one below it and says its own kind of error,
// without file or place: those are the reader's to add.
#ifndef TOPHASH_BENCH_LAB_BYTE_SOURCE_HPP
#define TOPHASH_BENCH_LAB_BYTE_SOURCE_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tophash::lab {

class input_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class byte_source {
 public:
  explicit byte_source(const std::filesystem::path& file);
  byte_source(const byte_source&) = delete;
  byte_source& operator=(const byte_source&) = delete;
  ~byte_source();

  std::string_view next();     // valid until the next call; empty at the end
  std::string sha256() const;  // of the file's bytes read so far: of all of them once next() was empty

 private:
  struct stream;
  std::unique_ptr<stream> stream_;
};

class line_source {
 public:
  explicit line_source(const std::filesystem::path& file) : bytes_(file) {}

  bool next(std::string_view& out);  // without its end; false: no more
  std::uint64_t line() const noexcept { return line_; }
  std::string sha256() const { return bytes_.sha256(); }

 private:
  byte_source bytes_;
  std::string_view rest_;
  std::string carried_;  // a line that lies across two pieces
  std::uint64_t line_ = 0;
};

// Of fixed size.
class record_source {
 public:
  record_source(const std::filesystem::path& file, std::size_t bytes) : bytes_(file), record_bytes_(bytes) {}

  bool next(std::string_view& out);                          // false: the file ends behind a whole record
  std::uint64_t record() const noexcept { return record_; }  // counted from 1
  std::string sha256() const { return bytes_.sha256(); }

 private:
  byte_source bytes_;
  std::size_t record_bytes_;
  std::string_view rest_;
  std::string carried_;
  std::uint64_t record_ = 0;
};

}  // namespace tophash::lab

#endif
