// SPDX-License-Identifier: Apache-2.0
// The table of backends. Those without state are instantiated plain and tracked; a combination is built from
// erased handles by its text. The number of types is small and they are compiled here only.
#include "lab/storages.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <iterator>
#include <memory_resource>
#include <stdexcept>
#include <type_traits>
#include <utility>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#include <malloc.h>
#endif

#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/bucket_pool.hpp>
#include <tophash/allocators/decorators/failing.hpp>
#include <tophash/allocators/decorators/limited.hpp>
#include <tophash/allocators/decorators/zeroed.hpp>
#include <tophash/allocators/kept_pages.hpp>
#include <tophash/allocators/pages.hpp>
#include <tophash/allocators/pmr.hpp>
#include <tophash/allocators/spans.hpp>
#include <tophash/allocators/system.hpp>
#if TOPHASH_WITH_JEMALLOC
#include <tophash/allocators/jemalloc.hpp>
#endif
#if TOPHASH_WITH_MIMALLOC
#include <tophash/allocators/mimalloc.hpp>
#include <tophash/allocators/mimalloc_heap.hpp>
#endif
#if TOPHASH_WITH_BOEHM
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/boehm_typed.hpp>
#endif

#include "lab/collectors.hpp"
#include "lab/nearest.hpp"
#include "lab/spec_parser.hpp"

namespace tophash::lab {

namespace {

using allocators::erased;
using allocators::erased_resource;

// A backend, or a combination of them, in use. The parts of a combination are part of it.
class part : public bound_storage {
 public:
  std::optional<tracked_counts> counts() const override { return std::nullopt; }
  // Whose a block is; only asked where tells_owner().
  virtual bool tells_owner() const noexcept { return false; }
  virtual bool owns(const void*) const noexcept { return false; }
};
using part_pointer = std::unique_ptr<part>;

// One part around another: whose a block is, and which spans there are, is the inner one's to say.
class over_part : public part {
 public:
  explicit over_part(part_pointer under) : under_(std::move(under)) {}
  bool tells_owner() const noexcept override { return under_ != nullptr && under_->tells_owner(); }
  bool owns(const void* p) const noexcept override { return under_ != nullptr && under_->owns(p); }
  allocators::spans_resource* spans_heap() noexcept override {
    return under_ != nullptr ? under_->spans_heap() : nullptr;
  }
  heap_collector* collector() noexcept override { return under_ != nullptr ? under_->collector() : nullptr; }

 protected:
  part& under() noexcept { return *under_; }
  bool has_under() const noexcept { return under_ != nullptr; }

 private:
  part_pointer under_;  // null: the backend has no state
};

// A backend without state.
template <class A>
class plain_part final : public part {
 public:
  erased handle() noexcept override { return erased(erased_); }
  heap_collector* collector() noexcept override {
    return static_visibility<A>() == visibility::opaque ? nullptr : boehm_heap();
  }

 private:
  erased_resource<A> erased_;
};

// A precise heap of its own.
class precise_part final : public part {
 public:
  erased handle() noexcept override { return heap_->storage(); }
  heap_collector* collector() noexcept override { return heap_.get(); }

 private:
  std::unique_ptr<precise_heap_collector> heap_ = make_precise_heap();
};

// A backend with a resource of its own, made of what is given.
template <class Resource, class Handle>
class resource_part final : public part {
 public:
  template <class... Args>
  explicit resource_part(part_pointer under, Args&&... args)
      : under_(std::move(under)), resource_(std::forward<Args>(args)...) {}

  erased handle() noexcept override { return erased(erased_); }
  bool tells_owner() const noexcept override {
    return requires(Handle & a, const void* p) { a.owns(p); };
  }
  bool owns(const void* p) const noexcept override {
    if constexpr (requires(Handle & a) { a.owns(p); }) {
      return handle_.owns(p);
    } else {
      return false;
    }
  }
  allocators::spans_resource* spans_heap() noexcept override {
    if constexpr (std::is_same_v<Resource, allocators::spans_resource>) {
      return &resource_;
    } else {
      return nullptr;
    }
  }

 private:
  part_pointer under_;
  Resource resource_;
  Handle handle_{resource_};
  erased_resource<Handle> erased_{handle_};
};

template <class A>
class tracked_part final : public over_part {
 public:
  tracked_part() requires std::default_initializable<A>
      : over_part(nullptr) {}
  tracked_part(part_pointer under, A backend) : over_part(std::move(under)), tracking_(std::move(backend)) {}

  erased handle() noexcept override { return erased(erased_); }
  std::optional<tracked_counts> counts() const override {
    tracked_counts out;
    for (std::size_t i = 0; i < purpose_count; ++i)
      out.by_purpose[i] = tracking_.counts(static_cast<purpose>(i));
    out.total = tracking_.total();
    return out;
  }
  std::optional<std::uint64_t> requested_bytes(purpose use) const override {
    return tracking_.traffic(use).requested_bytes;
  }
  heap_collector* collector() noexcept override {
    if (has_under()) return over_part::collector();
    return static_visibility<A>() == visibility::opaque ? nullptr : boehm_heap();
  }

 private:
  allocators::tracking_resource<A> tracking_;
  erased_resource<allocators::tracked<A>> erased_{allocators::tracked<A>(tracking_)};
};

// A decorator with a resource that decides when to refuse: limited, failing.
template <class Resource, class Handle>
class guarded_part final : public over_part {
 public:
  template <class Plan>
  guarded_part(part_pointer inner, const Plan& plan)
      : over_part(std::move(inner)), resource_(under().handle(), plan), erased_(Handle(resource_)) {}

  erased handle() noexcept override { return erased(erased_); }

 private:
  Resource resource_;
  erased_resource<Handle> erased_;
};

// A backend on a resource of std::pmr.
template <class Resource>
class pmr_part final : public part {
 public:
  erased handle() noexcept override { return erased(erased_); }

 private:
  Resource resource_;
  erased_resource<allocators::from_resource> erased_{allocators::from_resource(resource_)};
};

class zeroed_part final : public over_part {
 public:
  explicit zeroed_part(part_pointer inner)
      : over_part(std::move(inner)), erased_(allocators::zeroed<erased>(under().handle())) {}
  erased handle() noexcept override { return erased(erased_); }

 private:
  erased_resource<allocators::zeroed<erased>> erased_;
};

// by_purpose, by_size and fallback with parts that only run time knows: allocators/by_purpose.hpp and its
// kind do the same when compiled.
class combination : public part {
 public:
  explicit combination(std::vector<part_pointer> parts) : parts_(std::move(parts)) {
    for (const part_pointer& p : parts_) handles_.push_back(p->handle());
  }

  class routed {
   public:
    using axis = axes::allocation;
    static constexpr std::string_view name = "routed";
    explicit routed(combination& all) noexcept : all_(&all) {}
    void* try_allocate(const request& r) const noexcept { return all_->allocate(r); }
    void deallocate(void* p, const request& r) const noexcept { all_->of_block(p, r).deallocate(p, r); }
    bool try_expand(void* p, const request& r, std::size_t n) const noexcept { return all_->expand(p, r, n); }
    friend bool operator==(routed a, routed b) noexcept { return a.all_ == b.all_; }

   private:
    combination* all_;
  };

  erased handle() noexcept override { return erased(erased_); }
  bool tells_owner() const noexcept override {
    return std::all_of(parts_.begin(), parts_.end(), [](const part_pointer& p) { return p->tells_owner(); });
  }
  allocators::spans_resource* spans_heap() noexcept override {
    for (const part_pointer& p : parts_) {
      if (allocators::spans_resource* const heap = p->spans_heap(); heap != nullptr) return heap;
    }
    return nullptr;
  }
  bool owns(const void* p) const noexcept override {
    return std::any_of(parts_.begin(), parts_.end(), [p](const part_pointer& one) { return one->owns(p); });
  }

 protected:
  virtual void* allocate(const request& r) noexcept { return of_block(nullptr, r).try_allocate(r); }
  virtual bool expand(void* p, const request& r, std::size_t n) noexcept {
    return of_block(p, r).try_expand(p, r, n);
  }
  virtual const erased& of_block(void* p, const request& r) noexcept = 0;

  std::vector<part_pointer> parts_;
  std::vector<erased> handles_;

 private:
  erased_resource<routed> erased_{routed(*this)};
};

class purpose_part final : public combination {
 public:
  purpose_part(std::vector<part_pointer> parts, const std::array<std::size_t, purpose_count>& part_of)
      : combination(std::move(parts)), part_of_(part_of) {}

 private:
  const erased& of_block(void*, const request& r) noexcept override {
    return handles_[part_of_[static_cast<std::size_t>(r.use)]];
  }
  std::array<std::size_t, purpose_count> part_of_;
};

class size_part final : public combination {
 public:
  size_part(std::vector<part_pointer> parts, std::size_t limit_bytes)
      : combination(std::move(parts)), limit_bytes_(limit_bytes) {}

 private:
  const erased& of_block(void*, const request& r) noexcept override {
    return handles_[r.bytes <= limit_bytes_ ? 0 : 1];
  }
  bool expand(void* p, const request& r, std::size_t n) noexcept override {
    return (r.bytes <= limit_bytes_) == (n <= limit_bytes_) && combination::expand(p, r, n);
  }
  std::size_t limit_bytes_;
};

class fallback_part final : public combination {
 public:
  using combination::combination;

 private:
  void* allocate(const request& r) noexcept override {
    void* const p = handles_[0].try_allocate(r);
    return p != nullptr ? p : handles_[1].try_allocate(r);
  }
  const erased& of_block(void* p, const request&) noexcept override {
    return handles_[parts_[0]->owns(p) ? 0 : 1];
  }
};

// ---- the table ----------------------------------------------------------------------------------

using binder = part_pointer (*)(const term&);

// What a map gives back is left where it is.
template <class A>
struct left_to_collector : A {
  static constexpr std::string_view name = "left_to_collector";
  void deallocate(void*, const request&) const noexcept {}
};

template <class A>
part_pointer bind_plain(const term&) {
  return std::make_unique<plain_part<A>>();
}
template <class A>
part_pointer bind_tracked(const term&) {
  return std::make_unique<tracked_part<A>>();
}
template <class Resource, class Handle>
part_pointer bind_resource(const term&) {
  return std::make_unique<resource_part<Resource, Handle>>(nullptr);
}
part_pointer bind_precise(const term&) { return std::make_unique<precise_part>(); }

struct backend {
  storage_entry entry;
  binder bind = nullptr;
  binder tracked = nullptr;  // bound when compiled: one indirect call less than around an erased handle
  binder unfreed = nullptr;  // of a collector's
};

template <class A>
binder unfreed_of() {
  if constexpr (static_visibility<A>() == visibility::opaque) {
    return nullptr;
  } else {
    return &bind_plain<left_to_collector<A>>;
  }
}

template <class A>
backend built_in(std::string version) {
  return {.entry = {.name = std::string{option_name<A>().view()},
                    .sees = static_visibility<A>(),
                    .here = true,
                    .version = std::move(version),
                    .missing = {}},
          .bind = &bind_plain<A>,
          .tracked = &bind_tracked<A>,
          .unfreed = unfreed_of<A>()};
}

backend other(std::string name, binder bind, std::string version = {}, bool alone = true) {
  return {.entry = {.name = std::move(name),
                    .sees = visibility::opaque,
                    .here = true,
                    .version = std::move(version),
                    .missing = {},
                    .alone = alone,
                    .in_tour = false},
          .bind = bind};
}

part_pointer bind_term(const term& t);

std::uint64_t number_in(const term& t) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(t.name.data(), t.name.data() + t.name.size(), n);
  if (error != std::errc{} || end != t.name.data() + t.name.size() || !t.arguments.empty())
    throw std::invalid_argument("'" + text_of(t) + "' is no whole number");
  return n;
}

const term& argument(const term& t, std::size_t i) {
  if (i >= t.arguments.size()) throw std::invalid_argument("'" + text_of(t) + "' lacks an argument");
  return t.arguments[i].value;
}

// A part of a combination. What a collector owns is bound by itself or tracked, never combined here: a handle
// that is chosen at run time tells the map one visibility, and the parts' would have to be the same.
part_pointer bind_part(const term& t) {
  part_pointer out = bind_term(t);
  if (visibility_of(out->handle()) != visibility::opaque)
    throw std::invalid_argument("'" + text_of(t) +
                                "' belongs to a collector and cannot be a part of other storage");
  return out;
}

part_pointer bind_arena(const term& t) {
  part_pointer under = bind_part(t.arguments.empty() ? parse_term("system") : argument(t, 0));
  const erased handle = under->handle();
  return std::make_unique<resource_part<allocators::arena_resource<erased>, allocators::arena<erased>>>(
      std::move(under), handle);
}

part_pointer bind_bucket_pool(const term& t) {
  using allocators::size_at_run_time;
  const std::uint64_t bytes = number_in(argument(t, 0));
  if (bytes < sizeof(void*)) throw std::invalid_argument("bucket_pool: blocks of at least 8 bytes");
  part_pointer under = bind_part(t.arguments.size() > 1 ? argument(t, 1) : parse_term("system"));
  const erased handle = under->handle();
  return std::make_unique<resource_part<allocators::bucket_pool_resource<size_at_run_time, erased>,
                                        allocators::bucket_pool<size_at_run_time, erased>>>(std::move(under),
                                                                                            bytes, handle);
}

part_pointer bind_by_purpose(const term& t) {
  constexpr std::size_t nobody = SIZE_MAX;
  std::array<std::size_t, purpose_count> part_of;
  part_of.fill(nobody);
  std::vector<part_pointer> parts;
  std::size_t rest = nobody;
  for (const term::argument& a : t.arguments) {
    for (std::size_t use = 0; use < purpose_count; ++use) {
      if (a.key == purpose_name(static_cast<purpose>(use))) part_of[use] = parts.size();
    }
    if (a.key == "rest") rest = parts.size();
    parts.push_back(bind_part(a.value));
  }
  for (std::size_t& place : part_of) {
    if (place == nobody) place = rest;
    if (place == nobody)
      throw std::invalid_argument("by_purpose has nothing for some purpose: end it with rest=A");
  }
  return std::make_unique<purpose_part>(std::move(parts), part_of);
}

part_pointer bind_by_size(const term& t) {
  std::vector<part_pointer> parts;
  parts.push_back(bind_part(argument(t, 1)));
  parts.push_back(bind_part(argument(t, 2)));
  return std::make_unique<size_part>(std::move(parts), static_cast<std::size_t>(number_in(argument(t, 0))));
}

part_pointer bind_fallback(const term& t) {
  std::vector<part_pointer> parts;
  parts.push_back(bind_part(argument(t, 0)));
  if (!parts.front()->tells_owner())
    throw std::invalid_argument(
        "fallback: '" + text_of(argument(t, 0)) +
        "' cannot tell its own blocks when they come back; put arena(A) or spans first");
  parts.push_back(bind_part(argument(t, 1)));
  return std::make_unique<fallback_part>(std::move(parts));
}

part_pointer bind_zeroed(const term& t) { return std::make_unique<zeroed_part>(bind_part(argument(t, 0))); }

// limited(N,A): at most N bytes in use at once. failing(N,A): the N-th request is refused.
const term& guarded_inner(const term& t) {
  if (t.arguments.size() != 2)
    throw std::invalid_argument("'" + text_of(t) + "' has no number: " + t.name + "(N,A)");
  return argument(t, 1);
}

part_pointer bind_limited(const term& t) {
  part_pointer inner = bind_part(guarded_inner(t));
  return std::make_unique<guarded_part<allocators::limiting_resource<erased>, allocators::limited<erased>>>(
      std::move(inner), static_cast<std::size_t>(number_in(argument(t, 0))));
}

part_pointer bind_failing(const term& t) {
  part_pointer inner = bind_part(guarded_inner(t));
  return std::make_unique<guarded_part<allocators::failing_resource<erased>, allocators::failing<erased>>>(
      std::move(inner), allocators::failure_plan{.nth = number_in(argument(t, 0))});
}

// What becomes of the memory of a block that is kept.
part_pointer bind_kept_pages(const term& t) {
  const std::string how = t.arguments.empty() ? "at_once" : argument(t, 0).name;
  const allocators::give_back answer = how == "lazily" ? allocators::give_back::lazily
                                       : how == "keep" ? allocators::give_back::keep
                                                       : allocators::give_back::at_once;
  return std::make_unique<resource_part<allocators::kept_pages_resource, allocators::kept_pages>>(
      nullptr, allocators::kept_pages_options{.how = answer});
}

class new_delete : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    return std::pmr::new_delete_resource()->allocate(bytes, align);
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t align) override {
    std::pmr::new_delete_resource()->deallocate(p, bytes, align);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

part_pointer bind_from_resource(const term& t) {
  const std::string which = t.arguments.empty() ? "new_delete" : argument(t, 0).name;
  if (which == "pool") return std::make_unique<pmr_part<std::pmr::unsynchronized_pool_resource>>();
  if (which == "monotonic") return std::make_unique<pmr_part<std::pmr::monotonic_buffer_resource>>();
  return std::make_unique<pmr_part<new_delete>>();
}

template <template <std::size_t> class Pages>
part_pointer bind_pages(const term& t) {
  const std::uint64_t least = t.arguments.empty() ? 32768 : number_in(argument(t, 0));
  switch (least) {
  case 4096:
    return bind_plain<Pages<4096>>(t);
  case 32768:
    return bind_plain<Pages<32768>>(t);
  case 262144:
    return bind_plain<Pages<262144>>(t);
  default:
    throw std::invalid_argument("'" + text_of(t) + "': the lab has " + t.name +
                                " of 4096, 32768 and 262144 bytes");
  }
}
template <std::size_t LeastBytes>
using usual_pages = allocators::pages<LeastBytes>;

#if !TOPHASH_WITH_MIMALLOC || !TOPHASH_WITH_BOEHM || !TOPHASH_WITH_JEMALLOC
backend absent(std::string name, visibility sees, std::string package) {
  return {.entry = {.name = std::move(name),
                    .sees = sees,
                    .here = false,
                    .version = {},
                    .missing = std::move(package)}};
}
#endif

std::string libc_version() {
#if defined(__GLIBC__)
  return std::string{"glibc "} + gnu_get_libc_version();
#else
  return {};
#endif
}

#if TOPHASH_WITH_MIMALLOC
std::string mimalloc_version() {
  const int v = mi_version();  // 209: 2.0.9
  return "mimalloc " + std::to_string(v / 100) + "." + std::to_string(v / 10 % 10) + "." +
         std::to_string(v % 10);
}
#endif

#if TOPHASH_WITH_BOEHM
std::string boehm_version() {
  const unsigned v = GC_get_version();
  return "libgc " + std::to_string(v >> 16) + "." + std::to_string((v >> 8) & 0xff) + "." +
         std::to_string(v & 0xff);
}
#endif

const std::vector<backend>& backends() {
  static const std::vector<backend> all = [] {
    std::vector<backend> out;
    out.push_back(built_in<allocators::system>(libc_version()));
    out.push_back(built_in<allocators::pages<>>({}));
#if TOPHASH_WITH_MIMALLOC
    out.push_back(built_in<allocators::mimalloc>(mimalloc_version()));
    out.push_back(other("mimalloc_heap",
                        &bind_resource<allocators::mimalloc_heap_resource, allocators::mimalloc_heap>,
                        mimalloc_version()));
#else
    out.push_back(absent("mimalloc", visibility::opaque, "libmimalloc-dev"));
    out.push_back(absent("mimalloc_heap", visibility::opaque, "libmimalloc-dev"));
#endif
#if TOPHASH_WITH_JEMALLOC
    out.push_back(built_in<allocators::jemalloc>("jemalloc " + std::string{JEMALLOC_VERSION}));
    out.back().entry.in_tour = false;
#else
    out.push_back(absent("jemalloc", visibility::opaque, "libjemalloc-dev"));
#endif
    out.push_back(other("large_pages(32768)", &bind_plain<allocators::large_pages<>>));
    out.push_back(other("spans", &bind_resource<allocators::spans_resource, allocators::spans>));
    out.push_back(other("arena(system)", &bind_resource<allocators::arena_resource<>, allocators::arena<>>));
    out.push_back(other("kept_pages", &bind_kept_pages));
    out.push_back(other("from_resource(pool)", &bind_from_resource));
    out.push_back(other("from_resource", &bind_from_resource, {}, false));
#if TOPHASH_WITH_BOEHM
    out.push_back(built_in<gc::boehm_scanned>(boehm_version()));
    out.push_back(built_in<gc::boehm_pointer_free>(boehm_version()));
    out.push_back(built_in<gc::boehm_overflow_left>(boehm_version()));
    out.back().entry.in_tour = false;
    out.push_back(built_in<gc::boehm_map_aware>(boehm_version()));
    out.push_back(built_in<gc::boehm_typed>(boehm_version()));
#else
    out.push_back(absent("boehm_scanned", visibility::scanned, "libgc-dev"));
    out.push_back(absent("boehm_pointer_free", visibility::pointer_free, "libgc-dev"));
    out.push_back(absent("boehm_overflow_left", visibility::pointer_free, "libgc-dev"));
    out.push_back(absent("boehm_map_aware", visibility::traced, "libgc-dev"));
    out.push_back(absent("boehm_typed", visibility::scanned, "libgc-dev"));
#endif
    out.push_back(other("precise", &bind_precise));
    out.back().entry.sees = visibility::typed;
    // What takes other storage, or numbers, in parentheses.
    out.push_back(other("arena", &bind_arena, {}, false));
    out.push_back(other("bucket_pool", &bind_bucket_pool, {}, false));
    out.push_back(other("by_purpose", &bind_by_purpose, {}, false));
    out.push_back(other("by_size", &bind_by_size, {}, false));
    out.push_back(other("fallback", &bind_fallback, {}, false));
    out.push_back(other("zeroed", &bind_zeroed, {}, false));
    out.push_back(other("limited", &bind_limited, {}, false));
    out.push_back(other("failing", &bind_failing, {}, false));
    out.push_back(other("pages", &bind_pages<usual_pages>, {}, false));
    out.push_back(other("large_pages", &bind_pages<allocators::large_pages>, {}, false));
    return out;
  }();
  return all;
}

const backend* find_backend(std::string_view name) noexcept {
  for (const backend& b : backends()) {
    if (b.entry.name == name) return &b;
  }
  return nullptr;
}

part_pointer bind_term(const term& t) {
  if (t.name == "tracked") {
    const term& inner = argument(t, 0);
    const backend* const known = find_backend(text_of(inner));
    if (known != nullptr && known->tracked != nullptr) return known->tracked(inner);
    part_pointer under = bind_term(inner);
    const erased handle = under->handle();
    return std::make_unique<tracked_part<erased>>(std::move(under), handle);
  }
  const backend* known =
      find_backend(text_of(t));  // the whole text first: arena(system) is bound when compiled
  if (known == nullptr) known = find_backend(t.name);
  if (known == nullptr) {
    std::vector<std::string> names{"tracked"};
    for (const backend& b : backends()) names.push_back(b.entry.name);
    throw std::invalid_argument("'" + t.name + "' is no allocator" + nearest_hint(t.name, names));
  }
  if (!known->entry.here)
    throw std::invalid_argument("the allocator " + known->entry.name +
                                " is not built in: it needs the package " + known->entry.missing);
  return known->bind(t);
}

constexpr std::string_view tracked_open = "tracked(";

// Strips one `tracked(...)`; false: there is none.
bool strip_tracked(std::string_view& text) noexcept {
  if (!text.starts_with(tracked_open) || !text.ends_with(')')) return false;
  text.remove_prefix(tracked_open.size());
  text.remove_suffix(1);
  return true;
}

}  // namespace

const std::vector<storage_entry>& storages() {
  static const std::vector<storage_entry> all = [] {
    std::vector<storage_entry> out;
    for (const backend& b : backends()) out.push_back(b.entry);
    return out;
  }();
  return all;
}

const storage_entry* find_storage(std::string_view plain_name) {
  for (const storage_entry& s : storages()) {
    if (s.name == plain_name) return &s;
  }
  return nullptr;
}

bool is_collected(std::string_view text) {
  const storage_entry* const entry = find_storage(plain_storage(text));
  return entry != nullptr && entry->collected();
}

std::string_view collector_of(std::string_view text) {
  if (!is_collected(text)) return "none";
  return plain_storage(text) == "precise" ? "precise" : "boehm";
}

std::string_view plain_storage(std::string_view text) noexcept {
  while (strip_tracked(text)) {
  }
  return text;
}

std::unique_ptr<bound_storage> bind_storage(std::string_view text) {
  try {
    return bind_term(parse_term(text));
  } catch (const spec_error& error) {
    throw std::invalid_argument("the allocator '" + std::string{text} + "': " + error.what());
  }
}

std::unique_ptr<bound_storage> bind_unfreed_storage(std::string_view collected_name) {
  const backend* const known = find_backend(collected_name);
  if (known == nullptr || known->unfreed == nullptr)
    throw std::invalid_argument("'" + std::string{collected_name} + "' is no collector's storage");
  return known->unfreed(parse_term(collected_name));
}

std::string malloc_replaced_by() {
#if TOPHASH_WITH_MIMALLOC
  if (allocators::mimalloc_replaces_malloc()) return "mimalloc";
#endif
#if TOPHASH_WITH_JEMALLOC
  if (allocators::jemalloc_replaces_malloc()) return "jemalloc";
#endif
  return {};
}

std::uint64_t return_free_memory(bound_storage& storage) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
#if TOPHASH_WITH_MIMALLOC
  mi_collect(true);
#endif
#if TOPHASH_WITH_JEMALLOC
  const std::string purge = "arena." + std::to_string(MALLCTL_ARENAS_ALL) + ".purge";
  static_cast<void>(mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0));
  static_cast<void>(mallctl(purge.c_str(), nullptr, nullptr, nullptr, 0));
#endif
  allocators::spans_resource* const heap = storage.spans_heap();
  return heap != nullptr ? heap->scavenge() : 0;
}

bool keep_freed_memory(bool keep) noexcept {
#if defined(__GLIBC__)
  constexpr int usual_mmap_max = 65536, usual_trim_bytes = 128 * 1024, never_trim_bytes = 2'000'000'000;
  return mallopt(M_MMAP_MAX, keep ? 0 : usual_mmap_max) == 1 &&
         mallopt(M_TRIM_THRESHOLD, keep ? never_trim_bytes : usual_trim_bytes) == 1;
#else
  static_cast<void>(keep);
  return false;
#endif
}

}  // namespace tophash::lab
