"""The command lines of what is measured: our daemon and its peers, by service."""

import os
from dataclasses import dataclass

OURS = "ours"
OURS_ASLEEP = "ours, not polling"  # So that its core is busy only with what it does.
TOKIO = "tokio"
HAPROXY = "haproxy"
HAPROXY_SPLICE = "haproxy, splicing"
HAPROXY_LARGE = "haproxy, 128 KiB buffers"
HAPROXY_POLLING = "haproxy, busy-polling"
NGINX = "nginx"

HEALTH = '{"data":{"message":"Route Working Properly"},"success":true}'

# What each adds to the configuration below: by section, in haproxy's own words.
HAPROXY_LINES = {
    HAPROXY: {},
    HAPROXY_SPLICE: {"defaults": ["option splice-auto"]},
    HAPROXY_LARGE: {"global": ["tune.bufsize 131072"]},
    HAPROXY_POLLING: {"global": ["busy-polling"]},
}


@dataclass(frozen=True)
class Place:
    """Where a server is to run."""
    port: int
    cpu: int
    upstream_port: int  # What a relay connects to; 0 for others.
    directory: str      # For a file of its own.


class Programs:
    """What was built, and how it is started. Both books of orders take the same cap, far above what a run buys."""

    def __init__(self, build_dir, daemon_options=()):
        self.daemon = os.path.join(build_dir, "tools", "ringpost", "ringpost")
        self.daemon_options = daemon_options
        self.load = os.path.join(build_dir, "tools", "loadgen", "ringpost-load")
        self.client = os.path.join(build_dir, "perf", "ringpost-perf-client")
        self.peers = os.path.join(build_dir, "peers", "release")

    def command(self, program, service, place):
        if program == OURS:
            return self.ours(service, place)
        if program == OURS_ASLEEP:
            return [*self.ours(service, place), "--spin-us", "0"]
        if program == TOKIO:
            return self.tokio(service, place)
        if program == NGINX:
            return nginx(place)
        return haproxy(HAPROXY_LINES[program], place)

    def ours(self, service, place):
        listen = f"127.0.0.1:{place.port}"
        own = {
            "orders": ["--services", "orders", "--orders-listen", listen,
                       "--orders-cap", "1e30", "--order-book-reply", "compact"],
            "chat": ["--services", "chat", "--chat-listen", listen],
            "echo": ["--services", "echo", "--echo-listen", listen],
            "tcp-echo": ["--services", "tcp-echo", "--tcp-echo-listen", listen],
            "http": ["--services", "relay", "--relay-listen", listen],
            "relay": ["--services", "none", "--relay-tcp", f"{listen}=127.0.0.1:{place.upstream_port}"],
        }[service]
        return [self.daemon, "--shards", "1", "--cpus", str(place.cpu), "--log-level", "warn", *own,
                *self.daemon_options]

    def tokio(self, service, place):
        program = {"orders": "orders", "chat": "chat", "echo": "echo", "tcp-echo": "raw"}[service]
        return [os.path.join(self.peers, program), str(place.port)] + ["1e30"] * (service == "orders")


def haproxy(more, place):
    """TCP mode, one thread, nothing logged, and the time limits out of the way; all else as it comes."""
    sections = {
        "global": ["nbthread 1", "maxconn 1000"],
        "defaults": ["mode tcp", "no option tcp-smart-accept", "no option tcp-smart-connect",
                     "timeout connect 10s", "timeout client 1h", "timeout server 1h"],
        "listen relay": [f"bind 127.0.0.1:{place.port}", f"server upstream 127.0.0.1:{place.upstream_port}"],
    }
    path = os.path.join(place.directory, "haproxy.cfg")
    with open(path, "w") as file:
        for section, lines in sections.items():
            file.write("\n    ".join([section, *lines, *more.get(section, [])]) + "\n")
    return ["/usr/sbin/haproxy", "-db", "-q", "-f", path]


def nginx(place):
    """One worker, nothing logged, connections for as long as they are used; all else as it comes. The response is ours."""
    path = os.path.join(place.directory, "nginx.conf")
    with open(path, "w") as file:
        file.write(f"""
daemon off;
master_process off;
worker_processes 1;
pid {place.directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path {place.directory};
  server {{
    listen 127.0.0.1:{place.port};
    location = /health {{
      default_type application/json;
      return 200 '{HEALTH}';
    }}
  }}
}}
""")
    return ["/usr/sbin/nginx", "-p", place.directory, "-e", "stderr", "-c", path]
