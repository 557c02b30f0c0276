"""Runs in a Linux guest whose card is joined to Keelson's (linux_guest.py): what test_linux.py asks, over this Linux's own TCP/IP. Says on
the console what came of each, and `peer: N failures` in the end."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "host/net"))
import services  # noqa: E402 pylint: disable=wrong-import-position
import test_linux as linux  # noqa: E402 pylint: disable=wrong-import-position

V4, V6 = linux.V4, linux.V6
TESTS = [(linux.test_ping, V4), (linux.test_echo, V4, 1000000), (linux.test_source, V4), (linux.test_connects_back, V4), (linux.test_small_pieces, V4),
         (linux.test_reset, V4), (linux.test_refused, V4), (linux.test_echo, V6, 300000), (linux.test_source, V6), (linux.test_short, V4, 300, 1, 8),
         (linux.test_short, V6, 100, 2, 8), (linux.test_crossing, V4, 20)]
CROSSES = "delay"  # both SYNs must be on the line at once
LINE = open("/line", encoding="ascii").read()  # pylint: disable=consider-using-with

chosen = [test for test in TESTS if (test[0] is not linux.test_crossing or CROSSES in LINE) and (test[0] is not linux.test_ping or not LINE)]
print(f"peer: {linux.run_tests(services.Told(), chosen, 'Linux guest, ' + (LINE or 'quiet'))} failures", flush=True)
