#!/usr/bin/env python3
"""write_pages.py FOLDER: the page of each sample."""

import pathlib
import sys

import samples

from harness import record


def main(folder):
    for name, make in samples.SAMPLES.items():
        pathlib.Path(folder, name + ".html").write_text(record.html(make()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
