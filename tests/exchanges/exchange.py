"""Runs scripted exchanges (*.exchange, see README.md): what the script's peer gives to a stack, what the stack must answer, and what its
sockets say. The stack is a subject: HostStack here, with time of its own, or a guest (guest_stack.py). `exchange.py HOST_STACK FILE...` runs
files on the host; `-v` shows each line, `-k WORDS` takes the cases with these words in their names.

Over 600 lines, because each word of the scripts is one short method (do_WORD) of one class."""
import argparse
import collections
import errno
import pathlib
import re
import subprocess
import sys

import packet

STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK",
          "TIME-WAIT"]
READY = {"in": 1, "out": 2, "urgent": 4, "error": 8, "hangup": 16}
DHCP_STATES = ["OFF", "INIT", "SELECTING", "REQUESTING", "CHECKING", "BOUND", "RENEWING", "REBINDING"]
LAYERS = set(packet.BUILDERS)
MILLISECOND = 1_000_000
PEER_ISS = 1_000_000
LISTENER, SOCKET = 0, 1


class Mismatch(Exception):
    pass


class Case:
    """`words`: marks in brackets behind the name. Lines are (number, text)."""

    def __init__(self, path, number, head):
        found = re.fullmatch(r"case (\S+) ([^\[]*?)(?: *\[(.*)\])?", head)
        if not found:
            raise ValueError(f"{path}:{number}: {head}")
        self.path, self.number, self.rule, self.title = path, number, found[1], found[2]
        self.words, self.lines = set((found[3] or "").split()), []

    def __str__(self):
        return f"{self.path.stem}: {self.rule} {self.title}"

    def families(self):
        """The version of IP that carries its TCP segments; one of the two where layers are named."""
        if self.words & {"4", "6"}:
            return sorted(int(word) for word in self.words & {"4", "6"})
        return [4, 6] if self.path.stem.startswith("tcp") else [4]


def load(path):
    cases = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = re.sub(r"(^|\s)#.*", "", text).rstrip()
        if text.startswith("case "):
            cases.append(Case(path, number, text))
        elif text.strip():
            cases[-1].lines.append((number, text.strip()))
    return cases


class HostStack:
    """The stack as a library behind a pipe: time passes only when it is told to."""

    early, late, slack = 0.01, 0.01, MILLISECOND  # how far off a time may be

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.now = 0
        self.frames = collections.deque()

    def call(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        while line := self.process.stdout.readline():
            kind, *rest = line.split()
            if kind == "=":
                return int(rest[0])
            self.frames.append((int(rest[0]), bytes.fromhex(rest[1])))
        raise SystemExit(f"{words}: the stack ended: {self.process.wait()}")

    def begin(self, case, family):
        self.frames.clear()
        self.call("reset", "autoconfigure" if "autoconfigure" in case.words else "")
        self.now = 1003_000_000_000 if "autoconfigure" not in case.words else 1000_000_000_000
        return {"sport": 4000, "dport": 80}

    def end(self):
        pass

    def give(self, frame):
        self.call("frame", frame.hex())

    def settle(self):
        """All that the stack has to say at once has been said."""

    def pass_time(self, nanoseconds):
        self.call("pass", int(nanoseconds))
        self.now += int(nanoseconds)

    def wait_for_frame(self, nanoseconds):
        self.now += self.call("until", int(nanoseconds))


class Exchange:
    """One case on one subject."""

    def __init__(self, subject, case, family, verbose=False):
        self.subject, self.case, self.family, self.verbose = subject, case, family, verbose
        ports = subject.begin(case, family)
        self.peer_port, self.port = ports["sport"], ports["dport"]
        self.peer_iss, self.stack_iss = PEER_ISS, 0
        self.timestamp = None
        self.last_timestamp = self.unread = 0
        self.transaction = 0  # of the last DHCP message
        self.slot, self.event, self.counted = SOCKET, subject.now, {}
        self.names = {name: str(packet.address(name)) for name in packet.ADDRESSES}
        self.seen = []

    # --- words
    def run(self):
        for number, text in self.case.lines:
            if self.verbose:
                print(f"  {number:4} {text}")
            try:
                self.statement(text)
            except (Mismatch, ValueError, KeyError) as error:
                said = "".join(f"\n    {one}" for one in self.seen[-12:])
                raise Mismatch(f"{self.case.path.name}:{number}: {self.case} (IPv{self.family})\n  {text}\n  {error}{said}") from error
        self.subject.end()

    def statement(self, text):
        word, _, rest = text.partition(" ")
        if word == "<":
            self.give(rest)
        elif word == ">":
            self.expect(rest, self.take())
        elif word == "within":
            time, _, rest = rest.partition(" > ")
            self.expect_within(float(time), rest)
        elif word == "after":
            time, _, rest = rest.partition(" > ")
            self.expect_at(float(time), rest)
        else:
            arguments, _, wanted = f" {rest}".partition(" = ")
            getattr(self, "do_" + word)(*arguments.split(), **({"wanted": wanted.strip()} if wanted else {}))

    # --- packets
    def networks(self, inward):
        six = "6" if self.family == 6 else ""
        ends = ("peer" + six, "own" + six)
        source, destination = ends if inward else ends[::-1]
        return {"layer": "ip" + six, "src": source, "dst": destination}

    def segment(self, text):
        """FLAGS START[:END] [ack N] [win N] [urg N] [<OPTIONS>] as fields."""
        found = re.fullmatch(r"([SFRPEWU.-]+) (-?\d+|\*)(?::(-?\d+))?((?: (?:ack|win|urg|sum|off|reserved) \S+)*)(?: <(.*)>)?", text.strip())
        if not found:
            raise ValueError("not a segment")
        fields = dict(pair.split() for pair in re.findall(r"\w+ \S+", found[4]))
        return found[1], found[2], found[3] if found[3] is not None else found[2], fields, found[5]

    def relative_sack(self, text, base):
        return re.sub(r"(-?\d+):(-?\d+)", lambda found: f"{int(found[1]) + base}:{int(found[2]) + base}", text)

    def give(self, text):
        if text.split()[0] in LAYERS or text.startswith("fragment "):
            frame = self.layered(text)
        else:
            flags, start, end, fields, options = self.segment(text)
            options = self.relative_sack(options or "", self.stack_iss)
            if self.timestamp is not None and "R" not in flags and "ts " not in options:
                options = (options + "," if options else "") + f"nop,nop,ts {self.timestamp} {self.last_timestamp if flags != 'S' else 0}"
            tcp = {"layer": "tcp", "flags": flags, "sport": self.peer_port, "dport": self.port, "options": options,
                   "seq": self.peer_iss + int(start), "ack": self.stack_iss + int(fields.pop("ack")) if "ack" in fields else 0} | fields
            first = int(start) + ("S" in flags)
            frame = packet.build([{"layer": "eth"}, self.networks(True), tcp, {"layer": "data", "bytes": int(end) - int(start), "from": first}])
        self.say("<", frame)
        self.subject.give(frame)
        self.event = self.subject.now

    def layered(self, text):
        """`ip ttl=3 / icmp type=8 / data 40`, or `fragment A:B [FIELD=N...] of ...`."""
        part = None
        if text.startswith("fragment "):
            part, _, text = text[len("fragment "):].partition(" of ")
        layers = [self.layer(words.split()) for words in text.split(" / ")]
        if layers[0]["layer"] != "eth":
            layers.insert(0, {"layer": "eth"})
        if part is None:
            return packet.build(layers)
        (bounds, *fields) = part.split()
        start, end = (int(bound) for bound in bounds.split(":"))
        return packet.fragment(layers, start, end, dict(field.split("=") for field in fields))

    def layer(self, words):
        name, *fields = words
        if name in ("data", "raw"):
            layer = {"layer": name, "bytes": fields[0]}
            fields = fields[1:]
        else:
            layer = {"layer": name}
        layer |= dict(field.split("=", 1) for field in fields)
        if name in ("ip", "ip6"):
            layer.setdefault("src", "peer" if name == "ip" else "peer6")
            layer.setdefault("dst", "own" if name == "ip" else "own6")
        if name in ("udp", "tcp"):
            layer.setdefault("sport", self.peer_port)
            layer.setdefault("dport", self.port)
            layer = {field: self.port if value == "PORT" else self.peer_port if value == "PEER" else value for field, value in layer.items()}
        if name == "dhcp":
            layer["xid"] = self.transaction + int(layer.get("xid", 0))
        if name == "tcp" and "seq" in layer:  # numbers of quoted segments are the stack's
            layer["seq"] = self.stack_iss + int(layer["seq"])
        return layer

    def say(self, direction, frame):
        self.seen.append(f"{(self.subject.now // 1000) / 1000 % 1000000:10.3f} {direction} {self.describe(frame)}")

    def do_way(self, where, wanted):
        """The next hop to an address; "none" without one."""
        value = self.call("way", packet.address(where).packed.hex() if packet.address(where).version == 6 else
                          "0" * 20 + "ffff" + packet.address(where).packed.hex(), packet.address(wanted).packed.hex() if wanted != "none" else "")
        if (value != 1) if wanted != "none" else (value >= 0):
            raise Mismatch("it is another" if value >= 0 else f"it is {value}")

    def describe(self, frame):
        layers = packet.dissect(frame)
        tcp = next((layer for layer in layers if layer["layer"] == "tcp"), None)
        if tcp and layers.index(tcp) == 2:
            out = str(packet.address(layers[1]["src"])) in (self.names["own"], self.names["own6"])
            mine, other = (self.stack_iss, self.peer_iss) if out else (self.peer_iss, self.stack_iss)
            start = signed(tcp["seq"] - mine)
            ack = f" ack {signed(tcp['ack'] - other)}" if "." in tcp["flags"] else ""
            options = ", ".join(f"{name} {tcp['options'].get(name, '')}" for name in tcp["options"]["order"] if name != "nop")
            return f"{tcp['flags']} {start}:{start + tcp['length']}{ack} win {tcp['win']} <{options}>"
        return " / ".join(f"{layer['layer']} " + " ".join(f"{key}={value}" for key, value in layer.items()
                                                          if key not in ("layer", "content", "options")) for layer in layers[1:])

    def take(self, what="nothing was sent"):
        if not self.subject.frames:
            self.subject.settle()
        if not self.subject.frames:
            raise Mismatch(what)
        self.event, frame = self.subject.frames.popleft()
        self.say(">", frame)
        if not packet.sums_are_right(frame):
            raise Mismatch("a sum or a length is wrong")
        return frame

    def expect_at(self, milliseconds, text):
        begun, wanted = self.event, milliseconds * MILLISECOND
        latest = begun + wanted * (1 + self.subject.late) + self.subject.slack
        if not self.subject.frames and latest > self.subject.now:
            self.subject.wait_for_frame(latest - self.subject.now)
        frame = self.take(f"nothing was sent within {milliseconds} ms")
        passed = self.event - begun
        if not wanted * (1 - self.subject.early) - MILLISECOND <= passed <= wanted * (1 + self.subject.late) + self.subject.slack:
            raise Mismatch(f"sent after {passed / MILLISECOND} ms")
        self.expect(text, frame)

    def expect_within(self, milliseconds, text):
        if not self.subject.frames:
            self.subject.wait_for_frame(milliseconds * MILLISECOND)
        self.expect(text, self.take(f"nothing was sent within {milliseconds} ms"))

    def expect(self, text, frame):
        layers = packet.dissect(frame)
        self.transaction = next((layer["xid"] for layer in layers if layer["layer"] == "dhcp"), self.transaction)
        if text.split()[0] in LAYERS:
            self.compare_layers(text, layers)
            return
        tcp = layers[2] if len(layers) > 2 and layers[2]["layer"] == "tcp" else None
        if tcp is None:
            raise Mismatch("not a TCP segment")
        flags, start, end, fields, options = self.segment(text)
        if "S" in tcp["flags"]:
            self.stack_iss = tcp["seq"]
        if tcp["options"].get("ts"):
            self.last_timestamp = tcp["options"]["ts"][0]
        got = {"flags": set(tcp["flags"]), "win": tcp["win"], "urg": tcp["urg"]}
        wanted = {"flags": set(flags) - {"-"}} | {name: int(value) for name, value in fields.items() if name != "ack"}
        if start != "*":
            got |= {"seq": signed(tcp["seq"] - self.stack_iss), "length": tcp["length"]}
            wanted |= {"seq": int(start), "length": int(end) - int(start)}
        if "ack" in fields:
            got["ack"] = signed(tcp["ack"] - self.peer_iss)
            wanted["ack"] = int(fields["ack"])
        different = {name: (value, got[name]) for name, value in wanted.items() if got[name] != value}
        if different:
            raise Mismatch("; ".join(f"{name} is {value[1]}, not {value[0]}" for name, value in different.items()))
        if options is not None:
            self.compare_options(options, tcp["options"])

    def compare_options(self, text, got):
        """Each that is named is there with these values (* is any), each with a ! is not; "none": there are none."""
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, *words = part.split()
            if name == "none" and set(got) != {"order"}:
                raise Mismatch(f"options: {got}")
            if name.startswith("!"):
                if name[1:] in got:
                    raise Mismatch(f"option {name[1:]} is there: {got}")
            elif name == "sack":
                blocks = [(signed(start - self.peer_iss), signed(end - self.peer_iss)) for start, end in got.get("sack", [])]
                if blocks != [tuple(int(edge) for edge in word.split(":")) for word in words]:
                    raise Mismatch(f"sack is {blocks}")
            elif name != "none":
                values = got.get(name)
                if values is None or any(word not in ("*", str(value)) for word, value in zip(words, values)):
                    raise Mismatch(f"option {name} is {values}")

    def compare_layers(self, text, layers):
        at = 0
        for words in text.split(" / "):
            name, *fields = words.split()
            while at < len(layers) and layers[at]["layer"] != name:
                at += 1
            if at == len(layers):
                raise Mismatch(f"no layer {name}")
            layer = layers[at]
            at += 1
            if name == "data" and fields and "=" not in fields[0]:
                fields = [f"bytes={fields[0]}", *fields[1:]]
            for field in fields:
                key, value = field.split("=", 1)
                self.compare_field(name, layer, key, value)

    def compare_field(self, name, layer, key, value):
        if key == "holds":  # these bytes stand in it
            if bytes.fromhex(value) not in layer["content"]:
                raise Mismatch(f"{name} is {layer['content'].hex()}")
            return
        got = layer[key]
        wanted = self.names.get(value, value)
        if wanted in ("PORT", "PEER"):
            wanted = self.port if wanted == "PORT" else self.peer_port
        if isinstance(got, int):
            wanted = int(wanted, 0) if isinstance(wanted, str) else wanted
        if name == "tcp" and key == "seq":
            got = signed(got - self.stack_iss)
        if got != wanted:
            raise Mismatch(f"{name} {key} is {got}, not {wanted}")

    # --- statements
    def call(self, *words):
        return self.subject.call(*words)

    def result(self, value, wanted):
        """A count, or an error by name."""
        got = errno.errorcode.get(-value, str(value)) if value < 0 else str(value)
        if wanted is not None and got != wanted:
            raise Mismatch(f"it is {got}")

    def do_quiet(self, milliseconds="0"):
        if float(milliseconds):
            self.subject.pass_time(float(milliseconds) * MILLISECOND)
        self.subject.settle()
        self.event = self.subject.now
        if self.subject.frames:
            raise Mismatch(f"sent: {self.describe(self.subject.frames[0][1])}")

    def do_wait(self, milliseconds):
        self.subject.pass_time(float(milliseconds) * MILLISECOND)
        self.event = self.subject.now

    def do_count(self, wanted):
        self.subject.settle()
        for _, frame in self.subject.frames:
            self.say(">", frame)
        if len(self.subject.frames) != int(wanted):
            raise Mismatch(f"{len(self.subject.frames)} frames")
        self.do_drop()

    def do_drop(self):
        self.subject.settle()
        self.subject.frames.clear()
        self.event = self.subject.now

    def do_iss(self, change):
        """The peer's first sequence number, for a new connection."""
        self.peer_iss = (self.peer_iss + int(change)) % 2**32 if change[0] in "+-" else int(change)

    def do_peer(self, port):
        self.peer_port = self.peer_port + int(port) if port[0] == "+" else int(port)

    def do_timestamps(self, value):
        self.timestamp = None if value == "off" else int(value) % 2**32

    def do_use(self, slot):
        self.slot = int(slot)

    def own(self):
        return "0" * 32 if self.family == 6 else "0" * 20 + "ffff" + "00000000"

    def do_listen(self, *words, wanted="0"):
        fields = dict(word.split("=") for word in words)
        self.call("open", LISTENER, "stream", self.family)
        for name in ("rcvbuf", "sndbuf", "reuse"):
            if name in fields:
                self.call("set", LISTENER, name, fields[name])
        self.result(self.call("bind", LISTENER, self.own(), fields.get("port", self.port)), "0")
        self.result(self.call("listen", LISTENER, fields.get("backlog", 4)), wanted)
        self.call("nonblock", LISTENER)

    def do_accept(self, wanted="0"):
        self.subject.settle()
        self.result(self.call("accept", LISTENER, self.slot), wanted)
        self.unread = 1

    def peer_hex(self):
        where = packet.address("peer6" if self.family == 6 else "peer")
        return where.packed.hex() if where.version == 6 else "0" * 20 + "ffff" + where.packed.hex()

    def do_socket(self, *words):
        self.call("open", self.slot, "stream", self.family)
        for name, value in (word.split("=") for word in words):
            self.call("set", self.slot, name, value)

    def do_connect(self, *words, wanted="EINPROGRESS"):
        if "again" not in words:
            self.do_socket(*words)
        self.result(self.call("connect", self.slot, self.peer_hex(), self.peer_port), wanted)
        self.port = self.call("port", self.slot)
        self.unread = 1

    def do_accepted(self, *words):
        """A connection that the peer opened, with MSS 1000 and the options named."""
        options = " ".join(words).strip("<>")
        if "plain" not in words:
            options = "mss 1000" + (", " + options if options else "")
        self.do_listen()
        self.give(f"S 0 <{options.replace('plain', '')}>")
        self.expect("S. 0 ack 1", self.take())
        self.give(". 1 ack 1")
        self.do_quiet()
        self.do_accept()

    def do_connected(self, *words):
        options = "mss 1000" + (", " + " ".join(words).strip("<>") if words else "")
        self.do_connect()
        self.expect("S 0", self.take())
        self.give(f"S. 0 ack 1 <{options}>")
        self.expect(". 1 ack 1", self.take())

    def do_reach(self, state):
        """A connection in this state. Next numbers, ours and the peer's: 1 and 1; a FIN that was sent takes one."""
        self.do_accepted()
        if state in ("CLOSE-WAIT", "LAST-ACK"):
            self.steps("< F. 1 ack 1", "> . 1 ack 2")
        if state == "LAST-ACK":
            self.steps("shutdown w", "> F. 1 ack 2")
        if state in ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "TIME-WAIT"):
            self.steps("shutdown w", "> F. 1 ack 1")
        if state == "FIN-WAIT-2":
            self.steps("< . 1 ack 2")
        if state == "CLOSING":
            self.steps("< F. 1 ack 1", "> . 2 ack 2")
        if state == "TIME-WAIT":
            self.steps("< F. 1 ack 2", "> . 2 ack 2")
        self.do_state(state)

    def steps(self, *texts):
        for text in texts:
            self.statement(text)

    def do_write(self, length, wanted=None):
        self.result(self.call("write", self.slot, length), wanted or length)
        self.event = self.subject.now

    def do_read(self, length="1000000", wanted=None):
        self.subject.settle()
        done = self.call("read", self.slot, length, self.unread, *(["s"] if self.unread else []))
        if self.unread:
            self.unread += max(done, 0)
        self.result(done, wanted)
        self.event = self.subject.now

    def do_shutdown(self, sides="w"):
        self.result(self.call("shutdown", self.slot, {"r": 1, "w": 2, "rw": 3}[sides]), "0")
        self.event = self.subject.now

    def do_close(self, slot=None):
        self.call("close", self.slot if slot is None else slot)
        self.event = self.subject.now

    def do_set(self, name, value, wanted="0"):
        self.result(self.call("set", self.slot, name, value), wanted)
        self.event = self.subject.now

    def do_error(self, name):
        self.subject.settle()
        self.result(self.call("error", self.slot), "0" if name == "none" else name)

    def do_state(self, name):
        self.subject.settle()
        state = self.call("state", self.slot)
        if state >= 0 and STATES[state] != name:
            raise Mismatch(f"the state is {STATES[state]}")

    def do_ready(self, *words):
        self.subject.settle()
        value = self.call("ready", self.slot)
        if value != sum(READY[word] for word in words):
            raise Mismatch("ready: " + " ".join(word for word, bit in READY.items() if value & bit))

    def do_datagrams(self, port=None, peer=None):
        """A UDP socket at the port; with a peer: connected to it."""
        self.call("open", self.slot, "datagram", self.family)
        self.unread = 0
        self.result(self.call("bind", self.slot, self.own(), port or self.port), "0")
        if peer:
            self.result(self.call("connect", self.slot, self.peer_hex(), self.peer_port if peer == "peer" else peer), "0")
        self.call("nonblock", self.slot)

    def do_send(self, length, to=None, wanted=None):
        """To the connected peer, or to a named address."""
        if to:
            where = packet.address(to)
            where = where.packed.hex() if where.version == 6 else "0" * 20 + "ffff" + where.packed.hex()
            value = self.call("send", self.slot, where, self.peer_port, length)
        else:
            value = self.call("send", self.slot, length)
        self.result(value, wanted or length)
        self.event = self.subject.now

    def do_counter(self, name, wanted):
        """How much it has grown since `counters`, or since the beginning; a subject that can't tell is not asked."""
        self.subject.settle()
        value = self.call("counter", name)
        if value >= 0 and value - self.counted.get(name, 0) != int(wanted):
            raise Mismatch(f"it is {value - self.counted.get(name, 0)}")

    def do_below(self, name, limit):
        value = self.call("counter", name)
        if value >= int(limit):
            raise Mismatch(f"it is {value}")

    def do_many(self, count, *words):
        """The packet COUNT times; @ in it is the number of the turn, @*N+M that number times N and M."""
        for turn in range(int(count)):
            text = re.sub(r"@(?:\*(\d+))?(?:\+(\d+))?", lambda found: str(turn * int(found[1] or 1) + int(found[2] or 0)), " ".join(words[1:]))
            self.give(text)
            self.seen.clear()

    def do_pieces(self, size, _, *words):
        """`pieces SIZE of PACKET`: all of it, in fragments of this size."""
        text, start = " ".join(words), 0
        layers = [self.layer(one.split()) for one in text.split(" / ")]
        length = len(packet.build(layers)) - (40 if layers[0]["layer"] == "ip6" else 20)
        while start < length:
            self.give(f"fragment {start}:{min(start + int(size), length)} of {text}")
            start += int(size)

    def do_cut(self, *words):
        """The packet, cut off at each of its bytes: as it is, and with lengths and sums that fit."""
        frame = self.layered(" ".join(words))
        for length in range(len(frame)):
            self.subject.give(frame[:length])
            self.subject.give(packet.shortened(frame[:length]))
            self.subject.frames.clear()

    def do_tell(self, *words):
        """A word to the host's stack that no socket has: cookies, newreno, mtu, link, dhcp."""
        value = self.call(*words)
        if value < 0:
            raise Mismatch(f"it is {value}")
        self.event = self.subject.now

    def do_dhcp(self, state):
        value = self.call("dhcpstate")
        if DHCP_STATES[value] != state:
            raise Mismatch(f"it is {DHCP_STATES[value]}")

    def do_address(self, where, state):
        names = ["none", "tentative", "preferred", "deprecated"]
        where = packet.address(where)
        value = self.call("address", where.packed.hex() if where.version == 6 else "0" * 20 + "ffff" + where.packed.hex())
        if names[value] != state:
            raise Mismatch(f"it is {names[value]}")

    def do_neighbour(self, where, state):
        names = ["none", "incomplete", "reachable", "stale", "delay", "probe", "permanent"]
        where = packet.address(where)
        value = self.call("neighbour", where.packed.hex() if where.version == 6 else "0" * 20 + "ffff" + where.packed.hex())
        if names[value] != state:
            raise Mismatch(f"it is {names[value]}")


def signed(value):
    value %= 2**32
    return value - 2**32 if value >= 2**31 else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("-k", metavar="WORDS", default="")
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    subject, cases, runs, failures = HostStack(options.program), 0, 0, 0
    for path in options.files:
        for case in load(path):
            if options.k not in str(case):
                continue
            cases += 1
            for family in case.families():
                if options.v:
                    print(f"{case} (IPv{family})")
                runs += 1
                try:
                    Exchange(subject, case, family, options.v).run()
                except Mismatch as error:
                    print(f"FAILED {error}\n", flush=True)
                    failures += 1
    print(f"{cases} exchanges, {runs} runs (over IPv4 and IPv6), {failures} failed")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
