// SPDX-License-Identifier: Apache-2.0
#include "lab/report/gnuplot.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/report/text.hpp"

extern char** environ;

namespace tophash::lab::report {
namespace {

class scratch_directory {
 public:
  scratch_directory() {
    std::error_code error;
    std::string pattern = (std::filesystem::temp_directory_path(error) / "tophash-report-XXXXXX").string();
    if (!error && ::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  bool exists() const { return !path_.empty(); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return std::move(all).str();
}

// Its exit status, or the negative error with which it could not be started.
int run_program(const std::vector<std::string>& words, const std::string& out_path,
                const std::string& error_path) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (::posix_spawn_file_actions_init(&actions) != 0) return -ENOMEM;
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, out_path.c_str(), flags, 0600);
  ::posix_spawn_file_actions_addopen(&actions, 2, error_path.c_str(), flags, 0600);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -error;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -errno;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string first_line_with_letters(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(" \t^");
    if (start != std::string::npos) return line.substr(start);
  }
  return {};
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, from)) {
    out.append(text, from, at - from).append(with);
    from = at + what.size();
  }
  if (from == 0) return;
  out.append(text, from);
  text = std::move(out);
}

// Removes every stretch from `open` to the end of the next `close`.
void cut_between(std::string& text, std::string_view open, std::string_view close) {
  for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    const std::size_t end = text.find(close, at + open.size());
    if (end == std::string::npos) return;
    text.erase(at, end + close.size() - at);
  }
}

std::string variable_for(int red, int green, int blue) {
  if (red == 1) return "var(--v" + std::to_string(green) + std::to_string(blue) + ")";
  if (red == 2) return "var(--p" + std::to_string(green) + ")";
  if (red != 3) return {};
  constexpr std::array<const char*, 4> names = {"var(--ink)", "var(--muted)", "var(--grid)",
                                                "var(--published)"};
  return green >= 0 && green < 4 ? names[static_cast<std::size_t>(green)] : "";
}

// gnuplot writes "rgb( 1,  2,   3)".
void replace_colors(std::string& svg) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = svg.find("rgb("); at != std::string::npos; at = svg.find("rgb(", from)) {
    const std::size_t close = svg.find(')', at);
    if (close == std::string::npos) break;
    std::array<int, 3> parts{-1, -1, -1};
    const char* p = svg.data() + at + 4;
    const char* end = svg.data() + close;
    for (int& part : parts) {
      while (p < end && (*p == ' ' || *p == ',')) ++p;
      p = std::from_chars(p, end, part).ptr;
    }
    const std::string variable = variable_for(parts[0], parts[1], parts[2]);
    out.append(svg, from, at - from);
    out += variable.empty() ? svg.substr(at, close + 1 - at) : variable;
    from = close + 1;
  }
  svg = out + svg.substr(from);
}

// gnuplot opens a group for each change of its pen, most of them empty.
void drop_empty_groups(std::string& svg) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = svg.find("<g fill"); at != std::string::npos; at = svg.find("<g fill", at + 1)) {
    const std::size_t open_end = svg.find('>', at);
    if (open_end == std::string::npos) break;
    const std::size_t inner = svg.find_first_not_of(" \t\n", open_end + 1);
    if (inner == std::string::npos || svg.compare(inner, 4, "</g>") != 0) continue;
    out.append(svg, from, at - from);
    from = inner + 4;
  }
  svg = out + svg.substr(from);
}

void drop_blank_lines(std::string& svg) {
  std::string out;
  std::istringstream lines(svg);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos) continue;
    out.append(line, start).append("\n");
  }
  svg = std::move(out);
}

}  // namespace

int color_token(const look& appearance) { return 0x010000 | appearance.hue << 8 | appearance.level; }

int purpose_color_token(std::size_t purpose) {
  return 0x020000 | static_cast<int>(purpose < purpose_colors ? purpose : purpose_colors - 1) << 8;
}

std::string fit_svg(const std::string& raw, const plot_texts& texts) {
  const std::size_t box = raw.find("viewBox=\""), canvas = raw.find("<g id=\"gnuplot_canvas\">");
  const std::size_t end = raw.rfind("</svg>");
  if (box == std::string::npos || canvas == std::string::npos || end == std::string::npos || end < canvas)
    return {};
  const std::size_t box_end = raw.find('"', box + 9);
  std::string body = raw.substr(canvas, end - canvas);
  cut_between(body, "<rect x=\"0\" y=\"0\"", "/>");  // the background
  cut_between(body, "<title>", "</title>");
  cut_between(body, "<filter ", "</filter>");
  cut_between(body, " font-family=\"", "\"");
  cut_between(body, " id=\"gnuplot_", "\"");
  replace_all(body, " = '", "='");
  replace_colors(body);
  replace_all(body, "\"black\"", "\"var(--ink)\"");
  replace_all(body, "xlink:href='#", "href='#" + texts.id + "-");
  replace_all(body, "id='gp", "id='" + texts.id + "-gp");
  for (const auto& [token, html] : texts.html)
    replace_all(body, "<text>" + token + "</text>", "<text>" + html + "</text>");
  drop_empty_groups(body);
  drop_blank_lines(body);
  return "<svg " + raw.substr(box, box_end + 1 - box) + " role=\"img\" aria-labelledby=\"" + texts.id +
         "-t " + texts.id + "-d\"><title id=\"" + texts.id + "-t\">" + escape(texts.title) +
         "</title><desc id=\"" + texts.id + "-d\">" + escape(texts.description) + "</desc>\n" + body +
         "</svg>";
}

std::string gnuplot::run(const std::string& script) {
  failed_ = true;
  const scratch_directory scratch;
  if (!scratch.exists()) {
    complaint_ = "no temporary directory for gnuplot's script";
    return {};
  }
  std::ofstream(scratch.file("plot.gp"), std::ios::binary) << script;
  const int status = run_program({program_, "--default-settings", scratch.file("plot.gp")},
                                 scratch.file("plot.svg"), scratch.file("errors"));
  if (status == -ENOENT || status == 127) {
    complaint_ = "gnuplot was not found: this page has the tables but no plots from it (Debian: gnuplot-nox)";
    missing_ = true;
    return {};
  }
  if (status != 0) {
    const std::string why =
        status < 0 ? std::strerror(-status) : first_line_with_letters(read_file(scratch.file("errors")));
    complaint_ = "gnuplot failed (" + why + "): plots are missing on this page, the tables are complete";
    return {};
  }
  failed_ = false;
  return read_file(scratch.file("plot.svg"));
}

std::string gnuplot::draw(const std::string& script, const plot_texts& texts) {
  if (program_.empty()) {
    complaint_ = "plots were not asked for: this page has the tables alone";
    return {};
  }
  if (missing_) return {};
  const std::string raw = run(script);
  if (failed_) return {};
  std::string svg = fit_svg(raw, texts);
  if (svg.empty()) complaint_ = "gnuplot wrote something that is no SVG: plots are missing on this page";
  return svg;
}

}  // namespace tophash::lab::report
