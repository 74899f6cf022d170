// SPDX-License-Identifier: Apache-2.0
// The catalogue: every shipped option as data (text, parameters, facts, C++ spelling, header), so that a SPEC
// on a command line means what the same composition means to the compiler.
//
//   SPEC    = part {"," part}        part = [axis "="] option | ["preset="] preset
//   option  = name ["(" argument {"," argument} ")"]      argument = [name "="] option or number
// An explicit option beats a preset's, a preset's beats the default; two explicit options on one axis are an
// error. canonical() writes one part for each axis in the axes' order: the text that tophash::canonical_text
// gives for the type, and a fixed point of parse_spec. Rules are the framework's own (compose/rules.def).
#ifndef TOPHASH_BENCH_LAB_CATALOGUE_HPP
#define TOPHASH_BENCH_LAB_CATALOGUE_HPP

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>

namespace tophash::lab {

// what() names the place, counted in characters from 1, and what would be right there.
class spec_error : public std::runtime_error {
 public:
  spec_error(std::size_t position, const std::string& reason);
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

// One option as text: a name, and arguments that are options or numbers themselves.
struct term {
  struct argument;
  std::string name;
  std::vector<argument> arguments;
  std::size_t position = 0;
};
struct term::argument {
  std::string key;  // empty: by position
  term value;
};

std::string text_of(const term& t);

struct option_entry {
  std::size_t axis;
  std::string_view name;
  std::string_view parameters;  // as `list` shows them
  std::string_view description;
  std::string_view header;
  bool lab_storage;                      // an allocation option that the lab can choose at run time
  term (*normalise)(const term&);        // canonical arguments; throws spec_error
  std::string (*spelling)(const term&);  // C++, of a canonical term
  void (*facts)(const term&, spec_facts&);
  // For random SPECs: texts to try, with a blank between; `*` stands for any option of the same axis. Some
  // break a rule on purpose. Empty, which only an option without parameters may leave it: its name.
  std::string_view examples = {};
};

struct preset_entry {
  std::string name;
  std::string description;
  std::string spelling;
  std::vector<std::pair<std::size_t, std::string>> options;  // axis, option text
};

// The texts of `examples` one by one, or the option's name.
std::vector<std::string> example_texts(const option_entry& e);

inline constexpr std::array<std::string_view, axes::count> axis_names = {
    "layout",   "hashing",    "sizing",    "deletion", "load",   "growth",
    "overflow", "allocation", "iteration", "sync",     "observe"};
std::string_view axis_description(std::size_t axis) noexcept;
std::span<const option_entry> catalogue_options() noexcept;
const std::vector<preset_entry>& catalogue_presets();
const option_entry& entry_of(std::size_t axis, std::string_view name);

struct spec_description {
  std::array<term, axes::count> options;  // canonical
  std::array<bool, axes::count> given{};  // by name, not by a preset or the default
  std::vector<std::string> presets;

  friend bool operator==(const spec_description& a, const spec_description& b);
};

spec_description parse_spec(std::string_view text);
spec_description default_spec();
std::string canonical(const spec_description& spec);
spec_description with_option(spec_description spec, std::string_view axis_and_option);

// What tells the spec from the default and, where it shortens the text, from a preset: for tables and plots.
std::string short_text(const spec_description& spec);

// `tophash::map<K, V, ...>` with only the options that differ from the default.
std::string cxx_type(const spec_description& spec, std::string_view key, std::string_view value);
std::vector<std::string> cxx_headers(const spec_description& spec);
std::string cxx_options(const spec_description& spec);  // every axis, separated by commas
std::string cxx_option(const spec_description& spec, std::size_t axis);

spec_facts facts_of(const spec_description& spec);

// Key or value types that `explain --key --value` knows by name.
struct named_type {
  std::string_view name;
  std::string_view spelling;
  std::size_t bytes;
  bool deferred;
  bool may_point;
  bool identity;  // equality_is_identity
  bool movable;
  bool integral;
  bool moving_may_throw;
};
std::span<const named_type> named_types() noexcept;
const named_type* find_type(std::string_view name) noexcept;
type_facts type_facts_for(const spec_description& spec, const named_type& key, const named_type& value);

struct violation {
  std::string id, axes, sentence, remedy;
  std::string message() const { return "tophash[" + axes + "]: " + sentence + "; " + remedy; }
};
std::optional<violation> check_rules(const spec_description& spec, const type_facts* types);

// Axes on which two specs differ.
std::vector<std::size_t> differing_axes(const spec_description& a, const spec_description& b);

}  // namespace tophash::lab

#endif
