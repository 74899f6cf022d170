// SPDX-License-Identifier: Apache-2.0
// The canonical text of a spec: `layout=bucket_chain,hashing=seeded(wyhash),...`, one part an axis, in the
// axes' order. The command line, reports and error messages use it; the lab parses it back.
#ifndef TOPHASH_FRAMEWORK_COMPOSE_NAME_HPP
#define TOPHASH_FRAMEWORK_COMPOSE_NAME_HPP

#include <string_view>

#include <tophash/framework/compose/spec.hpp>
#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/core/text.hpp>

namespace tophash::inline v1 {

namespace compose_steps {

template <class Spec>
consteval spec_text build_text() {
  spec_text out;
  for_each_axis<Spec>([&out]<class Axis, class Option>() {
    if (out.length != 0) out.append(",");
    out.append(Axis::name).append("=").append(option_name<Option>().view());
  });
  return out;
}

template <class Spec>
inline constexpr spec_text text_of = build_text<Spec>();

}  // namespace compose_steps

template <class Spec>
constexpr std::string_view canonical_text() noexcept {
  return compose_steps::text_of<Spec>.view();
}

}  // namespace tophash::inline v1

#endif
