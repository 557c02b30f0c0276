"""A slice of the power cuts (power.py): one recording, cuts and subsets of its writes, and QEMU killed twice."""
import power

CUTS, SUBSETS, KILLS, ROUNDS = 25, 25, 2, 60


def test_cuts(tmp_path):
    failed = [f"{point}: {wrong}" for point, wrong in power.seed_points(tmp_path, 1, cuts=CUTS, subsets=SUBSETS, kills=KILLS, rounds=ROUNDS) if wrong]
    assert not failed, "\n".join(failed)


def test_the_judge_sees_what_is_lost(tmp_path):
    """Without the last writes before a flush, promises are broken, and that is found."""
    recording, before = power.record(tmp_path, 2, 20)
    marks = [at for at, write in enumerate(recording.writes) if recording.is_mark(write)]
    for write in range(marks[0]):
        if recording.writes[write] is not None:
            recording.writes[write] = (recording.writes[write][0], bytes(len(recording.writes[write][1])))
    wrong = [wrong for _, wrong in power.try_cuts(recording, before, tmp_path, [marks[3]])]
    assert wrong[0]
