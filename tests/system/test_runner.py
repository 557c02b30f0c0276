"""image/run's ways of running the whole system: a disk in memory, a picture of the screen, a debugger."""
import hashlib
import pathlib
import re
import socket
import struct
import subprocess
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*arguments):
    return subprocess.run([ROOT / "image/run", *arguments], capture_output=True, check=False, timeout=300, text=True,
                          stdin=subprocess.DEVNULL)


def test_ram_disk_holds_the_system_disk_and_leaves_it_alone(tmp_path):
    disk = tmp_path / "system.img"
    run("--build-only", "--system-disk", disk)
    subprocess.run(["debugfs", "-w", "-R", f"write {ROOT}/README.md only-on-the-disk", disk], check=True, capture_output=True)
    before = hashlib.sha256(disk.read_bytes()).digest()
    done = run("--ram-disk", "--system-disk", disk, "--timeout", "150", "-c",
               "cat /proc/mounts; ls /dev; sha256sum < /only-on-the-disk; echo written > /new && cat /new; sync")
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert hashlib.sha256((ROOT / "README.md").read_bytes()).hexdigest() in words and words[-1] == "written"
    assert any("ram0" in line and " / " in line for line in done.stdout.splitlines())
    assert "disk0" not in words
    assert hashlib.sha256(disk.read_bytes()).digest() == before


def png_lines(data, count):
    """The first lines of a PNG with 3 bytes a pixel (PNG specification, section 9: filters), and its width."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:26] == b"\x08\x02"
    (width,), at, packed = struct.unpack(">I", data[16:20]), 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw, lines, stride = zlib.decompress(packed), [bytes(width * 3)], width * 3
    for number in range(count):
        kind, line = raw[number * (stride + 1)], bytearray(raw[number * (stride + 1) + 1:(number + 1) * (stride + 1)])
        for i, value in enumerate(line):
            left, up, corner = (line[i - 3], lines[-1][i], lines[-1][i - 3]) if i >= 3 else (0, lines[-1][i], 0)
            nearest = min((left, up, corner), key=lambda near, middle=left + up - corner: abs(middle - near))
            line[i] = (value + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        lines.append(bytes(line))
    return lines[1:], width


def test_screenshot_at_the_prompt(tmp_path):
    """The greeting in the first line of text, `~ #` and the cursor's block in the second; and the guest turns itself off."""
    target = tmp_path / "screen.png"
    done = run("--fresh-disk", "--screenshot", target)
    assert done.returncode == 0 and "did not turn itself off" not in done.stderr, done.stderr
    lines, width = png_lines(target.read_bytes(), 32)
    lit = [[any(line[3 * x:3 * x + 3]) for x in range(width)] for line in lines]
    assert sum(map(sum, lit[:16])) > 500
    assert sum(sum(line[:32]) for line in lit[16:]) > 10 and not any(any(line[40:]) for line in lit[16:])
    assert all(all(line[32:40]) for line in lit[18:30])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_gdb_stops_in_the_kernel_and_the_command_goes_on():
    """gdb stops the machine before its first instruction, then at a function by name, and reads registers and arguments."""
    port = free_port()
    machine = subprocess.Popen([ROOT / "image/run", "--fresh-disk", "--gdb", str(port), "--timeout", "150", "-c", "echo went on"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        script = ["set tcp connect-timeout 60", f"target remote 127.0.0.1:{port}", "print/x $cs", "source image/kernel.gdb",
                  "hbreak kernel_main", "continue", "backtrace 2", "print/x $cr0 & 0x80000001", "delete", "hbreak process_create",
                  "continue", "backtrace 1", "delete", "detach"]
        done = subprocess.run(["gdb", "-nx", "-batch", *[word for line in script for word in ("-ex", line)],
                               "build/kernel/kernel"], cwd=ROOT, capture_output=True, check=False, timeout=120, text=True)
        out, errors = machine.communicate(timeout=180)
    finally:
        machine.kill()
        machine.wait()
    values = re.findall(r"^\$\d+ = (\S+)", done.stdout, re.MULTILINE)
    assert values == ["0xf000", "0x80000001"], done.stdout + done.stderr  # the reset vector's segment; then paging is on
    assert re.search(r"^#[01] .*\bkernel_main \(.*at .*kernel/", done.stdout, re.MULTILINE), done.stdout  # perhaps in what was made part of it
    assert re.search(r"^#0 .*\bprocess_create \(.*at .*kernel/", done.stdout, re.MULTILINE), done.stdout
    assert machine.returncode == 0 and out == "went on\n", errors
