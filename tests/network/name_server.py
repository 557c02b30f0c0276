"""A name server for the tests: answers what a table says, counts what it is asked, and can fall silent, cut its answers short or lie."""
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "SOA": 6, "PTR": 12, "AAAA": 28}


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.strip(".").split(".") if label) + b"\0"


def encode_data(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "SOA":
        return encode_name("m") + encode_name("r") + struct.pack("!5I", 1, 2, 3, 4, value)
    return encode_name(value)


def record(name, kind, seconds, value):
    data = encode_data(kind, value)
    return encode_name(name) + struct.pack("!HHIH", TYPES[kind], 1, seconds, len(data)) + data


class NameServer:
    """table: {(name, type): [(owner, type, seconds, value), ...]}; a name without any entry does not exist. `zone` is told in the SOA, which is
    good for `negative` seconds."""

    def __init__(self, table, zone="example", negative=60):
        self.table, self.zone, self.negative = table, zone, negative
        self.silent = False
        self.asked = []  # (name, type number, "udp" or "tcp")
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.port = self.udp.getsockname()[1]
        self.tcp = socket.create_server(("127.0.0.1", self.port))
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def count(self, name, kind="A"):
        return sum(asked[:2] == (name, TYPES[kind]) for asked in self.asked)

    def answer(self, message, way):
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += message[at] + 1
        name, kind = ".".join(labels), struct.unpack("!H", message[at + 1:at + 3])[0]
        self.asked.append((name, kind, way))
        if self.silent:
            return None
        question, code, flags = message[12:at + 5], 0, 0x8180
        records = next((self.table[name, word] for word, number in TYPES.items() if number == kind and (name, word) in self.table), [])
        if not any(known == name for known, _ in self.table):
            code = 3
        if name.startswith("broken"):
            code, records = 2, []
        if name.startswith("large") and way == "udp":
            flags, records = flags | 0x200, []
        authority = b"" if records or code == 2 or flags & 0x200 else record(self.zone, "SOA", self.negative, self.negative)
        head = message[:2] + struct.pack("!5H", flags | code, 1, len(records), bool(authority), 0)
        reply = head + question + b"".join(record(*each) for each in records) + authority
        if name.startswith("liar"):  # first a lie with another identifier, then one to another question
            return [bytes([reply[0] ^ 1]) + reply[1:], reply.replace(b"\4liar", b"\4lair"), reply]
        return [reply]

    def serve_udp(self):
        while True:
            message, peer = self.udp.recvfrom(2048)
            for reply in self.answer(message, "udp") or []:
                self.udp.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            one, _ = self.tcp.accept()
            with one:
                one.settimeout(5)
                head = one.recv(2)
                reply = (self.answer(one.recv(struct.unpack("!H", head)[0]), "tcp") or [None])[0] if len(head) == 2 else None
                if reply:
                    for part in (struct.pack("!H", len(reply)), reply[:7], reply[7:]):
                        one.sendall(part)
