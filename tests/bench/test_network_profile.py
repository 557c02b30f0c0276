"""network_profile.py counts what it names: each frame of a flood is looked at, and none of an unknown type is taken in."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).with_name("network_profile.py")


@pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/net/tun"), reason="needs root and /dev/net/tun")
def test_a_flood_is_counted():
    done = subprocess.run([sys.executable, "-B", PROGRAM, "unknown_type", "1"], capture_output=True, check=True, text=True)
    frames = int(re.search(r"^(\d+) operations", done.stdout, re.M).group(1))
    counted = {name: float(count) for name, count in re.findall(r"^net (\w+) +([\d.]+)$", done.stdout, re.M)}
    assert frames > 1000 and 10 < counted["admission_look"] < 300 and counted.get("interface_input", 0) < 10, done.stdout
