"""Shell cases as data: reading them, and running one by a given shell. Used on the host here and in the guest by
tests/system. A case file is a sequence of

    === name [own]
    script
    --- STATUS
    expected standard output
    --- stderr          (optional: each line must occur in standard error)
    text

`own` marks what other shells do differently; all other cases must hold for dash as well. A last line `\\ no newline`
says that the expected output does not end with one.
"""
import pathlib
import re
from dataclasses import dataclass, field

DIRECTORY = pathlib.Path(__file__).resolve().parent / "shell"


@dataclass
class Case:
    name: str
    own: bool
    script: str
    status: int
    output: str
    errors: list = field(default_factory=list)


def parse(text, file):
    cases = []
    for part in re.split(r"^=== ", text, flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        words = title.split()
        match = re.match(r"(.*?)^--- (\d+)\n(.*)\Z", body, re.S | re.M)
        assert match, f"{file}: {title}: no status line"
        output, _, errors = match.group(3).partition("--- stderr\n")
        if output.endswith("\n\\ no newline\n"):
            output = output[:-len("\n\\ no newline\n")]
        cases.append(Case(f"{file}: {words[0]}", "own" in words[1:], match.group(1), int(match.group(2)), output,
                          errors.splitlines()))
    return cases


def load():
    cases = []
    for path in sorted(DIRECTORY.glob("*.cases")):
        cases += parse(path.read_text(), path.stem)
    names = [case.name for case in cases]
    assert len(set(names)) == len(names), "two cases have one name"
    return cases
