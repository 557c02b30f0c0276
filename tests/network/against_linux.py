"""The guest against Linux's own TCP/IP on a tap device, in a network namespace: what tests/host/net/test_linux.py asks of the stack alone, on the
quiet line (QEMU's tap) and on rough ones (rough_wire), what the guest sends judged by tshark; then 10,000 connections and floods. Needs root.

`against_linux.py [quiet|rough|flood|floods ...]`; part of `tests/run --long network`."""
import collections
import json
import multiprocessing
import os
import pathlib
import random
import select
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
import services  # noqa: E402 pylint: disable=wrong-import-position
import test_linux as linux  # noqa: E402 pylint: disable=wrong-import-position

MAC = "52:54:00:12:34:56"
V4, V6 = linux.V4, linux.V6
COPIES, OFFSET = 11, 100
QUIET_SECONDS = 30  # without an answer: those that are left will have none
CONNECTIONS = 10000
NIC = os.environ.get("KEELSON_NIC", "virtio")
KINDS = (("SYNs from afar", "syn"), ("SYNs from the link", "near_syn"), ("garbage", "garbage"), ("frames for others", "for_others"))
ASKED_RATE = 40000  # beyond it the ratios are told only: QEMU and this program need the processors as well
RATES = (1000, 4000, ASKED_RATE, 0)  # 0: as many as this host can send
TURNS, TURN_SECONDS = 3, 3
SCRIPT = """ip address add 10.9.0.2/24 eth0; ip address add fd09::2/64 eth0
echo up > /tmp/up; httpd -p 80 /tmp > /tmp/log &
for i in {copies}; do services $i {idle} > /tmp/services$i & done
services 0 {idle}"""
ROUGH = ["seed=1,loss=10", "seed=2,loss=100,delay=4000,duplicate=100", "seed=3,loss=300,delay=8000,corrupt=100", "seed=4,loss=1000",
         "seed=5,rate=2000000,delay=2000"]


class Guest(services.Told):
    """In the place of test_linux.Stack. `line`: None for QEMU's tap."""

    def __init__(self, line=None, capture="", copies=1, memory="256M", idle=5, end="tap:tap0", before=None):
        self.folder = tempfile.TemporaryDirectory(prefix="keelson-")
        self.rough, self.counters = None, {}
        arguments, extra = ["--memory", memory], []
        if line is None:
            arguments += ["--nic", NIC, "--tap", "tap0"] + (["--capture", capture] if capture else [])
        else:
            path = f"{self.folder.name}/wire"
            self.rough = subprocess.Popen([ROOT / "build/tests/host/net/rough_wire", end, path, line], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self.rough.stdout.readline() == b"ready\n"
            if before:
                before()  # the other end's machine
            arguments += ["--nic", "none"]
            extra = machine.stream_card(path, MAC)
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
            crossing = [(linux.test_crossing, V4)] if "delay" in (line or "") else []
            with Guest(line, capture) as guest:
                failures += linux.run_tests(guest, tests + crossing, f"guest {line or 'quiet'}")
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
    """IPv4 with a right header before random bytes, or IPv6 or ARP that is random from there on."""
    choice = random.Random(number)
    body = choice.randbytes(choice.randrange(20, 1400))
    ethernet = {"layer": "eth", "dst": MAC, "src": "02:00:00:00:77:77"}
    if number % 3 == 0:
        return packet.build([ethernet, {"layer": "ip", "src": V4[:-1] + "1", "dst": V4, "proto": choice.choice([1, 6, 17, 99])},
                             {"layer": "raw", "bytes": body.hex()}])
    return packet.build([ethernet | {"type": 0x86DD if number % 3 == 1 else 0x0806}, {"layer": "raw", "bytes": body.hex()}])


def for_others(number):
    """To another card: what it takes from the traffic is QEMU's and this host's own work where the card does the sorting (e1000)."""
    return bytes.fromhex("02bbbbbbbbbb") + garbage(number)[6:]


class Flood:
    """Frames out of a process of its own, so many a second (0: as many as go)."""

    def __init__(self, make, rate):
        self.frames, self.rate = [make(number) for number in range(5000)], rate
        self.sent, self.running, self.begun = multiprocessing.Value("q", 0), multiprocessing.Event(), time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self.run, daemon=True)
        self.process.start()

    def run(self):
        line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        line.bind(("tap0", 0))
        begun, sent = time.monotonic(), 0
        while not self.running.is_set():
            due = (time.monotonic() - begun) * self.rate if self.rate else sent + 100
            while sent < due:
                try:
                    line.send(self.frames[sent % len(self.frames)])
                except OSError:
                    pass  # the queue of the tap is full
                sent += 1
            self.sent.value = sent
            time.sleep(0.001)

    def end(self):
        """How many a second there were."""
        self.running.set()
        self.process.join()
        return self.sent.value / (time.monotonic() - self.begun)


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
    before = guest.figures()
    held, opened, used, right = open_many()
    print(guest.count("tcp_no_memory", "tcp_backlog_full", "tcp_resets_out", "tcp_cookies_sent", "tcp_accepted", "tcp_retransmitted"))
    during = guest.figures()
    print(f"{CONNECTIONS} connections open in {opened:.1f} s, data on each after {used:.1f} s; memory of net: {before['memory_bytes'] >> 10} KiB before, "
          f"{during['memory_bytes'] >> 10} KiB with them, {1000 * (during['cpu_us'] - before['cpu_us']) // CONNECTIONS / 1000} us each", flush=True)
    for one in held:
        one.close()
    return right


def flood_beside(guest, name, make, rate):
    """What traffic still does beside a flood, as a part of what it does without: in turns, so that a busy host disturbs both alike."""
    calm, rough, rates, frames, spent = [0, 0], [0, 0], [], 0, 0
    for _ in range(TURNS):
        calm = [sum(pair) for pair in zip(calm, traffic(TURN_SECONDS))]
        frames -= guest.count("frames_in")["frames_in"]
        spent -= guest.figures()["cpu_us"]
        flood = Flood(make, rate)
        try:
            rough = [sum(pair) for pair in zip(rough, traffic(TURN_SECONDS))]
        except OSError as error:
            print(f"{name}: {error!r}")
        rates.append(flood.end())
        frames += guest.count("frames_in")["frames_in"]
        spent += guest.figures()["cpu_us"]
    ratios = [flooded / (quiet or 1) for flooded, quiet in zip(rough, calm)]
    print(f"{name}, {sum(rates) / TURNS:.0f} frames/s ({rate or 'no limit'}): {rough[0] / TURNS / 1e6:.1f} of {calm[0] / TURNS / 1e6:.1f} MB/s ({ratios[0]:.2f}), "
          f"{rough[1] / TURNS:.0f} of {calm[1] / TURNS:.0f} connections/s ({ratios[1]:.2f}); {frames} frames in, {spent / max(frames, 1):.0f} us of net each", flush=True)
    return ratios


def run_flood(many=True):
    failures = 0
    # 10,000 keep-alive probes every five seconds would be a flood of its own.
    with Guest(copies=COPIES if many else 1, memory="512M", idle=600) as guest:
        if many:
            failures += not hold_many(guest)  # the floods begin right after they are closed
        for rate in RATES:
            for name, make in KINDS:
                ratios = flood_beside(guest, name, globals()[make], rate)
                failures += 0 < rate <= ASKED_RATE and min(ratios) < 0.5
        after = guest.figures()
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
