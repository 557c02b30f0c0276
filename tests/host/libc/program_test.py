#!/usr/bin/env python3
"""Runs program.c's program and compares what it prints, its exit status, and how it ends on a failed assertion."""
import signal
import subprocess
import sys

program = sys.argv[1]
expected = '''relocations work 2 word yes
1.414 1.5 1099511627776 2.7182818285
signal 10
longjmp 2
siglongjmp 12 blocked 0
-1 no such file or directory
from the shell
system 3
through a pipe
pclose 0
entries 6
read one
read two
atexit
destructor
'''
run = subprocess.run([program, 'word'], input='one\ntwo\n', capture_output=True, text=True, timeout=10)
assert run.stdout == expected, run.stdout
assert run.returncode == 42, run.returncode
run = subprocess.run([program, 'abort'], capture_output=True, text=True, timeout=10)
assert run.returncode == -signal.SIGABRT, run.returncode
assert 'assertion failed: argc == 1' in run.stderr, run.stderr
