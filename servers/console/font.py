#!/usr/bin/python3
"""The console's two fonts from packaged ones: Terminus (PSF), as an array for the program, and Unifont (hex), as a file: all of the Basic
Multilingual Plane but ideographs and Yi, which would take 1 MB more of a machine of 32 MiB. Their form is in font.c.
Usage: font.py SMALL.h WHOLE.font TERMINUS.psf.gz UNIFONT.hex"""

import gzip
import struct
import sys
import unicodedata

HEIGHT, PAGES, PAGE = 16, 256, 256
LEFT_OUT = [(0x3400, 0x4dbf), (0x4e00, 0x9fff), (0xa000, 0xa4cf), (0xd800, 0xf8ff), (0xf900, 0xfaff)]  # ideographs, Yi, what is no character


def read_psf(path):
    data = gzip.open(path).read()
    glyphs = {}
    if data[:4] == b"\x72\xb5\x4a\x86":
        _, _, offset, flags, count, size, height, width = struct.unpack("<8I", data[:32])
        assert (width, height) == (8, HEIGHT) and flags & 1
        table = data[offset + count * size:].split(b"\xff")
        names = [entry.split(b"\xfe")[0].decode("utf-8") for entry in table[:count]]
    else:
        assert data[:2] == b"\x36\x04" and data[2] & 2
        count, size, offset = (512 if data[2] & 1 else 256), data[3], 4
        assert size == HEIGHT
        names = psf1_names(data[offset + count * size:], count)
    for number in range(count):
        bitmap = data[offset + number * size:offset + (number + 1) * size]
        # A glyph's first name is what it is; of the others, letters look alike, and signs were put there for want of a glyph.
        for place, character in enumerate(names[number]):
            if place == 0 or unicodedata.category(character).startswith("L"):
                glyphs.setdefault(ord(character), bitmap)
    return glyphs


def psf1_names(rest, count):
    """PSF1: 16-bit characters; 0xfffe begins sequences, 0xffff ends a glyph's list."""
    entries, current, in_sequence = [], "", False
    for (word,) in struct.iter_unpack("<H", rest):
        if word == 0xffff:
            entries.append(current)
            current, in_sequence = "", False
        elif word == 0xfffe:
            in_sequence = True
        elif not in_sequence:
            current += chr(word)
    return entries[:count]


def read_hex(path):
    glyphs = {}
    for line in open(path, encoding="ascii"):
        code, bitmap = line.strip().split(":")
        value, glyph = int(code, 16), bytes.fromhex(bitmap)
        if value < 0x20 or value >= PAGES * PAGE or any(first <= value <= last for first, last in LEFT_OUT):
            continue
        wide = unicodedata.east_asian_width(chr(value)) in "WF"
        glyphs[value] = squeeze(glyph) if len(glyph) == 2 * HEIGHT and not wide else glyph
    return glyphs


def squeeze(bitmap):
    """A wide glyph of a character that takes one column: pairs of pixels become one."""
    rows = []
    for (row,) in struct.iter_unpack(">H", bitmap):
        rows.append(sum(1 << (7 - bit) for bit in range(8) if row >> (14 - 2 * bit) & 3))
    return bytes(rows)


def font(glyphs):
    """The bytes of a font: header, pages, glyphs. What is the same within a page is stored once."""
    page_of, pages, data = bytearray(PAGES), [bytes(4 + 2 * PAGE)], bytearray()
    for page in range(PAGES):
        first, places, seen = len(data) // HEIGHT, [0] * PAGE, {}
        for at in range(PAGE):
            glyph = glyphs.get(page * PAGE + at)
            if glyph is None:
                continue
            if glyph not in seen:
                seen[glyph] = len(data) // HEIGHT - first
                data += glyph
            places[at] = 2 * seen[glyph] + 2 + (len(glyph) == 2 * HEIGHT)
        if seen:
            page_of[page] = len(pages)
            pages.append(struct.pack(f"<I{PAGE}H", first, *places))
    assert len(pages) <= PAGES
    return b"FONT" + struct.pack("<II", len(pages), len(data) // HEIGHT) + page_of + b"".join(pages) + data


def main():
    small, whole, terminus, unifont = sys.argv[1:]
    with open(whole, "wb") as file:
        file.write(font(read_hex(unifont)))
    data = font(read_psf(terminus))
    with open(small, "w", encoding="ascii") as file:
        file.write("// Made by servers/console/font.py from a packaged font; do not edit.\n#pragma once\n\n#include <stdint.h>\n\n")
        file.write("static const _Alignas(4) uint8_t font_small[] = {\n")
        for at in range(0, len(data), 32):
            file.write(",".join(map(str, data[at:at + 32])) + ",\n")
        file.write("};\n")


main()
