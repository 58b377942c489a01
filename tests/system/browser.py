"""A headless Chromium that is told what to do over its debugging pipe."""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile

from harness import PATIENCE, wait_for

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-dev-shm-usage --disable-background-networking "
    "--disable-component-update --disable-default-apps --disable-sync --metrics-recording-only --remote-debugging-pipe"
).split()


def find_browser():
    return next(filter(None, map(shutil.which, NAMES)), None)


def pipe_beyond_9():
    """Both ends out of the way of 3 and 4, which the browser looks at."""
    ends = os.pipe()
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in ends]
    for fd in ends:
        os.close(fd)
    return moved


class Browser:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        their_commands, self.commands = pipe_beyond_9()
        self.events, their_events = pipe_beyond_9()
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{their_commands} 4>&{their_events}', find_browser()]
            + [*FLAGS, f"--user-data-dir={self.profile.name}"],
            pass_fds=(their_commands, their_events),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(their_commands)
        os.close(their_events)
        self.received = b""
        self.count = 0
        self.pages = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self.send("Browser.close")
            self.process.wait(timeout=PATIENCE)
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.events)
        self.profile.cleanup()

    def send(self, method, session=None, **parameters):
        self.count += 1
        command = {"id": self.count, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        return self.count

    def tell(self, method, session=None, **parameters):
        """What the browser answers. What it says meanwhile goes to its pages."""
        number = self.send(method, session, **parameters)
        while True:
            message = self.receive()
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            if page := self.pages.get(message.get("sessionId")):
                page.note(message)

    def receive(self):
        while b"\0" not in self.received:
            data = os.read(self.events, 1 << 16)
            if not data:
                raise AssertionError("the browser has ended")
            self.received += data
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)


class Page:
    """One tab. `complaints`: what its console said, and what it asked of places other than its own."""

    def __init__(self, browser, url, dark=False):
        self.browser = browser
        self.origin = url.split("://")[1].split("/")[0]
        self.complaints = []
        target = browser.tell("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Runtime", "Network", "Page", "Log"):
            self.tell(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])
        self.tell("Page.navigate", url=url)
        wait_for("the page to be there", lambda: self.run("document.readyState") == "complete")

    def tell(self, method, **parameters):
        return self.browser.tell(method, self.session, **parameters)

    def note(self, event):
        method, parameters = event["method"], event["params"]
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.complaints.append(json.dumps(parameters)[:500])
        url = parameters.get("request", parameters).get("url", "")
        if method in ("Network.requestWillBeSent", "Network.webSocketCreated") and not url.startswith("data:"):
            if url.split("://")[1].split("/")[0] != self.origin:
                self.complaints.append(f"asked for {url}")

    def run(self, script):
        """The value of an expression."""
        answer = self.tell("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector):
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(one => one.textContent)")

    def wait_for_text(self, selector, wanted):
        wait_for(f"{selector}: {wanted}", lambda: self.text(selector) == wanted)

    def click(self, selector):
        """As a hand does: where the element is, and only if it can be hit there."""
        place = self.run(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              element.scrollIntoView({{block: "center"}});
              const box = element.getBoundingClientRect();
              const x = box.x + box.width / 2, y = box.y + box.height / 2;
              const hit = document.elementFromPoint(x, y);
              return {{x, y, hit: element.contains(hit) && !element.disabled}};
            }})()"""
        )
        if not place["hit"]:
            raise AssertionError(f"{selector} cannot be clicked")
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": place["x"], "y": place["y"]}
            self.tell("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **where)

    def type(self, selector, text):
        """Instead of what the field held."""
        self.click(selector)
        self.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.tell("Input.insertText", text=text)

    def press_enter(self):
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.tell("Input.dispatchKeyEvent", type="keyDown", **key)
        self.tell("Input.dispatchKeyEvent", type="keyUp", **{**key, "text": ""})

    def screenshot(self, path):
        """As PNG."""
        data = self.tell("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
