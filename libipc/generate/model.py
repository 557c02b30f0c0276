"""What an .idl file says, as plain data, and the sizes that follow from it. Built by parser.py, checked by check.py,
read by every emitter."""

from dataclasses import dataclass, field as dataclass_field
from typing import Optional

WORD_BYTES = 8
MAX_WORDS = 64
MAX_CAPS = 4
MAX_LEND = 1 << 30
REGISTER_WORDS = 6

# name in .idl -> (C type, bytes, signed)
SCALARS = {
    "u8": ("uint8_t", 1, False),
    "u16": ("uint16_t", 2, False),
    "u32": ("uint32_t", 4, False),
    "u64": ("uint64_t", 8, False),
    "i8": ("int8_t", 1, True),
    "i16": ("int16_t", 2, True),
    "i32": ("int32_t", 4, True),
    "i64": ("int64_t", 8, True),
}

# Kinds of kernel objects, as in kernel/abi/capability.h. `any` takes all of them.
KERNEL_KINDS = (
    "process", "thread", "endpoint", "session", "reply", "call", "notification", "memory", "irq", "ioport", "account",
    "kernel", "any",
)


@dataclass
class Enumerator:
    name: str
    value: int
    doc: str
    line: int


@dataclass
class Enum:
    name: str
    base: str
    items: list
    doc: str
    line: int


@dataclass
class Field:
    """A member of a struct, an argument or a result. kind: scalar, enum or struct; type_name as written in the file."""

    kind: str
    type_name: str
    name: str
    count: int  # elements of a fixed array, 0 for a single value
    doc: str
    line: int
    resolved: Optional[object] = None  # the Enum or Struct that type_name names


@dataclass
class Struct:
    name: str
    fields: list
    doc: str
    line: int
    size: int = 0
    align: int = 1


@dataclass
class Buffer:
    """`carried`: bytes that travel in the message's registers in place of a loan, 0 for none."""

    name: str
    maximum: int
    line: int
    inline: bool = False
    carried: int = 0


@dataclass
class Cap:
    kind: str
    name: str
    moves: bool
    optional: bool
    line: int


@dataclass
class Method:
    name: str
    number: int
    doc: str
    line: int
    args: list
    results: list
    reads: Optional[Buffer] = None
    writes: Optional[Buffer] = None
    caps_in: list = dataclass_field(default_factory=list)
    caps_out: list = dataclass_field(default_factory=list)
    idempotent: bool = False
    needs: list = dataclass_field(default_factory=list)  # rights on the capability that is called, with their lines
    errors: list = dataclass_field(default_factory=list)
    on_loss: str = ""

    @property
    def words_in(self):
        return sum(words_of(argument) for argument in self.args)

    @property
    def words_out(self):
        return sum(words_of(result) for result in self.results)

    @property
    def caps_required(self):
        return sum(1 for cap in self.caps_in if not cap.optional)


@dataclass
class Protocol:
    path: str
    name: str
    number: int
    version: int
    kernel: bool
    purpose: str
    line: int
    enums: list = dataclass_field(default_factory=list)
    structs: list = dataclass_field(default_factory=list)
    methods: list = dataclass_field(default_factory=list)

    def code(self, method):
        return self.number << 8 | method.number


def scalar_of(field):
    """The scalar that a field of kind scalar or enum is made of."""
    return field.resolved.base if field.kind == "enum" else field.type_name


def element_size(field):
    return field.resolved.size if field.kind == "struct" else SCALARS[scalar_of(field)][1]


def element_align(field):
    return field.resolved.align if field.kind == "struct" else SCALARS[scalar_of(field)][1]


def words_of(field):
    """Words that an argument or result takes: one for a scalar, whole words for a struct."""
    if field.kind != "struct":
        return 1
    return (field.resolved.size + WORD_BYTES - 1) // WORD_BYTES
