"""Runs parts of the tests side by side, as many at a time as there are lanes, the longest first, so that the lanes end together.

A part is a file of pytest's or the tests of `meson test` whose names begin with one word; each runs in a session of its own and writes into a file, so that its text is
whole and an end from outside (^C) reaches all that it started. Parts that need two processors run alone after the others.
Nothing is built here; image/run is told so by KEELSON_BUILT, and by KEELSON_LOADED that machines need not boot anew (image/runner/loaded.py). Called by
tests/run.py."""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MARK = "two_processors"  # tests that need the host for themselves bear it
MEASURED = BUILD / "test-seconds.json"
# Before anything was measured here: the longest parts, in seconds, and what any other one is taken for.
GUESSED = {"fault/mutations": 420, "network/send_file": 80, "fault/failures": 75, "guest/hostile": 70, "host/ext2": 60, "fault/reload": 60, "kernel/kernel": 60,
           "drivers/network": 45, "host/net": 40, "system/medium": 40, "system/shell": 40, "network/trouble": 40, "system/disks": 35, "fault/sweep": 35, "system/boot": 35,
           "host/libipc": 30, "system/corruption": 30, "host/kernel": 25, "network/batches": 25, "network/programs": 25, "system/console": 25,
           "programs/programs shell": 25, "model/model": 25, "fault/points": 25, "trace/gdb": 25, "host/libc": 20, "system/terminal": 20, "system/reload_from_host": 20,
           "system/panic": 15, "exchanges/guest": 15, "drivers/disks": 15, "programs/programs httpd": 15}
GUESSED_OTHER = 10
GRACE_SECONDS = 10
NO_TESTS = 5  # pytest's exit status when nothing was chosen


@dataclasses.dataclass
class Part:
    suite: str
    name: str
    path: pathlib.Path = None  # of pytest's file
    tests: list = None  # or names of meson's
    chosen: str = ""  # pytest's -m
    is_alone: bool = False

    def command(self, folder):
        if self.path is None:
            return ["meson", "test", "-C", BUILD, "--suite", self.suite, "--no-rebuild", "--print-errorlogs", "--num-processes", "1",
                    "--logbase", self._log(), *self.tests]
        return ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={folder}/report.xml",
                f"--basetemp={folder}/files", "-m", self.chosen, self.path]

    def report(self, folder):
        return BUILD / f"meson-logs/{self._log()}.junit.xml" if self.path is None else pathlib.Path(folder, "report.xml")

    def _log(self):
        return "testlog-" + self.name.replace("/", "-")


@dataclasses.dataclass
class Result:
    passed: int
    failed: int
    seconds: float
    processor_seconds: float
    text: str  # what the part printed, if it did not pass


def pytest_parts(folder):
    """{name: its parts} of a suite of pytest's: one for each file, or two if some of its tests need two processors."""
    found = {}
    for path in sorted(folder.glob("test_*.py")):
        name = f"{folder.name}/{path.stem.removeprefix('test_')}"
        if f"mark.{MARK}" in path.read_text(encoding="utf-8"):
            found[name] = [Part(folder.name, name, path, chosen=f"not {MARK}"),
                           Part(folder.name, f"{name} alone", path, chosen=MARK, is_alone=True)]
        else:
            found[name] = [Part(folder.name, name, path)]
    return found


def meson_parts(suite, tests):
    """{name: its parts} of one of meson's suites: one for each first word of a test's name."""
    groups = {}
    for test in tests:
        groups.setdefault(f"{suite}/{re.split('[-_]', test)[0]}", []).append(test)
    return {name: [Part(suite, name, tests=members)] for name, members in groups.items()}


def junit_counts(path):
    """(passed, failed) test cases of a JUnit file; skipped ones count as neither."""
    passed = failed = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None:
            passed += 1
    return passed, failed


class Lanes:
    """The parts that wait, those that run, and what came out. The lock covers all of it."""

    def __init__(self, parts, count, tell):
        """tell(part, result) is called for each part that has ended, one at a time."""
        self.lock = threading.Lock()
        self.tell, self.count = tell, count
        try:
            self.measured = json.loads(MEASURED.read_text())
        except (OSError, ValueError):
            self.measured = {}
        self.waiting = sorted(parts, key=self._expected)  # the last is taken first
        self.running = set()
        self.is_stopped = False

    def _expected(self, part):
        return self.measured.get(part.name, GUESSED.get(part.name, GUESSED_OTHER))

    def run(self):
        """Runs everything; KeyboardInterrupt and SystemExit end what runs first."""
        try:
            self._run_side_by_side(self.count, False)
            self._run_side_by_side(1, True)
        finally:
            self._stop()
            MEASURED.write_text(json.dumps(self.measured, indent=1, sort_keys=True))

    def _run_side_by_side(self, count, is_alone):
        threads = [threading.Thread(target=self._lane, args=(is_alone,), daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _lane(self, is_alone):
        while part := self._next(is_alone):
            with tempfile.TemporaryDirectory(prefix="keelson-tests-", ignore_cleanup_errors=True) as folder:
                result = self._run_part(part, folder)
            with self.lock:
                if not self.is_stopped:
                    self.measured[part.name] = round(result.seconds, 1)
                    self.tell(part, result)

    def _next(self, is_alone):
        with self.lock:
            for part in reversed(self.waiting if not self.is_stopped else []):
                if part.is_alone == is_alone:
                    self.waiting.remove(part)
                    return part
        return None

    def _run_part(self, part, folder):
        start, report = time.monotonic(), part.report(folder)
        report.unlink(missing_ok=True)
        with open(pathlib.Path(folder, "text"), "w+", encoding="utf-8", errors="replace") as text:
            with self.lock:
                if self.is_stopped:
                    return None
                process = subprocess.Popen(part.command(folder), stdin=subprocess.DEVNULL, stdout=text, stderr=subprocess.STDOUT,
                                           env=dict(os.environ, KEELSON_BUILT="1", KEELSON_LOADED=str(BUILD)), cwd=ROOT, start_new_session=True)
                self.running.add(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)  # we have waited for it
            with self.lock:
                self.running.discard(process.pid)
            end_session(process.pid, signal.SIGKILL)  # a machine that a failed test left behind
            passed, failed = junit_counts(report) if report.exists() else (0, 0)
            is_good = process.returncode == 0 or (part.chosen and process.returncode == NO_TESTS)
            if not is_good and failed == 0:
                failed = 1  # it broke before it could count
            text.seek(0)
            return Result(passed, failed, time.monotonic() - start, used.ru_utime + used.ru_stime, "" if is_good else text.read())

    def _stop(self):
        """Ends what still runs as ^C at a terminal would, and by force what does not mind that."""
        with self.lock:
            self.is_stopped = True
            for pid in self.running:
                end_session(pid, signal.SIGINT)
        deadline = time.monotonic() + GRACE_SECONDS
        while self.running and time.monotonic() < deadline:
            time.sleep(0.1)
        with self.lock:
            for pid in self.running:
                end_session(pid, signal.SIGKILL)


def end_session(pid, number):
    """Signals the process group that this process began."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
