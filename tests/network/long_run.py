"""The long runs of the network (`tests/run --long network`), each on a boot of its own; every byte is compared.

files: 100 MB each way: a client on this host from the guest's httpd, out of an ext2 disk; the guest's http from a server on this host onto it.
kills: the card's driver and net are each ended once a second during 60 s of transfers both ways, requests and connections that are mostly idle; the same
       load runs before without kills. No connection may be lost. Printed: what is kept of the throughput, and the longest pause of a stream.
       On a host that does other things as well, the guest itself stands still at times: that is printed beside it.

linux: the guest against Linux on a tap device, quiet and rough, judged by tshark; flood: 10,000 connections, and floods (against_linux.py; root).
linux_guest: the guest against a Linux guest, their cards joined by a rough line (linux_guest.py).
stack: the stack alone against Linux, thousands of connections on each of nine rough lines (tests/host/net/test_linux.py; root).
exchanges: all of tests/exchanges that a guest can be asked, over both versions of IP.

KEELSON_NIC=e1000 takes another card."""
import hashlib
import http.client
import http.server
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NIC = os.environ.get("KEELSON_NIC", "virtio")
DRIVER = {"virtio": "virtio_net"}.get(NIC, "e1000")
FILE_BYTES = 100_000_000
OPTIONS = os.environ.get("KEELSON_RUN_OPTIONS", "").split()  # of image/run, as --capture FILE
STREAM_BYTES = 4 << 20
CALM_SECONDS, KILL_SECONDS = 20, 60
REQUESTERS, IDLE = 4, 30
IDLE_MOST, IDLE_EVERY = 25, 6  # seconds between two requests of an idle connection: httpd ends it after 30


class Source(http.server.BaseHTTPRequestHandler):
    """Serves one file to the guest."""
    protocol_version = "HTTP/1.1"
    data = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    def __init__(self, script, *options, seconds):
        self.port = free_port()
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([ROOT / "image/run", "--fresh-disk", "--nic", NIC, "--forward", f"{self.port}:80", "--timeout", str(seconds),
                                         *options, "-c", script], stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)

    def text(self):
        self.output.seek(0)
        return self.output.read()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def get(self, path, connection=None):
        one = connection or self.connect()
        one.request("GET", path)
        answer = one.getresponse()
        data = answer.read()
        if not connection:
            one.close()
        return answer.status, data

    def wait_for(self, path, seconds=120):
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and self.process.poll() is None:
            try:
                status, data = self.get(path)
                if status == 200:
                    return data
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.2)
        raise AssertionError(f"no {path}\n{self.text()}")

    def end(self):
        self.process.terminate()
        self.process.wait()


def serve(data):
    handler = type("Handler", (Source,), {"data": data})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run_files():
    data = os.urandom(FILE_BYTES)
    wanted = hashlib.sha256(data).hexdigest()
    server = serve(data)
    with tempfile.TemporaryDirectory() as folder:
        tree, disk = pathlib.Path(folder, "tree"), pathlib.Path(folder, "disk")
        tree.mkdir()
        (tree / "file").write_bytes(data)
        subprocess.run(["mke2fs", "-q", "-t", "ext2", "-d", tree, disk, "300M"], check=True)
        script = f"""mount -t ext2 /dev/disk1 /mnt && cd /mnt || exit 1
httpd -p 80 /mnt &
time http -q -o taken http://10.0.2.2:{server.server_port}/file > times 2>&1
sha256sum < taken > sum.part; sync; mv sum.part sum
while :; do sleep 1; done"""
        guest = Guest(script, "--disk", str(disk), seconds=900)
        try:
            sums = guest.wait_for("/sum", 600).decode().split()
            seconds_in = float(re.search(r"real (\S+)", guest.get("/times")[1].decode())[1]) if b"real" in guest.get("/times")[1] else 0
            began = time.monotonic()
            done = subprocess.run(["curl", "-sS", "-o", pathlib.Path(folder, "fetched"), f"http://127.0.0.1:{guest.port}/file"], check=False,
                                  capture_output=True, text=True, timeout=600)
            seconds_out = time.monotonic() - began
            fetched = pathlib.Path(folder, "fetched")
            got = hashlib.sha256(fetched.read_bytes()).hexdigest() if fetched.exists() else ""
        finally:
            guest.end()
            server.shutdown()
    right = sums[0] == wanted and got == wanted and done.returncode == 0
    rate_in = f"{FILE_BYTES / seconds_in / 1e6:.1f} MB/s" if seconds_in else "?"
    return right, f"{FILE_BYTES // 1000000} MB each way: sums {'equal' if right else 'DIFFER'}; in {rate_in}, out {FILE_BYTES / seconds_out / 1e6:.1f} MB/s"


class Load:
    """Streams and requests of this host, while `running`."""

    def __init__(self, guest, data, wanted):
        self.guest, self.wanted, self.data = guest, wanted, data
        self.running, self.began = True, time.monotonic()
        self.errors = []
        self.bytes = self.requests = self.idle_requests = self.late = 0
        self.pause = self.pause_at = 0.0
        works = [self.download] + [self.request] * REQUESTERS + [self.idle]
        self.threads = [threading.Thread(target=self.guarded, args=(work,)) for work in works]
        for thread in self.threads:
            thread.start()

    def guarded(self, work):
        try:
            work()
        except Exception as error:  # whatever it is, a connection was lost
            self.errors.append(f"{work.__name__} after {time.monotonic() - self.began:.1f} s: {error!r}")

    def download(self):
        """One connection; the time between two pieces is a pause."""
        connection = self.guest.connect()
        while self.running:
            connection.request("GET", "/large")
            answer, digest, last = connection.getresponse(), hashlib.sha256(), time.monotonic()
            while piece := answer.read(16384):
                digest.update(piece)
                self.bytes += len(piece)
                now = time.monotonic()
                if now - last > self.pause:
                    self.pause, self.pause_at = now - last, time.time()
                last = now
            assert digest.hexdigest() == self.wanted, "wrong bytes"

    def request(self):
        connection = self.guest.connect()
        while self.running:
            assert self.guest.get("/hello.txt", connection) == (200, b"hello\n"), "a wrong answer"
            self.requests += 1
            time.sleep(0.01)

    def idle(self):
        """Connections that ask once in a while. httpd ends one after 30 s without a request: on a host that is so busy, another takes its place."""
        connections = [(self.guest.connect(), time.monotonic()) for _ in range(IDLE)]
        while True:
            last = not self.running
            for number, (connection, used) in enumerate(connections):
                since = time.monotonic() - used
                try:
                    assert self.guest.get("/hello.txt", connection) == (200, b"hello\n"), "a wrong answer"
                    self.idle_requests += 1
                except Exception as error:
                    if since < IDLE_MOST:
                        raise AssertionError(f"connection {number}, unused for {since:.1f} s: {error!r}") from error
                    self.late += 1
                    connection = self.guest.connect()
                connections[number] = connection, time.monotonic()
            if last:
                return
            ends = time.monotonic() + IDLE_EVERY
            while self.running and time.monotonic() < ends:
                time.sleep(0.1)

    def end(self):
        self.running = False
        for thread in self.threads:
            thread.join()


def run_kills():
    data = os.urandom(STREAM_BYTES)
    wanted = hashlib.sha256(data).hexdigest()
    server = serve(data)
    url = f"http://10.0.2.2:{server.server_port}/data"
    script = f"""cd /tmp; echo hello > hello.txt; http -q -o large {url} || exit 1
httpd -v -p 80 /tmp > log &
(while [ ! -e stop ]; do http -q -o in {url} && cmp in large && echo 1 >> fetched || echo wrong >> errors; done) &
(while [ ! -e stop ]; do cat /proc/uptime >> beats; sleep 0.1; done) &
echo up > ready
while ! grep -q /calm log; do sleep 0.1; done
wc -l < fetched > calm; chaos -q -r 2 {DRIVER} net -- sleep {KILL_SECONDS} > table 2>&1; wc -l < fetched > total; mv table chaos
while ! grep -q /end log; do sleep 0.1; done
touch stop; kill %1; wait"""
    guest = Guest(script, *OPTIONS, seconds=CALM_SECONDS + KILL_SECONDS + 120)
    try:
        guest.wait_for("/ready")
        calm = Load(guest, data, wanted)
        time.sleep(CALM_SECONDS)
        calm.end()
        inward = {}
        rough = Load(guest, data, wanted)
        guest.get("/calm")
        table = guest.wait_for("/chaos", KILL_SECONDS + 60).decode()
        rough.end()
        for name in ("calm", "total"):
            inward[name] = int(guest.get(f"/{name}")[1])
        beats = [float(line.split()[0]) for line in guest.get("/beats")[1].decode().splitlines()]
        still = max(later - sooner for sooner, later in zip(beats, beats[1:])) - 0.1
        wrong = guest.get("/errors")[1].decode() if guest.get("/errors")[0] == 200 else ""
        guest.get("/end")
    finally:
        guest.end()
        server.shutdown()
    kills = {line.split()[0]: line.split()[1] for line in table.splitlines() if re.match(r"\w+ +\d+ +running", line)}
    rates = [load.bytes / seconds / 1e6 for load, seconds in ((calm, CALM_SECONDS), (rough, KILL_SECONDS))]
    inward_rates = [inward["calm"] * STREAM_BYTES / CALM_SECONDS / 1e6, (inward["total"] - inward["calm"]) * STREAM_BYTES / KILL_SECONDS / 1e6]
    asked = [calm.requests / CALM_SECONDS, rough.requests / KILL_SECONDS]
    errors = calm.errors + rough.errors + wrong.splitlines()
    lines = [f"ended in {KILL_SECONDS} s: " + ", ".join(f"{name} {count} times" for name, count in kills.items()),
             f"out  {rates[0]:6.1f} MB/s before, {rates[1]:6.1f} while they end ({100 * rates[1] / rates[0]:.0f} %)",
             f"in   {inward_rates[0]:6.1f} MB/s before, {inward_rates[1]:6.1f} while they end ({100 * inward_rates[1] / max(inward_rates[0], 0.01):.0f} %)",
             f"requests/s {asked[0]:.0f} before, {asked[1]:.0f} while they end; {rough.idle_requests} over {IDLE} connections that are mostly idle"
             + (f" ({calm.late + rough.late} unused for so long that httpd ended them)" if calm.late + rough.late else ""),
             f"longest pause of the stream out: {1000 * calm.pause:.0f} ms before, {1000 * rough.pause:.0f} ms while they end",
             f"longest time that the whole guest stood still, as its own clock tells (this host was busy): {1000 * still:.0f} ms",
             "errors: " + ("none" if not errors else "; ".join(errors[:5])), table]
    return not errors and len(kills) == 2, "\n".join(lines)


def run_program(*words):
    """A program of the tests; what it says last is its verdict's text."""
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def run_others():
    """(name, work) of what is a program of its own."""
    tests, python = ROOT / "tests", ("/usr/bin/python3", "-B")
    return (("stack", lambda: run_program(*python, tests / "host/net/test_linux.py", ROOT / "build/tests/host/net/net_tap", "long")),
            ("linux", lambda: run_program(*python, tests / "network/against_linux.py", "quiet", "rough")),
            ("linux_guest", lambda: run_program(*python, tests / "network/linux_guest.py")),
            ("flood", lambda: run_program(*python, tests / "network/against_linux.py", "flood")),
            ("exchanges", lambda: run_program(*python, tests / "exchanges/guest_stack.py", *sorted((tests / "exchanges").glob("*.exchange")))))


def main(ledger, commit, _resume, chunks):
    """All runs, `chunks` times (once); a line each in the ledger. 1 at the first failure, else 0."""
    for _ in range(chunks or 1):
        for name, work in (("files", run_files), ("kills", run_kills), *run_others()):
            right, text = work()
            verdict = "passed" if right else "failed"
            with ledger.open("a", encoding="ascii") as file:
                file.write(f"{commit} network {name} {NIC} {verdict}: {' | '.join(text.splitlines()[:6])}\n")
            print(f"{name}, {NIC}: {verdict}\n{text}", flush=True)
            if not right:
                return 1
    return 0
