"""Boots machines for the tests through image/run, as a person would."""
import os
import pathlib
import re
import selectors
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Machine:
    """A machine whose console (COM1) is read here."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([ROOT / "image/run", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.text = ""

    def expect(self, pattern, seconds):
        """Waits until the console shows a match of this regular expression; the match."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not (match := re.search(pattern, self.text)):
                data = os.read(self.process.stdout.fileno(), 65536) if selector.select(deadline - time.monotonic()) else b""
                assert data, f"no {pattern!r} within {seconds} s in:\n{self.text}"
                self.text += data.decode(errors="replace").replace("\r", "")
        return match

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def leave(self):
        """The keys that end QEMU."""
        if self.process.poll() is None:
            self.process.stdin.write(b"\x01x")
            self.process.stdin.flush()
            self.process.wait(20)


@pytest.fixture
def boot():
    """boot(arguments of image/run): a Machine, ended after the test."""
    machines = []

    def start(*arguments):
        machines.append(Machine(*arguments))
        return machines[-1]

    yield start
    for machine in machines:
        try:
            machine.leave()
        finally:
            machine.process.terminate()
            machine.process.wait(20)
