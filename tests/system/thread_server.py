"""A server of a test's own, for a program that is a client: a thread for each connection."""

import contextlib
import socket
import threading


class ThreadServer:
    """While the block runs, `serve(connection)` of the class is called for each."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve_one, args=[connection], daemon=True).start()

    def serve_one(self, connection):
        with connection, contextlib.suppress(ConnectionError):
            self.serve(connection)
