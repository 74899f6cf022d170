// SPDX-License-Identifier: Apache-2.0
// tophash_lab_walks PROGRAM FOLDER CASE: the walks of docs/walks.md, as a reader would take them. A section
// is a walk: its ```sh block has the commands, its ```text block lines that their output must hold, in that
// order,
// `...` standing for anything. With TOPHASH_WALK_EVERY_POINT the commands run as they are and are held to ten
// minutes; without it, those that measure get a short part of the trace and few rounds.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "runner.hpp"

namespace {

struct walk {
  std::string title;
  std::vector<std::string> commands, promised;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::vector<walk> walks_of(const std::string& page) {
  std::vector<walk> out;
  std::string block;  // the language of the one that is open
  for (const std::string& line : lines_of(page)) {
    if (line.rfind("```", 0) == 0) {
      block = block.empty() ? line.substr(3) : "";
    } else if (block.empty() && line.rfind("## ", 0) == 0) {
      out.push_back({line.substr(3), {}, {}});
    } else if (!block.empty() && !out.empty() && !line.empty()) {
      (block == "sh" ? out.back().commands : out.back().promised).push_back(line);
    }
  }
  return out;
}

// The pieces between `...` stand in the line, in their order; what is around them may be anything.
bool matches(const std::string& line, const std::string& promised) {
  std::size_t at = 0;
  for (std::size_t begin = 0; begin <= promised.size();) {
    const std::size_t end = std::min(promised.find("...", begin), promised.size());
    const std::string piece = promised.substr(begin, end - begin);
    const std::size_t found = line.find(piece, at);
    if (found == std::string::npos) return false;
    at = found + piece.size();
    begin = end + 3;
  }
  return true;
}

// The first promised line that the output does not hold behind the one before; empty: it holds all.
std::string not_kept(const std::string& output, const std::vector<std::string>& promised) {
  const std::vector<std::string> said = lines_of(output);
  std::size_t at = 0;
  for (const std::string& p : promised) {
    while (at < said.size() && !matches(said[at], p)) ++at;
    if (at == said.size()) return p;
    ++at;
  }
  return {};
}

bool long_run() { return std::getenv("TOPHASH_WALK_EVERY_POINT") != nullptr; }

// What makes a command quick, by the command that it runs.
std::string shortened(const std::string& command) {
  const auto is = [&command](const char* name) {
    return command.rfind(std::string{"tophash "} + name + " ", 0) == 0;
  };
  if (is("compare")) return command + " --rows 20000 --repeat 16";
  if (is("replay")) return command + " --rows 20000 --repeat 1";
  if (is("advise"))
    return command + " --rows 6000 --repeat 3 --no-compile --variant defaults fastest go_like";
  return command;
}

void take(const walk& w) {
  check(!w.commands.empty() && w.commands.size() <= 3,
        w.title + ": " + std::to_string(w.commands.size()) + " commands, not one to three");
  check(!w.promised.empty(), w.title + ": nothing is promised");
  const auto began = std::chrono::steady_clock::now();
  std::string output;
  for (const std::string& command : w.commands) {
    const std::string line = "cd '" + folder.string() + "' && (" +
                             (long_run() ? command : shortened(command)) + ") >said 2>complaints";
    const int status = std::system(line.c_str());
    check(status == 0, w.title + ": " + command + ": " + contents(folder / "complaints"));
    output += contents(folder / "said");
  }
  const std::string lacking = not_kept(output, w.promised);
  check(lacking.empty(), w.title + ": no line is '" + lacking + "' in:\n" + output);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  check(took.count() < 600, w.title + ": took " + std::to_string(took.count()) + " s");
  std::printf("%s: %zu commands, %.0f s\n", w.title.c_str(), w.commands.size(), took.count());
}

// The page's own grammar, so that a walk cannot pass by being misread.
void reading() {
  const std::vector<walk> w =
      walks_of("# t\n## one\n```sh\na\nb\n```\ntext\n```text\nx ... z\n```\n## two\n```sh\nc\n```\n");
  check(w.size() == 2 && w[0].commands.size() == 2 && w[0].promised.size() == 1 && w[1].commands.size() == 1,
        "sections");
  check(matches("a x 1 z b", "x ... z") && !matches("a x 1 b", "x ... z") && !matches("z x", "x...z"),
        "a promise");
  check(not_kept("1\n2\n3\n", {"1", "3"}).empty() && not_kept("1\n2\n", {"2", "1"}) == "1", "in their order");
}

void one_walk(std::size_t which) {
  reading();
  const std::vector<walk> all = walks_of(contents("docs/walks.md"));
  check(all.size() == 4, "four walks, not " + std::to_string(all.size()));
  fs::create_directories(folder / "bin");
  fs::create_symlink(program, folder / "bin" / "tophash");
  fs::create_directory_symlink(fs::absolute("bench"), folder / "bench");
  const char* const path = std::getenv("PATH");
  ::setenv("PATH", ((folder / "bin").string() + ":" + (path == nullptr ? "/usr/bin:/bin" : path)).c_str(), 1);
  if (which < all.size()) take(all[which]);
  // Pages that the walk ends with load nothing and are whole.
  for (const fs::directory_entry& file : fs::directory_iterator(folder)) {
    if (file.path().extension() != ".html") continue;
    const std::string page = contents(file.path());
    check(page.find("<html") != std::string::npos && page.find("</html>") != std::string::npos &&
              page.find("src=\"http") == std::string::npos,
          file.path().filename().string() + " is a whole page of its own");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  const std::string name = argv[3];
  const std::string known[] = {"walk_compose", "walk_collector_or_malloc", "walk_article", "walk_choose"};
  for (std::size_t i = 0; i < 4; ++i) {
    if (name == known[i]) return run_case_of(argv[1], argv[2], [i] { one_walk(i); });
  }
  return 64;
}
