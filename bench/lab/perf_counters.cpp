// SPDX-License-Identifier: Apache-2.0
// The system call and its events. A counter that the machine shares among several users (multiplexing)
// reads low; it is scaled by the time it really ran, as perf does.
#include "lab/perf_counters.hpp"

#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>

#if defined(__linux__)
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tophash::lab {

#if defined(__linux__)

namespace {

int open_event(std::uint32_t type, std::uint64_t config) noexcept {
  perf_event_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = type;
  attributes.config = config;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

constexpr std::uint64_t l1d_reads(std::uint64_t result) noexcept {
  return PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_READ << 8 | result << 16;
}

}  // namespace

perf_counters::perf_counters(perf_events which) {
  struct event {
    const char* name;
    std::uint32_t type;
    std::uint64_t config;
  };
  constexpr event wanted[] = {
      {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
      {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
      {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
      {"branch_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
      {"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
      {"l1d_loads", PERF_TYPE_HW_CACHE, l1d_reads(PERF_COUNT_HW_CACHE_RESULT_ACCESS)},
      {"l1d_load_misses", PERF_TYPE_HW_CACHE, l1d_reads(PERF_COUNT_HW_CACHE_RESULT_MISS)}};
  const std::size_t count = which == perf_events::usual ? 4 : std::size(wanted);
  for (const event& e : std::span(wanted).first(count)) {
    const int file = open_event(e.type, e.config);
    if (file >= 0)
      counters_.push_back({e.name, file});
    else if (why_not_.empty())
      why_not_ = std::string{"perf_event_open: "} + std::strerror(errno);
  }
}

perf_counters::~perf_counters() {
  for (const counter& c : counters_) ::close(c.file);
}

void perf_counters::reset() noexcept {
  for (const counter& c : counters_) ::ioctl(c.file, PERF_EVENT_IOC_RESET, 0);
}

void perf_counters::resume() noexcept {
  for (const counter& c : counters_) ::ioctl(c.file, PERF_EVENT_IOC_ENABLE, 0);
}

void perf_counters::pause() noexcept {
  for (const counter& c : counters_) ::ioctl(c.file, PERF_EVENT_IOC_DISABLE, 0);
}

std::vector<std::pair<std::string, std::uint64_t>> perf_counters::read() const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const counter& c : counters_) {
    std::uint64_t value[3] = {};  // count, time enabled, time running
    if (::read(c.file, value, sizeof value) != static_cast<ssize_t>(sizeof value) || value[2] == 0) continue;
    const double scale = static_cast<double>(value[1]) / static_cast<double>(value[2]);
    out.emplace_back(c.name, static_cast<std::uint64_t>(static_cast<double>(value[0]) * scale));
  }
  return out;
}

#else

perf_counters::perf_counters(perf_events) : why_not_("perf_event_open is Linux's") {}
perf_counters::~perf_counters() = default;
void perf_counters::reset() noexcept {}
void perf_counters::resume() noexcept {}
void perf_counters::pause() noexcept {}
std::vector<std::pair<std::string, std::uint64_t>> perf_counters::read() const { return {}; }

#endif

}  // namespace tophash::lab
