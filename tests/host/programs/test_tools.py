"""The small programs: compared with the host's own on a generated tree, and with literal expectations where ours differ or
where the host has nothing to compare with."""
import hashlib
import os
import random
import re
import shutil
import subprocess

import pytest

from conftest import BIN, assert_clean, environment

PROGRAMS = sorted(path.name for path in BIN.iterdir() if path.is_file() and os.access(path, os.X_OK)
                  and path.suffix == "" and not path.name.startswith("fuzz-") and "_" not in path.name)  # none is a program


def tree_make(root):
    generator = random.Random(7)
    words = ["alpha", "Beta", "gamma", "delta", "ROOT", "root", "x1", "x10", "x9", "-5", "3.25", "naïve", "grün"]
    lines = [" ".join(generator.choice(words) for _ in range(generator.randrange(0, 6))) for _ in range(300)]
    (root / "lines").write_text("\n".join(lines) + "\n")
    (root / "open").write_text("one\ntwo\nno newline")
    (root / "empty").write_text("")
    (root / "numbers").write_text("".join(f"{generator.randrange(-999, 999)}\n" for _ in range(100)) + "007\n7\n7.5\n")
    (root / "table").write_text("".join(f"{generator.choice('abc')}:{generator.randrange(50)}:{generator.choice(words)}\n"
                                        for _ in range(80)))
    (root / "bytes").write_bytes(bytes(range(256)) * 8 + bytes(100))
    (root / "repeated").write_text("a\na\nb\nB\nc\nc\nc\na\n")
    (root / "changed").write_text("\n".join(line for i, line in enumerate(lines) if i % 37) + "\nadded\n")
    deep = root / "tree" / "one" / "two"
    deep.mkdir(parents=True)
    (root / "tree" / "file.c").write_text("int main\n")
    (root / "tree" / "one" / "file.h").write_text("alpha\n" * 500)
    (deep / "with space").write_text("root\n")
    (root / "tree" / ".hidden").write_text("hidden\n")
    (root / "tree" / "link").symlink_to("file.c")
    (root / "tree" / "broken").symlink_to("nowhere")
    os.link(root / "tree" / "file.c", root / "tree" / "hard")
    (root / "tree" / "program").write_text("#!/bin/sh\n")
    (root / "tree" / "program").chmod(0o755)
    (root / "tree" / "private").write_text("x" * 70000)
    (root / "tree" / "private").chmod(0o600)
    with open(root / "sparse", "wb") as file:
        file.seek(1 << 20)
        file.write(b"end")
    for index, path in enumerate(sorted(root.rglob("*"))):
        if not path.is_symlink():
            os.utime(path, (1500000000 + 60 * index, 1600000000 + 60 * index))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    tree_make(root)
    return root


def run(command, directory, ours, text=None):
    result = subprocess.run(["dash", "-c", command], cwd=directory, env=environment("/home/user", ours),
                            input=text, stdin=None if text is not None else subprocess.DEVNULL, capture_output=True,
                            timeout=20)
    assert_clean(result.stderr)
    return result


# Output and exit status are those of the host's program.
SAME = """
cat lines open empty; cat nosuch lines | wc -l; cat - < open; cat -u open
head lines; head -n 3 lines open; head -5 lines; head -c 20 bytes; head -n 0 lines; head -n 1000 open
tail lines; tail -n 3 lines open; tail -3 open; tail -c 20 lines; tail -n +290 lines; tail -c +2000 bytes; cat lines | tail -n 4
tail -n 2 open; tail -n 0 lines; tail -n 1000 lines; cat open | tail -n 1; tail empty
wc lines; wc -l lines open; wc -w lines; wc -c bytes; wc -m lines; wc < lines; wc lines open empty; cat lines | wc; wc -lw open
grep root lines; grep -i root lines; grep -v root lines; grep -n gamma lines; grep -c alpha lines; grep -l root lines open table
grep -w x1 lines; grep -x Beta lines; grep -o 'al[a-z]*' lines; grep -q root lines; grep -q nosuch lines; grep -F 3.25 lines
grep -E 'x(1|9)0?' lines; grep -E '^(alpha|Beta) .* root$' lines; grep 'x1\\?0' lines; grep -e alpha -e gamma lines
grep -r alpha tree; grep -rl root tree; grep -h root lines table; grep -H root open; grep -L root lines open; grep '' open
grep '^$' lines; grep -c '^' lines; grep 'na.ve' lines; grep -o 'gr.n' lines; grep '[[:upper:]][a-z]' lines; grep -vc root lines
grep -E 'a{2}|l{1,2}' lines; grep '\\(ro*t\\) ' lines; grep -E 'a+b*|[^a-z ]+' -o lines; grep -w -o x lines; grep -nx '' lines
sort lines; sort -r lines; sort -n numbers; sort -nr numbers; sort -u lines; sort -f lines; sort -t: -k2n table; sort -un numbers
sort -t: -k1,1 -k2,2nr table; sort -k2 lines; sort -t: -k3 table; sort -c numbers; sort -s -t: -k1,1 table; sort -b -k2,2 lines
sort empty open; sort -n -k1.2 numbers; sort -t: -k2,2 -k1r table; sort -fu repeated
uniq repeated; uniq -c repeated; uniq -d repeated; uniq -u repeated; uniq -i repeated; sort lines | uniq -c | sort -rn
cut -d: -f1,3 table; cut -d: -f2- table; cut -c1-3 table; cut -b2,4 table; cut -f1 lines; cut -d' ' -s -f2 lines; cut -d: -f-2 table
tr a-z A-Z < lines; tr -d aeiou < lines; tr -s l < lines; tr -cd '[:alnum:]' < lines; tr '[:lower:]' '[:upper:]' < lines
tr ' ' '\\n' < lines; tr -sc a-z '\\n' < lines; tr abc xy < lines; tr '\\000-\\037' '?' < bytes
cmp lines lines; cmp lines open; cmp -s lines open; cmp open nosuch 2>/dev/null
hexdump -C bytes; hexdump bytes; hexdump -C open; hexdump -C -n 33 -s 5 bytes; hexdump -C empty; hexdump -v -C sparse | tail -n 3
sha256sum lines open empty bytes; sha256sum < bytes; sha256sum lines open > /tmp/sums.$$; sha256sum -c /tmp/sums.$$; rm /tmp/sums.$$
diff lines changed; diff lines lines; diff -q lines changed; diff -r tree tree; diff open empty; diff empty open
diff -u lines changed | tail -n +3; diff -U 1 lines changed | tail -n +3; diff repeated table | tail -n 5
ls; ls -a; ls -A tree; ls -1 tree; ls -R tree; ls -d tree; ls -l tree; ls -la tree; ls -lR tree; ls -t; ls -tr; ls -S; ls -F tree; ls -i tree
ls -lh; ls nosuch 2>/dev/null; ls tree lines; ls -l tree/link; ls tree/one tree/one/two; ls -r; ls -lS tree; ls -ld tree
stat -c '%n %s %a %A %h %u %g %i %Y %F' lines tree tree/link; stat -L -c %s tree/link
du tree/one/two; du -s tree; du -sh tree; du -sk tree/one
find tree -name '*.c' ; find tree -type l | sort; find tree -size +60k; find . -newer lines -type f | sort; find tree -empty
find tree -type f -exec echo {} ';' | sort; find tree -maxdepth 1 | sort; find tree ! -type d -a -name 'f*' | sort
find tree \\( -name '*.c' -o -name '*.h' \\) -print | sort; find tree -name one -prune -o -print | sort; find tree -perm 755 | sort
find tree -iname 'FILE*' | sort; find tree -mindepth 2 -type f | sort; find nosuch 2>/dev/null; find tree -path '*one*' | sort
echo 'a b  c' | xargs echo; seq 5 | xargs -n 2 echo; printf 'a b\\nc\\n' | xargs -I @ echo '<@>'; find tree -print0 | xargs -0 ls -d
echo '"a b" c\\ d' | xargs -n 1 echo; echo a | xargs false; echo a | xargs nosuch 2>/dev/null; xargs -r echo < empty; xargs echo < empty
seq 5; seq 2 5; seq 1 2 9; seq 5 -2 -5; seq -w 8 11; seq -s , 4; seq 3 1; basename /a/b/c.txt .txt; basename /; basename a/; basename a a
dirname /a/b; dirname a; dirname /; dirname a/b/ c//d; printf '%s-%d\\n' a 1 b 2; env printf '%5.1s|\\n' abc; env echo -n x; env -i A=b env
dd if=bytes bs=100 count=3 skip=2 status=none; dd if=lines bs=7 skip=3 count=5 status=none | wc -c; echo abc | dd bs=1 status=none
date -u -d @0 +%Y-%m-%dT%H:%M:%S; date -u -d '2024-02-29 12:34:56' +%s; date -u -r lines; date -u -d @1700000000
test -f lines; test -d lines; test -h tree/link; [ -x tree/program ]; test 3 -gt 2; [ a = b ]; which ls > /dev/null; which nosuch
true; false; sleep 0.01; pwd -P; yes | head -n 3; yes a b | head -n 2; echo x | tee /dev/null; uname -m; uname -s; readlink tree/link
env FOO=1 sh -c 'echo $FOO'; env false; env nosuch 2>/dev/null; time -p true 2>/dev/null; touch -c nosuch; rmdir nosuch 2>/dev/null
"""


def commands():
    return [part.strip() for line in SAME.strip().splitlines() for part in re.split(r"; (?=[a-z\[])", line)
            if "/tmp/sums" not in part and not part.startswith("readlink") and not part.startswith("time -p")]


ORDER_IS_FREE = ("find ", "du ", "grep -r")


@pytest.mark.parametrize("command", commands())
def test_like_the_host(command, tree):
    ours = run(command.replace("\\\\", "\\"), tree, True)
    host = run(command.replace("\\\\", "\\"), tree, False)
    if command.startswith("cmp lines open"):  # the names of the units differ between versions
        assert ours.returncode == host.returncode
        return
    mine, theirs = ours.stdout, host.stdout
    if command.startswith(ORDER_IS_FREE):
        mine, theirs = sorted(mine.splitlines()), sorted(theirs.splitlines())
    if command.startswith("diff -r"):
        mine = theirs = b""
    assert (mine, ours.returncode) == (theirs, host.returncode), ours.stderr.decode()


# Commands that change files: both trees must end the same.
CHANGES = [
    "cp lines copy; cp -p lines kept; cp -r tree copied; cp lines open tree",
    "cp -a tree copied", "cp sparse copy", "cp -r tree tree/one/two/.. 2>/dev/null || true; rm -rf tree/one/tree",
    "cp tree/link plain; cp -d tree/link linked", "cp lines tree/file.c", "cp -f lines tree/private", "cp -r tree/one new",
    "mv lines moved; mv open tree; mv tree other", "mv lines open empty tree", "mv -n lines open", "echo n | mv -i lines open",
    "mv tree/link lines", "rm lines; rm -r tree", "rm -f nosuch; rm -rf tree nosuch", "echo y | rm -i lines", "echo n | rm -i lines",
    "rm tree/link tree/hard", "rm -d tree/one 2>/dev/null; true", "mkdir a; mkdir -p b/c/d; mkdir -m 700 e; mkdir -p b/c",
    "mkdir a; rmdir a; mkdir -p b/c; rmdir -p b/c", "touch new; touch -d @1000000 lines; touch -r lines open",
    "ln lines hard; ln -s lines soft; ln -s ../lines tree; ln -sf open soft", "ln lines open 2>/dev/null || true; ln -f lines open",
    "chmod 640 lines; chmod u+x,g-r,o=r open; chmod -R go-rwx tree; chmod a+X tree empty", "chmod +x lines; chmod -w open",
    "dd if=lines of=bytes bs=10 count=5 seek=3 conv=notrunc status=none", "dd if=lines of=bytes bs=10 count=5 status=none",
    "dd if=/dev/zero of=new bs=1k count=3 conv=fsync status=none; dd if=open of=padded bs=64 conv=sync status=none",
    "echo more | tee -a lines > /dev/null; echo only | tee open copy > /dev/null", "sort -o lines lines", "uniq repeated result",
    "find tree -name 'file*' -delete", "find . -type f -name '*e*' -exec rm {} ';'", "sync; sync lines",
    "head -n 3 lines > a; (head -n 2; cat) < lines > b", "mkdir m; mv m tree/one; cp lines tree/one/m/",
]


def picture(root):
    result = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        result[str(path.relative_to(root))] = (oct(info.st_mode), info.st_nlink if path.is_file() else 0,
                                                int(info.st_mtime) if info.st_mtime < 1700000000 and not path.is_symlink()
                                                and not path.is_dir() else "now", content)
    return result


@pytest.mark.parametrize("command", CHANGES)
def test_changes_like_the_host(command, tmp_path):
    pictures = []
    for ours in (True, False):
        root = tmp_path / str(ours)
        root.mkdir()
        tree_make(root)
        result = run("umask 022; " + command, root, ours)
        pictures.append((picture(root), result.returncode))
    assert pictures[0] == pictures[1]


def test_cp_keeps_holes(tree, tmp_path):
    run(f"cp sparse {tmp_path}/copy", tree, True)
    assert (tmp_path / "copy").stat().st_blocks <= (tree / "sparse").stat().st_blocks
    assert (tmp_path / "copy").read_bytes() == (tree / "sparse").read_bytes()


@pytest.mark.parametrize("name", PROGRAMS)
def test_help(name, tmp_path):
    result = subprocess.run([BIN / name, "--help"], capture_output=True, text=True, env=environment(tmp_path),
                            stdin=subprocess.DEVNULL, timeout=20)
    shown = name.replace("test-command", "test")
    assert result.returncode == 0 and result.stdout.startswith(f"usage: {shown}") and not result.stderr


@pytest.mark.parametrize("command, error", [
    ("cat nosuch", "cat: nosuch: no such file or directory"), ("rm nosuch", "rm: nosuch: no such file or directory"),
    ("rm tree", "rm: tree: is a directory"), ("rmdir tree", "rmdir: tree: directory not empty"),
    ("mkdir tree", "mkdir: tree: file exists"), ("cp nosuch x", "cp: nosuch: no such file or directory"),
    ("cp tree x", "cp: tree: is a directory"), ("mv nosuch x", "mv: nosuch: no such file or directory"),
    ("cp lines lines", "cp: lines: is the same file as lines"), ("ln lines open", "ln: open: file exists"),
    ("ls nosuch", "ls: nosuch: no such file or directory"), ("grep x nosuch", "grep: nosuch: no such file or directory"),
    ("rm -r /", "rm: /: refused"), ("rm -rf tree/..", "rm: tree/..: refused"), ("cp -r tree tree/one", "into itself"),
    ("ls -z", "ls: -z: unknown option"), ("head -n", "head: -n: argument missing"), ("sleep x", "sleep: not a time: x"),
    ("grep '['", "grep: [ is not closed"), ("sort -k0 lines", "sort: -k: not a key: 0"), ("cut lines", "cut: -b, -c or -f"),
    ("tr", "tr: one or two sets"), ("dd bs=x", "dd: bs: not a number: x"), ("env kill x", "kill: x: not a process id"),
    ("date -d x", "date: not a time: x"), ("seq 1 0 2", "seq: STEP: must not be zero"), ("find -foo", "find: -foo: unknown"),
    ("cat lines > /dev/full", "cat: standard output: no space left on device"),
    ("ls > /dev/full", "ls: standard output: no space left on device"), ("env nosuch", "env: nosuch: not found"),
    ("sha256sum -c open", "sha256sum: open: no line with a sum"), ("diff lines nosuch", "diff: nosuch: no such file"),
    ("chmod 999 lines", "chmod: not a mode: 999"), ("cmp lines nosuch", "cmp: nosuch: no such file"),
    ("edit lines < /dev/null", "edit: needs a terminal"), ("stat nosuch", "stat: nosuch: no such file"),
])
def test_errors(command, error, tree):
    result = run(command, tree, True)
    assert result.returncode in (1, 2, 127) and error in result.stderr.decode()


def test_sums_are_checked(tree, tmp_path):
    digest = hashlib.sha256((tree / "lines").read_bytes()).hexdigest()
    (tmp_path / "good").write_text(f"{digest}  {tree}/lines\n")
    (tmp_path / "bad").write_text(f"{'0' * 64}  {tree}/lines\n")
    assert run("sha256sum -c good", tmp_path, True).stdout.decode() == f"{tree}/lines: OK\n"
    result = run("sha256sum -c bad", tmp_path, True)
    assert result.returncode == 1 and "FAILED" in result.stdout.decode() and "do not match" in result.stderr.decode()


def test_dd_tells_the_rate(tree):
    result = run("dd if=bytes of=/dev/null bs=100", tree, True)
    lines = result.stderr.decode().splitlines()
    assert lines[:2] == ["21+1 records in", "21+1 records out"]
    assert re.fullmatch(r"2148 bytes \(2\.1K\) copied, \d+\.\d{6} s, .*/s", lines[2])


def test_tail_follows(tmp_path):
    path = tmp_path / "log"
    path.write_text("first\n")
    process = subprocess.Popen([BIN / "tail", "-f", path], stdout=subprocess.PIPE, env=environment(tmp_path))
    try:
        assert process.stdout.readline() == b"first\n"
        with open(path, "a") as file:
            file.write("second\n")
        assert process.stdout.readline() == b"second\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_random_diffs_are_right(tmp_path):
    """A unified difference, applied by the host's patch or by hand, turns one file into the other."""
    generator = random.Random(3)
    for _ in range(20):
        a = [generator.choice("abcdef") for _ in range(generator.randrange(40))]
        b = [line for line in a if generator.random() > 0.2]
        for _ in range(generator.randrange(6)):
            b.insert(generator.randrange(len(b) + 1), generator.choice("abcxyz"))
        (tmp_path / "a").write_text("".join(line + "\n" for line in a))
        (tmp_path / "b").write_text("".join(line + "\n" for line in b))
        classic = run("diff a b", tmp_path, True).stdout.decode()
        minimal = run("diff -d a b", tmp_path, False).stdout.decode()
        count = sum(line[0] in "<>" for line in classic.splitlines())
        assert count == sum(line[0] in "<>" for line in minimal.splitlines())
        unified = run("diff -U 1000 a b", tmp_path, True).stdout.decode().splitlines()[3:]
        if classic:
            assert [line[1:] for line in unified if line[0] in " +"] == b
            assert [line[1:] for line in unified if line[0] in " -"] == a


PROC = {
    "processes": "1 0 1 S 20 1204 1530 init\n2 1 2 R 31 88 61005 ext2\n17 1 17 S 10 640 12 sh -l with words\n",
    "memory": "total_bytes 67108864\nfree_bytes 33554432\nkernel_bytes 4194304\ncache_bytes 8388608\n",
    "uptime": "93784.05 180000.50\n",
    "log": "6 0.000012 kernel: starting\n4 1.500000 ata: slow disk: retrying\n3 12.000001 ext2: bad block\n",
    "pci": "00:00.0 8086:1237 060000 02 - -\n00:01.1 8086:7010 010180 00 14 ata\n00:03.0 8086:100e 020000 03 11 -\n",
    "disks": "disk0 - 67108864 512 0 QEMU HARDDISK\ndisk1 - 1073741824 512 1 USB stick\ndisk1p1 disk1 536870912 512 1 \n",
    "mounts": "/dev/disk0 / ext2 rw\n/dev/disk1p1 /mnt\\040a ext2 ro\n",
}


@pytest.fixture
def proc(tmp_path):
    directory = tmp_path / "proc"
    directory.mkdir()
    for name, text in PROC.items():
        (directory / name).write_text(text)
    return tmp_path


def test_ps(proc):
    lines = run("ps -l", proc, True).stdout.decode().splitlines()
    assert len(lines) == 4 and lines[3] == "   17     1    17 S  10     640K    0:00.01 sh -l with words"
    assert "   1:01.00 ext2" in lines[2]


def test_free(proc):
    assert run("free", proc, True).stdout.decode().splitlines()[1].split() == [
        "Memory:", "65536", "32768", "32768", "4096", "8192"]
    assert "64M" in run("free -h", proc, True).stdout.decode()


def test_uptime(proc):
    assert "up 1 day, 2:03:04, idle 180000.50 s" in run("uptime", proc, True).stdout.decode()


def test_dmesg(proc):
    assert run("dmesg", proc, True).stdout.decode() == (
        "[    0.000012] kernel: starting\n[    1.500000] ata: slow disk: retrying\n[   12.000001] ext2: bad block\n")
    assert run("dmesg -l warning -s ata", proc, True).stdout.decode().count("\n") == 1
    assert run("dmesg -x -l 3", proc, True).stdout.decode() == "error     [   12.000001] ext2: bad block\n"


def test_lspci(proc):
    assert run("lspci", proc, True).stdout.decode().splitlines() == [
        "00:00.0 Host bridge: Intel 8086:1237 (rev 02)",
        "00:01.1 IDE controller: Intel 8086:7010 (rev 00) irq 14 driver ata",
        "00:03.0 Ethernet controller: Intel 8086:100e (rev 03) irq 11"]


def test_lsblk(proc):
    lines = run("lsblk", proc, True).stdout.decode().splitlines()
    assert lines[1].split()[:5] == ["disk0", "64M", "rw", "disk", "/"] and lines[1].endswith("(QEMU HARDDISK)")
    assert lines[3].split()[:4] == ["└─disk1p1", "512M", "ro", "part"] and lines[3].endswith("/mnt a")


def test_mount_lists(proc):
    assert run("mount", proc, True).stdout.decode().splitlines()[1] == "/dev/disk1p1 on /mnt a type ext2 (ro)"


def test_df(proc):
    (proc / "proc" / "mounts").write_text("/dev/root / ext2 rw\n")
    lines = run("df", proc, True).stdout.decode().splitlines()
    host = os.statvfs("/")
    assert lines[1].split()[:2] == ["/dev/root", str(host.f_blocks * host.f_frsize // 1024)]
    assert run("df -h /", proc, True).stdout.decode().splitlines()[1].split()[-1] == "/"


@pytest.mark.parametrize("name, text, program, reason", [
    ("processes", "1 0 1 S 20 1204 init\n", "ps", "line 1: too few fields"),
    ("processes", "1 0 1 X 20 1 1 init\n", "ps", "line 1: unknown state"),
    ("processes", "1 0 1 S 20 1 1 ok\nx 0 1 S 20 1 1 init\n", "ps", "line 2: not a number"),
    ("processes", "1 0 1 S 20 1 1 init", "ps", "no newline"), ("memory", "total_bytes 1\n", "free", "no line for free_bytes"),
    ("memory", "total_bytes -1\nfree_bytes 1\n", "free", "line 1: not a number"), ("uptime", "", "uptime", "empty"),
    ("uptime", "1 2\n", "uptime", "not seconds.hundredths"), ("log", "9 1.000000 a: b\n", "dmesg", "unknown level"),
    ("log", "1 1.0 a: b\n", "dmesg", "not seconds.micros"), ("pci", "0 8086 1 2 3 4\n", "lspci", "not vendor:device"),
    ("disks", "d - 1 512 2 m\n", "lsblk", "neither 0 nor 1"), ("mounts", "a b c\n", "mount", "too few fields"),
])
def test_malformed_proc_is_refused(proc, name, text, program, reason):
    (proc / "proc" / name).write_text(text)
    result = run(program, proc, True)
    assert result.returncode == 1 and reason in result.stderr.decode()


def test_missing_proc_is_named(tmp_path):
    result = run("ps", tmp_path, True)
    assert result.returncode == 1 and "ps: proc/processes: no such file or directory" in result.stderr.decode()


def test_help_lists_all_programs(tmp_path):
    listed = {line.split()[0] for line in run("help", tmp_path, True).stdout.decode().splitlines()}
    assert {name.replace("test-command", "test") for name in PROGRAMS} <= listed
    assert {"reboot", "poweroff"} <= listed
    shutil.rmtree(tmp_path, ignore_errors=True)
