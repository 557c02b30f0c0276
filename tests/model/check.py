"""Checks messages.pml with Spin: with no mistake seeded nothing is found, and each seeded mistake is. Used by test_model.py, and by
`tests/run --long model`, which makes the large search and tries all mistakes."""
import pathlib
import re
import subprocess
import tempfile

MODEL = pathlib.Path(__file__).with_name("messages.pml").resolve()
MISTAKES = range(1, 30)


def search(mistake=0, rounds=1, deaths=1, level="-O0"):
    """(errors found, states seen) of a complete search; raises if it was not complete."""
    with tempfile.TemporaryDirectory() as folder:
        def run(*command):
            return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

        run("spin", "-a", f"-DMISTAKE={mistake}", f"-DROUNDS={rounds}", f"-DDEATHS={deaths}", MODEL)
        run("clang", level, "-w", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
        text = run("./pan", "-m400000")
    errors, states = re.search(r"errors: (\d+)", text), re.search(r"(\S+) states, stored", text)
    complete = "search depth too small" not in text and "out of memory" not in text
    if not errors or (errors[1] == "0" and not complete):
        raise RuntimeError(text)
    return int(errors[1]), int(float(states[1]))


def main():
    """Everything; 0 if all is as it should be."""
    bad = 0
    for name, options in [("two rounds, two deaths", {"rounds": 2, "deaths": 2, "level": "-O1"})] + [
            (f"mistake {n}", {"mistake": n}) for n in MISTAKES]:
        errors, states = search(**options)
        good = bool(errors) == ("mistake" in options)
        bad += not good
        print(f"{'ok' if good else 'not ok'} - {name}: {'an error is found' if errors else 'no error'}, {states} states", flush=True)
    return bad != 0
