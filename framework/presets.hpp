// SPDX-License-Identifier: Apache-2.0
// All presets. Each is a bundle of options; an option named beside a preset beats the preset's.
#ifndef TOPHASH_FRAMEWORK_PRESETS_HPP
#define TOPHASH_FRAMEWORK_PRESETS_HPP

#include <tophash/framework/presets/defaults.hpp>
#include <tophash/framework/presets/fastest.hpp>
#include <tophash/framework/presets/go_like.hpp>
#include <tophash/framework/presets/go_swiss_like.hpp>
#include <tophash/framework/presets/low_latency.hpp>

#endif
