// SPDX-License-Identifier: Apache-2.0
// The default map for u64 -> u64, written by hand: no policies, no concepts, no layers, the same decisions and the
// same promises (a growth that runs out of memory half way loses nothing and is resumed, hence `old`). What the
// framework costs over it is what tests/callgrind/compare.cmake counts.
#ifndef TOPHASH_TESTS_CALLGRIND_TWIN_HPP
#define TOPHASH_TESTS_CALLGRIND_TWIN_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include <emmintrin.h>

class twin {
  struct entry {
    std::uint64_t key, value;
  };
  struct bucket {
    bucket* link;
    std::uint8_t tags[8];
    entry entries[8];
  };

 public:
  explicit twin(std::uint64_t seed) : seed_(seed) {}
  twin(const twin&) = delete;
  twin& operator=(const twin&) = delete;
  ~twin() {
    free_array(buckets_, units_);
    free_array(old_, old_units_);
  }

  std::size_t size() const { return size_; }

  void reserve(std::size_t n) {
    std::size_t units = 1;
    while (limit(units) < n) units *= 2;
    if (units > units_) grow(units);
  }

  std::uint64_t* find(std::uint64_t key) const {
    const std::uint64_t hash = mixed(key);
    if (old_ != nullptr) [[unlikely]] return find_while_growing(key, hash);
    return find_in(buckets_ + (hash & mask_), key, tag_of(hash));
  }

  std::uint64_t& operator[](std::uint64_t key) {
    const std::uint64_t hash = mixed(key);
    if (old_ != nullptr) [[unlikely]] finish_growth();
    const std::uint8_t tag = tag_of(hash);
    bucket* b = buckets_ + (hash & mask_);
    bucket* place = nullptr;
    unsigned index = 0;
    for (;;) {
      for (unsigned match = equal_tags(b, tag); match != 0; match &= match - 1) {
        const unsigned i = static_cast<unsigned>(std::countr_zero(match));
        if (b->entries[i].key == key) [[likely]] return b->entries[i].value;
      }
      if (place == nullptr) {
        if (const unsigned free = vacant(b); free != 0) {
          place = b;
          index = static_cast<unsigned>(std::countr_zero(free));
        }
      }
      if (b->link == nullptr || b->tags[7] == 0) [[likely]] break;
      b = b->link;
    }
    if (place == nullptr || size_ >= grow_at_) [[unlikely]] return insert_slow(key, hash);
    place->entries[index] = {key, 0};
    place->tags[index] = tag;
    ++size_;
    return place->entries[index].value;
  }

  bool erase(std::uint64_t key) {
    const std::uint64_t hash = mixed(key);
    if (old_ != nullptr) [[unlikely]] finish_growth();
    const std::uint8_t tag = tag_of(hash);
    bucket* const home = buckets_ + (hash & mask_);
    for (bucket* b = home;; b = b->link) {
      for (unsigned match = equal_tags(b, tag); match != 0; match &= match - 1) {
        const unsigned i = static_cast<unsigned>(std::countr_zero(match));
        if (b->entries[i].key != key) [[unlikely]] continue;
        --size_;
        vacate(home, b, i);
        return true;
      }
      if (b->link == nullptr || b->tags[7] == 0) [[likely]] return false;
    }
  }

 private:
  static std::size_t limit(std::size_t units) { return units == 1 ? 8 : units / 2 * 13; }
  std::uint64_t mixed(std::uint64_t key) const {
    __extension__ typedef unsigned __int128 wide;
    const wide product = static_cast<wide>(key ^ seed_) * 0xb2fca37b708634cfu;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  static std::uint8_t tag_of(std::uint64_t hash) {
    const unsigned top = static_cast<unsigned>(hash >> 56);
    return static_cast<std::uint8_t>(top < 6 ? top + 6 : top);
  }
  static unsigned equal_tags(const bucket* b, std::uint8_t tag) {
    const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b->tags));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_set1_epi8(static_cast<char>(tag)))));
  }
  static unsigned vacant(const bucket* b) {
    const __m128i word = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(b->tags));
    const __m128i one = _mm_set1_epi8(1);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(word, one), one))) & 0xffu;
  }
  static bool occupied(const bucket* b) {
    for (std::uint8_t tag : b->tags) {
      if (tag >= 6) return true;
    }
    return false;
  }

  static std::uint64_t* find_in(bucket* b, std::uint64_t key, std::uint8_t tag) {
    for (;;) {
      for (unsigned match = equal_tags(b, tag); match != 0; match &= match - 1) {
        const unsigned i = static_cast<unsigned>(std::countr_zero(match));
        if (b->entries[i].key == key) [[likely]] return &b->entries[i].value;
      }
      if (b->link == nullptr || b->tags[7] == 0) [[likely]] return nullptr;
      b = b->link;
    }
  }
  [[gnu::noinline]] std::uint64_t* find_while_growing(std::uint64_t key, std::uint64_t hash) const {
    if (auto* const value = find_in(old_ + (hash & (old_units_ - 1)), key, tag_of(hash))) return value;
    return find_in(buckets_ + (hash & mask_), key, tag_of(hash));
  }

  [[gnu::noinline]] std::uint64_t& insert_slow(std::uint64_t key, std::uint64_t hash) {
    if (size_ >= grow_at_) grow(units_ == 0 ? 1 : 2 * units_);
    entry* const e = append(hash);
    *e = {key, 0};
    ++size_;
    return e->value;
  }
  entry* append(std::uint64_t hash) {
    bucket* b = buckets_ + (hash & mask_);
    for (;;) {
      if (const unsigned free = vacant(b); free != 0) {
        const unsigned i = static_cast<unsigned>(std::countr_zero(free));
        b->tags[i] = tag_of(hash);
        return &b->entries[i];
      }
      if (b->link == nullptr) break;
      b = b->link;
    }
    auto* const fresh = static_cast<bucket*>(std::malloc(sizeof(bucket)));
    if (fresh == nullptr) throw std::bad_alloc{};
    fresh->link = nullptr;
    std::memset(fresh->tags, 0, sizeof fresh->tags);
    b->link = fresh;
    fresh->tags[0] = tag_of(hash);
    return &fresh->entries[0];
  }
  [[gnu::noinline]] void grow(std::size_t units) {
    auto* const fresh = static_cast<bucket*>(std::malloc(units * sizeof(bucket)));
    if (fresh == nullptr) throw std::bad_alloc{};
    for (std::size_t i = 0; i < units; ++i) {
      fresh[i].link = nullptr;
      std::memset(fresh[i].tags, 0, sizeof fresh[i].tags);
    }
    if (units_ != 0) {
      old_ = buckets_;
      old_units_ = units_;
    }
    buckets_ = fresh;
    units_ = units;
    mask_ = units - 1;
    grow_at_ = limit(units);
    finish_growth();
  }
  [[gnu::noinline]] void finish_growth() {
    for (std::size_t u = 0; u < old_units_; ++u) {
      for (bucket* b = old_ + u; b != nullptr; b = b->link) {
        for (unsigned i = 0; i < 8; ++i) {
          if (b->tags[i] < 6) continue;
          *append(mixed(b->entries[i].key)) = b->entries[i];
          b->tags[i] = 2;
        }
      }
    }
    free_array(old_, old_units_);
    old_ = nullptr;
    old_units_ = 0;
  }
  static void free_array(bucket* buckets, std::size_t units) {
    for (std::size_t u = 0; u < units; ++u) {
      for (bucket* b = buckets[u].link; b != nullptr;) {
        bucket* const next = b->link;
        std::free(b);
        b = next;
      }
    }
    if (units != 0) std::free(buckets);
  }

  void vacate(bucket* home, bucket* b, unsigned i) {
    b->tags[i] = 1;
    if (b != home && !occupied(b)) [[unlikely]] return unlink(home, b);
    collapse(home, b, i);
  }
  static bucket* previous(bucket* home, const bucket* b) {
    while (home->link != b) home = home->link;
    return home;
  }
  [[gnu::noinline]] void unlink(bucket* home, bucket* b) {
    bucket* const before = previous(home, b);
    before->link = b->link;
    std::free(b);
    if (before->link == nullptr && before->tags[7] == 1) collapse(home, before, 7);
  }
  void collapse(bucket* home, bucket* b, unsigned i) {
    if (i == 7 ? b->link != nullptr && b->link->tags[0] != 0 : b->tags[i + 1] != 0) return;
    for (;;) {
      b->tags[i] = 0;
      if (i != 0) {
        --i;
      } else {
        if (b == home) return;
        b = previous(home, b);
        i = 7;
      }
      if (b->tags[i] != 1) return;
    }
  }

  inline static bucket none_{};
  bucket* buckets_ = &none_;
  std::size_t mask_ = 0;
  bucket* old_ = nullptr;
  std::size_t size_ = 0, grow_at_ = 0;
  std::uint64_t seed_;
  std::size_t units_ = 0, old_units_ = 0;
};

#endif
