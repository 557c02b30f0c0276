"""Every relative link in the documents leads somewhere, every file that they name exists, and the commands can be run as they stand."""
import os
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = ("boot", "docs", "drivers", "image", "kernel", "libc", "libipc", "programs", "servers", "tests")
# Made by the build, or by a command that docs/status.md names, and so not in every checkout.
MADE = {"docs/pictures/console.png", "kernel/abi/methods.h"}
MADE_IN = "libipc/protocols/"  # NAME.h, NAME_client.c ... out of NAME.idl

DOCUMENTS = ["README.md", *sorted(str(path.relative_to(ROOT)) for top in TOP for path in (ROOT / top).rglob("*.md"))]


def is_made(name):
    if name in MADE:
        return True
    made = re.fullmatch(re.escape(MADE_IN) + r"(\w+?)(_client\.c|_server\.[ch]|_fuzz\.c|\.h|\.md|\.json)", name)
    return bool(made) and (made[1] == "protocols" or (ROOT / MADE_IN / f"{made[1]}.idl").exists())


def names(text):
    """Paths in backticks that begin with a folder of the root, without globs and placeholders."""
    for name in re.findall(r"`((?:%s)/[^\s`*<>{}|]*)`" % "|".join(TOP), text):
        if not re.search(r"[A-Z]{4,}|\.\.\.", name.replace("README", "")):
            yield name.rstrip("/")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_exist(document):
    path = ROOT / document
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    wrong = []
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        place = (path.parent / target).resolve()
        if not place.exists() and not is_made(str(place.relative_to(ROOT))):
            wrong.append(target)
    for name in names(text):
        if not (ROOT / name).exists() and not is_made(name):
            wrong.append(name)
    assert not wrong, f"{document} names what is not there: {', '.join(wrong)}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_can_be_run(document):
    """What is followed by arguments, in backticks, is a program."""
    text = (ROOT / document).read_text(encoding="utf-8")
    commands = re.findall(r"`(?:\$ )?((?:%s)/[\w./-]*[\w-]) [-\w]" % "|".join(TOP), text)
    wrong = [name for name in commands if (ROOT / name).is_file() and not os.access(ROOT / name, os.X_OK)]
    assert not wrong, f"{document}: {', '.join(wrong)}"
