"""The system disk: an ext2 image made from the build's system.tar, and later brought up to date with it file by file.

Rule: a file is replaced only if it is still what we installed. What we installed is listed in the image itself
(INSTALLED_LIST), so that a copied or moved disk knows. Only e2fsprogs touch the image, and only while the lock is held."""
import fcntl
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

SIZE_MIB = 64
INSTALLED_LIST = "var/lib/installed"
EPOCH = "1704067200"


class DiskError(Exception):
    """The disk can't be used; the text says why."""


def lock(path):
    """Takes the disk for this run. The returned file must stay open. Raises DiskError if someone else has it."""
    handle = open(path, "r+b")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise DiskError(f"{path} is in use by another run; wait for it, or use --fresh-disk for a disk of its own") from None
    return handle


def tar_entries(tar):
    """name -> (line, member) of all files and links; line is what INSTALLED_LIST says of it."""
    found = {}
    for member in tar.getmembers():
        if member.issym():
            content = hashlib.sha256(member.linkname.encode()).hexdigest()
        elif member.isreg():
            content = hashlib.sha256(tar.extractfile(member).read()).hexdigest()
        else:
            continue
        found[member.name] = (f"{content} {member.mode & 0o7777:o}", member)
    return found


def list_text(lines):
    return "".join(f"{line} {name}\n" for name, line in sorted(lines.items()))


def create(path, tar_path):
    """Makes a new disk, or raises DiskError. Written beside and renamed: a broken run leaves no half disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + f".new{os.getpid()}")
    with tempfile.TemporaryDirectory() as stage, tarfile.open(tar_path) as tar:
        tar.extractall(stage)
        entries = tar_entries(tar)
        listing = pathlib.Path(stage, INSTALLED_LIST)
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text(list_text({name: line for name, (line, _) in entries.items()}), encoding="utf-8")
        os.utime(listing, (int(EPOCH), int(EPOCH)))
        environment = dict(os.environ, E2FSPROGS_FAKE_TIME=EPOCH)
        try:
            run(["mke2fs", "-q", "-F", "-t", "ext2", "-L", "keelson", "-U", "4b45454c-534f-4e00-8000-000000000002", "-E",
                 "hash_seed=4b45454c-534f-4e00-8000-000000000003,root_owner=0:0", "-d", stage, str(fresh),
                 f"{SIZE_MIB}M"], environment)
            if os.geteuid() != 0:
                paths = [str(p.relative_to(stage)) for p in pathlib.Path(stage).rglob("*")]
                debugfs(fresh, [f'sif "/{p}" {field} 0' for p in paths for field in ("uid", "gid")], write=True)
            fresh.rename(path)
        finally:
            fresh.unlink(missing_ok=True)


def update(path, tar_path):
    """Installs what the build changed. Prints a line for every file that was left alone because the user changed it."""
    with tarfile.open(tar_path) as tar:
        entries = tar_entries(tar)
        installed = installed_list(path)
        wanted = {name: line for name, (line, _) in entries.items()}
        if installed is None:
            print(f"image/run: {path} was not made here (it has no /{INSTALLED_LIST}): its files are left as they are",
                  file=sys.stderr)
            return
        if wanted == installed:
            return
        check(path)
        with tempfile.TemporaryDirectory() as scratch:
            for name in sorted(wanted.keys() | installed.keys()):
                if wanted.get(name) != installed.get(name):
                    update_file(path, tar, entries.get(name), installed.get(name), name, scratch)
            listing = pathlib.Path(scratch, "list")
            listing.write_text(list_text(wanted), encoding="utf-8")
            write_file(path, INSTALLED_LIST, listing, 0o100644)


def update_file(path, tar, entry, installed, name, scratch):
    """Brings one file up to date, if it is what was installed (also: is what is wanted, after an update that broke off)."""
    line, member = entry or (None, None)
    current = content_hash(path, name, scratch)
    if current == (installed.split()[0] if installed else None):
        replace(path, tar, member, name, scratch)
    elif current != (line.split()[0] if line else None):
        print(f"image/run: /{name} was changed on the disk, and is left as it is", file=sys.stderr)


def installed_list(path):
    """name -> line of what was installed; None if the disk has no list."""
    with tempfile.TemporaryDirectory() as scratch:
        target = pathlib.Path(scratch, "list")
        debugfs(path, [f"dump /{INSTALLED_LIST} {target}"])
        if not target.exists():
            return None
        lines = target.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: f"{content} {mode}" for content, mode, name in (line.split(" ", 2) for line in lines if line)}


def check(path):
    """Repairs what an interrupted run left, as a boot would. DiskError if that needs a person."""
    done = subprocess.run(["e2fsck", "-p", path], capture_output=True, text=True, check=False)
    if done.returncode > 2:
        raise DiskError(f"{path} is damaged and was not updated; look at it with e2fsck, or delete it for a new one")


def content_hash(path, name, scratch):
    """SHA-256 of the disk's file (of a symbolic link: of its target), or None if there is none."""
    target = pathlib.Path(scratch, "current")
    target.unlink(missing_ok=True)
    stat = debugfs(path, [f'stat "/{name}"'])
    if "Type: symlink" in stat:
        link = re.search(r'Fast link dest: "(.*)"', stat)
        content = link.group(1).encode() if link else b""
    elif "Inode: " in stat:
        debugfs(path, [f'dump "/{name}" {target}'])
        content = target.read_bytes() if target.exists() else b""
    else:
        return None
    return hashlib.sha256(content).hexdigest()


def replace(path, tar, member, name, scratch):
    """Puts the build's file in place of the disk's; takes the disk's away if the build has none any more."""
    if member is None:
        debugfs(path, [f'rm "/{name}"'], write=True)
        return
    if member.issym():
        folder, base = os.path.split(name)
        make_folders(path, folder)
        debugfs(path, [f'rm "/{name}"', f'cd "/{folder}"', f'symlink "{base}" "{member.linkname}"'], write=True)
        return
    content = pathlib.Path(scratch, "content")
    with open(content, "wb") as out:
        out.write(tar.extractfile(member).read())
    write_file(path, name, content, 0o100000 | member.mode & 0o7777)


def write_file(path, name, content, mode):
    folder, base = os.path.split(name)
    make_folders(path, folder)
    debugfs(path, [f'rm "/{name}"', f'cd "/{folder}"', f'write {content} "{base}"', f'sif "{base}" mode 0{mode:o}',
                   f'sif "{base}" uid 0', f'sif "{base}" gid 0'], write=True)
    if "Type: regular" not in debugfs(path, [f'stat "/{name}"']):
        raise DiskError(f"{path} has no room for /{name}")


def make_folders(path, folder):
    parts = folder.split("/") if folder else []
    for i in range(len(parts)):
        name = "/".join(parts[:i + 1])
        if "Type: directory" not in debugfs(path, [f'stat "/{name}"']):  # making it twice leaks an inode
            debugfs(path, [f'mkdir "/{name}"'], write=True)


def debugfs(path, commands, write=False):
    """Runs these commands; their output. debugfs reports errors in words only: what matters is looked at after."""
    done = subprocess.run(["debugfs", *(["-w"] if write else []), "-f", "/dev/stdin", path], text=True, errors="replace",
                          input="\n".join(commands) + "\n", capture_output=True, check=False)
    trouble = [line for line in done.stderr.splitlines() if "while trying to open" in line or "not open" in line]
    if trouble or done.returncode != 0:
        raise DiskError(f"{path} is not a usable ext2 disk: {(trouble or ['debugfs failed'])[0]}")
    return done.stdout


def run(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DiskError(f"{command[0]} failed: {done.stderr.strip()}")
