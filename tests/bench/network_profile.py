#!/usr/bin/python3 -B
"""Where the guest's instructions go while the network is used: for each role and for each function, divided by the operations that were done.

usage: network_profile.py [--rate FRAMES] [--lines N] TEST SECONDS     (needs clang, root and /dev/net/tun)

TEST: requests_1, requests_32, tcp_to_guest, tcp_from_guest (for each MiB), connections, udp_to_guest, udp_from_guest, tcp_round_trips, ping as in
tests/bench/network; or a kind of flood of tests/network/floods.py, so many frames a second, where an operation is a frame that `net` saw.

A plugin of QEMU's counts each block of code that runs (profile.c); what the same boot without the load ran is taken off, to within a few
parts in a thousand of a boot."""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/network"), str(ROOT / "tests/bench")]
import against_linux  # noqa: E402 pylint: disable=wrong-import-position
import floods  # noqa: E402 pylint: disable=wrong-import-position
import profile as blocks  # noqa: E402 pylint: disable=wrong-import-position
import test_linux as linux  # noqa: E402 pylint: disable=wrong-import-position

LOAD, NETPERF = ROOT / "build/tests/bench/linux-load", ROOT / "build/tests/bench/linux-netperf"
PINGS_PER_SECOND = 1000
RATE = r", (\d+) a second"  # as netperf prints it
COUNTED = ("frames_in", "frames_out", "frames_refused", "tcp_resets_out", "tcp_cookies_sent", "tcp_opened")
LOADS = {
    "requests_1": ([LOAD, "http", linux.V4, 80, "/hello.txt", 1], None),
    "requests_32": ([LOAD, "http", linux.V4, 80, "/hello.txt", 32], None),
    "tcp_to_guest": ([NETPERF, "-w", linux.V4, "-t"], r"(\d+) bytes"),
    "tcp_from_guest": ([NETPERF, "-r", linux.V4, "-t"], r"(\d+) bytes"),
    "connections": ([NETPERF, "-c", linux.V4, "-t"], RATE),
    "udp_to_guest": ([NETPERF, "-u", linux.V4, "-t"], RATE),
    "udp_from_guest": ([NETPERF, "-U", linux.V4, "-t"], RATE),
    "tcp_round_trips": ([NETPERF, "-l", linux.V4, "-t"], RATE),
    "ping": ([LOAD, "ping", linux.V4], None),
}


def load(test, seconds):
    """Does it; how many operations there were."""
    words, pattern = LOADS[test]
    amount = seconds * PINGS_PER_SECOND if test == "ping" else seconds
    done = subprocess.run([str(word) for word in [*words, amount]], capture_output=True, text=True, check=True).stdout
    print(done.strip())
    if pattern is None:
        return amount if test == "ping" else int(done.split(",")[1])
    found = int(re.search(pattern, done)[1])
    return found * seconds if pattern is RATE else found / (1 << 20)


def flood(guest, kind, seconds, rate):
    before, running = guest.count(*COUNTED), floods.Flood(kind, rate)
    time.sleep(seconds)
    running.end()
    counted = {name: value - before[name] for name, value in guest.count(*COUNTED).items()}
    print(f"{running.sent.value} frames sent; " + ", ".join(f"{name} {value}" for name, value in counted.items()))
    return counted["frames_in"] + counted["frames_refused"]


def run(test, seconds, rate, extra, output):
    """({(role, function): instructions}, operations) of one boot; no `test`: of nothing."""
    with against_linux.Guest(copies=1, extra=["-plugin", f"{extra},output={output}"]) as guest:
        guest.count("frames_in")
        operations = 0
        if test in floods.KINDS:
            operations = flood(guest, test, seconds, rate)
        elif test:
            operations = load(test, seconds)
        guest.count("frames_in")
        guest.machine.monitor("quit")
        guest.machine.process.wait()
    return blocks.by_function(output, blocks.functions(), blocks.kernel_functions()), operations


def measure(test, seconds, rate):
    """({(role, function): instructions}, operations)"""
    with tempfile.TemporaryDirectory(prefix="keelson-") as name:
        folder = pathlib.Path(name)
        plugin = blocks.build_plugin(folder)
        idle, _ = run(None, seconds, rate, plugin, folder / "idle")
        busy, operations = run(test, seconds, rate, plugin, folder / "busy")
    busy.subtract(idle)
    return busy, operations


def show(counts, operations, lines):
    roles = collections.Counter()
    for (role, _), count in counts.items():
        roles[role] += count
    print(f"{operations:.0f} operations, {sum(roles.values()) / operations:.0f} instructions each")
    for role, count in roles.most_common(8):
        print(f"{role:52} {count / operations:9.1f}")
    print()
    for (role, function), count in counts.most_common(lines):
        print(f"{role + ' ' + function:52} {count / operations:9.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=20000, help="of a flood, frames a second (20000)")
    parser.add_argument("--lines", type=int, default=40, help="functions that are shown (40)")
    parser.add_argument("test", choices=[*LOADS, *floods.KINDS])
    parser.add_argument("seconds", type=int)
    options = parser.parse_args()
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    if not linux.enter_namespace():
        sys.exit("network_profile.py: needs root and /dev/net/tun")
    linux.set_up()
    subprocess.run(["ninja", "-C", ROOT / "build", "all", LOAD.relative_to(ROOT / "build"), NETPERF.relative_to(ROOT / "build")], check=True,
                   stdout=subprocess.DEVNULL)
    show(*measure(options.test, options.seconds, options.rate), options.lines)


if __name__ == "__main__":
    main()
