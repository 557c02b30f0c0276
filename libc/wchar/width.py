#!/usr/bin/python3
"""The ranges of characters that take two columns or none, from the Unicode tables of a package (unicode-data).
Usage: width.py OUTPUT UnicodeData.txt EastAsianWidth.txt"""

import sys

# Jamo that join the syllable before them (Unicode chapter 3.12), and the soft hyphen, which terminals show.
JOINING = [(0x1160, 0x11ff), (0xd7b0, 0xd7fb)]
SHOWN = {0x00ad}
INVISIBLE = ("Mn", "Me", "Cf")


def ranges(codes):
    """Sorted, maximal ranges."""
    found = []
    for code in sorted(codes):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def read_none(path):
    codes = {code for first, last in JOINING for code in range(first, last + 1)}
    for line in open(path, encoding="ascii"):
        code, _, category = line.split(";")[:3]
        if category in INVISIBLE:
            codes.add(int(code, 16))
    return codes - SHOWN


def read_wide(path, none):
    """Unassigned ideographs are wide as well: the file says so in ranges of its own."""
    codes = set()
    for line in open(path, encoding="utf-8"):
        fields = line.split("#")[0].split(";")
        if len(fields) == 2 and fields[1].strip() in ("W", "F"):
            first, _, last = fields[0].strip().partition("..")
            codes.update(range(int(first, 16), int(last or first, 16) + 1))
    return codes - none


def main():
    output, data, widths = sys.argv[1:]
    none = read_none(data)
    wide = read_wide(widths, none)
    with open(output, "w", encoding="ascii") as file:
        file.write("// Made by libc/wchar/width.py from the Unicode tables; do not edit.\n#pragma once\n\n"
                   "struct range {\n    unsigned first, last;\n};\n\n")
        for name, codes in (("no_column", none), ("two_columns", wide)):
            file.write(f"static const struct range {name}[] = {{\n")
            for first, last in ranges(codes):
                file.write(f"    {{{first:#x}, {last:#x}}},\n")
            file.write("};\n")


main()
