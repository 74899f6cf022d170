// SPDX-License-Identifier: Apache-2.0
// Hardware counters of the calling thread, by Linux's perf_event_open: instructions, cycles, cache and branch
// misses, user mode only. Many virtual machines have none: `open` then says why, and results carry time
// alone.
#ifndef TOPHASH_BENCH_LAB_PERF_COUNTERS_HPP
#define TOPHASH_BENCH_LAB_PERF_COUNTERS_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tophash::lab {

// `caches` asks for the first-level data cache's loads and for branches too: more events than many processors
// count at once.
enum class perf_events : std::uint8_t { usual, caches };

class perf_counters {
 public:
  explicit perf_counters(perf_events which = perf_events::usual);
  perf_counters(const perf_counters&) = delete;
  perf_counters& operator=(const perf_counters&) = delete;
  ~perf_counters();

  bool works() const noexcept { return !counters_.empty(); }
  const std::string& why_not() const noexcept { return why_not_; }

  void reset() noexcept;  // to zero, paused
  void resume() noexcept;
  void pause() noexcept;
  std::vector<std::pair<std::string, std::uint64_t>> read() const;

 private:
  struct counter {
    const char* name;
    int file;
  };
  std::vector<counter> counters_;
  std::string why_not_;
};

}  // namespace tophash::lab

#endif
