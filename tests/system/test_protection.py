"""Protection as it stands in a running machine, seen through QEMU's monitor: control registers, page tables, places."""
import re
import subprocess
import time

import pytest

from conftest import ROOT
from page_tables import NO_EXECUTE, PAGE, USER, WRITE, Memory
from test_boot import SECONDS, monitor

RUNNING = "rescue shell"  # all servers that need no disk are there
UPPER_HALF = 1 << 63
BOOTS = 5


class Stopped:
    """A machine of 32 MiB that was stopped when its servers ran: its registers and its memory."""

    def __init__(self, boot, folder, *arguments):
        control, copy = folder / "monitor", folder / "memory"
        machine = boot("--no-disk", "--memory", "32M", "--accel", "tcg", *arguments, "--", "-monitor",
                       f"unix:{control},server=on,wait=off")
        machine.expect(RUNNING, SECONDS)
        monitor(control, "stop")
        text = monitor(control, "info registers -a")
        self.registers = [{name: int(value, 16) for name, value in re.findall(r"\b(CR[034]|EFER|RIP) ?=([0-9a-f]+)", processor)}
                          for processor in text.split("CPU#")[1:]]
        monitor(control, f'pmemsave 0 {32 << 20} "{copy}"')
        self.memory = Memory(copy.read_bytes())
        machine.leave()
        control.unlink(missing_ok=True)
        copy.unlink()
        root = self.registers[0]["CR3"] & -PAGE
        self.roots = self.memory.roots(root)
        self.kernel = list(self.memory.walk(root, range(256, 512)))
        self.programs = [list(self.memory.walk(root, range(256))) for root in self.roots]

    def leaves(self):
        yield from self.kernel
        for program in self.programs:
            yield from program


@pytest.fixture(scope="module", name="stopped")
def one_machine(tmp_path_factory):
    from conftest import Machine
    machines = []

    def start(*arguments):
        machines.append(Machine(*arguments))
        return machines[-1]

    try:
        yield Stopped(start, tmp_path_factory.mktemp("stopped"), "--cpus", "2")
    finally:
        for machine in machines:
            machine.process.terminate()
            machine.process.wait(20)


def pages(leaves):
    return {leaf.physical + at for leaf in leaves for at in range(0, leaf.size, PAGE)}


def test_every_processor_refuses(stopped):
    """CR0.WP, CR4's UMIP, SMEP and SMAP, no FSGSBASE, and no-execute pages, on both processors."""
    assert len(stopped.registers) == 2
    for registers in stopped.registers:
        assert registers["CR0"] >> 16 & 1
        assert [registers["CR4"] >> bit & 1 for bit in (11, 20, 21, 16)] == [1, 1, 1, 0]
        assert registers["EFER"] >> 11 & 1


def test_walk_sees_the_machine(stopped):
    """What the checks below rest on: the walk finds the kernel, its direct map, and several programs."""
    assert len(stopped.roots) > 8
    assert any(leaf.executable for leaf in stopped.kernel)
    assert sum(leaf.size for leaf in stopped.kernel if leaf.address < 0xffffc00000000000) > 24 << 20
    assert sum(any(leaf.executable for leaf in program) for program in stopped.programs) > 8


def test_nothing_is_writable_and_executable(stopped):
    assert [hex(leaf.address) for leaf in stopped.leaves() if leaf.entry & WRITE and not leaf.entry & NO_EXECUTE] == []
    assert [hex(leaf.address) for leaf in stopped.leaves() if leaf.writable and leaf.executable] == []


def test_kernel_half_is_the_kernels(stopped):
    upper = [entry for entry in stopped.memory.entries if entry[0] >= UPPER_HALF]
    assert upper and [(hex(address), level) for address, level, entry in upper if entry & USER] == []
    assert all(leaf.user for program in stopped.programs for leaf in program)


def test_kernel_text_is_written_by_no_way(stopped):
    text = pages(leaf for leaf in stopped.kernel if leaf.executable)
    assert text and text & pages(leaf for leaf in stopped.leaves() if leaf.writable) == set()


def test_programs_see_no_page_of_the_kernels(stopped):
    """Neither page tables nor the kernel's image are mapped in the lower half."""
    image = pages(leaf for leaf in stopped.kernel if leaf.address >= 0xffffff8000000000)
    seen = pages(leaf for program in stopped.programs for leaf in program)
    assert seen and seen & (image | stopped.memory.tables) == set()


def test_no_place_comes_twice(boot, tmp_path):
    """The kernel, the direct map and every program's code, in boots without a seed."""
    places = []
    for _ in range(BOOTS):
        machine = Stopped(boot, tmp_path)
        image = next(leaf.address for leaf in machine.kernel if leaf.executable)
        direct = min(leaf.address - leaf.physical for leaf in machine.kernel if leaf.address < 0xffffc00000000000)
        programs = {next(leaf.address for leaf in program if leaf.executable) for program in machine.programs
                    if any(leaf.executable for leaf in program)}
        places.append({image, direct, *programs})
    assert min(map(len, places)) > 8
    assert sum(map(len, places)) == len(set().union(*places)), places


def test_isolated_programs_run_on_tables_without_memory(boot, tmp_path):
    """isolation=on: while a program runs, its page tables show of the kernel's half the image and the processors only."""
    control, copy = tmp_path / "monitor", tmp_path / "memory"
    machine = boot("--no-disk", "--memory", "32M", "--accel", "tcg", "--cpus", "2", "--option", "isolation=on", "--", "-monitor",
                   f"unix:{control},server=on,wait=off")
    machine.expect(RUNNING, SECONDS)
    machine.process.stdin.write(b"while true; do true; done\r")
    machine.process.stdin.flush()
    deadline, roots = time.monotonic() + SECONDS, []
    while not roots:
        assert time.monotonic() < deadline, "no program was seen to run"
        monitor(control, "cont")
        monitor(control, "stop")
        roots = [int(re.search(r"CR3=([0-9a-f]+)", processor)[1], 16) for processor in
                 monitor(control, "info registers -a").split("CPU#")[1:] if "CPL=3" in processor]
    monitor(control, f'pmemsave 0 {32 << 20} "{copy}"')
    memory = Memory(copy.read_bytes())
    for root in roots:
        shown = [slot for slot in range(512) if memory.table(root)[slot] & 1]
        assert [slot for slot in shown if slot >= 256] == [410, 511], "the processors and the image"
        whole = [slot for slot in range(512) if memory.table(root - PAGE)[slot] & 1]
        assert [slot for slot in whole if slot < 256] == [slot for slot in shown if slot < 256]
        assert any(256 <= slot < 384 for slot in whole), "the kernel sees memory"


def test_isolated_programs_work():
    done = subprocess.run([ROOT / "image/run", "--fresh-disk", "--accel", "tcg", "--cpus", "2", "--option", "isolation=on", "-c",
                           "for i in 1 2 3; do cat /bin/sh | sha256sum; done | uniq | wc -l; ipcbench --csv signal_empty_slot | wc -l"],
                          capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2"]), done.stderr
