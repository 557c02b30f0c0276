"""The guest against Linux's own TCP/IP on a tap device, in a network namespace: what tests/host/net/test_linux.py asks of the stack alone, on the
quiet line (QEMU's tap) and on rough ones (rough_wire), what the guest sends judged by tshark; then 10,000 connections and floods. Needs root.

`against_linux.py [quiet|rough|flood ...]`; part of `tests/run --long network`."""
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/fault"), str(ROOT / "tests/host/net"), str(ROOT / "tests/exchanges")]
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position
import packet  # noqa: E402 pylint: disable=wrong-import-position
import test_linux as linux  # noqa: E402 pylint: disable=wrong-import-position

MAC = "52:54:00:12:34:56"
V4, V6 = linux.V4, linux.V6
STATES_PORT, COPIES, OFFSET = 23, 11, 100
CONNECTIONS, FLOOD_RATE, FLOOD_SECONDS = 10000, 10000, 8
STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"]
SCRIPT = """ip address add 10.9.0.2/24 eth0; ip address add fd09::2/64 eth0
echo up > /tmp/up; httpd -p 80 /tmp > /tmp/log &
for i in {copies}; do services $i > /tmp/services$i & done
services"""
ROUGH = ["seed=1,loss=10", "seed=2,loss=100,delay=4000,duplicate=100", "seed=3,loss=300,delay=8000,corrupt=100", "seed=4,loss=1000",
         "seed=5,rate=2000000,delay=2000"]


class Guest:
    """In the place of test_linux.Stack. `line`: None for QEMU's tap."""

    def __init__(self, line=None, capture="", copies=1, memory="256M"):
        self.folder = tempfile.TemporaryDirectory(prefix="keelson-")
        self.rough, self.counters = None, {}
        arguments, extra = ["--memory", memory], []
        if line is None:
            arguments += ["--tap", "tap0"] + (["--capture", capture] if capture else [])
        else:
            path = f"{self.folder.name}/wire"
            self.rough = subprocess.Popen([ROOT / "build/tests/host/net/rough_wire", "tap0", path, line], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self.rough.stdout.readline() == b"ready\n"
            arguments += ["--nic", "none"]
            extra = ["-netdev", f"stream,id=wire,server=off,addr.type=unix,addr.path={path}", "-device",
                     f"virtio-net-pci,disable-legacy=on,romfile=,netdev=wire,mac={MAC}"]
            if capture:
                extra += ["-object", f"filter-dump,id=capture,netdev=wire,file={capture}"]
        script = SCRIPT.format(copies=" ".join(str(i * OFFSET) for i in range(1, copies)))
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

    def states(self):
        one, parts = linux.connect(V4, STATES_PORT), []
        linux.receive_all(one, parts)
        one.close()
        found = {}
        for line in b"".join(parts).decode().splitlines():
            state, local, remote = map(int, line.split())
            if local != STATES_PORT:
                found[local, remote] = STATES[state]
        return found

    def figures(self):
        """(bytes of memory of net, its restarts)."""
        with urllib.request.urlopen(f"http://{V4}/status.json", timeout=60) as answer:
            roles = {role["name"]: role for role in json.load(answer)["roles"]}
        return roles["net"]


def run_lines(lines, tests):
    failures = 0
    for line in lines:
        with tempfile.TemporaryDirectory() as folder:
            capture = f"{folder}/capture" if line else ""
            with Guest(line, capture) as guest:
                failures += linux.run_tests(guest, tests, f"guest {line or 'quiet'}")
                failures += len(guest.errors)
                print(*guest.errors)
            linux.MAC = MAC
            failures += linux.judge(guest, capture, line or "quiet")
    return failures


# --- many connections, and floods
def syn(number):
    layers = [{"layer": "eth", "dst": MAC, "src": "02:00:00:00:77:77"},
              {"layer": "ip", "src": f"11.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "dst": V4},
              {"layer": "tcp", "flags": "S", "sport": 1024 + number % 60000, "dport": 7, "seq": number * 7919}]
    return packet.build(layers)


def near_syn(number):
    layers = [{"layer": "eth", "dst": MAC, "src": "02:00:00:00:77:77"}, {"layer": "ip", "src": f"10.9.0.{3 + number % 250}", "dst": V4},
              {"layer": "tcp", "flags": "S", "sport": 1024 + number % 60000, "dport": 7, "seq": number * 7919}]
    return packet.build(layers)


def garbage(number):
    choice = random.Random(number)
    body = choice.randbytes(choice.randrange(20, 1400))
    layers = [{"layer": "eth", "dst": MAC, "src": "02:00:00:00:77:77"}]
    if number % 3 == 0:
        return packet.build([*layers, {"layer": "ip", "src": V4[:-1] + "1", "dst": V4, "proto": choice.choice([1, 6, 17, 99])}]) + body
    return packet.build(layers) + bytes.fromhex("86dd" if number % 3 == 1 else "0806")[:0] + body


class Flood(threading.Thread):
    """Frames out of a process of their own, so many a second (0: as many as go); `sent` when it has ended."""

    def __init__(self, make, rate):
        super().__init__()
        self.frames, self.rate, self.running, self.sent = [make(number) for number in range(5000)], rate, True, 0
        self.start()

    def run(self):
        line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        line.bind(("tap0", 0))
        begun = time.monotonic()
        while self.running:
            due = (time.monotonic() - begun) * self.rate if self.rate else self.sent + 100
            while self.sent < due and self.running:
                try:
                    line.send(self.frames[self.sent % len(self.frames)])
                except OSError:
                    pass  # the queue of the tap is full
                self.sent += 1
            time.sleep(0.001)

    def end(self):
        self.running = False
        self.join()
        return self.sent


def traffic(seconds):
    """(bytes a second out of the guest, short connections a second), one after the other."""
    one, total, begun = linux.connect(V4, 19), 0, time.monotonic()
    while time.monotonic() - begun < seconds / 2:
        block = one.recv(1 << 20)
        total += len(block)
        if not block:
            one.close()
            one = linux.connect(V4, 19)
    one.close()
    rate, count, begun = total / (time.monotonic() - begun), 0, time.monotonic()
    while time.monotonic() - begun < seconds / 2:
        one = linux.connect(V4, 7)
        one.sendall(b"x")
        assert one.recv(1) == b"x"
        one.close()
        count += 1
    return rate, count / (time.monotonic() - begun)


def open_many():
    """Opened, each used, and closed; the memory of net at the most."""
    begun, held = time.monotonic(), []
    for number in range(CONNECTIONS):
        held.append(linux.connect(V4, number % COPIES * OFFSET + 7))
    opened = time.monotonic() - begun
    for one in held:
        one.sendall(b"hello")
    for one in held:
        assert one.recv(5, socket.MSG_WAITALL) == b"hello"
    return held, opened, time.monotonic() - begun


def run_flood():
    failures = 0
    with Guest(copies=COPIES, memory="512M") as guest:
        before = guest.figures()
        held, opened, used = open_many()
        during = guest.figures()
        print(f"{CONNECTIONS} connections open in {opened:.1f} s, data on each after {used:.1f} s; net: {during}")
        for one in held:
            one.close()
        calm = None
        for name, make, rate in (("SYNs from afar, right after closing", syn, FLOOD_RATE), ("calm", None, 0), ("SYNs from afar", syn, FLOOD_RATE),
                                 ("SYNs from the link", near_syn, FLOOD_RATE), ("garbage", garbage, FLOOD_RATE), ("SYNs without limit", syn, 0)):
            flood = Flood(make, rate) if make else None
            begun = time.monotonic()
            try:
                found = traffic(FLOOD_SECONDS)
            except OSError as error:
                found = (0, 0)
                print(f"{name}: {error!r}")
            sent = flood.end() if flood else 0
            calm = found if not make else calm
            ratio = "" if calm is None else f", {found[0] / calm[0]:.2f} and {found[1] / calm[1]:.2f} of the calm"
            print(f"{name}: {sent / (time.monotonic() - begun):.0f} frames/s; {found[0] / 1e6:.1f} MB/s, {found[1]:.0f} connections/s{ratio}", flush=True)
            if calm and rate and make and min(found[0] / calm[0], found[1] / calm[1]) < 0.5:
                failures += 1
        after = guest.figures()
        print(f"net before: {before}\nnet after: {after}")
        failures += len(guest.errors)
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
        failures += run_lines(ROUGH, [(linux.test_short, V4, 300), (linux.test_short, V6, 100), (linux.test_echo, V4, 1000000), (linux.test_crossing, V4, 10)])
    if "flood" in words:
        failures += run_flood()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
