"""Servers end, again and again, wherever they are, under commands whose output does not change; and get new programs. The points that are
chosen one by one are test_sweep.py's."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DISK = ROOT / "images/fault.img"
KEPT = ["ext2", "vfs", "tmpfs", "process", "console", "devfs", "procfs", "log"]
COLD = ["ata", "devices", "serial0", "keyboard"]


def check_disk():
    """What the last run left behind, judged by e2fsck."""
    judge = subprocess.run(["e2fsck", "-fn", DISK], capture_output=True, check=False, text=True)
    assert judge.returncode == 0, judge.stdout


@pytest.mark.skipif("KEELSON_POINT" in os.environ, reason="one point was given")
@pytest.mark.parametrize("cpus", ["1", pytest.param("2", marks=pytest.mark.two_processors)])
def test_chaos(cpus):
    """Servers end in turn, 20 a second, wherever they are, under a copy that is compared and a pipeline."""
    done = subprocess.run([ROOT / "image/run", "--timeout", "300", "--cpus", cpus, "--system-disk", DISK, "-c",
                           "chaos -q -r 20 -n 120 -s 60 && sync"], capture_output=True, check=False, timeout=400, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert int(lines[0].split()[1]) > 0, done.stdout
    kills = {line.split()[0]: int(line.split()[1]) for line in lines[2:]}
    assert set(KEPT + COLD) == set(kills) and all(count >= 5 for count in kills.values()), kills
    check_disk()


RELOADS = """
(while [ ! -e /tmp/stop ]; do cp /bin/sh /root/copy && cmp /bin/sh /root/copy || echo BAD; done) &
n=0; while [ $n -lt 10 ]; do service reload ata /sbin/ata && service reload ext2 && service reload vfs; n=$((n+1)); done
service reload ata /bin/true; service reload ext2 /sbin/ext2; service reload ata /etc/motd
: > /tmp/stop; wait; rm /root/copy /tmp/stop; service | grep -E '^(ata|ext2|vfs) '; service log init; sync
"""


@pytest.mark.skipif("KEELSON_POINT" in os.environ, reason="one point was given")
def test_reload():
    """A driver gets a new program, servers are loaded again, under a copy that is compared; what is no program for them is refused, or
    the one before comes back."""
    done = subprocess.run([ROOT / "image/run", "--timeout", "300", "--system-disk", DISK, "-c", RELOADS], capture_output=True, check=False,
                          timeout=400, text=True)
    assert done.returncode == 0 and "BAD" not in done.stdout, done.stdout + done.stderr
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()[:3]}
    assert {name: row[1] for name, row in rows.items()} == {"ata": "running", "ext2": "running", "vfs": "running"}, done.stdout
    assert int(rows["ata"][3]) >= 12 and rows["ext2"][3] == rows["vfs"][3] == "10", done.stdout
    assert "the new program of ata ended at once: the one before comes back" in done.stdout
    assert "its memory is kept" in done.stderr and "exec format error" in done.stderr, done.stderr
    check_disk()
