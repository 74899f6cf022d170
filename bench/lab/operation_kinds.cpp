// SPDX-License-Identifier: Apache-2.0
// The driver's own `perform` on a std::unordered_map: what it returns for one operation says what happened
// (program.hpp's table of checksums).
#include "lab/operation_kinds.hpp"

#include <type_traits>
#include <unordered_map>

#include "lab/variant.hpp"

namespace tophash::lab {

namespace {

operation_kind kind_of_result(operation what, std::uint64_t sum, std::uint64_t weight) {
  switch (what) {
  case operation::get:
    return sum != 0 ? operation_kind::get_hit : operation_kind::get_miss;
  case operation::set:
    return sum == weight ? operation_kind::insert : operation_kind::assign;
  case operation::erase:
    return sum != 0 ? operation_kind::erase : operation_kind::erase_miss;
  case operation::modify:
    break;
  }
  return operation_kind::modify;
}

template <class Map, class Key>
operation_kind kind_in_cache(Map& map, recent_list<Key>& recent, const record<Key>& r, std::uint64_t row) {
  execution counted;
  const std::uint64_t sum = perform_cached(map, recent, r, row, counted);
  if (r.what == operation::erase) return sum != 0 ? operation_kind::erase : operation_kind::erase_miss;
  return counted.cache_hits != 0 ? operation_kind::cache_hit : operation_kind::cache_miss;
}

template <class Key>
std::vector<operation_kind> kinds_in_one_map(const program<Key>& p) {
  std::vector<operation_kind> out;
  std::unordered_map<Key, std::uint64_t> map;
  for (const segment& s : p.segments) {
    for (std::uint32_t pass = 0; pass < s.passes; ++pass) {
      if (s.kind == segment_kind::clear) map.clear();
      recent_list<Key> recent(s.kind == segment_kind::cached ? s.amount : 0);
      const bool has_records = s.kind <= segment_kind::cached;
      for (std::size_t i = s.begin; has_records && i < s.end; ++i) {
        const record<Key>& r = p.records[i];
        const operation_kind kind = s.kind == segment_kind::cached
                                        ? kind_in_cache(map, recent, r, i + 1)
                                        : kind_of_result(r.what, perform(map, r, i + 1), 2 * (i + 1) + 1);
        if (s.measured) out.push_back(kind);
      }
    }
  }
  return out;
}

}  // namespace

std::vector<operation_kind> operation_kinds(const any_program& p) {
  return std::visit(
      [](const auto& known) {
        const std::vector<operation_kind> once = kinds_in_one_map(known);
        // Every repeat is a new map and the same operations.
        std::vector<operation_kind> out;
        out.reserve(once.size() * known.repeats);
        for (std::uint32_t turn = 0; turn < known.repeats; ++turn)
          out.insert(out.end(), once.begin(), once.end());
        return out;
      },
      p);
}

}  // namespace tophash::lab
