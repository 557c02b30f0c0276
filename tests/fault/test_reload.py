"""Servers go to other builds of their programs while they are used, and nobody notices; a program that can't do the work does not stay.

KEELSON_RELOADS=1000 asks for so many reloads of ext2 and of ata in the place of those below."""
import hashlib
import http.server
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pexpect
import pytest

import guest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "image"))
from runner import disk

BUILD = ROOT / "build"
DISK = BUILD / f"fault-{os.getpid()}.img"
TIMES = int(os.environ.get("KEELSON_RELOADS", "16"))

LOAD = """
(while [ ! -e /tmp/stop ]; do cp /bin/sh /root/copy && cmp /bin/sh /root/copy || { echo BAD; break; }; done) &
"""
END = """
: > /tmp/stop; wait; cd /; rm /root/copy /tmp/stop; service; sync
"""


def make_disk(names):
    """A fresh disk with other builds in /builds."""
    DISK.unlink(missing_ok=True)
    subprocess.run([ROOT / "image/run", "--system-disk", DISK, "--build-only"], check=True, capture_output=True)
    for name in names:
        target = BUILD / "tests/fault" / name
        subprocess.run(["ninja", "-C", BUILD, f"tests/fault/{name}"], check=True, capture_output=True)
        stripped = target.with_suffix(".stripped")
        subprocess.run(["llvm-objcopy", "--strip-debug", target, stripped], check=True)
        disk.write_file(DISK, f"builds/{name}", stripped, 0o100755)


def judge_disk():
    judge = subprocess.run(["e2fsck", "-fn", DISK], capture_output=True, check=False, text=True)
    assert judge.returncode == 0, judge.stdout
    DISK.unlink()


def run(script, names=(), seconds=300, cpus="1", options=()):
    """The script's output and errors; it succeeded, and the disk is clean."""
    make_disk(names)
    done = subprocess.run([ROOT / "image/run", "--timeout", str(seconds), "--cpus", cpus, "--system-disk", DISK, *options, "-c", script],
                          capture_output=True, check=False, timeout=seconds + 60, text=True)
    assert done.returncode == 0 and "BAD" not in done.stdout, done.stdout + done.stderr
    judge_disk()
    return done.stdout, done.stderr


def rows(text):
    """Lines of `service` by name."""
    return {line.split()[0]: line.split() for line in text.splitlines() if len(line.split()) > 4}


@pytest.mark.parametrize("cpus", ["1", pytest.param("2", marks=pytest.mark.two_processors)])
def test_two_builds_take_turns(cpus):
    """ext2 and ata, built in two ways, under a copy that is compared; the pauses are printed."""
    script = LOAD + f"""
cp /bin/cat /root/probe
reloads -n {TIMES} ext2 /root/probe /builds/ext2_other /sbin/ext2 || echo BAD
reloads -n {TIMES} ata /dev/disk0 /builds/ata_other /sbin/ata || echo BAD
rm /root/probe; service log init | grep -v "gets a new program"
""" + END
    text, _ = run(script, ["ext2_other", "ata_other"], 300 + 2 * TIMES, cpus)
    print("\n".join(re.findall(r".* reloads, pause .*", text)))
    assert len(re.findall(rf"(ext2|ata): {TIMES} reloads, pause p50 \d+ us, p99 \d+ us", text)) == 2
    assert rows(text)["ext2"][3] == rows(text)["ata"][3] == str(TIMES), text  # with what init says of a restart that nobody asked for


STATE = """
mkdir /tmp/d; echo hello > /tmp/d/a; ln -s a /tmp/d/l; ln /tmp/d/a /tmp/d/h; chmod 640 /tmp/d/a
for d in /tmp /root; do cp /bin/true $d/true; done
exec 5>/tmp/u 6</tmp/u 7>/root/u 8</root/u; rm /tmp/u /root/u; echo nameless >&5; echo nobody >&7
(while [ ! -e /tmp/go ]; do sleep 0.05; done; echo x; echo y) | while read l; do echo "got $l"; done > /tmp/out &
seq 1 100000 | (while [ ! -e /tmp/go ]; do sleep 0.05; done; sha256sum) > /tmp/sum &
sleep 0.2; cd /tmp/d
for turn in 1 2; do for s in tmpfs process vfs devfs procfs initrdfs log ext2; do service reload $s /sbin/$s || echo BAD; done; done
: > /tmp/go; wait; cat /tmp/out /tmp/sum
pwd; cat l h; ls -l | cut -c 1-13; cat <&6; cat <&8; echo more >&5; cat <&6
for d in /tmp /root; do cmp /bin/true $d/true && echo same; done
mount; cat /proc/mounts | wc -l; dmesg | grep -c Keelson
exec 5>&- 6>&- 7>&- 8>&-; cd /; rm -r /tmp/* /root/true; service; sync
"""


def test_what_servers_know_goes_along():
    text, _ = run(STATE)
    lines = text.splitlines()
    assert lines[:2] == ["got x", "got y"], text
    numbers = "".join(f"{number}\n" for number in range(1, 100001)).encode()
    assert lines[2].split()[0] == hashlib.sha256(numbers).hexdigest(), text
    assert lines[3:6] == ["/tmp/d", "hello", "hello"]
    assert [line.split() for line in lines[6:10]] == [["total", "8"], ["-rw-r-----", "2"], ["-rw-r-----", "2"], ["lrwxrwxrwx", "1"]], text
    assert lines[10:15] == ["nameless", "nobody", "more", "same", "same"], text
    assert [line.split()[2] for line in lines[15:19]] == ["/", "/dev", "/proc", "/tmp"] and lines[19].strip() == "4"
    state = rows(text)
    assert all(state[name][1] == "running" and state[name][3] == "2" and state[name][4] == "reloaded"
               for name in ("tmpfs", "process", "vfs", "devfs", "procfs", "initrdfs", "log", "ext2")), text


class Served:
    """On the host: /file in full, connections that are echoed, each in a thread of its own, and a port that takes nobody until
    as much has been echoed."""

    def __init__(self, data):
        self.length, self.echoed = len(data), threading.Event()

        class Files(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
        self.echo = socket.create_server(("127.0.0.1", 0))
        self.full = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.filler = socket.create_connection(self.full.getsockname())
        for function in (self.http.serve_forever, self.echoes, self.greet):
            threading.Thread(target=function, daemon=True).start()

    def greet(self):
        self.echoed.wait()
        while True:
            one, _ = self.full.accept()
            one.sendall(b"welcome\n")
            one.close()

    def echoes(self):
        while True:
            one, _ = self.echo.accept()
            threading.Thread(target=self.answer, args=(one,), daemon=True).start()

    def answer(self, one):
        left = self.length
        while block := one.recv(65536):
            one.sendall(block)
            left -= len(block)
        if left == 0:
            self.echoed.set()
        one.close()


NETWORK = """
while ! ping -q -c 1 -W 1 10.0.2.2 >/dev/null 2>&1; do sleep 0.1; done
mkdir /tmp/web; cp /bin/sh /tmp/web/sh; httpd -p 8000 /tmp/web & httpd=$!
(while [ ! -e /tmp/go ]; do sleep 0.05; done; echo late) | nc -w 30 10.0.2.2 {echo} > /tmp/late & idle=$!
nc -l 127.0.0.1 9000 > /tmp/heard & heard=$!
nc -w 30 10.0.2.2 {full} < /dev/null > /tmp/welcome & late=$!
sleep 0.3; netstat | grep -c ESTABLISHED
(for i in 1 2 3 4; do service reload net /builds/net_other || echo BAD; sleep 0.1; service reload net /sbin/net || echo BAD; sleep 0.1; done; : > /tmp/reloaded) &
http -o /tmp/down http://10.0.2.2:{http}/file || echo BAD
while nc -w 30 10.0.2.2 {echo} < /tmp/down > /tmp/up && cmp /tmp/down /tmp/up || echo BAD; [ ! -e /tmp/reloaded ]; do :; done
http -o /tmp/own http://127.0.0.1:8000/sh || echo BAD
cmp /tmp/own /bin/sh && sha256sum < /tmp/down
echo word | nc 127.0.0.1 9000; wait $heard; cat /tmp/heard; wait $late; cat /tmp/welcome
service; service reload net /bin/true
: > /tmp/go; wait $idle; cat /tmp/late
ip address | grep -c 10.0.2; ping -q -c 1 10.0.2.2 >/dev/null && echo alive
kill $httpd; dmesg | grep "new program of net"; sync
"""


def test_connections_go_along():
    """net, under streams both ways: not a byte differs, who connects or waits gets his answer, who listens accepts."""
    data = os.urandom(4 << 20)
    host = Served(data)
    script = NETWORK.format(http=host.http.server_port, echo=host.echo.getsockname()[1], full=host.full.getsockname()[1])
    text, errors = run(script, ["net_other"])
    host.http.shutdown()
    lines = text.splitlines()
    assert lines[0] == "1", text + errors
    assert lines[1].split()[0] == hashlib.sha256(data).hexdigest(), text + errors
    assert lines[2:4] == ["word", "welcome"] and lines[-4:-1] == ["late", "1", "alive"], text + errors
    assert "the new program of net did not work: the one before comes back" in lines[-1], text + errors
    state = rows(text)["net"]
    assert state[1] == "running" and state[3] == "8" and state[4] == "reloaded", text


CONSOLE = r"""
stty -F /dev/tty3 rows 10; seq 1 30 > /dev/tty3; printf '\033[3;5Hhalf ' > /dev/tty3; printf '\033[?1049halternate' > /dev/tty5
stty -F /dev/tty4 -echo intr ^X; layout=$(keymap); keymap de
(n=0; while [ ! -e /tmp/stop ]; do
    for b in /builds/console_other /sbin/console; do service reload console $b || echo BAD; n=$((n + 1)); done
    echo >> /tmp/turns; echo turned
done; echo "reloads $n") &
read line; echo "serial <$line>"; head -n 30 | sha256sum
turn() { n=$(wc -l < /tmp/turns); until [ $(wc -l < /tmp/turns) -gt $((n + 1)) ]; do sleep 0.02; done; }
(printf he; until grep -q he /tmp/typed; do sleep 0.02; done; turn; echo llo) | script -c 'read line; echo "pair <$line>"' /tmp/typed > /tmp/shown
tail -n 1 /tmp/shown
script -c 'seq 1 8000 | cat; until [ -e /tmp/later ]; do sleep 0.02; done; seq 1 8000 | cat' /tmp/typed < /dev/null | tr -d '\r' | sha256sum &
turn; : > /tmp/later; turn; : > /tmp/stop; wait
echo "keymap <$(keymap)>"; keymap $layout
echo "mode <$(stty -F /dev/tty4 -a | grep -c -e '-echo ') $(stty -F /dev/tty4 -a | grep -c 'intr = ^X')>"
printf whole > /dev/tty3; screenshot -t -F /dev/tty3; stty -F /dev/tty3 rows 15; screenshot -t -F /dev/tty3
screenshot -t -F /dev/tty5; printf '\033[?1049lmain' > /dev/tty5; screenshot -t -F /dev/tty5
service; rm /tmp/*; echo "en""d"
"""


def test_console_goes_along():
    """Lines half typed on the serial port and on a pair, what is on the screens and above them, settings, and a pipe-line on a pair,
    while two builds of console take turns."""
    make_disk(["console_other"])
    script = DISK.with_suffix(".sh")
    script.write_text(CONSOLE, "utf-8")
    disk.write_file(DISK, "builds/console.sh", script, 0o100755)
    script.unlink()
    guest = pexpect.spawn(str(ROOT / "image/run"), ["--system-disk", str(DISK)], timeout=120, encoding="utf-8",
                          dimensions=(40, 160))
    try:
        guest.expect(r"# \x1b?")
        guest.sendline("sh /builds/console.sh")
        guest.expect("turned")
        guest.send("x")
        guest.expect("x")
        guest.expect("turned")
        guest.expect("turned")
        guest.send("yz\r")
        guest.expect("serial <xyz>")
        for number in range(1, 31):
            guest.send(f"{number}\r")
        guest.expect(r"end\r*\n")
        text = guest.before.replace("\r", "")
        guest.sendline("poweroff")
        guest.expect(pexpect.EOF)
    finally:
        guest.close(force=True)
    sums = [hashlib.sha256(times * "".join(f"{number}\n" for number in range(1, last + 1)).encode()).hexdigest() + "  -"
            for times, last in ((1, 30), (2, 8000))]
    assert {*sums, "pair <hello>", "keymap <de>", "mode <1 1>"} < set(text.splitlines()) and "BAD" not in text, text
    screen = "22\n23\n24  half whole\n" + "".join(f"{number}\n" for number in range(25, 31))  # a row is empty
    above = "".join(f"{number}\n" for number in range(17, 22))
    assert re.search(rf"mode <1 1>\n{screen}\n*{above}{screen}\n*alternate\n*main\n", text), text
    times = re.search(r"reloads (\d+)", text)[1]
    assert rows(text)["console"][1] == "running" and rows(text)["console"][3:5] == [times, "reloaded"], text
    judge_disk()


def test_programs_that_do_not_stay():
    """One that is none, one that ends, one that dies of what it is handed; and one that can't hand over."""
    script = LOAD + """
service reload ext2 /etc/motd; service reload ext2 /bin/true; service reload ext2 /builds/ext2_refuses; service reload ata /bin/true
service reload log /builds/log_silent; service reload log /sbin/log; service reload ext2; sleep 0.5; ls -l /builds | wc -l; service log init
""" + END
    text, errors = run(script, ["ext2_refuses", "log_silent"])
    assert "ext2: can't reload it: exec format error" in errors
    assert text.count("the new program of ext2 did not work: the one before comes back") == 2, text
    assert "the new program of ata did not work: the one before comes back" in text
    assert "log: it can't hand over" in errors and "ext2_refuses crashed" not in text
    state = rows(text)
    assert all(state[name][1] == "running" for name in ("ext2", "ata", "log")), text


def test_hand_overs_that_hang():
    """One that takes up nothing, for ever: the program before comes back. One that never has given all: it stays as it is."""
    text, errors = run("""
service reload log /builds/log_stuck_takes || echo BAD; service log init | grep -c "comes back"
service reload log /builds/log_stuck_gives || echo BAD; service reload log /sbin/log && echo BAD
service log init | grep -c "log does not hand over"; service; sync
""", ["log_stuck_takes", "log_stuck_gives"], options=("--option", "watch=100"))
    assert text.splitlines()[:2] == ["1", "1"] and "log: it did not hand over in time" in errors and "BAD" not in text, text + errors
    assert rows(text)["log"][1] == "running" and rows(text)["log"][3] == "4", text


def test_a_host_that_lets_the_guest_stand_still():
    """The guest's clock goes on meanwhile, and a hand-over that nobody ran is not taken for one that hangs."""
    make_disk(["log_slow"])
    with guest.Guest("service reload log /builds/log_slow && service reload log /sbin/log && echo moved; service", DISK) as machine:
        while machine.log.count(b"log gets a new program") < 2:
            assert machine.step(60), machine.log
        machine.process.send_signal(signal.SIGSTOP)
        time.sleep(15)
        machine.process.send_signal(signal.SIGCONT)
        assert machine.run() == 0, machine.log
        machine.shut_down()
        text = machine.output.decode()
    assert text.startswith("moved") and rows(text)["log"][3:5] == ["2", "reloaded"], text + str(machine.log)
    judge_disk()
