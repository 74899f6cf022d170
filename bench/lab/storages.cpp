// SPDX-License-Identifier: Apache-2.0
// The table of backends. Each is instantiated plain and tracked, once or twice deep; the number of types is
// small and they are compiled here only.
#include "lab/storages.hpp"

#include <stdexcept>
#include <utility>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#include <malloc.h>
#endif

#include <tophash/allocators/pages.hpp>
#include <tophash/allocators/system.hpp>
#if TOPHASH_WITH_MIMALLOC
#include <tophash/allocators/mimalloc.hpp>
#endif
#if TOPHASH_WITH_BOEHM
#include <tophash/gc/boehm.hpp>
#include <tophash/gc/boehm_map_aware.hpp>
#include <tophash/gc/boehm_typed.hpp>
#endif

#include "lab/nearest.hpp"

namespace tophash::lab {

namespace {

template <class A>
class plain_bound final : public bound_storage {
 public:
  allocators::erased handle() noexcept override { return allocators::erased(erased_); }
  std::optional<tracked_counts> counts() const override { return std::nullopt; }

 private:
  allocators::erased_resource<A> erased_;
};

template <class A>
class tracked_bound final : public bound_storage {
 public:
  allocators::erased handle() noexcept override { return allocators::erased(erased_); }

  std::optional<tracked_counts> counts() const override {
    tracked_counts out;
    for (std::size_t i = 0; i < purpose_count; ++i)
      out.by_purpose[i] = tracking_.counts(static_cast<purpose>(i));
    out.total = tracking_.total();
    return out;
  }

 private:
  allocators::tracking_resource<A> tracking_;
  allocators::erased_resource<allocators::tracked<A>> erased_{allocators::tracked<A>(tracking_)};
};

using binder = std::unique_ptr<bound_storage> (*)();

template <class A>
std::unique_ptr<bound_storage> bind_plain() {
  return std::make_unique<plain_bound<A>>();
}
template <class A>
std::unique_ptr<bound_storage> bind_tracked() {
  return std::make_unique<tracked_bound<A>>();
}

struct backend {
  storage_entry entry;
  binder plain = nullptr, tracked = nullptr, twice = nullptr;
};

template <class A>
backend built_in(std::string version) {
  return {.entry = {.name = std::string{option_name<A>().view()},
                    .sees = static_visibility<A>(),
                    .here = true,
                    .version = std::move(version),
                    .missing = {}},
          .plain = &bind_plain<A>,
          .tracked = &bind_tracked<A>,
          .twice = &bind_tracked<allocators::tracked<A>>};
}

#if !TOPHASH_WITH_MIMALLOC || !TOPHASH_WITH_BOEHM
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
#else
    out.push_back(absent("mimalloc", visibility::opaque, "libmimalloc-dev"));
#endif
#if TOPHASH_WITH_BOEHM
    out.push_back(built_in<gc::boehm_scanned>(boehm_version()));
    out.push_back(built_in<gc::boehm_pointer_free>(boehm_version()));
    out.push_back(built_in<gc::boehm_map_aware>(boehm_version()));
    out.push_back(built_in<gc::boehm_typed>(boehm_version()));
#else
    out.push_back(absent("boehm_scanned", visibility::scanned, "libgc-dev"));
    out.push_back(absent("boehm_pointer_free", visibility::pointer_free, "libgc-dev"));
    out.push_back(absent("boehm_map_aware", visibility::traced, "libgc-dev"));
    out.push_back(absent("boehm_typed", visibility::scanned, "libgc-dev"));
#endif
    return out;
  }();
  return all;
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

std::string_view plain_storage(std::string_view text) noexcept {
  while (strip_tracked(text)) {
  }
  return text;
}

std::unique_ptr<bound_storage> bind_storage(std::string_view text) {
  std::string_view name = text;
  unsigned depth = 0;
  while (strip_tracked(name)) ++depth;
  for (const backend& b : backends()) {
    if (b.entry.name != name) continue;
    if (!b.entry.here) {
      throw std::invalid_argument("the allocator " + b.entry.name +
                                  " is not built in: it needs the package " + b.entry.missing);
    }
    if (depth == 0) return b.plain();
    if (depth == 1) return b.tracked();
    if (depth == 2) return b.twice();
    throw std::invalid_argument("tracked(...) can be nested twice at most: " + std::string{text});
  }
  std::vector<std::string> known;
  for (const backend& b : backends()) known.push_back(b.entry.name);
  throw std::invalid_argument("'" + std::string{name} + "' is no allocator" + nearest_hint(name, known));
}

bool malloc_is_replaced() noexcept {
#if TOPHASH_WITH_MIMALLOC
  return allocators::mimalloc_replaces_malloc();
#else
  return false;
#endif
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
