// SPDX-License-Identifier: Apache-2.0
// Every shipped hashing policy under its laws, with the keys where hashing goes wrong (signed zeros, sign
// extension, strings across every boundary of the byte loop), wyhash against its published values, and for
// each law a policy that breaks it, which the law must report.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <tophash/framework/concepts/hashing.hpp>
#include <tophash/policies/hashing/hash_with.hpp>
#include <tophash/policies/hashing/identity.hpp>
#include <tophash/policies/hashing/murmur3.hpp>
#include <tophash/policies/hashing/prefix.hpp>
#include <tophash/policies/hashing/seeded.hpp>
#include <tophash/policies/hashing/std_hash.hpp>
#include <tophash/policies/hashing/wyhash.hpp>
#ifdef TOPHASH_WITH_ABSL_HASH
#include <tophash/policies/hashing/absl_hash.hpp>
#endif
#ifdef TOPHASH_WITH_XXHASH
#include <tophash/policies/hashing/xxh3.hpp>
#endif

#include "laws/hashing.hpp"

namespace {

using namespace tophash;
using hashing::hash_with;
using hashing::identity;
using hashing::murmur3;
using hashing::prefix;
using hashing::prefix_xor;
using hashing::seeded;
using hashing::std_hash;
using hashing::wyhash;

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(line).append("\n");
  return out;
}

template <class Check>
void must_hold(const Check& check) {
  CHECK(joined(laws::violations(check)) == "");
}

template <class Check>
void must_report(const std::string& fragment, const Check& check) {
  const std::string all = joined(laws::violations(check));
  INFO(all);
  CHECK(all.find(fragment) != all.npos);
}

enum class small_enum : std::int8_t { minus = -1, zero = 0, plus = 1 };

struct no_hash {
  bool operator==(const no_hash&) const = default;
};

template <class Number>
std::vector<Number> numbers() {
  using limits = std::numeric_limits<Number>;
  std::vector<Number> out{Number{}, Number{1}, limits::max(), limits::min(), limits::lowest()};
  laws::sampler draw(1);
  for (int i = 0; i != 12; ++i) out.push_back(static_cast<Number>(draw.next()));
  if constexpr (std::is_floating_point_v<Number>) {
    out.push_back(-Number{0});
    out.push_back(limits::infinity());
    out.push_back(limits::denorm_min());
  }
  return out;
}

std::vector<std::string> strings() {
  std::vector<std::string> out;
  laws::sampler draw(2);
  for (std::size_t length :
       {0u, 1u, 2u, 3u, 4u, 7u, 8u, 15u, 16u, 17u, 31u, 32u, 47u, 48u, 49u, 64u, 96u, 97u, 200u}) {
    std::string s;
    for (std::size_t i = 0; i != length; ++i) s.push_back(static_cast<char>(draw.next() >> 50));
    out.push_back(s);
    out.push_back(std::string(length, 'a'));
  }
  out.push_back(std::string("a\0b", 3));
  return out;
}

template <class Key, class H>
void equality_holds(const H& h, const std::vector<Key>& keys) {
  must_hold([&](auto report) { laws::check_equality<Key>(h, keys, report); });
}

template <class H>
void equality_holds_for_common_keys(const H& h) {
  equality_holds<int>(h, numbers<int>());
  equality_holds<std::uint64_t>(h, numbers<std::uint64_t>());
  equality_holds<std::int8_t>(h, numbers<std::int8_t>());
  equality_holds<double>(h, numbers<double>());
  equality_holds<float>(h, numbers<float>());
  equality_holds<std::string>(h, strings());
  int on_stack[3] = {};
  equality_holds<int*>(h, {nullptr, on_stack, on_stack + 1, on_stack + 2});
}

// Keys made from raw bytes, for the avalanche law.
template <class Key>
Key from_bytes(std::span<const unsigned char> bytes) {
  if constexpr (std::is_same_v<Key, std::string>) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } else if constexpr (requires { std::tuple_size<Key>::value; }) {
    Key out{};
    std::apply(
        [&](auto&... elements) {
          const auto take = [&](auto& element) {
            std::memcpy(&element, bytes.data(), sizeof element);
            bytes = bytes.subspan(sizeof element);
          };
          (take(elements), ...);
        },
        out);
    return out;
  } else {
    Key out;
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
  }
}

template <class Key, class H>
auto avalanche_law(const H& h, std::size_t bytes, std::size_t samples = 4096) {
  static_assert(is_avalanching<H, Key>(), "else the law has nothing to measure");
  return [=](auto report) { laws::check_avalanche<Key>(h, from_bytes<Key>, bytes * 8, report, samples); };
}

template <class Key, class H>
auto spread_law(const H& h) {
  return [=](auto report) {
    laws::check_spread<Key>(h, [](std::uint64_t bits) { return static_cast<Key>(bits); }, report);
  };
}

template <class H>
auto seeding_law(const H& h) {
  return [=](auto report) {
    laws::check_seeding<std::uint64_t>(h, [](std::uint64_t bits) { return bits; }, report);
  };
}

template <class H>
void strings_are_transparent(const H& h) {
  static_assert(is_transparent_for<H, std::string, std::string_view>() &&
                is_transparent_for<H, std::string, const char*>() &&
                is_transparent_for<H, std::string_view, std::string>() &&
                !is_transparent_for<H, std::string, int>() && !is_transparent_for<H, int, long>());
  const std::vector<std::string> keys = strings();
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const std::vector<const char*> literals{"", "a", "aaaa", "another",
                                          "a string of more than forty-eight characters, for the loop"};
  must_hold([&](auto report) {
    laws::check_transparency<std::string, std::string_view>(h, std::span(keys), std::span(views), report);
    laws::check_transparency<std::string, const char*>(h, std::span(keys), std::span(literals), report);
    laws::check_transparency<std::string_view, std::string>(h, std::span(views), std::span(keys), report);
  });
  CHECK(h.hash("text") == h.hash(std::string("text")));  // an array
  CHECK(h.equal(std::string("text"), "text"));
}

}  // namespace

TEST_CASE("hashing: which keys each policy takes", "[policies]") {
  static_assert(hashing_policy<std_hash, int> && hashing_policy<std_hash, std::string> &&
                !hashing_policy<std_hash, no_hash> && !hashing_policy<std_hash, std::pair<int, int>>);
  static_assert(hashing_policy<wyhash, bool> && hashing_policy<wyhash, small_enum> &&
                hashing_policy<wyhash, char8_t> && hashing_policy<wyhash, float> &&
                hashing_policy<wyhash, long double> && hashing_policy<wyhash, void (*)()> &&
                hashing_policy<wyhash, std::string_view> && hashing_policy<wyhash, const char*> &&
                hashing_policy<wyhash, std::nullptr_t> && hashing_policy<wyhash, std::vector<bool>> &&
                hashing_policy<wyhash, std::unique_ptr<int>>);
  static_assert(
      hashing_policy<wyhash, std::pair<const int, std::string>> && hashing_policy<wyhash, std::tuple<>> &&
      hashing_policy<wyhash, std::tuple<int, std::pair<float, small_enum>, std::array<std::string, 2>>>);
  static_assert(!hashing_policy<wyhash, no_hash> && !hashing_policy<wyhash, std::pair<int, no_hash>> &&
                !hashing_policy<wyhash, std::tuple<std::array<no_hash, 2>>> &&
                !hashing_policy<wyhash, std::vector<int>>);
  static_assert(hashing_policy<identity, int> && hashing_policy<identity, small_enum> &&
                hashing_policy<identity, int*> && !hashing_policy<identity, std::string> &&
                !hashing_policy<identity, double>);
  static_assert(hashing_policy<seeded<wyhash>, std::string> && !hashing_policy<seeded<wyhash>, no_hash> &&
                !hashing_policy<seeded<identity>, double>);
  static_assert(hashing_policy<hash_with<std::hash<int>>, int> &&
                !hashing_policy<hash_with<std::hash<int>>, std::string>);
  static_assert(is_avalanching<wyhash, std::string>() && is_avalanching<wyhash, std::pair<int, int>>() &&
                !is_avalanching<wyhash, int>() && !is_avalanching<wyhash, double>() &&
                !is_avalanching<wyhash, std::unique_ptr<int>>() && !is_avalanching<std_hash, std::string>());
  static_assert(noexcept(wyhash{}.hash(1)) && noexcept(wyhash{}.hash(std::string_view{})) &&
                noexcept(seeded<wyhash>{1}.hash(std::string_view{})) && noexcept(wyhash{}.equal(1, 1)));
  static_assert(identity::facts.raw && !identity::facts.seeded && seeded<identity>::facts.raw &&
                seeded<identity>::facts.seeded);
  static_assert(std::is_empty_v<std_hash> && std::is_empty_v<wyhash> &&
                sizeof(seeded<wyhash>) == sizeof(std::uint64_t));
  CHECK(option_name<wyhash>().view() == "wyhash");
  CHECK(option_name<std_hash>().view() == "std_hash");
  CHECK(option_name<identity>().view() == "identity");
  CHECK(option_name<seeded<wyhash>>().view() == "seeded(wyhash)");
}

TEST_CASE("hashing: equal keys hash alike", "[policies]") {
  equality_holds_for_common_keys(std_hash{});
  equality_holds_for_common_keys(wyhash{});
  equality_holds_for_common_keys(seeded<wyhash>{});
  equality_holds_for_common_keys(seeded<std_hash>{7});
  equality_holds<long double>(wyhash{}, numbers<long double>());
  equality_holds<small_enum>(wyhash{}, {small_enum::minus, small_enum::zero, small_enum::plus});
  equality_holds<std::pair<double, std::string>>(wyhash{}, {{0.0, "a"}, {-0.0, "a"}, {0.0, "b"}, {1.0, ""}});
  equality_holds<std::array<float, 2>>(wyhash{}, {{0.0f, 1.0f}, {-0.0f, 1.0f}, {1.0f, 0.0f}});
  equality_holds<std::uint32_t>(identity{}, numbers<std::uint32_t>());
  equality_holds<small_enum>(identity{}, {small_enum::minus, small_enum::zero, small_enum::plus});
  equality_holds<std::string>(hash_with<std::hash<std::string>>{}, strings());
}

TEST_CASE("hashing: exact values", "[policies]") {
  const wyhash h;
  CHECK(h.hash(-1) == ~std::uint64_t{0});
  CHECK(h.hash(std::int8_t{-2}) == ~std::uint64_t{1});
  CHECK(h.hash(0xffffffffu) == 0xffffffffu);
  CHECK(h.hash(small_enum::minus) == ~std::uint64_t{0});
  CHECK(h.hash(true) == 1);
  CHECK(h.hash(0.0) == 0);
  CHECK(h.hash(-0.0) == 0);
  CHECK(h.hash(1.0f) == 0x3f800000u);
  int on_stack = 0;
  CHECK(h.hash(&on_stack) == reinterpret_cast<std::uintptr_t>(&on_stack));
  CHECK(identity{}.hash(-1) == ~std::uint64_t{0});
  CHECK(identity{}.hash(&on_stack) == reinterpret_cast<std::uintptr_t>(&on_stack));
  CHECK(std_hash{}.hash(std::string("a")) == std::hash<std::string>{}("a"));
  CHECK(h.hash(std::pair(1, 2)) != h.hash(std::pair(2, 1)));
  CHECK(h.hash(std::tuple(1, 2, 0)) != h.hash(std::tuple(1, 2)));
  CHECK(h.hash(std::pair<std::string, std::string>("ab", "c")) !=
        h.hash(std::pair<std::string, std::string>("a", "bc")));
}

TEST_CASE("hashing: wyhash gives its published values", "[policies]") {
  // The test vectors of final version 4.2: message, seed, hash.
  const std::tuple<std::string_view, std::uint64_t, std::uint64_t> vectors[] = {
      {"", 0, 0x93228a4de0eec5a2u},
      {"a", 1, 0xc5bac3db178713c4u},
      {"abc", 2, 0xa97f2f7b1d9b3314u},
      {"message digest", 3, 0x786d1f1df3801df4u},
      {"abcdefghijklmnopqrstuvwxyz", 4, 0xdca5a8138ad37c87u},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 5, 0xb9e734f117cfaf70u},
      {"12345678901234567890123456789012345678901234567890123456789012345678901234567890", 6,
       0x6cc5eab49a92d617u}};
  for (const auto& [message, seed, expected] : vectors) {
    CHECK(hashing::wyhash_bytes::hash(message.data(), message.size(), seed) == expected);
  }
  CHECK(wyhash{}.hash(std::string_view{}) == 0x93228a4de0eec5a2u);

  // SMHasher's verification value, which sees every length from 0 to 255: 0x9dae7dd3 for this version.
  unsigned char key[256] = {}, hashes[256 * 8] = {};
  for (std::size_t i = 0; i != 256; ++i) {
    key[i] = static_cast<unsigned char>(i);
    std::uint64_t hash = hashing::wyhash_bytes::hash(key, i, 256 - i);
    for (std::size_t byte = 0; byte != 8; ++byte, hash >>= 8)
      hashes[8 * i + byte] = static_cast<unsigned char>(hash);
  }
  CHECK((hashing::wyhash_bytes::hash(hashes, sizeof hashes, 0) & 0xffffffffu) == 0x9dae7dd3u);
}

TEST_CASE("hashing: bytes hash alike wherever they lie, and nothing past them is read", "[policies]") {
  laws::sampler draw(3);
  std::size_t wrong = 0;
  for (std::size_t length = 0; length != 130; ++length) {
    std::string text;
    for (std::size_t i = 0; i != length; ++i) text.push_back(static_cast<char>(draw.next() >> 50));
    const std::uint64_t expected = wyhash{}.hash(text);
    for (std::size_t offset = 0; offset != 9; ++offset) {
      // Its own block, so that a sanitizer sees a read past either end.
      std::vector<char> block(offset + length);
      std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(offset));
      wrong += wyhash{}.hash(std::string_view(block.data() + offset, length)) != expected ? 1u : 0u;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("hashing: transparent policies", "[policies]") {
  strings_are_transparent(wyhash{});
  strings_are_transparent(seeded<wyhash>{});
  // `const char*` keys are their characters, for both functions.
  const char here[] = "text", there[] = "text";
  const char *a = here, *b = there;
  CHECK(wyhash{}.equal(a, b));
  CHECK(wyhash{}.hash(a) == wyhash{}.hash(b));
  static_assert(!is_transparent_for<std_hash, std::string, std::string_view>());
}

TEST_CASE("hashing: prefixes are the key's first bytes, unmixed", "[policies]") {
  equality_holds_for_common_keys(prefix<3>{});
  equality_holds_for_common_keys(prefix_xor<2>{});
  strings_are_transparent(prefix<3>{});
  strings_are_transparent(prefix_xor<3>{});
  const auto same = []<class Key>(const auto& h, const Key& key, std::uint64_t wanted) {
    CHECK(h.hash(key) == wanted);
    CHECK(position_hash<Key>(h, h.hash(key)) == wanted);
  };
  same(prefix<3>{}, std::string("abcd"), 0x616263);
  same(prefix<3>{}, std::string("ab"), 0x6162);
  same(prefix<3>{}, std::string(), 0);
  same(prefix<3>{}, std::string("\xff\x80\x01"), 0xff8001);
  same(prefix_xor<3>{}, std::string("abcd"), 0x616263 ^ 'd');
  same(prefix_xor<3>{}, std::string("abcde"), 0x616263 ^ 'd');
  same(prefix_xor<3>{}, std::string("abc"), 0x616263);
  same(prefix<8>{}, std::string("abcdefghi"), 0x6162636465666768);
  same(prefix_xor<8>{}, std::string("abcdefghi"), 0x6162636465666768 ^ 'i');
  same(prefix<3>{}, std::uint32_t{0x04030201}, 0x010203);
  same(prefix_xor<3>{}, std::uint32_t{0x04030201}, 0x010203 ^ 0x04);
  same(prefix<4>{}, std::int8_t{-1}, 0xff);
  same(prefix<2>{}, small_enum::minus, 0xff);
  same(prefix<1>{}, true, 1);
  same(prefix<3>{}, std::array<std::uint16_t, 2>{0x0201, 0x0403}, 0x010203);
  same(prefix<8>{}, -0.0, 0);
  same(prefix<8>{}, 1.0, 0xf03f);
  static_assert(!is_avalanching<prefix<3>, std::string>() && !hashing_policy<prefix<3>, no_hash>);
  CHECK(option_name<prefix<3>>().view() == "prefix(3)");
  CHECK(option_name<prefix_xor<8>>().view() == "prefix_xor(8)");
}

TEST_CASE("hashing: claims of avalanching are true", "[policies][statistics]") {
  for (std::size_t bytes : {1u, 2u, 3u, 4u, 7u, 8u, 16u, 17u, 33u, 49u, 97u}) {
    must_hold(avalanche_law<std::string>(wyhash{}, bytes, 2048));
  }
  must_hold(avalanche_law<std::pair<std::uint64_t, std::uint64_t>>(wyhash{}, 16));
  must_hold(avalanche_law<std::tuple<std::uint32_t, std::uint8_t, std::uint16_t>>(wyhash{}, 7));
  must_hold(avalanche_law<std::tuple<std::uint64_t>>(wyhash{}, 8));
  must_hold(avalanche_law<std::array<std::uint32_t, 3>>(wyhash{}, 12));
}

namespace {

using bytes_hash = std::uint64_t (*)(const unsigned char*, std::size_t);

// The ways to hash 17 to 32 bytes for a mix: the processor has one or two of them.
std::vector<std::pair<const char*, bytes_hash>> ways_to_fold() {
  std::vector<std::pair<const char*, bytes_hash>> out{
      {"products", [](const unsigned char* from, std::size_t bytes) {
         return hashing::wyhash_bytes::fold_by_products(from, bytes) ^ bytes;
       }}};
#if TOPHASH_HAS_AES_INSTRUCTION
  if (hashing::aes_rounds::is_there()) {
    out.emplace_back("rounds", [](const unsigned char* from, std::size_t bytes) {
      return hashing::aes_rounds::fold(from, bytes) ^ bytes;
    });
  }
#endif
  return out;
}

}  // namespace

// Not the hash, which is one to mix, but what comes of it.
TEST_CASE("hashing: the places of strings avalanche under a seed", "[policies][statistics]") {
  static_assert(!is_avalanching<seeded<wyhash>, std::string>() &&
                is_avalanching<seeded<wyhash>, std::pair<int, int>>());
  const seeded<wyhash> h{99};
  const auto avalanches = [](const char* way, std::size_t bytes, const auto& place) {
    const auto worst = laws::measure_avalanche(place, from_bytes<std::string>, bytes * 8, 512);
    INFO(way << ", " << bytes << " bytes: flipping bit " << worst.input_bit << " flips bit " << worst.output_bit
             << " with frequency " << worst.frequency);
    CHECK(worst.biased == 0);
  };
  for (std::size_t bytes : {1u, 7u, 16u, 17u, 32u, 33u}) {
    avalanches("hash_to_mix", bytes,
               [&h](const std::string& key) { return position_hash<std::string>(h, h.hash(key)); });
  }
  for (const auto& [way, fold] : ways_to_fold()) {
    for (std::size_t bytes : {17u, 24u, 32u}) {
      avalanches(way, bytes, [&, fold = fold](const std::string& key) {
        const auto* const from = reinterpret_cast<const unsigned char*>(key.data());
        return position_hash<std::string>(h, fold(from, key.size()));
      });
    }
  }
}

TEST_CASE("hashing: bytes that are hashed together do not cancel", "[policies]") {
  const std::pair<std::size_t, std::size_t> places[] = {{0, 16}, {7, 23}, {15, 31}, {3, 8}, {20, 31}};
  for (const auto& [way, fold] : ways_to_fold()) {
    for (const auto& [first, second] : places) {
      unsigned char key[32] = {};
      std::vector<std::uint64_t> hashes;
      hashes.reserve(65'536);
      for (unsigned i = 0; i != 65'536; ++i) {
        key[first] = static_cast<unsigned char>(i), key[second] = static_cast<unsigned char>(i >> 8);
        hashes.push_back(fold(key, sizeof key));
      }
      std::sort(hashes.begin(), hashes.end());
      INFO(way << ": bytes " << first << " and " << second);
      CHECK(std::unique(hashes.begin(), hashes.end()) == hashes.end());
    }
  }
}

#if TOPHASH_HAS_AES_INSTRUCTION
TEST_CASE("hashing: a round of AES is the standard's", "[policies]") {
  namespace rounds = hashing::aes_rounds;
  if (!rounds::is_there()) {
    WARN("not run: the processor has no such instruction");
    return;
  }
  // The example of Intel's paper on the instruction (S. Gueron, 2010), most significant byte first.
  const auto block = [](std::uint64_t high, std::uint64_t low) {
    return _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
  };
  const __m128i after = rounds::round(block(0x7b5b546573745665u, 0x63746f725d53475du),
                                      block(0x4869285368617929u, 0x5b477565726f6e5du));
  const __m128i expected = block(0xa8311c2f9fdba3c5u, 0x8b104b58ded7e595u);
  CHECK(_mm_movemask_epi8(_mm_cmpeq_epi8(after, expected)) == 0xffff);
  // What a table asks for is that, once it is known.
  const std::string key = "twenty-one characters";
  const auto* const from = reinterpret_cast<const unsigned char*>(key.data());
  CHECK(wyhash{}.hash_to_mix(key) == (rounds::fold(from, key.size()) ^ key.size()));
  CHECK(rounds::direct_lengths == 16);
}
#endif

TEST_CASE("hashing: every byte of a string is hashed and compared, at every length", "[policies]") {
  const seeded<wyhash> h{1};
  std::set<std::uint64_t> of_zeros;
  for (std::size_t bytes = 0; bytes != 100; ++bytes) {
    const std::string text(bytes, '\0');
    std::string other = text;
    CHECK(of_zeros.insert(h.hash(text)).second);
    std::size_t wrong = h.equal(text, other) && h.equal(text, std::string_view{text}) ? 0 : 1;
    wrong += h.hash(text) == h.hash(std::string_view{other}) ? 0u : 1u;
    for (std::size_t i = 0; i != bytes; ++i) {
      other[i] = '\x80';
      wrong += h.equal(text, other) || h.equal(other, text) || h.hash(text) == h.hash(other) ? 1u : 0u;
      other[i] = '\0';
    }
    CHECK(wrong == 0);
    CHECK(!h.equal(text, text + 'a'));
  }
  static_assert(wyhash{}.equal("ab", std::string_view{"ab"}) && !wyhash{}.equal("ab", "ac"));
}

TEST_CASE("hashing: hostile keys spread over buckets and tags", "[policies][statistics]") {
  must_hold(spread_law<std::uint64_t>(wyhash{}));
  must_hold(spread_law<std::uint32_t>(wyhash{}));
  must_hold(spread_law<double>(wyhash{}));
  must_hold(spread_law<std::uint64_t>(std_hash{}));
  for (std::uint64_t seed : {0x0123456789abcdefu, 0xfedcba9876543210u}) {
    must_hold(spread_law<std::uint64_t>(seeded<wyhash>{seed}));
    must_hold(spread_law<std::uint64_t>(seeded<identity>{seed}));
  }
}

TEST_CASE("hashing: seeds", "[policies]") {
  for (std::uint64_t seed = 0; seed != 20; ++seed) must_hold(seeding_law(seeded<wyhash>{seed}));
  must_hold(seeding_law(seeded<std_hash>{}));
  seeded<wyhash> s(5);
  CHECK(s.seed() == 5);
  s.reseed();
  CHECK(s.seed() == next_seed(5));
  const seeded<hash_with<std::hash<int>>> wrapped({}, 9);
  CHECK(wrapped.seed() == 9);
  CHECK(wrapped.base().hash(3) == wrapped.hash(3));
  CHECK(position_hash<int>(wrapped, 3) == mix(3 ^ 9));
}

namespace {

struct salted {
  std::uint64_t salt = 1;
  std::uint64_t operator()(std::uint64_t key) const noexcept { return key * salt; }
};
struct same_modulo {
  std::uint64_t modulus = 10;
  bool operator()(std::uint64_t a, std::uint64_t b) const noexcept { return a % modulus == b % modulus; }
};
struct declares_type : salted {
  using is_avalanching = void;
};
struct declares_false_type : salted {
  using is_avalanching = std::false_type;
};
struct declares_true : salted {
  static constexpr bool is_avalanching = true;
};
struct declares_false : salted {
  static constexpr bool is_avalanching = false;
};
struct text_hash {
  static constexpr std::string_view name = "text";
  using is_transparent = void;
  std::uint64_t operator()(std::string_view text) const noexcept { return wyhash{}.hash(text); }
};
struct text_equal {
  static constexpr std::string_view name = "same_text";
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
};

}  // namespace

TEST_CASE("hashing: hash_with keeps functors, state and declarations", "[policies]") {
  const hash_with with(salted{7}, same_modulo{100});
  CHECK(with.hash(std::uint64_t{3}) == 21);
  CHECK(with.equal(std::uint64_t{1}, std::uint64_t{101}));
  CHECK(with.functor().salt == 7);
  CHECK(with.key_equal().modulus == 100);
  const hash_with lambda([](int key) { return static_cast<std::uint64_t>(key) + 1; });
  CHECK(lambda.hash(1) == 2);
  CHECK(lambda.equal(4, 4));
  static_assert(!has_name<decltype(lambda)>() && !has_name<hash_with<salted>>());
  static_assert(std::is_empty_v<hash_with<std::hash<int>>> && sizeof(hash_with<salted>) == sizeof(salted));

  static_assert(
      is_avalanching<hash_with<declares_type>, int>() && is_avalanching<hash_with<declares_true>, int>() &&
      !is_avalanching<hash_with<declares_false_type>, int>() &&
      !is_avalanching<hash_with<declares_false>, int>() && !is_avalanching<hash_with<salted>, int>());
  using text = hash_with<text_hash, text_equal>;
  strings_are_transparent(text{});
  static_assert(is_transparent_for<hash_with<text_hash>, std::string, const char*>());
  static_assert(!is_transparent_for<hash_with<text_hash, std::equal_to<std::string>>, std::string,
                                    std::string_view>() &&
                !is_transparent_for<hash_with<std::hash<std::string>>, std::string, std::string_view>());
  // A conversion that would build a key at every comparison is not transparency.
  static_assert(!is_transparent_for<hash_with<std::hash<std::string>>, std::string, const char*>() &&
                !is_transparent_for<hash_with<text_hash, std::equal_to<std::string>>, std::string,
                                    const char*>());
  CHECK(option_name<hash_with<text_hash>>().view() == "hash_with(text)");
  CHECK(option_name<text>().view() == "hash_with(text,same_text)");
  static_assert(!has_name<hash_with<text_hash, same_modulo>>());
  CHECK(option_name<seeded<text>>().view() == "seeded(hash_with(text,same_text))");
  static_assert(!has_name<seeded<hash_with<salted>>>());
}

#ifdef TOPHASH_WITH_ABSL_HASH
TEST_CASE("hashing: absl_hash", "[policies][statistics]") {
  using hashing::absl_hash;
  equality_holds_for_common_keys(absl_hash{});
  strings_are_transparent(absl_hash{});
  for (std::size_t bytes : {1u, 3u, 8u, 17u, 40u})
    must_hold(avalanche_law<std::string>(absl_hash{}, bytes, 2048));
  must_hold(spread_law<std::uint64_t>(absl_hash{}));
  must_hold(seeding_law(seeded<absl_hash>{}));
  static_assert(!is_avalanching<absl_hash, std::uint64_t>() && !hashing_policy<absl_hash, no_hash> &&
                hashing_policy<absl_hash, std::vector<int>>);
  CHECK(option_name<absl_hash>().view() == "absl_hash");
}
#endif

namespace {

// What murmur3 and xxh3 have in common: the key rules of by_bytes, and that all but the rest avalanches.
template <class H>
void byte_hash_holds(const H& h) {
  equality_holds_for_common_keys(h);
  equality_holds_for_common_keys(seeded<H>{7});
  equality_holds<long double>(h, numbers<long double>());
  equality_holds<small_enum>(h, {small_enum::minus, small_enum::zero, small_enum::plus});
  equality_holds<std::pair<double, std::string>>(h, {{0.0, "a"}, {-0.0, "a"}, {0.0, "b"}, {1.0, ""}});
  equality_holds<std::array<float, 2>>(h, {{0.0f, 1.0f}, {-0.0f, 1.0f}, {1.0f, 0.0f}});
  strings_are_transparent(h);
  strings_are_transparent(seeded<H>{7});
  static_assert(hashing_policy<H, small_enum> && hashing_policy<H, std::tuple<>> &&
                hashing_policy<H, std::unique_ptr<int>> && hashing_policy<H, const char*> &&
                hashing_policy<H, std::tuple<int, std::pair<float, small_enum>, std::array<std::string, 2>>>);
  static_assert(!hashing_policy<H, no_hash> && !hashing_policy<H, std::pair<int, no_hash>>);
  static_assert(is_avalanching<H, std::string>() && is_avalanching<H, int>() && is_avalanching<H, int*>() &&
                is_avalanching<H, double>() && is_avalanching<H, std::pair<int, std::string>>() &&
                !is_avalanching<H, std::unique_ptr<int>>() && !is_avalanching<H, long double>());
  static_assert(noexcept(h.hash(1)) && noexcept(h.hash(std::string_view{})) && noexcept(h.equal(1, 1)));
  static_assert(std::is_empty_v<H> && !H::facts.seeded && !H::facts.raw);
  CHECK(h.hash(std::int8_t{-2}) == h.hash(std::int64_t{-2}));
  CHECK(h.hash(std::array<std::uint32_t, 2>{0x64636261u, 0x68676665u}) == h.hash("abcdefgh"));
  CHECK(h.hash(std::string_view{}) == h.hash(std::string{}));  // no address, and one
  CHECK(h.hash(std::pair(1, 2)) != h.hash(std::pair(2, 1)));
  CHECK(h.hash(std::tuple(1, 2, 0)) != h.hash(std::tuple(1, 2)));
  CHECK(h.hash(std::pair<std::string, std::string>("ab", "c")) !=
        h.hash(std::pair<std::string, std::string>("a", "bc")));
}

template <class H>
void byte_hash_avalanches(const H& h) {
  for (std::size_t bytes : {1u, 2u, 3u, 4u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 33u, 49u, 97u})
    must_hold(avalanche_law<std::string>(h, bytes, 2048));
  must_hold(avalanche_law<std::uint64_t>(h, 8));
  must_hold(avalanche_law<std::int16_t>(h, 2));
  must_hold(avalanche_law<double>(h, 8));
  must_hold(avalanche_law<std::pair<std::uint64_t, std::uint64_t>>(h, 16));
  must_hold(avalanche_law<std::tuple<std::uint32_t, std::uint8_t, std::uint16_t>>(h, 7));
  must_hold(avalanche_law<std::array<std::uint32_t, 3>>(h, 12));
  must_hold(spread_law<std::uint64_t>(h));
  must_hold(spread_law<std::uint32_t>(h));
  must_hold(spread_law<double>(h));
  must_hold(spread_law<std::uint64_t>(seeded<H>{1}));
  must_hold(seeding_law(seeded<H>{}));
}

}  // namespace

TEST_CASE("hashing: murmur3", "[policies]") {
  byte_hash_holds(murmur3{});
  CHECK(option_name<murmur3>().view() == "murmur3");
}

TEST_CASE("hashing: murmur3 gives its published values", "[policies]") {
  using function = hashing::murmur3_function;
  // Those that implementations in other languages test against (seed 0, both halves).
  const std::tuple<std::string_view, std::uint64_t, std::uint64_t> vectors[] = {
      {"", 0, 0},
      {"hello", 0xcbd8a7b341bd9b02u, 0x5b1e906a48ae1d19u},
      {"hello, world", 0x342fac623a5ebc8eu, 0x4cdcbc079642414du},
      {"19 Jan 2038 at 3:14:07 AM", 0xb89e5988b737affcu, 0x664fc2950231b2cbu},
      {"The quick brown fox jumps over the lazy dog.", 0xcd99481f9ee902c9u, 0x695da1a38987b6e7u}};
  for (const auto& [message, low, high] : vectors) {
    INFO(message);
    const function::halves got = function::x64_128(message.data(), message.size());
    CHECK(got.low == low);
    CHECK(got.high == high);
    CHECK(murmur3{}.hash(message) == low);
  }

  // SMHasher's verification value of MurmurHash3_x64_128, which sees every length from 0 to 255: 0x6384ba69.
  unsigned char key[256] = {}, hashes[256 * 16] = {};
  for (std::size_t i = 0; i != 256; ++i) {
    key[i] = static_cast<unsigned char>(i);
    function::halves hash = function::x64_128(key, i, static_cast<std::uint32_t>(256 - i));
    for (std::size_t byte = 0; byte != 8; ++byte, hash.low >>= 8, hash.high >>= 8) {
      hashes[16 * i + byte] = static_cast<unsigned char>(hash.low);
      hashes[16 * i + 8 + byte] = static_cast<unsigned char>(hash.high);
    }
  }
  CHECK((function::x64_128(hashes, sizeof hashes).low & 0xffffffffu) == 0x6384ba69u);

  // The finaliser alone.
  CHECK(murmur3{}.hash(0) == 0);
  CHECK(murmur3{}.hash(1) == 0xb456bcfc34c2cb2cu);
}

TEST_CASE("hashing: murmur3 avalanches and spreads", "[policies][statistics]") {
  byte_hash_avalanches(murmur3{});
}

#ifdef TOPHASH_WITH_XXHASH
TEST_CASE("hashing: xxh3", "[policies]") {
  using hashing::xxh3;
  byte_hash_holds(xxh3{});
  CHECK(option_name<xxh3>().view() == "xxh3");
  // The library's published value of nothing, and that its functions are called with what the header says.
  CHECK(xxh3{}.hash(std::string_view{}) == 0x2d06800538d394c2u);
  for (const std::string& text : strings()) CHECK(xxh3{}.hash(text) == XXH3_64bits(text.data(), text.size()));
  const std::uint64_t minus_one = ~std::uint64_t{0};
  CHECK(xxh3{}.hash(-1) == XXH3_64bits(&minus_one, 8));
}

TEST_CASE("hashing: xxh3 avalanches and spreads", "[policies][statistics]") {
  byte_hash_avalanches(hashing::xxh3{});
}
#endif

namespace {

// wyhash with one thing broken at a time.
struct base {
  using axis = axes::hashing;
  template <class Key>
  std::uint64_t hash(const Key& key) const noexcept { return wyhash{}.hash(key); }
  template <class A, class B>
  bool equal(const A& a, const B& b) const noexcept { return a == b; }
};
struct zeros_differ : base {
  std::uint64_t hash(double key) const noexcept {
    std::uint64_t bits;
    std::memcpy(&bits, &key, sizeof bits);
    return bits;
  }
};
struct hashes_addresses : base {
  std::uint64_t hash(const std::string& key) const noexcept { return reinterpret_cast<std::uintptr_t>(&key); }
};
struct hashes_a_counter : base {
  mutable std::uint64_t calls = 0;
  std::uint64_t hash(int) const noexcept { return ++calls; }
};
struct copies_disagree : base {
  std::uint64_t generation = 0;
  copies_disagree() = default;
  copies_disagree(const copies_disagree& other) : generation(other.generation + 1) {}
  std::uint64_t hash(int key) const noexcept { return static_cast<std::uint64_t>(key) + generation; }
};
struct never_equal : base {
  bool equal(int, int) const noexcept { return false; }
};
struct compares_less : base {
  bool equal(int a, int b) const noexcept { return a <= b; }
};
struct nearly_equal : base {
  std::uint64_t hash(int) const noexcept { return 0; }
  bool equal(int a, int b) const noexcept { return a - b <= 1 && b - a <= 1; }
};
template <class Broken>
struct claims_transparency : base {
  template <class Key, class Other>
  static constexpr bool transparent = true;
  std::uint64_t hash(const std::string& key) const noexcept { return wyhash{}.hash(key); }
  std::uint64_t hash(const char* key) const noexcept { return Broken::hash(key); }
  bool equal(const std::string& a, const std::string& b) const noexcept { return a == b; }
  bool equal(const std::string& a, const char* b) const noexcept { return Broken::equal(a, b); }
};
struct hashes_the_pointer {
  static std::uint64_t hash(const char* key) noexcept { return reinterpret_cast<std::uintptr_t>(key); }
  static bool equal(const std::string& a, const char* b) noexcept { return a == b; }
};
struct compares_a_prefix {
  static std::uint64_t hash(const char* key) noexcept { return wyhash{}.hash(key); }
  static bool equal(const std::string& a, const char* b) noexcept { return a.starts_with(b); }
};
struct compares_nothing {
  static std::uint64_t hash(const char* key) noexcept { return wyhash{}.hash(key); }
  static bool equal(const std::string&, const char*) noexcept { return false; }
};
template <class F>
struct claims_avalanching {
  using axis = axes::hashing;
  template <class Key>
  static constexpr bool avalanching = true;
  std::uint64_t hash(std::uint64_t key) const noexcept { return F{}(key); }
  bool equal(std::uint64_t a, std::uint64_t b) const noexcept { return a == b; }
};
struct as_it_is {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return key; }
};
struct one_fold {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return mix(key); }
};
struct drops_a_bit {
  std::uint64_t operator()(std::uint64_t key) const noexcept {
    return next_seed(key & ~std::uint64_t{0x100});
  }
};
struct stuck_output {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return next_seed(key) | 1u; }
};
struct full_mix {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return next_seed(key); }
};
struct multiplies_only {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return key * golden_ratio_bits; }
};
struct low_bits_only {
  std::uint64_t operator()(std::uint64_t key) const noexcept { return next_seed(key) & 0xffffffffffffffu; }
};

struct seeded_base {
  using axis = axes::hashing;
  static constexpr hashing_facts facts{.seeded = true, .raw = false};
  std::uint64_t value = random_seed();
  std::uint64_t hash(std::uint64_t key) const noexcept { return key; }
  bool equal(std::uint64_t a, std::uint64_t b) const noexcept { return a == b; }
  std::uint64_t seed() const noexcept { return value; }
  void reseed() noexcept { value = next_seed(value); }
};
struct one_seed_for_all : seeded_base {
  one_seed_for_all() { value = 1; }
};
struct reseeds_never : seeded_base {
  void reseed() noexcept {}
};
struct seed_in_hash : seeded_base {
  std::uint64_t hash(std::uint64_t key) const noexcept { return key ^ value; }
};
struct copies_reseed : seeded_base {
  copies_reseed() = default;
  copies_reseed(const copies_reseed& other) : seeded_base(other) { reseed(); }
};
struct hash_of_few_values : seeded_base {
  std::uint64_t hash(std::uint64_t key) const noexcept { return key % 64; }
};

}  // namespace

TEST_CASE("hashing: broken equalities and hashes are reported", "[policies]") {
  const auto law = []<class Key, class H>(const H& h, std::vector<Key> keys) {
    return [h, keys](auto report) { laws::check_equality<Key>(h, keys, report); };
  };
  const std::vector<int> ints{0, 1, 2, 3, 7};
  must_hold(law(base{}, ints));
  must_report("hash to", law(zeros_differ{}, numbers<double>()));
  must_report("its copy hash differently", law(hashes_addresses{}, strings()));
  must_report("another value the second time", law(hashes_a_counter{}, ints));
  must_report("under a copy of the policy", law(copies_disagree{}, ints));
  must_report("not equal to itself", law(never_equal{}, ints));
  must_report("not symmetric", law(compares_less{}, ints));
  must_report("not transitive", law(nearly_equal{}, ints));
}

TEST_CASE("hashing: broken transparency is reported", "[policies]") {
  static const std::vector<std::string> keys{"a", "ab", "b"};
  static const std::vector<const char*> others{"a", "ab"};
  const auto law = []<class H>(const H& h) {
    return [h](auto report) {
      laws::check_transparency<std::string, const char*>(h, std::span(keys), std::span(others), report);
    };
  };
  must_report("the key built from it to", law(claims_transparency<hashes_the_pointer>{}));
  must_report("with the key built from it not so", law(claims_transparency<compares_a_prefix>{}));
  must_report("is not equal to the key built from it", law(claims_transparency<compares_nothing>{}));
}

TEST_CASE("hashing: false claims of avalanching are reported", "[policies][statistics]") {
  must_hold(avalanche_law<std::uint64_t>(claims_avalanching<full_mix>{}, 8));
  must_report("claims avalanching", avalanche_law<std::uint64_t>(claims_avalanching<as_it_is>{}, 8));
  must_report("claims avalanching", avalanche_law<std::uint64_t>(claims_avalanching<one_fold>{}, 8));
  must_report("flipping input bit 8 of 64",
              avalanche_law<std::uint64_t>(claims_avalanching<drops_a_bit>{}, 8));
  must_report("flips bit 0 of the hash with frequency 0.0",
              avalanche_law<std::uint64_t>(claims_avalanching<stuck_output>{}, 8));
}

TEST_CASE("hashing: uneven positions are reported", "[policies][statistics]") {
  must_hold(spread_law<std::uint64_t>(claims_avalanching<full_mix>{}));
  must_report("unevenness of buckets", spread_law<std::uint64_t>(claims_avalanching<as_it_is>{}));
  must_report("multiples of 2 to the power of",
              spread_law<std::uint64_t>(claims_avalanching<multiplies_only>{}));
  must_report("of tags", spread_law<std::uint64_t>(claims_avalanching<low_bits_only>{}));
}

TEST_CASE("hashing: broken seeds are reported", "[policies]") {
  must_hold(seeding_law(seeded_base{}));
  must_report("begin with the same seed", seeding_law(one_seed_for_all{}));
  must_report("left the seed", seeding_law(reseeds_never{}));
  must_report("hash tokens would go stale", seeding_law(seed_in_hash{}));
  must_report("a copied map loses its keys", seeding_law(copies_reseed{}));
  must_report("times as often as at random", seeding_law(hash_of_few_values{}));
}
