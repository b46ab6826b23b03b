// Random bits as a pure function of (seed, stream, step, position): Philox4x32-10.
//
// This header is the reference for what generated code inlines; tests/unit/runtime/philox_test.cpp
// pins both the raw generator (known answers of Random123) and the words and uniforms below.
//
// Reference: Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
//
// Definition, all arithmetic modulo 2^32 or 2^64:
//   mix(z)     = the finaliser of SplitMix64:
//                z ^= z >> 30; z *= 0xbf58476d1ce4e5b9; z ^= z >> 27;
//                z *= 0x94d049bb133111eb; z ^= z >> 31
//   k          = mix(mix(seed + 0x9e3779b97f4a7c15) + stream)
//   key        = {low32(k), high32(k)}
//   counter    = {low32(position), high32(position), low32(step), high32(step)}
//   (x0…x3)    = Philox4x32-10(counter, key)
//   word 0     = x0 | x1 << 32, word 1 = x2 | x3 << 32
// One position gives two 64-bit words, hence two uniforms: uniform number n of a step that wants
// them in sequence is word (n mod 2) of position n / 2.
//
// For a given seed different streams have different keys, and the other way round; for a given key
// the map from (position, step) to the words is one to one.
#ifndef BOREL_RUNTIME_CORE_PHILOX_H
#define BOREL_RUNTIME_CORE_PHILOX_H

#include <array>
#include <bit>
#include <cstdint>

#include "runtime/include/borel/program.h"

namespace borel::runtime {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

constexpr PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  constexpr std::uint64_t multiplier_0 = 0xd2511f53u, multiplier_1 = 0xcd9e8d57u;
  constexpr std::uint32_t weyl_0 = 0x9e3779b9u, weyl_1 = 0xbb67ae85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = multiplier_0 * counter[0];
    const std::uint64_t product_1 = multiplier_1 * counter[2];
    counter = {static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product_1),
               static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product_0)};
    key = {key[0] + weyl_0, key[1] + weyl_1};
  }
  return counter;
}

constexpr std::uint64_t mix64(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

constexpr PhiloxKey philox_key(std::uint64_t seed, std::uint64_t stream) {
  const std::uint64_t k = mix64(mix64(seed + 0x9e3779b97f4a7c15u) + stream);
  return {static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(k >> 32)};
}

constexpr std::array<std::uint64_t, 2> random_words(const borel_key& key, std::uint64_t position) {
  const PhiloxCounter x =
      philox4x32({static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32),
                  static_cast<std::uint32_t>(key.step), static_cast<std::uint32_t>(key.step >> 32)},
                 philox_key(key.seed, key.stream));
  return {x[0] | static_cast<std::uint64_t>(x[1]) << 32, x[2] | static_cast<std::uint64_t>(x[3])
                                                                    << 32};
}

// A uniform in (0, 1): ((word >> 12) + 1/2) * 2^-52, an odd multiple of 2^-53. Every such number is
// exact in a double, so 0 and 1 cannot occur and u and 1 - u are equally likely. (With 53 random
// bits, ((word >> 11) + 1/2) * 2^-53 is not exact in the upper half and rounds to 1 at the end.)
constexpr double uniform_from_word(std::uint64_t word) {
  const double one_to_two = std::bit_cast<double>(0x3ff0000000000000u | (word >> 12));
  return one_to_two - (1.0 - 0x1p-53);
}

constexpr std::array<double, 2> random_uniforms(const borel_key& key, std::uint64_t position) {
  const auto words = random_words(key, position);
  return {uniform_from_word(words[0]), uniform_from_word(words[1])};
}

}  // namespace borel::runtime

#endif
