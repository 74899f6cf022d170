// SPDX-License-Identifier: Apache-2.0
// What a stretch of time cost this process, and what the machine's other processes took meanwhile:
// processors' time that the kernel accounts to anything, less what it accounts to this process and to the
// children that it has waited for. A hypervisor's other guests ("steal") count as others. Told in processors:
// 0.5 is half of one, all the time.
#ifndef TOPHASH_BENCH_LAB_MACHINE_SHARE_HPP
#define TOPHASH_BENCH_LAB_MACHINE_SHARE_HPP

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "lab/clock.hpp"

namespace tophash::lab {

struct machine_share {
  double seconds = 0, cpu_seconds = 0;
  std::optional<double> others;  // none where the system does not tell, or the stretch is too short to say
};

class machine_watch {
 public:
  // The kernel counts in hundredths of a second for each processor.
  static constexpr double shortest_seconds = 0.25;

  machine_watch() : from_(now()) {}

  machine_share so_far() const {
    const reading to = now();
    machine_share out;
    out.seconds = static_cast<double>(to.wall_ns - from_.wall_ns) / 1e9;
    out.cpu_seconds = to.own - from_.own;
    if (from_.all && to.all && out.seconds >= shortest_seconds)
      out.others = std::max(0.0, *to.all - *from_.all - out.cpu_seconds) / out.seconds;
    return out;
  }

 private:
  struct reading {
    std::uint64_t wall_ns = 0;
    double own = 0;             // seconds
    std::optional<double> all;  // seconds of all processors
  };

  static double own_seconds(int whose) {
    rusage use{};
    if (getrusage(whose, &use) != 0) return 0;
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
  }

  // cpu  user nice system idle iowait irq softirq steal ...
  static std::optional<double> busy_seconds() {
    std::ifstream in("/proc/stat");
    std::string name;
    double busy = 0, value = 0;
    if (!(in >> name) || name != "cpu") return std::nullopt;
    for (int field = 0; field < 8; ++field) {
      if (!(in >> value)) return std::nullopt;
      if (field != 3 && field != 4) busy += value;
    }
    return busy / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

  static reading now() {
    return {wall_ns(), own_seconds(RUSAGE_SELF) + own_seconds(RUSAGE_CHILDREN), busy_seconds()};
  }

  reading from_;
};

}  // namespace tophash::lab

#endif
