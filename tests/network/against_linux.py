#!/usr/bin/python3 -B
"""The guest against Linux's own TCP/IP on a tap device, in a network namespace: what tests/host/net/test_linux.py asks of the stack alone, on the
quiet line (QEMU's tap) and on rough ones (rough_wire), what the guest sends judged by tshark; then 10,000 connections and floods. Needs root.

`against_linux.py [quiet|rough|flood|floods ...]`; part of `tests/run --long network`."""
import collections
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/fault"), str(ROOT / "tests/host/net"), str(ROOT / "tests/exchanges")]
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position
import floods  # noqa: E402 pylint: disable=wrong-import-position
import services  # noqa: E402 pylint: disable=wrong-import-position
import test_linux as linux  # noqa: E402 pylint: disable=wrong-import-position

MAC = "52:54:00:12:34:56"
V4, V6 = linux.V4, linux.V6
COPIES, OFFSET = 11, 100
QUIET_SECONDS = 30  # without an answer: those that are left will have none
CONNECTIONS = 10000
NIC = os.environ.get("KEELSON_NIC", "virtio")
SCRIPT = """ip address add 10.9.0.2/24 eth0; ip address add fd09::2/64 eth0
echo hello > /tmp/hello.txt; httpd -p 80 /tmp > /tmp/log &
for i in {copies}; do services $i {idle} > /tmp/services$i & done
netperf -s &
services 0 {idle}"""
ROUGH = ["seed=1,loss=10", "seed=2,loss=100,delay=4000,duplicate=100", "seed=3,loss=300,delay=8000,corrupt=100", "seed=4,loss=1000",
         "seed=5,rate=2000000,delay=2000"]


class Guest(services.Told):
    """In the place of test_linux.Stack. `line`: None for QEMU's tap."""

    def __init__(self, line=None, capture="", copies=1, memory="256M", idle=5, end="tap:tap0", before=None, extra=()):
        self.folder = tempfile.TemporaryDirectory(prefix="keelson-")
        self.rough, self.counters = None, {}
        arguments, extra = ["--memory", memory], list(extra)
        if line is None:
            arguments += ["--nic", NIC, "--tap", "tap0"] + (["--capture", capture] if capture else [])
        else:
            path = f"{self.folder.name}/wire"
            self.rough = subprocess.Popen([ROOT / "build/tests/host/net/rough_wire", end, path, line], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self.rough.stdout.readline() == b"ready\n"
            if before:
                before()  # the other end's machine
            arguments += ["--nic", "none"]
            extra += machine.stream_card(path, MAC)
            if capture:
                extra += ["-object", f"filter-dump,id=capture,netdev=wire,file={capture}"]
        script = SCRIPT.format(copies=" ".join(str(i * OFFSET) for i in range(1, copies)), idle=idle)
        self.machine = machine.Guest(script, machine.base_disk("tests/network/services"), arguments=arguments, extra=[*extra, "-snapshot"])
        self.machine.run(silence=120, until=b"ready\n")
        self.listening, self.errors = True, []
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()
        time.sleep(2.5)  # duplicate address detection

    def listen(self):
        """What the machine says is taken, so that it never waits for us; a panic is noted."""
        try:
            while self.listening:
                self.machine.step(0.5)
        except machine.Silent as error:
            self.errors.append(str(error))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening = False
        self.listener.join()
        self.machine.end()
        if self.rough:
            self.rough.communicate()
        self.folder.cleanup()

    def roles(self):
        """{name: memory_bytes, cpu_us, restarts ...}"""
        with urllib.request.urlopen(f"http://{V4}/status.json", timeout=60) as answer:
            return {role["name"]: role for role in json.load(answer)["roles"]}


def run_lines(lines, tests):
    failures = 0
    for line in lines:
        with tempfile.TemporaryDirectory() as folder:
            capture = f"{folder}/capture" if line else ""
            crossing = [(linux.test_crossing, V4)] if "delay" in (line or "") else []
            with Guest(line, capture) as guest:
                failures += linux.run_tests(guest, tests + crossing, f"guest {line or 'quiet'}")
                failures += len(guest.errors)
                print(*guest.errors)
            linux.MAC = MAC
            failures += linux.judge(guest, capture, line or "quiet")
    return failures


# --- many connections
def open_many():
    """Opened, each used, and closed; the memory of net at the most."""
    begun, held = time.monotonic(), []
    for number in range(CONNECTIONS):
        held.append(linux.connect(V4, number % COPIES * OFFSET + 7))
    opened = time.monotonic() - begun
    print(f"{CONNECTIONS} connections open in {opened:.1f} s", flush=True)
    for one in held:
        one.sendall(b"hello")
    waiting = select.poll()
    for one in held:
        waiting.register(one, select.POLLIN)
    left, last, answers = {one.fileno(): one for one in held}, time.monotonic(), collections.Counter()
    while left and time.monotonic() < last + QUIET_SECONDS:
        for number, _ in waiting.poll(1000):
            last = time.monotonic()
            try:
                answers[left.pop(number).recv(5, socket.MSG_WAITALL)] += 1
            except OSError as error:
                answers[repr(error)] += 1
            waiting.unregister(number)
    answers["none"] = len(left)
    print(dict(answers), flush=True)
    return held, opened, time.monotonic() - begun, answers[b"hello"] == CONNECTIONS


def hold_many(guest):
    """Opened, used, closed; whether each was answered."""
    before = guest.roles()["net"]
    held, opened, used, right = open_many()
    print(guest.count("tcp_no_memory", "tcp_backlog_full", "tcp_resets_out", "tcp_cookies_sent", "tcp_accepted", "tcp_retransmitted"))
    during = guest.roles()["net"]
    print(f"{CONNECTIONS} connections open in {opened:.1f} s, data on each after {used:.1f} s; memory of net: {before['memory_bytes'] >> 10} KiB before, "
          f"{during['memory_bytes'] >> 10} KiB with them, {1000 * (during['cpu_us'] - before['cpu_us']) // CONNECTIONS / 1000} us each", flush=True)
    for one in held:
        one.close()
    return right


def run_flood(many=True):
    failures = 0
    # 10,000 keep-alive probes every five seconds would be a flood of its own.
    with Guest(copies=COPIES if many else 1, memory="512M", idle=600) as guest:
        if many:
            failures += not hold_many(guest)  # the floods begin right after they are closed
        failures += floods.run(guest)
        after = guest.roles()["net"]
        print(f"memory of net: {after['memory_bytes'] >> 10} KiB at the end; restarts: {after['restarts']}")
        failures += len(guest.errors) + after["restarts"]
        print(*guest.errors)
    return failures


def main(words):
    if not linux.enter_namespace():
        print("needs root, network namespaces and /dev/net/tun")
        return linux.SKIPPED
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    linux.set_up()
    words = words or ["quiet", "rough", "flood"]
    failures = 0
    if "quiet" in words:
        failures += run_lines([None], [test for test in linux.QUIET if test[0] is not linux.test_changing_mtu])
    if "rough" in words:
        failures += run_lines(ROUGH, [(linux.test_short, V4, 300), (linux.test_short, V6, 100), (linux.test_echo, V4, 1000000)])
    if "flood" in words:
        failures += run_flood()
    if "floods" in words:  # without the connections
        failures += run_flood(many=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
