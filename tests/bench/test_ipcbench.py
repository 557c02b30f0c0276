"""The program ipcbench in the guest: its formats, its samples, its refusals."""
import json
import pathlib
import re
import subprocess

import pytest

import bare

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 120
NAMES = [name for name in bare.counts_read() if name != "interrupt_to_driver"]  # that takes the first process's capabilities


def guest(command):
    return subprocess.run([ROOT / "image/run", "--fresh-disk", "-c", command], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=SECONDS, check=False)


@pytest.fixture(scope="module", name="parts")
def outputs():
    """One boot for all: the outputs of several runs, in order."""
    done = guest("ipcbench --csv -n 200; echo ====; ipcbench --json -n 40 move_4k signal_empty_slot; echo ====; "
                 "ipcbench -H -n 500 signal_empty_slot; echo ====; ipcbench --raw /tmp/raw -n 30 move_4k >/dev/null; cat /tmp/raw; "
                 "echo ====; ipcbench --list; echo ====; ipcbench no_such_thing; echo $?; ipcbench --pairs; echo $?")
    assert done.returncode == 0, done.stderr
    return done.stdout.split("====\n"), done.stderr


def test_csv_has_every_figure_in_order(parts):
    lines = parts[0][0].splitlines()
    assert lines[0] == bare.HEADER
    assert [line.split(",")[0] for line in lines[1:]] == NAMES
    for line in lines[1:]:
        name, unit, count, *figures = line.split(",")
        figures = list(map(int, figures))
        assert unit in ("ns", "ticks", "instructions") and int(count) >= 20, name
        assert figures == sorted(figures) and (figures[-1] > 0), name


def test_json_parses(parts):
    found = json.loads(parts[0][1])
    assert [row["name"] for row in found["measurements"]] == ["move_4k", "signal_empty_slot"]
    assert found["cpu"] and found["warm_up"] == 200


def test_histogram_holds_every_sample(parts):
    text = parts[0][2]
    assert "samples after" in text and "round trip ends" in text
    bins = re.findall(r"^ +(?:\d+ to \d+|\d+|above) +(\d+) #*$", text, re.MULTILINE)
    assert sum(map(int, bins)) == 500


def test_raw_samples(parts):
    assert [line.split(",")[:2] for line in parts[0][3].splitlines()] == [["move_4k", str(i)] for i in range(30)]


def test_every_measurement_says_what_it_spans(parts):
    lines = parts[0][4].splitlines()
    assert len(lines) == len(NAMES)
    assert all(re.search(r" (round trip|one way|whole) +\S", line) for line in lines)


def test_refusals_are_clear(parts):
    assert parts[0][5] == "1\n1\n"
    assert "ipcbench: no_such_thing: no such measurement" in parts[1]
    assert "--pairs: needs more than one processor" in parts[1]
