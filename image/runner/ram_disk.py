"""--ram-disk: a boot medium whose initrd also holds the system disk, which the role `ram` copies into memory and serves as
ram0. Made for one run from the ordinary initrd, with the image added and the manifest's entry of `ram` changed; what the guest
writes is gone when it ends."""
import pathlib
import subprocess
import sys

IMAGE = "boot/system.img"
RAM_PROGRAM = "program sbin/ram"
HEADER, FIELD_SIZE, FIELD_NAME = 110, 6, 11  # newc: a magic number of 6 digits, then 13 fields of 8 hexadecimal digits


def manifest_with_image(text):
    """The manifest with the initrd's image as the content of `ram`."""
    lines = text.splitlines()
    place = next(i for i, line in enumerate(lines) if line.split("#")[0].strip().startswith(RAM_PROGRAM))
    lines[place:place + 1] = [f"    {RAM_PROGRAM} image={IMAGE}", "    boot initrd initrd"]
    return "\n".join(lines) + "\n"


def padded(data):
    return data + bytes(-len(data) % 4)


def entries(archive):
    """(header, name, content) of every file of a cpio archive (newc)."""
    at = 0
    while at + HEADER <= len(archive):
        header = archive[at:at + HEADER]
        size, name_size = (int(header[6 + 8 * field:14 + 8 * field], 16) for field in (FIELD_SIZE, FIELD_NAME))
        data = at + len(padded(header + bytes(name_size)))
        name = archive[at + HEADER:at + HEADER + name_size - 1].decode()
        if name == "TRAILER!!!":
            return
        yield header, name, archive[data:data + size]
        at = data + size + -size % 4


def entry(header, name, content):
    """One file as it lies in the archive, with the mode, owner and time of another's header."""
    name = name.encode() + b"\0"
    fields = [header[6 + 8 * field:14 + 8 * field] for field in range(13)]
    fields[FIELD_SIZE], fields[FIELD_NAME] = (b"%08X" % len(part) for part in (content, name))
    return padded(b"070701" + b"".join(fields) + name) + padded(content)


def initrd_with_image(archive, image):
    """The initrd (bytes) with this disk image."""
    made, manifest_header = [], None
    for header, name, content in entries(archive):
        if name == "etc/manifest":
            manifest_header = header
            content = manifest_with_image(content.decode()).encode()
        made.append(entry(header, name, content))
    made += [entry(manifest_header, IMAGE, image), entry(b"070701" + b"0" * 104, "TRAILER!!!", b"")]
    return b"".join(made)


def medium(root, build, image, folder):
    """Makes the boot medium in folder, from the build and the disk image at the path `image`; its path."""
    initrd, output = pathlib.Path(folder, "initrd"), pathlib.Path(folder, "ram-disk.iso")
    initrd.write_bytes(initrd_with_image((build / "image/initrd.cpio").read_bytes(), pathlib.Path(image).read_bytes()))
    done = subprocess.run(["/usr/bin/python3", "-B", root / "image/iso.py", root / "boot/grub_core.cfg", root / "boot/grub.cfg",
                           build / "boot/loader", build / "kernel/kernel", initrd, output], capture_output=True, text=True, check=False)
    initrd.unlink()
    if done.returncode != 0:
        sys.exit(f"image/run: the boot medium was not made:\n{done.stdout}{done.stderr}")
    return output
