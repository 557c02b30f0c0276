"""Reads what the guest's program `trace` saved. The format is programs/trace/file.h, the records are those of
libipc/protocols/kernel.idl."""
import dataclasses
import json
import struct

MAGIC = 0x315245435254534B
HEADER = struct.Struct("<Q II QQQ II QQ")
RECORD = struct.Struct("<Q BBH III Q")
NAME = struct.Struct("<II32sQ")
KERNEL = 11  # number of the protocol whose events these are


class TraceError(Exception):
    """The file is no trace; the text is why."""


@dataclasses.dataclass
class Event:
    """One event with what belongs to it. Times are nanoseconds since the first one."""
    time: int
    name: str  # of enum trace_event
    cpu: int
    code: int
    thread: int
    process: int
    other: int
    value: int
    words: list = dataclasses.field(default_factory=list)
    lent: bytes = b""
    frames: list = dataclasses.field(default_factory=list)

    @property
    def request(self):
        """The number of the request that the event is about."""
        return self.other, self.value


class Protocols:
    """Names of methods, arguments and events, from the build's protocols.json."""

    def __init__(self, path):
        protocols = json.loads(path.read_text())["protocols"]
        self.methods = {method["code"]: (f"{protocol['name']}.{method['name']}", method)
                        for protocol in protocols for method in protocol["methods"]}
        kernel = next(each for each in protocols if each["number"] == KERNEL)
        events = next(each for each in kernel["enums"] if each["name"] == "trace_event")
        self.events = {item["value"]: item["name"] for item in events["items"]}

    def method(self, code):
        own = {1: "session closed", 2: "cancel", 3: "fault", 4: "exit", 5: "page"}
        name, _ = self.methods.get(code, (own.get(code, f"{code >> 8}.{code & 255}"), None))
        return name

    def carried(self, code, words):
        """A small buffer that travels in the message itself: behind the arguments its length, then its bytes."""
        _, method = self.methods.get(code, ("", {}))
        most = (method or {}).get("buffers", {}).get("reads", {}).get("carried", 0)
        at = sum(field["words"] for field in (method or {}).get("arguments", []))
        if not most or at >= len(words) or words[at] > most:
            return b""
        return struct.pack(f"<{len(words) - at - 1}Q", *words[at + 1:])[:words[at]]

    def fields(self, code, words, results=False):
        """(name, value) of each scalar that the words hold."""
        _, method = self.methods.get(code, ("", {}))
        at = 0
        for field in method.get("results" if results else "arguments", []):
            if at >= len(words):
                return
            if field["kind"] != "struct":
                yield field["name"], words[at]
            at += field["words"]


@dataclasses.dataclass
class Trace:
    events: list
    names: dict  # process: name
    bases: dict  # process: where its program was loaded
    lost: int
    processors: int


def load(path, protocols):
    data = path.read_bytes()
    if len(data) < HEADER.size or HEADER.unpack_from(data)[0] != MAGIC:
        raise TraceError(f"{path} is no trace")
    _, processors, name_count, record_count, lost, multiplier, shift, _, _, _ = HEADER.unpack_from(data)
    names_at = HEADER.size + record_count * RECORD.size
    if len(data) < names_at + name_count * NAME.size:
        raise TraceError(f"{path} is cut short")
    names = {}
    bases = {}
    for process, number, text, base in NAME.iter_unpack(data[names_at:names_at + name_count * NAME.size]):
        name = text.rstrip(b"\0").decode(errors="replace")
        names[process] = f"{name}[{number}]" if number else name
        bases[process] = base
    events = []
    first = None
    for record in struct.iter_unpack("<32s", data[HEADER.size:names_at]):
        time, number, cpu, code, thread, process, other, value = RECORD.unpack(record[0])
        name = protocols.events.get(number, f"EVENT_{number}")
        if name in ("WORDS", "LENT", "FRAMES"):
            if not events:
                continue
            payload = record[0][:8] + record[0][16:]
            if name == "WORDS":
                events[-1].words += struct.unpack("<QQQ", payload)
            elif name == "LENT":
                events[-1].lent = payload[:code]
            else:
                events[-1].frames += [each for each in struct.unpack("<QQQ", payload) if each]
            continue
        first = time if first is None else first
        events.append(Event((time - first) * multiplier >> shift, name, cpu, code, thread, process, other, value))
    for event in events:
        if event.name == "CALL" and not event.lent:
            event.lent = protocols.carried(event.code, event.words)
    return Trace(events, names, bases, lost, processors)
