// SPDX-License-Identifier: Apache-2.0
// The measurements, one set of templates for both collectors: gc::collected_heap is all they use, but for
// what a collector tells of a cycle.
#include "lab/weak_costs.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include <tophash/framework/config.hpp>
#include <tophash/framework/map.hpp>
#include <tophash/framework/weak_map.hpp>
#include <tophash/gc/precise_heap.hpp>
#include <tophash/policies/deletion/dirty.hpp>

#include "lab/child_process.hpp"
#include "lab/clock.hpp"
#include "lab/collectors.hpp"
#include "lab/experiment.hpp"
#include "lab/nearest.hpp"
#include "lab/reproduce_measure.hpp"
#include "workloads/random.hpp"

#if TOPHASH_WITH_BOEHM
#include <gc.h>
#include <gc/gc_mark.h>

#include <tophash/gc/boehm_objects.hpp>
#endif

namespace tophash::lab::weak_costs {

// What costs are measured with: nothing leads on from it, so a cycle's work is the entries'.
struct plain {
  std::uint64_t number = 0;
};

enum class side : std::uint8_t { weak, strong };

inline constinit std::array<std::uint64_t, 2> destroyed{};

// What latencies are counted with.
struct counted {
  counted* leads_to = nullptr;
  side of;

  explicit counted(side s) noexcept : of(s) {}
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { ++destroyed[static_cast<std::size_t>(of)]; }
};

}  // namespace tophash::lab::weak_costs

template <>
struct tophash::gc_traits<tophash::lab::weak_costs::plain> : tophash::gc::holds_no_pointers {};

template <>
struct tophash::gc_traits<tophash::lab::weak_costs::counted> {
  static constexpr bool may_contain_pointers = true;
  static void trace(pointer_visitor& visit, const tophash::lab::weak_costs::counted& c) { visit(c.leads_to); }
};

namespace tophash::lab {

namespace {

using nlohmann::json;
using weak_costs::counted;
using weak_costs::destroyed;
using weak_costs::plain;
using weak_costs::side;

constexpr unsigned turns_per_round = 3, collections_per_turn = 2;
// Where words of the stack may keep what was dropped: at most one in so many.
constexpr std::uint64_t stray_one_in = 100;

// Collections are started here alone: none is due in the middle of filling a map.
class exact_heap : public gc::precise_heap {
 public:
  exact_heap() : precise_heap(options()) {}

 private:
  static gc::precise_options options() {
    gc::precise_options o;
    o.automatic = false;
    return o;
  }
};

// libgc searches the stack, and finds what a frame before left there.
TOPHASH_NOINLINE void overwrite_stack() {
  volatile unsigned char frames[16'384];
  for (std::size_t i = 0; i < sizeof frames; ++i) frames[i] = 0;
}
template <class F>
TOPHASH_NOINLINE void in_own_frame(F f) {
  f();
}

template <class Heap>
void collect(Heap& heap) {
  overwrite_stack();
  heap.collect();
}

template <class Heap, class Object>
using ordinary_map = map<Object*, Object*, typename Heap::storage, deletion::dirty>;
template <class Heap, class Object, class Held>
using weak_map_of = weak_map<Object*, Object*, Held, typename Heap::weak_storage>;

// ---- costs

// After a collection that takes away what the filling left.
template <class Heap>
double least_collection_ns(Heap& heap) {
  collect(heap);
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (unsigned i = 0; i < collections_per_turn; ++i) {
    overwrite_stack();
    const std::uint64_t begin = thread_cpu_ns();
    heap.collect();
    least = std::min(least, thread_cpu_ns() - begin);
  }
  return static_cast<double>(least);
}

template <class Heap>
typename Heap::template handle<plain*> make_objects(Heap& heap, std::size_t n) {
  auto all = heap.template make_array<plain*>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto made = heap.template make<plain>();
    made->number = i;
    all.get()[i] = made.get();
    heap.stored(made.get());
  }
  return all;
}

std::string entries_lost(std::size_t left, std::size_t n) {
  return "of " + std::to_string(n) + " entries whose objects are all reachable " + std::to_string(left) +
         " are left";
}

// One round: the three heaps in turn, there and back.
template <class Heap, class Held>
json measure_costs(std::size_t n) {
  Heap heap;
  const auto keys = make_objects(heap, n), values = make_objects(heap, n);
  std::array<double, 3> least;
  least.fill(std::numeric_limits<double>::max());
  std::size_t left = n;
  const auto measure_with = [&](auto& m) {
    m.reserve(n);
    in_own_frame([&] {
      for (std::size_t i = 0; i < n; ++i) m.insert_or_assign(keys.get()[i], values.get()[i]);
    });
    const double ns = least_collection_ns(heap);
    left = std::min(left, m.size());
    return ns;
  };
  const std::array<std::function<double()>, 3> kinds = {[&] { return least_collection_ns(heap); },
                                                        [&] {
                                                          ordinary_map<Heap, plain> m(storage_of(heap));
                                                          return measure_with(m);
                                                        },
                                                        [&] {
                                                          weak_map_of<Heap, plain, Held> m(
                                                              weak_storage_of(heap));
                                                          return measure_with(m);
                                                        }};
  for (unsigned turn = 0; turn < turns_per_round; ++turn) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      const std::size_t kind = turn % 2 == 0 ? i : kinds.size() - 1 - i;
      least[kind] = std::min(least[kind], kinds[kind]());
    }
  }
  if (left != n) return {{"trouble", entries_lost(left, n)}};
  return {{"no_map", least[0]}, {"ordinary", least[1]}, {"weak", least[2]}};
}

// ---- chains

enum class chain_order : std::uint8_t { along, against, across };
constexpr std::array<std::pair<chain_order, const char*>, 3> chain_orders = {
    {{chain_order::along, "along the table"},
     {chain_order::against, "against it"},
     {chain_order::across, "across it"}}};

// Fills the map with a chain; returns its first key, which is all that keeps it.
template <class Heap, class Map>
typename Heap::template handle<plain> chain_up(Heap& heap, Map& m, std::size_t n, chain_order order,
                                               std::uint64_t seed) {
  typename Heap::template handle<plain> first;
  m.reserve(n);
  in_own_frame([&] {
    const auto objects = make_objects(heap, n);
    for (std::size_t i = 0; i < n; ++i) m.insert_or_assign(objects.get()[i], nullptr);
    std::vector<plain*> in_order;  // where no collector looks: `objects` keeps them
    in_order.reserve(n);
    if constexpr (requires { m.for_each([](plain*, plain*) {}); }) {
      m.for_each([&](plain* key, plain*) { in_order.push_back(key); });
    } else {
      for (const auto& [key, value] : m) in_order.push_back(key);
    }
    if (order == chain_order::against) std::reverse(in_order.begin(), in_order.end());
    if (order == chain_order::across) random_stream(seed).shuffle(in_order);
    for (std::size_t i = 0; i + 1 < n; ++i) m.insert_or_assign(in_order[i], in_order[i + 1]);
    first = heap.keep(in_order.front());
    std::fill(in_order.begin(), in_order.end(), nullptr);
    // A stray word that libgc takes for a pointer into the array, which is large, must keep no key.
    for (std::size_t i = 0; i < n; ++i) objects.get()[i] = nullptr;
  });
  return first;
}

template <class Heap>
json told_of_last_cycle(Heap& heap) {
  if constexpr (std::is_base_of_v<gc::precise_heap, Heap>) {
    return {{"work", heap.last_marking().work}};
  } else {
#if TOPHASH_WITH_BOEHM
    const gc::weak_cycle_counts c = gc::boehm_weak_tables::last_cycle();
    return {{"rounds", c.rounds}, {"looks", c.looks}, {"kept_undecided", c.kept_undecided}};
#else
    return json::object();
#endif
  }
}

template <class Heap>
json measure_chain(std::size_t n, chain_order order, std::uint64_t seed) {
  Heap heap;
  std::array<double, 2> least;
  least.fill(std::numeric_limits<double>::max());
  json out;
  std::vector<std::uint64_t> left;
  for (unsigned turn = 0; turn < turns_per_round; ++turn) {
    {
      ordinary_map<Heap, plain> m(storage_of(heap));
      const auto first = chain_up(heap, m, n, order, seed);
      least[0] = std::min(least[0], least_collection_ns(heap));
    }
    weak_map_of<Heap, plain, gc::ephemerons> m(weak_storage_of(heap));
    auto first = chain_up(heap, m, n, order, seed);
    least[1] = std::min(least[1], least_collection_ns(heap));
    if (m.size() != n) return {{"trouble", entries_lost(m.size(), n)}};
    out["told"] = told_of_last_cycle(heap);
    first.reset();
    std::vector<std::uint64_t> now = {m.size()};
    for (std::size_t k = 0; k < weak_purge_cycles; ++k) {
      collect(heap);
      now.push_back(m.size());
    }
    if (left.empty() || now.back() < left.back()) left = now;
  }
  out["ordinary"] = least[0], out["weak"] = least[1], out["left"] = left;
  return out;
}

// ---- purge

struct purge_counts {
  std::vector<std::uint64_t> entries, weak_objects, strong_objects, undestroyed, slots;
};

// Of the objects, how many the last collection did not find dead. libgc's marks say so until the next one; a
// precise heap that has collected has destroyed the others, and keeps no marks.
template <class Heap>
std::uint64_t not_found_dead([[maybe_unused]] const std::vector<counted*>& objects,
                             [[maybe_unused]] side of) {
  if constexpr (std::is_base_of_v<gc::precise_heap, Heap>) {
    return objects.size() - destroyed[static_cast<std::size_t>(of)];
  } else {
#if TOPHASH_WITH_BOEHM
    return static_cast<std::uint64_t>(std::count_if(objects.begin(), objects.end(), [](counted* object) {
      const void* const base = GC_base(object);  // null: its whole block went
      return base != nullptr && GC_is_marked(base) != 0;
    }));
#endif
  }
}

// The last root of every second object of the weak side goes: of the first one of two, since a word that the
// stack kept would rather be the last one's. An ordinary map has a weak side in name only.
template <class Heap, class Map>
json count_purge(Heap& heap, Map& m, bool value_is_weak, bool leads_back) {
  constexpr std::size_t n = weak_purge_entries;
  const std::size_t weak_key = value_is_weak ? 1 : 0;
  auto roots = heap.template make_array<counted*>(n);
  std::vector<counted*> dropped_weak, dropped_strong;  // where no collector looks
  dropped_weak.reserve(weak_purge_dropped), dropped_strong.reserve(weak_purge_dropped);
  destroyed = {};
  m.reserve(n);
  in_own_frame([&] {
    for (std::size_t i = 0; i < n; ++i) {
      const auto weak = heap.template make<counted>(side::weak),
                 strong = heap.template make<counted>(side::strong);
      if (leads_back) strong->leads_to = weak.get();
      roots.get()[i] = weak.get();
      if (i % 2 == 0) dropped_weak.push_back(weak.get()), dropped_strong.push_back(strong.get());
      const std::array<counted*, 2> entry = {weak.get(), strong.get()};
      m.insert_or_assign(entry[weak_key], entry[1 - weak_key]);
    }
  });
  collect(heap);  // all of it is reachable
  const auto entries = [&m] {
    std::uint64_t seen = 0;
    if constexpr (requires { m.for_each([](counted*, counted*) {}); }) {
      m.for_each([&seen](const counted*, const counted*) { ++seen; });
    } else {
      for (auto at = m.begin(); at != m.end(); ++at) ++seen;
    }
    return seen;
  };
  if (entries() != n || destroyed != std::array<std::uint64_t, 2>{})
    return {{"trouble", entries_lost(entries(), n)}};

  purge_counts counts;
  const auto look = [&] {
    in_own_frame([&] {
      const std::uint64_t still = entries();
      counts.entries.push_back(still - std::min<std::uint64_t>(still, n - weak_purge_dropped));
      counts.weak_objects.push_back(not_found_dead<Heap>(dropped_weak, side::weak));
      counts.strong_objects.push_back(not_found_dead<Heap>(dropped_strong, side::strong));
      counts.undestroyed.push_back(2 * weak_purge_dropped - destroyed[0] - destroyed[1]);
      counts.slots.push_back(m.stats().dirty);
    });
  };
  in_own_frame([&] {
    for (std::size_t i = 0; i < n; i += 2) roots.get()[i] = nullptr;
  });
  look();
  for (std::size_t k = 0; k < weak_purge_cycles; ++k) {
    collect(heap);
    look();
  }

  // A write of a key that is there changes nothing but what the map sweeps meanwhile.
  std::uint64_t writes = 0, lost = 0;
  in_own_frame([&] {
    std::pair<counted*, counted*> some{};
    std::uint64_t kept = 0;  // of those with a root
    const auto visit = [&](counted* key, counted* value) {
      some = {key, value};
      const counted* const weak = value_is_weak ? value : key;
      for (std::size_t i = 1; i < n; i += 2) {
        if (roots.get()[i] != weak) continue;
        ++kept;
        break;
      }
    };
    if constexpr (requires { m.for_each(visit); }) {
      m.for_each(visit);
    } else {
      for (const auto& [key, value] : m) visit(key, value);
    }
    lost = n - weak_purge_dropped - std::min<std::uint64_t>(kept, n - weak_purge_dropped);
    while (m.stats().dirty != 0 && writes < n) {
      m.insert_or_assign(some.first, some.second);
      ++writes;
    }
  });
  // Objects that are made find the dead ones that no collection has swept.
  std::uint64_t made = 0;
  const std::uint64_t dead =
      2 * weak_purge_dropped - counts.weak_objects.back() - counts.strong_objects.back();
  while (destroyed[0] + destroyed[1] < dead && made < 2 * n) {
    in_own_frame([&] { static_cast<void>(heap.template make<counted>(side::weak)); });
    ++made;
  }
  const std::uint64_t kept_dead = dead - std::min(dead, destroyed[0] + destroyed[1]);
  if (kept_dead != 0)
    return {{"trouble", std::to_string(kept_dead) + " objects found dead are not destroyed"}};
  if (lost != 0) return {{"trouble", std::to_string(lost) + " entries went whose weak side has a root"}};
  return {{"entries", counts.entries},
          {"weak", counts.weak_objects},
          {"strong", counts.strong_objects},
          {"undestroyed", counts.undestroyed},
          {"made", made},
          {"slots", counts.slots},
          {"writes", writes},
          {"slots_after", m.stats().dirty}};
}

// ---- a collector's rows

enum class holding : std::uint8_t { ephemerons, weak_keys, weak_values, ordinary };
constexpr std::array<std::pair<holding, const char*>, 4> holdings = {{{holding::ephemerons, "ephemerons"},
                                                                      {holding::weak_keys, "weak_keys"},
                                                                      {holding::weak_values, "weak_values"},
                                                                      {holding::ordinary, "ordinary map"}}};

template <class Heap>
json costs_of(holding held, std::size_t n) {
  switch (held) {
  case holding::weak_keys:
    return measure_costs<Heap, gc::weak_keys>(n);
  case holding::weak_values:
    return measure_costs<Heap, gc::weak_values>(n);
  default:
    return measure_costs<Heap, gc::ephemerons>(n);
  }
}

template <class Heap, class Held>
json purge_of_weak(bool leads_back) {
  Heap heap;
  weak_map_of<Heap, counted, Held> m(weak_storage_of(heap));
  return count_purge(heap, m, Held::held == gc::weakness::values, leads_back);
}
template <class Heap>
json purge_of(holding held, bool leads_back) {
  switch (held) {
  case holding::weak_keys:
    return purge_of_weak<Heap, gc::weak_keys>(leads_back);
  case holding::weak_values:
    return purge_of_weak<Heap, gc::weak_values>(leads_back);
  case holding::ephemerons:
    return purge_of_weak<Heap, gc::ephemerons>(leads_back);
  case holding::ordinary:
    break;
  }
  Heap heap;
  ordinary_map<Heap, counted> m(storage_of(heap));
  return count_purge(heap, m, false, leads_back);
}

// Must an entry of this row go? A strong side that leads to its own weak side keeps it, but for ephemerons.
bool is_purged(holding held, bool leads_back) {
  return held == holding::ephemerons || (held != holding::ordinary && !leads_back);
}

struct collector_under_test {
  std::string name;
  bool exact;
  json (*costs)(holding, std::size_t);
  json (*chain)(std::size_t, chain_order, std::uint64_t);
  json (*purge)(holding, bool);
};

template <class Heap>
collector_under_test under_test(const char* name) {
  return {.name = name,
          .exact = Heap::is_exact,
          .costs = &costs_of<Heap>,
          .chain = &measure_chain<Heap>,
          .purge = &purge_of<Heap>};
}

std::vector<collector_under_test> collectors_here() {
  std::vector<collector_under_test> out;
#if TOPHASH_WITH_BOEHM
  out.push_back(under_test<gc::boehm_objects>("boehm"));
#endif
  out.push_back(under_test<exact_heap>("precise"));
  return out;
}

std::vector<collector_under_test> chosen_collectors(const std::vector<std::string>& asked) {
  const std::vector<collector_under_test> here = collectors_here();
  if (asked.empty()) return here;
  std::vector<collector_under_test> out;
  for (const std::string& name : asked) {
    const auto has_name = [&name](const collector_under_test& c) { return c.name == name; };
    const auto found = std::find_if(here.begin(), here.end(), has_name);
    if (found == here.end()) {
      if (name == "boehm")
        throw command_error(exit_not_here, "--collector boehm: libgc is not built in (libgc-dev)");
      const std::vector<std::string> known = {"boehm", "precise"};
      throw command_error(exit_usage, "--collector " + name +
                                          ": weak entries are measured on boehm and precise" +
                                          nearest_hint(name, known));
    }
    if (std::none_of(out.begin(), out.end(), has_name)) out.push_back(*found);
  }
  return out;
}

// The result being made, and how far it is.
class weak_run {
 public:
  explicit weak_run(const weak_request& request) { out_.request = request; }

  weak_result run() {
    const std::vector<collector_under_test> chosen = chosen_collectors(out_.request.collectors);
    std::vector<std::size_t>& sizes = out_.request.sizes;
    if (sizes.empty()) sizes = {weak_entries_usual};
    for (const std::size_t n : sizes) {
      if (n < weak_entries_min || n > weak_entries_max)
        throw command_error(exit_usage, "--n " + std::to_string(n) + ": weak takes from " +
                                            std::to_string(weak_entries_min) + " to " +
                                            std::to_string(weak_entries_max) + " entries");
    }
    // What is counted first: it takes no time.
    for (const collector_under_test& c : chosen) count_purges(c);
    plan_times(chosen, sizes);
    // All rows in each round: what the machine does meanwhile is spread over them.
    for (unsigned round = 0; round < out_.request.rounds && !stop_measuring(); ++round) {
      for (const time_task& t : tasks_) {
        if (stop_measuring()) break;
        out_.request.progress("weak: round " + std::to_string(round + 1) + " of " +
                              std::to_string(out_.request.rounds) + ": " + t.name);
        const json answer = in_child(t.measure);
        if (stop_measuring()) break;
        if (has_trouble(t.name, answer)) continue;
        t.take(answer);
      }
    }
    out_.interrupted = stop_measuring();
    judge_chains();
    return std::move(out_);
  }

 private:
  struct time_task {
    std::string name;
    std::function<json()> measure;
    std::function<void(const json&)> take;
  };

  bool has_trouble(const std::string& name, const json& answer) {
    if (!answer.contains("trouble")) return false;
    const std::string sentence = name + ": " + answer.at("trouble").get<std::string>();
    if (std::find(out_.failures.begin(), out_.failures.end(), sentence) == out_.failures.end())
      out_.failures.push_back(sentence);
    return true;
  }

  void count_purges(const collector_under_test& c) {
    for (const auto& [held, held_name] : holdings) {
      for (const bool leads_back : {false, true}) {
        if (stop_measuring()) return;
        const std::string name = c.name + ", " + held_name + (leads_back ? " in a ring" : "");
        out_.request.progress("weak: purge of " + name);
        const json answer = in_child([&] { return c.purge(held, leads_back); });
        if (stop_measuring() || has_trouble(name, answer)) continue;
        const auto cycles = [&answer](const char* what) {
          return answer.at(what).get<std::vector<std::uint64_t>>();
        };
        weak_purge_row row{.collector = c.name,
                           .held = held_name,
                           .leads_back = leads_back,
                           .stray_max = c.exact ? 0 : weak_purge_dropped / stray_one_in,
                           .entries = cycles("entries"),
                           .weak_objects = cycles("weak"),
                           .strong_objects = cycles("strong"),
                           .undestroyed = cycles("undestroyed"),
                           .made_to_destroy = answer.at("made"),
                           .slots_to_sweep = cycles("slots"),
                           .writes_to_sweep = answer.at("writes"),
                           .slots_after = answer.at("slots_after")};
        judge(row, name, is_purged(held, leads_back));
        out_.purges.push_back(std::move(row));
      }
    }
  }

  void judge(const weak_purge_row& row, const std::string& name, bool purged) {
    const std::uint64_t left = row.entries.back();
    if (purged ? left > row.stray_max : left != weak_purge_dropped)
      out_.failures.push_back(name + ": after " + std::to_string(weak_purge_cycles) + " collections " +
                              std::to_string(left) + " of " + std::to_string(weak_purge_dropped) +
                              " entries are left, " +
                              (purged ? "and nothing leads to them" : "and all are held"));
    if (row.slots_after != 0)
      out_.failures.push_back(name + ": " + std::to_string(row.slots_after) + " slots were not swept by " +
                              std::to_string(row.writes_to_sweep) + " writes");
  }

  void plan_times(const std::vector<collector_under_test>& chosen, const std::vector<std::size_t>& sizes) {
    for (const std::size_t n : sizes) {
      for (const collector_under_test& c : chosen) {
        for (const auto& [held, held_name] : holdings) {
          if (held == holding::ordinary) continue;
          plan_costs(c, held, held_name, n);
        }
        for (const auto& [order, order_name] : chain_orders) plan_chain(c, order, order_name, n);
      }
    }
  }

  void plan_costs(const collector_under_test& c, holding held, const char* held_name, std::size_t n) {
    const std::size_t at = out_.costs.size();
    out_.costs.push_back({.collector = c.name,
                          .held = held_name,
                          .entries = n,
                          .no_map_ns = {},
                          .ordinary_ns = {},
                          .weak_ns = {}});
    tasks_.push_back({.name = c.name + ", " + held_name,
                      .measure = [costs = c.costs, held, n] { return costs(held, n); },
                      .take =
                          [this, at](const json& answer) {
                            weak_cost_row& row = out_.costs[at];
                            row.no_map_ns.push_back(answer.at("no_map"));
                            row.ordinary_ns.push_back(answer.at("ordinary"));
                            row.weak_ns.push_back(answer.at("weak"));
                          }});
  }

  void plan_chain(const collector_under_test& c, chain_order order, const char* order_name, std::size_t n) {
    const std::size_t at = out_.chains.size();
    weak_chain_row planned;
    planned.collector = c.name, planned.order = order_name, planned.entries = n;
    planned.stray_max = c.exact ? 0 : n / stray_one_in;
    out_.chains.push_back(std::move(planned));
    const std::string name = c.name + ", a chain " + order_name;
    const auto measure = [chain = c.chain, order, n, seed = out_.request.seed] {
      return chain(n, order, seed);
    };
    tasks_.push_back({.name = name, .measure = measure, .take = [this, at](const json& answer) {
                        take_chain(at, answer);
                      }});
  }

  void take_chain(std::size_t at, const json& answer) {
    weak_chain_row& row = out_.chains[at];
    row.ordinary_ns.push_back(answer.at("ordinary"));
    row.weak_ns.push_back(answer.at("weak"));
    const auto left = answer.at("left").get<std::vector<std::uint64_t>>();
    if (row.entries_left.empty() || left.back() < row.entries_left.back()) row.entries_left = left;
    const json& told = answer.at("told");
    const auto take = [&told](const char* field, std::optional<std::uint64_t>& to) {
      if (told.contains(field)) to = told.at(field).get<std::uint64_t>();
    };
    take("rounds", row.rounds), take("looks", row.looks), take("kept_undecided", row.kept_undecided);
    take("work", row.work);
  }
  // At the end: one execution in which nothing is left is enough.
  void judge_chains() {
    for (const weak_chain_row& row : out_.chains) {
      if (row.entries_left.empty() || row.entries_left.back() <= row.stray_max) continue;
      out_.failures.push_back(row.collector + ", a chain " + row.order + ": its first key has no root, and " +
                              std::to_string(row.entries_left.back()) + " of " + std::to_string(row.entries) +
                              " entries are left");
    }
  }

  weak_result out_;
  std::vector<time_task> tasks_;
};

}  // namespace

namespace {
// What each round's collection took beyond the other, of an entry.
std::vector<double> ns_per_entry_beyond(const std::vector<double>& more, const std::vector<double>& less,
                                        std::size_t entries) {
  std::vector<double> out;
  for (std::size_t i = 0; i < more.size(); ++i)
    out.push_back((more[i] - less[i]) / static_cast<double>(entries));
  return out;
}
}  // namespace

std::vector<double> weak_cost_row::w_ns() const { return ns_per_entry_beyond(weak_ns, ordinary_ns, entries); }
std::vector<double> weak_cost_row::ordinary_ns_per_entry() const {
  return ns_per_entry_beyond(ordinary_ns, no_map_ns, entries);
}
std::vector<double> weak_chain_row::w_ns() const {
  return ns_per_entry_beyond(weak_ns, ordinary_ns, entries);
}

std::optional<std::size_t> cycles_until(const std::vector<std::uint64_t>& there, std::uint64_t left) {
  for (std::size_t k = 0; k < there.size(); ++k) {
    if (there[k] <= left) return k;
  }
  return std::nullopt;
}

weak_result run_weak(const weak_request& request) { return weak_run(request).run(); }

}  // namespace tophash::lab
