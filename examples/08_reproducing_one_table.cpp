// Published table T-D1 held against a map of one's own: the article's loop (delete one key, store the next)
// on the default composition. The claim file brings the published figures and the rules; the verdicts come
// from them.
//
// Prints:
//   T-D1.overflow_printed_10000: published 87 buckets, here 0: REFUTED
//   T-D1.overflow_printed_50000: published 412 buckets, here 0: REFUTED
//   T-D1.overflow_new_keys_10000: published 87 buckets, here 21: REFUTED
//   T-D1.overflow_new_keys_50000: published 412 buckets, here 20: REFUTED
#include <cstdint>
#include <cstdio>
#include <string>

#include <tophash/map.hpp>

#include "lab/claims.hpp"
#include "lab/claims_verdict.hpp"

namespace lab = tophash::lab;
using own_map = tophash::map<std::string, std::uint64_t>;

// Overflow buckets after `rounds`: the article's keys return after 1,024 rounds; new keys never do.
double overflow_after(std::uint64_t rounds, bool new_keys) {
  own_map m(tophash::hashing::seeded<tophash::hashing::wyhash>{7});
  const auto key = [=](std::uint64_t i) { return "key_" + std::to_string(new_keys ? i : i % 1024); };
  const std::uint64_t live = new_keys ? 1024 : 1;
  for (std::uint64_t i = 0; i < live; ++i) m[key(i)] = i;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    m.erase(key(i));
    m[key(i + live)] = i;
  }
  return static_cast<double>(m.stats().overflow_in_use);
}

int main() {
  lab::measured_sample sample;
  for (const std::uint64_t rounds : {10'000u, 50'000u}) {
    for (const bool new_keys : {false, true}) {
      const std::string pattern = new_keys ? ".new_keys." : ".printed.";
      sample["overflow_buckets" + pattern + std::to_string(rounds)] = {
          "buckets", true, {overflow_after(rounds, new_keys)}};
    }
  }
  for (const lab::claim_table& table : lab::load_claims(lab::claims_folder("")).tables) {
    for (const lab::claim& c : table.claims) {
      if (table.id != "T-D1" || c.rule.readings.front().rfind("overflow_buckets", 0) != 0) continue;
      const lab::ruling verdict = lab::judge(c.rule, c.unit, sample);
      std::printf("%s: published %.0f %s, here %.0f: %s\n", c.id.c_str(), *c.figure, c.unit.c_str(),
                  verdict.readings.front().value->median, std::string(lab::verdict_name(verdict.is)).c_str());
    }
  }
}
