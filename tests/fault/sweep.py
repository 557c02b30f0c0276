"""The sweep: the workload of tests/fault/work runs again and again in one boot, and in each run one server ends at one message
boundary or state commit. Then the host compares what each run left on the disk with what the undisturbed one left.

A point is SERVER:EVENT:NUMBER. Verdicts: passed; missed (the run had fewer such events, so nobody ended: it counts for nothing); failed,
with a reason. A ledger has a line `COMMIT fault BOOT SERVER:EVENT:NUMBER VERDICT` for each point; `--point` with all points of a boot up to
one, joined by commas, repeats that boot exactly."""
import collections
import pathlib
import random
import tempfile

import guest

# Servers, and about how many events of each kind a run has of theirs: where looking begins; 0: none. Drivers keep no memory, so they have
# no commits and no stores to be counted; what those of disks put out are their rings' positions and signals. ps2 sends its keys unasked.
KINDS = ["receive", "reply", "commit", "output", "store"]
ABOUT = {"ext2": [150, 70, 190, 150, 20000], "vfs": [80, 60, 100, 80, 10000], "process": [60, 40, 80, 60, 10000], "console": [15, 15, 20, 8, 3000],
         "tmpfs": [12, 12, 15, 2, 1000], "devfs": [7, 5, 8, 2, 600], "procfs": [8, 6, 9, 4, 500], "log": [3, 2, 3, 1, 300],
         "ata": [20, 5, 0, 40], "serial0": [7, 4], "keyboard": [3]}
KEPT = [server for server, counts in ABOUT.items() if len(counts) == len(KINDS)]
EVENTS = {server: [kind for kind, about in zip(KINDS, counts) if about] for server, counts in ABOUT.items()}
FOREVER, BOOTS_MOST = 1 << 40, 3
SHOWN = "\nquestion {0}?\nanswer {0}: typed line {0}\nkeys {0}?\n"

Result = collections.namedtuple("Result", "point verdict reason recovery")


class NotStarted(Exception):
    """A busy host, or a machine that never starts."""


class Limits:
    """How many events of each kind a run has, as far as is known: from points met and missed."""

    def __init__(self):
        self.met, self.missed = {}, {}

    def learn(self, point, verdict):
        server, event, number = point.split(":")
        key, number = (server, event), int(number)
        if verdict == "missed":
            self.missed[key] = min(number, self.missed.get(key, FOREVER))
        elif verdict in ("passed", "failed"):
            self.met[key] = max(number, self.met.get(key, 0))

    def draw(self, chosen, server, event):
        """A number: mostly of those that are known to be met, else one that tells more."""
        met, missed = self.met.get((server, event), 0), self.missed.get((server, event), 0)
        if missed and met and chosen.random() < 0.9 or missed == met + 1:
            return chosen.randint(1, max(1, met))
        if missed:
            return chosen.randint(met + 1, max(met + 1, missed - 1))
        return chosen.randint(1, max(ABOUT[server][KINDS.index(event)], met * 2))


def strata():
    return [(server, event) for server, events in EVENTS.items() for event in events]


def draw_points(limits, seed, count, weights=None):
    """`count` points of a boot, every kind as often as the others over many boots."""
    chosen = random.Random(f"points {seed}")
    kinds = weights or strata()
    first = seed * count
    return [f"{server}:{event}:{limits.draw(chosen, server, event)}"
            for server, event in (kinds[(first + i) % len(kinds)] for i in range(count))]


def parse(output):
    """The points' results, in order, out of what the workload said."""
    results = []
    for line in output.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].count(":") == 2:
            reason = "refused" if words[1] == "refused" else ""
            results.append(Result(words[0], "missed" if words[1] == "refused" else words[1], reason, int(words[2])))
        elif line.startswith("| ") and results:
            results[-1] = results[-1]._replace(reason=(results[-1].reason + " " + line[2:]).strip())
    return results


def compare_disk(image, results):
    """Each run left a folder; those that differ from the undisturbed one's turn their point into a failed one."""
    if (said := guest.check_disk(image)) is not None:
        return [result._replace(verdict="failed", reason="e2fsck of the whole disk: " + " ".join(said.split())[:300])
                if i == len(results) - 1 else result for i, result in enumerate(results)]
    files = guest.files_of(image, "/root/w")
    runs = collections.defaultdict(dict)
    for name, content in files.items():
        parts = pathlib.Path(name).parts
        if len(parts) > 2:
            runs[parts[1]]["/".join(parts[2:])] = content
    checked = []
    for number, result in enumerate(results, 2):
        if result.verdict == "passed" and runs[str(number)] != runs["0"]:
            names = [name for name in set(runs["0"]) | set(runs[str(number)]) if runs["0"].get(name) != runs[str(number)].get(name)]
            result = result._replace(verdict="failed", reason="on the disk: " + " ".join(sorted(names)))
        checked.append(result)
    return checked


def compare_terminal(log, results):
    """What the serial terminal showed: each run's question and answer once, whole, and nothing else."""
    text = log.decode(errors="replace").replace("\r", "")
    shown = text[text.find("\nquestion 0?"):]
    for number, result in enumerate(results, 2):
        if result.verdict == "passed" and shown.count(SHOWN.format(number)) != 1:
            part = shown[shown.find(f"question {number - 1}?"):][:200]
            results[number - 2] = result._replace(verdict="failed", reason="on the terminal: " + repr(part))
    return results


def run_boot(points, **options):
    """As try_boot; a machine that did not get as far as the undisturbed run says nothing of the points, and is booted again."""
    for _ in range(BOOTS_MOST - 1):
        try:
            return try_boot(points, **options)
        except NotStarted as reason:
            print(f"booting again: {reason}", flush=True)
    return try_boot(points, **options)


def try_boot(points, *, silence=90, arguments=("--memory", "128M"), keep_log=None):
    """One boot: the results of the points. A machine that hangs or panics failed at the point it was at."""
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        image = pathlib.Path(folder, "disk.img")
        listed = "".join(" ".join(point.split(":")) + "\n" for point in points).encode()
        guest.copy_disk(guest.Medium.base or guest.base_disk(), image, [("root/points", listed)])
        with guest.Guest("faultwork /root/points", image, arguments=arguments) as machine:
            try:
                status, trouble = machine.run(silence=silence), None
                if status == 0:
                    machine.shut_down()
            except guest.Silent as reason:
                status, trouble = None, str(reason)
            output, log = machine.output.decode(errors="replace"), machine.log
            if keep_log is not None:
                keep_log.append(machine.log.decode(errors="replace"))
                keep_log.append(output + machine.errors.decode(errors="replace"))
        results = parse(output)
        if "undisturbed" not in output:
            raise NotStarted(trouble or output[-300:])
        if trouble is None and status == 0:
            return compare_terminal(log, compare_disk(image, results))
        said = trouble or f"the workload ended with status {status}: {output[-300:]}"
        if len(results) < len(points):
            results.append(Result(points[len(results)], "failed", said, 0))
        else:
            results[-1] = results[-1]._replace(verdict="failed", reason=said)
        return results


def ledger_lines(ledger, commit):
    """(boot, point, verdict, reason) of this commit."""
    for line in ledger.read_text().splitlines() if ledger.exists() else []:
        words = line.split(" ", 5)
        if len(words) >= 5 and words[:2] == [commit, "fault"]:
            yield int(words[2]), words[3], words[4], words[5] if len(words) > 5 else ""


def repeat_line(points, at):
    """How to repeat a failed point: alone, and as it came about."""
    return f"tests/run fault --point {points[at]}\n    or with what came before it: tests/run fault --point {','.join(points[:at + 1])}"


def run_chunk(boot, limits, count, ledger, commit, weights=None):
    """One boot, its lines appended to the ledger; the failed results."""
    points = draw_points(limits, boot, count, weights)
    log = []
    results = run_boot(points, keep_log=log)
    if any(result.verdict == "failed" for result in results):
        pathlib.Path(ledger.parent, f"fault-boot-{boot}.log").write_text("\n----\n".join(log), encoding="utf-8")
    with ledger.open("a", encoding="utf-8") as file:
        for result in results:
            limits.learn(result.point, result.verdict)
            file.write(f"{commit} fault {boot} {result.point} {result.verdict} {' '.join(result.reason.split())}".rstrip() + "\n")
    failed = []
    for at, result in enumerate(results):
        if result.verdict == "failed":
            failed.append(result)
            print(f"FAILED {result.point}: {result.reason}\n    {repeat_line(points, at)}", flush=True)
    return failed


def main(ledger, commit, resume, boots, count=24, wanted=10000, least=500):
    """Boot after boot until `wanted` points, of `least` boots, are in the ledger (or `boots` boots were made); 1 if any of them failed."""
    limits, first, met, failures, made = Limits(), 1, 0, 0, 0
    for boot, point, verdict, _ in ledger_lines(ledger, commit) if resume else ():
        limits.learn(point, verdict)
        first, met, failures = max(first, boot + 1), met + (verdict != "missed"), failures + (verdict == "failed")
    frozen = tempfile.TemporaryDirectory(prefix="keelson-")  # pylint: disable=consider-using-with
    guest.Medium.freeze(frozen.name)
    try:
        while (met < wanted or first + made <= least) and (boots is None or made < boots):
            before = sum(1 for _ in ledger_lines(ledger, commit))
            failures += len(run_chunk(first + made, limits, count, ledger, commit))
            made += 1
            fresh = list(ledger_lines(ledger, commit))[before:]
            met += sum(1 for _, _, verdict, _ in fresh if verdict != "missed")
            if made % 20 == 0:
                print(f"{made} boots, {met} points, {failures} failed", flush=True)
    except KeyboardInterrupt:
        pass
    print(f"{commit}: {made} boots made, {met} points met in all, {failures} failed")
    return 1 if failures else 0
