"""httpd, built for the host under the sanitizers, against clients that behave and that do not."""
import email.utils
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess

import pytest

PROGRAM = pathlib.Path(os.environ["PROGRAMS"]) / "httpd"
LARGE = bytes(random.Random(1).randbytes(3_000_001))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("www")
    (root / "secret").write_text("outside")
    www = root / "served"
    (www / "sub dir/deep").mkdir(parents=True)
    (www / "sub dir/a<b>&'.txt").write_text("odd name")
    (www / "site").mkdir()
    (www / "site/index.html").write_text("<p>index</p>")
    (www / "hello.txt").write_text("hello, world\n")
    (www / "empty").write_bytes(b"")
    (www / "large.bin").write_bytes(LARGE)
    (www / ".hidden").write_text("x")
    return www


@pytest.fixture(scope="module")
def port(tree):
    number = free_port()
    process = subprocess.Popen([PROGRAM, "-v", "-n", "400", "-p", str(number), tree], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"listening" in process.stdout.readline()
    os.set_blocking(process.stdout.fileno(), False)
    yield number
    assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGTERM)
    process.wait()
    assert process.stderr.read() == b""


def get(port, path, method="GET", **fields):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
    answer = client.getresponse()
    return answer, answer.read()


def raw(port, data):
    """What comes back until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(data)
        answer = b""
        try:
            while part := client.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def status_of(answer):
    return int(answer.split()[1])


def test_file(port):
    answer, body = get(port, "/hello.txt")
    assert (answer.status, body) == (200, b"hello, world\n")
    assert answer.getheader("Content-Type") == "text/plain; charset=utf-8"
    assert email.utils.parsedate_to_datetime(answer.getheader("Date"))
    answer, body = get(port, "/hello.txt", "HEAD")
    assert (answer.status, answer.getheader("Content-Length"), body) == (200, "13", b"")
    assert get(port, "/empty")[1] == b""


def test_large_file_is_whole(port):
    assert hashlib.sha256(get(port, "/large.bin")[1]).digest() == hashlib.sha256(LARGE).digest()


@pytest.mark.parametrize("field, status, part", [
    ("bytes=0-0", 206, LARGE[:1]), ("bytes=100-199", 206, LARGE[100:200]), ("bytes=-5", 206, LARGE[-5:]),
    ("bytes=3000000-", 206, LARGE[3000000:]), ("bytes=5-99999999", 206, LARGE[5:]), ("bytes=-99999999", 206, LARGE),
    ("bytes=3000001-", 416, None), ("bytes=-0", 416, None), ("bytes=9-5", 200, LARGE), ("bytes= 1-2 , ", 206, LARGE[1:3]), ("bytes=4-4,5000000-", 206, LARGE[4:5]),
    ("bytes=5000000-,6000000-", 416, None), ("bytes=1-2,x", 200, LARGE), ("bytes=1-2 4-5", 200, LARGE), ("bytes=,", 200, LARGE),
    ("bytes=0-,0-", 200, LARGE), ("bytes=" + ",".join(f"{i}-{i}" for i in range(0, 18, 2)), 200, LARGE),
    ("lines=1-2", 200, LARGE), ("bytes=99999999999999999999-", 200, LARGE)])
def test_ranges(port, field, status, part):
    answer, body = get(port, "/large.bin", Range=field)
    assert answer.status == status
    if part is not None:
        assert body == part
    if status == 206:
        first, last, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.getheader("Content-Range")).groups())
        assert (LARGE[first:last + 1], size) == (part, len(LARGE))
    elif status == 416:
        assert answer.getheader("Content-Range") == f"bytes */{len(LARGE)}"


def test_several_ranges(port):
    wanted = [(0, 99), (2999990, 3000000), (50, 60), (1000000, 1199999)]
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(2):  # on one connection
        client.request("GET", "/large.bin", headers={"Range": "bytes=0-99, -11 ,50-60,9999999-,1000000-1199999"})
        answer = client.getresponse()
        body = answer.read()
        boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", answer.getheader("Content-Type"))[1]
        assert answer.status == 206 and answer.getheader("Content-Range") is None and int(answer.getheader("Content-Length")) == len(body)
        text = body
        for first, last in wanted:
            head = (f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {first}-{last}/{len(LARGE)}\r\n\r\n").encode()
            assert text.startswith(head)
            text = text[len(head):]
            assert text[:last - first + 1] == LARGE[first:last + 1]
            text = text[last - first + 1:]
        assert text == f"\r\n--{boundary}--\r\n".encode()
    client.request("GET", "/hello.txt", headers={"Range": "bytes=0-1,7-8"})  # a small file
    body = client.getresponse().read()
    assert body.count(b"\r\n\r\n") == 2 and b"bytes 0-1/13\r\n\r\nhe\r\n--" in body and b"bytes 7-8/13\r\n\r\nwo\r\n--" in body
    client.request("GET", "/hello.txt")
    assert client.getresponse().read() == b"hello, world\n"


def test_what_is_not_changed_is_not_sent(port, tree):
    answer, _ = get(port, "/hello.txt")
    tag, date = answer.getheader("ETag"), answer.getheader("Last-Modified")
    for fields in ({"If_None_Match": tag}, {"If_None_Match": f'"other", W/{tag}'}, {"If_None_Match": "*"}, {"If_Modified_Since": date}):
        answer, body = get(port, "/hello.txt", **fields)
        assert (answer.status, body) == (304, b"")
    assert get(port, "/hello.txt", If_None_Match='"other"', If_Modified_Since=date)[0].status == 200
    later, sooner = "Fri, 31 Dec 2100 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"
    assert get(port, "/hello.txt", If_Modified_Since=later)[0].status == 304
    for text in (sooner, "yesterday", "Fri, 31 Dec 2100 23:59:59 CET", "Fri, 31 Xxx 2100 23:59:59 GMT", "Friday, 31-Dec-00 23:59:59 GMT", ","):
        assert get(port, "/hello.txt", If_Modified_Since=text)[0].status == 200
    leap = email.utils.formatdate(os.stat(tree / "hello.txt").st_mtime - 1, usegmt=True)
    assert get(port, "/hello.txt", If_Modified_Since=leap)[0].status == 200
    assert get(port, "/hello.txt", Range="bytes=0-1", If_Range=tag)[1] == b"he"
    assert get(port, "/hello.txt", Range="bytes=0-1", If_Range='"other"')[0].status == 200


def test_directories(port):
    answer, body = get(port, "/sub%20dir")
    assert (answer.status, answer.getheader("Location")) == (301, "/sub%20dir/")
    answer, body = get(port, "/sub%20dir/")
    text = body.decode()
    assert answer.status == 200 and 'href="deep/"' in text and 'href="../"' in text
    link = re.search(r'href="(a%3C[^"]*)"', text)[1]
    assert get(port, "/sub%20dir/" + link)[1] == b"odd name"
    assert "a&lt;b&gt;&amp;&#39;.txt" in text and "<b>" not in text
    assert get(port, "/site/")[1] == b"<p>index</p>"
    assert ".hidden" not in get(port, "/")[1].decode()
    assert get(port, "/none")[0].status == get(port, "/hello.txt/")[0].status == 404


@pytest.mark.parametrize("path", ["/../secret", "/%2e%2e/secret", "/sub%20dir/../../secret", "/..%2fsecret", "//../../secret",
                                  "/./.././secret", "/site/..%2f..%2fsecret"])
def test_nothing_outside_is_served(port, path):
    answer = raw(port, f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert b"outside" not in answer
    assert status_of(answer) == 404


@pytest.mark.parametrize("request_text, status", [
    (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), (b"GET /\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505), (b"GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400), (b"GET nothing HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", 405),
    (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
    (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400), (b"GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414), (b"GET / HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
    (b"\r\n\r\nGET /hello.txt HTTP/1.0\r\n\r\n", 200), (b"GET http://other/hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
    (b"GET /hello.txt HTTP/1.0\nX: y\n\n", 200)])
def test_requests_as_they_should_not_be(port, request_text, status):
    assert status_of(raw(port, request_text)) == status


def test_connection_is_kept_and_requests_queue(port):
    requests = b"".join(b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n" for _ in range(40))
    answer = raw(port, requests + b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 41 and answer.count(b"hello, world") == 41 and answer.count(b" 405 ") == 1


def test_bytes_come_one_by_one(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /hello.txt HTTP/1.0\r\nX: y\r\n\r\n":
            client.send(bytes([byte]))
        assert client.makefile("rb").read().endswith(b"hello, world\n")


def test_many_connections_at_once(port):
    clients = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(390)]
    for client in clients:
        client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=0-99999\r\n\r\n")
    for client in reversed(clients):
        stream = client.makefile("rb")
        while (line := stream.readline()) != b"\r\n":
            assert line
        assert stream.read(100_000) == LARGE[:100_000]
        stream.close()
        client.close()
    assert get(port, "/hello.txt")[0].status == 200


def test_clients_that_leave(port):
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
            client.recv(1000)
    assert get(port, "/hello.txt")[0].status == 200


def test_random_damage(port):
    rng = random.Random(7)
    good = b"GET /sub%20dir/../hello.txt?q=1 HTTP/1.1\r\nHost: a\r\nRange: bytes=1-3\r\nIf-None-Match: \"x\"\r\nConnection: close\r\n\r\n"
    for _ in range(400):
        text = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(text))
            text[place:place + rng.randint(0, 2)] = rng.choice([b"", bytes([rng.randrange(256)]), b"%", b"\r\n", b"..", b"/"])
        answer = raw(port, bytes(text) + b"\r\n\r\nGET / HTTP/1.0\r\nConnection: close\r\n\r\n")
        assert answer[:9] == b"HTTP/1.1 " and b"outside" not in answer


def test_status(port):
    answer, body = get(port, "/status.json")
    figures = json.loads(body)
    assert answer.getheader("Cache-Control") == "no-store"
    assert figures["httpd"]["requests"] > 10 and figures["roles"] == []
    assert b"status.json" in get(port, "/status")[1]


def test_mistakes_of_the_caller(tree):
    for arguments in (["-p", "70000"], ["-n", "0"], [tree / "none"], ["a", "b"]):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode in (1, 2) and done.stderr.startswith("httpd: ")
