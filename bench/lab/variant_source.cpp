// SPDX-License-Identifier: Apache-2.0
// Every axis is spelled out in a variant's type, so that a change of the defaults does not change what a text
// means; the program to paste names only what differs from them.
#include "lab/variant_source.hpp"

#include <sstream>

#include "lab/storage_source.hpp"

namespace tophash::lab {

namespace {

spec_description on_storage(const spec_description& spec, std::string_view storage) {
  return with_option(spec, "allocation=" + std::string{storage});
}

void write_includes(std::ostream& out, const std::set<std::string>& headers) {
  for (const std::string& header : headers) out << "#include <tophash/" << header << ">\n";
}

// The type that a name of `explain --key --value` stands for, where the standard library has none.
void write_type(std::ostream& out, const named_type& type) {
  if (type.name.starts_with("bytes_"))
    out << "struct " << type.spelling << " {\n  std::uint64_t words[" << type.bytes / 8 << "];\n};\n\n";
}

// How a variant makes the storage that it is bound to: made_storage of lab/variant.hpp, where that needs
// resources.
void write_made_storage(std::ostream& out, const spec_description& spec, const std::string& storage) {
  const spec_description bound = on_storage(spec, storage);
  const storage_source source = source_of_storage(bound.options[axes::allocation::index]);
  if (source.resources.empty()) return;
  const std::string type = cxx_option(bound, axes::allocation::index);
  out << "template <>\nstruct made_storage<" << type << "> {\n";
  for (const std::string& resource : source.resources) out << "  " << resource << '\n';
  out << "  " << type << " handle() { return " << source.handle << "; }\n};\n\n";
}

}  // namespace

bool takes_strings(const spec_description& spec) {
  const type_facts types = type_facts_for(spec, *find_type("string"), *find_type("u64"));
  return !check_rules(spec, &types).has_value();
}

named_type type_of_value(const value_kind& value) {
  using where = value_kind::where;
  switch (value.how) {
  case where::number:
    return *find_type("u64");
  case where::inside: {
    named_type out = *find_type("bytes_128");
    out.bytes = value.inline_bytes;
    return out;
  }
  case where::boxed: {
    named_type out = *find_type("vector");  // owns a block, is moved without throwing
    out.bytes = sizeof(void*);
    out.may_point = true;
    return out;
  }
  case where::collected:
    return *find_type("pointer");
  }
  return *find_type("u64");
}

std::set<std::string> variant_headers(const spec_description& spec, std::string_view storage) {
  std::set<std::string> out = {"framework/compose/name.hpp", "presets.hpp", "map.hpp"};
  for (const spec_description& s : {spec, on_storage(spec, storage)}) {
    for (const std::string& header : cxx_headers(s)) out.insert(header);
  }
  return out;
}

void write_variant(std::ostream& out, const std::string& id, const spec_description& spec,
                   std::string_view storage, bool is_metered, const value_kind& value) {
  std::string options = cxx_options(on_storage(spec, storage));
  if (is_metered) {
    const std::string source = cxx_option(spec, axes::overflow::index);
    options.replace(options.find(source), source.size(), "tophash::lab::metered<" + source + ">");
  }
  out << "struct " << id << " {\n"
      << "  template <class Key>\n"
      << "  using map = tophash::map<Key, " << value.spelling() << ", " << options << ">;\n"
      << "  using composed = tophash::compose<" << cxx_options(spec) << ">;\n"
      << "};\n\n";
}

std::string variant_source(const spec_description& spec, key_kind key, const std::string& storage,
                           const std::string& description, bool is_metered, const value_kind& value) {
  const std::string bound = storage.empty() ? "erased" : storage;
  std::ostringstream out;
  out << "// Written by tophash: " << canonical(spec) << "\n#include <cstdint>\n#include <string>\n\n";
  write_includes(out, variant_headers(spec, bound));
  out << "\n#include \"lab/variant.hpp\"\n\nnamespace tophash::lab {\n\n";
  if (!storage.empty()) write_made_storage(out, spec, storage);
  out << "namespace {\n\n";
  write_variant(out, "on_demand", spec, bound, is_metered, value);
  out << "}  // namespace\n\n"
      << "extern \"C\" __attribute__((visibility(\"default\"))) void " << variant_symbol
      << "(variant_row& out);\n\n"
      << "void " << variant_symbol << "(variant_row& out) {\n"
      << "  out = make_variant_row_for<on_demand::map, "
      << (key == key_kind::u64 ? "std::uint64_t" : "std::string") << ">(\"" << short_text(spec)
      << "\",\n      std::string{canonical_text<on_demand::composed>()}, \"" << description << "\", "
      << (storage.empty() ? "true" : "false") << ");\n}\n\n}  // namespace tophash::lab\n";
  return out.str();
}

namespace {

// The includes and the map's type, as `map`.
void write_map(std::ostream& out, const spec_description& spec, const named_type& key,
               const named_type& value, const std::set<std::string>& standard_headers) {
  std::set<std::string> headers = {"map.hpp"};
  for (const std::string& header : cxx_headers(spec)) headers.insert(header);
  if (text_of(spec.options[axes::allocation::index]) == "erased") headers.insert("allocators/system.hpp");
  out << "// " << canonical(spec) << "\n";
  for (const std::string& header : standard_headers) out << "#include <" << header << ">\n";
  for (const char* type : {"string", "vector"}) {
    if (key.name == type || value.name == type) out << "#include <" << type << ">\n";
  }
  out << '\n';
  write_includes(out, headers);
  out << '\n';
  write_type(out, key);
  if (value.name != key.name) write_type(out, value);
  out << "using map = " << cxx_type(spec, key.spelling, value.spelling) << ";\n\n";
}

}  // namespace

std::string program_source(const spec_description& spec, const named_type& key, const named_type& value) {
  const storage_source storage = source_of_storage(spec.options[axes::allocation::index]);
  const bool pooled = spec.options[axes::overflow::index].name == "shared_pool";
  std::ostringstream out;
  write_map(out, spec, key, value, {"cstdint", "cstdio"});
  out << "int main() {\n";
  for (const std::string& resource : storage.resources) out << "  " << resource << '\n';
  if (pooled)
    out << "  tophash::overflow::pool spare{" << storage.handle << "};\n"
        << "  map m(" << storage.handle << ", tophash::overflow::shared_pool{spare});\n";
  else if (!storage.resources.empty())
    out << "  map m(" << storage.handle << ");\n";
  else
    out << "  map m;\n";
  out << "  m.insert_or_assign(map::key_type{}, map::mapped_type{});\n"
      << "  std::printf(\"%zu entry\\n\", m.size());\n}\n";
  return out.str();
}

std::string operation_symbol(const std::string& operation) { return "tophash_" + operation; }

std::string operation_source(const spec_description& spec, const named_type& key, const named_type& value,
                             const std::string& operation) {
  std::ostringstream out;
  write_map(out, spec, key, value, {"cstddef", "cstdint", "memory"});
  const std::string name = operation_symbol(operation);
  const bool visited = facts_of(spec).sync.shared;  // no iterator, no reference: a visit
  out << "extern \"C\" {\n";
  if (visited && operation == "find") {
    out << "bool " << name << "(const map& m, const map::key_type& key, map::mapped_type& out) {\n"
        << "  return m.cvisit(key, [&out](const auto& entry) { out = entry.second; }) != 0;\n}\n";
  } else if (visited && operation == "insert") {
    out << "bool " << name << "(map& m, const map::key_type& key, const map::mapped_type& value) {\n"
        << "  return m.try_emplace(key, value);\n}\n";
  } else if (operation == "find") {
    out << "map::mapped_type* " << name << "(map& m, const map::key_type& key) {\n"
        << "  const auto at = m.find(key);\n"
        << "  return at == m.end() ? nullptr : std::addressof(at->second);\n}\n";
  } else if (operation == "insert") {
    out << "bool " << name << "(map& m, const map::key_type& key, const map::mapped_type& value) {\n"
        << "  return m.try_emplace(key, value).second;\n}\n";
  } else {
    out << "std::size_t " << name << "(map& m, const map::key_type& key) { return m.erase(key); }\n";
  }
  out << "}\n";
  return out.str();
}

}  // namespace tophash::lab
