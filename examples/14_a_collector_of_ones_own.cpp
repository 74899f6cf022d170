// A collector of one's own under the same maps. The toy marks and sweeps a list of cells; what makes it a
// gc::collected_heap is handles, and storage whose arrays it reads slot by slot, so that erased entries keep
// nothing alive. The laws say whether it may be used.
//
// Prints:
//   laws broken: 0
//   500 objects in a map, 250 of them erased: 250 left
//   the map has ended: 0 left
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

using namespace tophash;

using arrays = std::vector<std::pair<const unsigned char*, request>>;

class toy_storage {  // malloc's memory; arrays with entries that may point are listed, for the heap to read
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "toy";
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  explicit toy_storage(arrays& read) : read_(&read) {}
  void* try_allocate(const request& r) const noexcept {
    void* const p = allocators::system{}.try_allocate(r);
    if (p == nullptr || !is_read(r)) return p;
    std::memset(p, 0, r.bytes);  // a tag is read from now on
    read_->emplace_back(static_cast<const unsigned char*>(p), r);
    return p;
  }
  void deallocate(void* p, const request& r) const noexcept {
    if (is_read(r)) std::erase_if(*read_, [p](const auto& a) { return a.first == p; });
    allocators::system{}.deallocate(p, r);
  }
  friend bool operator==(toy_storage, toy_storage) = default;

 private:
  static bool is_read(const request& r) {
    return r.use == purpose::slots && r.trace != nullptr && r.trace->is_traced();
  }
  arrays* read_;
};

class toy_heap {
 public:
  static constexpr std::string_view name = "toy";
  static constexpr bool is_exact = true;
  template <class T>
  using handle = gc::root<T>;
  using storage = toy_storage;

  template <class T, class... Args>
  handle<T> make(Args&&... args) {
    return build<T>(1, [&](T* at) { ::new (static_cast<void*>(at)) T(std::forward<Args>(args)...); });
  }
  template <class T>
  handle<T> make_array(std::size_t n) {
    return build<T>(n, [n](T* at) { std::uninitialized_value_construct_n(at, n); });
  }
  template <class T>
  handle<T> keep(T* object) noexcept {
    return handle<T>(ring_, object);
  }
  void stored(const void*) noexcept {}  // it marks in one go: no barrier

  void collect() noexcept {
    reader read{
        {[](pointer_visitor& v, const void* p) noexcept { static_cast<reader&>(v).pointer(p); }, nullptr},
        this};
    for (const auto* r = ring_.next; r != &ring_; r = r->next) mark(r->object);
    for (const auto& [block, r] : arrays_) {
      const std::size_t units = gc::units_of(*r.trace, r.bytes);
      gc::trace_units(*r.trace, block, r.bytes, units, 0, units, read);  // live slots, nothing else
    }
    while (!grey_.empty()) {
      cell* const c = grey_.back();
      grey_.pop_back();
      if (c->trace != nullptr) c->trace(read, c->first(), c->count);
    }
    std::erase_if(cells_, [](const auto& c) { return !std::exchange(c->marked, false); });
    ++collections_;
  }
  void start_window() noexcept { before_ = collections_; }
  gc::gc_sample sample() const noexcept {
    gc::gc_sample s;
    s.collections = collections_ - before_;
    return s;
  }
  std::size_t objects() const { return cells_.size(); }

 private:
  friend toy_storage storage_of(toy_heap& heap) noexcept { return toy_storage(heap.arrays_); }

  struct alignas(std::max_align_t) cell {  // an object, or an array of them, follows
    std::size_t count = 0;
    bool marked = false;
    void (*trace)(pointer_visitor&, const void* first, std::size_t count) = nullptr;
    void (*end)(void* first, std::size_t count) = nullptr;
    void* first() { return this + 1; }
    ~cell() {
      if (end != nullptr) end(first(), count);
    }
    static void operator delete(void* memory) { std::free(memory); }
  };
  struct reader : pointer_visitor {  // the sink of trace_units, too
    toy_heap* to;
    void pointer(const void* p) { to->mark(p); }
    pointer_visitor& visitor() { return *this; }
    void has_read(std::size_t) {}
  };

  void mark(const void* object) {  // one of ours, or null
    cell* const c = object == nullptr ? nullptr : static_cast<cell*>(const_cast<void*>(object)) - 1;
    if (c != nullptr && !std::exchange(c->marked, true)) grey_.push_back(c);
  }
  template <class T, class Construct>
  handle<T> build(std::size_t n, Construct construct) {
    if (++made_ % 1'000 == 0) collect();
    void* const memory = std::calloc(1, sizeof(cell) + n * sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    cell& c = *cells_.emplace_back(::new (memory) cell);
    c.count = n;
    handle<T> made(ring_, static_cast<T*>(c.first()));
    construct(made.get());
    if constexpr (gc_traits<T>::may_contain_pointers) {
      c.trace = [](pointer_visitor& v, const void* at, std::size_t k) {
        trace_pointers(v, static_cast<const T*>(at), k);
      };
    }
    if constexpr (!std::is_trivially_destructible_v<T>)
      c.end = [](void* at, std::size_t k) { std::destroy_n(static_cast<T*>(at), k); };
    return made;
  }

  gc::root_link ring_;
  std::vector<std::unique_ptr<cell>> cells_;
  std::vector<cell*> grey_;
  arrays arrays_;
  std::size_t made_ = 0;
  std::uint64_t collections_ = 0, before_ = 0;
};

static_assert(gc::collected_heap<toy_heap>);

int main() {
  toy_heap heap;
  int broken = 0;
  laws::check_collected_heap(
      heap, [&](const std::string& what) { broken += std::printf("%s\n", what.c_str()) > 0; });
  std::printf("laws broken: %d\n", broken);
  {
    map<int, std::string*, toy_storage> m{storage_of(heap)};
    for (int i = 0; i < 500; ++i)
      m.try_emplace(i, heap.make<std::string>("object " + std::to_string(i)).get());
    for (int i = 0; i < 500; i += 2) m.erase(i);
    heap.collect();
    std::printf("500 objects in a map, 250 of them erased: %zu left\n", heap.objects());
  }
  heap.collect();
  std::printf("the map has ended: %zu left\n", heap.objects());
}
