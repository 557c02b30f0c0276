#!/usr/bin/python3
"""font.c from two packaged fonts: Terminus (PSF), where it has the character, Unifont (hex) for all else up to the scripts that
would make it too large for a machine of 32 MiB (ideographs and Hangul syllables). Usage: font.py OUTPUT TERMINUS.psf.gz UNIFONT.hex"""

import gzip
import struct
import sys
import unicodedata

HEIGHT, PAGES, PAGE = 16, 512, 256
LEFT_OUT = [(0x2e80, 0x2fff), (0x3100, 0x33ff), (0x3400, 0x4dbf), (0x4e00, 0x9fff), (0xa000, 0xd7ff), (0xd800, 0xf8ff),
            (0xf900, 0xfaff)]


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
        value = int(code, 16)
        if value < 0x20 or any(first <= value <= last for first, last in LEFT_OUT):
            continue
        glyphs[value] = bytes.fromhex(bitmap)
    return glyphs


def squeeze(bitmap):
    """A wide glyph of a character that takes one column: pairs of pixels become one."""
    rows = []
    for (row,) in struct.iter_unpack(">H", bitmap):
        rows.append(sum(1 << (7 - bit) for bit in range(8) if row >> (14 - 2 * bit) & 3))
    return bytes(rows)


def main():
    output, terminus, unifont = sys.argv[1:]
    glyphs = read_hex(unifont)
    for code, bitmap in glyphs.items():
        wide = unicodedata.east_asian_width(chr(code)) in "WF"
        if len(bitmap) == 2 * HEIGHT and not wide:
            glyphs[code] = squeeze(bitmap)
    glyphs.update(read_psf(terminus))
    pages, rows, data, seen = [0] * PAGES, [[0] * PAGE], bytearray(), {}
    for code in sorted(glyphs):
        if code >= PAGES * PAGE:
            continue
        page = code // PAGE
        if pages[page] == 0:
            pages[page] = len(rows)
            rows.append([0] * PAGE)
        bitmap = glyphs[code]
        if bitmap not in seen:
            seen[bitmap] = len(data)
            data += bitmap
        rows[pages[page]][code % PAGE] = (seen[bitmap] + 2) | (len(bitmap) == 2 * HEIGHT)
    assert len(rows) < 256
    with open(output, "w", encoding="ascii") as file:
        file.write("// Made by servers/console/font.py from packaged fonts; do not edit.\n")
        file.write('#include "servers/console/font.h"\n\n')
        file.write("const uint8_t font_pages[FONT_PAGES] = {" + ",".join(map(str, pages)) + "};\n")
        file.write("const uint32_t font_index[][FONT_PAGE_GLYPHS] = {\n")
        for row in rows:
            file.write("{" + ",".join(map(str, row)) + "},\n")
        file.write("};\nconst uint8_t font_glyphs[] = {\n")
        for at in range(0, len(data), 32):
            file.write(",".join(map(str, data[at:at + 32])) + ",\n")
        file.write("};\n")


main()
