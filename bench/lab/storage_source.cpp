// SPDX-License-Identifier: Apache-2.0
#include "lab/storage_source.hpp"

#include <algorithm>

#include <tophash/framework/compose/rules.hpp>
#include <tophash/framework/concepts/axes.hpp>

namespace tophash::lab {

namespace {

constexpr std::size_t word_bytes = sizeof(void*);

bool is_number(const term& t) {
  return t.arguments.empty() && !t.name.empty() &&
         std::all_of(t.name.begin(), t.name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string spelling_of(const term& t) { return entry_of(axes::allocation::index, t.name).spelling(t); }

class storage_writer {
 public:
  storage_source write(const term& t) {
    storage_source out = handle_of(t);
    out.resources = std::move(resources_);
    return out;
  }

 private:
  struct guarded_kind {
    const char *name, *resource, *before, *without;
  };

  // Declares a resource; braces, since parentheses could declare a function.
  storage_source over(const term& t, const std::string& type, const std::string& arguments) {
    const std::string name = "storage_" + std::to_string(resources_.size() + 1);
    resources_.push_back(type + " " + name + (arguments.empty() ? "" : "{" + arguments + "}") + ";");
    const bool two_words = t.name == "spans" || t.name == "erased";
    return {{}, spelling_of(t) + "{" + name + "}", two_words ? 2 * word_bytes : word_bytes};
  }

  static std::string lab(const std::string& name) { return "tophash::allocators::" + name; }

  storage_source handle_of(const term& t) {
    if (t.name == "mimalloc_heap" || t.name == "spans") return over(t, lab(t.name + "_resource"), "");
    if (t.name == "precise") return over(t, "tophash::gc::precise_heap", "");
    if (t.name == "erased") return over(t, lab("erased_resource<tophash::allocators::system>"), "");
    if (t.name == "kept_pages") {
      if (t.arguments.empty()) return over(t, lab("kept_pages_resource"), "");
      return over(t, lab("kept_pages_resource"),
                  lab("kept_pages_options{.how = tophash::allocators::give_back::") +
                      t.arguments.front().value.name + "}");
    }
    if (t.name == "from_resource") return memory_resource(t);
    if (t.name == "arena") {
      const term& inner = t.arguments.front().value;
      const std::string handle = handle_of(inner).handle;
      return over(t, lab("arena_resource<") + spelling_of(inner) + ">", handle);
    }
    if (t.name == "bucket_pool") {
      const std::string bytes = t.arguments.front().value.name;
      if (t.arguments.size() == 1) return over(t, lab("bucket_pool_resource<") + bytes + ">", "");
      const term& inner = t.arguments.back().value;
      const std::string handle = handle_of(inner).handle;
      return over(t, lab("bucket_pool_resource<") + bytes + ", " + spelling_of(inner) + ">", handle);
    }
    if (t.name == "tracked") {
      const term& inner = t.arguments.front().value;
      const std::string handle = handle_of(inner).handle;
      return over(t, lab("tracking_resource<") + spelling_of(inner) + ">", handle);
    }
    constexpr guarded_kind guarded[] = {
        {"limited", "limiting_resource", "std::size_t{", "std::size_t{SIZE_MAX}"},
        {"failing", "failing_resource", "tophash::allocators::failure_plan{.nth = ", ""}};
    for (const guarded_kind& g : guarded) {
      if (t.name != g.name) continue;
      const term& inner = t.arguments.back().value;
      const std::string handle = handle_of(inner).handle;
      const std::string plan =
          t.arguments.size() == 2 ? g.before + t.arguments.front().value.name + "}" : std::string{g.without};
      return over(t, lab(g.resource) + "<" + spelling_of(inner) + ">",
                  plan.empty() ? handle : handle + ", " + plan);
    }
    return combined(t);
  }

  // The standard library's; which one is the lab's word.
  storage_source memory_resource(const term& t) {
    const std::string which = t.arguments.empty() ? "new_delete" : t.arguments.front().value.name;
    if (which == "pool") return over(t, "std::pmr::unsynchronized_pool_resource", "");
    if (which == "monotonic") return over(t, "std::pmr::monotonic_buffer_resource", "");
    return over(t, "std::pmr::memory_resource&", "*std::pmr::new_delete_resource()");
  }

  // Backends without a resource, and handles made of handles: zeroed, by_purpose, by_size, fallback.
  storage_source combined(const term& t) {
    storage_source out{{}, spelling_of(t) + "{", 0};
    bool first = true;
    for (const term::argument& a : t.arguments) {
      if (is_number(a.value)) continue;  // by_size's limit, pages' least bytes: of the type
      const storage_source part = handle_of(a.value);
      out.handle += (first ? "" : ", ") + part.handle;
      out.handle_bytes += part.handle_bytes;
      first = false;
    }
    out.handle += "}";
    return out;
  }

  std::vector<std::string> resources_;
};

}  // namespace

storage_source source_of_storage(const term& storage) { return storage_writer{}.write(storage); }

std::string handle_too_wide(const term& storage) {
  if (source_of_storage(storage).handle_bytes <= 2 * word_bytes) return {};
  for (const rule_row& rule : rules) {
    if (std::string_view{rule.id} == "handle_words")
      return "tophash[" + std::string{rule.axes} + "]: " + rule.sentence + "; " + rule.remedy;
  }
  return "its handle is larger than two words";
}

}  // namespace tophash::lab
