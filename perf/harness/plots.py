"""The plots of a record's page, as SVG. Colours and fonts are classes of page.py's style."""

import math
from html import escape
from statistics import median

from harness import table
from harness.programs import OURS, OURS_ASLEEP

WIDTH = 1080
LABEL_WIDTH = 430  # Of a row's name, at the left ...
VALUE_WIDTH = 150  # ... and of its result, at the right.
ROW_HEIGHT = 24
AXIS_HEIGHT = 26
SMALL_WIDTH, SMALL_HEIGHT = 300, 96
SIDE_CLASSES = ("s1", "s2", "s3", "s4")
ASLEEP_CLASS = "s5"


def plain(text):
    return escape(text.replace("`", ""))


def svg(width, height, content, label):
    return f'<svg viewBox="0 0 {width} {height:g}" role="img" aria-label="{plain(label)}">{content}</svg>'


def text(x, y, what, css="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{plain(what)}</text>'


def dot(x, y, css, hint, radius=3.5):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{css}"><title>{plain(hint)}</title></circle>'


def stroke(x1, y1, x2, y2, css):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def nanos(value):
    for unit, scale in (("ms", 1e6), ("us", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.3g} ns"


class LogScale:
    """From values to places on a line, with ticks at 1, 2 and 5 times the powers of ten."""

    def __init__(self, values, left, right, room=1.15):
        self.low, self.high = min(values) / room, max(values) * room
        self.left, self.right = left, right

    def at(self, value):
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.left + part * (self.right - self.left)

    def ticks(self):
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        decades = math.log10(self.high / self.low)
        steps = (1, 2, 5) if decades < 3 else (1,)
        return [step * 10.0 ** power for power in powers for step in steps
                if self.low <= step * 10.0 ** power <= self.high]

    def grid(self, height, shown):
        return "".join(stroke(self.at(tick), 0, self.at(tick), height, "grid")
                       + text(self.at(tick), height + 17, shown(tick), anchor="middle") for tick in self.ticks())


def rows_plot(rows, scale, shown, label):
    """`rows`: a name, what is drawn at a height, and the result."""
    height = ROW_HEIGHT * len(rows)
    content = scale.grid(height, shown)
    for number, (name, draw, result, css) in enumerate(rows):
        y = ROW_HEIGHT * (number + 0.5)
        content += text(LABEL_WIDTH - 12, y + 4, name, "name", "end") + draw(y)
        content += text(WIDTH - VALUE_WIDTH + 14, y + 4, result, css)
    return svg(WIDTH, height + AXIS_HEIGHT, content, label)


def times_better(line, ratio):
    return 1 / ratio if line["lower_is_better"] else ratio


def verdict_class(verdict):
    return {"MISSED": "bad", "FAILED": "bad", "reached": "good", "aim reached": "good"}.get(verdict, "")


def ratios(lines):
    """How many times better than the peer each row is: every round, the range, the median and the goals."""
    lines = [line for line in lines if line["ratios"]]
    if not lines:
        return ""
    better = {id(line): [times_better(line, ratio) for ratio in line["ratios"]] for line in lines}
    goals = {id(line): [times_better(line, goal) for goal in line["goals"] if goal] for line in lines}
    scale = LogScale([1.0] + [value for values in [*better.values(), *goals.values()] for value in values],
                     LABEL_WIDTH, WIDTH - VALUE_WIDTH)

    def row(line):
        values, wanted = better[id(line)], goals[id(line)]

        def draw(y):
            out = stroke(scale.at(min(values)), y, scale.at(max(values)), y, "range")
            out += "".join(dot(scale.at(value), y, "round", f"round {number}: {value:.3g}x", 3)
                           for number, value in enumerate(values, 1))
            x = scale.at(median(values))
            out += stroke(x, y - 8, x, y + 8, "median")
            for name, value in zip(("at least", "aim"), wanted):
                x = scale.at(value)
                out += (f'<path d="M{x:.1f} {y - 3:.1f}l-4 -7h8z" class="goal {name.replace(" ", "-")}">'
                        f"<title>{name}: {value:.3g}x</title></path>")
            return out

        result = f"{median(values):.3g}x" + (f"  {line['verdict']}" if line["verdict"] != "-" else "")
        return f"{line['what']} / {line['peer_name']}", draw, result, verdict_class(line["verdict"])

    return rows_plot([row(line) for line in lines], scale, lambda tick: f"{tick:g}x", "times better than the peer, by row")


def rounds(line):
    """Ours and the peer's value, round by round, from zero."""
    sides = [(values, css) for values, css in ((line["ours"], "s1"), (line["peer"], "s2")) if values]
    top = max(max(values) for values, _ in sides) * 1.05 or 1
    left, right, bottom = 8, SMALL_WIDTH - 8, SMALL_HEIGHT - 8
    content = stroke(left, bottom, right, bottom, "axis")
    for values, css in sides:
        step = (right - left - 12) / max(len(values) - 1, 1)
        points = [(left + 6 + step * number, bottom - value / top * (bottom - 6)) for number, value in enumerate(values)]
        content += f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" class="line {css}"/>'
        content += "".join(dot(x, y, css, f"round {number}: {value:.4g} {line['unit']}", 2.5)
                           for number, ((x, y), value) in enumerate(zip(points, values), 1))
    return svg(SMALL_WIDTH, SMALL_HEIGHT, content, f"{line['what']}, round by round")


def costs(lines):
    """What a message cost the server's core, by side."""
    measured = {}
    for line, side, reports in table.costs(lines):
        measured.setdefault(line["name"], {})[side] = table.middle(reports, "server_core_ns_per_message")
    values = [value for sides in measured.values() for value in sides.values() if value]
    if not values:
        return ""
    scale = LogScale(values, LABEL_WIDTH, WIDTH - VALUE_WIDTH)

    def row(name, sides):
        known = {side: value for side, value in sides.items() if value}
        css = dict(zip((side for side in sides if side != OURS_ASLEEP), SIDE_CLASSES)) | {OURS_ASLEEP: ASLEEP_CLASS}
        compared = [sides.get(OURS_ASLEEP, sides.get(OURS))] + [sides[side] for side in sides
                                                               if side not in (OURS, OURS_ASLEEP)][:1]

        def draw(y):
            places = [scale.at(value) for value in known.values()]
            return stroke(min(places), y, max(places), y, "range") + "".join(
                dot(scale.at(value), y, css[side],
                    f"{side}: {nanos(value)} a message", 4.5) for side, value in known.items())

        return name, draw, " / ".join(nanos(value) for value in compared if value), ""

    return rows_plot([row(name, sides) for name, sides in measured.items() if any(sides.values())], scale,
                     nanos, "busy time of the server's core per message, by row and side")
