// SPDX-License-Identifier: Apache-2.0
// `tophash import`: traces that people have, as traces of ours (trace.hpp). Read as streams, compressed with
// zstd or not; a wrong record is an error that names file, record (of text: line) and reason, and then there is no output.
//   oracle_general  libCacheSim's binary: records of 24 bytes, little-endian: u32 time in seconds, u64
//   object,
//                   u32 size, i64 number of the object's next request, -1 or 2^63-1: none
//   csv             columns that --columns names; libCacheSim's csv reader takes the same. A first line that
//   starts
//                   with '#' or whose time is no number is a header
//   twitter         Twitter's cache traces: timestamp, key, key size, value size, client, operation, TTL
//
// Operations: get, gets -> g. set, add, replace, cas, append, prepend -> s. delete -> d. incr, decr -> g:
// they find the entry and change its value in place. A record without an operation is a request to a cache:
// g.
//
// `as_map`: for a replay without --capacity, where nothing would insert what is only ever looked up. The
// first request of a key that is not there sets it; in oracle_general its last one is followed by a delete.
#ifndef TOPHASH_BENCH_LAB_IMPORT_TRACE_HPP
#define TOPHASH_BENCH_LAB_IMPORT_TRACE_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

struct import_request {
  std::string format, input, output;
  bool as_map = false;
  std::string columns = "time=1,key=2,size=3";  // csv; op= is optional, size= too
  std::string delimiter = ",";                  // csv: one character, or `tab`
  std::optional<std::uint64_t> row_limit;       // records read
};

struct import_result {
  import_request request;
  std::string input_sha256;  // empty with a row limit: the rest was not read
  std::uint64_t records = 0, gets = 0, sets = 0, erases = 0, encoded_keys = 0;
  bool interrupted = false;
};

// Throws command_error. What was read before an interruption is a whole trace.
import_result import_trace(const import_request& request);

std::string import_text(const import_result& r);

// A key as the trace format can hold it: %, comma, blanks, control characters and bytes above 126 become %XX.
// No two keys become one.
std::string encoded_key(std::string_view key);

}  // namespace tophash::lab

#endif
