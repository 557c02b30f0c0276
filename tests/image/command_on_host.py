"""Runs one command the way `image/run -c` does, but with programs/remote on this host behind a pseudo-terminal instead of a
machine. usage: command_on_host.py REMOTE COMMAND [console text]"""
import os
import pathlib
import pty
import socket
import subprocess
import sys
import threading
import time
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "image"))
from runner.remote_command import RemoteCommand


def pump(read, write):
    """Copies until either side ends."""
    try:
        while data := read():
            while data:
                data = data[write(data):]
    except OSError:
        pass


def main(remote, command, console_text=""):
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.write(master, b"noise before the start")  # the guest's side throws it away
    ours, theirs = socket.socketpair()
    console, console_far = socket.socketpair()
    console_far.send(console_text.encode())
    with subprocess.Popen([remote, os.ttyname(slave)], stdin=subprocess.DEVNULL, restore_signals=False) as process:
        threading.Thread(target=pump, args=(lambda: os.read(master, 4096), theirs.send), daemon=True).start()
        threading.Thread(target=pump, args=(lambda: theirs.recv(4096), lambda d: os.write(master, d)), daemon=True).start()
        deadline = time.monotonic() + float(os.environ["TIMEOUT"]) if "TIMEOUT" in os.environ else None
        session = RemoteCommand(os.fsencode(command), console, ours, boot_seconds=20, deadline=deadline, watch=True,
                                at_end=lambda: None)
        status = session.run()
        if session.status is not None and process.wait(20) != 0:
            sys.exit("remote failed")
        process.kill()
    return status


sys.exit(main(*sys.argv[1:]))
