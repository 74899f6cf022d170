// SPDX-License-Identifier: Apache-2.0
// Exact roots. A raw pointer to an object of a precise_heap is good until the heap's next allocation of an
// object, or step, or collection; what is needed longer is held by one of these:
//   root<T>        a handle, copyable and movable, of any life time. O(1); three words
//   root_scope<N>  up to N pointers of one C++ scope, without links: two words and one word each
// Handles belong to the thread of their heap, and must be gone before it.
#ifndef TOPHASH_GC_PRECISE_ROOTS_HPP
#define TOPHASH_GC_PRECISE_ROOTS_HPP

#include <cstddef>
#include <utility>

#include <tophash/framework/core/checked.hpp>

namespace tophash::inline v1 {

namespace gc {

// A node of the ring of handles of a heap.
struct root_link {
  root_link* previous = this;
  root_link* next = this;
  const void* object = nullptr;

  root_link() noexcept = default;
  root_link(root_link& ring, const void* kept) noexcept : object(kept) { join(ring); }
  root_link(const root_link&) = delete;
  root_link& operator=(const root_link&) = delete;
  ~root_link() { leave(); }

  bool is_alone() const noexcept { return next == this; }
  // A root on the stack leaves the ring in its destructor, which g++ 12 does not follow.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif
  void join(root_link& ring) noexcept {
    previous = &ring;
    next = ring.next;
    next->previous = this;
    ring.next = this;
  }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
  void leave() noexcept {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
};

template <class T>
class root {
 public:
  root() noexcept = default;
  // Of an object that the ring's heap made, or null.
  root(root_link& ring, T* object) noexcept : link_(ring, object) {}
  root(const root& other) noexcept { take(other); }
  root(root&& other) noexcept {
    take(other);
    other.reset();
  }
  root& operator=(const root& other) noexcept {
    if (this != &other) {
      link_.leave();
      take(other);
    }
    return *this;
  }
  root& operator=(root&& other) noexcept {
    if (this != &other) {
      link_.leave();
      take(other);
      other.reset();
    }
    return *this;
  }

  T* get() const noexcept { return static_cast<T*>(const_cast<void*>(link_.object)); }
  T& operator*() const noexcept { return *get(); }
  T* operator->() const noexcept { return get(); }
  explicit operator bool() const noexcept { return link_.object != nullptr; }
  // Another object of the same heap. The handle must belong to it already.
  void reset(T* object) noexcept {
    TOPHASH_CHECK(!link_.is_alone() || object == nullptr, "root: this handle belongs to no heap");
    link_.object = object;
  }
  void reset() noexcept {
    link_.leave();
    link_.object = nullptr;
  }

  friend bool operator==(const root& a, const root& b) noexcept { return a.get() == b.get(); }

 private:
  void take(const root& other) noexcept {
    link_.object = other.link_.object;
    if (!other.link_.is_alone()) link_.join(const_cast<root_link&>(other.link_));
  }

  root_link link_;
};

// The innermost scope of a heap comes first.
struct root_scope_link {
  root_scope_link* outer = nullptr;
  const void** objects = nullptr;
  std::size_t count = 0;
};

template <std::size_t N>
class root_scope {
 public:
  template <class Heap>
  explicit root_scope(Heap& heap) noexcept : innermost_(&heap.scopes()) {
    link_.outer = *innermost_;
    link_.objects = objects_;
    *innermost_ = &link_;
  }
  root_scope(const root_scope&) = delete;
  root_scope& operator=(const root_scope&) = delete;
  ~root_scope() {
    TOPHASH_CHECK(*innermost_ == &link_,
                  "root_scope: scopes end in the order opposite to that of their beginning");
    *innermost_ = link_.outer;
  }

  // Kept until the scope ends.
  template <class T>
  T* keep(T* object) noexcept {
    TOPHASH_ALWAYS(link_.count < N, "root_scope: more objects than the scope has places for");
    objects_[link_.count++] = object;
    return object;
  }

 private:
  root_scope_link** innermost_;
  root_scope_link link_;
  const void* objects_[N] = {};
};

}  // namespace gc

}  // namespace tophash::inline v1

#endif
