"""The kernel's own tests: boots tests/kernel's program in the place of init and turns its TAP lines into test cases. Time is
counted in instructions (-icount), so that it goes the same way on any host: two runs must print the same."""
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from runner import machine, options as command_line

MEDIUM = ROOT / "build/tests/kernel/kernel-tests.iso"
SECONDS = 120


def run(machine_type="pc"):
    """The console's lines of one run, without the times before them."""
    options = command_line.parse(["--no-disk", "--machine", machine_type, "--memory", "64M", "--icount", "--seed", "1",
                                  "--option", "init=sbin/kernel-tests", "--", "-no-reboot"])
    line = machine.command(options, medium=MEDIUM, disks=[], accelerator="tcg", com1="stdio", com2=None)
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    lines = [re.sub(r"^\[ *\d+\.\d+\] ", "", text) for text in done.stdout.replace("\r", "").splitlines()]
    start = "TAP version 13"  # what comes before depends on the loader's reads from the medium
    return lines[lines.index(start):] if start in lines else lines


def cases(lines):
    """(name, passed, whole line) of each TAP line; two cases of one name get numbers."""
    seen = {}
    for line in lines:
        if match := re.match(r"(not )?ok \d+ - ([^#]*)", line):
            name = match[2].strip()
            seen[name] = seen.get(name, 0) + 1
            yield (name if seen[name] == 1 else f"{name} ({seen[name]})"), not match[1], line


FIRST = run()
CASES = list(cases(FIRST))


@pytest.mark.parametrize("passed, line", [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_case(passed, line):
    assert passed, line


def test_complete():
    """The plan at the end counts every case: nothing was cut short."""
    plan = [line for line in FIRST if line.startswith("1..")]
    assert plan == [f"1..{len(CASES)}"], "\n".join(FIRST[-20:])
    assert len(CASES) > 900


def test_same_again():
    assert run() == FIRST


def test_other_machine():
    again = run("q35")
    assert [line for _, passed, line in cases(again) if not passed] == []
    assert f"1..{len(CASES)}" in again, "\n".join(again[-20:])
