"""A medium with an initrd of few roles: init, devices, a driver, and a role that tries the driver."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
PROGRAMS = {"sbin/init": BUILD / "servers/init/init", "sbin/devices": BUILD / "servers/devices/devices"}
DEVICES = """
role devices
    program sbin/devices {matches}
    priority 50
    memory 8 MiB
    state 128 KiB
    kernel inspect log device
    boot platform platform
    boot ioport ioport
    boot irq irq
"""


def make(folder, matches, roles, programs, files=()):
    """Its path, in `folder`. matches: which role takes which device; roles: the manifest behind that of devices; programs: {name there: path}; files: more
    (name there, path)."""
    (folder / "manifest").write_text(DEVICES.format(matches=matches) + roles.lstrip("\n"))
    pairs = [str(part) for pair in (PROGRAMS | programs).items() for part in pair]
    python = ["/usr/bin/python3", "-B"]
    subprocess.run([*python, ROOT / "image/archive.py", "cpio", folder / "initrd", ROOT / "image/initrd", "etc/manifest", folder / "manifest", *pairs, *files],
                   check=True)
    subprocess.run([*python, ROOT / "image/iso.py", ROOT / "boot/grub_core.cfg", ROOT / "boot/grub.cfg", BUILD / "boot/loader", BUILD / "kernel/kernel",
                    folder / "initrd", folder / "boot.iso"], check=True)
    return folder / "boot.iso"
