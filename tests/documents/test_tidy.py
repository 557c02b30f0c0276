"""clang-tidy finds nothing (.clang-tidy) in a tenth of the sources, another one for each commit. All of them: ninja -C build clang-tidy."""
import json
import os
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SHARE = 10


def sources():
    """Those that are written by hand and compiled."""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    paths = {(pathlib.Path(each["directory"]) / each["file"]).resolve() for each in commands}
    return sorted(path for path in paths if path.suffix == ".c" and BUILD not in path.parents)


def test_a_tenth_of_the_sources():
    seed = os.environ.get("KEELSON_SEED") or subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    chosen = random.Random(seed).sample(sources(), len(sources()) // SHARE)
    assert len(chosen) > 50
    done = subprocess.run(["clang-tidy", "-p", BUILD, "--quiet", "--warnings-as-errors=*", *chosen], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:]
