"""--reload NAME: builds the program of one role and puts it in the place of the running one, in the guest that `image/run` started
in another terminal. The guest's side is `remote -w` and `service reload` (image/channel.md)."""
import os
import re
import subprocess
import sys
import tempfile

from runner import build, running
from runner.remote_command import RemoteCommand

GUESTS = "guests"  # in the build folder
ANSWER_SECONDS = 15
COMMAND = "f=/tmp/reload.$$; cat >$f && service reload {0} $f; s=$?; rm -f $f; [ $s != 0 ] || service show {0}; exit $s"


def program_of(root, role):
    """The program that the manifest names for this role."""
    entry = re.search(rf"^role {re.escape(role)}\n(?:(?!role ).*\n)*?\s+program sbin/(\S+)", (root / "image/manifest").read_text(), re.M)
    if not entry:
        sys.exit(f"image/run: the manifest has no role {role}")
    return entry[1]


def target_of(folder, program):
    """What ninja calls it."""
    listed = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^((?:servers|drivers)/(?:\S+/)?{re.escape(program)}): c_LINKER", listed, re.M)
    if not found:
        sys.exit(f"image/run: nothing builds sbin/{program}")
    return found[1]


def guest(folder):
    """The channel of the one guest that runs."""
    lines = running.connect(folder, os.environ.get("KEELSON_GUEST", "*"))
    if len(lines) == 1:
        return lines[0]
    if not lines:
        sys.exit("image/run: no guest runs: start one with `image/run` in another terminal")
    return sys.exit(f"image/run: {len(lines)} guests run; name one in KEELSON_GUEST, by the process number of its image/run")


def reload(root, folder, role):
    """The exit status for our own process: 0, or what `service reload` said."""
    program = program_of(root, role)
    line = guest(folder / GUESTS)
    if not (folder / "build.ninja").exists():
        build.configure(root, folder)
    target = target_of(folder, program)
    build.build(root, folder, [target])
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["llvm-objcopy", "--strip-debug", folder / target, stripped.name], check=True)
        with open(stripped.name, "rb") as file:
            os.dup2(file.fileno(), 0)  # the command's standard input
    remote = RemoteCommand(os.fsencode(COMMAND.format(role)), None, line, boot_seconds=ANSWER_SECONDS, deadline=None, watch=True,
                           at_end=lambda: None, hello=True)
    return remote.run()
