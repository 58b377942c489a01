"""Runs: one scenario of the client against one server, and the rounds that alternate between the two servers."""

import json
import subprocess
import sys

from harness import rows
from harness.programs import OURS, Place
from harness.servers import Failure, Hold, Server, Upstream, become_pinned_child


# The share of a run that a program of it may have waited for its core before the run counts as disturbed.
WAITED_MAX = 0.02
# So often is a disturbed run repeated; the last is kept, and the record says so.
REPEATS_MAX = 2


def disturbance(report):
    return max(report.get("generator_waited", 0), report.get("server_waited", 0))


class Bench:
    """Which cores the programs get. `options` is what perf/compare was told."""

    def __init__(self, options, client, programs):
        self.options = options
        self.client = client
        self.programs = programs
        self.hold = Hold(options.hold)
        self.repeated = 0   # Runs that were thrown away because something else ran on their cores ...
        self.disturbed = 0  # ... and those that were kept all the same.

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def sides(self, peers):
        return ([] if self.options.peer_only else [OURS]) + list(peers)

    def run_client(self, arguments, timeout, inherited=()):
        command = [self.client, *arguments, "--cpu", str(self.options.client_cpu),
                   "--server-cpu", str(self.options.server_cpu)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, pass_fds=inherited,
                              preexec_fn=lambda: become_pinned_child(self.options.client_cpu))
        if done.returncode != 0:
            raise Failure(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def server(self, program, service, upstream):
        cpu = self.options.server_cpu
        return Server(f"{program} {service}", cpu, lambda port, directory: self.programs.command(
            program, service, Place(port, cpu, upstream.port, directory)))

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

    def run_scenario(self, program, service, arguments, seconds):
        return self.undisturbed(lambda: self.run_once(program, service, arguments, seconds))

    def run_once(self, program, service, arguments, seconds):
        with Upstream() as upstream, self.server(program, service, upstream) as server:
            timing = ["--warmup", str(self.options.warmup), "--seconds", str(seconds)]
            more = ["--upstream", str(upstream.fileno)] if service == "relay" else []
            report = self.run_client([*arguments, *timing, *more, "--port", str(server.port),
                                      "--server-pid", str(server.pid)], seconds + 120, [upstream.fileno])
            server.check_alive()
        if program == OURS and report.get("stale_replies", 0) != 0:
            raise Failure(f"{report['stale_replies']} replies lacked a purchase in front of them (OB-15)")
        return report

    def measure_floors(self):
        self.say("floors")
        with self.hold:
            return self.undisturbed(lambda: self.run_client(["floors"], 120))

    def measure_row(self, row):
        """Every round starts all servers afresh, ours first: A B A B."""
        reports = {program: [] for program in self.sides(row.peers)}
        shown = row.goals[0]
        for number in range(self.options.rounds):
            with self.hold:
                for program, rounds in reports.items():
                    rounds.append(self.run_scenario(program, row.service, row.client, self.options.seconds))
            last = "; ".join(f"{program} {rounds[-1][shown.metric] / shown.scale:.4g}"
                             for program, rounds in reports.items())
            self.say(f"{row.name} {number + 1}/{self.options.rounds}: {last} {shown.unit}")
        return reports

    def measure_idle(self):
        reports = {}
        for program in self.sides(rows.TOKIO):
            with self.hold:
                reports[program] = self.run_scenario(
                    program, "orders", ("idle", "--connections", str(rows.IDLE_CONNECTIONS)),
                    max(2, self.options.seconds))
            self.say(f"idle: {program} {reports[program]['bytes_per_connection']:.0f} bytes a connection")
        return reports
