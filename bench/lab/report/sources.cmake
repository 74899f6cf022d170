# SPDX-License-Identifier: Apache-2.0
# The report's sources, for the lab's library. They need C++20, POSIX and nlohmann-json.
set(tophash_lab_report_sources
  "${CMAKE_CURRENT_LIST_DIR}/charts.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/collector_part.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/findings.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/frontier.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/gnuplot.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/load_sweep.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/manifest.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/marker.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/memory_part.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/naming.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/page.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/parts.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/report.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/result.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/row_charts.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/rows.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/scale.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/table.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/text.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/time_part.cpp"
  "${CMAKE_CURRENT_LIST_DIR}/view.cpp")
