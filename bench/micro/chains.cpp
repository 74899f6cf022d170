// SPDX-License-Identifier: Apache-2.0
// What each option of bucket_chain's buckets costs and saves against the default, in one process: bytes an entry, and
// hits, misses, and an erase followed by an insert of the same key, as the median of paired ratios (default, option,
// default again) of the thread's CPU time. Tables are as full as they get: 6.5 entries a bucket.
//   tophash_chains [ROUNDS]
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <time.h>

#include <tophash/map.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/slabs.hpp>

namespace {

using namespace tophash;
using u64 = std::uint64_t;

double thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Hashes nobody mixes again. With Lost = 1 every second bucket stays empty, so that the others hold thirteen entries and
// not six and a half.
template <u64 Lost>
struct placed {
  using axis = axes::hashing;
  static constexpr hashing_facts facts{.raw = true};
  template <class Key>
  static constexpr bool avalanching = false;
  template <class Key, class Other>
  static constexpr bool transparent = false;
  u64 hash(u64 key) const noexcept { return mix(key) & ~Lost; }
  bool equal(u64 a, u64 b) const noexcept { return a == b; }
};
using good = placed<0>;
using even = placed<1>;

std::vector<u64> random_keys(std::size_t count, u64 from) {
  std::vector<u64> out;
  while (out.size() != count) out.push_back(from = next_seed(from));
  return out;
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

template <class Map>
class subject {
 public:
  subject(const std::vector<u64>& present, const std::vector<u64>& absent) : present_(present), absent_(absent) {
    for (const u64 key : present_) map_.try_emplace(static_cast<typename Map::key_type>(key), 1);
    std::sort(present_.begin(), present_.end(), [](u64 a, u64 b) { return next_seed(a) < next_seed(b); });
  }

  double hit() const { return found(present_); }
  double miss() const { return found(absent_); }
  double erase_and_insert() {
    return timed(present_.size(), [this] {
      for (const u64 key : present_) {
        map_.erase(static_cast<typename Map::key_type>(key));
        map_.try_emplace(static_cast<typename Map::key_type>(key), 1);
      }
    });
  }
  u64 checksum() const noexcept { return checksum_; }
  double bytes_an_entry() const {
    return static_cast<double>(map_.memory_report().total_bytes()) / static_cast<double>(map_.size());
  }

 private:
  template <class F>
  static double timed(std::size_t operations, F&& f) {
    const std::size_t rounds = 1 + 200'000 / operations;
    const double from = thread_cpu_ns();
    for (std::size_t i = 0; i != rounds; ++i) f();
    return (thread_cpu_ns() - from) / static_cast<double>(rounds * operations);
  }
  double found(const std::vector<u64>& wanted) const {
    return timed(wanted.size(), [&] {
      u64 sum = 0;
      for (const u64 key : wanted) {
        const auto at = map_.find(static_cast<typename Map::key_type>(key));
        sum += at == map_.end() ? 0 : at->second;
      }
      checksum_ = sum;
    });
  }

  Map map_;
  std::vector<u64> present_, absent_;
  mutable u64 checksum_ = 0;
};

template <class Standard, class Option>
void compare(const char* name, std::size_t entries, unsigned rounds) {
  const auto present = random_keys(entries, 1), absent = random_keys(entries, 2);
  subject<Standard> a(present, absent);
  subject<Option> b(present, absent);
  std::printf("%-30s %8zu  %6.2f -> %6.2f bytes", name, entries, a.bytes_an_entry(), b.bytes_an_entry());
  const auto pairs = [&](const char* what, auto&& operation) {
    std::vector<double> ratios, standard;
    for (unsigned i = 0; i != rounds; ++i) {
      const double before = operation(a), option = operation(b), after = operation(a);
      if (a.checksum() != b.checksum()) std::abort();
      ratios.push_back(2 * option / (before + after));
      standard.push_back(before);
    }
    std::printf("  %s %6.1f ns x%.3f", what, median(standard), median(ratios));
  };
  pairs("hit", [](auto& s) { return s.hit(); });
  pairs("miss", [](auto& s) { return s.miss(); });
  pairs("erase+insert", [](auto& s) { return s.erase_and_insert(); });
  std::puts("");
  std::fflush(stdout);
}

// `entries`: 13 of them times a power of two, the most that so many buckets take.
template <class Hash, class Key, bucket_options Options, class Source = overflow::fresh>
using chains = map<Key, Key, Hash, layout::bucket_chain<Options>, Source>;

template <class Hash>
void filters(std::size_t entries, unsigned rounds) {
  using standard = chains<Hash, u64, bucket_options{}>;
  compare<standard, chains<Hash, u64, bucket_options{.filter_bits = 8}>>("filter_bits=8", entries, rounds);
  compare<standard, chains<Hash, u64, bucket_options{.filter_bits = 32}>>("filter_bits=32", entries, rounds);
  compare<standard, chains<Hash, u64, bucket_options{.filter_bits = 32, .link = link_kind::index32}, overflow::slabs>>(
      "filter_bits=32,link=index32", entries, rounds);
}

void links_and_alignment(std::size_t entries, unsigned rounds) {
  using u32 = std::uint32_t;
  using standard = chains<good, u64, bucket_options{}>;
  using recycling = chains<good, u64, bucket_options{}, overflow::local_list>;
  constexpr bucket_options numbered{.link = link_kind::index32};
  compare<recycling, chains<good, u64, numbered, overflow::slabs>>("link=index32 over local_list", entries, rounds);
  compare<chains<good, u32, bucket_options{}, overflow::local_list>, chains<good, u32, numbered, overflow::slabs>>(
      "the same, u32", entries, rounds);
  compare<standard, chains<good, u64, bucket_options{.align_bytes = 64}>>("align_bytes=64", entries, rounds);
  compare<standard, chains<good, u64, bucket_options{.slots = 7, .align_bytes = 64}>>("slots=7,align_bytes=64", entries,
                                                                                     rounds);
  compare<chains<good, u64, bucket_options{.slots = 7}>, chains<good, u64, bucket_options{.slots = 7, .align_bytes = 64}>>(
      "the same over slots=7", entries, rounds);
}

}  // namespace

int main(int argc, char** argv) {
  unsigned rounds = 9;
  if (argc > 2 || (argc == 2 && (std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), rounds).ec != std::errc{} ||
                                 rounds == 0))) {
    std::fputs("usage: tophash_chains [ROUNDS]\n", stderr);
    return 64;
  }
  for (const std::size_t entries : {std::size_t{13} << 6, std::size_t{13} << 16}) {
    std::puts("a good hash");
    filters<good>(entries, rounds);
    links_and_alignment(entries, rounds);
    std::puts("every second bucket");
    filters<even>(entries, rounds);
  }
}
