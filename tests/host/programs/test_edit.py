"""The full-screen editor through a pseudo-terminal: what ends up in the file, and what is on the screen."""
import re

import pexpect
import pytest

from conftest import BIN, assert_clean, environment

UP, DOWN, RIGHT, LEFT = "\033[A", "\033[B", "\033[C", "\033[D"
HOME, END, DELETE, PAGE_UP, PAGE_DOWN = "\033[H", "\033[F", "\033[3~", "\033[5~", "\033[6~"
SAVE, QUIT, FIND, AGAIN, CUT, PASTE = "\x13", "\x11", "\x06", "\x07", "\x0b", "\x15"
UNDO, REDO = "\x1a", "\x19"


class Screen:
    """As much of a terminal as the editor uses."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0

    def feed(self, text):
        for sequence, final, character in re.findall(r"\033\[([0-9;?]*)([A-Za-z])|(.)", text, re.S):
            numbers = [int(number) if number.isdigit() else 0 for number in sequence.split(";")]
            if final == "H":
                self.row = max(numbers[0], 1) - 1
                self.column = (max(numbers[1], 1) if len(numbers) > 1 else 1) - 1
            elif final == "K":
                self.cells[self.row][self.column:] = [" "] * (self.columns - self.column)
            elif final == "J":
                self.cells = [[" "] * self.columns for _ in range(self.rows)]
            elif character and character >= " ":
                assert self.column < self.columns, "writes over the edge"
                self.cells[self.row][self.column] = character
                self.column += 1

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]


class Editor:
    def __init__(self, path, rows=12, columns=60):
        self.path = path
        self.screen = Screen(rows, columns)
        self.child = pexpect.spawn(str(BIN / "edit"), [str(path)], dimensions=(rows, columns), encoding="utf-8", timeout=10,
                                   env=environment(path.parent))
        self.child.delaybeforesend = None
        self.child.expect_exact("\033[?25h")
        self.screen.feed(self.child.before)

    def send(self, keys):
        """Sends keys, one by one as if typed, and follows what is drawn."""
        for key in re.findall(r"\033\[[0-9;]*[A-Za-z~]|.", keys, re.S):
            self.child.send(key)
            self.child.expect_exact("\033[?25h")
            assert_clean(self.child.before)
            self.screen.feed(self.child.before)

    def quit(self, keys=QUIT):
        self.child.send(keys)
        self.child.expect(pexpect.EOF)
        assert_clean(self.child.before)
        self.child.close()
        assert self.child.exitstatus == 0


def edited(tmp_path, before, keys):
    path = tmp_path / "file"
    path.write_text(before)
    editor = Editor(path)
    editor.send(keys + SAVE)
    assert "saved" in editor.screen.lines()[-1]
    editor.quit()
    return path.read_text()


@pytest.mark.parametrize("before, keys, after", [
    ("", "hello", "hello\n"),
    ("abc\n", END + "d", "abcd\n"),
    ("abc\n", RIGHT + "X", "aXbc\n"),
    ("abc\ndef\n", DOWN + HOME + "X", "abc\nXdef\n"),
    ("abc\n", RIGHT + "\r", "a\nbc\n"),
    ("abc\ndef\n", DOWN + "\177", "abcdef\n"),
    ("abc\ndef\n", END + DELETE, "abcdef\n"),
    ("abc\n", DELETE + DELETE, "c\n"),
    ("one\ntwo\nthree\n", CUT, "two\nthree\n"),
    ("one\ntwo\nthree\n", CUT + DOWN + PASTE, "two\none\nthree\n"),
    ("one\ntwo\nthree\n", CUT + CUT + PASTE, "one\ntwo\nthree\n"),
    ("one\n", CUT + PASTE + PASTE, "one\none\n"),
    ("no newline", "X", "Xno newline"),
    ("grün 世界\n", RIGHT * 5 + "\177" + END + "ß", "grün世界ß\n"),
    ("a b c\n", FIND + "c\r" + "X", "a b Xc\n"),
    ("x1\nx2\nx3\n", FIND + "x\r" + AGAIN + AGAIN + "Y", "Yx1\nx2\nx3\n"),
    ("Abc abc\n", FIND + "ABC\r" + "no", "noAbc abc\n"),
    ("one two\n", "\033[1;5C" + "X", "oneX two\n"),
    ("a\tb\n", END + "\tc", "a\tb\tc\n"),
    ("".join(f"{i}\n" for i in range(100)), PAGE_DOWN + PAGE_DOWN + "X", "".join(f"{'X' if i == 20 else ''}{i}\n"
                                                                                  for i in range(100))),
    ("long line\nx\nlong line\n", END + DOWN + DOWN + "X", "long line\nx\nlong lineX\n"),
])
def test_edits(tmp_path, before, keys, after):
    assert edited(tmp_path, before, keys) == after


def test_screen(tmp_path):
    path = tmp_path / "file"
    path.write_text("first\n\ttab\ngrün\n" + "x" * 100 + "\n")
    editor = Editor(path, rows=8, columns=40)
    lines = editor.screen.lines()
    assert lines[:5] == ["first", "        tab", "grün", "x" * 40, "~"]
    assert "file" in lines[6] and lines[6].endswith("line 1 of 4, column 1")
    editor.send(DOWN * 3 + END)
    assert editor.screen.lines()[0] == "" and editor.screen.lines()[6].endswith("line 4 of 4, column 101")
    editor.send(HOME + "Y")
    assert editor.screen.lines()[3].startswith("Yxx") and "(changed)" in editor.screen.lines()[6]
    editor.send(QUIT)
    assert "Save the changes?" in editor.screen.lines()[7]
    editor.quit("n")
    assert path.read_text().endswith("\n" + "x" * 100 + "\n")


def test_scrolls(tmp_path):
    path = tmp_path / "file"
    path.write_text("".join(f"line {i}\n" for i in range(50)))
    editor = Editor(path, rows=7, columns=30)
    editor.send(DOWN * 10)
    assert editor.screen.lines()[:5] == [f"line {i}" for i in range(6, 11)]
    editor.send(PAGE_UP + UP * 20)
    assert editor.screen.lines()[:5] == [f"line {i}" for i in range(5)]
    editor.quit()


def test_new_file_and_saving_on_quit(tmp_path):
    editor = Editor(tmp_path / "new")
    assert "new file" in editor.screen.lines()[-1]
    editor.send("text" + QUIT)
    editor.quit("y")
    assert (tmp_path / "new").read_text() == "text\n"


def test_keeps_mode_and_links(tmp_path):
    path = tmp_path / "file"
    path.write_text("x\n")
    path.chmod(0o750)
    (tmp_path / "link").symlink_to("file")
    editor = Editor(tmp_path / "link")
    editor.send("a" + SAVE)
    editor.quit()
    assert (tmp_path / "link").is_symlink() and path.read_text() == "ax\n" and path.stat().st_mode & 0o777 == 0o750
    editor = Editor(path)
    editor.send("b" + SAVE)
    editor.quit()
    assert path.read_text() == "bax\n" and path.stat().st_mode & 0o777 == 0o750
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "link"]


def test_failing_save_is_told(tmp_path):
    editor = Editor(tmp_path / "missing" / "file")
    editor.send("text" + SAVE)
    assert "no such file or directory" in editor.screen.lines()[-1]
    editor.send(QUIT)
    editor.quit("n")


def test_invalid_bytes_survive(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a\xff\xfe\x01b\0c\n")
    editor = Editor(path)
    editor.send(END + "d" + SAVE)
    editor.quit()
    assert path.read_bytes() == b"a\xff\xfe\x01b\0cd\n"


@pytest.mark.parametrize("keys, after", [
    ("abc" + UNDO, "one\ntwo\n"), ("abc" + UNDO + REDO, "abcone\ntwo\n"), ("a\rb" + UNDO, "a\none\ntwo\n"),
    ("a\rb" + UNDO + UNDO, "aone\ntwo\n"), ("a\rb" + 3 * UNDO, "one\ntwo\n"), ("a\rb" + 3 * UNDO + 3 * REDO, "a\nbone\ntwo\n"),
    (CUT + UNDO, "one\ntwo\n"), (CUT + PASTE + UNDO, "two\n"), (END + DELETE + UNDO, "one\ntwo\n"), (UNDO + "x", "xone\ntwo\n"),
    (REDO + "x", "xone\ntwo\n"), ("a" + UNDO + "b" + REDO, "bone\ntwo\n"), (END + "\x7f\x7f" + UNDO, "on\ntwo\n"),
    ("é你" + UNDO + REDO, "é你one\ntwo\n")])
def test_undo(tmp_path, keys, after):
    assert edited(tmp_path, "one\ntwo\n", keys) == after


@pytest.mark.parametrize("keys, after", [
    ("\033[<0;2;2M\033[<0;2;2mX", "one\ntXwo\nthree\n"), ("\033[<0;40;3MX", "one\ntwo\nthreeX\n"), ("\033[<65;1;1MX", "one\ntwo\nXthree\n"),
    ("\033[<0;1;9MX", "Xone\ntwo\nthree\n"), ("\033[<2;2;2MX", "Xone\ntwo\nthree\n")])
def test_mouse(tmp_path, keys, after):
    path = tmp_path / "file"
    path.write_text("one\ntwo\nthree\n")
    editor = Editor(path)
    for key in re.findall(r"\033\[<[0-9;]*[Mm]|.", keys + SAVE, re.S):
        editor.child.send(key)
        editor.child.expect_exact("\033[?25h")
        assert_clean(editor.child.before)
    editor.quit()
    assert path.read_text() == after
