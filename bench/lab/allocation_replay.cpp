// SPDX-License-Identifier: Apache-2.0
#include "lab/allocation_replay.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lab/child_process.hpp"
#include "lab/clock.hpp"
#include "lab/manifest.hpp"
#include "lab/measure.hpp"
#include "lab/resident.hpp"
#include "lab/storages.hpp"
#include "lab/system_use.hpp"
#include "lab/trace.hpp"
#include "lab/units.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::size_t align_bytes = 16;  // malloc's
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t resident_samples = 256;
constexpr std::size_t samples_a_point = 4;  // of the timeline

constexpr request request_of(std::uint32_t bytes) noexcept {
  return {.bytes = bytes, .align = align_bytes, .use = purpose::node, .trace = nullptr};
}

class places {
 public:
  std::uint32_t take() {
    if (free_.empty()) return count_++;
    const std::uint32_t out = free_.back();
    free_.pop_back();
    return out;
  }
  void give_back(std::uint32_t place) { free_.push_back(place); }
  std::uint32_t count() const noexcept { return count_; }

 private:
  std::vector<std::uint32_t> free_;
  std::uint32_t count_ = 0;
};

// ---- playing --------------------------------------------------------------------------------------

class player {
 public:
  player(const std::vector<allocation_step>& steps, std::uint32_t count, allocators::erased storage)
      : steps_(steps), storage_(storage), live_(count) {}

  // Steps [begin, end). False: the storage refused.
  bool play(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const allocation_step s = steps_[i];
      block& b = live_[s.block];
      if (s.bytes == 0) {
        give_back(b, s.block);
      } else if (!obtain(b, s)) {
        return false;
      }
    }
    return true;
  }
  void give_back_all() {
    for (std::uint32_t i = 0; i < live_.size(); ++i) {
      if (live_[i].at != nullptr) give_back(live_[i], i);
    }
  }
  std::uint64_t wrong_blocks() const noexcept { return wrong_; }

 private:
  struct block {
    char* at = nullptr;
    std::uint32_t bytes = 0;
  };

  bool obtain(block& b, allocation_step s) {
    b.at = static_cast<char*>(storage_.try_allocate(request_of(s.bytes)));
    if (b.at == nullptr) return false;
    b.bytes = s.bytes;
    for (std::size_t page = page_bytes; page < s.bytes; page += page_bytes) b.at[page] = 1;
    if (s.bytes >= sizeof s.block) std::memcpy(b.at, &s.block, sizeof s.block);
    return true;
  }
  void give_back(block& b, std::uint32_t number) {
    if (b.bytes >= sizeof number) wrong_ += std::memcmp(b.at, &number, sizeof number) != 0 ? 1 : 0;
    storage_.deallocate(std::exchange(b.at, nullptr), request_of(b.bytes));
  }

  const std::vector<allocation_step>& steps_;
  allocators::erased storage_;
  std::vector<block> live_;
  std::uint64_t wrong_ = 0;
};

json refused(const std::string& storage) {
  return {{"trouble", storage + " refused a block: out of memory"}};
}

// In a child, each of them.
json look_at_memory(const std::string& storage, const allocation_trace& trace) {
  const std::unique_ptr<bound_storage> bound = bind_storage("tracked(" + storage + ")");
  player p(trace.steps, trace.places, bound->handle());
  static_cast<void>(return_free_memory(*bound));  // else what the parent had freed would serve the first blocks
  const std::uint64_t before = anonymous_resident_bytes();
  const auto resident = [before] {
    const std::uint64_t now = anonymous_resident_bytes();
    return now > before ? now - before : 0;
  };
  std::uint64_t peak = 0;
  const std::size_t steps = trace.steps.size();
  json timeline = json::array();
  system_use use;
  std::uint64_t cpu_ns = 0;
  for (std::size_t i = 0; i < resident_samples; ++i) {
    const std::size_t end = steps * (i + 1) / resident_samples;
    const system_use used = system_use_so_far();
    const std::uint64_t from = thread_cpu_ns();
    if (!p.play(steps * i / resident_samples, end)) return refused(storage);
    cpu_ns += thread_cpu_ns() - from;
    const system_use now = system_use_so_far() - used;
    use.page_faults += now.page_faults, use.kernel_ns += now.kernel_ns;
    peak = std::max(peak, resident());
    if ((i + 1) % samples_a_point == 0)
      timeline.push_back({end, bound->counts()->total.live_bytes, resident()});
  }
  json out{{"peak", peak},          {"end", resident()},
           {"timeline", timeline},  {"page_faults", use.page_faults},
           {"cpu_ns", cpu_ns},      {"kernel_ns", use.kernel_ns}};
  p.give_back_all();
  out["empty"] = resident();
  static_cast<void>(return_free_memory(*bound));
  out["returned"] = resident();
  const tracked_counts counts = *bound->counts();
  out["allocations"] = counts.total.allocations;
  out["requested"] = *bound->requested_bytes();
  out["peak_live"] = counts.total.peak_bytes;
  out["wrong"] = p.wrong_blocks();
  return out;
}

json time_once(const std::string& storage, const allocation_trace& trace) {
  const std::unique_ptr<bound_storage> bound = bind_storage(storage);
  player p(trace.steps, trace.places, bound->handle());
  const std::uint64_t from = thread_cpu_ns();
  const bool played = p.play(0, trace.steps.size());
  const std::uint64_t took = thread_cpu_ns() - from;
  p.give_back_all();
  if (!played) return refused(storage);
  return {{"cpu_ns", took}, {"wrong", p.wrong_blocks()}};
}

std::vector<std::string> played_storages(const experiment_request& request) {
  std::vector<std::string> out;
  const std::vector<std::string> asked =
      request.allocators.empty() ? std::vector<std::string>{"all"} : split_storages(request.allocators);
  for (const std::string& text : asked) {
    std::vector<std::string> meant;
    if (text != "all") {
      meant.push_back(checked_storage(text));
    } else {
      for (const storage_entry& s : storages()) {
        if (s.here && s.alone && !s.collected()) meant.push_back(s.name);
      }
      meant.push_back(checked_storage("bucket_pool(64)"));
      meant.push_back(checked_storage("by_size(1024,small=spans,large=pages(32768))"));
      meant.push_back(checked_storage("fallback(arena(system),system)"));
    }
    for (const std::string& storage : meant) {
      if (std::find(out.begin(), out.end(), storage) == out.end()) out.push_back(storage);
    }
  }
  return out;
}

void read_memory(allocation_row& row, const json& answer) {
  if (answer.contains("trouble")) {
    row.trouble = answer.at("trouble");
    return;
  }
  row.peak_resident_bytes = answer.at("peak"), row.end_resident_bytes = answer.at("end");
  row.empty_resident_bytes = answer.at("empty"), row.returned_resident_bytes = answer.at("returned");
  row.allocations = answer.at("allocations"), row.requested_bytes = answer.at("requested");
  row.peak_live_bytes = answer.at("peak_live"), row.wrong_blocks = answer.at("wrong");
  row.page_faults = answer.at("page_faults"), row.kernel_ns = answer.at("kernel_ns");
  row.cpu_ns = answer.at("cpu_ns");
  for (const json& one : answer.at("timeline"))
    row.timeline.push_back({.steps = one.at(0), .live_bytes = one.at(1), .resident_bytes = one.at(2)});
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double median_ns(const allocation_row& row) { return summarise(row.cpu_ns_per_step).median; }

}  // namespace

allocation_trace load_allocations(const std::filesystem::path& file, std::uint64_t row_limit) {
  allocation_trace out;
  out.file = file.string();
  trace_reader reader(file);
  struct alive {
    std::uint32_t place, bytes;
  };
  std::unordered_map<std::uint64_t, alive> live;
  places free;
  std::uint64_t live_bytes = 0, rows = 0, line = 0;
  const auto give_back = [&](const alive& a) {
    out.steps.push_back({a.place, 0});
    free.give_back(a.place);
    live_bytes -= a.bytes;
    ++out.releases;
  };
  for (trace_row row; reader.next(row);) {
    line = row.line;
    std::uint64_t key = 0;
    const auto [end, error] = std::from_chars(row.key.data(), row.key.data() + row.key.size(), key);
    const bool releases = !row.clears && row.what == operation::erase;
    if (row.clears || (!releases && row.what != operation::set))
      throw trace_error(out.file, row.line,
                        "no allocation (s) and no release (d): replay this trace over maps");
    if (error != std::errc{} || end != row.key.data() + row.key.size())
      throw trace_error(out.file, row.line, "the key is no number, so no block's address");
    if (rows++ >= row_limit) continue;  // the whole file is read: its hash is told, and its faults are
    const auto known = live.find(key);
    if (releases) {
      if (known == live.end()) {
        ++out.unknown_releases;
        continue;
      }
      give_back(known->second);
      live.erase(known);
      continue;
    }
    if (known != live.end()) {
      ++out.reused_keys;
      give_back(known->second);
    }
    const alive now{free.take(), std::max<std::uint32_t>(row.size_bytes, 1)};
    live[key] = now;
    out.steps.push_back({now.place, now.bytes});
    live_bytes += now.bytes;
    out.requested_bytes += now.bytes;
    out.peak_live_bytes = std::max(out.peak_live_bytes, live_bytes);
    ++out.allocations;
  }
  if (out.allocations == 0) throw trace_error(out.file, line, "no allocation in the whole trace");
  out.places = free.count();
  out.end_live_bytes = live_bytes;
  out.end_live_blocks = live.size();
  out.sha256 = reader.sha256();
  return out;
}

allocation_result run_allocation_replay(const experiment_request& request) {
  allocation_result out;
  out.request = request;
  for (const std::string& storage : played_storages(request)) out.rows.emplace_back().storage = storage;
  request.progress("reading the trace");
  try {
    out.trace = load_allocations(request.trace, request.row_limit.value_or(UINT32_MAX));
  } catch (const trace_error& error) {
    throw command_error(exit_check_failed, error.what());
  }
  const allocation_trace& trace = out.trace;
  const auto stopped = [&out] {
    out.interrupted = out.interrupted || interrupt_requested.load(std::memory_order_relaxed);
    return out.interrupted;
  };
  for (allocation_row& row : out.rows) {
    if (stopped()) break;
    request.progress("memory of " + row.storage);
    read_memory(row, in_child([&] { return look_at_memory(row.storage, trace); }));
  }
  for (unsigned round = 0; round < request.repeat && !request.check_only && !stopped(); ++round) {
    for (std::size_t turn = 0; turn < out.rows.size() && !stopped(); ++turn) {
      allocation_row& row = out.rows[(turn + round) % out.rows.size()];
      if (!row.trouble.empty()) continue;
      request.progress("time, round " + std::to_string(round + 1) + "/" + std::to_string(request.repeat) +
                       ", " + row.storage);
      const json answer = in_child([&] { return time_once(row.storage, trace); });
      if (answer.contains("trouble")) {
        row.trouble = answer.at("trouble");
        continue;
      }
      row.wrong_blocks += answer.at("wrong").get<std::uint64_t>();
      row.cpu_ns_per_step.push_back(answer.at("cpu_ns").get<double>() /
                                    static_cast<double>(trace.steps.size()));
    }
  }
  for (allocation_row& row : out.rows) {
    std::vector<double> ratios;
    const std::vector<double>& base = out.rows.front().cpu_ns_per_step;
    for (std::size_t i = 0; i < std::min(base.size(), row.cpu_ns_per_step.size()); ++i)
      ratios.push_back(row.cpu_ns_per_step[i] / base[i]);
    row.ratio = summarise(ratios);
  }
  out.trace.steps.clear();
  return out;
}

int exit_code_of(const allocation_result& r) {
  if (r.interrupted) return exit_interrupted;
  const bool failed = std::any_of(r.rows.begin(), r.rows.end(), [](const allocation_row& row) {
    return !row.trouble.empty() || row.wrong_blocks != 0;
  });
  return failed ? exit_check_failed : exit_done;
}

std::vector<std::string> allocation_findings(const allocation_result& r) {
  std::vector<std::string> out;
  const allocation_row *leanest = nullptr, *widest = nullptr, *fastest = nullptr;
  for (const allocation_row& row : r.rows) {
    if (row.wrong_blocks != 0)
      out.push_back(fmt::format("{}: {} blocks did not hold what was written into them", row.storage,
                                row.wrong_blocks));
    if (!row.trouble.empty()) continue;
    if (leanest == nullptr || row.peak_resident_bytes < leanest->peak_resident_bytes) leanest = &row;
    if (widest == nullptr || row.peak_resident_bytes > widest->peak_resident_bytes) widest = &row;
    const bool faster = !row.cpu_ns_per_step.empty() && row.ratio.high < 1;
    if (faster && (fastest == nullptr || row.ratio.median < fastest->ratio.median)) fastest = &row;
  }
  if (leanest != nullptr && leanest != widest)
    out.push_back(fmt::format("for {:.1f} MiB live at most, {} had {:.1f} MiB resident, {} {:.1f} MiB",
                              in_mib(r.trace.peak_live_bytes), leanest->storage,
                              in_mib(leanest->peak_resident_bytes), widest->storage,
                              in_mib(widest->peak_resident_bytes)));
  if (fastest != nullptr)
    out.push_back(fmt::format("{} took {:.2f} of the time of {} ({:.2f} to {:.2f})", fastest->storage,
                              fastest->ratio.median, r.rows.front().storage, fastest->ratio.low,
                              fastest->ratio.high));
  return out;
}

std::string why_of(const allocation_row& row) {
  const auto beyond = [](std::uint64_t a, std::uint64_t b) { return a - std::min(a, b); };
  const std::uint64_t beside = beyond(row.peak_resident_bytes, row.peak_live_bytes),
                      went = beyond(row.empty_resident_bytes, row.returned_resident_bytes);
  return fmt::format(
      "{:.1f} MiB beside what is live at the peak; {} page faults, {:.0f} % of the CPU time in the kernel; "
      "of {:.1f} MiB resident when all is given back {:.0f} % goes on request",
      in_mib(beside), row.page_faults, 100 * share(row.kernel_ns, row.cpu_ns), in_mib(row.empty_resident_bytes),
      100 * share(went, row.empty_resident_bytes));
}

json allocation_json(const allocation_result& r) {
  const allocation_trace& t = r.trace;
  json out{{"schema", "tophash-allocations-1"},
           {"manifest", manifest()},
           {"trace",
            {{"file", t.file},
             {"sha256", t.sha256},
             {"allocations", t.allocations},
             {"releases", t.releases},
             {"requested_bytes", t.requested_bytes},
             {"peak_live_bytes", t.peak_live_bytes},
             {"peak_live_blocks", t.places},
             {"end_live_bytes", t.end_live_bytes},
             {"end_live_blocks", t.end_live_blocks},
             {"unknown_releases", t.unknown_releases},
             {"reused_keys", t.reused_keys}}},
           {"rows", json::array()},
           {"findings", allocation_findings(r)},
           {"interrupted", r.interrupted}};
  out["manifest"]["input"] = "allocations of " + t.file;
  out["manifest"]["input_sha256"] = t.sha256;
  for (const allocation_row& row : r.rows) {
    json one{{"storage", row.storage}};
    if (!row.trouble.empty()) {
      one["trouble"] = row.trouble;
    } else {
      one["exact"] = {{"allocations", row.allocations},
                      {"requested_bytes", row.requested_bytes},
                      {"peak_live_bytes", row.peak_live_bytes},
                      {"wrong_blocks", row.wrong_blocks}};
      one["measured"] = {{"peak_resident_bytes", row.peak_resident_bytes},
                         {"end_resident_bytes", row.end_resident_bytes},
                         {"empty_resident_bytes", row.empty_resident_bytes},
                         {"returned_resident_bytes", row.returned_resident_bytes},
                         {"page_faults", row.page_faults},
                         {"kernel_ns", row.kernel_ns},
                         {"cpu_ns", row.cpu_ns},
                         {"timeline_fields", {"steps", "live_bytes", "resident_bytes"}},
                         {"timeline", json::array()},
                         {"cpu_ns_per_step", row.cpu_ns_per_step},
                         {"ratio",
                          {{"median", row.ratio.median}, {"low", row.ratio.low}, {"high", row.ratio.high}}}};
      for (const allocation_sample& at : row.timeline)
        one["measured"]["timeline"].push_back({at.steps, at.live_bytes, at.resident_bytes});
      one["why"] = why_of(row);
    }
    out["rows"].push_back(std::move(one));
  }
  return out;
}

std::string allocation_text(const allocation_result& r) {
  const allocation_trace& t = r.trace;
  std::string out = fmt::format(
      "{}: {} blocks obtained, {} given back, at most {} of {:.1f} MiB at once; played on storage, without a "
      "map\n",
      t.file, t.allocations, t.releases, t.places, in_mib(t.peak_live_bytes));
  if (t.unknown_releases != 0)
    out += fmt::format("{} releases of blocks that nobody had obtained are left out\n", t.unknown_releases);
  if (t.reused_keys != 0)
    out += fmt::format("{} addresses were obtained while alive: given back first\n", t.reused_keys);
  std::size_t width = 7;
  for (const allocation_row& row : r.rows) width = std::max(width, row.storage.size());
  out += fmt::format("\n{:<{}}  {:>8}  {:>5} {:>11}  {:>8} {:>6} {:>8} {:>8} {:>8}\n", "", width, "", "", "",
                     "resident MiB", "", "", "all", "on");
  out += fmt::format("{:<{}}  {:>8}  {:>5} {:>11}  {:>8} {:>6} {:>8} {:>8} {:>8}\n", "storage", width,
                     "ns/step", "ratio", "95 %", "peak", "/live", "at end", "released", "request");
  for (const allocation_row& row : r.rows) {
    if (!row.trouble.empty()) {
      out += fmt::format("{:<{}}  {}\n", row.storage, width, row.trouble);
      continue;
    }
    const bool timed = !row.cpu_ns_per_step.empty();
    out += fmt::format("{:<{}}  {:>8}  {:>5} {:>11}  {:>8.1f} {:>6.2f} {:>8.1f} {:>8.1f} {:>8.1f}\n",
                       row.storage, width,
                       timed ? fmt::format("{:.1f}", median_ns(row)) : "-",
                       timed ? fmt::format("{:.2f}", row.ratio.median) : "-",
                       timed ? fmt::format("{:.2f}..{:.2f}", row.ratio.low, row.ratio.high) : "-",
                       in_mib(row.peak_resident_bytes), share(row.peak_resident_bytes, row.peak_live_bytes),
                       in_mib(row.end_resident_bytes), in_mib(row.empty_resident_bytes),
                       in_mib(row.returned_resident_bytes));
  }
  out += "\nwhy\n";
  for (const allocation_row& row : r.rows) {
    if (row.trouble.empty()) out += fmt::format("{:<{}}  {}\n", row.storage, width, why_of(row));
  }
  out += "\n";
  for (const std::string& sentence : allocation_findings(r)) out += sentence + "\n";
  if (r.interrupted) out += "interrupted: the rows so far\n";
  return out;
}

}  // namespace tophash::lab
