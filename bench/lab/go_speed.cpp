// SPDX-License-Identifier: Apache-2.0
#include "lab/go_speed.hpp"

#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <tophash/map.hpp>
#include <tophash/presets.hpp>

#include "lab/child_process.hpp"
#include "lab/claims.hpp"
#include "lab/clock.hpp"
#include "lab/experiment.hpp"
#include "lab/manifest.hpp"
#include "lab/reproduce_go.hpp"
#include "lab/reproduce_measure.hpp"
#include "lab/storages.hpp"
#include "workloads/random.hpp"

namespace tophash::lab {

namespace {

using nlohmann::json;

constexpr std::size_t loop_operations = 1'000'000;
constexpr speed_key all_keys[] = {speed_key::u64, speed_key::view, speed_key::string};
constexpr const char* speed_operations[] = {"insert", "hit", "miss", "iterate", "churn", "erase"};

volatile std::uint64_t speed_sum = 0;

// Go's heap asks the kernel for pages of 2 MiB, malloc only if told to; keys' characters lie in both. With
// usual pages an insert of a text at 1,000,000 entries took go_like 1.2 to 1.4 times as long.
bool malloc_asks_for_large_pages() {
  const char* const tunables = std::getenv("GLIBC_TUNABLES");
  return tunables != nullptr &&
         std::string_view{tunables}.find("glibc.malloc.hugetlb=1") != std::string_view::npos;
}

class stopwatch {
 public:
  double ns_each(std::size_t count) const {
    return static_cast<double>(thread_cpu_ns() - started_) / static_cast<double>(count);
  }

 private:
  std::uint64_t started_ = thread_cpu_ns();
};

// Keys as the maps take them; texts live in `texts`.
template <class Key>
std::vector<Key> make_keys(const std::vector<std::uint64_t>& bits,
                           std::vector<std::vector<std::string>>& texts) {
  if constexpr (std::is_same_v<Key, std::uint64_t>) {
    return bits;
  } else {
    std::vector<std::string>& made = texts.emplace_back();
    for (const std::uint64_t b : bits) made.push_back(fmt::format("k{:016x}", b));
    return {made.begin(), made.end()};
  }
}

template <class Key>
std::map<std::string, double> measure(std::size_t n, std::uint64_t seed) {
  using subject = map<Key, std::uint64_t, presets::go_like>;
  random_stream random(next_seed(seed));
  std::vector<std::uint64_t> key_bits(n), absent_bits(n);
  for (std::size_t i = 0; i < n; ++i) key_bits[i] = random.next(), absent_bits[i] = random.next();
  std::vector<std::vector<std::string>> texts;
  texts.reserve(3);
  const std::vector<Key> keys = make_keys<Key>(key_bits, texts), absent = make_keys<Key>(absent_bits, texts);
  std::vector<Key> shuffled = keys;
  for (std::size_t i = n; i > 1; --i)
    std::swap(shuffled[i - 1], shuffled[static_cast<std::size_t>(random.below(i))]);
  const std::size_t passes = n >= loop_operations ? 1 : loop_operations / n;
  const auto fill = [&keys](subject& m) {
    std::uint64_t i = 0;
    for (const Key& key : keys) m.insert_or_assign(key, i++);
  };
  std::map<std::string, double> out;
  std::uint64_t sum = 0;
  {
    subject m;  // the process's first pages are nobody's time
    fill(m);
    sum += m.size();
  }
  {
    const stopwatch watch;
    for (std::size_t p = 0; p < passes; ++p) {
      subject m;
      fill(m);
      sum += m.size();
    }
    out["insert"] = watch.ns_each(passes * n);
  }
  subject m;
  fill(m);
  const auto look_up = [&](const char* name, const std::vector<Key>& wanted) {
    const stopwatch watch;
    std::uint64_t got = 0;
    for (std::size_t p = 0; p < passes; ++p) {
      for (const Key& key : wanted) {
        const auto found = m.find(key);
        if (found != m.end()) got += found->second;
      }
    }
    out[name] = watch.ns_each(passes * n);
    sum += got;
  };
  look_up("hit", shuffled);
  look_up("miss", absent);
  {
    const std::size_t visits = 10 * passes;
    const stopwatch watch;
    for (std::size_t p = 0; p < visits; ++p) {
      for (const auto& entry : m) sum += entry.second;
    }
    out["iterate"] = watch.ns_each(visits * n);
  }
  {
    std::vector<std::uint64_t> fresh_bits(passes * n);
    std::vector<std::size_t> places(passes * n);
    for (std::size_t i = 0; i < places.size(); ++i)
      fresh_bits[i] = random.next(), places[i] = static_cast<std::size_t>(random.below(n));
    const std::vector<Key> fresh = make_keys<Key>(fresh_bits, texts);
    const auto churn = [&](auto& live, const auto& key_of, const auto& kept) {
      const stopwatch watch;
      for (std::size_t i = 0; i < places.size(); ++i) {
        m.erase(key_of(live[places[i]]));
        live[places[i]] = kept(fresh[i]);
        m.insert_or_assign(fresh[i], 1u);
      }
      out["churn"] = watch.ns_each(passes * n);
    };
    // The Go program keeps the keys themselves: a pointer to one would be one memory access more for us.
    if constexpr (std::is_trivially_copyable_v<Key>) {
      std::vector<Key> live = keys;
      churn(live, [](const Key& key) { return key; }, [](const Key& key) { return key; });
    } else {
      std::vector<const Key*> live(n);
      for (std::size_t i = 0; i < n; ++i) live[i] = &keys[i];
      churn(live, [](const Key* key) -> const Key& { return *key; }, [](const Key& key) { return &key; });
    }
  }
  {
    std::vector<subject> maps(passes);
    for (subject& one : maps) fill(one);
    const stopwatch watch;
    for (subject& one : maps) {
      for (const Key& key : shuffled) sum += one.erase(key);
    }
    out["erase"] = watch.ns_each(passes * n);
  }
  speed_sum = speed_sum + sum;
  return out;
}

// In a process of its own, as Go is: after a few rounds in one, its strings lie all over the heap that earlier ones
// left. Nor does malloc give memory back in it, which Go's heap does seldom: a table that has grown out of its array
// would else pay for new pages with the next one.
std::map<std::string, double> measure_in_child(speed_key key, std::size_t entries, std::uint64_t seed) {
  const json answer = in_child([&]() -> json {
    keep_freed_memory(true);
    return measure_go_like_speed(key, entries, seed);
  });
  if (stop_measuring()) return {};  // the interrupt ended it
  if (answer.contains("trouble"))
    throw std::runtime_error("go_speed: the process that measures go_like: " +
                             answer.at("trouble").get<std::string>());
  return answer.get<std::map<std::string, double>>();
}

std::map<std::string, double> measure_go(const go_programs& go, speed_key key, std::size_t entries,
                                         std::uint64_t seed, std::string& version) {
  const go_result r =
      go.run("speed", 1, seed,
             {{"entries", static_cast<double>(entries)}, {"strings", key == speed_key::u64 ? 0.0 : 1.0}});
  version = r.version;
  std::map<std::string, double> out;
  for (const auto& [name, metric] : r.sample) out[name] = metric.rounds.at(0);
  return out;
}

struct speed_cell {
  speed_key key;
  std::size_t entries;
};

}  // namespace

std::string_view speed_key_name(speed_key k) noexcept {
  return k == speed_key::u64 ? "u64" : k == speed_key::view ? "string_view" : "string";
}

speed_key parse_speed_key(std::string_view name) {
  for (const speed_key k : all_keys) {
    if (name == speed_key_name(k)) return k;
  }
  throw command_error(exit_usage, fmt::format("--key {}: go_speed's keys are u64, string_view and string", name));
}

std::map<std::string, double> measure_go_like_speed(speed_key key, std::size_t entries, std::uint64_t seed) {
  if (key == speed_key::u64) return measure<std::uint64_t>(entries, seed);
  if (key == speed_key::view) return measure<std::string_view>(entries, seed);
  return measure<std::string>(entries, seed);
}

go_speed_result run_go_speed(const go_speed_request& request) {
  if (!request.with_go) throw command_error(exit_usage, "go_speed is a comparison: it takes --with-go");
  go_speed_result out{.request = request, .rows = {}, .no_go = {}, .interrupted = false};
  const std::vector<std::string> programs = request.go.empty() ? std::vector<std::string>{"go"} : request.go;
  const std::vector<std::size_t> sizes =
      request.sizes.empty() ? std::vector<std::size_t>{1'000, 100'000, 1'000'000} : request.sizes;
  std::vector<speed_cell> cells;
  const std::vector<speed_key> keys =
      request.keys.empty() ? std::vector<speed_key>{std::begin(all_keys), std::end(all_keys)} : request.keys;
  for (const speed_key key : keys) {
    for (const std::size_t n : sizes) cells.push_back({key, n});
  }
  for (const std::string& program : programs) {
    if (!go_installed(program)) {
      out.no_go = "'" + program + "' is no program here (Debian package " + std::string{go_package} + ")";
      continue;
    }
    request.progress("building the Go program with " + program);
    const go_programs go(go_folder(), program);
    const std::size_t first = out.rows.size();
    for (const speed_cell& c : cells) {
      for (const char* operation : speed_operations)
        out.rows.push_back({.program = program,
                            .version = {},
                            .key = c.key,
                            .entries = c.entries,
                            .operation = operation,
                            .ours_ns = {},
                            .go_ns = {},
                            .ratio = {}});
    }
    for (unsigned round = 0; round < request.rounds && !stop_measuring(); ++round) {
      for (std::size_t i = 0; i < cells.size() && !stop_measuring(); ++i) {
        const speed_cell& c = cells[i];
        request.progress(fmt::format("round {} of {}: {} {}", round + 1, request.rounds,
                                     speed_key_name(c.key), c.entries));
        const std::uint64_t seed = request.seed + round;
        std::string version;
        std::map<std::string, double> ours, theirs;
        // Always in this order. In turns of two (ours, Go, Go, ours) an insert at 1,000,000 entries took each of them
        // 1.5 to 2 times as long right after its own process as after the other's.
        ours = measure_in_child(c.key, c.entries, next_seed(seed));
        if (!stop_measuring()) theirs = measure_go(go, c.key, c.entries, seed, version);
        if (stop_measuring()) break;
        for (std::size_t k = 0; k < std::size(speed_operations); ++k) {
          speed_row& row = out.rows[first + i * std::size(speed_operations) + k];
          row.version = version;
          row.ours_ns.push_back(ours.at(row.operation));
          row.go_ns.push_back(theirs.at(row.operation));
        }
      }
    }
  }
  for (speed_row& row : out.rows) {
    std::vector<double> quotients;
    for (std::size_t i = 0; i < row.ours_ns.size(); ++i) quotients.push_back(row.ours_ns[i] / row.go_ns[i]);
    row.ratio = summarise(quotients);
  }
  out.interrupted = stop_measuring();
  return out;
}

json go_speed_json(const go_speed_result& r) {
  json out{{"schema", "tophash-go-speed-1"}, {"manifest", manifest()}, {"rounds", r.request.rounds}};
  out["manifest"]["seed"] = r.request.seed;
  out["manifest"]["argv"] = r.request.argv;
  out["malloc_asks_for_large_pages"] = malloc_asks_for_large_pages();
  out["rows"] = json::array();
  for (const speed_row& row : r.rows)
    out["rows"].push_back(
        {{"program", row.program},
         {"version", row.version},
         {"key", speed_key_name(row.key)},
         {"entries", row.entries},
         {"operation", row.operation},
         {"ours_ns", row.ours_ns},
         {"go_ns", row.go_ns},
         {"ratio", {{"median", row.ratio.median}, {"low", row.ratio.low}, {"high", row.ratio.high}}}});
  if (!r.no_go.empty()) out["no_go"] = r.no_go;
  if (r.interrupted) out["interrupted"] = true;
  return out;
}

std::string go_speed_text(const go_speed_result& r) {
  std::string out =
      fmt::format("preset=go_like over Go's map, {} rounds, seed {}: below 1 go_like is faster\n",
                  r.request.rounds, r.request.seed);
  out += malloc_asks_for_large_pages()
             ? "pages: both heaps ask for 2 MiB pages (GLIBC_TUNABLES=glibc.malloc.hugetlb=1)\n"
             : "pages: Go's heap asks for 2 MiB pages, this one does not; "
               "GLIBC_TUNABLES is set without glibc.malloc.hugetlb=1\n";
  std::string program;
  for (const speed_row& row : r.rows) {
    if (row.ours_ns.empty()) continue;
    if (row.program != program) {
      program = row.program;
      out += fmt::format("\n{:<12} {:>9}  {:<8} {:>12} {:>12} {:>8}  interval\n", "key", "entries", "",
                         "go_like ns", row.version + " ns", "ratio");
    }
    out += fmt::format("{:<12} {:>9}  {:<8} {:>12.1f} {:>12.1f} {:>8.2f}  {:.2f}..{:.2f}\n",
                       speed_key_name(row.key), row.entries, row.operation, summarise(row.ours_ns).median,
                       summarise(row.go_ns).median, row.ratio.median, row.ratio.low, row.ratio.high);
  }
  if (!r.no_go.empty()) out += "\nno go: " + r.no_go + "\n";
  return out;
}

}  // namespace tophash::lab
