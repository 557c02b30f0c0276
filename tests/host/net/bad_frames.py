"""Frames of one sender in a capture that are malformed, badly summed, outside of the window that was offered, or acknowledge what was not sent:
what bad_frames.filter finds, with window.lua's field. `bad_frames.py CAPTURE MAC` prints them."""
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CHECKS = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"]


def find(capture, mac):
    """Their lines; None without tshark. The filter is about any frame, this asks for the sender's."""
    if not shutil.which("tshark"):
        return None
    wanted = (HERE / "bad_frames.filter").read_text(encoding="ascii").strip()
    words = [word for check in CHECKS for word in ("-o", f"{check}:TRUE")]
    done = subprocess.run(["tshark", "-n", "-r", capture, "-X", f"lua_script:{HERE / 'window.lua'}", *words, "-Y", f"eth.src == {mac} && ({wanted})"],
                          capture_output=True, text=True, check=False, env=os.environ | {"WIRESHARK_RUN_FROM_BUILD_DIRECTORY": "0"})
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()


if __name__ == "__main__":
    found = find(*sys.argv[1:3])
    print("\n".join(found if found is not None else ["tshark is not there"]))
    sys.exit(1 if found else 0)
