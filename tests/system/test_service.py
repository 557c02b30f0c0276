"""The program `service`: what it shows, and what it does to a driver while the disk behind it is in use."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = """
service; echo ---
service ata; echo ---
service kill ata; sha256sum /bin/sh | cut -c 1-8 > /tmp/a; service restart ata; sha256sum /bin/sh | cut -c 1-8 | cmp - /tmp/a && echo same
service | grep '^ata '; grep '^ata ' /proc/services; echo ---
service stop ram; echo $?; service | grep '^ram '; service kill ram; echo $?; service start ram; echo $?; service | grep '^ram '; echo ---
service stop ext2; echo $?; service nosuch; echo $?; service stop; echo $?; service kill nosuch; echo $?; echo ---
service log init; service log ata; service log nosuch; echo $?; echo ---
service show log
"""


@pytest.fixture(scope="module")
def parts():
    """What the script printed, in its parts, and its standard error as one."""
    done = subprocess.run([ROOT / "image/run", "--timeout", "90", "--fresh-disk", "-c", SCRIPT], capture_output=True, check=False,
                          timeout=200, text=True)
    assert done.returncode == 0, done.stderr
    return [part.strip().splitlines() for part in done.stdout.split("---\n")], done.stderr


def test_list_has_every_role(parts):
    lines = parts[0][0]
    assert lines[0].split() == ["NAME", "STATE", "UPTIME", "RESTARTED", "LAST", "END", "RECOVERY", "QUEUE"]
    manifest = (ROOT / "image/manifest").read_text().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [line.split()[1] for line in manifest if line.startswith("role ")]
    assert all(line.split()[1] == "running" and line.split()[3] == "0" for line in lines[1:])


def test_one_role_in_detail(parts):
    shown = {line[:12].strip(): line[13:] for line in parts[0][1]}
    assert shown["service"].startswith("ata") and shown["state"] == "running" and shown["priority"] == "48"
    assert shown["may call"] == "devices (as device)"


def test_a_role_with_the_name_of_a_verb(parts):
    assert parts[0][6][0].split()[:2] == ["service", "log"]


def test_kill_and_restart_are_seen_and_nobody_else_notices(parts):
    lines = parts[0][2]
    assert lines[0] == "same"
    name, state, _, restarts, cause, recovery, queue = lines[1].split()
    assert (name, state, restarts, cause, queue) == ("ata", "running", "2", "killed", "0")
    assert 0 < float(recovery.removesuffix("ms")) < 1000
    name, state, pid, restarts, _, recovery, queue, cause = lines[2].split()
    assert (name, state, pid, restarts, queue, cause) == ("ata", "running", "-", "2", "0", "killed") and int(recovery) > 0


def test_stop_and_start(parts):
    lines = parts[0][3]
    assert lines[0] == "0" and lines[1].split()[:2] == ["ram", "stopped"]
    assert lines[2:4] == ["1", "0"] and lines[4].split()[:2] == ["ram", "running"]
    assert "service: ram: it does not run" in parts[1]


def test_mistakes(parts):
    assert parts[0][4] == ["1", "1", "2", "1"]
    assert "service: ext2: the machine needs it" in parts[1]
    assert parts[1].count("service: nosuch: no such service") == 3
    assert "service: stop: wrong number of names" in parts[1]


def test_log_of_one_sender(parts):
    lines = parts[0][5]
    assert any("init: ata is killed and starts again" in line for line in lines)
    assert sum("ata: disk0: " in line for line in lines) == 3  # each actor finds it again
    assert all("] init: " in line or "] ata: " in line for line in lines[:-1]) and lines[-1] == "1"
