// A toy virtual machine whose objects live on either collector: `heap` is all that changes, and here one program runs on
// both. Values are cells, variables a map inside the machine; what the program drops is collected.
//
// Prints:
//   precise: sum 5050, list of 100 cells, 3 variables
//   boehm: sum 5050, list of 100 cells, 3 variables
#include <cstdio>
#include <initializer_list>

#include <tophash/gc/boehm_objects.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/map.hpp>

struct cell {
  int number;
  cell* rest;
};
template <>
struct tophash::gc_traits<cell> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const cell& c) { visit(c.rest); }
};

struct instruction {
  enum { push, load, store, add, cons, repeat_to } what;
  int operand;
};

template <class heap>
void run(std::initializer_list<instruction> code) {
  heap objects;
  typename heap::template handle<cell> top;
  tophash::map<int, cell*, typename heap::storage> variables{storage_of(objects)};
  for (int v : {0, 1, 2}) variables.insert_or_assign(v, objects.template make<cell>(0, nullptr).get());
  const auto make = [&](int number, cell* rest) { top = objects.template make<cell>(number, rest); };
  for (auto at = code.begin(); at != code.end(); ++at) {
    const int n = at->operand;
    switch (at->what) {
    case instruction::push: make(n, nullptr); break;
    case instruction::load: top.reset(variables.at(n)); break;
    case instruction::store: variables.insert_or_assign(n, top.get()); break;
    case instruction::add: make(top->number + variables.at(n)->number, nullptr); break;
    case instruction::cons: make(top->number, variables.at(n)); break;
    case instruction::repeat_to: if (top->number < n) at = code.begin() - 1; break;
    }
  }
  objects.collect();
  int cells = -1;
  for (const cell* c = variables.at(2); c != nullptr; c = c->rest) ++cells;
  std::printf("%s: sum %d, list of %d cells, %zu variables\n", heap::name.data(), variables.at(1)->number, cells,
              variables.size());
}

int main() {
  using i = instruction;  // v0 = v0 + 1; v1 = v1 + v0; v2 = v0 : v2; again while v0 < 100
  const std::initializer_list<i> code = {{i::push, 1}, {i::add, 0}, {i::store, 0}, {i::add, 1}, {i::store, 1},
                                         {i::load, 0}, {i::cons, 2}, {i::store, 2}, {i::load, 0}, {i::repeat_to, 100}};
  run<tophash::gc::precise_heap>(code);
  run<tophash::gc::boehm_objects>(code);
}
