"""What the load generator promises, row by row: how each is measured, and its line of perf/loadgen's table."""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from statistics import median

from harness.generators import in_ms
from harness.programs import NGINX, OURS, Place, Programs
from harness.servers import Failure, Hold, Server, become_pinned_child

TARGETS = ["ringpost", "ringpost-load", "histogram_bench"]
FIFTY = ("-c", "50")
DEEP = (*FIFTY, "-P", "64")
PIPELINED = 64
SOURCES = ",".join(f"127.0.0.{i}" for i in range(1, 9))
REDIS_MESSAGES = 5_000_000
STALL_S, STALL_EVERY_S = 0.1, 1.0
# A run in which the generator waited that part of its time for its core measured the other programs.
WAITED_MAX, ATTEMPTS = 0.002, 2
WRK_SCRIPT = f"""
local requests
init = function()
  local one = {{}}
  for i = 1, {PIPELINED} do one[i] = wrk.format(nil, "/health") end
  requests = table.concat(one)
end
request = function() return requests end
"""


@dataclass(frozen=True)
class Lengths:
    """How long is measured, besides what the command line says."""
    rate_s: float = 10
    stalls_s: float = 20
    closed_loop_s: float = 5
    connections: tuple = (1000, 19_000)
    files: int = 20_000
    warmup: float = 0.3
    histogram: tuple = ("--benchmark_repetitions=5",)


SMOKE = Lengths(0.1, 1, 0.1, (10, 100), 1000, 0.02, ("--benchmark_repetitions=2", "--benchmark_min_time=0.001"))


def line(what, figure, goal, reached, **data):
    verdict = "FAILED" if reached is None else "reached" if reached else "MISSED"
    return {"what": what, "figure": figure, "goal": goal, "verdict": verdict, **data}


def waited(result):
    return max(t["run_delay_ns"] for t in result["threads"]) / 1e9 / result["totals"]["elapsed_s"]


def per_core(result):
    """Messages in a second of the generator's own busy time: what a server without a limit would get."""
    return result["summary"]["rate_per_s"] / min(1, result["threads"][0]["busy_share"])


class Stalls:
    """Stops a process for a tenth of every second."""

    def __init__(self, pid):
        self.pid, self.lengths, self.ending = pid, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()

    def run(self):
        due = time.monotonic()
        while not self.ending.is_set():
            due += STALL_EVERY_S
            time.sleep(max(0, due - time.monotonic()))
            began = time.monotonic()
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep(max(0, began + STALL_S - time.monotonic()))
            os.kill(self.pid, signal.SIGCONT)
            self.lengths.append(time.monotonic() - began)


class Measurement:
    def __init__(self, options):
        self.options = options
        self.programs = Programs(options.build_dir)
        self.histogram_bench = os.path.join(options.build_dir, "bench", "tools", "loadgen", "histogram_bench")
        self.hold = Hold(options.hold)
        self.lengths = SMOKE if options.smoke else Lengths()
        self.closed_loop_rate = None

    def lines(self):
        """A row that fails does not take the others with it."""
        lines = []
        for name in self.options.rows:
            try:
                lines += self.judged(ROWS[name](self))
            except (Failure, subprocess.SubprocessError, OSError) as failure:
                lines.append(line(name, str(failure), "-", None))
            print(*(f"{one['what']}: {one['figure']}" for one in lines[-1:]), flush=True)
        self.hold.release()
        return lines

    def judged(self, lines):
        """So short a run decides nothing."""
        return [one | {"verdict": "ran"} for one in lines] if self.options.smoke else lines

    # --- Programs ---

    def server(self, program, service):
        cpu = self.options.server_cpu
        return Server(f"{program} {service}", cpu, lambda port, directory: self.programs.command(
            program, service, Place(port, cpu, 0, directory)))

    def redis(self):
        return Server("redis-server", self.options.server_cpu, lambda port, directory: [
            "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", directory])

    def child(self, command, **more):
        return subprocess.Popen(command, text=True,
                                preexec_fn=lambda: become_pinned_child(self.options.client_cpu), **more)

    def run_peer(self, *command):
        """Its output, and its CPU time in seconds: its own, and the kernel's for it."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with self.child(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
            output, _ = child.communicate(timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if child.returncode != 0:
            raise Failure(f"{command[0]}: {output.strip()[-300:]}")
        return output, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime

    def load_command(self, port, *arguments):
        return [self.programs.load, f"tcp://127.0.0.1:{port}", "--cpus", str(self.options.client_cpu), *arguments]

    def load(self, port, seconds, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "run.json")
            _, _, in_kernel = self.run_peer(*self.load_command(
                port, "-q", "-w", in_ms(self.lengths.warmup), "-d", in_ms(seconds), "--json", path, *arguments))
            with open(path, encoding="utf-8") as file:
                result = json.load(file)
        requests = sum(second["requests"] for second in result["seconds"])  # those of the warm-up too
        return result | {"kernel_s_per_message": in_kernel / requests}

    def load_quietly(self, port, seconds, *arguments):
        """The least disturbed of a few attempts."""
        runs = []
        attempts = 1 if self.options.smoke else ATTEMPTS
        while len(runs) < attempts and (not runs or waited(runs[-1]) > WAITED_MAX):
            with self.hold:
                runs.append(self.load(port, seconds, *arguments))
        return min(runs, key=waited)

    # --- Rows ---

    def power(self):
        """Ours and the two others in turns."""
        seconds = self.options.seconds
        ours, redis, wrk = [], [], []
        for _ in range(self.options.rounds):
            with self.hold:
                with self.server(OURS, "tcp-echo") as server:
                    ours.append(self.load(server.port, seconds, *DEEP))
                if self.options.smoke:
                    continue
                with self.redis() as server:
                    redis.append(self.redis_benchmark(server.port))
                with self.server(NGINX, "http") as server:
                    wrk.append(self.wrk(server.port, seconds))
        self.closed_loop_rate = median(run["summary"]["rate_per_s"] for run in ours)
        each = median(map(per_core, ours)) / 1e6
        return [self.power_line(ours, each)] + ([] if self.options.smoke else [self.power_ratio_line(each, redis, wrk)])

    def power_line(self, runs, each):
        """Every send here is one of 64 messages, and so is every receive. What the kernel takes for the two is not the
        generator's, and over loopback it has the server's part of receiving in it."""
        rates = [run["summary"]["rate_per_s"] / 1e6 for run in runs]
        busy = median(run["threads"][0]["busy_share"] for run in runs)
        kernel = median(run["kernel_s_per_message"] for run in runs)
        allowed = 1e-6 / kernel
        return line("raw echo 64 B, 50 connections, 64 in flight, one core",
                    f"{median(rates):.3g} M/s ({min(rates):.3g} - {max(rates):.3g}), {100 * busy:.0f} % busy: "
                    f"{each:.3g} M/s of a whole core; the kernel's {1e6 * PIPELINED * kernel:.3g} us for {PIPELINED} messages "
                    f"there and back allow {allowed:.3g}",
                    ">= 10 M/s of a whole core", each >= 10, rates=rates, per_core=[per_core(run) for run in runs],
                    kernel_s_per_message=kernel)

    def power_ratio_line(self, each, redis, wrk):
        best = max(median(redis), median(wrk))
        return line("... against the better of redis-benchmark (`PING`) and wrk (nginx), 64 in flight each",
                    f"{each / best:.3g}x (redis-benchmark {median(redis):.3g}, wrk {median(wrk):.3g} M/s of a whole core)",
                    ">= 1.5x", each >= 1.5 * best, redis_benchmark=redis, wrk=wrk)

    def redis_benchmark(self, port):
        _, own, in_kernel = self.run_peer("redis-benchmark", "-p", str(port), *FIFTY, "-P", str(PIPELINED), "-t", "ping_mbulk",
                                    "-n", str(REDIS_MESSAGES), "-q")
        return REDIS_MESSAGES / (own + in_kernel) / 1e6

    def wrk(self, port, seconds):
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(WRK_SCRIPT)
            script.flush()
            output, own, in_kernel = self.run_peer("wrk", "-t", "1", *FIFTY, "-d", f"{max(1, round(seconds))}s", "-s", script.name,
                                        f"http://127.0.0.1:{port}/health")
        if "errors" in output or "Non-2xx" in output:
            raise Failure("wrk: " + output)
        return int(re.search(r"(\d+) requests in", output).group(1)) / (own + in_kernel) / 1e6

    def check(self):
        """Cost of the content check, in turns, by the generator's own time."""
        costs = []
        for _ in range(self.options.rounds):
            with self.hold, self.server(OURS, "tcp-echo") as server:
                full, none = (per_core(self.load(server.port, self.options.seconds, *DEEP, "--check", how))
                              for how in ("full", "none"))
            costs.append(1 - full / none)
        return [line("content check: less rate of a whole core than with `--check none`",
                     f"{100 * median(costs):.1f} % ({100 * min(costs):.1f} - {100 * max(costs):.1f})", "<= 10 %",
                     median(costs) <= 0.1, costs=costs)]

    def rate(self):
        lines = []
        with self.server(OURS, "tcp-echo") as server:
            if self.closed_loop_rate is None:
                with self.hold:
                    self.closed_loop_rate = self.load(server.port, self.options.seconds, *DEEP)["summary"]["rate_per_s"]
            for part in (10, 50, 90):
                asked = round(self.closed_loop_rate * part / 100)
                run = self.load_quietly(server.port, self.lengths.rate_s, *FIFTY, "-R", str(asked))
                off = run["totals"]["requests"] / run["totals"]["elapsed_s"] / asked - 1
                delays = run["send_delay"]["percentiles"]
                noise = f"{100 * waited(run):.2g} % of the time another program had the core"
                lines.append(line(f"rate: {asked / 1e6:.3g} M/s for {self.lengths.rate_s:g} s, {part} % of the closed loop's",
                                  f"{100 * off:+.4f} %", "within 0.1 %", abs(off) <= 0.001, waited=waited(run)))
                if part == 50:
                    lines.append(line("... sent late by, p50 / p95 / p99",
                                      " / ".join(f"{delays[p] / 1e3:.3g}" for p in ("50", "95", "99")) + f" us; {noise}",
                                      "p99 <= 50 us", delays["99"] <= 50e3, delays=delays))
        return lines

    def tail(self):
        """A stall in each second."""
        with self.server(OURS, "tcp-echo") as server, Stalls(server.pid) as stalls:
            with self.hold:
                run = self.load(server.port, self.lengths.stalls_s, *FIFTY, "-R", "10000")
            with self.hold:
                closed = self.load(server.port, self.lengths.closed_loop_s, *FIFTY)
        lines = []
        for name, goal in (("95", 50), ("99", 90), ("99.9", 99)):
            got = run["latency"]["percentiles"][name] / 1e6
            lines.append(line(f"stalls of {1e3 * median(stalls.lengths):.4g} ms every second, 10,000/s: p{name}", f"{got:.4g} ms",
                              f"{goal} ms within 3 %", abs(got / goal - 1) <= 0.03))
        closed_p99 = closed["latency"]["percentiles"]["99"] / 1e6
        lines[1]["figure"] += f" (closed loop: {closed_p99:.3g} ms)"
        return lines

    def histogram(self):
        with self.hold:
            output, *_ = self.run_peer(self.histogram_bench, "--benchmark_filter=^Record$", "--benchmark_format=json",
                                       *self.lengths.histogram)
        found = json.loads(output[output.index("{"):])["benchmarks"]
        nanos = next(b["real_time"] for b in found if b.get("aggregate_name") == "median")
        return [line("histogram: recording a latency", f"{nanos:.3g} ns", "<= 10 ns", nanos <= 10)]

    def idle(self):
        """Many connections where a process may have little more files."""
        (few, many), files = self.lengths.connections, self.lengths.files
        memory = {}
        with self.server(OURS, "tcp-echo") as server:
            for count in (few, many):
                command = self.load_command(server.port, "-c", str(count), "--source", SOURCES, "-R", "1", "-w", "0",
                                            "-d", "1h")
                with self.child(["prlimit", f"--nofile={files}:{files}", *command],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
                    first = child.stderr.readline()
                    if not first.startswith("1s:"):
                        raise Failure(first.strip())
                    memory[count] = resident_bytes(child.pid)
                    child.send_signal(signal.SIGINT)
                    if child.wait(timeout=60) != 0:
                        raise Failure("the idle run failed: " + child.stderr.read().strip())
        each = (memory[many] - memory[few]) / (many - few)
        return [line(f"{many:,} connections with {files:,} files, from 8 addresses: growth of VmRSS",
                     f"{each:.0f} B each", "<= 1 KiB", each <= 1024)]


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(row.split()[1]) * 1024 for row in file if row.startswith("VmRSS:"))


ROWS = {"power": Measurement.power, "check": Measurement.check, "rate": Measurement.rate, "tail": Measurement.tail,
        "histogram": Measurement.histogram, "idle": Measurement.idle}
