"""The screen's console as somebody uses it: keys and the mouse come through QEMU's input events, what came of them is read
on the serial line. One boot."""
import pathlib
import re
import socket
import sys
import time

import pexpect
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from runner import network  # noqa: E402 pylint: disable=wrong-import-position

PROMPT = r"[#$] \x1b?"
SCREEN_PROMPT = r"[#$]\Z"  # what a screen's text ends in
EDITING = r"line 1 of \d+, column 1\b"  # what the editor says of itself
SECONDS = 60
CONTROLLER_STATUS, OUTPUT_FULL = 0x64, 1  # of the keyboard's controller: a byte waits for the guest
NAMES = {" ": "spc", "\n": "ret", "-": "minus", "/": "slash", ".": "dot", ">": "shift-dot", "_": "shift-minus", "|": "shift-backslash"}

# Keys by QEMU's names (those of a US keyboard) and what is printed on them: dead keys, AltGr, compose and locks included.
LAYOUTS = {
    "us": (["q", "z", "shift-2", "grave_accent", "compose", "o", "e", "compose", "shift-c", "equal", "caps_lock", "a", "shift-b", "1", "caps_lock", "c",
            "num_lock", "kp_7", "kp_multiply", "num_lock", "kp_add"], "qz@`œ€Ab1c7*+"),
    "uk": (["shift-3", "alt_r-4", "shift-2", "shift-apostrophe", "less"], '£€"@\\'),
    "de": (["z", "y", "semicolon", "minus", "alt_r-q", "alt_r-e", "equal", "e", "grave_accent", "shift-o", "less", "caps_lock", "semicolon", "shift-z", "caps_lock"],
           "yzöß@€éÔ<Öy"),
    "fr": (["q", "w", "2", "0", "alt_r-0", "bracket_left", "e", "shift-bracket_left", "i", "semicolon"], "azéà@êïm"),
    "es": (["semicolon", "shift-semicolon", "apostrophe", "a", "alt_r-2", "equal"], "ñÑá@¡"),
    "it": (["semicolon", "apostrophe", "bracket_left", "shift-bracket_left", "alt_r-semicolon", "alt_r-e"], "òàèé@€"),
    "dvorak": (["a", "s", "d", "f", "q", "shift-minus"], "aoeu'{"),
}


class Machine:
    """A booted guest: its serial line, and QEMU's monitor for its keyboard and mouse. Nothing here takes a time for granted."""

    def __init__(self, folder):
        path = str(folder / "monitor")
        self.serial = pexpect.spawn(str(ROOT / "image/run"), ["--fresh-disk", "--", "-qmp", f"unix:{path},server=on,wait=off"],
                                    timeout=SECONDS, encoding="utf-8", dimensions=(40, 160))
        self.serial.delaybeforesend = None
        self.serial.expect(PROMPT, timeout=120)
        control = socket.socket(socket.AF_UNIX)
        control.settimeout(SECONDS)
        control.connect(path)
        self.monitor = network.Monitor(control)
        self.marks = 0
        self.await_screen(SCREEN_PROMPT)

    def tell(self, command):
        """A command of QEMU's monitor; its answer."""
        return self.monitor.execute("human-monitor-command", **{"command-line": command})["return"]

    def settle(self):
        """Waits until the guest has fetched all that the keyboard and the mouse have sent: QEMU drops what it has no room for."""
        deadline = time.monotonic() + SECONDS
        while int(self.tell(f"i /b {CONTROLLER_STATUS}").split("=")[1], 0) & OUTPUT_FULL:
            assert time.monotonic() < deadline, "the guest does not read its keyboard"
            time.sleep(0.001)

    def keys(self, *names):
        """Pressed one behind the other; of shift-a, the letter while shift is down."""
        for name in names:
            keys = name.split("-")
            self.settle()
            self.monitor.execute("input-send-event", events=[
                {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
                for down, order in ((True, keys), (False, keys[::-1])) for key in order])

    def type(self, text):
        self.keys(*(NAMES.get(char, char if not char.isupper() else "shift-" + char.lower()) for char in text))

    def move(self, right, down):
        self.settle()
        self.tell(f"mouse_move {right} {down}")

    def buttons(self, *states):
        """What is down, one state behind the other: 1 the left, 4 the right, 0 none."""
        for state in states:
            self.settle()
            self.tell(f"mouse_button {state}")

    def double_click(self):
        """Where the pointer is: again, if this machine was too busy for the guest to see two in less than 0.4 seconds."""
        while True:
            begin = time.monotonic()
            self.buttons(1, 0, 1, 0)
            self.settle()
            if time.monotonic() - begin < 0.3:
                return
            time.sleep(0.5)

    def point_home(self):
        """The mouse into the upper left corner, in steps that its packets can tell."""
        for _ in range(12):
            self.move(-100, -100)

    def run(self, command):
        """What a command on the serial line prints."""
        self.serial.sendline(f"{command}; echo 'do''ne'")
        self.serial.expect(r"\x1b\[\d+C\r*\n((?s:.*?))done\r*\n", timeout=SECONDS)  # behind the echo of the line editor
        text = self.serial.match.group(1)
        self.serial.expect(PROMPT)
        return text.replace("\r", "")

    def await_file(self, path, wanted):
        """Typed keys take their time to get where they belong."""
        deadline = time.monotonic() + SECONDS / 2
        while (found := self.run(f"cat {path} 2>/dev/null")) != wanted and time.monotonic() < deadline:
            pass
        assert found == wanted

    def await_screen(self, pattern, number=1):
        """Waits until the text of a screen has a match of the pattern."""
        deadline = time.monotonic() + SECONDS / 2
        while not re.search(pattern, text := self.run(f"screenshot -t -F /dev/tty{number} 2>/dev/null").rstrip("\n")):
            assert time.monotonic() < deadline, f"no {pattern!r} on screen {number}:\n{text}"

    def fresh_screen(self):
        """Nothing but a prompt, in the first line; the mark tells it from one that was there before."""
        self.marks += 1
        self.type(f"echo mark {self.marks}\n")
        self.await_screen(f"\nmark {self.marks}\n.*{SCREEN_PROMPT}")
        self.keys("ctrl-l")
        self.await_screen(rf"\A[^\n]*{SCREEN_PROMPT}")

    def begin_typing(self, path):
        """What is typed from now on goes into a file, that is there when the shell has read the line."""
        self.type(f"cat > {path}\n")
        self.run(f"until [ -e {path} ]; do sleep 0.02; done")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    guest = Machine(tmp_path_factory.mktemp("console"))
    yield guest
    guest.serial.sendline("poweroff")
    try:
        guest.serial.expect(pexpect.EOF, timeout=SECONDS)
    finally:
        guest.serial.close(force=True)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout_gives_what_is_printed_on_the_keys(machine, name):
    keys, text = LAYOUTS[name]
    machine.begin_typing(f"/tmp/{name}")
    assert machine.run(f"keymap {name}; keymap") == f"{name}\n"
    machine.keys(*keys, "ret")
    machine.await_file(f"/tmp/{name}", text + "\n")  # before the keys mean something else
    machine.run("keymap us")
    machine.keys("ctrl-d")
    machine.await_screen(SCREEN_PROMPT)


def test_screens_have_shells_of_their_own(machine):
    machine.keys("alt-f3")
    machine.await_screen(SCREEN_PROMPT, 3)
    machine.type("echo three > /tmp/three\n")
    machine.await_file("/tmp/three", "three\n")
    machine.keys("alt-f1")
    machine.type("echo one > /tmp/one\n")
    machine.await_file("/tmp/one", "one\n")
    machine.keys("alt-f3")
    machine.type("exit\n")
    machine.await_screen("Enter begins another", 3)
    machine.type("\n")
    machine.await_screen(rf"Enter begins another(?s:.*){SCREEN_PROMPT}", 3)
    machine.type("echo again > /tmp/three\n")
    machine.await_file("/tmp/three", "again\n")
    machine.keys("alt-f1")


RELOAD = "reload console /sbin/console"  # as if it were another build: by records, its memory goes


@pytest.mark.parametrize("event", ["kill console", "kill keyboard", RELOAD])
def test_nothing_typed_is_lost_when_a_server_goes(machine, event):
    text = "the quick brown fox "
    path = f"/tmp/{'_'.join(event.split()[:2])}"
    machine.begin_typing(path)
    for _ in range(3):
        machine.type(text)
        machine.run(f"service {event}")
    machine.type("end\n")
    machine.keys("ctrl-d")
    machine.await_file(path, 3 * text + "end\n")


@pytest.mark.parametrize("event", ["kill console", RELOAD])
def test_editing_goes_on(machine, event):
    machine.run("rm -f /tmp/edited")
    machine.fresh_screen()
    machine.type("edit /tmp/edited\n")
    machine.await_screen(EDITING)
    machine.type("first line\nsecond")
    machine.run(f"service {event}")
    machine.type(" line\nthird")
    machine.keys("ctrl-z", "ctrl-z", "ctrl-s", "ctrl-q")
    machine.await_screen(SCREEN_PROMPT)
    machine.type("echo left >> /tmp/edited\n")
    machine.await_file("/tmp/edited", "first line\nsecond line\nleft\n")


def test_text_is_selected_and_pasted(machine):
    machine.fresh_screen()
    machine.begin_typing("/tmp/pasted")
    machine.point_home()
    machine.move(50, 5)  # from the corner to the word cat, behind the prompt
    machine.double_click()
    machine.run(f"service {RELOAD}")
    machine.buttons(4, 0)
    machine.keys("ret", "ctrl-d")
    machine.await_file("/tmp/pasted", "cat\n")


@pytest.mark.parametrize("server", ["console", "keyboard"])
def test_selecting_and_pasting_survive_a_kill(machine, server):
    """Killed between pressing and releasing, in the midst of moving, and before pasting: the button is still down, the anchor where it was."""
    machine.fresh_screen()
    machine.begin_typing(f"/tmp/mouse_{server}")
    machine.point_home()
    machine.buttons(1, 0)  # not where the next one is: it is no double click
    machine.move(36, 5)  # the c of cat, behind the prompt
    machine.buttons(1)
    machine.run(f"service kill {server}")
    machine.move(8, 0)
    machine.run(f"service kill {server}")
    machine.move(8, 0)
    machine.run(f"service kill {server}")
    machine.buttons(0)
    machine.run(f"service kill {server}")
    machine.buttons(4, 0)
    machine.keys("ret", "ctrl-d")
    machine.await_file(f"/tmp/mouse_{server}", "cat\n")


def test_settings_and_pictures(machine):
    assert "rows" in machine.run("stty -a -F /dev/console")
    machine.run("stty -F /dev/tty2 -echo")
    assert "-echo\n" in machine.run("stty -F /dev/tty2")
    machine.run("stty -F /dev/tty2 sane; screenshot /tmp/screen.png")
    assert machine.run("dd if=/tmp/screen.png bs=1 skip=1 count=3 2>/dev/null; echo") == "PNG\n"


def test_a_pair_is_a_terminal(machine):
    """A shell on a pseudo-terminal: its output, its settings, its status, what is typed ahead, and that both ends go away."""
    assert machine.run("script -c 'stty size; echo shown; exit 3' /tmp/record </dev/null; echo $?; cat /tmp/record") == \
        "24 80\nshown\n3\n24 80\nshown\n"
    machine.run("echo hello > /tmp/hello; printf 'sleep 100\\n\\003echo alive\\nexit\\n' > /tmp/keys")
    for _ in range(10):  # more often than there are pairs
        assert machine.run("script -c 'read word; echo got $word' /tmp/record < /tmp/hello >/dev/null; tail -n 1 /tmp/record") == "got hello\n"
        assert machine.run("script /tmp/record < /tmp/keys > /dev/null; grep -c '^alive' /tmp/record") == "1\n"
