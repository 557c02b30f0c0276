"""A guest as the subject of scripted exchanges: its card is wired to this program, which plays the script's peer frame by frame, and asks
`exchange_agent` there, by datagrams over the same wire, to make the socket calls. Time is real here. All cases share one boot: each has
ports of its own. `guest_stack.py [-k WORDS] [-v] FILE...` runs files."""
import argparse
import collections
import pathlib
import select
import socket
import struct
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests/fault")]
import exchange  # noqa: E402 pylint: disable=wrong-import-position
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position
import packet  # noqa: E402 pylint: disable=wrong-import-position

CONTROL, CONTROL_PORT, AGENT_PORT = "10.0.0.3", 7777, 9999
ANSWER_SECONDS, TRIES = 0.5, 60
LONGEST = 4000  # milliseconds that a case may wait
HOST_ONLY = ("tell", "neighbour", "address", "way", "dhcp", "below", "cut")
SHORT = {"longest": 300, "all_families": False}
AGAIN = 2  # times that a case is tried again: a machine that stands still while others run is seen as a late segment


def left_out(case, longest=LONGEST):
    """Why a case is not for a guest; None if it is."""
    if case.words & {"virtual", "autoconfigure"}:
        return "marked: it needs a stack of its own, or its inside"
    waits = 0
    for _, text in case.lines:
        word, *rest = text.split()
        if word in HOST_ONLY:
            return f"it looks into the stack ({word})"
        if word in ("after", "within", "wait") or (word == "quiet" and rest):
            waits += float(rest[0])
    return f"it takes more than {longest / 1000:g} s" if waits > longest else None


class Guest:
    early, late, slack = 0.2, 0.5, 300 * exchange.MILLISECOND

    def __init__(self, nic="virtio"):
        self.folder = tempfile.TemporaryDirectory(prefix="keelson-")
        path = f"{self.folder.name}/wire"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.machine = machine.Guest("ip address add 10.0.0.1/24 eth0; exchange_agent", machine.base_disk("tests/exchanges/exchange_agent"),
                                         arguments=["--nic", "none"],
                                         extra=["-snapshot", *machine.stream_card(path, packet.OWN_MAC, nic)])
            listener.settimeout(20)
            self.wire, _ = listener.accept()
        self.received, self.frames, self.answers = b"", collections.deque(), {}
        self.number, self.runs, self.ports = int(time.time()) % 1000000 * 1000, 0, {}
        self.raw, self.peers = "ip6", {CONTROL}
        self.machine.run(silence=120, until=b"ready\n")
        self.wait_for_own_address()

    def wait_for_own_address(self):
        """Until the guest speaks for its IPv6 address: before, it is only trying it out (RFC 4862, 5.4)."""
        for _ in range(TRIES):
            self.solicit()
            deadline = time.monotonic() + ANSWER_SECONDS
            while self.pump(deadline - time.monotonic()):
                if any(layers[1]["layer"] == "ip6" and layers[2].get("type") == 136 for layers in (packet.dissect(frame) for _, frame in self.frames)):
                    return
        raise SystemExit("the guest does not speak for its IPv6 address")

    def solicit(self):
        self.give(packet.build([{"layer": "eth"}, {"layer": "ip6", "src": "peer6", "dst": "solicited6", "hops": 255},
                                {"layer": "icmp6", "type": 135, "rest": "00000000", "target": "own6"}, {"layer": "mac"}]))

    def end(self):
        """Of a case; of the machine when it is closed."""

    def close(self):
        self.machine.end()
        self.wire.close()
        self.folder.cleanup()

    @property
    def now(self):
        return time.monotonic_ns()

    # --- the wire
    def give(self, frame):
        self.wire.sendall(struct.pack("!I", len(frame)) + frame)

    def pump(self, seconds):
        """Takes what has come, and waits for more at most this long."""
        if not select.select([self.wire], [], [], max(0, seconds))[0]:
            return False
        data = self.wire.recv(1 << 20)
        if not data:
            raise SystemExit("the machine has ended")
        self.received += data
        while len(self.received) >= 4 and len(self.received) >= 4 + (length := struct.unpack("!I", self.received[:4])[0]):
            frame, self.received = self.received[4:4 + length], self.received[4 + length:]
            self.sort(frame)
        return True

    def sort(self, frame):
        """What the script is to see, and what is answered or passed over here."""
        layers = packet.dissect(frame)
        names = [layer["layer"] for layer in layers]
        if names[1] == "arp":
            arp = layers[1]
            if arp["op"] == 1 and arp["tpa"] in self.peers:
                self.give(packet.build([{"layer": "eth", "dst": packet.OWN_MAC}, {"layer": "arp", "op": 2, "spa": arp["tpa"], "tpa": "own"}]))
            elif self.raw == "arp":
                self.frames.append((self.now, frame))
        elif names[1:3] == ["ip", "udp"] and layers[2]["sport"] == AGENT_PORT:
            number, result = layers[3]["content"].split()
            self.answers[int(number)] = int(result)
        elif names[1:3] == ["ip", "udp"] and layers[2]["dport"] in (67, 5353):
            pass
        elif names[1:3] == ["ip6", "icmp6"] and layers[2]["type"] == 135 and layers[2]["target"] in self.peers:
            self.give(packet.build([{"layer": "eth"}, {"layer": "ip6", "src": layers[2]["target"], "dst": layers[1]["src"], "hops": 255},
                                    {"layer": "icmp6", "type": 136, "rest": "60000000", "target": layers[2]["target"]}, {"layer": "mac", "kind": 2}]))
        elif names[1] == "ip6" and names[2] in ("hop", "icmp6") and (names[2] == "hop" or layers[2]["type"] == 133 or
                                                                      (layers[2]["type"] in (135, 136) and self.raw != "ip6")):
            pass
        elif names[1] in ("ip", "ip6") and "tcp" == names[2] and layers[2]["dport"] - self.ports["sport"] not in range(8):
            pass  # of a case that is over
        elif names[1] in ("ip", "ip6"):
            self.frames.append((self.now, frame))

    def call(self, *words):
        self.number += 1
        text = " ".join(map(str, (self.number, *words)))
        frame = packet.build([{"layer": "eth"}, {"layer": "ip", "src": CONTROL, "dst": "own"},
                              {"layer": "udp", "sport": CONTROL_PORT, "dport": AGENT_PORT}, {"layer": "raw", "bytes": text.encode().hex()}])
        for _ in range(TRIES):
            self.give(frame)
            deadline = time.monotonic() + ANSWER_SECONDS
            while time.monotonic() < deadline:
                self.pump(deadline - time.monotonic())
                if self.number in self.answers:
                    return self.answers.pop(self.number)
        raise SystemExit(f"no answer from the guest: {words}\n{self.machine.log[-2000:].decode(errors='replace')}")

    # --- the subject
    def begin(self, case, _):
        self.runs += 1
        self.raw = case.path.stem
        self.ports = {"sport": 20000 + self.runs * 8 % 20000, "dport": 1024 + self.runs % 8000}
        # Addresses of its own, so that nothing that was learned about another case's peers matters.
        packet.DEFAULTS["id"] = self.runs
        packet.ADDRESSES |= {"peer": f"10.0.0.{20 + self.runs % 100}", "third": f"10.0.0.{130 + self.runs % 100}",
                             "peer6": f"fe80::ff:fe00:{self.runs + 4096:x}", "third6": f"fe80::ff:fe00:{self.runs + 32768:x}"}
        self.peers |= {packet.ADDRESSES["peer"], str(packet.address("peer6"))}
        self.peers -= {packet.ADDRESSES["third"]}
        self.call("reset")
        # The peer makes itself known.
        self.give(packet.build([{"layer": "eth", "dst": "ff" * 6}, {"layer": "arp", "op": 1}]))
        self.solicit()
        self.settle()
        self.frames.clear()
        return self.ports

    def settle(self):
        """The wire, the card and the server keep the order: what was said at once has come before this answer."""
        self.call("nothing")

    def pass_time(self, nanoseconds):
        deadline = time.monotonic() + nanoseconds / 1e9
        while (left := deadline - time.monotonic()) > 0:
            self.pump(left)

    def wait_for_frame(self, nanoseconds):
        deadline = time.monotonic() + nanoseconds / 1e9 + 0.15
        while not self.frames and (left := deadline - time.monotonic()) > 0:
            self.pump(left)


def run_all(paths, words="", verbose=False, nic="virtio", longest=LONGEST, all_families=True):
    """Without `all_families` every other case goes over IPv4 or IPv6 alone. (cases, runs, runs that were tried again, {reason: cases left out}, failures)."""
    subject = Guest(nic)
    cases, runs, again, skipped, failures = 0, 0, [], collections.Counter(), []
    try:
        for case in (case for path in paths for case in exchange.load(path)):
            if words not in str(case):
                continue
            if reason := left_out(case, longest):
                skipped[reason] += 1
                continue
            cases += 1
            families = case.families()
            for family in families if all_families else families[cases % len(families):][:1]:
                runs += 1
                for turn in range(1 + AGAIN):
                    try:
                        exchange.Exchange(subject, case, family, verbose).run()
                        break
                    except exchange.Mismatch as error:
                        if turn == AGAIN:
                            failures.append(str(error))
                        else:
                            again.append(str(error))
    finally:
        subject.close()
    return cases, runs, again, skipped, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("-k", metavar="WORDS", default="")
    parser.add_argument("-v", action="store_true")
    parser.add_argument("--short", action="store_true", help="what is soon done, over one version of IP each")
    options = parser.parse_args()
    begun = time.monotonic()
    cases, runs, again, skipped, failures = run_all(options.files, options.k, options.v,
                                                    **(SHORT if options.short else {}))
    for failure in failures:
        print(f"FAILED {failure}\n")
    if options.v:
        print("\n\n".join(["tried again:", *again]))
    for reason, count in skipped.items():
        print(f"{count} left out: {reason}")
    print(f"{cases} exchanges, {runs} runs (over IPv4 and IPv6), {len(again)} tried again, {len(failures)} failed, {time.monotonic() - begun:.0f} s")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
