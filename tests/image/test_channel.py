"""The command channel, both sides against each other over a pseudo-terminal."""
import os
import pathlib
import random
import subprocess
import sys

import pytest

from runner.channel import MAGIC, Channel, ChannelError, encode

HARNESS = pathlib.Path(__file__).with_name("command_on_host.py")


@pytest.fixture(name="run")
def run_fixture(remote_program):
    def run(command, stdin=b"", console="", **environment):
        return subprocess.run([sys.executable, HARNESS, remote_program, command, console], input=stdin, capture_output=True,
                              timeout=60, check=False, env={**os.environ, **environment})
    return run


@pytest.mark.parametrize("command, status", [("true", 0), ("false", 1), ("exit 200", 200), ("kill -9 $$", 137)])
def test_exit_status(run, command, status):
    assert run(command).returncode == status


def test_output_and_errors_stay_apart(run):
    done = run("printf 'a\\000b'; printf wrong >&2; printf c")
    assert (done.stdout, done.stderr, done.returncode) == (b"a\0bc", b"wrong", 0)


def test_every_byte_survives_both_ways(run):
    data = bytes(range(256)) * 1024 + random.Random(1).randbytes(300_001)
    done = run("cat", stdin=data)
    assert done.returncode == 0
    assert done.stdout == data


def test_standard_input_ends(run):
    assert run("wc -c", stdin=b"12345").stdout.split() == [b"5"]
    assert run("wc -c").stdout.split() == [b"0"]


def test_plain_file_as_standard_input(remote_program, tmp_path):
    data = random.Random(2).randbytes(100_000)
    (tmp_path / "in").write_bytes(data)
    with open(tmp_path / "in", "rb") as file:
        done = subprocess.run([sys.executable, HARNESS, remote_program, "cat"], stdin=file, capture_output=True, timeout=60,
                              check=False)
    assert done.stdout == data


def test_command_that_does_not_read_its_input(run):
    done = run("exec <&-; echo done", stdin=b"x" * 200_000)
    assert (done.stdout, done.returncode) == (b"done\n", 0)


def test_background_process_is_not_waited_for(run):
    assert run("sleep 30 & echo started").stdout == b"started\n"


def test_long_command_line(run):
    text = "x" * 60_000
    assert run(f"printf %s {text}").stdout == text.encode()


def test_time_limit(run):
    assert run("sleep 30", TIMEOUT="2").returncode == 124


def test_panic_is_reported_with_the_log(run):
    done = run("sleep 30", console="line before\r\nkernel panic: an invariant\r\n    here+0x1\r\nThe system is stopped.\r\n")
    assert done.returncode == 125
    assert b"panicked" in done.stderr
    assert b"| kernel panic: an invariant\n" in done.stderr


def test_frames_arrive_in_any_pieces():
    stream = b"noise\0KEEL" + MAGIC + encode("G", b"\x10\0\0\0") + encode("O", bytes(range(256))) + encode("X", b"\0\5")
    channel = Channel()
    events = [event for i in range(len(stream)) for event in channel.receive(stream[i:i + 1])]
    assert events == [("H", b""), ("O", bytes(range(256))), ("X", b"\0\5")]
    assert channel.input_room() == 16


def test_damage_is_noticed():
    for place in range(len(frame := encode("O", b"text"))):
        if place in (2, 3):
            continue  # the length: the frame would not be complete
        channel = Channel()
        channel.receive(MAGIC)
        damaged = bytearray(frame)
        damaged[place] ^= 0x20
        with pytest.raises(ChannelError):
            channel.receive(bytes(damaged))
