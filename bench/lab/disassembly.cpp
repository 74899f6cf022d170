// SPDX-License-Identifier: Apache-2.0
#include "lab/disassembly.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>

namespace tophash::lab {

namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [text](std::string_view s) { return text.starts_with(s); });
}

// ---- one instruction in Intel's syntax ----------------------------------------------------------

struct parsed {
  std::string_view mnemonic;  // behind its prefixes
  bool lock = false;
  std::vector<std::string_view> operands;
};

parsed parse_instruction(std::string_view text) {
  parsed out;
  text = text.substr(0, text.find('#'));
  const auto next_word = [&text] {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
  };
  constexpr std::array<std::string_view, 10> prefixes = {"lock", "rep",     "repz",   "repnz", "bnd",
                                                         "cs",   "notrack", "data16", "ds",    "es"};
  do {
    out.mnemonic = next_word();
    out.lock = out.lock || out.mnemonic == "lock";
  } while (std::find(prefixes.begin(), prefixes.end(), out.mnemonic) != prefixes.end());
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i == text.size() ? ',' : text[i];
    depth += c == '[' || c == '<' ? 1 : c == ']' || c == '>' ? -1 : 0;
    if (c != ',' || (depth != 0 && i != text.size())) continue;
    if (i != begin) out.operands.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  return out;
}

// A symbol in angle brackets may have square ones: `f [clone .cold]`.
bool in_memory(std::string_view operand) {
  return operand.substr(0, operand.find('<')).find('[') != std::string_view::npos;
}

bool only_fills(const parsed& i) {
  return i.mnemonic.starts_with("nop") || (i.mnemonic == "xchg" && i.operands.size() == 2 &&
                                           i.operands[0].ends_with("ax") && i.operands[1].ends_with("ax"));
}
bool is_jump(const parsed& i) { return i.mnemonic == "jmp"; }
bool is_conditional(const parsed& i) {
  return (i.mnemonic.starts_with("j") && !is_jump(i)) || i.mnemonic.starts_with("loop");
}

void count_memory(const parsed& i, instruction_counts& n) {
  if (i.operands.empty() || i.mnemonic == "lea" || i.mnemonic.starts_with("prefetch")) return;
  for (std::size_t o = 1; o < i.operands.size(); ++o) n.loads += in_memory(i.operands[o]) ? 1 : 0;
  if (!in_memory(i.operands[0])) return;
  const bool writes_only = starts_with_any(i.mnemonic, {"mov", "vmov", "set", "stos", "pextr"});
  const bool reads_only =
      starts_with_any(i.mnemonic,
                      {"cmps", "test", "bt", "push", "call", "jmp", "ucomis", "comis", "ptest", "scas"}) ||
      i.mnemonic == "cmp" ||
      (i.operands.size() == 1 && starts_with_any(i.mnemonic, {"mul", "imul", "div", "idiv"}));
  n.loads += writes_only ? 0 : 1;
  n.stores += reads_only ? 0 : 1;
}

// ---- objdump's text -----------------------------------------------------------------------------

struct dumped_instruction {
  std::uint64_t address = 0;
  std::size_t bytes = 0;
  std::string_view text;
  std::string_view location, function;
};

struct dumped_function {
  std::string_view name;
  std::uint64_t address = 0;
  std::vector<dumped_instruction> instructions;
};

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// `ADDRESS <NAME>:` begins a function; `FILE:LINE` and `FUNCTION():` tell where the next instructions come
// from; `  ADDRESS:<tab>BYTES<tab>TEXT` is one.
class dump_reader {
 public:
  std::vector<dumped_function> read(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      read_line(line);
    }
    return std::move(functions_);
  }

 private:
  void read_line(std::string_view line) {
    if (line.empty()) return;
    if (line.starts_with(' ') && line.find(":\t") != std::string_view::npos) {
      read_instruction(line);
    } else if (line.ends_with(">:")) {
      const std::size_t name = line.find(" <");
      if (const auto address = hexadecimal(line.substr(0, name)))
        functions_.push_back({line.substr(name + 2, line.size() - name - 4), *address, {}});
      location_ = function_ = {};
    } else if (line.ends_with(":")) {
      function_ = line.substr(0, line.size() - 1);
    } else if (line.find(':') != std::string_view::npos) {
      location_ = line.substr(0, line.find(" (discriminator"));
    }
  }

  void read_instruction(std::string_view line) {
    const std::size_t bytes = line.find('\t') + 1, words = line.find('\t', bytes);
    const auto address =
        hexadecimal(line.substr(line.find_first_not_of(' '), bytes - 2 - line.find_first_not_of(' ')));
    if (functions_.empty() || !address || words == std::string_view::npos) return;
    std::size_t pairs = 0;  // of hexadecimal digits, with blanks between and behind
    for (std::size_t at = bytes; at < words && line[at] != ' '; at += 3) ++pairs;
    functions_.back().instructions.push_back({*address, pairs, line.substr(words + 1), location_, function_});
  }

  std::vector<dumped_function> functions_;
  std::string_view location_, function_;
};

// What pads the text behind a function is not its own.
void drop_padding(std::vector<dumped_instruction>& body) {
  while (!body.empty() && only_fills(parse_instruction(body.back().text))) body.pop_back();
}

std::size_t bytes_of(const std::vector<dumped_instruction>& body) {
  return body.empty() ? 0 : body.back().address + body.back().bytes - body.front().address;
}

// `ADDRESS <NAME+0x..>` behind a branch or a call.
struct target {
  std::uint64_t address = 0;
  std::string_view name;  // without the offset
};
std::optional<target> target_of(const parsed& i) {
  if (i.operands.size() != 1) return std::nullopt;
  std::string_view text = i.operands.front();
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::size_t space = text.find(' ');
  const auto address = hexadecimal(text.substr(0, space));
  if (!address || space == std::string_view::npos || text.size() < space + 4) return std::nullopt;
  std::string_view name = text.substr(space + 2, text.rfind('>') - space - 2);
  if (const std::size_t plus = name.rfind("+0x"); plus != std::string_view::npos) name = name.substr(0, plus);
  return target{*address, name};
}

class operation_reader {
 public:
  operation_reader(const std::vector<dumped_function>& all, std::string name,
                   const std::vector<std::string>& folders)
      : all_(all), name_(std::move(name)), cold_name_(name_ + ".cold"), folders_(folders) {
    while (const std::optional<std::string> behind = forwards_to()) {
      name_ = *behind;
      cold_name_ = name_ + " [clone .cold]";
    }
  }

  disassembled_function read() {
    disassembled_function out;
    out.name = short_function_name(name_);
    std::vector<dumped_instruction> fast = body_of(name_), cold = body_of(cold_name_);
    collect_labels(fast), collect_labels(cold);
    std::size_t number = 0;
    for (auto& [address, label] : labels_) label = ".L" + std::to_string(++number);
    out.fast = translate(fast, out.fast_counts, out.callees);
    out.cold = translate(cold, out.cold_counts, out.callees);
    return out;
  }

 private:
  // Empty: not of this object. A stub of the linker's (NAME@plt) leads to another.
  std::vector<dumped_instruction> body_of(std::string_view name) const {
    if (name.ends_with("@plt")) return {};
    for (const dumped_function& f : all_) {
      if (f.name != name) continue;
      std::vector<dumped_instruction> body = f.instructions;
      drop_padding(body);
      return body;
    }
    return {};
  }

  // A function that is one jump to another of the object: the compiler did not inline that one.
  std::optional<std::string> forwards_to() const {
    const std::vector<dumped_instruction> body = body_of(name_);
    if (body.size() != 1) return std::nullopt;
    const parsed i = parse_instruction(body.front().text);
    const auto to = is_jump(i) ? target_of(i) : std::nullopt;
    if (!to || to->name == name_ || body_of(to->name).empty()) return std::nullopt;
    return std::string{to->name};
  }

  bool is_own(std::string_view name) const { return name == name_ || name == cold_name_; }

  void collect_labels(const std::vector<dumped_instruction>& body) {
    for (const dumped_instruction& d : body) {
      const parsed i = parse_instruction(d.text);
      if (!is_jump(i) && !is_conditional(i)) continue;
      if (const auto to = target_of(i); to && is_own(to->name)) labels_[to->address];
    }
  }

  std::vector<instruction> translate(const std::vector<dumped_instruction>& body, instruction_counts& n,
                                     std::vector<callee>& callees) const {
    std::vector<instruction> out;
    std::string_view location, function;
    n.bytes = bytes_of(body);
    for (const dumped_instruction& d : body) {
      const parsed i = parse_instruction(d.text);
      if (only_fills(i)) continue;
      instruction line{.address = d.address, .bytes = d.bytes, .text = {}, .label = {}, .location = {}};
      if (const auto label = labels_.find(d.address); label != labels_.end()) line.label = label->second;
      if (d.location != location || d.function != function)
        line.location = shown_location(location = d.location, function = d.function);
      line.text = shown_text(i, d.text, n, callees);
      ++n.instructions;
      count_memory(i, n);
      n.locked += i.lock || (i.mnemonic == "xchg" && in_memory(d.text)) ? 1 : 0;
      out.push_back(std::move(line));
    }
    return out;
  }

  std::string shown_location(std::string_view location, std::string_view function) const {
    for (const std::string& folder : folders_) {
      if (location.starts_with(folder + "/")) location.remove_prefix(folder.size() + 1);
    }
    if (const std::size_t system = location.rfind("/include/");
        location.starts_with('/') && system < location.size())
      location.remove_prefix(system + 9);
    if (location.empty()) return {};
    const std::string name = short_function_name(function);
    return std::string{location} + (name.empty() ? "" : " " + name);
  }

  // Branches get labels, callees short names; and both are counted.
  std::string shown_text(const parsed& i, std::string_view text, instruction_counts& n,
                         std::vector<callee>& callees) const {
    std::string plain{text.substr(0, text.find(" <"))};  // data has an address and a name behind a #
    while (plain.ends_with(' ')) plain.pop_back();
    if (const std::size_t comment = plain.find('#'); comment != std::string::npos) {
      plain.resize(plain.find_last_not_of(' ', comment - 1) + 1);
      const std::size_t name = text.find(" <");
      if (name != std::string_view::npos && text.rfind("+0x") == std::string_view::npos)
        plain += "  # " + short_function_name(text.substr(name + 2, text.rfind('>') - name - 2));
    }
    const bool jumps = is_jump(i), conditional = is_conditional(i), calls = i.mnemonic == "call";
    if (!jumps && !conditional && !calls) return plain;
    const auto to = target_of(i);
    if (!calls && (!to || is_own(to->name))) {  // without a target: a jump through a register or a table
      ++(conditional ? n.conditional : n.unconditional);
      if (!to) return plain;
      const auto label = labels_.find(to->address);
      return std::string{i.mnemonic} + " " + (label == labels_.end() ? "?" : label->second);
    }
    ++n.calls;
    if (conditional) ++n.conditional;
    if (!to) return plain;
    const std::string name = short_function_name(to->name.substr(0, to->name.find("@plt")));
    if (std::none_of(callees.begin(), callees.end(), [&](const callee& c) { return c.name == name; }))
      callees.push_back({name, bytes_of(body_of(to->name)), body_of(to->name).size()});
    return std::string{i.mnemonic} + " " + name;
  }

  const std::vector<dumped_function>& all_;
  std::string name_, cold_name_;
  const std::vector<std::string>& folders_;
  std::map<std::uint64_t, std::string> labels_;
};

}  // namespace

std::string short_function_name(std::string_view demangled) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < demangled.size(); ++i) {
    const char c = demangled[i];
    const bool arrow = c == '>' && i != 0 && demangled[i - 1] == '-';
    if (out.ends_with("operator") && std::string_view{"<>("}.find(c) != std::string_view::npos) {
      const std::size_t sign =
          c == '(' ? 2 : demangled.find_first_not_of("<=>", i) - i;  // a part of the name
      out += demangled.substr(i, sign);
      i += sign - 1;
    } else if (c == '<' || c == '(') {
      ++depth;
    } else if ((c == '>' && !arrow) || c == ')') {
      --depth;
    } else if (depth == 0) {
      out += c;
    }
  }
  for (const std::string_view qualifier : {" const", " &", " &&"}) {
    if (out.ends_with(qualifier)) out.resize(out.size() - qualifier.size());
  }
  const std::size_t symbol = out.find("operator ");
  if (const std::size_t space = out.rfind(' ', symbol); space != std::string::npos) out.erase(0, space + 1);
  for (std::size_t at = 0; (at = out.find("tophash::v1::")) != std::string::npos;) out.erase(at, 13);
  while (out.starts_with(':')) out.erase(0, 1);
  return out;
}

disassembled_function read_disassembly(std::string_view text, const std::string& function,
                                       const std::vector<std::string>& folders) {
  return operation_reader(dump_reader().read(text), function, folders).read();
}

bool is_x86_64(std::string_view disassembly) {
  return disassembly.substr(0, disassembly.find("Disassembly of")).find("elf64-x86-64") !=
         std::string_view::npos;
}

}  // namespace tophash::lab
