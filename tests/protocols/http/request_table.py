"""The tables of corpus/: requests in words, one a line, as their first lines say. request_table.h reads
the same ones."""

import collections
import pathlib
import re

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"

# `because`: why we take what a server that we compare with refuses; empty elsewhere.
Row = collections.namedtuple("Row", "status section name data because")

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}
PART = re.compile(r"\\x([0-9a-f]{2})|\\(.)|\{(\d+)\*(.*?)\}|(\{\w+\})|(.)", re.DOTALL)


def bytes_of(text, beginnings):
    data = b""
    for hexadecimal, escape, count, run, name, plain in PART.findall(text):
        if hexadecimal:
            data += bytes.fromhex(hexadecimal)
        elif escape:
            data += ESCAPES[escape]
        elif count:
            data += int(count) * bytes_of(run, beginnings)
        else:
            data += beginnings[name] if name else plain.encode()
    return data


def rows(name):
    """The rows of corpus/NAME.txt."""
    beginnings = {}
    found = []
    for line in (CORPUS / f"{name}.txt").read_text(encoding="ascii").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("{"):
            key, text = line.split(" = ", 1)
            beginnings[key] = bytes_of(text, beginnings)
        elif line.startswith("  because "):
            found[-1] = found[-1]._replace(because=line.strip())
        else:
            status, section, title, text = line.split(None, 3)
            found.append(Row(int(status), section, title, bytes_of(text, beginnings), ""))
    return found
