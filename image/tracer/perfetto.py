"""Writes a trace as Perfetto's TrackEvent protobuf. The messages and their field numbers are those of the published schema
(github.com/google/perfetto, protos/perfetto/trace/trace_packet.proto and trace/track_event/*.proto); few are needed, so they are
encoded here.

Every process is a process track, every thread a thread track. A call is a slice on its caller's thread, from the call to the
answer, and one on the thread that serves it, from its receipt to the answer. A server keeps several requests open at once and
slices of a track must nest, so further ones lie on child tracks of the thread. Arrows (flows) lead from the call to its receipt,
over each server that hands it on, and back with the answer; and from a signal to the thread that takes it. Interrupts, and what
each processor runs, have tracks of their own."""
import itertools

SLICE_BEGIN, SLICE_END, INSTANT = 1, 2, 3
SEQUENCE = 1
THREAD_IDS = 1 << 20  # threads are numbered apart from processes: to Perfetto a thread with its process's number is the first one
KERNEL_PROCESS = 1 << 19  # stands for the kernel, which is none


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def fixed64(field, value):
    return varint(field << 3 | 1) + value.to_bytes(8, "little")


def text(field, value):
    return message(field, value.encode())


def message(field, body):
    return varint(field << 3 | 2) + varint(len(body)) + body


class Writer:
    """Packets in the order in which they are given."""

    def __init__(self):
        self.packets = []
        self.tracks = set()

    def packet(self, *fields):
        self.packets.append(message(1, b"".join(fields) + number(10, SEQUENCE)))  # Trace.packet, trusted_packet_sequence_id

    def track(self, uuid, name, parent=0, process=None, thread=None):
        """Describes a track, once. process: its number; thread: (process, thread)."""
        if uuid in self.tracks:
            return uuid
        self.tracks.add(uuid)
        body = number(1, uuid) + (number(5, parent) if parent else b"")
        if process is not None:
            body += message(3, number(1, process) + text(6, name))
        elif thread is not None:
            body += message(4, number(1, thread[0]) + number(2, thread[1]) + text(5, name))
        else:
            body += text(2, name)
        self.packet(message(60, body))
        return uuid

    def event(self, time, kind, track, name="", category="", flows=(), ends=(), notes=()):
        body = number(9, kind) + number(11, track)
        body += text(22, category) if category else b""
        body += text(23, name) if name else b""
        body += b"".join(fixed64(47, flow) for flow in flows) + b"".join(fixed64(48, flow) for flow in ends)
        for key, value in notes:
            shown = text(6, value) if isinstance(value, str) else number(3, value)
            body += message(4, text(10, key) + shown)
        self.packet(number(8, time), message(11, body))


class Converter:
    """Goes through the events once, keeping what is open."""

    def __init__(self, trace, protocols):
        self.trace = trace
        self.protocols = protocols
        self.out = Writer()
        self.flow_ids = itertools.count(1)
        self.callers = {}  # request: (thread track, method), while the call's slice is open
        self.served = {}  # request: (thread, lane, method), while it is served
        self.lanes = {}  # thread: {lane: request}
        self.ways = {}  # request: the flow that is to arrive at its next receiver
        self.signals = {}  # notification: flows of signals that nobody has taken
        self.running = {}  # processor: its open slice
        self.depth = {}  # track: open slices

    def process(self, process):
        name = self.trace.names.get(process, f"process {process}" if process else "kernel")
        serial = process or KERNEL_PROCESS
        return self.out.track(1 << 40 | serial, name, process=serial)

    def thread(self, process, thread):
        parent = self.process(process)
        name = self.trace.names.get(process, "kernel")
        return self.out.track(2 << 40 | thread, name, parent, thread=(process or KERNEL_PROCESS, THREAD_IDS + thread))

    def lane(self, process, thread, lane):
        track = self.thread(process, thread)
        return self.out.track(3 << 40 | thread << 8 | lane, f"further requests {lane}", track) if lane else track

    def begin(self, event, track, *arguments, **more):
        self.depth[track] = self.depth.get(track, 0) + 1
        self.out.event(event.time, SLICE_BEGIN, track, *arguments, **more)

    def end(self, event, track):
        self.depth[track] -= 1
        self.out.event(event.time, SLICE_END, track)

    def notes(self, event, code, results=False):
        notes = list(self.protocols.fields(code, event.words, results))
        if event.lent:
            notes.append(("lent", event.lent.decode("ascii", "backslashreplace").rstrip("\0")))
        return notes

    def next_flow(self):
        return next(self.flow_ids)

    def on_call(self, event):
        flow = self.ways[event.request] = self.next_flow()
        track = self.thread(event.process, event.thread)
        name = self.protocols.method(event.code)
        notes = [("request", f"{event.other}.{event.value}")] + self.notes(event, event.code)
        if event.thread == event.other and event.code >> 8 and event.request not in self.callers:
            self.callers[event.request] = track, event.code
            self.begin(event, track, name, "call", flows=[flow], notes=notes)
        else:  # through a call object, or handed on, or the kernel's own
            self.out.event(event.time, INSTANT, track, name, "send", flows=[flow], notes=notes)

    def on_receive(self, event):
        lanes = self.lanes.setdefault(event.thread, {})
        lane = next(each for each in itertools.count() if each not in lanes)
        if lane == 0 and self.depth.get(self.thread(event.process, event.thread)):
            lane = next(each for each in itertools.count(1) if each not in lanes)  # it is itself in a call
        lanes[lane] = event.request
        self.served[event.request] = event.process, event.thread, lane, event.code
        arriving = [self.ways.pop(event.request)] if event.request in self.ways else []
        self.begin(event, self.lane(event.process, event.thread, lane), self.protocols.method(event.code), "serve", ends=arriving,
                   notes=[("request", f"{event.other}.{event.value}")])

    def stop_serving(self, event):
        """Ends the slice of the request at its server; the method that was served, or None."""
        if event.request not in self.served:
            return None
        process, thread, lane, code = self.served.pop(event.request)
        self.end(event, self.lane(process, thread, lane))
        del self.lanes[thread][lane]
        return code

    def finish(self, event, name):
        """The request is over: an arrow back to its caller, and the ends of its slices."""
        code = event.code - 0x10000 if event.code & 0x8000 else event.code
        flow = self.next_flow()
        if event.request in self.served:
            process, thread, lane, method = self.served[event.request]
            notes = [("status", str(code))] + self.notes(event, method, True)
            self.out.event(event.time, INSTANT, self.lane(process, thread, lane), name, "answer", flows=[flow], notes=notes)
            self.stop_serving(event)
        self.ways.pop(event.request, None)
        if event.request in self.callers:
            track, _ = self.callers.pop(event.request)
            self.out.event(event.time, INSTANT, track, "answered", "answer", ends=[flow])
            self.end(event, track)
        else:
            self.ways["answer", event.request] = flow

    def on_reply(self, event):
        self.finish(event, "answer")

    def on_finish(self, event):
        self.finish(event, "ended without an answer")

    def on_forward(self, event):
        self.stop_serving(event)

    def on_answer(self, event):
        flow = self.ways.pop(("answer", event.request), None)
        self.out.event(event.time, INSTANT, self.thread(event.process, event.thread), "takes the answer", "answer",
                       ends=[flow] if flow else [])

    def on_invoke(self, event):
        notes = [("slot", event.value)] + self.notes(event, event.code)
        self.out.event(event.time, INSTANT, self.thread(event.process, event.thread), self.protocols.method(event.code), "kernel",
                       notes=notes)

    def on_signal(self, event, track=None):
        flow = self.next_flow()
        self.signals.setdefault(event.other, []).append(flow)
        name = "signal" if track is None else f"interrupt {event.code}"
        self.out.event(event.time, INSTANT, track or self.thread(event.process, event.thread), name, "signal", flows=[flow],
                       notes=[("bits", event.value)])

    def on_irq(self, event):
        self.on_signal(event, self.out.track(5 << 40 | event.cpu, f"interrupts of processor {event.cpu}", self.process(0)))

    def on_take(self, event):
        self.out.event(event.time, INSTANT, self.thread(event.process, event.thread), "takes bits", "signal",
                       ends=self.signals.pop(event.other, []), notes=[("bits", event.value)])

    def on_switch(self, event):
        track = self.out.track(4 << 40 | event.cpu, f"processor {event.cpu}", self.process(0))
        if self.running.pop(event.cpu, False):
            self.end(event, track)
        if event.thread:
            self.running[event.cpu] = True
            self.begin(event, track, self.trace.names.get(event.process, f"process {event.process}"), "run",
                       notes=[("thread", event.thread)])

    def on_fault(self, event):
        self.out.event(event.time, INSTANT, self.thread(event.process, event.thread), f"exception {event.code}", "fault",
                       notes=[("address", f"{event.value:#x}"), ("code", event.other)])

    def close(self, last):
        """What is still open ends with the trace."""
        for track, depth in self.depth.items():
            for _ in range(depth):
                self.out.event(last, SLICE_END, track)

    def convert(self):
        for event in self.trace.events:
            handler = getattr(self, "on_" + event.name.lower(), None)
            if handler:
                handler(event)
        self.close(self.trace.events[-1].time if self.trace.events else 0)
        return b"".join(self.out.packets)


def convert(trace, protocols):
    """The bytes of a Perfetto trace file."""
    return Converter(trace, protocols).convert()
