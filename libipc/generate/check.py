"""Resolves names, lays out structs and refuses whatever could not travel or would not compile. Sees all protocols at
once, since numbers, enumerations and structs are unique across all of them."""

import re

from lexer import IdlError
from model import (KERNEL_KINDS, MAX_CAPS, MAX_LEND, MAX_WORDS, REGISTER_WORDS, SCALARS, WORD_BYTES, element_align, element_size)

C_KEYWORDS = set("""auto break case char const continue default do double else enum extern float for goto if inline int
long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
""".split())

# Those of kernel/abi/capability.h that a method can ask for.
RIGHTS = {"inspect", "read", "write", "dma", "receive", "mint", "control", "random", "power", "identify"}


class Checker:
    def __init__(self, protocols, known_errors):
        self.protocols = protocols
        self.known_errors = known_errors
        self.names = {protocol.name for protocol in protocols}
        self.enums = {}
        self.structs = {}

    def run(self):
        self.check_protocols()
        for protocol in self.protocols:
            self.collect_types(protocol)
        for protocol in self.protocols:
            self.check_enums(protocol)
            for struct in protocol.structs:
                self.lay_out(protocol, struct)
        for protocol in self.protocols:
            self.check_methods(protocol)

    def fail(self, protocol, line, sentence):
        raise IdlError(protocol.path, line, sentence)

    def check_name(self, protocol, name, line):
        if name.lower() != name:
            self.fail(protocol, line, f"'{name}' must be lower case")
        if name in C_KEYWORDS:
            self.fail(protocol, line, f"'{name}' is a word of C")

    def unique(self, protocol, seen, key, line, what):
        if key in seen:
            self.fail(protocol, line, f"{what} is used twice (first in line {seen[key]})")
        seen[key] = line

    def check_protocols(self):
        by_number = {}
        by_name = {}
        for protocol in self.protocols:
            self.check_name(protocol, protocol.name, protocol.line)
            if not 1 <= protocol.number <= 255:
                self.fail(protocol, protocol.line, "a protocol's number lies between 1 and 255")
            for table, key, what in ((by_number, protocol.number, "number"), (by_name, protocol.name, "name")):
                if key in table:
                    self.fail(protocol, protocol.line, f"the {what} {key} belongs to {table[key].path} already")
                table[key] = protocol
            if not protocol.kernel and protocol.name in KERNEL_KINDS:
                self.fail(protocol, protocol.line, f"'{protocol.name}' is a kind of kernel object")

    def collect_types(self, protocol):
        for table, items, what in ((self.enums, protocol.enums, "enumeration"),
                                   (self.structs, protocol.structs, "structure")):
            for item in items:
                self.check_name(protocol, item.name, item.line)
                if item.name in table:
                    self.fail(protocol, item.line, f"the {what} '{item.name}' exists already")
                table[item.name] = item

    def check_enums(self, protocol):
        for enum in protocol.enums:
            seen = {}
            bits = SCALARS[enum.base][1] * 8
            for item in enum.items:
                if item.name.upper() != item.name:
                    self.fail(protocol, item.line, f"'{item.name}' must be upper case")
                self.unique(protocol, seen, item.name, item.line, f"'{item.name}'")
                if item.value >= 1 << min(bits, 31):
                    self.fail(protocol, item.line, f"'{item.name}' does not fit (at most {min(bits, 31)} bits)")

    def resolve(self, protocol, field):
        if field.kind == "scalar":
            return
        table = self.enums if field.kind == "enum" else self.structs
        if field.type_name not in table:
            self.fail(protocol, field.line, f"unknown {field.kind} '{field.type_name}'")
        field.resolved = table[field.type_name]

    def lay_out(self, protocol, struct):
        """Natural alignment without holes: padding must be written out, since holes leak memory."""
        seen = {}
        offset = 0
        if not struct.fields:
            self.fail(protocol, struct.line, f"struct '{struct.name}' has no fields")
        for field in struct.fields:
            self.check_name(protocol, field.name, field.line)
            self.unique(protocol, seen, field.name, field.line, f"'{field.name}'")
            self.resolve(protocol, field)
            if field.kind == "struct" and field.resolved.size == 0:
                self.fail(protocol, field.line, f"struct '{field.type_name}' must be defined before it is used")
            align = element_align(field)
            if offset % align:
                self.fail(protocol, field.line, f"'{field.name}' needs {align - offset % align} bytes of padding before it")
            offset += element_size(field) * max(field.count, 1)
            struct.align = max(struct.align, align)
        if offset % struct.align:
            self.fail(protocol, struct.line,
                      f"struct '{struct.name}' needs {struct.align - offset % struct.align} bytes of padding at its end")
        struct.size = offset

    def check_methods(self, protocol):
        numbers = {}
        names = {}
        for method in protocol.methods:
            self.check_name(protocol, method.name, method.line)
            self.unique(protocol, numbers, method.number, method.line, f"the method number {method.number}")
            self.unique(protocol, names, method.name, method.line, f"the method '{method.name}'")
            if not 1 <= method.number <= 255:
                self.fail(protocol, method.line, "a method's number lies between 1 and 255")
            for field in method.args + method.results:
                self.resolve(protocol, field)
            self.check_limits(protocol, method)
            self.check_inline(protocol, method)
            self.check_caps(protocol, method)
            self.check_rights(protocol, method)
            self.check_parameter_names(protocol, method)
            for error, line in method.errors:
                if self.known_errors and f"ERR_{error}" not in self.known_errors:
                    self.fail(protocol, line, f"unknown error '{error}'")

    def check_limits(self, protocol, method):
        for count, what in ((method.words_in, "arguments"), (method.words_out, "results")):
            if count > MAX_WORDS:
                self.fail(protocol, method.line, f"the {what} of '{method.name}' take {count} words, "
                                                 f"more than {MAX_WORDS}")
        for buffer in (method.reads, method.writes):
            if buffer is not None and not 1 <= buffer.maximum <= MAX_LEND:
                self.fail(protocol, buffer.line, f"the size of '{buffer.name}' lies between 1 byte and 1 GiB")

    def check_rights(self, protocol, method):
        if bool(method.needs) != protocol.kernel:
            self.fail(protocol, method.line, f"'{method.name}' must name the rights that it needs (or 'nothing')"
                      if protocol.kernel else "only methods of kernel objects need rights")
        for name, line in method.needs:
            if name not in RIGHTS and [each for each, _ in method.needs] != ["nothing"]:
                self.fail(protocol, line, f"'{name}' is no right")

    def check_inline(self, protocol, method):
        """A buffer's length is one word, its bytes fill the other free registers: of the request, or of the reply."""
        inline = [buffer for buffer in (method.reads, method.writes) if buffer is not None and buffer.inline]
        for buffer in inline:
            words = method.words_in if buffer is method.reads else method.words_out
            buffer.carried = min((REGISTER_WORDS - words - 1) * WORD_BYTES, buffer.maximum)
            if protocol.kernel or len(inline) > 1:
                self.fail(protocol, buffer.line, "one buffer of a server's method can be inline")
            if buffer.carried <= 0 or method.words_in >= REGISTER_WORDS:
                self.fail(protocol, buffer.line, f"no register is left for '{buffer.name}'")

    def check_caps(self, protocol, method):
        for caps, out in ((method.caps_in, False), (method.caps_out, True)):
            if len(caps) > MAX_CAPS:
                self.fail(protocol, method.line, f"'{method.name}' hands over {len(caps)} capabilities, "
                                                 f"more than {MAX_CAPS}")
            after_optional = False
            for cap in caps:
                if cap.kind not in KERNEL_KINDS and cap.kind not in self.names:
                    self.fail(protocol, cap.line, f"'{cap.kind}' is neither a kind of kernel object nor a protocol")
                if cap.optional and out:
                    self.fail(protocol, cap.line, "only a capability that is sent can be optional")
                if after_optional and not cap.optional:
                    self.fail(protocol, cap.line, f"'{cap.name}' follows an optional capability, so it must be one too")
                after_optional = cap.optional

    def check_parameter_names(self, protocol, method):
        buffers = [buffer for buffer in (method.reads, method.writes) if buffer is not None]
        for items, first in ((method.args + method.caps_in + buffers, {protocol.name: protocol.line}),
                             (method.results + method.caps_out, {})):
            seen = dict(first)
            for item in items:
                self.check_name(protocol, item.name, item.line)
                self.unique(protocol, seen, item.name, item.line, f"'{item.name}'")


def check(protocols, known_errors=frozenset()):
    Checker(protocols, known_errors).run()


def read_errors(text):
    """The names in ERROR_LIST of kernel/abi/errors.h."""
    return set(re.findall(r"X\((ERR_[A-Z_]+),", text))
