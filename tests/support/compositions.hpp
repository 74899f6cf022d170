// SPDX-License-Identifier: Apache-2.0
// From a list of options to a composition of the battery: the map type, the supply of storage behind it, and
// what the options promise, read from their facts and not typed in twice.
#ifndef TOPHASH_TESTS_SUPPORT_COMPOSITIONS_HPP
#define TOPHASH_TESTS_SUPPORT_COMPOSITIONS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <tophash/allocators/decorators/tracked.hpp>
#include <tophash/allocators/system.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>
#include <tophash/policies/load/load.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/policies/overflow/slabs.hpp>
#include <tophash/presets.hpp>
#if TOPHASH_WITH_MIMALLOC
#include <tophash/allocators/mimalloc.hpp>
#endif

#include "support/codecs.hpp"
#include "support/hashes.hpp"
#include "support/map_subject.hpp"
#include "support/storage.hpp"

// A late destructor of these is only counted.
namespace tophash::inline v1 {
template <int Tag, testing::moves Moves>
inline constexpr bool deferred_destruction<testing::counted<Tag, Moves>> = true;
}  // namespace tophash::inline v1

namespace tophash::testing {

// Which handle the map number `which` gets. A recording backend has a resource for both maps, or (Unequal)
// one each.
template <class Option>
struct storage_of {
  Option handle(int) const { return Option{}; }
  static constexpr recording_resource* recorded(int) noexcept { return nullptr; }
};

template <bool Copy, bool Move, bool Swap>
struct storage_of<recording<Copy, Move, Swap>> {
  mutable recording_resource resource;
  recording<Copy, Move, Swap> handle(int) const { return recording<Copy, Move, Swap>(resource); }
  recording_resource* recorded(int) const noexcept { return &resource; }
};

template <>
struct storage_of<recording_apart> {
  mutable recording_resource resources[2];
  storage_of() { resources[1].share_fault(resources[0]); }
  recording_apart handle(int which) const { return recording_apart(resources[which]); }
  recording_resource* recorded(int which) const noexcept { return &resources[which]; }
};

// A seeded policy gets a fixed seed, so that a subject behaves the same each time it is made.
template <class Hashing>
Hashing fixed_hashing(int which) {
  if constexpr (std::is_constructible_v<Hashing, std::uint64_t>) {
    return Hashing(std::uint64_t{0x5eed0000u} + static_cast<unsigned>(which));
  } else {
    return Hashing{};
  }
}

template <class Map>
struct map_supply {
  using spec = typename Map::spec_type;
  storage_of<typename spec::allocation> storage;

  Map make(int which) { return Map(0, storage.handle(which), fixed_hashing<typename spec::hashing>(which)); }
  recording_resource* recorded(int which) const noexcept { return storage.recorded(which); }
  bool owns(int which, const Map& m) const noexcept { return m.allocation() == storage.handle(which); }
};

// A pool for each map, both on the same storage.
template <class Map>
  requires std::is_same_v<typename Map::spec_type::overflow, overflow::shared_pool>
struct map_supply<Map> {
  using spec = typename Map::spec_type;
  storage_of<typename spec::allocation> storage;
  overflow::pool pools[2] = {overflow::pool(storage.handle(0)), overflow::pool(storage.handle(1))};

  Map make(int which) {
    return Map(0, storage.handle(which), fixed_hashing<typename spec::hashing>(which),
               overflow::shared_pool(pools[which]));
  }
  recording_resource* recorded(int which) const noexcept { return storage.recorded(which); }
  bool owns(int which, const Map& m) const noexcept { return m.allocation() == storage.handle(which); }
  std::size_t pooled_bytes() const noexcept { return pools[0].kept_bytes() + pools[1].kept_bytes(); }
  std::size_t pooled_blocks() const noexcept { return pools[0].kept() + pools[1].kept(); }
  void drain() noexcept {
    for (overflow::pool& p : pools) p.drain();
  }
};

template <class Hashing>
inline constexpr const char* hash_quality = "good";
template <>
inline constexpr const char* hash_quality<hashing::hash_with<constant_hash>> = "colliding";
template <>
inline constexpr const char* hash_quality<hashing::hash_with<one_bucket_hash>> = "colliding";
template <>
inline constexpr const char* hash_quality<hashing::hash_with<one_tag_hash>> = "colliding";

template <class Spec, class KeyCodec>
std::vector<std::string> choices_of(bool boxed) {
  const spec_facts facts = facts_of<Spec>();
  const auto named = []<class Option>(const char* axis, std::type_identity<Option>) {
    return axis + std::string(option_name<Option>().view());
  };
  std::vector<std::string> out = {named("deletion=", std::type_identity<typename Spec::deletion>{}),
                                  named("growth=", std::type_identity<typename Spec::growth>{}),
                                  named("overflow=", std::type_identity<typename Spec::overflow>{}),
                                  named("load=", std::type_identity<typename Spec::load>{}),
                                  std::string("arrange=") + (facts.layout.split ? "split" : "paired"),
                                  std::string("entries=") + (boxed ? "boxed" : "inline"),
                                  "slots=" + std::to_string(facts.layout.slots),
                                  std::string("hash=") + hash_quality<typename Spec::hashing>};
  // Unequal handles are a variant for moves, no backend of their own in the cover.
  if (!std::is_same_v<typename Spec::allocation, recording_apart>) {
    out.push_back(named("storage=", std::type_identity<typename Spec::allocation>{}));
  }
  if (KeyCodec::covered) out.push_back(std::string("key=") + KeyCodec::name);
  return out;
}

constexpr deletion_family family_of(deletion_kind kind) noexcept {
  if (kind == deletion_kind::tombstone) return deletion_family::tombstone;
  return kind == deletion_kind::dirty ? deletion_family::dirty : deletion_family::immediate;
}

template <class KeyCodec, class ValueCodec, class... Options>
composition composed() {
  using key_type = typename KeyCodec::type;
  using mapped_type = typename ValueCodec::type;
  using map_type = tophash::map<key_type, mapped_type, Options...>;
  using spec = typename map_type::spec_type;
  const spec_facts facts = facts_of<spec>();
  composition out;
  out.name = std::string(canonical_text<spec>()) + " key=" + KeyCodec::name + " value=" + ValueCodec::name;
  out.promised.copyable = std::is_copy_constructible_v<key_type> && std::is_copy_constructible_v<mapped_type>;
  out.promised.deletion = family_of(facts.deletion.kind);
  out.promised.reusing = facts.deletion.reusing;
  out.promised.quantum = facts.growth.quantum;
  out.promised.every_write = facts.growth.every_write;
  out.promised.on_read = facts.growth.on_read;
  out.promised.slots = facts.layout.slots;
  out.promised.load_numerator = facts.load.numerator;
  out.promised.load_denominator = facts.load.denominator;
  // Behind a directory a table takes what the load policy says, as a table of chains does.
  if constexpr (facts_of<spec>().layout.is_open() && facts_of<spec>().layout.kind != layout_kind::directory) {
    out.promised.open_width = facts.layout.slots;
    const bool filtered = facts.layout.slots != 1 && facts.deletion.kind != deletion_kind::tombstone;
    out.promised.slots = facts.layout.slots - (filtered ? 1 : 0);
  }
  out.promised.recorded = map_supply<map_type>{}.recorded(0) != nullptr;
  out.promised.equal_handles = !std::is_same_v<typename spec::allocation, recording_apart>;
  out.promised.counted = ledger_of<KeyCodec>() != nullptr && ledger_of<ValueCodec>() != nullptr;
  out.choices = choices_of<spec, KeyCodec>(facts.layout.boxes(sizeof(key_type), sizeof(mapped_type)));
  out.make = [] {
    return std::unique_ptr<subject>(
        std::make_unique<map_subject<map_type, KeyCodec, ValueCodec, map_supply<map_type>>>());
  };
  return out;
}

// ---- short spellings for the rows of tests/contract

inline constexpr std::size_t inlined = 4096, boxed = 0;
inline constexpr arrangement paired = arrangement::paired, split = arrangement::split;

template <std::size_t Slots, arrangement Arrange, std::size_t LimitBytes>
using chain = layout::bucket_chain<bucket_options{
    .slots = Slots, .arrange = Arrange, .inline_limit_bytes = LimitBytes}>;

// Groups of two buckets or so: several even in small tables.
template <std::size_t Slots, arrangement Arrange, std::size_t LimitBytes>
using groups = layout::bucket_chain<bucket_options{
    .slots = Slots, .arrange = Arrange, .inline_limit_bytes = LimitBytes, .group_bytes = 256}>;

// Chains whose main buckets have a filter; with links by number; at aligned places.
template <std::size_t Slots, std::size_t Bits>
using filtered = layout::bucket_chain<bucket_options{.slots = Slots, .filter_bits = Bits}>;
template <std::size_t Slots, arrangement Arrange, std::size_t LimitBytes, std::size_t Bits>
using numbered = layout::bucket_chain<bucket_options{.slots = Slots, .arrange = Arrange, .inline_limit_bytes = LimitBytes,
                                                     .filter_bits = Bits, .link = link_kind::index32}>;
template <std::size_t Slots, std::size_t Bytes>
using aligned = layout::bucket_chain<bucket_options{.slots = Slots, .align_bytes = Bytes}>;

template <std::size_t Width>
using open = layout::open_groups<Width>;

using immediate = deletion::immediate;
using tombstone = deletion::tombstone;
using not_reusing = deletion::tombstone_not_reusing;
using dirty = deletion::dirty;
using eager = growth::eager;
template <std::size_t Quantum>
using steps = growth::incremental<Quantum>;
template <std::size_t Quantum>
using every_step = growth::incremental<Quantum, true>;
using fresh = overflow::fresh;
using local = overflow::local_list;

template <class F>
using with = hashing::hash_with<F>;
using wyhash = hashing::seeded<hashing::wyhash>;

using system_storage = allocators::system;
using tracked_storage = allocators::tracked<allocators::system>;
using recorded_storage = recording<>;
#if TOPHASH_WITH_MIMALLOC
using mimalloc_storage = allocators::mimalloc;
#else
using mimalloc_storage = allocators::system;
#endif

// A row beyond the pairwise cover.
inline composition beyond(composition row) {
  row.choices.clear();
  return row;
}

// Keys with the values that go with them.
template <class... Options>
composition numbers() {
  return composed<u64_codec, u64_codec, Options...>();
}
template <class... Options>
composition strings() {
  return composed<string_codec, string_codec, Options...>();
}
template <class... Options>
composition counting() {
  return composed<counted_key_codec, counted_value_codec, Options...>();
}
template <class... Options>
composition wides() {
  return composed<wide_key_codec, wide_value_codec, Options...>();
}

}  // namespace tophash::testing

#endif
