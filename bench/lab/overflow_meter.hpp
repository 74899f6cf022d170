// SPDX-License-Identifier: Apache-2.0
// An overflow source with somebody listening: the source itself, and beside it who learns the address of
// every bucket that is taken and given back. overflow_reuse compiles its compositions with metered<S> in the
// place of S; nothing else does. Without a listener a bucket costs one comparison more.
#ifndef TOPHASH_BENCH_LAB_OVERFLOW_METER_HPP
#define TOPHASH_BENCH_LAB_OVERFLOW_METER_HPP

#include <utility>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/overflow.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::lab {

class overflow_meter {
 public:
  overflow_meter() = default;
  overflow_meter(const overflow_meter&) = delete;
  overflow_meter& operator=(const overflow_meter&) = delete;
  virtual ~overflow_meter() = default;

  virtual void acquired(const void* bucket) noexcept = 0;
  virtual void released(const void* bucket) noexcept = 0;  // before the source decides what becomes of it
};

template <class Source>
class metered : public Source {
 public:
  using axis = axes::overflow;
  using source_type = Source;

  static constexpr option_text name() {
    option_text out;
    out.append("metered(").append(option_name<Source>()).append(")");
    return out;
  }

  template <class... Arguments>
  explicit metered(overflow_meter* meter, Arguments&&... arguments) noexcept
      : Source(std::forward<Arguments>(arguments)...), meter_(meter) {}

  template <class Storage>
  void* acquire(Storage& storage, const request& wanted) noexcept {
    void* const bucket = Source::acquire(storage, wanted);
    if (meter_ != nullptr && bucket != nullptr) meter_->acquired(bucket);
    return bucket;
  }

  template <class Storage>
  void release(Storage& storage, void* bucket, const request& was) noexcept {
    if (meter_ != nullptr) meter_->released(bucket);
    Source::release(storage, bucket, was);
  }

 private:
  overflow_meter* meter_;
};

}  // namespace tophash::lab

#endif
