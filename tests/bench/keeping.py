#!/usr/bin/python3 -B
"""What it costs that servers' memory is kept: the same build and filebench (tests/bench/linux/files.c), booted with the manifest's `keep` lines and
without them.

usage: keeping.py [--time BOOTS] [TEST...]     tests of filebench: write read random files stat pipe spawn

In instructions, of which -icount makes one a nanosecond of the guest's clock; or by time, as tests/bench/run measures: BOOTS of each kind by
turns. The disk that is measured lies in memory, so that nothing waits for a device. Of all turns the least counts."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "image"), str(ROOT / "tests/bench")]
import filebench_disk
from runner import disk, options as command_line, ram_disk, session

BUILD = ROOT / "build"
DISK_MIB, TURNS = 112, 3


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


def boot(path, system, tests, turns=TURNS, counted=True):
    """For the child process: runs filebench, whose output is this process's."""
    count = ["--icount", "--seed", "1"] if counted else []
    options = command_line.parse([*count, "--memory", "1G", "-c", f"/bin/filebench /dev/ram0 /mnt {turns} {tests}"])
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return session.run(options, None, medium=pathlib.Path(path), disks=[(pathlib.Path(system), False)], accelerator="tcg")


def measure(found, path, system, tests, *, counted):
    """Into found: {name: nanoseconds of one operation}, the least of the turns."""
    words = [sys.executable, "-B", __file__, "--boot", path, system, *(["--counted"] if counted else []), *tests]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    for name, operations, nanoseconds in re.findall(r"^filebench,(\w+),(\d+),(\d+)\s*$", done.stdout, re.MULTILINE):
        found[name] = min(found.get(name, 1 << 63), int(nanoseconds) // int(operations))


def main(tests, boots):
    kept, plain = {}, {}
    with tempfile.TemporaryDirectory(prefix="keelson-") as name:
        folder = pathlib.Path(name)
        system, image = disks(folder)
        media = []
        for found, keeps in ((kept, True), (plain, False)):
            (folder / str(keeps)).mkdir()
            media.append((found, medium(folder / str(keeps), image, keeps)))
        for number in range(boots or 1):
            for found, path in media if number % 2 == 0 else reversed(media):
                measure(found, path, system, tests, counted=not boots)
    print(f"{'nanoseconds' if boots else 'instructions'} per operation{'':18} {'kept':>10} {'not kept':>10} {'cost':>7}")
    for name, least in plain.items():
        print(f"{name:42} {kept[name]:10} {least:10} {100 * (kept[name] - least) / least:6.1f}%")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--time", type=int, default=0, metavar="BOOTS")
    parser.add_argument("--boot", nargs=2)
    parser.add_argument("--counted", action="store_true")
    parser.add_argument("tests", nargs="*")
    given = parser.parse_args()
    if given.boot:
        sys.exit(boot(*given.boot, " ".join(given.tests), counted=given.counted))
    sys.exit(main(given.tests, given.time))
