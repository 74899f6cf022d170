// SPDX-License-Identifier: Apache-2.0
// Iterators that survive writes, against a model: a random script of writes to one map while several iterators over it
// are open. Checked are the guarantees of Go's range over a map:
//   - an entry is returned at most once; one that is there from begin to end exactly once;
//   - an entry erased before it is reached is not returned (one inserted again under its key is another entry);
//   - what is returned has its newest value; an entry inserted meanwhile may be returned or not.
// The model names an entry by key and number of its insertion. run() answers "" or the first thing that was wrong, with
// the step, which the same seed repeats.
#ifndef TOPHASH_TESTS_SUPPORT_ITERATION_SCRIPT_HPP
#define TOPHASH_TESTS_SUPPORT_ITERATION_SCRIPT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tophash/framework/core/bits.hpp>

namespace tophash::testing {

struct script_tally {
  std::uint64_t returned = 0, ended = 0, abandoned = 0, erased_current = 0, cleared = 0, exchanged = 0;
  std::uint64_t growths = 0, regrows = 0, begun_while_growing = 0;
};

// Map: std::uint64_t to std::uint64_t, iteration::mutation_safe.
template <class Map>
class iteration_script {
 public:
  // `keys`: how many different ones there are.
  iteration_script(Map map, std::size_t keys, std::uint64_t seed)
      : map_(std::move(map)), spare_(map_), model_(keys), random_(seed) {}

  std::string run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && wrong_.empty(); ++i) {
      // Fills, churns and drains in turn: growths need a filling table, tombstones and shrinking a draining one.
      if (i % phase_steps == 0) phase_ = static_cast<unsigned>(below(4));
      step();
      if (i % check_every == 0) check_invariants();
      if (!wrong_.empty()) wrong_ = "step " + std::to_string(i) + ": " + wrong_;
    }
    for (walk& w : walks_) {
      while (wrong_.empty() && w.at) advance(w);
    }
    check_invariants();
    count_growths();
    return wrong_;
  }

  script_tally tally;

 private:
  static constexpr std::size_t phase_steps = 3000, check_every = 8192, most_walks = 4;

  struct entry {
    std::uint64_t value = 0;
    std::uint32_t birth = 0;  // 0: absent
  };
  struct walk {
    std::optional<typename Map::iterator> at;
    std::uint32_t begun = 0;               // insertions so far
    std::vector<std::uint32_t> returned;   // by key: the birth of what was returned
  };

  std::uint64_t draw() { return random_ = next_seed(random_); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>((draw() >> 32) * n >> 32); }
  void complain(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  void check_invariants() {
    if (const char* broken = map_.check_invariants()) complain(broken);
  }

  void step() {
    static constexpr unsigned insert_share[] = {70, 45, 25, 50}, erase_share[] = {10, 35, 60, 40};
    const unsigned what = static_cast<unsigned>(below(100));
    if (below(5) < 2) {
      iterate(what);
    } else if (what < insert_share[phase_]) {
      write(below(model_.size()));
    } else if (what < insert_share[phase_] + erase_share[phase_]) {
      erase(below(model_.size()));
    } else {
      change_all();
    }
  }

  void write(std::size_t key) {
    entry& e = model_[key];
    e.value = draw();
    map_[key] = e.value;
    if (e.birth == 0) e.birth = ++births_;
  }

  void erase(std::size_t key) {
    const std::size_t erased = map_.erase(key);
    if (erased != (model_[key].birth != 0 ? 1u : 0u)) complain("an erase by key answered wrongly");
    model_[key].birth = 0;
  }

  void change_all() {
    const std::size_t what = below(4000);
    if (what < 4) {
      map_.clear();
      for (entry& e : model_) e.birth = 0;
      ++tally.cleared;
    } else if (what < 12) {
      // All gone, the array too: what follows grows from one bucket on.
      count_growths();
      map_ = spare_;
      for (entry& e : model_) e.birth = 0;
    } else if (what < 40) {
      // Iterators go with the entries: there and back.
      map_.swap(spare_);
      if (map_.size() != 0) complain("the spare map is not empty");
      map_ = std::move(spare_);
      spare_.clear();
      ++tally.exchanged;
    } else if (what < 100) {
      if (map_.bucket_count() < 64) map_.rehash(4 * map_.bucket_count());
    } else if (what < 300) {
      if constexpr (requires { map_.sweep(3); }) static_cast<void>(map_.sweep(3));
    } else {
      static_cast<void>(map_.contains(below(model_.size())));
    }
  }

  void count_growths() {
    tally.growths += map_.stats().growths;
    tally.regrows += map_.stats().regrows;
  }

  void iterate(unsigned what) {
    walk& w = walks_[below(most_walks)];
    if (!w.at) {
      open(w);
    } else if (what < 80) {
      for (std::size_t more = 1 + below(6); more != 0 && w.at; --more) advance(w);
    } else if (what < 92) {
      erase_current(w);
    } else if (what == 92) {
      w.at.reset();
      ++tally.abandoned;
    } else if (what == 93) {
      // A copy goes on where the original was.
      typename Map::iterator copy = *w.at;
      w.at = std::move(copy);
    }
  }

  void open(walk& w) {
    w.begun = births_;
    w.returned.assign(model_.size(), 0);
    if (map_.stats().growing) ++tally.begun_while_growing;
    w.at.emplace(map_.begin());
    note_returned(w);
  }

  void advance(walk& w) {
    ++*w.at;
    note_returned(w);
  }

  void note_returned(walk& w) {
    if (*w.at == map_.end()) {
      for (std::size_t key = 0; key < model_.size(); ++key) {
        const entry& e = model_[key];
        if (e.birth != 0 && e.birth <= w.begun && w.returned[key] != e.birth) {
          complain("key " + std::to_string(key) + ", there all the time, was not returned");
        }
      }
      w.at.reset();
      ++tally.ended;
      return;
    }
    ++tally.returned;
    const std::size_t key = (**w.at).first;
    const entry& e = model_.at(key);
    if (e.birth == 0) {
      complain("key " + std::to_string(key) + " was returned after it was erased");
    } else if (w.returned[key] == e.birth) {
      complain("key " + std::to_string(key) + " was returned twice");
    } else if ((**w.at).second != e.value) {
      complain("key " + std::to_string(key) + " was returned with an old value");
    }
    w.returned[key] = e.birth;
  }

  // By iterator or by key; the iterator may be at an entry that is gone already.
  void erase_current(walk& w) {
    for (std::size_t key = 0; key < model_.size(); ++key) {
      if (model_[key].birth == 0 || w.returned[key] != model_[key].birth) continue;
      const auto found = map_.find(key);
      if (!(*w.at == found)) continue;
      ++tally.erased_current;
      model_[key].birth = 0;
      if (below(2) == 0) {
        map_.erase(found);
      } else {
        w.at = map_.erase(*w.at);
        note_returned(w);
      }
      return;
    }
  }

  Map map_, spare_;
  std::vector<entry> model_;
  walk walks_[most_walks];
  std::uint64_t random_;
  std::uint32_t births_ = 0;
  unsigned phase_ = 0;
  std::string wrong_;
};

}  // namespace tophash::testing

#endif
