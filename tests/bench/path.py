#!/usr/bin/python3 -B
"""One round trip of four words between two processes, instruction by instruction: how many it executes, and which pages and cache
lines it touches.

usage: path.py          the table (after ninja -C build; needs clang)
       path.py --step   the count once more, single-stepped by gdb

The trip is the hundredth of call_reply_cross_process_4w in the bare benchmark, between its two readings of the counter; what an empty
measurement takes is taken off, as ipcbench does it."""
import collections
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import bare

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNEL = ROOT / "build/kernel/kernel"
PROGRAM = ROOT / "build/programs/ipcbench/ipcbench-bare"
PAGE, LINE = 4096, 64
KERNEL_LOWEST, DIRECT_END, TABLES, TABLES_END = 1 << 63, 384 << 39 | 0xffff << 48, 400 << 39 | 0xffff << 48, 401 << 39 | 0xffff << 48
OBJECTS = {"T": "thread", "S": "session", "E": "endpoint", "O": "session"}


def record():
    """(instructions of an empty measurement, [(kind, place, length)]) of the trip."""
    options = bare.command_line.parse(["--no-disk", "--option", "init=sbin/ipcbench-bare", *bare.EXACT])
    with tempfile.TemporaryDirectory() as folder:
        plugin, output = pathlib.Path(folder, "path.so"), pathlib.Path(folder, "output")
        subprocess.run(["clang", "-O2", "-shared", "-fPIC", f"-I{ROOT}", "-o", plugin, pathlib.Path(__file__).with_name("path.c")], check=True)
        line = bare.machine.command(options, medium=bare.MEDIUM, disks=[], accelerator="tcg", com1="null", com2=None)
        subprocess.run([*line, "-plugin", f"{plugin},output={output}"], stdin=subprocess.DEVNULL, check=False, timeout=bare.SECONDS)
        first, *lines = [line.split() for line in output.read_text().splitlines()]
    return int(first[1]), [(kind, int(place, 16), int(length)) for kind, place, length in lines]


def operands():
    """{address in the kernel's image: displacement of the operand in memory}, of its fast path."""
    text = subprocess.run(["llvm-objdump", "-d", "--no-show-raw-insn", "-j", ".text", KERNEL], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^ *([0-9a-f]+):.*?(-?(?:0x)?[0-9a-f]+)?\(%r", text, re.MULTILINE)
    return {int(address, 16): int(displacement or "0", 0) for address, displacement in found}


def layout():
    """{object: offsets of the fields that assembly knows}."""
    fields = collections.defaultdict(set)
    for name, value in re.findall(r"%define (\w+) (-?\d+)", (ROOT / "build/kernel/layout.inc").read_text()):
        if name[:2] in ("T_", "S_", "E_", "O_"):
            fields[OBJECTS[name[0]]].add(int(value))
    request = int(re.search(r"%define T_REQUEST (\d+)", (ROOT / "build/kernel/layout.inc").read_text())[1])
    fields["thread"] |= {request + int(value) for value in
                         re.findall(r"%define R_\w+ (\d+)", (ROOT / "build/kernel/layout.inc").read_text())}
    return fields


def kernel_names(places, base):
    """{(page, line): name} of the kernel's data that the accesses [(pc, address)] reach."""
    known, fields, names = operands(), layout(), {}
    seen = collections.defaultdict(set)
    for pc, address in places:
        seen[address - known.get(pc - base, 0)].add(known.get(pc - base, 0))
    threads = []
    for start, offsets in seen.items():
        if TABLES <= start < TABLES_END:
            name = "capability slot"
        elif start >= DIRECT_END:
            name = "processor"
        else:
            name = next((kind for kind in ("endpoint", "session", "thread") if offsets <= fields[kind]), "object")
        if name == "thread":
            threads += [start] * (start not in threads)
            name = ("caller's thread", "server's thread")[min(threads.index(start), 1)]
        for offset in offsets:
            names[(start + offset) // LINE] = name
    return names


def table(empty, events):
    symbols = dict(reversed(line.split()[::2]) for line in subprocess.run(["llvm-nm", KERNEL], capture_output=True, text=True, check=True).stdout.splitlines()
                   if len(line.split()) == 3)
    trip = [each for each in events if each[0] == "I"]
    entry = next(place for kind, place, _ in trip if place >= KERNEL_LOWEST)
    base = entry - int(symbols["system_call_entry"], 16)
    lines, pc, kernel_places = collections.defaultdict(set), 0, []
    for kind, place, length in events:
        if kind == "I":
            pc = place
            lines["kernel's code" if pc >= KERNEL_LOWEST else "programs' code"] |= {pc // LINE, (pc + length - 1) // LINE}
        elif place >= KERNEL_LOWEST:
            kernel_places.append((pc, place))
        else:
            lines["programs' data and stacks"].add(place // LINE)
    names = kernel_names(kernel_places, base)
    for _, place in kernel_places:
        lines[names[place // LINE]].add(place // LINE)
    print(f"{len(trip) - empty} instructions, of them {sum(place >= KERNEL_LOWEST for _, place, _ in trip)} in the kernel")
    print(f"{'':28}{'pages':>6}{'lines':>6}")
    for name, touched in lines.items():
        print(f"{name:28}{len({line * LINE // PAGE for line in touched}):>6}{len(touched):>6}")
    every = set().union(*lines.values())
    print(f"{'all':28}{len({line * LINE // PAGE for line in every}):>6}{len(every):>6}")


STEPS = """
import gdb

def at_counter():
    return gdb.selected_inferior().read_memory(gdb.parse_and_eval("$pc"), 2).tobytes() == b"\\x0f\\x31"

def to_counter():
    gdb.execute("stepi", to_string=True)
    steps = 1
    while not at_counter():
        gdb.execute("stepi", to_string=True)
        steps += 1
    return steps

def run_to(place, passes=0):
    point = gdb.Breakpoint(place, type=gdb.BP_HARDWARE_BREAKPOINT)
    point.ignore_count = passes
    gdb.execute("continue", to_string=True)
    point.delete()

run_to("return_to_user")
entry = int(gdb.parse_and_eval("((struct thread *)boot_processor.cpu.current)->registers.rip"))
gdb.execute(f"add-symbol-file {PROGRAM} -o {entry - ENTRY}", to_string=True)
run_to("measure_calibrate")
to_counter()
empty = min(to_counter() for _ in range(4))
run_to("system_call_entry", 200)
to_counter()
print("stepped:", min(to_counter() for _ in range(4) if to_counter()) - empty)
gdb.execute("kill")
"""


def step():
    """The count by gdb, at a machine that it drives instruction by instruction."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = bare.command_line.parse(["--no-disk", "--option", "init=sbin/ipcbench-bare", *bare.EXACT])
    header = subprocess.run(["llvm-readelf", "-h", PROGRAM], capture_output=True, text=True, check=True).stdout
    entry = int(re.search(r"Entry point address:\s+(0x[0-9a-fA-F]+)", header)[1], 16)
    line = bare.machine.command(options, medium=bare.MEDIUM, disks=[], accelerator="tcg", com1="null", com2=None)
    with tempfile.TemporaryDirectory() as folder, \
            subprocess.Popen([*line, "-S", "-gdb", f"tcp:127.0.0.1:{port}"], stdin=subprocess.DEVNULL) as guest:
        script = pathlib.Path(folder, "step.py")
        script.write_text(f"PROGRAM, ENTRY = {str(PROGRAM)!r}, {entry}\n{STEPS}")
        try:
            done = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"target remote :{port}", "-x", ROOT / "image/kernel.gdb", "-x", script,
                                   KERNEL], cwd=ROOT, capture_output=True, text=True, check=False, timeout=bare.SECONDS)
        finally:
            guest.kill()
    found = re.search(r"^stepped: (\d+)$", done.stdout, re.MULTILINE)
    if not found:
        raise bare.BenchError(done.stdout + done.stderr)
    return int(found[1])


def main():
    if sys.argv[1:] == ["--step"]:
        print(f"{step()} instructions, stepped by gdb")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        table(*record())


if __name__ == "__main__":
    main()
