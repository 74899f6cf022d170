// SPDX-License-Identifier: Apache-2.0
// dump: the text of each layout for maps whose every tag is known; and what the raw view finds of erased
// entries, with each wipe option.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/allocators/system.hpp>
#include <tophash/dump.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/deletion/wiping.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/presets.hpp>
#include <tophash/set.hpp>

using namespace tophash;

namespace of_dump {

// Zeroed blocks; keeps what was in blocks of entries when they were given back.
struct witness {
  using axis = axes::allocation;
  static inline std::vector<std::string> given_back;

  void* try_allocate(const request& r) noexcept {
    void* const block = allocators::system{}.try_allocate(r);
    if (block != nullptr) std::memset(block, 0, r.bytes);
    return block;
  }
  void deallocate(void* block, const request& r) noexcept {
    if (r.use == purpose::node) given_back.emplace_back(static_cast<const char*>(block), r.bytes);
    allocators::system{}.deallocate(block, r);
  }
  friend bool operator==(witness, witness) = default;
};

}  // namespace of_dump

using of_dump::witness;

namespace {

// The key is its hash: top byte the tag, low bits the bucket.
struct as_it_is {
  using axis = axes::hashing;
  static constexpr std::string_view name = "as_it_is";
  static constexpr hashing_facts facts{.seeded = false, .raw = true};
  std::uint64_t hash(std::uint64_t key) const noexcept { return key; }
  bool equal(std::uint64_t a, std::uint64_t b) const noexcept { return a == b; }
};

constexpr std::uint64_t key_of(std::uint64_t tag, std::uint64_t bucket) { return tag << 56 | bucket; }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

template <class... Options>
using plain_map = map<std::uint64_t, std::uint64_t, as_it_is, Options...>;

}  // namespace

TEST_CASE("dump: chains, overflow buckets, tombstones and their collapse", "[dump]") {
  plain_map<presets::go_like> m;
  m.reserve(13);
  for (std::uint64_t tag = 0x10; tag < 0x1a; ++tag) m[key_of(tag, 0)] = tag;
  m[key_of(0xff, 1)] = 1;
  m[key_of(0x03, 1)] = 1;  // moved up past the states
  m.erase(key_of(0x11, 0));
  m.erase(key_of(0x19, 0));
  CHECK(
      dump(m, {.spec = false}) ==
      "10 entries in 2 buckets and 1 overflow bucket; 0 dead, 0 dirty; growth is asked at 13; grown 0 times, "
      "regrown 0\n"
      "not growing\n"
      "bucket 0    | 10 -- 12 13 14 15 16 17 | 7 live\n"
      "  overflow  | 18 .. .. .. .. .. .. .. | 1 live\n"
      "bucket 1    | ff 09 .. .. .. .. .. .. | 2 live\n");
  m.erase(key_of(0x18, 0));
  m.erase(key_of(0x17, 0));
  CHECK(holds(dump(m), "bucket 0    | 10 -- 12 13 14 15 16 .. | 6 live\n"
                       "  overflow  | .. .. .. .. .. .. .. .. | 0 live\n"));
  CHECK(holds(dump(m), "layout=bucket_chain(arrange=split),hashing=as_it_is,"));
  CHECK(holds(dump(m, {.max_units = 1}), "| 0 live\n... and 1 further buckets\n"));
  CHECK(dump(plain_map<presets::go_like>(), {.spec = false}) ==
        "0 entries in 0 buckets; 0 dead, 0 dirty; growth is asked at 0; grown 0 times, regrown 0\nnot "
        "growing\n");
}

TEST_CASE("dump: a growth under way", "[dump]") {
  plain_map<presets::go_like, iteration::plain> m;
  m.reserve(13);
  for (std::uint64_t tag = 0x20; tag < 0x27; ++tag) m[key_of(tag, 0)] = tag;
  for (std::uint64_t tag = 0x30; tag < 0x36; ++tag) m[key_of(tag, 1 + 2 * (tag & 1))] = tag;
  m.erase(key_of(0x22, 0));
  m[key_of(0x2f, 2)] = 0;  // the thirteenth: takes the tombstone
  REQUIRE_FALSE(m.stats().growing);
  plain_map<presets::go_like, growth::incremental<1>> slow(m.begin(), m.end(), std::size_t{13});
  slow[key_of(0x40, 1)] = 0;
  CHECK(dump(slow, {.spec = false}) ==
        "14 entries in 4 buckets; 0 dead, 0 dirty; growth is asked at 26; grown 1 time, regrown 0\n"
        "growing: the first 0 of 2 old buckets are evacuated\n"
        "bucket 0    | .. .. .. .. .. .. .. .. | 0 live\n"
        "bucket 1    | 30 32 34 40 .. .. .. .. | 4 live\n"
        "bucket 2    | .. .. .. .. .. .. .. .. | 0 live\n"
        "bucket 3    | 31 33 35 .. .. .. .. .. | 3 live\n"
        "old array\n"
        "bucket 0    | 20 21 2f 23 24 25 26 .. | 7 live, to be moved\n"
        "bucket 1    | lo hi lo hi lo hi mt mt | 0 live, evacuated\n");
}

TEST_CASE("dump: groups that take no memory, dirty entries, sets", "[dump]") {
  set<std::uint64_t, as_it_is, layout::bucket_chain<bucket_options{.slots = 2, .group_bytes = 64}>,
      deletion::dirty, load<2>, witness>
      s;
  s.reserve(16);
  s.insert(key_of(0x21, 1));
  s.insert(key_of(0x42, 1));
  s.insert(key_of(0x43, 6));
  s.erase(key_of(0x21, 1));
  CHECK(dump(s, {.raw_slots = true, .max_bytes = 2, .spec = false}) ==
        "2 entries in 8 buckets; 0 dead, 1 dirty; growth is asked at 16; grown 0 times, regrown 0\n"
        "not growing\n"
        "bucket 0    | ..  ..  | 0 live\n"
        "    slot 0 ..   key 00 00 ...\n"
        "    slot 1 ..   key 00 00 ...\n"
        "bucket 1    | 90! 21  | 1 live\n"
        "    slot 0 90!  key 01 00 ...\n"
        "    slot 1 21   key 01 00 ...\n"
        "buckets 2 to 5 take no memory\n"
        "bucket 6    | 21  ..  | 1 live\n"
        "    slot 0 21   key 06 00 ...\n"
        "    slot 1 ..   key 00 00 ...\n"
        "bucket 7    | ..  ..  | 0 live\n"
        "    slot 0 ..   key 00 00 ...\n"
        "    slot 1 ..   key 00 00 ...\n");
}

TEST_CASE("dump: open groups and nodes", "[dump]") {
  plain_map<layout::open_groups<8>, deletion::tombstone> m;
  m.reserve(12);
  for (std::uint64_t tag = 0x10; tag < 0x19; ++tag) m[key_of(tag, 0)] = tag;
  m.erase(key_of(0x12, 0));
  m.erase(key_of(0x18, 0));
  CHECK(dump(m, {.spec = false}) ==
        "7 entries in 2 groups; 1 dead, 0 dirty; growth is asked at 13; grown 0 times, regrown 0\n"
        "not growing\n"
        "group 0    | 10 11 xx 13 14 15 16 17 | 7 live\n"
        "group 1    | -- -- -- -- -- -- -- $$ | 0 live\n");
  plain_map<layout::open_groups<8>, growth::incremental<1>> f;
  f.reserve(10);
  for (std::uint64_t tag = 0x20; tag < 0x29; ++tag) f[key_of(tag, 0)] = tag;
  CHECK(holds(dump(f), "group 0    | 20 21 22 23 24 25 26 | filter 00000010 | 7 live\n"
                       "group 1    | 27 28 -- -- -- -- $$ | filter 00000000 | 2 live\n"));
  CHECK(holds(dump(f, {.max_units = 1}), "... and 1 further groups\n"));
  for (std::uint64_t tag = 0x29; !f.stats().growing; ++tag) f[key_of(tag, 1)] = tag;
  CHECK(holds(dump(f), "growing: the first 1 of 2 old groups are evacuated\n"));
  CHECK(holds(dump(f), "old array: groups from 1 on are to be moved\ngroup 0    | --"));
  plain_map<layout::nodes> n;
  n.reserve(20);
  for (std::uint64_t tag = 0x20; tag < 0x31; ++tag) n[key_of(tag, 0)] = tag;
  CHECK(
      holds(dump(n), "group 0    | 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e | passed by 2 | 15 live\n"));
}

// ---- what an erase leaves
// ---------------------------------------------------------------------------------------

namespace {

struct payload {  // may hold an address, for all that gc_traits knows
  std::uint64_t first = 0, second = 0;
};

constexpr std::uint64_t secret_key = 0x1122334455667788;
constexpr payload secret_value{0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8};
const std::string key_bytes = "88 77 66 55 44 33 22 11",
                  value_bytes = "a8 a7 a6 a5 a4 a3 a2 a1 b8 b7 b6 b5 b4 b3 b2 b1";

template <class T>
bool given_back_with(const T& pattern) {
  for (const std::string& block : witness::given_back) {
    if (block.find(std::string(reinterpret_cast<const char*>(&pattern), sizeof pattern)) != std::string::npos)
      return true;
  }
  return false;
}

// What the raw view shows of the one entry that was erased.
struct left {
  bool key = false, value = false, key_in_block = false, value_in_block = false;
  friend bool operator==(left, left) = default;
};

template <class... Options>
left erased_leaves() {
  map<std::uint64_t, payload, as_it_is, witness, Options...> m;
  m.reserve(30);
  m[1] = {};
  m[secret_key] = secret_value;
  m[2] = {};
  const dump_options raw{.raw_slots = true, .max_bytes = 24};
  const bool in_slots = holds(dump(m, raw), "key " + key_bytes) || holds(dump(m, raw), "pair " + key_bytes);
  witness::given_back.clear();
  CHECK(m.erase(secret_key) == 1);
  if constexpr (requires { m.sweep(); }) {
    CHECK(holds(dump(m, raw), key_bytes) == in_slots);  // until the sweep the entry is whole
    m.sweep();
  }
  const std::string text = dump(m, raw);
  left out{holds(text, key_bytes), holds(text, value_bytes), given_back_with(secret_key),
           given_back_with(secret_value)};
  CHECK(m.size() == 2);
  CHECK(m.check_invariants() == nullptr);
  return out;
}

template <class Layout, class Deletion>
void judge(const left& unwiped, const left& pointers) {
  using deletion::wiping;
  CHECK(erased_leaves<Layout, Deletion>() == unwiped);
  CHECK(erased_leaves<Layout, wiping<Deletion, wipe::none>>() == unwiped);
  CHECK(erased_leaves<Layout, wiping<Deletion, wipe::pointers>>() == pointers);
  CHECK(erased_leaves<Layout, wiping<Deletion, wipe::all>>() == left{});
}

}  // namespace

TEST_CASE("wipe: chains leave of an erased entry what the option says", "[dump]") {
  using layout::bucket_chain;
  constexpr left whole{.key = true, .value = true}, key_alone{.key = true};
  judge<bucket_chain<bucket_options{.arrange = arrangement::split}>, deletion::tombstone>(whole, key_alone);
  judge<bucket_chain<>, deletion::immediate>(whole, key_alone);
  judge<bucket_chain<>, deletion::dirty>(whole, key_alone);
  // Behind pointers: the slot holds an address, the block everything else.
  constexpr left in_block{.key_in_block = true, .value_in_block = true};
  judge<bucket_chain<bucket_options{.inline_limit_bytes = 0}>, deletion::immediate>(in_block, in_block);
  constexpr left value_behind{.key = true, .value_in_block = true};
  judge<bucket_chain<bucket_options{.arrange = arrangement::split, .inline_limit_bytes = 8}>,
        deletion::tombstone>(value_behind, value_behind);
}

TEST_CASE("wipe: open groups and nodes leave of an erased entry what the option says", "[dump]") {
  constexpr left whole{.key = true, .value = true}, key_alone{.key = true};
  judge<layout::open_groups<>, deletion::immediate>(whole, key_alone);
  judge<layout::open_groups<>, deletion::tombstone>(whole, key_alone);
  judge<layout::open_groups<8>, deletion::dirty>(whole, key_alone);
  constexpr left in_block{.key_in_block = true, .value_in_block = true};
  judge<layout::nodes, deletion::immediate>(in_block, in_block);
}

TEST_CASE("wipe: a pointer to a block that is gone goes with it", "[dump]") {
  const auto erased_slot = []<class... Options>(bundle<Options...>) {
    map<std::uint64_t, payload, as_it_is, Options...> m;
    m.reserve(8);
    m[key_of(0x20, 0)] = secret_value;
    m.erase(key_of(0x20, 0));
    const std::string text = dump(m, {.max_units = 1, .raw_slots = true});
    const std::size_t at = text.find("pointer to ");
    return text.substr(at, text.find('\n', at) - at);
  };
  using boxed = layout::bucket_chain<bucket_options{.inline_limit_bytes = 0}>;
  using deletion::wiping;
  const std::string chain = "pointer to entry 00 00 00 00 00 00 00 00",
                    node = "pointer to node 00 00 00 00 00 00 00 00";
  CHECK(erased_slot(bundle<boxed>{}) != chain);
  CHECK(erased_slot(bundle<boxed, wiping<deletion::immediate, wipe::pointers>>{}) == chain);
  CHECK(erased_slot(bundle<boxed, wiping<deletion::immediate, wipe::all>>{}) == chain);
  CHECK(erased_slot(bundle<layout::nodes>{}) != node);
  CHECK(erased_slot(bundle<layout::nodes, wiping<deletion::immediate, wipe::pointers>>{}) == node);
  CHECK(erased_slot(bundle<layout::nodes, wiping<deletion::immediate, wipe::all>>{}) == node);
  CHECK(option_name<wiping<deletion::purging<deletion::dirty, deletion::share<25>>, wipe::all>>().view() ==
        "wiping(purging(dirty,share=25),all)");
}
