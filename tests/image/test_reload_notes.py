"""image/run --reload: one driver is built and put into the guest that runs, and a guest that does not run is said not to."""
import pathlib
import subprocess

from runner import reload, running

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_programs_of_roles():
    assert reload.program_of(ROOT, "ata") == "ata"
    assert reload.program_of(ROOT, "serial1") == "uart16550"
    assert reload.target_of(ROOT / "build", "ata") == "drivers/block/ata/ata"
    assert reload.target_of(ROOT / "build", "ext2") == "servers/ext2/ext2"


def test_unknown_role():
    done = subprocess.run([ROOT / "image/run", "--reload", "nosuch"], capture_output=True, check=False, timeout=60, text=True)
    assert done.returncode == 1 and "the manifest has no role nosuch" in done.stderr


def test_notes_of_guests_that_are_gone(tmp_path):
    with running.told(tmp_path, tmp_path / "nothing"):
        assert running.connect(tmp_path) == [] and not list(tmp_path.iterdir())
