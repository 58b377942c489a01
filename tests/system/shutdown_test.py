"""How the daemon ends, and its connections: SIGTERM under load, the second signal, --drain-timeout,
goodbyes that lose nothing (X4), and peers that reset (X8)."""

import contextlib
import signal
import socket

from chat_flow import Talk
from harness import SANITIZED, Daemon, Flow, SystemTest, expand, for_each_shard_count, main, pump, wait_for

BOOK_SHARD = 0
SERVING = (0, 1)
TICKERS = 1500  # of 64 bytes, so that a state line has about 100 KiB
NEVER = ("--drain-timeout", "1h", "--linger-timeout", "1h")
LONG_INPUT = b"x" * 200_000


def fill_book(daemon):
    """Returns the state line."""
    client = daemon.orders()
    client.send(b"".join(b"BUY;1e-40;%064d\n" % i for i in range(TICKERS)))
    return client.ask(b"GET\n")


def receive_states(client, state, count):
    """`state` that many times, and nothing else; compared as it comes."""
    seen = 0

    def compare(data):
        nonlocal seen
        while data and seen < count * len(state):
            at = seen % len(state)
            piece = bytes(data[: len(state) - at])
            if piece != state[at : at + len(piece)]:
                raise AssertionError(f"another answer at byte {seen}")
            seen += len(piece)
            data = data[len(piece) :]
        client.received += data

    pump([flow := Flow(client, on_data=compare)], lambda: flow.ended or seen == count * len(state))
    if seen != count * len(state):
        raise AssertionError(f"the stream ended after {seen} bytes")


def send_unread(daemon, client, request, waiting, state):
    """Sends GETs for more than the sockets hold, and does not read, so that the daemon stops parsing;
    behind them in the same segment `request`, which it has then received and not parsed; and then
    `waiting`, which it does not even receive. Returns how many GETs."""
    gets = 400
    before = daemon.report()
    client.send(b"GET\n" * gets + request)
    received = before.total("traffic.received_bytes") + 4 * gets + len(request)
    report = daemon.wait_for_report(
        "the requests to be received and the output to be full",
        lambda r: r.total("traffic.received_bytes") == received
        and r.total("limits.output_high") > before.total("limits.output_high")
        and r.total("limits.input_cancelled") > before.total("limits.input_cancelled"),
    )
    assert report.total("traffic.requests") - before.total("traffic.requests") < gets
    assert gets * len(state) > 32 << 20
    client.send(waiting)
    assert daemon.report().total("traffic.received_bytes") == received
    return gets


def end(daemon):
    """Its last counters, once its clients are gone; it was told to end before."""
    daemon.close_clients()
    daemon.check_end()
    return daemon.last_report


class Requests:
    """One client with some requests always under way. Counts the answers, which must be those to its
    requests in their order."""

    ROUND = b"GET\nSELL\nBUY\n"
    ANSWERS = b"\nERR unknown command\nERR missing field\n"
    WINDOW = 100  # rounds that are not answered yet

    def __init__(self, client):
        self.flow = Flow(client, self.ROUND * self.WINDOW, self.on_data)
        self.answered_bytes = 0
        self.ended = False

    def on_data(self, data):
        at = self.answered_bytes % len(self.ANSWERS)
        rounds = (at + len(data)) // len(self.ANSWERS)
        expected = (self.ANSWERS * (rounds + 1))[at : at + len(data)]
        if data != expected:
            raise AssertionError(f"received {bytes(data)!r}, not {expected!r}")
        self.answered_bytes += len(data)
        self.flow.say(self.ROUND * rounds)

    def answers(self):
        """How many whole ones, the last of which ends the stream."""
        rounds, rest = divmod(self.answered_bytes, len(self.ANSWERS))
        ends = [0]
        for line in self.ANSWERS.splitlines(keepends=True)[:-1]:
            ends.append(ends[-1] + len(line))
        return 3 * rounds + ends.index(rest)

    def close_when_ended(self):
        if self.flow.ended and not self.ended:
            self.ended = True
            self.flow.output = memoryview(b"")
            self.flow.client.half_close()
        return self.ended


@expand
class UnderLoad(SystemTest):
    VOLUME = 3_000 if SANITIZED else 30_000

    @for_each_shard_count
    def test_orders_answers_what_it_took(self, shards):
        """SIGTERM into a stream of requests. Every client gets the answers to a beginning of its
        requests, whole, then the end of the stream; and as many answers leave as requests were
        counted."""
        with Daemon(*NEVER, shards=shards) as daemon:
            clients = [Requests(daemon.orders()) for _ in range(4 * shards)]
            # A connection that was not accepted goes with its listener, by a reset.
            daemon.wait_for_total("opened", len(clients))
            told = False

            def done():
                nonlocal told
                if not told and sum(c.answered_bytes for c in clients) > 20 * self.VOLUME:
                    told = True
                    daemon.terminate()
                return all([client.close_when_ended() for client in clients])

            pump([client.flow for client in clients], done)
            daemon.check_end()
            report = daemon.last_report
            answers = sum(client.answers() for client in clients)
            self.assertEqual(report.total("traffic.requests"), answers)
            self.assertGreater(answers, self.VOLUME)
            self.assertEqual(report.total("closed.drain"), len(clients))
            self.assert_all_shards_took_part(report, carried_by=[0])

    @for_each_shard_count
    def test_chat_delivers_what_it_took(self, shards):
        """SIGTERM into a talk. All members have then heard the same: every line that was counted, in
        one order, but for their own ones; then the end of the stream."""
        with Daemon(*NEVER, shards=shards) as daemon:
            speakers = [f"speaker {i}" for i in range(2 * shards)]
            listeners = [f"listener {i}" for i in range(2 * shards)]
            members = daemon.join_chat(*speakers, *listeners)
            said_before = daemon.report().total("traffic.requests")
            names = [name.encode() for name in speakers]
            talk = Talk(names, members[: len(names)], members[len(names) :])
            told = False

            def done():
                nonlocal told
                talk.go_on()
                if not told and talk.lines_heard() > self.VOLUME:
                    told = True
                    daemon.terminate()
                return talk.ended()

            pump(talk.flows, done)
            daemon.check_end()
            report = daemon.last_report
            self.assertEqual(report.total("closed.drain"), len(members))
            total = bytes(talk.heard[talk.first_listener])
            lines = total.splitlines(keepends=True)
            self.assertEqual(len(lines), report.total("traffic.requests") - said_before)
            self.assert_all_heard(talk, lines)
            self.assert_all_shards_took_part(report, carried_by=[shards - 1])

    def assert_all_heard(self, talk, lines):
        counts = dict.fromkeys(talk.names, 0)
        for line in lines:
            name, said = line.split(b": ")
            self.assertEqual(said, b"line %d\r\n" % counts[name])
            counts[name] += 1
        for at, heard in enumerate(talk.heard):
            own = talk.names[at] + b":" if at < len(talk.names) else b"nobody"
            expected = b"".join(line for line in lines if not line.startswith(own))
            self.assertTrue(heard == expected, f"member {at} heard something else")

    def test_requests_that_were_received(self):
        """They waited for room when the signal came, and are answered nevertheless, errors too; half a
        request is not one."""
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(*NEVER, shards=2) as daemon:
                state = fill_book(daemon)
                client = daemon.place("orders", serving)
                gets = send_unread(daemon, client, b"SELL\nGE", b"", state)
                daemon.terminate()
                daemon.wait_for_event("draining")
                receive_states(client, state, gets)
                client.expect(b"ERR unknown command\n")
                client.expect_end()
                end(daemon)

    def test_nobody_is_accepted_any_more(self):
        """While a client holds up the drain; who is connected is served to the end."""
        with Daemon(*NEVER, shards=2) as daemon:
            state = fill_book(daemon)
            holder = daemon.place("orders", BOOK_SHARD)
            gets = send_unread(daemon, holder, b"", b"", state)
            daemon.terminate()
            for service in ("orders", "chat"):
                wait_for("its listener to be closed", lambda: refuses(daemon, service))
            receive_states(holder, state, gets)
            holder.expect_end()
            end(daemon)


def refuses(daemon, service):
    with socket.socket() as stranger:
        try:
            stranger.connect(daemon.addresses[service])
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it was in the queue when the listener closed
    return False


class Ends(SystemTest):
    """What ends a drain that peers hold up: each of these would last for an hour without it."""

    def held_up(self, daemon, serving):
        """A client that does not read."""
        state = fill_book(daemon)
        client = daemon.place("orders", serving)
        send_unread(daemon, client, b"", LONG_INPUT, state)
        return client

    def test_second_signal(self):
        for serving in SERVING:
            for first, second in (
                (signal.SIGTERM, signal.SIGTERM),
                (signal.SIGTERM, signal.SIGINT),
                (signal.SIGINT, signal.SIGINT),
            ):
                with self.subTest(serving=serving, first=first.name, second=second.name):
                    with Daemon(*NEVER, shards=2) as daemon:
                        self.held_up(daemon, serving)
                        daemon.terminate(first)
                        daemon.wait_for_event("draining", signal=first.name)
                        self.assertIsNone(daemon.event("stopping at once"))
                        daemon.terminate(second)
                        daemon.wait_for_event("stopping at once", signal=second.name)
                        daemon.check_end()
                        self.assertIsNotNone(daemon.event("stopped"))
                        self.assert_dropped_in_drain(daemon.last_report)

    def assert_dropped_in_drain(self, report):
        self.assertEqual(report.total("closed.drain"), report.total("opened"))

    def test_drain_timeout(self):
        for timeout in ("0s", "100ms"):
            for serving in SERVING:
                options = ("--drain-timeout", timeout, "--linger-timeout", "1h")
                with self.subTest(timeout, serving=serving), Daemon(*options, shards=2) as daemon:
                    self.held_up(daemon, serving)
                    daemon.terminate()
                    daemon.check_end()
                    self.assertIsNone(daemon.event("stopping at once"))
                    self.assert_dropped_in_drain(daemon.last_report)

    def test_linger_timeout_of_who_does_not_read(self):
        """All that it asked is answered, and the answers wait for it."""
        options = ("--drain-timeout", "1h", "--linger-timeout", "100ms")
        for serving in SERVING:
            with self.subTest(serving=serving):
                with Daemon(*options, "--output-high-bytes", "1GiB", shards=2) as daemon:
                    fill_book(daemon)
                    client = daemon.place("orders", serving)
                    requests = daemon.report().total("traffic.requests")
                    client.send(b"GET\n" * 400)
                    daemon.wait_for_total("traffic.requests", requests + 400)
                    daemon.terminate()
                    daemon.check_end()
                    report = daemon.last_report
                    self.assertEqual(report.total("closed.linger_timeout"), 1)
                    self.assertEqual(report.total("closed.drain"), report.total("opened") - 1)

    def test_linger_timeout_of_who_does_not_close(self):
        """It has had everything, and the daemon has it on its books for no longer than that."""
        options = ("--drain-timeout", "1h", "--linger-timeout", "100ms")
        with Daemon(*options, shards=2) as daemon:
            clients = daemon.orders_crowd(8)
            daemon.terminate()
            for client in clients:
                client.expect_end()
            daemon.check_end()
            self.assertEqual(daemon.last_report.total("closed.drain"), 8)

    def test_linger_bytes_max(self):
        """Who sends on and on is not listened to for ever."""
        for serving in SERVING:
            options = (*NEVER, "--linger-bytes-max", "64KiB")
            with self.subTest(serving=serving), Daemon(*options, shards=2) as daemon:
                client = daemon.place("orders", serving)
                for other in [c for c in daemon.clients if c is not client]:
                    other.close()
                daemon.wait_for_total("open", 1)
                daemon.terminate()
                client.expect_end()
                client.socket.setblocking(False)
                wait_for("the daemon to end", lambda: self.sends_on(client, daemon))
                daemon.check_end()
                report = daemon.last_report
                self.assertEqual(report.total("closed.drain"), 1)
                self.assertGreater(report.total("traffic.received_bytes"), 64 << 10)

    def sends_on(self, client, daemon):
        """As much as there is room for. Returns whether the daemon is gone."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            client.send(LONG_INPUT)
        return daemon.process.poll() is not None


class Goodbyes(SystemTest):
    """X4: what was said reaches the peer, though the daemon has not read all that the peer sent."""

    def test_error_before_much_input(self):
        """All of it read: the end of the stream comes when the peer's has come."""
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                client = daemon.place("orders", serving)
                client.send(b"SELL;1;A\n" + LONG_INPUT)
                client.expect(b"ERR unknown command\n")
                client.half_close()
                self.assertEqual(client.receive_rest(), b"ERR line too long\n")
                report = daemon.wait_for_report("it to be closed", lambda r: closed_sum(r) == 1)
                self.assertEqual(report.total("closed.peer_closed"), 1)

    def test_error_before_unread_input(self):
        """None of it read: it lies in the daemon's socket when that has to say goodbye."""
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(*NEVER, shards=2) as daemon:
                state = fill_book(daemon)
                client = daemon.place("orders", serving)
                gets = send_unread(daemon, client, b"SELL;1;A\n", LONG_INPUT, state)
                daemon.terminate()
                daemon.wait_for_event("draining")
                receive_states(client, state, gets)
                client.expect(b"ERR unknown command\n")
                client.expect_end()
                report = end(daemon)
                self.assertEqual(report.total("closed.drain"), report.total("opened"))
                self.assertEqual(report.total("closed.reset"), 0)

    def test_input_in_small_pieces(self):
        """The signal comes while there is always more to read than one look at the socket gives."""
        small = ("--receive-buffers", "2", "--receive-buffer-bytes", "64")
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(*NEVER, *small, shards=2) as daemon:
                client = daemon.place("orders", serving)
                daemon.process.send_signal(signal.SIGSTOP)
                client.send(b"SELL;1;A\n" + LONG_INPUT)
                daemon.terminate()
                daemon.process.send_signal(signal.SIGCONT)
                told = client.receive_rest().splitlines()
                report = end(daemon)
                errors = [b"ERR unknown command", b"ERR line too long"]
                self.assertEqual(told, errors[: report.total("traffic.requests")])
                self.assertEqual(report.total("closed.reset"), 0)


def closed_sum(report):
    return sum(sum(shard["closed"].values()) for shard in report.shards)


class Resets(SystemTest):
    """X8: a peer that resets ends its own connection, whatever that was doing, and is counted."""

    def states(self, daemon):
        """Of an order book's client: name, and what brings it there."""
        state = fill_book(daemon)

        def half_line(client):
            received = daemon.report().total("traffic.received_bytes")
            client.send(b"BUY;1;")
            daemon.wait_for_total("traffic.received_bytes", received + 6)

        def half_an_answer(client):
            client.send(b"GET\n")
            client.receive(len(state) // 2)

        return {
            "just connected": lambda client: None,
            "mid-line": half_line,
            "served": lambda client: client.ask(b"GET\n"),
            "half an answer": half_an_answer,
            "answers outstanding": lambda client: send_unread(daemon, client, b"", b"", state),
            "input outstanding": lambda client: send_unread(daemon, client, b"", LONG_INPUT, state),
            "half-closed, answers outstanding": lambda client: (
                send_unread(daemon, client, b"", b"", state),
                client.half_close(),
            ),
        }

    def test_orders(self):
        for serving in SERVING:
            with Daemon(shards=2) as daemon:
                states = self.states(daemon)
                stays = [daemon.place("orders", shard) for shard in SERVING]
                for name, bring in states.items():
                    with self.subTest(name, serving=serving):
                        self.reset_in(daemon, serving, bring, stays)

    def reset_in(self, daemon, serving, bring, stays):
        client = daemon.place("orders", serving)
        before = daemon.report()
        bring(client)
        client.reset()
        report = daemon.wait_for_total("open", before.total("open") - 1)
        self.assertEqual(report.total("closed.reset"), before.total("closed.reset") + 1)
        self.assertEqual(closed_sum(report), closed_sum(before) + 1)
        for other in stays:
            self.assertEqual(other.ask(b"SELL\n"), b"ERR unknown command\n")

    def test_orders_while_draining(self):
        """While its answers wait, and while its end of the stream is waited for."""
        for serving in SERVING:
            for reads in (False, True):
                with self.subTest(serving=serving, reads=reads):
                    with Daemon(*NEVER, shards=2) as daemon:
                        state = fill_book(daemon)
                        client = daemon.place("orders", serving)
                        gets = send_unread(daemon, client, b"", b"", state)
                        daemon.terminate()
                        daemon.wait_for_event("draining")
                        if reads:
                            receive_states(client, state, gets)
                            client.expect_end()
                        client.reset()
                        report = end(daemon)
                        self.assertEqual(report.total("closed.reset"), 1)
                        self.assertEqual(closed_sum(report), report.total("opened"))

    def test_chat_members_who_are_being_told(self):
        """They reset one by one, in the midst of what is said to them. The others hear all of it."""
        leavers, lines_between = 12, 500
        for serving in SERVING:
            with self.subTest(serving=serving), Daemon(shards=2) as daemon:
                places = [serving, *SERVING]
                alice, near, far = daemon.join_chat("alice", "near", "far", shards=places)
                leaving = daemon.join_chat(*(f"leaver {i}" for i in range(leavers)))
                before = daemon.report()
                talk = Talk([b"alice"], [alice], [near, far])
                for i, client in enumerate(leaving):

                    def heard_more(goal=(i + 1) * lines_between):
                        talk.go_on()
                        return talk.lines_heard() >= goal

                    pump(talk.flows, heard_more)
                    client.receive_until(b"alice: line")
                    client.reset()
                expected = b"".join(b"alice: " + talk.line(n) for n in range(talk.said[0]))
                listeners = talk.heard[1:]
                pump(talk.flows, lambda: all(h.endswith(expected[-20:]) for h in listeners))
                report = daemon.wait_for_total("open", before.total("open") - leavers)
                self.assertEqual(report.total("closed.reset"), leavers)
                self.assertEqual(closed_sum(report) - closed_sum(before), leavers)
                for heard in listeners:
                    self.assertTrue(heard[heard.index(b"alice:") :] == expected)


if __name__ == "__main__":
    main()
