"""The QEMU command line: one function per part of the machine, from the options of image/run."""
import os
import pathlib
import sys

from runner import network

OVMF = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/ovmf/OVMF.fd"]
QEMU = "qemu-system-x86_64"
LARGE_MEMORY = 2048  # MiB
DISKS_MAX = 4  # two IDE channels, master and slave


def escape(text):
    """A value inside a comma-separated QEMU option."""
    return str(text).replace(",", ",,")


def command(options, *, medium, disks, accelerator, com1, com2):
    """disks: [(path, throw_away)], the system disk first. com1, com2: values for -chardev without the id, or None."""
    line = [QEMU, "-nodefaults", "-no-user-config", "-name", "keelson", "-m", options.memory, "-smp", str(options.cpus)]
    line += processor(options, accelerator) + large_memory(options.memory)
    line += firmware(options)
    line += ["-smbios", "type=11,value=keelson: " + escape(kernel_options(options, com2 is not None))]
    line += boot_medium(medium, options.uefi)
    for unit, (path, throw_away) in enumerate(disks):
        line += ide_disk(options.machine, unit, path, throw_away)
    for number, device in enumerate((com1, com2)):
        if device:
            line += ["-chardev", f"{device},id=com{number + 1}", "-device", f"isa-serial,chardev=com{number + 1},index={number}"]
    line += network.arguments(options, escape)
    line += ["-vga", "std", "-display", "gtk" if options.window else "none"]
    line += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if options.gdb:
        line += ["-gdb", f"tcp:127.0.0.1:{options.gdb}", "-S"]
    return line + options.qemu_arguments


def processor(options, accelerator):
    is_tcg = accelerator == "tcg"
    if is_tcg and options.cpus > (os.cpu_count() or 1):
        accelerator = "tcg,thread=single"  # more processors than the host has: in turn, or they wait for one that sleeps
    line = ["-machine", options.machine, "-accel", "tcg" if options.icount else accelerator]
    line += ["-cpu", "host" if not is_tcg and not options.icount else "max"]
    if options.icount:
        line += ["-icount", "shift=0,sleep=off"]
    if options.seed is not None:
        line += ["-seed", str(seed_number(options.seed)), "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    return line


def large_memory(size):
    """Much memory is not reserved: a host grants what is touched, where it would refuse the whole."""
    if int(size[:-1]) * {"M": 1, "G": 1024}[size[-1]] <= LARGE_MEMORY:
        return []
    return ["-object", f"memory-backend-ram,id=memory,size={size},reserve=off", "-machine", "memory-backend=memory"]


def seed_number(text):
    """QEMU wants a number of 32 bits."""
    return int(text) % 2**32 if text.isdigit() else sum(byte * 257**i for i, byte in enumerate(text.encode())) % 2**32


def kernel_options(options, with_channel):
    words = list(options.option)
    if options.seed is not None:
        words.append(f"seed={options.seed}")
    if options.command is not None:
        words.append("program=/bin/remote")
    elif with_channel:
        words.append("channel=on")
    return " ".join(words)


def firmware(options):
    if not options.uefi:
        return []
    for path in OVMF:
        if pathlib.Path(path).exists():
            return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={path}"]
    sys.exit("image/run: OVMF's firmware was not found")


def boot_medium(path, uefi):
    """The ISO as a read-only disk that takes no IDE unit, the kind that the firmware reads in the least time (decision 7)."""
    devices = ["virtio-blk-pci,drive=medium,bootindex=0"] if uefi else ["pvscsi", "scsi-hd,drive=medium,bootindex=0"]
    return ["-drive", f"if=none,id=medium,format=raw,readonly=on,file={escape(path)}"] + [word for each in devices for word in ("-device", each)]


def ide_disk(machine, unit, path, throw_away):
    bus = "ide" if machine == "pc" else "pata"
    line = []
    if machine != "pc" and unit == 0:
        line += ["-device", "piix3-ide,id=pata"]  # q35 has no IDE of its own
    snapshot = "on" if throw_away else "off"
    line += ["-drive", f"if=none,id=disk{unit},format=raw,snapshot={snapshot},file={escape(path)}"]
    return line + ["-device", f"ide-hd,drive=disk{unit},bus={bus}.{unit // 2},unit={unit % 2}"]
