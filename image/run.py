"""The one command (started by image/run): puts the modules in image/runner together. Each of them does one part."""
import os
import pathlib
import shutil
import signal
import sys
import tempfile

from runner import accelerator, build, disk, machine, options as command_line, packages, ram_disk, reload, session

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
IMAGES = ROOT / "images"


def needed_packages(options):
    return (packages.BUILD + packages.RUN + (packages.UEFI if options.uefi else [])
            + (packages.WINDOW if options.window else []))


def system_disk(options, locks):
    """The system disk as [(path, throw_away)], made or brought up to date; [] without one."""
    tar = BUILD / "image/system.tar"
    if options.no_disk:
        return []
    if options.fresh_disk:
        path = BUILD / f"image/fresh-{tar.stat().st_mtime_ns}.img"
        with build.locked(BUILD):
            if not path.exists():
                for old in path.parent.glob("fresh-*.img"):
                    old.unlink()
                disk.create(path, tar)
        return [(path, True)]
    path = pathlib.Path(options.system_disk) if options.system_disk else IMAGES / "system.img"
    if not path.exists():
        print(f"image/run: making {path}", file=sys.stderr)
        disk.create(path, tar)
        locks.append(disk.lock(path))
    else:
        locks.append(disk.lock(path))
        try:
            disk.update(path, tar)
        except disk.DiskError as reason:  # it may still boot, or give the rescue shell
            print(f"image/run: {reason}", file=sys.stderr)
    return [(path, False)]


def other_disks(options, locks):
    for name in options.disk:
        path = pathlib.Path(name)
        if not path.is_file() and not path.is_block_device():
            sys.exit(f"image/run: {name}: no such disk image")
        locks.append(disk.lock(path))
        yield (path, False)


def main():
    options = command_line.parse(sys.argv[1:])
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    if options.doctor:
        return packages.doctor(needed_packages(options))
    is_built = "KEELSON_BUILT" in os.environ  # tests/run has built all, once, and runs many of us side by side
    if not is_built:
        packages.ensure(needed_packages(options))
    if options.reload:
        return reload.reload(ROOT, BUILD, options.reload)
    if not is_built:
        build.build(ROOT, BUILD)
    locks = []
    try:
        disks = system_disk(options, locks) + list(other_disks(options, locks))
    except disk.DiskError as reason:
        sys.exit(f"image/run: {reason}")
    if options.build_only:
        return 0
    if not shutil.which(machine.QEMU):
        sys.exit(f"image/run: {machine.QEMU} was not found")
    medium = BUILD / "image/keelson.iso"
    chosen = accelerator.choose(options.accel, machine.QEMU, medium, IMAGES / "accelerator.json")
    if not options.ram_disk:
        return session.run(options, BUILD / reload.GUESTS, medium=medium, disks=disks, accelerator=chosen)
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        medium = ram_disk.medium(ROOT, BUILD, disks[0][0], folder)
        return session.run(options, BUILD / reload.GUESTS, medium=medium, disks=disks[1:], accelerator=chosen)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the machine ends with us
try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
