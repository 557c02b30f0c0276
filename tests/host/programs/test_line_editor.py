"""The interactive shell through a pseudo-terminal."""
import re
import time

import pexpect
import pytest

from conftest import BIN, assert_clean, environment

UP, DOWN, RIGHT, LEFT = "\033[A", "\033[B", "\033[C", "\033[D"
HOME, END, DELETE = "\033[H", "\033[F", "\033[3~"


def control(letter):
    return chr(ord(letter) & 31)


class Session:
    def __init__(self, home, columns=80, rows=24, prompt="PROMPT> "):
        env = environment(home)
        startup = home / ".shrc"
        rest = startup.read_text() if startup.exists() else ""
        # The host's /etc/profile has ideas of its own about these.
        startup.write_text(f"PS1='{prompt}'; PATH={env['PATH']}\n{rest}")
        self.child = pexpect.spawn(str(BIN / "sh"), cwd=str(home), env=env, dimensions=(rows, columns),
                                   encoding="utf-8", timeout=10)
        self.child.delaybeforesend = None
        self.child.expect_exact("PROMPT> ")

    def prompt(self):
        """Waits for a prompt at the start of a line with nothing behind it: while a line is edited the prompt is drawn
        again, but with text."""
        self.child.expect(r"(\n|\x1b\[2J)\r*PROMPT> (\r*\n)?\x1b\[J\r(\x1b\[\d+C)?")

    def line(self, text):
        """Sends a line and returns what its command printed."""
        self.child.send(text + "\r")
        return self.result()

    def result(self):
        self.prompt()
        # What was drawn while editing ends with this; behind it is the output.
        text = re.split(r"\x1b\[J\r(?:\x1b\[\d+C)?(?:\^C)?\r+(?:\n|\Z)", self.child.before)[-1]
        text = re.sub(r"\033\[[0-9;]*[A-Za-z]|\r", "", text)
        assert_clean(text)
        return text.strip("\n")

    def end(self):
        self.child.send(control("d"))
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus


@pytest.fixture
def session(tmp_path):
    started = Session(tmp_path)
    yield started
    started.child.close(force=True)


def test_runs_commands(session):
    assert session.line("echo hello") == "hello"
    assert session.line("false || echo $?") == "1"
    assert session.end() == 0


@pytest.mark.parametrize("keys, expected", [
    ("echo ac" + LEFT + "b", "abc"),
    ("cho x" + HOME + "e" + END + "y", "xy"),
    ("cho x" + control("a") + "e" + control("e") + "y", "xy"),
    ("echo abX\177c", "abc"),
    ("echo abXX" + control("h") + control("h") + "c", "abc"),
    ("echo Xab" + LEFT * 3 + DELETE, "ab"),
    ("echo one two" + control("w") + "three", "one three"),
    ("junk" + control("u") + "echo kept", "kept"),
    ("echo keep drop" + LEFT * 5 + control("k"), "keep"),
    ("echo a b" + control("w") + control("y") + control("y"), "a bb"),
    ("echo one two" + "\033b" + "X", "one Xtwo"),
    ("echo one two" + HOME + "\033f" + "\033f" + "X", "oneX two"),
    ("echo one two" + HOME + "\033[1;5C" + "\033[1;5C" + "X", "oneX two"),
    ("echo grün" + LEFT + "\177" + "ue", "gruen"),
    ("echo 世界" + LEFT + "大", "世大界"),
    ("echo a" + "\033[99~" + "b", "ab"),
])
def test_editing(session, keys, expected):
    assert session.line(keys) == expected


def test_history(session):
    session.line("echo first")
    session.line("echo second")
    assert session.line(UP + UP) == "first"
    assert session.line(UP + UP + DOWN + UP) == "second"
    session.child.send("unfinished" + UP + DOWN)
    assert session.line(control("u") + "echo ok") == "ok"


def test_history_is_kept(tmp_path):
    session = Session(tmp_path)
    session.line("echo remembered")
    session.end()
    assert "echo remembered" in (tmp_path / ".history").read_text()
    session = Session(tmp_path)
    assert session.line(UP) == "remembered"
    assert "echo remembered" in session.line("history")
    session.end()


def test_search(session):
    session.line("echo alpha one")
    session.line("echo beta")
    session.line("echo alpha two")
    assert session.line(control("r") + "alpha") == "alpha two"
    assert session.line(control("r") + "alpha one") == "alpha one"
    assert session.line(control("r") + "beta" + control("g") + "echo given up") == "given up"
    session.line("echo gamma")
    assert session.line(control("r") + "eta" + END + " more") == "beta more"


def test_interrupt_and_end(session):
    session.child.send("echo never" + control("c"))
    session.prompt()
    assert session.line("echo $?") == "130"
    session.child.send("sleep 30\r")
    time.sleep(0.3)
    started = time.monotonic()
    session.child.send(control("c"))
    session.prompt()
    assert time.monotonic() - started < 5
    assert session.line("echo $?") == "130"
    session.child.send("while true; do :; done\r")
    time.sleep(0.3)
    session.child.send(control("c"))
    session.prompt()
    assert session.line("echo alive") == "alive"


def test_continued_lines(session):
    session.child.send("if true\r")
    session.child.expect_exact("> ")
    session.child.send("then echo inside\r")
    session.child.expect_exact("> ")
    assert session.line("fi") == "inside"
    session.child.send("echo 'a\r")
    session.child.expect_exact("> ")
    assert session.line("b'") == "a\nb"


def test_syntax_error_leaves_the_shell_alive(session):
    assert "syntax error" in session.line("echo )")
    assert session.line("echo $?") == "2"
    assert "parameter not set" in session.line("set -u; echo $nosuch; echo no")
    assert session.line("echo yes") == "yes"


def test_completes_commands_and_files(session, tmp_path):
    (tmp_path / "some file").write_text("contents\n")
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "inside").write_text("deep\n")
    assert session.line("cat some\t") == "contents"
    assert session.line("cat dir\tin\t") == "deep"
    assert session.line("sha256s\tdirectory/inside").endswith("directory/inside")
    session.line("FOO_VARIABLE=5")
    assert session.line("echo $FOO_V\t") == "5"
    assert session.line("cat ~/dir\tins\t") == "deep"


def test_lists_candidates(session, tmp_path):
    for name in ("match-one", "match-two"):
        (tmp_path / name).write_text("")
    session.child.send("echo ma\t")
    session.child.expect_exact("match-")
    session.child.send("\t")
    session.child.expect_exact("\a")
    session.child.send("\t")
    session.child.expect(r"match-one\s+match-two")
    assert session.line("o\t") == "match-one"


@pytest.mark.parametrize("columns", [20, 21, 22, 40, 7])
def test_long_lines_wrap(tmp_path, columns):
    """Whatever the width, a screen that follows the sequences shows prompt and text, and the cursor stays right."""
    session = Session(tmp_path, columns=columns)
    text = "0123456789" * 6
    session.child.send("echo " + text + HOME + RIGHT * 5 + "X" + END + "Y")
    assert session.line("") == ("X" + text + "Y")
    session.end()


def test_clear_screen(session):
    session.child.send("echo kept" + control("l"))
    session.child.expect_exact("\033[H\033[2J")
    assert session.line("") == "kept"


def test_job_control(session):
    session.child.send("sleep 30\r")
    time.sleep(0.3)
    session.child.send(control("z"))
    session.child.expect(r"\[1\]\+ +Stopped +sleep 30")
    session.prompt()
    assert "Stopped" in session.line("jobs")
    assert "sleep 30 &" in session.line("bg")
    assert "Running" in session.line("jobs")
    session.line("kill %1; wait")
    assert session.line("jobs") == ""
    session.child.send("cat\r")
    time.sleep(0.3)
    session.child.send(control("z"))
    session.child.expect("Stopped")
    session.prompt()
    session.child.send("fg\r")
    session.child.expect_exact("cat\r\n")
    session.child.send("typed\r")
    session.child.expect_exact("typed\r\ntyped\r\n")
    session.child.send(control("d"))
    session.child.expect_exact("PROMPT> ")
    assert session.line("jobs; echo end") == "end"


def test_background_job_is_reported(session):
    assert re.search(r"\[1\] \d+", session.line("sleep 0.2 &"))
    time.sleep(0.5)
    assert "Done" in session.line("")


def test_pipeline_is_one_job(session):
    session.child.send("cat | sleep 30 | cat\r")
    time.sleep(0.3)
    session.child.send(control("c"))
    session.prompt()
    assert session.line("jobs; echo end") == "end"


def test_startup_file(tmp_path):
    (tmp_path / ".shrc").write_text("greeting=welcome\nalias hi='echo $greeting'\n")
    session = Session(tmp_path)
    assert session.line("hi") == "welcome"
    session.end()


def test_prompt_escapes(tmp_path):
    (tmp_path / "sub").mkdir()
    session = Session(tmp_path)
    session.child.send("PS1='\\w|PROMPT> '; cd sub\r")
    session.child.expect_exact("~/sub|PROMPT> ")
    session.child.send("mkdir 'a`echo b`$x'; cd a*\r")
    session.child.expect_exact("~/sub/a`echo b`$x|PROMPT> ")


def test_exit_status(tmp_path):
    session = Session(tmp_path)
    session.child.send("exit 7\r")
    session.child.expect(pexpect.EOF)
    session.child.close()
    assert session.child.exitstatus == 7
