#!/usr/bin/python3 -B
"""Images that Keelson has never seen: trees written by `mke2fs -d`, with sparse and large files, deep paths, long names and big
directories, must read back equal through the ext2 core; and what the core wrote must read back equal through debugfs."""

import os
import random
import stat
import subprocess
import sys
import tempfile
import zlib

SEED = 7


def tree_make(root, far):
    """Fills a directory with everything that a file system can hold without being root."""
    rng = random.Random(SEED)
    os.makedirs(root)
    for index, size in enumerate([0, 1, 1023, 1024, 4096, 4097, 12 * 1024, 12 * 1024 + 1, 268 * 1024 + 5, 3_000_000]):
        with open(f"{root}/size{index}", "wb") as file:
            file.write(rng.randbytes(size))
    with open(f"{root}/sparse", "wb") as file:
        for offset in [0, 5_000, 300_000, 70 << 20, far + 77]:
            file.seek(offset)
            file.write(rng.randbytes(3000))
        file.truncate(far + 1_000_000)
    with open(f"{root}/hole-only", "wb") as file:
        file.truncate(10_000_000)
    deep = root
    for level in range(60):
        deep += f"/level{level}"
        os.mkdir(deep)
    with open(f"{deep}/bottom", "w") as file:
        file.write("far down\n")
    os.mkdir(f"{root}/names")
    for length in [1, 2, 3, 4, 100, 254, 255]:
        with open(f"{root}/names/{'n' * length}", "w") as file:
            file.write(str(length))
    with open(f"{root}/names/ümläut €", "w") as file:
        file.write("bytes are bytes")
    os.mkdir(f"{root}/many")
    for index in range(1500):
        with open(f"{root}/many/file-number-{index}", "wb") as file:
            file.write(rng.randbytes(index % 50))
    os.link(f"{root}/size5", f"{root}/hard-link")
    os.symlink("size5", f"{root}/fast")
    os.symlink("x" * 59, f"{root}/fast59")
    os.symlink("y" * 60, f"{root}/slow60")
    os.symlink("z/" * 400, f"{root}/slow800")
    os.mkfifo(f"{root}/fifo")
    os.chmod(f"{root}/size1", 0o4711)
    os.utime(f"{root}/size2", (1, 1))


def tree_expect(root):
    """The listing that `test_ext2 dump` must give for the tree."""
    lines = {}
    for directory, names, files in os.walk(root):
        for name in names + files + ([""] if directory == root else []):
            path = os.path.join(directory, name) if name else root
            info = os.lstat(path)
            shown = path[len(root):] or "/"
            fields = [shown, f"{info.st_mode:o}", str(info.st_uid), str(info.st_gid), None, str(int(info.st_mtime))]
            if stat.S_ISREG(info.st_mode):
                fields += [str(info.st_size), f"{file_sum(path):08x}"]
            elif stat.S_ISLNK(info.st_mode):
                fields += [os.readlink(path)]
            elif not stat.S_ISDIR(info.st_mode):
                fields += ["0:0"]
            if not stat.S_ISDIR(info.st_mode):
                fields[4] = str(info.st_nlink)
            lines[shown] = fields
    return lines


def file_sum(path):
    total = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total = zlib.crc32(block, total)
    return total


def check_image(program, directory, tree, expected, options, cache):
    image = f"{directory}/image"
    if os.path.exists(image):
        os.remove(image)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", *options.split(), "-d", tree, image, "48m"], check=True)
    output = subprocess.run([program, "dump", image, str(cache)], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in output.splitlines():
        fields = line.split("\t")
        found[fields[0]] = fields
    found.pop("/lost+found", None)
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    assert not missing and not extra, (options, sorted(missing)[:5], sorted(extra)[:5])
    for path, fields in expected.items():
        for index, field in enumerate(fields):
            # mke2fs -d sets the root's time and owner itself.
            if field is not None and not (path == "/" and index in (1, 2, 3, 5)):
                assert found[path][index] == field, (options, path, fields, found[path])


def main():
    program = sys.argv[1]
    long_run = "--long" in sys.argv
    far = 2 << 30 if long_run else 90 << 20
    with tempfile.TemporaryDirectory() as directory:
        tree = f"{directory}/tree"
        tree_make(tree, far)
        expected = tree_expect(tree)
        cases = [("-b 1024", 256 << 10), ("-b 2048 -I 128", 2 << 20), ("-b 4096", 64 << 20)]
        if long_run:
            cases += [(f"-b {size} {extra}", cache) for size in (1024, 2048, 4096)
                      for extra in ("-I 128", "-O ^dir_index", "-O ^filetype", "-O ^resize_inode,^sparse_super", "-g 4096")
                      for cache in (256 << 10, 16 << 20)]
        for options, cache in cases:
            check_image(program, directory, tree, expected, options, cache)
    print(f"{len(cases)} images equal")


main()
