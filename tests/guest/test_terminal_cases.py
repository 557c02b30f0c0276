"""The cases of the terminal engine (tests/host/console/cases) through the console of a running system, on a screen that is not in
front: one boot, one program that writes each and reads the screen back (console/terminal_cases.c)."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = ROOT / "tests/host/console/cases"
sys.path.insert(0, str(ROOT / "tests/fault"))
import guest  # noqa: E402 pylint: disable=wrong-import-position

PROGRAM = "tests/guest/console/terminal_cases"


def test_cases(tmp_path):
    subprocess.run(["ninja", "-C", ROOT / "build", PROGRAM, "image/system.tar"], check=True, stdout=subprocess.DEVNULL)
    image = tmp_path / "disk.img"
    files = [(f"cases/{path.name}", path.read_bytes()) for path in sorted(CASES.glob("*.case"))]
    guest.copy_disk(guest.base_disk(PROGRAM), image, files)
    with guest.Guest("terminal_cases /dev/tty6 /cases/*.case", image) as machine:
        status = machine.run(silence=120)
    said = machine.output.decode("utf-8", "replace")
    wanted = sum(line.startswith("case ") for _, content in files for line in content.decode().splitlines())
    assert f"1..{wanted}\n" in said and status == 0, said[-6000:]
