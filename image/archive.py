"""Collects built programs and plain files into one archive, the same bytes from the same inputs.

usage: archive.py (cpio|tar) OUTPUT TREE [NAME SOURCE]...

TREE is a folder whose files are taken as they are (executable or not is kept); each NAME is a path in the archive. A SOURCE
is a file (a packed .gz is unpacked), `link:TARGET` for a symbolic link, or `dir:MODE` for a folder. Executables lose their debug information, but keep their symbols, so that
a crash can be shown with names. Owners are 0, times are fixed. cpio makes an initrd (newc), tar the system disk's files.
"""
import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

NOTES_SYMBOLS = "asan.module_"  # of each source whose stores are noted: clang's, never called
INIT_LOOKS_AT = ("loop", "server_")  # data that init finds by name; all other data needs no name
EPOCH = 1704067200  # 2024-01-01 00:00:00 UTC


def useless_symbols(programs):
    """Names that no crash report of these programs shows and init does not look for, if it is so in each of them."""
    useless, useful = set(), set()
    lines = subprocess.run(["llvm-nm", "-A", *programs], check=True, capture_output=True, text=True).stdout.splitlines()
    for symbol in (line.partition(": ")[2] for line in lines):
        kind, name = symbol.split()[-2:]
        is_data = kind in "bBdDrR" and not name.startswith(INIT_LOOKS_AT)
        (useless if is_data or name.startswith(NOTES_SYMBOLS) else useful).add(name)
    return sorted(useless - useful)


def strip(programs):
    """One run of each tool for all: starting it takes longer than its work."""
    if not programs:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".arguments") as arguments:
        arguments.write("".join(f"--strip-symbol={name}\n" for name in useless_symbols(programs)))
        arguments.flush()
        subprocess.run(["llvm-strip", "--strip-debug", f"@{arguments.name}", *programs], check=True)


def is_program(path):
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def place(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.startswith("link:"):
        target.symlink_to(source.removeprefix("link:"))
        return
    if source.startswith("dir:"):
        target.mkdir()
        target.chmod(int(source.removeprefix("dir:"), 8))
        return
    opened = gzip.open if source.endswith(".gz") else open
    with opened(source, "rb") as file, open(target, "wb") as copy:
        shutil.copyfileobj(file, copy)
    target.chmod(0o755 if is_program(target) or os.access(source, os.X_OK) else 0o644)


def names(stage):
    """Every path below stage in a fixed order, folders before what is in them."""
    return sorted(str(path.relative_to(stage)) for path in stage.rglob("*"))


def write_cpio(stage, output):
    for name in [".", *names(stage)]:
        os.utime(stage / name, (EPOCH, EPOCH), follow_symlinks=False)
    with open(output, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--reproducible", "-R", "0:0", "--quiet"], cwd=stage, check=True,
                       input="\n".join(names(stage)).encode() + b"\n", stdout=out)


def write_tar(stage, output):
    with tarfile.open(output, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in names(stage):
            entry = archive.gettarinfo(stage / name, name)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = EPOCH
            if entry.isreg():
                with open(stage / name, "rb") as file:
                    archive.addfile(entry, file)
            else:
                archive.addfile(entry)


def main(form, output, tree, *pairs):
    output = pathlib.Path(output).absolute()
    with tempfile.TemporaryDirectory() as name:
        stage = pathlib.Path(name) / "stage"
        stage.mkdir()
        os.umask(0o022)
        for path in sorted(pathlib.Path(tree).rglob("*")):
            if path.is_symlink():
                place(f"link:{os.readlink(path)}", stage / path.relative_to(tree))
            elif path.is_file():
                place(str(path), stage / path.relative_to(tree))
        for target, source in zip(pairs[::2], pairs[1::2]):
            place(source, stage / target)
        strip([path for path in sorted(stage.rglob("*")) if is_program(path)])
        {"cpio": write_cpio, "tar": write_tar}[form](stage, output)


main(*sys.argv[1:])
