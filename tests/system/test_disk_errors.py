"""Disks that return errors, by QEMU's blkdebug: whoever is concerned gets EIO, the log says where, and nothing else is lost. Several
disks, with several places each, share one machine."""
import hashlib
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = 1024
SECTORS = BLOCK // 512
EIO = "input/output error"
SIZES = {"good": 100_000, "data": 20_000, "long": 300_000, "once": 20_000}


class Disk:
    """An image with files, and rules for its errors."""

    def __init__(self, folder, name, seed):
        self.image, self.rules, self.folder, self.name = folder / f"{name}.img", [], folder, name
        tree, generator = folder / name, random.Random(seed)
        self.contents = {path: generator.randbytes(size) for path, size in SIZES.items()}
        for directory in ("dir", "far", "near"):
            self.contents.update({f"{directory}/file{number}": generator.randbytes(3000) for number in range(8)})
        for path, data in self.contents.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
        subprocess.run(["mke2fs", "-q", "-t", "ext2", "-b", str(BLOCK), "-d", tree, self.image, "32M"], check=True)

    def debugfs(self, command):
        return subprocess.run(["debugfs", "-R", command, self.image], capture_output=True, text=True, check=True).stdout

    def block(self, path, index):
        return int(self.debugfs(f"bmap {path} {index}"))

    def inode_block(self, path):
        return int(self.debugfs(f"imap {path}").split("located at block ")[1].split(",")[0])

    def fail(self, kind, block=None, times=None):
        """Requests of this kind (read, write, flush) that touch the block fail, always or the first few times."""
        where = "" if block is None else f'sector = "{block * SECTORS}"\n'
        once = "off" if times is None else "on"
        self.rules += [f'[inject-error]\nevent = "none"\niotype = "{kind}"\nerrno = "5"\n{where}once = "{once}"\n'] * (times or 1)

    def fail_flushes(self, times):
        """The first few flushes after the second request to write: the first, and its flush, belong to mounting."""
        for state in (1, 2):
            self.rules.append(f'[set-state]\nstate = "{state}"\nevent = "write_aio"\nnew_state = "{state + 1}"\n')
        self.rules += ['[inject-error]\nevent = "flush_to_disk"\nstate = "3"\niotype = "flush"\nerrno = "5"\nonce = "on"\n'] * times

    def attach(self, unit):
        rules = self.folder / f"{self.name}.rules"
        rules.write_text("".join(self.rules))
        return ["-drive", f"if=none,id=bad{unit},format=raw,file=blkdebug:{rules}:{self.image}", "-device",
                f"ide-hd,drive=bad{unit},bus=ide.{unit // 2},unit={unit % 2}"]

    def check(self):
        return subprocess.run(["e2fsck", "-fn", self.image], capture_output=True, text=True, check=False)

    def read_back(self, path):
        return subprocess.run(["debugfs", "-R", f"cat {path}", self.image], capture_output=True, check=True).stdout


def run(script, *disks):
    options = [word for unit, disk in enumerate(disks, 1) for word in disk.attach(unit)]
    return subprocess.run([ROOT / "image/run", "--timeout", "120", "--fresh-disk", "-c", script, "--", *options], capture_output=True,
                          check=False, timeout=240, text=True)


# Each step prints its name, what the command said and its status; then which services were ever restarted, and the log.
FRAME = """
step() { echo "== $1"; shift; "$@" 2>&1; echo "status $?"; }
%s
echo "== restarts"; while read -r name state pid restarts rest; do [ "$restarts" = 0 ] || echo "$name"; done < /proc/services
echo "== log"; dmesg
"""


def steps(done):
    parts = {}
    for part in ("\n" + done.stdout).split("\n== ")[1:]:
        name, _, text = part.partition("\n")
        parts[name] = text
    assert done.returncode == 0 and parts["restarts"].strip() == "", (done.stderr, parts)
    return parts


def sums(disk, *paths):
    return "".join(f"{hashlib.sha256(disk.contents[path]).hexdigest()}  {path}\n" for path in paths) + "status 0"


def test_errors_of_reading(tmp_path):
    """Blocks of a file, of a directory, of pointers, of inodes; one that fails once. What is read along with them is good."""
    disk = Disk(tmp_path, "read", 1)
    pointers = int(disk.debugfs("stat long").split("(IND):")[1].split(",")[0])
    bad = [disk.block("data", 5), disk.block("dir", 0), pointers, disk.inode_block("far/file0")]
    for block in bad:
        disk.fail("read", block)
    disk.fail("read", disk.block("once", 3), times=1)
    found = steps(run(FRAME % """
step mount mount -t ext2 /dev/disk1 /mnt
cd /mnt
step data wc -c data
step dir ls dir
step long wc -c long
step inode ls -l far/file0
step rest sha256sum good once near/file0 near/file7
cd /
step umount umount /mnt
""", disk))
    assert found["mount"].strip() == found["umount"].strip() == "status 0"
    assert found["data"] == f"wc: data: {EIO}\n4096 data\nstatus 1"
    assert found["dir"] == f"ls: dir: {EIO}\nstatus 1"
    assert found["long"] == f"wc: long: {EIO}\n{12 * BLOCK} long\nstatus 1"
    assert found["inode"] == f"ls: far/file0: {EIO}\nstatus 2"
    assert found["rest"] == sums(disk, "good", "once", "near/file0", "near/file7")
    for block in bad[1:]:
        assert f"ext2: cannot read block {block}\n" in found["log"]
    assert "cannot read page 1\n" in found["log"]
    assert disk.check().returncode == 0


def test_errors_of_writing_and_flushing(tmp_path):
    """A block of a file, and one of inodes, that can't be written; a block that can't at first, and a flush that fails once after
    all that the driver tries. What could be written is there."""
    data, inodes, passing = disks = [Disk(tmp_path, name, seed) for seed, name in enumerate(("data", "inodes", "passing"))]
    data.fail("write", data.block("data", 2))
    inodes.fail("write", inodes.inode_block("far/file0"))
    passing.fail("write", passing.block("data", 2), times=4)
    passing.fail_flushes(3)
    found = steps(run(FRAME % """
head -c 20000 /dev/zero | tr '\\0' z > /tmp/new
for i in 1 2 3; do
    mkdir /tmp/d$i
    step mount$i mount -t ext2 /dev/disk$i /tmp/d$i
    cd /tmp/d$i
    for name in good good2 data; do
        step $name$i dd if=/tmp/new of=${name%2} bs=1000 count=20 conv=notrunc,fsync status=none
    done
    chmod 600 far/file0
    step sync$i sync far/file0
    step rest$i sha256sum long once near/file0 near/file7
    cd /
    step umount$i umount /tmp/d$i
done
""", *disks))
    good, lost = "status 0", "status 1"
    status = {step: text.strip().split("\n")[-1] for step, text in found.items()}
    assert [status[f"{step}1"] for step in ("mount", "good", "good2", "data", "sync", "umount")] == [good, good, good, lost, good, good]
    assert [status[f"{step}2"] for step in ("mount", "good", "good2", "data", "sync", "umount")] == [good, good, good, good, lost, lost]
    assert [status[f"{step}3"] for step in ("mount", "good", "good2", "data", "sync", "umount")] == [good, lost, good, good, good, good]
    assert found["data1"] == f"dd: data: {EIO}\n{lost}" and found["sync2"] == f"sync: far/file0: {EIO}\n{lost}"
    assert "cannot write page 0 to block" in found["log"] and "cannot write metadata" in found["log"]
    for number, disk in enumerate(disks, 1):
        assert found[f"rest{number}"] == sums(disk, "long", "once", "near/file0", "near/file7")
        judged = disk.check()
        assert judged.returncode == 0, judged
        new, old = b"z" * 20_000, disk.contents["data"]
        assert disk.read_back("good")[:20_000] == new
        # One block is what a bad sector costs.
        assert disk.read_back("data") == (new if disk is not data else new[:2 * BLOCK] + old[2 * BLOCK:3 * BLOCK] + new[3 * BLOCK:])
