// SPDX-License-Identifier: Apache-2.0
// The family of functions for chained buckets (layout::bucket_chain).
#ifndef TOPHASH_FRAMEWORK_TABLE_CHAINED_HPP
#define TOPHASH_FRAMEWORK_TABLE_CHAINED_HPP

#include <tophash/framework/table/batch.hpp>
#include <tophash/framework/table/erase.hpp>
#include <tophash/framework/table/find.hpp>
#include <tophash/framework/table/insert.hpp>
#include <tophash/framework/table/iterator.hpp>
#include <tophash/framework/table/lifetime.hpp>
#include <tophash/framework/table/memory_report.hpp>
#include <tophash/framework/table/migrate.hpp>
#include <tophash/framework/table/pinned_iterator.hpp>
#include <tophash/framework/table/pins.hpp>
#include <tophash/framework/table/state.hpp>
#include <tophash/framework/table/sweep.hpp>

#endif
