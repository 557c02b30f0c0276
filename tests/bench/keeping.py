#!/usr/bin/python3 -B
"""What it costs that servers' memory is kept: the same build and the same work, booted with the manifest's `keep` lines and without them, in
instructions (one of them is a nanosecond of the guest's clock).

usage: keeping.py [WORK...]

The system disk lies in memory, so that nothing waits for a device. Times are told by the guest in milliseconds, that is in millions of instructions."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from runner import disk, options as command_line, ram_disk, session

BUILD = ROOT / "build"
LOOP = "i=0; while [ $i -lt {0} ]; do {1}; i=$((i + 1)); done"
WORK = {
    "create": ("mkdir /root/d", LOOP.format(1000, ": >/root/d/$i")),
    "stat": (": >/root/x", LOOP.format(3000, "[ -e /root/x ]")),
    "create in /tmp": ("mkdir /tmp/d", LOOP.format(1000, ": >/tmp/d/$i")),
    "start": (":", LOOP.format(60, "/bin/true")),
    "write": (":", "dd if=/dev/zero of=/root/big bs=64k count=200"),
    "read": (":", "cat /bin/* /bin/* >/dev/null"),
    "pipe": (":", "seq 1 30000 | cat | wc -l"),
}


def medium(folder, keeps):
    """A boot medium with the system disk in memory; without `keep` lines if not keeps."""
    image = pathlib.Path(folder, "system.img")
    if not image.exists():
        disk.create(image, BUILD / "image/system.tar")
    archive = (BUILD / "image/initrd.cpio").read_bytes()
    if not keeps:
        archive = b"".join(
            ram_disk.entry(header, name, re.sub(rb"(?m)^\s+keep.*\n", b"", content) if name == "etc/manifest" else content)
            for header, name, content in ram_disk.entries(archive)) + ram_disk.entry(b"070701" + b"0" * 104, "TRAILER!!!", b"")
    (pathlib.Path(folder, "image")).mkdir(exist_ok=True)
    pathlib.Path(folder, "image/initrd.cpio").write_bytes(archive)
    for name in ("boot", "kernel"):
        if not pathlib.Path(folder, name).exists():
            os.symlink(BUILD / name, pathlib.Path(folder, name))
    return ram_disk.medium(ROOT, pathlib.Path(folder), image, folder)


def boot(path, script):
    """For the child process: runs the script, whose output is this process's."""
    options = command_line.parse(["--icount", "--no-disk", "--seed", "1", "--option", "root=ram0", "--memory", "512M", "-c", script])
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return session.run(options, None, medium=pathlib.Path(path), disks=[], accelerator="tcg")


def measure(path, names):
    """{name: millions of instructions}."""
    script = "".join(f"{WORK[name][0]}\ntime sh -c '{{ {WORK[name][1]}; }} >/dev/null 2>&1' 2>&1 | grep real\n" for name in names)
    done = subprocess.run([sys.executable, "-B", __file__, "--boot", path, script], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    found = re.findall(r"real (\d+)\.(\d+)", done.stdout)
    if done.returncode != 0 or len(found) != len(names):
        sys.exit(done.stdout + done.stderr)
    return {name: int(seconds) * 1000 + int(rest) for name, (seconds, rest) in zip(names, found)}


def main(names):
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        kept = measure(medium(folder, True), names)
        plain = measure(medium(folder, False), names)
    print(f"{'millions of instructions':26} {'kept':>8} {'not kept':>9} {'cost':>7}")
    for name in names:
        print(f"{name:26} {kept[name]:8} {plain[name]:9} {100 * (kept[name] - plain[name]) / plain[name]:6.1f}%")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--boot"]:
        sys.exit(boot(*sys.argv[2:]))
    sys.exit(main(sys.argv[1:] or list(WORK)))
