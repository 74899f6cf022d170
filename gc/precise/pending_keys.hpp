// SPDX-License-Identifier: Apache-2.0
// Entries of weak tables whose keys have not been reached, by key: when marking reaches one, its values are
// followed then and there. So ephemerons cost what they are, O(entries), however they are chained (Hayes,
// "Ephemerons", 1997; the index by key as in SpiderMonkey's and Chez Scheme's collectors). Lives for one
// phase, in malloc memory. add() answers false when that runs out.
#ifndef TOPHASH_GC_PRECISE_PENDING_KEYS_HPP
#define TOPHASH_GC_PRECISE_PENDING_KEYS_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/precise/work_stack.hpp>

namespace tophash::inline v1 {

namespace gc {

struct pending_value {
  const unsigned char* key;    // the slot of the key's object
  const unsigned char* value;  // the part of the entry
  const trace_info* trace;
  std::size_t next;  // of the same key; none ends it
};

class pending_keys {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  pending_keys() noexcept = default;
  pending_keys(const pending_keys&) = delete;
  pending_keys& operator=(const pending_keys&) = delete;
  ~pending_keys() { std::free(places_); }

  void refuse_by(allocation_refusals* refusals) noexcept {
    refusals_ = refusals;
    values_.refuse_by(refusals);
  }

  bool empty() const noexcept { return values_.empty(); }
  bool add(const unsigned char* key, const unsigned char* value, const trace_info& trace) noexcept {
    if (2 * (values_.size() + 1) > capacity_ && !widen_slow()) return false;
    std::size_t& first = places_[place_of(key)];
    if (!values_.push({key, value, &trace, first})) return false;
    first = values_.size() - 1;
    return true;
  }
  // The first value that waits for this key, or none. Each key is asked for once: marking reaches it once.
  std::size_t first_of(const unsigned char* key) const noexcept {
    return capacity_ == 0 ? none : places_[place_of(key)];
  }
  const pending_value& operator[](std::size_t i) const noexcept { return values_[i]; }
  void clear() noexcept {
    std::free(places_);
    places_ = nullptr;
    capacity_ = 0;
    values_.clear();
  }

 private:
  std::size_t place_of(const unsigned char* key) const noexcept {
    std::size_t at = static_cast<std::size_t>(mix(reinterpret_cast<std::uintptr_t>(key))) & (capacity_ - 1);
    while (places_[at] != none && values_[places_[at]].key != key) at = (at + 1) & (capacity_ - 1);
    return at;
  }
  bool widen_slow() noexcept {
    const std::size_t wider = capacity_ == 0 ? 64 : 2 * capacity_;
    if (refusals_ != nullptr && !refusals_->admits()) return false;
    auto* const fresh = static_cast<std::size_t*>(std::malloc(wider * sizeof(std::size_t)));
    if (fresh == nullptr) return false;
    std::free(places_);
    places_ = fresh;
    capacity_ = wider;
    for (std::size_t i = 0; i < wider; ++i) fresh[i] = none;
    // In order: a later value of a key comes before the earlier ones, as add() put them.
    for (std::size_t i = 0; i < values_.size(); ++i) places_[place_of(values_[i].key)] = i;
    return true;
  }

  work_stack<pending_value> values_;
  std::size_t* places_ = nullptr;
  std::size_t capacity_ = 0;
  allocation_refusals* refusals_ = nullptr;
};

}  // namespace gc

}  // namespace tophash::inline v1

#endif
