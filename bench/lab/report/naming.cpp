// SPDX-License-Identifier: Apache-2.0
#include "lab/report/naming.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace tophash::lab::report {
namespace {

constexpr std::array<std::string_view, 10> axes_by_interest = {
    "deletion", "growth", "overflow", "layout", "hashing", "load", "sizing", "iteration", "sync", "observe"};

// Cuts at commas outside parentheses (and angle brackets, in a user's option); empty when they do not
// balance.
std::vector<std::string_view> cut_at_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '(' || text[i] == '<';
    depth -= text[i] == ')' || text[i] == '>';
    if (depth < 0) return {};
    if (text[i] == ',' && depth == 0) {
      parts.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  if (depth != 0) return {};
  if (start < text.size()) parts.push_back(text.substr(start));
  return parts;
}

spec_option split_option(std::string_view text) {
  spec_option option;
  const std::size_t equal = text.find_first_of("=(");
  const bool named = equal != std::string_view::npos && text[equal] == '=';
  option.axis = named ? text.substr(0, equal) : std::string_view{};
  option.text = named ? text.substr(equal + 1) : text;
  const std::size_t open = option.text.find('(');
  option.head = option.text.substr(0, open);
  if (open != std::string::npos && option.text.back() == ')') {
    const std::string_view inner =
        std::string_view(option.text).substr(open + 1, option.text.size() - open - 2);
    for (const std::string_view part : cut_at_commas(inner)) option.arguments.emplace_back(part);
  }
  return option;
}

std::size_t index_in(std::vector<std::string>& list, const std::string& value) {
  const auto it = std::find(list.begin(), list.end(), value);
  if (it != list.end()) return static_cast<std::size_t>(it - list.begin());
  list.push_back(value);
  return list.size() - 1;
}

std::size_t place_of(const std::vector<std::string>& list, const std::string& value) {
  return static_cast<std::size_t>(std::find(list.begin(), list.end(), value) - list.begin());
}

// Of a and b in between, spread over the three lightness levels: two options take the ends.
int level_for(std::size_t index, std::size_t count) {
  if (count <= 1) return 1;
  if (count == 2) return index == 0 ? 0 : 2;
  return static_cast<int>(index % levels);
}

bool is_named_argument(const std::string& argument) { return argument.find('=') != std::string::npos; }

std::string text_of_axis(const std::vector<spec_option>& options, const std::string& axis) {
  for (const spec_option& option : options) {
    if (option.axis == axis) return option.text;
  }
  return {};
}

// What makes a variant, its storage aside.
std::string identity_of(const row& r) {
  std::string identity;
  for (const spec_option& option : split_spec(r.spec)) {
    if (option.axis != "allocation") identity += option.axis + "=" + option.text + ",";
  }
  return identity.empty() ? r.variant : identity;
}

}  // namespace

std::vector<spec_option> split_spec(std::string_view spec) {
  std::vector<spec_option> options;
  for (const std::string_view part : cut_at_commas(spec)) options.push_back(split_option(part));
  return options;
}

std::string storage_of(const row& r) {
  const bool says_more = !r.collector.empty() && r.collector != "none" && r.collector != "no_gc" &&
                         r.allocator.find(r.collector) == std::string::npos;
  if (!says_more) return r.allocator;
  return r.allocator.empty() ? r.collector : r.allocator + " + " + r.collector;
}

palette::palette(std::span<const result> results) {
  for (const result& one : results) {
    for (const row& r : one.rows) {
      index_in(storages_, storage_of(r));
      const std::vector<spec_option> options = split_spec(r.spec);
      if (options.empty()) index_in(others_, r.variant);
      for (const spec_option& option : options) index_in(options_[option.axis], option.text);
    }
  }
  choose_axes();
  for (const result& one : results) {
    for (const row& r : one.rows) assign(r);
  }
  add_legend();
}

void palette::choose_axes() {
  const auto varies = [&](std::string_view axis) {
    const auto it = options_.find(axis);
    return it != options_.end() && it->second.size() > 1;
  };
  for (const std::string_view axis : axes_by_interest) {
    if (!varies(axis)) continue;
    if (hue_axis_.empty()) {
      hue_axis_ = axis;
    } else if (level_axis_.empty() && options_.find(axis)->second.size() <= levels) {
      level_axis_ = axis;
    } else if (fill_axis_.empty() && options_.find(axis)->second.size() == 2) {
      fill_axis_ = axis;
    }
  }
}

look palette::systematic(const row& r) const {
  const std::vector<spec_option> options = split_spec(r.spec);
  if (options.empty()) {
    const std::size_t other = place_of(others_, r.variant);
    return {0, static_cast<int>(other % levels), other / levels % 2 == 1};
  }
  look appearance{1, 1, false};
  const auto place = [&](const std::string& axis) {
    const std::vector<std::string>& list = options_.find(axis)->second;
    return std::pair(place_of(list, text_of_axis(options, axis)), list.size());
  };
  if (!hue_axis_.empty()) appearance.hue = 1 + static_cast<int>(place(hue_axis_).first % (hues - 1));
  if (!level_axis_.empty()) {
    const auto [index, count] = place(level_axis_);
    appearance.level = level_for(index, count);
  }
  if (!fill_axis_.empty()) appearance.hollow = place(fill_axis_).first == 1;
  return appearance;
}

// A look that another variant has already is exchanged for one of the hues that no option uses, while they
// last.
void palette::assign(const row& r) {
  const std::string identity = identity_of(r);
  if (looks_.contains(identity)) return;
  const auto taken = [&](const look& wanted) {
    return std::any_of(looks_.begin(), looks_.end(),
                       [&](const auto& entry) { return entry.second == wanted; });
  };
  look appearance = systematic(r);
  const int used = hue_axis_.empty() ? 1 : static_cast<int>(options_.find(hue_axis_)->second.size());
  for (int spare = 0; appearance.hue != 0 && taken(appearance) && spare < levels * (hues - 1 - used);
       ++spare) {
    const look other{used + 1 + spare / levels, (spare + 1) % levels, false};
    if (taken(other)) continue;
    appearance = other;
    further_.push_back({"further variants", r.variant, appearance});
  }
  looks_.emplace(identity, appearance);
}

look palette::of(const row& r) const { return looks_.at(identity_of(r)); }

int palette::marker_of(const row& r) const {
  return static_cast<int>(place_of(storages_, storage_of(r)) % marker_shapes);
}

void palette::add_legend() {
  const auto options_of = [&](const std::string& axis) {
    return axis.empty() ? std::vector<std::string>{} : options_.find(axis)->second;
  };
  const std::vector<std::string> hue_options = options_of(hue_axis_);
  for (std::size_t i = 0; i < hue_options.size(); ++i) {
    legend_.push_back({hue_axis_, hue_options[i], {1 + static_cast<int>(i % (hues - 1)), 1, false}});
  }
  const std::vector<std::string> level_options = options_of(level_axis_);
  for (std::size_t i = 0; i < level_options.size(); ++i) {
    legend_.push_back({level_axis_, level_options[i], {1, level_for(i, level_options.size()), false}});
  }
  const std::vector<std::string> fill_options = options_of(fill_axis_);
  for (std::size_t i = 0; i < fill_options.size(); ++i) {
    legend_.push_back({fill_axis_, fill_options[i], {1, 1, i == 1}});
  }
  legend_.insert(legend_.end(), further_.begin(), further_.end());
  for (std::size_t i = 0; i < others_.size(); ++i) {
    legend_.push_back({"other maps", others_[i], {0, static_cast<int>(i % levels), i / levels % 2 == 1}});
  }
}

namespace {

// What one axis says in the rows of an experiment.
struct axis_texts {
  std::string axis;
  std::vector<const spec_option*> of_row;  // null: the row has no such axis
};

std::vector<axis_texts> by_axis(const std::vector<std::vector<spec_option>>& specs) {
  std::vector<axis_texts> all;
  for (std::size_t r = 0; r < specs.size(); ++r) {
    for (const spec_option& option : specs[r]) {
      auto it =
          std::find_if(all.begin(), all.end(), [&](const axis_texts& a) { return a.axis == option.axis; });
      if (it == all.end())
        it = all.insert(all.end(), {option.axis, std::vector<const spec_option*>(specs.size())});
      it->of_row[r] = &option;
    }
  }
  return all;
}

bool differs(const axis_texts& axis, const std::vector<std::vector<spec_option>>& specs) {
  std::set<std::string> texts;
  for (std::size_t r = 0; r < specs.size(); ++r) {
    if (!specs[r].empty()) texts.insert(axis.of_row[r] == nullptr ? "" : axis.of_row[r]->text);
  }
  return texts.size() > 1;
}

// The option as it tells rows apart: with one head and named arguments, the arguments that are not in every
// row.
std::string telling_part(const axis_texts& axis, const spec_option& option) {
  std::map<std::string, std::size_t> uses;
  std::size_t present = 0;
  for (const spec_option* other : axis.of_row) {
    if (other == nullptr) continue;
    ++present;
    if (other->head != option.head) return option.text;
    for (const std::string& argument : other->arguments) {
      if (!is_named_argument(argument)) return option.text;
      ++uses[argument];
    }
  }
  std::string text;
  for (const std::string& argument : option.arguments) {
    if (uses[argument] < present) text += (text.empty() ? "" : ",") + argument;
  }
  return text.empty() ? option.text : text;
}

std::string without_separator(std::string text) {
  constexpr std::string_view separator = " \xC2\xB7 ";
  if (text.ends_with(separator)) text.resize(text.size() - separator.size());
  return text;
}

// A number alone ("13/2") says nothing: its axis goes with it.
std::string self_explaining(const std::string& axis, std::string text) {
  const bool number = !text.empty() && text[0] >= '0' && text[0] <= '9';
  return number ? axis + "=" + text : text;
}

// Rows that the short name does not tell apart in one storage, key and n: their full variant text does.
void separate(std::span<const row> rows, std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::size_t>> same;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::string n = rows[r].n ? std::to_string(*rows[r].n) : "";
    same[names[r] + '\n' + storage_of(rows[r]) + '\n' + rows[r].key + '\n' + n].push_back(r);
  }
  for (const auto& [identity, members] : same) {
    if (members.size() < 2) continue;
    std::set<std::string> variants;
    for (const std::size_t r : members) variants.insert(rows[r].variant);
    for (std::size_t i = 0; i < members.size(); ++i) {
      std::string& name = names[members[i]];
      if (variants.size() == members.size()) {
        name = rows[members[i]].variant;
      } else if (i > 0) {
        name += " (" + std::to_string(i + 1) + ")";
      }
    }
  }
}

}  // namespace

row_names name_rows(std::span<const row> rows) {
  std::vector<std::vector<spec_option>> specs;
  for (const row& r : rows) specs.push_back(split_spec(r.spec));
  const std::vector<axis_texts> axes = by_axis(specs);
  row_names names{std::vector<std::string>(rows.size()), ""};
  for (const axis_texts& axis : axes) {
    if (axis.axis == "allocation") continue;  // the row's storage says it, also behind a type-erased handle
    const bool telling = differs(axis, specs);
    for (std::size_t r = 0; telling && r < rows.size(); ++r) {
      if (axis.of_row[r] == nullptr) continue;
      names.short_names[r] += self_explaining(axis.axis, telling_part(axis, *axis.of_row[r])) + " \xC2\xB7 ";
    }
    const auto first =
        std::find_if(axis.of_row.begin(), axis.of_row.end(), [](const auto* o) { return o != nullptr; });
    if (!telling) names.shared += (names.shared.empty() ? "" : ", ") + axis.axis + "=" + (*first)->text;
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string& name = names.short_names[r];
    name = name.empty() ? rows[r].variant : without_separator(name);
  }
  separate(rows, names.short_names);
  return names;
}

}  // namespace tophash::lab::report
