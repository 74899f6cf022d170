// SPDX-License-Identifier: Apache-2.0
#include "lab/import_trace.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "lab/byte_source.hpp"
#include "lab/experiment.hpp"
#include "lab/nearest.hpp"
#include "lab/trace_file.hpp"
#include "lab/whole_file.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

// What every format has to say.
struct imported_record {
  double seconds = 0;
  std::string_view key;
  std::uint64_t number = 0;  // the key, where `key` is empty
  std::optional<std::uint32_t> size_bytes;
  char operation = 'g';
  bool last = false;  // nobody asks for the key again
};

std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 40)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > 40 ? "...'" : "'");
}

template <class Number>
bool whole_number(std::string_view text, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

template <class Number>
Number number_in(std::string_view text, const char* what, const char* wanted) {
  Number out{};
  if (!whole_number(text, out))
    throw input_error(std::string{"the "} + what + " " + shown(text) + " is no " + wanted);
  return out;
}

double seconds_in(std::string_view text) {
  const auto out = number_in<double>(text, "time", "number of seconds");
  if (!std::isfinite(out) || std::abs(out) > 1e15)
    throw input_error("the time " + shown(text) + " is out of range");
  return out;
}

std::uint32_t size_in(std::string_view text) {
  return number_in<std::uint32_t>(text, "size", "number of bytes below 2^32");
}

struct operation_word {
  std::string_view word;
  char operation;
};
constexpr operation_word operation_words[] = {
    {"get", 'g'},    {"gets", 'g'},    {"set", 's'},    {"add", 's'},  {"replace", 's'}, {"cas", 's'},
    {"append", 's'}, {"prepend", 's'}, {"delete", 'd'}, {"incr", 'g'}, {"decr", 'g'},    {"read", 'g'},
    {"write", 's'},  {"put", 's'},     {"remove", 'd'}, {"g", 'g'},    {"s", 's'},       {"d", 'd'}};

char operation_in(std::string_view text) {
  std::string lower{text};
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::vector<std::string> known;
  for (const operation_word& w : operation_words) {
    if (w.word == lower) return w.operation;
    if (w.word.size() > 1) known.emplace_back(w.word);
  }
  throw input_error("the operation " + shown(text) + " is unknown" + nearest_hint(lower, known));
}

std::string_view without_carriage_return(std::string_view line) {
  return !line.empty() && line.back() == '\r' ? line.substr(0, line.size() - 1) : line;
}

// ---- formats ---------------------------------------------------------------------------------------

class record_reader {
 public:
  virtual ~record_reader() = default;
  virtual bool next(imported_record& out) = 0;
  virtual std::string place() const = 0;  // of the record read last
  virtual std::string sha256() const = 0;
};

class oracle_reader final : public record_reader {
 public:
  explicit oracle_reader(const fs::path& file) : source_(file, 24) {}

  bool next(imported_record& out) override {
    std::string_view bytes;
    if (!source_.next(bytes)) return false;
    out = {};
    out.seconds = static_cast<double>(little_endian<std::uint32_t>(bytes, 0));
    out.number = little_endian<std::uint64_t>(bytes, 4);
    out.size_bytes = little_endian<std::uint32_t>(bytes, 12);
    const auto following = static_cast<std::int64_t>(little_endian<std::uint64_t>(bytes, 16));
    if (following < -1)
      throw input_error("the next request is number " + std::to_string(following) +
                        ": this is no oracleGeneral trace");
    out.last = following == -1 || following == std::numeric_limits<std::int64_t>::max();
    return true;
  }
  std::string place() const override { return "record " + std::to_string(source_.record()); }
  std::string sha256() const override { return source_.sha256(); }

 private:
  template <class Number>
  static Number little_endian(std::string_view bytes, std::size_t at) {
    Number out = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;)
      out = static_cast<Number>((out << 8) | static_cast<unsigned char>(bytes[at + i]));
    return out;
  }

  record_source source_;
};

class twitter_reader final : public record_reader {
 public:
  explicit twitter_reader(const fs::path& file) : lines_(file) {}

  // Five fields stand behind the key, which may hold a comma itself.
  bool next(imported_record& out) override {
    std::string_view line;
    if (!lines_.next(line)) return false;
    line = without_carriage_return(line);
    const auto fields = 1 + std::count(line.begin(), line.end(), ',');
    if (fields < 7)
      throw input_error("expected 7 fields (timestamp,key,key size,value size,client,operation,TTL), found " +
                        std::to_string(fields));
    std::array<std::string_view, 5> behind;
    for (std::size_t i = behind.size(); i-- > 0;) {
      const std::size_t comma = line.rfind(',');
      behind[i] = line.substr(comma + 1);
      line = line.substr(0, comma);
    }
    out = {};
    const std::size_t comma = line.find(',');
    out.seconds = seconds_in(line.substr(0, comma));
    out.key = line.substr(comma + 1);
    if (out.key.empty()) throw input_error("the key is empty");
    static_cast<void>(number_in<std::uint64_t>(behind[0], "key's size", "number of bytes"));
    out.size_bytes = size_in(behind[1]);
    out.operation = operation_in(behind[3]);
    static_cast<void>(number_in<std::uint64_t>(behind[4], "TTL", "number of seconds"));
    return true;
  }
  std::string place() const override { return "line " + std::to_string(lines_.line()); }
  std::string sha256() const override { return lines_.sha256(); }

 private:
  line_source lines_;
};

class csv_reader final : public record_reader {
 public:
  explicit csv_reader(const import_request& r) : lines_(r.input), delimiter_(delimiter_of(r.delimiter)) {
    parse_columns(r.columns);
  }

  bool next(imported_record& out) override {
    std::string_view line;
    do {
      if (!lines_.next(line)) return false;
      line = without_carriage_return(line);
    } while (lines_.line() == 1 && is_header(line));
    fields_.clear();
    for (std::string_view rest = line;;) {
      const std::size_t end = rest.find(delimiter_);
      fields_.push_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    const std::size_t needed = std::max({time_, key_, size_, operation_});
    if (fields_.size() < needed)
      throw input_error("expected " + std::to_string(needed) + " fields or more, found " +
                        std::to_string(fields_.size()));
    out = {};
    if (time_ != 0) out.seconds = seconds_in(fields_[time_ - 1]);
    out.key = fields_[key_ - 1];
    if (out.key.empty()) throw input_error("the key is empty");
    if (size_ != 0 && !fields_[size_ - 1].empty()) out.size_bytes = size_in(fields_[size_ - 1]);
    if (operation_ != 0) out.operation = operation_in(fields_[operation_ - 1]);
    return true;
  }
  std::string place() const override { return "line " + std::to_string(lines_.line()); }
  std::string sha256() const override { return lines_.sha256(); }

 private:
  static char delimiter_of(const std::string& text) {
    if (text == "tab") return '\t';
    if (text.size() != 1 || text[0] == '\n')
      throw command_error(exit_usage, "--delimiter is one character, or tab; not '" + text + "'");
    return text[0];
  }

  [[noreturn]] static void refuse_columns(const std::string& text, const std::string& why) {
    throw command_error(exit_usage, "--columns " + text + ": " + why);
  }

  void parse_columns(const std::string& text) {
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      const std::string part = text.substr(begin, end - begin);
      const std::size_t sign = part.find('=');
      std::size_t column = 0;
      if (sign == std::string::npos || !whole_number(std::string_view{part}.substr(sign + 1), column) ||
          column == 0 || column > 1000)
        refuse_columns(text, "'" + part + "' is no NAME=COLUMN, counted from 1");
      const std::string name = part.substr(0, sign);
      std::size_t* const to = name == "time"   ? &time_
                              : name == "key"  ? &key_
                              : name == "size" ? &size_
                              : name == "op"   ? &operation_
                                               : nullptr;
      if (to == nullptr) refuse_columns(text, "'" + name + "' is none of time, key, size, op");
      if (*to != 0) refuse_columns(text, "'" + name + "' is there twice");
      *to = column;
      begin = end + 1;
    }
    if (key_ == 0) refuse_columns(text, "no column is the key");
  }

  bool is_header(std::string_view line) const {
    if (!line.empty() && line.front() == '#') return true;
    if (time_ == 0) return false;
    std::string_view field = line;
    for (std::size_t i = 1; i < time_ && field.find(delimiter_) != std::string_view::npos; ++i)
      field.remove_prefix(field.find(delimiter_) + 1);
    field = field.substr(0, field.find(delimiter_));
    double none = 0;
    return !field.empty() && std::isdigit(static_cast<unsigned char>(field.front())) == 0 &&
           !whole_number(field, none);
  }

  line_source lines_;
  char delimiter_;
  std::size_t time_ = 0, key_ = 0, size_ = 0, operation_ = 0;  // 0: there is none
  std::vector<std::string_view> fields_;
};

std::unique_ptr<record_reader> reader_of(const import_request& r) {
  if (r.format == "oracle_general") return std::make_unique<oracle_reader>(r.input);
  if (r.format == "csv") return std::make_unique<csv_reader>(r);
  if (r.format == "twitter") return std::make_unique<twitter_reader>(r.input);
  const std::string known[] = {"oracle_general", "csv", "twitter"};
  throw command_error(exit_usage, "'" + r.format + "' is no format" + nearest_hint(r.format, known));
}

// ---- rows ------------------------------------------------------------------------------------------

class imported_rows {
 public:
  imported_rows(import_result& out, trace_file& to) : out_(out), to_(to) {}

  void add(const imported_record& r) {
    if (out_.records++ == 0) first_seconds_ = r.seconds;
    const auto ms = static_cast<std::int64_t>(std::llround((r.seconds - first_seconds_) * 1000));
    if (r.key.empty()) {
      add_key(r, ms, r.number, numbers_);
      return;
    }
    const std::string key = encoded_key(r.key);
    if (key != r.key) ++out_.encoded_keys;
    add_key(r, ms, key, texts_);
  }

 private:
  template <class Key>
  void add_key(const imported_record& r, std::int64_t ms, const Key& key, std::unordered_set<Key>& alive) {
    char operation = r.operation;
    if (out_.request.as_map) {
      if (operation == 'd')
        alive.erase(key);
      else if (alive.insert(key).second)
        operation = 's';
    }
    out_.gets += operation == 'g' ? 1 : 0;
    out_.sets += operation == 's' ? 1 : 0;
    out_.erases += operation == 'd' ? 1 : 0;
    to_.row(ms, operation, key, operation == 'd' ? std::nullopt : r.size_bytes);
    if (!out_.request.as_map || !r.last || operation == 'd') return;
    alive.erase(key);
    ++out_.erases;
    to_.row(ms, 'd', key);
  }

  import_result& out_;
  trace_file& to_;
  double first_seconds_ = 0;
  std::unordered_set<std::uint64_t> numbers_;
  std::unordered_set<std::string> texts_;
};

}  // namespace

std::string encoded_key(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c > ' ' && c <= '~' && c != ',' && c != '%')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

import_result import_trace(const import_request& request) {
  import_result out;
  out.request = request;
  const fs::path to = request.output;
  std::error_code none;
  if (fs::equivalent(request.input, to, none))
    throw command_error(exit_usage, request.output + " is the input, too: name another file");
  std::unique_ptr<record_reader> reader;
  const auto place = [&request](const std::string& where, const char* reason) {
    return command_error(exit_check_failed,
                         request.input + ": " + where + (where.empty() ? "" : ": ") + reason);
  };
  try {
    reader = reader_of(request);
  } catch (const input_error& error) {
    throw place("", error.what());
  }
  whole_file whole(request.output);
  trace_file file(whole.path(), to.extension() == ".zst");
  imported_rows rows(out, file);
  try {
    imported_record r;
    while (out.records < request.row_limit.value_or(std::numeric_limits<std::uint64_t>::max())) {
      out.interrupted = interrupt_requested.load(std::memory_order_relaxed);
      if (out.interrupted || !reader->next(r)) break;
      rows.add(r);
    }
  } catch (const input_error& error) {
    throw place(reader->place(), error.what());
  }
  if (out.records == 0)
    throw place("", out.interrupted ? "interrupted before its first record" : "no record");
  if (!out.interrupted && !request.row_limit) out.input_sha256 = reader->sha256();
  file.finish();
  whole.keep();
  return out;
}

std::string import_text(const import_result& r) {
  std::string out = fmt::format("{}: {} rows ({} get, {} set, {} delete) from {} records of {}\n",
                                r.request.output, fmt::group_digits(r.gets + r.sets + r.erases),
                                fmt::group_digits(r.gets), fmt::group_digits(r.sets),
                                fmt::group_digits(r.erases), fmt::group_digits(r.records), r.request.input);
  if (r.encoded_keys != 0)
    out += fmt::format("{} keys hold characters that a trace cannot: they are there as %XX\n",
                       fmt::group_digits(r.encoded_keys));
  if (r.sets == 0 && !r.request.as_map)
    out += "nothing is set: replay it as a cache (--capacity N), or import it with --as-map\n";
  if (r.interrupted) out += "interrupted: these are the records so far\n";
  return out;
}

}  // namespace tophash::lab
