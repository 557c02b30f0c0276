"""Runs one command in the guest (-c): pumps the channel and the machine's console, and decides how it ended.

The caller gives connected sockets for COM1 and COM2 and the QEMU process. Exit statuses: the command's own (128 + signal if
one ended it), 124 when the time is up, 125 when the guest could not boot, panicked, hung or broke the protocol."""
import os
import selectors
import signal
import sys
import time

from runner.channel import MAGIC, Channel, ChannelError, encode

TIMED_OUT, GUEST_FAILED = 124, 125
PING_SECONDS, HANG_SECONDS, HELLO_SECONDS = 10, 60, 3
PANIC_MARK, PANIC_END = b"kernel panic: ", b"The system is stopped."
REFUSED_MARK = b"Keelson can't start on this machine."
LOG_LINES = 30


class GuestFailed(Exception):
    """The guest is no use any more; the text says why."""


class RemoteCommand:
    def __init__(self, command, console, line, *, boot_seconds, deadline, watch, at_end, hello=False):
        """command: bytes. console: None if it is somebody else's. hello: the guest waits for the host's word. deadline: time.monotonic() when to give up, or None. watch: look for hangs (not under a
        debugger). at_end: called when the command has ended, before the machine goes down."""
        self.command, self.console, self.line = command, console, line
        self.next_hello = 0 if hello else None
        self.deadline, self.watch, self.at_end = deadline, watch, at_end
        self.boot_deadline = time.monotonic() + boot_seconds if watch else None
        self.channel = Channel()
        self.log = b""
        self.status = None
        self.unsent = b""
        self.last_heard = time.monotonic()
        self.last_ping = self.last_heard
        self.panic_seen = None
        self.selector = selectors.DefaultSelector()
        self.interrupts = 0

    def run(self):
        """The exit status for our own process."""
        self.line.setblocking(False)
        if self.console:
            self.console.setblocking(False)
            self.selector.register(self.console, selectors.EVENT_READ, self._read_console)
        self.selector.register(self.line, selectors.EVENT_READ, self._line_ready)
        old_handler = signal.signal(signal.SIGINT, self._interrupt)
        try:
            while self.status is None:
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    print("image/run: the time is up", file=sys.stderr)
                    return TIMED_OUT
                self._step()
            return self.status
        except (GuestFailed, ChannelError) as reason:
            self._report(str(reason))
            return GUEST_FAILED
        finally:
            signal.signal(signal.SIGINT, old_handler)

    def _step(self):
        self._watch_input()
        self._say_hello()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0)
        self.selector.modify(self.line, events, self._line_ready)
        for key, ready in self.selector.select(self._patience()):
            key.data(ready)
        self._check_health()

    def _patience(self):
        now = time.monotonic()
        limits = [self.deadline, self.boot_deadline, self.next_hello, now + PING_SECONDS]
        return max(0, min(limit for limit in limits if limit is not None) - now)

    def _say_hello(self):
        """Again and again until the guest answers: it may be in the midst of what another host left."""
        if self.channel.started:
            self.next_hello = None
        elif self.next_hello is not None and time.monotonic() >= self.next_hello:
            self.next_hello = time.monotonic() + HELLO_SECONDS
            self._send(MAGIC)

    def _watch_input(self):
        """Standard input is only read when the guest can take it."""
        wanted = self.channel.started and self.channel.input_room() > 0 and not self.unsent
        watched = getattr(self, "_watched", False)
        if wanted != watched:
            self._watched = wanted
            try:
                if wanted:
                    self.selector.register(0, selectors.EVENT_READ, self._read_input)
                else:
                    self.selector.unregister(0)
            except PermissionError:  # a plain file is always ready, epoll does not take it
                self._watched = False
                self._read_input(0)
            except (ValueError, OSError):  # standard input is closed
                self._watched = False
                self._send(self.channel.input(b""))

    def _read_input(self, _ready):
        self._send(self.channel.input(os.read(0, self.channel.input_room())))

    def _send(self, data):
        self.unsent += data
        self._flush()

    def _flush(self):
        try:
            while self.unsent:
                self.unsent = self.unsent[self.line.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError as error:
            raise GuestFailed("the machine stopped before the command had ended") from error

    def _line_ready(self, ready):
        if ready & selectors.EVENT_WRITE:
            self._flush()
        if ready & selectors.EVENT_READ:
            self._read_line()

    def _read_line(self):
        try:
            data = self.line.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._drain_console()
            raise GuestFailed("the machine stopped before the command had ended")
        self.last_heard = time.monotonic()
        for kind, payload in self.channel.receive(data):
            if kind == "H":
                self.boot_deadline = None
                self._send(Channel.start(self.command))
            elif kind == "O":
                write_all(1, payload)
            elif kind == "E":
                write_all(2, payload)
            elif kind == "X":
                self._end(payload)
        self.last_heard = time.monotonic()  # a reader of ours may have kept us waiting

    def _end(self, payload):
        if len(payload) != 2:
            raise ChannelError("the guest sent a malformed exit status")
        self.status = payload[1] if payload[0] == 0 else 128 + payload[1]
        self.at_end()
        self._send(encode("B"))

    def _read_console(self, _ready):
        try:
            data = self.console.recv(65536)
        except (BlockingIOError, ConnectionError):
            return
        if not data:
            self.selector.unregister(self.console)
            return
        self.log = (self.log + data)[-1 << 20:]

    def _drain_console(self):
        try:
            while self.console and (data := self.console.recv(65536)):
                self.log += data
        except OSError:
            pass

    def _check_health(self):
        now = time.monotonic()
        if REFUSED_MARK in self.log:
            raise GuestFailed("the guest refused to start")
        if PANIC_MARK in self.log:
            self.panic_seen = self.panic_seen or now
            if PANIC_END in self.log.partition(PANIC_MARK)[2] or now > self.panic_seen + 5:
                raise GuestFailed("the guest's kernel panicked")
        if self.boot_deadline is not None and now >= self.boot_deadline:
            raise GuestFailed("the guest did not start the command in time")
        if not self.channel.started or not self.watch:
            return
        if now > self.last_heard + HANG_SECONDS:
            raise GuestFailed("the guest hangs")
        if now > max(self.last_heard, self.last_ping) + PING_SECONDS:
            self.last_ping = now
            self._send(encode("P"))

    def _interrupt(self, _signal, _frame):
        """^C goes to the command first; a second one ends us."""
        self.interrupts += 1
        if self.interrupts > 1 or not self.channel.started:
            raise KeyboardInterrupt
        self.unsent += encode("S", bytes([signal.SIGINT]))

    def _report(self, reason):
        if not self.console:
            print(f"image/run: {reason}", file=sys.stderr)
            return
        self._drain_console()
        print(f"image/run: {reason}; the last of its log:", file=sys.stderr)
        lines = self.log.decode(errors="replace").replace("\r", "").splitlines()
        for line in lines[-LOG_LINES:]:
            print(f"  | {line}", file=sys.stderr)
        if not lines:
            print("  (nothing)", file=sys.stderr)


def write_all(descriptor, data):
    try:
        while data:
            data = data[os.write(descriptor, data):]
    except BrokenPipeError:  # whoever read our output is gone; the command may go on
        pass
