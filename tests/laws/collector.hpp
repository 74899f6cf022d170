// SPDX-License-Identifier: Apache-2.0
// The laws of a collector (gc/collector.hpp), for ours and for one of your own:
//
//   tophash::laws::check_collector(my_collector, report);       // windows and samples
//   tophash::laws::check_collected_heap(my_heap, report);       // objects, handles, maps, weak maps if it has storage
//                                                               // for them, steps if it takes any
// Each broken law is reported once, with what showed it: "collector mine: keeps: object 17, which a handle leads to,
// was destroyed". Objects note their own end, in memory that no collector owns, so what is lost is seen before it is
// read; where the collector finds garbage late or by guess (is_exact is false), "gone" is "most of it is gone".
// A heap that is collected by nobody else: its other objects may live or not. A second or so, not optimised.
#ifndef TOPHASH_TESTS_LAWS_COLLECTOR_HPP
#define TOPHASH_TESTS_LAWS_COLLECTOR_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <tophash/framework/config.hpp>
#include <tophash/gc/collector.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/weak_map.hpp>

#include "laws/allocation.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

struct collector_limits {
  std::size_t objects = 600;  // of each experiment
  std::size_t deep = 20'000;  // a list of so many
  std::uint64_t seed = 1;
  std::size_t step_work = 40;
};

// Who has been destroyed. In malloc memory.
class death_list {
 public:
  std::size_t add() {
    dead_.push_back(0);
    return dead_.size() - 1;
  }
  void died(std::size_t i) noexcept {
    dead_[i] = static_cast<unsigned char>(dead_[i] + (dead_[i] < 2 ? 1 : 0));
  }
  bool is_dead(std::size_t i) const noexcept { return dead_[i] != 0; }
  bool any_twice() const noexcept {
    for (const unsigned char d : dead_) {
      if (d > 1) return true;
    }
    return false;
  }
  std::size_t size() const noexcept { return dead_.size(); }

 private:
  std::vector<unsigned char> dead_;
};

struct law_object {
  law_object *a = nullptr, *b = nullptr;
  std::uint64_t stamp;
  death_list* deaths;
  std::size_t number;

  explicit law_object(death_list& list)
      : stamp(0x1a35'0000 + list.size()), deaths(&list), number(list.add()) {}
  law_object(const law_object&) = delete;
  law_object& operator=(const law_object&) = delete;
  ~law_object() {
    stamp = 0;
    deaths->died(number);
  }
  bool intact() const noexcept { return stamp == 0x1a35'0000 + number; }
};

}  // namespace laws

template <>
struct gc_traits<laws::law_object> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const laws::law_object& o) {
    visit(o.a);
    visit(o.b);
  }
};

namespace laws {

// A collector that searches the stack finds what a frame before left there.
TOPHASH_NOINLINE inline void law_overwrite_stack() {
  volatile unsigned char frames[16'384];
  for (std::size_t i = 0; i < sizeof frames; ++i) frames[i] = 0;
}
template <class F>
TOPHASH_NOINLINE void law_in_own_frame(F f) {
  f();
}

template <class C, class Report>
class collector_reporter {
 public:
  explicit collector_reporter(Report& report) : report_(report) {}
  template <class... Parts>
  void operator()(const std::string& law, const Parts&... what) {
    if (broken_.insert(law).second)
      report_(sentence("collector ", std::string_view(C::name), ": ", law, ": ", what...));
  }

 private:
  Report& report_;
  std::set<std::string> broken_;
};

template <gc::collector C, class Report>
void check_collector(C& c, Report&& report) {
  collector_reporter<C, std::remove_reference_t<Report>> breach(report);
  c.collect();
  c.start_window();
  gc::gc_sample before = c.sample();
  if (before.collections != 0 || before.stall.count != 0 || before.collector_cpu_ns != 0 ||
      before.reclaimed_bytes != 0) {
    breach("window", "a window that has just begun counts something that happened before");
  }
  for (int i = 0; i < 3; ++i) {
    c.collect();
    const gc::gc_sample now = c.sample();
    if (now.collections < before.collections || now.stall.count < before.stall.count ||
        now.collector_cpu_ns < before.collector_cpu_ns || now.window_ns < before.window_ns ||
        now.allocated_bytes < before.allocated_bytes || now.heap_peak_bytes < before.heap_peak_bytes) {
      breach("counts", "a count fell within a window");
    }
    if (now.collections != 0 && now.collections == before.collections)
      breach("sample", "a collection is not in the sample that follows it");
    if (now.stall.max_ns < now.stall.p50_ns || now.stall.total_ns < now.stall.max_ns)
      breach("pauses", "the longest stall is shorter than the middle one, or longer than all together");
    before = now;
  }
}

template <class Heap, class Report>
class collected_heap_bench {
  using object = law_object;
  using handle = typename Heap::template handle<object>;

 public:
  collected_heap_bench(Heap& heap, Report& report, const collector_limits& limits)
      : heap_(heap), breach_(report), limits_(limits), numbers_(limits.seed) {}

  void check() {
    law_in_own_frame([this] { handles(); });
    law_in_own_frame([this] { graphs(); });
    law_in_own_frame([this] { deep_lists(); });
    law_in_own_frame([this] { arrays(); });
    law_in_own_frame([this] { map_keeps<deletion::immediate>("immediate"); });
    law_in_own_frame([this] { map_keeps<deletion::tombstone>("tombstone"); });
    law_in_own_frame([this] { map_keeps<deletion::dirty>("dirty"); });
    if constexpr (requires { typename Heap::weak_storage; }) {
      law_in_own_frame([this] { ephemerons(); });
      law_in_own_frame([this] { weak_values(); });
    }
    if constexpr (requires { heap_.step(std::size_t{1}); }) {
      law_in_own_frame([this] { steps(); });
    }
    settle();
    for (const std::unique_ptr<death_list>& d : lists_) {
      if (d->any_twice()) breach_("destroys once", "an object was destroyed twice");
    }
  }

 private:
  // Lists of deaths outlive their objects, which may be destroyed at any later collection.
  death_list& new_list() {
    lists_.push_back(std::make_unique<death_list>());
    return *lists_.back();
  }
  handle make(death_list& list) { return heap_.template make<object>(list); }
  void settle() {
    law_overwrite_stack();
    heap_.collect();
    if (Heap::is_exact) return;
    // What is swept when memory is needed is swept now.
    law_in_own_frame([this] {
      death_list& passing = new_list();
      for (std::size_t i = 0; i < 4 * limits_.objects; ++i) static_cast<void>(make(passing));
    });
    law_overwrite_stack();
    heap_.collect();
  }
  // `tangled`: one stray word, taken for a pointer, would keep much of the garbage.
  template <class Lives>
  void compare(const std::string& where, const death_list& list, Lives lives, bool tangled = false) {
    if (Heap::is_exact) tangled = false;
    std::size_t garbage = 0, left = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (lives(i)) {
        if (list.is_dead(i)) breach_("keeps", where, ": object ", i, ", which can be reached, was destroyed");
      } else {
        ++garbage;
        left += list.is_dead(i) ? 0 : 1;
      }
    }
    const std::size_t allowed = Heap::is_exact ? 0 : 8 + garbage / 8;
    if (left > allowed && !tangled)
      breach_("finds", where, ": ", left, " of ", garbage, " unreachable objects are still there");
  }

  void handles() {
    death_list& list = new_list();
    std::vector<handle> kept;  // in malloc memory
    law_in_own_frame([&] {
      for (std::size_t i = 0; i < limits_.objects; ++i) {
        handle made = make(list);
        if (i % 3 == 0) kept.push_back(made);
        if (i % 100 == 0) heap_.collect();
      }
      handle moved = std::move(kept[0]), copied = moved;
      kept[0] = copied;
      kept[1] = kept[2];
      kept[2].reset();
      handle empty, none = heap_.template keep<object>(nullptr);
      if (empty.get() != nullptr || none.get() != nullptr) breach_("handles", "an empty handle is not null");
    });
    settle();
    compare("handles", list, [](std::size_t i) { return i % 3 == 0 && i != 3; });
    for (const handle& h : kept) {
      if (h.get() != nullptr && !h->intact())
        breach_("keeps", "handles: the contents of an object have changed");
    }
  }

  // Objects, edges and roots come and go; what can be reached is known by walking.
  void graphs() {
    death_list& list = new_list();
    std::vector<handle> roots(16);
    law_in_own_frame([&] {
      for (std::size_t i = 0; i < 4 * limits_.objects; ++i) {
        handle made = make(list);
        object* const from = roots[numbers_.below(16)].get();
        if (from != nullptr) {
          link(made->a, from);
          object* const deeper = from->a != nullptr && numbers_.below(2) == 0 ? from->a : from;
          link(numbers_.below(2) == 0 ? deeper->a : deeper->b, made.get());
        }
        if (numbers_.below(3) == 0) roots[numbers_.below(16)] = made;
        if (numbers_.below(40) == 0) roots[numbers_.below(16)].reset();
        if (i % (limits_.objects / 2) == 0) heap_.collect();
      }
    });
    settle();
    std::vector<bool> reached(list.size());
    law_in_own_frame([&] {
      std::vector<const object*> todo;  // nothing is allocated from the heap until it is gone
      const auto visit = [&](const object* o) {
        if (o == nullptr) return;
        if (!o->intact()) {
          breach_("keeps", "graphs: an object that can be reached was destroyed or written over");
        } else if (!reached[o->number]) {
          reached[o->number] = true;
          todo.push_back(o);
        }
      };
      for (const handle& r : roots) visit(r.get());
      while (!todo.empty()) {
        const object* const o = todo.back();
        todo.pop_back();
        visit(o->a), visit(o->b);
      }
    });
    compare(
        "graphs", list, [&](std::size_t i) { return reached[i]; }, true);
  }
  void link(object*& field, object* to) {
    field = to;
    heap_.stored(to);
  }

  void deep_lists() {
    death_list& list = new_list();
    handle head;
    law_in_own_frame([&] {
      for (std::size_t i = 0; i < limits_.deep; ++i) {
        handle made = make(list);
        link(made->a, head.get());
        link(made->b, made.get());
        head = made;
      }
    });
    settle();
    compare("a long list", list, [](std::size_t) { return true; });
    if (!Heap::is_exact) {
      law_in_own_frame([&] {
        for (object* o = head.get(); o != nullptr;) {
          object* const next = o->a;
          if (o->number % 50 == 0) o->a = nullptr;
          o = next;
        }
      });
    }
    head.reset();
    settle();
    compare("a long list that was dropped", list, [](std::size_t) { return false; });
  }

  void arrays() {
    death_list& list = new_list();
    typename Heap::template handle<object*> array;
    const std::size_t n = 3 * limits_.objects;
    law_in_own_frame([&] {
      array = heap_.template make_array<object*>(n);
      for (std::size_t i = 0; i < n; ++i) {
        if (array.get()[i] != nullptr) breach_("make_array", "an element is not value-initialised");
        link(array.get()[i], make(list).get());
      }
      for (std::size_t i = 1; i < n; i += 2) array.get()[i] = nullptr;
    });
    settle();
    compare("an array", list, [](std::size_t i) { return i % 2 == 0; });
    array.reset();
    settle();
    compare("an array that was dropped", list, [](std::size_t) { return false; });
  }

  template <class Deletion>
  void map_keeps(const std::string& how) {
    using map_type = map<std::uint64_t, object*, typename Heap::storage, Deletion>;
    death_list& list = new_list();
    const std::size_t n = limits_.objects;
    check_allocation(storage_of(heap_), [this](const std::string& what) { breach_("storage", what); },
                     {.bytes_max = 20'000, .steps = 400});
    std::optional<map_type> m(storage_of(heap_));
    law_in_own_frame([&] {
      for (std::size_t i = 0; i < n; ++i) {
        m->insert_or_assign(i, make(list).get());
        if (i % 150 == 149) heap_.collect();
      }
      for (std::size_t i = 1; i < n; i += 2) m->erase(i);
    });
    settle();
    compare("a map, half of it erased, deletion " + how, list, [](std::size_t i) { return i % 2 == 0; });
    law_in_own_frame([&] {
      for (const auto& [key, value] : *m) {
        if (!value->intact())
          breach_("keeps", "a map, deletion ", how, ": the object of key ", key, " is gone");
      }
      // Again under keys that were erased; every fourth is replaced.
      for (std::size_t i = 0; i < n; ++i) {
        if (i % 4 != 2) m->insert_or_assign(i, make(list).get());
      }
    });
    settle();
    std::vector<bool> held(list.size());
    law_in_own_frame([&] {
      for (const auto& [key, value] : *m) held[value->number] = true;
    });
    compare("a map, written over, deletion " + how, list, [&](std::size_t i) { return held[i]; });
    m.reset();
    settle();
    compare("a map that has ended, deletion " + how, list, [](std::size_t) { return false; });
  }

  void ephemerons() {
    death_list &keys = new_list(), &values = new_list();
    weak_map<object*, object*, typename Heap::weak_storage> m(weak_storage_of(heap_));
    std::vector<handle> kept;
    const std::size_t n = limits_.objects;
    law_in_own_frame([&] {
      handle last;
      for (std::size_t i = 0; i < n; ++i) {
        handle key = make(keys), value = make(values);
        link(value->a, key.get());   // leads to its own key
        link(value->b, last.get());  // and to the one before, which is in the table as well
        m.insert_or_assign(key.get(), value.get());
        if (i == n / 2) kept.push_back(key);
        last = key;
      }
    });
    settle();
    // The kept one, and by way of values all before it.
    compare(
        "ephemerons, keys", keys, [&](std::size_t i) { return i <= n / 2; }, true);
    compare(
        "ephemerons, values", values, [&](std::size_t i) { return i <= n / 2; }, true);
    law_in_own_frame([&] {
      m.for_each([&](const object* key, const object* value) {
        if (!key->intact() || !value->intact())
          breach_("weak maps", "an entry has outlived its key or value");
      });
    });
    if (Heap::is_exact && m.size() != n / 2 + 1) breach_("weak maps", "entries of dead keys are still there");
    kept.clear();
    if (!Heap::is_exact) {
      law_in_own_frame([&] {
        m.for_each([](const object*, object* value) {
          if (value->number % 20 == 0) value->b = nullptr;
        });
      });
    }
    settle();
    compare("ephemerons that lead to each other only", keys, [](std::size_t) { return false; });
  }

  void weak_values() {
    death_list& list = new_list();
    weak_map<std::uint64_t, object*, gc::weak_values, typename Heap::weak_storage> m(weak_storage_of(heap_));
    std::vector<handle> kept;
    law_in_own_frame([&] {
      for (std::size_t i = 0; i < limits_.objects; ++i) {
        handle made = make(list);
        m.insert_or_assign(std::uint64_t{i}, made.get());
        if (i % 2 == 0) kept.push_back(made);
      }
    });
    settle();
    compare("weak values", list, [](std::size_t i) { return i % 2 == 0; });
    for (const handle& h : kept) {
      if (m.get(std::uint64_t{h->number}) != h.get())
        breach_("weak maps", "an entry whose value is kept is gone");
    }
  }

  // Writes between the steps of a cycle, each of them told as it must be.
  void steps() {
    death_list& list = new_list();
    map<std::uint64_t, object*, typename Heap::storage> m(storage_of(heap_));
    constexpr std::size_t places = 64;
    const typename Heap::template handle<object*> moved = heap_.template make_array<object*>(places);
    bool lost = false;
    law_in_own_frame([&] {
      const std::size_t n = limits_.objects;
      for (std::size_t i = 0; i < 8 * n && !lost; ++i) {
        const std::uint64_t key = numbers_.below(n);
        if (const auto at = m.find(key); at != m.end()) {
          // Out of the map into an object, where marking may have been already.
          object* const value = at->second;
          m.erase(key);
          link(moved.get()[i % places], value);
        } else {
          m.insert_or_assign(key, make(list).get());
        }
        if (!heap_.step(limits_.step_work)) continue;
        for (std::size_t k = 0; k < places; ++k) {
          const object* const o = moved.get()[k];
          lost |= o != nullptr && !o->intact();
        }
      }
    });
    if (lost) return breach_("steps", "an object was lost while marking went on in steps");
    std::vector<bool> reached(list.size());
    law_in_own_frame([&] {
      for (std::size_t k = 0; k < places; ++k) {
        if (const object* const o = moved.get()[k]; o != nullptr) reached[o->number] = true;
      }
      for (const auto& [key, value] : m) {
        reached[value->number] = true;
        if (!value->intact()) breach_("steps", "an object of a map was lost while marking went on in steps");
      }
    });
    settle();
    compare("after steps", list, [&](std::size_t i) { return reached[i]; });
  }

  Heap& heap_;
  collector_reporter<Heap, Report> breach_;
  collector_limits limits_;
  sampler numbers_;
  std::vector<std::unique_ptr<death_list>> lists_;
};

template <gc::collected_heap Heap, class Report>
void check_collected_heap(Heap& heap, Report&& report, const collector_limits& limits = {}) {
  check_collector(heap, report);
  // Objects may outlive the bench, and note their end in its lists: they stay.
  static std::vector<std::shared_ptr<void>> benches;
  auto bench =
      std::make_shared<collected_heap_bench<Heap, std::remove_reference_t<Report>>>(heap, report, limits);
  benches.push_back(bench);
  bench->check();
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
