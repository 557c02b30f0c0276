"""Where the programs under test are, and the environment that all suites run them in."""
import os
import pathlib

import pytest

BIN = pathlib.Path(os.environ.get("PROGRAMS", pathlib.Path(__file__).resolve().parents[3]
                                  / "build/tests/host/programs"))


def environment(home, bin_first=True):
    path = f"{BIN}:/usr/bin:/bin" if bin_first else "/usr/bin:/bin"
    return {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC0", "TERM": "xterm",
            "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


def assert_clean(errors):
    """No sanitizer has spoken."""
    text = errors.decode("utf-8", "replace") if isinstance(errors, bytes) else errors
    for mark in ("AddressSanitizer", "runtime error:", "LeakSanitizer"):
        assert mark not in text, text


@pytest.fixture
def bin_directory():
    return BIN
