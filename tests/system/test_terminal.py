"""A session on the serial line, as somebody types it: ^C wherever it may come, and jobs in the background."""
import pathlib
import time

import pexpect
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMPT = r"[#$] \x1b?"


@pytest.fixture(scope="module")
def shell():
    child = pexpect.spawn(str(ROOT / "image/run"), ["--fresh-disk"], timeout=60, encoding="utf-8", dimensions=(40, 160))
    child.expect(PROMPT, timeout=120)
    yield child
    child.sendline("poweroff")
    try:
        child.expect(pexpect.EOF, timeout=30)
    finally:
        child.close(force=True)


def is_alive(shell, variable):
    """The same shell answers: it still has this variable."""
    shell.sendline("echo a${" + variable + "}z")
    shell.expect("akeptz", timeout=15)
    shell.expect(PROMPT)


@pytest.mark.parametrize("command", [
    "while true; do :; done", "while :; do x=1; done", "for i in $(seq 100000); do test 1 = 1; done", "while true; do true; done",
    "f() { while :; do :; done; }; f", "sleep 100", "cat", "cat /dev/zero | sha256sum", "yes | cat > /dev/null",
    "while sleep 100; do :; done", "if while :; do :; done; then echo never; fi", "read line", "(while :; do :; done)"])
def test_interrupt_returns_to_the_prompt(shell, command):
    shell.sendline("kept=kept")
    shell.expect(PROMPT)
    shell.sendline(command + "; echo 'went'' on'")
    with pytest.raises(pexpect.TIMEOUT):
        shell.expect("went on", timeout=0.3)  # it is running
    shell.sendintr()
    assert shell.expect([PROMPT, "went on"], timeout=15) == 0
    is_alive(shell, "kept")


@pytest.mark.parametrize("command", ["sleep 100", "sleep 100 | cat", "while :; do :; done", "while :; do true; done"])
def test_line_right_after_an_interrupt_is_not_lost(shell, command):
    """^C wherever the command is by then (typed, read, being started, running), and a line behind it at once: the command is over, the
    line is done. Pauses differ so that all of these places are met."""
    shell.delaybeforesend = None
    for number in range(30):
        shell.send(command + "\r")
        time.sleep(number % 10 * 0.003)
        shell.send(f"\x03echo af''ter {number}\r")
        shell.expect(f"\nafter {number}\r", timeout=15)
        if number % 2:
            shell.expect(PROMPT)
    shell.delaybeforesend = 0.05


def test_jobs(shell):
    shell.sendline("sleep 100 & sleep 2 &")
    shell.expect(r"\[1\] \d+")
    shell.expect(r"\[2\] \d+")
    shell.sendline("jobs; wait %2; echo ended=$?")
    shell.expect(r"\[1\] +Running +sleep 100")
    shell.expect("ended=0")
    shell.expect(PROMPT)
    shell.sendintr()  # at the prompt: the background is not meant
    shell.expect(PROMPT)
    shell.sendline("kill %1; wait %1; echo status=$?")
    shell.expect("status=143")
    shell.expect(PROMPT)


def test_interrupt_leaves_background_jobs(shell):
    shell.sendline("sleep 100 &")
    shell.expect(r"\[\d+\] \d+")
    shell.expect(PROMPT)
    shell.sendline("echo 'beg''ins'; sleep 100")
    shell.expect("begins")
    with pytest.raises(pexpect.TIMEOUT):
        shell.expect(PROMPT, timeout=0.3)  # it has the terminal
    shell.sendintr()
    shell.expect(PROMPT)
    shell.sendline("jobs; kill %%; wait; echo 'do''ne'")
    shell.expect("Running +sleep 100")
    shell.expect("done")
    shell.expect(PROMPT)


def test_the_background_does_not_use_the_terminal(shell):
    """SIGTTIN, SIGTTOU with and without TOSTOP, settings that only the foreground changes; a read goes on in the foreground."""
    def run(line, wanted):
        shell.sendline(line)
        shell.expect(wanted, timeout=15)
        shell.expect(PROMPT)

    run("cat > /tmp/line &", r"\[1\] \d+")
    run("sleep 0.3; jobs", "Stopped +cat")
    shell.sendline("fg")
    time.sleep(0.3)
    shell.send("typed\r\x04")
    run("cat /tmp/line", "\ntyped\r")
    run("(sleep 0.2; echo 'sh''own') & wait", "shown")
    run("stty tostop; (echo 'hid''den') &", r"\[1\] \d+")
    run("sleep 0.3; jobs", "Stopped")
    run("stty -tostop; fg", "hidden")
    run("stty -echoctl &", r"\[1\] \d+")
    run("sleep 0.3; jobs", "Stopped +stty")
    run("fg", "stty")
    run("stty sane; echo 'ow''n' > /dev/tty", "own")  # it had asked while the shell's editor had them raw
    shell.sendline("echo 'rea''dy'; cat > /tmp/line")
    shell.expect("ready", timeout=15)
    time.sleep(0.3)
    shell.send("one\r")
    time.sleep(0.3)  # ^Z throws away what was not read
    shell.send("\x1a")
    shell.expect(PROMPT)
    run("bg", "cat")
    run("echo 'mi''ne'", "mine")  # the line is the shell's
    shell.sendline("fg")
    time.sleep(0.3)
    shell.send("two\r\x04")
    run("cat /tmp/line", r"\none\r+\ntwo\r")


def test_ignored_signals_are_inherited(shell):
    shell.sendline("trap '' TERM; sleep 1 & kill $!; wait $!; echo status=$?; trap - TERM")
    shell.expect("status=0", timeout=15)
    shell.expect(PROMPT)


def test_trap(shell):
    shell.sendline("trap 'echo caught' TERM; kill -TERM $$; trap - TERM; echo 'aft''er'")
    shell.expect(r"\ncaught\r")
    shell.expect("after")
    shell.expect(PROMPT)
