// SPDX-License-Identifier: Apache-2.0
// Iteration that survives every write (iteration::mutation_safe). An open iterator is pinned: it stands in its map's
// list, and the writes that take an entry out of its slot or move it say so to the pins in that list. A pin holds
//   - its place in an order that no growth changes: a unit (one bucket of the array at its begin) and the part of that
//     unit's hashes which was walked. A chain of a larger array is a part of a unit, so what is walked and what is not
//     are never in one chain; in a smaller array they are told apart by their hashes;
//   - the noted slots: the entries, not handed out yet, of the chain it is in, as a mask for each bucket. An
//     erase strikes one out, an evacuation follows it to its new slot.
// Hence the guarantees: an entry never changes its unit or part (but by a reseeding, which there is only when no entry
// is left), and it is noted once. Go's mapiternext comes to the same from the other side: it keeps the old arrays,
// walks them, asks of every entry of an old chain whether it belongs to the half it is in, and looks moved keys up
// again. That takes keys that stay readable after they have moved; in C++ they are moved from. Here no array outlives
// its growth, no key is hashed or compared, and iterators abandoned in the middle cost nothing further.
// The check of the halves has its counterpart in `units_for_pin`: an iterator begun during a growth counts by the
// smaller array, whose chain is either in the old array, whole, or in its parts in the new one.
// Random start: a unit and, for the order within every bucket, an offset, as in Go.
#ifndef TOPHASH_FRAMEWORK_TABLE_PINS_HPP
#define TOPHASH_FRAMEWORK_TABLE_PINS_HPP

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <tophash/framework/config.hpp>
#include <tophash/framework/core/bits.hpp>
#include <tophash/framework/table/state.hpp>

namespace tophash::inline v1::table {

// For the control of the tests, which specialise it as false and see the guarantees break.
template <class B>
inline constexpr bool pins_tell_halves_apart = true;

template <class B>
std::size_t units_for_pin(const state<B>& s) noexcept {
  if constexpr (!pins_tell_halves_apart<B>) return s.current.units;
  return s.growing() && s.old.units < s.current.units ? s.old.units : s.current.units;
}

// Reads may begin and end at once in several threads (they need no other synchronisation); writes have the map for
// themselves and read the list without the lock.
template <class B>
class pins_locked {
 public:
  explicit pins_locked(const state<B>& s) noexcept : s_(s) {
    while (s_.pins_lock.test_and_set(std::memory_order_acquire)) {
    }
  }
  pins_locked(const pins_locked&) = delete;
  pins_locked& operator=(const pins_locked&) = delete;
  ~pins_locked() { s_.pins_lock.clear(std::memory_order_release); }

 private:
  const state<B>& s_;
};

template <class B>
class pin {
 public:
  using model = typename B::model;
  using bucket = typename B::bucket;
  using slot = typename B::slot;
  using array = typename B::array;

  // At the end of any iteration. Writes two words: every `find(key) != end()` makes one of these.
  pin() noexcept {}

  // At the first entry of an iteration over all of `s`.
  explicit pin(const state<B>& s) {
    if (s.size == 0) return;
    begin_anywhere();
    enter(s);
    std::uint64_t drawn = 0;
    {
      const pins_locked<B> guard(s);
      drawn = s.draw();
    }
    units_ = units_for_pin(s);
    start_ = unit_ = static_cast<std::size_t>(drawn) & (units_ - 1);
    offset_ = static_cast<unsigned>((drawn >> 32) % model::slots);
    advance_or_leave();
  }

  // At an entry that was found; goes on to the last unit. `index` is its chain's, in the old array if `in_old`.
  pin(const state<B>& s, slot at, std::size_t index, bool in_old) {
    begin_anywhere();
    enter(s);
    units_ = units_for_pin(s);
    const std::size_t units = in_old ? s.old.units : s.current.units;
    unit_ = high_end ? index / (units / units_) : index & (units_ - 1);
    try_note_after(at);
  }

  pin(const pin& other) { copy(other); }
  pin(pin&& other) noexcept { take(other); }
  pin& operator=(const pin& other) {
    if (this == &other) return *this;
    leave();
    copy(other);
    return *this;
  }
  pin& operator=(pin&& other) noexcept {
    if (this == &other) return *this;
    leave();
    take(other);
    return *this;
  }
  ~pin() {
    if (s_ != nullptr) leave();
  }

  bool at_end() const noexcept { return s_ == nullptr; }
  // Without a bucket at the end, and when the entry was erased since the iterator came to it.
  slot at() const noexcept { return s_ == nullptr ? slot{} : at_.as_slot(); }
  const state<B>* of() const noexcept { return s_; }

  // To the next entry, or to the end. std::bad_alloc, or what a hash throws: the iterator is as before. At the end it
  // stays: the body of a loop may have ended its map. Cost where the bucket it is in has another entry: one
  // test, one count of zeros.
  TOPHASH_ALWAYS_INLINE void advance() {
    if (now_.mask != 0) {
      take_from_bucket();
    } else {
      advance_slow();
    }
  }

  // ---- what writes tell ---------------------------------------------------------------------------------------

  void erased(slot gone) noexcept {
    if (at_.as_slot() == gone) at_ = slot{};
    static_cast<void>(strike_out(gone));
  }
  // Notes are at most as many as noted entries, and so is the room for them.
  void moved(slot from, slot to) noexcept {
    if (at_.as_slot() == from) at_ = to;
    if (!strike_out(from)) return;
    const unsigned bit = 1u << turn_of(to.index);
    if (now_.in == to.in && now_.mask != 0) {
      now_.mask |= bit;
      return;
    }
    note* unused = notes_ + noted_;
    for (note* n = notes_ + ready_; n != notes_ + noted_; ++n) {
      if (n->mask == 0) {
        unused = n;
      } else if (n->in == to.in) {
        n->mask |= bit;
        return;
      }
    }
    if (unused == notes_ + noted_) {
      if (ready_ != 0) {
        unused = notes_ + --ready_;
      } else {
        TOPHASH_CHECK(noted_ < room_, "an open iterator has more notes than noted entries");
        ++noted_;
      }
    }
    *unused = {to.in, bit};
  }
  // All entries are gone; what is inserted from now on may be walked.
  void cleared() noexcept {
    at_ = slot{};
    forget_notes();
  }
  void arrays_went_to(const state<B>& s) noexcept { s_ = &s; }
  void begins_at(pin*& first) noexcept { back_ = &first; }
  // The arrays are gone, or the map itself. Returns the next pin.
  pin* detach() noexcept {
    pin* const next = next_;
    free_notes();
    s_ = nullptr;
    return next;
  }
  pin* next() const noexcept { return next_; }

  // The chain that holds the entry it is at, of the old array if `in_old`: for keys whose hash does not say.
  std::size_t chain_of(slot at, bool& in_old) const noexcept {
    std::size_t found = 0;
    in_old = !in_unit(s_->current, at, found);
    if (in_old) static_cast<void>(in_unit(s_->old, at, found));
    return found;
  }

  // For check_invariants: a sentence, or null.
  const char* violation(const state<B>& s) const noexcept {
    if (s_ != &s) return "an open iterator does not name the map whose list it is in";
    if (at_.in != nullptr && !model::is_live(at_.in->tags[at_.index])) return "an open iterator is at a slot that is not live";
    std::size_t noted = 0;
    for (std::size_t i = ready_; i <= noted_; ++i) {
      const note& n = i == noted_ ? now_ : notes_[i];
      for (unsigned mask = n.mask; mask != 0; mask &= mask - 1, ++noted) {
        if (!model::is_live(n.in->tags[slot_of_turn(static_cast<unsigned>(std::countr_zero(mask)))])) {
          return "an open iterator has noted a slot that is not live";
        }
      }
    }
    if (noted > room_) return "an open iterator has noted more entries than it has room for";
    return nullptr;
  }

 private:
  // Entries of one bucket that were not handed out yet, one bit each, in the order of their turns: bit 0 is
  // the slot at `offset_`. Without initialisers: an end() need not write two dozen of them.
  struct note {
    bucket* in;
    unsigned mask;
  };
  // A slot without initialisers.
  struct place_now {
    bucket* in;
    std::size_t index;
    place_now& operator=(slot to) noexcept { return in = to.in, index = to.index, *this; }
    slot as_slot() const noexcept { return {in, index}; }
  };
  static constexpr std::size_t notes_inside =
      B::spec::iteration::noted_slots < model::slots ? model::slots : B::spec::iteration::noted_slots;
  static constexpr bool high_end = B::facts.sizing.from_high_end;

  std::size_t slot_of_turn(unsigned turn) const noexcept {
    const std::size_t index = std::size_t{turn} + offset_;
    return index >= model::slots ? index - model::slots : index;
  }
  std::size_t turn_of(std::size_t index) const noexcept {
    return index >= offset_ ? index - offset_ : index + model::slots - offset_;
  }
  unsigned in_turns(unsigned slots_mask) const noexcept {
    return ((slots_mask | slots_mask << model::slots) >> offset_) & model::slot_mask;
  }

  void take_from_bucket() noexcept {
    at_ = slot{now_.in, slot_of_turn(static_cast<unsigned>(std::countr_zero(now_.mask)))};
    now_.mask &= now_.mask - 1;
  }

  // False if the slot was not noted.
  bool strike_out(slot s) noexcept {
    const unsigned bit = 1u << turn_of(s.index);
    if (now_.in == s.in && (now_.mask & bit) != 0) return now_.mask &= ~bit, true;
    for (std::size_t i = ready_; i != noted_; ++i) {
      if (notes_[i].in == s.in && (notes_[i].mask & bit) != 0) return notes_[i].mask &= ~bit, true;
    }
    return false;
  }

  void begin_anywhere() noexcept {
    own_no_notes();
    at_ = slot{};
    units_ = start_ = unit_ = noted_unit_ = 0;
    part_ = 0;
    offset_ = 0;
    walked_ = false;
  }

  // ---- the list -----------------------------------------------------------------------------------------------

  void enter(const state<B>& s) noexcept {
    s_ = &s;
    const pins_locked<B> guard(s);
    link(s);
  }
  void link(const state<B>& s) noexcept {
    next_ = s.pins.first;
    back_ = &s.pins.first;
    s.pins.first = this;
    if (next_ != nullptr) next_->back_ = &next_;
  }
  void unlink() noexcept {
    *back_ = next_;
    if (next_ != nullptr) next_->back_ = back_;
  }
  void leave() noexcept {
    if (s_ == nullptr) return;
    {
      const pins_locked<B> guard(*s_);
      unlink();
    }
    free_notes();
    s_ = nullptr;
  }
  void free_notes() noexcept {
    if (notes_ != inside_) delete[] notes_;
    own_no_notes();
  }
  void own_no_notes() noexcept {
    notes_ = inside_;
    room_ = notes_inside;
    forget_notes();
  }
  void forget_notes() noexcept {
    now_.mask = 0;
    ready_ = noted_ = 0;
  }

  void advance_or_leave() {
    TOPHASH_TRY { advance(); }
    TOPHASH_CATCH_ALL {
      leave();
      TOPHASH_RETHROW;
    }
  }

  void copy_place(const pin& other) noexcept {
    at_ = other.at_;
    units_ = other.units_;
    start_ = other.start_;
    unit_ = other.unit_;
    noted_unit_ = other.noted_unit_;
    part_ = other.part_;
    offset_ = other.offset_;
    walked_ = other.walked_;
  }
  void copy(const pin& other) {
    if (other.s_ == nullptr) return;
    const std::size_t count = other.count_noted();
    own_no_notes();
    if (count > room_) widen(count);
    copy_notes(other);
    copy_place(other);
    enter(*other.s_);
  }
  void copy_notes(const pin& other) noexcept {
    ready_ = noted_ = 0;
    for (std::size_t i = other.ready_; i != other.noted_; ++i) {
      if (other.notes_[i].mask != 0) notes_[noted_++] = other.notes_[i];
    }
    now_ = other.now_;
  }
  void take(pin& other) noexcept {
    if (other.s_ == nullptr) return;
    own_no_notes();
    if (other.notes_ != other.inside_) {
      notes_ = other.notes_;
      room_ = other.room_;
      ready_ = other.ready_;
      noted_ = other.noted_;
      now_ = other.now_;
      other.notes_ = other.inside_;
    } else {
      copy_notes(other);
    }
    copy_place(other);
    enter(*other.s_);
    other.leave();
  }
  // Entries.
  std::size_t count_noted() const noexcept {
    std::size_t count = count_of_eight(now_.mask);
    for (std::size_t i = ready_; i != noted_; ++i) count += count_of_eight(notes_[i].mask);
    return count;
  }

  // ---- the walk -----------------------------------------------------------------------------------------------

  // Past what the bucket held: the other buckets of the chain, then the next chain.
  TOPHASH_NOINLINE void advance_slow() {
    if (s_ == nullptr) return;
    while (true) {
      while (ready_ != noted_) {
        now_ = notes_[ready_++];
        if (now_.mask != 0) return take_from_bucket();
      }
      if (walked_ || s_->size == 0) return leave();
      if (part_ == 0 && s_->current.units == units_ && !s_->growing()) {
        note_whole_chain();
        if (now_.mask != 0) return take_from_bucket();
      } else {
        note_next_chain();
      }
    }
  }

  // Room for `wanted` notes. Only chains that a hash made long, or a crowd of equal ones, come here.
  TOPHASH_NOINLINE void widen(std::size_t wanted) {
    const std::size_t room = wanted > 2 * room_ ? wanted : 2 * room_;
    note* const wider = new (std::nothrow) note[room];
    if (wider == nullptr) throw_bad_alloc();
    for (std::size_t i = 0; i != noted_; ++i) wider[i] = notes_[i];
    if (notes_ != inside_) delete[] notes_;
    notes_ = wider;
    room_ = room;
  }

  // `mask` in turns; `noted` entries are noted already.
  void add_note(bucket* b, unsigned mask, std::size_t& noted) {
    if (mask == 0) return;
    noted += count_of_eight(mask);
    if (noted > room_) [[unlikely]] widen(noted);
    notes_[noted_++] = {b, mask};
  }

  // The bits of `n` below `bits`, in reverse: how low-end sizes number the parts of a unit in order of their walk.
  static std::uint64_t reversed(std::uint64_t n, unsigned bits) noexcept {
    std::uint64_t out = 0;
    for (; bits != 0; --bits, n >>= 1) out = out << 1 | (n & 1);
    return out;
  }

  // The place in the walk of a hash: its unit, and `bits` of its part.
  bool is_walked_with(std::uint64_t hash, unsigned bits) const noexcept {
    const std::size_t index = typename B::mapper{units_ << bits}.index(hash);
    const std::size_t unit = high_end ? index >> bits : index & (units_ - 1);
    if (unit != unit_) return false;
    const std::uint64_t part =
        high_end ? index & ((std::uint64_t{1} << bits) - 1) : reversed(index / units_, bits);
    return bits == 0 || part >= part_ >> (64 - bits);
  }

  // Notes what lives in one chain; `shared`: entries of other units, or of the part that was walked, are in it too.
  void note_chain(bucket* b, bool shared, std::size_t& noted) {
    const unsigned bits = part_ == 0 ? 0 : 64 - static_cast<unsigned>(std::countr_zero(part_));
    for (; b != nullptr; b = s_->current.links.next(b)) {
      unsigned mask = in_turns(model::live(b));
      if (pins_tell_halves_apart<B> && shared) {
        for (unsigned rest = mask; rest != 0; rest &= rest - 1) {
          const auto turn = static_cast<unsigned>(std::countr_zero(rest));
          const std::uint64_t hash = table::hash_of(*s_, model::key({b, slot_of_turn(turn)}));
          if (!is_walked_with(hash, bits)) mask &= ~(1u << turn);
        }
      }
      add_note(b, mask, noted);
    }
  }

  // note_next_chain where no growth is or was: a unit is one chain. Nearly all steps of nearly all walks.
  void note_whole_chain() {
    ready_ = noted_ = 0;
    bucket* const home = s_->current.at(unit_);
    const unsigned mask = in_turns(model::live(home));
    if (bucket* b = s_->current.links.next(home); b != nullptr) {
      std::size_t noted = count_of_eight(mask);
      TOPHASH_TRY {
        for (; b != nullptr; b = s_->current.links.next(b)) add_note(b, in_turns(model::live(b)), noted);
      }
      TOPHASH_CATCH_ALL {
        ready_ = noted_ = 0;
        TOPHASH_RETHROW;
      }
    }
    now_ = {home, mask};
    noted_unit_ = unit_;
    unit_ = (unit_ + 1) & (units_ - 1);
    walked_ = unit_ == start_;
  }

  // The next part of the walk: one chain of the smaller array, wherever its entries lie now. Nothing is changed if
  // it throws, but notes that were used up.
  void note_next_chain() {
    const state<B>& s = *s_;
    ready_ = noted_ = 0;
    const std::size_t least =
        s.growing() && s.old.units < s.current.units ? s.old.units : s.current.units;
    std::uint64_t next_part = 0;
    std::size_t index = 0;
    bool shared = false;
    if (least >= units_) {
      const auto bits = static_cast<unsigned>(std::countr_zero(least) - std::countr_zero(units_));
      const std::uint64_t child = bits == 0 ? 0 : part_ >> (64 - bits);
      index = high_end ? (unit_ << bits) + static_cast<std::size_t>(child)
                       : unit_ + units_ * static_cast<std::size_t>(reversed(child, bits));
      shared = bits == 0 ? part_ != 0 : part_ != child << (64 - bits);
      next_part = bits == 0 ? 0 : (child + 1) << (64 - bits);  // 0: past the last
    } else {
      index = high_end ? unit_ / (units_ / least) : unit_ & (least - 1);
      shared = true;
    }
    TOPHASH_TRY {
      std::size_t noted = 0;
      note_in(s.current, index, least, shared, noted);
      if (s.growing()) note_in(s.old, index, least, shared, noted);
    }
    TOPHASH_CATCH_ALL {
      ready_ = noted_ = 0;
      TOPHASH_RETHROW;
    }
    part_ = next_part;
    noted_unit_ = unit_;
    if (part_ == 0) {
      unit_ = (unit_ + 1) & (units_ - 1);
      walked_ = unit_ == start_;
    }
  }

  // The chains of `a` that a chain of an array of `least` units is made of.
  void note_in(const array& a, std::size_t index, std::size_t least, bool shared, std::size_t& noted) {
    const std::size_t parts = a.units / least;
    for (std::size_t i = 0; i != parts; ++i) {
      note_chain(a.at(high_end ? index * parts + i : index + i * least), shared, noted);
    }
  }

  // Looks for the bucket of `at` in what the unit that was noted last has become in `a`.
  bool in_unit(const array& a, slot at, std::size_t& found) const noexcept {
    if (a.units == 0) return false;
    const std::size_t parts = a.units > units_ ? a.units / units_ : 1;
    for (std::size_t i = 0; i != parts; ++i) {
      if (a.units < units_) {
        found = high_end ? noted_unit_ / (units_ / a.units) : noted_unit_ & (a.units - 1);
      } else {
        found = high_end ? noted_unit_ * parts + i : noted_unit_ + i * units_;
      }
      for (const bucket* b = a.at(found); b != nullptr; b = s_->current.links.next(b)) {
        if (b == at.in) return true;
      }
    }
    return false;
  }

  void try_note_after(slot at) {
    TOPHASH_TRY { note_next_chain(); }
    TOPHASH_CATCH_ALL {
      leave();
      TOPHASH_RETHROW;
    }
    at_ = at;
    const auto turn = static_cast<unsigned>(turn_of(at.index));
    while (ready_ != noted_) {
      now_ = notes_[ready_++];
      const bool here = now_.in == at.in && (now_.mask >> turn & 1) != 0;
      now_.mask = here ? now_.mask >> turn >> 1 << turn << 1 : 0;
      if (here) return;
    }
  }

  const state<B>* s_ = nullptr;  // null: at the end, and in no list
  note now_{nullptr, 0};         // the bucket of the entry it is at, or was; without bits at the end
  // At the end nobody reads what follows, and it has no value before the pin first enters a list.
  pin* next_;
  pin** back_;
  place_now at_;
  std::size_t units_, start_, unit_, noted_unit_;
  std::uint64_t part_;  // share of the unit that was noted, in 2^-64ths
  unsigned offset_;
  bool walked_;  // the last unit was noted
  std::size_t ready_, noted_, room_;
  note* notes_;  // the chain's other buckets: [ready_, noted_)
  note inside_[notes_inside];
};

// ---- what the table tells -------------------------------------------------------------------------------------

template <class B, class F>
void for_each_pin(const state<B>& s, F tell) noexcept {
  for (pin<B>* p = s.pins.first; p != nullptr; p = p->next()) tell(*p);
}

template <class B>
TOPHASH_NOINLINE void tell_pins_erased_slow(const state<B>& s, typename B::slot at) noexcept {
  for_each_pin(s, [at](pin<B>& p) { p.erased(at); });
}

template <class B>
TOPHASH_NOINLINE void tell_pins_moved_slow(const state<B>& s, typename B::slot from, typename B::slot to) noexcept {
  for_each_pin(s, [from, to](pin<B>& p) { p.moved(from, to); });
}

template <class B>
TOPHASH_ALWAYS_INLINE void tell_pins_erased(const state<B>& s, typename B::slot at) noexcept {
  if constexpr (B::pinned) {
    if (s.pins.first != nullptr) [[unlikely]] tell_pins_erased_slow(s, at);
  }
}

template <class B>
TOPHASH_ALWAYS_INLINE void tell_pins_moved(const state<B>& s, typename B::slot from, typename B::slot to) noexcept {
  if constexpr (B::pinned) {
    if (s.pins.first != nullptr) [[unlikely]] tell_pins_moved_slow(s, from, to);
  }
}

template <class B>
void tell_pins_cleared(const state<B>& s) noexcept {
  if constexpr (B::pinned) for_each_pin(s, [](pin<B>& p) { p.cleared(); });
}

// The table's arrays, and with them the iterators over them, have come from another table.
template <class B>
void follow_arrays(state<B>& s) noexcept {
  if constexpr (B::pinned) {
    // The first pin points back to where the list began.
    if (s.pins.first != nullptr) s.pins.first->begins_at(s.pins.first);
    for_each_pin(s, [&s](pin<B>& p) { p.arrays_went_to(s); });
  }
}

template <class B>
void detach_pins(state<B>& s) noexcept {
  if constexpr (B::pinned) {
    for (pin<B>* p = std::exchange(s.pins.first, nullptr); p != nullptr;) p = p->detach();
  }
}

template <class B>
const char* check_pins(const state<B>& s) noexcept {
  if constexpr (B::pinned) {
    for (const pin<B>* p = s.pins.first; p != nullptr; p = p->next()) {
      if (const char* broken = p->violation(s)) return broken;
    }
  }
  return nullptr;
}

}  // namespace tophash::inline v1::table

#endif
