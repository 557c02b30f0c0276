#!/usr/bin/python3
"""Takes the pictures of docs/console.md anew: boots the system, types and moves the mouse as somebody at the machine would, and asks
QEMU what is on the screen. `docs/pictures/take.py [NAME...]`: only these of top, selection, screens, edit, colours."""
import pathlib
import struct
import sys
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/system"))
from test_console import EDITING, SCREEN_PROMPT, Machine  # noqa: E402 pylint: disable=wrong-import-position

POEM = """Über allen Gipfeln ist Ruh,
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
Съешь ещё этих мягких французских булок.
Voix ambiguë d'un cœur qui au zéphyr…
いろはにほへと ちりぬるを 나랏말싸미 듕귁에 달아
┌─────────┬─────────────┐
│ ∀x ∈ ℝ  │ ⌈x⌉ = −⌊−x⌋ │
└─────────┴─────────────┘
"""


class Picture:
    """What QEMU shows: width, height and three bytes for each pixel, from its PPM."""

    def __init__(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, pixels

    @classmethod
    def take(cls, machine, folder):
        path = folder / "screen.ppm"
        path.unlink(missing_ok=True)
        machine.tell(f"screendump {path}")
        kind, size, depth, pixels = path.read_bytes().split(b"\n", 3)
        assert (kind, depth) == (b"P6", b"255")
        return cls(*map(int, size.split()), pixels)

    def row(self, number):
        return self.pixels[3 * self.width * number:3 * self.width * (number + 1)]

    def write(self, path):
        def chunk(name, content):
            return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        rows = b"".join(b"\0" + self.row(number) for number in range(self.height))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)) +
                         chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))

    @classmethod
    def tiled(cls, four, gap=8):
        """Two by two, with a grey line between them."""
        a, b, c, d = four
        line, beam = b"\x60\x60\x60" * gap, b"\x60\x60\x60" * (2 * a.width + gap) * gap
        upper, lower = (b"".join(left.row(i) + line + right.row(i) for i in range(left.height)) for left, right in ((a, b), (c, d)))
        return cls(2 * a.width + gap, 2 * a.height + gap, upper + beam + lower)


def drawn(machine, folder):
    """What is on the screen when all of it is drawn: two looks are the same."""
    before, now = None, Picture.take(machine, folder)
    while before is None or now.pixels != before.pixels:
        time.sleep(0.1)
        before, now = now, Picture.take(machine, folder)
    return now


def shown(machine, folder, command, ready, number=1):
    """The picture of a screen on which this was typed, once its text has a match of the pattern."""
    machine.type(command + "\n")
    machine.await_screen(ready, number)
    return drawn(machine, folder)


def top(machine, folder):
    machine.run("(while :; do sha256sum /bin/sh > /dev/null; done) & cat /dev/zero > /dev/null & true")
    machine.fresh_screen()
    picture = shown(machine, folder, "top", r" 0:0[3-9]\.\d\d +cat /dev/zero(?s:.*)leave\Z")
    machine.type("q")
    machine.run("kill %1 %2")
    return picture


def selection(machine, folder):
    machine.fresh_screen()
    shown(machine, folder, "ls -l /", f"var\n.*{SCREEN_PROMPT}")
    shown(machine, folder, "cat /etc/motd", f"motd\n(?s:.+){SCREEN_PROMPT}")
    machine.point_home()
    machine.move(70, 40)
    machine.buttons(1)
    for _ in range(10):
        machine.move(30, 8)
    machine.settle()
    picture = drawn(machine, folder)
    machine.buttons(0)
    machine.keys("ret")
    return picture


def colours(machine, folder):
    machine.fresh_screen()
    return shown(machine, folder, "colours", f"colours\n(?s:.+){SCREEN_PROMPT}")


def edit(machine, folder):
    machine.run("rm -f /tmp/poem")
    for line in POEM.splitlines():
        machine.run(f'echo "{line}" >> /tmp/poem')
    machine.fresh_screen()
    shown(machine, folder, "edit /tmp/poem", EDITING)
    machine.keys("down", "down", "end")
    machine.await_screen(r"line 3 of \d+, column [2-9]")
    picture = drawn(machine, folder)
    machine.keys("ctrl-q")
    machine.await_screen(SCREEN_PROMPT)
    return picture


def screens(machine, folder):
    """Four of the six screens, each with something else on it."""
    commands = (("ls -l /bin | tail -n 44", f"tail -n 44\n(?s:.+){SCREEN_PROMPT}"), ("less /etc/services", r"END\)\Z"), ("top", r"leave\Z"),
                ("colours", f"colours\n(?s:.+){SCREEN_PROMPT}"))
    machine.fresh_screen()
    for number, (command, ready) in enumerate(commands, 1):
        machine.keys(f"alt-f{number}")
        machine.await_screen(SCREEN_PROMPT, number)
        shown(machine, folder, command, ready, number)
    four = []
    for number in range(1, 5):
        machine.keys(f"alt-f{number}")
        machine.settle()
        four.append(drawn(machine, folder))
    for number in (2, 3):
        machine.keys(f"alt-f{number}")
        machine.type("q")
    machine.keys("alt-f1")
    return Picture.tiled(four)


def main():
    wanted = sys.argv[1:] or ["colours", "edit", "selection", "top", "screens"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        machine = Machine(folder)
        for take in wanted:
            globals()[take](machine, folder).write(HERE / f"{take}.png")
        machine.serial.sendline("poweroff")
        machine.serial.expect("[Pp]ower", timeout=30)
        machine.serial.close(force=True)


if __name__ == "__main__":
    main()
