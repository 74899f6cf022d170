// SPDX-License-Identifier: Apache-2.0
// tophash::packed_map: bytes to bytes, as records of variable length packed into buckets of fixed size, each bucket with
// a checksum (layout/packed_bucket.hpp). It is no basic_map: a record has no slot, and moves when its neighbours do, so
// that there are no references and no iterators, only views that hold until the next write.
//
//   tophash::packed_map<> m;
//   if (m.insert_or_assign("key", "value") == tophash::packed_result::no_memory) ...
//   if (const auto found = m.find("key")) use(found.value);
//   else if (found.result == tophash::packed_result::damaged) ...
//   tophash::packed_map<tophash::packed_options{.bucket_bytes = 4096, .check = tophash::packed_check::on_demand},
//                       tophash::hashing::murmur3>
//
// Records of both parts up to the bucket's size less 20 bytes; a longer one is refused (too_large). A bucket that is full
// continues in overflow buckets; one of those that is emptied leaves its chain, wherever in it it lies. The table doubles,
// all at once, when its records take load_percent of the array's bytes; a growth that finds no memory, or a damaged
// bucket, leaves everything as it was, and the chains grow longer.
// A damaged bucket is refused: no read or write goes on past it, and nothing of it is lost or overwritten. With
// packed_check::on_read each operation checks the buckets that it looks at first; on_demand, only first_damaged(), for_each
// and a growth do, and the others trust what they read: a damaged length leads them anywhere.
// Cost: lookups O(records of a bucket); with on_read, also the bytes of the bucket. Throws nothing. Threads: as the
// standard's containers, const members may be called by several at once. Moved, never copied implicitly.
#ifndef TOPHASH_FRAMEWORK_PACKED_MAP_HPP
#define TOPHASH_FRAMEWORK_PACKED_MAP_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/framework/core/load.hpp>
#include <tophash/framework/core/purpose.hpp>
#include <tophash/framework/layout/packed_bucket.hpp>
#include <tophash/framework/presets/defaults.hpp>

namespace tophash::inline v1 {

enum class packed_check : std::uint8_t { on_read, on_demand };

struct packed_options {
  std::size_t bucket_bytes = 512;  // 64 to 32,768, a multiple of eight
  packed_check check = packed_check::on_read;
  std::size_t load_percent = 75;
};

enum class packed_result : std::uint8_t { found, absent, inserted, assigned, erased, too_large, no_memory, damaged };

// Options: one of the hashing axis, one of the allocation axis, in any order.
template <packed_options Settings = packed_options{}, class... Options>
class packed_map {
  static_assert(((std::is_same_v<typename Options::axis, axes::hashing> ||
                  std::is_same_v<typename Options::axis, axes::allocation>)&&...),
                "a packed_map takes options of the hashing and of the allocation axis");
  static_assert(Settings.load_percent >= 1 && Settings.load_percent <= 100, "a load of 1 to 100 percent");
  using spec = compose<Options...>;
  using bucket = layout::packed_bucket<Settings.bucket_bytes>;
  static_assert(sizeof(bucket) == Settings.bucket_bytes);
  using record = layout::packed_record;

 public:
  using hashing_type = typename spec::hashing;
  using allocation_type = typename spec::allocation;
  static_assert(static_visibility<allocation_type>() == visibility::opaque ||
                    static_visibility<allocation_type>() == visibility::scanned,
                "buckets are linked: their storage must keep what a block points to");
  static constexpr std::size_t most_record_bytes = bucket::capacity_bytes - record::header_bytes;

  struct lookup {
    packed_result result = packed_result::absent;  // found, absent or damaged
    std::string_view value;                        // until the next write
    explicit operator bool() const noexcept { return result == packed_result::found; }
  };

  packed_map() noexcept(std::is_nothrow_default_constructible_v<hashing_type>) = default;
  explicit packed_map(hashing_type hashing, allocation_type storage = allocation_type{}) noexcept
      : hashing_(std::move(hashing)), storage_(std::move(storage)) {}
  explicit packed_map(allocation_type storage) noexcept(std::is_nothrow_default_constructible_v<hashing_type>)
      : storage_(std::move(storage)) {}
  packed_map(const packed_map&) = delete;
  packed_map& operator=(const packed_map&) = delete;
  packed_map(packed_map&& other) noexcept
      : hashing_(other.hashing_), storage_(other.storage_), table_(std::exchange(other.table_, {})),
        size_(std::exchange(other.size_, 0)), grow_at_bytes_(std::exchange(other.grow_at_bytes_, 0)) {}
  packed_map& operator=(packed_map&& other) noexcept {
    packed_map taken(std::move(other));
    std::swap(hashing_, taken.hashing_);
    std::swap(storage_, taken.storage_);
    std::swap(table_, taken.table_);
    std::swap(size_, taken.size_);
    std::swap(grow_at_bytes_, taken.grow_at_bytes_);
    return *this;
  }
  ~packed_map() { release(table_); }

  std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  std::size_t bucket_count() const noexcept { return table_.units; }
  std::size_t overflow_buckets() const noexcept { return table_.overflow; }
  std::size_t record_bytes() const noexcept { return table_.used_bytes; }  // their headers included
  std::size_t memory_bytes() const noexcept { return (table_.units + table_.overflow) * sizeof(bucket); }

  lookup find(std::string_view key) const noexcept {
    if (table_.units == 0) return {};
    for (const bucket* b = home(table_, hash_of(key)); b != nullptr; b = b->link) {
      if (is_refused(*b)) return {packed_result::damaged, {}};
      if (const record r = b->find(key)) return {packed_result::found, r.value()};
    }
    return {};
  }
  bool contains(std::string_view key) const noexcept { return static_cast<bool>(find(key)); }

  // inserted, assigned, too_large, no_memory or damaged: the last three change nothing. `key` and `value` may lie in this
  // map.
  packed_result insert_or_assign(std::string_view key, std::string_view value) noexcept {
    if (key.size() > most_record_bytes || value.size() > most_record_bytes - key.size()) return packed_result::too_large;
    unsigned char bytes[bucket::capacity_bytes];
    const record fresh = written(bytes, key, value);
    const std::uint64_t hash = hash_of(key);
    if (table_.units == 0 || table_.used_bytes + fresh.size_bytes() > grow_at_bytes_) grow_slow(fresh.size_bytes());
    if (table_.units == 0) return packed_result::no_memory;
    const place old = place_of(hash, fresh.key());
    if (old.damaged) return packed_result::damaged;
    if (old.at) {
      // Into its own bucket, once the old one is out of it, or into another.
      const std::size_t freed = old.at.size_bytes();
      bucket* const to = old.in->room_bytes() + freed >= fresh.size_bytes() ? old.in : room_for(hash, fresh);
      if (to == nullptr) return packed_result::no_memory;
      take_out(old);
      put(to, fresh);
      if (old.in->count == 0) unlink_if_overflow(hash, old.in);
      return packed_result::assigned;
    }
    bucket* const to = room_for(hash, fresh);
    if (to == nullptr) return packed_result::no_memory;
    put(to, fresh);
    return packed_result::inserted;
  }

  // erased, absent or damaged.
  packed_result erase(std::string_view key) noexcept {
    if (table_.units == 0) return packed_result::absent;
    const std::uint64_t hash = hash_of(key);
    const place old = place_of(hash, key);
    if (old.damaged) return packed_result::damaged;
    if (!old.at) return packed_result::absent;
    take_out(old);
    if (old.in->count == 0) unlink_if_overflow(hash, old.in);
    return packed_result::erased;
  }

  void clear() noexcept {
    release(std::exchange(table_, {}));
    size_ = grow_at_bytes_ = 0;
  }

  // Calls f(key, value) for each record of each intact bucket, in no order. Returns how many buckets were not.
  template <class F>
  std::size_t for_each(F&& f) const {
    std::size_t damaged = 0;
    for (std::size_t i = 0; i < table_.units; ++i) {
      for (const bucket* b = table_.buckets + i; b != nullptr; b = b->link) {
        if (!b->is_intact()) {
          ++damaged;
          continue;
        }
        for (record r = b->first(); r; r = b->after(r)) f(r.key(), r.value());
      }
    }
    return damaged;
  }
  // The chain with the first damaged bucket. Reads everything.
  std::optional<std::size_t> first_damaged() const noexcept {
    for (std::size_t i = 0; i < table_.units; ++i) {
      for (const bucket* b = table_.buckets + i; b != nullptr; b = b->link) {
        if (!b->is_intact()) return i;
      }
    }
    return std::nullopt;
  }

 private:
  struct table {
    bucket* buckets = nullptr;
    std::size_t units = 0;  // a power of two, or 0
    std::size_t overflow = 0;
    std::size_t used_bytes = 0;
  };
  struct place {
    bucket* in = nullptr;
    record at{};
    bool damaged = false;
  };

  static constexpr request buckets_request(std::size_t units, purpose use) noexcept {
    return {.bytes = units * sizeof(bucket), .align = alignof(bucket), .use = use, .trace = nullptr};
  }
  static bool is_refused(const bucket& b) noexcept {
    if constexpr (Settings.check == packed_check::on_read) {
      return !b.is_intact();
    } else {
      return static_cast<void>(b), false;
    }
  }
  static record written(unsigned char* to, std::string_view key, std::string_view value) noexcept {
    const std::uint16_t lengths[] = {static_cast<std::uint16_t>(key.size()), static_cast<std::uint16_t>(value.size())};
    std::memcpy(to, lengths, sizeof lengths);
    if (!key.empty()) std::memcpy(to + record::header_bytes, key.data(), key.size());
    if (!value.empty()) std::memcpy(to + record::header_bytes + key.size(), value.data(), value.size());
    return {to};
  }

  std::uint64_t hash_of(std::string_view key) const noexcept {
    return position_hash<std::string_view>(hashing_, static_cast<std::uint64_t>(hashing_.hash(key)));
  }
  static bucket* home(const table& t, std::uint64_t hash) noexcept { return t.buckets + (hash & (t.units - 1)); }

  place place_of(std::uint64_t hash, std::string_view key) const noexcept {
    for (bucket* b = home(table_, hash); b != nullptr; b = b->link) {
      if (is_refused(*b)) return {b, {}, true};
      if (const record r = b->find(key)) return {b, r, false};
    }
    return {};
  }

  bucket* fresh_buckets(std::size_t units, purpose use) noexcept {
    void* const block = storage_.try_allocate(buckets_request(units, use));
    if (block != nullptr) std::memset(block, 0, units * sizeof(bucket));
    return static_cast<bucket*>(block);
  }
  // The first bucket of the chain with room for r, at worst a new one at its end. Null: memory ran out.
  bucket* room_in(table& t, std::uint64_t hash, record r) noexcept {
    bucket* b = home(t, hash);
    for (;; b = b->link) {
      if (b->room_bytes() >= r.size_bytes()) return b;
      if (b->link == nullptr) break;
    }
    b->link = fresh_buckets(1, purpose::overflow);
    t.overflow += b->link != nullptr ? 1 : 0;
    return b->link;
  }
  bucket* room_for(std::uint64_t hash, record r) noexcept { return room_in(table_, hash, r); }
  void put(bucket* to, record r) noexcept {
    to->append(r);
    table_.used_bytes += r.size_bytes();
    ++size_;
  }
  void take_out(const place& p) noexcept {
    table_.used_bytes -= p.at.size_bytes();
    --size_;
    p.in->erase(p.at);
  }
  void unlink_if_overflow(std::uint64_t hash, bucket* emptied) noexcept {
    bucket* before = home(table_, hash);
    if (emptied == before) return;
    while (before->link != emptied) before = before->link;
    before->link = emptied->link;
    storage_.deallocate(emptied, buckets_request(1, purpose::overflow));
    --table_.overflow;
  }

  void release(const table& t) noexcept {
    for (std::size_t i = 0; i < t.units; ++i) {
      for (bucket* b = t.buckets[i].link; b != nullptr;) {
        bucket* const next = b->link;
        storage_.deallocate(b, buckets_request(1, purpose::overflow));
        b = next;
      }
    }
    if (t.units != 0) storage_.deallocate(t.buckets, buckets_request(t.units, purpose::slots));
  }

  static std::size_t limit_bytes(std::size_t units) noexcept {
    return share_of(units * bucket::capacity_bytes, Settings.load_percent);
  }
  // Records are copied, so that the old table stays whole until the new one is. If that fails: asked again when an eighth
  // more is in.
  TOPHASH_NOINLINE void grow_slow(std::size_t wanted_bytes) noexcept {
    const std::size_t needed = table_.used_bytes + wanted_bytes;
    table next;
    std::size_t units = table_.units == 0 ? 1 : table_.units;
    while (limit_bytes(units) < needed && units < most_units) units *= 2;
    if (units != table_.units) next.buckets = fresh_buckets(units, purpose::slots);
    if (next.buckets != nullptr) {
      next.units = units;
      if (copied_into(next)) {
        release(std::exchange(table_, next));
        grow_at_bytes_ = limit_bytes(units) > needed ? limit_bytes(units) : needed;
        return;
      }
      release(next);
    }
    grow_at_bytes_ = needed + needed / 8;
  }
  bool copied_into(table& next) noexcept {
    for (std::size_t i = 0; i < table_.units; ++i) {
      for (const bucket* b = table_.buckets + i; b != nullptr; b = b->link) {
        if (!b->is_intact()) return false;
        for (record r = b->first(); r; r = b->after(r)) {
          bucket* const to = room_in(next, hash_of(r.key()), r);
          if (to == nullptr) return false;
          to->append(r);
          next.used_bytes += r.size_bytes();
        }
      }
    }
    return true;
  }
  static constexpr std::size_t most_units =
      std::bit_floor(static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(bucket) / 128);

  [[no_unique_address]] hashing_type hashing_{};
  [[no_unique_address]] allocation_type storage_{};
  table table_{};
  std::size_t size_ = 0;
  std::size_t grow_at_bytes_ = 0;
};

}  // namespace tophash::inline v1

#endif
