#!/usr/bin/env python3
"""Our own small lint: what no compiler checks and a reader should not have to.

    tidy.py check ROOT
        includes point downwards, and the small rules of every file
    tidy.py headers ROOT FOLDER... -- CXX FLAG...
        every header below the folders compiles alone; a build sees to those that have a source

Prints one line per finding, `file:line: what is wrong`, and exits with 1 if there is any.
"""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

# --- The layers -----------------------------------------------------------------------------------
# A file may include its own folder and what its row names: a folder, or a single header. Nothing
# else of ours. A folder of the engine that is missing here is a finding: say where it belongs.

LAYERS = {
    "engine/base": [],
    "engine/ring": ["engine/base"],
    "engine/actor": ["engine/base"],
    "engine/io": ["engine/base"],
    "engine/net": ["engine/base", "engine/io", "engine/actor"],
    "engine/shard": ["engine/base", "engine/ring", "engine/io", "engine/actor", "engine/net"],
}

# A protocol is two layers in one folder. The codec (the files named here or `X_parser` and so on,
# and every file of the folder that one of them includes) turns bytes into values and back. The rest is its sessions and
# actors, which see the codec too.
CODEC_FILES = ["errc", "format", "parser", "writer"]
CODEC_SEES = ["engine/base"]
SESSION_SEES = [
    "engine/base",
    "engine/actor",
    "engine/net/counters.h",
    "engine/net/dial.h",
    "engine/net/fan_out_log.h",
    "engine/net/outbox.h",
    "engine/net/reply_queue.h",
    "engine/net/session.h",
    "engine/net/session_pool.h",
]

# Protocols that others may use: codecs by everyone, the rest by those named.
SHARED_PROTOCOLS = ["protocols/length_delimited", "protocols/line"]
PROTOCOL_EDGES = {
    "protocols/grpc": ["protocols/http2"],
    "protocols/relay": ["protocols/http", "protocols/websocket"],
    "protocols/websocket": ["protocols/http"],
}

# These see everything of ours: wiring, proof and measurement.
TOPS = ["bench", "perf", "tests", "tools"]

# Headers from elsewhere that have one home each. (Prefix of the header, who may include it.)
# Tests and benchmarks may too, except where the home is nobody.
HOMES = [
    ("liburing.h", ["engine/io"]),
    ("liburing/", ["engine/io"]),
    ("linux/io_uring.h", None),  # liburing brings the one that fits it
    ("ares.h", ["engine/net/name_lookup"]),
    ("atomic", ["engine/ring", "engine/base/payload", "engine/net/cares_resolver"]),
    ("openssl/", ["protocols/websocket/handshake"]),
    ("zlib.h", ["protocols/websocket/deflate"]),
    ("concurrentqueue/", ["engine/shard", "engine/net/cares_resolver"]),
]
HOMES_EXEMPT = ["bench", "perf", "tests", "tools"]

# Words that have no place in the code of a folder, and why.
FORBIDDEN = [
    ("engine", re.compile(r"\batomic_(thread|signal)_fence\s*\("),
     "has a fence, which TSan does not see; use orders of operations"),
]

COLUMNS_MAX = 100
COLUMNS_FILES = (".h", ".cc")
TABLESS_FILES = (".h", ".cc", ".py", ".cmake", "CMakeLists.txt", ".json", ".md")
# Paths of one machine have no place in the repository.
FOREIGN_PATH = re.compile(r"(?<![\w.$}/])/(?:home|root|work|Users)/")

# --- The rest is how ------------------------------------------------------------------------------

SOURCES = (".h", ".cc")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?P<open>[<"])(?P<name>[^">]+)[">]')


def below(path, place):
    """True if `path` is `place`, lies in that folder, or is a file whose name starts with it."""
    return path == place or path.startswith(place + "/") or path.startswith(place + ".")


def below_any(path, places):
    return any(below(path, place) for place in places)


def home_of(path):
    """The folder that is a layer or a protocol: engine/net of engine/net/x/y.h."""
    return "/".join(path.split("/")[:2])


def includes_of(text):
    """(line number, '<' or '"', name) of every include that stands in the text."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match["open"], match["name"]


class Tree:
    """The files of a checkout by their path from its root, with their text."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.texts = {}
        for path in list_files(self.root):
            try:
                self.texts[path] = (self.root / path).read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
                continue  # no text (a corpus of bytes), or removed but not committed yet

    def sources(self):
        return [path for path in sorted(self.texts) if path.endswith(SOURCES)]

    def our_includes(self, path):
        """(line number, name) of the includes in quotes."""
        for number, kind, name in includes_of(self.texts.get(path, "")):
            if kind == '"':
                yield number, name


def list_files(root):
    """What git knows or would add; without git, everything but build folders."""
    git = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached",
           "--others", "--exclude-standard"]
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(git, capture_output=True, check=True).stdout.decode()
        return sorted(set(filter(None, listed.split("\0"))))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def codec_reach(tree):
    """Every codec file, and what pulls it in: {path: path of the codec file that reaches it}."""
    reach = {}
    for path in tree.sources():
        stem = pathlib.PurePosixPath(path).stem
        if path.startswith("protocols/") and stem.split("_")[-1] in CODEC_FILES:
            reach[path] = path
    queue = list(reach)
    while queue:
        path = queue.pop()
        for _, name in tree.our_includes(path):
            if name not in reach and home_of(name) == home_of(path):
                reach[name] = reach[path]
                queue.append(name)
    return reach


def allowed_includes(path, codec):
    """What `path` may include of ours; None: everything. `codec` is the codec_reach."""
    home = home_of(path)
    if below_any(path, TOPS):
        return None
    if path.startswith("protocols/"):
        others = [p for p in SHARED_PROTOCOLS + PROTOCOL_EDGES.get(home, []) if p != home]
        return [home] + others + (CODEC_SEES if path in codec else SESSION_SEES)
    if home in LAYERS:
        return [home] + LAYERS[home]
    return []


def check_our_include(tree, path, name, codec):
    if name.startswith("/") or ".." in name.split("/"):
        return f"includes {name}: name it from the root of the repository"
    if name not in tree.texts:
        return f"includes {name}, which is no file of ours; paths start at the root"
    allowed = allowed_includes(path, codec)
    if allowed is None or below_any(name, allowed):
        return None
    if path in codec:
        origin = "a codec file" if codec[path] == path else f"included by {codec[path]}"
        return f"includes {name}, but is {origin} and may see {', '.join(allowed)} only"
    return f"includes {name}, but {home_of(path)} may see {', '.join(allowed) or 'nothing'} only"


def check_foreign_include(path, name):
    if name.startswith(("engine/", "protocols/", "tools/", "tests/")):
        return f"includes <{name}>: ours are written in quotes"
    for prefix, homes in HOMES:
        if name != prefix and not (prefix.endswith("/") and name.startswith(prefix)):
            continue
        if homes is None:
            return f"includes <{name}>, which nobody may"
        if not below_any(path, homes) and not below_any(path, HOMES_EXEMPT):
            return f"includes <{name}>, which belongs to {', '.join(homes)} alone"
    return None


def check_includes(tree):
    codec = codec_reach(tree)
    for path in tree.sources():
        if path.startswith("engine/") and home_of(path) not in LAYERS:
            yield path, 1, f"{home_of(path)} is no layer of tools/tidy/tidy.py; add it there"
            continue
        for number, kind, name in includes_of(tree.texts[path]):
            if kind == '"':
                wrong = check_our_include(tree, path, name, codec)
            else:
                wrong = check_foreign_include(path, name)
            if wrong:
                yield path, number, wrong


def check_own_header_first(tree):
    """x.cc includes x.h before anything else, so that x.h cannot lean on an earlier include."""
    for path in tree.sources():
        own = path.removesuffix(".cc") + ".h"
        if not path.endswith(".cc") or own not in tree.texts:
            continue
        first = next(includes_of(tree.texts[path]), None)
        if first is None or first[2] != own:
            yield path, first[0] if first else 1, f"does not include {own} first"


def check_headers_guarded(tree):
    for path in tree.sources():
        if path.endswith(".h") and not re.search(r"^#pragma once$", tree.texts[path], re.M):
            yield path, 1, "has no #pragma once"


def check_text(tree):
    for path, text in sorted(tree.texts.items()):
        for number, line in enumerate(text.splitlines(), 1):
            if path.endswith(TABLESS_FILES) and "\t" in line:
                yield path, number, "has a tab"
            if path.endswith(COLUMNS_FILES) and len(line) > COLUMNS_MAX:
                yield path, number, f"has {len(line)} columns, {COLUMNS_MAX} is the most"
            if FOREIGN_PATH.search(line):
                yield path, number, "names a path outside the repository"
            for folder, word, wrong in FORBIDDEN:
                if path.endswith(SOURCES) and below(path, folder) and word.search(line):
                    yield path, number, wrong


CHECKS = [check_includes, check_own_header_first, check_headers_guarded, check_text]


def check(root):
    tree = Tree(root)
    return [finding for rule in CHECKS for finding in rule(tree)]


def compile_alone(root, header, compiler):
    """None, or what the compiler says about a file that holds nothing but this include."""
    done = subprocess.run(
        [*compiler, "-I", str(root), "-fsyntax-only", "-x", "c++", "-"],
        input=f'#include "{header}"\n', capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip()


def built_first(tree, header):
    """Whether a build compiles it alone anyway: as the first include of its own source. The sources of
    tests do not count, for theirs may come after precompiled ones."""
    return header.removesuffix(".h") + ".cc" in tree.texts and not below(header, "tests")


def headers(root, folders, compiler):
    tree = Tree(root)
    ours = [path for path in tree.sources()
            if path.endswith(".h") and below_any(path, folders) and not built_first(tree, path)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        said = pool.map(lambda header: compile_alone(root, header, compiler), ours)
        return [(header, 1, f"does not compile alone:\n{text}")
                for header, text in zip(ours, said) if text]


def main(words):
    split = words.index("--") if "--" in words else len(words)
    compiler = words[split + 1:]
    match words[:split]:
        case ["check", root] if not compiler:
            findings = check(root)
        case ["headers", root, _, *_] if compiler:
            findings = headers(root, words[2:split], compiler)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    for path, number, wrong in findings:
        print(f"{path}:{number}: {wrong}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
