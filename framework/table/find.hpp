// SPDX-License-Identifier: Apache-2.0
// Lookup. A read never moves anything. Cost of a hit: the hash, one test whether a growth is under way, one tag
// compare and one key compare in the home bucket. While a growth is under way one chain is searched, never two:
// the old one until it is evacuated, then the new one (two only after an exception stopped an evacuation).
#ifndef TOPHASH_FRAMEWORK_TABLE_FIND_HPP
#define TOPHASH_FRAMEWORK_TABLE_FIND_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// A slot, and which array it is in.
template <class B>
struct place {
  typename B::slot at{};
  bool in_old = false;
  explicit operator bool() const noexcept { return static_cast<bool>(at); }
};

// The same, for observers.
template <class B>
events::slot_place told_place(const typename B::array& array, std::uint64_t hash, const place<B>& p) noexcept {
  return {.chain = array.map.index(hash),
          .bucket = events::identity_of(p.at.in),
          .slot = p.at.index,
          .in_old = p.in_old};
}

template <class B>
events::slot_place told_place(const state<B>& s, std::uint64_t hash, const place<B>& p) noexcept {
  return told_place<B>(p.in_old ? s.old : s.current, hash, p);
}

template <class B, class K>
auto equal_to(const state<B>& s, const K& key) noexcept {
  return [&s, &key](const typename B::key_type& stored) -> bool { return s.policies.hashing.equal(stored, key); };
}

// Has nothing of the old chain been moved yet, or everything, or (after an exception) a part?
enum class chain_progress : unsigned char { untouched, evacuated, partly };

template <class B>
chain_progress progress_of(const state<B>& s, const typename B::bucket* home) noexcept {
  using model = typename B::model;
  if (!model::is_moved(home->tags[0])) return chain_progress::untouched;
  if (!s.partial) return chain_progress::evacuated;
  for (const auto* b = home; b != nullptr; b = b->link) {
    for (unsigned i = 0; i < model::slots; ++i) {
      if (!model::is_moved(b->tags[i])) return chain_progress::partly;
    }
  }
  return chain_progress::evacuated;
}

// How a key goes to an out-of-line function: by value where that is a register, so that the fast path need not
// store the key to have its address.
template <class K>
using key_argument = std::conditional_t<std::is_scalar_v<K>, K, const K&>;

template <class B, class K>
TOPHASH_NOINLINE place<B> find_while_growing(const state<B>& s, std::uint64_t hash, key_argument<K> key) {
  using model = typename B::model;
  const auto eq = equal_to(s, key);
  const chain_progress done = progress_of(s, s.old.home(hash));
  if (done != chain_progress::evacuated) {
    const auto at = model::find(s.old, hash, eq);
    if (at || done == chain_progress::untouched) return {at, true};
  }
  return {model::find(s.current, hash, eq), false};
}

template <class B, class K>
TOPHASH_ALWAYS_INLINE place<B> find(const state<B>& s, std::uint64_t hash, const K& key) {
  if (s.growing()) [[unlikely]] return find_while_growing<B, K>(s, hash, key);
  return {B::model::find(s.current, hash, equal_to(s, key)), false};
}

// Buckets that a search for a key of this hash has looked at; `found` is what it ended with. Walks the chain
// again, for observers that want to know.
template <class B>
std::size_t buckets_searched(const state<B>& s, std::uint64_t hash, const place<B>& found) noexcept {
  const auto count = [](const typename B::bucket* b, const typename B::bucket* last) {
    std::size_t buckets = 1;
    for (; b != last && !B::model::ends(b); b = b->link) ++buckets;
    return buckets;
  };
  if (!s.growing()) return count(s.current.home(hash), found.at.in);
  const chain_progress done = progress_of(s, s.old.home(hash));
  if (found.in_old) return count(s.old.home(hash), found.at.in);
  const std::size_t in_old = done == chain_progress::evacuated ? 0 : count(s.old.home(hash), nullptr);
  const bool goes_on = done != chain_progress::untouched;
  return in_old + (goes_on ? count(s.current.home(hash), found.at.in) : 0);
}

// Once a search by key has ended, and before anything changes.
template <class B>
TOPHASH_ALWAYS_INLINE void tell_probed(const state<B>& s, typename B::spec::observe& observer,
                                       std::uint64_t hash, const place<B>& found) noexcept {
  notify_with<events::probed>(observer, [&s, hash, &found] {
    return events::probed{buckets_searched(s, hash, found), static_cast<bool>(found)};
  });
}

}  // namespace tophash::inline v1::table

#endif
