// SPDX-License-Identifier: Apache-2.0
// A collector to check schedules with: it does what precise_heap does, in the smallest steps that can be told
// apart, and never on its own. For tests of maps, layouts and barriers: enumerate all orders of map
// operations and steps, and ask after each whether something in use was taken.
//
//   gc::model_heap heap;
//   tophash::map<int, gc::model_object*, gc::model_storage> m{gc::model_storage(heap)};
//   m.insert_or_assign(1, heap.make());
//   heap.step();                                    // one of: roots read | one unit of an array | one object
//   | the end heap.is_alive(m.at(1))
//
// Objects are cells that are never used twice, so a lost one is known by its state and can still be looked
// at. What can be switched off are the two halves of the argument that nothing is lost: a test that passes
// without them tests nothing. Not for production: cells are limited, and every step searches lists.
#ifndef TOPHASH_GC_MODEL_HEAP_HPP
#define TOPHASH_GC_MODEL_HEAP_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include <tophash/framework/concepts/allocation.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/checked.hpp>
#include <tophash/framework/core/trace_info.hpp>
#include <tophash/gc/collector.hpp>
#include <tophash/gc/trace_blocks.hpp>

namespace tophash::inline v1 {

namespace gc {

struct model_object {
  enum class state : std::uint8_t { unmade, alive, taken };
  model_object* next = nullptr;  // followed; written by link()
  state is = state::unmade;
  bool marked = false;
};

struct model_options {
  bool barrier = true;            // stores are told while marking
  bool reads_roots_again = true;  // when all else is marked
  std::size_t objects_max = 64;
};

class model_heap {
 public:
  static constexpr std::string_view name = "model";

  explicit model_heap(const model_options& options = {}) : options_(options), cells_(options.objects_max) {
    grey_.reserve(options.objects_max);
    visitor_.heap = this;
    visitor_.pointer_found = [](pointer_visitor& v, const void* p) noexcept {
      static_cast<model_visitor&>(v).heap->pointer(p);
    };
    visitor_.array_found = [](pointer_visitor&, const void*) noexcept {};
  }
  model_heap(const model_heap&) = delete;
  model_heap& operator=(const model_heap&) = delete;

  // A new object, marked if a cycle is under way. Nothing holds it yet.
  model_object* make() noexcept {
    TOPHASH_ALWAYS(made_ < cells_.size(), "model_heap: more objects than model_options::objects_max");
    model_object& cell = cells_[made_++];
    cell = {.next = nullptr, .is = model_object::state::alive, .marked = marking_};
    return &cell;
  }
  void link(model_object* from, model_object* to) noexcept {
    from->next = to;
    stored(to);
  }
  void stored(const void* p) noexcept {
    if (marking_ && options_.barrier) pointer(p);
  }

  // What the program has in its hands: exact roots, any number.
  std::vector<const model_object*> roots;

  bool is_alive(const model_object* p) const noexcept { return p->is == model_object::state::alive; }
  std::size_t alive() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        cells_.begin(), cells_.end(), [](const auto& c) { return c.is == model_object::state::alive; }));
  }
  bool is_marking() const noexcept { return marking_; }
  std::uint64_t cycles() const noexcept { return cycles_; }

  // One indivisible part of a cycle. True: it was the last.
  bool step() noexcept {
    if (!marking_) {
      begin();
    } else if (!grey_.empty()) {
      const model_object* const object = grey_.back();
      grey_.pop_back();
      pointer(object->next);
    } else if (array* const next = untraced()) {
      trace_units(*next->trace, next->block, next->bytes, next->units, next->at_unit, next->at_unit + 1,
                  *this);
      ++next->at_unit;
    } else {
      if (options_.reads_roots_again) read_roots();
      if (grey_.empty()) return sweep(), true;
    }
    return false;
  }

  void collect() noexcept {
    while (marking_ && !step()) {
    }
    while (!step()) {
    }
  }
  void start_window() noexcept { window_cycles_ = cycles_; }
  gc_sample sample() const noexcept {
    gc_sample s;
    s.collections = cycles_ - window_cycles_;
    return s;
  }

  // ---- storage of maps

  void* allocate_block(const request& r) noexcept {
    void* const block = ::operator new (r.bytes, std::align_val_t{r.align}, std::nothrow);
    if (block == nullptr || !is_array(r)) return block;
    const std::size_t units = units_of(*r.trace, r.bytes);
    // Empty: in a cycle under way it counts as traced.
    arrays_.push_back(
        {static_cast<const unsigned char*>(block), r.bytes, r.trace, units, marking_ ? units : 0});
    return block;
  }
  void deallocate_block(void* p, const request& r) noexcept {
    if (is_array(r)) std::erase_if(arrays_, [p](const array& a) { return a.block == p; });
    ::operator delete (p, std::align_val_t{r.align});
  }
  void entry_stored(const trace_info& t, const void* key, const void* value) noexcept {
    if (!marking_ || !options_.barrier) return;
    if (t.trace_key != nullptr) t.trace_key(visitor_, key);
    if (t.trace_value != nullptr && value != nullptr) t.trace_value(visitor_, value);
  }

  // ---- what trace_blocks tells

  void pointer(const void* p) noexcept {
    const auto* const first = cells_.data();
    if (std::less<const void*>{}(p, first) || !std::less<const void*>{}(p, first + made_)) return;
    model_object& object = cells_[static_cast<std::size_t>(static_cast<const model_object*>(p) - first)];
    if (object.marked) return;
    object.marked = true;
    grey_.push_back(&object);
  }
  pointer_visitor& visitor() noexcept { return visitor_; }
  void has_read(std::size_t) noexcept {}

 private:
  struct model_visitor : pointer_visitor {
    model_heap* heap = nullptr;
  };
  struct array {
    const unsigned char* block;
    std::size_t bytes;
    const trace_info* trace;
    std::size_t units, at_unit;
  };

  static bool is_array(const request& r) noexcept {
    return r.use == purpose::slots && r.trace != nullptr && r.trace->is_traced();
  }
  array* untraced() noexcept {
    for (array& a : arrays_) {
      if (a.at_unit != a.units) return &a;
    }
    return nullptr;
  }
  void read_roots() noexcept {
    for (const model_object* p : roots) pointer(p);
  }
  void begin() noexcept {
    marking_ = true;
    for (array& a : arrays_) a.at_unit = 0;
    read_roots();
  }
  void sweep() noexcept {
    for (std::size_t i = 0; i < made_; ++i) {
      if (!cells_[i].marked) cells_[i].is = model_object::state::taken;
      cells_[i].marked = false;
    }
    marking_ = false;
    ++cycles_;
  }

  model_options options_;
  std::vector<model_object> cells_;
  std::vector<model_object*> grey_;
  std::vector<array> arrays_;
  model_visitor visitor_{};
  std::size_t made_ = 0;
  std::uint64_t cycles_ = 0, window_cycles_ = 0;
  bool marking_ = false;
};

static_assert(collector<model_heap>);

class model_storage {
 public:
  using axis = axes::allocation;
  static constexpr std::string_view name = "model";
  static constexpr tophash::visibility visibility = tophash::visibility::typed;
  static constexpr bool thread_bound = true;

  explicit model_storage(model_heap& heap) noexcept : heap_(&heap) {}

  void* try_allocate(const request& r) const noexcept { return heap_->allocate_block(r); }
  void deallocate(void* p, const request& r) const noexcept { heap_->deallocate_block(p, r); }
  void entry_stored(const trace_info& t, const void* key, const void* value) const noexcept {
    heap_->entry_stored(t, key, value);
  }

  friend bool operator==(model_storage a, model_storage b) noexcept { return a.heap_ == b.heap_; }

 private:
  model_heap* heap_;
};

static_assert(allocation_backend<model_storage> && hears_of_stores<model_storage>);

}  // namespace gc

}  // namespace tophash::inline v1

#endif
