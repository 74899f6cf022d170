// SPDX-License-Identifier: Apache-2.0
// Composition: the order of options makes no second type, explicit beats preset beats default, every axis is
// named in the canonical text, stateless policies take no room, every rule fires on its own condition and on
// no legal spec, and each concept's smallest conforming type makes a working map.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

#include <catch2/catch.hpp>

#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

using namespace tophash;

namespace {
template <class... Options>
using ints = tophash::map<int, int, Options...>;
using tagged = layout::bucket_chain<bucket_options{.slots = 4}>;
}  // namespace

TEST_CASE("compose: the order of options never makes a second type", "[compose]") {
  using one = ints<tagged, deletion::dirty, growth::incremental<2>, load<4>, overflow::local_list>;
  STATIC_REQUIRE(
      std::is_same_v<one,
                     ints<overflow::local_list, load<4>, growth::incremental<2>, deletion::dirty, tagged>>);
  STATIC_REQUIRE(
      std::is_same_v<one,
                     ints<growth::incremental<2>, tagged, overflow::local_list, deletion::dirty, load<4>>>);
  STATIC_REQUIRE(std::is_same_v<ints<>, ints<deletion::immediate>>);
  STATIC_REQUIRE(std::is_same_v<ints<>, ints<load<13, 2>, growth::eager>>);
  STATIC_REQUIRE(!std::is_same_v<ints<>, ints<deletion::dirty>>);
  STATIC_REQUIRE(
      std::is_same_v<ints<presets::go_like, deletion::dirty>, ints<deletion::dirty, presets::go_like>>);
}

TEST_CASE("compose: an explicit option beats a preset, a preset beats the defaults", "[compose]") {
  using plain = ints<presets::go_like>::spec_type;
  using other = ints<presets::go_like, deletion::dirty>::spec_type;
  STATIC_REQUIRE(std::is_same_v<plain::deletion, deletion::tombstone>);
  STATIC_REQUIRE(std::is_same_v<plain::growth,
                                growth::regrowing<growth::incremental<2, true>, growth::when::go_overflow>>);
  STATIC_REQUIRE(std::is_same_v<other::deletion, deletion::dirty>);
  STATIC_REQUIRE(std::is_same_v<other::growth, plain::growth>);
  STATIC_REQUIRE(std::is_same_v<other::layout, plain::layout>);
  STATIC_REQUIRE(std::is_same_v<ints<>::spec_type::deletion, deletion::immediate>);
}

TEST_CASE("compose: the canonical text names every axis in order", "[compose]") {
  CHECK(canonical_text<ints<>::spec_type>() ==
        "layout=bucket_chain,hashing=seeded(wyhash),sizing=power_of_two,deletion=immediate,load=load(13,2),"
        "growth=eager,overflow=fresh,allocation=system,iteration=plain,sync=none,observe=nothing");
  CHECK(canonical_text<ints<presets::go_like, overflow::local_list, observe::counters>::spec_type>() ==
        "layout=bucket_chain(arrange=split),hashing=go_seeded(wyhash),sizing=power_of_two,deletion=tombstone,"
        "load=load(13,2),growth=regrowing(incremental(2,every_write),go_overflow),overflow=local_list,"
        "allocation=system,iteration=mutation_safe,sync=owner_checked,observe=counters");
  CHECK(canonical_text<ints<tagged>::spec_type>().starts_with("layout=bucket_chain(slots=4),"));
  struct mine {
    using axis = axes::observe;
  };
  CHECK(canonical_text<ints<mine>::spec_type>().find("observe=<") != std::string_view::npos);
}

TEST_CASE("compose: stateless policies take no room", "[compose]") {
  STATIC_REQUIRE(std::is_empty_v<observe::nothing>);
  // A seed is one word; the hash itself, sizing, growth, storage and observation are none.
  STATIC_REQUIRE(sizeof(ints<>) == sizeof(ints<hashing::wyhash>) + sizeof(std::uint64_t));
  STATIC_REQUIRE(sizeof(ints<>) == sizeof(ints<growth::incremental<2>, deletion::tombstone>));
  STATIC_REQUIRE(sizeof(ints<>) == sizeof(tophash::map<std::string, std::string>));
  STATIC_REQUIRE(sizeof(ints<>) == sizeof(tophash::set<int>));
  STATIC_REQUIRE(sizeof(ints<observe::counters>) > sizeof(ints<>));
}

// ---- rules

namespace {

// The rule that facts break, by name; "" when they break none.
std::string broken_by(const pack_facts& p, const spec_facts& f, const type_facts& t) {
  const std::size_t index = first_violation(p, f, t);
  return index == no_rule ? "" : rules[index].id;
}

struct judged {
  pack_facts p{};
  spec_facts f = facts_of<ints<>::spec_type>();
  type_facts t = type_facts_of<int, int, ints<>::spec_type>();
  std::string verdict() const { return broken_by(p, f, t); }
};

template <class Change>
std::string after(Change change) {
  judged j;
  change(j);
  return j.verdict();
}

}  // namespace

TEST_CASE("rules: each fires on its own condition, alone", "[compose]") {
  CHECK(judged{}.verdict() == "");
  std::set<std::string> fired;
  const auto fires = [&fired](const char* id, auto change) {
    CHECK(after(change) == id);
    fired.insert(id);
  };
  fires("stranger", [](judged& j) { j.p.strangers = 1; });
  fires("duplicate", [](judged& j) { j.p.duplicates = 1; });
  fires("preset_conflict", [](judged& j) { j.p.preset_conflicts = 1; });
  fires("layout_conforms", [](judged& j) { j.p.layout_conforms = false; });
  fires("sizing_conforms", [](judged& j) { j.p.sizing_conforms = false; });
  fires("deletion_conforms", [](judged& j) { j.p.deletion_conforms = false; });
  fires("load_conforms", [](judged& j) { j.p.load_conforms = false; });
  fires("growth_conforms", [](judged& j) { j.p.growth_conforms = false; });
  fires("overflow_conforms", [](judged& j) { j.p.overflow_conforms = false; });
  fires("handle_words", [](judged& j) { j.f.allocation.handle_bytes = 2 * sizeof(void*) + 1; });
  fires("allocation_conforms", [](judged& j) { j.p.allocation_conforms = false; });
  fires("bucket_slots", [](judged& j) { j.f.layout.slots = 9; });
  fires("bucket_slots", [](judged& j) { j.f.layout.slots = 0; });
  fires("bucket_tag_bits", [](judged& j) { j.f.layout.tag_bits = 9; });
  fires("bucket_filter", [](judged& j) { j.f.layout.filter_bits = 12; });
  fires("bucket_align", [](judged& j) { j.f.layout.align_bytes = 48; });
  fires("bucket_align", [](judged& j) { j.f.layout.align_bytes = 8192; });
  fires("bucket_align_storage", [](judged& j) { j.f.layout.align_bytes = 64, j.f.allocation.align_max_bytes = 16; });
  fires("index_source", [](judged& j) { j.f.layout.indexed = true; });
  fires("slabs_link", [](judged& j) { j.f.overflow.numbers = true; });
  fires("index_storage", [](judged& j) {
    j.f.layout.indexed = j.f.overflow.numbers = true, j.f.allocation.sees = visibility::scanned;
  });
  fires("load_empty", [](judged& j) { j.f.load.numerator = 0; });
  fires("load_empty", [](judged& j) { j.f.load.denominator = 0; });
  fires("growth_endless", [](judged& j) { j.f.growth.endless = true; });
  fires("growth_on_read", [](judged& j) { j.f.growth.quantum = 0, j.f.growth.on_read = true; });
  CHECK(after([](judged& j) { j.f.growth.quantum = 1, j.f.growth.on_read = true; }) == "");
  fires("growth_shrink_share", [](judged& j) { j.f.growth.shrink_percent = 26; });
  fires("growth_dead_share", [](judged& j) { j.f.growth.dead_percent = 1; });
  const auto tombstones = [](judged& j) {
    j.f.deletion.kind = deletion_kind::tombstone;
    j.f.deletion.reusing = false;
  };
  CHECK(after([tombstones](judged& j) { tombstones(j), j.f.growth.dead_percent = 1; }) == "");
  const auto hinted = [tombstones](judged& j) { tombstones(j), j.f.deletion.hinted = true; };
  CHECK(after(hinted) == "");
  CHECK(after([hinted](judged& j) { hinted(j), j.f.layout.slots = 4; }) == "");
  fires("hinted_layout", [hinted](judged& j) { hinted(j), j.f.layout.slots = 7; });
  fires("hinted_layout", [hinted](judged& j) { hinted(j), j.f.layout.slots = 1; });
  fires("hinted_layout", [hinted](judged& j) {
    hinted(j), j.f.layout.kind = layout_kind::open_groups, j.f.layout.slots = 16, j.f.overflow.absent = true;
  });
  fires("hinted_census", [hinted](judged& j) { hinted(j), j.f.allocation.takes_census = true; });
  fires("purge_residue", [](judged& j) { j.f.deletion.purge_percent = 1; });
  fires("purge_residue", [](judged& j) { j.f.deletion.purge_batch_slots = 8, j.f.deletion.purge_batches = 2; });
  fires("purge_trigger", [tombstones](judged& j) { tombstones(j), j.f.deletion.purge_percent = 101; });
  fires("purge_trigger", [tombstones](judged& j) { tombstones(j), j.f.deletion.purge_batch_slots = 8; });
  CHECK(after([tombstones](judged& j) { tombstones(j), j.f.deletion.purge_percent = 100; }) == "");
  const auto by_census = [](judged& j) { j.f.deletion.purge_census = true, j.f.allocation.takes_census = true; };
  const auto hides = [](judged& j) { j.f.deletion.kind = deletion_kind::dirty; };
  CHECK(after([by_census, hides](judged& j) { by_census(j), hides(j); }) == "");
  fires("purge_census", by_census);
  fires("purge_census", [by_census, tombstones](judged& j) { by_census(j), tombstones(j); });
  fires("census_reader", [by_census, hides](judged& j) { by_census(j), hides(j), j.f.allocation.takes_census = false; });
  fires("tail_groups", [](judged& j) { j.f.overflow.in_array = true, j.f.layout.group_bytes = 4096; });
  fires("pool_pointer_free", [](judged& j) {
    j.f.overflow.shared = true, j.f.allocation.sees = visibility::pointer_free;
  });
  fires("pointer_free_groups", [](judged& j) {
    j.f.layout.group_bytes = 4096, j.f.allocation.sees = visibility::pointer_free;
  });
  const auto open = [](judged& j) {
    j.f.layout.kind = layout_kind::open_groups, j.f.layout.slots = 16;
    j.f.overflow.absent = true;
  };
  CHECK(after(open) == "");
  fires("group_width", [open](judged& j) { open(j), j.f.layout.slots = 12; });
  fires("open_overflow", [open](judged& j) { open(j), j.f.overflow.absent = false; });
  fires("chain_overflow", [](judged& j) { j.f.overflow.absent = true; });
  fires("open_regrow", [open](judged& j) { open(j), j.f.growth.asks_overflow = true; });
  fires("open_load", [open](judged& j) { open(j), j.f.load.numerator = 16, j.f.load.denominator = 1; });
  fires("open_load", [open](judged& j) { open(j), j.f.load.numerator = 31, j.f.load.denominator = 2; });
  CHECK(after([open](judged& j) { open(j), j.f.load.numerator = 15, j.f.load.denominator = 1; }) == "");
  const auto in_nodes = [open](judged& j) { open(j), j.f.layout.kind = layout_kind::nodes; };
  CHECK(after(in_nodes) == "");
  fires("nodes_tombstone", [in_nodes](judged& j) { in_nodes(j), j.f.deletion.kind = deletion_kind::tombstone; });
  fires("nodes_pointer_free", [in_nodes](judged& j) { in_nodes(j), j.f.allocation.sees = visibility::pointer_free; });
  const auto safe = [](judged& j) { j.f.iteration.survives_mutation = true; };
  CHECK(after(safe) == "");
  fires("mutation_layout", [open, safe](judged& j) { open(j), safe(j); });
  fires("mutation_sizing", [safe](judged& j) { safe(j), j.f.sizing.power_of_two = false; });
  fires("scattering_layout", [open](judged& j) { open(j), j.f.hashing.scatters = true; });
  fires("scattering_shrink", [safe](judged& j) {
    safe(j), j.f.hashing.scatters = true, j.f.growth.shrink_percent = 25, j.t.key_identity = false;
  });
  const auto in_slots = [open](judged& j) {
    open(j), j.f.layout.kind = layout_kind::open_slots, j.f.layout.slots = 1, j.f.sizing.power_of_two = true;
    j.f.load.numerator = 2, j.f.load.denominator = 3;
  };
  const auto stepping = [in_slots, tombstones](judged& j) {
    in_slots(j), tombstones(j), j.f.layout.steps = probe_kind::triangular;
  };
  CHECK(after(in_slots) == "");
  CHECK(after(stepping) == "");
  fires("open_overflow", [in_slots](judged& j) { in_slots(j), j.f.overflow.absent = false; });
  fires("slots_load", [in_slots](judged& j) { in_slots(j), j.f.load.denominator = 2; });
  fires("slots_sizing", [stepping](judged& j) { stepping(j), j.f.sizing.power_of_two = false; });
  CHECK(after([in_slots](judged& j) { in_slots(j), j.f.sizing.power_of_two = false; }) == "");
  fires("slots_immediate",
        [stepping](judged& j) { stepping(j), j.f.deletion.kind = deletion_kind::immediate; });
  fires("slots_growth", [in_slots](judged& j) { in_slots(j), j.f.growth.quantum = 8; });
  fires("slots_growth", [stepping](judged& j) {
    stepping(j), j.f.layout.steps = probe_kind::perturbed, j.f.growth.quantum = 8;
  });
  fires("slots_quantum", [stepping](judged& j) { stepping(j), j.f.growth.quantum = 2; });
  CHECK(after([stepping](judged& j) { stepping(j), j.f.growth.quantum = 3; }) == "");
  fires("slots_typed", [in_slots](judged& j) { in_slots(j), j.f.allocation.sees = visibility::typed; });
  fires("slots_throwing", [in_slots](judged& j) { in_slots(j), j.t.moving_may_throw = true; });
  fires("slots_throwing", [in_slots](judged& j) { in_slots(j), j.t.hashing_may_throw = true; });
  CHECK(after([stepping](judged& j) { stepping(j), j.t.hashing_may_throw = true; }) == "");
  const auto in_tables = [open](judged& j) {
    open(j), j.f.layout.kind = layout_kind::directory, j.f.layout.slots = 8, j.f.layout.table_slots = 1024;
    j.f.load.numerator = 7, j.f.load.denominator = 1, j.f.sizing.power_of_two = true;
    j.f.deletion.kind = deletion_kind::tombstone;
  };
  CHECK(after(in_tables) == "");
  CHECK(after([in_tables](judged& j) { in_tables(j), j.f.hashing.scatters = true; }) == "");
  CHECK(after([in_tables](judged& j) { in_tables(j), j.f.allocation.sees = visibility::scanned; }) == "");
  fires("directory_slots", [in_tables](judged& j) { in_tables(j), j.f.layout.table_slots = 8; });
  fires("directory_slots", [in_tables](judged& j) { in_tables(j), j.f.layout.table_slots = 1000; });
  fires("directory_slots", [in_tables](judged& j) { in_tables(j), j.f.layout.table_slots = 131072; });
  fires("directory_sizing", [in_tables](judged& j) { in_tables(j), j.f.sizing.power_of_two = false; });
  fires("directory_sizing", [in_tables](judged& j) { in_tables(j), j.f.sizing.from_high_end = true; });
  fires("directory_deletion", [in_tables](judged& j) { in_tables(j), j.f.deletion.reusing = false; });
  fires("directory_deletion", [in_tables](judged& j) { in_tables(j), j.f.deletion.kind = deletion_kind::dirty; });
  fires("directory_growth", [in_tables](judged& j) { in_tables(j), j.f.growth.quantum = 2; });
  fires("directory_growth", [in_tables](judged& j) { in_tables(j), j.f.growth.shrink_percent = 25; });
  fires("directory_storage", [in_tables](judged& j) { in_tables(j), j.f.allocation.sees = visibility::typed; });
  fires("directory_storage", [in_tables](judged& j) { in_tables(j), j.f.allocation.sees = visibility::traced; });
  fires("open_load", [in_tables](judged& j) { in_tables(j), j.f.load.numerator = 15, j.f.load.denominator = 2; });
  fires("mutation_layout", [in_tables, safe](judged& j) { in_tables(j), safe(j); });
  const auto shared = [](judged& j) { j.f.sync.shared = true, j.f.sync.stripes = 16; };
  CHECK(after(shared) == "");
  fires("sync_stripes", [shared](judged& j) { shared(j), j.f.sync.stripes = 0; });
  fires("sync_stripes", [shared](judged& j) { shared(j), j.f.sync.stripes = 24; });
  fires("sync_stripes", [shared](judged& j) { shared(j), j.f.sync.stripes = 131072; });
  fires("sync_stripes", [shared](judged& j) { shared(j), j.f.sync.align_bytes = 96; });
  fires("sync_iteration", [shared, safe](judged& j) { shared(j), safe(j); });
  fires("sync_on_read", [shared](judged& j) { shared(j), j.f.growth.quantum = 2, j.f.growth.on_read = true; });
  fires("sync_observer", [shared](judged& j) { shared(j), j.p.observer_is_told_of_reads = true; });
  CHECK(after([shared](judged& j) {
          shared(j), j.p.observer_is_told_of_reads = true, j.f.observe.on_const_paths = true;
        }) == "");
  fires("sync_sink", [shared](judged& j) { shared(j), j.f.observe.shared_sink = true; });
  fires("sync_pool", [shared](judged& j) { shared(j), j.f.overflow.shared = true; });
  CHECK(after([shared](judged& j) { shared(j), j.f.sync.stripes = 1, j.f.overflow.shared = true; }) == "");
  fires("hashable", [](judged& j) { j.t.hashable = false; });
  const auto dirty = [](judged& j) { j.f.deletion.kind = deletion_kind::dirty; };
  fires("dirty_destruction", [dirty](judged& j) { dirty(j), j.t.key_deferred = false; });
  fires("dirty_destruction", [dirty](judged& j) { dirty(j), j.t.value_deferred = false; });
  fires("movable_entries", [](judged& j) { j.t.value_movable = false; });
  const auto pointer_free = [](judged& j) { j.f.allocation.sees = visibility::pointer_free; };
  fires("pointer_free_types", [pointer_free](judged& j) { pointer_free(j), j.t.value_may_point = true; });
  fires("pointer_free_types", [pointer_free](judged& j) { pointer_free(j), j.t.key_may_point = true; });
  const auto opaque = [](judged& j) { j.f.allocation.sees = visibility::opaque; };
  fires("opaque_collected", [opaque](judged& j) { opaque(j), j.t.key_collected = true; });
  fires("opaque_collected", [opaque](judged& j) { opaque(j), j.t.value_collected = true; });
  CHECK(after([](judged& j) { j.f.allocation.sees = visibility::traced, j.t.value_collected = true; }) == "");
  const auto typed = [](judged& j) { j.f.allocation.sees = visibility::typed; };
  fires("untraced_types", [typed](judged& j) { typed(j), j.t.key_traceable = false; });
  fires("untraced_types", [typed](judged& j) { typed(j), j.t.value_traceable = false; });
  fires("pointer_free_boxes", [pointer_free](judged& j) { pointer_free(j), j.t.boxed = true; });
  fires("storage_mixed", [](judged& j) { j.f.allocation.mixed_visibility = true; });
  fires("storage_owner", [](judged& j) { j.f.allocation.unknown_owner = true; });
  fires("storage_hoards",
        [](judged& j) { j.f.allocation.hoards = true, j.f.allocation.sees = visibility::scanned; });
  CHECK(after([](judged& j) { j.f.allocation.hoards = true; }) == "");
  fires("storage_thread", [](judged& j) { j.f.allocation.thread_bound = j.f.sync.shared = true; });
  CHECK(after([](judged& j) { j.f.allocation.thread_bound = true; }) == "");
  fires("storage_unsynchronised",
        [](judged& j) { j.f.allocation.unsynchronised = j.f.sync.shared = true, j.f.sync.stripes = 2; });
  CHECK(after([](judged& j) { j.f.allocation.unsynchronised = j.f.sync.shared = true; }) == "");
  fires("collector_thread", [typed](judged& j) { typed(j), j.f.sync.shared = true; });
  fires("storage_alignment",
        [](judged& j) { j.f.allocation.align_max_bytes = 4096, j.t.align_bytes = 8192; });
  CHECK(after([](judged& j) { j.f.allocation.align_max_bytes = j.t.align_bytes = 4096; }) == "");
  for (const rule_row& rule : rules) {
    INFO("a rule without a case above: " << rule.id);
    CHECK(fired.contains(rule.id));
  }
}

TEST_CASE("rules: near misses are legal", "[compose]") {
  CHECK(after([](judged& j) { j.f.layout.slots = 8; }) == "");
  CHECK(after([](judged& j) { j.f.layout.slots = 1; }) == "");
  CHECK(after([](judged& j) { j.f.layout.tag_bits = 0; }) == "");
  CHECK(after([](judged& j) { j.f.allocation.handle_bytes = 2 * sizeof(void*); }) == "");
  CHECK(after([](judged& j) { j.f.deletion.kind = deletion_kind::dirty; }) == "");
  CHECK(after([](judged& j) { j.t.value_deferred = false; }) == "");
  CHECK(after([](judged& j) { j.f.hashing.scatters = true, j.t.key_identity = false; }) == "");
  CHECK(after([](judged& j) { j.t.value_movable = false, j.t.boxed = true; }) == "");
  CHECK(after([](judged& j) { j.f.allocation.sees = visibility::scanned, j.t.key_may_point = true; }) == "");
  CHECK(after([](judged& j) { j.f.allocation.sees = visibility::pointer_free; }) == "");
}

TEST_CASE("rules: pack rules are judged without types, typed ones need them", "[compose]") {
  judged j;
  j.f.deletion.kind = deletion_kind::dirty;
  j.t.value_deferred = false;
  CHECK(first_violation(j.p, j.f) == no_rule);
  CHECK(first_violation(j.p, j.f, j.t) != no_rule);
  j.f.growth.endless = true;
  CHECK(rules[first_violation(j.p, j.f)].id == std::string("growth_endless"));
}

TEST_CASE("rules: rows are complete, sentences are sentences", "[compose]") {
  std::set<std::string> ids;
  for (const rule_row& rule : rules) {
    INFO(rule.id);
    CHECK(ids.insert(rule.id).second);
    for (const char* part : {rule.axes, rule.condition, rule.sentence, rule.remedy})
      CHECK(std::string(part) != "");
    CHECK(std::string(rule.sentence).back() != '.');
    CHECK(std::string(rule.sentence).size() > 40);
  }
  CHECK(ids.size() == rule_count);
}

// ---- a user's own policies

namespace {

struct doubling {
  using axis = axes::growth;
  static constexpr growth_facts facts{};
  static constexpr plan decide(const load_state& l) noexcept { return plan::resize(2 * l.units); }
};
struct fourfold_in_steps {
  using axis = axes::growth;
  static constexpr growth_facts facts{.quantum = 3};
  static constexpr plan decide(const load_state& l) noexcept { return plan::resize(4 * l.units); }
};
struct never {
  using axis = axes::growth;
  static constexpr growth_facts facts{};
  static constexpr plan decide(const load_state&) noexcept { return plan::keep(); }
};
struct quiet {
  using axis = axes::observe;
};
struct length_hash {
  using axis = axes::hashing;
  static std::uint64_t hash(const std::string& key) noexcept { return key.size(); }
  static bool equal(const std::string& a, const std::string& b) noexcept { return a == b; }
};
struct half_full {
  using axis = axes::load;
  static constexpr load_facts facts{.numerator = 4, .denominator = 1};
  static constexpr std::size_t limit(std::size_t units, std::size_t slots) noexcept {
    return units == 1 ? slots : units * 4;
  }
  static constexpr std::size_t units_for(std::size_t n, std::size_t slots) noexcept {
    return n <= slots ? 1 : (n + 3) / 4;
  }
};

template <class Map>
void exercise() {
  Map m;
  for (int i = 0; i < 500; ++i)
    m.try_emplace(std::string(static_cast<std::size_t>(i % 7), 'x') + std::to_string(i), i);
  CHECK(m.size() == 500);
  for (int i = 0; i < 500; i += 2) {
    CHECK(m.erase(std::string(static_cast<std::size_t>(i % 7), 'x') + std::to_string(i)) == 1);
  }
  CHECK(m.size() == 250);
  for (int i = 1; i < 500; i += 2) {
    CHECK(m.at(std::string(static_cast<std::size_t>(i % 7), 'x') + std::to_string(i)) == i);
  }
  const char* wrong = m.check_invariants();
  CHECK(std::string(wrong != nullptr ? wrong : "") == "");
}

}  // namespace

TEST_CASE("compose: a user's own policies", "[compose]") {
  exercise<tophash::map<std::string, int, doubling>>();
  exercise<tophash::map<std::string, int, fourfold_in_steps>>();
  exercise<tophash::map<std::string, int, never>>();
  exercise<tophash::map<std::string, int, quiet>>();
  exercise<tophash::map<std::string, int, length_hash, deletion::tombstone>>();
  exercise<tophash::map<std::string, int, half_full, growth::incremental<1>>>();
  tophash::map<std::string, int, never> kept;
  for (int i = 0; i < 500; ++i) kept.try_emplace(std::to_string(i), i);
  CHECK(kept.stats().units == 1);
}

TEST_CASE("compose: a weak hash is mixed, a raw one is not", "[compose]") {
  // Keys that differ above bit 32 only: unmixed they share a bucket.
  tophash::map<std::uint64_t, int, hashing::std_hash> mixed;
  tophash::map<std::uint64_t, int, hashing::identity> raw;
  for (std::uint64_t i = 0; i < 1000; ++i) mixed.try_emplace(i << 32, 0), raw.try_emplace(i << 32, 0);
  CHECK(mixed.chain_statistics().longest_chain_entries < 40);
  CHECK(raw.chain_statistics().longest_chain_entries == 1000);
}
