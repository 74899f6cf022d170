// A backend of one's own in twenty lines: blocks from operator new, never more than a budget in use. The
// state lives in a struct that outlives the maps, the handle is a pointer to it. The laws say whether it may
// be used, and a map on it ends with bad_alloc instead of growing past the budget, with nothing lost.
//
// Prints:
//   laws broken: 0
//   the map stopped at 1664 entries, all of them there: yes
//   in use after the map: 0 bytes
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>

#include <tophash/map.hpp>

#include "laws/allocation.hpp"

struct budget {
  std::size_t left;
};

struct budgeted {
  using axis = tophash::axes::allocation;
  static constexpr const char* name = "budgeted";
  budget* from;

  void* try_allocate(const tophash::request& r) noexcept {
    if (r.bytes > from->left) return nullptr;  // null, with no effect: the map makes std::bad_alloc of it
    void* const p = ::operator new (r.bytes, std::align_val_t{r.align}, std::nothrow);
    if (p != nullptr) from->left -= r.bytes;
    return p;
  }
  void deallocate(void* p,
                  const tophash::request& r) noexcept {  // the request comes back: no header is needed
    ::operator delete (p, std::align_val_t{r.align});
    from->left += r.bytes;
  }
  friend bool operator==(budgeted a, budgeted b) noexcept { return a.from == b.from; }
};

int main() {
  budget plenty{std::size_t{1} << 30}, tight{64 << 10};
  int broken = 0;
  tophash::laws::check_allocation(budgeted{&plenty}, [&broken](const std::string& what) {
    std::printf("%s\n", what.c_str());
    ++broken;
  });
  std::printf("laws broken: %d\n", broken);
  {
    tophash::map<std::uint64_t, std::uint64_t, budgeted> m{budgeted{&tight}};
    std::uint64_t n = 0;
    while (m.try_insert({n, n}).allocated) ++n;
    bool all = m.size() == n;
    for (std::uint64_t k = 0; k < n; ++k) all = all && m.at(k) == k;
    std::printf("the map stopped at %zu entries, all of them there: %s\n", m.size(), all ? "yes" : "no");
  }
  std::printf("in use after the map: %zu bytes\n", (std::size_t{64} << 10) - tight.left);
}
