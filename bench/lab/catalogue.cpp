// SPDX-License-Identifier: Apache-2.0
// The table of options and what is computed from it. Facts come from the types themselves where an option has
// no parameters, else from its arguments by the same formula as the type's; tests/unit/lab.cpp compares both
// for every curated variant.
#include "lab/catalogue.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/layout/bucket_chain.hpp>
#include <tophash/framework/layout/directory.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/framework/presets.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/immediate.hpp>
#include <tophash/policies/deletion/purging.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/deletion/wiping.hpp>
#include <tophash/policies/growth/doubling_only.hpp>
#include <tophash/policies/growth/eager.hpp>
#include <tophash/policies/growth/in_order.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/on_read.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/growth/shrinking.hpp>
#include <tophash/policies/hashing/go_seeded.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/murmur3.hpp>
#include <tophash/policies/hashing/prefix.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#include <tophash/policies/iteration/mutation_safe.hpp>
#include <tophash/policies/iteration/plain.hpp>
#include <tophash/policies/observe/chrome_trace.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/observe/event_log.hpp>
#include <tophash/policies/observe/histogram.hpp>
#include <tophash/policies/observe/nothing.hpp>
#include <tophash/policies/observe/recorder.hpp>
#include <tophash/policies/observe/tombstone_log.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/policies/overflow/preallocated.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>
#include <tophash/policies/overflow/slabs.hpp>
#include <tophash/policies/sizing/fast_range.hpp>
#include <tophash/policies/sizing/power_of_two.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>
#include <tophash/policies/sizing/prime.hpp>
#include <tophash/policies/sync/none.hpp>
#include <tophash/policies/sync/owner_checked.hpp>
#include <tophash/policies/sync/shared_mutex.hpp>
#include <tophash/policies/sync/striped.hpp>

#include "lab/nearest.hpp"
#include "lab/spec_parser.hpp"

namespace tophash::lab {

namespace {

constexpr std::size_t layout_axis = axes::layout::index, hashing_axis = axes::hashing::index,
                      sizing_axis = axes::sizing::index, deletion_axis = axes::deletion::index,
                      load_axis = axes::load::index, growth_axis = axes::growth::index,
                      overflow_axis = axes::overflow::index, allocation_axis = axes::allocation::index,
                      iteration_axis = axes::iteration::index, sync_axis = axes::sync::index,
                      observe_axis = axes::observe::index;

term word(std::string name) { return {.name = std::move(name), .arguments = {}, .position = 0}; }

std::uint64_t number_of(const term& t) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(t.name.data(), t.name.data() + t.name.size(), out);
  const bool whole = error == std::errc{} && end == t.name.data() + t.name.size() && t.arguments.empty();
  if (!whole) throw spec_error(t.position, "'" + text_of(t) + "' is no whole number");
  return out;
}

bool is_number(const term& t) noexcept {
  return t.arguments.empty() && !t.name.empty() &&
         t.name.find_first_not_of("0123456789") == std::string::npos;
}

[[noreturn]] void unknown(const term& t, std::string_view what, const std::vector<std::string>& known) {
  throw spec_error(t.position, "'" + t.name + "' is no " + std::string{what} + nearest_hint(t.name, known));
}

// ---- options without parameters -----------------------------------------------------------------

term plain_form(const term& t) {
  if (!t.arguments.empty()) {
    throw spec_error(t.arguments.front().value.position, "'" + t.name + "' takes no argument");
  }
  return word(t.name);
}

template <class Facts, class Field>
void set_facts(spec_facts& out, Field spec_facts::*field, const Facts& facts) {
  out.*field = facts;
}

// ---- layout -------------------------------------------------------------------------------------

struct bucket_fields {
  std::uint64_t slots = bucket_options{}.slots;
  std::uint64_t tag_bits = bucket_options{}.tag_bits;
  bool split = bucket_options{}.arrange == arrangement::split;
  std::uint64_t inline_limit_bytes = bucket_options{}.inline_limit_bytes;
  std::uint64_t group_bytes = bucket_options{}.group_bytes;
  std::uint64_t filter_bits = bucket_options{}.filter_bits;
  bool indexed = bucket_options{}.link == link_kind::index32;
  std::uint64_t align_bytes = bucket_options{}.align_bytes;
};

bool indexed_of(const term& t) {
  if (t.name == "index32") return true;
  if (t.name == "pointer") return false;
  unknown(t, "kind of link", {"pointer", "index32"});
}

bool split_of(const term& t) {
  if (t.name == "split") return true;
  if (t.name == "paired") return false;
  unknown(t, "arrangement", {"paired", "split"});
}

bucket_fields bucket_fields_of(const term& t) {
  bucket_fields out;
  std::vector<std::string> seen;
  for (const term::argument& a : t.arguments) {
    const std::string key =
        a.key.empty() && (a.value.name == "split" || a.value.name == "paired") ? "arrange" : a.key;
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      throw spec_error(a.value.position, "'" + key + "' is given twice");
    }
    seen.push_back(key);
    if (key == "slots")
      out.slots = number_of(a.value);
    else if (key == "tag_bits")
      out.tag_bits = number_of(a.value);
    else if (key == "arrange")
      out.split = split_of(a.value);
    else if (key == "inline_limit_bytes")
      out.inline_limit_bytes = number_of(a.value);
    else if (key == "group_bytes")
      out.group_bytes = number_of(a.value);
    else if (key == "filter_bits")
      out.filter_bits = number_of(a.value);
    else if (key == "link")
      out.indexed = indexed_of(a.value);
    else if (key == "align_bytes")
      out.align_bytes = number_of(a.value);
    else {
      term named = a.value;
      if (!key.empty()) named.name = key;
      unknown(named, "field of bucket_chain", 
              {"slots", "tag_bits", "arrange", "inline_limit_bytes", "group_bytes", "filter_bits", "link",
               "align_bytes"});
    }
  }
  return out;
}

term bucket_chain_form(const term& t) {
  const bucket_fields f = bucket_fields_of(t), standard;
  term out = word("bucket_chain");
  const auto add = [&out](std::string key, std::string value) {
    out.arguments.push_back({.key = std::move(key), .value = word(std::move(value))});
  };
  if (f.slots != standard.slots) add("slots", std::to_string(f.slots));
  if (f.tag_bits != standard.tag_bits) add("tag_bits", std::to_string(f.tag_bits));
  if (f.split != standard.split) add("arrange", f.split ? "split" : "paired");
  if (f.inline_limit_bytes != standard.inline_limit_bytes) {
    add("inline_limit_bytes", std::to_string(f.inline_limit_bytes));
  }
  if (f.group_bytes != standard.group_bytes) add("group_bytes", std::to_string(f.group_bytes));
  if (f.filter_bits != standard.filter_bits) add("filter_bits", std::to_string(f.filter_bits));
  if (f.indexed != standard.indexed) add("link", f.indexed ? "index32" : "pointer");
  if (f.align_bytes != standard.align_bytes) add("align_bytes", std::to_string(f.align_bytes));
  return out;
}

std::string bucket_chain_spelling(const term& t) {
  std::string fields;
  for (const term::argument& a : t.arguments) {
    const std::string value = a.key == "arrange" ? "tophash::arrangement::" + a.value.name
                              : a.key == "link"  ? "tophash::link_kind::" + a.value.name
                                                 : a.value.name;
    fields += (fields.empty() ? "." : ", .") + a.key + " = " + value;
  }
  if (fields.empty()) return "tophash::layout::bucket_chain<>";
  return "tophash::layout::bucket_chain<tophash::bucket_options{" + fields + "}>";
}

void bucket_chain_facts(const term& t, spec_facts& out) {
  const bucket_fields f = bucket_fields_of(t);
  out.layout = {.kind = layout_kind::bucket_chain,
                .slots = static_cast<std::size_t>(f.slots),
                .tag_bits = static_cast<std::size_t>(f.tag_bits),
                .inline_limit_bytes = static_cast<std::size_t>(f.inline_limit_bytes),
                .split = f.split,
                .group_bytes = static_cast<std::size_t>(f.group_bytes),
                .filter_bits = static_cast<std::size_t>(f.filter_bits),
                .align_bytes = static_cast<std::size_t>(f.align_bytes),
                .indexed = f.indexed};
}

// open_groups, open_groups(8)
constexpr std::uint64_t standard_group_width = layout::open_groups<>::facts.slots;

std::uint64_t group_width_of(const term& t) {
  return t.arguments.empty() ? standard_group_width : number_of(t.arguments.front().value);
}

term open_groups_form(const term& t) {
  if (t.arguments.size() > 1 || (t.arguments.size() == 1 && !t.arguments.front().key.empty())) {
    throw spec_error(t.position, "open_groups takes at most the width of a group, as in open_groups(8)");
  }
  term out = word("open_groups");
  if (const std::uint64_t width = group_width_of(t); width != standard_group_width) {
    out.arguments.push_back({.key = {}, .value = word(std::to_string(width))});
  }
  return out;
}

std::string open_groups_spelling(const term& t) {
  return "tophash::layout::open_groups<" + (t.arguments.empty() ? "" : t.arguments.front().value.name) + ">";
}

void open_groups_facts(const term& t, spec_facts& out) {
  out.layout = layout::open_groups<>::facts;
  out.layout.slots = static_cast<std::size_t>(group_width_of(t));
}

// open_slots(linear|triangular|perturbed)
constexpr std::string_view step_names[] = {"linear", "triangular", "perturbed"};

probe_kind steps_of(const term& t) {
  const auto* const found = t.arguments.empty()
                                ? std::begin(step_names)
                                : std::find(std::begin(step_names), std::end(step_names),
                                            std::string_view{t.arguments.front().value.name});
  if (t.arguments.size() > 1 || found == std::end(step_names))
    throw spec_error(t.position,
                     "open_slots takes linear, triangular or perturbed, as in open_slots(triangular)");
  return static_cast<probe_kind>(found - std::begin(step_names));
}

term open_slots_form(const term& t) {
  term out = word("open_slots");
  out.arguments.push_back(
      {.key = {}, .value = word(std::string{step_names[static_cast<std::size_t>(steps_of(t))]})});
  return out;
}

std::string open_slots_spelling(const term& t) {
  return "tophash::layout::open_slots<tophash::layout::probe::" + t.arguments.front().value.name + ">";
}

void open_slots_facts(const term& t, spec_facts& out) {
  out.layout = layout::open_slots<>::facts;
  out.layout.steps = steps_of(t);
}

// directory(slots), where slots is named only if it is not the default
constexpr std::uint64_t standard_table_slots = layout::directory<>::facts.table_slots;

std::uint64_t table_slots_of(const term& t) {
  return t.arguments.empty() ? standard_table_slots : number_of(t.arguments.front().value);
}

term directory_form(const term& t) {
  if (t.arguments.size() > 1 || (t.arguments.size() == 1 && !t.arguments.front().key.empty()))
    throw spec_error(t.position, "directory takes at most the slots of its largest tables, as in directory(64)");
  term out = word("directory");
  if (const std::uint64_t slots = table_slots_of(t); slots != standard_table_slots)
    out.arguments.push_back({.key = {}, .value = word(std::to_string(slots))});
  return out;
}

std::string directory_spelling(const term& t) {
  return "tophash::layout::directory<" + (t.arguments.empty() ? "" : t.arguments.front().value.name) + ">";
}

void directory_facts(const term& t, spec_facts& out) {
  out.layout = layout::directory<>::facts;
  out.layout.table_slots = static_cast<std::size_t>(table_slots_of(t));
}

// ---- options that wrap one option of the same axis: seeded, tracked, failing --------------------

term normal_form(std::size_t axis, const term& t);

template <std::size_t Axis>
term wrapping_form(const term& t) {
  if (t.arguments.size() != 1 || !t.arguments.front().key.empty()) {
    throw spec_error(t.position, "'" + t.name + "' takes one " + std::string{axis_names[Axis]} +
                                     " option, as in " + t.name +
                                     (Axis == hashing_axis  ? "(wyhash)"
                                      : Axis == growth_axis ? "(incremental(2))"
                                                            : "(system)"));
  }
  term out = word(t.name);
  out.arguments.push_back({.key = {}, .value = normal_form(Axis, t.arguments.front().value)});
  return out;
}

std::string spelling_of(std::size_t axis, const term& t) { return entry_of(axis, t.name).spelling(t); }

std::string seeded_spelling(const term& t) {
  return "tophash::hashing::seeded<" + spelling_of(hashing_axis, t.arguments.front().value) + ">";
}

void seeded_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(hashing_axis, inner.name).facts(inner, out);
  out.hashing.seeded = true;
}

std::string go_seeded_spelling(const term& t) {
  return "tophash::hashing::go_seeded<" + spelling_of(hashing_axis, t.arguments.front().value) + ">";
}

void go_seeded_facts(const term& t, spec_facts& out) {
  seeded_facts(t, out);
  const bool raw = out.hashing.raw;
  out.hashing = hashing::go_seeded<hashing::wyhash>::facts;
  out.hashing.raw = raw;
}

// prefix(3), prefix_xor(3)
term prefix_form(const term& t) {
  const bool one_number =
      t.arguments.size() == 1 && t.arguments.front().key.empty() && is_number(t.arguments.front().value);
  const std::uint64_t bytes = one_number ? number_of(t.arguments.front().value) : 0;
  if (bytes < 1 || bytes > 8) {
    throw spec_error(t.position, t.name + " takes 1 to 8 bytes of the key, as in " + t.name + "(3)");
  }
  term out = word(t.name);
  out.arguments.push_back({.key = {}, .value = word(std::to_string(bytes))});
  return out;
}

std::string prefix_spelling(const term& t) {
  return "tophash::hashing::" + t.name + "<" + t.arguments.front().value.name + ">";
}

void prefix_facts(const term&, spec_facts& out) { out.hashing = hashing::prefix<1>::facts; }

std::string decorator_spelling(const term& t) {
  return "tophash::allocators::" + t.name + "<" + spelling_of(allocation_axis, t.arguments.front().value) +
         ">";
}

// limited(N,A), failing(N,A), and without N as a type spells itself: the number is its resource's. The lab
// makes that resource and needs the number.
term guarded_form(const term& t) {
  const bool numbered = t.arguments.size() == 2 && is_number(t.arguments.front().value);
  const bool named = std::any_of(t.arguments.begin(), t.arguments.end(),
                                 [](const term::argument& a) { return !a.key.empty(); });
  if (named || (!numbered && t.arguments.size() != 1))
    throw spec_error(t.position, t.name + " takes a number and a backend, as in " + t.name + "(1000,system)");
  term out = word(t.name);
  if (numbered) {
    const std::uint64_t number = number_of(t.arguments.front().value);
    out.arguments.push_back({.key = {}, .value = word(std::to_string(number))});
  }
  out.arguments.push_back({.key = {}, .value = normal_form(allocation_axis, t.arguments.back().value)});
  return out;
}

std::string guarded_spelling(const term& t) {
  return "tophash::allocators::" + t.name + "<" + spelling_of(allocation_axis, t.arguments.back().value) +
         ">";
}

void guarded_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.back().value;
  entry_of(allocation_axis, inner.name).facts(inner, out);
  out.allocation.handle_bytes = sizeof(void*);
}

// NAME, NAME(word): one of a few words, which the lab makes the resource by. The first is what is meant without.
term worded_form(const term& t, const std::vector<std::string>& words) {
  if (t.arguments.size() > 1 || (t.arguments.size() == 1 && !t.arguments.front().key.empty()))
    throw spec_error(t.position,
                     t.name + " takes one word at most, as in " + t.name + "(" + words.back() + ")");
  term out = word(t.name);
  if (t.arguments.empty()) return out;
  const term& given = t.arguments.front().value;
  if (std::find(words.begin(), words.end(), given.name) == words.end() || !given.arguments.empty())
    unknown(given, "word", words);
  if (given.name != words.front()) out.arguments.push_back({.key = {}, .value = word(given.name)});
  return out;
}

term kept_pages_form(const term& t) { return worded_form(t, {"at_once", "lazily", "keep"}); }
term from_resource_form(const term& t) { return worded_form(t, {"new_delete", "pool", "monotonic"}); }

std::string handle_spelling(const term& t) { return "tophash::allocators::" + t.name; }

void handle_facts(const term&, spec_facts& out) {
  out.allocation = {.sees = visibility::opaque, .handle_bytes = sizeof(void*)};
}

// A decorator's handle is one pointer to its resource, which holds what it decorates.
void decorator_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(allocation_axis, inner.name).facts(inner, out);
  out.allocation.handle_bytes = sizeof(void*);
}

// ---- tombstone, load, incremental ---------------------------------------------------------------

term tombstone_form(const term& t) {
  term out = word("tombstone");
  if (t.arguments.empty()) return out;
  const term::argument& a = t.arguments.front();
  if (t.arguments.size() != 1 || !a.key.empty())
    throw spec_error(t.position, "tombstone takes at most 'not_reusing' or 'hinted'");
  if (a.value.name == "reusing" && a.value.arguments.empty()) return out;
  if ((a.value.name != "not_reusing" && a.value.name != "hinted") || !a.value.arguments.empty()) {
    unknown(a.value, "kind of tombstone", {"reusing", "not_reusing", "hinted"});
  }
  out.arguments.push_back({.key = {}, .value = word(a.value.name)});
  return out;
}

std::string tombstone_spelling(const term& t) {
  return "tophash::deletion::tombstone" + (t.arguments.empty() ? "" : "_" + t.arguments.front().value.name);
}

void tombstone_facts(const term& t, spec_facts& out) {
  out.deletion = t.arguments.empty()                                ? deletion::tombstone::facts
                 : t.arguments.front().value.name == "not_reusing" ? deletion::tombstone_not_reusing::facts
                                                                    : deletion::tombstone_hinted::facts;
}

// tombstone_not_reusing, tombstone_hinted
term named_tombstone_form(const term& t) {
  static_cast<void>(plain_form(t));
  term out = word("tombstone");
  out.arguments.push_back({.key = {}, .value = word(t.name.substr(std::string_view{"tombstone_"}.size()))});
  return out;
}

term load_form(const term& t) {
  if (t.arguments.empty() || t.arguments.size() > 2) {
    throw spec_error(t.position, "load takes entries and buckets, as in load(13,2) or load(8)");
  }
  term out = word("load");
  for (const term::argument& a : t.arguments) {
    if (!a.key.empty()) throw spec_error(a.value.position, "load takes no named argument");
    out.arguments.push_back({.key = {}, .value = word(std::to_string(number_of(a.value)))});
  }
  if (out.arguments.size() == 1) out.arguments.push_back({.key = {}, .value = word("1")});
  return out;
}

std::string load_spelling(const term& t) {
  return "tophash::load<" + t.arguments[0].value.name + ", " + t.arguments[1].value.name + ">";
}

void load_facts_of(const term& t, spec_facts& out) {
  out.load = {.numerator = static_cast<std::size_t>(number_of(t.arguments[0].value)),
              .denominator = static_cast<std::size_t>(number_of(t.arguments[1].value))};
}

term incremental_form(const term& t) {
  const bool right_count = t.arguments.size() == 1 || t.arguments.size() == 2;
  if (!right_count || !is_number(t.arguments.front().value)) {
    throw spec_error(t.position,
                     "incremental takes chains a write, as in incremental(2) or incremental(2,every_write)");
  }
  term out = word("incremental");
  out.arguments.push_back({.key = {}, .value = word(std::to_string(number_of(t.arguments.front().value)))});
  if (t.arguments.size() == 2) {
    const term& when = t.arguments.back().value;
    if (when.name != "every_write" || !when.arguments.empty()) unknown(when, "kind of step", {"every_write"});
    out.arguments.push_back({.key = {}, .value = word("every_write")});
  }
  return out;
}

std::string incremental_spelling(const term& t) {
  const bool every_write = t.arguments.size() == 2;
  return "tophash::growth::incremental<" + t.arguments.front().value.name + (every_write ? ", true>" : ">");
}

void incremental_facts(const term& t, spec_facts& out) {
  const auto chains = static_cast<std::size_t>(number_of(t.arguments.front().value));
  out.growth = {.quantum = chains, .endless = chains == 0, .every_write = t.arguments.size() == 2};
}

// ---- observers that keep a number of things, with a clock or without ------------------------------

constexpr std::uint64_t most_kept = std::uint64_t{1} << 24;  // event_log: 2 GB

// NAME, NAME(number), NAME(number,clock): a clock stands only where it is not the usual one.
term kept_form(const term& t, std::size_t usual, std::string_view usual_clock, std::string_view other_clock) {
  const std::size_t given = t.arguments.size();
  const bool right = given == 0 || (given <= 2 && is_number(t.arguments.front().value));
  if (!right || std::any_of(t.arguments.begin(), t.arguments.end(),
                            [](const term::argument& a) { return !a.key.empty(); })) {
    throw spec_error(t.position, t.name + " takes how many to keep, and a clock, as in " + t.name + "(64) or " +
                                     t.name + "(64," + std::string{other_clock} + ")");
  }
  const std::uint64_t kept = given == 0 ? usual : number_of(t.arguments.front().value);
  if (kept < 1 || kept > most_kept) {
    throw spec_error(t.arguments.front().value.position,
                     t.name + " keeps 1 to " + std::to_string(most_kept) + ", not " + std::to_string(kept));
  }
  term out = word(t.name);
  out.arguments.push_back({.key = {}, .value = word(std::to_string(kept))});
  if (given == 2) {
    const term& clock = t.arguments.back().value;
    const bool known = clock.name == usual_clock || clock.name == other_clock;
    if (!known || !clock.arguments.empty())
      unknown(clock, "clock", {std::string{usual_clock}, std::string{other_clock}});
    if (clock.name == other_clock) out.arguments.push_back({.key = {}, .value = word(clock.name)});
  }
  return out;
}

std::string kept_spelling(const term& t, std::string_view clock) {
  std::string out = "tophash::observe::" + t.name + "<" + t.arguments.front().value.name;
  if (t.arguments.size() == 2) out += ", " + std::string{clock};
  return out + ">";
}

term event_log_form(const term& t) {
  return kept_form(t, observe::event_log<>::capacity(), observe::clock_name<std::chrono::steady_clock>,
                   observe::clock_name<observe::no_clock>);
}
std::string event_log_spelling(const term& t) { return kept_spelling(t, "tophash::observe::no_clock"); }

term tombstone_log_form(const term& t) {
  return kept_form(t, observe::tombstone_log<>::capacity(), observe::clock_name<observe::no_clock>,
                   observe::clock_name<std::chrono::steady_clock>);
}
std::string tombstone_log_spelling(const term& t) { return kept_spelling(t, "std::chrono::steady_clock"); }

// ---- growth that wraps growth -------------------------------------------------------------------

std::string number_text(const term& t) { return std::to_string(number_of(t)); }

// regrowing(G[, overflow | dead=PERCENT | chain=BUCKETS])
term regrowing_form(const term& t) {
  if (t.arguments.empty() || t.arguments.size() > 2 || !t.arguments.front().key.empty()) {
    throw spec_error(t.position, "regrowing takes a growth and a reason, as in regrowing(incremental(2)), "
                                 "regrowing(eager,dead=25) or regrowing(eager,chain=4)");
  }
  term out = word("regrowing");
  out.arguments.push_back({.key = {}, .value = normal_form(growth_axis, t.arguments.front().value)});
  if (t.arguments.size() == 1) {
    out.arguments.push_back({.key = {}, .value = word("overflow")});
    return out;
  }
  const term::argument& reason = t.arguments.back();
  if (reason.key == "dead" || reason.key == "chain") {
    out.arguments.push_back({.key = reason.key, .value = word(number_text(reason.value))});
  } else if (reason.key.empty() && reason.value.arguments.empty() &&
             (reason.value.name == "overflow" || reason.value.name == "go_overflow")) {
    out.arguments.push_back({.key = {}, .value = word(reason.value.name)});
  } else {
    term named = reason.value;
    if (!reason.key.empty()) named.name = reason.key;
    unknown(named, "reason to regrow", {"overflow", "go_overflow", "dead=25", "chain=4"});
  }
  return out;
}

std::string regrowing_spelling(const term& t) {
  const term::argument& reason = t.arguments.back();
  const std::string when =
      reason.key.empty() ? reason.value.name : reason.key + "<" + reason.value.name + ">";
  return "tophash::growth::regrowing<" + spelling_of(growth_axis, t.arguments.front().value) +
         ", tophash::growth::when::" + when + ">";
}

void regrowing_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(growth_axis, inner.name).facts(inner, out);
  const term::argument& reason = t.arguments.back();
  if (reason.key == "dead") {
    const auto percent = static_cast<std::size_t>(number_of(reason.value));
    if (out.growth.dead_percent == 0 || (percent != 0 && percent < out.growth.dead_percent))
      out.growth.dead_percent = percent;
  } else {
    out.growth.asks_overflow = true;
    if (reason.value.name == "go_overflow") out.growth.counts_overflow = true;
  }
}

// shrinking(G[, PERCENT])
term shrinking_form(const term& t) {
  const bool right = (t.arguments.size() == 1 || t.arguments.size() == 2) && t.arguments.front().key.empty() &&
                     t.arguments.back().key.empty();
  if (!right) throw spec_error(t.position, "shrinking takes a growth and a share, as in shrinking(incremental(2),25)");
  term out = word("shrinking");
  out.arguments.push_back({.key = {}, .value = normal_form(growth_axis, t.arguments.front().value)});
  out.arguments.push_back(
      {.key = {}, .value = word(t.arguments.size() == 2 ? number_text(t.arguments.back().value) : "25")});
  return out;
}

std::string shrinking_spelling(const term& t) {
  return "tophash::growth::shrinking<" + spelling_of(growth_axis, t.arguments.front().value) + ", " +
         t.arguments.back().value.name + ">";
}

void shrinking_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(growth_axis, inner.name).facts(inner, out);
  out.growth.shrink_percent = static_cast<std::size_t>(number_of(t.arguments.back().value));
}

// in_order(G)
std::string in_order_spelling(const term& t) {
  return "tophash::growth::in_order<" + spelling_of(growth_axis, t.arguments.front().value) + ">";
}

void in_order_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(growth_axis, inner.name).facts(inner, out);
  out.growth.in_order = true;
}

// on_read(G)
std::string on_read_spelling(const term& t) {
  return "tophash::growth::on_read<" + spelling_of(growth_axis, t.arguments.front().value) + ">";
}

void on_read_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(growth_axis, inner.name).facts(inner, out);
  out.growth.on_read = out.growth.every_write = true;
}

// ---- a deletion that purges ---------------------------------------------------------------------

// purging(D, share=PERCENT | batch(SLOTS,TIMES) | census)
term purging_form(const term& t) {
  if (t.arguments.size() != 2 || !t.arguments.front().key.empty()) {
    throw spec_error(t.position,
                     "purging takes a deletion and a trigger, as in purging(dirty,share=25) or purging(dirty,batch(64,3))");
  }
  term out = word("purging");
  out.arguments.push_back({.key = {}, .value = normal_form(deletion_axis, t.arguments.front().value)});
  const term::argument& trigger = t.arguments.back();
  if (trigger.key == "share") {
    out.arguments.push_back({.key = "share", .value = word(number_text(trigger.value))});
  } else if (trigger.key.empty() && trigger.value.name == "batch" && trigger.value.arguments.size() == 2) {
    term batch = word("batch");
    for (const term::argument& a : trigger.value.arguments)
      batch.arguments.push_back({.key = {}, .value = word(number_text(a.value))});
    out.arguments.push_back({.key = {}, .value = batch});
  } else if (trigger.key.empty() && trigger.value.name == "census" && trigger.value.arguments.empty()) {
    out.arguments.push_back({.key = {}, .value = word("census")});
  } else {
    term named = trigger.value;
    if (!trigger.key.empty()) named.name = trigger.key;
    unknown(named, "trigger of a purge", {"share=25", "batch(64,3)", "census"});
  }
  return out;
}

std::string purging_spelling(const term& t) {
  const term::argument& trigger = t.arguments.back();
  const std::string when = trigger.key == "share"           ? "share<" + trigger.value.name + ">"
                           : trigger.value.name == "census" ? std::string{"census"}
                                                            : "batch<" + trigger.value.arguments[0].value.name + ", " +
                                                        trigger.value.arguments[1].value.name + ">";
  return "tophash::deletion::purging<" + spelling_of(deletion_axis, t.arguments.front().value) +
         ", tophash::deletion::" + when + ">";
}

void purging_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(deletion_axis, inner.name).facts(inner, out);
  const term::argument& trigger = t.arguments.back();
  if (trigger.key == "share") {
    out.deletion.purge_percent = static_cast<std::size_t>(number_of(trigger.value));
  } else if (trigger.value.name == "census") {
    out.deletion.purge_census = true;
  } else {
    out.deletion.purge_batch_slots = static_cast<std::size_t>(number_of(trigger.value.arguments[0].value));
    out.deletion.purge_batches = static_cast<std::size_t>(number_of(trigger.value.arguments[1].value));
  }
}

// wiping(D, none | pointers | all)
term wiping_form(const term& t) {
  const bool right =
      t.arguments.size() == 2 && t.arguments.front().key.empty() && t.arguments.back().key.empty();
  if (!right)
    throw spec_error(t.position, "wiping takes a deletion and what to zero, as in wiping(tombstone,all)");
  const term& what = t.arguments.back().value;
  const std::vector<std::string> known = {"none", "pointers", "all"};
  if (!what.arguments.empty() || std::find(known.begin(), known.end(), what.name) == known.end())
    unknown(what, "extent of a wipe", known);
  term out = word("wiping");
  out.arguments.push_back({.key = {}, .value = normal_form(deletion_axis, t.arguments.front().value)});
  out.arguments.push_back({.key = {}, .value = word(what.name)});
  return out;
}

std::string wiping_spelling(const term& t) {
  return "tophash::deletion::wiping<" + spelling_of(deletion_axis, t.arguments.front().value) +
         ", tophash::wipe::" + t.arguments.back().value.name + ">";
}

void wiping_facts(const term& t, spec_facts& out) {
  const term& inner = t.arguments.front().value;
  entry_of(deletion_axis, inner.name).facts(inner, out);
  const std::string& what = t.arguments.back().value.name;
  out.deletion.wiped = what == "all" ? wipe::all : what == "pointers" ? wipe::pointers : wipe::none;
}

// ---- owner_checked, owner_checked(throwing) -----------------------------------------------------

term owner_checked_form(const term& t) {
  term out = word("owner_checked");
  if (t.arguments.empty()) return out;
  const term& response = t.arguments.front().value;
  if (t.arguments.size() != 1 || !t.arguments.front().key.empty() || !response.arguments.empty())
    throw spec_error(t.position, "owner_checked takes at most 'throwing'");
  if (response.name != "throwing") unknown(response, "response", {"throwing"});
  out.arguments.push_back({.key = {}, .value = word("throwing")});
  return out;
}

// ---- striped, striped(STRIPES[,DISTANCE]) -------------------------------------------------------

constexpr std::uint64_t usual_stripes = sync::striped<>::facts.stripes,
                        usual_stripe_bytes = sync::striped<>::facts.align_bytes;

term striped_form(const term& t) {
  if (t.arguments.size() > 2 || std::any_of(t.arguments.begin(), t.arguments.end(),
                                            [](const term::argument& a) { return !a.key.empty(); }))
    throw spec_error(t.position, "striped takes how many stripes, and their distance in bytes, as in "
                                 "striped(64) or striped(64,64)");
  term out = word("striped");
  const std::uint64_t stripes =
      t.arguments.empty() ? usual_stripes : number_of(t.arguments.front().value);
  out.arguments.push_back({.key = {}, .value = word(std::to_string(stripes))});
  if (t.arguments.size() == 2 && number_of(t.arguments.back().value) != usual_stripe_bytes)
    out.arguments.push_back({.key = {}, .value = word(std::to_string(number_of(t.arguments.back().value)))});
  return out;
}

std::string striped_spelling(const term& t) {
  std::string out = "tophash::sync::striped<" + t.arguments.front().value.name;
  if (t.arguments.size() == 2) out += ", " + t.arguments.back().value.name;
  return out + ">";
}

void striped_facts(const term& t, spec_facts& out) {
  out.sync = sync::striped<>::facts;
  out.sync.stripes = static_cast<std::size_t>(number_of(t.arguments.front().value));
  if (t.arguments.size() == 2)
    out.sync.align_bytes = static_cast<std::size_t>(number_of(t.arguments.back().value));
}

// ---- pages(LEAST_BYTES) -------------------------------------------------------------------------

term pages_form(const term& t) {
  if (t.arguments.size() > 1 || (t.arguments.size() == 1 && !t.arguments.front().key.empty()))
    throw spec_error(t.position,
                     t.name + " takes the least size of a block of its own, as in " + t.name + "(32768)");
  term out = word(t.name);
  out.arguments.push_back({.key = {}, .value = word(t.arguments.empty() ? "32768" : number_text(t.arguments.front().value))});
  return out;
}

std::string pages_spelling(const term& t) {
  return "tophash::allocators::" + t.name + "<" + t.arguments.front().value.name + ">";
}

// ---- storage made of other storage: arena(A), bucket_pool(N,A), by_purpose, by_size, fallback ----

const spec_facts& facts_of_storage(const term& t, spec_facts& out) {
  entry_of(allocation_axis, t.name).facts(t, out);
  return out;
}

void combine_facts(const term& t, bool first, spec_facts& out) {
  spec_facts part;
  const allocation_facts a = facts_of_storage(t, part).allocation;
  allocation_facts& sum = out.allocation;
  if (first) {
    sum = a;
    sum.handle_bytes = sizeof(void*);  // the lab keeps a combination in a resource
    return;
  }
  sum.mixed_visibility = sum.mixed_visibility || a.mixed_visibility || sum.sees != a.sees;
  sum.unknown_owner = sum.unknown_owner || a.unknown_owner;
  sum.thread_bound = sum.thread_bound || a.thread_bound;
  sum.unsynchronised = sum.unsynchronised || a.unsynchronised;
  sum.hoards = sum.hoards || a.hoards;
  sum.align_max_bytes = std::min(sum.align_max_bytes, a.align_max_bytes);
}

term arena_form(const term& t) {
  if (t.arguments.size() > 1 || (t.arguments.size() == 1 && !t.arguments.front().key.empty()))
    throw spec_error(t.position, "arena takes the backend that its chunks come from, as in arena(system)");
  term out = word("arena");
  out.arguments.push_back({.key = {},
                           .value = t.arguments.empty()
                                        ? word("system")
                                        : normal_form(allocation_axis, t.arguments.front().value)});
  return out;
}

void arena_facts(const term& t, spec_facts& out) {
  combine_facts(t.arguments.front().value, true, out);
  out.allocation.hoards = out.allocation.unsynchronised = true;
}

// bucket_pool(144), bucket_pool(144,mimalloc)
term bucket_pool_form(const term& t) {
  const bool right = !t.arguments.empty() && t.arguments.size() <= 2 && t.arguments.front().key.empty() &&
                     t.arguments.back().key.empty() && is_number(t.arguments.front().value);
  if (!right)
    throw spec_error(t.position,
                     "bucket_pool takes the size of its blocks and a backend, as in bucket_pool(144,system)");
  const term& bytes = t.arguments.front().value;
  if (number_of(bytes) < sizeof(void*))
    throw spec_error(bytes.position,
                     "bucket_pool links the blocks it keeps through their first word: at least 8 bytes");
  term out = word("bucket_pool");
  out.arguments.push_back({.key = {}, .value = word(number_text(bytes))});
  if (t.arguments.size() == 2) {
    term inner = normal_form(allocation_axis, t.arguments.back().value);
    if (inner.name != "system") out.arguments.push_back({.key = {}, .value = std::move(inner)});
  }
  return out;
}

std::string bucket_pool_spelling(const term& t) {
  std::string out = "tophash::allocators::bucket_pool<" + t.arguments.front().value.name;
  if (t.arguments.size() == 2) out += ", " + spelling_of(allocation_axis, t.arguments.back().value);
  return out + ">";
}

void bucket_pool_facts(const term& t, spec_facts& out) {
  combine_facts(t.arguments.size() == 2 ? t.arguments.back().value : word("system"), true, out);
  out.allocation.hoards = out.allocation.unsynchronised = true;
}

// by_purpose(overflow=bucket_pool(144),rest=mimalloc): purposes in their own order, the rest last.
term by_purpose_form(const term& t) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < purpose_count; ++i) known.emplace_back(purpose_name(static_cast<purpose>(i)));
  known.emplace_back("rest");
  std::vector<const term*> given(known.size(), nullptr);
  for (const term::argument& a : t.arguments) {
    if (a.key.empty())
      throw spec_error(
          a.value.position,
          "by_purpose takes purposes by name, as in by_purpose(overflow=bucket_pool(144),rest=system)");
    const auto at = std::find(known.begin(), known.end(), a.key);
    if (at == known.end()) {
      term named = a.value;
      named.name = a.key;
      unknown(named, "purpose", known);
    }
    const term*& place = given[static_cast<std::size_t>(at - known.begin())];
    if (place != nullptr) throw spec_error(a.value.position, "'" + a.key + "' is given twice");
    place = &a.value;
  }
  const auto missing = std::find(given.begin(), given.end(), nullptr);
  if (given.back() == nullptr && missing != given.end() - 1)
    throw spec_error(t.position, "by_purpose has nothing for " +
                                     known[static_cast<std::size_t>(missing - given.begin())] +
                                     ": end it with rest=A");
  term out = word("by_purpose");
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (given[i] != nullptr)
      out.arguments.push_back({.key = known[i], .value = normal_form(allocation_axis, *given[i])});
  }
  return out;
}

std::string by_purpose_spelling(const term& t) {
  std::string out;
  for (const term::argument& a : t.arguments) {
    const std::string part = spelling_of(allocation_axis, a.value);
    out += out.empty() ? "tophash::allocators::by_purpose<" : ", ";
    out += a.key == "rest" ? "tophash::allocators::rest<" + part + ">"
                           : "tophash::allocators::route<tophash::purpose::" + a.key + ", " + part + ">";
  }
  return out + ">";
}

void parts_facts(const term& t, spec_facts& out) {
  bool first = true;
  for (const term::argument& a : t.arguments) {
    if (is_number(a.value)) continue;
    combine_facts(a.value, first, out);
    first = false;
  }
}

// by_size(1024,small=spans,large=pages)
term by_size_form(const term& t) {
  const bool right = t.arguments.size() == 3 && t.arguments[0].key.empty() &&
                     is_number(t.arguments[0].value) && t.arguments[1].key == "small" &&
                     t.arguments[2].key == "large";
  if (!right)
    throw spec_error(
        t.position,
        "by_size takes a limit in bytes and two backends, as in by_size(1024,small=spans,large=pages)");
  term out = word("by_size");
  out.arguments.push_back({.key = {}, .value = word(number_text(t.arguments[0].value))});
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
    out.arguments.push_back(
        {.key = t.arguments[i].key, .value = normal_form(allocation_axis, t.arguments[i].value)});
  return out;
}

std::string by_size_spelling(const term& t) {
  return "tophash::allocators::by_size<" + t.arguments[0].value.name + ", " +
         spelling_of(allocation_axis, t.arguments[1].value) + ", " +
         spelling_of(allocation_axis, t.arguments[2].value) + ">";
}

term fallback_form(const term& t) {
  if (t.arguments.size() != 2 || !t.arguments[0].key.empty() || !t.arguments[1].key.empty())
    throw spec_error(t.position, "fallback takes two backends, as in fallback(arena(system),system)");
  term out = word("fallback");
  for (const term::argument& a : t.arguments)
    out.arguments.push_back({.key = {}, .value = normal_form(allocation_axis, a.value)});
  return out;
}

std::string fallback_spelling(const term& t) {
  return "tophash::allocators::fallback<" + spelling_of(allocation_axis, t.arguments[0].value) + ", " +
         spelling_of(allocation_axis, t.arguments[1].value) + ">";
}

// Which backends can say whose a block is, as their C++ types do by `owns`.
bool tells_owner(const term& t) {
  if (t.name == "arena" || t.name == "spans") return true;
  const bool passes_on = t.name == "tracked" || t.name == "failing" || t.name == "limited" ||
                         t.name == "zeroed" || t.name == "by_purpose" || t.name == "by_size" || t.name == "fallback";
  return passes_on && std::all_of(t.arguments.begin(), t.arguments.end(), [](const term::argument& a) {
           return is_number(a.value) || tells_owner(a.value);
         });
}

void fallback_facts(const term& t, spec_facts& out) {
  parts_facts(t, out);
  out.allocation.unknown_owner = out.allocation.unknown_owner || !tells_owner(t.arguments[0].value);
}

template <class Entry>
std::string storage_named(const Entry& t) {
  return "tophash::allocators::" + t.name;
}

// ---- the table ----------------------------------------------------------------------------------

void stateless_storage(spec_facts& out, visibility sees) {
  out.allocation = {.sees = sees, .handle_bytes = 1};
}

constexpr option_entry options_table[] = {
    {layout_axis, "bucket_chain",
     "slots=1..8, tag_bits=0..8, arrange=paired|split, inline_limit_bytes=N, group_bytes=N, filter_bits=8|16|32, "
     "link=pointer|index32, align_bytes=N",
     "chained buckets of up to 8 slots with one tag byte a slot: the shape of Go's classic map",
     "framework/layout/bucket_chain.hpp", false, bucket_chain_form, bucket_chain_spelling, bucket_chain_facts,
     "bucket_chain bucket_chain(slots=1) bucket_chain(slots=3,tag_bits=4) bucket_chain(slots=7,split) "
     "bucket_chain(tag_bits=0) bucket_chain(split) bucket_chain(inline_limit_bytes=0) "
     "bucket_chain(slots=5,tag_bits=2,split,inline_limit_bytes=8) bucket_chain(slots=0) "
     "bucket_chain(slots=9) bucket_chain(group_bytes=4096) bucket_chain(slots=4,split,group_bytes=65536) "
     "bucket_chain(tag_bits=9) bucket_chain(filter_bits=8) bucket_chain(filter_bits=12) bucket_chain(align_bytes=64) "
     "bucket_chain(align_bytes=48) bucket_chain(link=index32) "
     "bucket_chain(slots=7,split,group_bytes=4096,filter_bits=32,link=index32,align_bytes=16)"},
    {layout_axis, "open_groups", "[8|16]",
     "open addressing in groups of 16 or 8, their tags compared at once: the shape of Boost's and Abseil's "
     "flat maps",
     "framework/layout/open_groups.hpp", false, open_groups_form, open_groups_spelling, open_groups_facts,
     "open_groups open_groups(8) open_groups(16) open_groups(4)"},
    {layout_axis, "nodes", "", "open groups over entries in nodes of their own, which never move",
     "framework/layout/open_groups.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::layout::nodes"}; },
     [](const term&, spec_facts& out) { out.layout = layout::nodes::facts; }},
    {layout_axis, "open_slots", "[linear|triangular|perturbed]",
     "open addressing slot by slot, as textbooks and CPython's dictionaries have it: for experiments",
     "framework/layout/open_slots.hpp", false, open_slots_form, open_slots_spelling, open_slots_facts,
     "open_slots open_slots(triangular) open_slots(perturbed)"},
    {layout_axis, "directory", "[slots]",
     "Go 1.24's: tables of groups of eight, each growing alone and splitting in two at so many slots",
     "framework/layout/directory.hpp", false, directory_form, directory_spelling, directory_facts,
     "directory directory(16) directory(24)"},

    {hashing_axis, "wyhash", "", "multiply-fold over bytes; integers as they are, mixed by the table",
     "policies/hashing/wyhash.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::hashing::wyhash"}; },
     [](const term&, spec_facts& out) { out.hashing = hashing_facts_of<hashing::wyhash>(); }},
    {hashing_axis, "std_hash", "", "std::hash and ==, mixed by the table", "policies/hashing/std_hash.hpp",
     false, plain_form, [](const term&) { return std::string{"tophash::hashing::std_hash"}; },
     [](const term&, spec_facts& out) { out.hashing = hashing_facts_of<hashing::std_hash>(); }},
    {hashing_axis, "absl_hash", "", "absl::Hash (needs Abseil)", "policies/hashing/absl_hash.hpp", false,
     plain_form, [](const term&) { return std::string{"tophash::hashing::absl_hash"}; },
     [](const term&, spec_facts& out) { out.hashing = {}; }},
    {hashing_axis, "xxh3", "", "XXH3, 64 bits (needs xxhash)", "policies/hashing/xxh3.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::hashing::xxh3"}; },
     [](const term&, spec_facts& out) { out.hashing = {}; }},
    {hashing_axis, "murmur3", "", "MurmurHash3: its finaliser for one word, x64_128's low half for bytes",
     "policies/hashing/murmur3.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::hashing::murmur3"}; },
     [](const term&, spec_facts& out) { out.hashing = hashing_facts_of<hashing::murmur3>(); }},
    {hashing_axis, "identity", "", "integers as they are, never mixed", "policies/hashing/identity.hpp",
     false, plain_form, [](const term&) { return std::string{"tophash::hashing::identity"}; },
     [](const term&, spec_facts& out) { out.hashing = hashing_facts_of<hashing::identity>(); }},
    {hashing_axis, "prefix", "bytes=1..8", "the key's first bytes, never mixed: a bad hash, for experiments",
     "policies/hashing/prefix.hpp", false, prefix_form, prefix_spelling, prefix_facts, "prefix(1) prefix(8)"},
    {hashing_axis, "prefix_xor", "bytes=1..8", "the same with the next byte xored into the last one",
     "policies/hashing/prefix.hpp", false, prefix_form, prefix_spelling, prefix_facts, "prefix_xor(3)"},
    {hashing_axis, "seeded", "H", "a seed of its own for every map around the hash H",
     "policies/hashing/seeded.hpp", false, wrapping_form<hashing_axis>, seeded_spelling, seeded_facts,
     "seeded(*)"},
    {hashing_axis, "go_seeded", "H",
     "the same as in Go: another seed when the map becomes empty, NaN keys hashed at random",
     "policies/hashing/go_seeded.hpp", false, wrapping_form<hashing_axis>, go_seeded_spelling, go_seeded_facts,
     "go_seeded(*)"},

    {sizing_axis, "power_of_two", "", "2^n buckets or groups, chosen by the hash's low bits",
     "policies/sizing/power_of_two.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::sizing::power_of_two"}; },
     [](const term&, spec_facts& out) { out.sizing = {.power_of_two = true}; }},
    {sizing_axis, "power_of_two_high", "", "2^n buckets, chosen by the hash's bits just below the tag's byte",
     "policies/sizing/power_of_two_high.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::sizing::power_of_two_high"}; },
     [](const term&, spec_facts& out) { out.sizing = sizing::power_of_two_high::facts; }},
    {sizing_axis, "prime", "", "a prime number of buckets, chosen by the remainder of the hash",
     "policies/sizing/prime.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::sizing::prime"}; },
     [](const term&, spec_facts& out) { out.sizing = sizing::prime::facts; }},
    {sizing_axis, "fast_range", "", "any number of buckets, to which the hash is scaled by a multiplication",
     "policies/sizing/fast_range.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::sizing::fast_range"}; },
     [](const term&, spec_facts& out) { out.sizing = sizing::fast_range::facts; }},

    {deletion_axis, "immediate", "", "erase destroys the entry and frees its slot at once",
     "policies/deletion/immediate.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::deletion::immediate"}; },
     [](const term&, spec_facts& out) { out.deletion = deletion::immediate::facts; }},
    {deletion_axis, "tombstone", "[reusing|not_reusing|hinted]",
     "erase leaves a mark in the slot; an insert may reuse it, or only a rehash; or the mark tells of a run",
     "policies/deletion/tombstone.hpp", false, tombstone_form, tombstone_spelling, tombstone_facts,
     "tombstone tombstone(reusing) tombstone(not_reusing) tombstone(hinted)"},
    {deletion_axis, "tombstone_not_reusing", "", "the same as tombstone(not_reusing)",
     "policies/deletion/tombstone.hpp", false, named_tombstone_form, tombstone_spelling, tombstone_facts},
    {deletion_axis, "tombstone_hinted", "", "the same as tombstone(hinted)", "policies/deletion/tombstone.hpp", false,
     named_tombstone_form, tombstone_spelling, tombstone_facts},
    {deletion_axis, "dirty", "", "erase hides the entry; a sweep or a growth step destroys it",
     "policies/deletion/dirty.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::deletion::dirty"}; },
     [](const term&, spec_facts& out) { out.deletion = deletion::dirty::facts; }},

    {deletion_axis, "purging", "D, share=percent | batch(slots,times) | census",
     "the residue of D is removed by an erase by key when there is enough of it, or where a collector counted it",
     "policies/deletion/purging.hpp", false, purging_form, purging_spelling, purging_facts,
     "purging(dirty,share=25) purging(dirty,batch(64,3)) purging(tombstone(not_reusing),share=10) "
     "purging(immediate,share=25) purging(dirty,batch(64,0)) purging(dirty,census) purging(tombstone,census) "
     "purging(immediate,census)"},

    {deletion_axis, "wiping", "D, none|pointers|all",
     "what is zeroed of an entry that is gone: addresses, every byte", "policies/deletion/wiping.hpp", false,
     wiping_form, wiping_spelling, wiping_facts,
     "wiping(tombstone,pointers) wiping(immediate,all) wiping(purging(dirty,share=25),all) "
     "wiping(dirty,none)"},

    {load_axis, "load", "entries, buckets", "full at so many entries to so many buckets or groups",
     "policies/load/load.hpp", false, load_form, load_spelling, load_facts_of,
     "load(13,2) load(8) load(1) load(7,8) load(1,4) load(20) load(0,1) load(4,0)"},

    {growth_axis, "eager", "", "the write that grows moves everything", "policies/growth/eager.hpp", false,
     plain_form, [](const term&) { return std::string{"tophash::growth::eager"}; },
     [](const term&, spec_facts& out) { out.growth = growth::eager::facts; }},
    {growth_axis, "doubling_only", "", "the same, never at its size: what erases left goes by growth alone",
     "policies/growth/doubling_only.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::growth::doubling_only"}; },
     [](const term&, spec_facts& out) { out.growth = growth::doubling_only::facts; }},
    {growth_axis, "incremental", "chains[, every_write]",
     "each write evacuates so many chains, or home groups, of the old array",
     "policies/growth/incremental.hpp", false, incremental_form, incremental_spelling, incremental_facts,
     "incremental(1) incremental(2) incremental(3,every_write) incremental(64) incremental(0)"},

    {growth_axis, "regrowing", "G[, overflow | go_overflow | dead=percent | chain=buckets]",
     "also moves to a fresh array of the same size: as many overflow buckets as buckets, the same by Go's "
     "count, dead slots, a long chain",
     "policies/growth/regrowing.hpp", false, regrowing_form, regrowing_spelling, regrowing_facts,
     "regrowing(*) regrowing(*,overflow) regrowing(*,go_overflow) regrowing(*,dead=25) regrowing(*,chain=4)"},
    {growth_axis, "shrinking", "G[, percent]",
     "also moves to a smaller array when an erase by key leaves few entries", "policies/growth/shrinking.hpp",
     false, shrinking_form, shrinking_spelling, shrinking_facts,
     "shrinking(*) shrinking(*,10) shrinking(*,40)"},
    {growth_axis, "in_order", "G", "evacuates chains in their order alone, so that memory peaks at the end",
     "policies/growth/in_order.hpp", false, wrapping_form<growth_axis>, in_order_spelling, in_order_facts,
     "in_order(*)"},
    {growth_axis, "on_read", "G", "lookups take a step too, as articles say of Go's map, where only writes do",
     "policies/growth/on_read.hpp", false, wrapping_form<growth_axis>, on_read_spelling, on_read_facts,
     "on_read(*)"},

    {overflow_axis, "fresh", "", "overflow buckets come from storage and go back to it",
     "policies/overflow/fresh.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::overflow::fresh"}; },
     [](const term&, spec_facts& out) { out.overflow = overflow::fresh::facts; }},
    {overflow_axis, "local_list", "", "the map keeps emptied overflow buckets and uses them again",
     "policies/overflow/local_list.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::overflow::local_list"}; },
     [](const term&, spec_facts& out) { out.overflow = overflow::local_list::facts; }},
    {overflow_axis, "preallocated", "", "first from a tail of the array, one for every 16 buckets, as in Go",
     "policies/overflow/preallocated.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::overflow::preallocated"}; },
     [](const term&, spec_facts& out) { out.overflow = overflow::preallocated::facts; }},
    {overflow_axis, "slabs", "", "the map keeps slabs of numbered overflow buckets, for bucket_chain(link=index32)",
     "policies/overflow/slabs.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::overflow::slabs"}; },
     [](const term&, spec_facts& out) { out.overflow = overflow::slabs::facts; }},
    {overflow_axis, "shared_pool", "", "from a pool that several maps share (in the lab: one pool a map)",
     "policies/overflow/shared_pool.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::overflow::shared_pool"}; },
     [](const term&, spec_facts& out) { out.overflow = overflow::shared_pool::facts; }},
    {overflow_axis, "none", "", "there are no overflow buckets: open addressing",
     "policies/overflow/none.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::overflow::none"}; },
     [](const term&, spec_facts& out) { out.overflow = overflow::none::facts; }},

    {allocation_axis, "system", "", "malloc and free", "allocators/system.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::allocators::system"}; },
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::opaque); }},
    {allocation_axis, "mimalloc", "", "mimalloc's C functions (needs mimalloc)", "allocators/mimalloc.hpp",
     true, plain_form, [](const term&) { return std::string{"tophash::allocators::mimalloc"}; },
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::opaque); }},
    {allocation_axis, "pages", "[least bytes]",
     "large blocks straight from the system, small ones from malloc", "allocators/pages.hpp", true,
     pages_form, pages_spelling,
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::opaque); }, "pages pages(4096)"},
    {allocation_axis, "large_pages", "[least bytes]", "the same, on 2 MiB pages where a block is as large",
     "allocators/pages.hpp", true, pages_form, pages_spelling,
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::opaque); }, "large_pages"},
    {allocation_axis, "mimalloc_heap", "",
     "a heap of mimalloc's for each map: it ends in one call (needs mimalloc)",
     "allocators/mimalloc_heap.hpp", true, plain_form, storage_named<term>,
     [](const term&, spec_facts& out) {
       out.allocation = {.sees = visibility::opaque, .handle_bytes = sizeof(void*), .thread_bound = true};
     }},
    {allocation_axis, "jemalloc", "", "jemalloc's own calls, beside malloc (needs jemalloc)",
     "allocators/jemalloc.hpp", true, plain_form, storage_named<term>,
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::opaque); }},
    {allocation_axis, "spans", "",
     "size classes in spans of 8 KiB pages, as Go's runtime: occupancy can be walked, free pages given back",
     "allocators/spans.hpp", true, plain_form, storage_named<term>,
     [](const term&, spec_facts& out) {
       out.allocation = {
           .sees = visibility::opaque, .handle_bytes = 2 * sizeof(void*), .unsynchronised = true};
     }},
    {allocation_axis, "arena", "[A]", "monotonic chunks from A; given back when all is",
     "allocators/arena.hpp", true, arena_form,
     [](const term& t) {
       return "tophash::allocators::arena<" + spelling_of(allocation_axis, t.arguments.front().value) + ">";
     },
     arena_facts, "arena arena(*)"},
    {allocation_axis, "bucket_pool", "N[,A]", "keeps blocks of N bytes for the next request of that size",
     "allocators/bucket_pool.hpp", true, bucket_pool_form, bucket_pool_spelling, bucket_pool_facts,
     "bucket_pool(144) bucket_pool(144,*)"},
    {allocation_axis, "by_purpose", "slots|overflow|node|directory|side|rest=A, ...",
     "each purpose from a backend of its own", "allocators/by_purpose.hpp", true, by_purpose_form,
     by_purpose_spelling, parts_facts, "by_purpose(overflow=*,rest=*)"},
    {allocation_axis, "by_size", "N,small=A,large=B", "up to N bytes from A, more from B",
     "allocators/by_size.hpp", true, by_size_form, by_size_spelling, parts_facts,
     "by_size(1024,small=*,large=*)"},
    {allocation_axis, "fallback", "A,B", "what A refuses comes from B", "allocators/fallback.hpp", true,
     fallback_form, fallback_spelling, fallback_facts, "fallback(*,*)"},
    {allocation_axis, "zeroed", "A", "the blocks of A, zeroed", "allocators/decorators/zeroed.hpp", true,
     wrapping_form<allocation_axis>, decorator_spelling, decorator_facts, "zeroed(*)"},
    {allocation_axis, "tracked", "A", "counts bytes and blocks by purpose around the backend A",
     "allocators/decorators/tracked.hpp", true, wrapping_form<allocation_axis>, decorator_spelling,
     decorator_facts, "tracked(*)"},
    {allocation_axis, "failing", "[N,]A",
     "makes allocations of the backend A fail on purpose: in the lab the N-th",
     "allocators/decorators/failing.hpp", true, guarded_form, guarded_spelling, guarded_facts, "failing(*)"},
    {allocation_axis, "limited", "[N,]A",
     "refuses what would take the backend A past a limit of bytes in use",
     "allocators/decorators/limited.hpp", true, guarded_form, guarded_spelling, guarded_facts, "limited(*)"},
    {allocation_axis, "kept_pages", "[at_once|lazily|keep]",
     "pages of the system, large blocks kept for the next one of their size",
     "allocators/kept_pages.hpp", true, kept_pages_form, handle_spelling, handle_facts, "kept_pages"},
    {allocation_axis, "from_resource", "[new_delete|pool|monotonic]",
     "a std::pmr::memory_resource: in the lab one of the standard library's", "allocators/pmr.hpp", true,
     from_resource_form, handle_spelling, handle_facts, "from_resource"},
    {allocation_axis, "erased", "", "any backend, chosen at run time (the lab's own binding)",
     "allocators/erased.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::allocators::erased"}; },
     [](const term&, spec_facts& out) {
       out.allocation = {.sees = visibility::opaque, .handle_bytes = 2 * sizeof(void*)};
     }},
    {allocation_axis, "boehm_scanned", "",
     "Boehm's collector, every word searched for pointers (needs libgc)", "gc/boehm.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::gc::boehm_scanned"}; },
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::scanned); }},
    {allocation_axis, "boehm_pointer_free", "", "Boehm's collector, slots never searched (needs libgc)",
     "gc/boehm.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::gc::boehm_pointer_free"}; },
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::pointer_free); }},
    {allocation_axis, "boehm_overflow_left", "",
     "the same, emptied overflow buckets left for the collector to find (needs libgc)", "gc/boehm.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::gc::boehm_overflow_left"}; },
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::pointer_free); }},
    {allocation_axis, "boehm_map_aware", "",
     "Boehm's collector, told of the map: only slots in use are searched (needs libgc)",
     "gc/boehm_map_aware.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::gc::boehm_map_aware"}; },
     [](const term&, spec_facts& out) {
       stateless_storage(out, visibility::traced);
       out.allocation.takes_census = true;
     }},
    {allocation_axis, "boehm_typed", "",
     "Boehm's collector, of each bucket the words that can be pointers are searched (needs libgc)",
     "gc/boehm_typed.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::gc::boehm_typed"}; },
     [](const term&, spec_facts& out) { stateless_storage(out, visibility::scanned); }},
    {allocation_axis, "precise", "",
     "an exact, incremental collector's heap; blocks belong to their map, of them only slots in use are read",
     "gc/precise_heap.hpp", true, plain_form,
     [](const term&) { return std::string{"tophash::gc::precise"}; },
     [](const term&, spec_facts& out) {
       out.allocation = {.sees = visibility::typed, .handle_bytes = 2 * sizeof(void*), .thread_bound = true};
     }},

    {iteration_axis, "plain", "", "a write may invalidate iterators", "policies/iteration/plain.hpp", false,
     plain_form, [](const term&) { return std::string{"tophash::iteration::plain"}; },
     [](const term&, spec_facts& out) { out.iteration = iteration::plain::facts; }},
    {iteration_axis, "mutation_safe", "", "a loop survives every write to its map, with Go's guarantees",
     "policies/iteration/mutation_safe.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::iteration::mutation_safe"}; },
     [](const term&, spec_facts& out) { out.iteration = iteration::mutation_safe::facts; }},
    {sync_axis, "none", "", "one thread at a time", "policies/sync/none.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::sync::none"}; },
     [](const term&, spec_facts& out) { out.sync = sync::none::facts; }},
    {sync_axis, "owner_checked", "[throwing]",
     "one thread at a time, and a breach that is noticed ends the program (or throws), as in Go",
     "policies/sync/owner_checked.hpp", false, owner_checked_form,
     [](const term& t) {
       return std::string{t.arguments.empty() ? "tophash::sync::owner_checked"
                                              : "tophash::sync::owner_checked_throwing"};
     },
     [](const term& t, spec_facts& out) {
       out.sync = t.arguments.empty() ? sync::owner_checked::facts : sync::owner_checked_throwing::facts;
     },
     "owner_checked owner_checked(throwing)"},
    {sync_axis, "shared_mutex", "", "several threads, by visits: one reader-writer lock that sleeps",
     "shared_map.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::sync::shared_mutex"}; },
     [](const term&, spec_facts& out) { out.sync = sync::shared_mutex::facts; }},
    {sync_axis, "striped", "[N[,bytes]]",
     "several threads, by visits: N tables, each behind a reader-writer lock that spins first",
     "shared_map.hpp", false, striped_form, striped_spelling, striped_facts,
     "striped(1) striped(16) striped(64,64) striped(3)"},
    {observe_axis, "nothing", "", "no telemetry, no cost", "policies/observe/nothing.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::observe::nothing"}; },
     [](const term&, spec_facts& out) {
       out.observe = compose_steps::facts_or_default<observe::nothing, observe_facts>();
     }},
    {observe_axis, "counters", "", "counts every event", "policies/observe/counters.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::observe::counters"}; },
     [](const term&, spec_facts& out) {
       out.observe = compose_steps::facts_or_default<observe::counters, observe_facts>();
     }},
    {observe_axis, "histogram", "",
     "buckets a search looked at, chain lengths, entries moved a step, by orders of magnitude",
     "policies/observe/histogram.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::observe::histogram"}; },
     [](const term&, spec_facts& out) { out.observe = observe::histogram::facts; }},
    {observe_axis, "event_log", "[entries[,no_clock]]", "keeps the last events with their times",
     "policies/observe/event_log.hpp", false, event_log_form, event_log_spelling,
     [](const term&, spec_facts& out) { out.observe = observe::event_log<>::facts; },
     "event_log event_log(64) event_log(64,no_clock)"},
    {observe_axis, "tombstone_log", "[slots[,steady_clock]]",
     "follows each erased slot until it is reused, swept or given up, with its age",
     "policies/observe/tombstone_log.hpp", false, tombstone_log_form, tombstone_log_spelling,
     [](const term&, spec_facts& out) { out.observe = observe::tombstone_log<>::facts; },
     "tombstone_log tombstone_log(64) tombstone_log(64,steady_clock)"},
    {observe_axis, "chrome_trace", "",
     "growths, steps and sweeps as a time line for chrome://tracing; silent without a writer, which C++ "
     "gives it",
     "policies/observe/chrome_trace.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::observe::chrome_trace"}; },
     [](const term&, spec_facts& out) { out.observe = observe::chrome_trace::facts; }},
    {observe_axis, "recorder", "",
     "writes every operation as a trace for `tophash replay`; silent without a writer, which C++ gives it",
     "policies/observe/recorder.hpp", false, plain_form,
     [](const term&) { return std::string{"tophash::observe::recorder"}; },
     [](const term&, spec_facts& out) { out.observe = observe::recorder::facts; }},
};

const option_entry* find_entry(std::size_t axis, std::string_view name) noexcept {
  for (const option_entry& e : options_table) {
    if (e.axis == axis && e.name == name) return &e;
  }
  return nullptr;
}

std::vector<std::string> names_on(std::size_t axis) {
  std::vector<std::string> out;
  for (const option_entry& e : options_table) {
    if (e.axis == axis) out.emplace_back(e.name);
  }
  return out;
}

term normal_form(std::size_t axis, const term& t) {
  const option_entry* entry = find_entry(axis, t.name);
  if (entry == nullptr) unknown(t, std::string{axis_names[axis]} + " option", names_on(axis));
  term out = entry->normalise(t);
  out.position = t.position;
  return out;
}

// The options that a preset type sets, read from the type.
template <class Preset>
preset_entry preset_from(std::string description) {
  preset_entry out{.name = std::string{option_name<Preset>().view()},
                   .description = std::move(description),
                   .spelling = {},
                   .options = {}};
  out.spelling = "tophash::presets::" + out.name;
  using all = compose_steps::spec_of<presets::defaults, Preset>;
  for_each_axis<all>([&out]<class Axis, class Option>() {
    if constexpr (compose_steps::preset_sets<Axis, Preset>()) {
      out.options.emplace_back(Axis::index, std::string{option_name<Option>().view()});
    }
  });
  return out;
}

}  // namespace

std::string_view axis_description(std::size_t axis) noexcept {
  static constexpr std::array<std::string_view, axes::count> texts = {
      "how slots are represented",
      "64-bit hash, equality, seed",
      "number of buckets, and which one a hash belongs to",
      "what an erase leaves behind",
      "when a table is full",
      "when and how fast capacity changes",
      "where an overflow bucket comes from and goes to",
      "bytes by purpose",
      "what iterators survive",
      "concurrent use",
      "telemetry",
  };
  return texts[axis];
}

std::span<const option_entry> catalogue_options() noexcept { return options_table; }

const std::vector<preset_entry>& catalogue_presets() {
  static const std::vector<preset_entry> all = {
      preset_from<presets::defaults>("what an axis means when nobody names an option on it"),
      preset_from<presets::go_like>("Go 1.19's map: split buckets, reused tombstones, two chains a write"),
      preset_from<presets::go_swiss_like>(
          "Go 1.24's map: tables of 1,024 slots behind a directory, tombstones counted as load"),
      preset_from<presets::fastest>(
          "open groups, nine tenths full, no tombstones: what tophash::fast_map is"),
      preset_from<presets::low_latency>("groups of 64 KiB, two chains a write in their order: no long insert"),
  };
  return all;
}

const option_entry& entry_of(std::size_t axis, std::string_view name) {
  const option_entry* entry = find_entry(axis, name);
  if (entry == nullptr)
    throw spec_error(1, "'" + std::string{name} + "' is no " + std::string{axis_names[axis]} + " option");
  return *entry;
}

std::vector<std::string> example_texts(const option_entry& e) {
  if (e.examples.empty()) return {std::string{e.name}};
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < e.examples.size();) {
    const std::size_t end = std::min(e.examples.find(' ', begin), e.examples.size());
    if (end != begin) out.emplace_back(e.examples.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

bool operator==(const spec_description& a, const spec_description& b) { return canonical(a) == canonical(b); }

spec_description default_spec() {
  static const spec_description value = [] {
    spec_description out;
    using all = compose_steps::spec_of<presets::defaults>;
    for_each_axis<all>([&out]<class Axis, class Option>() {
      out.options[Axis::index] = normal_form(Axis::index, parse_term(option_name<Option>().view()));
    });
    return out;
  }();
  return value;
}

namespace {

const preset_entry* find_preset(std::string_view name) {
  for (const preset_entry& p : catalogue_presets()) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

bool means_one_thing(std::string_view name) {
  return std::count_if(std::begin(options_table), std::end(options_table),
                       [name](const option_entry& e) { return e.name == name; }) == 1;
}

// The defaults of a layout: some axes' depend on it (presets::defaults::beside).
spec_description defaults_beside(const term& given_layout) {
  spec_description out = default_spec();
  const auto take = [&out]<class Layout>(std::type_identity<Layout>) {
    for_each_axis<compose_steps::spec_of<presets::defaults, Layout>>([&out]<class Axis, class Option>() {
      if constexpr (Axis::index == load_axis || Axis::index == overflow_axis || Axis::index == deletion_axis)
        out.options[Axis::index] = normal_form(Axis::index, parse_term(option_name<Option>().view()));
    });
  };
  if (given_layout.name == "open_groups" && group_width_of(given_layout) == standard_group_width)
    take(std::type_identity<layout::open_groups<>>{});
  else if (given_layout.name == "open_groups")
    take(std::type_identity<layout::open_groups<8>>{});
  else if (given_layout.name == "nodes")
    take(std::type_identity<layout::nodes>{});
  else if (given_layout.name == "directory")
    take(std::type_identity<layout::directory<>>{});
  else if (given_layout.name == "open_slots" && steps_of(given_layout) == probe_kind::linear)
    take(std::type_identity<layout::open_slots<>>{});
  else if (given_layout.name == "open_slots")
    take(std::type_identity<layout::open_slots<layout::probe::perturbed>>{});
  return out;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> out;
  for (const preset_entry& p : catalogue_presets()) out.push_back(p.name);
  return out;
}

// A bare name: the axis it is an option of. Nearly all shipped names are unique over the axes.
std::size_t axis_of_bare(const term& t) {
  std::vector<std::size_t> found;
  for (const option_entry& e : options_table) {
    if (e.name == t.name) found.push_back(e.axis);
  }
  if (found.size() == 1) return found.front();
  if (!found.empty()) {
    std::string which;
    for (const std::size_t axis : found)
      which += (which.empty() ? "" : " or ") + std::string{axis_names[axis]} + "=" + t.name;
    throw spec_error(t.position, "'" + t.name + "' is an option of several axes: write " + which);
  }
  std::vector<std::string> known = preset_names();
  for (const option_entry& e : options_table) known.emplace_back(e.name);
  unknown(t, "option or preset", known);
}

void apply_preset(const spec_part& part, spec_description& out,
                  std::array<std::string, axes::count>& set_by) {
  const preset_entry* preset = find_preset(part.option.name);
  if (preset == nullptr) unknown(part.option, "preset", preset_names());
  if (!part.option.arguments.empty()) throw spec_error(part.option.position, "a preset takes no argument");
  out.presets.push_back(preset->name);
  for (const auto& [axis, text] : preset->options) {
    if (!set_by[axis].empty() && set_by[axis] != preset->name && !out.given[axis]) {
      throw spec_error(part.option.position, "the presets " + set_by[axis] + " and " + preset->name +
                                                 " both set the axis " + std::string{axis_names[axis]} +
                                                 ", and no option decides");
    }
    set_by[axis] = preset->name;
    if (!out.given[axis]) out.options[axis] = normal_form(axis, parse_term(text));
  }
}

std::size_t axis_of(const spec_part& part) {
  if (part.axis.empty()) return axis_of_bare(part.option);
  const auto found = std::find(axis_names.begin(), axis_names.end(), part.axis);
  if (found == axis_names.end()) {
    std::vector<std::string> known(axis_names.begin(), axis_names.end());
    known.emplace_back("preset");
    throw spec_error(part.position, "'" + part.axis + "' is no axis" + nearest_hint(part.axis, known));
  }
  return static_cast<std::size_t>(found - axis_names.begin());
}

bool names_preset(const spec_part& part) {
  return part.axis == "preset" || (part.axis.empty() && find_preset(part.option.name) != nullptr);
}

}  // namespace

spec_description parse_spec(std::string_view text) {
  spec_description out = default_spec();
  const std::vector<spec_part> parts = split_spec(text);
  for (const spec_part& part : parts) {
    if (names_preset(part)) continue;
    const std::size_t axis = axis_of(part);
    if (out.given[axis]) {
      throw spec_error(part.position, "a second option on the axis " + std::string{axis_names[axis]});
    }
    out.options[axis] = normal_form(axis, part.option);
    out.given[axis] = true;
  }
  std::array<std::string, axes::count> set_by;
  for (const spec_part& part : parts) {
    if (names_preset(part)) apply_preset(part, out, set_by);
  }
  const spec_description beside = defaults_beside(out.options[layout_axis]);
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    if (!out.given[axis] && set_by[axis].empty()) out.options[axis] = beside.options[axis];
  }
  return out;
}

std::string canonical(const spec_description& spec) {
  std::string out;
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    if (axis != 0) out += ',';
    out += std::string{axis_names[axis]} + "=" + text_of(spec.options[axis]);
  }
  return out;
}

spec_description with_option(spec_description spec, std::string_view axis_and_option) {
  const std::vector<spec_part> parts = split_spec(axis_and_option);
  for (const spec_part& part : parts) spec.options[axis_of(part)] = normal_form(axis_of(part), part.option);
  return spec;
}

std::vector<std::size_t> differing_axes(const spec_description& a, const spec_description& b) {
  std::vector<std::size_t> out;
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    if (text_of(a.options[axis]) != text_of(b.options[axis])) out.push_back(axis);
  }
  return out;
}

std::string short_text(const spec_description& spec) {
  const auto beyond = [&spec](const spec_description& base, std::string start) {
    for (const std::size_t axis : differing_axes(spec, base)) {
      const term& option = spec.options[axis];
      start += (start.empty() ? "" : ",") +
               (means_one_thing(option.name) ? "" : std::string{axis_names[axis]} + "=") + text_of(option);
    }
    return start;
  };
  const spec_description standard = defaults_beside(spec.options[layout_axis]);
  std::string best = beyond(standard, "");
  if (best.empty()) return "defaults";
  std::size_t fewest = differing_axes(spec, standard).size();
  for (const preset_entry& preset : catalogue_presets()) {
    if (preset.name == "defaults") continue;
    // With another layout, what the preset leaves open is that layout's default.
    const term& layout = spec.options[layout_axis];
    const spec_description alone = parse_spec(preset.name);
    const bool elsewhere = text_of(alone.options[layout_axis]) != text_of(layout);
    const std::string with_layout = preset.name + ",layout=" + text_of(layout);
    const spec_description base = elsewhere ? parse_spec(with_layout) : alone;
    const std::size_t parts = differing_axes(spec, base).size() + (elsewhere ? 2 : 1);
    const std::string start =
        !elsewhere ? preset.name
                   : means_one_thing(layout.name) ? preset.name + "," + text_of(layout) : with_layout;
    if (parts <= fewest) best = beyond(base, start), fewest = parts;
  }
  return best;
}

std::string cxx_option(const spec_description& spec, std::size_t axis) {
  return spelling_of(axis, spec.options[axis]);
}

std::string cxx_options(const spec_description& spec) {
  std::string out;
  for (std::size_t axis = 0; axis < axes::count; ++axis) out += (axis == 0 ? "" : ", ") + cxx_option(spec, axis);
  return out;
}

std::string cxx_type(const spec_description& spec, std::string_view key, std::string_view value) {
  std::string out = "tophash::map<" + std::string{key} + ", " + std::string{value};
  for (const std::size_t axis : differing_axes(spec, defaults_beside(spec.options[layout_axis])))
    out += ", " + spelling_of(axis, spec.options[axis]);
  return out + ">";
}

std::vector<std::string> cxx_headers(const spec_description& spec) {
  std::vector<std::string> out = {"map.hpp"};
  const auto add = [&out](std::string_view header) {
    if (std::find(out.begin(), out.end(), header) == out.end()) out.emplace_back(header);
  };
  for (const std::size_t axis : differing_axes(spec, defaults_beside(spec.options[layout_axis]))) {
    const auto add_all = [&](const auto& self, const term& t) -> void {
      const option_entry* entry = find_entry(axis, t.name);
      if (entry == nullptr) return;
      add(entry->header);
      for (const term::argument& a : t.arguments) self(self, a.value);
    };
    add_all(add_all, spec.options[axis]);
  }
  return out;
}

spec_facts facts_of(const spec_description& spec) {
  spec_facts out;
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    entry_of(axis, spec.options[axis].name).facts(spec.options[axis], out);
  }
  return out;
}

namespace {

struct bytes_16 {
  std::uint64_t words[2];
};
struct bytes_128 {
  std::uint64_t words[16];
};
struct bytes_4000 {
  std::uint64_t words[500];
};

template <class T>
constexpr named_type describe(std::string_view name, std::string_view spelling) {
  return {.name = name,
          .spelling = spelling,
          .bytes = sizeof(T),
          .deferred = deferred_destruction<T>,
          .may_point = gc_traits<T>::may_contain_pointers,
          .identity = equality_is_identity<T>,
          .movable = std::is_move_constructible_v<T>,
          .integral = std::is_integral_v<T>,
          .moving_may_throw = !nothrow_relocatable<T>};
}

constexpr named_type types_table[] = {
    describe<std::uint8_t>("u8", "std::uint8_t"),
    describe<std::uint16_t>("u16", "std::uint16_t"),
    describe<std::uint32_t>("u32", "std::uint32_t"),
    describe<std::uint64_t>("u64", "std::uint64_t"),
    describe<std::int64_t>("i64", "std::int64_t"),
    describe<double>("double", "double"),
    describe<std::string>("string", "std::string"),
    describe<void*>("pointer", "void*"),
    describe<bytes_16>("bytes_16", "bytes_16"),
    describe<bytes_128>("bytes_128", "bytes_128"),
    describe<bytes_4000>("bytes_4000", "bytes_4000"),
    describe<std::vector<std::uint64_t>>("vector", "std::vector<std::uint64_t>"),
};

}  // namespace

std::span<const named_type> named_types() noexcept { return types_table; }

const named_type* find_type(std::string_view name) noexcept {
  for (const named_type& t : types_table) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

type_facts type_facts_for(const spec_description& spec, const named_type& key, const named_type& value) {
  const spec_facts facts = facts_of(spec);
  const term* hash = &spec.options[hashing_axis];
  while (hash->name == "seeded" || hash->name == "go_seeded") hash = &hash->arguments.front().value;
  const bool by_value = key.integral || key.name == "pointer";
  const bool standard = by_value || key.name == "double" || key.name == "string";
  return {.key_bytes = key.bytes,
          .value_bytes = value.bytes,
          .key_deferred = key.deferred,
          .value_deferred = value.deferred,
          .key_may_point = key.may_point,
          .value_may_point = value.may_point,
          .hashable = hash->name == "identity" ? by_value : standard,
          .key_identity = key.identity,
          .key_movable = key.movable,
          .value_movable = value.movable,
          .boxed = facts.layout.boxes(key.bytes, value.bytes),
          .moving_may_throw = key.moving_may_throw || value.moving_may_throw,
          .hashing_may_throw = hash->name == "absl_hash"};
}

std::optional<violation> check_rules(const spec_description& spec, const type_facts* types) {
  const spec_facts facts = facts_of(spec);
  const std::size_t index =
      types == nullptr ? first_violation(pack_facts{}, facts) : first_violation(pack_facts{}, facts, *types);
  if (index == no_rule) return std::nullopt;
  const rule_row& rule = rules[index];
  return violation{.id = rule.id, .axes = rule.axes, .sentence = rule.sentence, .remedy = rule.remedy};
}

}  // namespace tophash::lab
