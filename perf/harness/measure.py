"""Runs: one scenario of the client against one server, and the rounds that alternate between the two servers."""

import json
import subprocess
import sys

from harness import rows
from harness.servers import Failure, Hold, Server, become_pinned_child


# The share of a run that a program of it may have waited for its core before the run counts as disturbed.
WAITED_MAX = 0.02
# So often is a disturbed run repeated; the last is kept, and the record says so.
REPEATS_MAX = 2


def disturbance(report):
    return max(report.get("generator_waited", 0), report.get("server_waited", 0))


class Bench:
    """Where the programs are and which cores they get. `options` is what perf/compare was told."""

    def __init__(self, options, client, daemon, peers):
        self.options = options
        self.client = client
        self.daemon = daemon
        self.peers = peers
        self.hold = Hold(options.hold)
        self.repeated = 0   # Runs that were thrown away because something else ran on their cores ...
        self.disturbed = 0  # ... and those that were kept all the same.

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def run_client(self, arguments, timeout):
        command = [self.client, *arguments, "--cpu", str(self.options.client_cpu),
                   "--server-cpu", str(self.options.server_cpu)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              preexec_fn=lambda: become_pinned_child(self.options.client_cpu))
        if done.returncode != 0:
            raise Failure(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def server(self, side, service):
        """`side` is ours or peer. Both take the same cap, far above what a run buys."""
        if side == "peer":
            argv = {"orders": lambda port: [f"{self.peers}/orders", str(port), "1e30"],
                    "chat": lambda port: [f"{self.peers}/chat", str(port)]}[service]
        else:
            own = {"orders": ["--orders-cap", "1e30", "--order-book-reply", "compact"], "chat": []}[service]
            argv = lambda port: [
                self.daemon, "--services", service, "--shards", "1", "--cpus", str(self.options.server_cpu),
                f"--{service}-listen", f"127.0.0.1:{port}", "--log-level", "warn", *own, *self.options.daemon_options]
        return Server(f"{side} {service}", argv, self.options.server_cpu)

    def undisturbed(self, run):
        """Repeats a run while other programs took its cores."""
        for attempt in range(REPEATS_MAX + 1):
            report = run()
            if disturbance(report) <= WAITED_MAX:
                return report
            self.repeated += 1
        self.repeated -= 1
        self.disturbed += 1
        return report

    def run_scenario(self, side, service, arguments, seconds):
        return self.undisturbed(lambda: self.run_once(side, service, arguments, seconds))

    def run_once(self, side, service, arguments, seconds):
        with self.server(side, service) as server:
            timing = ["--warmup", str(self.options.warmup), "--seconds", str(seconds)]
            report = self.run_client([*arguments, *timing, "--port", str(server.port),
                                      "--server-pid", str(server.pid)], seconds + 120)
            server.check_alive()
        if side == "ours" and report.get("stale_replies", 0) != 0:
            raise Failure(f"{report['stale_replies']} replies lacked a purchase in front of them (OB-15)")
        return report

    def measure_floors(self):
        self.say("floors")
        with self.hold:
            return self.undisturbed(lambda: self.run_client(["floors"], 120))

    def measure_row(self, row):
        """Every round starts both servers afresh, ours first: A B A B."""
        reports = {side: [] for side in self.options.sides}
        for number in range(self.options.rounds):
            with self.hold:
                for side in self.options.sides:
                    reports[side].append(
                        self.run_scenario(side, row.service, row.client, self.options.seconds))
            last = ", ".join(f"{side} {reports[side][-1][row.metric] / row.scale:.4g}" for side in reports)
            self.say(f"{row.name} {number + 1}/{self.options.rounds}: {last} {row.unit}")
        return reports

    def measure_idle(self):
        reports = {}
        for side in self.options.sides:
            with self.hold:
                reports[side] = self.run_scenario(
                    side, "orders", ("idle", "--connections", str(rows.IDLE_CONNECTIONS)),
                    max(2, self.options.seconds))
            self.say(f"idle: {side} {reports[side]['bytes_per_connection']:.0f} bytes a connection")
        return reports
