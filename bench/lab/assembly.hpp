// SPDX-License-Identifier: Apache-2.0
// `asm`: one operation of a composition as machine code. The composition is compiled with the user's compiler
// and the flags of a variant, with line tables added (they change no instruction); objdump, of binutils,
// reads the object. The operation is a function of its own, so what is counted is what a caller that was not
// inlined with it executes or may execute.
#ifndef TOPHASH_BENCH_LAB_ASSEMBLY_HPP
#define TOPHASH_BENCH_LAB_ASSEMBLY_HPP

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "lab/disassembly.hpp"

namespace tophash::lab {

struct assembly_request {
  std::string spec;
  std::string operation;  // find, insert or erase
  std::string against;    // another SPEC; empty: none
  std::string key = "u64", value = "u64";
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

struct assembled_operation {
  std::string spec, canonical;
  disassembled_function code;
};

struct assembly {
  assembly_request request;
  std::string compiler;                         // with flags
  std::vector<assembled_operation> operations;  // one, or two with `against`
};

// Throws command_error: exit_not_here without a compiler or objdump, exit_check_failed when a rule refuses
// the composition or the compiler does.
assembly assemble(const assembly_request& request);

nlohmann::json assembly_json(const assembly& a);
std::string assembly_text(const assembly& a);

}  // namespace tophash::lab

#endif
