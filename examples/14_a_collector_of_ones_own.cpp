// A collector of one's own under the same maps. The toy marks and sweeps in a page of code and knows nothing of maps;
// the adapter gives it what gc::collected_heap asks for: handles, and storage whose arrays it reads slot by slot, so
// that erased entries keep nothing alive. The laws say whether it may be used.
//
// Prints:
//   laws broken: 0
//   500 objects in a map, 250 of them erased: 250 left
//   the map has ended: 0 left
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/allocators/system.hpp>
#include <tophash/gc/collector.hpp>
#include <tophash/gc/precise/roots.hpp>
#include <tophash/gc/trace_blocks.hpp>
#include <tophash/map.hpp>

#include "laws/collector.hpp"

// ---- the toy: a list of cells, each with a mark and with functions that read and end what is in it

class toy {
 public:
  using visitor = tophash::pointer_visitor;
  struct cell {
    cell* next = nullptr;
    std::size_t count = 0;
    bool marked = false;
    void (*trace)(visitor&, const void* first, std::size_t count) = nullptr;
    void (*end)(void* first, std::size_t count) = nullptr;
  };
  static constexpr std::size_t header_bytes = 48;  // of a cell, with the alignment of any object

  std::function<void(toy&)> read_roots;

  toy() = default;
  toy(const toy&) = delete;
  toy& operator=(const toy&) = delete;
  ~toy() {
    read_roots = [](toy&) {};
    collect();
  }

  template <class T>
  T* place(std::size_t n) {
    if (++made_ % 1'000 == 0) collect();
    void* const memory = std::calloc(1, header_bytes + n * sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    all_ = ::new (memory) cell{.next = all_, .count = n};
    return reinterpret_cast<T*>(static_cast<unsigned char*>(memory) + header_bytes);
  }
  static cell& of(const void* object) {
    return *reinterpret_cast<cell*>(static_cast<unsigned char*>(const_cast<void*>(object)) - header_bytes);
  }
  void mark(const void* object) {  // one of ours, or null
    if (object != nullptr && !std::exchange(of(object).marked, true)) grey_.push_back(object);
  }
  void collect() {
    finder find{{[](visitor& v, const void* p) noexcept { static_cast<finder&>(v).owner->mark(p); }, nullptr}, this};
    read_roots(*this);
    while (!grey_.empty()) {
      const void* const first = grey_.back();
      grey_.pop_back();
      if (const cell& c = of(first); c.trace != nullptr) c.trace(find, first, c.count);
    }
    for (cell** at = &all_; *at != nullptr;) {
      cell* const c = *at;
      if (std::exchange(c->marked, false)) {
        at = &c->next;
        continue;
      }
      *at = c->next;
      if (c->end != nullptr) c->end(reinterpret_cast<unsigned char*>(c) + header_bytes, c->count);
      std::free(c);
    }
    ++collections;
  }
  std::size_t cells() const {
    std::size_t n = 0;
    for (const cell* c = all_; c != nullptr; c = c->next) ++n;
    return n;
  }
  std::uint64_t collections = 0;

 private:
  struct finder : visitor {
    toy* owner;
  };
  cell* all_ = nullptr;
  std::vector<const void*> grey_;
  std::size_t made_ = 0;
};

// ---- the adapter

class toy_heap;

class toy_storage {  // malloc's memory; arrays with entries that may point are listed
 public:
  using axis = tophash::axes::allocation;
  static constexpr std::string_view name = "toy";
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  explicit toy_storage(toy_heap& heap) : heap_(&heap) {}
  void* try_allocate(const tophash::request& r) const noexcept;
  void deallocate(void* p, const tophash::request& r) const noexcept;
  friend bool operator==(toy_storage, toy_storage) = default;

 private:
  toy_heap* heap_;
};

class toy_heap {
 public:
  static constexpr std::string_view name = "toy";
  static constexpr bool is_exact = true;
  template <class T>
  using handle = tophash::gc::root<T>;
  using storage = toy_storage;

  toy_heap() {
    toy_.read_roots = [this](toy&) { read_roots(); };
  }

  template <class T, class... Args>
  handle<T> make(Args&&... args) {
    handle<T> made(ring_, toy_.place<T>(1));
    return finish(made, [&](T* at) { ::new (static_cast<void*>(at)) T(std::forward<Args>(args)...); });
  }
  template <class T>
  handle<T> make_array(std::size_t n) {
    handle<T> made(ring_, toy_.place<T>(n));
    return finish(made, [n](T* at) { std::uninitialized_value_construct_n(at, n); });
  }
  template <class T>
  handle<T> keep(T* object) noexcept {
    return handle<T>(ring_, object);
  }
  void stored(const void*) noexcept {}  // it marks in one go
  void collect() noexcept { toy_.collect(); }
  void start_window() noexcept { before_ = toy_.collections; }
  tophash::gc::gc_sample sample() const noexcept {
    tophash::gc::gc_sample s;
    s.collections = toy_.collections - before_;
    return s;
  }
  std::size_t objects() const { return toy_.cells(); }

 private:
  friend class toy_storage;
  friend toy_storage storage_of(toy_heap& heap) noexcept { return toy_storage(heap); }

  struct array {
    const unsigned char* block;
    std::size_t bytes;
    const tophash::trace_info* trace;
  };
  struct array_reader : tophash::pointer_visitor {  // the sink of trace_units
    toy* to;
    explicit array_reader(toy& t)
        : pointer_visitor{[](pointer_visitor& v, const void* p) noexcept { static_cast<array_reader&>(v).pointer(p); },
                          nullptr},
          to(&t) {}
    void pointer(const void* p) { to->mark(p); }
    pointer_visitor& visitor() { return *this; }
    void has_read(std::size_t) {}
  };

  template <class T, class Construct>
  handle<T> finish(const handle<T>& made, Construct construct) {
    construct(made.get());
    toy::cell& c = toy::of(made.get());
    if constexpr (tophash::gc_traits<T>::may_contain_pointers) {
      c.trace = [](tophash::pointer_visitor& v, const void* first, std::size_t n) {
        tophash::trace_pointers(v, static_cast<const T*>(first), n);
      };
    }
    if constexpr (!std::is_trivially_destructible_v<T>)
      c.end = [](void* first, std::size_t n) { std::destroy_n(static_cast<T*>(first), n); };
    return made;
  }
  void read_roots() {
    for (const auto* r = ring_.next; r != &ring_; r = r->next) toy_.mark(r->object);
    array_reader reader(toy_);
    for (const array& a : arrays_) {
      const std::size_t units = tophash::gc::units_of(*a.trace, a.bytes);
      tophash::gc::trace_units(*a.trace, a.block, a.bytes, units, 0, units, reader);
    }
  }

  tophash::gc::root_link ring_;
  std::vector<array> arrays_;
  std::uint64_t before_ = 0;
  toy toy_;
};

static_assert(tophash::gc::collected_heap<toy_heap>);

bool is_array(const tophash::request& r) {
  return r.use == tophash::purpose::slots && r.trace != nullptr && r.trace->is_traced();
}
void* toy_storage::try_allocate(const tophash::request& r) const noexcept {
  void* const p = tophash::allocators::system{}.try_allocate(r);
  if (p == nullptr || !is_array(r)) return p;
  std::memset(p, 0, r.bytes);  // a tag is read from now on
  heap_->arrays_.push_back({static_cast<const unsigned char*>(p), r.bytes, r.trace});
  return p;
}
void toy_storage::deallocate(void* p, const tophash::request& r) const noexcept {
  if (is_array(r)) std::erase_if(heap_->arrays_, [p](const auto& a) { return a.block == p; });
  tophash::allocators::system{}.deallocate(p, r);
}

int main() {
  toy_heap heap;
  int broken = 0;
  tophash::laws::check_collected_heap(heap, [&broken](const std::string& what) {
    std::printf("%s\n", what.c_str());
    ++broken;
  });
  std::printf("laws broken: %d\n", broken);
  {
    tophash::map<int, std::string*, toy_storage> m{toy_storage(heap)};
    for (int i = 0; i < 500; ++i) m.try_emplace(i, heap.make<std::string>("object " + std::to_string(i)).get());
    for (int i = 0; i < 500; i += 2) m.erase(i);
    heap.collect();
    std::printf("500 objects in a map, 250 of them erased: %zu left\n", heap.objects());
  }
  heap.collect();
  std::printf("the map has ended: %zu left\n", heap.objects());
}
