// SPDX-License-Identifier: Apache-2.0
// `run --workload weak`: what weak entries cost a collector, and how late they go. For weak keys, weak values
// and ephemerons of tophash::weak_map on each collector:
//   cost     W, ns of a weak entry in a cycle: CPU of a full collection with so many weak entries, all
//            reachable, less that of the same objects in the same heap with an ordinary map of the same
//            pointers, divided by the entries
//   chains   the same where each ephemeron's value is the next one's key and only the first key has a root:
//            along the table's order, against it, across it; and the rounds that took, if the collector tells
//   purge    full collections from the last root of the weak side until the entry is out of iteration, until
//            the objects of both sides are found dead and are destroyed, and until the slot is empty:
//            counted, not timed. Where collections alone do not get there: the allocations, or the writes,
//            that do
// Every round of every row has a process of its own, so a heap without a past. Seeds choose orders; where
// objects and entries lie is not theirs to choose, so `rounds` of chains across the table differ by run.
#ifndef TOPHASH_BENCH_LAB_WEAK_COSTS_HPP
#define TOPHASH_BENCH_LAB_WEAK_COSTS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace tophash::lab {

inline constexpr const char* weak_name = "weak";
inline constexpr const char* weak_description =
    "weak keys, weak values, ephemerons: ns of an entry in a cycle, cycles until it is purged (run only)";

inline constexpr std::size_t weak_entries_usual = 100'000, weak_entries_min = 100,
                             weak_entries_max = 10'000'000;
inline constexpr unsigned weak_rounds_usual = 7;
inline constexpr std::size_t weak_purge_entries = 4096, weak_purge_dropped = weak_purge_entries / 2;
inline constexpr std::size_t weak_purge_cycles = 4;

struct weak_request {
  std::vector<std::string> collectors;  // boehm, precise; empty: those that are here
  std::vector<std::size_t> sizes;       // entries; empty: the usual ones
  unsigned rounds = weak_rounds_usual;
  std::uint64_t seed = 1;
  std::vector<std::string> argv;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

// CPU of a full collection in nanoseconds, the least of a round; one value a round.
struct weak_cost_row {
  std::string collector, held;
  std::size_t entries = 0;
  std::vector<double> no_map_ns, ordinary_ns, weak_ns;

  std::vector<double> w_ns() const;                   // weak over ordinary, of an entry
  std::vector<double> ordinary_ns_per_entry() const;  // over no map
};

struct weak_chain_row {
  std::string collector, order;
  std::size_t entries = 0;
  std::uint64_t stray_max = 0;  // as of weak_purge_row
  std::vector<double> ordinary_ns, weak_ns;
  // Of the last collection that was timed; nothing where the collector does not tell.
  std::optional<std::uint64_t> rounds, looks, kept_undecided;
  std::optional<std::uint64_t> work;  // steps of marking
  // Once the first key has lost its root, after each cycle: of the execution that left least. A stray word
  // that libgc takes for a pointer into a chain keeps all that comes after.
  std::vector<std::uint64_t> entries_left;

  std::vector<double> w_ns() const;
};

// [k]: after the k-th full collection since half the weak side lost its roots; [0]: before any. Nothing
// else is done in between.
struct weak_purge_row {
  std::string collector, held;  // `ordinary map`: the control, which keeps everything
  bool leads_back = false;      // each strong side leads to its own weak side
  std::uint64_t stray_max = 0;  // libgc searches the stack: words there may keep so many of the dropped ones
  std::vector<std::uint64_t> entries;       // of the dropped ones, in iteration
  std::vector<std::uint64_t> weak_objects;  // of the dropped entries, not found dead
  std::vector<std::uint64_t> strong_objects;
  std::vector<std::uint64_t> undestroyed;     // of both: what is destroyed has given its memory back
  std::uint64_t made_to_destroy = 0;          // objects of their size, until those found dead are destroyed
  std::vector<std::uint64_t> slots_to_sweep;  // erased, not empty
  std::uint64_t writes_to_sweep = 0;          // of a key that is there, until no such slot is left
  std::uint64_t slots_after = 0;              // that are left all the same
};

struct weak_result {
  weak_request request;
  std::vector<weak_cost_row> costs;
  std::vector<weak_chain_row> chains;
  std::vector<weak_purge_row> purges;
  bool interrupted = false;
  std::vector<std::string> failures;  // sentences: an entry lost, or kept that nothing leads to
};

// The first index from which on at most `left` are there; nothing: at none.
std::optional<std::size_t> cycles_until(const std::vector<std::uint64_t>& there, std::uint64_t left);

// Throws command_error: a collector or a size that is none, or is not built in.
weak_result run_weak(const weak_request& request);

int exit_code_of(const weak_result& r);
nlohmann::json weak_json(const weak_result& r);  // schema tophash-weak-1
std::string weak_text(const weak_result& r);

}  // namespace tophash::lab

#endif
