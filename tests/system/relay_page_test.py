"""The message relay's page for people, clicked through in headless Chromium.

Exits with 77 where there is no Chromium (CTest: skipped). RELAY_PAGE_SCREENSHOTS names a folder for pictures.
"""

import os
import sys
import unittest

from browser import Browser, Page, find_browser
from harness import Daemon, SystemTest, main, wait_for
from web import Web

SKIPPED = 77
PICTURES = os.environ.get("RELAY_PAGE_SCREENSHOTS")


class RelayPage(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())
        cls.daemon = cls.enterClassContext(Daemon(shards=2))
        host, port = cls.daemon.addresses["relay"][:2]
        cls.url = f"http://{host}:{port}/"

    def visit(self, **how):
        page = Page(self.browser, self.url, **how)
        self.addCleanup(lambda: self.assertEqual(page.complaints, []))
        return page

    def connect(self, page, user):
        page.type("#user", str(user))
        page.click("#join")
        page.wait_for_text("#state", "connected")

    def publish(self, page, topic, message, only=""):
        published = int(page.text("#published"))
        page.type("#to", topic)
        page.type("#only", only)
        page.type("#text", message)
        page.click("#publish button")
        page.wait_for_text("#published", str(published + 1))
        self.assertEqual(page.text("#answer"), "Published event")

    def test_two_visitors_and_a_topic_of_their_own(self):
        alice, bob = self.visit(), self.visit(dark=True)
        self.connect(alice, 1)
        self.connect(bob, 2**64 - 1)
        self.assertRegex(alice.text("#address"), r"^ws://127\.0\.0\.1:\d+/ws/[0-9a-f]{32}$")

        self.publish(alice, "tech", "for all")
        for page in (alice, bob):
            page.wait_for_text("#received", "1")
            wait_for("the message", lambda page=page: page.texts("#messages span") == ["for all"])

        bob.type("#topic", "cats")
        bob.press_enter()
        self.assertEqual(bob.texts("#topics li"), ["tech×", "cats×"])
        bob.click("#topics li:first-child button")
        self.assertEqual(bob.texts("#topics li"), ["cats×"])
        # A message to oneself shows that the topics are active: they are dealt with in order.
        self.publish(bob, "cats", "<b>mine</b>", only=str(2**64 - 1))
        bob.wait_for_text("#received", "2")
        self.publish(alice, "tech", "not for bob")
        self.publish(alice, "cats", "not for alice")
        bob.wait_for_text("#received", "3")
        alice.wait_for_text("#received", "2")
        shown = ["not for alice", "<b>mine</b>", "for all"]  # as text, the newest first
        wait_for("bob's messages", lambda: bob.texts("#messages span") == shown)
        wait_for("alice's messages", lambda: alice.texts("#messages span") == ["not for bob", "for all"])
        if PICTURES:
            alice.screenshot(f"{PICTURES}/light.png")
            bob.screenshot(f"{PICTURES}/dark.png")

        alice.click("#leave")
        alice.wait_for_text("#state", "closed: 1000")
        self.publish(bob, "cats", "still here")
        bob.wait_for_text("#received", "4")
        self.connect(alice, 1)

    def test_enter_publishes_pause_holds_back_and_clear_forgets(self):
        page = self.visit()
        self.connect(page, 7)
        page.type("#text", "one")
        page.press_enter()
        page.wait_for_text("#received", "1")
        page.click("#pause")
        page.type("#text", "two")
        page.press_enter()
        page.wait_for_text("#received", "2")
        self.assertEqual(page.texts("#messages span"), ["one"])
        page.click("#pause")
        page.click("#clear")
        self.assertEqual(page.texts("#messages span"), [])

    def test_a_storm_is_counted_and_its_end_is_shown(self):
        count = 5000
        page = self.visit()
        self.connect(page, 8)
        with_web = Web(self.daemon)
        for first in range(0, count, 100):
            for n in range(first, first + 100):
                with_web.send_request("POST", "/publish", f'{{"topic":"tech","message":"{n}","user_id":8}}')
            for _ in range(100):
                self.assertEqual(with_web.receive_response().status, 200)
        with_web.close()
        page.wait_for_text("#received", f"{count:,}")
        newest = [str(n) for n in range(count - 1, count - 201, -1)]
        wait_for("the newest 200", lambda: page.texts("#messages span") == newest)

    def test_what_is_refused_is_told(self):
        page = self.visit()
        self.connect(page, 9)
        page.run("document.getElementById('only').removeAttribute('pattern')")
        page.type("#only", str(2**64))
        page.type("#text", "x")
        page.click("#publish button")
        page.wait_for_text("#failed", "1")
        self.assertIn("user_id", page.text("#answer"))
        page.complaints.clear()  # the console tells of the 422


if __name__ == "__main__":
    if find_browser() is None:
        print("no Chromium here")
        sys.exit(SKIPPED)
    main()
