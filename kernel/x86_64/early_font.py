"""Writes printable ASCII of a PSF version 1 console font (gzipped, 8x16, with a Unicode table) as C.

usage: early_font.py FONT.psf.gz OUTPUT.c
"""
import gzip
import struct
import sys

FIRST, LAST, HEIGHT = 0x20, 0x7E, 16
MODE_512, MODE_TABLE = 1, 2
SEQUENCE, END = 0xFFFE, 0xFFFF


def glyphs(data):
    """Maps each code point to its rows."""
    magic, mode, height = struct.unpack_from("<HBB", data)
    if magic != 0x0436 or height != HEIGHT or not mode & MODE_TABLE:
        sys.exit("early_font.py: not a PSF 1 font, 8x16, with a Unicode table")
    count = 512 if mode & MODE_512 else 256
    units = struct.iter_unpack("<H", data[4 + count * height:])
    found = {}
    for index in range(count):
        rows = data[4 + index * height:4 + (index + 1) * height]
        in_sequence = False
        for (unit,) in units:
            if unit == END:
                break
            in_sequence |= unit == SEQUENCE
            if not in_sequence:
                found.setdefault(unit, rows)
    return found


def main(font, output):
    with gzip.open(font) as file:
        found = glyphs(file.read())
    with open(output, "w", encoding="ascii") as out:
        out.write('#include "kernel/x86_64/early_console.h"\n')
        out.write("const uint8_t early_font[EARLY_FONT_LAST - EARLY_FONT_FIRST + 1][EARLY_FONT_HEIGHT] = {\n")
        for code in range(FIRST, LAST + 1):
            out.write("    {" + ", ".join(f"0x{row:02x}" for row in found[code]) + "},\n")
        out.write("};\n")


main(*sys.argv[1:])
