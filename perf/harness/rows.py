"""The service rows of the table: what runs, what is compared, what must be reached."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    name: str           # For --rows.
    what: str           # As the table prints it.
    service: str        # orders or chat.
    client: tuple       # The client's scenario and its arguments.
    metric: str         # The field of the client's report.
    unit: str
    scale: float        # Divides the metric into the unit.
    lower_is_better: bool
    at_least: float     # The ratio ours / peer that must be reached ...
    aim: float          # ... and the one that is aimed at.
    floor: object = field(repr=False, default=None)  # From the floors, in the metric's own unit; None if there is none.


def one_send_per(messages, send):
    """The rate of a server core that does nothing but loopback sends, each of which carries so many messages."""
    return lambda floors: messages / (floors[send] / 1e9)


def service_row(name, what, service, client, at_least, aim, floor):
    return Row(name, what, service, client, "rate", "M/s", 1e6, False, at_least, aim, floor)


SERVICE_ROWS = [
    Row("get-latency", "orders `GET`, 1 connection, depth 1, p50", "orders",
        ("orders-get", "--connections", "1", "--depth", "1"), "p50_ns", "us", 1e3, True, 0.45, 0.35,
        lambda floors: floors["round_trip_spinning_ns"]),
    service_row("get-rate", "orders `GET`, 50 connections, 64 in flight", "orders",
                ("orders-get", "--connections", "50", "--depth", "64"), 40, 55, one_send_per(64, "send_16_ns")),
    service_row("batch", "orders, 15 `BUY` + `GET`, 10 connections, 16 batches in flight", "orders",
                ("orders-batch", "--connections", "10", "--depth", "16"), 10, 20, one_send_per(256, "send_16_ns")),
    service_row("chat-16", "chat, 1 sender, 16 listeners, 256 in flight", "chat",
                ("chat", "--connections", "16", "--depth", "256"), 3.3, 5, one_send_per(256, "send_256_ns")),
    service_row("chat-100", "chat, 1 sender, 100 listeners, 64 in flight", "chat",
                ("chat", "--connections", "100", "--depth", "64"), 1.9, 2.2, one_send_per(64, "send_64_ns")),
    service_row("chat-1000", "chat, 1 sender, 1000 listeners, 16 in flight", "chat",
                ("chat", "--connections", "1000", "--depth", "16"), 1.7, 1.9, one_send_per(16, "send_16_ns")),
]

IDLE_NAME = "idle"
IDLE_CONNECTIONS = 10_000
IDLE_BYTES_MAX = 2048
IDLE_BYTES_AIM = 1024
IDLE_BUSY_MAX = 0.01
