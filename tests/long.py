"""Long runs (tests/run --long). Of the ext2 suites: chunks of seeds without end, each result a line in a ledger, so that a run
may be broken off at any time and goes on (--resume) where this commit's last chunk ended."""
import importlib
import pathlib
import signal
import subprocess
import sys

CHUNK = {"random": 50, "corruption": 1000, "faults": 50}  # seeds that take about half a minute
FIRST_SEED = 100_000  # beyond those of the ordinary runs
GUESTS = {"fault": "fault/sweep", "power": "fault/power", "mutate": "fault/mutations",
          "network": "network/long_run"}  # suites whose chunk is a boot: a module below tests/ each, which keeps its own lines of the ledger
NEEDED = {"network": ["tests/exchanges/exchange_agent", "tests/network/services", "tests/host/net/net_tap", "tests/host/net/rough_wire"]}  # beside what is booted
PROGRAM = "tests/host/ext2/test_ext2"


def commit_of(root):
    """The commit, with `+` if the tree differs from it: such results belong to no commit."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, check=True).stdout
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=root, capture_output=True, text=True,
                             check=True).stdout
    return head.strip() + ("+" if changed else "")


def next_seed(ledger, commit, suite):
    """The seed after the last one that the ledger has for this commit and suite."""
    seed = FIRST_SEED
    for line in ledger.read_text().splitlines() if ledger.exists() else []:
        words = line.split()
        if words[:2] == [commit, suite]:
            seed = max(seed, int(words[2].split("-")[1]) + 1)
    return seed


def run(program, ledger, commit, suite, first, chunks):
    """Runs chunks from the seed first on (None: until ^C). 1 at the first failure, else 0."""
    while chunks is None or chunks > 0:
        last = first + CHUNK[suite] - 1
        done = subprocess.run([program, suite, "--first", str(first), "--seeds", str(CHUNK[suite])], capture_output=True,
                              text=True, check=False, errors="replace")
        verdict = "passed" if done.returncode == 0 else "failed"
        line = f"{commit} {suite} {first}-{last} {verdict}"
        with ledger.open("a", encoding="ascii") as file:
            file.write(line + "\n")
        print(line, flush=True)
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            return 1
        first, chunks = last + 1, None if chunks is None else chunks - 1
    return 0


def main(root, build, suite, resume, chunks, ledger=None):
    ledger = pathlib.Path(ledger or build / "long-ledger")
    commit = commit_of(root)
    first = next_seed(ledger, commit, suite) if resume else FIRST_SEED
    try:
        return run(build / PROGRAM, ledger, commit, suite, first, chunks)
    except KeyboardInterrupt:
        return 130


def guests(root, build, suite, resume, chunks, ledger=None):
    """A long run of a suite of GUESTS."""
    folder, name = GUESTS[suite].split("/")
    sys.path.insert(0, str(root / "tests" / folder))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the machine ends with us
    module = importlib.import_module(name)
    return module.main(pathlib.Path(ledger or build / f"{suite}-ledger"), commit_of(root), resume, chunks)
