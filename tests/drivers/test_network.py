"""Network drivers in the guest: an initrd with devices, a driver and nic_check (tests/guest/drivers/nic_check.c), which does what frames
tell it to. The frames are sent and received here, over a pair of sockets in the place of the cable."""
import json
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

import pytest

import medium

sys.path.insert(0, str(medium.ROOT / "tests/exchanges"))
from packet import checksum  # noqa: E402 pylint: disable=wrong-import-position

BUILD = medium.BUILD
CARDS = {"e1000": ("e1000", "e1000,romfile="), "e1000e": ("e1000", "e1000e,romfile="),
         "virtio": ("virtio_net", "virtio-net-pci,romfile=")}
GUEST, HOST = bytes.fromhex("525400123456"), bytes.fromhex("02aabbccddee")
TYPE = 0x88B5  # for experiments
MANIFEST = """
role {role}
    program sbin/{role}
    priority 48
    memory 4 MiB
    state 128 KiB
    kernel log
    session devices devices
role check
    program sbin/nic_check {role}
    priority 30
    memory 16 MiB
    kernel log inspect
    session nic {role}
    session service init as service
"""


def program(role):
    return BUILD / f"drivers/net/{role}/{role}"


class Machine:
    """A guest whose cable is a pair of sockets: `send` and `receive` frames, `log_until` a line, `monitor` a command."""

    def __init__(self, folder, card, *options):
        role, device = CARDS[card]
        iso = medium.make(folder, f"match={role}:class=0200", MANIFEST.format(role=role),
                          {f"sbin/{role}": program(role), "sbin/nic_check": BUILD / "drivers/nic_check"})
        self.cable = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.cable.bind(str(folder / "host"))
        self.cable.setblocking(False)
        self.control = folder / "control"
        line = ["qemu-system-x86_64", "-nodefaults", "-m", "64", "-display", "none", "-serial", "stdio", "-no-reboot", "-cdrom",
                iso, "-netdev", f"dgram,id=cable,local.type=unix,local.path={folder}/guest,remote.type=unix,"
                f"remote.path={folder}/host", "-device", f"{device},netdev=cable,mac=52:54:00:12:34:56,id=card", "-qmp",
                f"unix:{self.control},server=on,wait=off", *options]
        self.process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.peer = str(folder / "guest")
        self.text = ""

    def log_until(self, wanted, seconds=60, since=0):
        """The first match in what is behind `since` of the log."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(wanted, self.text[since:])):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert data, f"no {wanted!r} in the log:\n{self.text}"
            self.text += data.decode(errors="replace").replace("\r", "")
        return found

    def send(self, payload, kind=TYPE, source=HOST, target=GUEST):
        frame = target + source + struct.pack(">H", kind) + payload
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.cable.sendto(frame.ljust(60, b"\0"), self.peer)
            except BlockingIOError:
                assert time.monotonic() < deadline, "the cable is stuck"
                select.select([], [self.cable], [], 0.01)

    def receive(self, seconds=10):
        """The next frame as (target, source, type, payload); None in time."""
        if not select.select([self.cable], [], [], seconds)[0]:
            return None
        frame = self.cable.recv(65536)
        return frame[:6], frame[6:12], struct.unpack(">H", frame[12:14])[0], frame[14:]

    def monitor(self, *commands):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.control))
            lines = control.makefile("rw")
            lines.readline()
            for name, arguments in (("qmp_capabilities", {}), *commands):
                lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
                lines.flush()
                while "event" in (answer := json.loads(lines.readline())):
                    pass
                assert "return" in answer, answer

    def end(self):
        self.send(b"q")
        self.log_until("check: end")
        return {name.strip(): int(value) for name, value in re.findall(r"([a-z ]+) (\d+)", "\n".join(
            line.split("check: ")[1] for line in self.text.splitlines() if "check: " in line))}


@pytest.fixture(params=CARDS)
def machine(request, tmp_path):
    started = Machine(tmp_path, request.param)
    try:
        started.card = request.param
        started.log_until("check: ready")
        assert "address 525400123456" in started.text
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def exchange(machine, count, depth, command=lambda number: b"e", size=lambda number: 46 + number * 37 % 1455, patience=10):
    """Sends numbered frames, at most `depth` unanswered, and compares what comes back; the numbers that never did."""
    waiting, number = {}, 0
    while number < count or waiting:
        while number < count and len(waiting) < depth:
            head = command(number) + b"-" + struct.pack(">I", number)
            payload = head + bytes((number + i) & 255 for i in range(size(number) - len(head)))
            waiting[number] = payload
            machine.send(payload)
            number += 1
        answer = machine.receive(patience)
        if answer is None:
            if number >= count:
                break
            waiting.clear()  # lost: go on with the next
            continue
        target, source, kind, payload = answer
        assert (target, source, kind) == (HOST, GUEST, TYPE)
        got = struct.unpack(">I", payload[2:6])[0]
        assert waiting.pop(got) == payload
    return sorted(waiting)


def packet(protocol, transport, length):
    """An IPv4 packet with a good sum of its header, and in the transport header's place for a sum the pseudo header's."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(transport), 7, 0, 64, protocol, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    pseudo = 0xFFFF ^ checksum(head[12:20] + struct.pack(">HH", protocol, length))
    place = 6 if protocol == 17 else 16
    return head + transport[:place] + struct.pack(">H", pseudo) + transport[place + 2:]


def transport_is_good(ip):
    transport = ip[20:struct.unpack(">H", ip[2:4])[0]]
    return checksum(ip[12:20] + struct.pack(">HH", ip[9], len(transport)) + transport) == 0


def test_frames_both_ways_and_the_rest(machine):
    """One boot: single frames, bursts, wrong descriptors, sums, segments, the link, another client."""
    assert exchange(machine, 50, 1) == []
    assert exchange(machine, 3000, 60) == []
    assert exchange(machine, 1, 1, command=lambda number: b"h") == []
    checked = machine.log_until(r"wrong descriptors: (\d+) refused (\d+)")
    assert checked[1] == checked[2]
    found = re.findall(r"check: (too long|not for devices|not to be read|without its pages|one more): error (\d+) of (\d+)", machine.text)
    assert len(found) == 5 and all(error == expected for _, error, expected in found), found
    assert "loans 16 of 16" in machine.text and "not given back" not in machine.text
    assert exchange(machine, 300, 20, command=lambda number: b"l") == []
    features = int(re.search(r"features ([0-9a-f]+)", machine.text)[1], 16)
    if features & 1:
        for size in (0, 1, 700, 1400):
            udp = struct.pack(">HHHH", 1000, 2000, 8 + size, 0) + os.urandom(size)
            machine.send(b"c-" + packet(17, udp, len(udp)))
            kind, payload = machine.receive()[2:]
            assert kind == 0x0800 and transport_is_good(payload), payload.hex()
    if features & 4:
        tcp = struct.pack(">HHIIBBHHH", 80, 4000, 1000, 1, 0x50, 0x18, 100, 0, 0)
        head = packet(6, tcp, 0)
        machine.send(b"s-" + head[:2] + b"\0\0" + head[4:10] + b"\0\0" + head[12:])
        data, sequence = b"", 1000
        while len(data) < 6000:
            kind, ip = machine.receive()[2:]
            ip = ip[:struct.unpack(">H", ip[2:4])[0]]
            assert kind == 0x0800 and checksum(ip[:20]) == 0 and transport_is_good(ip)
            assert struct.unpack(">I", ip[24:28])[0] == sequence
            data, sequence = data + ip[40:], sequence + len(ip) - 40
        assert data == bytes(i * 7 & 255 for i in range(6000))
    for up in (False, True):  # QEMU's e1000 is up after 500 ms; a frame that comes before is lost if the driver gives room then
        begun = len(machine.text)
        machine.monitor(("set_link", {"name": "card", "up": up}))
        machine.log_until(f"link is {int(up)} after changes", since=begun)
    assert exchange(machine, 100, 8) == []
    counts = machine.end()
    assert counts["damaged"] == 0
    assert "client after the first: error 0" in machine.text
    assert "a client has broken a ring of completions" in machine.text
    assert "the driver after that: error 0" in machine.text


def test_killed_again_and_again(machine):
    """The driver dies at every 20th frame, with others under way: its next actor takes the card over, and nothing is lost."""
    assert exchange(machine, 2000, 20, command=lambda number: b"k" if number % 20 == 19 else b"e") == []
    counts = machine.end()
    assert counts["kills"] == 100


def test_killed_while_memory_is_lent(machine):
    """Frames out of memory that is given back before they are sent: the driver dies at every 20th, and no byte is another's."""
    assert exchange(machine, 1000, 8, command=lambda number: b"m" if number % 20 == 19 else b"l") == []
    counts = machine.end()
    assert counts["kills"] == 50 and counts["send errors"] == 0
    assert "no place" not in machine.text
