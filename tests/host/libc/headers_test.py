#!/usr/bin/env python3
"""Compiles each header of libc alone, as C17, with every warning an error and none of the host's headers in sight; and includes all
of them at once, twice, so that they do not get into each other's way.

usage: headers_test.py COMPILER SOURCE_ROOT
"""
import pathlib
import subprocess
import sys

compiler, root = sys.argv[1], pathlib.Path(sys.argv[2])
folder = root / 'libc/include'
names = sorted(str(path.relative_to(folder)) for path in folder.rglob('*.h'))
internal = sorted(str(path.relative_to(root)) for path in (root / 'libc/internal').glob('*.h'))
options = ['-std=c17', '-xc', '-', '-fsyntax-only', '-ffreestanding', '-nostdlibinc', f'-I{folder}', f'-I{root}', '-Werror', '-Wall',
           '-Wextra', '-Wstrict-prototypes', '-Wundef']


def compiles(text):
    run = subprocess.run([compiler, *options], input=text, text=True, capture_output=True)
    assert run.returncode == 0, text + run.stderr


for name in names:
    compiles(f'#include <{name}>\nint only_declarations;\n')
for name in internal:
    compiles(f'#include "{name}"\nint only_declarations;\n')
everything = ''.join(f'#include <{name}>\n' for name in names)
compiles(everything + everything)
compiles(''.join(f'#include <{name}>\n' for name in reversed(names)))
