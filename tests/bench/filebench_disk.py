"""The ext2 image that filebench (tests/bench/linux/files.c) works on, with the tree that it looks at. Called by tests/bench/run and keeping.py."""
import pathlib
import subprocess
import tempfile

FOLDERS, FILES = 20, 50  # TREE_FOLDERS, TREE_FILES


def make(path, mebibytes, block_size=None):
    with tempfile.TemporaryDirectory() as tree:
        for folder in range(FOLDERS):
            place = pathlib.Path(tree, f"tree/d{folder:02}")
            place.mkdir(parents=True)
            for file in range(FILES):
                (place / f"f{file:02}").write_text(f"{folder} {file}\n")
        pathlib.Path(path).unlink(missing_ok=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", *(["-b", str(block_size)] if block_size else []), "-d", tree, path, f"{mebibytes}M"],
                       check=True)
