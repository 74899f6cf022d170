// SPDX-License-Identifier: Apache-2.0
// What the preloaded recorder writes and `tophash record` reads: a header, then blocks in the order in which
// they were written, each with the events of one thread in ascending sequence. Sequence numbers are of the
// process, so merging the threads' blocks by them gives the order of the calls. All numbers in the machine's
// own byte order: the file lives as long as one command.
#ifndef TOPHASH_BENCH_RECORD_RAW_RECORDING_HPP
#define TOPHASH_BENCH_RECORD_RAW_RECORDING_HPP

#include <cstdint>

namespace tophash::record {

inline constexpr char file_variable[] = "TOPHASH_RECORD_FILE";
inline constexpr char owner_variable[] = "TOPHASH_RECORD_PROCESS";  // the process that is recorded

inline constexpr std::uint64_t file_magic = 0x3170'6572'6864'7074;  // "tpdhrep1"
inline constexpr std::uint32_t block_magic = 0x6b6c'6274;
inline constexpr std::uint32_t block_events_most = 2720;  // 64 KiB

struct file_header {
  std::uint64_t magic = file_magic;
  std::uint64_t process = 0;
};

struct block_header {
  std::uint32_t magic = block_magic;
  std::uint32_t buffer = 0;  // from 0; one for each thread that lives at a time
  std::uint32_t events = 0;
  std::uint32_t reserved = 0;
};

// A block obtained (bytes asked for, at most 2^32 - 1 are told) or given back.
struct event {
  std::uint64_t sequence;
  std::uint64_t address;
  std::uint32_t bytes;
  std::uint32_t ms_and_kind;  // since the recording began; the highest bit: given back

  static constexpr std::uint32_t freed_bit = 0x8000'0000;
  bool freed() const noexcept { return (ms_and_kind & freed_bit) != 0; }
  std::uint32_t ms() const noexcept { return ms_and_kind & ~freed_bit; }
};

static_assert(sizeof(file_header) == 16 && sizeof(block_header) == 16 && sizeof(event) == 24);

}  // namespace tophash::record

#endif
