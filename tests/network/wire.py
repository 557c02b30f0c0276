"""The other end of a guest's cable, frame by frame over a pair of sockets: a small network with one host at 10.0.2.2 that answers ARP and echoes, and a DHCP server
that can be told what to do."""
import os
import pathlib
import select
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "exchanges"))
from packet import checksum  # noqa: E402 pylint: disable=wrong-import-position

MAC, GUEST = bytes.fromhex("02aabbccddee"), bytes.fromhex("525400123456")
ADDRESS = socket.inet_aton("10.0.2.2")
NAMES = {1: "discover", 3: "request", 4: "decline", 7: "release"}


def ipv4(source, target, protocol, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, source, target)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


class Wire:
    """arguments(): what QEMU wants for it."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(folder, "host"))
        self.serves, self.lease, self.offer = False, 3600, "10.0.2.15"
        self.events = []  # (time, "discover" ...)
        self.running = True
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def arguments(self):
        return ["-netdev", f"dgram,id=cable,local.type=unix,local.path={self.folder}/guest,remote.type=unix,remote.path={self.folder}/host",
                "-device", "virtio-net-pci,disable-legacy=on,romfile=,netdev=cable,mac=52:54:00:12:34:56,id=card"]

    def send(self, kind, payload, target=GUEST):
        try:
            self.socket.sendto((target + MAC + struct.pack("!H", kind) + payload).ljust(60, b"\0"), os.path.join(self.folder, "guest"))
        except OSError:
            pass  # the guest has ended

    def work(self):
        while self.running:
            if not select.select([self.socket], [], [], 0.2)[0]:
                continue
            frame = self.socket.recv(65536)
            kind, payload = struct.unpack("!H", frame[12:14])[0], frame[14:]
            if kind == 0x0806:
                self.arp(payload)
            elif kind == 0x0800 and payload[9] == 17 and payload[22:24] == b"\0\x43":
                self.dhcp(payload[28:])
            elif kind == 0x0800 and payload[9] == 6:
                self.segment(frame)
            elif kind == 0x0800 and payload[9] == 1 and payload[20] == 8 and payload[16:20] == ADDRESS:
                message = b"\0\0\0\0" + payload[24:struct.unpack("!H", payload[2:4])[0]]
                self.send(0x0800, ipv4(ADDRESS, payload[12:16], 1, message[:2] + struct.pack("!H", checksum(message)) + message[4:]))

    def segment(self, frame):
        """Of TCP: for who wants it."""

    def arp(self, payload):
        if payload[6:8] == b"\0\1" and payload[24:28] == ADDRESS:
            self.send(0x0806, b"\0\1\x08\0\6\4\0\2" + MAC + ADDRESS + payload[8:18])

    def dhcp(self, message):
        options, at = {}, 240
        while at < len(message) and message[at] != 255:
            if message[at] == 0:
                at += 1
                continue
            options[message[at]] = message[at + 2:at + 2 + message[at + 1]]
            at += 2 + message[at + 1]
        kind = options[53][0]
        self.events.append((time.monotonic(), NAMES.get(kind, str(kind)), message[12:16] != b"\0" * 4))
        if not self.serves or kind not in (1, 3):
            return
        given = socket.inet_aton(self.offer)
        parts = [(53, bytes([2 if kind == 1 else 5])), (54, ADDRESS), (1, socket.inet_aton("255.255.255.0")), (3, ADDRESS), (6, ADDRESS),
                 (51, struct.pack("!I", self.lease))]
        reply = (b"\2\1\6\0" + message[4:12] + message[12:16] + given + ADDRESS + b"\0" * 4 + message[28:44] + b"\0" * 192 + message[236:240] +
                 b"".join(bytes([number, len(value)]) + value for number, value in parts) + b"\xff")
        datagram = struct.pack("!HHHH", 67, 68, 8 + len(reply), 0) + reply
        self.send(0x0800, ipv4(ADDRESS, given if message[12:16] != b"\0" * 4 else b"\xff" * 4, 17, datagram),
                  GUEST if message[12:16] != b"\0" * 4 else b"\xff" * 6)

    def count(self, name):
        return sum(event[1] == name for event in list(self.events))

    def end(self):
        self.running = False
        self.thread.join()
