// SPDX-License-Identifier: Apache-2.0
// Laws of an overflow source, over a storage that records what is done to it (audited_storage): no block is
// handed out twice, given back twice, given back under another request, or lost; a failed acquire changes
// nothing; the counts are exact at every step and tell what the facts promise; drain leaves nothing behind; a
// copy starts empty; a move takes everything along.
#ifndef TOPHASH_TESTS_LAWS_OVERFLOW_HPP
#define TOPHASH_TESTS_LAWS_OVERFLOW_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/purpose.hpp>

#include "laws/option.hpp"
#include "laws/sampling.hpp"

namespace tophash::inline v1 {

namespace laws {

// Gives back all that is left when it ends, so that a broken source leaks nothing for good.
class audited_storage {
 public:
  audited_storage() = default;
  audited_storage(const audited_storage&) = delete;
  audited_storage& operator=(const audited_storage&) = delete;
  ~audited_storage() {
    for (const block& b : blocks_) ::operator delete(b.at, std::align_val_t{b.was.align});
  }

  void* try_allocate(const request& r) noexcept {
    ++calls;
    if (fail) return nullptr;
    void* at = ::operator new(r.bytes, std::align_val_t{r.align}, std::nothrow);
    if (at != nullptr) blocks_.push_back({at, r});
    return at;
  }

  void deallocate(void* at, const request& r) noexcept {
    const auto found =
        std::find_if(blocks_.begin(), blocks_.end(), [at](const block& b) { return b.at == at; });
    if (found == blocks_.end()) {
      fault = "gave storage a block that storage had not given, or had back already";
      return;
    }
    const request& was = found->was;
    if (was.bytes != r.bytes || was.align != r.align || was.use != r.use || was.trace != r.trace) {
      fault = "gave a block back under another request than it was allocated with";
    }
    ::operator delete(at, std::align_val_t{was.align});
    blocks_.erase(found);
  }

  bool has(const void* at) const noexcept {
    return std::any_of(blocks_.begin(), blocks_.end(), [at](const block& b) { return b.at == at; });
  }
  std::size_t outstanding() const noexcept { return blocks_.size(); }

  bool fail = false;
  std::size_t calls = 0;  // of try_allocate
  std::string fault;

 private:
  struct block {
    void* at;
    request was;
  };
  std::vector<block> blocks_;
};

// A map's view of a source: the blocks in use, each filled with a byte of its own.
template <class O, class Report>
class overflow_user {
 public:
  overflow_user(O& source, audited_storage& storage, Report& report) noexcept
      : source_(source), storage_(storage), report_(report) {}

  void acquire() {
    const overflow_counts before = source_.counts();
    const std::size_t calls = storage_.calls;
    void* at = source_.acquire(storage_, wanted);
    const bool asked = storage_.calls != calls;
    const overflow_counts after = source_.counts();
    if (at == nullptr) {
      expect(storage_.fail && asked, "acquire returned null though storage did not fail");
      expect(same(before, after), "a failed acquire changed the counts");
      return;
    }
    expect(storage_.has(at), "acquired a block that storage does not know");
    expect(std::find(used_.begin(), used_.end(), at) == used_.end(), "acquired a block that is in use");
    expect(reinterpret_cast<std::uintptr_t>(at) % wanted.align == 0, "acquired a misaligned block");
    expect(after.requested == before.requested + 1, "an acquire was not counted as one request");
    expect(after.recycled == before.recycled + (asked ? 0u : 1u),
           "recycled is not the acquires that storage did not see");
    if (!storage_.has(at)) return;
    std::memset(at, fill(at), wanted.bytes);
    used_.push_back(at);
  }

  void release(std::size_t which) {
    void* at = used_[which];
    const auto* bytes = static_cast<const unsigned char*>(at);
    expect(std::all_of(bytes, bytes + wanted.bytes, [&](unsigned char b) { return b == fill(at); }),
           "wrote into a block that is in use");
    used_[which] = used_.back();
    used_.pop_back();
    const overflow_counts before = source_.counts();
    source_.release(storage_, at, wanted);
    expect(source_.counts().released == before.released + 1, "a release was not counted as one");
  }

  void settle() {
    if (!storage_.fault.empty()) expect(false, std::exchange(storage_.fault, {}));
    const overflow_counts now = source_.counts();
    expect(storage_.outstanding() == used_.size() + now.kept,
           "kept is not what storage gave and nobody uses");
    expect(now.requested == now.released + used_.size(), "requested is not released plus the blocks in use");
    if constexpr (requires { O::facts; }) {
      constexpr overflow_facts facts = O::facts;
      expect(facts.recycles || (now.recycled == 0 && now.kept == 0),
             "facts say that it does not recycle, and it does");
    }
  }

  void end() {
    while (!used_.empty()) release(used_.size() - 1);
    source_.drain(storage_, wanted);
    settle();
    expect(storage_.outstanding() == 0, "drain left blocks behind");
    expect(source_.counts().kept == 0, "after drain kept is not 0");
  }

  std::size_t used() const noexcept { return used_.size(); }
  bool broken() const noexcept { return broken_; }
  static bool same(const overflow_counts& a, const overflow_counts& b) noexcept {
    return a.requested == b.requested && a.recycled == b.recycled && a.released == b.released &&
           a.kept == b.kept;
  }

  void expect(bool holds, const std::string& otherwise) {
    if (holds || broken_) return;
    broken_ = true;
    const overflow_counts now = source_.counts();
    report_(sentence(subject<O>(), otherwise, " (requested ", now.requested, ", recycled ", now.recycled,
                     ", released ", now.released, ", kept ", now.kept, "; in use ", used_.size(),
                     ", allocated ", storage_.outstanding(), ")"));
  }

  static constexpr request wanted{.bytes = 144, .align = 16, .use = purpose::overflow, .trace = nullptr};

 private:
  static unsigned char fill(const void* at) noexcept {
    return static_cast<unsigned char>(next_seed(reinterpret_cast<std::uintptr_t>(at)) | 1u);
  }

  O& source_;
  audited_storage& storage_;
  Report& report_;
  std::vector<void*> used_;
  bool broken_ = false;
};

template <class O, class Report>
void check_overflow_stream(const O& fresh_source, Report&& report) {
  audited_storage storage;
  O source(fresh_source);
  overflow_user user(source, storage, report);
  sampler draw(5);
  for (int i = 0; i != 4000 && !user.broken(); ++i) {
    storage.fail = draw.below(10) == 0;
    const bool shrinking = (i / 500) % 2 == 1;
    if (user.used() != 0 && draw.below(10) < (shrinking ? 7u : 3u)) {
      user.release(draw.below(user.used()));
    } else {
      user.acquire();
    }
    user.settle();
    if (draw.below(300) == 0) {
      source.drain(storage, user.wanted);
      user.expect(source.counts().kept == 0, "after drain kept is not 0");
      user.settle();
    }
  }
  storage.fail = false;
  if (!user.broken()) user.end();
}

template <class O, class Report>
void check_overflow_moves(const O& fresh_source, Report&& report) {
  audited_storage storage;
  O source(fresh_source);
  overflow_user user(source, storage, report);
  for (int i = 0; i != 10; ++i) user.acquire();
  for (int i = 0; i != 5 && user.used() != 0; ++i) user.release(0);
  const overflow_counts before = source.counts();
  if constexpr (std::is_copy_constructible_v<O>) {
    O copy(source);
    user.expect(user.same(copy.counts(), {}), "a copy does not start with zero counts");
    copy.drain(storage, user.wanted);
    user.expect(user.same(source.counts(), before), "draining a copy changed the original");
    user.settle();
  }
  O taken(std::move(source));
  user.expect(source.counts().kept == 0, "a moved-from source keeps blocks");
  user.expect(user.same(taken.counts(), before), "a move did not take the counts along");
  source.drain(storage, user.wanted);
  user.expect(storage.outstanding() == user.used() + before.kept,
              "a moved-from source gave back what was taken from it");
  if (!storage.fault.empty()) user.expect(false, storage.fault);
  source = std::move(taken);
  user.expect(user.same(source.counts(), before), "a move assignment did not take the counts along");
  if (!user.broken()) user.end();
}

// Storage took back all it gave: the source keeps nothing of it, counts it as released, and starts afresh.
template <class O, class Report>
void check_overflow_forget(const O& fresh_source, Report&& report) {
  if constexpr (requires(O & o) { o.forget(); }) {
    O source(fresh_source);
    {
      audited_storage storage;
      overflow_user user(source, storage, report);
      for (int i = 0; i != 10; ++i) user.acquire();
      for (int i = 0; i != 5 && user.used() != 0; ++i) user.release(0);
      source.forget();
      const overflow_counts now = source.counts();
      user.expect(now.kept == 0, "after forget kept is not 0");
      user.expect(now.in_array == 0, "after forget blocks are in use in an array");
      user.expect(now.requested == now.released, "forget does not count blocks in use as released");
    }
    audited_storage storage;
    overflow_user user(source, storage, report);
    for (int i = 0; i != 3; ++i) user.acquire();
    user.settle();
    if (!user.broken()) user.end();
  }
}

// `fresh_source` is a source as constructed; it must be copyable here, as the policies of a map are.
template <class O, class Report>
void check_overflow(const O& fresh_source, Report&& report) {
  static_assert(overflow_source<O, audited_storage>);
  check_option<O, axes::overflow>(report);
  check_overflow_stream(fresh_source, report);
  check_overflow_moves(fresh_source, report);
  check_overflow_forget(fresh_source, report);
}

}  // namespace laws

}  // namespace tophash::inline v1

#endif
