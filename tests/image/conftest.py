"""Makes image/runner importable, and builds the guest's side of the command channel for the host."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))


@pytest.fixture(scope="session")
def remote_program(tmp_path_factory):
    """programs/remote, compiled for this host under the sanitizers."""
    program = tmp_path_factory.mktemp("remote") / "remote"
    subprocess.run(["clang", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-g",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", ROOT,
                    ROOT / "programs/remote/main.c", "-o", program], check=True)
    return program
