// SPDX-License-Identifier: Apache-2.0
// Prints docs/compositions.md from framework/compose/rules.def.
#include <cstdio>
#include <string>

#include <tophash/framework/compose/rules.hpp>

namespace {

std::string escaped(const char* text) {
  std::string out;
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c == '|') out += '\\';
    out += *c;
  }
  return out;
}

}  // namespace

int main() {
  std::printf(
      "# What cannot be composed\n\n"
      "Made from framework/compose/rules.def by docs/write_compositions.cpp. Each rule is also the compiler's message,\n"
      "the answer of `tophash explain SPEC`, and a file in tests/rejects that must not compile. Only the first rule that\n"
      "fires is said. Typed rules are judged once Key and T are known.\n\n"
      "| rule | axes | kind | refused when | because | instead |\n|---|---|---|---|---|---|\n");
  for (const tophash::rule_row& r : tophash::rules) {
    std::printf("| %s | %s | %s | `%s` | %s | %s |\n", r.id, r.axes,
                r.kind == tophash::rule_kind::pack ? "pack" : "typed", escaped(r.condition).c_str(),
                escaped(r.sentence).c_str(), escaped(r.remedy).c_str());
  }
  std::printf("\n%zu rules.\n", tophash::rule_count);
}
