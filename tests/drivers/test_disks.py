"""Disk drivers in the guest, each with a machine of its own: an initrd with devices, a driver and block_check, which tries the driver
from a client's side and says in the log what it found (tests/guest/drivers/block_check.c). Every sector of a test disk begins
with its own number."""
import os
import re
import selectors
import struct
import subprocess
import time

import pytest

import medium

BUILD = medium.BUILD
PROGRAMS = {"sbin/ata": BUILD / "drivers/block/ata/ata", "sbin/ram": BUILD / "drivers/block/ram/ram", "sbin/block_check": BUILD / "drivers/block_check"}
MANIFEST = """
role ata
    program sbin/ata
    priority 45
    memory 8 MiB
    state 128 KiB
    kernel log
    session device devices
role ram
    program sbin/ram image=disk.img
    priority 45
    memory all
    state 128 KiB
    kernel log
    boot initrd initrd
role check
    program sbin/block_check {arguments}
    priority 30
    memory 16 MiB
    kernel log inspect
    session devices devices
    session block {driver}
    session service init as service
"""


def sectors(count, changed=()):
    """The bytes of a disk; `changed` maps sector numbers to other contents."""
    changed = dict(changed)
    return b"".join(changed.get(number, struct.pack("<Q", number) + bytes(504)) for number in range(count))


def boot_record(number, *entries):
    table = b"".join(bytes([0, 0, 0, 0, kind, 0, 0, 0]) + struct.pack("<II", first, count) for kind, first, count in entries)
    return struct.pack("<Q", number) + bytes(438) + table.ljust(64, b"\0") + b"\x55\xaa"


@pytest.fixture
def run(tmp_path):
    """run(arguments of block_check, QEMU's arguments): the log, up to its last line."""

    def start(arguments, *options, driver="ata", files=(), seconds=60):
        iso = medium.make(tmp_path, "match=ata:class=0101 match=keyboard:platform=ps2", MANIFEST.format(arguments=arguments, driver=driver), PROGRAMS,
                          files)
        machine = subprocess.Popen(["qemu-system-x86_64", "-m", "128", "-display", "none", "-serial", "stdio", "-no-reboot",
                                    "-cdrom", iso, *options], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE)
        log, deadline = b"", time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(machine.stdout, selectors.EVENT_READ)
            while b"check: end" not in log and selector.select(deadline - time.monotonic()):
                data = os.read(machine.stdout.fileno(), 65536)
                if not data:
                    break
                log += data
        machine.kill()
        machine.wait()
        text = log.decode(errors="replace").replace("\r", "")
        assert "check: end" in text, text
        return text

    return start


def disk(path, content, *more):
    path.write_bytes(content)
    return ["-drive", ",".join([f"file={path},format=raw,if=ide,snapshot=on", *more])]


def assert_good(log, passes):
    counts = re.findall(r"check: .*bad (\d+)", log)
    assert len(counts) >= passes and set(counts) == {"0"}, log


def test_partitions_and_two_disks(run, tmp_path):
    table = {0: boot_record(0, (0x83, 2048, 4096), (5, 8192, 8000)), 8192: boot_record(8192, (0x83, 1, 1000))}
    log = run("calls write", *disk(tmp_path / "a", sectors(32768), "index=0"),
              *disk(tmp_path / "b", sectors(16384, table), "index=3"))
    assert_good(log, 8)
    assert "unit disk0 sectors 32768 from 0" in log
    assert "unit disk1p1 sectors 4096 from 2048" in log
    assert "unit disk1p5 sectors 1000 from 8193" in log
    assert "channel 1, master: an ATAPI device" in log


def test_q35(run, tmp_path):
    (tmp_path / "a").write_bytes(sectors(32768))
    log = run("calls write", "-M", "q35", "-device", "piix3-ide,id=ide9", "-device", "ide-hd,bus=ide9.1,unit=1,drive=a", "-drive",
              f"file={tmp_path / 'a'},format=raw,if=none,id=a,snapshot=on")
    assert "configuration space in memory" in log
    assert_good(log, 4)


def test_old_interrupt_controller(run, tmp_path):
    log = run("calls write", "-cpu", "qemu64,-apic", *disk(tmp_path / "a", sectors(16384), "index=1"))
    assert "lines by PIC" in log
    assert_good(log, 4)


def test_disk_errors(run, tmp_path):
    """A sector that can't be read fails its own request, with a message; one that fails once is read after all."""
    (tmp_path / "a").write_bytes(sectors(32768))
    (tmp_path / "debug").write_text('[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "10000"\nonce = "off"\n'
                                    '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "20000"\nonce = "on"\n')
    log = run("", "-drive", f"file=blkdebug:{tmp_path / 'debug'}:{tmp_path / 'a'},format=raw,if=ide,index=0")
    assert "ring read of whole disk: bad 1 " in log
    assert re.search(r"disk0: reading sector \d+ \(96 sectors by PIO\): command aborted", log)


def test_killed_again_and_again(run, tmp_path):
    """Driver and `devices` die while the disk is read and written; the client sees nothing."""
    log = run("write kill", *disk(tmp_path / "a", sectors(32768), "index=0"))
    assert_good(log, 7)
    assert int(re.search(r"calls while killed: bad 0 kills (\d+)", log)[1]) > 40


def test_ram(run, tmp_path):
    (tmp_path / "disk.img").write_bytes(sectors(16384, {0: boot_record(0, (0x83, 2048, 4096))}))
    log = run("calls write", driver="ram", files=["disk.img", str(tmp_path / "disk.img")])
    assert "unit ram0p1 sectors 4096 from 2048" in log
    assert_good(log, 4)
