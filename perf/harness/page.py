"""A record as one page: plots and tables, light and dark, complete in itself."""

from html import escape

from harness import plots, table

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --edge: #e1e5ea; --ink: #17202c; --soft: #5c6b7e; --grid: #e8ecf1;
  --good: #15803d; --bad: #c81e1e; --good-page: #e7f6ec; --bad-page: #fdecec;
  --s1: #2563eb; --s2: #c2570c; --s3: #9333ea; --s4: #0d8276; --s5: #64748b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e131a; --card: #171e28; --edge: #29333f; --ink: #e6ebf2; --soft: #94a3b5; --grid: #242e3a;
    --good: #4ade80; --bad: #fb7c7c; --good-page: #14291d; --bad-page: #331a1c;
    --s1: #6aa6ff; --s2: #fba560; --s3: #c58bff; --s4: #2dd4bf; --s5: #94a3b8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1240px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { margin: 0 12px 0 0; font-size: 24px; letter-spacing: -0.01em; display: inline; }
header p { margin: 4px 0 0; color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
.badge { padding: 2px 10px; border-radius: 99px; font-size: 13px; font-weight: 600; }
.badge.good { color: var(--good); background: var(--good-page); }
.badge.bad { color: var(--bad); background: var(--bad-page); }
section { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; margin-top: 16px; padding: 16px 20px 12px; }
h2 { margin: 0 0 4px; font-size: 16px; }
h3 { margin: 0; font-size: 13px; font-weight: 600; line-height: 1.35; }
section > p, figure p { margin: 0 0 8px; color: var(--soft); font-size: 13px; }
figure p { margin: 0; font-size: 12px; font-variant-numeric: tabular-nums; }
figure { margin: 0; display: flex; flex-direction: column; }
figure svg { margin-top: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 6px; font-size: 13px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 6px; margin-right: 6px; background: currentColor; }
.legend span span { color: var(--ink); }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 18px 22px; }
svg { display: block; width: 100%; height: auto; }
.scroll > svg { min-width: 760px; }
svg text { fill: var(--soft); font-size: 12px; font-family: inherit; white-space: pre; }
svg text.name { fill: var(--ink); }
svg text.good { fill: var(--good); } svg text.bad { fill: var(--bad); }
.grid { stroke: var(--grid); } .axis { stroke: var(--soft); }
.range { stroke: var(--s1); stroke-width: 6; stroke-linecap: round; opacity: 0.25; }
.round { fill: var(--s1); opacity: 0.75; }
.median { stroke: var(--ink); stroke-width: 2; }
.goal { fill: var(--soft); } .goal.aim { fill: none; stroke: var(--soft); }
.line { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; }
circle { fill: currentColor; }
.s1 { color: var(--s1); } .s2 { color: var(--s2); } .s3 { color: var(--s3); } .s4 { color: var(--s4); } .s5 { color: var(--s5); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th { color: var(--soft); font-weight: 500; }
th, td { padding: 4px 8px; border-top: 1px solid var(--grid); text-align: right; white-space: nowrap; }
thead th { border-top: 0; }
th:first-child, td:first-child { padding-left: 0; text-align: left; white-space: normal; min-width: 15em; }
td.good { color: var(--good); } td.bad { color: var(--bad); }
code { font-size: 0.95em; }
@media print { body { background: none; } section, figure { break-inside: avoid; } }
"""


def words(text):
    """Markdown's backticks, and nothing else of it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def html_table(cells):
    head, *rows = cells
    out = "<thead><tr>" + "".join(f"<th>{words(cell)}</th>" for cell in head) + "</tr></thead><tbody>\n"
    for row in rows:
        out += "<tr>" + "".join(f'<td class="{plots.verdict_class(cell)}">{words(cell)}</td>' for cell in row) + "</tr>\n"
    return f'<div class="scroll"><table>{out}</tbody></table></div>\n'


def section(title, note, content):
    return f"<section><h2>{title}</h2>\n<p>{words(note)}</p>\n{content}</section>\n" if content else ""


def plot(content):
    return f'<div class="scroll">{content}</div>' if content else ""


OURS_AND_PEER = {"ours": "s1", "peer": "s2"}
ALL_SIDES = OURS_AND_PEER | {"second peer": "s3", "third": "s4", "ours, not polling": plots.ASLEEP_CLASS}


def legend(names):
    items = "".join(f'<span class="{css}"><i></i><span>{escape(name)}</span></span>'
                    for name, css in names.items())
    return f'<p class="legend">{items}</p>'


def figure(line):
    sides = [f"{side}{table.cell_value(values, line['unit'])}"
             for side, values in (("", line["ours"]), (f"{line['peer_name']} ", line["peer"])) if values]
    return f"<figure><h3>{words(line['what'])}</h3><p>{escape('; '.join(sides))}</p>{plots.rounds(line)}</figure>\n"


def badge(lines):
    failed = sum(line["verdict"] in ("MISSED", "FAILED") for line in lines)
    judged = sum(line["verdict"] != "-" for line in lines)
    css, text = ("bad", f"{failed} of {judged} goals missed") if failed else ("good", f"{judged} of {judged} goals reached")
    return f'<span class="badge {css}">{text}</span>' if judged else ""


def page(result, notes, cost_note):
    """`notes`: paragraphs under the title. `cost_note`: what the times per message mean."""
    lines = result["lines"]
    rounds = "".join(figure(line) for line in lines if len(line["ours"]) > 1 or len(line["peer"]) > 1)
    title = f"Comparison of {result['date']}"
    body = "".join((
        f"<header><h1>{title}</h1>{badge(lines)}", *(f"<p>{words(note)}</p>" for note in notes), "</header>\n",
        section("Times better than the peer", "Each dot is a round, the bar their range, the stroke their median; of a latency the "
                "inverse ratio, so that right is better everywhere. Where the generator was full, by busy time. Triangles: the goal, full, and the aim, hollow.",
                plot(plots.ratios(lines))),
        section("Busy time of the server's core per message", cost_note + " At the right: ours / first peer.",
                legend(ALL_SIDES) + plot(plots.costs(lines)) if plots.costs(lines) else ""),
        section("Round by round", "From zero; medians above each plot.",
                legend(OURS_AND_PEER) + f'<div class="small">{rounds}</div>' if rounds else ""),
        section("All figures", "The ratio is ours / peer.", html_table(table.ratio_cells(lines))),
        section("Where the time goes", "Medians of the rounds, per message.", html_table(table.cost_cells(lines))),
        section("Floors of the same run", "What the machine itself charges.", html_table(table.floor_cells(result["floors"]))),
    ))
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main>\n{body}</main></body></html>\n")
