// SPDX-License-Identifier: Apache-2.0
#include "lab/report/page.hpp"

#include "lab/whole_file.hpp"

namespace tophash::lab::report {
namespace {

// --v<hue><level>: variants, hue 0 grey; --p<n>: purposes of memory, dull hues that no variant has.
constexpr const char* style = R"css(
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1a1d21; --muted: #5b636d; --grid: #e4e7eb; --panel: #f5f6f8; --line: #d4d9df;
  --accent: #0b5fa5; --published: #b3261e; --warning: #fff3d6; --warning-ink: #6b4a00;
  --v00: #3d434b; --v01: #757d88; --v02: #a3aab4;
  --v10: #064d8a; --v11: #1878c8; --v12: #62aeea;
  --v20: #973c00; --v21: #d95f02; --v22: #f59a52;
  --v30: #005f45; --v31: #069669; --v32: #56c7a0;
  --v40: #5d2a86; --v41: #8f4bbf; --v42: #bd8be0;
  --v50: #8a1458; --v51: #c42b84; --v52: #e57db6;
  --v60: #5c4a00; --v61: #927600; --v62: #c2a32e;
  --p0: #7d8ca3; --p1: #d6a93c; --p2: #a86f86; --p3: #5f9ea0; --p4: #9aa86b; --p5: #b48ead; --p6: #b9bec6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e9ed; --muted: #9aa4af; --grid: #2a2f35; --panel: #1c2024; --line: #363c44;
    --accent: #6cb6f5; --published: #ff8a80; --warning: #3a2f12; --warning-ink: #ffdf9e;
    --v00: #e3e6ea; --v01: #a2a9b3; --v02: #6c737d;
    --v10: #a5d4fb; --v11: #4da3ea; --v12: #1f6cae;
    --v20: #ffc79a; --v21: #f58a36; --v22: #b45309;
    --v30: #98e6cb; --v31: #2fbf91; --v32: #0c7d5c;
    --v40: #dcbcf3; --v41: #b27ddd; --v42: #7d45a8;
    --v50: #f7b3d6; --v51: #e667ab; --v52: #a82f74;
    --v60: #ecd57c; --v61: #c5a425; --v62: #857019;
    --p0: #8796ad; --p1: #c79a2f; --p2: #a36a82; --p3: #559496; --p4: #8b9a5c; --p5: #a580a0; --p6: #60666f;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 14px 22px 60px; max-width: 1240px; background: var(--paper);
  color: var(--ink);
  font: 14.5px/1.45 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 21px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 44px 0 4px; padding-top: 12px; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
h3 { font-size: 15.5px; margin: 26px 0 2px; }
p { margin: 6px 0; }
a { color: var(--accent); }
code { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
.muted, figcaption, .shared { color: var(--muted); font-size: 13px; }
.machine { color: var(--muted); margin: 2px 0 10px; font-size: 13.5px; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 10px; font-size: 13.5px; }
.notice { background: var(--warning); color: var(--warning-ink); padding: 6px 12px; border-radius: 6px;
  margin: 8px 0; }
.first { display: grid; grid-template-columns: minmax(250px, 350px) minmax(0, 1fr); gap: 14px 26px;
  align-items: start; }
.findings { margin: 0; padding: 0; list-style: none; counter-reset: finding; }
.findings li { counter-increment: finding; background: var(--panel); border-radius: 8px;
  padding: 10px 14px 10px 40px;
  margin-bottom: 10px; position: relative; font-size: 15px; overflow-wrap: anywhere; }
.findings li::before { content: counter(finding); position: absolute; left: 14px; font-weight: 700;
  color: var(--accent); }
.findings small { display: block; color: var(--muted); font-size: 12.5px; }
.section-findings { margin: 6px 0 10px; padding-left: 20px; }
figure { margin: 12px 0 6px; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; color: var(--ink);
  font-family: system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
.first figure { margin: 0 0 8px; }
.scroll { overflow-x: auto; }
.plots { display: flex; flex-wrap: wrap; gap: 0 28px; }
.plots > div { min-width: 0; max-width: 100%; }
.plot .scroll > svg { min-width: calc(var(--width) * 0.75); }
.panel { font-weight: 600; }
.frontier-plot { min-width: 520px; overflow: visible; }
.frontier-plot .grid { stroke: var(--grid); }
.frontier-plot .front { fill: none; stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
.frontier-plot .whisker { stroke-width: 1.6; opacity: 0.65; }
.frontier-plot text { font-size: 12px; fill: var(--ink); }
.frontier-plot .tick, .frontier-plot .axis, .frontier-plot .hint { fill: var(--muted); }
.frontier-plot .hint { font-style: italic; }
.frontier-plot .rank { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; font-weight: 700; }
.front-list { columns: 2; column-gap: 20px; margin: 4px 0 8px; padding-left: 22px; font-size: 12.5px; }
.front-list li { break-inside: avoid; overflow-wrap: anywhere; }
.front-list li::marker { font-weight: 700; }
.dot { cursor: pointer; outline: none; }
.dot:focus-visible > *, .dot:hover > *, .dot.chosen > * { stroke: var(--ink); stroke-width: 2.4; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 4px 0; padding: 0; list-style: none;
  font-size: 13px; }
.legend b { font-weight: 600; color: var(--muted); }
.entry, .figures { white-space: nowrap; }
.legend li { max-width: 100%; overflow-wrap: anywhere; }
.swatch { width: 14px; height: 14px; display: inline-block; vertical-align: -2px; margin-right: 4px;
  flex: none; }
.purpose { width: 12px; height: 12px; border-radius: 2px; display: inline-block; vertical-align: -1px;
  margin-right: 4px; }
#tip { position: absolute; z-index: 9; max-width: min(560px, calc(100vw - 24px)); background: var(--panel);
  color: var(--ink); border: 1px solid var(--line); border-radius: 8px; padding: 9px 12px; font-size: 13px;
  box-shadow: 0 4px 18px rgb(0 0 0 / 0.22); overflow-wrap: anywhere; }
#tip[hidden] { display: none; }
#tip b, #tip span, #tip code { display: block; }
#tip code { margin-top: 5px; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 5px;
  cursor: pointer;
  padding: 1px 8px; }
button:hover { border-color: var(--accent); }
select, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: 5px;
  padding: 2px 6px; max-width: 100%; }
.table { max-height: 480px; overflow: auto; border: 1px solid var(--line); border-radius: 6px;
  margin: 6px 0; }
table { border-collapse: collapse; font-size: 13px; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 6px 10px; color: var(--muted); }
th { position: sticky; top: 0; background: var(--panel); text-align: left; font-weight: 600;
  vertical-align: bottom; }
th button { border: 0; padding: 5px 10px; font-weight: 600; text-align: inherit; width: 100%;
  border-radius: 0; }
th[aria-sort=ascending] button::after { content: " \25B2"; font-size: 10px; }
th[aria-sort=descending] button::after { content: " \25BC"; font-size: 10px; }
td { padding: 3px 10px; border-top: 1px solid var(--grid); }
td.name, td button { white-space: nowrap; }
td.spec code { display: block; width: 380px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
td code { overflow-wrap: normal; }
td.good { color: var(--v31); } td.bad { color: var(--published); font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; }
.none { color: var(--muted); }
tbody tr:hover td { background: var(--panel); }
details > summary { cursor: pointer; color: var(--accent); font-size: 13.5px; padding: 2px 0; }
details.data { margin-bottom: 10px; }
.filter { display: block; margin: 6px 0 0; font-size: 13px; color: var(--muted); }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 16px; margin: 6px 0;
  font-size: 13px; }
dl.facts dt { color: var(--muted); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 860px) {
  body { padding: 10px 12px 40px; }
  .first { grid-template-columns: minmax(0, 1fr); }
  .front-list { columns: 1; }
  dl.facts { grid-template-columns: minmax(0, 1fr); } dl.facts dd { margin-bottom: 5px; }
}
@media print { .table { max-height: none; } button, .filter, .chooser { display: none; } }
)css";

// Adds to a page that is complete without it: a tip at a dot (which replaces the browser's own), one frontier
// at a time, sorting, filtering, copying.
constexpr const char* script = R"js(
(function () {
  'use strict';
  var all = function (selector, from) {
    return Array.prototype.slice.call((from || document).querySelectorAll(selector));
  };
  var add = function (to, kind, text) {
    var e = document.createElement(kind);
    e.textContent = text;
    to.appendChild(e);
    return e;
  };

  var tip = document.createElement('div');
  tip.id = 'tip'; tip.hidden = true; tip.setAttribute('role', 'status');
  document.body.appendChild(tip);
  var pinned = null;
  function hide() { tip.hidden = true; if (pinned) { pinned.classList.remove('chosen'); pinned = null; } }
  function show(dot) {
    tip.textContent = '';
    add(tip, 'b', dot.dataset.name);
    add(tip, 'span', dot.dataset.facts);
    var code = add(tip, 'code', '');
    dot.dataset.spec.split(',').forEach(function (part, i) {
      code.append((i > 0 ? ',' : '') + part, document.createElement('wbr'));
    });
    if (dot.dataset.rerun) { add(tip, 'code', '$ ' + dot.dataset.rerun); }
    tip.hidden = false;
    var box = dot.getBoundingClientRect(), wide = tip.offsetWidth, high = tip.offsetHeight;
    var middle = box.left + box.width / 2 - wide / 2, room = document.documentElement.clientWidth - wide - 8;
    var x = Math.min(Math.max(middle, 8), room), y = box.bottom + 10;
    if (y + high > window.innerHeight && box.top - high - 10 > 0) { y = box.top - high - 10; }
    tip.style.left = (x + window.scrollX) + 'px';
    tip.style.top = (y + window.scrollY) + 'px';
  }
  all('.dot').forEach(function (dot) {
    var title = dot.querySelector('title');
    if (title) { dot.setAttribute('aria-label', title.textContent); title.remove(); }
    dot.addEventListener('mouseenter', function () { if (!pinned) { show(dot); } });
    dot.addEventListener('mouseleave', function () { if (!pinned) { hide(); } });
    dot.addEventListener('focus', function () { if (!pinned) { show(dot); } });
    dot.addEventListener('blur', hide);
    dot.addEventListener('click', function (event) {
      event.stopPropagation();
      var same = pinned === dot;
      hide();
      if (!same) { pinned = dot; dot.classList.add('chosen'); show(dot); }
    });
  });
  tip.addEventListener('click', function (event) { event.stopPropagation(); });
  document.addEventListener('click', hide);
  document.addEventListener('keydown', function (event) { if (event.key === 'Escape') { hide(); } });

  var frontiers = all('.first .frontier');
  if (frontiers.length > 1) {
    var label = document.createElement('label');
    label.className = 'chooser muted';
    label.textContent = 'Experiment ';
    var choice = document.createElement('select');
    frontiers.forEach(function (figure, i) { add(choice, 'option', figure.dataset.choice).value = i; });
    var choose = function () {
      frontiers.forEach(function (figure, i) { figure.hidden = String(i) !== choice.value; });
      hide();
    };
    choice.addEventListener('change', choose);
    label.appendChild(choice);
    frontiers[0].parentNode.insertBefore(label, frontiers[0]);
    choose();
  }

  // Numbers by value, what is absent last in either direction, texts by the alphabet, equals as they were.
  function sort(table, column, sign) {
    var body = table.tBodies[0], numeric = table.tHead.rows[0].cells[column].className === 'number';
    var entries = all('tr', body).map(function (row, i) {
      var cell = row.cells[column], own = cell.dataset.key;
      return { row: row, text: own !== undefined ? own : cell.textContent, place: i };
    });
    entries.sort(function (a, b) {
      if (!numeric) { return a.text.localeCompare(b.text) * sign || a.place - b.place; }
      var x = parseFloat(a.text), y = parseFloat(b.text);
      if (isNaN(x) || isNaN(y)) { return isNaN(x) - isNaN(y) || a.place - b.place; }
      return (x - y) * sign || a.place - b.place;
    });
    entries.forEach(function (entry) { body.appendChild(entry.row); });
  }
  all('table').forEach(function (table) {
    all('th', table).forEach(function (heading, column) {
      heading.addEventListener('click', function () {
        var descending = heading.getAttribute('aria-sort') === 'ascending';
        all('th', table).forEach(function (other) { other.removeAttribute('aria-sort'); });
        heading.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
        sort(table, column, descending ? -1 : 1);
      });
    });
    if (table.tBodies[0].rows.length < 6) { return; }
    var label = document.createElement('label'), input = document.createElement('input');
    label.className = 'filter';
    label.textContent = 'Rows that contain ';
    input.type = 'search';
    label.appendChild(input);
    var box = table.parentNode;
    box.parentNode.insertBefore(label, box);
    input.addEventListener('input', function () {
      var words = input.value.toLowerCase().split(/\s+/);
      all('tbody tr', table).forEach(function (row) {
        var text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      });
    });
  });

  all('button[data-copy]').forEach(function (button) {
    button.addEventListener('click', function () {
      var done = function () { button.textContent = 'copied'; };
      if (navigator.clipboard && window.isSecureContext) {
        navigator.clipboard.writeText(button.dataset.copy).then(done);
        return;
      }
      var area = document.createElement('textarea');
      area.value = button.dataset.copy;
      document.body.appendChild(area);
      area.select();
      if (document.execCommand('copy')) { done(); }
      area.remove();
    });
  });
}());
)js";

// The browser itself refuses whatever would leave the page.
constexpr const char* policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                               "base-uri 'none'; form-action 'none'";

}  // namespace

std::string page_head() {
  return std::string("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n") +
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n" +
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<title>tophash report</title>\n<style>" +
         style + "</style>\n</head>\n<body>\n";
}

std::string page_foot() { return std::string("<script>") + script + "</script>\n</body>\n</html>\n"; }

void write_page(const std::string& page, const std::filesystem::path& output) {
  write_whole_file(output.string(), page);
}

}  // namespace tophash::lab::report
