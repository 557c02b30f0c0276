"""poll over sockets (tests/network/polls.c); sendmmsg and recvmmsg in the guest (tests/network/batches.c): over loopback and with this host, which sends back what it gets; the same while `net` is
ended ten times a second, while it goes to other builds, and while it ends at chosen stores: nothing comes twice, and over loopback everything comes."""
import pathlib
import re
import socket
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/fault")]
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position

CASES, FAST = 31 + 10, 2000
STORES, STEP = 2000, 37  # from the message on that sets the point
SCRIPT = """while ! ping -q -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; do sleep 0.2; done
batches 10.0.2.2 {plain} || echo BAD; /builds/polls || echo BAD
netstat -s | grep frames_out; batches -s 10.0.2.2 {quiet} {fast} || echo BAD
netstat -s | grep frames_out; batches -S 10.0.2.2 {quiet} {fast} || echo BAD
chaos -q -r 10 net -- batches -k 10.0.2.2 {once} 10 2>&1 || echo BAD
chaos -q -r 10 net -- batches -s 10.0.2.2 {quiet} {long} 2>/dev/null || echo BAD
batches -s 10.0.2.2 {quiet} {long} || echo BAD &
batches -k 10.0.2.2 {again} 6 || echo BAD &
for i in 1 2 3 4 5; do for file in /builds/net_other /sbin/net; do service reload net $file || echo BAD; sleep 0.2; done; done
wait
batches -k 10.0.2.2 {third} 8 || echo BAD &
i=1; while test $i -lt {stores}; do service point net store $i || echo BAD; i=$((i+{step})); sleep 0.1; done
wait; echo over"""


class Echo(threading.Thread):
    """Sends datagrams back; `once`: each only the first time; `quiet`: none. A frame of an actor that ends may go out twice, and that is the network's right."""

    def __init__(self, once=False, quiet=False):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.quiet = quiet
        self.port, self.seen = self.socket.getsockname()[1], set() if once else None
        self.start()

    def run(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            if self.quiet or (self.seen is not None and data in self.seen):
                continue
            if self.seen is not None:
                self.seen.add(data)
            self.socket.sendto(data, sender)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    disk = tmp_path_factory.mktemp("guest") / "disk.img"
    machine.copy_disk(machine.base_disk("tests/network/batches"), disk, [("builds/net_other", machine.stripped("net_other")), ("builds/polls", machine.stripped("polls", "tests/network"))])
    script = SCRIPT.format(plain=Echo().port, once=Echo(once=True).port, again=Echo(once=True).port,
                           third=Echo(once=True).port, stores=STORES, step=STEP,
                           quiet=Echo(quiet=True).port, fast=FAST, long=10 * FAST)
    guest = machine.Guest(script, disk, arguments=["--memory", "128M"])
    try:
        guest.run(silence=60)
        return guest.output.decode()
    except machine.Silent as silent:
        raise AssertionError(guest.output.decode() + guest.log.decode()) from silent
    finally:
        guest.end()


def test_cases(output):
    assert "BAD" not in output and len(re.findall(r"^[a-z-]+ good$", output, re.M)) == CASES and "\nend\n" in output, output


def test_nothing_is_lost_for_want_of_room(output):
    before, after = (int(count) for count in re.findall(r"(\d+) frames_out", output))
    assert after - before >= FAST, output


def test_kills_and_reloads(output):
    runs = [[int(word) for word in line] for line in re.findall(r"^loop (\d+) of (\d+), host (\d+) of (\d+)$", output, re.M)]
    kills = re.search(r"^net +(\d+) +running", output, re.M)
    assert len(runs) == 3 and kills and int(kills[1]) >= 30 and output.endswith("over\n"), output
    for loop, loop_sent, host, host_sent in runs:
        assert loop == loop_sent >= 1000 and 0 < host <= host_sent, output
