// SPDX-License-Identifier: Apache-2.0
// What happens in a bucket of Go's map, step by step: inserted into, overflowed, deleted from, collapsed,
// filled again, evacuated, collected. The steps are done to a real go_like map whose values are objects of a
// precise heap, and each picture is what the map holds then, read from its dump.
#ifndef TOPHASH_BENCH_LAB_BUCKET_STORY_HPP
#define TOPHASH_BENCH_LAB_BUCKET_STORY_HPP

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

// [{"title", "says", "collected_bytes" (where the collector ran), "arrays": [{"name", "chains": [{"bucket":
// 0, "buckets": [["11", "..", ...], ...]}]}]}]. The tags are the dump's (framework/table/dump.hpp). The same
// on every machine.
nlohmann::json bucket_story();

}  // namespace tophash::lab

#endif
