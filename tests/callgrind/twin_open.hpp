// SPDX-License-Identifier: Apache-2.0
// The fast map and the map of nodes for u64 -> u64, written by hand: no policies, no concepts, no layers, the
// same decisions. What the framework costs over them is what tests/callgrind/compare.cmake counts.
#ifndef TOPHASH_TESTS_CALLGRIND_TWIN_OPEN_HPP
#define TOPHASH_TESTS_CALLGRIND_TWIN_OPEN_HPP

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include <emmintrin.h>

template <bool InNodes>
class twin_open {
  struct entry {
    std::uint64_t key, value;
  };
  struct node {
    std::uint64_t hash;
    entry e;
  };
  using unit = std::conditional_t<InNodes, node*, entry>;
  struct alignas(16) group {
    std::uint8_t tags[16];
  };
  struct slot {
    unit* at = nullptr;
    std::uint8_t* tag = nullptr;
  };

 public:
  explicit twin_open(std::uint64_t seed) : seed_(seed) {}
  twin_open(const twin_open&) = delete;
  twin_open& operator=(const twin_open&) = delete;
  ~twin_open() {
    if (units_ == 0) return;
    if constexpr (InNodes) {
      for (std::size_t u = 0; u < units_; ++u) {
        for (unsigned mask = occupied(groups_ + u); mask != 0; mask &= mask - 1)
          std::free(entries_[u * 15 + lowest(mask)]);
      }
    }
    std::free(entries_);
  }

  std::size_t size() const { return size_; }

  void reserve(std::size_t n) {
    std::size_t units = 2;
    while (limit(units) < n) units *= 2;
    if (units > units_) grow(units);
  }

  std::uint64_t* find(std::uint64_t key) const {
    const std::uint64_t hash = mixed(key);
    if constexpr (InNodes) {
      const slot s = search(hash, key);
      return s.at == nullptr ? nullptr : &entry_in(s).value;
    } else {
      const std::size_t home = hash & mask_;
      slot s = in_group(home, hash, key);
      if (s.at == nullptr) {
        if (ends(groups_ + home, hash)) [[likely]]
          return nullptr;
        s = search_beyond(hash, key);
        if (s.at == nullptr) return nullptr;
      }
      return &s.at->value;
    }
  }

  std::uint64_t& operator[](std::uint64_t key) {
    const std::uint64_t hash = mixed(key);
    if constexpr (InNodes) {
      if (const slot s = search(hash, key); s.at != nullptr) return entry_in(s).value;
      if (size_ >= grow_at_) [[unlikely]]
        grow(units_ == 0 ? 2 : 2 * units_);
      auto* const fresh = static_cast<node*>(std::malloc(sizeof(node)));
      if (fresh == nullptr) throw std::bad_alloc{};
      fresh->hash = hash;
      fresh->e = {key, 0};
      const slot s = vacancy_for_new(hash);
      *s.at = fresh;
      count_passed(s, hash, 1);
      claim(s, hash);
      ++size_;
      return fresh->e.value;
    } else {
      const std::size_t home = hash & mask_;
      if (const slot s = in_group(home, hash, key); s.at != nullptr) return s.at->value;
      return insert_new(hash, groups_ + home, home, key);
    }
  }

  bool erase(std::uint64_t key) {
    const std::uint64_t hash = mixed(key);
    if constexpr (InNodes) {
      const slot s = search(hash, key);
      if (s.at == nullptr) return false;
      --size_;
      count_passed(s, (*s.at)->hash, -1);
      std::free(*s.at);
      *s.tag = 0;
      return true;
    } else {
      const std::size_t home = hash & mask_;
      const slot s = in_group<true>(home, hash, key);
      if (s.at == nullptr && !ends(groups_ + home, hash)) [[unlikely]]
        return erase_beyond(hash, key);
      return erased(s);
    }
  }

 private:
  static constexpr std::array<std::uint32_t, 256> words = [] {
    std::array<std::uint32_t, 256> out{};
    for (unsigned i = 0; i < 256; ++i) out[i] = 0x01010101u * (i < 3 ? i + 8 : i);
    return out;
  }();
  static constexpr std::uint8_t window[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff};
  static std::size_t limit(std::size_t units) { return InNodes ? units * 12 : units / 2 * 27; }
  static std::size_t lowest(unsigned mask) { return static_cast<unsigned>(std::countr_zero(mask)); }
  std::uint64_t mixed(std::uint64_t key) const {
    __extension__ typedef unsigned __int128 wide;
    const wide product = static_cast<wide>(key ^ seed_) * 0xb2fca37b708634cfu;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  static group* group_of(std::uint8_t* tag) {
    return reinterpret_cast<group*>(tag - (reinterpret_cast<std::uintptr_t>(tag) & 15));
  }
  static entry& entry_in(slot s) {
    if constexpr (InNodes) {
      return (*s.at)->e;
    } else {
      return *s.at;
    }
  }
  static unsigned equal(const group* g, std::uint32_t word) {
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(g->tags));
    return static_cast<unsigned>(
               _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi32(static_cast<int>(word))))) &
           0x7fff;
  }
  static unsigned occupied(const group* g) {
    const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(g->tags));
    const __m128i two = _mm_set1_epi8(2);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(tags, two), tags))) & 0x7fff;
  }
  static bool ends(const group* g, std::uint64_t hash) {
    return InNodes ? g->tags[15] == 0 : ((g->tags[15] >> (hash >> 61)) & 1u) == 0;
  }

  void claim(slot s, std::uint64_t hash) const {
    if (units_ != 1) {
      *s.tag = static_cast<std::uint8_t>(words[hash >> 56]);
      return;
    }
    auto* const g = reinterpret_cast<__m128i*>(group_of(s.tag));
    const __m128i ones = _mm_loadu_si128(
        reinterpret_cast<const __m128i*>(window + (16 - (reinterpret_cast<std::uintptr_t>(s.tag) & 15))));
    const __m128i word = _mm_set1_epi32(static_cast<int>(words[hash >> 56]));
    _mm_store_si128(g, _mm_or_si128(_mm_andnot_si128(ones, _mm_load_si128(g)), _mm_and_si128(ones, word)));
  }

  // In a large array an entry lies in the line that its hash names, if it can, and is asked for there.
  bool places_by_hash() const { return mask_ >= (std::size_t{64} << 20) / (15 * sizeof(unit)); }
  // Inlined by force: g++ splits off the unlikely half as a function without effects, and drops the call.
  [[gnu::always_inline]] void ask(const unit* first, std::uint64_t hash) const {
    if (places_by_hash()) [[unlikely]] {
      __builtin_prefetch(first + (hash >> 60));
    } else {
      __builtin_prefetch(first);
    }
  }
  std::size_t chosen(unsigned free, unit* first, std::uint64_t hash) const {
    if (places_by_hash()) {
      __builtin_prefetch(first + (hash >> 60), 1);
      const auto begin = reinterpret_cast<std::uintptr_t>(first);
      const auto line = (begin + (hash >> 60) * sizeof(unit)) & ~std::uintptr_t{63};
      const auto from = line < begin ? std::uintptr_t{0} : (line - begin) / sizeof(unit);
      if (const unsigned near = free >> from << from; near != 0) free = near;
    }
    return lowest(free);
  }
  template <bool ForErase = false>
  slot in_group(std::size_t at, std::uint64_t hash, std::uint64_t key) const {
    group* const g = groups_ + at;
    if (unsigned match = equal(g, words[hash >> 56]); match != 0) {
      unit* const first = entries_ + at * 15;
      if constexpr (!ForErase) {
        ask(first, hash);
      } else {
        __builtin_prefetch(first + (hash >> 60));
      }
      if (first == nullptr) __builtin_unreachable();
      do {
        const std::size_t i = lowest(match);
        const slot s{first + i, g->tags + i};
        if (entry_in(s).key == key) [[likely]]
          return s;
        match &= match - 1;
      } while (match != 0);
    }
    return {};
  }
  // Behind the home group: out of line, and nothing is left to do after the call.
  [[gnu::noinline]] slot search_beyond(std::uint64_t hash, std::uint64_t key) const {
    std::size_t at = hash & mask_;
    for (std::size_t step = 1; step < units_; ++step) {
      at = after(at, step);
      if (const slot s = in_group(at, hash, key); s.at != nullptr) return s;
      if (ends(groups_ + at, hash)) [[likely]]
        return {};
    }
    return {};
  }
  // The home group does not hold the key.
  [[gnu::noinline]] std::uint64_t& insert_new(std::uint64_t hash, group* g, std::size_t home,
                                              std::uint64_t key) {
    if (ends(g, hash) && size_ < grow_at_) [[likely]] {
      if (units_ != 1) [[likely]] {
        if (const unsigned free = equal(g, 0); free != 0) [[likely]] {
          const std::size_t i = chosen(free, entries_ + home * 15, hash);
          unit* const at = entries_ + home * 15 + i;
          *at = {key, 0};
          g->tags[i] = static_cast<std::uint8_t>(words[hash >> 56]);
          ++size_;
          return at->value;
        }
      } else if (const slot s{entries_ + size_, g->tags + size_}; *s.tag == 0) {
        *s.at = {key, 0};
        claim(s, hash);
        ++size_;
        return s.at->value;
      }
    }
    return insert_beyond(hash, key);
  }
  [[gnu::noinline]] std::uint64_t& insert_beyond(std::uint64_t hash, std::uint64_t key) {
    if (const slot s = search_beyond(hash, key); s.at != nullptr) return s.at->value;
    return insert_grown(hash, key);
  }
  [[gnu::noinline]] std::uint64_t& insert_grown(std::uint64_t hash, std::uint64_t key) {
    if (size_ >= grow_at_) grow(units_ == 0 ? 2 : 2 * units_);
    const slot s = vacancy_for_new(hash);
    *s.at = {key, 0};
    claim(s, hash);
    ++size_;
    return s.at->value;
  }
  bool erased(slot s) {
    if (s.at == nullptr) return false;
    --size_;
    *s.tag = 0;
    if (group_of(s.tag)->tags[15] != 0) --grow_at_;
    return true;
  }
  [[gnu::noinline]] bool erase_beyond(std::uint64_t hash, std::uint64_t key) {
    return erased(search_beyond(hash, key));
  }

  slot search(std::uint64_t hash, std::uint64_t key) const {
    const std::uint32_t word = words[hash >> 56];
    std::size_t at = hash & mask_, step = 0;
    do {
      group* const g = groups_ + at;
      if (unsigned match = equal(g, word); match != 0) {
        unit* const first = entries_ + at * 15;
        ask(first, hash);
        do {
          const std::size_t i = lowest(match);
          const slot s{first + i, g->tags + i};
          if (entry_in(s).key == key) [[likely]]
            return s;
          match &= match - 1;
        } while (match != 0);
      }
      if (ends(g, hash)) [[likely]]
        return {};
      ++step;
      at = after(at, step);
    } while (step < units_);
    return {};
  }

  slot vacancy_for_new(std::uint64_t hash) const {
    std::uint8_t* const tag = groups_->tags + size_;
    if (units_ == 1 && *tag == 0) return {entries_ + size_, tag};
    return vacancy(hash);
  }
  slot vacancy(std::uint64_t hash) const {
    const std::size_t at = hash & mask_;
    group* const g = groups_ + at;
    if (const unsigned free = equal(g, 0); free != 0) [[likely]] {
      const std::size_t i = chosen(free, entries_ + at * 15, hash);
      return {entries_ + at * 15 + i, g->tags + i};
    }
    return vacancy_beyond(hash);
  }
  [[gnu::noinline]] slot vacancy_beyond(std::uint64_t hash) const {
    std::size_t at = hash & mask_, step = 0;
    for (;;) {
      if constexpr (!InNodes)
        groups_[at].tags[15] = static_cast<std::uint8_t>(groups_[at].tags[15] | 1u << (hash >> 61));
      ++step;
      at = after(at, step);
      group* const g = groups_ + at;
      if (const unsigned free = equal(g, 0); free != 0) [[likely]] {
        const std::size_t i = lowest(free);
        return {entries_ + at * 15 + i, g->tags + i};
      }
    }
  }
  std::size_t after(std::size_t at, std::size_t step) const {
    return (step % 2 != 0 ? at - 1 : at + 1 + step * (units_ * 69 / 256 | 1)) & (units_ - 1);
  }
  void count_passed(slot s, std::uint64_t hash, int by) const {
    const group* const last = group_of(s.tag);
    std::size_t at = hash & mask_, step = 0;
    while (groups_ + at != last) {
      std::uint8_t& counter = groups_[at].tags[15];
      if (counter != 0xff) counter = static_cast<std::uint8_t>(counter + by);
      ++step;
      at = after(at, step);
    }
  }

  [[gnu::noinline]] void grow(std::size_t units) {
    const std::size_t slots = units * 15 - 1, entry_bytes = (slots * sizeof(unit) + 15) / 16 * 16;
    auto* const block = static_cast<unsigned char*>(std::malloc(entry_bytes + units * 16));
    if (block == nullptr) throw std::bad_alloc{};
    unit* const old_entries = entries_;
    group* const old_groups = groups_;
    const std::size_t old_units = units_;
    entries_ = reinterpret_cast<unit*>(block);
    groups_ = reinterpret_cast<group*>(block + entry_bytes);
    std::memset(static_cast<void*>(groups_), 0, units * 16);
    groups_[units - 1].tags[14] = 1;
    units_ = units;
    mask_ = units - 1;
    grow_at_ = limit(units);
    for (std::size_t u = 0; u < old_units; ++u) {
      for (unsigned mask = occupied(old_groups + u); mask != 0; mask &= mask - 1) {
        unit& from = old_entries[u * 15 + lowest(mask)];
        std::uint64_t hash = 0;
        if constexpr (InNodes) {
          hash = from->hash;
        } else {
          hash = mixed(from.key);
        }
        const slot to = vacancy(hash);
        *to.at = from;
        if constexpr (InNodes) count_passed(to, hash, 1);
        *to.tag = static_cast<std::uint8_t>(words[hash >> 56]);
      }
    }
    if (old_units != 0) std::free(old_entries);
  }

  inline static group none_{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0}};
  group* groups_ = &none_;
  unit* entries_ = nullptr;
  std::size_t mask_ = 0, units_ = 0, size_ = 0, grow_at_ = 0;
  std::uint64_t seed_;
};

#endif
