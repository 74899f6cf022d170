// SPDX-License-Identifier: Apache-2.0
// The C++ of a composition: what the generator of the curated variants and the compiler on demand write, and
// what `explain --cxx` prints.
#ifndef TOPHASH_BENCH_LAB_VARIANT_SOURCE_HPP
#define TOPHASH_BENCH_LAB_VARIANT_SOURCE_HPP

#include <iosfwd>
#include <set>
#include <string>
#include <string_view>

#include "lab/catalogue.hpp"
#include "lab/program.hpp"
#include "lab/value_kind.hpp"

namespace tophash::lab {

// Do the rules let the composition have string keys?
bool takes_strings(const spec_description& spec);

// What the rules need to know of a value. (Its spelling is value_kind's.)
named_type type_of_value(const value_kind& value);

// The headers of its map on the storage, below <tophash/>.
std::set<std::string> variant_headers(const spec_description& spec, std::string_view storage = "erased");

// `struct ID` with the map as a template over the key, its storage replaced, and the composition as it is
// named.
void write_variant(std::ostream& out, const std::string& id, const spec_description& spec,
                   std::string_view storage = "erased", bool is_metered = false,
                   const value_kind& value = {});

// A whole translation unit for one kind of key: exports variant_symbol, a function that fills in one row.
// `storage` empty: chosen at run time. `is_metered`: its overflow source is metered<>
// (lab/overflow_meter.hpp). `value`: what its values are.
inline constexpr const char* variant_symbol = "tophash_variant";
std::string variant_source(const spec_description& spec, key_kind key, const std::string& storage,
                           const std::string& description, bool is_metered = false,
                           const value_kind& value = {});

// A whole program that makes the map and puts an entry into it.
std::string program_source(const spec_description& spec, const named_type& key, const named_type& value);

// A translation unit with one operation (find, insert or erase) of the map as a function that is called
// operation_symbol().
std::string operation_symbol(const std::string& operation);
std::string operation_source(const spec_description& spec, const named_type& key, const named_type& value,
                             const std::string& operation);

}  // namespace tophash::lab

#endif
