// SPDX-License-Identifier: Apache-2.0
// A user's program: it sees the public header alone. Built once for each way of finding tophash; with USES_GC,
// USES_MIMALLOC or USES_ABSL_HASH it also calls the package that the optional target should have brought along.
#include <tophash/map.hpp>

#include <cstdio>

#if defined(USES_MIMALLOC)
#include <mimalloc.h>
static_assert(TOPHASH_WITH_MIMALLOC == 1);
#endif
#if defined(USES_GC)
#include <gc.h>
static_assert(TOPHASH_WITH_BOEHM == 1);
#endif
#if defined(USES_ABSL_HASH)
#include <absl/hash/hash.h>
static_assert(TOPHASH_WITH_ABSL_HASH == 1);
#endif

int main() {
  tophash::map<int, int> squares;
  for (int i = 0; i < 100; ++i) { squares[i] = i * i; }
  const auto found = squares.find(9);
  if (squares.size() != 100 || found == squares.end() || found->second != 81) { return 1; }
#if defined(USES_MIMALLOC)
  void* block = mi_malloc(16);
  if (block == nullptr) { return 2; }
  mi_free(block);
#endif
#if defined(USES_GC)
  if (GC_get_version() == 0) { return 3; }
#endif
#if defined(USES_ABSL_HASH)
  if (absl::Hash<int>{}(1) != absl::Hash<int>{}(1)) { return 4; }
#endif
  std::printf("a map of %zu\n", static_cast<std::size_t>(squares.size()));
  return 0;
}
