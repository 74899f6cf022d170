// SPDX-License-Identifier: Apache-2.0
// How a weak map holds its entries, and what it needs of a collector.
//
//   option             an entry lives while ...        and then keeps alive
//   gc::weak_keys      its key is reached              its value, whether the key is reached or not: a value that
//                                                      leads to its own key keeps the entry for ever
//   gc::weak_values    its value is reached            what its key points to
//   gc::ephemerons     its key is reached, other than  its value, once the key is reached
//                      through the values of such entries
// The weak side is a plain pointer to an object of the collector. Null, and pointers to anything else, count as reached.
//
// weak_host<Storage> says how a collector does that; the header of the collector's storage specialises it:
//   template <class Map> class table    a Map whose entries the collector removes at the end of marking
//     table(storage, held, policies...)   neither copied nor moved: the collector knows its address
//     operator*() -> Map&
//     locked(f) -> f()                    f reads or writes the map while no collection removes entries
//     removed() -> std::uint64_t          entries that collections took, ever; read inside locked()
// Removing is Map::erase of a position in the collector's pause: nothing moves and nothing is allocated, and with
// deletion::dirty nothing is destroyed either.
#ifndef TOPHASH_GC_WEAK_HPP
#define TOPHASH_GC_WEAK_HPP

#include <cstdint>
#include <string_view>

namespace tophash::inline v1 {

namespace gc {

enum class weakness : std::uint8_t { keys, values, ephemerons };

struct weak_keys {
  static constexpr std::string_view name = "weak_keys";
  static constexpr weakness held = weakness::keys;
};
struct weak_values {
  static constexpr std::string_view name = "weak_values";
  static constexpr weakness held = weakness::values;
};
struct ephemerons {
  static constexpr std::string_view name = "ephemerons";
  static constexpr weakness held = weakness::ephemerons;
};

template <class Storage>
struct weak_host;  // no collector's storage: a weak map cannot lie in it

template <class Storage>
concept weak_storage = requires { sizeof(weak_host<Storage>); };

}  // namespace gc

}  // namespace tophash::inline v1

#endif
