// SPDX-License-Identifier: Apache-2.0
// A program written for std::unordered_map. Compiled once as it is, and once for each drop-in map, with
// HEADER and MAP, the one type name, replaced; all must print the same.
#ifndef MAP
#define MAP std::unordered_map
#define HEADER <unordered_map>
#endif

#include HEADER

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

template <class Key, class T>
using table = MAP<Key, T>;

// Which containers a program can tell apart by their type, it tells apart here too.
template <class Key, class T>
std::size_t entries(const table<Key, T>& m) {
  return m.size();
}

int main() {
  const std::string text = "the standard says what a map promises and a program holds it to that the rest is "
                           "for the map to choose";
  table<std::string, int> count;
  table<std::string, std::vector<std::size_t>> places;
  count.reserve(32);
  for (std::size_t at = 0, next; at < text.size(); at = next + 1) {
    next = std::min(text.find(' ', at), text.size());
    ++count[text.substr(at, next - at)];
    places.try_emplace(text.substr(at, next - at)).first->second.push_back(at);
  }

  std::vector<std::pair<std::string, int>> sorted(count.begin(), count.end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [word, times] : sorted) {
    std::printf("%-9s %d, first at %zu\n", word.c_str(), times, places.at(word).front());
  }

  for (auto it = count.begin(); it != count.end();) it = it->second == 1 ? count.erase(it) : ++it;
  std::printf("%zu words occur again\n", entries(count));
  try {
    std::printf("%d\n", count.at("nowhere"));
  } catch (const std::out_of_range&) {
    std::printf("no such word\n");
  }
  const auto [where, inserted] = count.insert({"map", 100});
  std::printf("map: %d, inserted: %d\n", where->second, inserted);
  count.insert_or_assign("map", 7);

  table<std::string, int> more{{"map", 1}, {"new", 1}};
  more.merge(count);
  std::printf("%zu merged, %zu left, map is %d\n", more.size(), count.size(), more["map"]);

  std::size_t in_buckets = 0;
  for (std::size_t n = 0; n < more.bucket_count(); ++n) in_buckets += more.bucket_size(n);
  std::printf("%zu in buckets, load at most its maximum: %d\n", in_buckets,
              more.load_factor() <= more.max_load_factor());

  table<std::string, int> copy = more;
  std::printf("equal: %d", copy == more);
  copy["map"] = 0;
  std::printf(", then %d\n", copy == more);
  std::swap(copy, more);
  std::printf("map is %d and %d\n", more.find("map")->second, copy.find("map")->second);
}
