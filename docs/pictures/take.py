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
from test_console import Machine  # noqa: E402 pylint: disable=wrong-import-position

POEM = """Über allen Gipfeln ist Ruh,
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
Съешь ещё этих мягких французских булок.
Voix ambiguë d'un cœur qui au zéphyr…
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


def fresh_screen(machine):
    machine.type("clear\n")
    time.sleep(1)


def top(machine, folder):
    machine.run("(while :; do sha256sum /bin/sh > /dev/null; done) & cat /dev/zero > /dev/null & true")
    fresh_screen(machine)
    machine.type("top\n")
    time.sleep(6)
    picture = Picture.take(machine, folder)
    machine.type("q")
    machine.run("kill %1 %2")
    return picture


def selection(machine, folder):
    fresh_screen(machine)
    machine.type("ls -l /\n")
    time.sleep(2)
    machine.type("cat /etc/motd\n")
    time.sleep(2)
    machine.point_home()
    machine.tell("mouse_move 70 40")
    machine.tell("mouse_button 1")
    for _ in range(10):
        machine.tell("mouse_move 30 8")
    time.sleep(0.5)
    picture = Picture.take(machine, folder)
    machine.tell("mouse_button 0")
    machine.keys("ret")
    return picture


def colours(machine, folder):
    fresh_screen(machine)
    machine.type("colours\n")
    time.sleep(2)
    return Picture.take(machine, folder)


def edit(machine, folder):
    machine.run("rm -f /tmp/poem")
    for line in POEM.splitlines():
        machine.run(f'echo "{line}" >> /tmp/poem')
    fresh_screen(machine)
    machine.type("edit /tmp/poem\n")
    time.sleep(2)
    machine.keys("down", "down", "end")
    time.sleep(1)
    picture = Picture.take(machine, folder)
    machine.keys("ctrl-q")
    time.sleep(0.5)
    return picture


def screens(machine, folder):
    """Four of the six screens, each with something else on it."""
    four = []
    for number, (command, seconds) in enumerate((("ls -l /bin | tail -n 44\n", 2), ("less /etc/services\n", 2), ("top\n", 4), ("colours\n", 2))):
        if number > 0:
            machine.keys(f"alt-f{number + 1}")
            time.sleep(3)
        else:
            fresh_screen(machine)
        machine.type(command)
        time.sleep(seconds)
    for number in range(4):
        machine.keys(f"alt-f{number + 1}")
        time.sleep(1)
        four.append(Picture.take(machine, folder))
    machine.keys("alt-f2")
    machine.type("q")
    machine.keys("alt-f3")
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
