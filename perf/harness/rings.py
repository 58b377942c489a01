"""The ring rows: one binary measures our rings and all peers in one run."""

NAME = "rings"
TARGET = "ring_bench"
PATH = "bench/engine/ring/ring_bench"


def measure(bench, path):
    return []
