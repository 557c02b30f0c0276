"""http, built for the host under the sanitizers, against servers that behave and that do not: each answer is written by hand."""
import os
import pathlib
import pty
import re
import socket
import subprocess
import threading

import pytest

PROGRAM = pathlib.Path(os.environ["PROGRAMS"]) / "http"


class Server:
    """Answers connection after connection: each of `answers` is bytes, or a list of bytes, or a function of the request; None says nothing."""

    def __init__(self, *answers):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests, self.answers = [], answers
        self.kept = []
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        for answer in self.answers:
            one, _ = self.socket.accept()
            request = b""
            while b"\r\n\r\n" not in request and (part := one.recv(4096)):
                request += part
            self.requests.append(request.decode())
            if callable(answer):
                answer = answer(self)
            if answer is None:
                self.kept.append(one)
                continue
            try:
                one.sendall(answer)
            except OSError:
                pass  # it has left already
            one.close()


def run(server, *options, path="/"):
    return subprocess.run([PROGRAM, *options, server.url + path], capture_output=True, timeout=20, check=False)


def answer(status="200 OK", body=b"", **fields):
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def test_file():
    server = Server(answer(body=b"hello", Content_Length=5))
    done = run(server, path="/a?b=c#part")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello", b"")
    assert server.requests[0].startswith(f"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n")


@pytest.mark.parametrize("text, output", [
    (answer(body=b"to the end"), b"to the end"),
    (answer(body=b"5\r\nhello\r\n6;x=y\r\n there\r\n0\r\nTrailer: x\r\n\r\n", Transfer_Encoding="chunked"), b"hello there"),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\nContent-Length: 1\n\nx", b"x"),
    (answer(body=b"xyz", Content_Length=3) + b"more", b"xyz"),
    (answer("200 OK", b"", Content_Length=0), b"")])
def test_answers(text, output):
    done = run(Server(text))
    assert (done.returncode, done.stdout, done.stderr) == (0, output, b"")


@pytest.mark.parametrize("text, reason", [
    (b"", "this is not HTTP"), (b"\x00\xff" * 40 + b"\n", "this is not HTTP"), (b"HTTP/1.1 200 OK\r\nA: b\r\n", "it ends too early"),
    (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 9000 + b"\r\n\r\n", "a line is too long"), (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300, "too many headers"),
    (answer(body=b"short", Content_Length=9), "the connection ended before the file did"),
    (answer(body=b"x", Content_Length="-1"), "its head makes no sense"), (answer(body=b"x", Content_Length="1 2"), "its head makes no sense"),
    (answer(body=b"x", Content_Length="99999999999999999999"), "its head makes no sense"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", "its head makes no sense"),
    (answer(body=b"x", Transfer_Encoding="gzip, chunked"), "its head makes no sense"),
    (answer(body=b"-1\r\nxxx", Transfer_Encoding="chunked"), "a chunk has no length"),
    (answer(body=b"0x5\r\nhello\r\n0\r\n\r\n", Transfer_Encoding="chunked"), "a chunk has no length"),
    (answer(body=b"fffffffffffffffff\r\nx", Transfer_Encoding="chunked"), "a chunk has no length"),
    (answer(body=b"5\r\nhelloworld\r\n", Transfer_Encoding="chunked"), "the connection ended before the file did"),
    (answer(body=b"5\r\nhello\r\n", Transfer_Encoding="chunked"), "the connection ended before the file did"),
    (answer("404 Not Found", b"no"), "the server answers 404"), (answer("500 No", b"no"), "the server answers 500"),
    (answer("302 Found", Location="https://127.0.0.1/"), "it leads to what is no address of http"),
    (answer("302 Found", Location="/a b"), "it leads to what is no address of http"),
    (answer("302 Found", Location="/\x1b[31m"), "it leads to what is no address of http"),
    (answer("302 Found", Location="/" + "a" * 3000), "its head makes no sense"),
    (answer("302 Found"), "the server answers 302")])
def test_answers_as_they_should_not_be(text, reason):
    done = run(Server(text))
    assert done.returncode == 1 and reason in done.stderr.decode(), done


@pytest.mark.parametrize("place, location, wanted", [
    ("/a/b?q", "/c", "/c"), ("/a/b?q", "c", "/a/c"), ("/a/b", "../c", "/c"), ("/a/b/", "./c/../d?x=..", "/a/b/d?x=.."),
    ("/a/b?q", "?r", "/a/b?r"), ("/", "../../c", "/c"), ("/a/b", "c#d", "/a/c"), ("/a/b/c", "..", "/a/"), ("/a/b/c", ".", "/a/b/")])
def test_redirects(place, location, wanted):
    server = Server(answer("302 Found", b"gone", Location=location), answer(body=b"there"))
    done = run(server, path=place)
    assert (done.stdout, done.returncode) == (b"there", 0), done
    assert server.requests[1].split()[1] == wanted


def test_redirects_to_other_hosts_and_in_circles():
    other = Server(answer(body=b"other"))
    assert run(Server(answer("307 x", Location=f"{other.url}/y")), path="/x").stdout == b"other"
    assert other.requests[0].startswith("GET /y ")
    other = Server(answer(body=b"other"))
    assert run(Server(answer("301 x", Location=f"//127.0.0.1:{other.port}")), path="/x").stdout == b"other"
    circle = Server(*[answer("302 x", Location="/")] * 10)
    done = run(circle)
    assert done.returncode == 1 and b"too many redirects" in done.stderr


def test_resuming(tmp_path):
    part = tmp_path / "part"
    part.write_bytes(b"01234")
    server = Server(answer("206 Partial Content", b"56789", Content_Range="bytes 5-9/10", Content_Length=5))
    assert run(server, "-c", "-o", part).returncode == 0 and part.read_bytes() == b"0123456789"
    assert "Range: bytes=5-\r\n" in server.requests[0]
    assert run(Server(answer("416 x", Content_Range="bytes */10")), "-c", "-o", part).returncode == 0 and part.read_bytes() == b"0123456789"
    done = run(Server(answer("416 x", Content_Range="bytes */7")), "-c", "-o", part)
    assert done.returncode == 1 and b"longer than the server's, which has 7 bytes" in done.stderr and part.read_bytes() == b"0123456789"
    done = run(Server(answer("206 x", b"zzz", Content_Range="bytes 3-5/6")), "-c", "-o", part)
    assert done.returncode == 1 and b"another range" in done.stderr and part.read_bytes() == b"0123456789"
    assert run(Server(answer(body=b"anew")), "-c", "-o", part).returncode == 0 and part.read_bytes() == b"anew"


def test_a_silent_server(tmp_path):
    done = run(Server(None), "-t", "1")
    assert done.returncode == 1 and done.stderr == b"http: receiving: the server has sent nothing for 1 s\n"
    stops = Server(lambda server: answer(body=b"some", Content_Length=10))
    assert b"ended before" in run(stops, "-o", tmp_path / "f").stderr


@pytest.mark.parametrize("address", ["ftp://a/", "https://a/", "http://", "http://[::1/", "http://a b/", "http://a/\r\nX: y", "http://user@a/",
                                     "http://a:x/", "http://" + "a" * 300, "http://a/" + "b" * 3000, "http://[::1]x/"])
def test_what_is_no_address(address):
    done = subprocess.run([PROGRAM, address], capture_output=True, check=False)
    assert done.returncode == 2 and b"not an address of http" in done.stderr


def test_progress_and_head(tmp_path):
    body = b"x" * 300_000
    server = Server(answer(body=body, Content_Length=len(body), X="a\x1b[31mb"))
    ours, theirs = pty.openpty()
    done = subprocess.run([PROGRAM, "-v", "-o", tmp_path / "f", server.url], stderr=theirs, check=False)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass
    os.close(ours)
    assert done.returncode == 0 and (tmp_path / "f").read_bytes() == body
    assert b"HTTP/1.1 200 OK" in shown and b"a?[31mb" in shown and re.search(rb"\[#{40}\] 292 KiB", shown)
