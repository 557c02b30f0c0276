#!/usr/bin/python3 -B
"""Code mutations: instructions of a running server are changed, or bits of its data, heap and stacks flipped, while those parts of the
workload of tests/fault/work run that it serves. What comes of it is computed: from what the workload says, from the roles' restarts, from the disk.

Kinds: source, destination (another register), pointer (another base register or a bit of the displacement), stale (a parameter is not loaded
before a call), loop (a backward jump on the opposite condition), bits (a bit of the text), dropped (an instruction), data, heap (bits of
memory; heap and fibers' stacks lie there). What is changed is drawn, each as likely as the others, from the instructions which the undisturbed
run of these parts executes (coverage.c) and which the kind can change; data and heap from all bytes. A mutation is SERVER:KIND:SEED.

Classes: quiet (nothing differs, nobody restarted), recovered (somebody restarted, nothing differs), told (the output differs, and an error that
the undisturbed run does not have, a restart or a role that was given up says so),
or the programs themselves gave up with a message: notes `ended` for the workload, `off` for the one that the machine was started for),
late (nothing differed before the bits were flipped back, but the run after that did, or did not end), silent (output or disk differ and
nobody says so), hang (the workload does not end, the machine goes on: it answers the host), dead (it does not), panic (of the kernel).
`absent`: no such memory; it counts for nothing.

A machine is booted once, runs the undisturbed parts, and is written to a file; each session goes on from there with a disk of its own. Mutations
follow each other in it until one leaves something behind; then e2fsck -p repairs the disk and what each run left on it is compared. All
devices are kept from writing to memory by themselves (the kernel option dma=off), so `ata` runs by PIO; hangs are looked for ten times a second.

    /usr/bin/python3 tests/fault/mutations.py SERVER:KIND:SEED=CHANGE...    repeats mutations, each in a machine of its own

CHANGE is what a line of the ledger says: END:OFFSET:BITS:COUNT:PARTS. Without it what is drawn is not quite the same in each machine, since runs differ a
little in what they execute."""
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import changes
import guest

LARGE, NAMES, NAMELESS, CHILDREN, SMALL, TERMINAL, KEYS, LIST, DISK = (1 << bit for bit in range(9))  # enum work_part
FILES = LARGE | NAMES | NAMELESS | LIST
SERVERS = {"ext2": ("servers/ext2/ext2", FILES), "vfs": ("servers/vfs/vfs", NAMES | CHILDREN | LIST), "process": ("servers/process/process", CHILDREN),
           "tmpfs": ("servers/tmpfs/tmpfs", SMALL), "devfs": ("servers/devfs/devfs", SMALL | TERMINAL), "procfs": ("servers/procfs/procfs", SMALL),
           "console": ("servers/console/console", TERMINAL | KEYS), "ata": ("drivers/block/ata/ata", FILES | DISK),
           "serial0": ("drivers/serial/uart16550/uart16550", TERMINAL), "keyboard": ("drivers/input/ps2/ps2", KEYS), "log": ("servers/log/log", SMALL)}
DISK_SERVERS = ("ext2", "ata")  # what they damage is their own matter
KINDS = ["source", "destination", "pointer", "stale", "loop", "bits", "dropped", "data", "heap"]
CLASSES = ["quiet", "recovered", "told", "late", "silent", "hang", "dead", "panic"]
HEAP_BYTES = 256 * 1024
ARGUMENTS = ("--memory", "128M", "--nic", "none", "--option", "dma=off", "--option", "watch=100")
UNDISTURBED = 100000  # the folder of the undisturbed run of PARTS is UNDISTURBED + PARTS
SCREEN_BYTES = 1000  # more than a cursor
IDLE_SECONDS, IDLE_DRIVER_SECONDS, SPIN_SECONDS, SESSION_SECONDS = 3, 13, 4, 15  # ata gives its disk ten
REST_SECONDS, REST_MOST = 0.25, 5


class Template:
    """A machine that has run the undisturbed parts, as a file, and its disk; what the servers executed in them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.state, self.disk = self.folder / "state", self.folder / "template.img"
        guest.copy_disk(guest.Medium.base or guest.base_disk(), self.disk)
        parts = sorted({parts for _, parts in SERVERS.values()})
        with guest.Guest("exec faultwork mutate", self.disk, arguments=ARGUMENTS) as machine:
            while not machine.channel.granted:
                if not machine.step(60):
                    raise guest.Silent("the machine did not start")
            machine.line.send(machine.channel.input("".join(f"learn {each}\n" for each in parts).encode() + b"ready\n"))
            machine.run(until=b"ready\n")
            said = machine.output.decode()
            if "differs" in said or said.count("undisturbed") != len(parts):
                raise guest.Silent(f"the workload differs by itself: {said}")
            self.granted = machine.channel.granted
            self.save(machine)
        self.said, self.runs = said, runs_of(self.disk)
        self.bases = {line.split()[1]: int(line.split()[2]) for line in said.splitlines() if line.startswith("base ")}
        executed = {each: self.coverage(each) for each in parts}
        self.programs = {server: changes.Program(guest.Medium.program(path), {address - self.bases[server] for address in executed[parts]})
                         for server, (path, parts) in SERVERS.items()}
        self.listed, self.lock = {}, threading.Lock()

    def save(self, machine):
        time.sleep(0.2)  # what was said last is on its way through the guest
        machine.step(0)
        machine.monitor("stop")
        machine.monitor("migrate-set-parameters", **{"max-bandwidth": 10**10})
        machine.monitor("migrate", uri=f"exec:cat > {self.state}")
        while (status := machine.monitor("query-migrate").get("status")) in ("setup", "active", "device", None):
            time.sleep(0.02)
        if status != "completed":
            raise guest.Silent(f"the machine can't be saved: {status}")

    def start(self, image, extra=()):
        """A machine that goes on from here, on a disk at `image`."""
        guest.copy_disk(self.disk, image)
        machine = guest.Guest("", image, arguments=ARGUMENTS, extra=["-incoming", f"exec:cat {self.state}", *extra])
        machine.channel.started, machine.channel.granted = True, self.granted
        while machine.monitor("query-status").get("status") == "inmigrate":
            time.sleep(0.01)
        machine.monitor("cont")
        return machine

    def coverage(self, parts):
        """The addresses of programs' instructions that a run of these parts executes."""
        plugin, output = self.folder / "coverage.so", self.folder / "coverage"
        if not plugin.exists():
            subprocess.run(["clang", "-O2", "-shared", "-fPIC", "-o", plugin, pathlib.Path(__file__).with_name("coverage.c")], check=True)
        with self.start(self.folder / "coverage.img", ["-plugin", f"{plugin},output={output}"]) as machine:
            machine.line.send(machine.channel.input(f"none 0 0 0 0 {parts}\n".encode()))
            machine.run(until=b"over 1\n")
        return {int(line, 16) for line in output.read_text().splitlines()[:-1]}

    def make(self, mutation):
        """(server, end, offset, bits, count, parts) of a mutation, as the workload takes it."""
        mutation, _, given = mutation.partition("=")
        server, kind, _ = mutation.split(":")
        if given:
            return server, *(int(each) for each in given.split(":"))
        chosen = random.Random(mutation)
        program, parts = self.programs[server], SERVERS[server][1]
        if kind == "heap":
            return server, program.end, chosen.randrange(HEAP_BYTES), 1 << chosen.randrange(8), 1, parts
        if kind == "data":
            address, _, size = program.parts[".bss"]
            return server, 0, address + chosen.randrange(size), 1 << chosen.randrange(8), 1, parts
        with self.lock:
            if (server, kind) not in self.listed:
                self.listed[server, kind] = [(insn, change) for insn, change in program.candidates(kind)
                                             if insn.address % 4096 + min(insn.size, 8) <= 4096]
        if not self.listed[server, kind]:
            return None
        insn, change = chosen.choice(self.listed[server, kind])
        return server, 0, insn.address, change(chosen), min(insn.size, 8), parts


def is_busy(process):
    """Whether a thread of it runs or would like to."""
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        try:
            if (task / "stat").read_text().rpartition(")")[2].split()[0] in "RD":
                return True
        except OSError:
            continue
    return False


def wait_for(machine, text, idle_limit):
    """True once the text was said. False: the machine did nothing for so long, computed for SPIN_SECONDS without a word, or for SESSION_SECONDS with
    them. Time that the host gave to others does not count."""
    idle, used, length, last = 0, guest.time_used(machine.process), 0, time.monotonic()
    end = used + SESSION_SECONDS
    while text not in machine.output and machine.status is None:
        machine.step(0.05)
        now, said = time.monotonic(), len(machine.output) + len(machine.log)
        if said != length:
            idle, used, length = 0, guest.time_used(machine.process), said
        elif not is_busy(machine.process):
            idle += min(now - last, 0.1)
        last = now
        if idle > idle_limit or machine.status is not None or guest.time_used(machine.process) > min(end, used + SPIN_SECONDS):
            return False
    return True


def is_alive(machine):
    """The machine answers the host by its program in it, or, if that hangs as well, by another screen when keys ask for it; or its kernel rests and
    wakes: a mutated console may have stopped all programs, as ^Z does."""
    answered = []
    hear, machine.hear_line = machine.hear_line, lambda data: (answered.append(data), hear(data))
    before = screen_of(machine)
    machine.line.send(guest.channel.encode("P"))
    machine.send_keys([("alt", True), ("f2", True), ("f2", False), ("alt", False)])
    for _ in range(100):
        machine.step(0.1)
        if b"Q" in b"".join(answered) or difference(before, screen_of(machine)) > SCREEN_BYTES:
            return True
    seen = set()
    for _ in range(10):
        seen.add(machine.monitor("human-monitor-command", **{"command-line": "info registers"}))
        machine.step(0.1)
    return len(seen) > 1 and all("HLT=1" in each for each in seen)


def screen_of(machine):
    picture = pathlib.Path(machine.folder, "screen")
    machine.monitor("screendump", filename=str(picture))
    return picture.read_bytes()


def difference(before, after, row=4096):
    """How many bytes differ; a cursor's are in few rows."""
    if len(before) != len(after):
        return max(len(before), len(after))
    rows = ((before[at:at + row], after[at:at + row]) for at in range(0, len(before), row))
    return sum(sum(a != b for a, b in zip(*pair)) for pair in rows if pair[0] != pair[1])


def classify(lines, same_files):
    """The class of one mutation from what the workload said of it; same_files: None if nobody knows."""
    words = next((line.split()[1:] for line in lines if line.startswith("during ")), None)
    if words is None:
        return "hang"
    same, restarts, lost, told = words[0] == "same", int(words[1]), words[2] == "lost", words[3] == "told"
    if same and same_files is False:
        return "told" if restarts or lost else "silent"
    if same and "after same" not in lines:
        return "late"
    if same:
        return "told" if lost else "recovered" if restarts else "quiet"
    return "told" if restarts or lost or told else "silent"


class Session:
    """Mutations in one machine: results is [(mutation, class, change, notes)], shorter than the list if one left something behind."""

    def __init__(self, template, mutations, idle_limit=None):
        self.results, self.said = [], []
        with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
            image = pathlib.Path(folder, "disk.img")
            with template.start(image) as machine:
                self.end = self.run(template, machine, mutations, idle_limit)
                disk_rests(image)
                self.output, self.log = machine.output.decode(errors="replace"), machine.log.decode(errors="replace")
            code, words = guest.repair_disk(image)
            if code > 1:
                print(f"e2fsck -p gave up ({code}): {words.strip()}", flush=True)
            self.damage = [] if code <= 1 else ["forced"] if guest.force_disk(image) else ["unrepaired"]
            self.judge(template.runs, runs_of(image))
            if any(runs_of_name != self.found.get(name) for name, runs_of_name in template.runs.items()):
                self.damage.append("others")

    def run(self, template, machine, mutations, idle_limit):
        """The mutations one by one; what ended the session: None, hang, dead, panic, ended, off."""
        for mutation in mutations:
            change = template.make(mutation)
            if change is None:
                self.said.append((mutation, change, None))
                continue
            before = len(machine.output)
            end = None
            try:
                machine.line.send(machine.channel.input((" ".join(str(each) for each in change) + "\n").encode()))
                limit = idle_limit or (IDLE_DRIVER_SECONDS if change[-1] & DISK else IDLE_SECONDS)
                if not wait_for(machine, f"over {self.made() + 1}\n".encode(), limit):
                    end = "ended" if machine.status is not None else "hang" if is_alive(machine) else "dead"
            except (guest.Silent, OSError) as reason:
                end = "panic" if "panicked" in str(reason) else "dead"
                if end == "dead" and machine.reason_of_end() == "guest-shutdown":
                    end = "off"
            lines = machine.output[before:].decode(errors="replace").splitlines()
            self.said.append((mutation, change, lines))
            if end or "after same" not in lines and not any(line.endswith("absent") for line in lines):
                return end
        return None

    def made(self):
        return sum(lines is not None for _, _, lines in self.said)

    def judge(self, undisturbed, runs):
        self.found, number = runs, 0
        for at, (mutation, change, lines) in enumerate(self.said):
            if lines is None:
                self.results.append((mutation, "absent", "", []))
                continue
            number += 1
            notes, last = [], at == len(self.said) - 1
            if any(line.endswith("absent") for line in lines):
                kind = "absent"
            else:
                synced = any(line.startswith("during ") for line in lines)
                wanted, found = undisturbed.get(str(UNDISTURBED + change[5])), runs.get(str(2 * number), {})
                kind = classify(lines, None if not synced or wanted is None else found == wanted)
                if kind == "silent" and any(line.startswith("during same") for line in lines):
                    notes.append("disk")
                if last and self.end in ("off", "ended"):
                    kind = "told" if kind == "hang" else kind
                    notes.append(self.end)
                elif last and self.end and (self.end != "hang" or kind == "hang"):
                    kind = self.end
                if "after same" not in lines:
                    notes.append("lasting")
            self.results.append((mutation, kind, ":".join(str(each) for each in change[1:]), notes))


def disk_rests(image):
    """Until nothing was written for a moment: what a machine leaves that is turned off within a write is tests/fault/power.py's matter."""
    end, seen, since = time.monotonic() + REST_MOST, None, 0
    while time.monotonic() < end:
        written, now = image.stat().st_mtime_ns, time.monotonic()
        if written != seen:
            seen, since = written, now
        elif now - since > REST_SECONDS:
            return
        time.sleep(REST_SECONDS / 5)


def runs_of(image):
    """{folder: {file: bytes}} of what the runs left on a disk."""
    runs = {}
    try:
        files = guest.files_of(image, "/root/w")
    except guest.disk.DiskError:  # not even a super-block
        files = {}
    for name, content in files.items():
        _, folder, rest = (*name.split("/", 2), "", "")[:3]
        if rest:
            runs.setdefault(folder, {})[rest] = content
    return runs


def server_of(mutation):
    return mutation.split(":")[0]


def doubtful(results, damage):
    """Those whose cause may be another mutation of the same session: they are repeated alone. `damage` shrinks meanwhile; while some of it is
    nobody's, the quiet ones of the disk's own servers come too: bytes may be wrong where the workload does not look."""
    taken = set()
    if len(results) == 1:
        return
    for at, (_, kind, _, notes) in enumerate(results):
        is_strange = kind in ("silent", "late", "dead", "panic") and (at > 0 or "disk" in notes)
        if is_strange or damage and (kind not in ("quiet", "absent") or at == len(results) - 1):
            taken.add(at)
            yield at
    for at, (mutation, kind, _, _) in enumerate(results):
        if damage and at not in taken and server_of(mutation) in DISK_SERVERS and kind != "absent":
            yield at


def run_session(template, mutations):
    """Results of the first of the mutations, one at least. The notes tell what else they damaged: `forced` (e2fsck -p gave up, -y did not), `unrepaired`
    (both did; in ledgers before 300a279 only -p was asked), `others` (what was on the disk before differs). Damage that nobody does alone is noted at
    the last one of the disk's own servers if it is not there without them (`together`), else at the session's last."""
    session = Session(template, mutations)
    results, damage = session.results, set(session.damage)
    for at in doubtful(results, damage):
        mutation, _, change, _ = results[at]
        again = Session(template, [f"{mutation}={change}"])
        results[at] = (mutation, *again.results[0][1:3], [*again.results[0][3], *again.damage, "alone"])
        damage -= set(again.damage)
    if damage:
        made = [at for at, (_, kind, _, _) in enumerate(results) if kind != "absent"]
        own = [at for at in made if server_of(results[at][0]) in DISK_SERVERS]
        rest = [f"{results[at][0]}={results[at][2]}" for at in made if at not in own]
        together = own and not (rest and damage <= set(Session(template, rest).damage))
        results[own[-1] if together else -1][3].extend(sorted(damage) + ["together"] * bool(together))
    return results


def mutation_of(number):
    """The number-th of all: servers and kinds in turn."""
    servers = list(SERVERS)
    return f"{servers[number % len(servers)]}:{KINDS[number // len(servers) % len(KINDS)]}:{number}"


def interval(part, whole):
    """Wilson's 95 % interval of a share, in per cent."""
    if whole == 0:
        return 0.0, 100.0
    z, share = 1.96, part / whole
    middle, width = share + z * z / (2 * whole), z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return 100 * (middle - width) / (1 + z * z / whole), 100 * (middle + width) / (1 + z * z / whole)


def summary(classes):
    """Lines of a table, from the classes of all that were made."""
    made = [each for each in classes if each != "absent"]
    manifested = [each for each in made if each != "quiet"]
    low, high = interval(len(manifested), len(made))
    lines = [f"{len(made)} mutations, {len(manifested)} manifested: {100 * len(manifested) / max(1, len(made)):.1f} % ({low:.1f} to {high:.1f})"]
    for name in CLASSES:
        count, whole = made.count(name), len(made) if name == "quiet" else len(manifested)
        low, high = interval(count, whole)
        lines.append(f"{name:10} {count:6}  {100 * count / max(1, whole):5.1f} % of {'all' if name == 'quiet' else 'manifested'} ({low:.1f} to {high:.1f})")
    return lines


class Run:
    """Session after session until enough mutations are in the ledger."""

    def __init__(self, template, ledger, commit, first, classes, wanted, sessions):
        self.template, self.ledger, self.commit = template, ledger, commit
        self.queue, self.next, self.classes, self.wanted, self.sessions = [], first, classes, wanted, sessions
        self.bad, self.lock = 0, threading.Lock()

    def take(self, count):
        with self.lock:
            done = sum(each != "absent" for each in self.classes) >= self.wanted or self.sessions == 0
            if done:
                return []
            self.sessions = None if self.sessions is None else self.sessions - 1
            taken, self.queue = self.queue[:count], self.queue[count:]
            while len(taken) < count:
                taken.append(mutation_of(self.next))
                self.next += 1
            return taken

    def put(self, taken, results):
        with self.lock, self.ledger.open("a", encoding="utf-8") as file:
            self.queue = taken[len(results):] + self.queue
            for mutation, kind, change, notes in results:
                self.classes.append(kind)
                if kind in ("panic", "dead") or "unrepaired" in notes or "others" in notes:
                    self.bad += 1
                    print(f"FAILED {mutation} {kind} {change} {' '.join(notes)}", flush=True)
                file.write(f"{self.commit} mutate {mutation} {kind} {change} {' '.join(notes)}".rstrip() + "\n")
            if len(self.classes) // 1000 != (len(self.classes) - len(results)) // 1000:
                print("; ".join(summary(self.classes)), flush=True)

    def work(self, count):
        while taken := self.take(count):
            try:
                self.put(taken, run_session(self.template, taken))
            except (guest.Silent, OSError) as reason:
                print(f"again: {reason}", flush=True)
                with self.lock:
                    self.queue = taken + self.queue

    def go(self, jobs, count):
        """`jobs` machines at a time, `count` mutations at most in each, until all is done or ^C."""
        threads = [threading.Thread(target=self.work, args=(count,), daemon=True) for _ in range(jobs)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            self.sessions = 0
            for thread in threads:
                thread.join()


def ledger_classes(ledger, commit):
    """The classes of this commit's lines, and the numbers that were made."""
    lines = [line.split() for line in ledger.read_text().splitlines()] if ledger.exists() else []
    lines = [words for words in lines if words[:2] == [commit, "mutate"]]
    return [words[3] for words in lines], {int(words[2].split(":")[2]) for words in lines}


def main(ledger, commit, resume, sessions, count=40, wanted=20000):
    """Until `wanted` mutations are in the ledger; KEELSON_JOBS machines at a time. 1 if the kernel panicked, a machine hung, a disk could
    not be repaired or what was on it before differs."""
    classes, numbers = ledger_classes(ledger, commit) if resume else ([], set())
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        guest.Medium.freeze(folder, programs=[path for path, _ in SERVERS.values()])
        run = Run(Template(folder), ledger, commit, max(numbers, default=-1) + 1, classes, wanted, sessions)
        run.queue = [mutation_of(number) for number in range(run.next) if number not in numbers]
        run.go(int(os.environ.get("KEELSON_JOBS", "1")), count)
    print("\n".join(summary(run.classes)))
    return 1 if run.bad else 0


def repeat(mutations):
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        template = Template(folder)
        print(template.said)
        for mutation in mutations:
            session = Session(template, [mutation])
            change = template.make(mutation)
            print(f"{mutation} {session.results[0][1:]} {session.damage}\n{session.output}\n{session.log}")
            insn = [each for each in template.programs[change[0]].code if each.address == change[2]]
            subprocess.run(["llvm-symbolizer", "-e", guest.BUILD / SERVERS[change[0]][0], hex(change[2])], check=False)
            print(*(f"{each.mnemonic} {each.op_str}" for each in insn), flush=True)


if __name__ == "__main__":
    repeat(sys.argv[1:])
