"""sendfile in the guest (tests/network/sends.c), for clients on this host: every byte right, and read by the card where the card fills in
sums; nothing of it is left when it is over; servers, the driver and the sending process end meanwhile. `e1000` does so on QEMU's own
network, virtio only with a tap device as its other end (needs root): without, the same is copied."""
import hashlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/fault"), str(ROOT / "tests/host/net")]
import guest as machine  # noqa: E402 pylint: disable=wrong-import-position
import test_linux as linux  # noqa: E402 pylint: disable=wrong-import-position

BLOCKS, REST = 81, 12345
SIZE = BLOCKS * 65536 + REST
PORT, ABORTS, SECONDS = 81, 40, 240
SLACK = 768 << 10  # a heap grows by half a MiB and a page at a time; one range of the file that is left over is more
OTHERS = ("net_other", "ext2_other")
HOSTILE = ("behind-the-end", "over-the-end", "overflow", "overflow-offset", "flags", "too-little", "too-large", "no-dma", "no-read",
           "no-pages", "no-memory", "datagrams", "unconnected", "taken-back")
SCRIPT = """mkdir -p /root; dd if=/dev/urandom of=/root/file bs=65536 count={blocks} 2>/dev/null
dd if=/dev/urandom bs={rest} count=1 2>/dev/null >> /root/file
{before}
while true; do sends {port} /root/file; done > /tmp/log 2>&1 &
sha256sum /root/file
while ! test -e /tmp/kill; do sleep 0.2; done
chaos -q -r 5 -s 8 {victims} > /tmp/chaos 2>&1
cat /tmp/chaos; echo over
while ! test -e /tmp/reload; do sleep 0.2; done
for i in 1 2; do for name in net ext2; do for file in /builds/${{name}}_other /sbin/$name; do
service reload $name $file || echo BAD; sleep 0.3; done; done; done; echo reloaded
while true; do sleep 1; done"""


class Guest:
    """A guest with `sends`; `tap`: its card's other end is tap0. `before`: what its shell does first, `blocks`: of 64 KiB, the file's."""

    def __init__(self, nic, tap, victims, *, memory="128M", before="true", blocks=BLOCKS):
        arguments = ["--nic", nic, "--memory", memory]
        if tap:
            arguments += ["--tap", "tap0"]
            self.address = ("10.9.0.2", PORT)
        else:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.address = probe.getsockname()
        before += "; ip address add 10.9.0.2/24 eth0" if tap else ""
        script = SCRIPT.format(blocks=blocks, rest=REST, port=PORT, victims=victims, before=before)
        self.folder = tempfile.TemporaryDirectory(prefix="keelson-")
        disk = pathlib.Path(self.folder.name, "disk.img")
        machine.copy_disk(machine.base_disk("tests/network/sends"), disk, [(f"builds/{name}", machine.stripped(name)) for name in OTHERS])
        self.machine = machine.Guest(script, disk, arguments=arguments)
        if not tap:
            line = f"hostfwd_add network tcp:127.0.0.1:{self.address[1]}-:{PORT}"
            assert self.machine.monitor("human-monitor-command", **{"command-line": line}) == ""

    def __enter__(self):
        self.machine.run(silence=120, until=b"/root/file\n")
        self.sum = self.machine.output.split()[0].decode()
        return self

    def __exit__(self, *_):
        self.machine.end()
        self.folder.cleanup()

    def connect(self, what):
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = socket.create_connection(self.address, timeout=60)
                connection.sendall(what)
                return connection
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)

    def get(self, what):
        """All that it sends. QEMU's own network takes a connection before the guest does, so one that brings nothing is tried again."""
        deadline = time.monotonic() + SECONDS
        while True:
            with self.connect(what) as connection:
                data = bytearray()
                try:
                    while part := connection.recv(1 << 20):
                        data += part
                except OSError:
                    data.clear()
            if data or time.monotonic() > deadline:
                return bytes(data)
            time.sleep(0.2)

    def figures(self, what):
        return dict(line.split()[::-1][:2] for line in self.get(what).decode().splitlines() if len(line.split()) == 2)

    def by_card(self):
        counters = self.figures(b"n")
        return int(counters.get("file_bytes_by_card", 0)), int(counters.get("file_bytes_copied", 0))

    def charged(self):
        """What ext2 and net have promised to pay for: memory objects that are left over are among it."""
        lines = [line.split() for line in self.get(b"a").decode().splitlines()]
        return {name: int(count) for _, count, name in lines if name in ("ext2", "net")}

    def is_whole(self, what):
        return hashlib.sha256(self.get(what)).hexdigest() == self.sum


def check_bytes(guest, carried):
    assert guest.is_whole(b"s")
    assert guest.is_whole(b"p") and guest.is_whole(b"c")
    now, copied = guest.by_card()
    assert copied == 0
    if carried:  # all but what is too little at the end
        assert now >= 2 * (SIZE // (1 << 20) << 20), now
    else:
        assert now == 0


def check_changes(guest):
    data = guest.get(b"t")
    assert len(data) == 1 << 20  # whatever stood there when it was sent
    begun = guest.by_card()[0]
    assert guest.is_whole(b"s") and guest.by_card()[0] > begun


def check_hostile(guest):
    answer = guest.get(b"h")
    for name in HOSTILE:
        assert re.search(rb"(?<![a-z-])" + name.encode() + rb" 1\n", answer), (name, answer[:400])
    assert len(re.sub(rb"[a-z-]+ \d\n", b"", answer)) == 65536


def check_ends(guest, carried):
    """Clients that go away, and a process that does: what it sent arrives; and nothing is left of any."""
    whole = guest.get(b"c")
    before = guest.charged()
    for _ in range(ABORTS):
        with guest.connect(b"s") as connection:
            assert whole.startswith(connection.recv(100000))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    for _ in range(3):
        assert guest.get(b"x") == whole[:1 << 20] if carried else whole.startswith(guest.get(b"x"))
    deadline = time.monotonic() + 60
    while any(after > before[name] + SLACK for name, after in guest.charged().items()) and time.monotonic() < deadline:
        time.sleep(1)
    after = guest.charged()
    assert all(after[name] <= before[name] + SLACK for name in before), (before, after)
    begun = guest.by_card()[0]
    assert guest.is_whole(b"s")
    assert not carried or guest.by_card()[0] - begun >= SIZE // (1 << 20) << 20


def check_kills(guest, carried):
    """Roles end while files are sent. A connection outlives all of it."""
    begun = len(guest.machine.output)
    guest.get(b"k")
    fetched = 0
    while b"over\n" not in guest.machine.output[begun:]:
        assert guest.is_whole(b"s")
        fetched += 1
        while guest.machine.step(0):
            pass
    kills = re.findall(rb"(\w+) +(\d+) +running", guest.machine.output[begun:])
    assert fetched >= 3 and len(kills) == 3 and sum(int(count) for _, count in kills) >= 20, guest.machine.output[begun:]
    check_ends(guest, carried)


def check_reloads(guest, carried):
    """net and ext2 go to other builds and back while pages are lent."""
    begun = len(guest.machine.output)
    guest.get(b"r")
    while b"reloaded\n" not in guest.machine.output[begun:]:
        assert guest.is_whole(b"s")
        while guest.machine.step(0):
            pass
    assert b"BAD" not in guest.machine.output[begun:], guest.machine.output[begun:]
    check_ends(guest, carried)


def check_all(nic, tap, carried):
    driver = "virtio_net" if nic == "virtio" else "e1000"
    with Guest(nic, tap, f"{driver} net ext2") as guest:
        check_bytes(guest, carried)
        if carried:
            check_changes(guest)
            check_hostile(guest)
        check_ends(guest, carried)
        check_kills(guest, carried)
        check_reloads(guest, carried)


def test_e1000():
    check_all("e1000", False, True)


def test_virtio_without_sums():
    with Guest("virtio", False, "net") as guest:
        check_bytes(guest, False)


def test_virtio_on_a_tap_device():
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
    if done.returncode == linux.SKIPPED:
        pytest.skip("needs root and /dev/net/tun")
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    if not linux.enter_namespace():
        sys.exit(linux.SKIPPED)
    linux.set_up()
    check_all("virtio", True, True)
