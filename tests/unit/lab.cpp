// SPDX-License-Identifier: Apache-2.0
// The lab's parts: histogram, statistics, random streams, SHA-256, traces, catalogue, registry, workloads.
// What judges other code (checksums, the trace reader's errors) is shown broken input and must notice it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck/catch.h>
#include <unistd.h>
#include <zstd.h>

#include <tophash/allocators/arena.hpp>
#include <tophash/allocators/spans.hpp>
#include <tophash/framework/compose/name.hpp>
#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/layout/directory.hpp>
#include <tophash/framework/layout/open_groups.hpp>
#include <tophash/framework/layout/open_slots.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/policies/deletion/tombstone.hpp>
#include <tophash/policies/growth/in_order.hpp>
#include <tophash/policies/growth/on_read.hpp>
#include <tophash/policies/growth/incremental.hpp>
#include <tophash/policies/growth/regrowing.hpp>
#include <tophash/policies/hashing/go_seeded.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/murmur3.hpp>
#include <tophash/policies/hashing/prefix.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#if TOPHASH_WITH_XXHASH
#include <tophash/policies/hashing/xxh3.hpp>
#endif
#include <tophash/policies/iteration/mutation_safe.hpp>
#include <tophash/policies/observe/counters.hpp>
#include <tophash/policies/overflow/local_list.hpp>
#include <tophash/policies/overflow/none.hpp>
#include <tophash/policies/overflow/slabs.hpp>
#include <tophash/policies/sizing/fast_range.hpp>
#include <tophash/policies/sizing/power_of_two_high.hpp>
#include <tophash/policies/sizing/prime.hpp>
#include <tophash/policies/sync/shared_mutex.hpp>
#include <tophash/policies/sync/striped.hpp>
#include <tophash/presets.hpp>

#include "lab/catalogue.hpp"
#include "lab/experiment.hpp"
#include "lab/histogram.hpp"
#include "lab/latency_log.hpp"
#include "lab/nearest.hpp"
#include "lab/registry.hpp"
#include "lab/sha256.hpp"
#include "lab/spec_parser.hpp"
#include "lab/statistics.hpp"
#include "lab/storage_source.hpp"
#include "lab/storages.hpp"
#include "lab/trace.hpp"
#include "workloads/random.hpp"
#include "workloads/workloads.hpp"

namespace lab = tophash::lab;
namespace fs = std::filesystem;

namespace {

// A folder of this process's own, gone at the end.
class scratch {
 public:
  scratch() : folder_(fs::temp_directory_path() / ("tophash-lab-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

 private:
  fs::path folder_;
};

std::string compressed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string trace_failure(const fs::path& file, lab::trace_keys keys = lab::trace_keys::detect) {
  try {
    static_cast<void>(lab::load_trace(file, keys));
  } catch (const lab::trace_error& error) {
    const std::string text = error.what();
    REQUIRE(text.find(file.string()) == 0);
    return text.substr(file.string().size());
  }
  return "none";
}

const std::string head = "time,op,key,size\n";

}  // namespace

// ---- histogram ----------------------------------------------------------------------------------

TEST_CASE("lab histogram: cells tile the integers, each bound within 1/32 of its values", "[lab]") {
  REQUIRE(lab::histogram::cell_of(~std::uint64_t{0}) == lab::histogram::cells - 1);
  for (std::size_t cell = 0; cell + 1 < lab::histogram::cells; ++cell) {
    const std::uint64_t last = lab::histogram::upper_bound(cell);
    REQUIRE(lab::histogram::cell_of(last) == cell);
    REQUIRE(lab::histogram::cell_of(last + 1) == cell + 1);
  }
  rc::prop("a value's cell ends at most 1/32 above it", [](std::uint64_t raw, std::uint8_t shift) {
    const std::uint64_t value = raw >> (shift % 64);
    const std::uint64_t bound = lab::histogram::upper_bound(lab::histogram::cell_of(value));
    RC_ASSERT(bound >= value);
    RC_ASSERT(bound - value <= value / 32);
  });
}

TEST_CASE("lab histogram: quantiles, merging, exact parts", "[lab]") {
  rc::prop("a quantile is the sample of its rank or at most 1/32 above",
           [](const std::vector<std::uint32_t>& samples, std::uint8_t percent) {
             RC_PRE(!samples.empty());
             lab::histogram h;
             for (const std::uint32_t s : samples) h.record(s);
             std::vector<std::uint32_t> sorted = samples;
             std::sort(sorted.begin(), sorted.end());
             const double q = static_cast<double>(percent % 101) / 100;
             const auto rank =
                 static_cast<std::size_t>(std::max(1.0, std::ceil(q * static_cast<double>(sorted.size()))));
             const std::uint64_t exact = sorted[rank - 1], given = h.quantile(q);
             RC_ASSERT(given >= exact);
             RC_ASSERT(given - exact <= exact / 32);
             RC_ASSERT(h.max() == sorted.back());
             RC_ASSERT(h.min() == sorted.front());
             RC_ASSERT(h.count() == sorted.size());
           });
  rc::prop("merging two is recording both",
           [](const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
             lab::histogram left, right, both;
             for (const std::uint64_t s : a) left.record(s), both.record(s);
             for (const std::uint64_t s : b) right.record(s), both.record(s);
             left.merge(right);
             RC_ASSERT(left == both);
           });
  REQUIRE(lab::histogram{}.quantile(0.5) == 0);
}

TEST_CASE("lab latency log: the least of the executions, position by position", "[lab]") {
  std::vector<std::uint32_t> slots(3, lab::latency_log::unset);
  lab::latency_log first(slots), second(slots);
  for (const std::uint64_t t : {5u, 900u, 7u}) first.record(t);
  for (const std::uint64_t t : {6u, 40u, 7'000u}) second.record(t);
  REQUIRE(slots == std::vector<std::uint32_t>{5, 40, 7});
  second.record(1);  // past the end: counted by nobody
  REQUIRE(second.recorded() == 3);
}

// ---- statistics ---------------------------------------------------------------------------------

TEST_CASE("lab statistics: coverage of order statistics", "[lab]") {
  REQUIRE(lab::interval_coverage(3, 0) == Approx(0.75));
  REQUIRE(lab::interval_coverage(6, 0) == Approx(0.96875));
  REQUIRE(lab::interval_coverage(7, 1) == Approx(0.875));
  std::vector<double> values;
  for (int i = 1; i <= 20; ++i) values.push_back(i);
  const lab::estimate e = lab::summarise(values);
  REQUIRE(e.median == 10.5);
  REQUIRE(e.low == 6);  // [6th, 15th] of 20: 95.9 %
  REQUIRE(e.high == 15);
  REQUIRE(e.coverage == Approx(0.9586).epsilon(1e-3));
  REQUIRE(lab::summarise(std::vector<double>{3, 1, 2}).low == 1);
}

TEST_CASE("lab statistics: an interval holds the median as often as it says", "[lab]") {
  lab::random_stream random(7);
  int held = 0;
  constexpr int trials = 4000;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> values(20);
    for (double& v : values) v = random.unit();
    const lab::estimate e = lab::summarise(values);
    held += e.low <= 0.5 && 0.5 <= e.high ? 1 : 0;
  }
  REQUIRE(static_cast<double>(held) / trials == Approx(0.9586).margin(0.015));
}

// ---- random streams -----------------------------------------------------------------------------

TEST_CASE("lab random: a stream is fixed by its seed, below() stays below", "[lab]") {
  lab::random_stream a(1), b(1), c(2);
  REQUIRE(a.next() == b.next());
  REQUIRE(a.next() != c.next());
  rc::prop("below(n) < n", [](std::uint64_t seed, std::uint64_t bound) {
    RC_PRE(bound != 0);
    RC_ASSERT(lab::random_stream(seed).below(bound) < bound);
  });
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) ++counts[a.below(10)];
  for (const int count : counts) REQUIRE(count == Approx(10'000).margin(500));
}

TEST_CASE("lab Zipf: each rank as often as rank^-s says", "[lab]") {
  for (const double exponent : {0.5, 0.99, 1.0, 1.3}) {
    constexpr std::uint64_t n = 1000;
    constexpr int samples = 2'000'000;
    lab::random_stream random(3);
    const lab::zipf_ranks ranks(n, exponent);
    std::vector<int> counts(n + 1);
    for (int i = 0; i < samples; ++i) ++counts.at(ranks(random));
    double all = 0;
    for (std::uint64_t k = 1; k <= n; ++k) all += std::pow(static_cast<double>(k), -exponent);
    double chi = 0;
    for (std::uint64_t k = 1; k <= n; ++k) {
      const double expected = samples * std::pow(static_cast<double>(k), -exponent) / all;
      const double off = (counts[k] - expected) / std::sqrt(expected);
      chi += off * off;
      // Each of the first ranks by itself: the sum over a thousand would hide two per cent of one of them.
      INFO("exponent " << exponent << ", rank " << k << " is off by " << off << " standard deviations");
      if (k <= 10) REQUIRE(std::abs(off) < 4.5);
    }
    INFO("exponent " << exponent << ", chi-squared " << chi << " over 999 degrees of freedom");
    REQUIRE(chi < 999 + 5 * std::sqrt(2 * 999.0));  // five standard deviations
    REQUIRE(counts[0] == 0);
  }
  lab::random_stream random(1);
  REQUIRE(lab::zipf_ranks(1, 0.99)(random) == 1);
}

// ---- SHA-256 ------------------------------------------------------------------------------------

TEST_CASE("lab SHA-256: the standard's examples, and pieces of any size", "[lab]") {
  REQUIRE(lab::sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  REQUIRE(lab::sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(lab::sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  REQUIRE(lab::sha256_of(std::string(1'000'000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  rc::prop("fed in two pieces it is the same", [](const std::string& a, const std::string& b) {
    lab::sha256 hash;
    hash.feed(a);
    hash.feed(b);
    RC_ASSERT(hash.hex() == lab::sha256_of(a + b));
  });
}

// ---- traces -------------------------------------------------------------------------------------

TEST_CASE("lab trace: rows of numbers and of strings", "[lab][trace]") {
  const scratch files;
  for (const bool zst : {false, true}) {
    const std::string text = head + "12,s,18446744073709551615,48\n,g,5,\n0.5,d,5,\n";
    const lab::trace t = lab::load_trace(files.write("numbers", zst ? compressed(text) : text));
    REQUIRE((t.gets == 1 && t.sets == 1 && t.erases == 1));
    const auto& p = std::get<0>(t.operations);
    REQUIRE(p.records.size() == 3);
    REQUIRE((p.records[0].key == ~std::uint64_t{0} && p.records[0].size_bytes == 48));
    REQUIRE(p.records[2].what == lab::operation::erase);
  }
  const lab::trace t =
      lab::load_trace(files.write("strings", head + ",s,os.path.join,8\n,g,7,\n,g,os.path.join,"));
  const auto& p = std::get<1>(t.operations);
  REQUIRE(p.pool->size() == 2);
  REQUIRE(p.records[0].key == p.records[2].key);  // one string, kept once
  REQUIRE(*p.records[1].key == "7");
  REQUIRE(std::get<1>(
              lab::load_trace(files.write("forced", head + ",g,7,\n"), lab::trace_keys::string).operations)
              .pool->front() == "7");
}

TEST_CASE("lab trace: what is wrong is said with its line", "[lab][trace]") {
  const scratch files;
  const auto failure = [&files](const std::string& text) {
    return trace_failure(files.write("bad.csv", text));
  };
  REQUIRE(failure("").find(":1: the file is empty") == 0);
  REQUIRE(failure("time,op,key\n").find(":1: the first line is not 'time,op,key,size'") == 0);
  REQUIRE(failure(head).find(":1: no row after the first line") == 0);
  REQUIRE(failure(head + ",g,1,\n,x,2,\n").find(":3: the operation 'x' is none of g, s, d") == 0);
  REQUIRE(failure(head + ",g,1,\n,,2,\n").find(":3: the operation '' is none") == 0);
  REQUIRE(failure(head + ",g,1\n").find(":2: expected 4 fields") == 0);
  REQUIRE(failure(head + ",g,1,2,3\n").find(":2: expected 4 fields") == 0);
  REQUIRE(failure(head + ",g,,\n").find(":2: the key is empty") == 0);
  REQUIRE(failure(head + ",s,1,many\n").find(":2: the size 'many' is no number") == 0);
  REQUIRE(failure(head + ",s,1,4294967296\n").find(":2: the size") == 0);
  REQUIRE(failure(head + "soon,s,1,4\n").find(":2: the time 'soon' is no number") == 0);
  REQUIRE(failure(head + ",g,1,\n\n,g,2,\n").find(":3: expected 4 fields") == 0);
  REQUIRE(failure(head + ",g,1,\n,g,12x,\n").find(":3: the key '12x' is no unsigned 64-bit number") == 0);
  REQUIRE(failure(head + ",g,1,\n,g,18446744073709551616,\n").find(":3: the key") == 0);
  REQUIRE(failure(head + ",g,1,\n,g,-1,\n").find(":3: the key") == 0);
  REQUIRE(failure(head + ",g," + std::string(70'000, '1') + ",\n").find(":2: a line of more than 64 KiB") ==
          0);
  REQUIRE(trace_failure(fs::temp_directory_path() / "tophash-no-such-file").find(": cannot be opened") !=
          std::string::npos);
}

TEST_CASE("lab trace: cut and damaged compression is noticed at every place", "[lab][trace]") {
  const scratch files;
  std::string text = head;
  for (int i = 0; i < 20'000; ++i)
    text += ",s," + std::to_string(i * 7919 % 100'003) + "," + std::to_string(i % 97) + "\n";
  const std::string whole = compressed(text);
  REQUIRE(trace_failure(files.write("whole.zst", whole)) == "none");
  for (std::size_t cut = 5; cut < whole.size(); cut += whole.size() / 50) {
    const std::string said = trace_failure(files.write("cut.zst", whole.substr(0, cut)));
    REQUIRE(said.find("the compressed data ends in the middle") != std::string::npos);
  }
  std::string damaged = whole;
  for (std::size_t i = damaged.size() / 2; i < damaged.size() / 2 + 64; ++i)
    damaged[i] = static_cast<char>(~damaged[i]);
  REQUIRE(trace_failure(files.write("damaged.zst", damaged)) != "none");
  // Two frames one after the other are one trace.
  const std::string twice = compressed(head + ",g,1,\n") + compressed(",g,2,\n");
  REQUIRE(lab::load_trace(files.write("frames.zst", twice)).gets == 2);
}

TEST_CASE("lab trace: the shipped ones are what their README says", "[lab][trace]") {
  const lab::trace ast = lab::load_trace("bench/traces/alloc_python_ast.csv.zst");
  REQUIRE((ast.gets == 0 && ast.sets == 1'112'700 && ast.erases == 1'112'208));
  REQUIRE(ast.sha256 == "70ef2a73868b03ba3dbb533472068ce79f9840556da3516ed2037cdafb9bf801");
  const lab::trace symbols = lab::load_trace("bench/traces/pystdlib_symbols.csv.zst");
  REQUIRE((symbols.gets == 258'112 && symbols.sets == 91'935 && symbols.erases == 52'803));
  REQUIRE(std::get<1>(symbols.operations).pool->size() == 129'932);
  REQUIRE(symbols.sha256 == "8d821ca896f370670310c8213d91ff96eab58e1ac9b54e868864d8e8e3e2790b");
  REQUIRE(lab::load_trace("bench/traces/alloc_python_ast.csv.zst", lab::trace_keys::detect, 1000).rows() ==
          1000);
}

// ---- catalogue ----------------------------------------------------------------------------------

TEST_CASE("lab catalogue: the text of every built variant is the compiled type's", "[lab][catalogue]") {
  std::size_t composed = 0;
  for (const lab::variant_row& row : lab::variants()) {
    if (row.spec.empty()) continue;
    ++composed;
    INFO(row.name);
    // row.spec is canonical_text of the type that was compiled; the catalogue knows it from curated.txt's
    // text.
    REQUIRE(lab::canonical(lab::parse_spec(row.spec)) == row.spec);
    if (row.any_storage) REQUIRE(lab::canonical(lab::parse_spec(row.name)) == row.spec);
    if (row.any_storage) REQUIRE(lab::short_text(lab::parse_spec(row.spec)) == row.name);
  }
  REQUIRE(composed >= 24);
}

namespace {

template <class Key, class T, class... Options>
void require_same(const std::string& text, std::string_view key, std::string_view value) {
  INFO(text);
  using composed = tophash::compose<Options...>;
  const lab::spec_description spec = lab::parse_spec(text);
  REQUIRE(lab::canonical(spec) == std::string{tophash::canonical_text<composed>()});
  const tophash::spec_facts a = lab::facts_of(spec);
  constexpr tophash::spec_facts b = tophash::facts_of<composed>();
  REQUIRE((a.layout.kind == b.layout.kind && a.layout.slots == b.layout.slots &&
           a.layout.tag_bits == b.layout.tag_bits));
  REQUIRE((a.layout.inline_limit_bytes == b.layout.inline_limit_bytes && a.layout.split == b.layout.split));
  REQUIRE((a.layout.filter_bits == b.layout.filter_bits && a.layout.align_bytes == b.layout.align_bytes &&
           a.layout.indexed == b.layout.indexed && a.overflow.numbers == b.overflow.numbers));
  REQUIRE((a.hashing.seeded == b.hashing.seeded && a.hashing.raw == b.hashing.raw));
  REQUIRE((a.hashing.reseeds == b.hashing.reseeds && a.hashing.scatters == b.hashing.scatters &&
           a.hashing.updates_keys == b.hashing.updates_keys));
  REQUIRE((a.sizing.power_of_two == b.sizing.power_of_two && a.sizing.from_high_end == b.sizing.from_high_end));
  REQUIRE((a.growth.asks_overflow == b.growth.asks_overflow &&
           a.growth.counts_overflow == b.growth.counts_overflow));
  REQUIRE(a.iteration.survives_mutation == b.iteration.survives_mutation);
  REQUIRE((a.deletion.kind == b.deletion.kind && a.deletion.reusing == b.deletion.reusing &&
           a.deletion.hinted == b.deletion.hinted));
  REQUIRE((a.load.numerator == b.load.numerator && a.load.denominator == b.load.denominator));
  REQUIRE((a.growth.quantum == b.growth.quantum && a.growth.endless == b.growth.endless &&
           a.growth.every_write == b.growth.every_write && a.growth.on_read == b.growth.on_read));
  REQUIRE((a.overflow.recycles == b.overflow.recycles && a.allocation.sees == b.allocation.sees));
  REQUIRE((a.allocation.thread_bound == b.allocation.thread_bound &&
           a.allocation.unsynchronised == b.allocation.unsynchronised));
  REQUIRE((a.sync.stripes == b.sync.stripes && a.sync.align_bytes == b.sync.align_bytes &&
           a.sync.wait == b.sync.wait));
  REQUIRE((a.observe.on_const_paths == b.observe.on_const_paths && a.sync.shared == b.sync.shared));
  REQUIRE((a.sync.checked == b.sync.checked && a.sync.throwing == b.sync.throwing &&
           a.deletion.wiped == b.deletion.wiped));
  const tophash::type_facts t = lab::type_facts_for(spec, *lab::find_type(key), *lab::find_type(value));
  constexpr tophash::type_facts u = tophash::type_facts_of<Key, T, composed>();
  REQUIRE((t.key_bytes == u.key_bytes && t.value_bytes == u.value_bytes && t.boxed == u.boxed &&
           t.hashable == u.hashable));
  REQUIRE((t.key_deferred == u.key_deferred && t.value_deferred == u.value_deferred));
  REQUIRE((t.key_may_point == u.key_may_point && t.value_may_point == u.value_may_point));
  REQUIRE(t.key_identity == u.key_identity);
}

}  // namespace

TEST_CASE("lab catalogue: texts and facts are those of the types", "[lab][catalogue]") {
  using namespace tophash;
  require_same<std::uint64_t, std::uint64_t>("defaults", "u64", "u64");
  require_same<std::uint64_t, std::string, presets::go_like>("preset=go_like", "u64", "string");
  require_same<std::string, std::uint64_t, presets::go_like, deletion::dirty>("deletion=dirty,go_like",
                                                                              "string", "u64");
  require_same<std::uint32_t, double, deletion::tombstone_not_reusing, growth::incremental<3>>(
      "tombstone(not_reusing),incremental(3)", "u32", "double");
  require_same<std::uint64_t, std::uint64_t,
               layout::bucket_chain<bucket_options{
                   .slots = 7, .filter_bits = 32, .link = link_kind::index32, .align_bytes = 64}>,
               overflow::slabs>("slabs,bucket_chain(align_bytes=64,slots=7,link=index32,filter_bits=32)", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, growth::incremental<2, true>, overflow::local_list>(
      "incremental(2,every_write),local_list", "u64", "u64");
  require_same<std::uint64_t, void*, hashing::seeded<hashing::std_hash>, observe::counters>(
      "hashing=seeded(std_hash),counters", "u64", "pointer");
  require_same<std::uint8_t, std::vector<std::uint64_t>, hashing::identity, load<4>>("identity,load(4)", "u8",
                                                                                     "vector");
  require_same<std::string, std::uint64_t, hashing::identity>("identity", "string", "u64");
  require_same<std::string, std::uint64_t, hashing::murmur3, sizing::prime>("murmur3,prime", "string", "u64");
  require_same<std::uint64_t, std::uint64_t, sizing::fast_range>("sizing=fast_range", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, hashing::seeded<hashing::murmur3>, sizing::power_of_two_high>(
      "seeded(murmur3),power_of_two_high", "u64", "u64");
#if TOPHASH_WITH_XXHASH
  require_same<std::string, std::uint64_t, hashing::seeded<hashing::xxh3>>("seeded(xxh3)", "string", "u64");
#endif
  require_same<std::string, std::uint64_t, hashing::prefix<3>>("prefix(3)", "string", "u64");
  require_same<double, std::uint64_t, presets::go_like, hashing::go_seeded<hashing::std_hash>>(
      "go_like,go_seeded(std_hash)", "double", "u64");
  require_same<std::uint64_t, std::uint64_t, iteration::mutation_safe, sizing::power_of_two_high,
               growth::regrowing<growth::incremental<1>, growth::when::go_overflow>>(
      "mutation_safe,power_of_two_high,regrowing(incremental(1),go_overflow)", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, hashing::prefix_xor<8>>("prefix_xor(8)", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t,
               layout::bucket_chain<bucket_options{
                   .slots = 4, .tag_bits = 7, .arrange = arrangement::split, .inline_limit_bytes = 16}>>(
      "bucket_chain( arrange = split, tag_bits=7, slots=4, inline_limit_bytes=16 )", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, layout::bucket_chain<bucket_options{.slots = 8}>>(
      "bucket_chain(slots=8,arrange=paired)", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, sync::striped<>>("sync=striped", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, sync::striped<16, 64>, presets::fastest>("fastest,striped(16,64)", "u64",
                                                                                      "u64");
  require_same<std::uint64_t, std::uint64_t, sync::shared_mutex, allocators::arena<>>("shared_mutex,arena", "u64",
                                                                                      "u64");
  require_same<std::uint64_t, std::uint64_t, allocators::spans>("spans", "u64", "u64");
}

TEST_CASE("lab catalogue: canonical text is a fixed point whatever was given", "[lab][catalogue]") {
  const std::vector<std::vector<std::string>> choices = {
      {"bucket_chain", "bucket_chain(slots=3)", "bucket_chain(arrange=split,slots=8)", "open_groups",
       "open_groups(8)"},
      {"wyhash", "seeded(std_hash)", "identity"},
      {"immediate", "tombstone(reusing)", "tombstone_not_reusing", "dirty"},
      {"load(8)", "load(13,2)"},
      {"eager", "incremental(1)", "incremental(2,every_write)"},
      {"fresh", "local_list", "overflow=none"},
      {"mimalloc", "tracked(failing(system))", "boehm_scanned"},
      {"counters", "nothing"},
      {"go_like", "preset=defaults", "fastest"}};
  rc::prop(
      "parse(canonical(parse(x))) == parse(x), in any order of the parts", [&choices](std::uint64_t seed) {
        lab::random_stream random(seed);
        std::vector<std::string> parts;
        for (const std::vector<std::string>& of_axis : choices) {
          if (random.below(2) == 0) parts.push_back(of_axis[random.below(of_axis.size())]);
        }
        if (parts.empty()) parts.emplace_back("defaults");
        const auto joined = [](const std::vector<std::string>& words) {
          std::string out;
          for (const std::string& w : words) out += (out.empty() ? "" : ",") + w;
          return out;
        };
        const std::string canonical = lab::canonical(lab::parse_spec(joined(parts)));
        RC_ASSERT(lab::canonical(lab::parse_spec(canonical)) == canonical);
        random.shuffle(parts);
        RC_ASSERT(lab::canonical(lab::parse_spec(joined(parts))) == canonical);
        RC_ASSERT(lab::canonical(lab::parse_spec(lab::short_text(lab::parse_spec(canonical)))) == canonical);
      });
}

TEST_CASE("lab catalogue: a malformed SPEC is refused with its place", "[lab][catalogue]") {
  const auto said = [](const std::string& text) -> std::pair<std::size_t, std::string> {
    try {
      static_cast<void>(lab::parse_spec(text));
    } catch (const lab::spec_error& error) {
      return {error.position(), error.what()};
    }
    return {0, ""};
  };
  const auto has = [&said](const std::string& text, std::size_t position, const std::string& words) {
    const auto [at, what] = said(text);
    INFO(text << " -> " << what);
    REQUIRE(at == position);
    REQUIRE(what.find(words) != std::string::npos);
  };
  has("", 1, "expected a name or a number, found the end");
  has("go_like,,dirty", 9, "expected a name");
  has("deletion=immediat", 10, "nearest: immediate");
  has("deletoin=dirty", 1, "nearest: deletion");
  has("dirty,immediate", 7, "a second option on the axis deletion");
  has("deletion=dirty,deletion=dirty", 16, "a second option");
  has("preset=go", 8, "is no preset");
  has("incremental", 1, "incremental takes chains a write");
  has("incremental(x)", 1, "incremental takes chains a write");
  has("load(13,2", 10, "expected ',' or ')'");
  has("load(13,2))", 11, "expected ',' or the end, found ')'");
  has("load()", 1, "load takes entries and buckets");
  has("seeded", 1, "takes one hashing option");
  has("seeded(dirty)", 8, "is no hashing option");
  has("bucket_chain(slot=8)", 19, "nearest: slots");
  has("bucket_chain(slots=8,slots=8)", 28, "'slots' is given twice");
  has("bucket_chain(slots=many)", 20, "is no whole number");
  has("open_groups(8,8)", 1, "takes at most the width of a group");
  has("open_groups(wide)", 13, "is no whole number");
  has("eager(1)", 7, "takes no argument");
  has("go_like(1)", 1, "a preset takes no argument");
  has("tombstone(sometimes)", 11, "is no kind of tombstone");
  has("go_like dirty", 9, "expected ',' or the end");
  has("gc=boehm_scanned", 1, "is no axis");
  has(std::string(40, '(') + "x", 1, "expected a name");
  std::string deep = "tracked";
  for (int i = 0; i < 30; ++i) deep += "(tracked";
  REQUIRE(said(deep).second.find("nested more than 16 deep") != std::string::npos);
  REQUIRE(said(std::string(5000, 'a')).second.find("longer than") != std::string::npos);
  rc::prop("no text whatever does more than throw spec_error", [](const std::string& text) {
    try {
      static_cast<void>(lab::parse_spec(text));
    } catch (const lab::spec_error&) {
    }
  });
}

TEST_CASE("lab catalogue: a bare name means one thing, or is refused", "[lab][catalogue]") {
  std::multiset<std::string> names;
  for (const lab::option_entry& e : lab::catalogue_options()) names.insert(std::string{e.name});
  for (const lab::preset_entry& p : lab::catalogue_presets()) {
    REQUIRE(names.count(p.name) == 0);
    names.insert(p.name);
  }
  std::set<std::string> several;
  for (const std::string& name : names) {
    if (names.count(name) > 1) several.insert(name);
  }
  REQUIRE(several == std::set<std::string>{"none"});
  REQUIRE_THROWS_WITH(
      lab::parse_spec("dirty,none"),
      Catch::Contains("character 7") &&
          Catch::Contains("'none' is an option of several axes: write overflow=none or sync=none"));
  REQUIRE(lab::canonical(lab::parse_spec("sync=none")) == lab::canonical(lab::default_spec()));
}

TEST_CASE("lab catalogue: what a layout's defaults are, texts and types agree", "[lab][catalogue]") {
  using namespace tophash;
  require_same<std::uint64_t, std::uint64_t, layout::open_groups<>>("open_groups", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, layout::open_groups<>>("layout=open_groups(16)", "u64", "u64");
  require_same<std::uint64_t, std::string, layout::open_groups<8>, deletion::tombstone>(
      "tombstone,open_groups(8)", "u64", "string");
  require_same<std::uint64_t, std::uint64_t, layout::open_groups<8>, load<4>>("open_groups(8),load(4)", "u64",
                                                                              "u64");
  require_same<std::uint64_t, std::uint64_t, presets::fastest>("fastest", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, presets::fastest, layout::nodes>("fastest,nodes", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, presets::low_latency>("low_latency", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, growth::in_order<growth::incremental<2>>>("in_order(incremental(2))",
                                                                                      "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, growth::on_read<growth::incremental<1>>, deletion::tombstone_hinted>(
      "tombstone_hinted,on_read(incremental(1))", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, layout::open_groups<>, overflow::none, growth::incremental<2>>(
      "overflow=none,open_groups,incremental(2)", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, presets::go_swiss_like>("go_swiss_like", "u64", "u64");
  require_same<std::uint64_t, std::uint64_t, layout::directory<64>>("directory(64)", "u64", "u64");
  using slots = layout::open_slots<>;
  using stepping = layout::open_slots<layout::probe::triangular>;
  require_same<std::uint64_t, std::uint64_t, slots>("open_slots", "u64", "u64");
  require_same<std::uint64_t, std::string, slots, deletion::tombstone>("tombstone,open_slots(linear)", "u64",
                                                                       "string");
  require_same<std::string, std::string, stepping, growth::incremental<3>>(
      "open_slots(triangular),incremental(3)", "string", "string");
  require_same<std::uint64_t, std::uint64_t, layout::open_slots<layout::probe::perturbed>, deletion::dirty>(
      "open_slots(perturbed),deletion=dirty", "u64", "u64");
  // What is named beats the layout's default, and is then refused.
  const auto refused = [](const std::string& text) {
    const auto v = lab::check_rules(lab::parse_spec(text), nullptr);
    return v ? v->id : "";
  };
  REQUIRE(refused("open_groups").empty());
  REQUIRE(refused("open_groups,tombstone,load(15)").empty());
  REQUIRE(refused("open_groups(4)") == "group_width");
  REQUIRE(refused("open_groups,fresh") == "open_overflow");
  REQUIRE(refused("open_groups,defaults") == "open_overflow");
  REQUIRE(refused("open_groups,go_like") == "open_overflow");
  REQUIRE(refused("overflow=none") == "chain_overflow");
  REQUIRE(refused("open_groups,regrowing(eager,chain=4)") == "open_regrow");
  REQUIRE(refused("open_groups(8),load(8)") == "open_load");
  REQUIRE(refused("open_groups(8),fastest").empty());
  REQUIRE(refused("fastest,open_groups(8),load(27,2)") == "open_load");
  REQUIRE(refused("nodes,tombstone") == "nodes_tombstone");
  REQUIRE(refused("open_slots(perturbed)").empty());
  REQUIRE(refused("directory(24)") == "directory_slots");
  REQUIRE(refused("go_swiss_like,incremental(2)") == "directory_growth");
  REQUIRE(refused("open_slots(perturbed),immediate") == "slots_immediate");
  REQUIRE(refused("open_slots,load(7,8),tombstone,incremental(4)") == "slots_quantum");
  REQUIRE(refused("open_slots,load(13,2)") == "slots_load");
  REQUIRE_THROWS_WITH(lab::parse_spec("open_slots(quadratic)"),
                      Catch::Contains("open_slots takes linear, triangular"));
  REQUIRE(lab::short_text(lab::parse_spec("fastest,open_groups(8),load(27,2)")) == "open_groups(8),load(27,2)");

  REQUIRE(lab::short_text(lab::parse_spec("open_groups")) == "fastest");
  REQUIRE(lab::short_text(lab::parse_spec("layout=open_groups(8),deletion=dirty")) == "open_groups(8),dirty");
  REQUIRE(lab::short_text(lab::parse_spec("overflow=none")) == "overflow=none");
  REQUIRE(lab::cxx_type(lab::parse_spec("open_groups(8),dirty"), "int", "int") ==
          "tophash::map<int, int, tophash::layout::open_groups<8>, tophash::deletion::dirty>");
}

TEST_CASE("lab catalogue: rules judge texts as they judge types", "[lab][catalogue]") {
  const auto broken = [](const std::string& text, const char* key, const char* value) -> std::string {
    const lab::spec_description spec = lab::parse_spec(text);
    const tophash::type_facts types = lab::type_facts_for(spec, *lab::find_type(key), *lab::find_type(value));
    const auto v = lab::check_rules(spec, &types);
    return v ? v->id : "";
  };
  REQUIRE(broken("defaults", "u64", "u64").empty());
  REQUIRE(broken("incremental(0)", "u64", "u64") == "growth_endless");
  REQUIRE(broken("bucket_chain(slots=9)", "u64", "u64") == "bucket_slots");
  REQUIRE(broken("bucket_chain(link=index32)", "u64", "u64") == "index_source");
  REQUIRE(broken("bucket_chain(link=pointer),slabs", "u64", "u64") == "slabs_link");
  REQUIRE(broken("load(0,2)", "u64", "u64") == "load_empty");
  REQUIRE(broken("dirty", "u64", "vector") == "dirty_destruction");
  REQUIRE(broken("dirty", "string", "u64").empty());
  REQUIRE(broken("identity", "string", "u64") == "hashable");
  REQUIRE(broken("seeded(seeded(identity))", "string", "u64") == "hashable");
  REQUIRE(broken("boehm_pointer_free", "u64", "pointer") == "pointer_free_types");
  REQUIRE(broken("boehm_pointer_free", "u64", "bytes_4000") != "");
  REQUIRE(broken("boehm_scanned", "u64", "pointer").empty());
}

TEST_CASE("lab catalogue: every option explains itself and spells its C++", "[lab][catalogue]") {
  for (const lab::option_entry& e : lab::catalogue_options()) {
    INFO(e.name);
    REQUIRE_FALSE(e.description.empty());
    const bool here = fs::exists(fs::path{e.header}) || fs::exists(fs::path{"framework"} / e.header);  // a door
    REQUIRE((here || e.header.find("boehm") != std::string_view::npos));
  }
  REQUIRE(lab::cxx_type(lab::parse_spec("dirty,tracked(mimalloc)"), "K", "V") ==
          "tophash::map<K, V, tophash::deletion::dirty, "
          "tophash::allocators::tracked<tophash::allocators::mimalloc>>");
  const std::vector<std::string> headers = lab::cxx_headers(lab::parse_spec("tracked(mimalloc)"));
  REQUIRE(std::count(headers.begin(), headers.end(), "allocators/mimalloc.hpp") == 1);
}

TEST_CASE("lab nearest: likely words first, none for a stranger", "[lab]") {
  const std::vector<std::string> known = {"immediate", "tombstone", "dirty", "load_sweep", "delete_heavy"};
  REQUIRE(lab::edit_distance("dirty", "dritx") == 2);
  REQUIRE(lab::nearest_words("tombstome", known).front() == "tombstone");
  REQUIRE(lab::nearest_words("sweep", known).front() == "load_sweep");
  REQUIRE(lab::nearest_words("qqqqqqqqqqqqqqqqqqqqqqqqq", known).empty());
}

// ---- registry and storages ----------------------------------------------------------------------

TEST_CASE("lab registry: names, SPECs, what is not built, what is refused", "[lab]") {
  REQUIRE(lab::choose_variants("go_like").rows.size() == 1);
  REQUIRE(lab::choose_variants("deletion=dirty,preset=go_like").rows.front()->name == "go_like,dirty");
  REQUIRE(lab::choose_variants("dirty,mimalloc").rows.front()->name == "dirty");  // storage is chosen apart
  REQUIRE(lab::choose_variants("all").rows.size() == lab::variants().size());
  const lab::variant_choice unbuilt = lab::choose_variants("dirty,load(3)");
  REQUIRE((unbuilt.rows.empty() && unbuilt.not_built));
  REQUIRE(unbuilt.error.find("not built into this program; nearest built: dirty;") != std::string::npos);
  const lab::variant_choice refused = lab::choose_variants("incremental(0)");
  REQUIRE((refused.rows.empty() && !refused.not_built));
  REQUIRE(refused.error.find("tophash[growth]: ") == 0);
  REQUIRE(lab::choose_variants("absl::flat_hash_mop").error.find("nearest: ") != std::string::npos);
}

TEST_CASE("lab storages: bound by text, counted when tracked", "[lab]") {
  const auto storage = lab::bind_storage("tracked(system)");
  const tophash::request r{.bytes = 100, .use = tophash::purpose::overflow};
  void* const p = storage->handle().try_allocate(r);
  REQUIRE(p != nullptr);
  REQUIRE(storage->counts()->total.live_bytes == 100);
  REQUIRE(storage->counts()->by_purpose[static_cast<std::size_t>(tophash::purpose::overflow)].allocations ==
          1);
  storage->handle().deallocate(p, r);
  REQUIRE(storage->counts()->total.peak_bytes == 100);
  REQUIRE_FALSE(lab::bind_storage("system")->counts().has_value());
  REQUIRE_THROWS_AS(lab::bind_storage("sistem"), std::invalid_argument);
  REQUIRE(lab::plain_storage("tracked(tracked(mimalloc))") == "mimalloc");
}

TEST_CASE("lab storages: combinations by their text, at any depth", "[lab]") {
  const auto allocate = [](tophash::allocators::erased handle, std::size_t bytes, tophash::purpose use) {
    const tophash::request r{.bytes = bytes, .align = 8, .use = use};
    void* const p = handle.try_allocate(r);
    REQUIRE(p != nullptr);
    return std::pair{p, r};
  };
  const auto storage = lab::bind_storage(
      "tracked(by_purpose(overflow=bucket_pool(144,tracked(system)),node=by_size(64,small=spans,large=arena),"
      "rest=fallback(arena(zeroed(system)),pages)))");
  std::vector<std::pair<void*, tophash::request>> blocks;
  for (const std::size_t bytes : {8u, 64u, 65u, 144u, 5'000u, 100'000u}) {
    for (std::size_t use = 0; use < tophash::purpose_count; ++use)
      blocks.push_back(allocate(storage->handle(), bytes, static_cast<tophash::purpose>(use)));
  }
  REQUIRE(storage->counts()->total.live_blocks == 30);
  for (const auto& [p, r] : blocks) storage->handle().deallocate(p, r);
  REQUIRE(storage->counts()->total.live_blocks == 0);
  // The pool hands out what came back.
  const auto first = allocate(storage->handle(), 144, tophash::purpose::overflow);
  storage->handle().deallocate(first.first, first.second);
  REQUIRE(allocate(storage->handle(), 144, tophash::purpose::overflow).first == first.first);
  storage->handle().deallocate(first.first, first.second);

  const auto heap = lab::bind_storage("tracked(zeroed(spans))");
  const auto block = allocate(heap->handle(), 100, tophash::purpose::slots);
  REQUIRE(heap->spans_heap() != nullptr);
  REQUIRE(heap->spans_heap()->counts().used_slots == 1);
  REQUIRE(lab::bind_storage("system")->spans_heap() == nullptr);
  REQUIRE(heap->handle().try_release_all(100));
  REQUIRE(heap->counts()->total.live_blocks == 0);
  static_cast<void>(block);
}

TEST_CASE("lab storages: a list of them, and the C++ that makes each one's handle", "[lab]") {
  REQUIRE(lab::split_storages({"system,by_size(64,small=spans,large=pages)", "mimalloc"}) ==
          std::vector<std::string>{"system", "by_size(64,small=spans,large=pages)", "mimalloc"});
  const auto source = [](const std::string& text) {
    return lab::source_of_storage(
        lab::parse_spec("allocation=" + text).options[tophash::axes::allocation::index]);
  };
  const std::string ours = "tophash::allocators::";
  const lab::storage_source nested = source("tracked(zeroed(spans))");
  REQUIRE(nested.resources ==
          std::vector<std::string>{ours + "spans_resource storage_1;",
                                   ours + "tracking_resource<" + ours + "zeroed<" + ours + "spans>> storage_2{" +
                                       ours + "zeroed<" + ours + "spans>{" + ours + "spans{storage_1}}};"});
  REQUIRE(nested.handle == ours + "tracked<" + ours + "zeroed<" + ours + "spans>>{storage_2}");
  REQUIRE(source("by_size(64,small=system,large=pages(32768))").resources.empty());
  REQUIRE(source("limited(1000,system)").resources.back() ==
          ours + "limiting_resource<" + ours + "system> storage_1{" + ours + "system{}, std::size_t{1000}};");
  REQUIRE(source("by_purpose(overflow=bucket_pool(144),rest=system)").resources.size() == 1);
  // Two pointers and a pointer: chosen at run time it runs, as a type it would break a rule.
  const auto wide = [](const std::string& text) {
    return lab::handle_too_wide(
        lab::parse_spec("allocation=" + text).options[tophash::axes::allocation::index]);
  };
  REQUIRE(wide("by_purpose(overflow=bucket_pool(144),rest=spans)").find("larger than two words") !=
          std::string::npos);
  REQUIRE(wide("by_purpose(overflow=bucket_pool(144),rest=tracked(spans))").empty());
}

TEST_CASE("lab storages: a wrong text is named, with what would be right", "[lab]") {
  const auto why = [](const std::string& text) {
    try {
      static_cast<void>(lab::bind_storage(text));
      return std::string{};
    } catch (const std::invalid_argument& error) {
      return std::string{error.what()};
    }
  };
  using Catch::Contains;
  REQUIRE_THAT(why("tracked(sistem)"), Contains("'sistem' is no allocator; nearest: system"));
  REQUIRE_THAT(why("tracked(system"), Contains("character 15: expected ',' or ')', found the end"));
  REQUIRE_THAT(why("fallback(system,system)"), Contains("'system' cannot tell its own blocks"));
  REQUIRE_THAT(why("by_purpose(overflow=system)"), Contains("end it with rest=A"));
  REQUIRE_THAT(why("bucket_pool(4)"), Contains("at least 8 bytes"));
  REQUIRE_THAT(why("pages(5)"), Contains("4096, 32768 and 262144"));
  REQUIRE_THAT(why("tracked()"), Contains("lacks an argument"));
  // The catalogue knows places, and says them in a SPEC's own words.
  const auto refused = [](const std::string& text) {
    try {
      const lab::spec_description spec = lab::with_option(lab::default_spec(), "allocation=" + text);
      const auto broken = lab::check_rules(spec, nullptr);
      return broken ? broken->message()
                    : "accepted: " + lab::text_of(spec.options[tophash::axes::allocation::index]);
    } catch (const lab::spec_error& error) {
      return std::string{error.what()};
    }
  };
  REQUIRE(refused("by_purpose(rest=mimalloc,overflow=bucket_pool(144,system))") ==
          "accepted: by_purpose(overflow=bucket_pool(144),rest=mimalloc)");
  REQUIRE(refused("tracked(arena)") == "accepted: tracked(arena(system))");
  REQUIRE_THAT(refused("by_purpose(overflw=system,rest=system)"),
               Contains("'overflw' is no purpose; nearest: overflow"));
  REQUIRE_THAT(refused("by_purpose(node=system,node=system,rest=system)"), Contains("'node' is given twice"));
  REQUIRE_THAT(refused("by_purpose(node=system)"), Contains("has nothing for slots"));
  REQUIRE_THAT(refused("bucket_pool(x)"), Contains("as in bucket_pool(144,system)"));
  REQUIRE_THAT(refused("by_size(64,system,pages)"), Contains("by_size takes a limit"));
  REQUIRE_THAT(refused("fallback(system,pages)"), Contains("First has no owns(p)"));
  REQUIRE_THAT(refused("bucket_pool(144,boehm_scanned)"), Contains("keeps blocks of a collector"));
  REQUIRE_THAT(refused("by_size(64,small=system,large=boehm_scanned)"), Contains("not seen alike"));
}

// ---- workloads ----------------------------------------------------------------------------------

TEST_CASE("lab workloads: the seed decides, segments tile the records, keys are as told", "[lab]") {
  for (const lab::workload_entry& w : lab::workloads()) {
    INFO(w.name);
    const lab::workload_input in{.n = 500, .key = lab::key_kind::u64, .seed = 9, .load_limit = 6.5};
    const auto a = std::get<0>(w.build(in)), b = std::get<0>(w.build(in));
    REQUIRE(a.records.size() == b.records.size());
    REQUIRE(std::equal(a.records.begin(), a.records.end(), b.records.begin(),
                       [](const auto& x, const auto& y) { return x.key == y.key && x.what == y.what; }));
    std::size_t end = 0, measured = 0;
    for (const lab::segment& s : a.segments) {
      measured += s.measured ? 1 : 0;
      if (s.end == 0 || s.kind == lab::segment_kind::inspect) continue;
      REQUIRE(s.begin == end);
      end = s.end;
      const auto only = [&](lab::operation what) {
        return std::all_of(a.records.begin() + static_cast<std::ptrdiff_t>(s.begin),
                           a.records.begin() + static_cast<std::ptrdiff_t>(s.end),
                           [what](const auto& r) { return r.what == what; });
      };
      if (s.kind == lab::segment_kind::gets) REQUIRE(only(lab::operation::get));
      if (s.kind == lab::segment_kind::sets) REQUIRE(only(lab::operation::set));
      if (s.kind == lab::segment_kind::erases) REQUIRE(only(lab::operation::erase));
    }
    REQUIRE(end == a.records.size());
    REQUIRE(measured >= 1);
    lab::workload_input other = in;
    other.seed = 10;
    REQUIRE(std::get<0>(w.build(other)).records.front().key != a.records.front().key);
    other.key = lab::key_kind::string;
    REQUIRE(std::get<1>(w.build(other)).records.front().key->find("user") == 0);
  }
}

TEST_CASE("lab workloads: a lookup's keys are present or absent as its name says", "[lab]") {
  for (const char* name : {"lookup_hit", "lookup_miss"}) {
    const auto p = std::get<0>(
        lab::find_workload(name)->build({.n = 1000, .key = lab::key_kind::u64, .seed = 2, .load_limit = 0}));
    std::set<std::uint64_t> present;
    std::size_t hits = 0, misses = 0;
    for (const auto& r : p.records) {
      if (r.what == lab::operation::set)
        present.insert(r.key);
      else
        ++(present.count(r.key) != 0 ? hits : misses);
    }
    REQUIRE(present.size() == 1000);
    REQUIRE((std::string{name} == "lookup_hit" ? misses : hits) == 0);
  }
}

TEST_CASE("lab sizes: numbers with k and M, in a list", "[lab]") {
  REQUIRE(lab::parse_sizes("1000,10k,2M") == std::vector<std::size_t>{1000, 10'000, 2'000'000});
  for (const char* bad : {"", "k", "10q", "0", "1,,2", "-5", "2000M", "99999999999999999999"}) {
    INFO(bad);
    REQUIRE_THROWS_AS(lab::parse_sizes(bad), lab::command_error);
  }
}
