"""The ring rows. One binary measures our rings and all their peers in turns, checks every item's place in the sequence,
and has the bare ping-pong in the same run; here its figures become lines of the table."""

import json
import os
import subprocess
import tempfile

from harness import table
from harness.servers import Failure

NAME = "rings"
TARGET = "ring_bench"
PATH = "bench/engine/ring/ring_bench"


# Parts of the rows' names: each group is one run of the binary, short enough for one hold.
GROUPS = ("round trip", "spsc", "mpsc 1+1", "mpsc 2+1")


def run(bench, program, group):
    cpus = {bench.options.server_cpu, bench.options.client_cpu}
    rounds = bench.options.rounds
    bench.say(f"rings: {group}, {rounds} rounds")
    with bench.hold, tempfile.NamedTemporaryFile() as figures:
        try:
            done = subprocess.run([program, "--only", group, "--rounds", str(rounds), "--json", figures.name],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=30 + 10 * rounds,
                                  preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        except subprocess.TimeoutExpired:
            raise Failure(f"the ring benchmark hangs in '{group}'")
        if done.returncode != 0:
            raise Failure(f"the ring benchmark ended with status {done.returncode}: {done.stderr.strip()}")
        return json.load(figures)


def line(row, values):
    """`values` maps (row, contestant) to the figures of the rounds. The peer is the one that the row is judged against:
    the best of all by its median, or for the round trip the bare atomics."""
    is_latency = row["unit"] == "ns"
    ours, peer = (values[row["row"], row[side]] for side in ("ours", "against"))
    unit = "ns" if is_latency else "M/s"
    return table.compared_line(f"rings: {row['row']}", f"rings: {row['row']}", unit, ours, peer, row["against"],
                               row["floor"] or None, row["aim"] or None, is_latency)


def measure(bench, program, group):
    figures = run(bench, program, group)
    values = {(one["row"], one["name"]): one["values"] for one in figures["contestants"]}
    lines = []
    for row in figures["rows"]:
        everybody = {name: rounds for (where, name), rounds in values.items() if where == row["row"]}
        lines.append(line(row, values) | {"contestants": everybody})
    return lines
