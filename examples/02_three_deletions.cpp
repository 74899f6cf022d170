// The same 100,000 entries, filled, emptied and filled with new keys, under each deletion. What an erase leaves
// behind is the whole difference: nothing, dead slots, or the entries themselves.
//
// Prints:
//   deletion                  after erasing 90 %      after filling again
//   immediate                 dead     0 dirty     0    buckets 16384, rebuilt 0 times
//   tombstone                 dead     0 dirty     0    buckets 16384, rebuilt 0 times
//   tombstone(not_reusing)    dead 90000 dirty     0    buckets 16384, rebuilt 1 times
//   dirty                     dead     0 dirty 90000    buckets 16384, rebuilt 1 times
//   dirty, swept              dead     0 dirty     0    buckets 16384, rebuilt 0 times
#include <cstdint>
#include <cstdio>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/tombstone.hpp>

template <class Deletion>
void show(const char* name, bool sweep) {
  tophash::map<std::uint64_t, std::uint64_t, Deletion> m;
  for (std::uint64_t k = 0; k < 100'000; ++k) m[k] = k;
  for (std::uint64_t k = 0; k < 90'000; ++k) m.erase(k);
  if constexpr (requires { m.sweep(); }) {
    if (sweep) m.sweep();
  }
  const auto erased = m.stats();
  for (std::uint64_t k = 200'000; k < 290'000; ++k) m[k] = k;
  std::printf("%-25s dead %5zu dirty %5zu    buckets %zu, rebuilt %llu times\n", name, erased.dead, erased.dirty,
              m.stats().units, static_cast<unsigned long long>(m.stats().regrows));
}

int main() {
  std::printf("deletion                  after erasing 90 %%      after filling again\n");
  show<tophash::deletion::immediate>("immediate", false);
  show<tophash::deletion::tombstone>("tombstone", false);
  show<tophash::deletion::tombstone_not_reusing>("tombstone(not_reusing)", false);
  show<tophash::deletion::dirty>("dirty", false);
  show<tophash::deletion::dirty>("dirty, swept", true);
}
