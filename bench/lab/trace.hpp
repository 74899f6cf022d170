// SPDX-License-Identifier: Apache-2.0
// Traces: text of lines `time,op,key,size`, compressed with zstd (or plain), read as a stream: 64 KiB of text
// in memory at a time, whatever the file's size. Format and origin of the shipped ones:
// bench/traces/README.md. Malformed or cut input is an error that names file, line and reason; nothing is
// skipped.
#ifndef TOPHASH_BENCH_LAB_TRACE_HPP
#define TOPHASH_BENCH_LAB_TRACE_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lab/program.hpp"

namespace tophash::lab {

// what() is `file:line: reason`; line 0 is the file as a whole, and not named.
class trace_error : public std::runtime_error {
 public:
  trace_error(const std::string& file, std::uint64_t line, const std::string& reason);
  std::uint64_t line() const noexcept { return line_; }

 private:
  std::uint64_t line_;
};

struct trace_row {
  bool clears = false;  // the map; otherwise:
  operation what = operation::get;
  std::string_view key;  // valid until the next row is read; empty where `clears`
  std::uint32_t size_bytes = 0;
  std::uint64_t line = 0;
};

class trace_reader {
 public:
  explicit trace_reader(const std::filesystem::path& file);
  trace_reader(const trace_reader&) = delete;
  trace_reader& operator=(const trace_reader&) = delete;
  ~trace_reader();

  bool next(trace_row& row);   // false at the end of a whole trace
  std::string sha256() const;  // of the file's bytes; known once next() was false

 private:
  struct stream;
  std::unique_ptr<stream> stream_;
};

enum class trace_keys : std::uint8_t { detect, u64, string };

struct trace {
  std::string file;
  std::string sha256;
  any_program operations;  // mixed segments, each followed by an audit; a clear between two
  std::uint64_t gets = 0, sets = 0, erases = 0, clears = 0;
  std::uint64_t rows() const noexcept { return gets + sets + erases + clears; }
};

// The operations as a cache of `capacity` entries instead, empty after each clear.
void make_cache(any_program& operations, std::size_t capacity);

// `detect`: numbers if the first key is one (a later key that is none is then an error). At most `row_limit`
// rows.
trace load_trace(const std::filesystem::path& file, trace_keys keys = trace_keys::detect,
                 std::uint64_t row_limit = UINT32_MAX);

}  // namespace tophash::lab

#endif
