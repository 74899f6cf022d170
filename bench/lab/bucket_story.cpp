// SPDX-License-Identifier: Apache-2.0
#include "lab/bucket_story.hpp"

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <tophash/dump.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/presets.hpp>

namespace tophash::lab::bucket_story_parts {

struct object {
  std::uint64_t words[4] = {};
};

}  // namespace tophash::lab::bucket_story_parts

template <>
struct tophash::gc_traits<tophash::lab::bucket_story_parts::object> {
  static constexpr bool may_contain_pointers = false;
};

namespace tophash::lab {

namespace bucket_story_parts {
namespace {

using nlohmann::json;
using drawn_map = map<std::uint64_t, object*, presets::go_like, hashing::identity, gc::precise>;

// Of four buckets the low two bits choose, of eight the next one too; the top byte is the tag.
constexpr std::uint64_t key_of(std::uint64_t bucket, std::uint64_t tag, bool upper_half) {
  return bucket + (upper_half ? 4 : 0) + (tag << 56);
}

// A line of the dump: `bucket 3   | c1 -- 5f .. .. .. .. .. | 2 live`, `  overflow  | ...`.
void read_line(std::string_view line, json& array) {
  const std::size_t bar = line.find('|');
  if (bar == std::string_view::npos) return;
  json tags = json::array();
  for (std::size_t at = bar + 2; at + 2 <= line.size() && line[at] != '|'; at += 3)
    tags.push_back(std::string{line.substr(at, 2)});
  json& chains = array["chains"];
  if (constexpr std::string_view head = "bucket "; line.starts_with(head)) {
    std::uint64_t number = 0;
    std::from_chars(line.data() + head.size(), line.data() + bar, number);
    chains.push_back({{"bucket", number}, {"buckets", json::array()}});
  }
  if (chains.empty()) throw std::logic_error("bucket story: an overflow bucket before any bucket");
  chains.back()["buckets"].push_back(std::move(tags));
}

json arrays_of(const drawn_map& m) {
  const std::string text = dump(m, {.spec = false});
  json arrays =
      json::array({{{"name", m.stats().growing ? "new array" : "array"}, {"chains", json::array()}}});
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line == "old array")
      arrays.push_back({{"name", "old array"}, {"chains", json::array()}});
    else
      read_line(line, arrays.back());
  }
  return arrays;
}

}  // namespace
}  // namespace bucket_story_parts

nlohmann::json bucket_story() {
  using namespace bucket_story_parts;
  gc::precise_heap heap;
  drawn_map m{gc::precise(heap)};
  m.reserve(14);  // four buckets
  json out = json::array();
  const auto put = [&](std::uint64_t key) { m.try_emplace(key, heap.make<object>().get()); };
  const auto show = [&](const char* title, std::string says) {
    out.push_back({{"title", title}, {"says", std::move(says)}, {"arrays", arrays_of(m)}});
  };

  const auto is_upper = [](std::uint64_t tag) { return (tag & 1) == 0; };
  for (std::uint64_t tag = 0x11; tag <= 0x88; tag += 0x11) put(key_of(0, tag, is_upper(tag)));
  show("insert",
       "Eight keys whose hashes end alike fill bucket 0. In each slot stands the tag, the hash's top byte.");

  for (std::uint64_t tag : {0x99u, 0xaau}) put(key_of(0, tag, is_upper(tag)));
  show("overflow", "The ninth key gets an overflow bucket, linked to the first. Nothing moves.");

  m.erase(key_of(0, 0x44, true));
  show("delete",
       "The slot of an erased entry is marked as a tombstone (--): something follows in its chain.");

  const std::size_t before = heap.in_use_bytes();
  heap.collect();
  show("collect", "A collection frees the object that the erased value led to, and no slot and no bucket.");
  out.back()["collected_bytes"] = before - heap.in_use_bytes();

  for (std::uint64_t tag : {0xaau, 0x99u}) m.erase(key_of(0, tag, is_upper(tag)));
  show("collapse",
       "Where nothing follows, slots become empty from here on (..), backwards as far as that reaches. The "
       "overflow bucket stays.");

  put(key_of(0, 0xbb, false));
  show("insert again", "A new key takes the first slot that is free in its chain: the tombstone's.");

  for (std::uint64_t tag = 0x20; !m.stats().growing; ++tag) put(key_of(1 + tag % 3, tag, is_upper(tag)));
  show("evacuate",
       fmt::format(
           "The entry after 6.5 x 4 starts a growth: entry {} asks for eight buckets, and each write moves "
           "two chains at most. Entries go to bucket i (lo) or i + 4 (hi); mt was empty.",
           m.size()));

  while (m.stats().growing) m.erase(~std::uint64_t{0});
  show("grown",
       "Erases of an absent key carry the growth on as well. With the last chain the old array goes.");
  return out;
}

}  // namespace tophash::lab
