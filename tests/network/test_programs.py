"""The network's programs in the guest, all on one boot: httpd for clients on this host, while the driver and `net` end again and again,
what it shows to a browser, and the programs that show, measure and record. Ports lead into the guest through QEMU's network.
KEELSON_NIC="e1000 e1000e" tests/run network takes other cards."""
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETPERF = ROOT / "build/tests/host/programs/netperf"
SECONDS = 240
FILE_BLOCKS = 128  # of 64 KiB
# It ends when the host fetches /end. What the host wants to know is printed as "NAME: ..." lines, and served from /tmp.
SCRIPT = """
cd /tmp
echo up > hello.txt
dd if=/dev/urandom of=large bs=64k count={blocks} 2>/dev/null
while ! ping -q -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; do sleep 0.2; done
sha256sum large > sum.part
httpd -v -p 80 /tmp > requests &
ip > ip.txt; ip route > route.txt; ip neighbour > neighbour.txt; ip link >> ip.txt; dhcp > dhcp.txt
host 127.0.0.1 > host.txt; host localhost >> host.txt
traceroute -m 4 10.0.2.2 > trace.txt
capture -c 12 -w frames 2> count.txt &
ping -c 6 -i 100 10.0.2.2 > /dev/null; wait %2
for what in w r l c u; do netperf -t 1 -p {port} -$what 10.0.2.2; done > netperf.txt 2>&1
netstat -a > sockets.txt; netstat -s > counters.txt
ip address add 10.9.8.7/24 eth0 && ip address >> ip.txt; ip address delete 10.9.8.7/24 eth0
ip nonsense 2>&1; ip link set nothing up 2>&1; ip route add 1.2.3.4/99 eth0 2>&1; dhcp nothing 2>&1
mv sum.part sum
while ! grep -q -e "/kill" -e "/end" requests; do sleep 0.1; done
grep -q "/end" requests || chaos -q -r 5 -s 8 {driver} net > chaos.txt 2>&1
mv chaos.txt chaos
while ! grep -q "/end" requests; do sleep 0.1; done
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    def __init__(self, folder, nic, driver):
        self.port, perf = free_port(), free_port()
        self.netperf = subprocess.Popen([NETPERF, "-s", "-p", str(perf)], stdout=subprocess.DEVNULL)
        script = SCRIPT.format(blocks=FILE_BLOCKS, port=perf, driver=driver)
        self.output = (folder / "output").open("w+")
        self.process = subprocess.Popen([ROOT / "image/run", "--fresh-disk", "--nic", nic, "--forward", f"{self.port}:80", "--timeout",
                                         str(SECONDS), "-c", script], stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    def get(self, path, **fields):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=fields)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def wait_for(self, path):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.get(path)
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
        self.output.seek(0)
        raise AssertionError(f"no {path}\n{self.output.read()}")

    def end(self):
        self.netperf.kill()
        self.netperf.wait()
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module", params=os.environ.get("KEELSON_NIC", "virtio").split())
def guest(request, tmp_path_factory):
    driver = "virtio_net" if request.param == "virtio" else "e1000"
    started = Guest(tmp_path_factory.mktemp("guest"), request.param, driver)
    try:
        started.sum = started.wait_for("/sum").split()[0].decode()
        yield started
        with pytest.raises(OSError):
            started.get("/end")  # 404
        assert started.process.wait(60) == 0
    finally:
        started.end()


def test_files(guest):
    large = guest.get("/large")
    assert len(large) == FILE_BLOCKS << 16 and hashlib.sha256(large).hexdigest() == guest.sum
    assert guest.get("/large", Range="bytes=65530-65549") == large[65530:65550]
    assert b'href="large"' in guest.get("/")


def test_interfaces(guest):
    text = guest.get("/ip.txt").decode()
    assert re.search(r"2: eth0 +up mtu 1500 52:54:00:12:34:56", text) and "    10.0.2.15/24" in text and "    127.0.0.1/8" in text
    assert "    10.9.8.7/24" in text
    assert "default via 10.0.2.2 eth0" in guest.get("/route.txt").decode()
    assert re.search(r"^10\.0\.2\.2 eth0 52:55:0a:00:02:02", guest.get("/neighbour.txt").decode(), re.M)
    lease = guest.get("/dhcp.txt").decode()
    assert "eth0: bound" in lease and "router       10.0.2.2" in lease and "name server  10.0.2.3" in lease


def test_names_and_ways(guest):
    assert "localhost has address 127.0.0.1" in guest.get("/host.txt").decode()
    trace = guest.get("/trace.txt").decode().splitlines()
    assert len(trace) == 2 and re.match(r" 1  10\.0\.2\.2( +[0-9.]+ ms){3}", trace[1])


def test_capture_is_read_by_tshark(guest, tmp_path):
    (tmp_path / "frames").write_bytes(guest.get("/frames"))
    done = subprocess.run(["tshark", "-n", "-r", tmp_path / "frames", "-T", "fields", "-e", "ip.src", "-e", "icmp.type"],
                          capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 12 and {"10.0.2.15\t8", "10.0.2.2\t0"} <= set(lines)
    assert guest.get("/count.txt") == b"12 frames\n"
    bad = subprocess.run(["tshark", "-n", "-r", tmp_path / "frames", "-o", "ip.check_checksum:TRUE", "-Y",
                          "_ws.malformed || ip.checksum.status == 0 || icmp.checksum.status == 0"], capture_output=True, text=True, check=True)
    assert bad.stdout == ""


def test_measurements(guest):
    text = guest.get("/netperf.txt").decode()
    for what in ("sent: [1-9]", "received: [1-9]", "round trips: [1-9]", "connections: [1-9]", "datagrams: [1-9]"):
        assert re.search(what, text), text
    assert re.search(r"^tcp .* \*:80 .* LISTEN$", guest.get("/sockets.txt").decode(), re.M)
    counters = dict(line.split()[::-1] for line in guest.get("/counters.txt").decode().splitlines())
    assert int(counters["frames_in"]) > 100 and int(counters["frames_out"]) > 100


def test_status_in_a_browser(guest, tmp_path):
    figures = json.loads(guest.get("/status.json"))
    roles = {role["name"]: role for role in figures["roles"]}
    assert "ext2" in roles["vfs"]["calls"] and "devices" in roles["e1000"]["calls"] and "net" in roles["boot"]["calls"]
    assert figures["machine"]["messages"] > 1000 and roles["net"]["state"] == "running"
    done = subprocess.run([shutil.which("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
                           "--virtual-time-budget=8000", "--dump-dom", f"http://127.0.0.1:{guest.port}/status"],
                          capture_output=True, text=True, check=True, timeout=120)
    page = done.stdout
    assert 'data-ready="yes"' in page and '<small id="gone"></small>' in page
    for name in roles:
        assert f'data-n="{name}"' in page and f'id="row-{name}"' in page
    assert 'data-a="vfs" data-b="ext2"' in page and re.search(r'id="card-messages">.*?<b>[0-9.]+ ?[kM]? /s</b>', page)


def test_many_clients(guest):
    """All connections are open at once. They are opened one by one: of forty SYNs at a time QEMU's user network sends some only when it repeats them, after 6
    to 48 seconds, and gives others up (seen in captures: each that came to the guest was answered)."""
    answers, connections = [], [http.client.HTTPConnection("127.0.0.1", guest.port, timeout=300) for _ in range(40)]

    def ask(connection, times):
        for _ in range(times):
            connection.request("GET", "/hello.txt")
            answers.append(connection.getresponse().read())

    for connection in connections:
        ask(connection, 1)
    threads = [threading.Thread(target=ask, args=(connection, 4)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()
    assert answers == [b"up\n"] * 200


def test_driver_and_net_end_while_files_are_fetched(guest):
    with pytest.raises(OSError):
        guest.get("/kill")  # 404: the script sees it in httpd's lines
    fetched, ends = 0, time.monotonic() + 120
    while time.monotonic() < ends:
        assert hashlib.sha256(guest.get("/large")).hexdigest() == guest.sum
        fetched += 1
        try:
            table = guest.get("/chaos").decode()
            break
        except OSError:
            pass
    kills = {line.split()[0]: int(line.split()[1]) for line in table.splitlines() if re.match(r"\w+ +\d+ +running", line)}
    assert fetched >= 1 and sum(kills.values()) >= 30 and len(kills) == 2, table
