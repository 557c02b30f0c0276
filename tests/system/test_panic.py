"""A panic: what it prints, and that every processor stops. gdb sends an idle processor to where a spoilt stack frame would; nothing a program
does leads there."""
import re
import socket
import subprocess
import time

from conftest import ROOT
from test_boot import SECONDS, monitor

# Only an idle processor: one that runs a program can't be sent into the kernel by its instruction pointer alone, and one that just came
# from there has no stack yet.
SEND = """\
for thread in gdb.selected_inferior().threads():
    thread.switch()
    if gdb.execute("info symbol $rip", to_string=True).startswith("switch_idle"):
        for line in ("$rsp = $rsp - 8", "*(unsigned long *) $rsp = $rip", "$rip = (unsigned long) &__stack_chk_fail"):  # as a call would
            gdb.execute(f"set {line}")
        print("sent")
        break
"""


def test_a_panic_says_where_and_stops_every_processor(boot, tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    control = tmp_path / "monitor"
    machine = boot("--no-disk", "--memory", "64M", "--accel", "tcg", "--cpus", "2", "--", "-monitor", f"unix:{control},server=on,wait=off",
                   "-gdb", f"tcp:127.0.0.1:{port}")
    machine.expect("rescue shell", SECONDS)
    script = tmp_path / "script"
    script.write_text(f"target remote 127.0.0.1:{port}\nsource image/keelson.py\nkeelson symbols\npython\n{SEND}end\ndetach\n")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done = subprocess.run(["gdb", "-nx", "-batch", "-x", script, ROOT / "build/kernel/kernel"], cwd=ROOT, capture_output=True, text=True,
                              check=False, timeout=SECONDS)
        if "sent" in done.stdout:
            break
    assert "sent" in done.stdout, done.stdout + done.stderr
    machine.expect("kernel panic: the guard word of a stack frame was overwritten", SECONDS)
    machine.expect("The system is stopped.", SECONDS)
    frames = re.findall(r"^ +(\w+)\+0x[0-9a-f]+ \(kernel\+0x[0-9a-f]+\)$", machine.text, re.MULTILINE)
    assert len(frames) >= 2, machine.text
    end = time.monotonic() + SECONDS
    while (halted := monitor(control, "info registers -a").count("HLT=1")) < 2 and time.monotonic() < end:
        pass  # the other one's thread may wait for a processor of the host
    assert halted == 2
