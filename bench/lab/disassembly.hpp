// SPDX-License-Identifier: Apache-2.0
// objdump's text of an object, read for one function: its instructions with labels, where they come from,
// what they call, and counts of their kinds. x86-64 in Intel's syntax.
#ifndef TOPHASH_BENCH_LAB_DISASSEMBLY_HPP
#define TOPHASH_BENCH_LAB_DISASSEMBLY_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tophash::lab {

// Static counts: of the instructions there are, not of those that run.
struct instruction_counts {
  std::size_t instructions = 0;                    // without those that only fill space
  std::size_t bytes = 0;                           // with those between instructions
  std::size_t conditional = 0, unconditional = 0;  // branches inside the function and its cold part
  std::size_t calls = 0;                           // tail calls too
  std::size_t locked = 0;                          // with a lock prefix, and exchanges with memory
  std::size_t loads = 0, stores = 0;               // with an operand in memory; not push, pop, call and ret
};

struct instruction {
  std::uint64_t address = 0;
  std::size_t bytes = 0;
  std::string text;      // branch targets are labels, callees short names
  std::string label;     // empty: no branch leads here
  std::string location;  // where it comes from, `FILE:LINE FUNCTION`, if that is not what the last one said
};

// What the operation calls out of line. Not of this object (an allocator's functions): 0 bytes.
struct callee {
  std::string name;  // without template arguments and parameters
  std::size_t bytes = 0, instructions = 0;
};

struct disassembled_function {
  std::string name;  // whose code this is: the one asked for, or what it does nothing but jump to
  std::vector<instruction> fast, cold;  // cold: what the compiler moved out of the function's own text
  instruction_counts fast_counts, cold_counts;
  std::vector<callee> callees;
};

// objdump's text of one object (-d -l -C -w, Intel's syntax), read for the function named and `NAME.cold`.
// `folders` are cut off the front of file names.
disassembled_function read_disassembly(std::string_view text, const std::string& function,
                                       const std::vector<std::string>& folders);

bool is_x86_64(std::string_view disassembly);

// `tophash::v1::f<a, b>(c)` as `f`: names of a composition are pages long.
std::string short_function_name(std::string_view demangled);

}  // namespace tophash::lab

#endif
