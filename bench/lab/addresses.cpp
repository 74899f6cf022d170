// SPDX-License-Identifier: Apache-2.0
#include "lab/addresses.hpp"

#if defined(__linux__)
#include <cstdlib>

#include <sys/personality.h>
#include <unistd.h>
#endif

namespace tophash::lab {

#if defined(__linux__)

namespace {
constexpr unsigned long as_it_is = 0xffffffff;

// Returns only if it cannot.
void restart(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  for (std::string& word : argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execv("/proc/self/exe", pointers.data());
}

}  // namespace

void restart_with_large_pages(const std::vector<std::string>& argv) {
  if (std::getenv("GLIBC_TUNABLES") != nullptr) return;
  if (setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1) == 0) restart(argv);
}

bool addresses_are_fixed() {
  const int now = personality(as_it_is);
  return now != -1 && (static_cast<unsigned>(now) & ADDR_NO_RANDOMIZE) != 0;
}

void restart_with_fixed_addresses(const std::vector<std::string>& argv) {
  const int now = personality(as_it_is);
  if (now == -1 || addresses_are_fixed()) return;
  // A sandbox may refuse, or pretend to obey: then starting again would never end.
  if (personality(static_cast<unsigned>(now) | ADDR_NO_RANDOMIZE) == -1 || !addresses_are_fixed()) return;
  restart(argv);
}

#else

bool addresses_are_fixed() { return false; }
void restart_with_large_pages(const std::vector<std::string>&) {}
void restart_with_fixed_addresses(const std::vector<std::string>&) {}

#endif

}  // namespace tophash::lab
