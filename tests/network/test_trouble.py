"""What programs and the log say when the network fails, how soon, and that all goes on by itself afterwards: no configuration, a DHCP server that is not there, comes and
goes, a configuration with mistakes; the cable out, a server that falls silent, a peer that vanishes. Times are those of docs/network-failures.md."""
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Guest:
    def __init__(self, script, *options, qemu=()):
        self.process = subprocess.Popen([ROOT / "image/run", "--fresh-disk", "--memory", "64M", "--timeout", "150", *options, "-c", script, "--", *qemu],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.text = ""
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.text += line

    def wait_for(self, pattern, seconds=60):
        ends = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text, re.M)):
            assert time.monotonic() < ends and self.thread.is_alive(), f"no {pattern!r} in\n{self.text}"
            time.sleep(0.02)
        return found

    def end(self):
        try:
            assert self.process.wait(60) == 0, self.text
        finally:
            self.process.kill()
        self.thread.join()
        return self.text


def log_time(text, pattern):
    """When the first line of the log that fits was written, in seconds since the start."""
    return float(re.search(rf"^\[ *(\d+\.\d+)\] net: {pattern}", text, re.M)[1])


WIRE_SCRIPT = r"""
await() { while ! dmesg | grep -q "$1"; do sleep 0.1; done; echo "seen: $1"; }
time ping -c 1 10.0.2.2 2>&1
await 'no DHCP server answers, there is no address yet'
await 'is 10.0.2.15, given by 10.0.2.2'
ping -c 1 10.0.2.2 | tail -n 2
await 'no DHCP server answers, 10.0.2.15 is lost in'
await 'has lost its address'
ping -c 1 10.0.2.2 2>&1
while ! ping -q -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; do sleep 0.2; done; echo back
printf 'interface eth0\n address 10.0.2.50/24\n route default via 10.0.2.2\n name-server 10.0.2.9\n' > /etc/network.conf
printf 'interface eth0\n address 10.0.2.50\n' > /tmp/bad
ip configure /tmp/bad 2>&1; echo status $?
ip configure && ip address && ip route && dhcp
ping -q -c 1 10.0.2.2
printf 'interface eth0\n dhcp\n' > /tmp/again; ip configure /tmp/again; while ! ip address | grep -q 10.0.2.15/24; do sleep 0.1; done; ip address
env ip link set eth0 down 2>&1; echo status $?
echo 'interface eth0 eth1' > /etc/network.conf
dmesg | grep net:
"""


def test_dhcp_server_comes_and_goes(tmp_path):
    cable = wire.Wire(tmp_path)
    guest = Guest(WIRE_SCRIPT, "--nic", "none", qemu=cable.arguments())
    try:
        guest.wait_for("network unreachable")
        guest.wait_for("seen: no DHCP server answers, there")
        cable.serves, cable.lease = True, 6
        guest.wait_for("seen: is 10.0.2.15", 20)
        renewed = cable.count("request")
        guest.wait_for("1 sent, 1 answered")
        while cable.count("request") < renewed + 2:  # renewed, more than once
            time.sleep(0.05)
        cable.serves = False
        guest.wait_for("seen: no DHCP server answers, 10.0.2.15 is lost", 20)
        guest.wait_for("seen: has lost its address", 20)
        cable.serves, cable.lease = True, 3600
        guest.wait_for("^back", 30)
        text = guest.end()
    finally:
        guest.process.kill()
        cable.end()
    assert float(re.search(r"real (\d+\.\d+)", text)[1]) < 6
    assert log_time(text, "eth0: no DHCP server answers, there is no address yet") < 12
    assert 3 < log_time(text, "eth0 has lost its address") - log_time(text, "eth0: no DHCP server answers, 10") + 3 < 6
    assert "network unreachable" in text and re.search(r"status 1\n", text)
    assert "ip: /tmp/bad:2: `address ADDRESS/BITS` is wanted, as 192.0.2.7/24; nothing is changed" in text
    assert "    10.0.2.50/24" in text and "eth0: static" in text and "default via 10.0.2.2 eth0" in text
    assert any(event[1] == "release" for event in cable.events)
    assert "ip: eth0: operation not permitted" in text  # env is not named in /etc/grants


LINK_SCRIPT = """
echo 'nameserver [10.0.2.2]:{silent}' > /etc/resolv.conf; echo 'options timeout:1 attempts:2' >> /etc/resolv.conf
(http -q -o /tmp/file http://10.0.2.2:{port}/ 2>&1 && sha256sum < /tmp/file; echo "http ended $?") &
while ! dmesg | grep -q 'no link'; do sleep 0.1; done
ping -c 1 10.0.2.2 2>&1; ip link | grep 'no link'
echo 'the cable is out'
while ! dmesg | grep -q 'eth0: the link is up'; do sleep 0.1; done; echo 'the cable is in'
wait; ping -q -c 1 10.0.2.2 | grep answered
time http -q -t 2 http://10.0.2.2:{port}/silent 2>&1
time host www.example 2>&1; true
"""


class Half(threading.Thread):
    """Serves the first half of a file, and the rest when it is told to; /silent gets nothing."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.data = os.urandom(400_000)
        self.half_sent, self.goes_on = threading.Event(), threading.Event()
        self.start()

    def run(self):
        kept = []
        while True:
            one, _ = self.socket.accept()
            kept.append(one)
            if b"/silent" in one.recv(4096):
                continue
            one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.data) + self.data[:200_000])
            self.half_sent.set()
            self.goes_on.wait()
            one.sendall(self.data[200_000:])


def monitor(path, *commands):
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(path))
        lines = control.makefile("rw")
        lines.readline()
        for name, arguments in (("qmp_capabilities", {}), *commands):
            lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            lines.flush()
            while "event" in (answer := json.loads(lines.readline())):
                pass
            assert "return" in answer, answer


def test_cable_out_and_silent_servers(tmp_path):
    server = Half()
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    control = tmp_path / "control"
    guest = Guest(LINK_SCRIPT.format(port=server.socket.getsockname()[1], silent=silent.getsockname()[1]), "--forward", f"{free_port()}:80",
                  qemu=["-qmp", f"unix:{control},server=on,wait=off"])
    try:
        assert server.half_sent.wait(60), guest.text
        monitor(control, ("set_link", {"name": "card", "up": False}))
        guest.wait_for("the cable is out", 20)
        server.goes_on.set()
        time.sleep(2)
        monitor(control, ("set_link", {"name": "card", "up": True}))
        guest.wait_for("http ended 0", 30)
        text = guest.end()
    finally:
        guest.process.kill()
    assert hashlib.sha256(server.data).hexdigest() in text
    assert "ping: 10.0.2.2: network is down" in text and re.search(r"eth0 .*no link", text)
    assert "1 sent, 1 answered" in text and "http: receiving: the server has sent nothing for 2 s" in text
    assert "host: www.example: no name server answers" in text
    first, second = map(float, re.findall(r"real (\d+\.\d+)", text))
    assert 1.5 < first < 4 and 1.5 < second < 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
