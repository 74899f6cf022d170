// SPDX-License-Identifier: Apache-2.0
// For tests of collected storage: who is still alive, asked of libgc itself, and frames and stacks that hold no
// stray pointers. With AddressSanitizer: detect_stack_use_after_return=0 (its fake stacks are not searched).
#ifndef TOPHASH_TESTS_SUPPORT_COLLECTED_HPP
#define TOPHASH_TESTS_SUPPORT_COLLECTED_HPP

#include <cstddef>
#include <cstdlib>

#include <catch2/catch.hpp>
#include <gc.h>

#include <tophash/framework/config.hpp>

namespace tophash::testing {

// Knows of objects without keeping them alive: libgc clears each link when its object dies.
class witnesses {
 public:
  explicit witnesses(std::size_t n) : links_(static_cast<void**>(std::calloc(n, sizeof(void*)))), n_(n) {}
  witnesses(const witnesses&) = delete;
  witnesses& operator=(const witnesses&) = delete;
  ~witnesses() {
    for (std::size_t i = 0; i < n_; ++i) {
      if (links_[i] != nullptr) GC_unregister_disappearing_link(&links_[i]);
    }
    std::free(links_);
  }
  void watch(std::size_t i, void* object) {
    if (links_[i] != nullptr) GC_unregister_disappearing_link(&links_[i]);
    links_[i] = object;
    REQUIRE(GC_general_register_disappearing_link(&links_[i], object) == GC_SUCCESS);
  }
  bool is_alive(std::size_t i) const { return links_[i] != nullptr; }
  std::size_t alive() const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < n_; ++i) n += links_[i] != nullptr ? 1 : 0;
    return n;
  }

 private:
  void** links_;
  std::size_t n_;
};

// Runs a test's steps in a frame of their own, so that they leave no pointer on this one.
template <class F>
TOPHASH_NOINLINE auto in_own_frame(F step) {
  return step();
}

TOPHASH_NOINLINE inline void overwrite_stack() {
  volatile unsigned char frames[16'384];
  for (std::size_t i = 0; i < sizeof frames; ++i) frames[i] = 0;
}

inline void collect_all() {
  overwrite_stack();
  GC_gcollect();
  GC_gcollect();
}

}  // namespace tophash::testing

#endif
