# SPDX-License-Identifier: Apache-2.0
# The body of check_layering.sh: standard input names the files, `edges` the committed list of edges.

function fail(place, text) {
  print place ": " text
  ++offences
}

# The unit of a path: its own entry, else its folder's, else the nearest `/**` entry above.
function unit_of(path, folder) {
  if (path in unit) return path
  folder = path
  if (!sub(/\/[^\/]*$/, "", folder)) return ""
  if (folder in unit) return folder
  while (1) {
    if ((folder "/**") in unit) return folder "/**"
    if (!sub(/\/[^\/]*$/, "", folder)) return ""
  }
}

function may_include(from, to, list, count, i, wanted) {
  if (from == to || (to in leaf)) return 1
  count = split(unit[from], list, " ")
  for (i = 1; i <= count; ++i) {
    wanted = list[i]
    if (wanted == to || wanted == "**") return 1
    if (wanted ~ /\/\*\*$/ && index(to, substr(wanted, 1, length(wanted) - 2)) == 1) return 1
  }
  return 0
}

function is_framework(path) { return path ~ /^(framework|policies|allocators|gc)\// }

function package_allowed(path, header, i) {
  for (i = 1; i <= packages; ++i)
    if (index(path, package_prefix[i]) == 1 && header ~ package_regex[i]) return 1
  return 0
}

function check_project_include(place, path, from, header, target, to) {
  target = substr(header, length("tophash/") + 1)
  if (target !~ /\//) target = "framework/" target
  to = unit_of(target)
  if (to == "") fail(place, "includes a header in an unknown folder: <" header ">")
  else if (!may_include(from, to)) fail(place, from " must not include " to ": <" header ">")
}

function check_line(path, from, line, number, text, place, header) {
  text = line
  sub(/^[ \t]*#[ \t]*include[ \t]*/, "", text)
  place = path ":" number
  if (substr(text, 1, 1) == "\"") {
    header = substr(text, 2)
    sub(/".*/, "", header)
    if (is_framework(path) || header ~ /(^|\/)(framework|policies|allocators|gc)\// || header ~ /^tophash\//)
      fail(place, "project headers are included as <tophash/...>, not \"" header "\"")
  } else if (substr(text, 1, 1) == "<") {
    header = substr(text, 2)
    sub(/>.*/, "", header)
    if (header ~ /^tophash\//) check_project_include(place, path, from, header)
    else if (is_framework(path)) {
      if (header in heavy) fail(place, "too slow to compile for a header of the framework: <" header ">")
      else if (header !~ /^[a-z_0-9]+$/ && !package_allowed(path, header))
        fail(place, from " must not include outside the standard library: <" header ">")
    }
  }
}

function read_edges(line, words, count, i, list) {
  while ((getline line < edges) > 0) {
    sub(/#.*/, "", line)
    count = split(line, words, " ")
    if (count == 0) continue
    if (words[1] == "unit") {
      list = ""
      for (i = 4; i <= count; ++i) list = list " " words[i]
      unit[words[2]] = list
    } else if (words[1] == "anyone") {
      for (i = 2; i <= count; ++i) leaf[words[i]] = 1
    } else if (words[1] == "package") {
      package_prefix[++packages] = words[2]
      package_regex[packages] = words[3]
    } else if (words[1] == "heavy") {
      for (i = 2; i <= count; ++i) heavy[words[i]] = 1
    } else {
      fail(edges, "not understood: " line)
    }
  }
  close(edges)
}

BEGIN { read_edges() }

{
  path = $0
  ++files
  from = unit_of(path)
  if (from == "") {
    fail(path, "is in a folder that tools/layering.txt does not know")
    next
  }
  number = 0
  while ((getline line < path) > 0) {
    ++number
    if (line ~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) {
      ++includes
      check_line(path, from, line, number)
    }
  }
  close(path)
}

END {
  if (includes == 0 && offences == 0) fail(edges, "no include was read: the check looked at nothing")
  if (offences > 0) {
    print "check_layering: " offences " offences in " files + 0 " files"
    exit 1
  }
  print "check_layering: " files + 0 " files, " includes + 0 " includes, every edge is in the list"
}
