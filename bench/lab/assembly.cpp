// SPDX-License-Identifier: Apache-2.0
#include "lab/assembly.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "lab/catalogue.hpp"
#include "lab/compiler.hpp"
#include "lab/describe.hpp"
#include "lab/experiment.hpp"
#include "lab/nearest.hpp"
#include "lab/variant_source.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> assembled_names = {"find", "insert", "erase"};

void check_operation(const std::string& name) {
  std::vector<std::string> known(assembled_names.begin(), assembled_names.end());
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw command_error(exit_usage, "'" + name + "' is no operation that asm knows: find, insert or erase" +
                                        nearest_hint(name, known));
}

// A folder that goes with its files, unless a log in it is to be read.
class work_folder {
 public:
  work_folder() {
    std::string name = (fs::temp_directory_path() / "tophash-asm-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw command_error(exit_not_here, "no folder for the object can be made: " + name);
    path_ = name;
  }
  work_folder(const work_folder&) = delete;
  work_folder& operator=(const work_folder&) = delete;
  ~work_folder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const noexcept { return path_; }
  void keep() noexcept { kept_ = true; }

 private:
  fs::path path_;
  bool kept_ = false;
};

fs::path find_objdump() {
  const fs::path found = find_program("objdump");
  if (found.empty())
    throw command_error(exit_not_here, "no objdump: asm reads objects with it; install the package binutils");
  return found;
}

std::vector<compile_job> jobs_for(const assembly_request& r, const work_folder& folder) {
  std::vector<compile_job> jobs;
  for (const std::string& spec : {r.spec, r.against}) {
    if (spec.empty()) continue;
    const std::string source = operation_program(spec, r.key, r.value, r.operation);
    const std::string stem = (folder.path() / std::to_string(jobs.size())).string();
    std::ofstream(stem + ".cpp", std::ios::binary) << source;
    jobs.push_back({.title = spec,
                    .arguments = {"-g1", "-shared", "-o", stem + ".so", stem + ".cpp"},
                    .log = stem + ".log"});
  }
  return jobs;
}

}  // namespace

assembly assemble(const assembly_request& request) {
  check_operation(request.operation);
  const compiler with = find_compiler();
  const fs::path objdump = find_objdump();
  work_folder folder;
  std::vector<compile_job> jobs = jobs_for(request, folder);
  run_jobs(with, jobs, request.progress);
  for (const compile_job& job : jobs) {
    if (job.succeeded || !fs::exists(job.log)) continue;
    folder.keep();
    throw command_error(exit_check_failed, "'" + job.title + "' does not compile: " + first_error(job.log) +
                                               " (the whole log: " + job.log.string() + ")");
  }
  std::vector<std::string> folders = {folder.path().string()};
  for (const fs::path& f : with.include_folders) folders.push_back(f.string());
  assembly out{.request = request, .compiler = with.text(), .operations = {}};
  for (const compile_job& job : jobs) {
    const std::vector<std::string> words = {objdump.string(), "-d", "-l", "-C", "-w", "-M", "intel",
                                            job.arguments[3]};
    const std::string dump = output_of(words);
    if (!is_x86_64(dump))
      throw command_error(exit_not_here,
                          "asm reads the code of x86-64 alone, and this compiler makes another");
    disassembled_function code = read_disassembly(dump, operation_symbol(request.operation), folders);
    if (code.fast.empty())
      throw command_error(exit_check_failed,
                          objdump.string() + " shows no function " + operation_symbol(request.operation));
    out.operations.push_back({job.title, canonical(parse_spec(job.title)), std::move(code)});
  }
  return out;
}

}  // namespace tophash::lab
