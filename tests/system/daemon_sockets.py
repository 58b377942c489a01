"""The daemon's own end of a connection: what its socket says of itself."""

import contextlib
import ctypes
import os
import socket
from typing import NamedTuple

from harness import wait_for

SYS_PIDFD_GETFD = 438  # on every architecture

LIBC = ctypes.CDLL(None, use_errno=True)


class TcpSettings(NamedTuple):
    keepalive: int
    time_s: int
    interval_s: int
    count: int
    user_timeout_ms: int
    no_delay: int


def tcp_settings(daemon, peer):
    """Those of the daemon's socket whose other end is `peer`, as getsockname() of that end has it."""
    with wait_for(f"the daemon's end of {peer}", lambda: socket_to(daemon, peer)) as found:
        tcp = socket.IPPROTO_TCP
        return TcpSettings(
            found.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            found.getsockopt(tcp, socket.TCP_KEEPIDLE),
            found.getsockopt(tcp, socket.TCP_KEEPINTVL),
            found.getsockopt(tcp, socket.TCP_KEEPCNT),
            found.getsockopt(tcp, socket.TCP_USER_TIMEOUT),
            found.getsockopt(tcp, socket.TCP_NODELAY),
        )


def socket_to(daemon, peer):
    """A copy of that socket, or nothing if there is none. Closed by the caller; the connection lives
    until then."""
    process = os.pidfd_open(daemon.process.pid)
    try:
        for name in os.listdir(f"/proc/{daemon.process.pid}/fd"):
            copy = copy_socket(process, int(name))
            if copy is not None and is_connected_to(copy, peer):
                return copy
            if copy is not None:
                copy.close()
    finally:
        os.close(process)
    return None


def copy_socket(process, number):
    """Nothing if it is no socket, or is gone."""
    copy = LIBC.syscall(SYS_PIDFD_GETFD, process, number, 0)
    if copy < 0:
        return None
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None


def is_connected_to(candidate, peer):
    with contextlib.suppress(OSError):
        return candidate.getpeername()[:2] == peer[:2]
    return False
