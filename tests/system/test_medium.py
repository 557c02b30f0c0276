"""The medium and the system disk's files are the same bytes wherever, whenever and by whomever they are built.

The sources are built once more, in another folder, time zone and language, with other rights and another number of jobs: everything is configured,
generated, linked and packed anew, and one in 15 of the objects compiled anew, others for each commit (KEELSON_SEED draws one,
KEELSON_SHARE=1 compiles all). The other objects are those of the first build. What could make them differ is looked for in all of them: a time
of compilation is an error of the compiler's (-Werror=date-time in meson.build), and the name of a folder would be found in the bytes."""
import os
import pathlib
import random
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
MADE = ["image/keelson.iso", "image/system.tar", "image/initrd.cpio"]
SHARE = int(os.environ.get("KEELSON_SHARE", "15"))


def objects():
    """The C compiler's part of what the medium is made of, as paths in the build folder."""
    inputs = subprocess.run(["ninja", "-C", BUILD, "-t", "inputs", *MADE], capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted(line for line in inputs if line.endswith(".c.o"))


def taken_objects(folder):
    """Puts all objects but the drawn ones into folder; how many were drawn."""
    seed = os.environ.get("KEELSON_SEED") or subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    known = objects()
    drawn = set(random.Random(seed).sample(known, len(known) // SHARE))
    for name in known:
        if name not in drawn:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(BUILD / name)
    return len(drawn)


@pytest.fixture(name="again")
def build_again(tmp_path):
    """The second build's folder."""
    taken, sources = tmp_path / "taken", tmp_path / "in-another-place" / "sources"
    taken.mkdir()
    assert taken_objects(taken) > 50
    shutil.copytree(ROOT, sources, symlinks=True, ignore=shutil.ignore_patterns("build", "images", ".git"))
    environment = {"CC": str(sources / "tests/system/taking_compiler"), "TAKEN": str(taken), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path),
                   "USER": "somebody", "TZ": "Pacific/Chatham", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
    for line in (["meson", "setup", sources / "build", sources], ["ninja", "-C", sources / "build", "-j", "3", *MADE]):
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, preexec_fn=lambda: os.umask(0o077))
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return sources / "build"


def test_the_same_bytes_every_time(again):
    for name in MADE:
        assert (again / name).read_bytes() == (BUILD / name).read_bytes(), name


@pytest.mark.parametrize("name", MADE)
def test_no_name_of_a_folder(name):
    """Of the sources or of the build."""
    content = (BUILD / name).read_bytes()
    assert f"{ROOT}/".encode() not in content and str(BUILD).encode() not in content
