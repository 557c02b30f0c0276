"""less, top, stty and colours in a pseudo-terminal."""
import subprocess

import pexpect

from conftest import BIN, assert_clean, environment


def start(program, *arguments, folder, rows=12, columns=40):
    child = pexpect.spawn(str(BIN / program), list(arguments), dimensions=(rows, columns), encoding="utf-8", timeout=10,
                          env=environment(folder))
    child.delaybeforesend = None
    return child


def drawn(child):
    """What was drawn since the last key."""
    child.expect_exact("\033[?25h")
    assert_clean(child.before)
    return child.before


def end(child, keys="q"):
    child.send(keys)
    child.expect(pexpect.EOF)
    assert_clean(child.before)
    child.close()
    assert child.exitstatus == 0


def test_less_pages_and_finds(tmp_path):
    path = tmp_path / "text"
    path.write_text("".join(f"line {number}\n" for number in range(1, 101)))
    child = start("less", str(path), folder=tmp_path)
    assert "line 11\033" in (text := drawn(child)) and "line 12\033" not in text
    child.send(" ")
    assert "line 11\033" in (text := drawn(child)) and "line 21\033" in text
    child.send("G")
    assert "line 100\033" in (text := drawn(child)) and "(END)" in text
    child.send("g")
    assert "line 1\033" in drawn(child)
    child.send("/4[5]$\r")
    text = drawn(child)
    assert "line \033[7m45\033[27m" in text or "line \033[7m45\033[m" in text
    child.send("n")
    assert "not found" in drawn(child)
    child.send("?^line 3$\r")
    assert "line 3" in drawn(child)
    child.send("l")
    assert "      3 " in drawn(child)
    end(child)


def test_less_shows_what_is_no_text(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"\001\tx\377 \033[31mred\033[m \344\275\240\n" + b"y" * 100 + b"\n")
    child = start("less", str(path), folder=tmp_path)
    text = drawn(child)
    assert "\033[7m^A\033[27m      x\ufffd \033[31mred" in text and "你" in text
    assert "y" * 40 in text and "y" * 20 in text  # wrapped
    child.send("S")
    assert text.count("y") > drawn(child).count("y")  # chopped
    end(child)


def test_less_without_a_terminal_is_cat(tmp_path):
    done = subprocess.run([BIN / "less"], input=b"a\nb", capture_output=True, check=True, env=environment(tmp_path), timeout=10)
    assert done.stdout == b"a\nb"


def test_stty_changes_and_shows(tmp_path):
    child = start("stty", "-echo", "intr", "^K", "min", "3", "rows", "30", folder=tmp_path)
    child.expect(pexpect.EOF)
    assert_clean(child.before)
    script = f"{BIN}/stty -echo intr ^K; {BIN}/stty; {BIN}/stty size; s=$({BIN}/stty -g); {BIN}/stty sane; {BIN}/stty; {BIN}/stty $s; {BIN}/stty"
    child = pexpect.spawn("/bin/sh", ["-c", script], dimensions=(24, 80), encoding="utf-8", timeout=10, env=environment(tmp_path))
    child.expect(pexpect.EOF)
    assert_clean(child.before)
    assert child.before.count("intr = ^K;") == 2 and child.before.count("-echo\r") >= 2 and "24 80" in child.before


def test_stty_refuses(tmp_path):
    child = start("stty", "nonsense", folder=tmp_path)
    child.expect("no such setting")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2


def test_colours_prints(tmp_path):
    done = subprocess.run([BIN / "colours"], capture_output=True, check=True, env=environment(tmp_path), timeout=10)
    assert "┌──┬──┐" in done.stdout.decode() and b"\033[48;5;231m" in done.stdout
