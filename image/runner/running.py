"""Which guests run: a file for each, named after the process that started it, that holds the path of its channel's socket."""
import contextlib
import os
import pathlib
import socket


@contextlib.contextmanager
def told(folder, channel):
    """While this lasts, others find the guest whose channel this is."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / str(os.getpid())
    note.write_text(str(channel), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def connect(folder):
    """Connected sockets, one for each guest that runs. Notes that somebody left behind go."""
    found = []
    for note in sorted(pathlib.Path(folder).glob("*")):
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(note.read_text(encoding="utf-8"))
            found.append(line)
        except OSError:
            line.close()
            note.unlink(missing_ok=True)
    return found
