"""NAME.md: the reference page of a protocol, for readers."""

from c_text import client_parameters, method_constant


def page(protocol):
    role = "an object of the kernel" if protocol.kernel else "spoken by servers"
    lines = [f"# {protocol.name}", "", protocol.purpose, "",
             f"Protocol {protocol.number}, version {protocol.version}, {role}.", "", "| method | number | idempotent | what |",
             "|---|---|---|---|"]
    for method in protocol.methods:
        first = method.doc.split("\n")[0] if method.doc else ""
        lines.append(f"| [`{method.name}`](#{method.name}) | {method.number} | {'yes' if method.idempotent else 'no'} | {first} |")
    for method in protocol.methods:
        lines += method_section(protocol, method)
    if protocol.enums or protocol.structs:
        lines += ["", "## Types"]
    for enum in protocol.enums:
        lines += ["", f"### enum {enum.name}", ""] + ([enum.doc, ""] if enum.doc else []) + ["| name | value | |", "|---|---|---|"]
        lines += [f"| `{enum.name.upper()}_{item.name}` | {item.value:#x} | {item.doc} |" for item in enum.items]
    for struct in protocol.structs:
        lines += ["", f"### struct {struct.name}", ""] + ([struct.doc, ""] if struct.doc else [])
        lines += [f"{struct.size} bytes.", "", "| field | type | |", "|---|---|---|"]
        for field in struct.fields:
            array = f"[{field.count}]" if field.count else ""
            kind = f"struct {field.type_name}" if field.kind == "struct" else field.type_name
            lines.append(f"| `{field.name}` | {kind}{array} | {field.doc} |")
    return "\n".join(lines) + "\n"


def method_section(protocol, method):
    lines = ["", f"## {method.name}", "", "```c",
             f"error_t {protocol.name}_{method.name}({', '.join(client_parameters(protocol, method))});", "```", ""]
    if method.doc:
        lines += [method.doc, ""]
    lines.append(f"- `{method_constant(protocol, method)}` = {protocol.code(method):#06x}; {method.words_in} words in, "
                 f"{method.words_out} out")
    for buffer, verb in ((method.reads, "reads"), (method.writes, "writes")):
        if buffer is not None:
            carried = f"; up to {buffer.carried} bytes travel in registers" if buffer.carried else ""
            lines.append(f"- {verb} `{buffer.name}`, at most {buffer.maximum} bytes{carried}")
    for caps, direction in ((method.caps_in, "takes"), (method.caps_out, "gives")):
        for cap in caps:
            notes = "".join(f", {word}" for word, holds in (("moved", cap.moves), ("optional", cap.optional)) if holds)
            lines.append(f"- {direction} `{cap.name}`: {cap.kind}{notes}")
    if method.needs:
        lines.append("- needs " + ", ".join(f"`{name.upper()}`" if name != "nothing" else name for name, _ in method.needs))
    if method.errors:
        lines.append("- errors: " + ", ".join(f"`ERR_{name}`" for name, _ in method.errors))
    if method.idempotent:
        lines.append("- idempotent")
    if method.on_loss:
        lines.append(f"- when the server dies: {method.on_loss}")
    return lines
