"""Runs: one generator against one server, and the rounds that alternate between the servers."""

import subprocess
import sys
import tempfile
from statistics import median

from harness import rows
from harness.generators import Client, Run
from harness.programs import OURS, OURS_ASLEEP, Place
from harness.servers import Failure, Hold, Server, Upstream, become_pinned_child
from harness.spent import Spent


# The share of a run that a program of it may have waited for its core before the run counts as disturbed.
WAITED_MAX = 0.02
# So often is a disturbed run repeated; the last is kept, and the record says so.
REPEATS_MAX = 2


# A generator that is idle for less of its time is full.
FULL_IDLE_MAX = 0.05


def disturbance(report):
    return max(report.get("generator_waited", 0), report.get("server_waited", 0))


class Bench:
    """Which cores the programs get. `options` is what perf/compare was told."""

    def __init__(self, options, programs):
        self.options = options
        self.programs = programs
        self.hold = Hold(options.hold)
        self.repeated = 0   # Runs that were thrown away because something else ran on their cores ...
        self.disturbed = 0  # ... and those that were kept all the same.

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def sides(self, peers):
        return [OURS] * (not self.options.peer_only) + list(peers) * (not self.options.ours_only)

    def server(self, program, service, upstream):
        cpu = self.options.server_cpu
        return Server(f"{program} {service}", cpu, lambda port, directory: self.programs.command(
            program, service, Place(port, cpu, upstream.port, directory)))

    def undisturbed(self, run):
        """Repeats a run while other programs took its cores."""
        for attempt in range(REPEATS_MAX + 1):
            report = run()
            if disturbance(report) <= WAITED_MAX or self.options.smoke:
                return report
            self.repeated += 1
        self.repeated -= 1
        self.disturbed += 1
        return report

    def run(self, program, service, generator, seconds):
        return self.undisturbed(lambda: self.run_once(program, service, generator, seconds))

    def run_once(self, program, service, generator, seconds):
        with Upstream() as upstream, self.server(program, service, upstream) as server:
            with generator.checks(server) as check, Spent(server.pid, self.options.server_cpu) as spent:
                report = self.generate(generator, ours=program in (OURS, OURS_ASLEEP), seconds=seconds,
                                       port=server.port, server_pid=server.pid, upstream=upstream.fileno)
                check(report)
            server.check_alive()
        end_ns = report["began_ns"] + round(report["seconds"] * 1e9)
        return report | spent.between(report["began_ns"], end_ns, report["messages"])

    def generate(self, generator, **what):
        """`what`: see Run."""
        cpu = self.options.client_cpu
        with tempfile.TemporaryDirectory() as directory:
            run = Run(cpu=cpu, server_cpu=self.options.server_cpu, directory=directory, warmup=self.options.warmup, **what)
            done = subprocess.run(generator.command(self.programs, run), capture_output=True, text=True,
                                  timeout=(run.seconds or 0) + 120, pass_fds=[run.upstream] * (run.upstream is not None),
                                  preexec_fn=lambda: become_pinned_child(cpu))
            if done.returncode != 0:
                raise Failure(f"{generator}: {(done.stderr or done.stdout).strip()}")
            return generator.report(run, done.stdout)

    def measure_floors(self):
        self.say("floors")
        with self.hold:
            return self.undisturbed(lambda: self.generate(Client("floors")))

    def measure_row(self, row):
        """Every round starts all servers afresh, ours first: A B A B. Where the first one finds the generator full, ours
        runs in each once more without polling."""
        sides = self.sides(row.peers)
        reports = {program: [] for program in sides}
        for number in range(self.options.rounds):
            with self.hold:
                self.measure_round(row, sides, reports)
                if number == 0 and self.is_full(row, reports):
                    sides.append(OURS_ASLEEP)
                    reports[OURS_ASLEEP] = []
                    self.measure_round(row, [OURS_ASLEEP], reports)
            self.say_round(row, number, reports)
        return reports

    def measure_round(self, row, sides, reports):
        for program in sides:
            reports[program].append(self.run_side(program, row))

    def run_side(self, program, row):
        stand_in = row.stand_ins.get(program)
        if stand_in is None:
            return self.run(program, row.service, row.generator, self.options.seconds)
        return stand_in.scaled(self.run(stand_in.program, stand_in.service, stand_in.generator, self.options.seconds))

    def is_full(self, row, reports):
        """Whether the rate may be the generator's: then the row's result is the busy time of the server's core."""
        polls = "--spin-us" not in self.options.daemon_options
        return OURS in reports and not self.options.ours_only and polls and row.is_rate and \
            median(report["generator_idle"] for report in reports[OURS]) < FULL_IDLE_MAX

    def say_round(self, row, number, reports):
        shown = row.goals[0]
        last = "; ".join(f"{program} {rounds[-1][shown.metric] / shown.scale:.4g}" for program, rounds in reports.items())
        self.say(f"{row.name} {number + 1}/{self.options.rounds}: {last} {shown.unit}")

    def measure_idle(self):
        reports = {}
        for program in self.sides(rows.TOKIO):
            with self.hold:
                reports[program] = self.run(
                    program, "orders", Client("idle", ("--connections", str(rows.IDLE_CONNECTIONS))),
                    max(2, self.options.seconds))
            self.say(f"idle: {program} {reports[program]['bytes_per_connection']:.0f} bytes a connection")
        return reports
