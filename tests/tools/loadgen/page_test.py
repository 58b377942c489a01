#!/usr/bin/env python3
"""page_test.py FOLDER: every page in the folder, in headless Chromium, light and dark.

A page must parse into what was written, log nothing to the console and ask for nothing beyond
itself. Exits with 77 where there is no Chromium (CTest: skipped).
"""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
SKIPPED = 77
TIMEOUT_S = 120
# Nested as they must be; what closes by itself is left out.
VOID = {"meta", "link", "br", "path", "rect"}


class Shape(html.parser.HTMLParser):
    """Counts the elements of a page, and finds those that close what they did not open."""

    def __init__(self, text):
        super().__init__()
        self.counts, self.open, self.wrong, self.references = {}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.references += [v for k, v in attrs if k in ("src", "href", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def visit(browser, page, dark, folder):
    """(the page's DOM as text, lines of its console, addresses that were asked for)"""
    log = pathlib.Path(folder) / "net.json"
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
         "--disable-default-apps", "--disable-sync", "--metrics-recording-only",
         f"--blink-settings=preferredColorScheme={0 if dark else 1}",
         f"--user-data-dir={folder}/profile", f"--log-net-log={log}",
         "--enable-logging=stderr", "--v=0", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return done.stdout, console, addresses_asked(log)


def addresses_asked(log):
    """What the page asked the network for: the browser's own errands have no page as initiator."""
    text = log.read_text(encoding="utf-8", errors="replace")
    try:
        events = json.loads(text)["events"]
    except json.JSONDecodeError:  # the browser was ended before it closed the list
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    asked = []
    for event in events:
        params = event.get("params") or {}
        initiator = str(params.get("initiator", ""))
        if params.get("url") and initiator not in ("", "not an origin"):
            asked.append(params["url"])
    return asked


def check(browser, page, dark, folder):
    written = Shape(page.read_text(encoding="utf-8"))
    dom, console, asked = visit(browser, page, dark, folder)
    shown = Shape(dom)
    wrong = [f"console: {line}" for line in console]
    wrong += [f"asked for {url}" for url in asked if not url.startswith(("file:", "data:"))]
    wrong += [f"refers to {url}" for url in written.references if url != "data:,"]
    wrong += [f"</{tag}> closes nothing" for tag in written.wrong]
    wrong += [f"<{tag}> is never closed" for tag in written.open]
    if re.search(r"url\(|@import|\bnan\b|\binf\b", page.read_text(encoding="utf-8")):
        wrong.append("has url(), @import, nan or inf")
    for tag in ("svg", "path", "table", "tr", "section", "title"):
        if shown.counts.get(tag) != written.counts.get(tag):
            wrong.append(f"{written.counts.get(tag)} <{tag}> written, {shown.counts.get(tag)} shown")
    if not written.counts.get("section"):
        wrong.append("has no sections")
    return wrong


# What the test must find, so that a browser which says nothing is noticed.
BAD_PAGE = """<!DOCTYPE html><title>bad</title><section><svg></svg></section>
<img src="http://127.0.0.1:9/outside"><script>console.error("said")</script></i>"""


def finds_nothing(browser):
    """What is not found in a bad page."""
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "bad.html"
        page.write_text(BAD_PAGE, encoding="utf-8")
        found = "\n".join(check(browser, page, False, folder))
    words = ["console: ", "asked for http://127.0.0.1:9/outside", "refers to http", "closes nothing"]
    return [word for word in words if word not in found]


def main(words):
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium here")
        return SKIPPED
    pages = sorted(pathlib.Path(words[0]).resolve().glob("*.html"))
    missed = finds_nothing(browser)
    if missed:
        print(f"a bad page was not found to be one: no {missed}")
    failed = not pages or bool(missed)
    for page in pages:
        for dark in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                wrong = check(browser, page, dark, folder)
            failed = failed or bool(wrong)
            for line in wrong:
                print(f"{page.name}, {'dark' if dark else 'light'}: {line}")
    print(f"{len(pages)} pages")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
