"""The system disk: made, locked, and brought up to date without touching what the user changed."""
import io
import subprocess
import tarfile

import pytest

from runner import disk


def make_tar(path, files, links=()):
    with tarfile.open(path, "w") as tar:
        for folder in ("bin", "etc", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(entry, io.BytesIO(content))
        for name, target in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return path


def content(image, name):
    return subprocess.run(["debugfs", "-R", f"cat /{name}", image], capture_output=True, check=True).stdout


def stat(image, name):
    return subprocess.run(["debugfs", "-R", f"stat /{name}", image], capture_output=True, text=True, check=True).stdout


def is_clean(image):
    return subprocess.run(["e2fsck", "-fn", image], capture_output=True, check=False).returncode == 0


FILES = {"bin/ls": b"ls one", "bin/cat": b"cat one", "etc/motd": b"hello", "etc/manifest": b"first"}


@pytest.fixture(name="image")
def image_fixture(tmp_path):
    path = tmp_path / "images/system.img"
    disk.create(path, make_tar(tmp_path / "one.tar", FILES, [("bin/[", "test")]))
    return path


def test_new_disk_holds_the_build(image):
    assert content(image, "bin/ls") == b"ls one"
    assert "Mode:  0755" in stat(image, "bin/ls")
    assert 'Fast link dest: "test"' in stat(image, "bin/[")
    assert image.stat().st_size == 64 << 20
    assert is_clean(image)


def test_same_build_leaves_the_image_alone(image, tmp_path):
    before = image.read_bytes()
    disk.update(image, tmp_path / "one.tar")
    assert image.read_bytes() == before


def test_same_build_makes_the_same_disk(image, tmp_path):
    disk.create(tmp_path / "again.img", tmp_path / "one.tar")
    assert (tmp_path / "again.img").read_bytes() == image.read_bytes()


def test_update_follows_the_build(image, tmp_path, capsys):
    newer = {**FILES, "bin/ls": b"ls two, longer", "bin/new/deep": b"new"}
    del newer["bin/cat"]
    disk.update(image, make_tar(tmp_path / "two.tar", newer, [("bin/[", "other")]))
    assert content(image, "bin/ls") == b"ls two, longer"
    assert "Mode:  0755" in stat(image, "bin/ls")
    assert content(image, "bin/new/deep") == b"new"
    assert content(image, "bin/cat") == b""
    assert 'Fast link dest: "other"' in stat(image, "bin/[")
    assert is_clean(image)
    assert disk.installed_list(image).keys() == newer.keys() | {"bin/["}
    assert capsys.readouterr().err == ""


def test_users_changes_stay(image, tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.write_bytes(b"my own")
    disk.debugfs(image, ["rm /etc/motd", "cd /etc", f"write {mine} motd", f"write {mine} notes", "rm /bin/cat"], write=True)
    newer = {**FILES, "etc/motd": b"hello two", "bin/cat": b"cat two", "etc/manifest": b"second"}
    disk.update(image, make_tar(tmp_path / "two.tar", newer))
    assert content(image, "etc/motd") == b"my own"
    assert content(image, "etc/notes") == b"my own"
    assert content(image, "bin/cat") == b""  # deleted by the user
    assert content(image, "etc/manifest") == b"second"
    assert "/etc/motd was changed" in capsys.readouterr().err
    assert is_clean(image)


def test_update_that_broke_off_goes_on(image, tmp_path, capsys):
    newer = tmp_path / "newer"
    newer.write_bytes(b"ls two")
    disk.write_file(image, "bin/ls", newer, 0o100755)  # done, but the list was not written yet
    disk.update(image, make_tar(tmp_path / "two.tar", {**FILES, "bin/ls": b"ls two", "bin/cat": b"cat two"}))
    assert (content(image, "bin/ls"), content(image, "bin/cat")) == (b"ls two", b"cat two")
    assert capsys.readouterr().err == ""


def test_foreign_disk_is_left_alone(tmp_path, capsys):
    image = tmp_path / "foreign.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext2", image, "4M"], check=True)
    before = image.read_bytes()
    disk.update(image, make_tar(tmp_path / "one.tar", FILES))
    assert image.read_bytes() == before
    assert "not made here" in capsys.readouterr().err


def test_disk_in_use_is_refused(image):
    with disk.lock(image):
        with pytest.raises(disk.DiskError, match="in use"):
            disk.lock(image)
    disk.lock(image).close()


def test_damaged_disk_gives_a_message(image, tmp_path):
    image.write_bytes(b"\0" * (1 << 20))
    with pytest.raises(disk.DiskError):
        disk.update(image, make_tar(tmp_path / "two.tar", {"bin/ls": b"two"}))
