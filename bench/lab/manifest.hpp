// SPDX-License-Identifier: Apache-2.0
// What a result was made with: version, compiler, flags, processor, clock, counters, allocators, input. A
// figure without it cannot be compared with another.
#ifndef TOPHASH_BENCH_LAB_MANIFEST_HPP
#define TOPHASH_BENCH_LAB_MANIFEST_HPP

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

nlohmann::json manifest();

// "perf" or the sentence why time stands alone.
std::string counter_source();

}  // namespace tophash::lab

#endif
