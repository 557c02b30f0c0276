#!/usr/bin/python3 -B
"""A 256 MiB file is copied on an IDE disk, again and again, while servers are killed in turn: every copy must be the same, no program may see
an error, and e2fsck must find nothing.

    /usr/bin/python3 tests/fault/large_copy.py [--rate KILLS-PER-SECOND] [--kills OF-EACH] [--mebibytes N]

Before and after the kills the same copies are made without; the share of the throughput that is kept is printed, by the clock and by the
processor time of the machine (on a host that others use, the second says more). The build must be there."""
import argparse
import hashlib
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import guest

SERVERS = ["ata", "devices", "ext2", "vfs", "console", "keyboard", "process", "log", "boot"]
PASS = "rm -f /root/copy; cp /root/large /root/copy && sync && cmp /root/large /root/copy && echo copied || { echo FAILED; exit 1; }"


def make_disk(path, mebibytes):
    """A disk with /root/large on it; the file's hash."""
    content = random.Random(1).randbytes(1 << 20)
    guest.copy_disk(guest.base_disk(size=mebibytes * 2 + 96), path)
    with tempfile.NamedTemporaryFile() as file:
        digest = hashlib.sha256()
        for number in range(mebibytes):
            part = content[number:] + content[:number]  # each mebibyte is another one
            file.write(part)
            digest.update(part)
        file.flush()
        guest.disk.write_file(path, "root/large", file.name, 0o100644)
    return digest.hexdigest()


def copies(image, command):
    """Runs the command; its status, what it said, and when each line `copied`, `begin` or `end` came: [(line, clock, processor time of the machine)]."""
    with guest.Guest(command, image) as machine:
        machine.monitor("query-status")  # it tells why it ended
        marks, seen = [], 0
        while machine.status is None:
            try:
                machine.step(5)
            except guest.Silent as reason:
                text = (machine.log + machine.output + machine.errors).decode(errors="replace")
                return None, f"{reason} ({machine.reason_of_end()})\n{text[-6000:]}", marks
            lines = machine.output.decode(errors="replace").splitlines()
            for line in [line for line in lines if line in ("copied", "begin", "end")][seen:]:
                seen += 1
                marks.append((line, time.monotonic(), guest.time_used(machine.process)))
        text = machine.output.decode(errors="replace") + machine.errors.decode(errors="replace")
        status = machine.status
        if status != 0:
            said = [line for line in machine.log.decode(errors="replace").splitlines() if "is killed and starts again" not in line]
            text += "\n".join(["the end of the log:", *said[-30:]])
        machine.shut_down()
        marks += [("end", *marks[-1][1:])] if marks and all(mark[0] != "end" for mark in marks) else []
    return status, text, marks


def shares(marks):
    """(copies alone, copies under kills, seconds of one alone, of one under kills, share kept), by the clock and by processor time."""
    begin, end = (next(i for i, mark in enumerate(marks) if mark[0] == line) for line in ("begin", "end"))
    under = end - begin - 1
    found = []
    for which in (1, 2):
        alone = [marks[i + 1][which] - marks[i][which] for i in range(len(marks) - 1) if not begin <= i < end and marks[i + 1][0] == "copied"]
        killed = (marks[end - 1][which] - marks[begin][which]) / max(1, under)
        found.append((len(alone), under, sum(alone) / len(alone), killed, 100 * sum(alone) / len(alone) / killed if killed else 0))
    return found


def judge(image, digest):
    """None, or what is wrong with the disk."""
    if said := guest.check_disk(image):
        return said
    with tempfile.NamedTemporaryFile() as file:
        guest.disk.debugfs(image, [f"dump /root/copy {file.name}"])
        found = hashlib.sha256(pathlib.Path(file.name).read_bytes()).hexdigest()
    return None if found == digest else "the copy on the disk differs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1, help="kills of each server per second (1)")
    parser.add_argument("--kills", type=int, default=1000, help="of each server (1000)")
    parser.add_argument("--mebibytes", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        image = pathlib.Path(folder, "disk.img")
        digest = make_disk(image, options.mebibytes)
        guest.Medium.freeze(folder)
        total = options.kills * len(SERVERS)
        loop = f"while [ ! -e /tmp/chaos.stop ]; do {PASS}; done; rm /tmp/chaos.stop"
        chaos = f"chaos -q -r {options.rate * len(SERVERS)} -n {total} {' '.join(SERVERS)} -- sh -c '{loop}'"
        failed = "{ /tmp/dmesg | /tmp/grep -v 'starts again' | /tmp/grep -n . ; exit 1; }"
        command = f"cp /bin/dmesg /bin/grep /tmp; echo copied; {PASS}; {PASS}; echo begin; {chaos} || {failed}; echo end; {PASS}; sync"
        status, text, marks = copies(image, command)
        print("\n".join(line for line in text.splitlines() if line not in ("copied", "begin", "end")))
        wrong = judge(image, digest)
        good = status == 0 and "FAILED" not in text and not wrong
        print(f"{len(SERVERS)} servers killed {options.kills} times each, each {options.rate} times a second, under copies of {options.mebibytes} MiB; "
              f"disk: {wrong or 'clean, the last copy is right'}")
        if good:
            for name, (alone, under, before, after, kept) in zip(("by the clock", "by processor time"), shares(marks)):
                print(f"{name}: {alone} copies alone {before:.1f} s each, {under} under kills {after:.1f} s each: {kept:.0f} % is kept")
        return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as reason:
        sys.exit(str(reason))
