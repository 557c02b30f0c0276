#!/usr/bin/python3 -B
"""What it costs that servers' memory is kept: the same build and filebench (tests/bench/linux/files.c), booted with the manifest's `keep` lines and
without them.

usage: keeping.py [--time BOOTS] [TEST...]     tests of filebench: write read random files stat pipe spawn

In instructions, of which -icount makes one a nanosecond of the guest's clock: the disk lies in memory, so that nothing waits for a device, and the
least of all turns counts. Or by time, on the machine of tests/bench/run with its two IDE disks: BOOTS of both at once, each on a processor of its own
and on the other's the next time, so that what else the host does hurts both; printed are the middle ratio of their turns, between which bounds
that of all turns is by 95 %, and the quarters' bounds."""
import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "image"), str(ROOT / "tests/bench")]
import filebench_disk
from runner import disk, options as command_line, ram_disk, session

BUILD = ROOT / "build"
DISK_MIB, IDE_MIB, TURNS = 112, 256, 4


def medium(folder, image, keeps):
    """A boot medium with the image in memory; without `keep` lines if not keeps."""
    archive = (BUILD / "image/initrd.cpio").read_bytes()
    if not keeps:
        archive = b"".join(
            ram_disk.entry(header, name, re.sub(rb"(?m)^\s+keep.*\n", b"", content) if name == "etc/manifest" else content)
            for header, name, content in ram_disk.entries(archive)) + ram_disk.entry(b"070701" + b"0" * 104, "TRAILER!!!", b"")
    (folder / "image").mkdir(exist_ok=True)
    (folder / "image/initrd.cpio").write_bytes(archive)
    for name in ("boot", "kernel"):
        if not (folder / name).exists():
            os.symlink(BUILD / name, folder / name)
    return ram_disk.medium(ROOT, folder, image, folder)


def disks(folder):
    """The system disk with filebench on it, and the image that it measures."""
    system, image = folder / "system.img", folder / "bench.img"
    disk.create(system, BUILD / "image/system.tar")
    disk.write_file(system, "bin/filebench", BUILD / "tests/bench/filebench", 0o100755)
    filebench_disk.make(image, DISK_MIB)
    return system, image


def boot(path, system, tests, turns=TURNS, bench=None):
    """For the child process: runs filebench on the disk in memory, or on the image `bench`; its output is this process's."""
    device, machine = ("/dev/disk1", []) if bench else ("/dev/ram0", ["--icount", "--seed", "1", "--memory", "1G"])
    options = command_line.parse([*machine, "-c", f"/bin/filebench {device} /mnt {turns} {tests}"])
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    images = [(pathlib.Path(each), False) for each in (system, bench) if each]
    return session.run(options, None, medium=pathlib.Path(path), disks=images, accelerator="tcg")


def start(path, system, tests, bench="", processor=None):
    words = [*(["taskset", "-c", str(processor)] if bench else []), sys.executable, "-B", __file__, "--boot", path, system, bench, *tests]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)


def result(process):
    """{name: [nanoseconds of one operation, of each turn]}"""
    output, errors = process.communicate()
    if process.returncode != 0:
        sys.exit(output + errors)
    found = {}
    for name, operations, nanoseconds in re.findall(r"^filebench,(\w+),(\d+),(\d+)\s*$", output, re.MULTILINE):
        found.setdefault(name, []).append(int(nanoseconds) / int(operations))
    return found


def count(folder, tests):
    system, image = disks(folder)
    kept, plain = (result(start(medium(folder, image, keeps), system, tests)) for keeps in (True, False))
    print(f"{'instructions per operation':35} {'kept':>12} {'not kept':>12} {'cost':>7}")
    for name, turns in plain.items():
        here, there = min(kept[name]), min(turns)
        print(f"{name:35} {here:12.0f} {there:12.0f} {100 * (here - there) / there:6.1f}%")


def both(folder, number, tests):
    """One boot of each kind at once: their results."""
    processes = []
    for keeps in (True, False):
        place = folder / str(keeps)
        filebench_disk.make(place / "ide.img", IDE_MIB)
        processes.append(start(place / "ram-disk.iso", place / "system.img", tests, place / "ide.img", (number + keeps) % 2))
    try:
        return [result(process) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)  # with its machine


def middle_bounds(found):
    """Where the median lies that these are samples of, by 95 %: the binomial distribution's bounds, nearly."""
    ordered = sorted(found)
    outside = max(0, int(len(found) / 2 - 0.98 * len(found) ** 0.5))
    return ordered[outside], ordered[-1 - outside]


def compare(folder, boots, tests):
    system, image = disks(folder)
    image.write_bytes(bytes(1 << 16))  # the disk in memory is not used
    for keeps in (True, False):
        place = folder / str(keeps)
        place.mkdir()
        medium(place, image, keeps)
        subprocess.run(["cp", "--sparse=always", system, place / "system.img"], check=True)
    ratios = {}
    for number in range(boots):
        kept, plain = both(folder, number, tests)
        for name, turns in plain.items():
            ratios.setdefault(name, []).extend(here / there for here, there in zip(kept[name], turns))
    print(f"{'time for an operation, kept':35} {'middle':>9} {'by 95 %':>18} {'quarters':>18}")
    for name, found in ratios.items():
        low, middle, high = statistics.quantiles(found, n=4)
        percent = [100 * (each - 1) for each in (middle, *middle_bounds(found), low, high)]
        print("{:35} {:+8.1f}% {:+8.1f} {:+8.1f}% {:+8.1f} {:+8.1f}%".format(name, *percent))


def main(tests, boots):
    with tempfile.TemporaryDirectory(prefix="keelson-") as name:
        if boots:
            compare(pathlib.Path(name), boots, tests)
        else:
            count(pathlib.Path(name), tests)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--time", type=int, default=0, metavar="BOOTS")
    parser.add_argument("--boot", nargs=3)
    parser.add_argument("tests", nargs="*")
    given = parser.parse_args()
    if given.boot:
        sys.exit(boot(*given.boot[:2], " ".join(given.tests), bench=given.boot[2]))
    sys.exit(main(given.tests, given.time))
