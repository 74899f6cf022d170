// SPDX-License-Identifier: Apache-2.0
// Every live block of a tracked backend with the request that made it, so that a deallocation with other
// values is caught where it happens. One hash lookup under a lock for each allocation and deallocation: for
// checked builds. The addresses lie in malloc memory as numbers, which no collector reads, so the table
// keeps nothing alive.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_LIVE_BLOCKS_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_LIVE_BLOCKS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

namespace allocators {

class live_blocks {
 public:
  // False when there is no memory to remember the block with. A collector reuses addresses that nobody gave
  // back; with any other backend a second block at a live address is an error of the backend.
  bool add(std::uintptr_t at, const request& r, bool collected, std::string_view backend) noexcept {
    const std::lock_guard<std::mutex> hold(lock_);
    TOPHASH_TRY {
      const auto [place, fresh] = blocks_.try_emplace(at, r);
      if (!fresh && !collected) fail(backend, "try_allocate", r, &place->second);
      place->second = r;
      return true;
    }
    TOPHASH_CATCH_ALL { return false; }
  }

  void remove(std::uintptr_t at, const request& r, std::string_view backend) noexcept {
    const std::lock_guard<std::mutex> hold(lock_);
    blocks_.erase(find(at, r, "deallocate", backend));
  }

  void check(std::uintptr_t at, const request& r, std::string_view backend) noexcept {
    const std::lock_guard<std::mutex> hold(lock_);
    static_cast<void>(find(at, r, "try_expand", backend));
  }

  void resize(std::uintptr_t at, std::size_t bytes) noexcept {
    const std::lock_guard<std::mutex> hold(lock_);
    blocks_.find(at)->second.bytes = bytes;
  }

  void clear() noexcept {
    const std::lock_guard<std::mutex> hold(lock_);
    blocks_.clear();
  }

  // The resource goes away: a block that is still live belongs to a map that outlives it.
  void check_none(std::string_view backend) noexcept {
    const std::lock_guard<std::mutex> hold(lock_);
    if (blocks_.empty()) return;
    fail(backend, "the resource ends before a map that uses it", blocks_.begin()->second);
  }

 private:
  using table = std::unordered_map<std::uintptr_t, request>;

  table::iterator find(std::uintptr_t at, const request& r, const char* what, std::string_view backend) noexcept {
    const table::iterator it = blocks_.find(at);
    if (it == blocks_.end()) fail(backend, what, r);
    const request& made = it->second;
    if (made.bytes != r.bytes || made.align != r.align || made.use != r.use) fail(backend, what, r, &made);
    return it;
  }

  [[noreturn]] TOPHASH_NOINLINE static void fail(std::string_view backend, const char* what, const request& r,
                                                 const request* live = nullptr) noexcept {
    char known[128] = "";
    if (live != nullptr) {
      std::snprintf(known, sizeof known, "; the live block there: %zu bytes aligned to %zu for %s",
                    live->bytes, live->align, purpose_name(live->use));
    }
    char text[512];
    std::snprintf(text, sizeof text, "%.*s: %s: %zu bytes aligned to %zu for %s%s",
                  static_cast<int>(backend.size()), backend.data(), what, r.bytes, r.align,
                  purpose_name(r.use), live != nullptr ? known : ": no such live block");
    check_failed(text, __FILE__, __LINE__);
  }

  std::mutex lock_;
  table blocks_;
};

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
