// SPDX-License-Identifier: Apache-2.0
// From a request to tasks, and the tasks measured.
#include "lab/experiment.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <map>
#include <utility>

#include "lab/catalogue.hpp"
#include "lab/collectors.hpp"
#include "lab/go_speed.hpp"
#include "lab/go_structure.hpp"
#include "lab/hazards.hpp"
#include "lab/nearest.hpp"
#include "lab/on_demand.hpp"
#include "lab/peers_run.hpp"
#include "lab/sha256.hpp"
#include "lab/storage_source.hpp"
#include "lab/storages.hpp"
#include "lab/trace.hpp"
#include "lab/variant_source.hpp"
#include "lab/weak_costs.hpp"
#include "workloads/workloads.hpp"

namespace tophash::lab {

namespace {

constexpr std::size_t usual_n = 200'000;
constexpr std::size_t usual_sweep_buckets = std::size_t{1} << 17;

const workload_entry& workload_of(const experiment_request& request) {
  if (const workload_entry* w = find_workload(request.workload)) return *w;
  if (request.workload == overflow_reuse_entry().name)
    throw command_error(exit_usage,
                        "overflow_reuse is a matrix, which `run` measures; here name one of its patterns: "
                        "reuse_printed, reuse_same_keys, reuse_new_keys, reuse_adversary");
  if (request.workload == go_structure_name || request.workload == go_speed_name)
    throw command_error(exit_usage, request.workload + " is no workload of variants: `run --workload " +
                                        request.workload + "` compares preset=go_like with Go's map");
  if (request.workload == hazards_name || request.workload == weak_name)
    throw command_error(exit_usage, request.workload + " is no workload of variants: `run --workload " +
                                        request.workload + "` measures it");
  if (request.workload == peers_entry().name)
    throw command_error(exit_usage, "peers is measured by a program of its own, for `run` alone");
  std::vector<std::string> known = {std::string{overflow_reuse_entry().name}, std::string{peers_entry().name},
                                    go_structure_name, go_speed_name, hazards_name, weak_name};
  for (const workload_entry& w : workloads()) known.emplace_back(w.name);
  throw command_error(exit_usage,
                      "'" + request.workload + "' is no workload" + nearest_hint(request.workload, known));
}

// The text of one storage, in canonical form.
std::string canonical_storage(const std::string& text) {
  try {
    const spec_description spec = with_option(default_spec(), "allocation=" + text);
    return text_of(spec.options[axes::allocation::index]);
  } catch (const spec_error& error) {
    throw command_error(exit_usage, "--allocator " + text + ": " + error.what());
  }
}

term storage_term(const std::string& storage) {
  return with_option(default_spec(), "allocation=" + storage).options[axes::allocation::index];
}

void require_here(const std::string& storage) {
  try {
    static_cast<void>(bind_storage(storage));
  } catch (const std::invalid_argument& error) {
    const storage_entry* const entry = find_storage(plain_storage(storage));
    throw command_error(entry != nullptr && !entry->here ? exit_not_here : exit_usage, error.what());
  }
}

std::vector<std::string> all_storages() {
  std::vector<std::string> out;
  for (const storage_entry& s : storages()) {
    if (s.here && s.alone) out.push_back(s.name);
  }
  out.emplace_back("tracked(system)");
  return out;
}

// The storages of a collector's name: boehm, precise, none, or one of libgc's storages by itself.
std::vector<std::string> storages_named(const std::string& collector) {
  if (collector == "boehm") return {"boehm_scanned", "boehm_pointer_free"};
  if (collector == "precise") return {"precise"};
  if (collector.empty() || collector == "none") return {"system"};
  return {collector};
}

// --collector takes one, or several with commas between them.
std::vector<std::string> collectors_asked(const experiment_request& request) {
  return request.collector.empty() ? std::vector<std::string>{} : split_storages({request.collector});
}

bool names_collector(const experiment_request& request, const std::string& storage) {
  const std::vector<std::string> asked = collectors_asked(request);
  return std::any_of(asked.begin(), asked.end(), [&storage](const std::string& one) {
    return one == collector_of(storage) || one == plain_storage(storage);
  });
}

void check_collector(const experiment_request& request, const std::vector<std::string>& chosen) {
  if (request.collector.empty()) return;
  for (const std::string& storage : chosen) {
    if (names_collector(request, storage)) continue;
    throw command_error(exit_usage, "--collector " + request.collector + " and --allocator " + storage +
                                        " do not go together: boehm collects the storages named boehm_..., precise "
                                        "the one named so, none the others");
  }
}

std::vector<std::string> chosen_storages(const experiment_request& request) {
  for (const std::string& name : collectors_asked(request)) {
    std::vector<std::string> known;
    bool here = false, found = false;
    for (const collector_entry& c : collectors()) {
      known.push_back(c.name);
      if (c.name == name) found = true, here = c.here;
    }
    for (const storage_entry& s : storages()) {
      if (!s.collected() || s.name == "precise") continue;
      known.push_back(s.name);
      if (s.name == name) found = true, here = s.here;
    }
    if (!found)
      throw command_error(exit_usage, "'" + name + "' is no collector" + nearest_hint(name, known));
    if (!here) throw command_error(exit_not_here, "the collector " + name + " is not built in: it needs libgc-dev");
  }
  std::vector<std::string> asked = request.allocators;
  if (asked.empty()) {
    for (const std::string& name : collectors_asked(request)) {
      const std::vector<std::string> meant = storages_named(name);
      asked.insert(asked.end(), meant.begin(), meant.end());
    }
  }
  if (asked.empty() && request.value.how == value_kind::where::collected)
    asked = {"boehm_scanned", "boehm_map_aware"};  // nobody else finds such values
  if (asked.empty()) asked = storages_named("");
  std::vector<std::string> out;
  for (const std::string& text : split_storages(asked)) {
    const std::vector<std::string> meant =
        text == "all" ? all_storages() : std::vector<std::string>{canonical_storage(text)};
    for (const std::string& storage : meant) {
      require_here(storage);
      if (text == "all" && !request.collector.empty() && !names_collector(request, storage)) continue;
      if (std::find(out.begin(), out.end(), storage) == out.end()) out.push_back(storage);
    }
  }
  check_collector(request, out);
  return out;
}

// Why this variant cannot run on this storage with this key; empty: it can.
std::string refusal(const variant_row& row, const std::string& storage, key_kind key,
                    const value_kind& value) {
  const bool takes_key = key == key_kind::string ? row.run_string != nullptr : row.run_u64 != nullptr;
  const storage_entry* const entry = find_storage(plain_storage(storage));
  if (row.spec.empty() && !value.usual())
    return "it is no composition: its values are the lab's numbers alone";
  if (row.spec.empty()) {
    if (!takes_key) return "it takes no " + std::string{key_kind_name(key)} + " keys";
    return entry != nullptr && entry->sees == visibility::pointer_free
               ? "its nodes and arrays hold pointers that pointer-free storage would hide from the collector"
               : "";
  }
  const spec_description spec = with_option(parse_spec(row.spec), "allocation=" + storage);
  type_facts types = type_facts_for(spec, *find_type(key_kind_name(key)), type_of_value(value));
  types.value_collected = value.how == value_kind::where::collected;
  const std::optional<violation> broken = check_rules(spec, &types);
  if (broken) return broken->message();
  return takes_key ? "" : "it takes no " + std::string{key_kind_name(key)} + " keys";
}

double load_limit_of(const variant_row& row) {
  if (row.spec.empty()) return 0;
  const load_facts load = facts_of(parse_spec(row.spec)).load;
  return static_cast<double>(load.numerator) / static_cast<double>(load.denominator);
}

std::shared_ptr<const any_program> trace_program(const experiment_request& request, experiment& out) {
  const trace_keys keys = request.trace_keys == "u64"      ? trace_keys::u64
                          : request.trace_keys == "string" ? trace_keys::string
                                                           : trace_keys::detect;
  try {
    trace t = load_trace(request.trace, keys,
                         request.row_limit.value_or(std::numeric_limits<std::uint32_t>::max()));
    out.input_sha256 = t.sha256;
    out.input_text = std::to_string(t.rows()) + " rows (" + std::to_string(t.gets) + " get, " +
                     std::to_string(t.sets) + " set, " + std::to_string(t.erases) + " delete" +
                     (t.clears != 0 ? ", " + std::to_string(t.clears) + " clear" : "") + "), " +
                     key_kind_name(kind_of(t.operations)) + " keys";
    if (request.capacity) {
      make_cache(t.operations, *request.capacity);
      out.input_text +=
          ", as a cache of " + std::to_string(*request.capacity) + " entries, least recently used out first";
    }
    return std::make_shared<const any_program>(std::move(t.operations));
  } catch (const trace_error& error) {
    throw command_error(exit_check_failed, error.what());
  }
}

class task_list {
 public:
  task_list(const experiment_request& request, experiment& out)
      : request_(request),
        out_(out),
        on_demand_{.compile = request.compile,
                   .keep_duplicates = request.keep_duplicates,
                   .value = request.value,
                   .progress = request.progress},
        storages_(chosen_storages(request)) {
    check_timeline(request, std::any_of(storages_.begin(), storages_.end(),
                                        [](const std::string& storage) { return is_collected(storage); }));
    for (const std::string& file : request.load) load_variants(file, on_demand_);
    check_variants(request.variants, on_demand_);  // before an input is read
  }

  std::vector<measured_task> for_trace() {
    request_.progress("reading the input");
    out_.programs.push_back(trace_program(request_, out_));
    const any_program& p = *out_.programs.back();
    resolve_rows(kind_of(p));
    add(0, kind_of(p), [&p](const variant_row&) { return &p; });
    return std::move(tasks_);
  }

  std::vector<measured_task> for_workload(const workload_entry& workload) {
    const bool sweep = workload.name == "load_sweep";
    const key_kind key = parse_key();
    const std::vector<std::size_t> sizes =
        !request_.n.empty() ? request_.n : std::vector{sweep ? usual_sweep_buckets : usual_n};
    resolve_rows(key);
    if (sweep) keep_sweepable();
    for (const std::size_t n : sizes) {
      std::map<double, std::shared_ptr<const any_program>> by_limit;
      add(n, key, [&](const variant_row& row) {
        const double limit = sweep ? load_limit_of(row) : 0;
        std::shared_ptr<const any_program>& made = by_limit[limit];
        if (!made) {
          request_.progress("preparing " + request_.workload + " of " + std::to_string(n));
          made = std::make_shared<const any_program>(
              workload.build({.n = n, .key = key, .seed = request_.seed, .load_limit = limit}));
          out_.programs.push_back(made);
        }
        return made.get();
      });
    }
    note_parameters(sizes);
    return std::move(tasks_);
  }

 private:
  void resolve_rows(key_kind key) {
    rows_ = resolve_variants(request_.variants, key, on_demand_);
    if (!request_.bind) return;
    std::vector<binding> pairs;
    for (const std::string& storage : storages_) {
      for (const variant_row* row : rows_) {
        if (row->spec.empty())
          out_.left_out.push_back(row->name + " bound to " + storage + ": it is no composition");
        else if (const std::string why = handle_too_wide(storage_term(storage)); !why.empty())
          out_.left_out.push_back(row->name + " bound to " + storage + ": " + why);
        else if (row->any_storage && refusal(*row, storage, key, request_.value).empty())
          pairs.push_back({row, storage});
      }
    }
    for (const variant_row* row : bind_variants(pairs, key, on_demand_)) rows_.push_back(row);
  }

  key_kind parse_key() const {
    if (request_.key == "u64") return key_kind::u64;
    if (request_.key == "string") return key_kind::string;
    const std::string known[] = {"u64", "string"};
    throw command_error(exit_usage, "'" + request_.key + "' is no key type of the built variants" +
                                        nearest_hint(request_.key, known));
  }

  void keep_sweepable() {
    std::erase_if(rows_, [this](const variant_row* row) {
      const spec_facts facts = row->spec.empty() ? spec_facts{} : facts_of(parse_spec(row->spec));
      const bool open = facts.layout.is_open();
      const bool swept = !row->spec.empty() && facts.sizing.power_of_two && !open;
      if (open)
        out_.left_out.push_back(row->name +
                                ": the sweep counts buckets that overflow, and open addressing has none");
      else if (row->spec.empty())
        out_.left_out.push_back(row->name + ": it tells no chain statistics");
      else if (!swept)
        out_.left_out.push_back(row->name + ": the sweep fills powers of two, and its sizes are others");
      return !swept;
    });
  }

  void note_parameters(const std::vector<std::size_t>& sizes) {
    std::string text = "workload=" + request_.workload + " key=" + request_.key +
                       (request_.value.usual() ? "" : " value=" + request_.value.text()) +
                       " seed=" + std::to_string(request_.seed) + " n=";
    for (const std::size_t n : sizes) text += std::to_string(n) + (n == sizes.back() ? "" : ",");
    out_.input_text = text;
    out_.input_sha256 = sha256_of(text);
  }

  template <class ProgramOf>
  void add(std::size_t n, key_kind key, const ProgramOf& program_of) {
    for (const std::string& storage : storages_) {
      for (const variant_row* row : rows_) {
        const bool free = row->any_storage, bound = !row->bound_to.empty();
        if (!free && storage != (bound ? row->bound_to : storages_.front())) continue;
        const std::string where = free || bound ? storage : "system";
        const std::string why = refusal(*row, where, key, request_.value);
        if (why.empty())
          tasks_.push_back({.variant = row, .storage = where, .program = program_of(*row), .n = n});
        else
          out_.left_out.push_back(row->name + " on " + where + ": " + why);
      }
    }
  }

  const experiment_request& request_;
  experiment& out_;
  on_demand_options on_demand_;
  std::vector<const variant_row*> rows_;
  std::vector<std::string> storages_;
  std::vector<measured_task> tasks_;
};

}  // namespace

std::vector<std::string> split_storages(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    int depth = 0;
    std::string one;
    for (const char c : text) {
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      if (c != ',' || depth > 0) {
        one += c;
      } else {
        out.push_back(std::exchange(one, {}));
      }
    }
    out.push_back(one);
  }
  return out;
}

std::string checked_storage(const std::string& text) {
  std::string out = canonical_storage(text);
  if (const std::optional<violation> broken =
          check_rules(with_option(default_spec(), "allocation=" + out), nullptr))
    throw command_error(exit_usage, "--allocator " + text + ": " + broken->message());
  require_here(out);
  return out;
}

std::vector<measured_task> prepare_experiment(const experiment_request& request, experiment& out) {
  out.request = request;
  if (request.repeat == 0) throw command_error(exit_usage, "--repeat must be at least 1");
  if (request.capacity && *request.capacity == 0)
    throw command_error(exit_usage, "--capacity must be at least 1");
  const workload_entry* const workload = request.command == "run" ? &workload_of(request) : nullptr;
  task_list list(request, out);
  std::vector<measured_task> tasks = workload != nullptr ? list.for_workload(*workload) : list.for_trace();
  if (tasks.empty()) {
    std::string sentence = "nothing is left to measure";
    const char* const lead = out.left_out.size() == 1 ? ": " : "\n  ";
    for (const std::string& why : out.left_out) sentence += lead + why;
    throw command_error(exit_usage, sentence);
  }
  // Rules may have left out all rows that the collector would have had.
  check_timeline(request, std::any_of(tasks.begin(), tasks.end(),
                                      [](const measured_task& t) { return is_collected(t.storage); }));
  return tasks;
}

experiment run_experiment(const experiment_request& request) {
  experiment out;
  const std::vector<measured_task> tasks = prepare_experiment(request, out);
  out.measured = measure(tasks, {.repeat = request.check_only ? 1 : request.repeat,
                                 .seed = request.seed,
                                 .memory = request.memory && !request.check_only,
                                 .latency = request.latency && !request.check_only,
                                 .garbage_bytes = request.garbage_bytes,
                                 .time = !request.check_only,
                                 .progress = request.progress});
  return out;
}

void check_timeline(const experiment_request& request, bool any_collected) {
  if (!request.timeline || any_collected) return;
  throw command_error(exit_usage, "--gctrace and --chrome-trace are of rows under a collector, and there is none: "
                                  "add --collector boehm, precise or one of their storages");
}

int exit_code_of(const experiment& e) {
  const bool trouble = std::any_of(e.measured.rows.begin(), e.measured.rows.end(),
                                   [](const measured_row& r) { return !r.trouble.empty(); });
  return trouble || !e.measured.mismatches.empty() ? exit_check_failed : exit_done;
}

const measured_row& base_of(const experiment& e, const measured_row& row) {
  for (const measured_row& r : e.measured.rows) {
    const bool same_sweep = !r.result.load_points.empty() && !row.result.load_points.empty();
    if ((r.task.program == row.task.program || same_sweep) && r.task.n == row.task.n && r.trouble.empty())
      return r;
  }
  return row;
}

value_kind checked_value(const std::string& text) {
  if (const std::optional<value_kind> known = parse_value_kind(text)) return *known;
  throw command_error(exit_usage, "--value: '" + text + "' is neither inline:N (N bytes: 8, 16, ... " +
                                      std::to_string(value_kind::inline_max_bytes) + ") nor boxed nor gc");
}

std::vector<std::size_t> parse_sizes(const std::string& text) {
  std::vector<std::size_t> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    std::size_t number = 0;
    const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    std::string_view suffix(stop, static_cast<std::size_t>(part.data() + part.size() - stop));
    const std::size_t unit = suffix.empty()                   ? 1
                             : suffix == "k" || suffix == "K" ? 1000
                             : suffix == "M"                  ? 1'000'000
                                                              : 0;
    constexpr std::size_t most = 1'000'000'000;
    if (error != std::errc{} || unit == 0 || number == 0 || number > most / unit) {
      throw command_error(exit_usage,
                          "'" + part +
                              "' is no size: a number from 1 to 1000M, with k or M behind it if you like");
    }
    out.push_back(number * unit);
    begin = end + 1;
  }
  return out;
}

}  // namespace tophash::lab
