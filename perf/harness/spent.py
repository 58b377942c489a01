"""What a server and its core spend while somebody loads it: sampled beside the run, and cut afterwards to the window that the
generator measured."""

import os
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass

PERIOD_S = 0.1


@dataclass(frozen=True)
class Sample:
    """Sums since the beginning of the process and of the core."""
    at_ns: int         # CLOCK_MONOTONIC.
    process_ns: float  # Time on a CPU, all threads (schedstat, exact) ...
    waited_ns: float   # ... and ready while another program had the CPU.
    busy_ticks: float  # The core, whoever ran on it, interrupts included (/proc/stat, ticks of 10 ms) ...
    all_ticks: float   # ... and whether or not anybody did.


def read_process(pid):
    ran = waited = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                numbers = file.read().split()
        except OSError:
            continue  # The thread has just ended.
        ran += int(numbers[0])
        waited += int(numbers[1])
    return ran, waited


def read_core(cpu):
    with open("/proc/stat") as file:
        for line in file:
            if line.startswith(f"cpu{cpu} "):
                # user nice system idle iowait irq softirq steal; guest times are inside user.
                ticks = [int(word) for word in line.split()[1:9]]
                return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    raise ValueError(f"/proc/stat has no CPU {cpu}")


def take_sample(pid, cpu):
    return Sample(time.monotonic_ns(), *read_process(pid), *read_core(cpu))


def at(samples, when_ns):
    """The sums at a time between two samples; between them everything is taken to be even."""
    behind = min(max(bisect_left([sample.at_ns for sample in samples], when_ns), 1), len(samples) - 1)
    before, after = samples[behind - 1], samples[behind]
    part = (when_ns - before.at_ns) / (after.at_ns - before.at_ns)
    return Sample(when_ns, *(getattr(before, name) + part * (getattr(after, name) - getattr(before, name))
                             for name in ("process_ns", "waited_ns", "busy_ticks", "all_ticks")))


def between(samples, begin_ns, end_ns, messages):
    """The fields of a report that tell of the server."""
    begin, end = at(samples, begin_ns), at(samples, end_ns)
    elapsed = end_ns - begin_ns
    ran = end.process_ns - begin.process_ns
    busy = (end.busy_ticks - begin.busy_ticks) / (end.all_ticks - begin.all_ticks)
    report = {"server_waited": (end.waited_ns - begin.waited_ns) / elapsed,
              "server_process_busy": ran / elapsed,
              "server_core_busy": busy}
    if messages:
        report["server_process_ns_per_message"] = ran / messages
        report["server_core_ns_per_message"] = busy * elapsed / messages
    return report


class Spent:
    """`with Spent(pid, cpu) as spent:` around a run; then `spent.between(...)` as above."""

    def __init__(self, pid, cpu):
        self.pid = pid
        self.cpu = cpu
        self.samples = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.sample_all)

    def __enter__(self):
        self.samples.append(take_sample(self.pid, self.cpu))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def sample_all(self):
        try:
            while not self.ended.wait(PERIOD_S):
                self.samples.append(take_sample(self.pid, self.cpu))
            self.samples.append(take_sample(self.pid, self.cpu))
        except OSError:
            return  # The server has ended, which the run fails of by itself.

    def between(self, begin_ns, end_ns, messages):
        return between(self.samples, begin_ns, end_ns, messages)
