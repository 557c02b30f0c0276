"""Frames of one sender in a capture that are malformed, badly summed, outside of the window that was offered, or acknowledge what was not sent:
what bad_frames.filter finds, with window.lua's field. `bad_frames.py CAPTURE MAC` prints them."""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "exchanges"))
import packet  # noqa: E402 pylint: disable=wrong-import-position

CHECKS = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"]


def find(capture, mac):
    """Their lines; None without tshark. The filter is about any frame, this asks for the sender's."""
    if not shutil.which("tshark"):
        return None
    wanted = (HERE / "bad_frames.filter").read_text(encoding="ascii").strip()
    words = [word for check in CHECKS for word in ("-o", f"{check}:TRUE")]
    shown = [word for field in ("frame.number", "_ws.col.Info", "outside.window", "outside.ack") for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", capture, "-X", f"lua_script:{HERE / 'window.lua'}", *words, "-Y", f"eth.src == {mac} && ({wanted})",
                           "-T", "fields", *shown],
                          capture_output=True, text=True, check=False, env=os.environ | {"WIRESHARK_RUN_FROM_BUILD_DIRECTORY": "0"})
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()


def with_sum_of_zero(frame):
    """A segment over IPv4 whose sum comes to zero by its urgent pointer, and is written as 0xffff: it counts as sound."""
    at = 14 + 20 + 16
    return frame[:at] + b"\xff\xff" + frame[at:at + 2] + frame[at + 4:]


def check():
    """A small capture with one fault of each kind: all of them must be found, and nothing else."""
    def frame(ours, **tcp):
        ends = ("own", "peer") if ours else ("peer", "own")
        size = tcp.pop("bytes", 0)
        return packet.build([{"layer": "eth", "src": packet.OWN_MAC if ours else packet.PEER_MAC, "dst": packet.PEER_MAC if ours else packet.OWN_MAC},
                             {"layer": "ip", "src": ends[0], "dst": ends[1]},
                             {"layer": "tcp", "sport": 1 + ours, "dport": 2 - ours, **tcp}, {"layer": "data", "bytes": size}])

    frames = [frame(True, flags="S", seq=100, options="mss 1000"), frame(False, flags="S.", seq=500, ack=101, win=150), frame(True, seq=101, ack=501, bytes=150),
              frame(True, seq=251, ack=501, bytes=100), frame(True, seq=101, ack=501, bytes=10, sum="bad"), frame(True, seq=101, ack=900),
              packet.build([{"layer": "eth", "src": packet.OWN_MAC}, {"layer": "ip", "src": "own", "dst": "peer", "proto": 17},
                            {"layer": "raw", "bytes": "00350035"}])]
    frames[1] = with_sum_of_zero(frames[1])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "capture")
        path.write_bytes(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) +
                         b"".join(struct.pack("<IIII", 0, number, len(one), len(one)) + one for number, one in enumerate(frames)))
        found = find(str(path), packet.OWN_MAC)
    return found is None or [int(line.split()[0]) for line in found] == [4, 5, 6, 7], found


if __name__ == "__main__":
    found = find(*sys.argv[1:3])
    print("\n".join(found if found is not None else ["tshark is not there"]))
    sys.exit(1 if found else 0)
