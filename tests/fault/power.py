"""Power loss: a disk is cut off while the workload of tests/fault/work/power.c writes to it, and after each cut `e2fsck -p` must repair what is
left by itself, and every file that was fsynced must read back whole.

QEMU's blklogwrites driver records every write and flush. The recording is cut after every write; then, between two flushes, any subset of the
writes may have reached the disk: such subsets are drawn at random. And QEMU is killed at random moments. A point is SEED:cut:N (the first N writes of the
recording with that seed), SEED:subset:N (the N-th drawn subset) or SEED:kill:N. Each recording is made anew, so the same seed gives the same
work, but writes in the background may lie elsewhere: a failed state's image is kept."""
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import time

import guest

DISK_KIB, MARKS_KIB = 6144, 1024
SECTOR = 512
LOG_MAGIC, FLAG_FLUSH, FLAG_DISCARD = 0x6A736677736872, 1, 4
ROUNDS, SUBSETS = 160, 1000


def make_disk(path):
    """A small file system, and behind it room for the marks."""
    pathlib.Path(path).unlink(missing_ok=True)
    pathlib.Path(path).touch()
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", path, f"{DISK_KIB}k"], check=True)
    with open(path, "r+b") as file:
        file.truncate((DISK_KIB + MARKS_KIB) * 1024)


def bytes_of(seed, size):
    """What the workload writes for a seed."""
    made = bytearray(size)
    for at in range(size):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        made[at] = seed >> 24
    return bytes(made)


class Promises:
    """What must be on the disk, from the marks."""
    known = {}

    def __init__(self):
        self.files = {}

    def mark(self, sector):
        words = sector.split(b"\n")[0].decode("ascii", "replace").split()
        if len(words) == 4 and words[0] == "S":
            self.files[words[1]] = (int(words[2]), int(words[3]))
        elif len(words) == 2 and words[0] == "C":
            self.files.pop(words[1], None)

    def content(self, name):
        key = self.files[name]
        if key not in self.known:
            self.known[key] = bytes_of(*key)
        return self.known[key]


class Recording:
    """The writes and flushes that a run made, in order."""

    def __init__(self, path):
        self.writes = []  # (byte, data); None: a flush
        with open(path, "rb") as file:
            magic, _, count, sector = struct.unpack("<QQQI", file.read(28))
            assert magic == LOG_MAGIC, "not a log of writes"
            file.seek(sector)
            for _ in range(count):
                where, sectors, flags = struct.unpack("<QQQ", file.read(sector)[:24])
                if sectors and not flags & FLAG_DISCARD:
                    self.writes.append((where * sector, file.read(sectors * sector)))
                if flags & FLAG_FLUSH:
                    self.writes.append(None)

    def is_mark(self, write):
        return write is not None and write[0] >= DISK_KIB * 1024

    def cuts(self):
        """Positions behind each write to the file system."""
        return [at + 1 for at, write in enumerate(self.writes) if write is not None and not self.is_mark(write)]

    def epochs(self):
        """(first, end) of the writes between two flushes, where there are some."""
        found, first = [], 0
        for at, write in enumerate([*self.writes, None]):
            if write is None:
                if any(not self.is_mark(each) for each in self.writes[first:at]):
                    found.append((first, at))
                first = at + 1
        return found


def apply(file, write):
    file.seek(write[0])
    file.write(write[1])


def judge(image, promises):
    """None, or what is wrong after the repair. Repairs the image."""
    done = subprocess.run(["e2fsck", "-fp", image], capture_output=True, check=False, text=True)
    if done.returncode > 1:
        return f"e2fsck -p gives up ({done.returncode}): " + " ".join((done.stdout + done.stderr).split())[:300]
    with tempfile.TemporaryDirectory() as scratch:
        names = sorted(promises.files)
        guest.disk.debugfs(image, [f"dump {name} {scratch}/{i}" for i, name in enumerate(names)])
        for i, name in enumerate(names):
            path = pathlib.Path(scratch, str(i))
            if not path.exists():
                return f"{name} was fsynced and is gone"
            if (found := path.read_bytes()) != (wanted := promises.content(name)):
                same = next((at for at, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]), min(len(found), len(wanted)))
                return f"{name} was fsynced; of {len(wanted)} bytes {len(found)} are there, and they differ from byte {same} on"
    return None


def command(seed, rounds):
    return (f"mkdir /tmp/p && mount /dev/disk1 /tmp/p && faultwork power /dev/disk1 /tmp/p {DISK_KIB * 1024} {seed} {rounds}")


def drives(system, image, log=None):
    """QEMU's arguments: the system disk, and the disk that is cut off, recorded if there is a log."""
    line = ["-drive", f"if=none,id=disk0,format=raw,cache=unsafe,file={system}"]
    line += ["-blockdev", f"driver=file,node-name=image,filename={image},cache.no-flush=on"]
    if log:
        pathlib.Path(log).touch()
        line += ["-blockdev", f"driver=file,node-name=log,filename={log},cache.no-flush=on", "-blockdev", "driver=blklogwrites,node-name=cut,file=image,log=log"]
    return line + ["-device", f"ide-hd,drive={'cut' if log else 'image'},bus=ide.0,unit=1"]


def boot(folder, seed, rounds, log=None):
    """A machine that begins the workload, and its disk."""
    folder = pathlib.Path(folder)
    image, system = folder / "image", folder / "system"
    make_disk(image)
    guest.copy_disk(guest.Medium.base or guest.base_disk(), system)
    return guest.Guest(command(seed, rounds), drive=drives(system, image, log), arguments=["--memory", "128M"]), image


def record(folder, seed, rounds=ROUNDS):
    """(recording, the disk as it was before)."""
    machine, _ = boot(folder, seed, rounds, pathlib.Path(folder, "log"))
    with machine:
        if machine.run(silence=60) != 0:
            raise guest.Silent(f"the workload failed: {machine.output!r} {machine.errors!r}")
        machine.shut_down()
    before = pathlib.Path(folder, "before")
    make_disk(before)
    return Recording(pathlib.Path(folder, "log")), before


def try_cuts(recording, before, folder, positions):
    """(position, None or what is wrong) of each."""
    now, scratch, promises, done = pathlib.Path(folder, "now"), pathlib.Path(folder, "scratch"), Promises(), 0
    shutil.copy(before, now)
    for position in sorted(positions):
        with open(now, "r+b") as file:
            for write in recording.writes[done:position]:
                if recording.is_mark(write):
                    promises.mark(write[1])
                elif write is not None:
                    apply(file, write)
        done = position
        shutil.copy(now, scratch)
        yield position, judge(scratch, promises)


def try_subsets(recording, before, folder, seed, numbers):
    """(number, None or what is wrong): each has some of the writes between two flushes, and all before."""
    now, scratch, promises, done = pathlib.Path(folder, "now"), pathlib.Path(folder, "scratch"), Promises(), 0
    shutil.copy(before, now)
    epochs = recording.epochs()
    drawn = sorted((random.Random(f"{seed} {number}").choice(epochs), number) for number in numbers)
    for (first, end), number in drawn:
        with open(now, "r+b") as file:
            for write in recording.writes[done:first]:
                if recording.is_mark(write):
                    promises.mark(write[1])
                elif write is not None:
                    apply(file, write)
        done = max(done, first)
        chosen, then = random.Random(f"{seed} {number} subset"), Promises()
        then.files = dict(promises.files)
        shutil.copy(now, scratch)
        with open(scratch, "r+b") as file:
            share = chosen.random()
            for write in recording.writes[first:end]:
                if recording.is_mark(write):
                    then.mark(write[1])
                elif chosen.random() < share:
                    apply(file, write)
        yield number, judge(scratch, then)


def try_kill(folder, seed, number):
    """QEMU ends somewhere in the workload; None, or what is wrong."""
    machine, image = boot(folder, seed, 1_000_000)
    with machine:
        with open(image, "rb", buffering=0) as file:
            begun, deadline = False, time.monotonic() + 60
            while not begun and time.monotonic() < deadline:
                machine.step(0.05)
                file.seek(DISK_KIB * 1024)
                begun = file.read(2) == b"S "
        if not begun:
            return f"the workload did not begin: {machine.errors!r}"
        time.sleep(random.Random(f"{seed} {number} kill").random() * 1.5)
    promises = Promises()
    with open(image, "rb") as file:
        file.seek(DISK_KIB * 1024)
        while (sector := file.read(SECTOR)).strip(b"\0"):
            promises.mark(sector)
    return judge(image, promises)


def seed_points(folder, seed, *, cuts=None, subsets=SUBSETS, kills=4, rounds=ROUNDS):
    """(point, None or what is wrong) of one recording; `cuts`: so many of the positions, None: all."""
    recording, before = record(folder, seed, rounds)
    positions = recording.cuts()
    if cuts is not None:
        positions = random.Random(seed).sample(positions, min(cuts, len(positions)))
    for position, wrong in try_cuts(recording, before, folder, positions):
        yield f"{seed}:cut:{position}", wrong
    for number, wrong in try_subsets(recording, before, folder, seed, range(subsets)):
        yield f"{seed}:subset:{number}", wrong
    for number in range(kills):
        yield f"{seed}:kill:{number}", try_kill(folder, seed, number)


def main(ledger, commit, resume, chunks):
    """Seed after seed: every cut of a recording, 1,000 subsets, some kills. Until ^C, the first failure, or after `chunks` recordings."""
    first = 1
    for line in ledger.read_text().splitlines() if resume and ledger.exists() else []:
        words = line.split()
        if words[:2] == [commit, "power"]:
            first = max(first, int(words[2].split(":")[0]) + 1)
    made = failed = points = 0
    try:
        while chunks is None or made < chunks:
            seed = first + made
            with tempfile.TemporaryDirectory(prefix="keelson-") as folder, ledger.open("a", encoding="utf-8", buffering=1) as file:
                for point, wrong in seed_points(folder, seed):
                    points += 1
                    file.write(f"{commit} power {point} {'failed ' + wrong if wrong else 'passed'}\n")
                    if wrong:
                        failed += 1
                        print(f"FAILED {point}: {wrong}", flush=True)
            made += 1
            print(f"{made} recordings, {points} states, {failed} failed", flush=True)
    except KeyboardInterrupt:
        pass
    return 1 if failed else 0
