// SPDX-License-Identifier: Apache-2.0
// Records a map's operations as a trace for `tophash replay`:
//
//   observe::trace_writer trace("operations.csv");                  // outlives the map
//   tophash::map<K, V, observe::recorder> m{observe::recorder{trace}};
//
//   a lookup                          g
//   an insertion or assignment        s, also of a key that was there, and of one that then failed
//   an erase by key, at an iterator   d, by key also of a key that was not there
//   clear()                           c
//
// Keys are recorded as the hashes that the table goes by, seed included: the trace says which operations met
// the same key, not which key that was (framework/traced.hpp writes integers as they are). Two keys of one
// hash become one. A table that reseeds itself when it is empty (go_like) gives later entries new numbers,
// which no result depends on. Sizes are 0, or what the constructor was told. Iteration reads no key and is
// not recorded. Cost: a row of the writer's an operation; without a writer one test.
// A copied map is not recorded (nor are the parts of sync::striped, which are copies); a move takes the
// recording along. What an assignment or a swap brings into a
// map was not recorded here, so a trace is of use until then.
// An erase at an iterator that is not fresh from a search hashes the key again. Should the hash throw, the
// row is missing, and unnamed() counts it.
#ifndef TOPHASH_POLICIES_OBSERVE_RECORDER_HPP
#define TOPHASH_POLICIES_OBSERVE_RECORDER_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/concepts/observe.hpp>
#include <tophash/policies/observe/trace_writer.hpp>

namespace tophash::inline v1 {

namespace observe {

class recorder {
 public:
  using axis = axes::observe;
  static constexpr std::string_view name = "recorder";
  static constexpr observe_facts facts{.on_const_paths = true, .shared_sink = false, .names_erased = true};

  recorder() noexcept = default;
  // value_bytes: written as the size of every set.
  explicit recorder(trace_writer& to, std::size_t value_bytes = 0) noexcept
      : writer_(&to), value_bytes_(value_bytes) {}
  recorder(const recorder&) noexcept {}
  recorder(recorder&& other) noexcept { take(other); }
  recorder& operator=(const recorder&) noexcept { return *this; }
  recorder& operator=(recorder&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~recorder() = default;

  trace_writer* writer() const noexcept { return writer_; }
  std::uint64_t unnamed() const noexcept { return unnamed_; }

  void on(const events::searched& e) const noexcept {
    if (writer_ == nullptr) return;
    if (e.why == events::search::lookup) {
      writer_->get(e.hash);
    } else if (e.why == events::search::insertion) {
      writer_->set(e.hash, value_bytes_);
    } else if (!e.hit) {
      writer_->erase(e.hash);  // of what was there, events::erased tells
    }
  }
  void on(const events::erased& e) noexcept {
    if (writer_ == nullptr) return;
    if (e.hash_known)
      writer_->erase(e.hash);
    else
      ++unnamed_;
  }
  void on(const events::cleared&) noexcept {
    if (writer_ != nullptr) writer_->clear();
  }

 private:
  void take(recorder& other) noexcept {
    writer_ = std::exchange(other.writer_, nullptr);
    value_bytes_ = other.value_bytes_;
    unnamed_ = other.unnamed_;
  }

  trace_writer* writer_ = nullptr;
  std::size_t value_bytes_ = 0;
  std::uint64_t unnamed_ = 0;
};

}  // namespace observe

}  // namespace tophash::inline v1

#endif
