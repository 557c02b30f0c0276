"""The Linux that Keelson is measured beside: Debian's kernel and busybox, fetched by apt and unpacked (never installed) into
the build folder, with an initramfs that loads the IDE and ext2 modules, runs filebench and turns the machine off."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["ata_piix", "sd_mod", "crc32c_generic", "ext4"]  # with what they need; ext4 serves ext2
SECONDS = 1200
APPEND = "console=ttyS0 mitigations=off quiet panic=-1 rdinit=/init"

# Mounts what every Linux has and loads the modules; waits for the disk.
BEGIN = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /mnt
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do
    /bin/busybox insmod /modules/$module
done
"""
WAIT = """turns=20
while [ ! -b {device} ] && [ $turns -gt 0 ]; do
    /bin/busybox sleep 0.5
    turns=$((turns - 1))
done
"""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"tests/bench/run: {command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def package_of_kernel():
    """The package that the metapackage linux-image-amd64 names."""
    found = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", "linux-image-amd64"))
    if not found:
        sys.exit("tests/bench/run: apt knows no linux-image-amd64: run apt-get update")
    return found.group(1)


def unpack(folder):
    """The unpacked packages, fetched on first use."""
    tree = folder / "tree"
    if tree.exists():
        return tree
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        run("apt-get", "download", package_of_kernel(), "busybox-static", cwd=scratch)
        fresh = pathlib.Path(scratch, "tree")
        for package in pathlib.Path(scratch).glob("*.deb"):
            run("dpkg", "-x", package, fresh)
        fresh.rename(tree)
    return tree


def module_order(tree, names):
    """Files of the modules in the order in which they can be loaded. A module names those that it needs."""
    files = {path.name.removesuffix(".ko").replace("-", "_"): path for path in tree.rglob("*.ko")}
    order = []

    def add(name):
        path = files[name.replace("-", "_")]
        if path in order:
            return
        needed = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes()).group(1).decode()
        for other in filter(None, needed.split(",")):
            add(other)
        order.append(path)

    for name in names:
        add(name)
    return order


def prepare(folder, device, script, programs, modules=(), files=()):
    """(kernel, initramfs) that run this script of busybox's shell; programs: what goes to /bin, by name; files: (path there, path here). The disk is
    `device`; None: there is none."""
    tree = unpack(folder)
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch)
        (root / "bin").mkdir()
        (root / "modules").mkdir()
        shutil.copy(tree / "bin/busybox", root / "bin/busybox")
        for name, path in programs.items():
            shutil.copy(path, root / "bin" / name)
        for there, here in files:
            (root / there).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, root / there)
        order = module_order(tree, [*(MODULES if device else ()), *modules])
        for path in order:
            shutil.copy(path, root / "modules" / path.name)
        (root / "init").write_text(BEGIN.format(modules=" ".join(path.name for path in order)) + (WAIT.format(device=device) if device else "") +
                                    script)
        (root / "init").chmod(0o755)
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))) + "\n"
        initramfs = folder / "initramfs"
        with open(initramfs, "wb") as out:
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=out, check=True)
    return next(tree.glob("boot/vmlinuz-*")), initramfs


def filebench(folder, device, turns):
    """(kernel, initramfs) that run filebench on this device and turn the machine off."""
    program = folder / "filebench"
    folder.mkdir(parents=True, exist_ok=True)
    run("clang", "-O2", "-static", "-D_GNU_SOURCE", "-o", program, HERE / "files.c")
    return prepare(folder, device, f"""/bin/filebench {device} /mnt {turns}
echo "filebench ended with status $?"
/bin/busybox poweroff -f
""", {"filebench": program})


def boot_line(line, kernel, initramfs, append=""):
    """The command line of this machine with Linux on it: QEMU boots the kernel itself; the medium stays attached, but is not
    booted from."""
    line = [word.replace(",bootindex=0", "") for word in line]
    return line + ["-kernel", str(kernel), "-initrd", str(initramfs), "-append", f"{APPEND} {append}".strip(), "-no-reboot"]


def boot(line, kernel, initramfs):
    """Runs the machine of this command line with Linux on it; what its console said."""
    with tempfile.TemporaryDirectory() as scratch:
        serial = pathlib.Path(scratch, "serial")
        line = boot_line([word.replace("SERIAL", str(serial)) for word in line], kernel, initramfs)
        try:
            subprocess.run(line, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            pass
        text = serial.read_text(errors="replace") if serial.exists() else ""
    if "filebench ended with status 0" not in text:
        sys.exit(f"tests/bench/run: Linux did not come to the end:\n{text[-3000:]}")
    return text
