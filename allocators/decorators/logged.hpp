// SPDX-License-Identifier: Apache-2.0
// A backend whose every request is told, in order: what was asked, what came of it, and the number of the
// block. The sink and the counter of blocks live in a `logging_resource`, which the user owns and which
// outlives the maps; the handle is one pointer. Blocks are numbered from 1 as they are given out, so that two
// runs of one program write the same log whatever the addresses are; the number is found again in a hash
// table of live blocks, at about what `tracked` costs in a checked build. Not synchronised.
//
//   allocators::logging_resource<allocators::system> log{allocators::log_to_file(stderr)};
//   tophash::map<K, V, allocators::logged<allocators::system>> m{allocators::logged(log)};
//
// log_to_file writes lines of comma-separated values: what, block, bytes, align, purpose, new bytes of an
// expansion.
#ifndef TOPHASH_ALLOCATORS_DECORATORS_LOGGED_HPP
#define TOPHASH_ALLOCATORS_DECORATORS_LOGGED_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <unordered_map>
#include <utility>

#include <tophash/allocators/decorators/forwarded.hpp>
#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

namespace allocators {

enum class log_event : std::uint8_t { allocate, refuse, deallocate, expand, release_all };

constexpr const char* log_event_name(log_event e) noexcept {
  constexpr const char* names[] = {"allocate", "refuse", "deallocate", "expand", "release_all"};
  return names[static_cast<std::size_t>(e)];
}

struct log_entry {
  log_event what = log_event::allocate;
  std::uint64_t block = 0;  // 0: refused, not known (no memory to remember it), or all of them
  request asked{};
  std::size_t now_bytes = 0;  // of an expansion
};

struct log_sink {
  void (*write)(void* context, const log_entry& entry) noexcept = nullptr;
  void* context = nullptr;
};

inline log_sink log_to_file(std::FILE* file) noexcept {
  return {.write =
              [](void* to, const log_entry& e) noexcept {
                std::fprintf(static_cast<std::FILE*>(to), "%s,%llu,%zu,%zu,%s,%zu\n", log_event_name(e.what),
                             static_cast<unsigned long long>(e.block), e.asked.bytes, e.asked.align,
                             purpose_name(e.asked.use), e.now_bytes);
              },
          .context = file};
}

template <class A>
class logging_resource {
 public:
  explicit logging_resource(const log_sink& sink) noexcept : sink_(sink) {}
  logging_resource(A backend, const log_sink& sink) noexcept : backend_(std::move(backend)), sink_(sink) {}
  logging_resource(const logging_resource&) = delete;
  logging_resource& operator=(const logging_resource&) = delete;

  A& backend() noexcept { return backend_; }

  void* allocate(const request& r) noexcept {
    void* const p = backend_.try_allocate(r);
    if (p == nullptr) {
      tell({.what = log_event::refuse, .block = 0, .asked = r, .now_bytes = 0});
      return nullptr;
    }
    const std::uint64_t number = ++given_out_;
    TOPHASH_TRY { numbers_.insert_or_assign(reinterpret_cast<std::uintptr_t>(p), number); }
    TOPHASH_CATCH_ALL {}
    tell({.what = log_event::allocate, .block = number, .asked = r, .now_bytes = 0});
    return p;
  }
  void deallocate(void* p, const request& r) noexcept {
    tell({.what = log_event::deallocate, .block = number_of(p), .asked = r, .now_bytes = 0});
    numbers_.erase(reinterpret_cast<std::uintptr_t>(p));
    backend_.deallocate(p, r);
  }
  bool expand(void* p, const request& r, std::size_t n) noexcept {
    if (!backend_.try_expand(p, r, n)) return false;
    tell({.what = log_event::expand, .block = number_of(p), .asked = r, .now_bytes = n});
    return true;
  }
  void release_all() noexcept {
    backend_.release_all();
    released_all();
  }
  bool try_release_all(std::size_t bytes) noexcept {
    if (!backend_.try_release_all(bytes)) return false;
    released_all();
    return true;
  }

 private:
  void tell(const log_entry& entry) noexcept { sink_.write(sink_.context, entry); }
  void released_all() noexcept {
    numbers_.clear();
    tell({.what = log_event::release_all, .block = 0, .asked = {}, .now_bytes = 0});
  }
  std::uint64_t number_of(void* p) const noexcept {
    const auto found = numbers_.find(reinterpret_cast<std::uintptr_t>(p));
    return found == numbers_.end() ? 0 : found->second;
  }

  [[no_unique_address]] A backend_{};
  log_sink sink_;
  std::uint64_t given_out_ = 0;
  std::unordered_map<std::uintptr_t, std::uint64_t> numbers_;
};

template <class A>
class logged : public forwarded<logged<A>, A> {
 public:
  using resource_type = logging_resource<A>;
  static constexpr bool unsynchronised = true;

  static constexpr option_text name() { return logged::decorated_name("logged"); }

  explicit logged(resource_type& resource) noexcept : resource_(&resource) {}

  void* try_allocate(const request& r) const noexcept { return resource_->allocate(r); }
  void deallocate(void* p, const request& r) const noexcept { resource_->deallocate(p, r); }
  bool try_expand(void* p, const request& r, std::size_t n) const noexcept requires requires(A& a) {
    a.try_expand(p, r, n);
  }
  { return resource_->expand(p, r, n); }
  void release_all() const noexcept requires requires(A& a) { a.release_all(); }
  { resource_->release_all(); }
  bool try_release_all(std::size_t bytes) const noexcept requires releases_at_once<A> {
    return resource_->try_release_all(bytes);
  }

  resource_type& resource() const noexcept { return *resource_; }
  A& inner() const noexcept { return resource_->backend(); }

  friend bool operator==(logged a, logged b) noexcept { return a.resource_ == b.resource_; }

 private:
  resource_type* resource_;
};

template <class A>
logged(logging_resource<A>&) -> logged<A>;

}  // namespace allocators

}  // namespace tophash::inline v1

#endif
