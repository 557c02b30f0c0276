"""NAME_fuzz.c: a libFuzzer harness that feeds a dispatcher with arbitrary requests. Its handlers look at every byte that the
dispatcher lets through, so that the sanitizers see what was not checked. Over tests/protocols/fuzz_request.h."""

from c_text import banner, method_constant, wrapped
from emit_server import handler_parameters


def expected(protocol, method):
    """What must hold of a request that reaches the handler, said again apart from the dispatcher's own table."""
    return ", ".join(str(value) for value in (
        method_constant(protocol, method), method.words_in, method.caps_required, len(method.caps_in),
        method.reads.maximum if method.reads else 0, method.writes.maximum if method.writes else 0,
        method.reads.carried if method.reads else 0, method.writes.carried if method.writes else 0))


def source(protocol):
    name = protocol.name
    lines = [
        f"// Fuzz harness of the dispatcher of the protocol {name}.",
        banner(protocol),
        f'#include "libipc/protocols/{name}_server.h"',
        '#include "tests/protocols/fuzz_request.h"',
        "",
    ]
    for method in protocol.methods:
        lines += wrapped(f"static error_t handle_{method.name}(", handler_parameters(protocol, method), ") {")
        lines += ["    static const struct fuzz_expected expected = {" + expected(protocol, method) + "};",
                  "    fuzz_handler(request, &expected, in, sizeof(*in));", "    return fuzz_result(request, out, sizeof(*out));", "}", ""]
    lines.append(f"static const struct {name}_ops ops = {{")
    lines += [f"    .{method.name} = handle_{method.name}," for method in protocol.methods]
    lines += ["};", "",
              "int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {",
              "    struct request request;", "    uint64_t words[MESSAGE_WORDS];",
              f"    fuzz_request_make(&request, words, PROTOCOL_{name.upper()}, data, size);",
              f"    error_t error = {name}_dispatch(&ops, &request);",
              "    fuzz_request_judge(&request, error);", "    return 0;", "}"]
    return "\n".join(lines) + "\n"
