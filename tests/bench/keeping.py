#!/usr/bin/python3 -B
"""What it costs that servers' memory is kept: the same build and filebench (tests/bench/linux/files.c), booted with the manifest's `keep` lines and
without them.

usage: keeping.py [--time BOOTS] [TEST...]     tests of filebench: write read random files stat pipe spawn

In instructions, of which -icount makes one a nanosecond of the guest's clock: the disk lies in memory, so that nothing waits for a device, and the
least of all turns counts. Or by time, on the machine of tests/bench/run with its two IDE disks: BOOTS of each kind by turns, of whose turns the least
and the middle ones are compared. Repeats of the least differ by some per cent: take 14 boots, on a host that does nothing else."""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "image"), str(ROOT / "tests/bench")]
import filebench_disk
from runner import disk, options as command_line, ram_disk, session

BUILD = ROOT / "build"
DISK_MIB, IDE_MIB, TURNS = 112, 256, 3


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
    disks = [(pathlib.Path(each), False) for each in (system, bench) if each]
    return session.run(options, None, medium=pathlib.Path(path), disks=disks, accelerator="tcg")


def measure(found, path, system, tests, bench=None):
    """Into found: {name: [nanoseconds of one operation, of each turn]}"""
    words = [sys.executable, "-B", __file__, "--boot", path, system, bench or "", *tests]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    for name, operations, nanoseconds in re.findall(r"^filebench,(\w+),(\d+),(\d+)\s*$", done.stdout, re.MULTILINE):
        found.setdefault(name, []).append(int(nanoseconds) / int(operations))


def main(tests, boots):
    kept, plain = {}, {}
    with tempfile.TemporaryDirectory(prefix="keelson-") as name:
        folder = pathlib.Path(name)
        system, image = disks(folder)
        bench = folder / "ide.img" if boots else None
        if boots:
            image.write_bytes(bytes(1 << 16))  # the disk in memory is not used
        media = []
        for found, keeps in ((kept, True), (plain, False)):
            (folder / str(keeps)).mkdir()
            media.append((found, medium(folder / str(keeps), image, keeps)))
        for number in range(boots or 1):
            for found, path in media if number % 2 == 0 else reversed(media):
                if boots:
                    filebench_disk.make(bench, IDE_MIB)
                measure(found, path, system, tests, bench)
    show(kept, plain, "nanoseconds" if boots else "instructions", {"least": min, "middle": statistics.median} if boots else {"": min})
    return 0


def show(kept, plain, unit, chosen):
    for which, choose in chosen.items():
        print(f"{unit} per operation {which:6}{'':{17 - len(unit)}} {'kept':>12} {'not kept':>12} {'cost':>7}")
        for name, turns in plain.items():
            here, there = choose(kept[name]), choose(turns)
            print(f"{name:35} {here:12.0f} {there:12.0f} {100 * (here - there) / there:6.1f}%")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--time", type=int, default=0, metavar="BOOTS")
    parser.add_argument("--boot", nargs=3)
    parser.add_argument("tests", nargs="*")
    given = parser.parse_args()
    if given.boot:
        sys.exit(boot(*given.boot[:2], " ".join(given.tests), bench=given.boot[2]))
    sys.exit(main(given.tests, given.time))
