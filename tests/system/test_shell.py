"""What a user does first, through `image/run -c`: output, errors, standard input, exit status, and files that stay."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command, *options, stdin=b"", disk=None, seconds=90):
    where = ["--system-disk", disk] if disk else ["--fresh-disk"]
    return subprocess.run([ROOT / "image/run", "--timeout", str(seconds), *where, *options, "-c", command], input=stdin,
                          capture_output=True, check=False, timeout=seconds + 110)


def test_prints_just_the_file():
    done = run("cat /etc/motd")
    assert (done.returncode, done.stdout) == (0, (ROOT / "image/root/etc/motd").read_bytes())


@pytest.mark.parametrize("command, status", [("false", 1), ("exit 42", 42), ("kill -9 $$", 137)])
def test_exit_status(command, status):
    assert run(command).returncode == status


def test_streams_are_apart_and_exact():
    data = bytes(range(256)) * 300
    done = run("cat; echo error >&2", stdin=data)
    assert (done.returncode, done.stdout, done.stderr) == (0, data, b"error\n")


COMMANDS = {
    "echo $((6 * 7)) | cat": "42\n",
    "for i in 1 2 3; do echo $i; done | wc -l": "3\n",
    "mkdir /tmp/w && cd /tmp/w && mkdir a && echo x > a/b && mv a/b a/c && ls a && rm -r a && ls -A": "c\n",
    "ln -s /etc/motd /tmp/m && cat /tmp/m | cmp - /etc/motd && echo same": "same\n",
    "seq 5 | sort -rn | head -n 2": "5\n4\n",
    "printf 'b\\na\\nb\\n' | sort | uniq -c | tr -s ' '": " 1 a\n 2 b\n",
    "x=$(cat /etc/motd | wc -c); test $x -gt 10 && echo yes": "yes\n",
    "sleep 0.2 & wait; echo done": "done\n",
    "if grep -q Keelson /etc/motd; then echo found; fi": "found\n",
    "echo a > /root/f; echo b >> /root/f; cat /root/f; rm /root/f; test -e /root/f || echo gone": "a\nb\ngone\n",
    "cat /dev/null | wc -c; head -c 5 /dev/zero | wc -c": "0\n5\n",
    "ls /proc | grep -c '^[0-9]' | grep -v '^0$' > /dev/null && echo processes": "processes\n",
    "no-such-program; echo $?": "sh: no-such-program: not found\n127\n",
    "cat /no/such/file; echo $?": "cat: /no/such/file: no such file or directory\n1\n",
    # What libc keeps: a program that was replaced runs as it is now, and text outlives the program that shared it;
    "cp /bin/true /tmp/x; /tmp/x; echo $?; /tmp/x; cp /bin/false /tmp/x; /tmp/x; echo $?; rm /tmp/x; /tmp/x 2>&1; echo $?":
        "0\n1\nsh: /tmp/x: no such file or directory\n127\n",
    "sh -c '(:); (sleep 0.3; echo late) &'; sleep 1": "late\n",
    # short ways end with their mount.
    "mkdir /tmp/u; mount -t tmpfs t /tmp/u; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do : > /tmp/u/$i; done; test -e /tmp/u/3 && "
    "umount /tmp/u && test -e /tmp/u/3 || echo gone; mount -t tmpfs t /tmp/u; test -e /tmp/u/3 || echo empty; umount /tmp/u": "gone\nempty\n",
}


@pytest.fixture(scope="module", name="outputs")
def one_boot():
    """{command: what it printed, in a shell of its own}."""
    mark = "=====\n"
    done = run("".join(f"({command}\n) 2>&1; echo {mark}" for command in COMMANDS))
    return dict(zip(COMMANDS, done.stdout.decode().split(mark)))


@pytest.mark.parametrize("command", COMMANDS)
def test_shell(outputs, command):
    assert outputs[command] == COMMANDS[command]


def test_what_was_written_stays(tmp_path):
    disk = tmp_path / "system.img"
    assert run("echo kept > /root/note", disk=disk).returncode == 0
    assert run("cat /root/note", disk=disk).stdout == b"kept\n"
    assert subprocess.run(["e2fsck", "-fn", disk], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("options", [("--machine", "q35"), ("--memory", "32M"), ("--cpus", "2")])
def test_other_machines(options):
    done = run("cat /etc/motd | wc -l", *options)
    assert (done.returncode, done.stdout) == (0, b"1\n")


def test_sixty_four_gibibytes():
    """All of it but the firmware's is the kernel's or free, and next to nothing is in use."""
    done = run("free -b", "--memory", "64G")
    total, used, free, kernel, _cache = map(int, done.stdout.splitlines()[1].split()[1:])
    assert (64 << 30) - (16 << 20) < total + kernel <= 64 << 30
    assert used + free == total and used < 64 << 20


def test_a_thousand_programs_leave_no_trace():
    """Exactly as much is free after a thousand as after a few, which warm up. The shell reads the figure itself: a program that did
    so would be counted."""
    script = """
start() { i=0; while [ $i -lt $1 ]; do /bin/true; i=$((i + 1)); done; sync; }
free_bytes() { while read key value; do if [ $key = free_bytes ]; then echo $value; fi; done < /proc/memory; }
free_bytes # the first use of the pipe
start 500; free_bytes; start 1000; free_bytes; start 50; free_bytes
"""
    done = run(script, "--nic", "none", seconds=300)  # no leases and neighbours that come and go
    free = done.stdout.split()
    assert done.returncode == 0 and len(free) == 4 and len(set(free[1:])) == 1, done


def test_a_program_lies_where_its_pages_ran_before():
    """Children of one shell share a program's pages and its place; what is not shared, and another shell's copy, lies elsewhere. With a place for each
    child QEMU keeps a translation of the pages for each: the guest stood still for a minute when other programs got them."""
    script = """
i=0; while [ $i -lt 1200 ]; do /bin/true; i=$((i + 1)); done; cat /proc/uptime
for program in wc cmp env head tail uniq; do /bin/$program --help; done > /dev/null; cat /proc/uptime
show() { while read -r places rights offset; do echo "$1 $rights ${places%-*}"; done < /proc/$2/maps; kill $2; }
sleep 60 & show first $!; sleep 60 & show second $!; sh -c 'sleep 60 & echo $! > /tmp/id; wait' & until [ -s /tmp/id ]; do :; done
read id < /tmp/id; show third $id; wait
"""
    done = run(script)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, done
    began, ended = (float(line.split()[0]) for line in lines[:2])
    assert ended - began < 10, done
    of = {name: [line.split()[1:] for line in lines[2:] if line.split()[0] == name] for name in ("first", "second", "third")}
    text = {name: [place for rights, place in of[name] if rights == "r-x"] for name in of}
    rest = {name: {place for _, place in of[name] if int(place, 16) < 0x5000 << 32} for name in of}  # stack, messages, heap
    assert len(text["first"]) == 1 and text["first"] == text["second"] != text["third"], done
    assert rest["first"] and rest["first"].isdisjoint(rest["second"]), done


def test_figures_of_memory_agree():
    """What all accounts are charged is the sum of what /proc/accounts lists, to the byte; ps, free, /proc/PID and /proc/memory
    tell the same; what is in use was charged to somebody or is the kernel's own."""
    script = """
show() { echo "== $1"; while read -r line; do echo "$line"; done < /proc/$1; }
for i in 1 2 3 4 5 6 7 8 9 10; do # at first the shell grows, gets its short ways to /proc and /tmp, and keeps what it read of cat
    show accounts > /tmp/accounts; show memory > /tmp/memory; cat /tmp/accounts > /tmp/copy
done
show accounts > /tmp/accounts; show memory > /tmp/memory
cat /tmp/accounts /tmp/memory
show $$/status
echo == ps; ps
echo == free; free -b
"""
    parts = {part.split("\n", 1)[0]: part.split("\n", 1)[1].splitlines()
             for part in run(script).stdout.decode().split("== ")[1:]}
    shell = next(name for name in parts if name.endswith("/status"))
    accounts = [line.split() for line in parts["accounts"]]
    memory = {key: int(value) for key, value in map(str.split, parts["memory"])}
    status = dict(line.split(" ", 1) for line in parts[shell])
    assert sum(int(bytes) for _, bytes, _ in accounts) == memory["charged_bytes"]
    assert memory["total_bytes"] - memory["free_bytes"] <= memory["charged_bytes"]
    assert 0 < memory["cache_bytes"] < memory["total_bytes"] - memory["free_bytes"]
    # The programs of ps are those of /proc/accounts, but for ps itself; whoever did not run meanwhile has the same figure.
    listed = {line.split()[0]: line.split() for line in parts["ps"][1:]}
    charged = {pid: int(bytes) for pid, bytes, _ in accounts if pid != "-"}
    assert set(charged) == {pid for pid, row in listed.items() if row[-1] != "ps"}
    for pid, bytes in charged.items():
        if pid != status["pid"]:
            assert listed[pid][3] == f"{bytes // 1024}K", (pid, parts)
    assert abs(int(status["memory_kib"]) - charged[status["pid"]] // 1024) <= 8, parts # one page, and what an open file takes
    total, used, free, kernel, _cache = map(int, parts["free"][1].split()[1:])
    assert (total, kernel) == (memory["total_bytes"], memory["kernel_bytes"]) and used + free == total
    assert abs(free - memory["free_bytes"]) < 2 << 20 # `free` is a program itself, and its file is cached now


@pytest.mark.parametrize("cpus", [pytest.param(2, marks=pytest.mark.two_processors), 4, 8])
def test_processors_share_the_work(cpus):
    """Four loops at once, on processors that really run at once (2) or in turn (more than the host has)."""
    script = """
for j in 1 2 3 4; do (i=0; while [ $i -lt 6 ]; do seq 50 | sort -rn | wc -l > /tmp/f$j; i=$((i + 1)); done; cat /tmp/f$j) & done; wait
grep cpus /proc/memory
"""
    done = run(script, "--cpus", str(cpus), seconds=100)
    assert (done.returncode, done.stdout.decode().split()) == (0, ["50"] * 4 + ["cpus", str(cpus)])


@pytest.mark.two_processors
def test_pairs_are_counted():
    """ipcbench --pairs: a pair on each processor gets on, and the factor is that of the figures. How large it is depends on the host."""
    done = run("ipcbench --pairs", "--cpus", "2", seconds=100)
    text = done.stdout.decode()
    assert done.returncode == 0, (text, done.stderr)
    assert "; 2 processors\n" in text
    one, two = [list(map(int, row)) for row in re.findall(r"^ +([12]) +(\d+) +(\d+) +(\d+) +(\d+)$", text, re.MULTILINE)]
    for pairs, (count, best, median, slowest, _waits) in enumerate((one, two), 1):
        assert count == pairs and 0 < slowest and median <= best and best > 0, text
    factor = re.search(r"^factor of the bests: (\d+)\.(\d\d)$", text, re.MULTILINE)
    assert int(factor[1] + factor[2]) == two[1] * 100 // one[1], text
    assert re.search(r"^factor of the medians: \d+\.\d\d$", text, re.MULTILINE), text
