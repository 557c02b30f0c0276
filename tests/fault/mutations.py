"""Code mutations: instructions of a running server are changed, or bits of its data, heap and stacks flipped, while the workload of
tests/fault/work runs. What comes of it is computed: from what the workload says, from the roles' restarts, from the disk.

Kinds: source, destination (another register), pointer (another base register or a bit of the displacement), stale (a parameter is not loaded
before a call), loop (a backward jump on the opposite condition), bits (a bit of the text), dropped (an instruction), data, heap (bits of
memory; heap and fibers' stacks lie there). A mutation is SERVER:KIND:SEED, made from the built program by that seed alone.

Classes: quiet (nothing differs, nobody restarted), recovered (somebody restarted, nothing differs), told (the output differs and an error, a restart or a
role that was given up says so), silent (output or disk differ and nobody says so), hang (the workload does not end), panic (of the kernel). `absent`: no
such memory; it counts for nothing. After each the bits are flipped back and the workload runs once more: if that differs, the boot ends."""
import math
import pathlib
import random
import subprocess
import tempfile

import capstone
from capstone import x86

import guest

SERVERS = {"ext2": "servers/ext2/ext2", "vfs": "servers/vfs/vfs", "process": "servers/process/process", "tmpfs": "servers/tmpfs/tmpfs",
           "devfs": "servers/devfs/devfs", "procfs": "servers/procfs/procfs", "console": "servers/console/console", "ata": "drivers/block/ata/ata",
           "serial0": "drivers/serial/uart16550/uart16550"}
KINDS = ["source", "destination", "pointer", "stale", "loop", "bits", "dropped", "data", "heap"]
CLASSES = ["quiet", "recovered", "told", "silent", "hang", "panic"]
HEAP_BYTES = 256 * 1024
PARAMETERS = {x86.X86_REG_RDI, x86.X86_REG_EDI, x86.X86_REG_RSI, x86.X86_REG_ESI, x86.X86_REG_RDX, x86.X86_REG_EDX, x86.X86_REG_RCX,
              x86.X86_REG_ECX, x86.X86_REG_R8, x86.X86_REG_R8D, x86.X86_REG_R9, x86.X86_REG_R9D}
NOP, CALL_DISTANCE = 0x90, 6
REG_FIRST = {0x89, 0x88, 0x01, 0x29, 0x21, 0x09, 0x31, 0x39, 0x85}  # opcodes whose ModRM.reg is the source
REG_LAST = {0x8B, 0x8A, 0x8D, 0x03, 0x2B, 0x23, 0x0B, 0x33, 0x63}  # ... the destination


class Program:
    """A server's text, decoded once, and its parts' places."""

    def __init__(self, path):
        listed = subprocess.run(["llvm-nm", path], capture_output=True, text=True, check=True).stdout
        self.end = next(int(line.split()[0], 16) for line in listed.splitlines() if line.split()[-1] == "_end")
        self.parts = {}
        for line in subprocess.run(["llvm-readelf", "-SW", path], capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.replace("[ ", "[").split()
            if len(words) > 6 and words[1] in (".text", ".data", ".bss"):
                self.parts[words[1]] = (int(words[3], 16), int(words[4], 16), int(words[5], 16))
        address, offset, size = self.parts[".text"]
        decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        decoder.detail = True
        self.code = list(decoder.disasm(pathlib.Path(path).read_bytes()[offset:offset + size], address))

    def candidates(self, kind):
        """(offset, bits, count) of what a kind may change; bits is drawn by the caller's random numbers."""
        for at, insn in enumerate(self.code):
            if change := CHANGES[kind](self.code, at, insn):
                yield insn, change


def flip(insn, at, new):
    """Bits that turn byte `at` of the instruction into another."""
    return (insn.bytes[at] ^ new) << 8 * at


def other(chosen, now, choices=8):
    return (now + chosen.randrange(1, choices)) % choices


def change_reg(opcodes, at_rm):
    """Another register in ModRM.reg of these opcodes; of `at_rm` ones in ModRM.rm, if that is a register."""
    def change(_code, _at, insn):
        place = insn.modrm_offset
        if not place or insn.size > 8:
            return None
        if insn.opcode[0] in opcodes:
            return lambda chosen: flip(insn, place, insn.modrm & 0xC7 | other(chosen, insn.modrm >> 3 & 7) << 3)
        if insn.opcode[0] in at_rm and insn.modrm >> 6 == 3:
            return lambda chosen: flip(insn, place, insn.modrm & 0xF8 | other(chosen, insn.modrm & 7))
        return None
    return change


def change_pointer(_code, _at, insn):
    place = insn.modrm_offset
    if not place or insn.modrm >> 6 == 3 or insn.modrm & 7 in (4, 5) or insn.size > 8 or insn.mnemonic.startswith("nop"):
        return None
    if insn.disp_offset:
        return lambda chosen: 1 << 8 * insn.disp_offset + chosen.randrange(8)
    return lambda chosen: flip(insn, place, insn.modrm & 0xF8 | chosen.choice([each for each in (0, 1, 2, 3, 6, 7) if each != insn.modrm & 7]))


def drop(insn):
    return lambda _chosen: int.from_bytes(bytes(byte ^ NOP for byte in insn.bytes), "little")


def change_stale(code, at, insn):
    if insn.mnemonic not in ("mov", "lea", "movzx") or insn.size > 8 or not insn.operands or insn.operands[0].type != x86.X86_OP_REG \
            or insn.operands[0].reg not in PARAMETERS:
        return None
    return drop(insn) if any(each.mnemonic == "call" for each in code[at + 1:at + CALL_DISTANCE]) else None


def change_loop(_code, _at, insn):
    if not insn.group(capstone.CS_GRP_JUMP) or insn.mnemonic == "jmp" or insn.operands[0].type != x86.X86_OP_IMM \
            or insn.operands[0].imm >= insn.address:
        return None
    return lambda _chosen: 1 << 8 * (1 if insn.bytes[0] == 0x0F else 0)


CHANGES = {
    "source": change_reg(REG_FIRST, REG_LAST), "destination": change_reg(REG_LAST, REG_FIRST), "pointer": change_pointer, "stale": change_stale,
    "loop": change_loop, "bits": lambda _code, _at, insn: (lambda chosen: 1 << chosen.randrange(8 * min(insn.size, 8))),
    "dropped": lambda _code, _at, insn: drop(insn) if insn.size <= 8 and not insn.mnemonic.startswith(("nop", "int3")) else None}
PROGRAMS = {}


def make(mutation):
    """(server, end, offset, bits, count) of a mutation, as the workload takes it."""
    server, kind, seed = mutation.split(":")
    chosen = random.Random(mutation)
    if server not in PROGRAMS:
        PROGRAMS[server] = (Program(guest.BUILD / SERVERS[server]), {})
    program, listed = PROGRAMS[server]
    if kind == "heap":
        return server, program.end, chosen.randrange(HEAP_BYTES), 1 << chosen.randrange(8), 1
    if kind == "data":
        address, _, size = program.parts[".bss"]
        return server, 0, address + chosen.randrange(size), 1 << chosen.randrange(8), 1
    if kind not in listed:
        listed[kind] = list(program.candidates(kind))
    for _ in range(100):
        insn, change = chosen.choice(listed[kind])
        if insn.address % 4096 + min(insn.size, 8) <= 4096:
            return server, 0, insn.address, change(chosen), min(insn.size, 8)
    raise ValueError(f"nothing to change for {mutation}")


def classify(lines, number, files):
    """The class of one mutation from what the workload said of it."""
    words = next((line.split()[1:] for line in lines if line.startswith("during ")), None)
    if words is None:
        return "hang"
    same, restarts, lost, told = words[0] == "same", int(words[1]), words[2] == "lost", words[3] == "told"
    if same and files.get(str(2 * number)) is not None and files[str(2 * number)] != files["0"]:
        return "told" if restarts else "silent"
    if same:
        return "told" if lost else "recovered" if restarts else "quiet"
    return "told" if restarts or lost or told else "silent"


def run_boot(mutations, *, silence=15, arguments=("--memory", "128M")):
    """One boot: [(mutation, class, lasting)], shorter than the list if the boot ended early; lasting: the undisturbed run after it differed."""
    with tempfile.TemporaryDirectory(prefix="keelson-") as folder:
        image = pathlib.Path(folder, "disk.img")
        listed = "".join(" ".join(str(each) for each in make(mutation)) + "\n" for mutation in mutations).encode()
        guest.copy_disk(guest.Medium.base or guest.base_disk(), image, [("root/mutations", listed)])
        with guest.Guest("faultwork mutate /root/mutations", image, arguments=arguments) as machine:
            trouble, clean = "", False
            try:
                machine.run(silence=120, until=b"undisturbed")
                while machine.status is None:
                    seen = machine.output.count(b"begin ")
                    before = len(machine.output)
                    machine.run(silence=silence, until=f"begin {seen + 1} ".encode())
                    if machine.output.count(b"after differs") or len(machine.output) == before:
                        break
                if machine.status == 0:
                    machine.shut_down()
                    clean = True
            except guest.Silent as reason:
                trouble = str(reason)
            output = machine.output.decode(errors="replace")
        code, said = guest.repair_disk(image)
        files = runs_of(image) if clean else {}
        parts = output.split("begin ")[1:]
        results = []
        for number, part in enumerate(parts, 1):
            lines = part.splitlines()
            if lines and lines[0].endswith("absent"):
                results.append((mutations[number - 1], "absent", False))
                continue
            kind = classify(lines[1:], number, files) if lines else "hang"
            if kind == "hang" and "panicked" in trouble:
                kind = "panic"
            results.append((mutations[number - 1], kind, "after same" not in lines))
        if code > 1 and results:
            results[-1] = (results[-1][0], results[-1][1], f"e2fsck -p gave up: {' '.join(said.split())[:100]}")
        return results


def runs_of(image):
    found = {}
    for name, content in guest.files_of(image, "/root/w").items():
        parts = pathlib.Path(name).parts
        if len(parts) > 2:
            found.setdefault(parts[1], {})["/".join(parts[2:])] = content
    return found


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
    lines = [f"{len(made)} mutations, {len(manifested)} manifested"]
    for name in CLASSES:
        count, whole = made.count(name), len(made) if name == "quiet" else len(manifested)
        low, high = interval(count, whole)
        lines.append(f"{name:10} {count:6}  {100 * count / max(1, whole):5.1f} % of {'all' if name == 'quiet' else 'manifested'} ({low:.1f} to {high:.1f})")
    return lines


def main(ledger, commit, resume, boots, count=24, wanted=20000):
    """Boot after boot until `wanted` mutations are in the ledger. 1 only if the kernel panicked or a disk could not be repaired."""
    classes, first, made, bad = [], 0, 0, 0
    for line in ledger.read_text().splitlines() if resume and ledger.exists() else []:
        words = line.split()
        if words[:2] == [commit, "mutate"]:
            classes.append(words[3])
            first = max(first, int(words[2].split(":")[2]) + 1)
    frozen = tempfile.TemporaryDirectory(prefix="keelson-")  # pylint: disable=consider-using-with
    guest.Medium.freeze(frozen.name)
    try:
        while sum(each != "absent" for each in classes) < wanted and (boots is None or made < boots):
            results = run_boot([mutation_of(first + i) for i in range(count)])
            made += 1
            first += max(1, len(results))
            with ledger.open("a", encoding="utf-8") as file:
                for mutation, kind, lasting in results:
                    classes.append(kind)
                    broken = isinstance(lasting, str)
                    bad += kind == "panic" or broken
                    file.write(f"{commit} mutate {mutation} {kind}{' lasting' if lasting is True else ''}{' ' + lasting if broken else ''}\n")
    except KeyboardInterrupt:
        pass
    print("\n".join(summary(classes)))
    return 1 if bad else 0
