// SPDX-License-Identifier: Apache-2.0
// Growths, their steps, sweeps and clears on a time line: the Chrome trace event format, a JSON array that
// chrome://tracing and ui.perfetto.dev open.
//
//   observe::chrome_trace_writer writer(file);          // a FILE*, or a buffer; outlives the maps
//   tophash::map<K, V, observe::chrome_trace> m(observe::chrome_trace{writer});
//
// A map has two tracks. "growths": each from the new array to the end of the old one, as "grow", "shrink"
// or, at the same size, "regrow" (B and E, args units_before, units_after). "operations": "step" of a
// growth (B and E, args chains, entries), "sweep" (B and E, args entries), and the instants "first array",
// "clear", "discard". Times are microseconds since the writer was made, to the nanosecond. Cost: two
// readings of the clock and about 200 bytes of text a step or sweep; without a writer (a map made from a
// SPEC has none) one test an event. A map and its copy share the writer and have tracks of their own; a
// move takes the tracks along. Maps that share a writer must not be written to by two threads at once.
#ifndef TOPHASH_POLICIES_OBSERVE_CHROME_TRACE_HPP
#define TOPHASH_POLICIES_OBSERVE_CHROME_TRACE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/policies/observe/clock.hpp>
#include <tophash/policies/observe/json_line.hpp>

namespace tophash::inline v1 {

namespace observe {

// Where the events go. What does not fit, or fails to be written, is dropped with all that follows it: what
// is there is the beginning of the trace, as a whole array.
class chrome_trace_writer {
 public:
  // Does not close the file.
  explicit chrome_trace_writer(std::FILE* to) noexcept : file_(to) { begin(); }
  // An event takes up to 160 bytes.
  chrome_trace_writer(char* buffer, std::size_t bytes) noexcept
      : buffer_(buffer), room_bytes_(bytes < tail.size() ? 0 : bytes - tail.size()) {
    begin();
  }
  chrome_trace_writer(const chrome_trace_writer&) = delete;
  chrome_trace_writer& operator=(const chrome_trace_writer&) = delete;
  ~chrome_trace_writer() { finish(); }

  // Closes the array. Later events are dropped.
  void finish() noexcept {
    if (std::exchange(finished_, true) || !begun_) return;
    if (file_ != nullptr) {
      static_cast<void>(std::fwrite(tail.data(), 1, tail.size(), file_));
      static_cast<void>(std::fflush(file_));
    } else {
      std::memcpy(buffer_ + used_bytes_, tail.data(), tail.size());  // room_bytes_ leaves this much
    }
    used_bytes_ += tail.size();
  }

  std::size_t written_bytes() const noexcept { return used_bytes_; }
  std::uint64_t events() const noexcept { return events_; }
  std::uint64_t dropped() const noexcept { return dropped_; }
  // What is in the buffer: an array once finish() was called.
  std::string_view text() const noexcept { return {buffer_, buffer_ == nullptr ? 0 : used_bytes_}; }

 private:
  friend class chrome_trace;
  static constexpr std::string_view head = "[\n", separator = ",\n", tail = "\n]\n";

  void begin() noexcept { begun_ = put(head); }

  unsigned add_map() noexcept {
    const unsigned map = ++maps_;
    name_track(2 * map - 1, map, ": growths");
    name_track(2 * map, map, ": operations");
    return map;
  }
  void name_track(unsigned track, unsigned map, std::string_view what) noexcept {
    tophash::text<64> name{"map "};
    name.append(std::uint64_t{map}).append(what);
    json_line line;
    line.word("name", "thread_name").word("ph", "M").number("pid", 1).number("tid", track);
    line.begin("args").word("name", name.view()).end();
    write(line);
  }

  struct argument {
    std::string_view name;
    std::uint64_t value;
  };
  // phase: B, E, i
  void event(std::string_view name, std::string_view phase, unsigned track, argument a = {},
             argument b = {}) noexcept {
    json_line line;
    line.word("name", name).word("ph", phase);
    line.thousandths("ts", clock_ns<std::chrono::steady_clock>() - start_ns_);
    line.number("pid", 1).number("tid", track);
    if (phase == "i") line.word("s", "t");
    line.begin("args");
    for (const argument& each : {a, b}) {
      if (!each.name.empty()) line.number(each.name, each.value);
    }
    line.end();
    write(line);
  }

  void write(json_line& line) noexcept {
    if (finished_ || dropped_ != 0 || !put(line.close(), events_ == 0 ? std::string_view{} : separator)) {
      ++dropped_;
      return;
    }
    ++events_;
  }
  bool put(std::string_view s, std::string_view before = {}) noexcept {
    if (file_ != nullptr) {
      if (std::fwrite(before.data(), 1, before.size(), file_) != before.size()) return false;
      if (std::fwrite(s.data(), 1, s.size(), file_) != s.size()) return false;
    } else {
      if (room_bytes_ - used_bytes_ < before.size() + s.size()) return false;
      if (!before.empty()) std::memcpy(buffer_ + used_bytes_, before.data(), before.size());
      std::memcpy(buffer_ + used_bytes_ + before.size(), s.data(), s.size());
    }
    used_bytes_ += before.size() + s.size();
    return true;
  }

  std::FILE* file_ = nullptr;
  char* buffer_ = nullptr;
  std::size_t room_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::uint64_t start_ns_ = clock_ns<std::chrono::steady_clock>();
  std::uint64_t events_ = 0;
  std::uint64_t dropped_ = 0;
  unsigned maps_ = 0;
  bool begun_ = false;
  bool finished_ = false;
};

class chrome_trace {
 public:
  using axis = axes::observe;
  static constexpr std::string_view name = "chrome_trace";
  static constexpr observe_facts facts{.on_const_paths = false, .shared_sink = true};

  chrome_trace() noexcept = default;
  explicit chrome_trace(chrome_trace_writer& to) noexcept : writer_(&to) {}
  chrome_trace(const chrome_trace& other) noexcept : writer_(other.writer_) {}
  chrome_trace(chrome_trace&& other) noexcept { take(other); }
  chrome_trace& operator=(const chrome_trace&) noexcept { return *this; }
  chrome_trace& operator=(chrome_trace&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~chrome_trace() = default;

  chrome_trace_writer* writer() const noexcept { return writer_; }

  void on(const events::growth_started& e) noexcept {
    if (e.units_before == 0) return work("first array", "i", {"units", e.units_after});
    growth_ = e.units_after > e.units_before ? "grow" : e.units_after < e.units_before ? "shrink" : "regrow";
    tell(1, growth_, "B", {"units_before", e.units_before}, {"units_after", e.units_after});
  }
  void on(const events::growth_finished& e) noexcept { tell(1, growth_, "E", {"units", e.units}); }
  void on(const events::step_started&) noexcept {
    step_entries_ = 0;
    work("step", "B");
  }
  void on(const events::evacuated& e) noexcept { step_entries_ += e.entries; }
  void on(const events::step_finished& e) noexcept {
    work("step", "E", {"chains", e.chains}, {"entries", step_entries_});
  }
  void on(const events::sweep_started&) noexcept { work("sweep", "B"); }
  void on(const events::sweep_finished& e) noexcept { work("sweep", "E", {"entries", e.entries}); }
  void on(const events::cleared& e) noexcept { work("clear", "i", {"entries", e.entries}); }
  void on(const events::discarded& e) noexcept { work("discard", "i", {"entries", e.entries}); }

 private:
  using argument = chrome_trace_writer::argument;

  void work(std::string_view what, std::string_view phase, argument a = {}, argument b = {}) noexcept {
    tell(0, what, phase, a, b);
  }
  void tell(unsigned growths, std::string_view what, std::string_view phase, argument a = {},
            argument b = {}) noexcept {
    if (writer_ == nullptr) return;
    if (map_ == 0) map_ = writer_->add_map();
    writer_->event(what, phase, 2 * map_ - growths, a, b);
  }

  void take(chrome_trace& other) noexcept {
    writer_ = other.writer_;
    map_ = std::exchange(other.map_, 0u);
    step_entries_ = other.step_entries_;
    growth_ = other.growth_;
  }

  chrome_trace_writer* writer_ = nullptr;
  unsigned map_ = 0;  // number among the writer's; 0: none yet
  std::uint64_t step_entries_ = 0;
  std::string_view growth_ = "grow";
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
