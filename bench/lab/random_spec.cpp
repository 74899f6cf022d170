// SPDX-License-Identifier: Apache-2.0
#include "lab/random_spec.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "lab/variant_source.hpp"

namespace tophash::lab {

namespace {

template <class T>
const T& any_of(const std::vector<T>& all, random_stream& random) {
  return all[static_cast<std::size_t>(random.below(all.size()))];
}

std::string option_at(std::size_t axis, random_stream& random, unsigned depth) {
  std::vector<std::string> texts;
  for (const option_entry& e : catalogue_options()) {
    if (e.axis != axis) continue;
    for (const std::string& text : example_texts(e)) {
      if (depth < 2 || text.find('*') == std::string::npos) texts.push_back(text);
    }
  }
  std::string out = any_of(texts, random);
  for (std::size_t star = out.find('*'); star != std::string::npos; star = out.find('*'))
    out.replace(star, 1, option_at(axis, random, depth + 1));
  return out;
}

// What is wrong with the form: the text is refused before any rule is asked.
illegal_spec malformed(random_stream& random) {
  const std::string spec = random_spec(random);
  switch (random.below(5)) {
  case 0:
    return {spec + ")", "expected ',' or the end"};
  case 1:
    return {spec + ",", "expected a name or a number"};
  case 2:
    return {"deletion=dirty," + std::string{"deletion=immediate"}, "a second option on the axis deletion"};
  case 3:
    return {"deletoin=dirty," + spec, "'deletoin' is no axis"};
  default:
    return {"load=load(" + std::to_string(random.below(100)) + ",many)", "'many' is no whole number"};
  }
}

}  // namespace

std::string random_option(std::size_t axis, random_stream& random) { return option_at(axis, random, 0); }

std::string random_spec(random_stream& random) {
  std::string out;
  const auto add = [&out](const std::string& part) { out += (out.empty() ? "" : ",") + part; };
  if (random.below(8) == 0) add("preset=" + any_of(catalogue_presets(), random).name);
  for (std::size_t axis = 0; axis < axes::count; ++axis) {
    if (axis == axes::allocation::index || random.below(2) == 0) continue;
    add(std::string{axis_names[axis]} + "=" + random_option(axis, random));
  }
  return out.empty() ? "defaults" : out;
}

std::string random_legal_spec(random_stream& random, bool string_keys) {
  for (;;) {
    const std::string text = random_spec(random);
    const spec_description spec = parse_spec(text);
    if (!check_rules(spec, nullptr) && (!string_keys || takes_strings(spec))) return text;
  }
}

illegal_spec random_illegal_spec(random_stream& random) {
  if (random.below(3) == 0) return malformed(random);
  for (;;) {
    const std::string text = random_spec(random);
    if (const std::optional<violation> broken = check_rules(parse_spec(text), nullptr))
      return {text, broken->message()};
  }
}

}  // namespace tophash::lab
