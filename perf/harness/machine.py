"""What a record says about where and on what it was measured. Nothing that names a host or a person."""

import os
import platform
import shlex
import subprocess
import sys

# What belongs to the place of a run and not to what was measured; a record leaves it out.
PLACE_OPTIONS = ("--build-dir", "--hold", "--json", "--record-dir")


def command_line(program):
    """As typed, without what belongs to the place."""
    words, skip = [program], False
    for word in sys.argv[1:]:
        if not skip and not word.startswith(PLACE_OPTIONS):
            words.append(word)
        skip = word in PLACE_OPTIONS
    return shlex.join(words)


def cpu_model():
    with open("/proc/cpuinfo") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    return "{} (family {}, model {})".format(
        fields.get("model name", "unknown"), fields.get("cpu family", "?"), fields.get("model", "?"))


def git(root, *arguments):
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def version_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return done.stdout.split("\n")[0].strip() or "unknown"


def read_first(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def describe(root):
    # Only what is compiled into a measured program counts as a change.
    changed = git(root, "status", "--porcelain", "--untracked-files=no", "--",
                  "engine", "protocols", "tools", "bench", "perf/client", "perf/peers")
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "congestion_control": read_first("/proc/sys/net/ipv4/tcp_congestion_control"),
        "compiler": version_of("g++", "--version"),
        "rust": version_of("/usr/bin/rustc", "--version"),
        "commit": git(root, "rev-parse", "--short=12", "HEAD") or "unknown",
        "changed": bool(changed),
    }
