"""image/keelson.py: gdb attached to a machine in which `sleep 600 | cat` waits."""
import pathlib
import re
import signal
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNEL = "build/kernel/kernel"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def gdb(port, *lines):
    """What gdb prints that attaches, does this and lets the machine go on."""
    script = ["set tcp connect-timeout 60", f"target remote 127.0.0.1:{port}", *lines, "detach"]
    words = [word for line in script for word in ("-ex", line)]
    done = subprocess.run(["gdb", "-nx", "-batch", *words, KERNEL], cwd=ROOT, capture_output=True, check=False, timeout=120, text=True)
    assert "Error" not in done.stderr, done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def shown():
    """{command: its output}."""
    port = free_port()
    with subprocess.Popen([ROOT / "image/run", "--fresh-disk", "--gdb", str(port), "--timeout", "150", "-c", "sleep 600 | (echo ready; exec cat)"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as machine:
        try:
            gdb(port)  # the machine waits for this before its first instruction
            assert machine.stdout.readline() == "ready\n"
            commands = ["symbols", "processes", "threads", "stack cat", "follow cat", "stack ext2", "follow 0"]
            lines = [line for command in commands for word in ("echo =====\\n", f"keelson {command}") for line in [word]]
            output, errors = gdb(port, "source image/keelson.py", *lines)
        finally:
            machine.send_signal(signal.SIGINT)  # it ends QEMU
    return dict(zip(commands, output.split("=====\n")[1:]), errors=errors)


def test_symbols_of_every_server(shown):
    for name in ("servers/init/init", "servers/ext2/ext2", "drivers/block/ata/ata", "programs/cat"):
        assert re.search(rf"^0x[0-9a-f]+ {name}$", shown["symbols"], re.MULTILINE), name
    bases = re.findall(r"^0x([0-9a-f]+) ", shown["symbols"], re.MULTILINE)
    assert len(set(bases)) == len(bases) > 15, "each at an address of its own"


def test_processes(shown):
    for name in ("init", "vfs", "ext2", "sleep", "cat"):
        assert re.search(rf"^ +\d+  {name} +1 ", shown["processes"], re.MULTILINE), name


def test_threads(shown):
    assert re.search(r"^ +\d+  cat +20 calling  file\.read #\d+\.\d+ +request_send \+ \d+$", shown["threads"], re.MULTILINE)
    assert re.search(r"^ +\d+  ext2 +38 waiting  for a message +loop_run \+ \d+$", shown["threads"], re.MULTILINE)


def test_stack_of_a_blocked_thread(shown):
    frames = re.findall(r"^#\d+ +(\w+)", shown["stack cat"], re.MULTILINE)
    for name in ("file_read", "read", "copy_out", "_start"):
        assert name in frames, shown["stack cat"]
    assert "programs/cat/main.c:" in shown["stack cat"]


def test_stack_of_a_server(shown):
    frames = re.findall(r"^#\d+ +(\w+)", shown["stack ext2"], re.MULTILINE)
    assert frames[:3] == ["system_call", "loop_run", "server_main"], shown["stack ext2"]


def test_follows_a_message(shown):
    assert re.search(r"^thread \d+ of cat is calling file\.read #\d+\.\d+\n  is put aside by vfs, .*\nthread \d+ of vfs is waiting",
                     shown["follow cat"], re.MULTILINE), shown["follow cat"]


def test_no_such_thread(shown):
    assert "no thread 0\n" in shown["errors"]
