"""What must hold of the order book around a run, beside what the generator checks of every reply."""

import contextlib
import socket
import time

from harness.servers import Failure

PURCHASE = b"BUY;8.0;BYND\n"
STATE = b"BYND:8;\n"
BUYS_PER_BATCH = 15
TICKERS = 5
# Above it binary32 cannot add 1.
EXACT_MAX = 1 << 24
PATIENCE_S = 10


class Book:
    """A connection that asks."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.lines = self.socket.makefile("rb")

    def close(self):
        self.lines.close()
        self.socket.close()

    def buy(self):
        self.socket.sendall(PURCHASE)

    def state(self):
        self.socket.sendall(b"GET\n")
        return self.lines.readline()

    def await_state(self, wanted):
        """A BUY is silent, and the tutorial's server may answer a GET before the BUY in front of it (OB-15)."""
        deadline = time.monotonic() + PATIENCE_S
        while (state := self.state()) != wanted and not (callable(wanted) and wanted(state)):
            if time.monotonic() > deadline:
                raise Failure(f"the book lost or invented purchases; in the end it was {state.decode(errors='replace').strip()}")


@contextlib.contextmanager
def untouched(_server):
    yield lambda report: None


@contextlib.contextmanager
def one_ticker(server):
    """Every GET of the run is answered with the same known line."""
    with contextlib.closing(Book(server.port)) as book:
        book.buy()
        book.await_state(STATE)
        yield lambda report: book.await_state(STATE)


@contextlib.contextmanager
def every_purchase(server):
    """Amounts are 1, so that sums are exact, and a batch buys of every ticker as often."""
    with contextlib.closing(Book(server.port)) as book:
        yield lambda report: book.await_state(lambda state: holds(state, report["requests"]))


def holds(state, requests):
    batches, rest = divmod(requests, BUYS_PER_BATCH + 1)
    if rest:
        raise Failure(f"{requests} requests are no whole batches")
    expected = min(EXACT_MAX, batches * BUYS_PER_BATCH // TICKERS)
    amounts = [float(entry.partition(b":")[2]) for entry in state.strip().split(b";") if entry]
    return amounts == [expected] * TICKERS
