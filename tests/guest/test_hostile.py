"""Hostile peers against the servers of a running system, beside an honest client (tests/guest/hostile): one boot of the image's roles,
with this one in the place of `boot`, on a RAM disk. Time is counted in instructions, so the shares do not depend on the host."""
import pathlib
import re
import struct
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
sys.path.insert(0, str(ROOT / "image"))
from runner import machine, options, ram_disk

SECONDS, TRIES = 240, "3000"  # of each kind of call to objects, where the program makes 10,000 by itself
SECTOR, PARTITIONS = 512, ((0x83, 64, 16384), (0xDA, 16448, 2048))  # kind, first sector, sectors: the disk, the attackers' own
ROLE = """
role hostile
    program sbin/hostile {arguments}
    priority 22
    memory 64 MiB
    kernel inspect log
    session root vfs as root
    session mount vfs as mount
    session task process
    session service init as inspect
    session power init as service
    session block ram
"""


def disk(folder):
    """An image of a disk with an ext2 file system that holds a large file, and a second partition."""
    tree = folder / "tree"
    (tree / "dev").mkdir(parents=True)
    (tree / "large").write_bytes(bytes(range(256)) * 4096)
    system = folder / "system.img"
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-t", "ext2", "-b", "1024", "-d", tree, system, f"{PARTITIONS[0][2] // 2}k"], check=True)
    entries = b"".join(bytes([0, 0, 0, 0, kind, 0, 0, 0]) + struct.pack("<II", first, count) for kind, first, count in PARTITIONS)
    whole = bytearray(SECTOR * sum(PARTITIONS[1][1:]))
    whole[446:446 + len(entries)] = entries
    whole[510:512] = b"\x55\xaa"
    start = PARTITIONS[0][1] * SECTOR
    whole[start:start + system.stat().st_size] = system.read_bytes()
    return bytes(whole)


def medium(folder, arguments):
    """The ordinary initrd with the role and the disk put in."""
    archive, made, header_of = (BUILD / "image/initrd.cpio").read_bytes(), [], None
    stripped = folder / "hostile"
    subprocess.run(["llvm-objcopy", "--strip-debug", BUILD / "tests/guest/hostile/hostile", stripped], check=True)
    for header, name, content in ram_disk.entries(archive):
        if name == "etc/manifest":
            text = ram_disk.manifest_with_image(content.decode())
            content = (text[:text.index("\nrole boot")] + ROLE.format(arguments=arguments)).encode()
        if name == "sbin/boot":
            name, content, header_of = "sbin/hostile", stripped.read_bytes(), header
        made.append(ram_disk.entry(header, name, content))
    made.append(ram_disk.entry(header_of, ram_disk.IMAGE, disk(folder)))
    made.append(ram_disk.entry(b"070701" + b"0" * 104, "TRAILER!!!", b""))
    initrd, iso = folder / "initrd", folder / "hostile.iso"
    initrd.write_bytes(b"".join(made))
    subprocess.run(["/usr/bin/python3", "-B", ROOT / "image/iso.py", ROOT / "boot/grub_core.cfg", ROOT / "boot/grub.cfg",
                    BUILD / "boot/loader", BUILD / "kernel/kernel", initrd, iso], check=True)
    return iso


def run(folder, arguments=""):
    """The TAP lines of the log, and the log."""
    line = machine.command(options.parse(["--no-disk", "--icount", "--seed", "1", "--memory", "96M"]), medium=medium(folder, arguments), disks=[],
                           accelerator="tcg", com1="stdio", com2=None)
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False).stdout
    except subprocess.TimeoutExpired as late:
        done = (late.stdout or b"").decode(errors="replace") + "\nnot ok 0 - the machine does not come to an end"
    return re.findall(r"((?:not )?ok \d+ - .*|1\.\.\d+)", done.replace("\r", "")), done


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    return run(tmp_path_factory.mktemp("hostile"), TRIES)


def test_honest_client_and_servers_are_unhurt(lines):
    tap, log = lines
    assert [line for line in tap if line.startswith("not")] == [], log[-6000:]
    cases = [line for line in tap if line.startswith("ok")]
    assert f"1..{len(cases)}" in tap and len(cases) >= 30, log[-3000:]


if __name__ == "__main__":  # by hand: test_hostile.py FOLDER [TRIES [ATTACK]]
    place = pathlib.Path(sys.argv[1])
    place.mkdir(parents=True)
    print(run(place, " ".join(sys.argv[2:]))[1])
