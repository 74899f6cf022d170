// SPDX-License-Identifier: Apache-2.0
// A small contract run for headers with a planted bug (.ci/bugs): few compositions, chosen so that each
// mechanism of the table is in one of them, and no test framework, so that it compiles fast. Exit status: 0
// when everything holds, 1 with what does not, on the first one.
#include <cstdio>
#include <string>

#include <tophash/framework/layout/directory.hpp>
#include <tophash/framework/layout/open_slots.hpp>

#include "support/battery.hpp"
#include "support/compositions.hpp"
#include "support/iteration_script.hpp"

using namespace tophash;
using namespace tophash::testing;

int main() {
  const composition all[] = {
      counting<with<faulty_hash>, immediate, steps<2>, local, recorded_storage>(),
      counting<chain<3, split, boxed>, with<one_bucket_hash>, dirty, steps<1>, local, recorded_storage>(),
      numbers<presets::go_like, recorded_storage>(),
      numbers<not_reusing, load<4>, eager, recorded_storage>(),
      counting<with<constant_hash>, immediate, eager, recording_apart>(),
      counting<open<16>, with<faulty_hash>, immediate, steps<1>, recorded_storage>(),
      counting<open<8>, with<faulty_hash>, tombstone, steps<2>, recorded_storage>(),
      numbers<layout::open_slots<>, wyhash, immediate, eager, recorded_storage>(),
      numbers<layout::directory<16>, wyhash, tombstone, eager, recorded_storage>(),
  };
  for (const composition& tested : all) {
    std::string wrong = random_streams(tested, 25);
    if (wrong.empty()) wrong = long_stream(tested, 3000, 3);
    if (wrong.empty()) wrong = growth_walk(tested);
    if (wrong.empty() && tested.promised.counted && tested.promised.equal_handles) {
      wrong = fault_walk(tested, fault_source::user_code);
    }
    if (wrong.empty()) continue;
    std::printf("%s\n%s\n", tested.name.c_str(), wrong.c_str());
    return 1;
  }
  using go_map = tophash::map<std::uint64_t, std::uint64_t, presets::go_like>;
  iteration_script<go_map> script(go_map{hashing::go_seeded<hashing::wyhash>{1}}, 1000, 5);
  if (const std::string wrong = script.run(60'000); !wrong.empty()) {
    std::printf("iteration under writes\n%s\n", wrong.c_str());
    return 1;
  }
}
