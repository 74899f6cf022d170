// SPDX-License-Identifier: Apache-2.0
// The one translation unit with Catch2's main. It costs 18 s and 457 MB to compile, so it is compiled once,
// as an object library that every Catch2 program links.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
