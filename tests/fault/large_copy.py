"""A 256 MiB file is copied on an IDE disk, again and again, while servers are killed in turn: every copy must be the same, no program may see
an error, and e2fsck must find nothing.

    /usr/bin/python3 tests/fault/large_copy.py [--rate KILLS-PER-SECOND] [--kills OF-EACH] [--mebibytes N]

First the same copies without kills; the share of the throughput that is kept is printed. The build must be there."""
import argparse
import hashlib
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import guest

SERVERS = ["ata", "devices", "ext2", "vfs", "console", "keyboard", "process", "log"]
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
    """Runs the command; (what it said, when each line `copied` came)."""
    with guest.Guest(command, image) as machine:
        times, seen = [time.monotonic()], 0
        while machine.status is None:
            machine.step(5)
            if b"kernel panic" in machine.log:
                raise guest.Silent("panic")
            while machine.output.count(b"copied") > seen:
                seen += 1
                times.append(time.monotonic())
        text = machine.output.decode(errors="replace") + machine.errors.decode(errors="replace")
        status = machine.status
        if status != 0:
            said = [line for line in machine.log.decode(errors="replace").splitlines() if "is killed and starts again" not in line]
            text += "\n".join(["the end of the log:", *said[-30:]])
        machine.shut_down()
    return status, text, times


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
    parser.add_argument("--rate", type=int, default=40, help="kills per second, of all servers together (40)")
    parser.add_argument("--kills", type=int, default=1000, help="of each server (1000)")
    parser.add_argument("--mebibytes", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        image = pathlib.Path(folder, "disk.img")
        digest = make_disk(image, options.mebibytes)
        guest.Medium.freeze(folder)
        status, text, times = copies(image, f"cp /bin/dmesg /tmp; echo copied; {PASS}; {PASS}")
        if status != 0 or "FAILED" in text:
            sys.exit(f"it fails without kills:\n{text}")
        alone = (times[-1] - times[1]) / (len(times) - 2)
        print(f"without kills: {options.mebibytes} MiB copied, synced and compared in {alone:.1f} s", flush=True)
        total = options.kills * len(SERVERS)
        loop = f"echo copied; while [ ! -e /tmp/chaos.stop ]; do {PASS}; done; rm /tmp/chaos.stop"
        loop = f"cp /bin/dmesg /bin/grep /tmp; {loop}"
        chaos = f"chaos -q -r {options.rate} -n {total} {' '.join(SERVERS)} -- sh -c '{loop}' && sync || {{ /tmp/dmesg | /tmp/grep -v 'starts again' | /tmp/grep -n . ; exit 1; }}"
        status, text, times = copies(image, chaos)
        print(text)
        made = len(times) - 2
        killed = (times[-1] - times[1]) / max(1, made)
        wrong = judge(image, digest)
        print(f"{made} copies while {total} servers were killed, {options.rate} a second: {killed:.1f} s each; "
              f"{100 * alone / killed:.0f} % of the throughput is kept; disk: {wrong or 'clean, the last copy is right'}")
        return 0 if status == 0 and "FAILED" not in text and not wrong and made else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as reason:
        sys.exit(str(reason))
