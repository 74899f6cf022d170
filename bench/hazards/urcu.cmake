# SPDX-License-Identifier: Apache-2.0
# liburcu, for bench/hazards/rcu.hpp: the target tophash_urcu, where the package is installed. For the lab
# and for the tests, whichever comes first.
include_guard(GLOBAL)
find_path(TOPHASH_URCU_INCLUDE urcu/urcu-memb.h)
find_library(TOPHASH_URCU_MEMB urcu-memb)
find_library(TOPHASH_URCU_COMMON urcu-common)
mark_as_advanced(TOPHASH_URCU_INCLUDE TOPHASH_URCU_MEMB TOPHASH_URCU_COMMON)
set(tophash_urcu_found FALSE)
if(TOPHASH_URCU_INCLUDE AND TOPHASH_URCU_MEMB AND TOPHASH_URCU_COMMON)
  set(tophash_urcu_found TRUE)
  add_library(tophash_urcu INTERFACE)
  target_include_directories(tophash_urcu SYSTEM INTERFACE "${TOPHASH_URCU_INCLUDE}")
  target_link_libraries(tophash_urcu INTERFACE "${TOPHASH_URCU_MEMB}" "${TOPHASH_URCU_COMMON}")
endif()
tophash_feature(NAME "lab: RCU among the hazards" ON "${tophash_urcu_found}" PACKAGE liburcu-dev)
