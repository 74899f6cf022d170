// SPDX-License-Identifier: Apache-2.0
// A shared library that `tophash record` preloads into a program: it records every block that malloc, calloc,
// realloc, reallocarray, memalign, aligned_alloc, posix_memalign, valloc and pvalloc give out and that free
// and realloc take back, operator new's among them, as bench/record/raw_recording.hpp. The calls themselves
// go to whoever would have got them.
//
// What holds it together:
//   order     a block given out takes its number after the call, one given back before: whatever the threads
//             do, a number for an address that is used again is greater than that of its release
//   threads   each has a buffer of 64 KiB, from mmap; it is locked by one flag that only the end of the
//             process ever contends for. Full buffers are written whole, under one lock
//   re-entry  what this library causes itself is not recorded (a flag of the thread), and nothing here
//             allocates: buffers come from mmap, the real functions are looked up with a small store at hand
//             for those who allocate while they are
//   fork      one process is recorded: the one whose number is in the environment. A child by fork stops
//             recording before it runs a line of its own; a program that a child runs is another process. A
//             program that the recorded process becomes (exec) starts the recording afresh
//   file      before each block the file is looked at: a program that closed it, or put another file in its
//             place, ends the recording; so does a full disk, and the file is cut back to its last whole
//             block
// A program that ends by a signal leaves what whole buffers had been written. Linux and other ELF systems
// with RTLD_NEXT; no program that is linked statically or changes its user is reached by LD_PRELOAD.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/raw_recording.hpp"

namespace {

using namespace tophash::record;

// ---- the real functions ---------------------------------------------------------------------------

struct real_functions {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void (*free)(void*);
  void* (*memalign)(std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*valloc)(std::size_t);
  void* (*pvalloc)(std::size_t);
  std::size_t (*malloc_usable_size)(void*);
};

real_functions real;
enum class look_up_state : int { none, under_way, done };
std::atomic<look_up_state> looked_up{look_up_state::none};

// For dlsym's own allocations. Never given back; nothing of it is recorded.
alignas(16) char early_store[16 * 1024];
std::atomic<std::size_t> early_used{0};

void* early_allocate(std::size_t bytes) noexcept {
  const std::size_t at = early_used.fetch_add((bytes + 15) & ~std::size_t{15});
  return at + bytes <= sizeof early_store ? early_store + at : nullptr;
}

bool is_early(const void* p) noexcept { return p >= early_store && p < early_store + sizeof early_store; }

template <class F>
void look_up(F& to, const char* name) noexcept {
  void* const found = ::dlsym(RTLD_NEXT, name);
  static_assert(sizeof found == sizeof to);
  std::memcpy(&to, &found, sizeof to);
}

// False: not yet, because this thread is looking them up right now.
bool have_real() noexcept {
  if (looked_up.load(std::memory_order_acquire) == look_up_state::done) return true;
  look_up_state none = look_up_state::none;
  if (!looked_up.compare_exchange_strong(none, look_up_state::under_way)) return false;
  real_functions found{};
  look_up(found.malloc, "malloc");
  look_up(found.calloc, "calloc");
  look_up(found.realloc, "realloc");
  look_up(found.free, "free");
  look_up(found.memalign, "memalign");
  look_up(found.aligned_alloc, "aligned_alloc");
  look_up(found.posix_memalign, "posix_memalign");
  look_up(found.valloc, "valloc");
  look_up(found.pvalloc, "pvalloc");
  look_up(found.malloc_usable_size, "malloc_usable_size");
  real = found;
  looked_up.store(look_up_state::done, std::memory_order_release);
  return true;
}

// ---- the recording --------------------------------------------------------------------------------

struct buffer {
  std::atomic_flag busy = ATOMIC_FLAG_INIT;
  std::atomic<bool> owned{true};  // by a thread that lives
  buffer* next = nullptr;         // of all
  block_header head;
  event events[block_events_most];
};

std::atomic<bool> recording{false};
std::atomic<std::uint64_t> next_number{0};
std::atomic<std::uint32_t> buffers_made{0};
std::atomic<buffer*> buffers{nullptr};
pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_key_t thread_end;
int file = -1;
struct stat file_identity;
off_t whole_bytes = 0;
pid_t owner = 0;
timespec start;

// Not in a library's dynamic block of thread variables, which is allocated at first use.
#define TOPHASH_IN_THREAD thread_local __attribute__((tls_model("initial-exec")))
TOPHASH_IN_THREAD buffer* own_buffer = nullptr;
TOPHASH_IN_THREAD bool inside = false;

void say(const char* what) noexcept {
  static_cast<void>(!::write(STDERR_FILENO, what, std::strlen(what)));
}

void stop(const char* why) noexcept {
  if (recording.exchange(false)) say(why);
}

bool is_our_file() noexcept {
  struct stat now {};
  return ::fstat(file, &now) == 0 && now.st_dev == file_identity.st_dev && now.st_ino == file_identity.st_ino;
}

// Whole or not at all. Under file_lock.
void write_whole(const void* bytes, std::size_t count) noexcept {
  const char* at = static_cast<const char*>(bytes);
  for (std::size_t left = count; left != 0;) {
    const ssize_t wrote = ::write(file, at, left);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      static_cast<void>(!::ftruncate(file, whole_bytes));
      return stop("tophash record: the file cannot be written (a full disk?); the recording ends here\n");
    }
    at += wrote;
    left -= static_cast<std::size_t>(wrote);
  }
  whole_bytes += static_cast<off_t>(count);
}

// The caller holds the buffer.
void write_buffer(buffer& b) noexcept {
  if (b.head.events == 0) return;
  ::pthread_mutex_lock(&file_lock);
  if (recording.load(std::memory_order_relaxed)) {
    if (is_our_file())
      write_whole(&b.head, sizeof b.head + b.head.events * sizeof(event));
    else
      stop("tophash record: the program closed the recording's file; the recording ends here\n");
  }
  ::pthread_mutex_unlock(&file_lock);
  b.head.events = 0;
}
static_assert(offsetof(buffer, events) == offsetof(buffer, head) + sizeof(block_header));

struct holding {
  explicit holding(buffer& of) noexcept : b(of) {
    while (b.busy.test_and_set(std::memory_order_acquire)) ::sched_yield();
  }
  holding(const holding&) = delete;
  holding& operator=(const holding&) = delete;
  ~holding() { b.busy.clear(std::memory_order_release); }
  buffer& b;
};

// One of a thread that ended, or a new one. Numbers are drawn while a buffer is held, so that they ascend in
// it even where the old owner's last destructors and the new owner share it for a moment.
buffer* obtain_buffer() noexcept {
  for (buffer* b = buffers.load(); b != nullptr; b = b->next) {
    if (!b->owned.load(std::memory_order_relaxed) && !b->owned.exchange(true)) {
      ::pthread_setspecific(thread_end, b);
      return b;
    }
  }
  void* const memory =
      ::mmap(nullptr, sizeof(buffer), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* const b = ::new (memory) buffer;
  b->head.buffer = buffers_made.fetch_add(1);
  b->next = buffers.load();
  while (!buffers.compare_exchange_weak(b->next, b)) {
  }
  ::pthread_setspecific(thread_end, b);
  return b;
}

// What destructors of the thread that come later still record waits in the buffer for its next owner, or the
// end of the process.
void end_thread(void* of) noexcept {
  auto* const b = static_cast<buffer*>(of);
  const bool was_inside = inside;
  inside = true;
  {
    const holding held(*b);
    write_buffer(*b);
  }
  b->owned.store(false);
  inside = was_inside;
}

void note(void* address, std::size_t bytes, bool freed) noexcept {
  if (address == nullptr || inside || !recording.load(std::memory_order_relaxed)) return;
  inside = true;
  const int error = errno;
  if (own_buffer == nullptr) own_buffer = obtain_buffer();
  if (own_buffer == nullptr) {
    stop("tophash record: no memory for a thread's buffer; the recording ends here\n");
  } else {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const auto ms = static_cast<std::uint32_t>((now.tv_sec - start.tv_sec) * 1000 +
                                               (now.tv_nsec - start.tv_nsec) / 1'000'000);
    const holding held(*own_buffer);
    if (own_buffer->head.events == block_events_most) write_buffer(*own_buffer);
    own_buffer->events[own_buffer->head.events++] = {
        .sequence = next_number.fetch_add(1, std::memory_order_relaxed),
        .address = reinterpret_cast<std::uintptr_t>(address),
        .bytes = bytes < UINT32_MAX ? static_cast<std::uint32_t>(bytes) : UINT32_MAX,
        .ms_and_kind = (ms & ~event::freed_bit) | (freed ? event::freed_bit : 0)};
  }
  errno = error;
  inside = false;
}

void* given(void* p, std::size_t bytes) noexcept {
  note(p, bytes, false);
  return p;
}

void write_all() noexcept {
  inside = true;
  for (buffer* b = buffers.load(); b != nullptr; b = b->next) {
    const holding held(*b);
    write_buffer(*b);
  }
  inside = false;
}

void end_in_child() noexcept { recording.store(false); }

[[gnu::constructor]] void begin() noexcept {
  const char* const path = std::getenv(file_variable);
  const char* const process = std::getenv(owner_variable);
  owner = ::getpid();
  if (path == nullptr || process == nullptr || std::strtol(process, nullptr, 10) != owner) return;
  inside = true;
  static_cast<void>(have_real());
  // A high number, out of the way of programs that count theirs.
  const int low = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  file = ::fcntl(low, F_DUPFD_CLOEXEC, 900);
  if (file >= 0)
    ::close(low);
  else
    file = low;
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &start);
  const bool ready = file >= 0 && ::fstat(file, &file_identity) == 0 &&
                     ::pthread_key_create(&thread_end, &end_thread) == 0 &&
                     ::pthread_atfork(nullptr, nullptr, &end_in_child) == 0;
  inside = false;
  if (!ready) return say("tophash record: the recording's file cannot be made\n");
  recording.store(true);
  const file_header head{.magic = file_magic, .process = static_cast<std::uint64_t>(owner)};
  write_whole(&head, sizeof head);
}

[[gnu::destructor]] void end() noexcept {
  if (recording.load() && ::getpid() == owner) write_all();
}

}  // namespace

// ---- what the program calls -----------------------------------------------------------------------

#define TOPHASH_INTERPOSED extern "C" __attribute__((visibility("default")))

TOPHASH_INTERPOSED void* malloc(std::size_t bytes) {
  if (!have_real()) return early_allocate(bytes);
  return given(real.malloc(bytes), bytes);
}

TOPHASH_INTERPOSED void* calloc(std::size_t count, std::size_t bytes) {
  if (!have_real()) return early_allocate(count * bytes);  // zero as the program starts
  return given(real.calloc(count, bytes), count * bytes);
}

TOPHASH_INTERPOSED void free(void* p) {
  if (p == nullptr || is_early(p) || !have_real()) return;
  note(p, 0, true);
  real.free(p);
}

TOPHASH_INTERPOSED void* realloc(void* p, std::size_t bytes) {
  if (!have_real()) return early_allocate(bytes);
  if (is_early(p)) {
    void* const moved = malloc(bytes);
    const auto left = static_cast<std::size_t>(early_store + sizeof early_store - static_cast<char*>(p));
    if (moved != nullptr) std::memcpy(moved, p, bytes < left ? bytes : left);
    return moved;
  }
  const bool recorded = p != nullptr && recording.load(std::memory_order_relaxed);
  const std::size_t had =
      recorded && real.malloc_usable_size != nullptr ? real.malloc_usable_size(p) : 0;
  note(p, 0, true);
  void* const now = real.realloc(p, bytes);
  const bool refused = now == nullptr && p != nullptr && bytes != 0;
  if (refused) note(p, had, false);  // the old block is still there
  return given(now, bytes);
}

TOPHASH_INTERPOSED void* reallocarray(void* p, std::size_t count, std::size_t bytes) {
  std::size_t all = 0;
  if (__builtin_mul_overflow(count, bytes, &all)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(p, all);
}

TOPHASH_INTERPOSED void* memalign(std::size_t align, std::size_t bytes) {
  return have_real() ? given(real.memalign(align, bytes), bytes) : nullptr;
}

TOPHASH_INTERPOSED void* aligned_alloc(std::size_t align, std::size_t bytes) {
  return have_real() ? given(real.aligned_alloc(align, bytes), bytes) : nullptr;
}

TOPHASH_INTERPOSED int posix_memalign(void** to, std::size_t align, std::size_t bytes) {
  if (!have_real()) return ENOMEM;
  const int error = real.posix_memalign(to, align, bytes);
  if (error == 0) note(*to, bytes, false);
  return error;
}

TOPHASH_INTERPOSED void* valloc(std::size_t bytes) {
  return have_real() ? given(real.valloc(bytes), bytes) : nullptr;
}

TOPHASH_INTERPOSED void* pvalloc(std::size_t bytes) {
  return have_real() ? given(real.pvalloc(bytes), bytes) : nullptr;
}

// Changes nothing and is not recorded; it is here for blocks of the early store.
TOPHASH_INTERPOSED std::size_t malloc_usable_size(void* p) {
  if (p == nullptr || is_early(p) || !have_real()) return 0;
  return real.malloc_usable_size(p);
}

// No destructor runs behind these. In a child by vfork, which shares this memory, nothing is written.
TOPHASH_INTERPOSED void _exit(int code) {
  if (recording.load() && ::getpid() == owner) write_all();
  for (;;) ::syscall(SYS_exit_group, code);
}

TOPHASH_INTERPOSED void _Exit(int code) noexcept { _exit(code); }
