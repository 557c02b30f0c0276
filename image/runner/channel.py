"""The host's side of the command channel's frames (image/channel.md): bytes in, events out. No input or output of its
own, so that the session that owns the socket and the tests can both drive it."""

MAGIC = b"\0KEELCH1"
PAYLOAD_MAX = 1024  # of what we send: small frames keep the guest's answers to pings prompt


class ChannelError(Exception):
    """The guest sent something that is not in the protocol."""


def encode(kind, payload=b""):
    frame = bytes([ord(kind), 0]) + len(payload).to_bytes(2, "little") + payload
    return frame[:1] + bytes([sum(frame) & 255]) + frame[2:]


class Channel:
    """Turns what the guest sends into (type, payload) pairs and keeps count of what may be sent to it."""

    def __init__(self):
        self.started = False
        self.granted = 0  # bytes of standard input that may be sent
        self.input_wanted = True
        self._buffer = b""

    def receive(self, data):
        """Events that these bytes complete: 'H' for the start, then the guest's frames but for grants."""
        self._buffer += data
        events = []
        if not self.started:
            place = self._buffer.find(MAGIC)
            if place < 0:
                self._buffer = self._buffer[-len(MAGIC):]
                return events
            self._buffer = self._buffer[place + len(MAGIC):]
            self.started = True
            events.append(("H", b""))
        while True:
            frame = self._next_frame()
            if frame is None:
                return events
            kind, payload = frame
            if kind == "G":
                self.granted += int.from_bytes(payload, "little")
            elif kind == "N":
                self.input_wanted = False
            elif kind in "OEQX":
                events.append(frame)
            else:
                raise ChannelError(f"the guest sent a frame of unknown type {kind!r}")

    def _next_frame(self):
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[2:4], "little")
        if len(self._buffer) < 4 + length:
            return None
        frame, self._buffer = self._buffer[:4 + length], self._buffer[4 + length:]
        if (sum(frame) - frame[1]) & 255 != frame[1]:
            raise ChannelError("the guest sent a damaged frame")
        return chr(frame[0]), frame[4:]

    @staticmethod
    def start(command):
        """The bytes that start a command line (bytes)."""
        parts = [command[i:i + PAYLOAD_MAX] for i in range(0, len(command), PAYLOAD_MAX)]
        return b"".join(encode("C", part) for part in parts) + encode("R")

    def input_room(self):
        """How many bytes of standard input may be read and sent now."""
        return min(self.granted, PAYLOAD_MAX) if self.input_wanted else 0

    def input(self, data):
        """The frame for these bytes of standard input; none of them means its end."""
        if not data:
            self.input_wanted = False
            return encode("Z")
        self.granted -= len(data)
        return encode("I", data)
