"""Servers that fail by themselves: the request that they fail with is refused the second time, a report is written, and hangs are found."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_reload import rows, run

POISON = """
exec 5>/root/open; service reload ext2 /builds/ext2_poisoned || echo BAD; sleep 1.2
cat /root/poison; echo $?; echo still >&5; cat /root/open
cat /root/mire; echo $?; cat /root/open; cat /root/poison; echo $?; echo ---
i=0; while [ ! -e /var/log/crash/ext2.6 ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
cat /var/log/crash/ext2.2; echo ---; cat /var/log/crash/ext2.3; echo ---; rm /root/open; service; sync
"""


def test_requests_that_a_server_fails_with():
    """One name makes ext2 fault, another one spin: both are refused at the third time, and all else goes on."""
    text, errors = run(POISON, ["ext2_poisoned"], options=["--option", "watch=100"])
    first, crash, hang, services = text.split("---\n")
    assert first.split() == ["1", "still", "1", "still", "1"], text + errors
    assert errors.count("request refused: its service failed twice") == 3, errors
    lines = crash.splitlines()
    assert "ext2 crashed: page fault at __wrap_node_lookup+" in lines[0] and "address 0x8" in lines[0], crash
    assert any("called from dispatch_open+" in line for line in lines) and len(lines) <= 25, crash
    assert "it is refused: the service failed with it before" in crash and "it is directory.open" in crash, crash
    assert "decision: it runs again after" in crash and "with its memory" in crash and "rip 0" in crash, crash
    messages = " ".join(crash.replace("\n", "; ").split())  # a line may end between any two of them
    assert "last messages: took " in messages and ", directory.open; took " in messages and "answered " in messages, crash
    assert "ext2 hangs at __wrap_node_lookup+" in hang and "it is sent again by its caller" in hang, hang
    assert rows(services)["ext2"][1] == "running" and int(rows(services)["ext2"][3]) == 7, services


HANGS = """
: > /root/x; exec 5> /root/o; echo a >&5; [ -e /root/x ]
service point vfs lie 1; n=0; while [ $n -lt 3 ]; do [ -e /root/x ] || echo BAD; n=$((n + 1)); done
service point ext2 lie 1; for w in b c d; do echo $w >&5 || echo told $w; done; cat /root/o; exec 5>&-
service | grep -cE "^(vfs|ext2) .* lied"; service log init | grep -cE "(vfs|ext2) answered nonsense; crash report"; rm /root/x /root/o; echo ---
(while [ ! -e /tmp/stop ]; do cp /bin/true /root/c && cmp /bin/true /root/c || echo BAD; cat /dev/null /proc/uptime > /tmp/u; sleep 0.1; done) &
found() { i=0; until service | grep -q "^$1 .*hung" || [ $i -gt 200 ]; do sleep 0.1; i=$((i + 1)); done; }
try() { service kill $1; service point $*; found $1; echo "$* $(service | grep -c "^$1 .*hung")"; }
for n in 1 2 3 7 12 20; do try vfs stall $n; done
try tmpfs stall 5; try process stall 9; try console stall 1; try devfs stall 1; try ata stall 7
try ext2 spin 50; try log spin 1
try ext2 lose 9; try vfs lose 4; try tmpfs lose 2; try procfs lose 1
: > /tmp/stop; wait; rm /root/c; echo ---; service; echo ---
service point log sleep 1; service log vfs > /dev/null & i=0
until service | grep -q "^log .* 4  *hung" || [ $i -gt 100 ]; do sleep 0.2; i=$((i + 1)); done
service; sync
"""


def test_hangs_are_found():
    """Servers that answer with nonsense: what may be done twice is, of what may not be nobody knows what came of it. Servers that spin, that wait for what never comes after any event, and that lose a request while they go on, under a copy that is compared;
    and a request that waits in its server for ever: the second time it is found, the memory that it waits in goes."""
    text, errors = run(HANGS, seconds=200, options=["--option", "watch=100"])
    lies, found, services, waits = text.split("---\n")
    assert lies.split() == ["told", "b", "a", "c", "d", "2", "2"] and "outcome unknown" in errors, lies + errors
    assert found.count("\n") == 17 and all(line.endswith(" 1") for line in found.splitlines()), text
    state = rows(services)
    guilty = {"vfs": 15, "ext2": 5, "tmpfs": 4, "log": 2, "process": 2, "console": 2, "devfs": 2, "ata": 2, "procfs": 2}
    assert all(state[name][1] == "running" for name in guilty), services
    assert all(int(state[name][3]) == guilty.get(name, 0) for name in (*guilty, "serial0", "boot", "initrdfs", "devices", "keyboard", "net")), \
        services  # nobody is blamed for what another does
    assert rows(waits)["log"][1:5:2] == ["running", "4"] and rows(waits)["log"][4] == "hung", waits


def is_found(build, role, script, sign, *arguments):
    """init ends the role's build in `script` by this sign, and the one before works; what the script prints behind that."""
    text, _ = run(script, [build], 120, options=[*arguments, "--option", "watch=100"])
    before, after = text.split("---\n")
    assert "hung" in before and f"found by the {sign}" in before, before
    assert f"the new program of {role} did not work: the one before comes back" in before, before
    assert rows(after)[role][1] == "running", after
    return after


STORM = """
service reload e1000 /builds/e1000_storm || echo BAD; i=0
until service | grep -q "^e1000 .*hung" || [ $i -gt 100 ]; do sleep 0.2; i=$((i + 1)); done
service | grep "^e1000"; service log init | grep -E "e1000 hangs|comes back"; echo ---
i=0; until ip address | grep -q 10.0.2.15 || [ $i -gt 100 ]; do sleep 0.2; i=$((i + 1)); done
ip address | grep -c 10.0.2.15; service; sync
"""


def test_an_interrupt_storm():
    """A driver that leaves the causes of its interrupts in its card, whose line then interrupts for ever, is ended, and the one before works."""
    after = is_found("e1000_storm", "e1000", STORM, "interrupts that its device has no reason for", "--nic", "e1000")
    assert after.split()[0] == "1", after


EDGE_STORM = """
service reload serial0 /builds/uart16550_storm || echo BAD; i=0
until service | grep -q "^serial0 .*hung" || [ $i -gt 100 ]; do sleep 0.2; i=$((i + 1)); done
service | grep "^serial0"; service log init | grep -E "serial0 hangs|comes back"; echo ---
echo typed > /dev/serial0; service; sync
"""


def test_an_interrupt_storm_of_edges():
    """The serial port's line takes edges and is not shared: that its chip gives no reason is noticed by the driver, and the one before works."""
    is_found("uart16550_storm", "serial0", EDGE_STORM, "interrupts that its device has no reason for")


SPIN = EDGE_STORM.replace("uart16550_storm", "uart16550_spin")


def test_a_driver_that_never_sleeps():
    """It answers all that is asked, and programs do not run for it: it is ended, and the one before works."""
    is_found("uart16550_spin", "serial0", SPIN, "time that it takes from others")


LONG = """
mkdir /root/many; cd /root/many; i=0; while [ $i -lt 6000 ]; do : > $i; i=$((i + 1)); done; exec 5>/root/open; echo before >&5
service point ext2 store 5000; sync
again() { ls | xargs chmod $1 || echo BAD; service point ext2 store $2; sync; }
again 600 9000; again 640 20000; echo after >&5
cat /root/open; ls | wc -l; service log init | grep -c "without its memory"; service; sync
"""


def test_much_is_taken_back():
    """A sync of some thousand inodes changes more than the undo log has room for: what was done is committed on
    the way, and a server that ends in its midst keeps its memory."""
    text, errors = run(LONG, seconds=120, options=["--memory", "1G"])
    assert text.split()[:4] == ["before", "after", "6000", "0"], text + errors
    assert rows(text)["ext2"][1:4:2] == ["running", "3"], text


POLICY = """
n=0; while [ $n -lt 5 ]; do service kill boot; sleep 0.1; n=$((n + 1)); done
mount | wc -l; (sleep 0.2; exit 3); echo $?; ps | grep -c ' /bin/remote$'; service; exit 7
"""


def test_the_policy_part_is_restarted():
    """boot mounts nothing twice, starts nothing twice, and still turns the machine off when its program has ended."""
    done = subprocess.run([ROOT / "image/run", "--timeout", "120", "--fresh-disk", "-c", POLICY], capture_output=True, check=False,
                          timeout=200, text=True)
    assert done.returncode == 7 and "did not turn itself off" not in done.stderr, done.stdout + done.stderr
    assert done.stdout.split()[:3] == ["4", "3", "1"] and rows(done.stdout)["boot"][1:4:2] == ["running", "5"], done.stdout
