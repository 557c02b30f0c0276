"""A Linux guest as Keelson's peer: two machines whose cards are joined by rough_wire, quiet and rough. In the Linux guest runs linux_peer.py, under
Debian's Python, taken from this host; what Keelson sent is judged by tshark. Part of `tests/run --long network`. `linux_guest.py [LINE ...]`."""
import contextlib
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
import against_linux as against

sys.path.insert(0, str(ROOT / "image"))
from runner import machine, options as command_line  # noqa: E402 pylint: disable=wrong-import-position

place = importlib.util.spec_from_file_location("linux_of_bench", ROOT / "tests/bench/linux/guest.py")
bench = importlib.util.module_from_spec(place)
place.loader.exec_module(bench)

WORK = ROOT / "build/tests/network/linux"
MODULES = ["virtio_pci", "virtio_net"]
MAC = "52:54:00:65:43:21"
SECONDS = 900
PYTHON = pathlib.Path("/usr/bin/python3").resolve()
LIBRARY = pathlib.Path("/usr/lib", PYTHON.name)
NOT_NEEDED = {"__pycache__", "test", "idlelib", "lib2to3", "tkinter", "pydoc_data", "ensurepip", "distutils", "dist-packages", "turtledemo"}
LINES = ["", "seed=11,loss=100,delay=8000,duplicate=100", "seed=12,loss=300,delay=4000,corrupt=50", "seed=13,rate=2000000,delay=2000"]
SCRIPT = """/bin/busybox ip link set lo up
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad
/bin/busybox ip link set eth0 up
/bin/busybox ip address add 10.9.0.1/24 dev eth0
/bin/busybox ip -6 address add fd09::1/64 dev eth0
export PATH=/bin:/usr/bin PYTHONHOME=/usr PYTHONDONTWRITEBYTECODE=1
/bin/python3 -u /tests/network/linux_peer.py || echo 'peer: 1 failures'
/bin/busybox poweroff -f
"""


def libraries(programs):
    """The shared libraries of these, as the loader finds them here."""
    found = set()
    for line in subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout.splitlines():
        found.update(word for word in line.split() if word.startswith("/") and not word.endswith(":"))
    return found


def files_of_python(line):
    """(path there, path here) of Python, ss and the tests."""
    (WORK / "line").write_text(line)
    wanted = [path for path in LIBRARY.rglob("*") if path.is_file() and not NOT_NEEDED & set(path.parts) and not path.parts[4].startswith("config-")]
    programs = [PYTHON, "/usr/bin/ss", *(path for path in wanted if path.suffix == ".so")]
    tests = [pathlib.Path("tests", name) for name in ("network/linux_peer.py", "network/services.py", "host/net/test_linux.py", "host/net/bad_frames.py",
                                                "exchanges/packet.py")]
    return [("bin/python3", PYTHON), ("bin/ss", "/usr/bin/ss"), ("line", WORK / "line"), *((path, ROOT / path) for path in tests),
            *((str(path).lstrip("/"), path) for path in [*wanted, *map(pathlib.Path, libraries(programs))])]


@contextlib.contextmanager
def linux(path, serial, line):
    kernel, initramfs = bench.prepare(WORK, None, SCRIPT, {}, MODULES, files_of_python(line))
    options = command_line.parse(["--accel", "tcg", "--nic", "none", "--memory", "512M"])
    command = machine.command(options, medium=ROOT / "build/image/keelson.iso", disks=[], accelerator="tcg", com1=f"file,path={serial}", com2=None)
    command += against.machine.stream_card(path, MAC)
    process = subprocess.Popen(bench.boot_line(command, kernel, initramfs), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run_line(line):
    """The failures of one line."""
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        serial, capture, end = pathlib.Path(folder, "serial"), f"{folder}/capture", f"{folder}/linux"
        serial.touch()
        with contextlib.ExitStack() as stack:
            # QEMU of Keelson waits in the wire's queue until Linux is there as well.
            keelson = against.Guest(line, capture, end=end, before=lambda: stack.enter_context(linux(end, serial, line)))
            stack.enter_context(keelson)
            ends = time.monotonic() + SECONDS
            while not (found := re.search(r"peer: (\d+) failures", serial.read_text(errors="replace"))) and time.monotonic() < ends:
                time.sleep(1)
        text = serial.read_text(errors="replace")
        print(*(said for said in text.splitlines() if "test_" in said or "peer" in said or "FAILED" in said), sep="\n")
        if not found:
            print(f"Linux did not come to its end:\n{text[-2000:]}")
        against.linux.MAC = against.MAC
        return (int(found[1]) if found else 1) + len(keelson.errors) + against.linux.judge(keelson, capture, line or "quiet")


def main(lines):
    bench.unpack(WORK)
    return 1 if sum(run_line(line) for line in lines or LINES) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
