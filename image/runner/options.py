"""The command line of image/run."""
import argparse
import re

DESCRIPTION = "Builds Keelson, makes its disk if there is none yet, and boots it in QEMU, in this terminal."
EPILOG = """\
In the guest's console, Ctrl-A X leaves at once (unsaved files may be lost); the guest's `poweroff` leaves cleanly.

-c runs one command: its standard output and error and its exit status are the program's own, standard input is handed on.
Exit status 124: the time was up; 125: the guest could not boot, panicked or hung (the last of its log is shown).

The disk images/system.img is made on first use and kept. Programs and the manifest on it always match the build; a file that
was changed on the disk is left as it is. Delete the image for a new one. --disk adds up to three more: /dev/disk1 to disk3.

--ram-disk takes what is on the system disk (or --system-disk, --fresh-disk) into RAM, as ram0; what the guest writes is lost.
It takes 128 MiB of RAM; disks of --disk are then disk0 and so on.

--reload ata: while a guest started by image/run (without -c) runs in another terminal, builds what plays the role ata, and the
guest goes on with it. Nothing that runs there notices; if the new program ends at once, the one before comes back."""


def parser():
    p = argparse.ArgumentParser(prog="image/run", description=DESCRIPTION, epilog=EPILOG,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    add = p.add_argument
    add("-c", dest="command", metavar="COMMAND", help="run COMMAND in the guest's shell, then turn the guest off")
    add("--timeout", type=float, metavar="SECONDS", help="with -c: give up after this time, boot included (status 124)")
    add("--fresh-disk", action="store_true", help="use a new disk for this run only; images/system.img is not touched")
    add("--system-disk", metavar="FILE", help="use this image as the system disk (made if missing)")
    add("--disk", action="append", default=[], metavar="FILE", help="attach an image beside the system disk; repeatable")
    add("--no-disk", action="store_true", help="run without a system disk (rescue shell)")
    add("--ram-disk", action="store_true", help="copy the system disk into RAM (ram0) and leave the disk alone")
    add("--window", action="store_true", help="show the guest's screen in a window")
    add("--screenshot", metavar="FILE", help="write the screen to FILE (PNG) when the command has ended; without -c: at the prompt")
    add("--machine", choices=["pc", "q35"], default="pc", help="QEMU's machine (pc)")
    add("--uefi", action="store_true", help="boot by UEFI (OVMF) instead of BIOS")
    add("--cpus", type=count, default=1, metavar="N", help="number of CPUs (1)")
    add("--memory", type=memory, default="256M", metavar="SIZE", help="RAM, as 32M or 4G (256M)")
    add("--accel", choices=["auto", "tcg", "kvm"], default="auto", help="how to run the guest; auto: KVM if it really boots")
    add("--icount", action="store_true", help="count instructions as time (TCG, shift=0): repeatable figures")
    add("--seed", metavar="N", help="make everything random from N: kernel, QEMU and clock")
    add("--option", action="append", default=[], type=kernel_option, metavar="NAME=VALUE",
        help="kernel option (loglevel=debug, console=serial, isolation=on, ...); repeatable")
    add("--gdb", type=port, nargs="?", const=1234, metavar="PORT", help="wait for a debugger on this port (1234) before the first instruction")
    add("--reload", metavar="NAME", help="build the server or driver of this role, and put it in its place in the guest that runs")
    add("--doctor", action="store_true", help="only report which packages are there and which are missing")
    add("--build-only", action="store_true", help="build and bring the disk up to date, do not boot")
    return p


def count(text):
    if not text.isdigit() or not 1 <= int(text) <= 255:
        raise argparse.ArgumentTypeError("a number of CPUs from 1 to 255 is wanted")
    return int(text)


def port(text):
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port from 1 to 65535 is wanted")
    return int(text)


def memory(text):
    if not re.fullmatch(r"[1-9][0-9]*[MG]", text):
        raise argparse.ArgumentTypeError("a size such as 256M or 4G is wanted")
    return text


def kernel_option(text):
    if not re.fullmatch(r"[a-z_]+(=[^\s\"]*)?", text):
        raise argparse.ArgumentTypeError("NAME=VALUE without blanks or quotes is wanted")
    return text


def parse(arguments):
    """The options; what follows `--` goes to QEMU as qemu_arguments. Ends the program on a mistake."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    p = parser()
    options = p.parse_args(arguments[:split])
    options.qemu_arguments = arguments[split + 1:]
    if options.ram_disk and options.no_disk:
        p.error("--ram-disk and --no-disk exclude each other")
    if options.ram_disk and not any(option.startswith("root=") for option in options.option):
        options.option.append("root=ram0")
    if options.reload and options.command is not None:
        p.error("--reload and -c exclude each other")
    if options.command is None and options.timeout is not None:
        p.error("--timeout goes with -c")
    if options.fresh_disk + bool(options.system_disk) + options.no_disk > 1:
        p.error("--fresh-disk, --system-disk and --no-disk exclude each other")
    if len(options.disk) > 3:
        p.error("IDE takes three disks beside the system disk")
    if options.icount and options.accel == "kvm":
        p.error("--icount needs TCG")
    return options
