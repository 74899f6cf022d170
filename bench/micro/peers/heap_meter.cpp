// SPDX-License-Identifier: Apache-2.0
#include "micro/peers/heap_meter.hpp"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

bool counting = false;
std::int64_t live = 0;

void* born(void* block) noexcept {
  if (counting) [[unlikely]] {
    live += static_cast<std::int64_t>(malloc_usable_size(block));
  }
  return block;
}
void dies(void* block) noexcept {
  if (counting) [[unlikely]] {
    live -= static_cast<std::int64_t>(malloc_usable_size(block));
  }
}

}  // namespace

extern "C" {
// The linker's --wrap gives these names.
void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_realloc(void*, std::size_t);
void* __real_aligned_alloc(std::size_t, std::size_t);
int __real_posix_memalign(void**, std::size_t, std::size_t);
void __real_free(void*);

void* __wrap_malloc(std::size_t bytes) { return born(__real_malloc(bytes)); }
void* __wrap_calloc(std::size_t count, std::size_t bytes) { return born(__real_calloc(count, bytes)); }
void* __wrap_aligned_alloc(std::size_t align, std::size_t bytes) {
  return born(__real_aligned_alloc(align, bytes));
}
int __wrap_posix_memalign(void** block, std::size_t align, std::size_t bytes) {
  const int error = __real_posix_memalign(block, align, bytes);
  if (error == 0) born(*block);
  return error;
}
void* __wrap_realloc(void* block, std::size_t bytes) {
  // A failed realloc leaves the block: counted as gone, which only a run out of memory would see.
  dies(block);
  return born(__real_realloc(block, bytes));
}
void __wrap_free(void* block) {
  dies(block);
  __real_free(block);
}
}

void* operator new(std::size_t bytes) {
  if (void* block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t align) {
  const auto to = static_cast<std::size_t>(align);
  void* block = nullptr;
  if (posix_memalign(&block, to < sizeof(void*) ? sizeof(void*) : to, bytes == 0 ? 1 : bytes) == 0)
    return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

namespace tophash::peers {

heap_meter::heap_meter() noexcept {
  live = 0;
  counting = true;
}
heap_meter::~heap_meter() { counting = false; }
std::int64_t heap_meter::live_bytes() const noexcept { return live; }

bool keep_freed_heap() noexcept {
#if defined(__GLIBC__)
  return mallopt(M_MMAP_MAX, 0) == 1 && mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1 &&
         mallopt(M_TOP_PAD, 64 << 20) == 1;
#else
  return false;
#endif
}

void settle_heap() noexcept {
  constexpr std::size_t large_bytes = std::size_t{1} << 20;
  if (void* volatile block = std::malloc(large_bytes)) std::free(block);
}

}  // namespace tophash::peers
