"""Which Debian packages the two commands need, what is missing, and how it gets installed."""
import os
import shutil
import subprocess
import sys

BUILD = ["clang", "lld", "llvm", "nasm", "meson", "ninja-build", "pkg-config", "grub-common", "grub-pc-bin",
         "grub-efi-amd64-bin", "xorriso", "mtools", "cpio", "console-setup-linux", "console-data", "kbd", "unifont", "unicode-data",
         "e2fsprogs", "libcmocka-dev",
         "libclang-rt-14-dev", "libc6-dev"]
RUN = ["qemu-system-x86"]
UEFI = ["ovmf"]
WINDOW = ["qemu-system-gui"]
TESTS = ["python3-pytest", "python3-pexpect", "libvterm-dev", "qemu-utils", "ovmf", "gdb", "spin", "tshark", "chromium", "python3-capstone",
         "clang-tidy"]


def missing(wanted):
    """The packages of this list that are not installed, in order."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", *wanted], capture_output=True,
                          text=True, check=False)
    installed = {line.split()[0] for line in done.stdout.splitlines() if line.split()[1:2] == ["ii"]}
    return [name for name in dict.fromkeys(wanted) if name not in installed]


def doctor(wanted):
    """Reports what is missing; the exit status."""
    if not shutil.which("dpkg-query"):
        print("This is not a Debian system. Needed are the equivalents of: " + " ".join(wanted))
        return 1
    lacking = missing(wanted)
    for name in dict.fromkeys(wanted):
        print(f"{'missing' if name in lacking else 'ok':8} {name}")
    if lacking:
        print("Install them with: apt-get install --no-install-recommends " + " ".join(lacking))
    return 1 if lacking else 0


def ensure(wanted):
    """Installs what is missing: without a question if root or in CI, else after one. Ends the program if it can't."""
    if not shutil.which("dpkg-query"):
        return  # not Debian: the build says what it does not find
    lacking = missing(wanted)
    if not lacking:
        return
    print("image/run: these packages are missing: " + " ".join(lacking), file=sys.stderr)
    prefix = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            sys.exit("image/run: install them as root: apt-get install --no-install-recommends " + " ".join(lacking))
        prefix = ["sudo"]
        if os.environ.get("CI") != "true" and not confirmed():
            sys.exit("image/run: nothing was installed")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    keep = ["--preserve-env=DEBIAN_FRONTEND"] if prefix else []
    for step in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *lacking]):
        done = subprocess.run([*prefix, *keep, "apt-get", *step], env=environment, stdin=subprocess.DEVNULL,
                              stdout=sys.stderr, check=False)
        if done.returncode != 0:
            sys.exit(f"image/run: apt-get {step[0]} failed")


def confirmed():
    if not sys.stdin.isatty():
        return False
    print("Install them with sudo apt-get? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")
