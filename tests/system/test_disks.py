"""Disks that Keelson has never seen, made and judged by e2fsprogs on the host."""
import hashlib
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def guest(command, disk):
    return subprocess.run([ROOT / "image/run", "--timeout", "120", "--fresh-disk", "--disk", disk, "-c", command], capture_output=True,
                          check=False, timeout=240, text=True)


def make_tree(root, block):
    """The sparse file reaches into the third level of indirect blocks, or, of larger blocks, the second."""
    generator = random.Random(block)
    root.mkdir()
    for size in (0, 1, 1023, 1024, 4096, 12 * 1024 + 1, 300_001, 3_000_000):
        (root / f"size{size}").write_bytes(generator.randbytes(size))
    with (root / "sparse").open("wb") as file:
        for offset in (0, 5_000, 300_000, (70 if block == 1024 else 10) << 20):
            file.seek(offset)
            file.write(generator.randbytes(3000))
    deep = root
    for level in range(30):
        deep = deep / f"level{level}"
        deep.mkdir()
        (deep / ("n" * 200)).write_bytes(generator.randbytes(100))
    many = root / "many"
    many.mkdir()
    for number in range(700):
        (many / f"file-{number}").write_text(f"{number}\n")


def checksums(root):
    return {f"./{path.relative_to(root)}": hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*") if path.is_file() and path.parent.name != "many"}


@pytest.mark.parametrize("block", [1024, 2048, 4096])
def test_every_file_reads_back_and_writes_are_judged(tmp_path, block):
    tree, disk = tmp_path / "tree", tmp_path / "disk.img"
    make_tree(tree, block)
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-b", str(block), "-d", tree, disk, "64M"], check=True)
    done = guest("mount -t ext2 /dev/disk1 /mnt && cd /mnt && find . -type f ! -path './many/*' -exec sha256sum {} ';' && ls many | wc -l && "
                 "cp size3000000 copy && rm -r many && mkdir new && mv size4096 new/moved && ln copy new/link && "
                 "ln -s ../copy new/soft && dd if=size300001 of=sparse seek=9 bs=1000 count=3 conv=notrunc 2>/dev/null && "
                 "cd / && umount /mnt", disk)
    assert done.stderr == "" and done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[-1] == "700"
    assert dict(reversed(line.split("  ", 1)) for line in lines[:-1]) == checksums(tree)
    assert subprocess.run(["e2fsck", "-fn", disk], capture_output=True, check=False).returncode == 0
    out = tmp_path / "copy"
    subprocess.run(["debugfs", "-R", f"dump /copy {out}", disk], check=True, capture_output=True)
    assert out.read_bytes() == (tree / "size3000000").read_bytes()


def test_a_full_disk_says_so_and_loses_nothing(tmp_path):
    disk = tmp_path / "small.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext2", disk, "2M"], check=True)
    done = guest("mount -t ext2 /dev/disk1 /mnt && echo kept > /mnt/kept; dd if=/dev/zero of=/mnt/big bs=65536 count=100 2>&1 | grep space; "
                 "cat /mnt/kept; umount /mnt", disk)
    assert "no space left on device" in done.stdout and done.stdout.endswith("kept\n")
    assert subprocess.run(["e2fsck", "-fn", disk], capture_output=True, check=False).returncode == 0


def test_a_disk_without_a_file_system_is_refused(tmp_path):
    disk = tmp_path / "noise.img"
    disk.write_bytes(random.Random(1).randbytes(1 << 20))
    done = guest("mount -t ext2 /dev/disk1 /mnt; echo $?; dmesg | grep ext2 | tail -n 1", disk)
    assert done.stdout.startswith("1\n") and "not mounted" in done.stdout


def test_a_missing_system_disk_gives_a_rescue_shell():
    done = subprocess.run([ROOT / "image/run", "--timeout", "60", "--no-disk", "-c", "cat /proc/version; echo here"], capture_output=True,
                          check=False, timeout=120, text=True)
    assert done.returncode == 0 and done.stdout.endswith("here\n")
