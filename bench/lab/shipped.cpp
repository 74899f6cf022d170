// SPDX-License-Identifier: Apache-2.0
#include "lab/shipped.hpp"

#include <system_error>

namespace tophash::lab {

namespace fs = std::filesystem;

fs::path installed_prefix() {
  std::error_code failed;
  const fs::path self = fs::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const fs::path prefix = self.parent_path().parent_path();
  return fs::is_directory(prefix / "share" / "tophash", failed) ? prefix : fs::path{};
}

fs::path shipped_folder(const char* name) {
  std::error_code failed;
  if (const fs::path prefix = installed_prefix(); !prefix.empty()) {
    const fs::path installed = prefix / "share" / "tophash" / name;
    if (fs::is_directory(installed, failed)) return installed;
  }
  return fs::path{TOPHASH_LAB_BENCH_FOLDER} / name;
}

}  // namespace tophash::lab
