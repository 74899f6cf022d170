// Overflow buckets in a pool under Boehm's collector. The pool hands a released bucket out again, and follows the
// collector's clock: what nobody took for two collections goes back, as in Go's sync.Pool. A map whose buckets are
// fresh leaves each of them to be allocated again.
//
// Prints:
//   fresh, 10 rounds: 70 overflow buckets asked for, 0 of them recycled
//   pool, 10 rounds: 70 overflow buckets asked for, 63 of them recycled
//   in the pool: 7, after one collection: 7, after two: 0
//   round 11: 77 asked for, 63 recycled
#include <cstdint>
#include <cstdio>

#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_collector.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>

namespace gc = tophash::gc;
namespace overflow = tophash::overflow;
template <class Source>
using map = tophash::map<std::uint64_t, std::uint64_t, tophash::hashing::identity, gc::boehm_scanned, Source>;

// 64 keys that share a bucket, in and out: eight buckets in a chain, seven of them overflow.
template <class Map>
void round(Map& m) {
  for (std::uint64_t k = 0; k < 64; ++k) m[k << 20] = k;
  for (std::uint64_t k = 0; k < 64; ++k) m.erase(k << 20);
}

template <class Map>
void print_counts(const char* what, const Map& m) {
  const tophash::overflow_counts counts = m.stats().overflow;
  std::printf("%s: %zu overflow buckets asked for, %zu of them recycled\n", what,
              static_cast<std::size_t>(counts.requested), static_cast<std::size_t>(counts.recycled));
}

int main() {
  gc::boehm_collector collector;
  overflow::pool spare{gc::boehm_scanned{}};  // on the stack, where libgc sees what it holds
  spare.follow(collector.clock());
  map<overflow::fresh> fresh(100);
  map<overflow::shared_pool> pooled(100, overflow::shared_pool{spare});
  for (int i = 0; i < 10; ++i) round(fresh), round(pooled);
  print_counts("fresh, 10 rounds", fresh);
  print_counts("pool, 10 rounds", pooled);

  const auto kept_after_collection = [&] {
    collector.collect();
    spare.catch_up();  // or the next bucket that is taken or kept
    return spare.kept();
  };
  const std::size_t before = spare.kept(), one = kept_after_collection(), two = kept_after_collection();
  std::printf("in the pool: %zu, after one collection: %zu, after two: %zu\n", before, one, two);
  round(pooled);
  const tophash::overflow_counts counts = pooled.stats().overflow;
  std::printf("round 11: %zu asked for, %zu recycled\n", static_cast<std::size_t>(counts.requested),
              static_cast<std::size_t>(counts.recycled));
}
