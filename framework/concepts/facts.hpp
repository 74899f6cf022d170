// SPDX-License-Identifier: Apache-2.0
// What the rules of composition may know of an option: plain values, one aggregate an axis. A type states
// them as `static constexpr <axis>_facts facts`; the lab computes the same aggregates from a spec's text. So
// one line in rules.def judges both. An option that states nothing gets the defaults below.
#ifndef TOPHASH_FRAMEWORK_CONCEPTS_FACTS_HPP
#define TOPHASH_FRAMEWORK_CONCEPTS_FACTS_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tophash/framework/core/purpose.hpp>

namespace tophash::inline v1 {

enum class layout_kind : std::uint8_t { bucket_chain, open_groups, nodes, open_slots, directory, other };
// How a search of layout::open_slots goes on from a slot.
enum class probe_kind : std::uint8_t { linear, triangular, perturbed };
enum class deletion_kind : std::uint8_t { immediate, tombstone, dirty };

// Of an entry that is gone: nothing is zeroed, key or value where it may hold an address, every byte.
enum class wipe : std::uint8_t { none, pointers, all };
constexpr std::string_view wipe_name(wipe w) noexcept {
  return w == wipe::none ? "none" : w == wipe::pointers ? "pointers" : "all";
}

struct layout_facts {
  layout_kind kind = layout_kind::other;
  std::size_t slots = 8;               // per bucket
  std::size_t tag_bits = 8;            // hash bits kept beside a slot
  std::size_t inline_limit_bytes = 0;  // larger entries live behind a pointer
  bool split = false;                  // keys together, values together: each has its own limit
  std::size_t group_bytes = 0;         // buckets lie in groups of about this size behind a directory; 0: one array
  probe_kind steps = probe_kind::linear;  // of open_slots
  std::size_t table_slots = 0;            // of directory: a table that has so many splits when it is full
  // Of bucket_chain:
  std::size_t filter_bits = 0;  // of each main bucket's filter of its overflow buckets; 0: it has none
  std::size_t align_bytes = 0;  // that a bucket asks for; 0: as its entries need
  bool indexed = false;         // overflow buckets are named by number

  // Open addressing: no chains, no overflow buckets.
  constexpr bool is_open() const noexcept {
    return kind == layout_kind::open_groups || kind == layout_kind::nodes || kind == layout_kind::open_slots ||
           kind == layout_kind::directory;
  }

  constexpr bool boxes(std::size_t key_bytes, std::size_t value_bytes) const noexcept {
    if (split) return key_bytes > inline_limit_bytes || value_bytes > inline_limit_bytes;
    return key_bytes + value_bytes > inline_limit_bytes;
  }
};

struct hashing_facts {
  bool seeded = false;  // holds a seed, which the table mixes in
  bool raw = false;     // never mixed, whatever its quality
  bool reseeds = false;       // the table reseeds it when its last entry goes
  bool scatters = false;      // a key unequal to itself is inserted under a random hash
  bool updates_keys = false;  // an assignment replaces the stored key where equal keys can differ
};

struct sizing_facts {
  bool power_of_two = false;
  bool from_high_end = false;  // of a power of two: the parts of a unit in a larger table lie beside each other
};

struct deletion_facts {
  deletion_kind kind = deletion_kind::immediate;
  bool reusing = true;  // an insert may take the slot of an erased entry
  bool hinted = false;  // a dead slot tells how many lie beside it; a bucket of dead ones leaves its chain
  // When an erase by key purges what erases left: 0 and 0, never.
  std::size_t purge_percent = 0;      // as soon as the residue is this share of the load limit
  std::size_t purge_batch_slots = 0;  // when `purge_batches` checks in a row, one every so many erases, each found
  std::size_t purge_batches = 0;      // at least a batch of residue
  bool purge_census = false;          // after each collection, a few chains a write, where marking counted residue
  wipe wiped = wipe::none;

  // Erased entries that are counted (load.dead or load.dirty) and that a purge can remove.
  constexpr bool leaves_residue() const noexcept {
    return kind == deletion_kind::dirty || (kind == deletion_kind::tombstone && !reusing);
  }
  constexpr bool purges() const noexcept { return purge_percent != 0 || purge_batch_slots != 0; }
};

struct load_facts {
  std::size_t numerator = 1;  // entries per unit (bucket, group) when full
  std::size_t denominator = 1;
};

struct growth_facts {
  std::size_t quantum = 0;   // chains evacuated a write; 0 (`whole_table`): all within the write that grows
  bool endless = false;      // its quantum can never end a growth
  bool every_write = false;  // updates and absent deletes step too
  bool on_read = false;      // ... and lookups in a map that is not const
  bool in_order = false;           // chains are evacuated in their order alone; writes to the others stay in the old array
  bool asks_overflow = false;      // decide() is also asked when an overflow bucket was acquired
  bool counts_overflow = false;    // load.counted_overflow is kept
  std::size_t dead_percent = 0;    // ... and when dead and dirty slots are this share of the limit; 0: not
  std::size_t shrink_percent = 0;  // ... and when an erase by key leaves less than this share of the limit; 0: not
};

struct overflow_facts {
  bool recycles = false;
  bool shared = false;    // its blocks come from a resource that other maps use too, not from the map's storage
  bool in_array = false;  // its blocks are a tail of the bucket array
  bool absent = false;    // there are no overflow buckets
  bool numbers = false;   // its blocks have numbers, by which an overflow bucket can be named
};

struct allocation_facts {
  visibility sees = visibility::opaque;
  std::size_t handle_bytes = 0;
  bool mixed_visibility = false;  // a combination whose parts are not seen alike
  bool unknown_owner = false;     // ... or that cannot tell which part a block came from
  bool thread_bound = false;      // one thread alone may allocate
  bool unsynchronised = false;    // any thread may, but not two at once
  bool hoards = false;            // it keeps blocks, or what leads to them, where no collector looks
  bool takes_census = false;      // marking counts the slots of a map as it reads them
  std::size_t align_max_bytes = static_cast<std::size_t>(-1);
};

struct iteration_facts {
  bool survives_mutation = false;
};

// What a thread that must wait does: nothing waits; sleeps in the kernel (std::shared_mutex); spins, then sleeps.
enum class waiting : std::uint8_t { never, sleeping, spinning };

struct sync_facts {
  bool shared = false;          // several threads may write
  std::size_t stripes = 1;      // locks, each with a table of its own
  std::size_t align_bytes = 0;  // distance that keeps two stripes out of one cache line; 0: as the table needs
  waiting wait = waiting::never;
  bool checked = false;   // concurrent misuse is looked for ...
  bool throwing = false;  // ... and what answers it may throw
};

struct observe_facts {
  bool on_const_paths = false;
  bool shared_sink = false;  // its copies write to one place, which is not synchronised
  bool names_erased = false;  // an erase at an iterator hashes the key for it, where the hash is not at hand
};

struct spec_facts {
  layout_facts layout;
  hashing_facts hashing;
  sizing_facts sizing;
  deletion_facts deletion;
  load_facts load;
  growth_facts growth;
  overflow_facts overflow;
  allocation_facts allocation;
  iteration_facts iteration;
  sync_facts sync;
  observe_facts observe;
};

// What the typed rules may know of Key and T.
struct type_facts {
  std::size_t key_bytes = 0;
  std::size_t value_bytes = 0;
  std::size_t align_bytes = 1;  // the stricter of both
  bool key_deferred = true;    // deferred_destruction<Key>
  bool value_deferred = true;
  bool key_may_point = false;  // gc_traits<Key>::may_contain_pointers
  bool value_may_point = false;
  bool key_collected = false;  // holds_collected<Key>(): known to point into collected memory
  bool value_collected = false;
  bool key_traceable = true;   // an exact collector knows every pointer in it: traceable<Key>
  bool value_traceable = true;
  bool hashable = true;        // the hashing policy takes a Key
  bool key_identity = true;    // equality_is_identity<Key>
  bool key_movable = true;     // can be moved or copied, as growth demands
  bool value_movable = true;
  bool boxed = false;          // the layout puts the entry, or part of it, behind a pointer
  bool moving_may_throw = false;  // Key's or T's move (or copy, where it has none)
  bool hashing_may_throw = false;
};

}  // namespace tophash::inline v1

#endif
