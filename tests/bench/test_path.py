"""The round trip of four words, counted two more ways: followed by a plugin of QEMU's, and stepped by gdb."""
import subprocess
import sys

import bare
import path

NAME = "call_reply_cross_process_4w"
PAGES_MOST, LINES_MOST = 12, 44  # docs/assurance.md and the README of this folder quote them


def test_the_followed_trip_agrees():
    done = subprocess.run([sys.executable, "-B", path.__file__], capture_output=True, check=True, text=True)
    first, *_, last = done.stdout.splitlines()
    assert int(first.split()[0]) == bare.counts_read()[NAME]["median"]
    _, pages, lines = last.split()
    assert int(pages) <= PAGES_MOST and int(lines) <= LINES_MOST, done.stdout
    assert "object" not in done.stdout, "something is touched that has no name"


def test_the_stepped_trip_agrees():
    assert path.step() == bare.counts_read()[NAME]["median"]
