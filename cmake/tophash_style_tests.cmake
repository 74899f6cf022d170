# SPDX-License-Identifier: Apache-2.0
# Checks of the sources that need no build, label `style`: layering, shell scripts, spelling.

find_program(TOPHASH_SHELLCHECK shellcheck)
find_program(TOPHASH_CODESPELL codespell)
mark_as_advanced(TOPHASH_SHELLCHECK TOPHASH_CODESPELL)
tophash_feature(NAME "check of shell scripts" ON "${TOPHASH_SHELLCHECK}" PACKAGE shellcheck)
tophash_feature(NAME "check of spelling" ON "${TOPHASH_CODESPELL}" PACKAGE codespell)

function(tophash_style_test name)
  add_test(NAME style.${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(style.${name} PROPERTIES LABELS style)
endfunction()

tophash_style_test(layering sh tools/check_layering.sh)
tophash_style_test(layering_notices sh tools/check_layering_test.sh)
tophash_style_test(setup sh tools/setup_test.sh)
if(TOPHASH_SHELLCHECK)
  file(GLOB scripts CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/*.sh"
    "${PROJECT_SOURCE_DIR}/tools/*.sh" "${PROJECT_SOURCE_DIR}/.ci/run")
  tophash_style_test(shellcheck "${TOPHASH_SHELLCHECK}" --external-sources ${scripts})
endif()
if(TOPHASH_CODESPELL)
  # Traces and drawings are data, not prose.
  tophash_style_test(codespell "${TOPHASH_CODESPELL}" --ignore-words "${PROJECT_SOURCE_DIR}/tools/spelling_ignored.txt" --skip "./build,./.git,./.cache,./bench/traces,*.svg,*.html")
endif()
