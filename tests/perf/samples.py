"""Results of perf/compare that nobody measured: one with everything in it, one with hardly anything."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "perf"))

from harness import rows, table  # noqa: E402

FLOORS = {"syscall_ns": 167.2, "ping_pong_ns": 113.9, "copy_64k_ns": 5000.0, "round_trip_blocking_ns": 54892,
          "round_trip_spinning_ns": 8042, "round_trip_uring_ns": 9051,
          **{f"send_{count}_ns": 3600.0 + 10 * count for count in (1, 16, 64, 256, 1024)}}
MACHINE = {"cpu": "A <CPU> & more", "cores": 2, "kernel": "6.1", "congestion_control": "cubic", "compiler": "g++ 12",
           "rust": "rustc 1.63", "commit": "0123456789ab", "changed": True}


def report(rate):
    return {"rate": rate, "messages": 1000, "seconds": 1.0, "p50_ns": 1e9 / rate, "p99_ns": 3e9 / rate,
            "added_p50_ns": 2e9 / rate, "generator_idle": 0.25, "generator_waited": 0.001, "server_waited": 0.002,
            "server_process_busy": 0.9, "server_core_busy": 0.95, "server_process_ns_per_message": 0.9e9 / rate,
            "server_core_ns_per_message": 0.95e9 / rate}


def row_named(name):
    return next(row for row in rows.SERVICE_ROWS if row.name == name)


def lines_of(name, rates):
    """`rates`: of the rounds, by side."""
    reports = {side: [report(rate) for rate in some] for side, some in rates.items()}
    return table.service_lines(row_named(name), reports, FLOORS)


def result(lines, rounds):
    return {"date": "2026-01-02 03:04", "command": "perf/compare --rows 'a,b'", "machine": MACHINE, "server_cpu": 0,
            "client_cpu": 1, "rounds": rounds, "seconds": 0.5, "floors": FLOORS, "lines": lines, "repeated": 3,
            "disturbed": 1}


def full():
    idle = {side: {"bytes_per_connection": 500.0, "server_process_busy": 0.001} for side in ("ours", "tokio")}
    haproxies = ("haproxy", "haproxy, splicing", "haproxy, 128 KiB buffers")
    return result([
        *lines_of("get-rate", {"ours": [11e6, 12e6, 13e6], "tokio": [0.2e6, 0.2e6, 0.25e6]}),
        *lines_of("raw-echo", {"ours": [9e6, 8e6], "tokio": [9e6, 9e6], "ours, not polling": [12e6, 10e6]}),
        *lines_of("raw-echo-latency", {"ours": [0.1e6, 0.11e6, 0.1e6], "tokio": [0.05e6, 0.04e6, 0.05e6]}),
        *lines_of("raw-echo-500", {"ours": [0.1e6, 0.1e6, 0.1e6], "tokio": [0.2e6, 0.2e6, 0.2e6]}),
        *lines_of("relay", {"ours": [2e4, 2e4, 2e4], **{side: [1e4, 1e4, 1e4] for side in haproxies}}),
        table.failed_line("batch", "the book lost <b>purchases</b>"),
        *table.idle_lines(idle),
    ], 3)


def bare():
    """Our side alone in one round, as where there is no peer."""
    line = table.compared_line("x", "x", "M/s", [1.0], [], "", None, None, False)
    return result([line], 1)


SAMPLES = {"full": full, "bare": bare}
