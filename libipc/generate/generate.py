"""Makes headers, stubs, dispatchers, tables and pages from .idl files. Run by meson:
    generate.py OUTPUT_KIND --output DIRECTORY --errors kernel/abi/errors.h FILE.idl...
All files are read and checked every time; OUTPUT_KIND says what is written. Exit status 1 and one line per error."""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

import check
import emit_client
import emit_fuzz
import emit_methods
import emit_reference
import emit_server
import emit_trace
import parser as idl_parser
from lexer import IdlError


def read_protocols(paths, errors_path):
    known = check.read_errors(pathlib.Path(errors_path).read_text()) if errors_path else frozenset()
    protocols = [idl_parser.parse(str(path), pathlib.Path(path).read_text()) for path in paths]
    protocols.sort(key=lambda protocol: protocol.number)
    check.check(protocols, known)
    return protocols


def protocol_outputs(protocol, protocols):
    name = protocol.name
    yield f"{name}.h", emit_client.header(protocol, protocols)
    yield f"{name}_client.c", emit_client.source(protocol)
    yield f"{name}_server.h", emit_server.header(protocol)
    yield f"{name}_server.c", emit_server.source(protocol)
    yield f"{name}_fuzz.c", emit_fuzz.source(protocol)
    yield f"{name}.md", emit_reference.page(protocol)


def outputs(kind, protocols):
    if kind == "methods":
        yield "methods.h", emit_methods.emit(protocols)
    elif kind == "trace":
        yield "trace_table.c", emit_trace.table(protocols)
        yield "protocols.json", emit_trace.description(protocols)
    else:
        for protocol in protocols:
            yield from protocol_outputs(protocol, protocols)


def main(arguments):
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kind", choices=("methods", "protocols", "trace"))
    options.add_argument("--output", required=True)
    options.add_argument("--errors")
    options.add_argument("files", nargs="+")
    chosen = options.parse_args(arguments)
    try:
        protocols = read_protocols(chosen.files, chosen.errors)
    except IdlError as error:
        print(error, file=sys.stderr)
        return 1
    for name, text in outputs(chosen.kind, protocols):
        path = pathlib.Path(chosen.output) / name
        if not path.exists() or path.read_text() != text:  # ninja compiles anew what depends on a file that was written
            path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
