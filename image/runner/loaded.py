"""A machine as firmware and GRUB leave it, from a file: what precedes our first instruction is half of what a short run costs, and the same each time.

Only for tests that say so in the environment (tests/lanes.py), by TCG. The state is saved before the loader's first instruction, so all that is ours runs, on the processor,
memory and devices that GRUB left. There is a file for each command line of QEMU, but for what the guest cannot see so early: where its lines, disks and network lead to. A
machine that is not plain (UEFI, counted instructions, much memory, other kinds of disks) boots as ever."""
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import tempfile
import time

from runner import build, network

WANTED = "KEELSON_LOADED"  # in the environment: the build folder, below which the files are
LOADED_AT = 2 << 20  # the lowest address that the loader's header allows, which GRUB takes
SECONDS = 60
MEMORY_MIB = 1024  # more takes longer to read back than GRUB takes
ORDINARY = {"-icount", "-incoming", "-plugin", "-S", "-gdb", "-blockdev", "-seed", "-snapshot"}
UNSEEN = {"-qmp": 1, "-mon": 1, "-monitor": 1, "-object": 1, "-no-reboot": 0}  # words that are left out, each with so many behind it
LOOP = b"ebfe"  # a jump to itself


def arguments(line):
    """What makes the machine of this command line go on from the file, which is made if it is missing; [] if it is to boot."""
    if WANTED not in os.environ or (plain := plain_line(line)) is None:
        return []
    folder = pathlib.Path(os.environ[WANTED])
    medium = pathlib.Path(re.search(r"if=none,id=medium,[^\0]*?file=([^,\0]*)", "\0".join(plain))[1])
    if folder not in medium.parents:
        return []  # somebody's own, for one boot
    used = [folder / "boot/loader", medium, pathlib.Path(shutil.which(line[0]))]
    words = [*plain, *(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}" for path in used)]
    place = folder / "image/loaded" / hashlib.sha256("\0".join(words).encode()).hexdigest()[:24]
    place.mkdir(parents=True, exist_ok=True)
    with build.locked(place):
        if not any(place.glob("[sn]*")):
            remove_older(place.parent, medium.stat().st_mtime)
            save(plain, LOADED_AT + entry_of(used[0]), place)
    return ["-incoming", f"exec:cat {shlex.quote(str(place / 'state'))}"] if (place / "state").exists() else []


def remove_older(folder, time_made):
    """What was kept of former builds."""
    for place in folder.iterdir():
        if any(file.stat().st_mtime < time_made for file in place.glob("[sn]*")):
            shutil.rmtree(place, ignore_errors=True)


def plain_line(line):
    """The command line without what the guest does not see before our first instruction; None: not for us."""
    if ORDINARY & set(line) or any(word.startswith(("if=pflash", "memory-backend")) for word in line) or "tcg" not in line:
        return None
    size = line[line.index("-m") + 1]
    if int(size[:-1]) * {"M": 1, "G": 1024}[size[-1]] > MEMORY_MIB:
        return None
    plain, words = [], iter(line)
    for word in words:
        if word in UNSEEN:
            for _ in range(UNSEEN[word]):
                next(words)
            continue
        plain.append(word)
        if word == "-chardev":
            plain.append("null," + re.search(r"(?:^|,)(id=\w+)", next(words))[1])
        elif word == "-netdev":
            netdev = next(words)
            plain.append(netdev if netdev.startswith("user,") else f"hubport,hubid=0,{re.search(r'id=[^,]*', netdev)[0]}")
        elif word == "-drive":
            if (drive := plain_drive(next(words))) is None:
                return None
            plain.append(drive)
    return plain


def plain_drive(words):
    """A disk of the same size that holds nothing, since only the medium is read; None: one of another kind."""
    if words.startswith("if=none,id=medium,"):
        return words
    found = re.fullmatch(r"if=none,(id=disk\d),format=raw,(?:snapshot=\w+,|cache=unsafe,)?file=([^,]*)", words)
    if not found or not pathlib.Path(found[2]).is_file():
        return None
    return f"if=none,{found[1]},driver=null-co,read-zeroes=on,size={pathlib.Path(found[2]).stat().st_size}"


def entry_of(loader):
    """Where its first instruction is, from its beginning."""
    return struct.unpack_from("<Q", loader.read_bytes(), 24)[0]


def save(line, entry, place):
    """Boots up to the instruction at `entry` and makes the file `state` in the folder `place`, or `no` if it does not come so far."""
    with tempfile.TemporaryDirectory(prefix="keelson-") as scratch:
        line = [*line, "-S", "-global", "migration.store-global-state=off"]
        line += [word for name in ("qmp", "gdb") for word in ("-" + name, f"unix:{scratch}/{name},server=on,wait=off")]
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            try:
                monitor = network.Monitor(network.connect(f"{scratch}/qmp", lambda: process.poll() is None))
                stop_at(entry, monitor, Stub(network.connect(f"{scratch}/gdb", lambda: process.poll() is None)))
                write(monitor, place / "new")
                (place / "new").rename(place / "state")
            except (OSError, EOFError, ValueError, KeyError, AttributeError) as reason:
                (place / "no").write_text(repr(reason))
            finally:
                process.kill()


class Stub:
    """QEMU's side of gdb's remote protocol."""

    def __init__(self, stub):
        self.stub, self.heard = stub, b""
        stub.settimeout(SECONDS)

    def send(self, packet):
        self.stub.sendall(b"+$%s#%02x" % (packet, sum(packet) & 255))

    def receive(self):
        while not (found := re.match(rb"\+*\$([^#]*)#..", self.heard)):
            data = self.stub.recv(4096)
            if not data:
                raise EOFError("QEMU ended")
            self.heard += data
        self.heard = self.heard[found.end():]
        return found[1]

    def ask(self, packet, wanted=b"OK"):
        self.send(packet)
        answer = self.receive()
        if wanted is not None and not answer.startswith(wanted):
            raise ValueError(f"gdb's stub answers {answer} to {packet}")
        return answer


def stop_at(entry, monitor, stub):
    """The machine rests before the instruction at `entry`, for no reason that a debugger gave: QEMU would save that too. So it is stopped in a loop that lies there meanwhile."""
    stub.ask(b"Z1,%x,1" % entry)
    stub.ask(b"c", b"T05")
    stub.ask(b"z1,%x,1" % entry)
    code = stub.ask(b"m%x,2" % entry, None)
    stub.ask(b"M%x,2:%s" % (entry, LOOP))
    monitor.execute("cont")
    monitor.execute("stop")
    stub.receive()  # it is told of the stop
    stub.ask(b"M%x,2:%s" % (entry, code))


def write(monitor, path):
    monitor.execute("migrate-set-parameters", **{"max-bandwidth": 10**10})
    monitor.execute("migrate", uri=f"exec:cat > {shlex.quote(str(path))}")
    deadline = time.monotonic() + SECONDS
    while (status := monitor.execute("query-migrate")["return"].get("status")) != "completed":
        if status in ("failed", "cancelled") or time.monotonic() > deadline:
            raise ValueError(f"the state can't be saved: {status}")
        time.sleep(0.01)
