// SPDX-License-Identifier: Apache-2.0
// T-D5. Where go_like puts what in a bucket of 8-byte keys and strings: a map of known content is searched
// byte for byte, as bench/go/offsets.go does with the runtime's map. A string is two words in Go, so it is
// here.
#include <array>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include <tophash/map.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/presets.hpp>

#include "lab/reproduce_measure.hpp"

namespace tophash::lab {

namespace offsets_parts {
namespace {

struct text_words {
  std::uint64_t data = 0, length = 0;
};

// The inside of a container is its own; a class derived from it may look.
struct looked_into : map<std::int64_t, text_words, presets::go_like, hashing::identity> {
  using base = map<std::int64_t, text_words, presets::go_like, hashing::identity>;
  using base::base;
  using inside = table::container<std::int64_t, text_words, typename base::spec_type>;
  using bucket = typename inside::model::bucket;
  const bucket* first() const noexcept { return this->inside::s_.current.at(0); }
};

constexpr std::size_t bucket_bytes = sizeof(looked_into::bucket);
constexpr std::uint64_t first_value = 0x0123'4567'89ab'cdef;

// Of the first word that holds it.
double offset_of(const std::array<unsigned char, bucket_bytes>& bytes, std::uint64_t word) {
  for (std::size_t at = 0; at + sizeof word <= bytes.size(); at += sizeof word) {
    if (std::memcmp(bytes.data() + at, &word, sizeof word) == 0) return static_cast<double>(at);
  }
  throw claim_error(fmt::format("no word of the bucket holds {:#x}", word));
}

std::array<unsigned char, bucket_bytes> bytes_of(const looked_into& m) {
  std::array<unsigned char, bucket_bytes> out;
  std::memcpy(out.data(), m.first(), out.size());
  return out;
}

// Keys of the first bucket, each with a tag of its own.
constexpr std::int64_t key_of(std::int64_t n) { return (0x21 + n) << 56 | (n << 20); }

}  // namespace
}  // namespace offsets_parts

claim_measurement measure_offsets(const claim_request& request) {
  using namespace offsets_parts;
  static const std::vector<built_composition<int>> built = {{"go_like", 0}};
  static_cast<void>(chosen(*request.table, built));
  claim_measurement out;
  looked_into m(13);
  for (std::int64_t n = 0; n < 8; ++n)
    m.insert_or_assign(key_of(n), text_words{first_value + static_cast<std::uint64_t>(n), 0});
  const auto full = bytes_of(m);
  m.insert_or_assign(key_of(8), text_words{});
  const auto linked = bytes_of(m);
  std::size_t link = 0;
  while (link < full.size() && full[link] == linked[link]) ++link;
  std::uint64_t tags = 0;
  for (std::uint64_t n = 0; n < 8; ++n) tags |= (0x21 + n) << (8 * n);
  const auto add = [&out](const char* part, double offset) {
    note(out, std::string{"offset."} + part, "bytes", true, offset);
  };
  add("tags", offset_of(full, tags));
  add("keys", offset_of(full, static_cast<std::uint64_t>(key_of(0))));
  add("values", offset_of(full, first_value));
  add("link", static_cast<double>(link / sizeof(void*) * sizeof(void*)));
  out.rounds = 1;
  out.setting = fmt::format("a full bucket of {} bytes", bucket_bytes);
  const auto at = [&out](const char* part) { return median_of(out, std::string{"offset."} + part); };
  out.why.push_back(fmt::format("tags at {}, eight keys at {}, eight values at {}, the link at {}; Go's link "
                                "is the last word, ours the first",
                                at("tags"), at("keys"), at("values"), at("link")));
  return out;
}

}  // namespace tophash::lab
