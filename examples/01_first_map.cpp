// A first map, and a composed one: options in any order, beside a preset or alone.
//
// Prints:
//   three words, "go" seen 2 times
//   composed: 2 entries, "tophash" -> 1
//   layout=bucket_chain(arrange=split) deletion=dirty growth=regrowing(incremental(2,every_write),go_overflow)
#include <cstdio>
#include <string>
#include <string_view>

#include <tophash/map.hpp>
#include <tophash/policies/deletion/dirty.hpp>
#include <tophash/presets.hpp>

int main() {
  tophash::map<std::string, int> words;
  for (std::string_view word : {"go", "map", "go", "bucket"}) ++words[word];
  const char* const count = words.size() == 3 ? "three" : "not three";
  std::printf("%s words, \"go\" seen %d times\n", count, words.at(std::string_view{"go"}));

  using composed = tophash::map<std::string, int, tophash::presets::go_like, tophash::deletion::dirty>;
  composed m{{"tophash", 1}, {"tag", 2}, {"slot", 3}};
  m.erase("slot");  // the entry stays behind a dirty tag
  m.sweep();        // and is destroyed here
  std::printf("composed: %zu entries, \"tophash\" -> %d\n", m.size(), m["tophash"]);

  const std::string text{tophash::canonical_text<composed::spec_type>()};
  for (std::string_view axis : {"layout=", "deletion=", "growth="}) {
    const std::size_t from = text.find(axis);
    std::size_t to = from;  // a comma inside parentheses belongs to the option
    for (int depth = 0; to < text.size() && (text[to] != ',' || depth != 0); ++to) {
      depth += text[to] == '(' ? 1 : text[to] == ')' ? -1 : 0;
    }
    std::printf("%s%s", from == text.find("layout=") ? "" : " ", text.substr(from, to - from).c_str());
  }
  std::printf("\n");
}
