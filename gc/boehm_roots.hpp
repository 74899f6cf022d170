// SPDX-License-Identifier: Apache-2.0
// Roots for libgc beyond stacks and static storage, and threads.
//   boehm_root r(p, bytes);      while r lives, every aligned word of [p, p + bytes) is a root
//   boehm_rooted<T> x(args...);  a T, anywhere (malloc memory, a std::vector, thread_local), whose bytes are roots:
//                                a map whose storage is collected and whose handle is not in memory that libgc reads
//   boehm_thread t;              registers this thread with libgc while t lives
//   boehm_accepts_tags(mask)     may pointers in collected storage carry these tag bits?
// GC_add_roots takes about 2,000 ranges and then aborts, so all of these share one callback at each collection
// (GC_set_push_other_roots; what was set before is called as well). Making and ending a root: O(1), under libgc's
// allocator lock, some 40 ns. Each word that points to an object is marked as it is read, so any number of roots
// needs no room on the mark stack.
// An object that holds a root in turn is found only through memory that libgc reads or another root.
#ifndef TOPHASH_GC_BOEHM_ROOTS_HPP
#define TOPHASH_GC_BOEHM_ROOTS_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <gc.h>
#include <gc/gc_mark.h>

#include <tophash/framework/core/checked.hpp>
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_kind.hpp>

// gc.h declares these only for programs that have their thread functions replaced.
extern "C" {
GC_API void GC_CALL GC_allow_register_threads(void);
GC_API int GC_CALL GC_register_my_thread(const struct GC_stack_base*);
GC_API int GC_CALL GC_unregister_my_thread(void);
}

namespace tophash::inline v1 {

namespace gc {

class boehm_root {
 public:
  boehm_root(const void* first, std::size_t bytes) noexcept : first_(first), bytes_(bytes) {
    static const bool attached = attach();
    static_cast<void>(attached);
    GC_call_with_alloc_lock(&link, this);
  }
  boehm_root(const boehm_root&) = delete;
  boehm_root& operator=(const boehm_root&) = delete;
  ~boehm_root() { GC_call_with_alloc_lock(&unlink, this); }

  // Roots of the process at this moment.
  static std::size_t count() noexcept {
    std::size_t n = 0;
    GC_call_with_alloc_lock(
        [](void* out) -> void* {
          for (const boehm_root* r = all(); r != nullptr; r = r->next_) ++*static_cast<std::size_t*>(out);
          return nullptr;
        },
        &n);
    return n;
  }

 private:
  static boehm_root*& all() noexcept {
    static constinit boehm_root* first = nullptr;
    return first;
  }
  static GC_push_other_roots_proc& others() noexcept {
    static constinit GC_push_other_roots_proc before = nullptr;
    return before;
  }
  static bool attach() noexcept {
    GC_INIT();
    others() = GC_get_push_other_roots();
    GC_set_push_other_roots(&push_all);
    return true;
  }

  static void* link(void* self) {
    auto* const r = static_cast<boehm_root*>(self);
    r->next_ = all();
    if (r->next_ != nullptr) r->next_->before_ = r;
    all() = r;
    return nullptr;
  }
  static void* unlink(void* self) {
    auto* const r = static_cast<boehm_root*>(self);
    (r->before_ == nullptr ? all() : r->before_->next_) = r->next_;
    if (r->next_ != nullptr) r->next_->before_ = r->before_;
    return nullptr;
  }

  // With the world stopped. Eagerly: a range put on the mark stack for each root would abort a program with more
  // roots than that has room.
  static void GC_CALLBACK push_all() {
    if (others() != nullptr) others()();
    for (const boehm_root* r = all(); r != nullptr; r = r->next_) {
      auto* const from = static_cast<unsigned char*>(const_cast<void*>(r->first_));
      GC_push_all_eager(from, from + r->bytes_);
    }
  }

  const void* first_;
  std::size_t bytes_;
  boehm_root* next_ = nullptr;
  boehm_root* before_ = nullptr;
};

// Neither copied nor moved: its address is registered. Registered before the T is made and until after it is gone.
template <class T>
class boehm_rooted {
 public:
  template <class... Args>
    requires std::is_constructible_v<T, Args...>
  explicit boehm_rooted(Args&&... args) : root_(&value_, sizeof value_), value_(std::forward<Args>(args)...) {}
  boehm_rooted(const boehm_rooted&) = delete;
  boehm_rooted& operator=(const boehm_rooted&) = delete;

  T& operator*() noexcept { return value_; }
  const T& operator*() const noexcept { return value_; }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }

 private:
  boehm_root root_;
  T value_;
};

// Only a registered thread may touch collected memory. The first thread of all is registered already; in it,
// boehm_thread::allow() must be called before the first other one registers.
class boehm_thread {
 public:
  static void allow() noexcept {
    GC_INIT();
    GC_allow_register_threads();
  }

  boehm_thread() noexcept {
    GC_stack_base here{};
    TOPHASH_ALWAYS(GC_get_stack_base(&here) == GC_SUCCESS, "boehm_thread: libgc cannot find this thread's stack");
    registered_ = GC_register_my_thread(&here) == GC_SUCCESS;  // else it was before
  }
  boehm_thread(const boehm_thread&) = delete;
  boehm_thread& operator=(const boehm_thread&) = delete;
  ~boehm_thread() {
    if (registered_) GC_unregister_my_thread();
  }

 private:
  bool registered_ = false;
};

// To be asked at start-up by a program that stores pointers with bits set that are no address. Low bits, within
// the two words that objects are aligned to, are recognised: as interior pointers, or, where those are switched
// off, because this tells libgc of them. Any other bit makes a word that libgc takes for no pointer, or for one to
// another object: false, and the program must not store such pointers where only a collector looks. Does not know
// tags that are added rather than set.
inline bool boehm_accepts_tags(std::uintptr_t mask) noexcept {
  GC_INIT();
  if ((mask & ~(boehm_heap::natural_align_bytes - 1)) != 0) return false;
  if (GC_get_all_interior_pointers() != 0) return true;
  for (std::uintptr_t tag = 1; tag <= mask; ++tag) {
    if ((tag & ~mask) == 0) GC_register_displacement(tag);
  }
  return true;
}

}  // namespace gc

}  // namespace tophash::inline v1

#endif
