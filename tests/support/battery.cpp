// SPDX-License-Identifier: Apache-2.0
// The battery's one translation unit that knows right from wrong. It includes no map: programs link it
// against the compositions they register.
#include "support/battery.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>
#include <numeric>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include <rapidcheck.h>

#include "support/faults.hpp"

namespace tophash::testing {

std::vector<composition>& compositions() {
  static std::vector<composition> all;
  return all;
}

const char* verb_name(verb what) noexcept {
  static constexpr const char* names[] = {"insert",
                                          "insert_moved",
                                          "insert_or_assign",
                                          "emplace",
                                          "emplace_hint",
                                          "try_emplace",
                                          "try_emplace_hashed",
                                          "index",
                                          "assign",
                                          "try_insert",
                                          "try_insert_or_assign",
                                          "erase_key",
                                          "erase_found",
                                          "erase_first",
                                          "erase_at",
                                          "mark",
                                          "find",
                                          "find_hashed",
                                          "contains",
                                          "contains_hashed",
                                          "count",
                                          "at",
                                          "equal_range",
                                          "iterate",
                                          "insert_range",
                                          "erase_range",
                                          "erase_if",
                                          "clear",
                                          "reserve",
                                          "try_reserve",
                                          "rehash",
                                          "sweep",
                                          "copy_construct",
                                          "copy_assign",
                                          "copy_self",
                                          "try_assign",
                                          "move_construct",
                                          "move_assign",
                                          "swap",
                                          "compare"};
  static_assert(sizeof names / sizeof names[0] == verb_count);
  return names[static_cast<std::size_t>(what)];
}

std::ostream& operator<<(std::ostream& out, const step& s) {
  return out << verb_name(s.what) << "(map " << int{s.map} << ", key " << s.key << ", value " << s.value
             << ")";
}

namespace {

// How much of a walk is taken: one in `points` of its points and one in `trials` of its trials, each composition and
// step beginning at another one: a whole walk takes minutes, and 50 times as long under a sanitizer. With
// TOPHASH_WALK_EVERY_POINT in the environment (test.sh --long sets it) nothing is left out.
struct walk_share {
  long points = 1;
  std::size_t trials = 1;
};

walk_share share_of_walk() {
  if (std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr) return {};
#if TOPHASH_TESTS_THINNED
  return {.points = 11, .trials = 8};
#else
  return {.points = 1, .trials = 8};
#endif
}

using entries = std::map<std::uint32_t, std::uint32_t>;

bool is_single_write(verb what) { return is_write(what) || is_erase(what); }
bool erases_by_position(verb what) {
  return (what >= verb::erase_found && what <= verb::mark) || what == verb::erase_range ||
         what == verb::erase_if || what == verb::sweep;
}
bool copies(verb what) { return what >= verb::copy_construct && what <= verb::try_assign; }
bool moves_whole(verb what) {
  return what == verb::move_construct || what == verb::move_assign || what == verb::swap;
}

// ---- the model

struct model {
  entries maps[2];

  void insert(entries& m, const step& s, outcome& out) {
    const auto [it, inserted] = m.emplace(s.key, s.value);
    out.result = inserted ? 1 : 0;
    out.value = it->second;
  }

  bool write(entries& m, const step& s, outcome& out) {
    switch (s.what) {
    case verb::insert:
    case verb::insert_moved:
    case verb::emplace:
    case verb::emplace_hint:
    case verb::try_emplace:
    case verb::try_emplace_hashed:
    case verb::try_insert:
      insert(m, s, out);
      return true;
    case verb::insert_or_assign:
    case verb::try_insert_or_assign:
      out.result = m.insert_or_assign(s.key, s.value).second ? 1 : 0;
      out.value = s.value;
      return true;
    case verb::index:
      out.value = m[s.key];
      m[s.key] = s.value;
      return true;
    case verb::assign:
      if (const auto it = m.find(s.key); it != m.end()) it->second = s.value, out.result = 1;
      return true;
    case verb::erase_key:
    case verb::erase_found:
    case verb::mark:
      out.result = m.erase(s.key);
      return true;
    default:
      return false;
    }
  }

  bool read(const entries& m, const step& s, outcome& out) const {
    const auto it = m.find(s.key);
    const bool present = it != m.end();
    switch (s.what) {
    case verb::find:
    case verb::find_hashed:
    case verb::at:
    case verb::equal_range:
      out.result = present ? 1 : 0;
      out.value = present ? it->second : 0;
      return true;
    case verb::contains:
    case verb::contains_hashed:
    case verb::count:
      out.result = present ? 1 : 0;
      return true;
    case verb::iterate:
      out.result = m.size();
      for (const auto& [key, value] : m) out.value += key * 31 + value;
      return true;
    case verb::compare:
      out.result = maps[0] == maps[1] ? 1 : 0;
      return true;
    default:
      return false;
    }
  }

  // `seen`: what the subject answered; its `touched` names the keys of a step that chooses by position.
  std::string erase_touched(entries& m, const step& s, const outcome& seen, outcome& out) {
    const bool one = s.what != verb::erase_range;
    if (one && seen.touched.size() != (m.empty() ? 0u : 1u)) return "erased no entry, or several";
    out.result = one ? seen.touched.size() : 0;
    for (std::uint32_t key : seen.touched) {
      if (m.erase(key) == 0) return "erased by position key " + std::to_string(key) + ", which was not there";
    }
    return {};
  }

  std::string apply(const step& s, const promises& promised, const outcome& seen, outcome& out) {
    entries& m = maps[s.map];
    entries& other = maps[1 - s.map];
    if (write(m, s, out) || read(m, s, out)) return {};
    switch (s.what) {
    case verb::erase_first:
    case verb::erase_at:
    case verb::erase_range:
      return erase_touched(m, s, seen, out);
    case verb::erase_if:
      out.result = std::erase_if(m, [&s](const auto& entry) { return entry.first % 3 == s.value % 3; });
      return {};
    case verb::insert_range:
      for (std::uint32_t i = 0; i < s.value % 16; ++i) m.emplace(s.key + i, s.value + i);
      return {};
    case verb::clear:
      m.clear();
      return {};
    case verb::copy_construct:
    case verb::copy_assign:
    case verb::try_assign:
      if (promised.copyable) other = m;
      return {};
    case verb::move_construct:
    case verb::move_assign:
      other = std::exchange(m, {});
      return {};
    case verb::swap:
      std::swap(maps[0], maps[1]);
      return {};
    default:
      return {};
    }
  }
};

std::string show(const entries& all) {
  std::ostringstream out;
  out << "{";
  for (const auto& [key, value] : all) out << " " << key << ":" << value;
  out << " }";
  return out.str();
}

// ---- one run: a subject beside its model

// How closely a step is looked at: the answer; also the promises and invariants; also all contents.
enum class look { answer, invariants, contents };

class run {
 public:
  explicit run(const composition& tested) : tested_(tested), subject_(tested.make()) {}

  subject& raw() { return *subject_; }
  const model& expected() const { return model_; }
  void resync(const entries& first, const entries& second) {
    model_.maps[0] = first, model_.maps[1] = second;
  }

  // Whether the subject is asked at all: a step that its types or handles rule out is skipped.
  bool possible(const step& s) const {
    if (copies(s.what) && !tested_.promised.copyable) return false;
    // Through a temporary of the first map's handle, whose entries would be lost with it should the rest
    // fail.
    const bool needs_equal = s.what == verb::swap || s.what == verb::move_construct;
    if (needs_equal && !tested_.promised.equal_handles) return false;
    return true;
  }

  std::string advance(const step& s, look how) {
    if (!possible(s)) return {};
    if (how == look::answer) return accept(s, subject_->apply(s));
    const account before[2] = {account_of(0), account_of(1)};
    const outcome seen = subject_->apply(s);
    if (std::string wrong = accept(s, seen); !wrong.empty()) return wrong;
    if (std::string wrong = promised_steps(s, seen, before); !wrong.empty()) return wrong;
    return audit(how == look::contents);
  }

  // Moves the model on and compares the answers.
  std::string accept(const step& s, const outcome& seen) {
    outcome wanted;
    if (std::string wrong = model_.apply(s, tested_.promised, seen, wanted); !wrong.empty()) return wrong;
    if (seen == wanted) return {};
    std::ostringstream out;
    out << "answered result " << seen.result << ", value " << seen.value << ", allocated " << seen.allocated
        << "; expected result " << wanted.result << ", value " << wanted.value;
    return out.str();
  }

  std::string contents_of(int map, entries& out) const {
    out.clear();
    for (const auto& [key, value] : subject_->contents(map)) {
      if (!out.emplace(key, value).second) return "iteration yields key " + std::to_string(key) + " twice";
    }
    return {};
  }

  std::string audit(bool full) {
    if (std::string wrong = subject_->misuse(); !wrong.empty()) return wrong;
    std::size_t living = 0, in_use = 0;
    std::array<std::size_t, 5> bytes{};
    for (int map = 0; map < 2; ++map) {
      if (const char* wrong = subject_->violated_invariant(map)) return about(map, wrong);
      const account now = subject_->account_of(map);
      if (now.size != model_.maps[map].size()) {
        return about(map, "size is " + std::to_string(now.size) + ", expected " +
                              std::to_string(model_.maps[map].size()));
      }
      if (std::string wrong = audit_account(now); !wrong.empty()) return about(map, wrong);
      living += now.size + now.dirty;
      in_use += now.overflow_in_use - now.in_array + now.kept;
      for (std::size_t use = 0; use < bytes.size(); ++use) bytes[use] += now.bytes[use];
      if (!full) continue;
      entries seen;
      if (std::string wrong = contents_of(map, seen); !wrong.empty()) return about(map, wrong);
      if (seen != model_.maps[map]) {
        return about(map, "contents " + show(seen) + ", expected " + show(model_.maps[map]));
      }
    }
    if (std::string wrong = audit_sums(living, in_use, bytes); !wrong.empty()) return wrong;
    return subject_->misuse();
  }

  std::string finish() { return subject_->finish(); }

  // After a failure an eager growth may stand half way; the next insertions must end it.
  void interrupt() { interrupted_ = true; }
  std::string uninterrupted() {
    interrupted_ = false;
    return audit(false);
  }

  account account_of(int map) { return subject_->account_of(map); }

 private:
  static std::string about(int map, const std::string& what) {
    return "map " + std::to_string(map) + ": " + what;
  }

  // One unit takes as many entries as it has slots, whatever the load.
  std::size_t limit_of(const account& now) const {
    const promises& p = tested_.promised;
    const std::size_t by_load = std::max(p.slots, now.units * p.load_numerator / p.load_denominator);
    if (p.open_width == 0) return by_load;
    if (p.open_width == 1) return std::min(by_load, now.units - 1);
    // A single group has 4 slots or all but the end of the array and one; among several each keeps one free.
    if (now.units == 1) return now.limit == 4 ? 4 : p.open_width - 2;
    return std::min(by_load, now.units * (p.slots - 1) - 1);
  }

  std::string audit_account(const account& now) const {
    const promises& p = tested_.promised;
    if (!p.accounts) return {};
    if (p.quantum == 0 && now.growing && !interrupted_) return "eager growth is still growing after a step";
    if (now.growing != (now.old_units != 0)) return "growing without an old array, or the reverse";
    if (p.deletion != deletion_family::dirty && now.dirty != 0) return "dirty entries without dirty deletion";
    if (p.deletion == deletion_family::immediate && now.dead != 0)
      return "dead slots with immediate deletion";
    if (now.requested - now.released != now.overflow_in_use) {
      return "overflow requested " + std::to_string(now.requested) + " - released " +
             std::to_string(now.released) + " is not in use " + std::to_string(now.overflow_in_use);
    }
    if (const std::size_t limit = limit_of(now); now.units != 0 && now.limit != limit) {
      return "the limit is " + std::to_string(now.limit) + ", the load policy says " + std::to_string(limit);
    }
    if (now.recycled > now.requested) return "more overflow buckets recycled than requested";
    if (!now.growing && now.size > now.limit) {
      return "size " + std::to_string(now.size) + " is over the limit " + std::to_string(now.limit);
    }
    return {};
  }

  std::string audit_sums(std::size_t living, std::size_t in_use,
                         const std::array<std::size_t, 5>& bytes) const {
    const promises& p = tested_.promised;
    if (p.counted) {
      const auto [keys, values] = subject_->alive();
      if (keys != static_cast<long>(living) || values != static_cast<long>(living)) {
        return std::to_string(keys) + " keys and " + std::to_string(values) + " values are alive, expected " +
               std::to_string(living);
      }
    }
    if (!p.recorded || !p.accounts) return {};
    const auto live = subject_->live_bytes();
    for (std::size_t use = 0; use < bytes.size(); ++use) {
      if (bytes[use] != live[use]) {
        return "memory_report says " + std::to_string(bytes[use]) + " bytes for purpose number " +
               std::to_string(use) + ", the storage handed out " + std::to_string(live[use]);
      }
    }
    const std::size_t blocks = subject_->live_blocks()[1];
    if (blocks != in_use) {
      return std::to_string(blocks) + " overflow buckets are alive, in use and kept are " +
             std::to_string(in_use);
    }
    return {};
  }

  // Homes of open groups that left the old array, whether or not that ended the growth.
  static std::uint64_t homes_moved(const account& was, const account& now) {
    if (!now.growing) return was.growing ? was.old_units - was.old_evacuated : 0;
    return was.growing && was.growths == now.growths && was.regrows == now.regrows
               ? now.old_evacuated - was.old_evacuated
               : now.old_evacuated;
  }

  // What the composition promises of growth and residue, from the accounts around one step.
  std::string promised_steps(const step& s, const outcome& seen, const account* before) {
    const promises& p = tested_.promised;
    if (!p.accounts) return {};
    const account after[2] = {account_of(0), account_of(1)};
    const bool looks_up = is_read(s.what) && s.what != verb::iterate && s.what != verb::compare;
    if (is_read(s.what) && !(looks_up && p.on_read)) {
      return before[0] == after[0] && before[1] == after[1] ? "" : "a read changed the map's account";
    }
    const account& was = before[s.map];
    const account& now = after[s.map];
    const std::uint64_t moved =
        p.open_width == 0 ? now.evacuated_chains - was.evacuated_chains : homes_moved(was, now);
    const bool same_array = was.growths == now.growths && was.regrows == now.regrows;
    if (erases_by_position(s.what) && (moved != 0 || !same_array || was.growing != now.growing)) {
      return "an erase by position, a mark or a sweep moved the growth on";
    }
    // Where the limit is met in the middle of a growth, that growth is ended at once and another one begun.
    const bool due = was.growing && !same_array;
    if (looks_up && moved > p.quantum)
      return "a lookup evacuated " + std::to_string(moved) + " chains, the quantum is " + std::to_string(p.quantum);
    if (is_single_write(s.what) && p.quantum != 0 && !due && moved > p.quantum) {
      return "one write evacuated " + std::to_string(moved) + " chains, the quantum is " +
             std::to_string(p.quantum);
    }
    const bool counts = (s.what != verb::erase_key && is_write(s.what) && was.size < now.size) ||
                        (s.what == verb::erase_key && seen.result == 1);
    if (p.open_width != 0 && p.quantum != 0 && counts && was.growing && same_array && now.growing &&
        moved != p.quantum) {
      return "a write moved " + std::to_string(moved) + " homes on, the quantum is " +
             std::to_string(p.quantum);
    }
    const bool idle = s.what == verb::assign || (s.what == verb::erase_key && seen.result == 0);
    if (idle && !p.every_write && (moved != 0 || !same_array))
      return "a step without effect moved the growth on";
    if (s.what == verb::sweep && p.deletion == deletion_family::dirty) {
      const std::size_t budget = s.key % 7;
      const std::size_t wanted = was.dirty > budget ? was.dirty - budget : 0;
      if (now.dirty != wanted)
        return "a sweep left " + std::to_string(now.dirty) + " dirty entries, expected " +
               std::to_string(wanted);
    }
    if (s.what == verb::clear && (now.growing || now.dirty != 0 || now.dead != 0))
      return "clear left a residue";
    if ((s.what == verb::copy_assign || s.what == verb::copy_construct) && p.copyable &&
        after[1 - s.map].dirty != 0) {
      return "a copy has dirty entries";
    }
    return {};
  }

  const composition& tested_;
  std::unique_ptr<subject> subject_;
  model model_;
  bool interrupted_ = false;
};

std::string at_step(std::size_t index, const step& s, const std::string& wrong) {
  std::ostringstream out;
  out << "step " << index << ", " << s << ": " << wrong;
  return out.str();
}

std::string list(std::span<const step> steps) {
  std::ostringstream out;
  for (const step& s : steps) out << "\n    " << s;
  return out.str();
}

}  // namespace

std::string run_steps(const composition& tested, std::span<const step> steps, std::size_t every) {
  run r(tested);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool full = i % every == 0 || i + 1 == steps.size();
    std::string wrong;
    try {
      wrong = r.advance(steps[i], full ? look::contents : look::invariants);
    } catch (const std::exception& thrown) {
      wrong = std::string("threw ") + thrown.what();
    }
    if (!wrong.empty()) return at_step(i, steps[i], wrong);
  }
  if (std::string wrong = r.finish(); !wrong.empty()) return "at the end: " + wrong;
  return {};
}

// ---- random streams

namespace {

std::uint64_t chosen_seed() {
  const char* given = std::getenv("TOPHASH_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 20260101u;
}

struct weight {
  verb what;
  unsigned odds;
};

// Out of about 200: mostly writes by key, so that maps fill, grow and drain.
constexpr weight weights[] = {{verb::insert, 20},
                              {verb::insert_moved, 8},
                              {verb::insert_or_assign, 8},
                              {verb::emplace, 8},
                              {verb::emplace_hint, 3},
                              {verb::try_emplace, 12},
                              {verb::try_emplace_hashed, 6},
                              {verb::index, 12},
                              {verb::assign, 4},
                              {verb::try_insert, 6},
                              {verb::try_insert_or_assign, 5},
                              {verb::erase_key, 26},
                              {verb::erase_found, 10},
                              {verb::erase_first, 3},
                              {verb::erase_at, 6},
                              {verb::mark, 5},
                              {verb::find, 6},
                              {verb::find_hashed, 4},
                              {verb::contains, 3},
                              {verb::contains_hashed, 2},
                              {verb::count, 2},
                              {verb::at, 3},
                              {verb::equal_range, 2},
                              {verb::iterate, 2},
                              {verb::insert_range, 6},
                              {verb::erase_range, 3},
                              {verb::erase_if, 1},
                              {verb::clear, 1},
                              {verb::reserve, 1},
                              {verb::try_reserve, 1},
                              {verb::rehash, 2},
                              {verb::sweep, 4},
                              {verb::copy_construct, 2},
                              {verb::copy_assign, 2},
                              {verb::copy_self, 1},
                              {verb::try_assign, 2},
                              {verb::move_construct, 2},
                              {verb::move_assign, 2},
                              {verb::swap, 2},
                              {verb::compare, 1}};
static_assert(sizeof weights / sizeof weights[0] == verb_count);

verb pick_verb(unsigned drawn) {
  unsigned total = 0;
  for (const weight& w : weights) total += w.odds;
  drawn %= total;
  for (const weight& w : weights) {
    if (drawn < w.odds) return w.what;
    drawn -= w.odds;
  }
  return verb::find;
}

rc::Gen<step> any_step(std::uint16_t keys) {
  return rc::gen::map(rc::gen::tuple(rc::gen::inRange(0u, 100000u), rc::gen::inRange<std::uint16_t>(0, keys),
                                     rc::gen::inRange(1u, 100000u), rc::gen::inRange(0, 5)),
                      [](const std::tuple<unsigned, std::uint16_t, unsigned, int>& drawn) {
                        return step{pick_verb(std::get<0>(drawn)),
                                    static_cast<std::uint8_t>(std::get<3>(drawn) == 4), std::get<1>(drawn),
                                    std::get<2>(drawn)};
                      });
}

std::vector<step> filled(unsigned keys) {
  std::vector<step> out;
  for (unsigned i = 0; i < keys; ++i) {
    out.push_back({verb::insert, 0, static_cast<std::uint16_t>(i), 1000 + i});
  }
  return out;
}

// The failure is reported by the caller; rapidcheck's own listener would print at exit, must-fail controls
// included.
struct silent_listener : rc::detail::TestListener {
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

}  // namespace

std::string random_streams(const composition& tested, int streams) {
  const auto property = [&] {
    const unsigned fill = *rc::gen::inRange(0u, 130u);
    const auto keys = *rc::gen::element<std::uint16_t>(12, 60, 300);
    const auto drawn = *rc::gen::container<std::vector<step>>(any_step(keys));
    std::vector<step> all = filled(fill);
    all.insert(all.end(), drawn.begin(), drawn.end());
    const std::string wrong = run_steps(tested, all, all.size() > 200 ? 7 : 3);
    if (!wrong.empty()) RC_FAIL(wrong);
  };
  rc::detail::TestParams params;
  params.seed = chosen_seed();
  params.maxSuccess = share_of_walk().points == 1 ? streams : streams / 3;
  params.maxSize = 160;
  rc::detail::TestMetadata metadata;
  metadata.id = tested.name;
  silent_listener listener;
  const auto result = rc::detail::checkTestable(property, metadata, params, listener,
                                                std::unordered_map<std::string, rc::detail::Reproduce>{});
  if (result.is<rc::detail::SuccessResult>()) return {};
  std::ostringstream out;
  rc::detail::printResultMessage(result, out);
  return out.str();
}

namespace {

std::vector<step> phased_stream(std::size_t steps, std::uint64_t seed) {
  std::vector<step> out;
  out.reserve(steps);
  std::uint64_t state = seed;
  const auto next = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33);
  };
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t phase = i * 8 / steps % 4;  // fill, churn, drain, anything; twice
    const auto key = static_cast<std::uint16_t>(next() % (phase == 3 ? 40 : 600));
    const std::uint32_t value = next() % 50000 + 1;
    const std::uint32_t dice = next() % 16;
    verb what = verb::try_emplace;
    if (phase == 0 && dice > 13) what = verb::erase_key;
    if (phase == 1 && dice > 7) what = verb::erase_key;
    if (phase == 2 && dice > 2) what = dice > 12 ? verb::erase_first : verb::erase_key;
    if (phase == 3) what = pick_verb(next());
    if (phase != 3 && dice == 5) what = verb::find;
    if (phase != 3 && dice == 6 && next() % 8 == 0) what = verb::sweep;
    out.push_back({what, static_cast<std::uint8_t>(phase == 3 && next() % 5 == 0), key, value});
  }
  return out;
}

// Removes ever smaller pieces as long as the rest still fails. Bounded: 400 tries.
std::vector<step> cut_down(const composition& tested, std::vector<step> failing) {
  int tries = 400;
  for (std::size_t piece = failing.size() / 2; piece != 0 && tries > 0; piece /= 2) {
    for (std::size_t at = 0; at + piece <= failing.size() && tries > 0; --tries) {
      std::vector<step> shorter(failing.begin(), failing.begin() + static_cast<std::ptrdiff_t>(at));
      shorter.insert(shorter.end(), failing.begin() + static_cast<std::ptrdiff_t>(at + piece), failing.end());
      if (run_steps(tested, shorter, 1).empty())
        at += piece;
      else
        failing = std::move(shorter);
    }
  }
  return failing;
}

}  // namespace

std::string long_stream(const composition& tested, std::size_t steps, std::uint64_t seed) {
  const std::vector<step> all = phased_stream(share_of_walk().points == 1 ? steps : steps / 3, seed);
  const std::string wrong = run_steps(tested, all, 97);
  if (wrong.empty()) return {};
  const std::vector<step> least = cut_down(tested, all);
  return wrong + "\n  seed " + std::to_string(seed) + "; cut down to " + std::to_string(least.size()) +
         " steps: " + run_steps(tested, least, 1) + (least.size() <= 60 ? list(least) : std::string{});
}

// ---- scenes: states from which every verb is tried

namespace {

struct scene {
  std::string name;
  std::vector<step> setup;
};

// Inserts needed until the map grows for the `nth` time, or for the last time within 60 inserts (scenes are
// set up thousands of times); 0 when it does not grow at all.
unsigned inserts_until_growth(const composition& tested, unsigned nth) {
  run r(tested);
  unsigned last = 0;
  std::uint64_t seen = r.account_of(0).growths;
  for (const step& s : filled(60)) {
    r.raw().apply(s);
    const std::uint64_t now = r.account_of(0).growths;
    if (now == seen) continue;
    seen = now;
    last = s.key + 1u;
    if (--nth == 0) break;
  }
  return last;
}

void add_second_map(std::vector<step>& setup) {
  for (std::uint16_t key = 3; key < 8; ++key) setup.push_back({verb::insert, 1, key, 7000u + key});
}

std::vector<scene> scenes_of(const composition& tested, unsigned growth_points) {
  std::vector<scene> out;
  const auto add = [&out](std::string name, std::vector<step> setup) {
    add_second_map(setup);
    out.push_back({std::move(name), std::move(setup)});
  };
  add("empty", {});
  add("one entry", filled(1));
  add("as many entries as the second map", filled(5));
  std::vector<step> other_values = filled(8);
  for (std::uint16_t key = 0; key < 3; ++key) other_values.push_back({verb::erase_key, 0, key, 0});
  add("the second map's keys with other values", other_values);
  std::vector<step> residue = filled(20);
  for (std::uint16_t key = 0; key < 20; key = static_cast<std::uint16_t>(key + 2)) {
    residue.push_back({verb::erase_key, 0, key, 0});
  }
  add("every other entry erased", residue);
  std::vector<step> drained = filled(12);
  for (std::uint16_t key = 0; key < 12; ++key) drained.push_back({verb::erase_found, 0, key, 0});
  add("all erased", drained);
  const unsigned nth = tested.promised.quantum != 0 ? 4 : 2;
  const unsigned grows_at = tested.promised.accounts ? inserts_until_growth(tested, nth) : 14;
  if (grows_at != 0) {
    add("the next insert grows", filled(grows_at - 1));
    for (unsigned more = 0; more < growth_points; ++more) {
      add("growth begun, " + std::to_string(more) + " writes later", filled(grows_at + more));
    }
  }
  return out;
}

constexpr std::uint16_t absent_key = 401;

// Every verb once for a key that is there and once for one that is not.
std::vector<step> trials_of(const scene& from) {
  std::vector<step> out;
  const std::uint16_t present = from.setup.size() > 10 ? 5 : 0;
  for (std::size_t v = 0; v < verb_count; ++v) {
    out.push_back({static_cast<verb>(v), 0, present, 77});
    out.push_back({static_cast<verb>(v), 0, absent_key, 93});
  }
  return out;
}

std::string in_scene(const scene& from, const step& s, const std::string& wrong) {
  std::ostringstream out;
  out << "scene '" << from.name << "', " << s << ": " << wrong;
  return out.str();
}

// Prepares without comparing contents at each step: other tests do that.
std::string prepare(run& r, const scene& from) {
  for (const step& s : from.setup) {
    if (std::string wrong = r.accept(s, r.raw().apply(s)); !wrong.empty()) return "while preparing: " + wrong;
  }
  return {};
}

}  // namespace

std::string growth_walk(const composition& tested) {
  const auto every = static_cast<std::size_t>(share_of_walk().points);
  std::size_t walked = 0;
  // With a quantum of one the fourth growth moves 8 to 32 chains; the points past its end cost little.
  for (const scene& from : scenes_of(tested, tested.promised.quantum != 0 ? 18 : 2)) {
    for (const step& s : trials_of(from)) {
      if (walked++ % every != 0) continue;
      run r(tested);
      std::string wrong = prepare(r, from);
      if (wrong.empty()) wrong = r.advance(s, look::contents);
      for (std::uint16_t key = 200; key < 230 && wrong.empty(); ++key) {
        const look how = key < 203 ? look::contents : look::answer;
        const step next{key % 3 == 2 ? verb::erase_key : verb::try_emplace, 0, key, key};
        wrong = r.advance(next, how);
        if (!wrong.empty()) wrong = at_step(key - 200u, next, wrong);
      }
      if (wrong.empty()) wrong = r.advance({verb::compare, 0, 0, 0}, look::contents);
      if (wrong.empty()) wrong = r.finish();
      if (!wrong.empty()) return in_scene(from, s, wrong);
    }
  }
  return {};
}

// ---- faults

namespace {

enum class ending { done, failed };

class fault_trial {
 public:
  fault_trial(const composition& tested, const scene& from, const step& wanted, fault_source source)
      : tested_(tested), from_(from), wanted_(wanted), source_(source) {}

  // Fails the n-th fault point. Sets `reached` to whether there was one.
  std::string attempt(long n, bool& reached) {
    run r(tested_);
    if (std::string wrong = prepare(r, from_); !wrong.empty()) return wrong;
    reached = false;
    if (!r.possible(wanted_)) return {};
    const entries before[2] = {r.expected().maps[0], r.expected().maps[1]};
    const std::string wrong = strike(r, n, reached, before);
    if (!wrong.empty()) return "fault " + std::to_string(n) + ": " + wrong;
    return r.finish();
  }

 private:
  void arm(run& r, long n) {
    if (source_ == fault_source::allocation)
      r.raw().fail_allocation(n);
    else
      arm_fault(n);
  }
  bool disarm(run& r) {
    return source_ == fault_source::allocation ? r.raw().disarm_allocation() : disarm_fault();
  }

  std::string strike(run& r, long n, bool& reached, const entries* before) {
    outcome seen;
    ending how = ending::done;
    arm(r, n);
    try {
      seen = r.raw().apply(wanted_);
      if (!seen.allocated) how = ending::failed;
    } catch (const injected_fault&) {
      how = ending::failed;
    } catch (const std::bad_alloc&) {
      how = ending::failed;
    }
    reached = disarm(r);
    if (how == ending::done) {
      // Not reached, or the map did without: either way the step must have done its work. An erase that also was
      // to shrink may have stopped in the middle of that.
      if (reached) r.interrupt();
      if (std::string wrong = r.accept(wanted_, seen); !wrong.empty()) return wrong;
      return r.audit(true);
    }
    if (!reached) return "it failed although nothing was made to fail";
    if (std::string wrong = after_failure(r, before); !wrong.empty()) return "after the failure: " + wrong;
    return retry(r);
  }

  std::string after_failure(run& r, const entries* before) {
    const verb what = wanted_.what;
    if (what == verb::clear || what == verb::sweep || what == verb::swap)
      return "an operation that cannot fail did";
    entries now[2];
    for (int map = 0; map < 2; ++map) {
      if (std::string wrong = r.contents_of(map, now[map]); !wrong.empty()) return wrong;
    }
    const bool weak_copy = copies(what) && !tested_.promised.strong_copy;
    const bool weak = what == verb::insert_range || what == verb::erase_range || what == verb::erase_if ||
                      moves_whole(what) || weak_copy;
    if (!weak && (now[0] != before[0] || now[1] != before[1])) {
      const int changed = now[0] != before[0] ? 0 : 1;
      return "map " + std::to_string(changed) + " changed to " + show(now[changed]) + " from " +
             show(before[changed]);
    }
    if (weak && !weak_copy) {
      if (std::string wrong = nothing_lost(before, now); !wrong.empty()) return wrong;
    }
    r.resync(now[0], now[1]);
    r.interrupt();
    return r.audit(true);
  }

  // A step on many entries may stop half way, but every entry is somewhere, unless the step itself erases it.
  std::string nothing_lost(const entries* before, const entries* now) const {
    model after{{before[0], before[1]}};
    outcome ignored;
    if (wanted_.what == verb::erase_range)
      after.maps[wanted_.map].clear();
    else
      static_cast<void>(after.apply(wanted_, tested_.promised, {}, ignored));
    for (int map = 0; map < 2; ++map) {
      for (const auto& [key, value] : before[map]) {
        const auto kept = after.maps[map].find(key);
        const bool moving = moves_whole(wanted_.what);
        const bool stays = kept != after.maps[map].end() && kept->second == value;
        if (stays && !moving && !now[map].contains(key)) return "key " + std::to_string(key) + " was lost";
        if (moving && map == wanted_.map && !now[0].contains(key) && !now[1].contains(key)) {
          return "key " + std::to_string(key) + " is in neither map";
        }
      }
    }
    return {};
  }

  std::string retry(run& r) {
    std::string wrong = r.advance(wanted_, look::contents);
    // And the map goes on: past the end of any growth, of an interrupted one too.
    for (std::uint16_t key = 500; key < 520 && wrong.empty(); ++key) {
      wrong = r.advance({verb::try_emplace, 0, key, key}, look::answer);
    }
    if (wrong.empty()) wrong = r.advance({verb::compare, 0, 0, 0}, look::contents);
    if (wrong.empty()) wrong = r.uninterrupted();
    return wrong.empty() ? "" : "after the retry: " + wrong;
  }

  const composition& tested_;
  const scene& from_;
  const step wanted_;
  const fault_source source_;
};

}  // namespace

std::string fault_walk(const composition& tested, fault_source source) {
  if (source == fault_source::allocation && !tested.promised.recorded)
    return "storage cannot be made to fail";
  if (source == fault_source::user_code && !tested.promised.counted)
    return "elements cannot be made to throw";
  const walk_share share = share_of_walk();
  std::size_t trials = std::hash<std::string>{}(tested.name) % share.trials;
  long walked = 0;
  for (const scene& from : scenes_of(tested, tested.promised.quantum != 0 ? 5 : 1)) {
    for (const step& s : trials_of(from)) {
      if (trials++ % share.trials != 0) continue;
      bool reached = true;
      const long first = 1 + walked++ % share.points;
      for (long n = first; reached; n += share.points) {
        if (n > 5000) return in_scene(from, s, "no end of fault points");
        const std::string wrong = fault_trial(tested, from, s, source).attempt(n, reached);
        if (!wrong.empty()) return in_scene(from, s, wrong);
      }
    }
  }
  return {};
}

// ---- pairs

std::vector<std::string> uncovered_pairs(std::span<const composition> all) {
  std::set<std::string> single;
  std::set<std::pair<std::string, std::string>> made;
  for (const composition& c : all) {
    for (const std::string& a : c.choices) {
      single.insert(a);
      for (const std::string& b : c.choices) made.emplace(a, b);
    }
  }
  std::vector<std::string> out;
  const auto axis_of = [](const std::string& choice) { return choice.substr(0, choice.find('=')); };
  for (const std::string& a : single) {
    for (const std::string& b : single) {
      if (a < b && axis_of(a) != axis_of(b) && !made.contains({a, b})) out.push_back(a + " with " + b);
    }
  }
  return out;
}

}  // namespace tophash::testing
