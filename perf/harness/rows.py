"""The service rows of the table: what runs, what is compared, what must be reached."""

from dataclasses import dataclass, field

from harness import book, drip, programs
from harness.generators import Client, Load

OURS = programs.OURS
TOKIO = (programs.TOKIO,)
# Whether it had better splice is the run's to find out: a line is judged against the best of its peers.
HAPROXY = (programs.HAPROXY, programs.HAPROXY_SPLICE)
NGINX = (programs.NGINX,)


@dataclass(frozen=True)
class Goal:
    """A line of the table: one figure of a row's runs."""
    name: str
    what: str              # As the table prints it.
    metric: str            # The field of the client's report.
    unit: str
    scale: float           # Divides the metric into the unit.
    lower_is_better: bool
    at_least: object       # The ratio ours / peer that must be reached, None if there is nothing to be reached ...
    aim: object            # ... and the one that is aimed at.
    floor: object = field(repr=False, default=None)  # From the floors, in the metric's own unit; None if there is none.
    peers: tuple = ()      # Against the best of these; if empty, of all of the row's.


@dataclass(frozen=True)
class StandIn:
    """What is run for a peer that is not here: its rate is known as a share of that of something that is. Both had their
    core to themselves, so their times per message are to each other as their rates are."""
    program: str
    service: str
    generator: object
    share: float

    def scaled(self, report):
        times = ("server_process_ns_per_message", "server_core_ns_per_message")
        return report | {"rate": report["rate"] * self.share} | {time: report[time] / self.share for time in times}


@dataclass(frozen=True)
class Row:
    """Runs of one scenario against ours and each peer in turns."""
    name: str      # For --rows.
    service: str   # In the words of programs.py.
    generator: object  # See generators.py.
    peers: tuple
    goals: tuple
    stand_ins: dict = field(default_factory=dict)  # By peer.

    @property
    def is_rate(self):
        return self.goals[0].metric == "rate"


def one_send_per(messages, send):
    """The rate of a server core that does nothing but loopback sends, each of which carries so many messages."""
    return lambda floors: messages / (floors[send] / 1e9)


def spinning_round_trip(floors):
    return floors["round_trip_spinning_ns"]


def rate_row(name, what, service, generator, at_least, aim, floor, peers=TOKIO):
    return Row(name, service, generator, peers,
               (Goal(name, what, "rate", "M/s", 1e6, False, at_least, aim, floor),))


def bytes_goal(name, what, message_bytes, at_least, aim, peers=()):
    return Goal(name, what, "rate", "GB/s", 1e9 / message_bytes, False, at_least, aim, None, peers)


def relay_latency_goal(name, at_least, aim, peer):
    return Goal(name, "relay 64 B, depth 1, added to p50", "added_p50_ns", "us", 1e3, True, at_least, aim, None, (peer,))


def latency_row(name, what, service, generator, at_least=None, aim=None):
    return Row(name, service, generator, TOKIO,
               (Goal(name, what, "p50_ns", "us", 1e3, True, at_least, aim, spinning_round_trip),))


def latency_rows(name, what, service, client, generator, at_least, aim):
    """With the bare client, and without goals with ringpost-load: it adds about a microsecond of its own to either side."""
    return [latency_row(name, what, service, client, at_least, aim),
            latency_row(f"{name}-load", f"{what}, by `ringpost-load`", service, generator)]


def load(scheme, connections, in_flight, *more, **rest):
    return Load(scheme, ("--connections", str(connections), "--pipeline", str(in_flight), *more), **rest)


def get(connections, in_flight):
    return load("orders", connections, in_flight, "--mix", "get:1", checks=book.one_ticker)


def batches(connections, in_flight):
    batch = book.BUYS_PER_BATCH + 1
    return load("orders", connections, in_flight * batch, "--mix", f"buy:{book.BUYS_PER_BATCH},get:1",
                checks=book.every_purchase, of_ours=("--own-buys",))


def chat(listeners, in_flight):
    """One sender, whose lines are in flight until every listener has them."""
    return load("chat", 1 + listeners, in_flight, "--size", "64")


def echo(scheme, connections, in_flight, size=64):
    return load(scheme, connections, in_flight, "--size", str(size))


ORDERS_AND_CHAT = [
    *latency_rows("get-latency", "orders `GET`, 1 connection, depth 1, p50", "orders",
                  Client("get-round-trips", checks=book.one_ticker), get(1, 1), 0.45, 0.35),
    rate_row("get-rate", "orders `GET`, 50 connections, 64 in flight", "orders",
             get(50, 64), 40, 55, one_send_per(64, "send_16_ns")),
    rate_row("batch", "orders, 15 `BUY` + `GET`, 10 connections, 16 batches in flight", "orders",
             batches(10, 16), 10, 20, one_send_per(256, "send_16_ns")),
    rate_row("chat-16", "chat, 1 sender, 16 listeners, 256 in flight", "chat",
             chat(16, 256), 3.3, 5, one_send_per(256, "send_256_ns")),
    rate_row("chat-100", "chat, 1 sender, 100 listeners, 64 in flight", "chat",
             chat(100, 64), 1.9, 2.2, one_send_per(64, "send_64_ns")),
    rate_row("chat-1000", "chat, 1 sender, 1000 listeners, 16 in flight", "chat",
             chat(1000, 16), 1.7, 1.9, one_send_per(16, "send_16_ns")),
]

ECHO_500 = "raw echo 64 B, 500 connections, depth 1"
RELAY = "relay, 64 KiB writes, one direction"

BYTES = [
    rate_row("framed-echo", "framed echo 64 B, 50 connections, 64 in flight", "echo",
             echo("frames", 50, 64), 45, 70, one_send_per(64, "send_64_ns")),
    rate_row("raw-echo", "raw echo 64 B, 50 connections, 64 in flight", "tcp-echo",
             echo("tcp", 50, 64), 1.0, 1.15, one_send_per(64, "send_64_ns")),
    rate_row("raw-echo-50", "raw echo 64 B, 50 connections, depth 1", "tcp-echo",
             echo("tcp", 50, 1), 1.0, 1.15, one_send_per(1, "send_1_ns")),
    Row("raw-echo-500", "tcp-echo", echo("tcp", 500, 1), TOKIO, (
        Goal("raw-echo-500", ECHO_500, "rate", "M/s", 1e6, False, 1.0, 1.15, one_send_per(1, "send_1_ns")),
        Goal("raw-echo-500-p99", f"{ECHO_500}, p99", "p99_ns", "us", 1e3, True, 0.1, 0.1),
    )),
    *latency_rows("raw-echo-latency", "raw echo 64 B, 1 connection, depth 1, p50", "tcp-echo",
                  Client("echo-round-trips"), echo("tcp", 1, 1), 0.45, 0.33),
    Row("framed-echo-1m", "echo", echo("frames", 4, 1, 1 << 20), TOKIO, (
        bytes_goal("framed-echo-1m", "framed echo, 1 MiB frames, 4 connections", 1 << 20, 1.2, 1.5),
    )),
    # Beside haproxy as it comes, and without goals: haproxy told to have buffers like ours, or to poll as we do.
    Row("relay", "relay", Client("relay-stream"), (*HAPROXY, programs.HAPROXY_LARGE), (
        bytes_goal("relay", RELAY, 1 << 16, 1.2, 2, HAPROXY),
        bytes_goal("relay-large", RELAY, 1 << 16, None, None, (programs.HAPROXY_LARGE,)),
    )),
    Row("relay-latency", "relay", Client("relay-latency"), (programs.HAPROXY, programs.HAPROXY_POLLING), (
        relay_latency_goal("relay-latency", 0.7, 0.5, programs.HAPROXY),
        relay_latency_goal("relay-latency-polling", None, None, programs.HAPROXY_POLLING),
    )),
]

def health(connections, in_flight):
    return load("http", connections, in_flight, resource="/health")


WEB = [
    rate_row("health", "`GET /health`, 64 connections, depth 1", "http",
             health(64, 1), 1.1, 1.4, one_send_per(1, "send_1_ns"), NGINX),
    rate_row("health-pipelined", "`GET /health`, 64 connections, 16 in flight", "http",
             health(64, 16), 6, 12, one_send_per(16, "send_16_ns"), NGINX),
]

AXUM = "axum"


def publish_row(subscribers, in_flight, axum_share, at_least, aim):
    """One HTTP connection publishes; a delivery is a message at a subscriber. axum 0.7 is not among Debian's packages: what it
    did, doing the same work, is known beside what tokio's raw echo did on the same machine."""
    name = f"publish-{subscribers}"
    return Row(name, "http", load("ws", 1 + subscribers, in_flight, "--size", "64"), (AXUM,),
               (Goal(name, f"publish to {subscribers} subscribers, 64 B, {in_flight} in flight", "rate", "M/s", 1e6, False,
                     at_least, aim, one_send_per(in_flight, f"send_{in_flight}_ns")),),
               {AXUM: StandIn(programs.TOKIO, "tcp-echo", echo("tcp", 50, 64), axum_share)})


WEB += [publish_row(16, 64, 1.31 / 9.3, 6, 9), publish_row(100, 64, 2.22 / 9.3, 5, 7)]

ELSEWHERE = "beside as many elsewhere"


def slowloris_row():
    """One client's round trips beside thousands of slow connections of the same server, and beside as many of another, so that
    what these cost the generator's core is in both."""
    def one_client(slow):
        return load("http", 1, 1, resource="/health", checks=slow)
    return Row("slowloris", "http", one_client(drip.into_server), (ELSEWHERE,),
               (Goal("slowloris", f"`GET /health`, 1 connection, beside {drip.CONNECTIONS:,} that send a byte a second, p99",
                     "p99_ns", "us", 1e3, True, 2.0, 1.2),),
               {ELSEWHERE: StandIn(OURS, "http", one_client(drip.into_sink), 1)})


WEB.append(slowloris_row())

SERVICE_ROWS = ORDERS_AND_CHAT + BYTES + WEB

IDLE_NAME = "idle"
IDLE_CONNECTIONS = 10_000
IDLE_BYTES_MAX = 2048
IDLE_BYTES_AIM = 1024
IDLE_BUSY_MAX = 0.01
