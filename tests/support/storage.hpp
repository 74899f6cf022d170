// SPDX-License-Identifier: Apache-2.0
// An allocation backend that writes down every block and can be made to fail: the tests' own, so that what a
// map says of its memory is checked against an independent count. A request must come back in deallocate
// exactly as it was made; memory is handed out full of 0xa5 and taken back to 0xdd, so that nothing passes by
// luck.
//   recording<Copy, Move, Swap>   handle of one pointer; the flags are the propagation traits
#ifndef TOPHASH_TESTS_SUPPORT_STORAGE_HPP
#define TOPHASH_TESTS_SUPPORT_STORAGE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::testing {

// When an allocation is to fail; several resources can share one.
struct allocation_fault {
  long remaining = 0;  // 0: disarmed
  bool and_on = false;
  bool fired = false;

  bool strikes() noexcept {
    if (remaining == 0 || --remaining != 0) return false;
    remaining = and_on ? 1 : 0;
    fired = true;
    return true;
  }
};

class recording_resource {
 public:
  recording_resource() = default;
  recording_resource(const recording_resource&) = delete;
  recording_resource& operator=(const recording_resource&) = delete;
  ~recording_resource() {
    for (auto& [block, kept] : live_) std::free(kept.base);
  }

  void* try_allocate(const request& asked) noexcept {
    ++asked_;
    if (fault_->strikes()) return nullptr;
    if (asked.bytes == 0) complain("a request for no bytes");
    if (asked.align == 0 || (asked.align & (asked.align - 1)) != 0)
      complain("an alignment that is no power of two");
    // Aligned to what was asked and to nothing more.
    const std::size_t align = asked.align < alignof(void*) ? alignof(void*) : asked.align;
    const std::size_t room = (asked.bytes + 2 * align - 1) / (2 * align) * (2 * align) + 2 * align;
    void* base = std::aligned_alloc(2 * align, room);
    if (base == nullptr) return nullptr;
    void* block = static_cast<unsigned char*>(base) + align;
    std::memset(block, 0xa5, asked.bytes);
    live_.emplace(block, record{asked, base});
    const auto use = static_cast<std::size_t>(asked.use);
    live_bytes_[use] += asked.bytes;
    ++live_blocks_[use];
    ++allocations_[use];
    return block;
  }

  void deallocate(void* block, const request& given) noexcept {
    const auto found = live_.find(block);
    if (found == live_.end()) {
      complain("deallocate of a block that is not alive here");
      return;
    }
    const request asked = found->second.asked;
    if (asked.bytes != given.bytes) complain("deallocate with other bytes than allocated");
    if (asked.align != given.align) complain("deallocate with another alignment than allocated");
    if (asked.use != given.use) complain("deallocate with another purpose than allocated");
    const auto use = static_cast<std::size_t>(asked.use);
    live_bytes_[use] -= asked.bytes;
    --live_blocks_[use];
    std::memset(block, 0xdd, asked.bytes);
    std::free(found->second.base);
    live_.erase(found);
  }

  // Fails the n-th request from now (1: the next), and with `and_on` every one after it.
  void fail_at(long n, bool and_on = false) noexcept { *fault_ = {n, and_on, false}; }
  bool disarm() noexcept { return std::exchange(*fault_, {}).fired; }
  void share_fault(recording_resource& with) noexcept { fault_ = with.fault_; }

  // f(block, request) for every live block.
  template <class F>
  void for_each_block(F f) const {
    for (const auto& [block, kept] : live_) f(static_cast<const unsigned char*>(block), kept.asked);
  }

  std::size_t live_bytes(purpose use) const noexcept { return live_bytes_[static_cast<std::size_t>(use)]; }
  std::size_t live_blocks(purpose use) const noexcept { return live_blocks_[static_cast<std::size_t>(use)]; }
  std::size_t allocations(purpose use) const noexcept { return allocations_[static_cast<std::size_t>(use)]; }
  std::size_t live_blocks() const noexcept { return live_.size(); }
  std::size_t asked() const noexcept { return asked_; }
  const std::string& error() const noexcept { return error_; }

 private:
  void complain(const char* what) {
    if (error_.empty()) error_ = what;
  }

  struct record {
    request asked;
    void* base;
  };
  std::unordered_map<void*, record> live_;
  std::array<std::size_t, purpose_count> live_bytes_{}, live_blocks_{}, allocations_{};
  std::size_t asked_ = 0;
  allocation_fault own_fault_;
  allocation_fault* fault_ = &own_fault_;
  std::string error_;
};

inline recording_resource& default_recording_resource() noexcept {
  static recording_resource one;
  return one;
}

template <bool Copy = false, bool Move = false, bool Swap = false>
class recording {
 public:
  using axis = axes::allocation;
  static constexpr const char* name = "recording";
  static constexpr bool propagate_on_copy = Copy;
  static constexpr bool propagate_on_move = Move;
  static constexpr bool propagate_on_swap = Swap;

  recording() noexcept : resource_(&default_recording_resource()) {}
  explicit recording(recording_resource& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& asked) noexcept { return resource_->try_allocate(asked); }
  void deallocate(void* block, const request& given) noexcept { resource_->deallocate(block, given); }
  recording_resource& resource() const noexcept { return *resource_; }
  friend bool operator==(recording a, recording b) noexcept { return a.resource_ == b.resource_; }

 private:
  recording_resource* resource_;
};

// For two maps whose handles are unequal and stay where they are.
class recording_apart : public recording<> {
 public:
  static constexpr const char* name = "recording_apart";
  using recording<>::recording;
};

}  // namespace tophash::testing

#endif
