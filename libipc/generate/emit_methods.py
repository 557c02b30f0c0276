"""kernel/abi/methods.h: methods, enumerations and structs of the kernel's own objects, and per method the shape of a
request, as an X-macro. The kernel includes it; so do the headers of the kernel protocols."""

from c_text import banner, constant_lines, method_constant, type_lines


def emit(protocols):
    kernel = sorted((protocol for protocol in protocols if protocol.kernel), key=lambda protocol: protocol.number)
    lines = [
        "// The methods of the kernel's objects: constants, structs, and the shape of every request.",
        banner(*protocols),
        "#pragma once",
        "",
        "#include <stdint.h>",
        "",
    ]
    for protocol in kernel:
        lines += constant_lines(protocol) + type_lines(protocol)
    lines += [
        "// X(PROTOCOL, METHOD, code, words_in, caps_in, reads_max, writes_max, words_out, caps_out, rights): exact word and",
        "// capability counts of a request and its successful answer, largest lent buffers in bytes (0: none), what it needs.",
    ]
    for protocol in kernel:
        lines += table_lines(protocol)
    lines += ["#define KERNEL_OBJECT_METHODS(X) \\"]
    for index, protocol in enumerate(kernel):
        end = " \\" if index < len(kernel) - 1 else ""
        lines.append(f"    {protocol.name.upper()}_METHODS(X){end}")
    return "\n".join(lines) + "\n"


def rights_text(method):
    return " | ".join(f"RIGHT_{name.upper()}" for name, _ in method.needs if name != "nothing") or "0"


def table_lines(protocol):
    lines = [f"#define {protocol.name.upper()}_METHODS(X) \\"]
    for index, method in enumerate(protocol.methods):
        end = " \\" if index < len(protocol.methods) - 1 else ""
        lines.append(
            f"    X({protocol.name.upper()}, {method.name.upper()}, {method_constant(protocol, method)}, "
            f"{method.words_in}, {len(method.caps_in)}, {method.reads.maximum if method.reads else 0}, "
            f"{method.writes.maximum if method.writes else 0}, {method.words_out}, {len(method.caps_out)}, {rights_text(method)}){end}")
    return lines + [""]
