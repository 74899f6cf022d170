// A collector of one's own under the same maps. The toy marks and sweeps a list of cells; what makes it a
// gc::collected_heap comes from gc/adapter.hpp: handles, storage whose arrays it reads slot by slot, so that
// erased entries keep nothing alive, and how an object of any type is traced and ended. The laws say whether
// it may be used.
//
// Prints:
//   laws broken: 0
//   500 objects in a map, 250 of them erased: 250 left
//   the map has ended: 0 left
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tophash/gc/adapter.hpp>
#include <tophash/gc/collector.hpp>
#include <tophash/map.hpp>

#include "laws/collector.hpp"

using namespace tophash;

class toy_heap {
 public:
  static constexpr std::string_view name = "toy";
  static constexpr bool is_exact = true;
  template <class T>
  using handle = gc::root<T>;
  using storage = gc::listed<>;

  template <class T, class... Args>
  handle<T> make(Args&&... args) {
    return build<T, false>(1, [&](T* at) { ::new (static_cast<void*>(at)) T(std::forward<Args>(args)...); });
  }
  template <class T>
  handle<T> make_array(std::size_t n) {
    return build<T, true>(n, [n](T* at) { std::uninitialized_value_construct_n(at, n); });
  }
  template <class T>
  handle<T> keep(T* object) noexcept {
    return handle<T>(handles_, object);
  }
  void stored(const void*) noexcept {}  // it marks in one go: no barrier

  void collect() noexcept {
    gc::pointer_reader reader([this](const void* p) { mark(p); });
    for (const auto* h = handles_.next; h != &handles_; h = h->next) mark(h->object);
    arrays_.trace(reader);  // live slots, nothing else
    while (!grey_.empty()) {
      cell* const c = grey_.back();
      grey_.pop_back();
      if (c->type != nullptr && c->type->trace != nullptr) c->type->trace(reader, c->first(), c->count);
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
  friend storage storage_of(toy_heap& heap) noexcept { return storage(heap.arrays_); }

  struct alignas(std::max_align_t) cell {  // an object, or an array of them, follows
    const gc::object_type* type = nullptr;  // null while a constructor runs
    std::size_t count = 0;
    bool marked = false;
    void* first() { return this + 1; }
    ~cell() {
      if (type != nullptr && type->destroy != nullptr) type->destroy(first(), count);
    }
    static void operator delete(void* memory) { std::free(memory); }
  };

  void mark(const void* object) {  // one of ours, or null
    cell* const c = object == nullptr ? nullptr : static_cast<cell*>(const_cast<void*>(object)) - 1;
    if (c != nullptr && !std::exchange(c->marked, true)) grey_.push_back(c);
  }
  template <class T, bool Array, class Construct>
  handle<T> build(std::size_t n, Construct construct) {
    if (++made_ % 1'000 == 0) collect();
    void* const memory = std::calloc(1, sizeof(cell) + n * sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    cell& c = *cells_.emplace_back(::new (memory) cell);
    handle<T> made(handles_, static_cast<T*>(c.first()));
    construct(made.get());
    c.count = n, c.type = &gc::object_type_of<T, Array>;
    return made;
  }

  gc::root_link handles_;
  gc::map_arrays arrays_;
  std::vector<std::unique_ptr<cell>> cells_;
  std::vector<cell*> grey_;
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
    map<int, std::string*, toy_heap::storage> m{storage_of(heap)};
    for (int i = 0; i < 500; ++i)
      m.try_emplace(i, heap.make<std::string>("object " + std::to_string(i)).get());
    for (int i = 0; i < 500; i += 2) m.erase(i);
    heap.collect();
    std::printf("500 objects in a map, 250 of them erased: %zu left\n", heap.objects());
  }
  heap.collect();
  std::printf("the map has ended: %zu left\n", heap.objects());
}
