// SPDX-License-Identifier: Apache-2.0
// The contract battery: what every composition must do, asked of a type-erased subject and compared with a
// model (two std::map). Each function returns an empty string, or the first thing that was wrong with the
// steps that led there. After each step it compares the outcome, both maps' contents, their own invariants,
// the count of living elements, memory by purpose, and what the composition promises of growth.
#ifndef TOPHASH_TESTS_SUPPORT_BATTERY_HPP
#define TOPHASH_TESTS_SUPPORT_BATTERY_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/subject.hpp"

namespace tophash::testing {

// Runs the steps; contents are compared after every `every`-th step and at the end.
std::string run_steps(const composition& tested, std::span<const step> steps, std::size_t every = 1);

// Random streams from rapidcheck, shrunk when one fails. TOPHASH_TEST_SEED changes what is drawn.
std::string random_streams(const composition& tested, int streams);

// One long stream in phases (fill, churn, drain, and again), cut down when it fails.
std::string long_stream(const composition& tested, std::size_t steps, std::uint64_t seed);

// Every verb at every point of a growth, followed by the rest of the growth.
std::string growth_walk(const composition& tested);

// Makes the n-th allocation, or the n-th call of user code, fail for every n within every verb in every
// scene.
enum class fault_source { allocation, user_code };
std::string fault_walk(const composition& tested, fault_source source);

// Pairs of choices that no registered composition makes although single ones are made; one line each.
std::vector<std::string> uncovered_pairs(std::span<const composition> all);

}  // namespace tophash::testing

#endif
