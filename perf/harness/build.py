"""Builds what is measured: the release of this project in a folder of its own, and the peers by Cargo from the distribution's
crates."""

import os
import subprocess
import sys

PEERS = os.path.join("perf", "peers", "tokio")


def build(root, build_dir, targets, flags=None, peers=True):
    """`flags`: of the C++ compiler, in place of the release's own."""
    def run(*command):
        subprocess.run(command, check=True, cwd=root, stdout=sys.stderr)
    run(os.path.join(root, "tools", "install"), "perf" if peers else "ci")
    # A folder of its own: the one of tools/build may be configured without the benchmarks.
    run("cmake", "--preset", "release", "-B", build_dir, "-DRINGPOST_TESTS=OFF", "-DRINGPOST_BENCH=ON",
        *([f"-DCMAKE_CXX_FLAGS={flags}"] if flags else []))
    run("ninja", "-C", build_dir, *targets)
    if not peers:
        return
    # Debian's own Cargo: one installed beside it need not know the distribution's crates.
    run("/usr/bin/cargo", "build", "--release", "--offline", "--manifest-path", os.path.join(PEERS, "Cargo.toml"),
        "--config", os.path.join(PEERS, ".cargo", "config.toml"), "--target-dir", os.path.join(os.path.abspath(build_dir), "peers"))
