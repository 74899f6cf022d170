// SPDX-License-Identifier: Apache-2.0
// Boehm's collector with precise_heap's interface, for programs whose objects live on either:
//
//   using heap = gc::boehm_objects;                        // or gc::precise_heap: nothing else changes
//   heap::handle<node> a = h.make<node>(1);
//   tophash::map<int, node*, heap::storage> m{storage_of(h)};
//   tophash::weak_map<node*, int, heap::weak_storage> w{weak_storage_of(h)};
//
// Objects are libgc's: searched word by word, or not at all where gc_traits<T> says that T holds no pointer. Those
// with a destructor are of a kind of their own: it runs once, when their memory is swept, under libgc's allocator lock,
// so it must use neither other objects nor libgc. A handle keeps its object wherever it lies (boehm_roots.hpp), and so
// does a plain pointer on a stack or in memory that libgc reads.
// make: O(1) and a collection now and then; std::bad_alloc. Threads: registered ones, all at once.
#ifndef TOPHASH_GC_BOEHM_OBJECTS_HPP
#define TOPHASH_GC_BOEHM_OBJECTS_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <gc.h>
#include <gc/gc_disclaim.h>

#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_collector.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/boehm_roots.hpp>
#include <tophash/gc/boehm_weak.hpp>
#include <tophash/gc/collector.hpp>
#include <tophash/gc/facts.hpp>

namespace tophash::inline v1 {

namespace gc {

// A root of its own: copyable, anywhere, of any life time. Six words.
template <class T>
class boehm_handle {
 public:
  boehm_handle() noexcept : boehm_handle(nullptr) {}
  explicit boehm_handle(T* object) noexcept : object_(object), root_(&object_, sizeof object_) {}
  boehm_handle(const boehm_handle& other) noexcept : boehm_handle(other.object_) {}
  boehm_handle& operator=(const boehm_handle& other) noexcept {
    object_ = other.object_;
    return *this;
  }
  ~boehm_handle() = default;

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  void reset(T* object = nullptr) noexcept { object_ = object; }

  friend bool operator==(const boehm_handle& a, const boehm_handle& b) noexcept {
    return a.object_ == b.object_;
  }

 private:
  T* object_;
  boehm_root root_;
};

class boehm_objects : public boehm_collector {
 public:
  static constexpr bool is_exact = false;
  template <class T>
  using handle = boehm_handle<T>;
  using storage = boehm_map_aware;
  using weak_storage = boehm_weak;

  boehm_objects() noexcept = default;
  boehm_objects(const boehm_objects&) = delete;
  boehm_objects& operator=(const boehm_objects&) = delete;

  template <class T, class... Args>
  handle<T> make(Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      handle<T> made(static_cast<T*>(allocate<T>(1)));
      ::new (static_cast<void*>(made.get())) T(std::forward<Args>(args)...);
      return made;
    } else {
      static_assert(alignof(T) <= boehm_heap::natural_align_bytes);
      auto* const whole =
          static_cast<unsigned char*>(GC_malloc_kind(destroyed_offset<T> + sizeof(T), destroyed_kind()));
      if (whole == nullptr) throw std::bad_alloc();
      handle<T> made(reinterpret_cast<T*>(whole + destroyed_offset<T>));
      ::new (static_cast<void*>(made.get())) T(std::forward<Args>(args)...);
      *reinterpret_cast<std::uintptr_t*>(whole) = reinterpret_cast<std::uintptr_t>(&ending_of<T>) | 1;
      return made;
    }
  }
  // An array of n value-initialised elements; the handle is of the first.
  template <class T>
  handle<T> make_array(std::size_t n) {
    static_assert(std::is_trivially_destructible_v<T>, "libgc would not destroy the elements of an array");
    handle<T> made(static_cast<T*>(allocate<T>(n)));
    std::uninitialized_value_construct_n(made.get(), n);
    return made;
  }
  template <class T>
  handle<T> keep(T* object) noexcept {
    return handle<T>(object);
  }
  // libgc finds stores by itself.
  void stored(const void*) noexcept {}

  friend boehm_map_aware storage_of(boehm_objects&) noexcept { return {}; }
  friend boehm_weak weak_storage_of(boehm_objects&) noexcept { return {}; }

 private:
  // Objects with a destructor: a kind of their own, whose first word names the destructor once the constructor has
  // ended. Its lowest bit is set: in a free object that word is a link. libgc's own finalized kind would do, but keeps
  // what a dying object leads to: a chain of n then takes n collections to go.
  struct ending {
    std::size_t offset;
    void (*destroy)(void*) noexcept;
  };
  template <class T>
  static constexpr std::size_t destroyed_offset = alignof(T) > sizeof(void*) ? alignof(T) : sizeof(void*);
  template <class T>
  static constexpr ending ending_of{destroyed_offset<T>,
                                    [](void* object) noexcept { std::destroy_at(static_cast<T*>(object)); }};

  static int GC_CALLBACK disclaim(void* whole) {
    const std::uintptr_t word = std::exchange(*static_cast<std::uintptr_t*>(whole), 0);
    if ((word & 1) == 0) {
      *static_cast<std::uintptr_t*>(whole) = word;
      return 0;
    }
    const ending& e = *reinterpret_cast<const ending*>(word - 1);
    e.destroy(static_cast<unsigned char*>(whole) + e.offset);
    return 0;
  }
  static int destroyed_kind() noexcept {
    static const int kind = [] {
      GC_INIT();
      // Searched whole: the descriptor of length 0 is made that of the object.
      const auto k = static_cast<int>(GC_new_kind(GC_new_free_list(), GC_DS_LENGTH, 1, 1));
      GC_register_disclaim_proc(k, &disclaim, 0);
      for (const std::size_t offset : {sizeof(void*), 2 * sizeof(void*)}) GC_register_displacement(offset);
      return k;
    }();
    return kind;
  }

  template <class T>
  static void* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) throw std::bad_alloc();
    const request r{.bytes = n * sizeof(T), .align = alignof(T), .use = purpose::node, .trace = nullptr};
    void* const place = boehm_heap::allocate(r, gc_traits<T>::may_contain_pointers);
    if (place == nullptr) throw std::bad_alloc();
    return place;
  }
};

static_assert(collected_heap<boehm_objects>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
