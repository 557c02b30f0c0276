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


WAITERS = """
for batch in 1 2; do
    chaos -q -r 16 -n 60 boot process -- sh -c "while [ ! -e /tmp/chaos.stop ]; do sleep 1; done; rm /tmp/chaos.stop" >/tmp/out || exit 1
    sleep 2.5; grep process /proc/accounts
done
"""


@pytest.mark.skipif("KEELSON_POINT" in os.environ, reason="one point was given")
def test_requests_of_callers_that_ended_are_given_up():
    """Who waited in a server when both ended leaves nothing in it: boot waits for its programs' ends, in process."""
    done = subprocess.run([ROOT / "image/run", "--timeout", "120", "--fresh-disk", "-c", WAITERS], capture_output=True, check=False, timeout=150, text=True)
    first, second = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert second - first < 100000, done.stdout
