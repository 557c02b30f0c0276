"""docs/reading-order.md names every file of the kernel, and says of each sitting how many lines it has, to a twentieth."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITTINGS = re.split(r"(?m)^## ", (ROOT / "docs/reading-order.md").read_text(encoding="utf-8"))[1:]


def files(sitting):
    """The sources that a sitting names; a name without a folder lies in that of the one before it."""
    folder = ROOT
    for name in re.findall(r"`([\w/.]+\.(?:h|c|asm|idl))`", sitting):
        folder = ROOT / name.rpartition("/")[0] if "/" in name else folder
        yield folder / name.rpartition("/")[2]


def test_every_file_of_the_kernel_is_read():
    named = {path for sitting in SITTINGS for path in files(sitting)}
    there = {path for path in (ROOT / "kernel").rglob("*") if path.suffix in (".c", ".h", ".asm")}
    assert there - named == set() and all(path.exists() for path in named)


def test_the_lines_are_counted():
    for sitting in SITTINGS:
        lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files(sitting))
        said = int(re.search(r"(\d+) lines\.", sitting)[1])
        assert abs(lines - said) <= said / 20, f"{sitting.splitlines()[0]}: {lines} lines"
