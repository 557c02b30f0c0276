"""tests/run --long keeps its ledger, and --mutants makes changes that compile into something else."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import long
import mutants


def program(folder, fails_at):
    """Stands for test_ext2: fails in the chunk that begins at this seed."""
    path = folder / "program"
    path.write_text(f'#!/bin/sh\n[ "$3" != {fails_at} ]\n')
    path.chmod(0o755)
    return path


def test_ledger_goes_on_where_this_commit_ended(tmp_path):
    ledger, first, size = tmp_path / "ledger", long.FIRST_SEED, long.CHUNK["faults"]
    failing = program(tmp_path, first + 2 * size)
    assert long.run(failing, ledger, "abc", "faults", first, 2) == 0
    assert long.next_seed(ledger, "abc", "faults") == first + 2 * size
    assert long.next_seed(ledger, "other", "faults") == long.next_seed(ledger, "abc", "random") == first
    assert long.run(failing, ledger, "abc", "faults", first + 2 * size, 5) == 1
    assert ledger.read_text().splitlines() == [
        f"abc faults {first + n * size}-{first + (n + 1) * size - 1} {'failed' if n == 2 else 'passed'}" for n in range(3)]


def test_mutations_of_a_source():
    text = "int f(int a) {\n    int b = 0;\n    if (a < b) {\n        g(a);\n    }\n    b += a;\n    return b;\n}\n"
    assert mutants.places(text) == [(2, "negated condition", "    if (!(a < b)) {"), (2, "off by one", "    if (a <= b) {"),
                                    (3, "dropped statement", "        ;"), (5, "dropped statement", "    ;")]
    chosen = mutants.choose(ROOT, "7", 9)
    assert chosen == mutants.choose(ROOT, "7", 9) != mutants.choose(ROOT, "8", 9)
    for name, number, _, new, _ in chosen:
        assert (ROOT / name).read_text().splitlines()[number] != new
