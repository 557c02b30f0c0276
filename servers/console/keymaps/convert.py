#!/usr/bin/python3
"""Keyboard layouts from the packages console-data (the layouts) and kbd (loadkeys, which reads them), as files that console and
`keymap` know (servers/console/keymap.h), and as one C file with all of them and what dead and compose keys make.
Usage: convert.py OUTPUT.c UnicodeData.txt OUTPUT-FOLDER KEYMAP-FOLDER"""

import pathlib
import re
import struct
import subprocess
import sys

KEYS, LEVELS, NAME_BYTES, DEAD = 104, 4, 12, 0xe000
# On keyboards with these, the right Alt key is an Alt key.
LAYOUTS = {"us": ("qwerty/us", False), "uk": ("qwerty/uk", True), "de": ("qwertz/de-latin1", True), "fr": ("azerty/fr-latin9", True),
           "es": ("qwerty/es", True), "it": ("qwerty/it", True), "dvorak": ("dvorak/dvorak", False)}
# What is printed on key caps since the layouts were written: (layout, Linux key code, level).
NEWER = {("uk", 5, 2): 0x20ac, ("uk", 41, 2): 0xa6, ("de", 18, 2): 0x20ac, ("es", 18, 2): 0x20ac, ("it", 18, 2): 0x20ac,
         ("fr", 18, 2): 0x20ac}
# dead_grave, dead_acute ... of Linux, by number, as combining characters.
ACCENTS = [0x300, 0x301, 0x302, 0x303, 0x308, 0x327]
SPACING = [0x60, 0xb4, 0x5e, 0x7e, 0xa8, 0xb8]


def usages():
    """Linux key codes (those of scan code set 1) to HID usages (page 7)."""
    found = {12: 45, 13: 46, 26: 47, 27: 48, 43: 50, 39: 51, 40: 52, 41: 53, 51: 54, 52: 55, 53: 56, 57: 44, 86: 100, 11: 39}
    found.update({code: 28 + code for code in range(2, 11)})
    for first, letters in ((16, "qwertyuiop"), (30, "asdfghjkl"), (44, "zxcvbnm")):
        found.update({first + at: 4 + ord(letter) - ord("a") for at, letter in enumerate(letters)})
    return found


def tables(path):
    """loadkeys' tables by name, and its pairs for compose."""
    text = subprocess.run(["loadkeys", "-u", "-m", path], check=True, capture_output=True, text=True).stdout
    maps = {name: [int(value, 16) for value in re.findall(r"0x[0-9a-f]+", body)]
            for name, body in re.findall(r"(\w+)_map\[NR_KEYS\] = \{(.*?)\}", text, re.S)}
    pairs = re.findall(r"\{(0x[0-9a-f]+|'.{1,2}'), (0x[0-9a-f]+|'.{1,2}'), (0x[0-9a-f]+|'.{1,2}')\}", text)
    return maps, pairs


def character(value):
    """A table's value as a character: (Unicode or dead key or 0, caps lock concerns it)."""
    if value < 0xf000:
        return value, False
    kind, low = value >> 8 & 0xf, value & 0xff
    if kind == 4:
        return (DEAD + low, False) if low < len(ACCENTS) else (0, False)
    return (low, kind == 0xb) if kind in (0, 0xb) and low >= 0x20 and low != 0x7f else (0, False)


def keymap(name, folder):
    path, has_altgr = LAYOUTS[name]
    maps, _ = tables(f"{folder}/{path}.kmap.gz")
    rows, caps = [[0] * LEVELS for _ in range(KEYS)], bytearray((KEYS + 7) // 8)
    for code, usage in usages().items():
        for level, table in enumerate(("plain", "shift", "altgr", "shift_altgr")):
            if table not in maps or (level >= 2 and not has_altgr):
                continue
            rows[usage][level], letter = character(maps[table][code])
            plain = chr(rows[usage][0])
            if (letter and level == 0) or (level == 1 and plain.upper() == chr(rows[usage][1]) != plain):
                caps[usage // 8] |= 1 << usage % 8
            rows[usage][level] = NEWER.get((name, code, level), rows[usage][level])
    rows[49] = rows[50] # one key, of which keyboards have one or the other
    return b"KKM1" + name.encode().ljust(NAME_BYTES, b"\0") + bytes(caps).ljust(16, b"\0") + b"".join(struct.pack("<4H", *row) for row in rows)


def accents(data):
    """(accent, base, composed) of all characters that a dead key makes."""
    found = []
    for line in open(data, encoding="ascii"):
        fields = line.split(";")
        parts = fields[5].split()
        if len(parts) == 2 and all(re.fullmatch("[0-9A-F]{4}", part) for part in parts) and int(parts[1], 16) in ACCENTS:
            base = int(parts[0], 16)
            if base < 0x250 and int(fields[0], 16) < 0x10000:
                found.append((ACCENTS.index(int(parts[1], 16)), base, int(fields[0], 16)))
    for index, spacing in enumerate(SPACING):
        found.append((index, 0x20, spacing))
    return sorted(found)


def number(text):
    return int(text, 16) if text.startswith("0x") else ord(text[1:-1].replace("\\\\", "\\").replace("\\'", "'"))


def composed(folder):
    """(first, second, result), either order of the first two."""
    _, pairs = tables(f"{folder}/azerty/fr-latin9.kmap.gz")
    found = {(number(a), number(b)): number(result) for a, b, result in pairs}
    found.update({(ord("C"), ord("=")): 0x20ac, (ord("="), ord("C")): 0x20ac, (ord("="), ord("e")): 0x20ac, (ord("e"), ord("=")): 0x20ac,
                  (ord("-"), ord("-")): 0x2013, (ord("."), ord(".")): 0x2026, (ord("-"), ord(">")): 0x2192, (ord("<"), ord("-")): 0x2190})
    return sorted((a, b, result) for (a, b), result in found.items())


def main():
    output, data, target, folder = sys.argv[1:]
    lines = ["// Made by servers/console/keymaps/convert.py from packaged layouts; do not edit.",
             '#include "servers/console/keymap.h"', "", "const struct keymap keymaps[] = {"]
    pathlib.Path(target).mkdir(parents=True, exist_ok=True)
    for name in LAYOUTS:
        binary = keymap(name, folder)
        pathlib.Path(target, name).write_bytes(binary)
        values = struct.unpack(f"<{KEYS * LEVELS}H", binary[32:])
        rows = ",".join("{" + ",".join(map(str, values[at:at + LEVELS])) + "}" for at in range(0, len(values), LEVELS))
        lines.append(f'{{{{\'K\',\'K\',\'M\',\'1\'}}, "{name}", {{{",".join(map(str, binary[16:32]))}}}, {{{rows}}}}},')
    lines += ["};", f"const uint32_t keymap_count = {len(LAYOUTS)};"]
    for title, entries in (("keymap_accents", accents(data)), ("keymap_composed", composed(folder))):
        lines.append(f"const struct keymap_pair {title}[] = {{" + ",".join("{%d,%d,%d}" % entry for entry in entries) + "};")
        lines.append(f"const uint32_t {title[:-1] if title.endswith('s') else title}_count = {len(entries)};")
    pathlib.Path(output).write_text("\n".join(lines) + "\n", encoding="ascii")


main()
