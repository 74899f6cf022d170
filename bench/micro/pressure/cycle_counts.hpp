// SPDX-License-Identifier: Apache-2.0
// What a collection has to do, in counts; and what a processor would guess wrong in doing so.
#ifndef TOPHASH_BENCH_MICRO_PRESSURE_CYCLE_COUNTS_HPP
#define TOPHASH_BENCH_MICRO_PRESSURE_CYCLE_COUNTS_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pressure {

struct cycle_counts {
  double allocated_bytes = 0;  // since the last collection
  double blocks = 0;           // libgc's of 4 KiB with small objects, dead or alive: marks cleared, swept
  double words = 0;            // tested one by one for being an address
  double guesses = 0;          // of branches on what slots hold, wrong ones
  double read_bytes = 0;       // in maps, by who knows them
  double units = 0;            // buckets or groups, by who knows them
  double dirty_units = 0;      // of them those of maps with dirty deletion: two masks of each, not one
  double buckets = 0;          // overflow buckets: blocks of their own at a place that nothing before told
  double visits = 0;           // blocks found through a pointer: objects, nodes, overflow buckets
  double pages = 0;            // that visits lie in

  static constexpr std::size_t fields = 10;
  template <class Each>
  void each(const Each& each_field) {
    for (double* x : {&allocated_bytes, &blocks, &words, &guesses, &read_bytes, &units, &dirty_units,
                      &buckets, &visits, &pages})
      each_field(*x);
  }
  template <class File>
  void move_through(File& file) {
    each([&file](double& x) { file.number(x); });
  }
};

// Guesses at the outcomes of branches as a simple processor makes them: a counter of two bits for each
// pattern of the last sixteen outcomes. What no pattern tells (is the next slot in use?) it guesses wrong as
// often as any other does.
class guess_meter {
 public:
  bool outcome(bool taken) {
    std::uint8_t& likely = counters_[history_ * 2654435761u >> 18];
    wrong_ += (likely >= 2) != taken;
    if (taken) {
      likely = static_cast<std::uint8_t>(likely + (likely < 3));
    } else {
      likely = static_cast<std::uint8_t>(likely - (likely > 0));
    }
    history_ = (history_ << 1 | static_cast<std::uint32_t>(taken)) & 0xffff;
    return taken;
  }
  double wrong() const { return static_cast<double>(wrong_); }

 private:
  std::vector<std::uint8_t> counters_ = std::vector<std::uint8_t>(std::size_t{1} << 14, std::uint8_t{1});
  std::uint32_t history_ = 0;
  std::uint64_t wrong_ = 0;
};

}  // namespace pressure

#endif
