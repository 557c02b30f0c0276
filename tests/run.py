"""Runs the tests: tests/run [SUITE...]. Installs what is missing and builds first, like image/run.

Suites are the suites of `meson test` and the folders of tests/ that hold pytest files; without names all are run. One line
is printed per suite, the failures in full, and last `N passed, N failed`, where N counts test cases."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "image"))
import long
import mutants
from runner import build, packages

BUILD = ROOT / "build"


def pytest_suites():
    return sorted({path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")})


def meson_suites():
    """The part after `keelson:` of every suite that the build declares."""
    done = subprocess.run(["meson", "introspect", "--tests", BUILD], capture_output=True, text=True, check=True)
    return sorted({suite.split(":")[1] for test in json.loads(done.stdout) for suite in test["suite"] if ":" in suite})


def junit_counts(path):
    """(passed, failed) test cases of a JUnit file; skipped ones count as neither."""
    passed = failed = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None:
            passed += 1
    return passed, failed


def run_meson(suite):
    report = BUILD / "meson-logs/testlog.junit.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(["meson", "test", "-C", BUILD, "--suite", suite, "--print-errorlogs"], capture_output=True, text=True,
                          check=False)
    passed, failed = junit_counts(report) if report.exists() else (0, 0)
    return passed, failed, done.returncode, done.stdout + done.stderr


def run_pytest(suite):
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.xml")
        done = subprocess.run(["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
                               ROOT / "tests" / suite], capture_output=True, text=True, check=False)
        passed, failed = junit_counts(report) if report.exists() else (0, 0)
    return passed, failed, done.returncode, done.stdout + done.stderr


def run_suite(name, runners):
    """Runs a suite with each of its runners, prints its line; (passed, failed)."""
    start = time.monotonic()
    passed = failed = 0
    for runner in runners:
        more_passed, more_failed, code, text = runner(name)
        if code != 0 and more_failed == 0:
            more_failed = 1  # it broke before it could count
        if code != 0:
            print(text)
        passed += more_passed
        failed += more_failed
    print(f"{name}: {passed} passed, {failed} failed in {time.monotonic() - start:.1f} s", flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    parser.add_argument("--list", action="store_true", help="name the suites and stop")
    parser.add_argument("--point", metavar="SERVER:EVENT:NUMBER", help="with the suite fault: this crash point alone")
    parser.add_argument("--long", metavar="SUITE", choices=[*sorted(long.CHUNK), "model", *sorted(long.GUESTS)],
                        help="run chunk after chunk of seeds, until ^C: " + ", ".join(sorted(long.CHUNK)) + "; boot after boot: " +
                        ", ".join(sorted(long.GUESTS)) + "; or all of the model's checks")
    parser.add_argument("--resume", action="store_true", help="with --long: go on where this commit's ledger ends")
    parser.add_argument("--chunks", type=int, metavar="N", help="with --long: stop after N chunks or boots")
    parser.add_argument("--ledger", metavar="FILE", help="with --long: the ledger (build/long-ledger)")
    parser.add_argument("--mutants", action="store_true", help="break the product and see which tests notice")
    parser.add_argument("--count", type=int, default=30, metavar="N", help="with --mutants: how many (30)")
    parser.add_argument("--seed", default="1", help="with --mutants: which (1)")
    options = parser.parse_args()
    if not options.long and (options.resume or options.chunks is not None or options.ledger):
        parser.error("--resume, --chunks and --ledger go with --long")
    if options.point:
        if options.suites != ["fault"] or any(point.count(":") != 2 for point in options.point.split(",")):
            parser.error("--point SERVER:EVENT:NUMBER goes with the suite fault; several, joined by commas, are met in one boot")
        os.environ["KEELSON_POINT"] = options.point
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    packages.ensure(packages.BUILD + packages.RUN + packages.TESTS)
    if options.long == "model":
        sys.path.insert(0, str(ROOT / "tests/model"))
        import check  # needs spin, which is there now
        return check.main()
    if options.long in long.GUESTS:
        build.build(ROOT, BUILD, ["image/keelson.iso", "image/system.tar", "tests/fault/faultwork"])
        return long.guests(ROOT, BUILD, options.long, options.resume, options.chunks, options.ledger)
    if options.long:
        build.build(ROOT, BUILD, [long.PROGRAM])
        return long.main(ROOT, BUILD, options.long, options.resume, options.chunks, options.ledger)
    if options.mutants:
        return mutants.main(ROOT, BUILD, options.seed, options.count)
    build.build(ROOT, BUILD, [])
    runners = {}
    for names, runner in ((meson_suites(), run_meson), (pytest_suites(), run_pytest)):
        for name in names:
            runners.setdefault(name, []).append(runner)
    if options.list:
        print("\n".join(runners))
        return 0
    if unknown := [name for name in options.suites if name not in runners]:
        parser.error(f"no such suite: {', '.join(unknown)}; there are: {', '.join(runners)}")
    results = [run_suite(name, runners[name]) for name in options.suites or runners]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
