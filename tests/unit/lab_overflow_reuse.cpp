// SPDX-License-Identifier: Apache-2.0
// overflow_reuse without its compiler: the ledger and the pacing on written-down streams, a metered map
// against arithmetic on its pattern, and the sentences against cells that were made up and then swapped.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/overflow/fresh.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/shared_pool.hpp>

#include "lab/catalogue.hpp"
#include "lab/collectors.hpp"
#include "lab/map_watcher.hpp"
#include "lab/overflow_reuse.hpp"
#include "lab/report/report.hpp"
#include "lab/storages.hpp"
#include "lab/variant.hpp"
#include "workloads/workloads.hpp"

namespace lab = tophash::lab;

namespace {

bool boehm_here() {
  const auto& all = lab::collectors();
  return std::any_of(all.begin(), all.end(), [](const auto& c) { return c.name == "boehm" && c.here; });
}

tophash::request bucket_request() {
  return {.bytes = 144, .align = 8, .use = tophash::purpose::overflow, .trace = nullptr};
}

// ---- metered maps under a pattern ---------------------------------------------------------------

template <class Source, class... Options>
struct composed {
  template <class Key>
  using map = tophash::map<Key, std::uint64_t, tophash::allocators::erased, lab::metered<Source>, Options...>;
};

// What is in the counters when the last warm-up record is done, and at the end.
class edges final : public lab::map_watcher {
 public:
  explicit edges(std::size_t begin) : begin_(begin) {}
  void new_map() override {}
  std::size_t until_due() const noexcept override { return done_ < begin_ ? begin_ - done_ : 1'000'000'000; }
  bool ran(std::size_t operations, std::uint64_t) override { return (done_ += operations) == begin_; }
  void look(const lab::map_sample& s) override { (done_ == begin_ ? first : last) = s; }
  lab::map_sample first, last;

 private:
  std::size_t begin_, done_ = 0;
};

struct outcome {
  std::uint64_t requested, recycled, released, kept, checksum;
  std::int64_t in_use_change;
  lab::reuse_drag drag;
};

template <class Source, class... Options>
outcome churned(const char* pattern, std::size_t n) {
  const auto made = std::get<0>(
      lab::find_workload(pattern)->build({.n = n, .key = lab::key_kind::u64, .seed = 5, .load_limit = 0}));
  std::size_t begin = 0;
  for (const lab::segment& s : made.segments) begin = s.measured ? begin : s.end;
  const auto storage = lab::bind_storage("system");
  lab::overflow_ledger ledger(nullptr);
  ledger.reset();
  lab::paced_heap heap(storage->handle(), nullptr, false, {}, &ledger);
  tophash::allocators::erased_resource<lab::paced_storage> resource{lab::paced_storage(heap)};
  edges watch(begin);
  lab::execution out;
  lab::execute<typename composed<Source, Options...>::template map<std::uint64_t>>(
      made,
      {.storage = tophash::allocators::erased(resource), .map_seed = 5, .watcher = &watch, .meter = &ledger},
      out);
  REQUIRE(out.trouble.empty());
  REQUIRE(heap.reachable_bytes() == 0);  // the map is gone, and so is all it had
  return {watch.last.overflow_requested - watch.first.overflow_requested,
          watch.last.overflow_recycled - watch.first.overflow_recycled,
          watch.last.overflow_released - watch.first.overflow_released,
          out.counts.overflow_kept,
          out.checksum,
          static_cast<std::int64_t>(watch.last.overflow_in_use) -
              static_cast<std::int64_t>(watch.first.overflow_in_use),
          ledger.drag()};
}

// In a frame of its own: what it leaves on the stack is not searched once others have been there.
TOPHASH_NOINLINE void release_many(lab::paced_heap& heap, lab::overflow_ledger& ledger, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    void* const block = heap.try_allocate(bucket_request());
    ledger.released(block);
    heap.deallocate(block, bucket_request());
  }
}

// ---- cells that were made up --------------------------------------------------------------------

lab::reuse_cell cell(std::string deletion, std::string source, std::string pattern, std::uint64_t requested,
                     std::uint64_t recycled, std::uint64_t collections) {
  lab::reuse_cell c;
  c.deletion = std::move(deletion), c.source = std::move(source), c.growth = "eager",
  c.pattern = std::move(pattern);
  c.spec = c.deletion + "," + c.source;
  c.storage = "boehm_scanned";
  c.collected = true;
  c.counts.operations = 1000;
  c.counts.requested = requested, c.counts.recycled = recycled, c.counts.released = recycled;
  c.counts.buckets = 10, c.counts.entries = 50, c.counts.in_use = 5;
  c.counts.heap.collections = collections;
  c.counts.heap.allocated_bytes = 144 * (requested - recycled);
  c.times.mutator_ns_per_op = {10, 10, 10};
  c.times.collector_ns_per_op = {5, 5, 5};
  c.predicted_collector_ns_per_op = 5;
  return c;
}

lab::reuse_result result_of(std::vector<lab::reuse_cell> cells) {
  lab::reuse_result r;
  r.n = 50;
  r.storage = "boehm_scanned";
  r.collected = r.by_collector = true;
  r.planned = cells.size();
  r.cells = std::move(cells);
  return r;
}

std::string said(const lab::reuse_result& r) {
  std::string out;
  for (const std::string& sentence : lab::reuse_findings(r)) out += sentence + "\n";
  return out;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

// ---- ledger and pacing --------------------------------------------------------------------------

TEST_CASE("lab overflow_reuse: the ledger counts collections between release and use", "[lab][reuse]") {
  lab::overflow_ledger ledger(nullptr);
  int buckets[4] = {};
  ledger.released(&buckets[0]);  // before the window: followed, not counted
  ledger.reset();
  ledger.released(&buckets[1]);
  ledger.released(&buckets[2]);
  ledger.acquired(&buckets[0]);
  ledger.acquired(&buckets[1]);  // within the same cycle
  ledger.collected();
  ledger.collected();
  ledger.acquired(&buckets[2]);
  ledger.acquired(&buckets[3]);  // never released: new
  ledger.released(&buckets[2]);
  ledger.collected();
  const lab::reuse_drag d = ledger.drag();
  CHECK(d.reused == lab::drag_counts{2, 2, 2});
  CHECK(d.open == lab::drag_counts{1, 1, 1});
  CHECK(d.freed.count + d.reclaimed.count == 0);
  CHECK(d.reused.mean() == 1.0);
  ledger.dropped(&buckets[2], sizeof(int), false);
  CHECK(ledger.drag().freed == lab::drag_counts{1, 1, 1});
  CHECK(ledger.drag().open.count == 0);
}

TEST_CASE("lab overflow_reuse: a block that holds several buckets ends all of them", "[lab][reuse]") {
  lab::overflow_ledger ledger(nullptr);
  ledger.reset();
  char array[64] = {};
  ledger.released(&array[8]);
  ledger.released(&array[32]);
  ledger.dropped(array, 32, false);
  CHECK(ledger.drag().freed.count == 1);  // the other begins where the block ends
  CHECK(ledger.drag().open.count == 1);
}

TEST_CASE("lab overflow_reuse: what the collector is left is found by a weak link", "[lab][reuse]") {
  if (!boehm_here()) return;
  lab::boehm_heap()->collect_by_itself(false);
  {
    const auto storage = lab::bind_storage("boehm_scanned");
    constexpr std::size_t many = 1'000;
    lab::overflow_ledger ledger(storage->collector());
    lab::paced_heap heap(storage->handle(), storage->collector(), true, {.ratio = 2, .least_bytes = 1 << 30}, &ledger);
    ledger.reset();
    release_many(heap, ledger, many);
    CHECK(ledger.drag().open.count == many);
    lab::boehm_heap()->collect();
    ledger.collected();
    const lab::reuse_drag d = ledger.drag();
    CHECK(d.reclaimed.count > many * 95 / 100);  // a conservative collector may keep a few
    CHECK(d.reclaimed.sum_cycles == d.reclaimed.count);
    CHECK(d.reclaimed.count + d.open.count == many);
  }
  lab::boehm_heap()->collect_by_itself(true);
}

TEST_CASE("lab overflow_reuse: collections are due by bytes alone", "[lab][reuse]") {
  for (const char* name : {"boehm_scanned", "precise"}) {
    CAPTURE(name);
    const bool precise = std::string_view(name) == "precise";
    if (!precise && !boehm_here()) continue;
    const auto storage = lab::bind_storage(name);
    lab::heap_collector& collector = *storage->collector();
    collector.collect_by_itself(false);
    lab::paced_heap heap(storage->handle(), &collector, !precise, {.ratio = 2, .least_bytes = 256 * 1024}, nullptr);
    const std::uint64_t before = collector.clock();
    for (int i = 0; i < 1'000; ++i) heap.allocate_beside(4096);
    CHECK(heap.counts().collections == 15);  // 64 blocks fit, the next is too many: (1000 - 1) / 64
    CHECK(collector.clock() - before == 15);
    CHECK(heap.counts().garbage_bytes == 4'096'000);
    CHECK(heap.counts().scanned_bytes == 0);

    // With 1 MiB reachable the budget is as much: 256 blocks, once the first collection has seen it. On a precise
    // heap the block is not the collector's to look at.
    const tophash::request array{
        .bytes = 1 << 20, .align = 8, .use = tophash::purpose::slots, .trace = nullptr};
    void* const block = heap.try_allocate(array);
    heap.reset_counts();
    for (int i = 0; i < 1'000; ++i) heap.allocate_beside(4096);
    CHECK(heap.counts().collections == 4);  // at once, then (1000 - 1) / 256
    CHECK(heap.counts().scanned_bytes == (precise ? 0u : 4u << 20));
    CHECK(heap.counts().visited_blocks == (precise ? 0u : 4u));
    heap.deallocate(block, array);
    if (!precise) collector.collect_by_itself(true);
  }
}

// ---- timelines ----------------------------------------------------------------------------------

TEST_CASE("lab collectors: the worst interval is found wherever it lies", "[lab][collectors]") {
  const auto stay = [](std::uint64_t begin, std::uint64_t end, std::uint64_t cycle) {
    return lab::collector_stay{.begin_ns = begin, .end_ns = end, .mark_begin_ns = begin, .mark_end_ns = end,
                               .cpu_ns = end - begin, .cycle = cycle, .bytes_before = 4'000'000,
                               .bytes_after = 3'000'000};
  };
  const std::vector<lab::collector_stay> stays = {stay(100, 110, 1), stay(115, 120, 2), stay(500, 512, 3)};
  CHECK(lab::minimum_utilisation(stays, 1'000, 10) == 0);                    // within one
  CHECK(lab::minimum_utilisation(stays, 1'000, 20) == Approx(1 - 15 / 20.0));  // 100 to 120 holds two
  CHECK(lab::minimum_utilisation(stays, 1'000, 500) == Approx(1 - 27 / 500.0));  // all three, 12 to 512
  CHECK(lab::minimum_utilisation(stays, 1'000, 100'000) == Approx(1 - 27 / 1'000.0));  // the window is shorter
  CHECK(lab::minimum_utilisation({}, 1'000, 10) == 1);
  CHECK(lab::minimum_utilisation({}, 0, 10) == 1);
  CHECK(lab::stay_quantile_ns(stays, 0.5) == 10);
  CHECK(lab::stay_quantile_ns(stays, 0.999) == 12);
  CHECK(lab::stay_quantile_ns({}, 0.5) == 0);

  const std::string lines = lab::gctrace_text("precise", {stay(0, 2'000'000, 1), stay(3'000'000, 3'500'000, 1)});
  CHECK(lines == "gc precise 1 @0.000s 71%: 2.50+0.00 ms marking+rest, 2.50 ms cpu, 4.0->3.0 MB, 2 stays, "
                 "longest 2.00 ms\n");
  CHECK(lab::stays_from(lab::stays_json(stays)) == stays);
  const nlohmann::json trace = lab::chrome_trace_json({{.name = "a row", .collector = "precise", .stays = stays}});
  CHECK(trace.at("traceEvents").size() == 1 + 3 * 4);  // a name; a stay, its marking, the heap before and after
}

TEST_CASE("lab overflow_reuse: pressure is collections times what one costs", "[lab][reuse]") {
  const lab::heap_counts c = {.allocated_bytes = 600,
                              .allocated_blocks = 3,
                              .garbage_bytes = 400,
                              .collections = 5,
                              .scanned_bytes = 20'000,
                              .visited_blocks = 50};
  CHECK(
      lab::predicted_ns_per_op(c, 1000, {.cycle_ns = 100, .allocated_byte_ns = 2, .byte_ns = 0.5, .block_ns = 4}) ==
      Approx((5 * 100 + 1000 * 2 + 20'000 * 0.5 + 50 * 4) / 1000.0));
  CHECK(lab::predicted_ns_per_op({}, 0, {.cycle_ns = 100}) == 0);
}

// ---- patterns -----------------------------------------------------------------------------------

TEST_CASE("lab overflow_reuse: counts of the adversary follow from its waves", "[lab][reuse]") {
  using namespace tophash;
  constexpr std::size_t n = 2'048, wave = 512, chains = 4, slots = 8;
  constexpr std::uint64_t waves = 3 * n / wave;
  const outcome fresh = churned<overflow::fresh>("reuse_adversary", n);
  const outcome local = churned<overflow::local_list>("reuse_adversary", n);
  const outcome pool = churned<overflow::shared_pool>("reuse_adversary", n);
  // A chain takes 128 more entries, so 16 buckets, but for what its own free slots hold: less than two
  // buckets.
  constexpr std::uint64_t most = waves * chains * (wave / chains / slots), least = most - waves * chains * 2;
  for (const outcome& o : {fresh, local, pool}) {
    CHECK(o.requested >= least);
    CHECK(o.requested <= most);
    CHECK(static_cast<std::int64_t>(o.requested) - static_cast<std::int64_t>(o.released) == o.in_use_change);
    CHECK(o.requested == fresh.requested);  // the source decides where a bucket comes from, not whether
    CHECK(o.checksum == fresh.checksum);
    CHECK(o.drag.reused.max_cycles == 0);  // nothing is collected
  }
  CHECK(fresh.recycled == 0);
  CHECK(fresh.drag.reused.count == 0);
  CHECK(fresh.drag.freed.count >= fresh.released);
  CHECK(local.recycled == local.requested);  // the warm-up filled the list
  CHECK(local.drag.reused.count >= local.recycled);
  CHECK(pool.recycled == pool.requested);
  CHECK(local.kept == pool.kept);
  CHECK(local.kept >= least / waves);  // a wave has gone
}

TEST_CASE("lab overflow_reuse: the printed program asks for nothing, a tombstone gives nothing back",
          "[lab][reuse]") {
  using namespace tophash;
  const outcome printed = churned<overflow::local_list>("reuse_printed", 1'000);
  CHECK(printed.requested == 0);
  const outcome dead = churned<overflow::local_list, deletion::tombstone>("reuse_adversary", 2'048);
  CHECK(dead.released == 0);
  CHECK(dead.recycled == 0);
}

TEST_CASE("lab overflow_reuse: hostile keys share four buckets at every size up to eight times",
          "[lab][reuse]") {
  const auto p =
      std::get<0>(lab::find_workload("reuse_adversary")
                      ->build({.n = 1'000, .key = lab::key_kind::u64, .seed = 11, .load_limit = 0}));
  const tophash::hashing::seeded<tophash::hashing::wyhash> policy{11};
  std::size_t hostile = 0;
  for (std::size_t i = p.segments.front().end; i < p.records.size(); ++i) {
    const std::uint64_t hash = tophash::position_hash<std::uint64_t>(policy, policy.hash(p.records[i].key));
    hostile += (hash & (8 * 128 - 1)) < 4 ? 1 : 0;  // 1,000 entries: at most 256 buckets
  }
  CHECK(hostile == p.records.size() - p.segments.front().end);
}

// ---- sentences ----------------------------------------------------------------------------------

TEST_CASE("lab overflow_reuse: sentences follow the cells", "[lab][reuse]") {
  std::vector<lab::reuse_cell> cells = {cell("immediate", "fresh", "new_keys", 100, 0, 12),
                                        cell("immediate", "local_list", "new_keys", 100, 95, 10)};
  const std::string text = said(result_of(cells));
  CHECK(holds(text, "fresh 0.0 %, local_list 95.0 %"));
  CHECK(holds(text, "most: immediate, local_list, eager, 95.0 % of 100."));
  CHECK(holds(text, "local_list: map's bytes -95.0 %, collections fewer in 1 of 1 pairs, more in 0"));

  std::vector<lab::reuse_cell> swapped = cells;
  std::swap(swapped[0].counts, swapped[1].counts);
  const std::string other = said(result_of(swapped));
  CHECK(holds(other, "fresh 95.0 %, local_list 0.0 %"));
  CHECK(holds(other, "most: immediate, fresh, eager, 95.0 % of 100."));
  CHECK(holds(other, "collections fewer in 0 of 1 pairs, more in 1"));
}

TEST_CASE("lab overflow_reuse: where nothing differs, the sentence says so", "[lab][reuse]") {
  const std::string text = said(result_of({cell("tombstone", "fresh", "new_keys", 40, 0, 9),
                                           cell("tombstone", "local_list", "new_keys", 40, 0, 9)}));
  CHECK(holds(text, "nothing was reused in any."));
  CHECK(holds(text, "tombstone gives none back, so no source has any to hand out again."));
  CHECK(
      holds(text, "no source differs from fresh in what the map allocates or in the number of collections."));

  const std::string idle = said(result_of(
      {cell("immediate", "fresh", "printed", 0, 0, 9), cell("immediate", "local_list", "printed", 0, 0, 9)}));
  CHECK(holds(idle, "printed: none of 2 cells asked for an overflow bucket"));
  CHECK_FALSE(holds(idle, "reused, of the overflow buckets"));
}

TEST_CASE("lab overflow_reuse: a time differs only where every round says so", "[lab][reuse]") {
  std::vector<lab::reuse_cell> cells = {cell("immediate", "fresh", "new_keys", 100, 0, 12),
                                        cell("immediate", "local_list", "new_keys", 100, 95, 10)};
  CHECK(holds(said(result_of(cells)), "no difference resolvable in its CPU (1.00..1.00)"));
  cells[1].times.collector_ns_per_op = {3, 3.5, 4};
  CHECK(holds(said(result_of(cells)), "its CPU 0.70 times (0.60..0.80)"));
  cells[1].times.collector_ns_per_op = {3, 3.5, 5.5};
  CHECK(holds(said(result_of(cells)), "no difference resolvable in its CPU (0.60..1.10)"));
  cells[0].times.collector_ns_per_op = {10, 11, 12};  // a slow machine slows both
  cells[1].times.collector_ns_per_op = {20, 22, 24};
  CHECK(holds(said(result_of(cells)), "its CPU 2.00 times (2.00..2.00)"));
}

TEST_CASE("lab overflow_reuse: same-size growth and drained pools are compared pair by pair",
          "[lab][reuse]") {
  std::vector<lab::reuse_cell> cells = {cell("dirty", "shared_pool", "new_keys", 100, 80, 9),
                                        cell("dirty", "shared_pool drained", "new_keys", 100, 20, 11)};
  CHECK(holds(said(result_of(cells)), "buckets reused -75.0 % (80 to 20)"));
  cells[1].counts = cells[0].counts;
  CHECK(holds(said(result_of(cells)), "changed neither what it reused nor what it keeps"));

  cells[1] = cells[0];
  cells[1].growth = "regrowing(eager,overflow)";
  CHECK(holds(said(result_of(cells)), "it changed no array in any of 1 pairs"));
  cells[1].counts.regrows = 3, cells[1].counts.in_use = 4;
  CHECK(holds(said(result_of(cells)),
              "same-size growths 0 to 3 in 1 of 1 pairs; there overflow buckets in use at the "
              "end -20.0 %"));
}

TEST_CASE("lab overflow_reuse: a model that misses is said to miss", "[lab][reuse]") {
  std::vector<lab::reuse_cell> cells = {cell("immediate", "fresh", "new_keys", 100, 0, 12)};
  CHECK(holds(said(result_of(cells)), "within 25 % in 1 of 1 cell: the model holds here"));
  cells[0].predicted_collector_ns_per_op = 8;
  CHECK(holds(said(result_of(cells)), "within 25 % in 0 of 1 cell: the model does NOT hold here"));
}

TEST_CASE("lab overflow_reuse: a cell in trouble is named and compared with nothing", "[lab][reuse]") {
  lab::reuse_result r = result_of({cell("immediate", "fresh", "new_keys", 100, 0, 12),
                                   cell("immediate", "local_list", "new_keys", 100, 95, 10)});
  r.cells[1].trouble = "its process was ended by Killed";
  CHECK_FALSE(holds(said(r), "local_list"));
  CHECK(holds(lab::reuse_text(r), "not measured: its process was ended by Killed"));
  r.mismatches = {"two executions gave unequal counts"};
  CHECK(lab::reuse_findings(r).front() == "CHECK FAILED: two executions gave unequal counts");
}

TEST_CASE("lab overflow_reuse: the matrix is the promised one and legal", "[lab][reuse]") {
  const std::vector<std::string> specs = lab::overflow_reuse_specs();
  CHECK(specs.size() == 5 * 4 * 2);
  std::vector<std::string> canonical;
  for (const std::string& text : specs) {
    const lab::spec_description spec = lab::parse_spec(text);
    CHECK_FALSE(lab::check_rules(spec, nullptr).has_value());
    canonical.push_back(lab::canonical(spec));
  }
  std::sort(canonical.begin(), canonical.end());
  CHECK(std::adjacent_find(canonical.begin(), canonical.end()) == canonical.end());
}
