// SPDX-License-Identifier: Apache-2.0
// Writes a trace of map operations, in the format that `tophash replay` reads (bench/traces/README.md):
//
//   time,op,key,size          ms since the recording began; g get, s set, d delete, c clear; a number; bytes
//   0,s,17,8
//
//   observe::trace_writer trace("operations.csv");
//   tophash::traced<std::unordered_map<long, long>> m{trace};        // framework/traced.hpp
//   tophash::map<K, V, observe::recorder> n{observe::recorder{trace}};  // policies/observe/recorder.hpp
//
// Memory: one block of 64 KiB, whatever the length. A block is written when the next row would not fit, by
// flush(), close() and the end of the writer. If a block cannot be written (a full disk), the file is cut
// back to the last whole block where the system can (POSIX), one line on standard error says why, and every
// later row is counted as lost: the map that is recorded notices nothing. So the file is a valid trace at all
// times after a block. Cost of a row: a lock, about 30 bytes of text and, with times, a reading of the clock.
// Threads: any number may write; rows stand in the order in which they took the lock. One writer is one
// trace, and a trace has no names of maps in it: one map to a writer.
#ifndef TOPHASH_POLICIES_OBSERVE_TRACE_WRITER_HPP
#define TOPHASH_POLICIES_OBSERVE_TRACE_WRITER_HPP

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#define TOPHASH_TRACE_WRITER_CUTS 1
#else
#define TOPHASH_TRACE_WRITER_CUTS 0
#endif

#include <tophash/policies/observe/clock.hpp>

namespace tophash::inline v1 {

namespace observe {

// Is the column `time` filled in? Without, two recordings of the same operations are equal byte by byte.
enum class trace_times : bool { no, yes };

class trace_writer {
 public:
  static constexpr std::size_t block_bytes = 64 * 1024;

  // Makes the file, or empties it. What goes wrong, here and later, is in error().
  explicit trace_writer(const char* path, trace_times times = trace_times::yes) noexcept
      : file_(std::fopen(path, "wb")), owned_(true), times_(times) {
    begin(path);
  }
  // Appends to a file that the user closes, after the writer.
  explicit trace_writer(std::FILE* to, trace_times times = trace_times::yes) noexcept
      : file_(to), times_(times) {
    begin("the given file");
  }
  trace_writer(const trace_writer&) = delete;
  trace_writer& operator=(const trace_writer&) = delete;
  ~trace_writer() { static_cast<void>(close()); }

  void get(std::uint64_t key) noexcept { put('g', key, no_bytes); }
  void set(std::uint64_t key, std::size_t bytes) noexcept { put('s', key, bytes); }
  void erase(std::uint64_t key) noexcept { put('d', key, no_bytes); }
  void clear() noexcept { put('c', no_key, no_bytes); }

  // Writes what is waiting. False: see error().
  bool flush() noexcept {
    const std::lock_guard guard(lock_);
    return write_block();
  }
  // The same, and closes the file; later rows are lost.
  bool close() noexcept {
    const std::lock_guard guard(lock_);
    bool whole = write_block();
    if (std::FILE* const file = std::exchange(file_, nullptr); file != nullptr && owned_) {
      if (std::fclose(file) != 0 && error_ == 0) whole = fail(errno);
    }
    return whole;
  }

  std::uint64_t rows() const noexcept { return locked(rows_); }  // in the file, or waiting for its block
  std::uint64_t lost_rows() const noexcept { return locked(lost_); }
  // After an error: does the file end with a whole row? Not where the system cannot cut files (a pipe).
  bool ends_whole() const noexcept { return locked(error_) == 0 || locked(cut_); }
  // Null, or why writing has ended.
  const char* error() const noexcept {
    const int why = locked(error_);
    return why == 0 ? nullptr : std::strerror(why);
  }

 private:
  static constexpr std::size_t row_bytes_max = 96, no_bytes = static_cast<std::size_t>(-1);
  static constexpr std::uint64_t size_most = 0xffff'ffff;  // of the format
  static constexpr std::uint64_t no_key = 0;
  static constexpr std::string_view head = "time,op,key,size\n";

  template <class T>
  T locked(const T& member) const noexcept {
    const std::lock_guard guard(lock_);
    return member;
  }

  void begin(const char* path) noexcept {
    std::snprintf(name_, sizeof name_, "%s", path);
    if (file_ == nullptr) {
      static_cast<void>(fail(errno != 0 ? errno : EIO));
      return;
    }
    block_.reset(new (std::nothrow) char[block_bytes]);
    if (block_ == nullptr) {
      static_cast<void>(fail(ENOMEM));
      return;
    }
    std::setvbuf(file_, nullptr, _IONBF, 0);  // a block is whole, or known not to be
    start_bytes_ = std::ftell(file_);
    append(head);
    start_ns_ = clock_ns<std::chrono::steady_clock>();
  }

  void put(char what, std::uint64_t key, std::size_t bytes) noexcept {
    const std::lock_guard guard(lock_);
    if (error_ != 0 || file_ == nullptr || (used_bytes_ + row_bytes_max > block_bytes && !write_block())) {
      ++lost_;
      return;
    }
    if (times_ == trace_times::yes) {
      constexpr std::uint64_t ns_per_ms = 1'000'000;
      append((clock_ns<std::chrono::steady_clock>() - start_ns_) / ns_per_ms);
    }
    append(std::string_view{","}), append(std::string_view{&what, 1}), append(std::string_view{","});
    if (what != 'c') append(key);
    append(std::string_view{","});
    if (bytes != no_bytes) append(std::uint64_t{bytes} < size_most ? std::uint64_t{bytes} : size_most);
    append(std::string_view{"\n"});
    ++rows_;
    ++waiting_;
  }

  void append(std::string_view text) noexcept {
    std::memcpy(block_.get() + used_bytes_, text.data(), text.size());
    used_bytes_ += text.size();
  }
  void append(std::uint64_t number) noexcept {
    char* const at = block_.get() + used_bytes_;
    used_bytes_ = static_cast<std::size_t>(std::to_chars(at, at + 20, number).ptr - block_.get());
  }

  // Under the lock.
  bool write_block() noexcept {
    if (error_ != 0 || file_ == nullptr) return error_ == 0;
    if (used_bytes_ == 0) return true;
    errno = 0;
    if (std::fwrite(block_.get(), 1, used_bytes_, file_) != used_bytes_)
      return fail(errno != 0 ? errno : EIO);
    whole_bytes_ += static_cast<long>(used_bytes_);
    used_bytes_ = 0;
    waiting_ = 0;
    return true;
  }

  [[gnu::cold]] bool fail(int why) noexcept {
    error_ = why;
    rows_ -= waiting_;
    lost_ += std::exchange(waiting_, 0u);
#if TOPHASH_TRACE_WRITER_CUTS
    if (file_ != nullptr && start_bytes_ >= 0)
      cut_ = ::ftruncate(::fileno(file_), start_bytes_ + whole_bytes_) == 0;
#endif
    std::fprintf(stderr, "tophash: the trace %s ends after %llu rows: %s\n", name_,
                 static_cast<unsigned long long>(rows_), std::strerror(why));
    return false;
  }

  mutable std::mutex lock_;
  std::FILE* file_ = nullptr;
  std::unique_ptr<char[]> block_;
  std::size_t used_bytes_ = 0;
  long start_bytes_ = 0, whole_bytes_ = 0;
  std::uint64_t start_ns_ = 0, rows_ = 0, lost_ = 0, waiting_ = 0;
  int error_ = 0;
  bool owned_ = false, cut_ = false;
  trace_times times_;
  char name_[128] = {};
};

}  // namespace observe

}  // namespace tophash::inline v1

#undef TOPHASH_TRACE_WRITER_CUTS

#endif
