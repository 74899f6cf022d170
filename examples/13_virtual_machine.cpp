// A toy virtual machine. Its objects live on either collector: the alias `heap` is all that changes, and here the same
// program runs on both. Values are cells; variables are a map inside the machine; what a program drops is collected.
//
// Prints:
//   precise: sum 5050, list of 100 cells, variables 3
//   boehm: sum 5050, list of 100 cells, variables 3
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string_view>

#include <tophash/gc/boehm_objects.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>

namespace gc = tophash::gc;

struct cell {
  std::int64_t number;
  cell* rest;
};
template <>
struct tophash::gc_traits<cell> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const cell& c) { visit(c.rest); }
};

enum class op { push, load, store, add, cons, repeat, end };
struct instruction {
  op what;
  std::int64_t operand = 0;
};

template <class heap>
class machine {
  template <class T>
  using handle = typename heap::template handle<T>;

 public:
  void run(std::initializer_list<instruction> code) {
    for (const instruction* at = code.begin(); at->what != op::end; ++at) {
      switch (at->what) {
      case op::push: top_ = heap_.template make<cell>(at->operand, nullptr); break;
      case op::load: top_ = heap_.keep(variables_.at(at->operand)); break;
      case op::store: variables_.insert_or_assign(at->operand, top_.get()); break;
      case op::add: top_ = heap_.template make<cell>(top_->number + variables_.at(at->operand)->number, nullptr); break;
      case op::cons: top_ = heap_.template make<cell>(top_->number, variables_.at(at->operand)); break;
      case op::repeat:
        if (top_->number < at->operand) at = code.begin() - 1;
        break;
      case op::end: break;
      }
    }
  }
  std::int64_t number(std::int64_t variable) const { return variables_.at(variable)->number; }
  int length(std::int64_t variable) const {
    int n = 0;
    for (const cell* c = variables_.at(variable); c->rest != nullptr; c = c->rest) ++n;
    return n;
  }
  void print() {
    heap_.collect();
    std::printf("%s: sum %d, list of %d cells, variables %zu\n", heap::name.data(), static_cast<int>(number(1)),
                length(2), variables_.size());
  }

 private:
  heap heap_;
  handle<cell> top_;
  tophash::map<std::int64_t, cell*, typename heap::storage> variables_{storage_of(heap_)};
};

template <class heap>
void example() {
  machine<heap> m;
  m.run({{op::push, 0}, {op::store, 0}, {op::store, 1}, {op::store, 2}, {op::end}});
  // i = i + 1; sum = sum + i; list = i : list; while i < 100. Constants are made anew, and dropped, each time.
  m.run({{op::push, 1}, {op::add, 0}, {op::store, 0}, {op::add, 1}, {op::store, 1}, {op::load, 0}, {op::cons, 2},
         {op::store, 2}, {op::load, 0}, {op::repeat, 100}, {op::end}});
  m.print();
}

int main() {
  example<gc::precise_heap>();
  example<gc::boehm_objects>();
}
