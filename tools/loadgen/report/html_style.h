#pragma once

namespace ringpost::loadgen {

// The style of the report. Every colour is a variable with a value for light and one for dark.
inline constexpr const char* html_style = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --edge: #e1e5ea; --ink: #17202c; --soft: #5c6b7e;
  --grid: #e8ecf1; --shade: #94a3b81f; --good: #15803d; --bad: #c81e1e; --warn: #9a5b00;
  --warn-page: #fff6e0; --bad-page: #fdecec; --good-page: #e7f6ec;
  --s1: #0d8276; --s2: #2563eb; --s3: #9333ea; --s4: #dc2626; --s5: #64748b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e131a; --card: #171e28; --edge: #29333f; --ink: #e6ebf2; --soft: #94a3b5;
    --grid: #242e3a; --shade: #94a3b81a; --good: #4ade80; --bad: #fb7c7c; --warn: #f5c451;
    --warn-page: #2e2613; --bad-page: #331a1c; --good-page: #14291d;
    --s1: #2dd4bf; --s2: #6aa6ff; --s3: #c58bff; --s4: #fb7c7c; --s5: #94a3b8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1020px; margin: 0 auto; padding: 32px 20px 48px; }
header {
  display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; margin-bottom: 20px;
}
h1 { margin: 0; font-size: 24px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--soft); flex-basis: 100%; }
.badge { padding: 2px 10px; border-radius: 99px; font-size: 13px; font-weight: 600; }
.badge.good { color: var(--good); background: var(--good-page); }
.badge.bad { color: var(--bad); background: var(--bad-page); }
.badge.warn { color: var(--warn); background: var(--warn-page); }
.warning {
  margin: 0 0 12px; padding: 10px 14px; border-radius: 8px; border-left: 4px solid var(--warn);
  background: var(--warn-page);
}
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(112px, 1fr)); gap: 12px; }
.tile, section { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; }
.tile { padding: 10px 11px; }
.tile b {
  display: block; font-size: 18px; line-height: 1.3; font-weight: 650; white-space: nowrap;
  letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums;
}
.tile span { color: var(--soft); font-size: 13px; }
.tile.bad b { color: var(--bad); }
section { margin-top: 16px; padding: 16px 20px 12px; }
h2 { margin: 0 0 4px; font-size: 16px; }
section > p { margin: 0 0 8px; color: var(--soft); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 6px; font-size: 13px; }
.legend i {
  display: inline-block; width: 18px; height: 0; margin-right: 6px; vertical-align: middle;
  border-top: 3px solid currentColor;
}
.legend i.dashed { border-top-style: dashed; }
.legend span span { color: var(--ink); }
svg { display: block; width: 100%; min-width: 600px; height: auto; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
.grid { stroke: var(--grid); }
.axis { stroke: var(--soft); }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.line.dashed { stroke-dasharray: 6 4; }
.fill { fill: currentColor; opacity: 0.1; }
.s1 { color: var(--s1); } .s2 { color: var(--s2); } .s3 { color: var(--s3); }
.s4 { color: var(--s4); } .s5 { color: var(--s5); }
.shaded { fill: var(--shade); }
.hint { fill: transparent; }
.hint:hover { fill: var(--shade); }
.scroll { overflow-x: auto; }
table {
  width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px;
}
th { color: var(--soft); font-weight: 500; text-align: right; white-space: nowrap; }
th, td { padding: 5px 8px; border-top: 1px solid var(--grid); }
thead th { border-top: 0; }
td { text-align: right; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
th:last-child, td:last-child { padding-right: 0; }
.words td, .words th { text-align: left; vertical-align: top; }
.words td:last-child { white-space: normal; overflow-wrap: anywhere; width: 60%; }
.facts th { width: 11em; }
.words.facts td:last-child { width: auto; }
footer { margin-top: 20px; color: var(--soft); font-size: 13px; }
@media print { body { background: none; } section, .tile { break-inside: avoid; } }
)css";

}  // namespace ringpost::loadgen
