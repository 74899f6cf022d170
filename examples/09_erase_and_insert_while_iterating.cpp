// A loop over a map whose body erases and inserts in that map, as Go allows it: entries erased before the loop reaches
// them do not come, those that stay come once, new ones may. A snapshot shows what was there instead.
//
// Prints:
//   32 even numbers erased while looping, each number met once
//   upper half added to the lower while looping: 64 ones are now in 32 entries
//   a loop over a snapshot met 32 numbers, though all were gone after the first
//   the array grew from 8 to 512 buckets within one loop, and all 32 came
#include <cstdio>
#include <set>

#include <tophash/go_map.hpp>

int main() {
  tophash::go_map<int, int> m;
  for (int i = 0; i < 64; ++i) m[i] = i;

  std::set<int> met;
  int erased = 0;
  bool twice = false;
  for (const auto& [number, value] : m) {
    twice = twice || !met.insert(number).second;
    if (number % 2 == 0 && m.erase(number) == 1) ++erased;  // `number` lies in the entry: not used after this
  }
  std::printf("%d even numbers erased while looping, each number met %s\n", erased, twice ? "twice" : "once");

  for (int i = 0; i < 64; ++i) m[i] = 1;
  for (auto&& [number, value] : m) {
    const int n = number, v = value;  // copies: the insert below may move the entry
    if (n < 32) continue;
    m.erase(n);
    m[n - 32] += v;
  }
  int sum = 0;
  for (const auto& [number, value] : m) sum += value;
  std::printf("upper half added to the lower while looping: %d ones are now in %zu entries\n", sum, m.size());

  std::size_t of_snapshot = 0;
  tophash::go_map<int, int> gone = m;
  for (const auto& entry : tophash::snapshot(gone)) {
    gone.clear();
    of_snapshot += entry.second != 0 ? 1 : 0;
  }
  std::printf("a loop over a snapshot met %zu numbers, though all were gone after the first\n", of_snapshot);

  tophash::go_map<int, int> grows(32);
  for (int i = 0; i < 32; ++i) grows[i] = i;
  const std::size_t buckets = grows.bucket_count();
  std::set<int> old;
  for (const auto& [number, value] : grows) {
    if (number < 32) old.insert(number);
    if (old.size() == 1) {
      for (int i = 32; i < 2000; ++i) grows[i] = i;
    }
  }
  std::printf("the array grew from %zu to %zu buckets within one loop, and all %zu came\n", buckets,
              grows.bucket_count(), old.size());
}
