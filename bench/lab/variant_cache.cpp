// SPDX-License-Identifier: Apache-2.0
#include "lab/variant_cache.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include "lab/experiment.hpp"
#include "lab/sha256.hpp"

namespace tophash::lab {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view trailer_mark = "tophash\n";
constexpr std::size_t trailer_bytes = trailer_mark.size() + 64;

// By the XDG base directory specification: a relative XDG_CACHE_HOME does not count.
fs::path root_folder() {
  if (const char* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return fs::path{cache} / "tophash" / "variants";
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path{home} / ".cache" / "tophash" / "variants";
  throw command_error(exit_not_here,
                      "compiled variants have no place: set XDG_CACHE_HOME or HOME to a folder");
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string process_suffix() {
  static int count = 0;
  return "." + std::to_string(::getpid()) + "." + std::to_string(++count);
}

// The states that nobody has used for longest go, but none of the last hour: another process may be at work.
void drop_old_states(const fs::path& root) {
  std::error_code failed;
  std::vector<std::pair<fs::file_time_type, fs::path>> states;
  for (const fs::directory_entry& e : fs::directory_iterator(root, failed)) {
    const fs::file_time_type used = fs::last_write_time(e.path(), failed);
    if (!failed && e.is_directory(failed)) states.emplace_back(used, e.path());
  }
  std::sort(states.begin(), states.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  const fs::file_time_type an_hour_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (std::size_t i = variant_cache::kept_states; i < states.size(); ++i) {
    if (states[i].first < an_hour_ago) fs::remove_all(states[i].second, failed);
  }
}

[[noreturn]] void cannot(const fs::path& file, const std::string& why) {
  throw command_error(exit_not_here, "compiled variants cannot be kept: " + file.string() + ": " + why +
                                         "; set XDG_CACHE_HOME to a folder that can be written");
}

void rename_over(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::rename(from, to, failed);
  if (failed) cannot(to, failed.message());
}

}  // namespace

variant_cache::variant_cache(const std::string& state_sha256) : state_(state_sha256) {
  const fs::path root = root_folder();
  folder_ = root / state_sha256.substr(0, 16);
  std::error_code failed;
  const bool made = fs::create_directories(folder_, failed);
  if (failed) cannot(folder_, failed.message());
  if (made) drop_old_states(root);
  fs::last_write_time(folder_, fs::file_time_type::clock::now(), failed);
  if (::access(folder_.c_str(), W_OK | X_OK) != 0) cannot(folder_, "no permission to write");
}

bool variant_cache::empty() const {
  std::error_code failed;
  for (const fs::directory_entry& e : fs::directory_iterator(folder_, failed)) {
    if (e.path().extension() == ".so") return false;
  }
  return true;
}

fs::path variant_cache::place(std::string_view name, std::string_view extension) const {
  return folder_ / (sha256_of(name).substr(0, 32) + std::string{extension});
}

fs::path variant_cache::beside(std::string_view name, std::string_view extension) const {
  return place(name, process_suffix() + std::string{extension});
}

std::string variant_cache::seal_of(std::string_view name, std::string_view bytes) const {
  sha256 hash;
  hash.feed(state_ + "\n" + std::string{name} + "\n");
  hash.feed(bytes);
  return std::string{trailer_mark} + hash.hex();
}

bool variant_cache::valid(std::string_view name) const {
  const std::string bytes = bytes_of(place(name, ".so"));
  if (bytes.size() <= trailer_bytes) return false;
  const std::string_view whole = bytes;
  const std::size_t body = whole.size() - trailer_bytes;
  return whole.substr(body) == seal_of(name, whole.substr(0, body));
}

void variant_cache::keep(std::string_view name, const fs::path& object) const {
  const std::string seal = seal_of(name, bytes_of(object));
  std::ofstream out(object, std::ios::binary | std::ios::app);
  out << seal;
  out.close();
  if (!out) cannot(object, "it cannot be written");
  rename_over(object, place(name, ".so"));
}

void write_whole(const fs::path& file, std::string_view text) {
  const fs::path beside = file.string() + process_suffix();
  std::ofstream out(beside, std::ios::binary);
  out << text;
  out.close();
  if (!out) cannot(file, "it cannot be written");
  rename_over(beside, file);
}

}  // namespace tophash::lab
