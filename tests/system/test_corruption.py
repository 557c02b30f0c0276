"""The guest lives with damaged ext2 disks: the images of tests/host/ext2's corruption suite, by the same seeds, four partitions to
a disk. Mounting, walking, reading and writing end with results or errors; no server crashes."""
import pathlib
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOOTS, DISKS, PARTS, FIRST_SECTOR = 3, 3, 4, 2048
EACH = DISKS * PARTS
SCRIPT = """
for d in 1 2 3; do for p in 1 2 3 4; do
  echo begin disk$d''p$p
  if mount -t ext2 /dev/disk$d''p$p /mnt; then
    echo mounted
    find /mnt -maxdepth 6 -type f > /tmp/list; wc -l < /tmp/list; head -n 40 /tmp/list | xargs head -c 20000 > /dev/null
    echo text > /mnt/new; mkdir /mnt/made; rm /mnt/directory1/file-with-a-rather-long-name-7
    umount /mnt || echo still mounted
  else echo refused; fi
done; done
echo services; service; echo log; dmesg | grep ext2
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    subprocess.run([ROOT / "build/tests/host/ext2/test_ext2", "damage", "--first", "1", "--seeds", str(BOOTS * EACH), "--directory",
                    folder], check=True, capture_output=True)
    return [folder / f"damaged-{seed}.img" for seed in range(1, BOOTS * EACH + 1)]


def partitioned(path, images):
    """A disk with an MBR and these images as its primary partitions."""
    table, at, content = b"", FIRST_SECTOR, b""
    for image in images:
        data = image.read_bytes()
        table += struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), at, len(data) // 512)
        content += data
        at += len(data) // 512
    path.write_bytes((bytes(446) + table + b"\x55\xaa").ljust(FIRST_SECTOR * 512, b"\0") + content)
    return path


@pytest.mark.parametrize("boot", range(BOOTS))
def test_no_server_crashes(boot, images, tmp_path):
    mine = images[boot * EACH:(boot + 1) * EACH]
    disks = [partitioned(tmp_path / f"disk{n}.img", mine[n * PARTS:(n + 1) * PARTS]) for n in range(DISKS)]
    done = subprocess.run([ROOT / "image/run", "--fresh-disk", "--timeout", "150", *[word for disk in disks for word in ("--disk", disk)],
                           "-c", SCRIPT], capture_output=True, check=False, timeout=300, text=True, errors="replace", stdin=subprocess.DEVNULL)
    tried, _, rest = done.stdout.partition("services\n")
    services, _, log = rest.partition("log\n")
    parts = tried.split("begin ")[1:]
    assert len(parts) == EACH and log, done.stdout + done.stderr
    assert all(("mounted" in part.split()) != ("refused" in part.split()) and "still" not in part for part in parts), tried
    assert sum("mounted" in part for part in parts) >= EACH // 3
    assert log.count("not mounted") >= sum("refused" in part for part in parts), log
    lines = [line.split() for line in services.splitlines()[1:]]
    assert len(lines) > 10 and all(words[1] == "running" and words[3] == "0" for words in lines), services
