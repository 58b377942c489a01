"""From the reports of the rounds to the lines of the table, and the table as Markdown."""

from statistics import median

from harness import rows
from harness.programs import OURS_ASLEEP


def spread(values, digits=3):
    """median (min - max)"""
    low, middle, high = (f"{value:.{digits}g}" for value in (min(values), median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low} - {high})"


def verdict(ratio, at_least, aim, lower_is_better):
    def reaches(goal):
        return ratio <= goal if lower_is_better else ratio >= goal
    return "aim reached" if reaches(aim) else "reached" if reaches(at_least) else "MISSED"


def goal(value, lower_is_better):
    if value is None:
        return "-"
    return f"<= {value}x" if lower_is_better else f"{value}x"


def compared_line(name, what, unit, ours, peer, peer_name, at_least, aim, lower_is_better, floor=None):
    """One line of the table. `ours` and `peer` are the rounds' values in `unit`; either may be empty. A row without goals
    is there to be read."""
    line = {"name": name, "what": what, "unit": unit, "ours": ours, "peer": peer, "peer_name": peer_name,
            "lower_is_better": lower_is_better, "goals": [at_least, aim],
            "at_least": goal(at_least, lower_is_better), "aim": goal(aim, lower_is_better), "floor": floor,
            "ratios": [a / b for a, b in zip(ours, peer)], "verdict": "-"}
    judge(line)
    return line


def judge(line):
    at_least, aim = line["goals"]
    if line["ratios"] and at_least is not None:
        line["verdict"] = verdict(median(line["ratios"]), at_least, aim, line["lower_is_better"])


def judge_by_busy_time(line, peers, reports):
    """Where the generator's core is full its rates say little; what a message costs the server's core stays right."""
    costs_of = {program: [report["server_core_ns_per_message"] for report in reports[program]]
                for program in (OURS_ASLEEP, *peers)}
    peer = min(peers, key=lambda program: median(costs_of[program]))
    line["rate_ratios"] = line["ratios"]
    line["ratios"] = [theirs / ours for ours, theirs in zip(costs_of[OURS_ASLEEP], costs_of[peer])]
    line["busy_ns"] = {"ours": costs_of[OURS_ASLEEP], "peer": costs_of[peer], "peer_name": peer}
    judge(line)


def failed_line(name, message):
    """In the place of a row that measured nothing. The others are measured all the same."""
    return {"name": name, "what": f"{name}: {message}", "unit": "", "ours": [], "peer": [], "peer_name": "",
            "at_least": "-", "aim": "-", "floor": None, "ratios": [], "verdict": "FAILED"}


def service_lines(row, reports, floors):
    """`reports` maps a program to its rounds. A line shows the best of its peers, by the median."""
    lines = [goal_line(goal, row.peers, reports, floors) for goal in row.goals]
    lines[0]["rounds"] = reports
    return lines


def goal_line(wanted, row_peers, reports, floors):
    values = {program: [report[wanted.metric] / wanted.scale for report in rounds]
              for program, rounds in reports.items()}
    best = min if wanted.lower_is_better else max
    peers = [program for program in wanted.peers or row_peers if program in values]
    peer = best(peers, key=lambda program: median(values[program]), default="")
    floor = wanted.floor(floors) / wanted.scale if wanted.floor else None
    line = compared_line(wanted.name, wanted.what, wanted.unit, values.get(rows.OURS, []), values.get(peer, []), peer,
                         wanted.at_least, wanted.aim, wanted.lower_is_better, floor)
    if wanted.metric == "rate" and OURS_ASLEEP in reports:
        judge_by_busy_time(line, peers, reports)
    return line


def idle_lines(reports):
    """Two lines, memory and CPU, with limits in place of ratios."""
    def line(name, what, unit, metric, at_least, aim, goals):
        ours, peer = ([reports[program][metric]] if program in reports else [] for program in (rows.OURS, *rows.TOKIO))
        return {"name": name, "what": what, "unit": unit, "ours": ours, "peer": peer, "peer_name": "tokio",
                "at_least": goals[0], "aim": goals[1], "floor": None, "ratios": [], "rounds": reports,
                "verdict": verdict(ours[0], at_least, aim, True) if ours else "-"}
    count = f"{rows.IDLE_CONNECTIONS:,} idle connections"
    return [
        line("idle-memory", f"{count}: growth of VmRSS", "B each", "bytes_per_connection",
             rows.IDLE_BYTES_MAX, rows.IDLE_BYTES_AIM, ("<= 2 KiB", "<= 1 KiB")),
        line("idle-cpu", f"{count}: CPU", "of a core", "server_process_busy",
             rows.IDLE_BUSY_MAX, rows.IDLE_BUSY_MAX, ("< 1 %", "")),
    ]


def cell_value(values, unit):
    return f"{median(values):.4g} {unit}" if values else "-"


def cell_floor(line):
    if line["floor"] is None:
        return "-"
    text = f"{line['floor']:.4g} {line['unit']}"
    return f"{text} ({median(line['ours']) / line['floor']:.2f}x)" if line["ours"] else text


# Tables are lists of cells, the head first: the record and the page show the same.

def ratio_cells(lines):
    rows = [["what", "ours", "peer", "ratio: median (min - max)", "at least", "aim", "floor (ours / floor)", "verdict"]]
    for line in lines:
        peer = cell_value(line["peer"], line["unit"])
        if line["peer"]:
            peer += f" {line['peer_name']}"
        ratio = spread(line["ratios"]) + "x" if line["ratios"] else "-"
        if "busy_ns" in line:
            ratio += f" by busy time; rates {median(line['rate_ratios']):.3g}x"
        rows.append([line["what"], cell_value(line["ours"], line["unit"]), peer, ratio, line["at_least"], line["aim"],
                     cell_floor(line), line["verdict"]])
    return rows


def costs(lines):
    """(line, side, reports of its rounds) of every row that was measured in rounds."""
    for line in lines:
        for side, reports in line.get("rounds", {}).items():
            if isinstance(reports, list):
                yield line, side, reports


def middle(reports, name):
    return median(report[name] for report in reports)


def cost_cells(lines):
    """What a message cost the server, and whether it was the server that was measured."""
    rows = [["what", "side", "rate", "server process", "server core", "core busy", "generator idle"]]
    for line, side, reports in costs(lines):
        rows.append([line["name"], side, f"{middle(reports, 'rate') / 1e6:.4g} M/s",
                     f"{middle(reports, 'server_process_ns_per_message'):.4g} ns",
                     f"{middle(reports, 'server_core_ns_per_message'):.4g} ns",
                     f"{100 * middle(reports, 'server_core_busy'):.0f} %",
                     f"{100 * middle(reports, 'generator_idle'):.0f} %"])
    return rows


def floor_cells(floors):
    names = [("syscall_ns", "empty system call"), ("ping_pong_ns", "flag to the other core and back"),
             ("copy_64k_ns", "copy of 64 KiB that the other core has just written"),
             ("round_trip_blocking_ns", "64 B loopback round trip, both sides sleeping, p50"),
             ("round_trip_spinning_ns", "64 B loopback round trip, both sides polling, p50"),
             ("round_trip_uring_ns", "... with io_uring at one end and nothing around it")]
    names += [(f"send_{count}_ns", f"loopback send of {count} x 64 B") for count in (1, 16, 64, 256, 1024)]
    return [["floor", "ns"]] + [[label, f"{floors[name]:,.0f}"] for name, label in names]


def markdown(cells):
    head, *rows = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([head, "|" + "---|" * len(cells[0]), *rows])
