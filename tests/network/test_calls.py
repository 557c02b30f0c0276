"""SYNs of a peer that goes on with none of them, and calls of the same peer between them: each is answered by a cookie, keeps its options, and is connected
by its ACK, also while `net` is ended five times a second and goes to other builds."""
import pathlib
import queue
import re
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/fault"), str(ROOT / "tests/exchanges")]
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position
import packet  # noqa: E402 pylint: disable=wrong-import-position
import wire  # noqa: E402 pylint: disable=wrong-import-position

PORT, OFFERED = 7, "mss 1460,sack_ok,ts {} 0,nop,ws 7"
FIRST, MORE, CALLS, AGAIN_SECONDS, TRIES = 500, 40, 30, 0.5, 60
SCRIPT = """ip address add 10.0.2.15/24 eth0; services 0 600 &
while ! ping -q -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; do sleep 0.2; done
echo begin; chaos -q -r 5 net -- sleep 10 2>&1
for i in 1 2 3 4 5; do for file in /builds/net_other /sbin/net; do service reload net $file || echo BAD; sleep 0.2; done; done
netstat -s | grep tcp_; echo over"""


class Peer(wire.Wire):
    """Makes segments, and sorts those that come by port."""

    def __init__(self, folder):
        self.came, self.port, self.number = {}, 1024, 0
        super().__init__(folder)

    def segment(self, frame):
        *_, network, tcp = packet.dissect(frame)[:3]
        if tcp["dport"] in self.came:
            self.came[tcp["dport"]].put(tcp)

    def give(self, port, flags, seq, ack=0, options="", data=b""):
        tcp = {"layer": "tcp", "sport": port, "dport": PORT, "flags": flags, "seq": seq, "ack": ack, "options": options}
        self.send(0x0800, packet.build([{"layer": "eth"}, {"layer": "ip", "src": "10.0.2.2", "dst": "10.0.2.15"}, tcp,
                                        {"layer": "raw", "bytes": data.hex()}])[14:])

    def next_port(self):
        self.port += 1
        return self.port

    def flood(self, count):
        for _ in range(count):
            self.give(self.next_port(), "S", self.port)

    def ask(self, port, is_answer, *segment, **more):
        """Again and again, as a TCP does; the answer."""
        for _ in range(TRIES):
            self.give(port, *segment, **more)
            ends = time.monotonic() + AGAIN_SECONDS
            while (left := ends - time.monotonic()) > 0:
                try:
                    tcp = self.came[port].get(timeout=left)
                except queue.Empty:
                    break
                if is_answer(tcp):
                    return tcp
        raise AssertionError(f"port {port}: no answer to {segment}")

    def call(self):
        """One whole connection; what our SYN was answered with."""
        port, clock = self.next_port(), int(time.monotonic() * 1000) % 2**31
        self.came[port] = queue.Queue()
        first = self.ask(port, lambda tcp: set(tcp["flags"]) == set("S."), "S", 1000, options=OFFERED.format(clock))
        assert first["options"]["ts"][1] == clock and "ws" in first["options"] and "sack_ok" in first["options"], first
        stamp = f"nop,nop,ts {clock + 1} {first['options']['ts'][0]}"
        echo = self.ask(port, lambda tcp: tcp["length"] != 0, "P.", 1001, first["seq"] + 1, stamp, b"hello")
        assert (echo["seq"] - first["seq"] - 1) % 2**32 == 0 and echo["length"] == 5, echo
        self.give(port, "R", 1006)
        return first

    def wrong_cookie_is_passed_over(self):
        port = self.next_port()
        self.came[port] = queue.Queue()
        first = self.ask(port, lambda tcp: set(tcp["flags"]) == set("S."), "S", 1000)
        self.give(port, "P.", 1001, first["seq"] + 2, data=b"hello")
        with pytest.raises(queue.Empty):
            self.came[port].get(timeout=AGAIN_SECONDS)


def test_calls_in_a_flood(tmp_path):
    peer, disk = Peer(str(tmp_path)), tmp_path / "disk.img"
    machine.copy_disk(machine.base_disk("tests/network/services"), disk, [("builds/net_other", machine.stripped("net_other"))])
    guest = machine.Guest(SCRIPT, disk, arguments=["--memory", "128M", "--nic", "none"], extra=peer.arguments())
    failures = []

    def run():
        try:
            peer.flood(FIRST)
            peer.wrong_cookie_is_passed_over()
            for _ in range(CALLS):
                peer.flood(MORE)
                peer.call()
                time.sleep(0.4)
        except AssertionError as error:
            failures.append(error)

    try:
        guest.run(silence=60, until=b"begin\n")
        calls = threading.Thread(target=run)
        calls.start()
        guest.run(silence=60)
        calls.join()
    finally:
        guest.end()
        peer.end()
    output = guest.output.decode()
    counted = {name: int(count) for count, name in re.findall(r"(\d+) (tcp_\w+)", output)}
    assert not failures and "BAD" not in output and output.endswith("over\n"), (failures, output, guest.log)
    assert counted["tcp_cookies_good"] >= CALLS // 2 and counted["tcp_cookies_sent"] > FIRST // 4, counted
