#!/usr/bin/python3
"""The longest time with interrupts off, in instructions: runs the kernel's test suite in QEMU with the plugin longest.c, which measures
every stay in the kernel, and lists the longest with the functions that they went through.

usage: longest.py [COUNT]    (after ninja -C build; needs clang)"""
import bisect
import collections
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
sys.path.insert(0, str(ROOT / "image"))
from runner import machine, options as command_line

PAGE = 4096
USUAL = {"system_call_entry", "slow_entry", "system_call", "kernel_lock", "kernel_unlock", "schedule_admit", "invoke_object", "memset", "memcpy",
         "memmove", "invocation_rights", "clock_now", "object_release"}


def symbols():
    """Addresses and names of the kernel's functions, sorted."""
    lines = subprocess.run(["llvm-nm", BUILD / "kernel/kernel"], capture_output=True, text=True, check=True).stdout.splitlines()
    found = sorted((int(words[0], 16), words[2]) for words in map(str.split, lines) if len(words) == 3 and words[1] in "tT"
                   and not words[2].startswith(".."))
    return [each[0] for each in found], [each[1] for each in found]


def measure():
    """(stays in the kernel, [(instructions, [pc])]), the longest first."""
    options = command_line.parse(["--no-disk", "--memory", "64M", "--icount", "--seed", "1", "--option", "init=sbin/kernel-tests",
                                  "--", "-no-reboot"])
    with tempfile.TemporaryDirectory() as folder:
        plugin, output = pathlib.Path(folder, "longest.so"), pathlib.Path(folder, "output")
        subprocess.run(["clang", "-O2", "-shared", "-fPIC", f"-I{ROOT}", "-o", plugin, pathlib.Path(__file__).with_name("longest.c")], check=True)
        line = machine.command(options, medium=BUILD / "tests/kernel/kernel-tests.iso", disks=[], accelerator="tcg", com1="null",
                               com2=None)
        subprocess.run([*line, "-plugin", f"{plugin},output={output}"], stdin=subprocess.DEVNULL, check=False, timeout=600)
        first, *lines = output.read_text().splitlines()
    return int(first), [(int(line.split()[0]), [int(pc, 16) for pc in line.split()[1:]]) for line in lines]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    addresses, names = symbols()
    stays, longest = measure()
    entry = addresses[names.index("system_call_entry")]
    begins = collections.Counter(pcs[0] for _, pcs in longest if (pcs[0] - entry) % PAGE == 0)
    base = begins.most_common(1)[0][0] - entry
    seen = collections.Counter()
    print(f"{stays} stays in the kernel; the longest, in instructions:")
    for length, pcs in longest:
        functions = []
        for pc in pcs:
            place = bisect.bisect(addresses, pc - base) - 1
            name = names[place] if 0 <= place < len(names) else hex(pc)
            if name not in functions:
                functions.append(name)
        if "kernel_main" in functions:
            continue # the boot
        calls = [name for name in functions if name not in USUAL]
        key = tuple(calls[:4])
        seen[key] += 1
        if seen[key] == 1 and len(seen) <= count:
            print(f"{length:9} {' '.join(calls[:16])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
