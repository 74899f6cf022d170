// SPDX-License-Identifier: Apache-2.0
// One owner at a time, as sync::none, and a breach is noticed where it can be without locks: Go's hashWriting
// flag. A write raises a flag for as long as it works; who finds it raised answers with one of Go's three
// sentences:
//   concurrent map writes                    a write, or the end of a write that another one has ended
//   meanwhile concurrent map read and map write        a search by key concurrent map iteration and map write
//   begin(), ++ and copying
// Best effort: two threads that pass the test at the same time are seen only when the first of them ends, and
// a read that a write overtakes is not seen at all. What is reported is certain: somebody wrote. Hash,
// equality, constructors and destructors of entries that use their own map from within a write are found
// every time (a hash only while a growth moves entries: the hash of the argument is computed before the flag
// is raised).
//
//   owner_checked                  says the sentence on standard error and aborts, as Go does
//   owner_checked_throwing         throws concurrent_use; the map is as before the operation that was refused
//   basic_owner_checked<Response>  calls Response::misused(const char* sentence); if that returns, the
//   operation goes
//                                  on as if nothing had been noticed
//
// Not checked: stats and other reports, prefetch, mark_in_place (a collector may call it within a write),
// move construction and destruction. Cost: a flag of one byte; a lookup one load and one branch that is never
// taken (counted in go_like: 2 to 3 of 36 instructions), a write two of each and two stores (8 of 50 to 65).
#ifndef TOPHASH_POLICIES_SYNC_OWNER_CHECKED_HPP
#define TOPHASH_POLICIES_SYNC_OWNER_CHECKED_HPP

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <tophash/framework/concepts/axes.hpp>
#include <tophash/framework/concepts/facts.hpp>
#include <tophash/framework/config.hpp>

namespace tophash::inline v1 {

// what(): one of the three sentences, with `tophash: ` before it.
class concurrent_use : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

namespace sync {

struct aborting {
  static constexpr std::string_view name = "";
  [[noreturn]] TOPHASH_NOINLINE static void misused(const char* sentence) noexcept {
    std::fprintf(stderr, "%s\n", sentence);
    std::abort();
  }
};

// Without exceptions: the same as aborting.
struct throwing {
  static constexpr std::string_view name = "throwing";
#if TOPHASH_HAS_EXCEPTIONS
  [[noreturn]] TOPHASH_NOINLINE static void misused(const char* sentence) { throw concurrent_use(sentence); }
#else
  [[noreturn]] static void misused(const char* sentence) noexcept { aborting::misused(sentence); }
#endif
};

template <class Response = aborting>
struct basic_owner_checked {
  using axis = axes::sync;
  static constexpr sync_facts facts{
      .shared = false, .checked = true, .throwing = !noexcept(Response::misused(""))};

  static constexpr option_text name() requires requires { std::string_view{Response::name}; }
  {
    option_text out{"owner_checked"};
    if (!Response::name.empty()) out.append("(").append(Response::name).append(")");
    return out;
  }
  static void misused(const char* sentence) noexcept(!facts.throwing) { Response::misused(sentence); }
};

using owner_checked = basic_owner_checked<>;
using owner_checked_throwing = basic_owner_checked<throwing>;

}  // namespace sync

}  // namespace tophash::inline v1

#endif
