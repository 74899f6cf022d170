// SPDX-License-Identifier: Apache-2.0
// One object of a claim file, and where in the file it is, so that each complaint names file and field.
#ifndef TOPHASH_BENCH_LAB_CLAIM_FIELDS_HPP
#define TOPHASH_BENCH_LAB_CLAIM_FIELDS_HPP

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "lab/claims.hpp"
#include "lab/nearest.hpp"

namespace tophash::lab {

class claim_fields {
 public:
  claim_fields(const nlohmann::json& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {
    if (!object.is_object()) refuse("", std::string{"expected an object, found "} + object.type_name());
  }

  [[noreturn]] void refuse(const std::string& name, const std::string& why) const {
    const std::string where = at(name);
    throw claim_error(file_ + ": " + (where.empty() ? "" : where + ": ") + why);
  }

  // A field that nobody reads is a misspelt one.
  void allow(const std::vector<std::string>& known) const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        refuse(name, "no field of that name" + nearest_hint(name, known));
    }
  }

  bool has(const char* name) const { return object_.contains(name); }

  const nlohmann::json& need(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) refuse(name, "missing");
    return *found;
  }

  std::string text(const char* name) const {
    const nlohmann::json& value = need(name);
    if (!value.is_string()) refuse(name, std::string{"expected a string, found "} + value.type_name());
    const std::string out = value.get<std::string>();
    if (out.empty()) refuse(name, "is empty");
    return out;
  }

  double number(const char* name) const { return to_number(need(name), name); }

  double to_number(const nlohmann::json& value, const std::string& name) const {
    if (!value.is_number()) refuse(name, std::string{"expected a number, found "} + value.type_name());
    return value.get<double>();
  }

  const nlohmann::json& list(const char* name) const {
    const nlohmann::json& value = need(name);
    if (!value.is_array()) refuse(name, std::string{"expected a list, found "} + value.type_name());
    return value;
  }

  std::vector<std::string> texts(const char* name) const {
    std::vector<std::string> out;
    for (const nlohmann::json& value : list(name)) {
      if (!value.is_string() || value.get<std::string>().empty())
        refuse(name, "expected strings with something in them");
      out.push_back(value.get<std::string>());
    }
    return out;
  }

  std::map<std::string, double> numbers(const char* name) const {
    std::map<std::string, double> out;
    const claim_fields inner = object(name);
    for (const auto& [key, value] : inner.object_.items()) out[key] = inner.to_number(value, key);
    return out;
  }

  claim_fields object(const char* name) const { return {need(name), file_, at(name)}; }

  // The objects of a list.
  template <class Read>
  void each(const char* name, Read read) const {
    const nlohmann::json& all = list(name);
    for (std::size_t i = 0; i < all.size(); ++i)
      read(claim_fields(all[i], file_, at(name) + "[" + std::to_string(i) + "]"));
  }

  void expect_schema(std::string_view wanted) const {
    if (text("schema") != wanted) refuse("schema", "expected '" + std::string{wanted} + "'");
  }

 private:
  std::string at(const std::string& name) const {
    return path_.empty() || name.empty() ? path_ + name : path_ + "." + name;
  }

  const nlohmann::json& object_;
  std::string file_, path_;
};

}  // namespace tophash::lab

#endif
