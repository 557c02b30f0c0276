"""A slice of the sweep (sweep.py): 200 points, every server and kind of event alike; points that once failed; and one point that was asked for.

`tests/run fault --point SERVER:EVENT:NUMBER` repeats one, or several in one boot, joined by commas; a failing run prints that line. KEELSON_SEED
draws another slice."""
import os

import pytest
import recovery_time
import sweep

BOOT_POINTS, BOOTS = 50, 4
ONE = pytest.mark.skipif("KEELSON_POINT" in os.environ, reason="a point was given")
# What the sweep found, each with its neighbours, since every build moves the numbers a little.
FOUND = {
    "a call before the last answer was shown again": ["ext2:commit:51", *(f"ext2:commit:{n}" for n in range(100, 113, 2)), "ext2:output:11", "ext2:output:42"],
    "bytes of a read whose answer was lost": ["serial0:reply:1", "serial0:reply:2", "serial0:reply:3"],
    "what a driver had done, and had not yet told of": [f"ata:output:{n}" for n in range(1, 19)],
    "a slot used again before a commit": [f"vfs:store:{n}" for n in range(1786, 1814, 3)],
}


def judge(points, results):
    """Fails with the lines that repeat what failed."""
    print("\n".join(f"{result.point} {result.verdict} {result.reason}" for result in results))
    failed = [f"{result.point}: {result.reason}\n{sweep.repeat_line(points, at)}" for at, result in enumerate(results) if result.verdict == "failed"]
    assert not failed, "\n".join(failed)
    assert len(results) == len(points)


@pytest.mark.skipif("KEELSON_POINT" not in os.environ, reason="no point was given")
def test_given_points():
    points = os.environ["KEELSON_POINT"].split(",")
    results = sweep.run_boot(points)
    judge(points, results)
    assert results[-1].verdict == "passed", "the point was not met: the workload has fewer such events"


@ONE
@pytest.mark.parametrize("boot", range(BOOTS))
def test_slice(boot):
    seed = int(os.environ.get("KEELSON_SEED", "1")) * BOOTS + boot
    points = sweep.draw_points(sweep.Limits(), seed, BOOT_POINTS)
    results = sweep.run_boot(points)
    judge(points, results)
    met = sum(result.verdict == "passed" for result in results)
    assert met >= BOOT_POINTS * 0.6, f"only {met} points were met"


@ONE
def test_found_before():
    points = [point for points in FOUND.values() for point in points]
    judge(points, sweep.run_boot(points))


@ONE
def test_point_that_is_not_met_is_no_success():
    """And a boot that fails says so: a server that is given up can't pass."""
    results = sweep.run_boot(["ext2:reply:100000", "ext2:reply:3"])
    assert [result.verdict for result in results] == ["missed", "passed"]


@ONE
def test_time_away():
    """Each server answers its next request after each of a few kills; the times themselves are recovery_time.py's."""
    times = recovery_time.measure(4, in_ram=False)
    assert len(times) >= len(sweep.ABOUT) - 1 and all(kills == 4 and failures == 0 for kills, failures, *_ in times.values()), times
