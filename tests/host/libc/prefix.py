#!/usr/bin/env python3
"""Makes one object of a static library's members, in which every symbol that the library defines is renamed to keelson_NAME, so
that a test program can link it beside the host's libc and call both.

usage: prefix.py LINKER NM OBJCOPY LIBRARY OUTPUT
"""
import subprocess
import sys

linker, nm, objcopy, library, output = sys.argv[1:]
joined = output + '.joined.o'
subprocess.run([linker, '-r', '--whole-archive', library, '-o', joined], check=True)
symbols = subprocess.run([nm, '--defined-only', '--extern-only', '-P', joined], check=True, capture_output=True, text=True)
names = [line.split()[0] for line in symbols.stdout.splitlines() if line.strip()]
# What the sanitizers made keeps its name: the runtime looks for it.
names = [name for name in names if not name.startswith(('__asan', '__ubsan', '__odr_asan', '__sancov'))]
with open(output + '.names', 'w') as file:
    for name in names:
        file.write(f'{name} keelson_{name}\n')
subprocess.run([objcopy, '--redefine-syms=' + output + '.names', joined, output], check=True)
