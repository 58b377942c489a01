"""Sampled stacks: from the text of `perf script` to folded stacks, a listing and a flame graph that needs nothing but itself."""

from collections import Counter
from html import escape

WIDTH = 1600
FRAME_HEIGHT = 17
SHARE_MIN = 0.0005  # What is narrower is not drawn.
CHARACTER_WIDTH = 6.7
KERNEL = "kernel"
USER = "user"

STYLE = """
:root { color-scheme: light dark; --ink: #17202c; --page: #ffffff; --user: #8fb8ff; --kernel: #ffc08a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf2; --page: #0e131a; --user: #24488c; --kernel: #7a4518; }
}
svg { background: var(--page); }
text { fill: var(--ink); font: 11px "DejaVu Sans Mono", ui-monospace, monospace; pointer-events: none; }
text.title { font: 15px system-ui, "DejaVu Sans", sans-serif; }
rect { stroke: var(--page); stroke-width: 0.5; }
.user { fill: var(--user); } .kernel { fill: var(--kernel); }
rect:hover { stroke: var(--ink); stroke-width: 1; }
"""


def frame_of(line):
    """(name, kernel or user) of a line such as `    55d0 ringpost::engine::Shard::turn()+0x1f (/path/ringpost)`."""
    _, _, rest = line.strip().partition(" ")
    name, _, place = rest.rpartition(" (")
    name, offset, _ = name.rpartition("+0x") if "+0x" in name else (name, "", "")
    place = place.rstrip(")")
    if name == "[unknown]":
        name = f"[{place.rsplit('/', 1)[-1].strip('[]')}]"
    return name, KERNEL if place.startswith("[") and place != "[vdso]" else USER


def fold(script):
    """Counts of stacks, outermost frame first. A sample is a line with its thread, then its frames, then an empty line."""
    stacks = Counter()
    for sample in script.split("\n\n"):
        head, *frames = [line for line in sample.split("\n") if line.strip()] or [""]
        if head:
            thread = head.split()[0]
            stacks[((thread, USER), *(frame_of(frame) for frame in reversed(frames)))] += 1
    return stacks


def folded_text(stacks):
    """As other tools read it: frames with semicolons between them, and the count."""
    return "".join(";".join(name.replace(";", ",") for name, _ in stack) + f" {count}\n"
                   for stack, count in sorted(stacks.items()))


def listing(stacks, lines_max=40):
    """The functions in which the samples were, and those that were on their stacks."""
    total = sum(stacks.values())
    own, whole = Counter(), Counter()
    for stack, count in stacks.items():
        own[stack[-1]] += count
        for frame in set(stack):
            whole[frame] += count
    out = f"{total} samples\n{'own':>7} {'whole':>7}  function\n"
    for frame, count in own.most_common(lines_max):
        out += f"{100 * count / total:6.2f}% {100 * whole[frame] / total:6.2f}%  {frame[0]} ({frame[1]})\n"
    return out


class Node:
    def __init__(self):
        self.count = 0
        self.children = {}


def tree(stacks):
    root = Node()
    for stack, count in stacks.items():
        node = root
        node.count += count
        for frame in stack:
            node = node.children.setdefault(frame, Node())
            node.count += count
    return root


def boxes(root):
    """(frame, depth, where it begins, how many samples) of all that is wide enough to be seen."""
    waiting = [(root, -1, 0)]
    while waiting:
        node, depth, begin = waiting.pop()
        for frame, child in sorted(node.children.items()):
            if child.count >= SHARE_MIN * root.count:
                yield frame, depth + 1, begin, child.count
                waiting.append((child, depth + 1, begin))
            begin += child.count


def box(frame, depth, begin, count, total, height):
    name, kind = frame
    x, width = begin / total * WIDTH, count / total * WIDTH
    y = height - (depth + 1) * FRAME_HEIGHT - 4
    fitting = int((width - 6) / CHARACTER_WIDTH)
    name = name.removeprefix("ringpost::")
    shown = name if len(name) <= fitting else name[:fitting - 1] + "…" if fitting > 3 else ""
    label = f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(shown)}</text>' if shown else ""
    return (f'<g><rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{FRAME_HEIGHT}" class="{kind}">'
            f"<title>{escape(name)}: {100 * count / total:.2f} %, {count} samples</title></rect>{label}</g>\n")


def svg(stacks, title):
    root = tree(stacks)
    all_boxes = list(boxes(root))
    height = (max((depth for _, depth, _, _ in all_boxes), default=0) + 1) * FRAME_HEIGHT + 36
    content = "".join(box(*one, root.count, height) for one in all_boxes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
            f'<style>{STYLE}</style>\n<text class="title" x="8" y="20">{escape(title)}</text>\n{content}</svg>\n')
