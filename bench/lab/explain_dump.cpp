// SPDX-License-Identifier: Apache-2.0
#include "lab/explain_dump.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include <dlfcn.h>
#include <stdlib.h>

#include "lab/compiler.hpp"
#include "lab/describe.hpp"
#include "lab/experiment.hpp"
#include "lab/variant_cache.hpp"
#include "lab/variant_source.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

constexpr const char* dump_symbol = "tophash_dump";

// Entries before the erases, and at most so many more until a growth is under way.
constexpr const char* filling = R"(
template <class T>
T nth(std::uint64_t n) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(n);
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(n * 16);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "key_" + std::to_string(n);
  } else if constexpr (std::is_trivially_copyable_v<T>) {
    T out{};
    std::memcpy(&out, &n, sizeof n);
    return out;
  } else {
    return T(n % 4);
  }
}

template <class Map>
void fill(Map& m) {
  const auto put = [&m](std::uint64_t n) {
    m.insert_or_assign(nth<typename Map::key_type>(n), nth<typename Map::mapped_type>(n));
  };
  std::uint64_t n = 1;
  for (; n <= 24; ++n) put(n);
  while (m.stats().growing && n < 100) put(n++);
  for (std::uint64_t gone = 2; gone < n; gone += 4) m.erase(nth<typename Map::key_type>(gone));
  const auto growths = m.stats().growths;
  while (m.stats().growths == growths && n < 100) put(n++);
  if (!m.stats().growing) {
    m.erase(nth<typename Map::key_type>(1));  // what an erase leaves: a growth at once has taken the rest away
  } else if (m.stats().old_evacuated == 0) {
    put(n);
  }
}
)";

std::string dump_source(const dump_request& asked, const spec_description& spec) {
  const named_type &key = *find_type(asked.key), &value = *find_type(asked.value);
  const auto option = [&spec](std::size_t axis) { return spec.options[axis].name; };
  const bool erased = option(axes::allocation::index) == "erased",
             pooled = option(axes::overflow::index) == "shared_pool";
  std::set<std::string> headers = {"map.hpp", "dump.hpp", "allocators/system.hpp"};
  for (const std::string& header : cxx_headers(spec)) headers.insert(header);
  std::ostringstream out;
  out << "#include <cstdint>\n#include <cstring>\n#include <string>\n#include <type_traits>\n#include "
         "<vector>\n";
  for (const std::string& header : headers) out << "#include <tophash/" << header << ">\n";
  out << "\nnamespace {\n\n";
  for (const named_type* type : {&key, key.name == value.name ? nullptr : &value}) {
    if (type != nullptr && type->name.starts_with("bytes_"))
      out << "struct " << type->spelling << " {\n  std::uint64_t words[" << type->bytes / 8 << "];\n};\n";
  }
  out << "using map = " << cxx_type(spec, key.spelling, value.spelling) << ";\n"
      << filling << "\n}  // namespace\n\nextern \"C\" __attribute__((visibility(\"default\"))) void "
      << dump_symbol << "(std::string& out) {\n";
  std::vector<std::string> policies;
  if (erased) {
    out << "  tophash::allocators::erased_resource<tophash::allocators::system> storage;\n";
    policies.emplace_back("tophash::allocators::erased{storage}");
  }
  if (pooled) {
    const std::string storage = erased ? policies.front() : "map::allocation_type{}";
    out << "  tophash::overflow::pool spare{" << storage << "};\n";
    policies.emplace_back("tophash::overflow::shared_pool{spare}");
  }
  if (option(axes::hashing::index).ends_with("seeded"))
    policies.push_back("map::spec_type::hashing(std::uint64_t{" + std::to_string(asked.seed) + "})");
  out << "  map m";
  for (std::size_t i = 0; i < policies.size(); ++i) out << (i == 0 ? "(" : ", ") << policies[i];
  out << (policies.empty() ? ";" : ");")
      << "\n  fill(m);\n  out = tophash::dump(m, {.max_units = " << asked.max_units
      << ", .raw_slots = " << (asked.raw_slots ? "true" : "false") << "});\n}\n";
  return out.str();
}

struct scratch_folder {
  fs::path path;
  scratch_folder() {
    std::string name = (fs::temp_directory_path() / "tophash-dump-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw command_error(exit_check_failed, name + ": cannot be made: " + std::strerror(errno));
    path = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

std::string explain_dump(const dump_request& asked) {
  static_cast<void>(explain_program(asked.spec, asked.key, asked.value));  // its errors are ours
  const spec_description spec = parse_spec(asked.spec);
  if (facts_of(spec).sync.shared)
    throw command_error(exit_usage, "a map that threads share has a table a stripe, each as the same SPEC with "
                                    "sync=none: dump that");
  const scratch_folder scratch;
  const fs::path source = scratch.path / "dump.cpp", object = scratch.path / "dump.so";
  write_whole(source, dump_source(asked, spec));
  const compiler with = find_compiler();
  std::vector<compile_job> jobs = {{.title = short_text(spec),
                                    .arguments = {"-O0", "-shared", "-o", object.string(), source.string()},
                                    .log = scratch.path / "log"}};
  run_jobs(with, jobs, asked.progress);
  asked.progress("");
  if (!jobs.front().succeeded)
    throw command_error(exit_check_failed,
                        "'" + jobs.front().title + "' does not compile: " + first_error(jobs.front().log));
  void* const handle = ::dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw command_error(exit_not_here, std::string{"the compiled map cannot be loaded: "} + ::dlerror());
  const auto dump = reinterpret_cast<void (*)(std::string&)>(::dlsym(handle, dump_symbol));
  std::string text;
  dump(text);
  return text;
}

}  // namespace tophash::lab
