"""Floods from this host beside other traffic (against_linux.py): what each kind of traffic keeps of its rate, and where the processor's time goes.

A flood is frames out of a process of its own, at a rate or as many as go. In turns with and without it, so that a busy host disturbs both alike, go: a
stream each way, short connections, requests to httpd over one connection, ping. `nowhere` sends as much to a tap device that no guest reads: what the
host's own lack of processors costs. Beside the ratios stand frames that the host's queue to the guest had no room for, what QEMU's two threads used (the
guest's processor, and the one that reads the tap), and what all others on this host did meanwhile."""
import ctypes
import fcntl
import functools
import multiprocessing
import os
import random
import socket
import struct
import time

import packet
import test_linux as linux

MAC = "52:54:00:12:34:56"
V4 = linux.V4
ETHERNET = {"layer": "eth", "dst": MAC, "src": "02:00:00:00:77:77"}
PEER = V4[:-1] + "1"
TURNS, SECONDS = 3, 1
ASKED_RATE, PEER_RATE = 40000, 10000  # of peer_syn each is answered and the answer reset: three frames on the line
RATES = (ASKED_RATE, 0)  # 0: as many as this host can send
ASKED, OTHERS_MOST = 0.5, 0.1  # part of its rate that traffic keeps; of the host that others may use while this is judged
LINE, EMPTY_LINE = "tap0", "tap9"
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
FRAMES, BURST = 5000, 100
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20
ECHO, SWALLOW, SOURCE, HTTP, CLOSED = 7, 9, 19, 80, 4444


def tcp_frame(source, number, ethernet=None, **fields):
    return packet.build([ethernet or ETHERNET, {"layer": "ip", "src": source, "dst": V4},
                         {"layer": "tcp", "sport": 1024 + number % 60000, "seq": number * 7919} | fields])


def syn(number):
    return tcp_frame(f"11.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", number, flags="S", dport=ECHO)


def near_syn(number):
    return tcp_frame(f"10.9.0.{3 + number % 250}", number, flags="S", dport=ECHO)


@functools.cache
def peer_ethernet():
    """As the peer itself sends: what answers is for its own card."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as line:
        line.bind((LINE, 0))
        return ETHERNET | {"src": line.getsockname()[4].hex(":")}


def peer_syn(number):
    """From the peer's own address, which completed handshakes, and resets what it did not ask for."""
    return tcp_frame(PEER, number, peer_ethernet(), flags="S", dport=ECHO)


def bad_tcp(number):
    """Data of no connection, from the peer."""
    return tcp_frame(PEER, number, flags=".", dport=CLOSED, ack=1)


def closed_udp(number):
    return packet.build([ETHERNET, {"layer": "ip", "src": PEER, "dst": V4}, {"layer": "udp", "sport": 1024 + number % 60000, "dport": CLOSED},
                         {"layer": "raw", "bytes": "00" * 32}])


def unknown_type(number):
    return packet.build([ETHERNET | {"type": 0x88B5}, {"layer": "raw", "bytes": random.Random(number).randbytes(60).hex()}])


def garbage(number):
    """IPv4 with a right header before random bytes, or IPv6 or ARP that is random from there on."""
    choice = random.Random(number)
    body = choice.randbytes(choice.randrange(20, 1400))
    if number % 3 == 0:
        return packet.build([ETHERNET, {"layer": "ip", "src": PEER, "dst": V4, "proto": choice.choice([1, 6, 17, 99])},
                             {"layer": "raw", "bytes": body.hex()}])
    return packet.build([ETHERNET | {"type": 0x86DD if number % 3 == 1 else 0x0806}, {"layer": "raw", "bytes": body.hex()}])


def for_others(number):
    """To another card: what it takes from the traffic is QEMU's and this host's own work where the card does the sorting (e1000)."""
    return bytes.fromhex("02bbbbbbbbbb") + garbage(number)[6:]


KINDS = {"syn": syn, "near_syn": near_syn, "peer_syn": peer_syn, "bad_tcp": bad_tcp, "closed_udp": closed_udp, "unknown_type": unknown_type,
         "garbage": garbage, "for_others": for_others, "nowhere": garbage}


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("bytes", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct mmsghdr."""
    _fields_ = [("name", ctypes.c_void_p), ("name_bytes", ctypes.c_uint), ("vectors", ctypes.POINTER(Vector)), ("count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_bytes", ctypes.c_size_t), ("flags", ctypes.c_int), ("sent", ctypes.c_uint)]


class Flood:
    """Frames out of a process of its own, so many a second (0: as many as go), many in a call: what the sender uses of this host is taken from
    everybody."""

    def __init__(self, kind, rate):
        self.frames, self.rate = [KINDS[kind](number) for number in range(FRAMES)], rate
        vectors = (Vector * FRAMES)(*(Vector(frame, len(frame)) for frame in self.frames))
        self.messages = (Message * FRAMES)(*(Message(vectors=ctypes.pointer(vector), count=1) for vector in vectors))
        self.line = EMPTY_LINE if kind == "nowhere" else LINE
        self.sent, self.running, self.begun = multiprocessing.Value("q", 0), multiprocessing.Event(), time.monotonic()
        self.process = multiprocessing.get_context("fork").Process(target=self.run, daemon=True)
        self.process.start()

    def run(self):
        line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        line.bind((self.line, 0))
        line.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        send, begun, sent = ctypes.CDLL(None).sendmmsg, time.monotonic(), 0
        while not self.running.is_set():
            due = int((time.monotonic() - begun) * self.rate) if self.rate else sent + BURST
            while sent < due:
                first = sent % FRAMES
                count = min(due - sent, FRAMES - first, BURST)
                done = send(line.fileno(), ctypes.byref(self.messages, first * ctypes.sizeof(Message)), count, 0)
                sent += max(done, 1)  # the queue of the tap is full: that one is lost
            self.sent.value = sent
            if self.rate:
                time.sleep(0.001)

    def end(self):
        """How many a second there were."""
        self.running.set()
        self.process.join()
        return self.sent.value / (time.monotonic() - self.begun)


def open_empty_line():
    """A tap device that is up, and that nobody reads. It lasts as long as what is returned."""
    line = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(line, TUNSETIFF, struct.pack("16sH", EMPTY_LINE.encode(), IFF_TAP | IFF_NO_PI))
    linux.run("ip", "link", "set", EMPTY_LINE, "up")
    return line


# --- the other traffic: how much of it until a time, each
def stream_out(ends):
    one, total = linux.connect(V4, SOURCE), 0
    while time.monotonic() < ends:
        block = one.recv(1 << 20)
        total += len(block)
        if not block:
            one.close()
            one = linux.connect(V4, SOURCE)
    one.close()
    return total / 1e6


def stream_in(ends):
    one, total, block = linux.connect(V4, SWALLOW), 0, bytes(1 << 18)
    while time.monotonic() < ends:
        total += one.send(block)
    one.close()
    return total / 1e6


def connections(ends):
    count = 0
    while time.monotonic() < ends:
        one = linux.connect(V4, ECHO)
        one.sendall(b"x")
        assert one.recv(1) == b"x"
        one.close()
        count += 1
    return count


def requests(ends):
    one, count = linux.connect(V4, HTTP), 0
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while time.monotonic() < ends:
        one.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(4096).endswith(b"hello\n")
        count += 1
    one.close()
    return count


def ping(ends):
    """One after the other; what is lost costs a tenth of a second."""
    one, count = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), 0
    one.settimeout(0.1)
    while time.monotonic() < ends:
        number = random.randrange(1 << 32)
        head = struct.pack("!BBHI", 8, 0, 0, number)
        total = sum(struct.unpack("!4H", head))
        total = (total & 0xFFFF) + (total >> 16)
        one.sendto(struct.pack("!BBHI", 8, 0, ~(total + (total >> 16)) & 0xFFFF, number), (V4, 0))
        until = time.monotonic() + 0.1
        try:
            while time.monotonic() < until:
                answer = one.recv(2048)
                if answer[20] == 0 and answer[24:28] == struct.pack("!I", number):
                    count += 1
                    break
        except TimeoutError:
            pass
    one.close()
    return count


TRAFFIC = {"MB/s out": stream_out, "MB/s in": stream_in, "connections": connections, "requests": requests, "pings": ping}


def traffic(seconds):
    """How much a second of each kind, one after the other."""
    rates = {}
    for name, work in TRAFFIC.items():
        begun = time.monotonic()
        try:
            done = work(begun + seconds)
        except OSError as error:
            print(f"{name}: {error!r}", flush=True)
            done = 0
        rates[name] = done / (time.monotonic() - begun)
    return rates


def threads(process):
    """Seconds of processor time: of the thread that reads the tap, and of all others, which is the guest's processor."""
    own = other = 0
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/stat", encoding="ascii") as file:
            words = file.read().rpartition(")")[2].split()
        used = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        own, other = (own + used, other) if int(task) == process else (own, other + used)
    return own, other


def host_seconds():
    """Of all processors, busy."""
    with open("/proc/stat", encoding="ascii") as file:
        words = [int(word) for word in file.readline().split()[1:]]
    return (sum(words) - words[3] - words[4]) / os.sysconf("SC_CLK_TCK")  # not idle, nor waiting for a disk


def dropped():
    """Frames that the host's queue to the guest had no room for."""
    with open("/proc/self/net/dev", encoding="ascii") as file:
        return sum(int(line.split(":")[1].split()[11]) for line in file if line.strip().startswith(LINE + ":"))


class Spent:
    """What was used since: of the host by QEMU's threads and by others, of the guest by its roles; frames."""

    def __init__(self, guest):
        self.guest = guest
        self.begun = self.now()

    def now(self):
        qemu, roles = threads(self.guest.machine.process.pid), self.guest.roles()
        return {"seconds": time.monotonic(), "guest": qemu[1], "tap": qemu[0], "lost": dropped(),
                "others": host_seconds() - sum(qemu) - sum(os.times()[:4]), "seen": sum(self.guest.count("frames_in", "frames_refused").values()),
                **{f"role {name}": role["cpu_us"] / 1e6 for name, role in roles.items()}}

    def end(self):
        return {name: value - self.begun[name] for name, value in self.now().items()}


def beside(guest, kind, rate, turns=TURNS, seconds=SECONDS):
    """({kind of traffic: what it keeps beside a flood}, part of the host that others used), over all turns."""
    calm, rough, spent, sent = dict.fromkeys(TRAFFIC, 0), dict.fromkeys(TRAFFIC, 0), {}, 0
    for _ in range(turns):
        for name, value in traffic(seconds).items():
            calm[name] += value
        turn, flood = Spent(guest), Flood(kind, rate)
        for name, value in traffic(seconds).items():
            rough[name] += value
        sent += flood.end() / turns
        for name, value in turn.end().items():
            spent[name] = spent.get(name, 0) + value
    ratios = {name: rough[name] / (calm[name] or 1) for name in TRAFFIC}
    part = {name: value / spent["seconds"] for name, value in spent.items()}
    roles = sorted((name for name in part if name.startswith("role ")), key=part.get, reverse=True)[:2]
    print(f"{kind}, {sent:.0f} frames/s ({rate or 'no limit'}), {part['lost']:.0f} lost on the way, {part['seen']:.0f} seen: "
          + ", ".join(f"{name} {ratio:.2f} ({rough[name] / turns:.0f} of {calm[name] / turns:.0f})" for name, ratio in ratios.items())
          + f"; processors: guest {part['guest']:.2f}, tap {part['tap']:.2f}, others {part['others']:.2f}; in the guest "
          + ", ".join(f"{name[5:]} {part[name]:.2f}" for name in roles), flush=True)
    return ratios, part["others"] / os.cpu_count()


def run(guest, kinds=tuple(KINDS), rates=RATES, turns=TURNS):
    """All kinds at all rates; how many of those asked for left too little, where the host did little else."""
    line, failures = open_empty_line(), 0
    for rate in rates:
        for kind in kinds:
            asked = PEER_RATE if kind == "peer_syn" else ASKED_RATE
            ratios, others = beside(guest, kind, asked if rate == ASKED_RATE else rate, turns)
            if kind == "nowhere" or rate != ASKED_RATE:
                continue
            if others >= OTHERS_MOST:
                print(f"{kind}: not judged, others used {others:.2f} of this host", flush=True)
            failures += others < OTHERS_MOST and min(ratios.values()) < ASKED
    os.close(line)
    return failures
