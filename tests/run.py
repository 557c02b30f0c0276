"""Runs the tests: tests/run [SUITE...]. Installs what is missing and builds first, like image/run.

Suites are the suites of `meson test` and the folders of tests/ that hold pytest files; without names all are run. Their files run in
lanes, side by side. Each prints one line when it has ended, its failures in full before it; then comes a table of the suites, and last
`N passed, N failed`, where N counts test cases. SUITE/NAME runs one file (tests/SUITE/test_NAME.py), or meson's tests NAME_..."""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "image"))
import lanes
import long
import mutants
from runner import build, packages

BUILD = ROOT / "build"
LANES = 4  # for two processors: with three a tenth of their time is idle
BOOTED = ["image/keelson.iso", "image/system.tar", "tests/fault/faultwork"]  # all that the long runs and one point need


def all_parts():
    """{SUITE/NAME: its parts}."""
    done = subprocess.run(["meson", "introspect", "--tests", BUILD], capture_output=True, text=True, check=True)
    suites = {}
    for test in json.loads(done.stdout):
        suites.setdefault(test["suite"][0].split(":")[1], []).append(test["name"])
    parts = {}
    for suite, tests in suites.items():
        parts |= lanes.meson_parts(suite, tests)
    for folder in sorted({path.parent for path in (ROOT / "tests").glob("*/test_*.py")}):
        parts |= lanes.pytest_parts(folder)
    return parts


def run_parts(parts, count):
    """Runs them in this many lanes; the exit status."""
    total = {}
    start = time.monotonic()

    def tell(part, result):
        if result.text:
            print(f"{result.text}\n")
        print(f"{part.name}: {result.passed} passed, {result.failed} failed in {result.seconds:.1f} s, {result.processor_seconds:.1f} s of a processor", flush=True)
        row = total.setdefault(part.suite, [0, 0, 0, 0])
        total[part.suite] = [sum(pair) for pair in zip(row, (result.passed, result.failed, result.seconds, result.processor_seconds))]

    lanes.Lanes(parts, count, tell).run()
    print(f"\n{'suite':12}{'passed':>8}{'failed':>8}{'seconds':>9}{'processor':>11}")
    for name, row in sorted(total.items(), key=lambda item: -item[1][2]) + [("all", [sum(column) for column in zip(*total.values())])]:
        print(f"{name:12}{row[0]:8}{row[1]:8}{row[2]:9.1f}{row[3]:11.1f}")
    print(f"{time.monotonic() - start:.1f} s in {count} lanes")
    print(f"{row[0]} passed, {row[1]} failed")
    return 1 if row[1] or not row[0] else 0


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    parser.add_argument("--lanes", type=int, default=LANES, metavar="N", help=f"how many files at a time ({LANES})")
    parser.add_argument("--list", action="store_true", help="name the suites and stop")
    parser.add_argument("--point", metavar="SERVER:EVENT:NUMBER", help="with the suite fault: this crash point alone, or several in one boot, joined by commas")
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
        options.suites = ["fault/sweep"]
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    packages.ensure(packages.BUILD + packages.RUN + packages.TESTS)
    if options.long == "model":
        sys.path.insert(0, str(ROOT / "tests/model"))
        import check  # needs spin, which is there now
        return check.main()
    if options.long in long.GUESTS:
        build.build(ROOT, BUILD, BOOTED + long.NEEDED.get(options.long, []))
        return long.guests(ROOT, BUILD, options.long, options.resume, options.chunks, options.ledger)
    if options.long:
        build.build(ROOT, BUILD, [long.PROGRAM])
        return long.main(ROOT, BUILD, options.long, options.resume, options.chunks, options.ledger)
    if options.mutants:
        return mutants.main(ROOT, BUILD, options.seed, options.count)
    build.build(ROOT, BUILD, BOOTED if options.point else ["all", "meson-test-prereq"])
    parts = all_parts()
    suites = list(dict.fromkeys(name.split("/")[0] for name in parts))
    if options.list:
        print("\n".join(suites))
        return 0
    if unknown := [name for name in options.suites if name not in parts and name not in suites]:
        parser.error(f"no such suite: {', '.join(unknown)}; there are: {', '.join(suites)}")
    chosen = [found for name, found in parts.items() if not options.suites or {name, name.split("/")[0]} & set(options.suites)]
    return run_parts([part for found in chosen for part in found], options.lanes)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the machines end with us
try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
