// SPDX-License-Identifier: Apache-2.0
// Writes a trace: rows to text, text to a file, compressed with zstd where that is asked for.
#ifndef TOPHASH_BENCH_LAB_TRACE_FILE_HPP
#define TOPHASH_BENCH_LAB_TRACE_FILE_HPP

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace tophash::lab {

class trace_file {
 public:
  // Throws command_error, as all of it.
  trace_file(const std::filesystem::path& path, bool compressed);
  trace_file(const trace_file&) = delete;
  trace_file& operator=(const trace_file&) = delete;
  ~trace_file();

  void row(std::int64_t ms, char operation, std::string_view key,
           std::optional<std::uint32_t> size_bytes = {});
  void row(std::int64_t ms, char operation, std::uint64_t key, std::optional<std::uint32_t> size_bytes = {});
  void finish();  // without it the file is not whole

 private:
  struct stream;
  std::unique_ptr<stream> stream_;
};

}  // namespace tophash::lab

#endif
