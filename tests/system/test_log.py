"""The log: `dmesg`, and the file that programs/logfile keeps on the disk."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (error|warning|info|debug) ([^ :]+): (.*)")
WAIT_FOR = "i=0; while ! grep -q '{0}' /var/log/messages && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done\n"


def guest(command, disk):
    done = subprocess.run([ROOT / "image/run", "--timeout", "90", "--system-disk", disk, "-c", command], capture_output=True,
                          check=False, timeout=200, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def messages(disk, name="messages"):
    text = subprocess.run(["debugfs", "-R", f"cat /var/log/{name}", disk], capture_output=True, check=True, text=True).stdout
    return text.splitlines()


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "system.img"


def test_messages_have_time_level_and_sender_and_stay(disk):
    shown = guest("service kill ram\n" + WAIT_FOR.format("ram is killed"), disk)
    assert shown == ""
    lines = [LINE.fullmatch(line) for line in messages(disk)]
    assert all(lines), messages(disk)
    assert {"kernel", "ata", "init"} <= {line.group(3) for line in lines}
    assert sum(line.group(4) == "ram is killed and starts again" for line in lines) == 1
    assert [line.group(1) for line in lines] == sorted(line.group(1) for line in lines)


def test_a_second_boot_appends(disk):
    before = messages(disk)
    guest("sleep 1", disk)
    after = messages(disk)
    assert after[:len(before)] == before and sum("loaded by BIOS" in line for line in after) == 2
    assert subprocess.run(["e2fsck", "-fn", disk], capture_output=True, check=False).returncode == 0


def test_writer_that_was_killed_starts_again_and_repeats_nothing(disk):
    guest("sleep 1.5; rm /var/log/messages; kill $(cut -d ' ' -f 2 /tmp/.logfile); service kill ram\n"
          + WAIT_FOR.format("ram is killed") + "logfile", disk)  # one more finds that there is one
    lines = messages(disk)
    assert sum("ram is killed" in line for line in lines) == 1 and not any("loaded by BIOS" in line for line in lines)


def test_it_is_rotated(disk):
    guest("seq 60000 > /var/log/messages; service kill ram; while ! test -e /var/log/messages.1; do sleep 0.1; done\n"
          "service restart ram\n" + WAIT_FOR.format("ram is restarted"), disk)
    old, new = messages(disk, "messages.1"), messages(disk)
    assert old[0] == "1" and not any(line == "1" for line in new)
    assert any("ram is restarted" in line for line in new)


def test_dmesg(disk):
    lines = guest("dmesg -x; echo ---; dmesg -s ata; echo ---; dmesg -l warning", disk).split("---\n")
    assert all(re.match(r"(error|warning|info|debug) +\[ *\d+\.\d{6}\] [^ :]+: ", line) for line in lines[0].splitlines())
    assert lines[1] and all("] ata: " in line for line in lines[1].splitlines())
    assert len(lines[2].splitlines()) < len(lines[0].splitlines())
