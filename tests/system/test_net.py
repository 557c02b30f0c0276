"""The network of the guest against this host through QEMU's own: addresses by DHCP, echoes, files both ways, and the same while
`net` and the card's driver are ended again and again. Not a byte may differ."""

import hashlib
import http.server
import os
import socket
import threading

from test_shell import run

BYTES = 12 << 20


class Files(http.server.BaseHTTPRequestHandler):
    data = os.urandom(BYTES)

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data)

    def log_message(self, *_):
        pass


class Sink(threading.Thread):
    """Takes connections and notes the sum of what each brought."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.sums = []
        self.start()

    def run(self):
        while True:
            one, _ = self.socket.accept()
            digest = hashlib.sha256()
            while block := one.recv(65536):
                digest.update(block)
            self.sums.append(digest.hexdigest())
            one.close()


def test_files_both_ways_while_servers_end():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sink = Sink()
    source, to = f"http://10.0.2.2:{server.server_port}", sink.socket.getsockname()[1]
    script = f"""
while ! ping -q -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; do sleep 0.2; done
cd /tmp
ping -c 3 -i 100 10.0.2.2 | tail -n 2
http -o a {source}/moved && sha256sum < a
nc -w 30 10.0.2.2 {to} < a
chaos -r 10 net virtio_net -- http -o b {source}/file >/dev/null && sha256sum < b
chaos -r 10 net virtio_net -- nc -w 30 10.0.2.2 {to} < a >/dev/null
nc 10.0.2.2 1 </dev/null 2>&1
ping -q -c 2 -i 100 127.0.0.1 | grep answered
echo abc > c; nc -l 127.0.0.1 9000 > d & sleep 0.3; nc 127.0.0.1 9000 < c; wait; cmp c d && echo same
"""
    done = run(script, "--memory", "128M", seconds=240)
    server.shutdown()
    wanted = hashlib.sha256(Files.data).hexdigest()
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, done
    assert lines[0] == "3 sent, 3 answered, 0% lost", done
    assert lines[2].split()[0] == wanted and lines[3].split()[0] == wanted, done
    assert sink.sums == [wanted, wanted], (sink.sums, done)
    assert lines[4] == "nc: 10.0.2.2: connection refused", done
    assert lines[5:] == ["2 sent, 2 answered, 0% lost", "same"], done
