"""`tests/run fault --point`, as a person would type it after a failure."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "KEELSON_POINT"}
    return subprocess.run([ROOT / "tests/run", "fault", *arguments], capture_output=True, text=True, check=False, env=environment, timeout=300)


def test_one_point_is_repeated():
    done = run("--point", "ext2:reply:3")
    assert done.returncode == 0 and done.stdout.endswith("1 passed, 0 failed\n"), done.stdout + done.stderr


@pytest.mark.parametrize("point", ["ext2", "ext2:reply", "ext2:reply:3,vfs"])
def test_malformed_points_are_refused(point):
    done = run("--point", point)
    assert done.returncode == 2 and "SERVER:EVENT:NUMBER" in done.stderr
