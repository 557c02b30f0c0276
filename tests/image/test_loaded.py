"""image/runner/loaded.py: a machine goes on from what firmware and GRUB left, and only from what they would leave now."""
import os
import pathlib
import shutil
import subprocess

import pytest
from runner import loaded, machine, options

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
PLAIN = ("--no-disk", "--nic", "none", "--memory", "64M", "-c", "true")
BANNER = "Keelson, loaded by BIOS firmware"


def line_of(medium, *arguments, com1="stdio", disks=()):
    return machine.command(options.parse([*PLAIN, *arguments]), medium=medium, disks=list(disks), accelerator="tcg", com1=com1, com2=None)


@pytest.fixture(name="built")
def build_folder(tmp_path, monkeypatch):
    """A build folder of its own; its medium."""
    for name in ("boot/loader", "image/keelson.iso"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(BUILD / name, tmp_path / name)
    monkeypatch.setenv(loaded.WANTED, str(tmp_path))
    return tmp_path / "image/keelson.iso"


def test_a_machine_goes_on(built, monkeypatch):
    """Without its medium, which it has read: what it says is said by the loader and the kernel that run now. A medium made anew is loaded anew."""
    line = line_of(built)
    added = loaded.arguments(line)
    assert len(added) == 2 and loaded.arguments(line) == added
    os.truncate(built, 1 << 20)
    with subprocess.Popen([*line, *added], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        try:
            assert BANNER in process.stdout.readline()
        finally:
            process.kill()
    monkeypatch.setattr(loaded, "SECONDS", 3)
    assert loaded.arguments(line) == [], "this medium cannot be loaded"
    monkeypatch.undo()
    monkeypatch.setenv(loaded.WANTED, str(built.parents[1]))
    shutil.copy(BUILD / "image/keelson.iso", built)
    later = built.stat().st_mtime + 1
    os.utime(built, (later, later))
    assert loaded.arguments(line) not in ([], added) and len(list((built.parent / "loaded").iterdir())) == 1


def test_one_file_for_what_the_guest_cannot_tell_apart(built, tmp_path):
    disks = [tmp_path / name for name in ("one", "two", "larger")]
    for disk, size in zip(disks, (1 << 20, 1 << 20, 2 << 20)):
        disk.touch()
        os.truncate(disk, size)
    one, two, larger = (loaded.plain_line(line_of(built, com1=f"socket,fd={at}", disks=[(disk, False)])) for at, disk in enumerate(disks))
    assert one == two and one != larger
    assert loaded.plain_line(line_of(built, "--option", "watch=100")) != loaded.plain_line(line_of(built))


@pytest.mark.parametrize("arguments", [("--icount",), ("--seed", "1"), ("--uefi",), ("--memory", "4G"), ("--", "-S")])
def test_others_boot(built, arguments):
    assert loaded.arguments(line_of(built, *arguments)) == []


def test_only_tests_say_so(built, monkeypatch):
    monkeypatch.delenv(loaded.WANTED)
    assert loaded.arguments(line_of(built)) == []
