"""Runs the machine: an interactive session in this terminal, or one command over the channel. Leaves the terminal and no
process behind, whatever happens."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

from runner import loaded, machine, network, running
from runner.remote_command import GUEST_FAILED, LOG_LINES, RemoteCommand

BOOT_SECONDS = {False: 120, True: 240}  # by --uefi: under TCG on a busy host
SHUTDOWN_SECONDS = 60
SCREEN_SECONDS = 10  # for the screen to come to rest after the prompt on the serial line
PROMPT = re.compile(rb"[#$] (?:\x1b\[J|$)")


def run(options, guests, **parts):
    """Runs the machine as the options say; the exit status for our own process."""
    if options.command is not None:
        return command(options, **parts)
    return picture(options, **parts) if options.screenshot else interactive(options, guests, **parts)


def interactive(options, guests, **parts):
    """Boots with the console in this terminal; QEMU's exit status. guests: the folder where `--reload` looks for it."""
    terminal = termios.tcgetattr(0) if os.isatty(0) else None
    if terminal:
        print("Keelson starts. To leave: `poweroff`, or Ctrl-A X.", file=sys.stderr)
    if options.gdb:
        print(f"Waiting for: gdb build/kernel/kernel -ex 'target remote :{options.gdb}' -x image/kernel.gdb", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        channel = os.path.join(folder, "channel")
        line = machine.command(options, com1="stdio,mux=on,signal=off", com2=f"socket,path={channel},server=on,wait=off", **parts)
        line += ["-mon", "chardev=com1,mode=readline"]
        with running.told(guests, channel):
            return foreground(options, line, terminal, os.path.join(folder, "qmp"))


def foreground(options, line, terminal, control_path):
    """Runs QEMU, whose terminal is ours; its exit status."""
    try:
        with subprocess.Popen([*line, *loaded.arguments(line), "-qmp", f"unix:{control_path},server=on,wait=off"]) as process:
            network.start_forwarding(options, control_path, process, True)
            old = signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C belongs to the guest
            try:
                return guest_status(process.wait())
            finally:
                signal.signal(signal.SIGINT, old)
                process.kill()
    finally:
        if terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, terminal)


def guest_status(code):
    """The debug exit device gives (value << 1) | 1; 1 is used for a clean end."""
    return 0 if code in (0, 1) else code


def command(options, **parts):
    """Runs the command of -c; the exit status for our own process."""
    deadline = time.monotonic() + options.timeout if options.timeout is not None else None
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        console, console_end = socket.socketpair()
        channel, channel_end = socket.socketpair()
        control_path = os.path.join(folder, "qmp")
        line = machine.command(options, com1=f"socket,fd={console_end.fileno()}",
                               com2=f"socket,fd={channel_end.fileno()}", **parts)
        line += ["-no-reboot", "-qmp", f"unix:{control_path},server=on,wait=off"]
        line += loaded.arguments(line)
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=sys.stderr,
                              pass_fds=(console_end.fileno(), channel_end.fileno())) as process:
            console_end.close()
            channel_end.close()
            network.start_forwarding(options, control_path, process, False)

            def at_end():
                if options.screenshot:
                    screenshot(control_path, os.path.abspath(options.screenshot))

            try:
                remote = RemoteCommand(os.fsencode(options.command), console, channel,
                                       boot_seconds=BOOT_SECONDS[options.uefi], deadline=deadline,
                                       watch=not options.gdb, at_end=at_end)
                status = remote.run()
                if remote.status is not None:
                    wait_for_shutdown(process, console)
                return status
            finally:
                process.kill()


def wait_for_shutdown(process, console):
    """The guest writes its disks back and turns itself off; its console must be read until then."""
    console.settimeout(0.2)
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if not console.recv(65536):
                time.sleep(0.05)
        except TimeoutError:
            pass
        except OSError:
            process.wait(max(0.1, deadline - time.monotonic()))
    if process.poll() is None:
        print("image/run: the guest did not turn itself off; what it wrote last may be lost", file=sys.stderr)


def picture(options, **parts):
    """Boots to the prompt, takes the picture and turns the guest off; 0, or 125 if no prompt came."""
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        console, console_end = socket.socketpair()
        control_path = os.path.join(folder, "qmp")
        line = machine.command(options, com1=f"socket,fd={console_end.fileno()}", com2=None, **parts)
        line += ["-no-reboot", "-qmp", f"unix:{control_path},server=on,wait=off"]
        line += loaded.arguments(line)
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=sys.stderr, pass_fds=(console_end.fileno(),)) as process:
            console_end.close()
            try:
                if not prompt_comes(console, time.monotonic() + BOOT_SECONDS[options.uefi]):
                    return GUEST_FAILED
                screen_at_rest(control_path, folder)
                taken = screenshot(control_path, os.path.abspath(options.screenshot))
                console.sendall(b"poweroff\r")
                wait_for_shutdown(process, console)
                return 0 if taken else GUEST_FAILED
            finally:
                process.kill()


def prompt_comes(console, deadline):
    """Reads the console until a shell asks for a command. If none does, shows the last of what was said."""
    text = b""
    try:
        while not PROMPT.search(text):
            console.settimeout(max(0.01, deadline - time.monotonic()))
            data = console.recv(65536)
            if not data:
                break
            text += data
        else:
            return True
    except OSError:
        pass
    print("image/run: no prompt came; the last of its log:", file=sys.stderr)
    for line in text.decode(errors="replace").replace("\r", "").splitlines()[-LOG_LINES:]:
        print(f"  | {line}", file=sys.stderr)
    return False


def screen_at_rest(control_path, folder):
    """The screen has a shell of its own, which may be behind: waits until it stays the same (a cursor may blink on)."""
    deadline = time.monotonic() + SCREEN_SECONDS
    before, now = None, os.path.join(folder, "screen.png")
    while time.monotonic() < deadline and screenshot(control_path, now):
        with open(now, "rb") as file:
            content = file.read()
        if content == before:
            return
        before = content
        time.sleep(0.5)


def screenshot(control_path, target):
    """Asks QEMU's monitor (QMP) for the screen as PNG. False, with a message: it gave none."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(control_path)
        stream = control.makefile("rw", encoding="utf-8")
        for request in (None, {"execute": "qmp_capabilities"},
                        {"execute": "screendump", "arguments": {"filename": target, "format": "png"}}):
            if request:
                stream.write(json.dumps(request) + "\n")
                stream.flush()
            answer = json.loads(stream.readline())
            while "event" in answer:
                answer = json.loads(stream.readline())
            if "error" in answer:
                print(f"image/run: no screenshot: {answer['error']['desc']}", file=sys.stderr)
                return False
    return True
