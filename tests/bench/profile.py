#!/usr/bin/python3 -B
"""Where the instructions of filebench's operations go, function by function, with servers' memory kept and without: what keeping costs, and whom.

usage: profile.py OPERATIONS TEST [TEST...]     (needs clang) TEST as in keeping.py; OPERATIONS: how many one turn does, as filebench prints

The plugin profile.c counts every block of code that runs. Of each build a run of three turns less one of a single turn is what two turns take.
Programs are found by their functions: code of one program begins blocks where its functions begin."""
import bisect
import collections
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "image"), str(ROOT / "tests/bench")]
import keeping
from runner import machine

BUILD = keeping.BUILD
PAGE, APART, LINES = 4096, 1 << 24, 40
LOADER, KERNEL = 1 << 32, 1 << 47  # what boots lies below the one, the kernel above the other
FOLDERS = ("servers", "drivers", "programs", "tests/bench")


def functions_of(path):
    """[(offset, function)], sorted"""
    lines = subprocess.run(["llvm-nm", path], capture_output=True, text=True, check=False).stdout.splitlines()
    return sorted((int(words[0], 16), words[2]) for words in map(str.split, lines) if len(words) == 3 and words[1] in "tT")


def kernel_functions():
    return functions_of(BUILD / "kernel/kernel")


def functions():
    """{program: [(offset, function)], sorted}"""
    found = {}
    for folder in FOLDERS:
        for path in (BUILD / folder).rglob("*"):
            if not path.is_file() or path.suffix or not os.access(path, os.X_OK) or path.name in found:
                continue
            names = functions_of(path)
            if names:
                found[path.name] = names
    return found


def clusters(addresses):
    """Lists of user addresses that lie near each other: of one program each."""
    group = []
    for address in sorted(address for address in addresses if LOADER <= address < KERNEL):
        if group and address - group[-1] > APART:
            yield group
            group = []
        group.append(address)
    if group:
        yield group


def recognise(group, programs):
    """(program, base) that explains the most of the blocks, or None."""
    votes = collections.Counter()
    by_offset = collections.defaultdict(list)
    for address in group:
        by_offset[address % PAGE].append(address)
    for program, names in programs.items():
        for offset in {offset for offset, _ in names}:
            for address in by_offset.get(offset % PAGE, ()):
                votes[program, address - offset] += 1
    return max(votes, key=votes.get) if votes else None


def count_group(total, group, counts, programs):
    """Adds the blocks of one program to {(program, function): instructions}."""
    known = recognise(group, programs)
    for address in group:
        place = bisect.bisect(programs[known[0]], (address - known[1], "~")) - 1 if known else -1
        name = programs[known[0]][place][1] if place >= 0 else "?"
        total[known[0] if known else "?", name] += counts[address]


def by_function(path, programs, kernel=None):
    """{(program, function): instructions} of one run; `kernel`: its functions, if they are to be told apart."""
    blocks = collections.Counter()
    for line in path.read_text().splitlines():
        address, instructions, runs = line.split()
        blocks[int(address, 16)] += int(instructions) * int(runs)
    total = collections.Counter()
    above = [address for address in blocks if address >= KERNEL]
    if kernel:
        count_group(total, above, blocks, {"kernel": kernel})
    else:
        total["kernel", ""] = sum(blocks[address] for address in above)
    for group in clusters(blocks):
        count_group(total, group, blocks, programs)
    return total


def build_plugin(folder):
    plugin = folder / "profile.so"
    subprocess.run(["clang", "-O2", "-shared", "-fPIC", f"-I{ROOT}", "-o", plugin, pathlib.Path(__file__).with_name("profile.c")], check=True)
    return plugin


def boot(path, system, turns, tests, plugin, output):
    """For the child process."""
    usual = machine.command
    machine.command = lambda *words, **parts: usual(*words, **parts) + ["-plugin", f"{plugin},output={output}"]
    return keeping.boot(path, system, tests, turns)


def measure(medium, system, tests, programs, plugin, folder):
    """{(program, function): instructions of two turns}"""
    totals = []
    for turns in ("1", "3"):
        output = folder / "blocks"
        subprocess.run([sys.executable, "-B", __file__, "--boot", medium, system, turns, " ".join(tests), plugin, output], stdin=subprocess.DEVNULL,
                       capture_output=True, check=True)
        totals.append(by_function(output, programs))
    totals[1].subtract(totals[0])
    return totals[1]


def main(operations, tests):
    with tempfile.TemporaryDirectory(prefix="keelson-") as name:
        folder = pathlib.Path(name)
        system, image = keeping.disks(folder)
        plugin = build_plugin(folder)
        programs = functions()
        kept, plain = (measure(keeping.medium(folder, image, keeps), system, tests, programs, plugin, folder) for keeps in (True, False))
    print(f"{'instructions per operation':44} {'kept':>9} {'not kept':>9} {'cost':>8}")
    rows = sorted(set(kept) | set(plain), key=lambda each: -abs(kept[each] - plain[each]))
    for each in rows[:LINES]:
        here, there = kept[each] / 2 / operations, plain[each] / 2 / operations
        print(f"{' '.join(each):44} {here:9.1f} {there:9.1f} {here - there:8.1f}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--boot"]:
        sys.exit(boot(*sys.argv[2:]))
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
