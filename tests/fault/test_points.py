"""Servers end at chosen points of a workload, and its output does not change.

A point is SERVER:EVENT:NUMBER: the server's NUMBERth receive, reply, commit, output or store from the beginning of the workload, or
`kill`, after so many hundredths of a second. `tests/run fault --point SERVER:EVENT:NUMBER` repeats one; a failing run prints that line.
KEELSON_POINTS=N asks for N points of each kind in the place of those below."""
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DISK = ROOT / "images/fault.img"
KEPT = ["ext2", "vfs", "tmpfs", "process", "console", "devfs", "procfs", "log"]
BUSY = ["ext2", "vfs", "process"]
COLD = ["ata", "devices", "serial0", "keyboard"]
# Numbers lie within what the workload makes of each kind, for the server that makes most; beyond its end a point is not met.
EVENTS = {"receive": 300, "reply": 250, "commit": 300, "output": 150, "store": 40000}
EVENTS_QUIET = {"receive": 4, "reply": 2, "commit": 4, "store": 150}  # of those that have little to do in it
FEW = int(os.environ.get("KEELSON_POINTS", "1"))
SEED = os.environ.get("KEELSON_SEED", "1")


def points_of(server):
    chosen = random.Random(f"{SEED} {server}")
    if server in COLD:
        return [(server, "kill", number) for number in sorted(chosen.sample(range(1, 10), min(FEW, 9)))]
    events = EVENTS if server in BUSY else EVENTS_QUIET
    return [(server, event, chosen.randint(1, most)) for event, most in events.items() for _ in range(FEW)]


def run(points):
    """Runs the workload once for each point in one boot: (lines of failures, restarts by server)."""
    script = (HERE / "workload.sh").read_text()
    script += "".join(f"point {server} {event} {number}\n" for server, event, number in points)
    script += "service; sync; exit $failed\n"
    done = subprocess.run([ROOT / "image/run", "--timeout", "600", "--system-disk", DISK, "-c", script], capture_output=True, check=False,
                          timeout=900, text=True)
    text = done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    restarts = {words[0]: int(words[3]) for words in lines if len(words) > 4 and words[1] == "running"}
    failed = [line for line in text.splitlines() if line.startswith("FAILED")]
    assert restarts, text
    return [f"tests/run fault --point {line.split()[1]}" for line in failed], restarts, text


def check_disk():
    """What the last run left behind, judged by e2fsck."""
    judge = subprocess.run(["e2fsck", "-fn", DISK], capture_output=True, check=False, text=True)
    assert judge.returncode == 0, judge.stdout


@pytest.mark.skipif("KEELSON_POINT" not in os.environ, reason="no point was given")
def test_one_point():
    server, event, number = os.environ["KEELSON_POINT"].split(":")
    failed, restarts, text = run([(server, event, number)])
    print(text)
    assert not failed and restarts[server] >= 1
    check_disk()


@pytest.mark.skipif("KEELSON_POINT" in os.environ, reason="one point was given")
@pytest.mark.parametrize("servers", [BUSY, [server for server in KEPT if server not in BUSY] + COLD], ids=["files", "others"])
def test_points(servers):
    points = [point for server in servers for point in points_of(server)]
    failed, restarts, text = run(points)
    print(text)
    assert not failed, "\n".join(failed) + "\n" + text
    missed = [server for server in servers if not restarts[server]]
    assert not missed, f"no point was met: {missed}"
    check_disk()


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
