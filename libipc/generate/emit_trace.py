"""trace_table.c (methods with the names and types of their words, for guest and host; struct in libipc/trace/table.h) and
protocols.json (the same and more, for host tools)."""

import json

from c_text import banner, method_constant
from model import scalar_of, words_of


def field_entries(fields):
    """One line per argument: name, type, words it takes."""
    entries = []
    for field in fields:
        kind = f"struct {field.type_name}" if field.kind == "struct" else scalar_of(field)
        if field.kind == "enum":
            kind = f"enum {field.type_name}"
        entries.append(f'{{"{field.name}", "{kind}", {words_of(field)}}}')
    return entries


def table(protocols):
    lines = [
        "// Every method of every protocol, sorted by its code, so that a tracer can print messages by name.",
        banner(*protocols),
        '#include "libipc/trace/table.h"',
        "",
        "#include <stddef.h>",
        "",
    ]
    rows = []
    for protocol in protocols:
        for method in sorted(protocol.methods, key=lambda item: item.number):
            pointers = []
            for suffix, fields in (("in", method.args), ("out", method.results)):
                entries = field_entries(fields)
                if entries:
                    name = f"{protocol.name}_{method.name}_{suffix}"
                    lines.append(f"static const struct trace_field {name}[] = {{{', '.join(entries)}}};")
                    pointers.append(name)
                else:
                    pointers.append("NULL")
            rows.append(f'    {{{protocol.code(method):#06x}, "{protocol.name}", "{method.name}", {len(method.args)}, '
                        f"{len(method.results)}, {len(method.caps_in)}, {len(method.caps_out)}, {pointers[0]}, "
                        f"{pointers[1]}, {method.reads.carried if method.reads else 0}}},")
    lines += ["", "const struct trace_method trace_methods[] = {"] + rows + ["};",
              "const uint32_t trace_method_count = sizeof(trace_methods) / sizeof(trace_methods[0]);"]
    return "\n".join(lines) + "\n"


def field_object(field):
    return {"name": field.name, "kind": field.kind, "type": field.type_name, "count": field.count,
            "words": words_of(field), "doc": field.doc}


def method_object(protocol, method):
    buffers = {}
    for direction in ("reads", "writes"):
        buffer = getattr(method, direction)
        if buffer is not None:
            buffers[direction] = {"name": buffer.name, "maximum": buffer.maximum, "carried": buffer.carried}
    return {
        "name": method.name, "constant": method_constant(protocol, method), "code": protocol.code(method),
        "doc": method.doc, "arguments": [field_object(field) for field in method.args],
        "results": [field_object(field) for field in method.results], "buffers": buffers,
        "caps_in": [vars(cap) for cap in method.caps_in], "caps_out": [vars(cap) for cap in method.caps_out],
        "idempotent": method.idempotent, "errors": [name for name, _ in method.errors], "on_loss": method.on_loss,
    }


def description(protocols):
    result = []
    for protocol in protocols:
        result.append({
            "name": protocol.name, "number": protocol.number, "version": protocol.version, "kernel": protocol.kernel,
            "purpose": protocol.purpose,
            "enums": [{"name": enum.name, "base": enum.base, "doc": enum.doc,
                       "items": [{"name": item.name, "value": item.value, "doc": item.doc} for item in enum.items]}
                      for enum in protocol.enums],
            "structs": [{"name": struct.name, "size": struct.size, "doc": struct.doc,
                         "fields": [field_object(field) for field in struct.fields]} for struct in protocol.structs],
            "methods": [method_object(protocol, method) for method in protocol.methods],
        })
    return json.dumps({"protocols": result}, indent=1) + "\n"
