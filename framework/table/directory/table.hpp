// SPDX-License-Identifier: Apache-2.0
// The family of functions for tables behind a directory (layout::directory).
#ifndef TOPHASH_FRAMEWORK_TABLE_DIRECTORY_TABLE_HPP
#define TOPHASH_FRAMEWORK_TABLE_DIRECTORY_TABLE_HPP

#include <tophash/framework/table/directory/erase.hpp>
#include <tophash/framework/table/directory/find.hpp>
#include <tophash/framework/table/directory/grow.hpp>
#include <tophash/framework/table/directory/insert.hpp>
#include <tophash/framework/table/directory/iterator.hpp>
#include <tophash/framework/table/directory/lifetime.hpp>
#include <tophash/framework/table/directory/memory_report.hpp>
#include <tophash/framework/table/directory/state.hpp>

#endif
