// SPDX-License-Identifier: Apache-2.0
// Facts read from the build and from /proc and /sys; what cannot be read is left out, never guessed.
#include "lab/manifest.hpp"

#include <array>
#include <ctime>
#include <fstream>
#include <string_view>
#include <thread>

#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include <tophash/framework/config.hpp>
#include <tophash/framework/version.hpp>

#include "lab/addresses.hpp"
#include "lab/clock.hpp"
#include "lab/perf_counters.hpp"
#include "lab/storages.hpp"

#ifndef TOPHASH_LAB_COMPILE_FLAGS
#define TOPHASH_LAB_COMPILE_FLAGS "unknown"
#endif

namespace tophash::lab {

namespace {

using nlohmann::json;

std::string first_line(const char* file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.compare(0, 10, "model name") == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

std::string compiler_text() {
#if defined(__clang__)
  return std::string{"clang "} + __clang_version__;
#elif defined(__GNUC__)
  return std::string{"g++ "} + __VERSION__;
#else
  return "unknown";
#endif
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

json caches() {
  json out = json::object();
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    const std::string level = first_line((folder + "level").c_str()),
                      size = first_line((folder + "size").c_str());
    const std::string type = first_line((folder + "type").c_str());
    if (level.empty() || size.empty() || type == "Instruction") continue;
    out["L" + level] = size;
  }
  return out;
}

json allocator_versions() {
  json out = json::object();
  for (const storage_entry& s : storages())
    if (s.alone) out[s.name] = s.here ? s.version : "not built in (package " + s.missing + ")";
  if (const std::string other = malloc_replaced_by(); !other.empty())
    out["system"] = "replaced by " + other + ": the rows system and " + other + " are one allocator";
  return out;
}

}  // namespace

std::string counter_source() {
  const perf_counters counters;
  return counters.works() ? "perf (hardware counters of the thread, user mode)"
                          : "time alone (" + counters.why_not() + ")";
}

json manifest() {
  json out;
  out["tophash_version"] = std::to_string(TOPHASH_VERSION_MAJOR) + "." +
                           std::to_string(TOPHASH_VERSION_MINOR) + "." +
                           std::to_string(TOPHASH_VERSION_PATCH);
  out["compiler"] = compiler_text();
  out["compiler_flags"] = TOPHASH_LAB_COMPILE_FLAGS;
  out["tag_match"] = TOPHASH_HAS_SSE2 ? "SSE2" : "64-bit word";
  if (const std::string model = cpu_model(); !model.empty()) out["cpu_model"] = model;
  out["cores"] = std::thread::hardware_concurrency();
  if (const json levels = caches(); !levels.empty()) out["caches"] = levels;
  const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  out["governor"] = governor.empty() ? "not readable" : governor;
  utsname system{};
  if (uname(&system) == 0)
    out["system"] = std::string{system.sysname} + " " + system.release + " " + system.machine;
  out["addresses"] = addresses_are_fixed() ? "fixed" : "drawn by the system at each start";
  out["counter_source"] = counter_source();
  out["clock"] = "CPU time of the thread (ns_per_op, ratio), time-stamp counter (latency_ns)";
  out["timer_overhead_ns"] = calibrated_ticks().overhead_ns;
  out["latency"] =
      "of each operation the least of 3 executions (others' interruptions drop out), timer included";
  out["allocator_versions"] = allocator_versions();
  out["freed_memory"] =
      "timed rounds: kept by the system's heap (glibc: no trimming, no mmap); other passes: as usual";
  out["interval"] = "ns_per_op and ratio: median of the rounds, low and high as in `intervals`";
  out["memory"] =
      "peak: bytes requested of the storage; end: what the map reports; rss: growth of the peak resident set";
  out["started_utc"] = now_utc();
  return out;
}

}  // namespace tophash::lab
