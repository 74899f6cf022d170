// SPDX-License-Identifier: Apache-2.0
// The trace reader: rows from lines (byte_source.hpp), each error with its file and line.
#include "lab/trace.hpp"

#include <array>
#include <charconv>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lab/byte_source.hpp"

namespace tophash::lab {

namespace {

constexpr std::string_view header = "time,op,key,size";

template <class Number>
bool parse_number(std::string_view text, Number& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 40)) {
    const bool printable = c >= ' ' && c <= '~';
    out += printable ? c : '?';
  }
  return out + (text.size() > 40 ? "...'" : "'");
}

}  // namespace

trace_error::trace_error(const std::string& file, std::uint64_t line, const std::string& reason)
    : std::runtime_error(file + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + reason), line_(line) {}

struct trace_reader::stream {
  explicit stream(const std::filesystem::path& path) : name(path.string()) {
    try {
      lines = std::make_unique<line_source>(path);
    } catch (const input_error& error) {
      fail(error.what());
    }
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw trace_error(name, lines ? lines->line() : 0, reason);
  }

  bool read_line(std::string_view& out) {
    try {
      return lines->next(out);
    } catch (const input_error& error) {
      fail(error.what());
    }
  }

  void parse_row(std::string_view text_of_line, trace_row& row) const {
    std::array<std::string_view, 4> field;
    std::size_t count = 0;
    std::string_view rest = text_of_line;
    for (;; rest.remove_prefix(rest.find(',') + 1)) {
      if (count < field.size()) field[count] = rest.substr(0, rest.find(','));
      ++count;
      if (rest.find(',') == std::string_view::npos) break;
    }
    if (count != field.size())
      fail("expected 4 fields (" + std::string{header} + "), found " + std::to_string(count));
    row.clears = field[1] == "c";
    row.what = row.clears ? operation::erase : parse_operation(field[1]);
    row.key = field[2];
    if (row.clears && !row.key.empty()) fail("a clear has a key: " + quoted(row.key));
    if (!row.clears && row.key.empty()) fail("the key is empty");
    double time = 0;
    if (!field[0].empty() && !parse_number(field[0], time))
      fail("the time " + quoted(field[0]) + " is no number");
    row.size_bytes = 0;
    if (!field[3].empty() && !parse_number(field[3], row.size_bytes)) {
      fail("the size " + quoted(field[3]) + " is no number of bytes below 2^32");
    }
    row.line = lines->line();
  }

  operation parse_operation(std::string_view text_of_field) const {
    if (text_of_field == "g") return operation::get;
    if (text_of_field == "s") return operation::set;
    if (text_of_field == "d") return operation::erase;
    fail("the operation " + quoted(text_of_field) + " is none of g, s, d, c");
  }

  std::string name;
  std::unique_ptr<line_source> lines;
};

trace_reader::trace_reader(const std::filesystem::path& file) : stream_(std::make_unique<stream>(file)) {
  std::string_view first;
  if (!stream_->read_line(first) || first != header) {
    stream_->fail("the first line is not '" + std::string{header} + "' but " + quoted(first));
  }
}

trace_reader::~trace_reader() = default;

bool trace_reader::next(trace_row& row) {
  std::string_view text;
  if (!stream_->read_line(text)) return false;
  stream_->parse_row(text, row);
  return true;
}

std::string trace_reader::sha256() const { return stream_->lines->sha256(); }

namespace {

// One mixed run of all rows, stopped a few times to check what the map holds: a trace without gets would
// otherwise never look at a value. `clears`: before which records the map is cleared, ascending.
constexpr std::size_t audits = 8;

template <class Key>
void cut_for_audits(program<Key>& p, const std::vector<std::size_t>& clears) {
  const std::size_t rows = p.records.size();
  auto clear = clears.begin();
  std::size_t begin = 0;
  const auto run_to = [&p, &begin](std::size_t end) {
    if (begin != end) p.segments.push_back({.kind = segment_kind::mixed, .begin = begin, .end = end});
    begin = end;
  };
  for (std::size_t i = 1; i <= audits; ++i) {
    const std::size_t end = rows * i / audits;
    for (; clear != clears.end() && (*clear < end || i == audits); ++clear) {
      run_to(*clear);
      p.segments.push_back({.kind = segment_kind::clear});
    }
    run_to(end);
    p.segments.push_back({.kind = segment_kind::audit, .measured = false});
  }
}

class number_rows {
 public:
  explicit number_rows(std::string file) : file_(std::move(file)) {}

  void clear() { clears_.push_back(out_.records.size()); }
  void add(const trace_row& row) {
    std::uint64_t key = 0;
    if (!parse_number(row.key, key)) {
      throw trace_error(file_, row.line,
                        "the key " + quoted(row.key) +
                            " is no unsigned 64-bit number, but those before it are");
    }
    out_.records.push_back({key, row.size_bytes, row.what});
  }

  any_program finish() {
    cut_for_audits(out_, clears_);
    return std::move(out_);
  }

 private:
  std::string file_;
  program<std::uint64_t> out_;
  std::vector<std::size_t> clears_;
};

class string_rows {
 public:
  void clear() { clears_.push_back(out_.records.size()); }
  void add(const trace_row& row) {
    auto found = known_.find(row.key);
    if (found == known_.end()) {
      const std::string& kept = pool_->emplace_back(row.key);
      found = known_.emplace(kept, &kept).first;
    }
    out_.records.push_back({found->second, row.size_bytes, row.what});
  }

  any_program finish() {
    cut_for_audits(out_, clears_);
    out_.pool = std::move(pool_);
    return std::move(out_);
  }

 private:
  std::shared_ptr<std::deque<std::string>> pool_ = std::make_shared<std::deque<std::string>>();
  std::unordered_map<std::string_view, const std::string*> known_;
  program<std::string> out_;
  std::vector<std::size_t> clears_;
};

template <class Rows>
void read_rows(trace_reader& reader, trace_row row, bool more, std::uint64_t row_limit, Rows& rows,
               trace& out) {
  for (; more && out.rows() < row_limit; more = reader.next(row)) {
    if (row.clears) {
      rows.clear();
      ++out.clears;
      continue;
    }
    rows.add(row);
    out.gets += row.what == operation::get ? 1 : 0;
    out.sets += row.what == operation::set ? 1 : 0;
    out.erases += row.what == operation::erase ? 1 : 0;
  }
  while (more)
    more = reader.next(row);  // to the end: the hash is of the whole file, and all of it is checked
  out.operations = rows.finish();
}

}  // namespace

trace load_trace(const std::filesystem::path& file, trace_keys keys, std::uint64_t row_limit) {
  trace out;
  out.file = file.string();
  trace_reader reader(file);
  trace_row row;
  bool more = reader.next(row);
  if (!more) throw trace_error(out.file, 1, "no row after the first line");
  while (more && row.clears) more = reader.next(row);  // a map that is empty
  std::uint64_t number = 0;
  const bool numbers =
      keys == trace_keys::u64 || (keys == trace_keys::detect && parse_number(row.key, number));
  if (numbers) {
    number_rows rows(out.file);
    read_rows(reader, row, more, row_limit, rows, out);
  } else {
    string_rows rows;
    read_rows(reader, row, more, row_limit, rows, out);
  }
  out.sha256 = reader.sha256();
  return out;
}

void make_cache(any_program& operations, std::size_t capacity) {
  std::visit(
      [capacity](auto& p) {
        std::vector<segment> as_cache;
        for (const segment& s : p.segments) {
          const bool runs = s.kind == segment_kind::mixed;
          if (!runs && s.kind != segment_kind::clear) continue;
          if (runs && !as_cache.empty() && as_cache.back().kind == segment_kind::cached)
            as_cache.back().end = s.end;
          else if (runs)
            as_cache.push_back(
                {.kind = segment_kind::cached, .begin = s.begin, .end = s.end, .amount = capacity});
          else
            as_cache.push_back(s);
        }
        p.segments = std::move(as_cache);
      },
      operations);
}

}  // namespace tophash::lab
