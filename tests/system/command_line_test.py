"""The daemon's command line, as a user and a script meet it: what is printed where, how it ends, and
that each option does what its help says.

That every row of the option table is parsed and shown is for tests/tools/ringpost; here is one of each
kind, on the real program.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

from harness import BINARY, PATIENCE, Client, Daemon, Lines, SystemTest, expand, for_each_shard_count
from harness import main, parse_address, wait_for

EXIT_FAILED, EXIT_USAGE = 1, 2
HELP = pathlib.Path(__file__).parent.parent / "tools" / "ringpost" / "help.golden"
SEE_HELP = "Try 'ringpost --help'.\n"
BOTH = ("--services", "orders,chat")
ANY_PORTS = ("--orders-listen", "127.0.0.1:0", "--chat-listen", "127.0.0.1:0")

# (options, each complaint without the program's name)
REFUSALS = [
    (["--sahrds", "2"], ["unknown option '--sahrds', did you mean '--shards'?"]),
    (["--order-listen=x"], ["unknown option '--order-listen', did you mean '--orders-listen'?"]),
    (["--frobnicate"], ["unknown option '--frobnicate'"]),
    (["stray"], ["unexpected argument 'stray'"]),
    (["--shards"], ["--shards: needs a value, 1 to 64"]),
    (["--shards", "two"], ["--shards: 'two' is not a whole number such as 10 or 10k, 1 to 64"]),
    (["--shards", "0"], ["--shards: '0' is out of bounds, which are 1 to 64"]),
    (["--shards", "65"], ["--shards: '65' is out of bounds, which are 1 to 64"]),
    (["--shards", "9" * 30], [f"--shards: '{'9' * 30}' is out of bounds, which are 1 to 64"]),
    (
        ["--lane-capacity", "3"],
        ["--lane-capacity: '3' is out of bounds, which are 2 to 1048576, a power of two"],
    ),
    (
        ["--orders-line-bytes-max", "4 KiB"],
        [
            "--orders-line-bytes-max: '4 KiB' is not a size such as 4096, 64KiB or 1MB, "
            "16B to 1MiB"
        ],
    ),
    (
        ["--orders-line-bytes-max", "1GB"],
        ["--orders-line-bytes-max: '1GB' is out of bounds, which are 16B to 1MiB"],
    ),
    (
        ["--chat-nick-timeout", "soon"],
        [
            "--chat-nick-timeout: 'soon' is not a time such as 10s or 500ms "
            "(a bare number counts seconds), 1ms to 1h"
        ],
    ),
    (
        ["--chat-nick-timeout", "0"],
        ["--chat-nick-timeout: '0' is out of bounds, which are 1ms to 1h"],
    ),
    (
        ["--spin-us", "-1"],
        [
            "--spin-us: '-1' is not a time such as 50us or 1ms "
            "(a bare number counts microseconds), 0s to 1s"
        ],
    ),
    (["--orders-cap", "nan"], ["--orders-cap: 'nan' is not a finite amount above 0"]),
    (["--order-book-ack=maybe"], ["--order-book-ack: 'maybe' is neither true nor false"]),
    (["--order-book-reply", "wide"], ["--order-book-reply: 'wide' is not spaced or compact"]),
    (["--cpus", "1-0"], ["--cpus: '1-0' has the part '1-0', which is no CPU and no range of CPUs"]),
    (["--cpus", "0,0"], ["--cpus: '0,0' names CPU 0 twice"]),
    (
        ["--orders-listen", "8080"],
        ["--orders-listen: '8080' has no port: write it as 127.0.0.1:8080 or [::1]:8080"],
    ),
    (
        ["--orders-listen", "localhost:1"],
        ["--orders-listen: 'localhost:1' has no IPv4 address or [IPv6 address] before its port"],
    ),
    (
        ["--orders-listen", "127.0.0.1:65536"],
        ["--orders-listen: '127.0.0.1:65536' has no port from 0 to 65535 after its last colon"],
    ),
    (
        ["--chat-listen", "::1:80"],
        [
            "--chat-listen: '::1:80' is IPv6: put the address into brackets, as in [::1]:8080"
        ],
    ),
    (["--log-format", "xml"], ["--log-format: 'xml' is not text or json"]),
    (
        ["--log-level=loud"],
        ["--log-level: 'loud' is not trace, debug, info, warn, error or off"],
    ),
    (["--services="], ["--services: needs a value"]),
    (
        ["--relay-tcp", "127.0.0.1:9"],
        ["--relay-tcp: '127.0.0.1:9' has no '=' between where to listen and whom to relay to"],
    ),
    (
        ["--relay-tcp", "127.0.0.1:9=name"],
        [
            "--relay-tcp: '127.0.0.1:9=name' has no port: write it as name:80, 127.0.0.1:80 or "
            "[::1]:80"
        ],
    ),
    # Rules between options.
    (
        ["--orders-listen", "127.0.0.1:9", "--relay-tcp", "127.0.0.1:9=name:1"],
        ["--orders-listen and --relay-tcp: both are 127.0.0.1:9"],
    ),
    (
        ["--orders-listen", "127.0.0.1:9", "--chat-listen", "127.0.0.1:9"],
        ["--orders-listen and --chat-listen: both are 127.0.0.1:9"],
    ),
    (
        ["--output-low-bytes", "1MiB", "--output-high-bytes", "1MiB"],
        ["--output-low-bytes: 1MiB is not below --output-high-bytes 1MiB"],
    ),
    (
        ["--chat-pending-bytes-max", "1KiB"],
        [
            "--chat-pending-bytes-max: 1KiB does not hold one line of --chat-line-bytes-max and "
            "its nick (65604B)"
        ],
    ),
    # All at once, those about unknown words first.
    (
        ["--lane-capacity", "3", "--sahrds", "--shards", "0"],
        [
            "unknown option '--sahrds', did you mean '--shards'?",
            "--shards: '0' is out of bounds, which are 1 to 64",
            "--lane-capacity: '3' is out of bounds, which are 2 to 1048576, a power of two",
        ],
    ),
]


def run(*options):
    """The daemon, where it ends by itself."""
    return subprocess.run(
        [BINARY, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class EndsAtOnce(SystemTest):
    def assert_printed(self, result, text):
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, text, ""))

    def test_help(self):
        text = HELP.read_text(encoding="utf-8")
        self.assert_printed(run("--help"), text)
        self.assert_printed(run("-h"), text)
        self.assert_printed(run("--sahrds", "--help"), text)

    def test_version(self):
        result = run("--version")
        self.assertRegex(result.stdout, r"\Aringpost \d+\.\d+\.\d+\n\Z")
        self.assert_printed(result, result.stdout)

    def test_refusals(self):
        for options, complaints in REFUSALS:
            with self.subTest(options):
                result = run(*options)
                expected = "".join(f"ringpost: {complaint}\n" for complaint in complaints)
                self.assertEqual(result.stderr, expected + SEE_HELP)
                self.assertEqual((result.returncode, result.stdout), (EXIT_USAGE, ""))

    def test_unknown_service(self):
        result = run("--services", "orders,mail")
        self.assertRegex(
            result.stderr,
            r"\Aringpost: --services: 'orders,mail' names 'mail', which is none of orders, chat.*\n"
            + re.escape(SEE_HELP),
        )
        self.assertEqual((result.returncode, result.stdout), (EXIT_USAGE, ""))

    def test_cpu_that_it_may_not_use(self):
        cpus = os.sched_getaffinity(0)
        other = next(cpu for cpu in range(len(cpus) + 1) if cpu not in cpus)
        result = run("--cpus", str(other))
        self.assertEqual(
            result.stderr, f"ringpost: --cpus: this process may not run on CPU {other}\n" + SEE_HELP
        )
        self.assertEqual((result.returncode, result.stdout), (EXIT_USAGE, ""))

    def test_address_of_another_machine(self):
        """192.0.2.0/24 is for documentation."""
        result = run(*BOTH, "--orders-listen", "192.0.2.1:9", "--chat-listen", "127.0.0.1:0")
        self.assertEqual(
            result.stderr,
            "ringpost: cannot listen on 192.0.2.1:9 (orders): Cannot assign requested address\n",
        )
        self.assertEqual((result.returncode, result.stdout), (EXIT_FAILED, ""))


class Plain:
    """A daemon of which nothing is known but what its options say; Daemon wants a log that it can
    read. Ends with status 0 when told to."""

    def __init__(self, *options):
        self.command = [BINARY, *BOTH, *ANY_PORTS, *options]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.out, self.log = Lines(self.process.stdout), Lines(self.process.stderr)
        self.clients = []
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.close()
        self.process.kill()
        self.process.wait(PATIENCE)
        self.out.finish()
        self.log.finish()

    def end(self):
        """Both signals, the second while a client holds up the first. Returns its log."""
        for client in self.clients:
            client.send(b"GET")
        self.process.send_signal(signal.SIGTERM)
        for client in self.clients:
            client.expect_end()
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(PATIENCE) != 0:
            raise AssertionError(f"the daemon ended with {self.process.returncode}")
        self.out.finish()
        self.log.finish()
        return self.log.lines

    def clients_of_listeners(self):
        """One client for each address that the process listens on: once these are served, all of it
        runs."""
        addresses = wait_for(
            "the daemon to listen on two addresses",
            lambda: len(found := listening_addresses(self.process.pid)) == 2 and found,
        )
        self.clients = [Client(address) for address in addresses]
        for client in self.clients:
            client.send(b"!\r\n")
            client.receive_line()
        return self.clients


def listening_addresses(pid):
    """What the kernel says that a process listens on, over IPv4."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[len("socket:[") : -1])
    found = []
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        for row in list(table)[1:]:
            fields = row.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state == "0A" and inode in inodes:
                host, port = local.split(":")
                packed = int(host, 16).to_bytes(4, "little")
                found.append((socket.inet_ntoa(packed), int(port, 16)))
    return found


# The lines of one connection, in their order.
CONNECTION_LINES = [
    r"\Adebug connection opened service=\w+ peer=\S+ shard=\d\Z",
    r"\Adebug connection closed service=\w+ peer=\S+ reason=drain shard=\d\Z",
]


class Logs(SystemTest):
    def test_banner_names_each_real_address(self):
        with Plain() as daemon:
            daemon.clients_of_listeners()
            daemon.log.wait("two addresses", lambda lines: len(lines) >= 3)
            started, *listening = daemon.log.lines
            self.assertRegex(
                started,
                r"\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info  started version=\S+ engine=io_uring "
                r"kernel=\S+ shards=\d+ cpus=[\d,]+ spin_us=\d+ connections_max=\d+\Z",
            )
            named = {}
            for line in listening:
                found = re.search(r" info  listening service=(\w+) address=(\S+)\Z", line)
                self.assertTrue(found, line)
                named[found[1]] = parse_address(found[2])
            self.assertEqual(set(named), {"orders", "chat"})
            self.assertEqual(set(named.values()), set(listening_addresses(daemon.process.pid)))
            for service, reply in (("orders", b"\n"), ("chat", b"! error: bad nick\r\n")):
                client = Client(named[service])
                client.send(b"GET\n" if service == "orders" else b"!\r\n")
                client.expect(reply)
                client.close()

    def test_levels(self):
        """Infos, a warning at the second signal, and connections for who debugs; no level but `off`
        hides a graver one."""
        info = ["started", "listening", "listening", "draining", "stopping", "stopped"]
        expected = {
            "trace": (info, CONNECTION_LINES),
            "debug": (info, CONNECTION_LINES),
            "info": (info, []),
            "warn": (["stopping"], []),
            "error": ([], []),
            "off": ([], []),
        }
        for level, (events, connections) in expected.items():
            with self.subTest(level), Plain("--log-level", level, "--linger-timeout", "1h") as daemon:
                clients = daemon.clients_of_listeners()
                peers = ["%s:%d" % client.socket.getsockname() for client in clients]
                lines = daemon.end()
                about = [line for line in lines if line.split()[3] == "connection"]
                rest = [line.split()[3] for line in lines if line not in about]
                self.assertEqual(rest, events, lines)
                for peer in peers:
                    own = [line.split(" ", 2)[2] for line in about if f"peer={peer} " in line]
                    self.assertEqual(len(own), len(connections), lines)
                    for line, pattern in zip(own, connections):
                        self.assertRegex(line, pattern)
                self.assertEqual(len(about), len(peers) * len(connections), lines)
                self.assertEqual(len(daemon.out.lines), 1)  # the counters at the end are no log

    def test_json_lines(self):
        with Plain("--log-format", "json", "--linger-timeout", "1h") as daemon:
            daemon.clients_of_listeners()
            lines = [json.loads(line) for line in daemon.end()]
        for line in lines:
            self.assertEqual(list(line)[:3], ["time", "level", "event"])
            self.assertRegex(
                line["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d\Z"
            )
        started, *listening, draining, stopping, stopped = lines
        self.assertEqual(
            [(line["level"], line["event"]) for line in lines],
            [
                ("info", "started"),
                ("info", "listening"),
                ("info", "listening"),
                ("info", "draining"),
                ("warn", "stopping at once"),
                ("info", "stopped"),
            ],
        )
        for number in ("shards", "spin_us", "connections_max"):
            self.assertIsInstance(started[number], int)
        self.assertEqual({line["service"] for line in listening}, {"orders", "chat"})
        self.assertEqual([draining["signal"], stopping["signal"]], ["SIGTERM", "SIGINT"])
        self.assertEqual(list(stopped), ["time", "level", "event"])


CLOSE_REASONS = {
    "peer_closed",
    "reset",
    "protocol_error",
    "slow_consumer",
    "handshake_timeout",
    "linger_timeout",
    "drain",
    "refused",
}
COUNTERS = {
    "traffic": {"receives", "received_bytes", "sends", "sent_bytes", "requests"},
    "limits": {"accept_failed", "receive_starved", "output_high", "line_too_long", "replies"},
    "io": {"enters", "sleeps", "completions", "overflows", "wakes_sent", "wakes_received"},
    "closed": CLOSE_REASONS,
}


@expand
class Counters(SystemTest):
    @for_each_shard_count
    def test_sigusr1_prints_one_json_line(self, shards):
        with Daemon(shards=shards) as daemon:
            daemon.orders_crowd(4 * shards)
            lines_before = len(daemon.out.lines)
            daemon.report()
            self.assertEqual(len(daemon.out.lines), lines_before + 1)
            report = json.loads(daemon.out.lines[-1])
            self.assertEqual([shard["shard"] for shard in report["shards"]], list(range(shards)))
            for shard in report["shards"]:
                self.assert_keys(shard, shards)
                self.assertEqual(shard["open"], 4)
                self.assertEqual(shard["traffic"]["requests"], 4)
                self.assertEqual(shard["traffic"]["received_bytes"], 4 * len(b"GET\n"))
                self.assertEqual(shard["traffic"]["sent_bytes"], 4 * len(b"\n"))

    def assert_keys(self, shard, shards):
        self.assertLessEqual(
            {"shard", "cpu", "accepted", "opened", "open", "buffer_bytes", "longest_turn_ns"},
            {key for key, value in shard.items() if isinstance(value, int)},
        )
        for group, names in COUNTERS.items():
            self.assertLessEqual(names, shard[group].keys())
            for name, value in shard[group].items():
                self.assertIsInstance(value, int, f"{group}.{name}")
        for lanes in ("lane_sent", "lane_received"):
            self.assertEqual(len(shard[lanes]), shards)
        self.assertGreater(sum(shard["turn_us_pow2"]), 0)


@expand
class Places(SystemTest):
    """Where it runs and where it listens."""

    @for_each_shard_count
    def test_cpus(self, shards):
        """Each shard's thread may run on its one CPU, which the counters name."""
        allowed = sorted(os.sched_getaffinity(0))
        for cpus in (allowed, list(reversed(allowed)), allowed[-1:]):
            wanted = [cpus[i % len(cpus)] for i in range(shards)]
            options = ("--cpus", ",".join(map(str, cpus)))
            with self.subTest(cpus=cpus), Daemon(*options, shards=shards) as daemon:
                self.assertEqual(daemon.report().each("cpu"), wanted)
                self.assertEqual(daemon.event("started")["cpus"], ",".join(map(str, wanted)))
                pinned = [task for task in tasks_cpus(daemon.process.pid) if len(task) == 1]
                if len(allowed) > 1:
                    self.assertEqual(sorted(pinned), sorted([cpu] for cpu in wanted))

    def test_one_shard_per_cpu(self):
        allowed = sorted(os.sched_getaffinity(0))
        with Daemon("--cpus", str(allowed[0])) as daemon:
            self.assertEqual(daemon.shard_count, 1)
        with Daemon("--cpus", "auto", "--shards", "auto") as daemon:
            self.assertEqual(daemon.report().each("cpu"), allowed)

    def test_services(self):
        """One that is not chosen is not there: its address may be taken."""
        for chosen, other in (("orders", "chat"), ("chat", "orders")):
            with self.subTest(chosen), socket.create_server(("127.0.0.1", 0)) as taken:
                addresses = [f"--{chosen}-listen", "127.0.0.1:0"]
                addresses += [f"--{other}-listen", "127.0.0.1:%d" % taken.getsockname()[1]]
                with Daemon("--services", chosen, addresses=addresses, shards=2) as daemon:
                    self.assertEqual(
                        listening_addresses(daemon.process.pid), [daemon.addresses[chosen]]
                    )
                    self.assertIsNone(daemon.event("listening", service=other))
                    self.talk(daemon, chosen)
        with Daemon("--services", "chat,orders", shards=2) as daemon:
            self.talk(daemon, "orders")
            self.talk(daemon, "chat")

    def talk(self, daemon, service):
        if service == "orders":
            self.assertEqual(daemon.orders().ask(b"GET\n"), b"\n")
        else:
            alice, bob = daemon.join_chat("alice", "bob")
            alice.send(b"hi\r\n")
            bob.expect(b"alice: hi\r\n")

    def test_ipv4(self):
        """What it listens on is what was said, and nothing wider (row 40)."""
        addresses = ["--orders-listen", "127.0.0.2:0", "--chat-listen", "0.0.0.0:0"]
        with Daemon(addresses=addresses, shards=2) as daemon:
            self.assertEqual(daemon.addresses["orders"][0], "127.0.0.2")
            self.assertEqual(daemon.addresses["chat"][0], "0.0.0.0")
            self.assertEqual(
                set(listening_addresses(daemon.process.pid)), set(daemon.addresses.values())
            )
            self.talk(daemon, "orders")
            for host in ("127.0.0.1", "127.0.0.3"):
                client = Client((host, daemon.addresses["chat"][1]))
                daemon.clients.append(client)
                client.send(b"!\r\n")
                client.expect(b"! error: bad nick\r\n")

    def test_ipv6(self):
        if not has_ipv6():
            self.skipTest("this machine has no [::1]")
        addresses = ["--orders-listen", "[::1]:0", "--chat-listen", "[::1]:0"]
        with Daemon(addresses=addresses, shards=2) as daemon:
            for service in ("orders", "chat"):
                text = daemon.event("listening", service=service)["address"]
                self.assertRegex(text, r"\A\[::1\]:\d+\Z")
                self.assertNotEqual(daemon.addresses[service][1], 0)
                self.talk(daemon, service)
            taken = daemon.event("listening", service="chat")["address"]
            result = run(*BOTH, "--chat-listen", taken, "--orders-listen", "[::1]:0")
            self.assertEqual(
                result.stderr,
                f"ringpost: cannot listen on {taken} (chat): Address already in use\n",
            )
            self.assertEqual((result.returncode, result.stdout), (EXIT_FAILED, ""))

    def test_services_share_no_address(self):
        """Bound one after the other: a clash with a stranger says which service wanted what."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            for service, other in (("orders", "chat"), ("chat", "orders")):
                for more in ([], ["--reuseport"]):
                    options = [f"--{service}-listen", address, f"--{other}-listen", "127.0.0.1:0"]
                    result = run(*BOTH, *options, *more)
                    self.assertEqual(
                        result.stderr,
                        f"ringpost: cannot listen on {address} ({service}): "
                        "Address already in use\n",
                    )
                    self.assertEqual((result.returncode, result.stdout), (EXIT_FAILED, ""))


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def tasks_cpus(pid):
    """The CPUs that each thread of the process may run on."""
    return [sorted(os.sched_getaffinity(int(task))) for task in os.listdir(f"/proc/{pid}/task")]


@expand
class Connections(SystemTest):
    @for_each_shard_count
    def test_max_connections(self, shards):
        """Over all shards and services together. Further ones are closed at once and counted, and
        each that ends makes room for one."""
        limit, refused = 6, 20
        with Daemon("--max-connections", str(limit), shards=shards) as daemon:
            self.assertEqual(daemon.event("started")["connections_max"], limit)
            for round_ in range(1, 4):
                served = daemon.orders_crowd(limit - 1)
                member = daemon.chat()
                member.send(b"!\r\n")
                member.expect(b"! error: bad nick\r\n")
                for service in ("orders", "chat") * (refused // 2):
                    daemon.connect(service).expect_gone()
                report = daemon.report()
                self.assertEqual(report.total("closed.refused"), round_ * refused)
                self.assertEqual(report.total("open"), limit)
                for client in served:
                    self.assertEqual(client.ask(b"GET\n"), b"\n")
                daemon.close_clients()
                daemon.wait_until_none_is_open()
                report = daemon.report()
                self.assertEqual(report.total("closed.peer_closed"), round_ * limit)
                self.assertEqual(report.total("opened"), round_ * (limit + refused))

    @for_each_shard_count
    def test_one_acceptor(self, shards):
        with Daemon(shards=shards) as daemon:
            daemon.orders_crowd(4 * shards)
            report = daemon.report()
            self.assertEqual(report.each("accepted"), [4 * shards] + [0] * (shards - 1))
            self.assertEqual(report.each("opened"), [4] * shards)

    @for_each_shard_count
    def test_reuseport(self, shards):
        """Every shard accepts for itself, and serves what it accepted. The kernel chooses: so clients
        come until all have been."""
        with Daemon("--reuseport", shards=shards) as daemon:

            def all_took_part():
                daemon.orders_crowd(4)
                return all(daemon.report().each("accepted"))

            wait_for("every shard to be chosen by the kernel", all_took_part)
            report = daemon.report()
            self.assertEqual(report.each("accepted"), report.each("opened"))
            self.assertEqual(report.total("opened"), len(daemon.clients))
            self.assert_all_shards_took_part(report, carried_by=[0])
            alice, bob = daemon.join_chat("alice", "bob")
            alice.send(b"hi\r\n")
            bob.expect(b"alice: hi\r\n")

    @for_each_shard_count
    def test_reuseport_max_connections(self, shards):
        """No shard knows of the others' connections, so each has its part of the limit."""
        limit = 2 * shards + 1 if shards > 1 else 2
        with Daemon("--reuseport", "--max-connections", str(limit), shards=shards) as daemon:

            def all_full():
                daemon.orders()
                return daemon.report().each("open") == [2] * shards

            wait_for("every shard to have its part", all_full)
            for _ in range(4):
                daemon.orders().expect_gone()
            over = len(daemon.clients) - 2 * shards
            report = daemon.wait_for_total("closed.refused", over)
            self.assertEqual(report.each("open"), [2] * shards)

    @for_each_shard_count
    def test_reuseport_second_start(self, shards):
        """Row 66 here too: the kernel would let a second daemon have a part of the connections."""
        with Daemon("--reuseport", shards=shards) as daemon:
            for service, other in (("orders", "chat"), ("chat", "orders")):
                address = "%s:%d" % daemon.addresses[service]
                options = [f"--{service}-listen", address, f"--{other}-listen", "127.0.0.1:0"]
                result = run(*BOTH, *options, "--reuseport", "--shards", str(shards))
                self.assertEqual(
                    result.stderr,
                    f"ringpost: cannot listen on {address} ({service}): Address already in use\n",
                )
                self.assertEqual((result.returncode, result.stdout), (EXIT_FAILED, ""))


if __name__ == "__main__":
    main()
