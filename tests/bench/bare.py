#!/usr/bin/python3 -B
"""Boots the bare benchmark (programs/ipcbench/bare.c) on a machine of its own and reads its table from the serial port.

usage: bare.py [--update] [OPTION OF image/run]...

Prints the table; without options instructions are counted. --update writes counts.txt, the table that test_counts.py
compares with: a commit that makes something dearer on purpose changes it, and says why."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEDIUM = ROOT / "build/tests/bench/bench.iso"
COUNTS = ROOT / "tests/bench/counts.txt"
SECONDS = 240
HEADER = "name,unit,count,min,median,p99,p999,max"
EXACT = ["--icount", "--seed", "1"]  # instructions as time, and nothing random

sys.path.insert(0, str(ROOT / "image"))
from runner import machine, options as command_line


class BenchError(Exception):
    """The benchmark did not run to its end; the text is what the machine said."""


def run(*arguments):
    """The figures of one run with these options of image/run: {name: {column: number or unit}}."""
    options = command_line.parse(["--no-disk", "--option", "init=sbin/ipcbench-bare", *arguments])
    with tempfile.TemporaryDirectory() as folder:
        serial = pathlib.Path(folder, "serial")
        line = machine.command(options, medium=MEDIUM, disks=[], accelerator="tcg", com1=f"file,path={serial}", com2=None)
        try:
            subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            pass
        text = serial.read_text(errors="replace").replace("\r", "") if serial.exists() else ""
    lines = re.findall(r"^\[[ .0-9]+\] bench: (.*)$", text, re.MULTILINE)
    if not lines or lines[0] != HEADER or lines[-1] != "end" or any("failed" in each for each in lines):
        raise BenchError(text)
    columns = HEADER.split(",")
    rows = [dict(zip(columns, each.split(","))) for each in lines[1:-1]]
    return {row["name"]: {name: value if name in ("name", "unit") else int(value) for name, value in row.items()}
            for row in rows}


def counts_text(table):
    lines = ["# Instructions, counted exactly by tests/bench/bare.py; what each figure spans is said by `ipcbench --list`.",
             "# {:30}{:>10}{:>10}{:>10}".format("name", "min", "median", "max")]
    lines += ["{name:32}{min:>10}{median:>10}{max:>10}".format(**row) for row in table.values()]
    return "\n".join(lines) + "\n"


def counts_read():
    """The committed table: {name: {"min", "median", "max": number}}."""
    rows = [line.split() for line in COUNTS.read_text().splitlines() if not line.startswith("#")]
    return {name: dict(zip(("min", "median", "max"), map(int, figures))) for name, *figures in rows}


def main(arguments):
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    update = "--update" in arguments
    arguments = [each for each in arguments if each != "--update"]
    try:
        table = run(*(arguments or EXACT))
    except BenchError as reason:
        sys.exit(f"the benchmark did not end:\n{reason}")
    for row in table.values():
        print("{name:32}{unit:>13}{count:>7}{min:>10}{median:>10}{p99:>10}{max:>10}".format(**row))
    if update:
        if {row["unit"] for row in table.values()} != {"instructions"}:
            sys.exit("only counts of instructions are kept")
        COUNTS.write_text(counts_text(table))


if __name__ == "__main__":
    main(sys.argv[1:])
