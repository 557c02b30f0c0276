"""A machine of the fault suites: one command over the channel, its console, a disk of its own, and QEMU's monitor.

Unlike image/run it keeps the disk's image where the host can look at it, may be cut off at any moment, and answers what the
workload asks at the console. One machine at a time; the disk's file belongs to the caller."""
import contextlib
import json
import os
import pathlib
import re
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from runner import accelerator, channel, disk, loaded, machine, options as command_line  # noqa: E402 pylint: disable=wrong-import-position

BUILD = ROOT / "build"
MONITOR_SECONDS = 60
PANIC = b"kernel panic: "
QUESTION = re.compile(rb"(question|keys) (\d+)\?\r?\n")


class Medium:
    """What is booted. A long run keeps a copy of its own, so that a build beside it changes nothing."""
    iso, base, programs = BUILD / "image/keelson.iso", None, BUILD

    @classmethod
    def freeze(cls, folder, *, programs=(), **options):
        """`programs`: paths in the build, of which copies are wanted as well."""
        copies = [shutil.copy(BUILD / "image/keelson.iso", folder), shutil.copy(base_disk(**options), folder)]
        for path in programs:
            shutil.copy(BUILD / path, pathlib.Path(folder, path.replace("/", "-")))
        cls.iso, cls.base = (pathlib.Path(copy) for copy in copies)
        cls.programs = pathlib.Path(folder) if programs else BUILD

    @classmethod
    def program(cls, path):
        """A program of the build, or its copy."""
        return cls.programs / (path if cls.programs == BUILD else path.replace("/", "-"))


class Silent(Exception):
    """The machine said nothing for too long, panicked or went away."""


def base_disk(program="tests/fault/faultwork", size=disk.SIZE_MIB):
    """The system disk (of so many MiB) with a program of the tests in /bin; made once for each build, by whoever comes first."""
    tar, binary = BUILD / "image/system.tar", BUILD / program
    made = BUILD / f"tests/fault/{binary.name}-{size}-{int(max(tar.stat().st_mtime, binary.stat().st_mtime))}.img"
    if made.exists():
        return made
    for old in made.parent.glob(f"{binary.name}-{size}-*.img"):
        old.unlink(missing_ok=True)
    fresh = made.with_suffix(f".new{os.getpid()}")
    was, disk.SIZE_MIB = disk.SIZE_MIB, size
    try:
        disk.create(fresh, tar)
        disk.write_file(fresh, f"bin/{binary.name}", binary, 0o100755)
        fresh.rename(made)
    finally:
        disk.SIZE_MIB = was
        fresh.unlink(missing_ok=True)
    return made


def copy_disk(base, path, files=()):
    """A disk of one's own: base, with these (name, bytes) in it."""
    subprocess.run(["cp", "--sparse=always", base, path], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in files:
            pathlib.Path(scratch, "content").write_bytes(content)
            disk.write_file(path, name, pathlib.Path(scratch, "content"), 0o100755)


def stripped(name, folder="tests/fault"):
    """A program of the tests: another build of a server."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["llvm-objcopy", "--strip-debug", BUILD / folder / name, file.name], check=True)
        return pathlib.Path(file.name).read_bytes()


def stream_card(path, mac, nic="virtio"):
    """QEMU's options for a card whose frames go through the socket at `path`, each behind its length."""
    device = {"virtio": "virtio-net-pci,disable-legacy=on", "e1000": "e1000"}[nic]
    return ["-netdev", f"stream,id=wire,server=off,addr.type=unix,addr.path={path}", "-device", f"{device},romfile=,netdev=wire,mac={mac}"]


class Guest:
    """Boots at once. `drive`: the -drive or -blockdev arguments of the disk with the id disk0, in the place of a plain image;
    `iso`: another medium, which may hold the disk (runner/ram_disk.py)."""

    def __init__(self, command, image=None, *, drive=None, arguments=(), extra=(), gdb=False, iso=None):
        self.folder = tempfile.mkdtemp(prefix="keelson-")
        self.output, self.errors, self.log = b"", b"", b""
        self.status = self.control = None
        self.answered = 0
        self.command = command.encode()
        options = command_line.parse(["-c", command, *arguments])
        chosen = "tcg" if options.icount else accelerator.choose("auto", machine.QEMU, Medium.iso, ROOT / "images/accelerator.json")
        self.console, console_end = socket.socketpair()
        self.line, line_end = socket.socketpair()
        options.qemu_arguments = list(extra)
        line = machine.command(options, medium=iso or Medium.iso, disks=[], accelerator=chosen,
                               com1=f"socket,fd={console_end.fileno()}", com2=f"socket,fd={line_end.fileno()}")
        if image:
            drive = ["-drive", f"if=none,id=disk0,format=raw,cache=unsafe,file={image}"]
        if drive:
            line += [*drive, "-device", "ide-hd,drive=disk0,bus=ide.0,unit=0"]
        line += ["-no-reboot", "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"]
        if gdb:
            line += ["-gdb", f"unix:{self.folder}/gdb,server=on,wait=off"]
        line += loaded.arguments(line)
        with open(f"{self.folder}/errors", "wb") as errors:
            self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                                            pass_fds=(console_end.fileno(), line_end.fileno()))
        console_end.close()
        line_end.close()
        self.channel = channel.Channel()
        self.selector = selectors.DefaultSelector()
        for sock in (self.console, self.line):
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """The machine stops at once, as without power."""
        self.process.kill()
        self.process.wait()
        for file in (self.console, self.line, *([self.control] if self.control else [])):
            file.close()
        self.selector.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def step(self, seconds):
        """Takes what the machine says within this time; False if it said nothing."""
        ready = self.selector.select(seconds)
        for key, _ in ready:
            try:
                data = key.fileobj.recv(65536)
            except (BlockingIOError, ConnectionError):
                continue
            if not data:
                said = pathlib.Path(self.folder, "errors").read_text(errors="replace").strip()
                raise Silent(f"the machine stopped {said}".strip())
            if key.fileobj is self.console:
                self.hear_console(data)
            else:
                self.hear_line(data)
        if PANIC in self.log:
            raise Silent("the kernel panicked")
        return bool(ready)

    def hear_console(self, data):
        self.log += data
        for question in QUESTION.finditer(self.log, max(0, self.answered - 1)):
            self.answered = question.end()
            if question.group(1) == b"question":
                with contextlib.suppress(BlockingIOError):  # who asks again and again may not listen
                    self.console.send(b"typed line " + question.group(2) + b"\r")
            else:
                self.press([*question.group(2).decode(), "ret"])

    def hear_line(self, data):
        for kind, payload in self.channel.receive(data):
            if kind == "H":
                self.line.send(channel.Channel.start(self.command))
            elif kind == "O":
                self.output += payload
            elif kind == "E":
                self.errors += payload
            elif kind == "X":
                self.status = payload[1] if payload[0] == 0 else 128 + payload[1]

    def run(self, *, silence=60, until=None):
        """Until the command has ended, or `until` is in its output; its status. Silent: it said nothing for so long."""
        heard, length = time.monotonic(), 0
        while self.status is None and (until is None or until not in self.output):
            self.step(1)
            if len(self.output) + len(self.log) != length:
                heard, length = time.monotonic(), len(self.output) + len(self.log)
            if time.monotonic() > heard + silence:
                raise Silent(f"nothing was said for {silence} s")
        return self.status

    def shut_down(self):
        """After the command: the guest writes its disk back and turns itself off."""
        self.line.send(channel.encode("B"))
        try:
            while self.process.poll() is None:
                if not self.step(30):
                    raise Silent("the guest did not turn itself off")
        except Silent as reason:
            if not str(reason).startswith("the machine stopped"):
                raise
        self.process.wait(30)

    def reason_of_end(self):
        """Why a machine ended that was asked something by its monitor before: guest-shutdown (it turned itself off), guest-reset..."""
        events = [json.loads(line) for line in self.control]
        return next((event["data"].get("reason") for event in events if event.get("event") == "SHUTDOWN"), None)

    def press(self, keys):
        """Keys of the keyboard, by QEMU's names of them, each down and up."""
        self.send_keys((key, down) for key in keys for down in (True, False))

    def send_keys(self, changes):
        """(key, whether it goes down)"""
        self.monitor("input-send-event", events=[{"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
                                                 for key, down in changes])

    def monitor(self, execute, **arguments):
        """One command of QEMU's monitor protocol; its result."""
        if self.control is None:
            control = socket.socket(socket.AF_UNIX)
            for _ in range(1000):  # its file is there before it listens
                try:
                    control.connect(f"{self.folder}/qmp")
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    self.step(0.01)
            control.settimeout(MONITOR_SECONDS)  # once in thousands of machines QEMU never answers
            self.control = control.makefile("rw", encoding="utf-8")
            control.close()
            self.control.readline()
            self.monitor("qmp_capabilities")
        self.control.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
        self.control.flush()
        answer = json.loads(self.control.readline())
        while "event" in answer:
            answer = json.loads(self.control.readline())
        return answer.get("return", answer)


def time_used(process):
    """Seconds of processor time that a process of ours has used."""
    words = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def check_disk(image):
    """e2fsck's judgement of an image, without changing it: None, or what it says."""
    judge = subprocess.run(["e2fsck", "-fn", image], capture_output=True, check=False, text=True)
    return None if judge.returncode == 0 else judge.stdout


def repair_disk(image):
    """The unattended repair: its exit status (0 and 1: all is well now) and what it said."""
    judge = subprocess.run(["e2fsck", "-p", image], capture_output=True, check=False, text=True)
    return judge.returncode, judge.stdout + judge.stderr


def force_disk(image):
    """The repair that asks nobody and leaves nothing: whether all is well now. What one round moves, another may have to set right."""
    for _ in range(3):
        subprocess.run(["e2fsck", "-fy", image], capture_output=True, check=False)
        if check_disk(image) is None:
            return True
    return False


def files_of(image, folder):
    """{name: bytes, or a link's target} of everything below a folder of an image."""
    with tempfile.TemporaryDirectory() as scratch:
        disk.debugfs(image, [f"rdump {folder} {scratch}"])
        found = {}
        for path in sorted(pathlib.Path(scratch).rglob("*")):
            name = str(path.relative_to(scratch))
            found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        return found
