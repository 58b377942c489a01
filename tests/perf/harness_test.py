#!/usr/bin/env python3
"""What the harness of perf/compare makes of what was measured."""

import json
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree

import samples

from harness import book, flame, generators, page, plots, record, spent, table
from harness.programs import Programs
from harness.servers import Failure


def sample(at_ns, share, waited=0.0):
    """Of a server that has been busy for that share of its life."""
    return spent.Sample(at_ns, share * at_ns, waited * at_ns, share * at_ns / 1e7, at_ns / 1e7)


class Spent(unittest.TestCase):
    def test_the_window_is_cut_out(self):
        # Idle for a second, then busy for one, then idle again.
        busy_from, busy_until = sample(10**9, 0), spent.Sample(2 * 10**9, 1e9, 0, 100, 200)
        after = spent.Sample(3 * 10**9, 1e9, 0, 100, 300)
        samples_taken = [sample(0, 0), busy_from, busy_until, after]
        report = spent.between(samples_taken, 10**9, 2 * 10**9, 1000)
        self.assertAlmostEqual(report["server_process_ns_per_message"], 1e6)
        self.assertAlmostEqual(report["server_core_busy"], 1)
        self.assertAlmostEqual(spent.between(samples_taken, 15 * 10**8, 25 * 10**8, 10)["server_core_busy"], 0.5)
        self.assertAlmostEqual(spent.between(samples_taken, 21 * 10**8, 29 * 10**8, 10)["server_process_busy"], 0)

    def test_between_two_samples_all_is_even(self):
        report = spent.between([sample(0, 0.4, 0.1), sample(10**9, 0.4, 0.1)], 3 * 10**8, 5 * 10**8, 0)
        self.assertAlmostEqual(report["server_process_busy"], 0.4)
        self.assertAlmostEqual(report["server_waited"], 0.1)
        self.assertNotIn("server_core_ns_per_message", report)

    def test_our_own_process_and_core_can_be_read(self):
        with spent.Spent("self", 0) as watched:
            sum(range(10**6))
        first, last = watched.samples[0], watched.samples[-1]
        self.assertGreater(last.process_ns, first.process_ns)
        self.assertGreaterEqual(last.all_ticks, first.all_ticks)


class Generators(unittest.TestCase):
    def test_a_result_of_ringpost_load_becomes_a_report(self):
        report = generators.report_of({
            "totals": {"began_ns": 7, "elapsed_s": 2.0, "replies": 300},
            "summary": {"rate_per_s": 150.0},
            "latency": {"percentiles": {"50": 10, "99": 20, "99.9": 30}},
            "threads": [{"busy_share": 0.75, "run_delay_ns": 10**8}],
            "seconds": [{"requests": 100}, {"requests": 220}],
        })
        self.assertEqual((report["messages"], report["rate"], report["requests"]), (300, 150, 320))
        self.assertAlmostEqual(report["generator_idle"], 0.2)
        self.assertAlmostEqual(report["generator_waited"], 0.05)

    def test_ours_alone_must_keep_to_more(self):
        load = samples.row_named("batch").generator
        programs = Programs("build")
        for ours in (True, False):
            run = generators.Run(cpu=1, server_cpu=0, directory="/tmp", warmup=0.1, seconds=1, port=1, ours=ours)
            self.assertEqual("--own-buys" in load.command(programs, run), ours)




class TheBook(unittest.TestCase):
    def test_every_purchase_counts(self):
        self.assertTrue(book.holds(b"A:6;B:6;C:6;D:6;E:6;\n", 32))
        self.assertFalse(book.holds(b"A:6;B:6;C:6;D:6;E:5;\n", 32))
        self.assertFalse(book.holds(b"A:6;B:6;C:6;D:6;\n", 32))
        self.assertTrue(book.holds(b"A:16777216;B:16777216;C:16777216;D:16777216;E:1.6777216e7;\n", 16 * 10**8))

    def test_half_a_batch_is_no_run(self):
        with self.assertRaises(Failure):
            book.holds(b"\n", 33)


class Lines(unittest.TestCase):
    def test_the_verdict_is_that_of_the_median(self):
        def verdict(ours, lower_is_better, at_least, aim):
            return table.compared_line("", "", "", ours, [1, 1, 1], "", at_least, aim, lower_is_better)["verdict"]
        self.assertEqual(verdict([1, 2, 9], False, 2, 3), "reached")
        self.assertEqual(verdict([1, 3, 3], False, 2, 3), "aim reached")
        self.assertEqual(verdict([1, 1.9, 9], False, 2, 3), "MISSED")
        self.assertEqual(verdict([0.4, 0.5, 2], True, 0.5, 0.3), "reached")
        self.assertEqual(verdict([0.4, 0.6, 0.6], True, 0.5, 0.3), "MISSED")
        self.assertEqual(verdict([1, 1, 1], False, None, None), "-")

    def test_the_best_peer_is_judged_against(self):
        rates = {"ours": [2e4], "haproxy": [1e4], "haproxy, splicing": [1.5e4], "haproxy, 128 KiB buffers": [3e4]}
        judged, other = samples.lines_of("relay", rates)
        self.assertEqual(judged["peer_name"], "haproxy, splicing")
        self.assertEqual((other["peer_name"], other["verdict"]), ("haproxy, 128 KiB buffers", "-"))


    def test_where_the_generator_is_full_busy_time_decides(self):
        (line,) = samples.lines_of("raw-echo", {"ours": [1e7, 1e7], "tokio": [1e7, 1e7], "ours, not polling": [1.5e7, 1.2e7]})
        for ratio, expected in zip(line["ratios"], (1.5, 1.2)):
            self.assertAlmostEqual(ratio, expected)
        self.assertEqual((line["rate_ratios"], line["verdict"]), ([1, 1], "aim reached"))
        self.assertEqual(line["busy_ns"]["peer_name"], "tokio")


class Records(unittest.TestCase):
    def test_three_files_tell_the_same(self):
        for make in samples.SAMPLES.values():
            result = make()
            with tempfile.TemporaryDirectory() as folder:
                markdown = pathlib.Path(record.write(folder, result))
                stored = json.loads(markdown.with_suffix(".json").read_text(encoding="utf-8"))
                self.assertEqual(stored, result)
                html = markdown.with_suffix(".html").read_text(encoding="utf-8")
                # What was stored makes the same page and table again.
                self.assertEqual(record.html(stored), html)
                self.assertEqual(record.markdown(stored), markdown.read_text(encoding="utf-8"))
                for row in table.ratio_cells(result["lines"]):
                    for cell in row:
                        self.assertTrue(page.words(cell) in html, cell)

    def test_the_page_has_every_round(self):
        result = samples.full()
        ratios = plots.ratios(result["lines"])
        for line in result["lines"]:
            for number, ratio in enumerate(line["ratios"], 1):
                self.assertIn(f"round {number}: {plots.times_better(line, ratio):.3g}x", ratios)
        self.assertTrue("4 of 9 goals missed" in record.html(result))

    def test_what_others_wrote_is_escaped(self):
        html = record.html(samples.full())
        self.assertIn("&lt;b&gt;purchases&lt;/b&gt;", html)
        self.assertNotIn("<b>purchases", html)
        self.assertIn("A &lt;CPU&gt; &amp; more", html)


# As `perf script -F comm,ip,sym,symoff,dso` writes it.
SCRIPT = """shard 0
\t  ffffffff81a2 _copy_to_iter+0x42 ([kernel.kallsyms])
\t  ffffffff81b3 tcp_recvmsg+0x9 ([kernel.kallsyms])
\t      55d04e10 ringpost::engine::Shard::turn(int (*)(char))+0x1f (/opt/ringpost)

shard 0
\t      55d04e10 ringpost::engine::Shard::turn(int (*)(char))+0x2f (/opt/ringpost)

log
\t      7f00aabb [unknown] (/usr/lib/libc.so.6)

"""


class Flames(unittest.TestCase):
    def setUp(self):
        self.stacks = flame.fold(SCRIPT)

    def test_stacks_are_folded_from_the_outside_in(self):
        self.assertEqual(flame.folded_text(self.stacks).splitlines(), [
            "log;[libc.so.6] 1",
            "shard;ringpost::engine::Shard::turn(int (*)(char)) 1",
            "shard;ringpost::engine::Shard::turn(int (*)(char));tcp_recvmsg;_copy_to_iter 1",
        ])

    def test_the_listing_tells_own_and_whole(self):
        lines = flame.listing(self.stacks).splitlines()
        self.assertEqual(lines[0], "3 samples")
        self.assertIn(" 33.33%  66.67%  ringpost::engine::Shard::turn(int (*)(char)) (user)", lines)
        self.assertIn(" 33.33%  33.33%  _copy_to_iter (kernel)", lines)

    def test_a_box_is_as_wide_as_its_samples(self):
        root = xml.etree.ElementTree.fromstring(flame.svg(self.stacks, "a < b"))
        widths = {}
        for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
            widths[rect[0].text.partition(":")[0]] = float(rect.get("width")) / flame.WIDTH
        self.assertAlmostEqual(widths["shard"], 2 / 3, places=3)
        self.assertAlmostEqual(widths["_copy_to_iter"], 1 / 3, places=3)
        self.assertEqual(len(widths), 6)


if __name__ == "__main__":
    unittest.main()
