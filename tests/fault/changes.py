"""What a mutation changes: the instructions of a program, decoded, and for each kind of mutation of text those that it can change and the bits that
are flipped. mutations.py draws from them."""
import pathlib
import subprocess

import capstone
from capstone import x86

PARAMETERS = {x86.X86_REG_RDI, x86.X86_REG_EDI, x86.X86_REG_RSI, x86.X86_REG_ESI, x86.X86_REG_RDX, x86.X86_REG_EDX, x86.X86_REG_RCX,
              x86.X86_REG_ECX, x86.X86_REG_R8, x86.X86_REG_R8D, x86.X86_REG_R9, x86.X86_REG_R9D}
NOP, CALL_DISTANCE = 0x90, 6
REG_FIRST = {0x89, 0x88, 0x01, 0x29, 0x21, 0x09, 0x31, 0x39, 0x85}  # opcodes whose ModRM.reg is the source
REG_LAST = {0x8B, 0x8A, 0x8D, 0x03, 0x2B, 0x23, 0x0B, 0x33, 0x63}  # ... the destination


class Program:
    """A server's places, and of its text what was executed, decoded."""

    def __init__(self, path, executed):
        listed = subprocess.run(["llvm-nm", path], capture_output=True, text=True, check=True).stdout
        self.end = next(int(line.split()[0], 16) for line in listed.splitlines() if line.split()[-1] == "_end")
        self.parts = {}
        for line in subprocess.run(["llvm-readelf", "-SW", path], capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.replace("[ ", "[").split()
            if len(words) > 6 and words[1] in (".text", ".data", ".bss"):
                self.parts[words[1]] = (int(words[3], 16), int(words[4], 16), int(words[5], 16))
        address, offset, size = self.parts[".text"]
        text = pathlib.Path(path).read_bytes()[offset:offset + size]
        decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        decoder.detail = True
        self.code = []
        for at in sorted(each for each in executed if address <= each < address + size):
            self.code += decoder.disasm(text[at - address:at - address + 15], at, 1)

    def candidates(self, kind):
        """Instructions that a kind can change, and how."""
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
