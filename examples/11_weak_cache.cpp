// A weak cache: results that are costly to make are found again as long as somebody uses them, and the cache keeps none
// of them alive. What nobody uses goes with the next collection, entry and all; nothing is to be told.
//
// Prints:
//   asked 6 times, rendered 3
//   in the cache: 3, after a collection: 1
//   asked again: rendered 5, the kept one is the same page
#include <cstdio>
#include <string>
#include <string_view>

#include <tophash/gc/precise_heap.hpp>
#include <tophash/weak_map.hpp>

namespace gc = tophash::gc;

struct page {
  std::string text;
};

// Pages hold no pointers to other objects of the heap.
template <>
struct tophash::gc_traits<page> : tophash::gc::holds_no_pointers {};

class renderer {
 public:
  explicit renderer(gc::precise_heap& heap) : heap_(heap), cache_(gc::precise(heap)) {}

  gc::root<page> operator()(const std::string& name) {
    return heap_.keep(cache_.find_or_make(name, [&] {
      ++rendered;
      return heap_.make<page>("<h1>" + name + "</h1>");
    }));
  }
  std::size_t cached() const { return cache_.size(); }
  int rendered = 0;

 private:
  gc::precise_heap& heap_;
  tophash::weak_map<std::string, page*, gc::precise> cache_;  // strong keys, weak values
};

int main() {
  gc::precise_heap heap;
  renderer render(heap);
  const gc::root<page> home = render("home");
  for (const char* name : {"home", "news", "news", "help", "home"}) static_cast<void>(render(name));
  std::printf("asked 6 times, rendered %d\n", render.rendered);

  const std::size_t before = render.cached();
  heap.collect();
  std::printf("in the cache: %zu, after a collection: %zu\n", before, render.cached());

  const bool same = render("home") == home;
  static_cast<void>(render("news")), static_cast<void>(render("help"));
  std::printf("asked again: rendered %d, the kept one is %s\n", render.rendered, same ? "the same page" : "another");
}
