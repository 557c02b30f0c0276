"""Pieces of C that several emitters share: type names, parameter lists, comments, constants. No emitter decides a name
that is not made here."""

from model import SCALARS, element_size, scalar_of, words_of

BANNER = "// Made from {source} by libipc/generate; do not edit."


def banner(*protocols):
    if len(protocols) == 1:
        return BANNER.format(source=f"libipc/protocols/{protocols[0].name}.idl")
    return BANNER.format(source="libipc/protocols/*.idl")


def c_type(field):
    """The C type of one element."""
    if field.kind == "struct":
        return f"struct {field.type_name}"
    return SCALARS[scalar_of(field)][0]


def declaration(field):
    array = f"[{field.count}]" if field.count else ""
    return f"{c_type(field)} {field.name}{array}"


def method_constant(protocol, method):
    return f"METHOD_{protocol.name.upper()}_{method.name.upper()}"


def maximum_constant(protocol, method, buffer):
    return f"{protocol.name.upper()}_{method.name.upper()}_{buffer.name.upper()}_MAX"


def comment(text, indent=""):
    return [f"{indent}// {line}".rstrip() for line in text.split("\n")] if text else []


def result_name(protocol, method, item):
    """A result that shares its name with a parameter gets `_out`."""
    taken = {protocol.name} | {other.name for other in method.args + method.caps_in}
    for buffer in (method.reads, method.writes):
        if buffer is not None:
            taken |= {buffer.name, f"{buffer.name}_size"}
    return f"{item.name}_out" if item.name in taken else item.name


def client_parameters(protocol, method):
    parts = [f"cap_t {protocol.name}"]
    for argument in method.args:
        if argument.kind == "struct":
            parts.append(f"const {c_type(argument)} *{argument.name}")
        else:
            parts.append(declaration(argument))
    parts += [f"cap_t {cap.name}" for cap in method.caps_in]
    if method.reads:
        parts += [f"const void *{method.reads.name}", f"uint64_t {method.reads.name}_size"]
    if method.writes:
        parts += [f"void *{method.writes.name}", f"uint64_t {method.writes.name}_size"]
    parts += [f"{c_type(result)} *{result_name(protocol, method, result)}" for result in method.results]
    parts += [f"cap_t *{result_name(protocol, method, cap)}" for cap in method.caps_out]
    return parts


def wrapped(prefix, parts, suffix, width=110):
    """prefix(part, part)suffix, broken into lines that align behind the bracket."""
    lines = [prefix]
    for index, part in enumerate(parts):
        text = part + (suffix if index == len(parts) - 1 else ",")
        glue = " " if index else ""
        if index and len(lines[-1]) + len(glue) + len(text) > width:
            lines.append(" " * len(prefix) + text)
        else:
            lines[-1] += glue + text
    return lines


def pack(field, word, value, array="words"):
    """Statements that store `value` (a pointer expression for a struct) into words from `word` on."""
    if field.kind != "struct":
        return [f"{array}[{word}] = (uint64_t){value};"]
    lines = []
    if element_size(field) % 8:
        lines.append(f"{array}[{word + words_of(field) - 1}] = 0;")
    lines.append(f"__builtin_memcpy(&{array}[{word}], {value}, sizeof(struct {field.type_name}));")
    return lines


def unpack(field, word, target, array="words"):
    """Statements that load `target` (a pointer expression for a struct, an lvalue otherwise)."""
    if field.kind != "struct":
        return [f"{target} = ({c_type(field)}){array}[{word}];"]
    return [f"__builtin_memcpy({target}, &{array}[{word}], sizeof(struct {field.type_name}));"]


def enum_lines(enum):
    lines = comment(enum.doc) + [f"enum {enum.name} {{"]
    for item in enum.items:
        note = f" // {' '.join(item.doc.split())}" if item.doc else ""
        lines.append(f"    {enum.name.upper()}_{item.name} = {item.value:#x},{note}")
    return lines + ["};", ""]


def struct_lines(struct):
    lines = comment(struct.doc) + [f"struct {struct.name} {{"]
    for field in struct.fields:
        note = f" // {' '.join(field.doc.split())}" if field.doc else ""
        lines.append(f"    {declaration(field)};{note}")
    lines += ["};", f'_Static_assert(sizeof(struct {struct.name}) == {struct.size}, "packed without holes");', ""]
    return lines


def constant_lines(protocol):
    """The protocol's number, its methods' codes and its buffers' maxima."""
    upper = protocol.name.upper()
    lines = ["enum {", f"    PROTOCOL_{upper} = {protocol.number},", f"    PROTOCOL_{upper}_VERSION = {protocol.version},"]
    for method in protocol.methods:
        lines.append(f"    {method_constant(protocol, method)} = {protocol.number} << 8 | {method.number},")
    for method in protocol.methods:
        for buffer in (method.reads, method.writes):
            if buffer is not None:
                lines.append(f"    {maximum_constant(protocol, method, buffer)} = {buffer.maximum},")
    return lines + ["};", ""]


def type_lines(protocol):
    lines = []
    for enum in protocol.enums:
        lines += enum_lines(enum)
    for struct in protocol.structs:
        lines += struct_lines(struct)
    return lines


def shape_initializer(protocol, method):
    """struct ipc_shape (libipc/client/shape.h) of a method."""
    moves = sum(1 << index for index, cap in enumerate(method.caps_in) if cap.moves)
    parts = [f".method = {method_constant(protocol, method)}"]
    for name, value in (("words_in", method.words_in), ("words_out", method.words_out),
                        ("caps_in", len(method.caps_in)), ("caps_required", method.caps_required),
                        ("caps_out", len(method.caps_out)), ("moves", moves),
                        ("reads_max", method.reads.maximum if method.reads else 0),
                        ("writes_max", method.writes.maximum if method.writes else 0),
                        ("carries_in", method.reads.carried if method.reads else 0),
                        ("carries_out", method.writes.carried if method.writes else 0)):
        if value:
            parts.append(f".{name} = {value}")
    if protocol.kernel:
        parts.append(".kernel = 1")
    if method.idempotent:
        parts.append(".idempotent = 1")
    return "{" + ", ".join(parts) + "}"
