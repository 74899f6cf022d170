// SPDX-License-Identifier: Apache-2.0
// The version: the only place where it is written. The build and the packages read it from here.
#ifndef TOPHASH_FRAMEWORK_VERSION_HPP
#define TOPHASH_FRAMEWORK_VERSION_HPP

#define TOPHASH_VERSION_MAJOR 0
#define TOPHASH_VERSION_MINOR 1
#define TOPHASH_VERSION_PATCH 0

#endif
