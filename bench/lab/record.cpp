// SPDX-License-Identifier: Apache-2.0
// Runs the program, then merges the buffers' blocks by sequence number into one trace. Memory: a block of
// each buffer at a time, and a table of the live blocks.
#include "lab/record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/experiment.hpp"
#include "lab/trace_file.hpp"
#include "lab/whole_file.hpp"
#include "record/raw_recording.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;
namespace raw = tophash::record;

struct close_file {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using file_pointer = std::unique_ptr<std::FILE, close_file>;

// ---- the recording --------------------------------------------------------------------------------

class raw_file {
 public:
  explicit raw_file(const fs::path& path) : name_(path.string()), file_(std::fopen(name_.c_str(), "rb")) {
    if (!file_) fail(0, std::string{"cannot be opened: "} + std::strerror(errno));
    raw::file_header head;
    if (std::fread(&head, sizeof head, 1, file_.get()) != 1 || head.magic != raw::file_magic)
      fail(0, "is no recording");
    index();
  }

  std::size_t buffers() const noexcept { return blocks_.size(); }

  // The buffer's next block. False: there is none.
  bool next_block(std::size_t buffer, std::vector<raw::event>& out) {
    std::deque<place>& waiting = blocks_[buffer];
    if (waiting.empty()) return false;
    const place at = waiting.front();
    waiting.pop_front();
    const std::uint64_t least = out.empty() ? 0 : out.back().sequence + 1;
    out.resize(at.events);
    if (std::fseek(file_.get(), at.offset, SEEK_SET) != 0 ||
        std::fread(out.data(), sizeof(raw::event), out.size(), file_.get()) != out.size())
      fail(at.number, "cannot be read");
    std::uint64_t last = least;
    for (const raw::event& e : out) {
      if (e.sequence < last) fail(at.number, "its events are out of order");
      last = e.sequence + 1;
    }
    return true;
  }

 private:
  struct place {
    long offset;
    std::uint32_t events;
    std::uint64_t number;  // of the block in the file, from 1
  };

  [[noreturn]] void fail(std::uint64_t block, const std::string& reason) const {
    throw command_error(exit_check_failed,
                        name_ + ": " + (block == 0 ? "" : "block " + std::to_string(block) + ": ") + reason);
  }

  void index() {
    std::fseek(file_.get(), 0, SEEK_END);
    const long end = std::ftell(file_.get());
    std::uint64_t number = 0;
    for (long at = sizeof(raw::file_header); at != end;) {
      ++number;
      raw::block_header head;
      std::fseek(file_.get(), at, SEEK_SET);
      if (std::fread(&head, sizeof head, 1, file_.get()) != 1) fail(number, "is cut");
      if (head.magic != raw::block_magic || head.events == 0 || head.events > raw::block_events_most ||
          head.buffer > number)
        fail(number, "is damaged");
      const long from = at + static_cast<long>(sizeof head);
      at = from + static_cast<long>(head.events * sizeof(raw::event));
      if (at > end)
        fail(number, "is cut: the file ends among its " + std::to_string(head.events) + " events");
      if (head.buffer >= blocks_.size()) blocks_.resize(head.buffer + 1);
      blocks_[head.buffer].push_back({from, head.events, number});
    }
  }

  std::string name_;
  file_pointer file_;
  std::vector<std::deque<place>> blocks_;  // by buffer
};

// All events in order.
class merged_events {
 public:
  explicit merged_events(raw_file& file) : file_(file), heads_(file.buffers()) {
    for (std::size_t b = 0; b < heads_.size(); ++b) refill(b);
  }

  bool next(raw::event& out) {
    if (due_.empty()) return false;
    const std::size_t b = due_.top().second;
    due_.pop();
    head& h = heads_[b];
    out = h.events[h.at++];
    if (h.at < h.events.size())
      due_.emplace(h.events[h.at].sequence, b);
    else
      refill(b);
    return true;
  }

 private:
  struct head {
    std::vector<raw::event> events;
    std::size_t at = 0;
  };
  using turn = std::pair<std::uint64_t, std::size_t>;

  void refill(std::size_t b) {
    heads_[b].at = 0;
    if (file_.next_block(b, heads_[b].events)) due_.emplace(heads_[b].events.front().sequence, b);
  }

  raw_file& file_;
  std::vector<head> heads_;
  std::priority_queue<turn, std::vector<turn>, std::greater<>> due_;
};

// ---- the program ----------------------------------------------------------------------------------

// Beside this program, where it was installed, or where it was built.
fs::path preloaded_library() {
  std::error_code none;
  const fs::path here = fs::read_symlink("/proc/self/exe", none).parent_path();
  if (const fs::path beside = here / "tophash-record.so"; fs::exists(beside, none)) return beside;
#if defined(TOPHASH_LAB_RECORDER_FROM_PROGRAM)
  const fs::path installed = (here / TOPHASH_LAB_RECORDER_FROM_PROGRAM).lexically_normal();
  if (fs::exists(installed, none)) return installed;
#endif
#if defined(TOPHASH_LAB_RECORDER)
  if (fs::exists(TOPHASH_LAB_RECORDER, none)) return TOPHASH_LAB_RECORDER;
#endif
  throw command_error(exit_not_here, "the library to preload, tophash-record.so, is not there");
}

[[noreturn]] void become(const std::vector<std::string>& command, const fs::path& library, const fs::path& to,
                         int failed) {
  std::string preload = library.string();
  if (const char* const others = std::getenv("LD_PRELOAD"); others != nullptr && *others != '\0')
    preload += ":" + std::string{others};
  ::setenv("LD_PRELOAD", preload.c_str(), 1);
  ::setenv(raw::file_variable, to.c_str(), 1);
  ::setenv(raw::owner_variable, std::to_string(::getpid()).c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  const int error = errno;
  static_cast<void>(!::write(failed, &error, sizeof error));
  ::_exit(127);
}

// Its exit status, as wait() tells.
int run(const std::vector<std::string>& command, const fs::path& library, const fs::path& to) {
  int failed[2];
  if (::pipe2(failed, O_CLOEXEC) != 0)
    throw command_error(exit_check_failed, std::string{"pipe: "} + std::strerror(errno));
  const pid_t child = ::fork();
  if (child < 0) throw command_error(exit_check_failed, std::string{"fork: "} + std::strerror(errno));
  if (child == 0) become(command, library, to, failed[1]);
  ::close(failed[1]);
  int error = 0;
  const bool started = ::read(failed[0], &error, sizeof error) != sizeof error;
  ::close(failed[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {  // Ctrl-C is the program's, too
  }
  if (!started)
    throw command_error(exit_usage, "'" + command.front() + "' cannot be run: " + std::strerror(error));
  return status;
}

}  // namespace

recording convert_recording(const fs::path& from, const fs::path& to) {
  return convert_recording(from, to, to.extension() == ".zst");
}

recording convert_recording(const fs::path& from, const fs::path& to, bool compressed) {
  raw_file file(from);
  merged_events events(file);
  trace_file trace(to, compressed);
  recording out;
  out.output = to.string();
  out.buffers = file.buffers();
  std::unordered_map<std::uint64_t, std::uint32_t> live;
  std::uint64_t live_bytes = 0, expected = 0;
  for (raw::event e; events.next(e);) {
    out.gaps += e.sequence - expected;
    expected = e.sequence + 1;
    if (e.freed()) {
      const auto known = live.find(e.address);
      if (known == live.end()) {
        ++out.unknown;
        continue;
      }
      live_bytes -= known->second;
      live.erase(known);
      ++out.releases;
    } else {
      live_bytes += e.bytes;
      live_bytes -= std::exchange(live[e.address], e.bytes);
      ++out.allocations;
      out.most_live = std::max<std::uint64_t>(out.most_live, live.size());
      out.most_live_bytes = std::max(out.most_live_bytes, live_bytes);
    }
    const auto ms = static_cast<std::int64_t>(e.ms());
    if (e.freed())
      trace.row(ms, 'd', e.address);
    else
      trace.row(ms, 's', e.address, e.bytes);
  }
  trace.finish();
  return out;
}

recording record_program(const record_request& request) {
  if (request.command.empty())
    throw command_error(exit_usage, "record needs a program: tophash record -o FILE -- PROGRAM ARGUMENTS");
  const fs::path library = preloaded_library();
  // Before the program runs: what it does may take long.
  whole_file whole(request.output);
  const fs::path raw_path =
      whole.in_place() ? fs::temp_directory_path() / ("tophash-" + std::to_string(::getpid()) + ".recording")
                       : fs::absolute(request.output + ".recording");
  struct removal {
    const fs::path& path;
    ~removal() {
      std::error_code none;
      fs::remove(path, none);
    }
  } const leftover{raw_path};
  const int status = run(request.command, library, raw_path);
  if (!fs::exists(raw_path))
    throw command_error(exit_not_here,
                        "'" + request.command.front() +
                            "' cannot be recorded: it is linked statically, or changes its user, or cleans "
                            "its environment, and LD_PRELOAD does not reach it");
  recording out = convert_recording(raw_path, whole.path(), fs::path{request.output}.extension() == ".zst");
  whole.keep();
  out.output = request.output;
  if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
  if (WIFEXITED(status)) out.exit_code = WEXITSTATUS(status);
  return out;
}

std::string recording_text(const recording& r) {
  const auto n = [](std::uint64_t number) { return std::to_string(number); };
  std::string out = r.output + ": " + n(r.allocations) + " blocks obtained, " + n(r.releases) +
                    " given back, at most " + n(r.most_live) + " of " + n(r.most_live_bytes) +
                    " bytes at once";
  if (r.buffers > 1) out += ", by up to " + n(r.buffers) + " threads at a time";
  out += "\n";
  if (r.unknown != 0) out += n(r.unknown) + " releases of older blocks are left out\n";
  if (r.signal != 0)
    out += "the program was ended by signal " + n(static_cast<std::uint64_t>(r.signal)) + "\n";
  if (r.exit_code != 0)
    out += "the program ended with code " + n(static_cast<std::uint64_t>(r.exit_code)) + "\n";
  if (r.gaps != 0) out += n(r.gaps) + " events are missing: those that waited when the program ended\n";
  return out;
}

}  // namespace tophash::lab
