"""Chooses how QEMU runs the guest's instructions. KVM's device file may be there and still hang a PC guest, or run it far
slower than TCG does (nested virtualisation; a boot sector that only leaves passes there), so the boot medium itself must
reach the kernel's first line in time; the result is remembered."""
import json
import os
import platform
import selectors
import subprocess
import time

PROBE_SECONDS = 6  # TCG takes about 2
FIRST_LINE = b"Keelson, loaded by"


def kvm_boots(qemu, medium):
    """True if a guest under KVM boots this medium within the limit."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    line = [qemu, "-nodefaults", "-no-user-config", "-machine", "pc,accel=kvm", "-cpu", "host", "-m", "64", "-display", "none",
            "-serial", "stdio", "-no-reboot", "-drive", f"if=none,id=medium,format=raw,readonly=on,file={medium}",
            "-device", "pvscsi", "-device", "scsi-hd,drive=medium"]
    deadline = time.monotonic() + PROBE_SECONDS
    said = b""
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while FIRST_LINE not in said and selector.select(max(0, deadline - time.monotonic())):
                data = os.read(process.stdout.fileno(), 4096)
                if not data:
                    break
                said += data
        process.kill()
    return FIRST_LINE in said


def choose(wanted, qemu, medium, memory):
    """'kvm' or 'tcg'. memory: a file that keeps the probe's result, per kernel of the host."""
    if wanted != "auto":
        return wanted
    host = f"{platform.release()} {os.access('/dev/kvm', os.W_OK)}"
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get("host") != host:
        known = {"host": host, "kvm": kvm_boots(qemu, medium)}
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(known))
    return "kvm" if known["kvm"] else "tcg"
