// SPDX-License-Identifier: Apache-2.0
// Where the lab finds what it reads at run time: under the prefix that it was installed to, which may have
// been moved, else in the source tree that it was built from.
#ifndef TOPHASH_BENCH_LAB_SHIPPED_HPP
#define TOPHASH_BENCH_LAB_SHIPPED_HPP

#include <filesystem>

namespace tophash::lab {

// Of a program in <prefix>/bin, when <prefix>/share/tophash is there. Otherwise empty.
std::filesystem::path installed_prefix();

// claims, go or traces: <prefix>/share/tophash/NAME, or bench/NAME.
std::filesystem::path shipped_folder(const char* name);

}  // namespace tophash::lab

#endif
