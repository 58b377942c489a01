"""A talk in the chat that goes on and on."""

from harness import Flow


class Talk:
    """Speakers, who talk all the time, each a few lines ahead of what a listener has heard of them, and
    listeners, who say nothing and so hear the one order of all lines. `names` are the speakers', and
    `text` ends each of their lines."""

    AHEAD = 50

    def __init__(self, names, speakers, listeners, text=b""):
        self.names = names
        self.text = text
        self.finished = False
        self.flows = [Flow(client) for client in (*speakers, *listeners)]
        self.heard = [bytearray() for _ in self.flows]
        for flow, heard in zip(self.flows, self.heard):
            flow.on_data = heard.extend
        self.speakers = self.flows[: len(speakers)]
        self.said = [0] * len(speakers)
        self.first_listener = len(speakers)
        self.counted = 0  # bytes of the first listener's
        self.heard_of = dict.fromkeys(self.names, 0)
        self.closed = set()

    def count_heard(self):
        heard = self.heard[self.first_listener]
        end = heard.rfind(b"\n") + 1
        for line in heard[self.counted : end].splitlines():
            name = bytes(line).split(b":")[0]
            if name in self.heard_of:
                self.heard_of[name] += 1
        self.counted = max(end, self.counted)

    def line(self, number):
        return b"line %d%s\r\n" % (number, self.text)

    def go_on(self):
        """Says more, until the streams end."""
        self.count_heard()
        for i, flow in enumerate(self.speakers):
            if flow.ended or flow.output or self.finished:
                continue
            lines = self.heard_of[self.names[i]] + self.AHEAD - self.said[i]
            if lines > self.AHEAD // 2:
                numbers = range(self.said[i], self.said[i] + lines)
                flow.output = memoryview(b"".join(map(self.line, numbers)))
                self.said[i] += lines
        for at, flow in enumerate(self.flows):
            if flow.ended and at not in self.closed:
                self.closed.add(at)
                flow.output = memoryview(b"")
                flow.client.half_close()

    def finish(self):
        """Says nothing more. Returns whether the first listener has heard all of it."""
        self.finished = True
        self.count_heard()
        return self.lines_heard() == sum(self.said)

    def lines_heard(self):
        return sum(self.heard_of.values())

    def ended(self):
        return len(self.closed) == len(self.flows)
