// SPDX-License-Identifier: Apache-2.0
// Lookup. A read of these never moves anything (with growth::on_read the container steps after it). Cost of a hit: the
// hash, one test whether a growth is under way, one tag compare and one key compare in the home bucket. While a growth is under way one chain is searched, never two:
// the old one until it is evacuated, then the new one (two only after an exception stopped an evacuation).
#ifndef TOPHASH_FRAMEWORK_TABLE_FIND_HPP
#define TOPHASH_FRAMEWORK_TABLE_FIND_HPP

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// The hash that a new entry goes by: the key's, and a random one for a key that nobody will find, where the hashing
// policy says so.
template <class B, class K>
TOPHASH_ALWAYS_INLINE std::uint64_t insertion_hash(const state<B>& s, std::uint64_t hash, const K& key) {
  if constexpr (B::scatters) {
    if (!s.policies.hashing.equal(key, key)) [[unlikely]] return s.draw();
  } else {
    static_cast<void>(s), static_cast<void>(key);
  }
  return hash;
}

// Does the hash of this stored key lead to it?
template <class B>
bool is_found_by_hash(const state<B>& s, const typename B::key_type& key) {
  if constexpr (B::scatters) {
    return static_cast<bool>(s.policies.hashing.equal(key, key));
  } else {
    return static_cast<void>(s), static_cast<void>(key), true;
  }
}

// A place, for observers.
template <class B>
events::slot_place told_in_array(const typename B::array& array, std::uint64_t hash, const place<B>& p) noexcept {
  return {.chain = array.map.index(hash),
          .bucket = events::identity_of(p.at.in),
          .slot = p.at.index,
          .in_old = p.in_old};
}

template <class B>
events::slot_place told_place(const state<B>& s, std::uint64_t hash, const place<B>& p) noexcept {
  return told_in_array<B>(p.in_old ? s.old : s.current, hash, p);
}

// Has nothing of the old chain been moved yet, or everything, or (after an exception) a part?
enum class chain_progress : unsigned char { untouched, evacuated, partly };

template <class B>
chain_progress progress_of(const state<B>& s, const typename B::bucket* home) noexcept {
  using model = typename B::model;
  if (!model::is_moved(home->tags[0])) return chain_progress::untouched;
  if (!s.partial) return chain_progress::evacuated;
  for (const auto* b = home; b != nullptr; b = s.current.links.next(b)) {
    for (unsigned i = 0; i < model::slots; ++i) {
      if (!model::is_moved(b->tags[i])) return chain_progress::partly;
    }
  }
  return chain_progress::evacuated;
}

template <class K, class B>
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

template <class K, class B>
TOPHASH_NOINLINE typename B::slot find_rest(const state<B>& s, std::uint64_t hash, key_argument<K> key,
                                            typename B::bucket* from, unsigned match) {
  return B::model::find_rest(s.current, from, match, hash, equal_to(s, key));
}

// No growth is under way. `ToRead`: nothing follows that writes to the bucket.
template <bool ToRead = false, class B, class K>
TOPHASH_ALWAYS_INLINE typename B::slot find_in_current(const state<B>& s, std::uint64_t hash, const K& key) {
  return B::model::template find_first<ToRead>(s.current, hash, equal_to(s, key), [&](typename B::bucket* from, unsigned match) {
    return find_rest<K>(s, hash, key, from, match);
  });
}

template <bool ToRead = false, class B, class K>
TOPHASH_ALWAYS_INLINE place<B> find_entry(const state<B>& s, std::uint64_t hash, const K& key) {
  if (s.growing()) [[unlikely]] return find_while_growing<K>(s, hash, key);
  return {find_in_current<ToRead>(s, hash, key), false};
}

// Something that a read asks about before it searches: a write that another thread is in the middle of, a growth.
template <class K, class B>
TOPHASH_NOINLINE place<B> find_while_busy(const state<B>& s, std::uint64_t hash,
                                          key_argument<K> key) {
  check_read(s);
  return find_entry(s, hash, key);
}

// find_entry of a read. Both questions in one test: two instructions and a branch fewer.
template <class B, class K>
TOPHASH_ALWAYS_INLINE place<B> find_to_read(const state<B>& s, std::uint64_t hash, const K& key) {
  if constexpr (is_checked<state<B>>) {
    if ((static_cast<std::size_t>(s.access.raised()) | s.old.units) != 0) [[unlikely]]
      return find_while_busy<K>(s, hash, key);
    return {find_in_current<true>(s, hash, key), false};
  } else {
    return find_entry<true>(s, hash, key);
  }
}

// Buckets that a search for a key of this hash has looked at; `found` is what it answered, in_old also if the
// old chain alone was searched in vain. Walks the chain again, for observers that want to know.
template <class B>
std::size_t buckets_searched(const state<B>& s, std::uint64_t hash, const place<B>& found) noexcept {
  const auto count = [&s, hash](const typename B::bucket* home, const typename B::bucket* last) {
    std::size_t buckets = 1;
    const std::uint8_t tag = B::model::tag_of(hash);
    for (auto* b = home; b != last && !B::model::ends_for(home, b, tag); b = s.current.links.next(b)) ++buckets;
    return buckets;
  };
  if (found.in_old) return count(s.old.home(hash), found.at.in);
  std::size_t buckets = count(s.current.home(hash), found.at.in);
  if (s.growing() && progress_of(s, s.old.home(hash)) == chain_progress::partly) {
    buckets += count(s.old.home(hash), nullptr);
  }
  return buckets;
}

// Once a search by key has ended, and before anything changes.
template <class B>
TOPHASH_ALWAYS_INLINE void tell_probed(const state<B>& s, typename B::spec::observe& observer,
                                       std::uint64_t hash, const place<B>& found, events::search why) noexcept {
  notify_with<events::searched>(observer, [&] { return events::searched{why, hash, static_cast<bool>(found)}; });
  notify_with<events::probed>(observer, [&s, hash, &found] {
    return events::probed{buckets_searched(s, hash, found), static_cast<bool>(found)};
  });
}

}  // namespace tophash::inline v1::table

#endif
