// SPDX-License-Identifier: Apache-2.0
// Order of things: the state of everything that all variants depend on is hashed once a process; what is in
// the cache is loaded; the rest is compiled, kept, and loaded from the cache's file like the first.
#include "lab/on_demand.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <dlfcn.h>

#include "lab/catalogue.hpp"
#include "lab/clock.hpp"
#include "lab/compiler.hpp"
#include "lab/experiment.hpp"
#include "lab/registry.hpp"
#include "lab/sha256.hpp"
#include "lab/variant.hpp"
#include "lab/variant_cache.hpp"
#include "lab/variant_source.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

// One row to compile.
struct wanted_variant {
  spec_description spec;  // its storage is `system`: what a row's spec says
  key_kind key;
  std::string bound_to;
  bool metered = false;  // its overflow source tells overflow_reuse of every bucket
  value_kind value = {};

  // What tells it from all others of one state.
  std::string name() const {
    return canonical(spec) + "\nkey=" + key_kind_name(key) +
           (bound_to.empty() ? "" : "\nbound_to=" + bound_to) + (metered ? "\nmetered" : "") +
           (value.usual() ? "" : "\nvalue=" + value.text());
  }
  std::string title() const { return short_text(spec) + (bound_to.empty() ? "" : " bound to " + bound_to); }
};

std::string layout_text() { return std::to_string(driver_layout()) + "ull"; }

// Included by every compilation before anything else, and the text that is compiled ahead.
std::string prefix_text() {
  return "#include <cstdint>\n#include <string>\n#include <tophash/allocators/erased.hpp>\n"
         "#include <tophash/framework/compose/name.hpp>\n#include <tophash/map.hpp>\n"
         "#include <tophash/presets.hpp>\n#include \"lab/variant.hpp\"\n"
         "static_assert(tophash::lab::driver_layout() == " +
         layout_text() +
         ",\n              \"these headers are not those that the program was built with: build it "
         "again\");\n";
}

// Files that are gone at the end, whatever ends it, unless they were renamed into a place.
class unfinished_files {
 public:
  unfinished_files() = default;
  unfinished_files(const unfinished_files&) = delete;
  unfinished_files& operator=(const unfinished_files&) = delete;
  ~unfinished_files() {
    std::error_code ignored;
    for (const fs::path& file : files_) fs::remove(file, ignored);
  }

  const fs::path& add(fs::path file) { return files_.emplace_back(std::move(file)); }
  const fs::path& operator[](std::size_t i) const { return files_[i]; }

 private:
  std::deque<fs::path> files_;
};

class workshop {
 public:
  workshop()
      : compiler_(find_compiler()),
        state_(sha256_of(headers_sha256(compiler_) + "\n" + compiler_.text() + "\n" + layout_text())),
        cache_(state_) {
    summary().compiler = compiler_.text();
    if (!fs::exists(prefix())) write_whole(prefix(), prefix_text());
  }

  static on_demand_summary& summary() {
    static on_demand_summary value;
    return value;
  }

  static workshop& instance() {
    static workshop value;
    return value;
  }

  std::vector<const variant_row*> rows_of(const std::vector<wanted_variant>& wanted,
                                          const on_demand_options& options) {
    compile(missing(wanted), options);
    std::vector<const variant_row*> out;
    for (const wanted_variant& w : wanted) out.push_back(row_of(w));
    return out;
  }

  void load_file(const std::string& file, const on_demand_options& options) {
    std::error_code failed;
    const fs::path source = fs::absolute(file, failed);
    if (failed || !fs::is_regular_file(source))
      throw command_error(exit_check_failed,
                          file + (fs::exists(source, failed) ? ": is no file of C++" : ": no such file"));
    unfinished_files own;  // once it is mapped, the object is nobody's to find
    const fs::path& object = own.add(cache_.beside(source.string(), ".so"));
    compile_job job = object_job(file, source, object, cache_.place(source.string(), ".log"));
    run(job, options);
    const std::size_t before = variants().size();
    std::set<std::string> names;
    for (const variant_row& row : variants()) names.insert(row.name);
    static_cast<void>(open(object));
    if (variants().size() == before)
      throw command_error(exit_check_failed,
                          file +
                              " registers no map; write TOPHASH_VARIANT(\"a name\", a_template) in it, where "
                              "a_template<Key> is the map with std::uint64_t values");
    for (std::size_t i = before; i < variants().size(); ++i) {
      if (!names.insert(variants()[i].name).second)
        throw command_error(exit_check_failed, file + " registers '" + variants()[i].name +
                                                   "', but a variant of that name is there already");
    }
    ++summary().files;
  }

 private:
  struct loaded_row {
    std::string name;
    variant_row row;
  };

  fs::path prefix() const { return cache_.folder() / "prefix.hpp"; }
  fs::path precompiled() const { return cache_.folder() / "prefix.hpp.gch"; }

  const loaded_row* find(const std::string& name) const {
    for (const loaded_row& l : loaded_) {
      if (l.name == name) return &l;
    }
    return nullptr;
  }

  // ---- compiling

  compile_job object_job(const std::string& title, const fs::path& source, const fs::path& object,
                         const fs::path& log) const {
    return {.title = title,
            .arguments = {"-include", prefix().string(), "-shared", "-o", object.string(), source.string()},
            .log = log};
  }

  std::vector<const wanted_variant*> missing(const std::vector<wanted_variant>& wanted) {
    std::vector<const wanted_variant*> out;
    std::set<std::string> seen;
    for (const wanted_variant& w : wanted) {
      const std::string name = w.name();
      if (find(name) != nullptr || !seen.insert(name).second) continue;
      if (cache_.valid(name))
        ++summary().from_cache;
      else
        out.push_back(&w);
    }
    return out;
  }

  // It costs as much as two variants without it and saves each one half: worth it for the third, or where a
  // variant of this state was compiled before, since then more are likely to follow.
  void precompile(std::size_t count, const on_demand_options& options) {
    if (fs::exists(precompiled()) || (count < 3 && cache_.empty())) return;
    unfinished_files unfinished;
    const fs::path& beside = unfinished.add(cache_.beside("prefix", ".gch"));
    std::vector<compile_job> jobs = {
        {.title = "the headers, once",
         .arguments = {"-x", "c++-header", prefix().string(), "-o", beside.string()},
         .log = cache_.place("prefix", ".log")}};
    run_jobs(compiler_, jobs, options.progress);
    std::error_code ignored;  // without it a variant takes longer, and if it fails its own log says why
    if (jobs.front().succeeded) fs::rename(beside, precompiled(), ignored);
  }

  void compile(const std::vector<const wanted_variant*>& wanted, const on_demand_options& options) {
    if (wanted.empty()) return;
    const std::uint64_t began = wall_ns();
    precompile(wanted.size(), options);
    std::vector<compile_job> jobs;
    unfinished_files objects;
    for (const wanted_variant* w : wanted) {
      const std::string name = w->name();
      const fs::path source = cache_.place(name, ".cpp");
      write_whole(source, variant_source(w->spec, w->key, w->bound_to, description(), w->metered, w->value));
      const fs::path& object = objects.add(cache_.beside(name, ".so"));
      jobs.push_back(object_job(w->title(), source, object, cache_.beside(name, ".log")));
    }
    run_jobs(compiler_, jobs, options.progress);
    again_without_precompiled(jobs, options);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i].succeeded) cache_.keep(wanted[i]->name(), objects[i]), ++summary().compiled;
    }
    for (const compile_job& job : jobs) throw_if_failed(job);
    summary().compile_seconds += static_cast<double>(wall_ns() - began) * 1e-9;
  }

  void run(compile_job& job, const on_demand_options& options) {
    std::vector<compile_job> jobs = {job};
    run_jobs(compiler_, jobs, options.progress);
    again_without_precompiled(jobs, options);
    throw_if_failed(jobs.front());
  }

  // A precompiled header that was cut (a full disk) fails every compilation that includes it.
  void again_without_precompiled(std::vector<compile_job>& jobs, const on_demand_options& options) {
    const auto blames_it = [](const compile_job& job) {
      return !job.succeeded && fs::exists(job.log) && first_error(job.log).find("PCH") != std::string::npos;
    };
    if (std::none_of(jobs.begin(), jobs.end(), blames_it)) return;
    std::error_code ignored;
    fs::remove(precompiled(), ignored);
    std::vector<compile_job> rest;
    for (const compile_job& job : jobs) {
      if (!job.succeeded) rest.push_back(job);
    }
    run_jobs(compiler_, rest, options.progress);
    for (compile_job& job : jobs) {
      for (const compile_job& done : rest) {
        if (done.log == job.log) job.succeeded = done.succeeded;
      }
    }
  }

  static void throw_if_failed(const compile_job& job) {
    if (job.succeeded || !fs::exists(job.log)) return;  // no log: not started, as an earlier one failed
    throw command_error(exit_check_failed, "'" + job.title + "' does not compile: " + first_error(job.log) +
                                               " (the whole log: " + job.log.string() + ")");
  }

  std::string description() const {
    std::string out = "compiled on demand";
    for (const char c : ", " + compiler_.version) {
      if (c != '"' && c != '\\') out += c;
    }
    return out;
  }

  // ---- loading

  // Symbols are the object's own; what it lacks (counters, packages) the program has. It stays loaded.
  static void* open(const fs::path& object) {
    if (void* const handle = ::dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    throw command_error(exit_not_here, std::string{"a compiled variant cannot be loaded: "} + ::dlerror());
  }

  const variant_row* row_of(const wanted_variant& w) {
    const std::string name = w.name();
    if (const loaded_row* const l = find(name)) return &l->row;
    void* const handle = open(cache_.place(name, ".so"));
    const auto fill = reinterpret_cast<void (*)(variant_row&)>(::dlsym(handle, variant_symbol));
    variant_row row{};
    if (fill != nullptr) fill(row);
    if (row.spec != canonical(w.spec))
      throw command_error(exit_check_failed, "'" + w.title() + "' was compiled as '" + row.spec + "'");
    if (!w.bound_to.empty()) row.bound_to = w.bound_to, row.name += " (bound)";
    loaded_.push_back({name, std::move(row)});
    return &loaded_.back().row;
  }

  compiler compiler_;
  std::string state_;
  variant_cache cache_;
  std::deque<loaded_row> loaded_;  // addresses stay
};

// A composition whose rules refuse this kind of key: nothing to compile; whoever measures rows says why.
const variant_row* refused_row(const spec_description& spec) {
  static std::deque<variant_row> rows;
  for (const variant_row& row : rows) {
    if (row.spec == canonical(spec)) return &row;
  }
  rows.push_back({.name = short_text(spec),
                  .spec = canonical(spec),
                  .description = "",
                  .any_storage = true,
                  .run_u64 = nullptr,
                  .run_string = nullptr});
  return &rows.back();
}

bool may_compile(const variant_choice& choice, const on_demand_options& options) {
  if (choice.error.empty()) return false;
  if (choice.not_built && options.compile) return true;
  throw command_error(choice.not_built ? exit_not_here : exit_usage, choice.error);
}

// Whatever its storage: what the storage forbids is said of each row.
bool takes_values(const spec_description& spec, key_kind key, const value_kind& value) {
  const type_facts types = type_facts_for(spec, *find_type(key_kind_name(key)), type_of_value(value));
  return value.usual() || !check_rules(spec, &types).has_value();
}

spec_description without_storage(const std::string& text) {
  return with_option(parse_spec(text), "allocation=system");
}

}  // namespace

const on_demand_summary& on_demand_so_far() { return workshop::summary(); }

void check_variants(const std::vector<std::string>& texts, const on_demand_options& options) {
  for (const std::string& text : texts) static_cast<void>(may_compile(choose_variants(text), options));
}

std::vector<const variant_row*> resolve_variants(const std::vector<std::string>& texts, key_kind key,
                                                 const on_demand_options& options) {
  std::vector<wanted_variant> wanted;
  std::vector<std::pair<std::vector<const variant_row*>, std::optional<std::size_t>>> found;
  for (const std::string& text : texts) {
    const auto want = [&](const spec_description& spec) {
      if ((key == key_kind::string && !takes_strings(spec)) || !takes_values(spec, key, options.value)) {
        found.push_back({{refused_row(spec)}, std::nullopt});
        return;
      }
      found.push_back({{}, wanted.size()});
      wanted.push_back(
          {.spec = spec, .key = key, .bound_to = {}, .metered = false, .value = options.value});
    };
    variant_choice choice = choose_variants(text);
    if (may_compile(choice, options)) {
      want(without_storage(text));
    } else if (options.value.usual()) {
      found.emplace_back(std::move(choice.rows), std::nullopt);
    } else {
      for (const variant_row* row : choice.rows) {
        if (row->spec.empty())
          found.push_back({{row}, std::nullopt});  // left out later, with the reason
        else
          want(parse_spec(row->spec));
      }
    }
  }
  std::vector<const variant_row*> compiled;
  if (!wanted.empty()) compiled = workshop::instance().rows_of(wanted, options);
  std::vector<const variant_row*> out;
  const auto add = [&](const variant_row* row) {
    if (options.keep_duplicates || std::find(out.begin(), out.end(), row) == out.end()) out.push_back(row);
  };
  for (const auto& [rows, index] : found) {
    for (const variant_row* row : rows) add(row);
    if (index) add(compiled[*index]);
  }
  return out;
}

std::vector<const variant_row*> bind_variants(const std::vector<binding>& pairs, key_kind key,
                                              const on_demand_options& options) {
  std::vector<wanted_variant> wanted;
  for (const binding& pair : pairs)
    wanted.push_back({.spec = without_storage(pair.row->spec),
                      .key = key,
                      .bound_to = pair.storage,
                      .metered = false,
                      .value = options.value});
  return wanted.empty() ? std::vector<const variant_row*>{} : workshop::instance().rows_of(wanted, options);
}

std::vector<const variant_row*> metered_variants(const std::vector<std::string>& specs,
                                                 const on_demand_options& options) {
  std::vector<wanted_variant> wanted;
  for (const std::string& text : specs)
    wanted.push_back(
        {.spec = without_storage(text), .key = key_kind::u64, .bound_to = {}, .metered = true, .value = {}});
  if (wanted.empty()) return {};
  if (!options.compile)
    throw command_error(exit_not_here, "overflow_reuse compiles its compositions: it cannot do without");
  return workshop::instance().rows_of(wanted, options);
}

void load_variants(const std::string& file, const on_demand_options& options) {
  workshop::instance().load_file(file, options);
}

}  // namespace tophash::lab
