"""NAME.h (constants, types, prototypes of the client stubs) and NAME_client.c (the stubs, over libipc/client/call.h)."""

from c_text import (banner, client_parameters, comment, constant_lines, pack, result_name, shape_initializer, type_lines,
                    unpack, wrapped)
from model import words_of

REGISTER_WORDS = 6


def header(protocol, protocols):
    lines = comment(protocol.purpose) + [
        banner(protocol),
        "#pragma once",
        "",
        "#include <stdint.h>",
        "",
        '#include "kernel/abi/errors.h"',
        '#include "kernel/abi/message.h"',
    ]
    if protocol.kernel:
        lines += ['#include "kernel/abi/methods.h"']
    lines += [f'#include "libipc/protocols/{name}.h"' for name in foreign_headers(protocol, protocols)] + [""]
    if not protocol.kernel:
        lines += constant_lines(protocol) + type_lines(protocol)
    for method in protocol.methods:
        lines += comment(describe(method))
        lines += wrapped(f"MUST_USE error_t {protocol.name}_{method.name}(", client_parameters(protocol, method), ");")
        lines.append("")
    return "\n".join(lines)


def describe(method):
    """The doc comment, then what the signature does not say."""
    parts = [method.doc] if method.doc else []
    if method.errors:
        parts.append("Errors: " + ", ".join(f"ERR_{name}" for name, _ in method.errors) + ".")
    return "\n".join(parts)


def foreign_headers(protocol, protocols):
    """Protocols whose structs this one's structs and methods use."""
    owner = {struct.name: other.name for other in protocols for struct in other.structs if not other.kernel}
    names = set()
    fields = [field for struct in protocol.structs for field in struct.fields]
    for method in protocol.methods:
        fields += method.args + method.results
    for field in fields:
        if field.kind == "struct" and owner.get(field.type_name, protocol.name) != protocol.name:
            names.add(owner[field.type_name])
    return sorted(names)


def source(protocol):
    lines = [
        f"// Client stubs of the protocol {protocol.name}.",
        banner(protocol),
        f'#include "libipc/protocols/{protocol.name}.h"',
        "",
        '#include "libipc/client/call.h"',
        "",
    ]
    for method in protocol.methods:
        lines += stub(protocol, method) + [""]
    return "\n".join(lines)


def is_short(method):
    """Everything travels in registers, both ways."""
    return (method.words_in <= REGISTER_WORDS and method.words_out <= REGISTER_WORDS and not method.caps_in
            and not method.caps_out and method.reads is None and method.writes is None)


def stub(protocol, method):
    lines = wrapped(f"error_t {protocol.name}_{method.name}(", client_parameters(protocol, method), ") {")
    lines.append(f"    static const struct ipc_shape shape = {shape_initializer(protocol, method)};")
    count = max(REGISTER_WORDS, method.words_in, method.words_out)
    initial = " = {0}" if method.words_in < REGISTER_WORDS else ""
    lines.append(f"    uint64_t words[{count}]{initial};")
    word = 0
    for argument in method.args:
        lines += [f"    {line}" for line in pack(argument, word, argument.name)]
        word += words_of(argument)
    if is_short(method):
        lines.append(f"    error_t error = ipc_call_short({protocol.name}, &shape, words);")
    else:
        lines += extras(method)
        lines.append(f"    error_t error = ipc_call({protocol.name}, &shape, words, &extras);")
    results = result_statements(protocol, method)
    if not results:
        return lines + ["    return error;", "}"]
    lines += ["    if (error != ERR_OK)", "        return error;"]
    return lines + results + ["    return ERR_OK;", "}"]


def extras(method):
    fields = []
    if method.caps_in:
        fields.append(".caps = {" + ", ".join(cap.name for cap in method.caps_in) + "}")
    if method.reads:
        fields.append(f".read_address = {method.reads.name}, .read_size = {method.reads.name}_size")
    if method.writes:
        fields.append(f".write_address = {method.writes.name}, .write_size = {method.writes.name}_size")
    return ["    struct ipc_extras extras = {" + (", ".join(fields) or "0") + "};"]


def result_statements(protocol, method):
    lines = []
    word = 0
    for result in method.results:
        name = result_name(protocol, method, result)
        target = name if result.kind == "struct" else f"*{name}"
        lines.append(f"    if ({name} != NULL)")
        lines += [f"        {line}" for line in unpack(result, word, target)]
        word += words_of(result)
    for index, cap in enumerate(method.caps_out):
        lines.append(f"    ipc_give_cap({result_name(protocol, method, cap)}, extras.caps[{index}]);")
    return lines
