"""From the host into the guest that runs: a driver and a server are built and reloaded while a shell uses them."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def reload(machine, name):
    return subprocess.run([ROOT / "image/run", "--reload", name], capture_output=True, check=False, timeout=60, text=True,
                          env={**os.environ, "KEELSON_GUEST": str(machine.process.pid)})


def test_reload_from_the_host(boot):
    machine = boot("--fresh-disk")
    machine.expect(r"# ", 120)
    machine.type("sha256sum /bin/sh >/root/sum; (while :; do sha256sum -c /root/sum >/dev/null || echo B''AD; sleep 0.1; done) &\r")
    for name in ("ata", "devfs"):
        done = reload(machine, name)
        assert done.returncode == 0, done.stdout + done.stderr + machine.text
        assert "reloaded" in done.stdout, done.stdout
    machine.type("kill %1; service ata; service devfs; echo en''d\r")
    machine.expect(r"(?s)service +ata.*state +running.*service +devfs.*state +running.*\nend", 30)
    assert "BAD" not in machine.text
