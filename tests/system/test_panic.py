"""A panic: what it prints, and that every processor stops. gdb sends an idle processor to where a spoilt stack frame would; nothing a program
does leads there."""
import re
import socket
import subprocess

from conftest import ROOT
from test_boot import SECONDS, monitor


def test_a_panic_says_where_and_stops_every_processor(boot, tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    control = tmp_path / "monitor"
    machine = boot("--no-disk", "--memory", "64M", "--accel", "tcg", "--cpus", "2", "--", "-monitor", f"unix:{control},server=on,wait=off",
                   "-gdb", f"tcp:127.0.0.1:{port}")
    machine.expect("rescue shell", SECONDS)
    script = [f"target remote 127.0.0.1:{port}", "source image/keelson.py", "keelson symbols", "set $rip = (unsigned long) &__stack_chk_fail", "detach"]
    subprocess.run(["gdb", "-nx", "-batch", *[word for line in script for word in ("-ex", line)], ROOT / "build/kernel/kernel"], cwd=ROOT,
                   capture_output=True, check=True, timeout=SECONDS)
    machine.expect("kernel panic: the guard word of a stack frame was overwritten", SECONDS)
    machine.expect("The system is stopped.", SECONDS)
    frames = re.findall(r"^ +(\w+)\+0x[0-9a-f]+ \(kernel\+0x[0-9a-f]+\)$", machine.text, re.MULTILINE)
    assert len(frames) >= 2, machine.text
    assert monitor(control, "info registers -a").count("HLT=1") == 2
