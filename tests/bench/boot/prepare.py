"""Makes what the medium for counting the start holds beside the ordinary one: prepare.py SYSTEM.tar MANIFEST ADDED DISK OUT.

DISK becomes an ext2 image of the system's files, small enough for the initrd, which the role `ram` serves as ram0. OUT is the
manifest with the image as ram's content and with the role that counts."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "image"))
from runner import disk, ram_disk

IMAGE_MIB = 12


def main(tar, manifest, added, image, output):
    disk.SIZE_MIB = IMAGE_MIB
    pathlib.Path(image).unlink(missing_ok=True)
    disk.create(pathlib.Path(image), tar)
    text = ram_disk.manifest_with_image(pathlib.Path(manifest).read_text(encoding="utf-8"))
    text += pathlib.Path(added).read_text(encoding="utf-8")
    pathlib.Path(output).write_text(text, encoding="utf-8")


main(*sys.argv[1:])
