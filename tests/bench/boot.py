#!/usr/bin/python3 -B
"""Counts the instructions from the boot loader's hand-over to the prompt, waiting for devices apart.

usage: boot.py [OPTION of image/run]...

The medium is the ordinary one with the system disk in memory (ram0) and one role more (boot/bootcount.c), which runs whenever nothing else does and tells, by
QEMU's debug port, since when the machine is at rest and how long it had waited before. The kernel logs when it was entered (its
first 8,300 instructions, which make page tables, come before that). Without options instructions are counted."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from bare import EXACT, ROOT, BenchError, command_line, machine

MEDIUM = ROOT / "build/tests/bench/bootcount.iso"
SECONDS = 120
RAM_DISK = ["--no-disk", "--option", "root=ram0"]


def run(*arguments):
    """{"work": ticks until the prompt, "waited": ticks, "messages": number, "switches": number}."""
    with tempfile.TemporaryDirectory() as folder:
        serial, debug = pathlib.Path(folder, "serial"), pathlib.Path(folder, "debug")
        options = command_line.parse([*arguments, "--", "-debugcon", f"file:{debug}"])
        line = machine.command(options, medium=MEDIUM, disks=[(path, True) for path in options.disk], accelerator="tcg",
                               com1=f"file,path={serial}", com2=None)
        with subprocess.Popen(line, stdin=subprocess.DEVNULL) as process:
            try:
                found = wait_for_rest(process, debug)
            finally:
                process.kill()
        text = serial.read_text(errors="replace") if serial.exists() else ""
    entered = re.search(r"handed over at tick (\d+)", text)
    if not found or not entered or "rescue shell" in text or not re.search(r"[#$] ", text.split("free")[-1]):
        raise BenchError(text)
    last, waited, messages, switches = map(int, found.groups())
    return {"work": last - int(entered.group(1)) - waited, "waited": waited, "messages": messages, "switches": switches}


def wait_for_rest(process, debug):
    """The first line of the counting role, or None."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        text = debug.read_text(errors="replace") if debug.exists() else ""
        found = re.search(r"at rest since tick (\d+), waited (\d+) ticks, (\d+) messages, (\d+) switches\n", text)
        if found:
            return found
        time.sleep(0.1)
    return None


if __name__ == "__main__":
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    try:
        figures = run(*(sys.argv[1:] or EXACT + RAM_DISK))
    except BenchError as reason:
        sys.exit(f"no prompt came:\n{reason}")
    print("to the prompt: {work:,} ticks of work, {waited:,} of waiting, {messages:,} messages, {switches:,} switches".format(
        **figures))
