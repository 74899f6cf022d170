// SPDX-License-Identifier: Apache-2.0
// profile.proto is written by hand: five messages, all of their fields either a varint or bytes with a
// length. Field numbers: github.com/google/pprof/blob/main/proto/profile.proto.
#include "lab/allocation_profile.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include <tophash/allocators/decorators/tracked.hpp>

namespace tophash::lab {

namespace {

class message {
 public:
  void number(unsigned field, std::uint64_t value) {
    varint(std::uint64_t{field} << 3);
    varint(value);
  }
  void bytes(unsigned field, std::string_view value) {
    varint(std::uint64_t{field} << 3 | 2);
    varint(value.size());
    text_ += value;
  }
  void numbers(unsigned field, const std::vector<std::uint64_t>& values) {
    message packed;
    for (const std::uint64_t v : values) packed.varint(v);
    bytes(field, packed.text_);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

namespace profile_field {
constexpr unsigned sample_type = 1, sample = 2, location = 4, function = 5, string_table = 6, comment = 13,
                   default_sample_type = 14;
}
namespace value_type_field {
constexpr unsigned type = 1, unit = 2;
}
namespace sample_field {
constexpr unsigned location_id = 1, value = 2;
}
namespace location_field {
constexpr unsigned id = 1, line = 4;
}
namespace line_field {
constexpr unsigned function_id = 1;
}
namespace function_field {
constexpr unsigned id = 1, name = 2, system_name = 3;
}

// The strings of a profile; the first is empty, as the format wants it.
class string_table {
 public:
  string_table() { static_cast<void>((*this)("")); }
  std::uint64_t operator()(const std::string& s) {
    const auto [at, added] = known_.emplace(s, strings_.size());
    if (added) strings_.push_back(s);
    return at->second;
  }
  const std::vector<std::string>& all() const noexcept { return strings_; }

 private:
  std::map<std::string, std::uint64_t> known_;
  std::vector<std::string> strings_;
};

message value_type(string_table& strings, const char* type, const char* unit) {
  message out;
  out.number(value_type_field::type, strings(type));
  out.number(value_type_field::unit, strings(unit));
  return out;
}

}  // namespace

std::vector<allocation_site> allocation_sites(const measurement& m) {
  std::vector<allocation_site> out;
  for (const measured_row& row : m.rows) {
    if (!row.trouble.empty() || !row.memory || !row.memory->counted) continue;
    for (const purpose_traffic& t : row.memory->traffic) {
      out.push_back({.stack = {row.task.variant->name, row.task.storage,
                               allocators::allocation_cause_name(allocators::cause_of(t.use)),
                               purpose_name(t.use)},
                     .allocations = t.allocations,
                     .requested_bytes = t.requested_bytes,
                     .peak_bytes = t.peak_bytes});
    }
  }
  return out;
}

std::string folded_stacks(const std::vector<allocation_site>& sites) {
  std::string out;
  for (const allocation_site& s : sites) {
    std::string stack;
    for (std::string frame : s.stack) {
      std::replace(frame.begin(), frame.end(), ';', ':');
      stack += (stack.empty() ? "" : ";") + frame;
    }
    out += stack + " " + std::to_string(s.requested_bytes) + "\n";
  }
  return out;
}

std::string pprof_profile(const std::vector<allocation_site>& sites, const std::string& comment) {
  string_table strings;
  message out;
  out.bytes(profile_field::sample_type, value_type(strings, "allocations", "count").text());
  out.bytes(profile_field::sample_type, value_type(strings, "requested", "bytes").text());
  out.bytes(profile_field::sample_type, value_type(strings, "peak", "bytes").text());
  // One function and one location each, of the same number from 1.
  std::map<std::string, std::uint64_t> frames;
  for (const allocation_site& s : sites) {
    std::vector<std::uint64_t> leaf_first;
    for (auto frame = s.stack.rbegin(); frame != s.stack.rend(); ++frame)
      leaf_first.push_back(frames.emplace(*frame, frames.size() + 1).first->second);
    message sample;
    sample.numbers(sample_field::location_id, leaf_first);
    sample.numbers(sample_field::value, {s.allocations, s.requested_bytes, s.peak_bytes});
    out.bytes(profile_field::sample, sample.text());
  }
  for (const auto& [name, id] : frames) {
    message line, location, function;
    line.number(line_field::function_id, id);
    location.number(location_field::id, id);
    location.bytes(location_field::line, line.text());
    out.bytes(profile_field::location, location.text());
    function.number(function_field::id, id);
    function.number(function_field::name, strings(name));
    function.number(function_field::system_name, strings(name));
    out.bytes(profile_field::function, function.text());
  }
  out.number(profile_field::comment, strings(comment));
  out.number(profile_field::default_sample_type, strings("requested"));
  for (const std::string& s : strings.all()) out.bytes(profile_field::string_table, s);
  return out.text();
}

}  // namespace tophash::lab
