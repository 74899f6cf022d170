// SPDX-License-Identifier: Apache-2.0
// The family of functions for open addressing (layout::open_groups, nodes, open_slots).
#ifndef TOPHASH_FRAMEWORK_TABLE_OPEN_TABLE_HPP
#define TOPHASH_FRAMEWORK_TABLE_OPEN_TABLE_HPP

#include <tophash/framework/table/open/batch.hpp>
#include <tophash/framework/table/open/erase.hpp>
#include <tophash/framework/table/open/find.hpp>
#include <tophash/framework/table/open/insert.hpp>
#include <tophash/framework/table/open/iterator.hpp>
#include <tophash/framework/table/open/lifetime.hpp>
#include <tophash/framework/table/open/memory_report.hpp>
#include <tophash/framework/table/open/migrate.hpp>
#include <tophash/framework/table/open/state.hpp>

#endif
