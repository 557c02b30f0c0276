"""Configures and builds with Meson and ninja: progress on standard error while something is done, silence if nothing is."""
import contextlib
import fcntl
import os
import re
import subprocess
import sys


IMAGE = ["image/keelson.iso", "image/system.tar", "image/manifest.checked"]  # all that a run needs; tests need more


@contextlib.contextmanager
def locked(folder):
    """The build folder for one run alone: two runs at once make a thing once."""
    with open(folder / ".image-run-lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(root, folder, targets=IMAGE):
    """Brings these targets in folder (the build folder) up to date, none: all. Ends the program with the compiler's words
    if that fails."""
    folder.mkdir(exist_ok=True)
    with locked(folder):
        if not (folder / "build.ninja").exists():
            configure(root, folder)
        ninja(folder, targets)


def configure(root, folder):
    print("image/run: configuring", file=sys.stderr)
    environment = dict(os.environ, CC="clang")
    strict = ["--werror"] if os.environ.get("CI") else []  # other compilers may warn of more
    done = subprocess.run(["meson", "setup", *strict, folder, root], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"image/run: meson setup failed:\n{done.stdout}{done.stderr}")


def ninja(folder, targets):
    environment = dict(os.environ, NINJA_STATUS="[%f/%t] ", TERM="dumb")
    is_terminal = sys.stderr.isatty()
    kept, drawn = [], False
    with subprocess.Popen(["ninja", "-C", folder, *targets], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        for line in process.stdout:
            line = line.rstrip("\n")
            kept.append(line)
            if re.match(r"\[\d+/\d+\] ", line):
                drawn = progress(line, is_terminal) or drawn
        code = process.wait()
    if drawn and is_terminal:
        print("\r\033[K", end="", file=sys.stderr)
    if code != 0:
        first = next((i for i, line in enumerate(kept) if line.startswith("FAILED:")), 0)
        sys.exit("image/run: the build failed:\n" + "\n".join(kept[first:]))


def progress(line, is_terminal):
    if is_terminal:
        width = os.get_terminal_size(2).columns
        print("\r\033[K" + ("build: " + line)[:width - 1], end="", file=sys.stderr, flush=True)
        return True
    count, total = map(int, re.match(r"\[(\d+)/(\d+)\]", line).groups())
    if count == total or count % 50 == 0:
        print("build: " + line, file=sys.stderr, flush=True)
    return True
