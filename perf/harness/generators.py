"""What loads a server: ringpost-load, or for what it cannot do the client of this folder. Each makes a command and turns what
that wrote into a report, of which every row knows:

    began_ns, seconds   the measured window, by CLOCK_MONOTONIC
    messages, rate      what was done in it
    generator_idle      the share of it in which the generator had nothing to do
    generator_waited    ... and in which it was ready while another program had its core
"""

import json
import os
from dataclasses import dataclass

from harness.book import untouched

# It never sleeps: waking a reader costs the sender several times a send.
ALWAYS_POLL = ("--spin-us", "1h")


@dataclass(frozen=True)
class Run:
    """What a generator is to do, and with which server; the floors have none."""
    cpu: int
    server_cpu: int
    directory: str             # For a file of its own.
    warmup: float
    ours: bool = False
    seconds: float = None
    port: int = None
    server_pid: int = None
    upstream: int = None       # A listening socket: where the relay under test connects to.


def in_ms(seconds):
    return f"{round(1000 * seconds)}ms"


@dataclass(frozen=True)
class Load:
    """ringpost-load. `checks` is a context manager around the run, made with the server; what it yields is called with the
    report."""
    scheme: str
    arguments: tuple
    checks: object = untouched
    of_ours: tuple = ()  # More arguments, for what our server must keep to and the peers do not.
    resource: str = ""  # What stands behind the address in the URL.

    def command(self, programs, run):
        return [programs.load, f"{self.scheme}://127.0.0.1:{run.port}{self.resource}", *self.arguments, *self.of_ours * run.ours,
                *ALWAYS_POLL, "--quiet",
                "--cpus", str(run.cpu), "--duration", in_ms(run.seconds), "--warmup", in_ms(run.warmup),
                "--json", self.path(run)]

    def path(self, run):
        return os.path.join(run.directory, "load.json")

    def report(self, run, _output):
        with open(self.path(run), encoding="utf-8") as file:
            result = json.load(file)
        return report_of(result)


def report_of(result):
    """The fields of a report from the JSON of ringpost-load on one thread."""
    totals, percentiles, (thread,) = result["totals"], result["latency"]["percentiles"], result["threads"]
    waited = thread["run_delay_ns"] / 1e9 / totals["elapsed_s"]
    return {
        "began_ns": totals["began_ns"],
        "seconds": totals["elapsed_s"],
        "messages": totals["replies"],
        "rate": result["summary"]["rate_per_s"],
        "p50_ns": percentiles["50"],
        "p99_ns": percentiles["99"],
        "p999_ns": percentiles["99.9"],
        "generator_idle": max(0, 1 - thread["busy_share"] - waited),
        "generator_waited": waited,
        "requests": sum(second["requests"] for second in result["seconds"]),  # Those of the warm-up too.
    }


@dataclass(frozen=True)
class Client:
    """The client of this folder."""
    scenario: str
    arguments: tuple = ()
    checks: object = untouched

    def command(self, programs, run):
        told = {"--port": run.port, "--cpu": run.cpu, "--seconds": run.seconds, "--warmup": run.warmup,
                "--server-pid": run.server_pid, "--server-cpu": run.server_cpu, "--upstream": run.upstream}
        words = [word for name, value in told.items() if value is not None for word in (name, str(value))]
        return [programs.client, self.scenario, *self.arguments, *words]

    def report(self, _run, output):
        return json.loads(output)
