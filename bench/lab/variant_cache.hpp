// SPDX-License-Identifier: Apache-2.0
// Compiled variants on disk: ${XDG_CACHE_HOME:-$HOME/.cache}/tophash/variants/STATE/NAME.so. STATE stands for
// everything that all variants depend on (headers, compiler, flags), NAME for one composition.
//
// An entry is a shared object with a trailer of 72 bytes: "tophash\n" and the SHA-256 of the entry's full
// name and of all bytes before the trailer. A file that was cut, damaged or put there under another name
// fails that check and is no entry. It is checked before dlopen(), which would die of a cut file.
// Entries are written beside their place and renamed: several processes may use one folder, the last of two
// equal writers wins, and who has an old file open keeps it. At most kept_states states stay.
#ifndef TOPHASH_BENCH_LAB_VARIANT_CACHE_HPP
#define TOPHASH_BENCH_LAB_VARIANT_CACHE_HPP

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace tophash::lab {

class variant_cache {
 public:
  static constexpr std::size_t kept_states = 4;

  // Makes the folder of the state. Throws command_error (exit_not_here) where it cannot.
  explicit variant_cache(const std::string& state_sha256);

  const std::filesystem::path& folder() const noexcept { return folder_; }
  bool empty() const;  // no entry yet

  // A file's place for the text that names a composition; the extension has its dot.
  std::filesystem::path place(std::string_view name, std::string_view extension) const;
  // A name beside it that no other process uses.
  std::filesystem::path beside(std::string_view name, std::string_view extension) const;

  bool valid(std::string_view name) const;
  // Puts the trailer on the finished object and renames it into its place.
  void keep(std::string_view name, const std::filesystem::path& object) const;

 private:
  std::string seal_of(std::string_view name, std::string_view bytes) const;

  std::filesystem::path folder_;
  std::string state_;
};

// Writes beside the file and renames. Throws command_error where it cannot.
void write_whole(const std::filesystem::path& file, std::string_view text);

}  // namespace tophash::lab

#endif
