#!/usr/bin/env python3
"""Each rule of tools/tidy/tidy.py on a tree made for it: what it must find, and what it must not."""

import contextlib
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools" / "tidy"))
import tidy  # noqa: E402  (found through the line above)

HEADER = "#pragma once\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def tree(self, **files):
        """tree(engine__base__x_h='...') writes engine/base/x.h."""
        for name, text in files.items():
            folder, _, last = name.rpartition("__")
            stem, _, suffix = last.rpartition("_")
            self.write(f"{folder.replace('__', '/')}/{stem}.{suffix}", text)

    def found(self):
        return [f"{path}:{number}: {wrong}" for path, number, wrong in tidy.check(self.root)]

    def assert_clean(self):
        self.assertEqual(self.found(), [])

    def assert_found(self, *pieces):
        """Exactly one finding, holding every piece."""
        found = self.found()
        self.assertEqual(len(found), 1, found)
        for piece in pieces:
            self.assertIn(piece, found[0])

    def add_header(self, path):
        self.write(path, HEADER)

    def try_include(self, path, name):
        """`path` includes `name`, and both are there."""
        self.add_header(name)
        self.write(path, f'{HEADER}#include "{name}"\n')


class Layers(TidyTest):
    def test_every_row_of_the_table_is_allowed(self):
        for layer, sees in tidy.LAYERS.items():
            for seen in [layer, *sees]:
                self.try_include(f"{layer}/user.h", f"{seen}/used.h")
                self.assert_clean()

    def test_every_other_pair_is_found(self):
        for layer, sees in tidy.LAYERS.items():
            for other in tidy.LAYERS:
                if other == layer or other in sees:
                    continue
                with self.subTest(layer=layer, other=other):
                    self.try_include(f"{layer}/user.h", f"{other}/used.h")
                    self.assert_found(f"{layer}/user.h:2:", f"{other}/used.h")
                    self.write(f"{layer}/user.h", HEADER)

    def test_the_table_has_no_cycle(self):
        def depth(layer, path=()):
            self.assertNotIn(layer, path)
            return max((depth(s, (*path, layer)) for s in tidy.LAYERS[layer]), default=0)

        for layer in tidy.LAYERS:
            depth(layer)

    def test_the_engine_never_sees_protocols_or_tools(self):
        for name in ["protocols/chat/room.h", "tools/ringpost/options.h", "tests/sim/sim_io.h"]:
            with self.subTest(name=name):
                self.try_include("engine/shard/user.h", name)
                self.assert_found("engine/shard/user.h:2:", name)

    def test_a_new_folder_of_the_engine_must_be_placed(self):
        self.add_header("engine/disk/file.h")
        self.assert_found("engine/disk is no layer")

    def test_a_folder_whose_name_starts_like_a_layer_is_another(self):
        self.try_include("engine/ring/user.h", "engine/base/used.h")
        self.try_include("engine/ring/user.h", "engine/base2/used.h")
        self.assertEqual(len(self.found()), 2)  # the include, and the folder that has no place

    def test_tops_see_everything(self):
        for top in tidy.TOPS:
            self.try_include(f"{top}/x/user.h", "engine/shard/shard.h")
            self.try_include(f"{top}/y/user.h", "protocols/chat/room.h")
        self.assert_clean()

    def test_includes_in_comments_do_not_count(self):
        self.write("engine/base/a.h", f'{HEADER}// #include "engine/net/session.h"\n')
        self.assert_clean()

    def test_oddly_spaced_includes_count(self):
        self.add_header("engine/net/session.h")
        self.write("engine/base/a.h", f'{HEADER}  #  include  "engine/net/session.h"\n')
        self.assert_found("engine/base/a.h:2:")


class Protocols(TidyTest):
    def test_a_session_sees_the_seams(self):
        for name in tidy.SESSION_SEES:
            used = name if name.endswith(".h") else f"{name}/used.h"
            self.try_include("protocols/chat/session.h", used)
            self.assert_clean()

    def test_a_session_sees_no_ring_shard_kernel_or_connection(self):
        for name in ["engine/ring/spsc_ring.h", "engine/shard/shard.h", "engine/io/io.h",
                     "engine/net/connection.h"]:
            with self.subTest(name=name):
                self.try_include("protocols/chat/session.h", name)
                self.assert_found("protocols/chat/session.h:2:", name)

    def test_a_parser_sees_base_only(self):
        for stem in tidy.CODEC_FILES:
            self.try_include(f"protocols/chat/{stem}.h", "engine/base/bytes.h")
            self.assert_clean()
            self.try_include(f"protocols/chat/{stem}.h", "engine/actor/message.h")
            self.assert_found(f"protocols/chat/{stem}.h:2:", "a codec file")
            self.write(f"protocols/chat/{stem}.h", HEADER)

    def test_what_a_parser_includes_is_codec_too(self):
        self.try_include("protocols/chat/nick.h", "engine/net/session.h")
        self.assert_clean()
        self.write("protocols/chat/parser.cc", '#include "protocols/chat/nick.h"\n')
        self.assert_found("protocols/chat/nick.h:2:", "included by protocols/chat/parser.cc")

    def test_codecs_are_for_everyone(self):
        for codec in tidy.SHARED_PROTOCOLS:
            self.try_include("protocols/chat/parser.h", f"{codec}/parser.h")
            self.assert_clean()

    def test_the_named_edges_are_allowed(self):
        for protocol, others in tidy.PROTOCOL_EDGES.items():
            for other in others:
                self.try_include(f"{protocol}/session.h", f"{other}/session.h")
                self.assert_clean()

    def test_no_other_edge_is(self):
        for user, used in [("chat", "orders"), ("http", "websocket"), ("orders", "relay")]:
            with self.subTest(user=user):
                self.try_include(f"protocols/{user}/session.h", f"protocols/{used}/session.h")
                self.assert_found(f"protocols/{user}/session.h:2:")
                self.write(f"protocols/{user}/session.h", HEADER)


class ForeignHeaders(TidyTest):
    def try_foreign(self, path, name):
        self.write(path, f"{HEADER}#include <{name}>\n")

    def test_liburing_lives_in_io(self):
        self.try_foreign("engine/io/uring_io.h", "liburing.h")
        self.assert_clean()
        for path in ["engine/net/a.h", "protocols/chat/session.h", "engine/shard/a.h"]:
            self.try_foreign(path, "liburing.h")
            self.assert_found(f"{path}:2:", "engine/io")
            self.write(path, HEADER)

    def test_the_kernels_io_uring_header_lives_nowhere(self):
        for path in ["engine/io/uring_io.h", "tests/engine/io/a.h", "tools/a.h"]:
            self.try_foreign(path, "linux/io_uring.h")
            self.assert_found(f"{path}:2:", "nobody")
            self.write(path, HEADER)

    def test_atomics_live_in_ring_and_payload(self):
        for path in ["engine/ring/parker.h", "engine/base/payload.h", "tests/a.h", "tools/a.h"]:
            self.try_foreign(path, "atomic")
            self.assert_clean()
        self.write("engine/base/payload.cc", '#include "engine/base/payload.h"\n#include <atomic>\n')
        self.assert_clean()
        for path in ["engine/base/pool.h", "engine/shard/mesh.h", "protocols/chat/room.h"]:
            self.try_foreign(path, "atomic")
            self.assert_found(f"{path}:2:")
            self.write(path, HEADER)

    def test_moodycamel_lives_in_shard(self):
        self.try_foreign("engine/shard/inbox.h", "concurrentqueue/concurrentqueue.h")
        self.assert_clean()
        self.try_foreign("engine/ring/a.h", "concurrentqueue/concurrentqueue.h")
        self.assert_found("engine/ring/a.h:2:")

    def test_ours_are_in_quotes(self):
        self.add_header("engine/base/bytes.h")
        self.try_foreign("engine/base/a.h", "engine/base/bytes.h")
        self.assert_found("in quotes")


class Files(TidyTest):
    def test_paths_start_at_the_root(self):
        self.add_header("engine/base/bytes.h")
        for name in ["bytes.h", "../base/bytes.h", "/engine/base/bytes.h", "engine/base/gone.h"]:
            with self.subTest(name=name):
                self.write("engine/base/a.h", f'{HEADER}#include "{name}"\n')
                self.assert_found("engine/base/a.h:2:")

    def test_own_header_comes_first(self):
        self.add_header("engine/base/a.h")
        self.write("engine/base/a.cc", '#include <string>\n\n#include "engine/base/a.h"\n')
        self.assert_found("engine/base/a.cc:1:", "first")
        self.write("engine/base/a.cc", '#include "engine/base/a.h"\n\n#include <string>\n')
        self.assert_clean()
        self.write("engine/base/b.cc", "#include <string>\n")
        self.assert_clean()

    def test_headers_have_pragma_once(self):
        self.write("engine/base/a.h", "// #pragma once\n")
        self.assert_found("engine/base/a.h:1:", "#pragma once")

    def test_no_tabs(self):
        self.write("engine/base/a.cc", "int a;\n\tint b;\n")
        self.assert_found("engine/base/a.cc:2:", "tab")
        self.write("engine/base/a.cc", "int a;\n")
        self.write("CMakeLists.txt", "\tadd_subdirectory(a)\n")
        self.assert_found("CMakeLists.txt:1:", "tab")

    def test_100_columns_are_the_most(self):
        self.write("engine/base/a.cc", "// " + "é" * 97 + "\n")
        self.assert_clean()
        self.write("engine/base/a.cc", "// " + "é" * 98 + "\n")
        self.assert_found("engine/base/a.cc:1:", "101 columns")

    def test_no_path_of_one_machine(self):
        for place in ["home", "root", "work"]:
            self.write("notes.md", f"see\nfile /{place}/me/x\n")
            self.assert_found("notes.md:2:")
        self.write("notes.md", "GET /x/home/a and a/work/b and $x/work/ stand for no machine\n")
        self.assert_clean()

    def test_no_fences_in_the_engine(self):
        fence = "std::atomic_thread_fence(std::memory_order_seq_cst);\n"
        self.write("bench/a.cc", fence)
        self.write("engine/ring/a.cc", "// An atomic_thread_fence would be rejected.\n")
        self.assert_clean()
        self.write("engine/ring/b.cc", fence)
        self.assert_found("engine/ring/b.cc:1:", "fence")

    def test_bytes_that_are_no_text_are_left_alone(self):
        (self.root / "corpus").mkdir()
        (self.root / "corpus/a.h").write_bytes(b"\xff\xfe\t")
        self.assert_clean()

    @unittest.skipUnless(shutil.which("git"), "no git here")
    def test_git_says_what_belongs_to_the_tree(self):
        self.write("engine/base/a.h", "no guard\n")
        self.write(".gitignore", "a.h\n")
        self.assertEqual(len(self.found()), 1)
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)
        self.assert_clean()


class Headers(TidyTest):
    def test_a_header_that_leans_on_others_is_found(self):
        self.write("engine/base/a.h", f"{HEADER}#include <string>\nstd::string a();\n")
        self.write("engine/base/b.h", f"{HEADER}std::string b();\n")
        self.write("bench/c.h", f"{HEADER}std::string c();\n")
        found = tidy.headers(self.root, ["engine"], [*COMPILER, "-std=c++20"])
        self.assertEqual([path for path, _, _ in found], ["engine/base/b.h"])
        self.assertIn("does not compile alone", found[0][2])


class CommandLine(TidyTest):
    def run_main(self, *words):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = tidy.main(list(words))
        return status, out.getvalue()

    def test_findings_are_printed_and_counted_in_the_status(self):
        self.assertEqual(self.run_main("check", str(self.root)), (0, ""))
        self.write("engine/base/a.h", "\n")
        self.assertEqual(self.run_main("check", str(self.root)),
                         (1, "engine/base/a.h:1: has no #pragma once\n"))

    def test_nonsense_is_told(self):
        for words in [(), ("check",), ("headers", "."), ("headers", ".", "--", "c++"),
                      ("check", ".", "--", "c++"), ("lint", ".")]:
            self.assertEqual(self.run_main(*words)[0], 2, words)


# tidy_test.py CXX: the compiler that the build uses.
COMPILER = [sys.argv.pop(1)] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else ["c++"]

if __name__ == "__main__":
    unittest.main()
