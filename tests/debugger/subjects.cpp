// SPDX-License-Identifier: Apache-2.0
// Maps and sets for the gdb printer. With an argument: prints what the printer must say of each, from
// iteration and statistics. Without one: comes to stop_here() with all of them alive.
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <string>

#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/layout/directory.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/wiping.hpp>
#include <tophash/policies/growth/doubling_only.hpp>
#include <tophash/policies/growth/in_order.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/observe/event_log.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/overflow/slabs.hpp>
#include <tophash/policies/sizing/prime.hpp>
#include <tophash/policies/sync/owner_checked.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>
#include <tophash/std_api.hpp>

extern "C" [[gnu::noinline]] void stop_here() { asm volatile("" ::: "memory"); }

namespace {

using tophash::bucket_options;
// The same seed in both runs, so the same order.
const tophash::hashing::seeded<tophash::hashing::wyhash> seeded{std::uint64_t{42}};
const tophash::hashing::go_seeded<tophash::hashing::wyhash> seeded_as_in_go{std::uint64_t{42}};
namespace deletion = tophash::deletion;
namespace growth = tophash::growth;
namespace layout = tophash::layout;

std::string shown(std::integral auto n) { return std::to_string(n); }
std::string shown(const std::string& s) { return "\"" + s + "\""; }

std::string key_of(const std::string&, std::uint64_t n) { return "key " + std::to_string(n); }
template <std::integral N>
N key_of(N, std::uint64_t n) {
  return static_cast<N>(n);
}

template <class C>
void fill(C& c, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t n = from; n < to; ++n) {
    if constexpr (requires { typename C::mapped_type; }) {
      c.try_emplace(key_of(typename C::key_type{}, n), key_of(typename C::mapped_type{}, 3 * n));
    } else {
      c.insert(key_of(typename C::key_type{}, n));
    }
  }
}
template <class C>
void fill_until_growing(C& c, std::uint64_t from) {
  for (std::uint64_t n = from; !c.stats().growing && n < from + 10'000; ++n) fill(c, n, n + 1);
}

template <class C>
std::string entries_of(const C& c) {
  std::string out;
  for (const auto& entry : c) {
    if constexpr (requires { typename C::mapped_type; }) {
      out += (out.empty() ? "[" : ", [") + shown(entry.first) + "] = " + shown(entry.second);
    } else {
      out += (out.empty() ? "" : ", ") + shown(entry);
    }
  }
  return out.empty() ? "" : " = {" + out + "}";
}

template <class C>
void expect(const char* name, const C& c) {
  const tophash::map_stats s = c.stats();
  const bool is_open = tophash::facts_of<typename C::spec_type>().layout.is_open();
  const std::string unit = is_open ? "group" : "bucket";
  std::printf(
      "%s: tophash %s of %zu %s in %zu %s%s", name, requires { typename C::mapped_type; } ? "map" : "set",
      s.size, s.size == 1 ? "entry" : "entries", s.units, unit.c_str(), s.units == 1 ? "" : "s");
  if (s.growing)
    std::printf(", growing: the first %zu of %zu old %ss are evacuated", s.old_evacuated, s.old_units,
                unit.c_str());
  const std::string_view spec = tophash::canonical_text<typename C::spec_type>();
  std::printf(" (%.*s)%s\n", static_cast<int>(spec.size()), spec.data(), entries_of(c).c_str());
}

}  // namespace

int main(int count, char**) {
  tophash::map<std::uint64_t, std::string, tophash::presets::go_like, tophash::iteration::plain> go(seeded_as_in_go);
  fill(go, 0, 20), go.erase(3), fill_until_growing(go, 20);
  tophash::map<std::string, std::uint32_t, tophash::presets::low_latency,
               layout::bucket_chain<bucket_options{.group_bytes = 512}>>
      grouped(seeded);
  fill(grouped, 0, 30), fill_until_growing(grouped, 30);
  tophash::map<std::uint16_t, std::uint64_t, layout::bucket_chain<bucket_options{.slots = 3, .tag_bits = 2}>,
               tophash::load<12>, deletion::purging<deletion::dirty, deletion::batch<64, 3>>,
               tophash::overflow::local_list>
      dirty(seeded);
  fill(dirty, 0, 40), dirty.erase(7), dirty.erase(8);
  tophash::map<std::uint64_t, std::uint64_t, layout::bucket_chain<bucket_options{.inline_limit_bytes = 8}>,
               growth::regrowing<growth::incremental<2>, growth::when::dead<25>>,
               deletion::wiping<deletion::tombstone_not_reusing, tophash::wipe::pointers>>
      boxed(seeded);
  fill(boxed, 0, 5), boxed.erase(2);
  tophash::map<std::uint32_t, std::uint64_t,
               layout::bucket_chain<bucket_options{
                   .slots = 5, .arrange = tophash::arrangement::split, .inline_limit_bytes = 4}>,
               tophash::sizing::prime,
               growth::shrinking<growth::regrowing<growth::eager, growth::when::chain<4>>, 25>,
               tophash::overflow::preallocated, tophash::sync::owner_checked_throwing>
      value_boxed(seeded);
  fill(value_boxed, 0, 17);
  tophash::map<std::uint32_t, std::uint64_t,
               layout::bucket_chain<bucket_options{
                   .slots = 2, .filter_bits = 16, .link = tophash::link_kind::index32, .align_bytes = 64}>,
               tophash::load<4>, tophash::overflow::slabs>
      by_number(seeded);
  fill(by_number, 0, 64), by_number.erase(5);
  tophash::set<std::string, tophash::hashing::std_hash,
               tophash::observe::event_log<8, tophash::observe::no_clock>>
      words;
  fill(words, 0, 12);
  tophash::map<int, int> none(seeded);
  tophash::map<std::uint64_t, std::uint64_t, layout::open_groups<8>, deletion::tombstone,
               growth::in_order<growth::incremental<1>>>
      open(seeded);
  fill(open, 0, 40), open.erase(5), open.erase(6), fill_until_growing(open, 40);
  tophash::set<std::uint64_t, layout::open_groups<>, deletion::dirty> open_dirty(seeded);
  fill(open_dirty, 0, 20), open_dirty.erase(4);
  tophash::map<std::string, std::string, layout::nodes> nodes(seeded);
  fill(nodes, 0, 17);
  tophash::map<std::uint64_t, std::string, layout::directory<16>, tophash::growth::doubling_only> tables(seeded);
  fill(tables, 0, 60), tables.erase(5);
  tophash::set<std::uint64_t, layout::directory<>> one_group(seeded);
  fill(one_group, 0, 3);
  tophash::unordered_flat_map<int, std::string> flat;
  for (int n = 0; n < 5; ++n) flat.emplace(n, "v" + std::to_string(n));
  tophash::unordered_node_map<std::string, int> node_based;
  for (int n = 0; n < 5; ++n) node_based.emplace("v" + std::to_string(n), n);
  if (count > 1) {
    expect("go", go), expect("grouped", grouped), expect("dirty", dirty), expect("boxed", boxed);
    expect("value_boxed", value_boxed), expect("by_number", by_number), expect("words", words);
    expect("none", none), expect("open", open);
    expect("open_dirty", open_dirty), expect("nodes", nodes), expect("tables", tables);
    expect("one_group", one_group);
    // The standard's parameters make long specs: not compared.
    std::printf("flat: tophash map of 5 entries in 1 group (...)%s\n", entries_of(flat).c_str());
    std::printf("node_based: tophash map of 5 entries in 1 group (...)%s\n", entries_of(node_based).c_str());
    return 0;
  }
  stop_here();
  return go.size() + flat.size() + node_based.size() > 0 ? 0 : 1;
}
