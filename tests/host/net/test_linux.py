"""Linux's TCP/IP as the judge of ours: `tap` runs the stack on a tap device inside a network namespace of its own, and this
program talks to it through sockets of Linux, over lines that are ever rougher. What the stack sends is captured and judged by tshark
(bad_frames.py); in the end both sides must agree about every connection. `test_linux.py TAP [long]`: thousands of connections on each line.
Needs root and /dev/net/tun; without them it says so and passes over (77)."""

import ctypes
import hashlib
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import bad_frames
import packet  # bad_frames knows where it is

V4, V6 = "10.9.0.2", "fd09::2"
CLONE_NEWNET = 0x40000000
SKIPPED = 77
MAC = "02:4b:65:65:6c:02"
AGREE_SECONDS = 100  # a half-closed connection that nobody holds lasts for 60
OVER = {"TIME-WAIT", "CLOSED"}
LINES = ["loss=10", "loss=100", "loss=300,delay=8000", "loss=1000", "delay=20000", "delay=4000,duplicate=1000", "corrupt=200,loss=50",
         "rate=2000000", "rate=500000,delay=10000,loss=100"]  # of the long run


def enter_namespace():
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.unshare(CLONE_NEWNET) == 0


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def set_up():
    for name in ("all", "default"):
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
            file.write("0")
    run("ip", "link", "set", "lo", "up")
    run("ip", "tuntap", "add", "dev", "tap0", "mode", "tap")
    run("ip", "addr", "add", "10.9.0.1/24", "dev", "tap0")
    run("ip", "-6", "addr", "add", "fd09::1/64", "dev", "tap0", "nodad")
    run("ip", "link", "set", "tap0", "up")


def setting(name, value):
    with open("/proc/sys/net/ipv4/" + name, "w", encoding="ascii") as file:
        file.write(str(value))


class Stack:
    def __init__(self, program, line="", capture=""):
        self.process = subprocess.Popen([program, "tap0", line, *([capture] if capture else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        time.sleep(1.5)  # duplicate address detection of its IPv6 addresses

    def __enter__(self):
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate(timeout=60)
        self.counters = dict(line.split() for line in out.decode().splitlines())
        assert self.process.returncode == 0, self.process.returncode

    def states(self):
        """{(our port, Linux's port): state}."""
        self.process.stdin.write(b"states\n")
        self.process.stdin.flush()
        found = {}
        while (line := self.process.stdout.readline()) != b"end\n":
            state, *ports = line.decode().split()
            found[tuple(map(int, ports))] = state
        return found


def linux_states():
    """The same, as Linux has it; what is over is not listed."""
    done = subprocess.run(["ss", "-Htan", "state", "connected"], capture_output=True, text=True, check=True)
    found = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] not in ("TIME-WAIT", "UNCONN", "LISTEN"):
            found[int(words[4].rsplit(":", 1)[1]), int(words[3].rsplit(":", 1)[1])] = words[0]
    return found


def both_agree(stack):
    """All sockets are closed: within a time neither side has a connection that is not over."""
    ends = time.monotonic() + AGREE_SECONDS
    while time.monotonic() < ends:
        ours = {ports: state for ports, state in stack.states().items() if state not in OVER}
        theirs = {ports: state for ports, state in linux_states().items() if ports[0] != getattr(stack, "asked_at", None)}
        if not ours and not theirs:
            return
        time.sleep(0.5)
    raise AssertionError(f"after {AGREE_SECONDS} s: here {ours}, Linux {theirs}")


def connect(address, port, **options):
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    one.settimeout(60)
    for (level, name), value in options.get("options", {}).items():
        one.setsockopt(level, name, value)
    one.connect((address, port))
    return one


def receive_all(one, into):
    while True:
        block = one.recv(65536)
        if not block:
            return
        into.append(block)


def echo(one, data):
    """Sends while it receives; the half-close ends it."""
    parts = []
    reader = threading.Thread(target=receive_all, args=(one, parts))
    reader.start()
    one.sendall(data)
    one.shutdown(socket.SHUT_WR)
    reader.join(60)
    assert not reader.is_alive(), "the echo does not end"
    one.close()
    back = b"".join(parts)
    assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest(), f"{len(back)} of {len(data)} bytes, or wrong ones"


def test_echo(address, size):
    echo(connect(address, 7), os.urandom(size))


def test_source(address):
    one, parts = connect(address, 19), []
    receive_all(one, parts)
    one.close()
    data = b"".join(parts)
    assert len(data) == 8 << 20
    assert data == bytes((i * 7 >> 3) & 255 for i in range(2048)) * (len(data) // 2048)


def test_connects_back(address):
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::" if ":" in address else "0.0.0.0", 7007))
    listener.listen()
    listener.settimeout(20)
    caller = connect(address, 20)
    made, _ = listener.accept()
    made.settimeout(60)
    echo(made, os.urandom(500000))
    caller.close()
    listener.close()


def test_small_pieces(address):
    one = connect(address, 7, options={(socket.IPPROTO_TCP, socket.TCP_NODELAY): 1})
    sent, got = b"", b""
    for i in range(300):
        piece = bytes([i & 255]) * (1 + i % 7)
        one.sendall(piece)
        sent += piece
    one.shutdown(socket.SHUT_WR)
    while block := one.recv(4096):
        got += block
    assert got == sent


def test_slow_reader(address):
    """The window closes and opens again."""
    one = connect(address, 19, options={(socket.SOL_SOCKET, socket.SO_RCVBUF): 4096})
    time.sleep(2)
    total = 0
    while block := one.recv(65536):
        total += len(block)
    assert total == 8 << 20


def test_many(address, count):
    for i in range(count):
        one = connect(address, 7)
        data = b"%d" % i
        one.sendall(data)
        assert one.recv(100) == data
        one.close()


def test_reset(address):
    one = connect(address, 19, options={(socket.SOL_SOCKET, socket.SO_LINGER): struct.pack("ii", 1, 0)})
    one.recv(1000)
    one.close()
    test_echo(address, 1000)


def test_refused(address):
    for port in (8, 4000):
        try:
            connect(address, port)
            raise AssertionError("somebody listens")
        except ConnectionRefusedError:
            pass


def test_datagrams(address, sizes):
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(5)
    for size in sizes:
        data = os.urandom(size)
        one.sendto(data, (address, 7))
        assert one.recvfrom(65536)[0] == data, size
    one.connect((address, 4001))
    one.send(b"nobody")
    try:
        one.recv(10)
        raise AssertionError("somebody answers")
    except ConnectionRefusedError:
        pass


def test_ping(address):
    v6 = ":" in address
    one = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                        socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    one.settimeout(5)
    for number, size in enumerate((0, 1, 56, 1452, 4000, 20000, 60001)):
        data = os.urandom(size)
        head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 77, number)
        if not v6:
            head = head[:2] + struct.pack("!H", packet.checksum(head + data)) + head[4:]
        one.sendto(head + data, (address, 0))
        while True:
            answer = one.recv(65536)[0 if v6 else 20:]
            if answer[0] == (129 if v6 else 0) and answer[4:8] == head[4:8]:
                break
        assert answer[8:] == data, size
    one.close()


def end_somehow(address, number, seed):
    """One short connection: closed by either side, half-closed, or reset; every byte that must come is right."""
    choice = random.Random(f"{seed} {number}")
    kind, data = choice.randrange(5), choice.randbytes(choice.randrange(1, 6000))
    if kind == 4:  # the other side closes, and resets what it is sent then
        one = connect(address, 19)
        one.recv(choice.randrange(1, 5000), socket.MSG_WAITALL)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
        return
    one = connect(address, 7)
    if kind == 3:  # reset, with data under way
        one.sendall(data)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
        return
    one.sendall(data)
    if kind == 0:
        one.shutdown(socket.SHUT_WR)
    got = b""
    while len(got) < len(data) and (block := one.recv(65536)):
        got += block
    assert got == data, f"{len(got)} of {len(data)} bytes"
    if kind == 2:
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def test_short(address, count, seed=1, together=16):
    numbers, errors = iter(range(count)), []
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None or errors:
                return
            try:
                end_somehow(address, number, seed)
            except (AssertionError, OSError) as error:
                errors.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=work) for _ in range(together)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors[:3]


def test_crossing(address, wanted=3, tries=200):
    """Both open at once: Linux's SYN sets out while the other's is still on its way. It must come about this often."""
    done = 0
    for number in range(tries):
        if done == wanted:
            return
        caller = connect(address, 21)
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.settimeout(10)
        try:
            one.bind(("", 7021))
            one.connect((address, 7021))
            one.sendall(b"%d" % number)
            assert one.recv(100) == b"%d" % number
            done += 1
        except (ConnectionRefusedError, ConnectionResetError, TimeoutError):
            pass  # the one SYN came before the other side called
        one.close()
        caller.close()
    assert done == wanted, f"{done} times in {tries} tries"


def test_changing_mtu(address):
    """While bytes go both ways."""
    running = [True]

    def change():
        sizes = [1500, 1300, 1400, 1280]
        while running[0]:
            run("ip", "link", "set", "tap0", "mtu", str(sizes[0]))
            sizes.append(sizes.pop(0))
            time.sleep(0.05)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        test_echo(address, 1000000)
    finally:
        running[0] = False
        changer.join()
        run("ip", "link", "set", "tap0", "mtu", "1500")


def test_small_mtu():
    run("ip", "link", "set", "tap0", "mtu", "1300")
    test_echo(V4, 300000)
    run("ip", "link", "set", "tap0", "mtu", "1500")


def test_linux_options(name, value):
    with open("/proc/sys/net/ipv4/" + name, encoding="ascii") as file:
        before = file.read()
    setting(name, value)
    test_echo(V4, 2000000)
    test_source(V4)
    setting(name, before)


QUIET = [(test_ping, V4), (test_datagrams, V4, [0, 1, 100, 1472, 1473, 8000, 60000]), (test_echo, V4, 4000000),
         (test_source, V4), (test_connects_back, V4), (test_small_pieces, V4), (test_slow_reader, V4), (test_many, V4, 300),
         (test_reset, V4), (test_refused, V4), (test_small_mtu,), (test_changing_mtu, V4),
         (test_linux_options, "tcp_sack", 0), (test_linux_options, "tcp_timestamps", 0),
         (test_linux_options, "tcp_window_scaling", 0),
         (test_ping, V6), (test_datagrams, V6, [0, 1, 100, 1452, 1453, 8000, 60000]), (test_echo, V6, 4000000),
         (test_source, V6), (test_connects_back, V6), (test_many, V6, 100), (test_refused, V6)]
LOSSY = [(test_echo, V4, 1000000), (test_source, V4), (test_connects_back, V4), (test_many, V4, 30), (test_echo, V6, 500000)]
ROUGH = [(test_crossing, V4), (test_short, V4, 60), (test_short, V6, 60)]
LONG = [(test_short, V4, 1500), (test_short, V6, 500), (test_echo, V4, 1000000), (test_echo, V6, 300000), (test_changing_mtu, V4)]


def run_tests(stack, tests, name):
    failures = 0
    for test, *arguments in tests:
        begun = time.monotonic()
        try:
            test(*arguments)
            verdict = "ok"
        except (AssertionError, OSError, subprocess.CalledProcessError) as error:
            verdict, failures = f"FAILED: {error!r}", failures + 1
        print(f"{test.__name__} {arguments} {name}: {verdict} ({time.monotonic() - begun:.1f} s)", flush=True)
    try:
        both_agree(stack)
    except AssertionError as error:
        print(f"{name}: FAILED: {error}")
        failures += 1
    return failures


def judge(stack, capture, line):
    """What the stack counted as bad, and what tshark finds in what it sent."""
    failures, damaged = 0, "corrupt" in line
    bad = {name: value for name, value in stack.counters.items() if name in ("tcp_bad", "udp_bad", "ip_bad", "icmp_bad")}
    if bad and not damaged:
        print(f"{line}: {bad}")
        failures += 1
    if capture:
        found = bad_frames.find(capture, MAC)
        size = os.path.getsize(capture)
        print(f"{line}: {size >> 10} KiB captured, " + ("no tshark" if found is None else f"{len(found)} bad frames"), *(found or [])[:5], sep="\n  ", flush=True)
        if found:
            print("kept as", shutil.copy(capture, pathlib.Path(tempfile.gettempdir(), "bad_frames.pcap")))
        failures += bool(found)
    return failures


def main(program, words):
    if not enter_namespace():
        print("needs root, network namespaces and /dev/net/tun")
        return SKIPPED
    set_up()
    phases = [("", QUIET), ("loss=100", LOSSY), ("seed=2,loss=300,delay=8000", LOSSY[:1] + ROUGH)]
    if words == ["long"]:
        phases = [(f"seed={number},{line}", LONG + ([(test_crossing, V4), (test_crossing, V6)] if "delay" in line else []))
                  for number, line in enumerate(LINES, 1)]
    elif words:
        phases = [(words[0], LONG + ROUGH)]
    right, found = bad_frames.check()
    failures = 0 if right else 1
    if not right:
        print("the filter of bad frames finds", found)
    with tempfile.TemporaryDirectory() as folder:
        for line, tests in phases:
            capture = str(pathlib.Path(folder, "capture")) if line else ""
            with Stack(program, line, capture) as stack:
                failures += run_tests(stack, tests, line)
            failures += judge(stack, capture, line)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
