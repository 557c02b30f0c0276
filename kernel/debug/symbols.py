"""Writes the kernel's symbol table as C, from the output of llvm-nm on the kernel linked without one.

usage: symbols.py OUTPUT.c             an empty table, for the first link
       symbols.py OUTPUT.c NM KERNEL   the real one
       symbols.py --check NM A B       fails unless both kernels have the same functions at the same places
"""
import subprocess
import sys


def functions(nm, kernel):
    """(offset, name) of every function, sorted; of several at one place the first by name."""
    lines = subprocess.run([nm, "--defined-only", kernel], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in lines.splitlines():
        address, kind, name = line.split(maxsplit=2)
        # NASM's local labels ("outer.inner") are not functions.
        if kind in "tT" and "." not in name and not name.startswith("image_"):
            place = int(address, 16)
            found[place] = min(name, found.get(place, name))
    return sorted(found.items())


def write(path, symbols):
    offsets, names, places = [], [], []
    at = 0
    for place, name in symbols:
        places.append(place)
        offsets.append(at)
        names.append(name)
        at += len(name) + 1
    with open(path, "w", encoding="ascii") as out:
        out.write('#include "kernel/debug/panic.h"\n')
        out.write(f"const uint32_t kernel_symbol_count = {len(symbols)};\n")
        out.write(f"const uint32_t kernel_symbol_offsets[] = {{{','.join(map(str, places or [0]))}}};\n")
        out.write(f"const uint32_t kernel_symbol_name_offsets[] = {{{','.join(map(str, offsets or [0]))}}};\n")
        out.write("const char kernel_symbol_names[] =\n" + "\n".join(f'    "{n}\\0"' for n in names or [""]) + ";\n")


def main(arguments):
    if arguments[0] == "--check":
        if functions(arguments[1], arguments[2]) != functions(arguments[1], arguments[3]):
            sys.exit("symbols.py: adding the symbol table moved a function")
    elif len(arguments) == 1:
        write(arguments[0], [])
    else:
        write(arguments[0], functions(arguments[1], arguments[2]))


main(sys.argv[1:])
