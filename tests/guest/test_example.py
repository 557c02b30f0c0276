"""The worked examples of docs/write-a-server.md and docs/write-a-driver.md, tried in the guest by a role of their own."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from runner import machine, options

SECONDS = 120


def test_examples_work():
    medium = ROOT / "build/tests/guest/example/example.iso"
    line = machine.command(options.parse(["--no-disk"]), medium=medium, disks=[], accelerator="tcg", com1="stdio", com2=None)
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "check: the examples work" in done.stdout, done.stdout + done.stderr
