# SPDX-License-Identifier: Apache-2.0
# Install: headers and doors under include/tophash, the CMake package and tophash.pc under share/, where files
# that depend on no architecture belong. Nothing in it depends on where the prefix is: it can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(tophash_cmake_folder "${CMAKE_INSTALL_DATAROOTDIR}/cmake/tophash")
set(tophash_pkg_config_folder "${CMAKE_INSTALL_DATAROOTDIR}/pkgconfig")

foreach(folder IN LISTS tophash_header_folders)
  install(DIRECTORY "${folder}/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/tophash/${folder}"
    COMPONENT tophash_headers FILES_MATCHING PATTERN "*.hpp" PATTERN "*.def")
endforeach()
install(DIRECTORY "${PROJECT_BINARY_DIR}/include/tophash/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/tophash"
  COMPONENT tophash_headers FILES_MATCHING PATTERN "*.hpp"
  PATTERN "framework" EXCLUDE PATTERN "policies" EXCLUDE PATTERN "allocators" EXCLUDE PATTERN "gc" EXCLUDE)

install(TARGETS tophash EXPORT tophash_targets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT tophash_targets FILE tophash_targets.cmake NAMESPACE tophash::
  DESTINATION "${tophash_cmake_folder}" COMPONENT tophash_headers)

configure_package_config_file(cmake/tophash-config.cmake.in "${PROJECT_BINARY_DIR}/package/tophash-config.cmake"
  INSTALL_DESTINATION "${tophash_cmake_folder}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/tophash-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/package/tophash-config.cmake"
  "${PROJECT_BINARY_DIR}/package/tophash-config-version.cmake" "${PROJECT_SOURCE_DIR}/cmake/tophash_packages.cmake"
  DESTINATION "${tophash_cmake_folder}" COMPONENT tophash_headers)

# An absolute include folder (some distributions set one) has no path relative to the prefix.
cmake_path(IS_RELATIVE CMAKE_INSTALL_INCLUDEDIR tophash_include_is_relative)
if(tophash_include_is_relative)
  file(RELATIVE_PATH tophash_prefix_from_pc "/${tophash_pkg_config_folder}" "/")
  set(tophash_pc_prefix "\${pcfiledir}/${tophash_prefix_from_pc}")
  string(REGEX REPLACE "/$" "" tophash_pc_prefix "${tophash_pc_prefix}")
  set(tophash_pc_include "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(tophash_pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(tophash_pc_include "${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/tophash.pc.in "${PROJECT_BINARY_DIR}/package/tophash.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/package/tophash.pc" DESTINATION "${tophash_pkg_config_folder}"
  COMPONENT tophash_headers)
