#!/usr/bin/python3 -B
"""The table of docs/recovery.md: how long each server is away when it is killed, to the answer of the next request that it serves.

    /usr/bin/python3 tests/fault/recovery_time.py            measures and writes the table
    /usr/bin/python3 tests/fault/recovery_time.py --print    only prints it

Twice: with the system disk in RAM under -icount, where the clock counts instructions, and with an IDE disk in time. The machine is built
before (tests/run and image/run do that)."""
import argparse
import pathlib
import sys
import tempfile

import guest
from runner import ram_disk

PAGE = guest.ROOT / "docs/recovery.md"
BEGIN, END = "<!-- times: tests/fault/recovery_time.py -->\n", "<!-- end of times -->\n"
DISK_MIB = 32


def measure(count, *, in_ram):
    """{server: (kills, failures, p50, p99, worst, undisturbed p50, what)}."""
    command = f"faultwork measure {count}"
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        image = pathlib.Path(folder, "disk.img")
        guest.copy_disk(guest.base_disk(size=DISK_MIB), image)
        if in_ram:
            iso = ram_disk.medium(guest.ROOT, guest.BUILD, image, folder)
            machine = guest.Guest(command, iso=iso, arguments=["--icount", "--option", "root=ram0", "--seed", "1"])
        else:
            machine = guest.Guest(command, image)
        with machine:
            if machine.run(silence=180) != 0:
                sys.exit(f"the measurement failed: {machine.output!r} {machine.errors!r}")
            lines = [line.split(" ", 7) for line in machine.output.decode().splitlines()]
    return {words[0]: (*map(int, words[1:7]), words[7]) for words in lines}


def row(server, in_ram, in_time):
    instructions = [f"{value:,}" for value in in_ram[2:6]] if in_ram else ["-"] * 4
    times = [f"{value / 1e6:.2f}" for value in in_time[2:6]] if in_time else ["-"] * 4
    what = (in_ram or in_time)[6]
    return f"| `{server}`: {what} | {' | '.join(instructions)} | {' | '.join(times)} |"


def table(in_ram, in_time):
    first = next(iter(in_time.values()))[0]
    failures = sum(entry[1] for entry in [*in_ram.values(), *in_time.values()])
    lines = [f"{first} kills of each server, one after the other; {failures} requests failed. Undisturbed: the median of the same request without a kill.", "",
             "| server: next request | instructions: p50 | p99 | worst | undisturbed | ms: p50 | p99 | worst | undisturbed |",
             "|---|---|---|---|---|---|---|---|---|"]
    servers = list(in_time) + [server for server in in_ram if server not in in_time]
    return "\n".join(lines + [row(server, in_ram.get(server), in_time.get(server)) for server in servers]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", dest="only_print")
    parser.add_argument("--kills", type=int, default=200, help="of each server (200)")
    options = parser.parse_args()
    made = table(measure(options.kills, in_ram=True), measure(options.kills, in_ram=False))
    print(made, end="")
    if not options.only_print:
        text = PAGE.read_text()
        before, rest = text.split(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + made + "\n" + END + rest.split(END)[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
