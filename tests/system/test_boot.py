"""From power-on to the kernel: firmwares, machines, sizes of memory, refusals, and placement."""
import pathlib
import re
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 90
BANNER = r"Keelson, loaded by (\w+) firmware, (\d+) KiB of memory free"


@pytest.fixture(autouse=True)
def firmware_runs(monkeypatch):
    """Here the machines boot, unlike those of the other tests (image/runner/loaded.py)."""
    monkeypatch.delenv("KEELSON_LOADED", raising=False)


@pytest.mark.parametrize("firmware", ["BIOS", "EFI"])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_kernel_starts(boot, firmware, machine):
    found = boot("--no-disk", "--machine", machine, *(["--uefi"] if firmware == "EFI" else [])).expect(BANNER, SECONDS)
    assert found.group(1) == firmware
    assert 240 << 10 < int(found.group(2)) < 256 << 10


@pytest.mark.parametrize("size, least", [("32M", 26 << 10), ("4G", (4096 - 16 - 16) << 10)])  # 16 bytes of each frame are its record
def test_memory_is_found(boot, size, least):
    assert int(boot("--no-disk", "--memory", size).expect(BANNER, SECONDS).group(2)) >= least


def test_memory_above_the_hole_is_used_under_uefi(boot):
    found = boot("--no-disk", "--uefi", "--machine", "q35", "--memory", "4G").expect(BANNER, SECONDS)
    assert int(found.group(2)) >= (4096 - 64) << 10


@pytest.mark.parametrize("arguments, sentence", [
    (["--", "-cpu", "max,-lm"], "Keelson needs a 64-bit"),
    (["--", "-cpu", "pentium"], "Keelson needs a 64-bit"),
    (["--", "-cpu", "max,-nx"], "lacks no-execute pages"),
    (["--memory", "16M"], "too little memory"),
])
def test_unfit_machine_gets_a_sentence(boot, arguments, sentence):
    boot("--no-disk", "--accel", "tcg", *arguments).expect(sentence, SECONDS)


def test_text_screen_is_used_where_asked_for(boot, tmp_path):
    """The EGA text page at 0xb8000 holds the banner: a character and its colour in turn."""
    control = tmp_path / "monitor"
    machine = boot("--no-disk", "--option", "screen=text", "--", "-monitor", f"unix:{control},server=on,wait=off")
    machine.expect(BANNER, SECONDS)
    monitor(control, f'pmemsave 0xb8000 4000 "{tmp_path}/page"')
    assert b"Keelson, loaded by BIOS" in (tmp_path / "page").read_bytes()[::2]


def test_command_on_an_unfit_machine_fails_with_125():
    done = subprocess.run([ROOT / "image/run", "--no-disk", "--memory", "16M", "-c", "true"], capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    assert done.returncode == 125
    assert "too little memory" in done.stderr


def monitor(control, command):
    """What QEMU's monitor at this socket answers, up to its next prompt."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(control))
        said = b""
        for line in ("", command + "\n"):
            sock.sendall(line.encode())
            while not said.endswith(b"(qemu) "):
                said += sock.recv(65536)
            said, answer = b"", said
    return answer.decode(errors="replace").replace("\r", "")


def mappings(boot, tmp_path, *arguments):
    """QEMU's list of the mapped ranges, once the kernel runs."""
    control = tmp_path / "monitor"
    machine = boot("--no-disk", "--accel", "tcg", *arguments, "--", "-monitor", f"unix:{control},server=on,wait=off")
    machine.expect(BANNER, SECONDS)
    text = monitor(control, "info mem")
    machine.leave()
    control.unlink(missing_ok=True)
    return re.findall(r"^([0-9a-f]{16})-([0-9a-f]{16}) [0-9a-f]{16} ([-urwx]{3})", text, re.MULTILINE)


def test_places_are_random_and_repeat_with_a_seed(boot, tmp_path):
    places = [[start for start, _, _ in mappings(boot, tmp_path, *arguments) if start >= "ffffff8000000000"]
              for arguments in ([], [], ["--seed", "11"], ["--seed", "11"])]
    assert places[0] != places[1]
    assert places[2] == places[3] != []
