// SPDX-License-Identifier: Apache-2.0
// Timing what a processor that is shared does by itself: CPU of the thread, counted only where a loop of
// known work before and after took no longer than it can; each cell in a process of its own.
//   Two virtual processors may be one core, and other machines run beside this one: then the same work
//   takes 1.45 to 2 times as long, for moments to seconds. What is disturbed is measured again, not averaged.
#ifndef TOPHASH_BENCH_MICRO_PRESSURE_QUIET_HPP
#define TOPHASH_BENCH_MICRO_PRESSURE_QUIET_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <gc.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace pressure {

inline std::uint64_t thread_cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

// Is the processor ours alone? A loop that keeps all its units busy takes half as long again and more where
// another thread runs on the same core. The first calls learn how long it takes.
class quiet_probe {
 public:
  static constexpr double most = 1.12;  // of the least

  bool now() {
    const std::uint64_t begin = thread_cpu_ns();
    std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    for (int i = 0; i < 6000; ++i) {
      a = a * 3 + 1, b = (b ^ (b >> 3)) + 7, c = c + (c << 2) + 9;
      d = (d ^ (d << 5)) + 1, e = e * 5 + 3, f = (f >> 1) ^ (f << 3);
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    }
    const auto ns = static_cast<double>(thread_cpu_ns() - begin);
    least_ns_ = std::min(least_ns_, ns);
    return ns <= most * least_ns_;
  }
  // For a while: the probe touches nothing but registers, so caches stay as the program left them.
  void wait() {
    for (int i = 0; i < tries_max && !now(); ++i) {
    }
  }
  double least_ns() const { return least_ns_; }
  void learn(double least_ns) { least_ns_ = std::min(least_ns_, least_ns); }

 private:
  static constexpr int tries_max = 1500;  // of 8 microseconds
  double least_ns_ = 1e300;
};
inline quiet_probe probe;

constexpr double never_ns = 1e300;

// CPU of `work`, and whether nothing disturbed it.
struct timing {
  double ns = never_ns;
  bool quiet = false;
};
template <class Work>
timing timed(const Work& work) {
  probe.wait();
  const bool before = probe.now();
  const std::uint64_t begin = thread_cpu_ns();
  work();
  const auto ns = static_cast<double>(thread_cpu_ns() - begin);
  return {ns, before && probe.now()};
}

// What one process measures and another one sums up.
class numbers_file {
 public:
  explicit numbers_file(int file) : file_(file) {}
  void number(double& x) { moved_ = moved_ && (writes_ ? write_all(&x) : read_all(&x)); }
  void numbers(std::vector<double>& all) {
    auto count = static_cast<double>(all.size());
    number(count);
    if (!writes_ && moved_) all.resize(static_cast<std::size_t>(count));
    for (double& x : all) number(x);
  }
  // Things with a move_through of their own.
  template <class Thing>
  void all(std::vector<Thing>& things) {
    auto count = static_cast<double>(things.size());
    number(count);
    if (!writes_ && moved_) things.resize(static_cast<std::size_t>(count));
    for (Thing& x : things) x.move_through(*this);
  }
  void write() { writes_ = true; }
  bool moved() const { return moved_; }

 private:
  bool write_all(const double* x) const { return ::write(file_, x, sizeof *x) == sizeof *x; }
  bool read_all(double* x) const {
    for (std::size_t done = 0; done < sizeof *x;) {
      const auto got = ::read(file_, reinterpret_cast<char*>(x) + done, sizeof *x - done);
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }
  int file_;
  bool writes_ = false, moved_ = true;
};

// measure(out) in a process of its own: libgc's heap is one for the process, and what an earlier cell left of
// it (blocks here and there, free ones between them) made the same cycle up to twice as dear.
template <class Out, class Measure>
void in_child(Out& out, const Measure& measure) {
  int ends[2];
  std::fflush(nullptr);
  if (::pipe(ends) != 0) std::perror("gc_pressure: pipe"), std::exit(1);
  const pid_t child = ::fork();
  if (child < 0) std::perror("gc_pressure: fork"), std::exit(1);
  const bool here = child == 0;
  ::close(ends[here ? 0 : 1]);
  numbers_file file(ends[here ? 1 : 0]);
  if (here) {
    file.write();
    ::setenv("GC_UNMAP_THRESHOLD", "0",
             1);  // libgc gives no pages back: system calls are not what is predicted
    GC_INIT();
    measure(out);
  }
  out.move_through(file);
  double least = probe.least_ns();
  file.number(least);
  if (here) std::fflush(nullptr), ::_exit(file.moved() ? 0 : 1);
  probe.learn(least);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0 || !file.moved())
    std::fputs("gc_pressure: a cell ended before its time\n", stderr), std::exit(1);
}

}  // namespace pressure

#endif
