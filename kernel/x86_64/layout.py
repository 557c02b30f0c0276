"""Turns the compiled layout.c into layout.inc: one %define per constant. Usage: layout.py CLANG OUTPUT DEPFILE INPUT ARGUMENT..."""

import re
import subprocess
import sys

clang, output, depfile, source, *arguments = sys.argv[1:]
assembly = subprocess.run([clang, "-S", "-o", "-", "-MD", "-MF", depfile, "-MT", output, source, *arguments], check=True, capture_output=True, text=True).stdout
constants = re.findall(r'layout (\w+) (-?\d+)"', assembly)
with open(output, "w", encoding="ascii") as file:
    file.write("; Made from kernel/x86_64/layout.c; do not edit.\n")
    file.writelines(f"%define {name} {value}\n" for name, value in constants)
