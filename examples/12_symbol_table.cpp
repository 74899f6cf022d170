// The symbol table of an interpreter, on Boehm's collector: one object for each name, so that names are compared as
// pointers, and none for names that no code mentions any more. Notes about symbols hang on them from outside, as
// ephemerons: a note that leads back to its symbol does not keep it.
//
// Prints:
//   x is x: yes, x is y: no
//   1000 names read and forgotten: under 100 symbols left, x and y among them
//   the note on x: defined in line 7
#include <cstdio>
#include <string>

#include <tophash/gc/boehm_objects.hpp>
#include <tophash/weak_map.hpp>

namespace gc = tophash::gc;

struct symbol {
  std::string name;
};
struct note {
  symbol* about;
  int line;
};

class interpreter {
 public:
  gc::boehm_handle<symbol> intern(const std::string& name) {
    return heap_.keep(symbols_.find_or_make(name, [&] { return heap_.make<symbol>(name); }));
  }
  void define(const gc::boehm_handle<symbol>& s, int line) {
    notes_.insert_or_assign(s.get(), heap_.make<note>(s.get(), line).get());
  }
  int line_of(const gc::boehm_handle<symbol>& s) const {
    const note* const n = notes_.get(s.get());
    return n == nullptr ? 0 : n->line;
  }
  std::size_t symbols() const { return symbols_.size(); }
  void collect() { heap_.collect(); }

 private:
  gc::boehm_objects heap_;
  tophash::weak_map<std::string, symbol*, gc::boehm_weak> symbols_;
  tophash::weak_map<symbol*, note*, gc::boehm_weak> notes_;  // ephemerons
};

int main() {
  interpreter in;
  const auto x = in.intern("x"), y = in.intern("y");
  std::printf("x is x: %s, x is y: %s\n", x == in.intern("x") ? "yes" : "no", x == y ? "yes" : "no");
  in.define(x, 7);
  for (int i = 0; i < 1000; ++i) in.define(in.intern("temporary" + std::to_string(i)), i);
  in.collect();
  // Conservative: a few may be held by what looks like a pointer.
  const bool there = x == in.intern("x") && y == in.intern("y");
  std::printf("1000 names read and forgotten: %s symbols left, x and y %s\n",
              in.symbols() < 100 ? "under 100" : "too many", there ? "among them" : "not among them");
  std::printf("the note on x: defined in line %d\n", in.line_of(x));
}
