"""NAME_server.h and NAME_server.c: per method an `in` and an `out` struct, a table of handlers, the dispatcher that checks
a request before a handler sees it, and typed ways to answer later and to forward. Over libipc/server/request.h."""

from c_text import banner, comment, declaration, method_constant, pack, shape_initializer, wrapped
from model import SCALARS, scalar_of, words_of


def members(fields, buffers, caps):
    lines = [f"    {declaration(field)};" for field in fields]
    lines += [f"    uint64_t {buffer.name}_size; // bytes lent" for buffer in buffers]
    for cap in caps:
        kind = f"{cap.kind}{', moved' if cap.moves else ''}{', 0 if missing' if cap.optional else ''}"
        lines.append(f"    cap_t {cap.name}; // {kind}")
    return lines or ["    uint64_t nothing;"]


def buffers_of(method):
    return [buffer for buffer in (method.reads, method.writes) if buffer is not None]


def header(protocol):
    name = protocol.name
    lines = [
        f"// The server's side of the protocol {name}.",
        banner(protocol),
        "#pragma once",
        "",
        f'#include "libipc/protocols/{name}.h"',
        '#include "libipc/server/request.h"',
        "",
    ]
    for method in protocol.methods:
        lines += [f"struct {name}_{method.name}_in {{"] + members(method.args, buffers_of(method), method.caps_in) + ["};"]
        lines += [f"struct {name}_{method.name}_out {{"] + members(method.results, [], method.caps_out) + ["};", ""]
    lines += ["// One handler per method; NULL: ERR_NOT_SUPPORTED. `out` starts as zero and counts if the handler returns ERR_OK",
              "// and has not deferred or forwarded the request.", f"struct {name}_ops {{"]
    for method in protocol.methods:
        lines += wrapped(f"    error_t (*{method.name})(", handler_parameters(protocol, method), ");")
    lines += ["};", "",
              "// Checks the request and runs its handler. ERR_BAD_METHOD: not one of this protocol; ERR_BAD_MESSAGE: wrong",
              "// counts, lent buffers or capabilities, or an argument outside its type.",
              f"MUST_USE error_t {name}_dispatch(const struct {name}_ops *ops, struct request *request);", ""]
    for method in protocol.methods:
        lines += answer_prototype(protocol, method, ";")
        if can_forward(method):
            lines += forward_prototype(protocol, method, ";")
    return "\n".join(lines) + "\n"


def handler_parameters(protocol, method):
    base = f"{protocol.name}_{method.name}"
    return ["struct request *request", f"const struct {base}_in *in", f"struct {base}_out *out"]


def answer_prototype(protocol, method, end):
    base = f"{protocol.name}_{method.name}"
    return wrapped(f"error_t {base}_answer(",
                   ["struct deferred *deferred", "error_t status", f"const struct {base}_out *out"], f"){end}")


def forward_prototype(protocol, method, end):
    base = f"{protocol.name}_{method.name}"
    return wrapped(f"error_t {base}_forward(",
                   ["struct request *request", "cap_t session", f"const struct {base}_in *in"], f"){end}")


def source(protocol):
    name = protocol.name
    lines = [
        f"// Dispatcher, deferred answers and forwards of the protocol {name}.",
        banner(protocol),
        f'#include "libipc/protocols/{name}_server.h"',
        "",
        '#include "libipc/kept/undo.h"',
        '#include "libipc/server/check.h"',
        "",
        "#include <stddef.h>",
        "",
    ]
    for method in protocol.methods:
        lines += [f"static const struct ipc_shape shape_{method.name} = {shape_initializer(protocol, method)};"]
    lines.append("")
    for method in protocol.methods:
        lines += pack_function(protocol, method) + dispatch_function(protocol, method)
    lines += [f"error_t {name}_dispatch(const struct {name}_ops *ops, struct request *request) {{",
              "    error_t error;", "    switch (tag_method(request->tag)) {"]
    for method in protocol.methods:
        lines += [f"    case {method_constant(protocol, method)}:",
                  f"        error = request_check(request, &shape_{method.name}, ops->{method.name} != NULL);",
                  f"        return error != ERR_OK ? error : dispatch_{method.name}(ops, request);"]
    lines += ["    default:", "        return ERR_BAD_METHOD;", "    }", "}", ""]
    for method in protocol.methods:
        lines += answer_function(protocol, method) + forward_function(protocol, method)
    return "\n".join(lines)


def pack_function(protocol, method):
    base = f"{protocol.name}_{method.name}"
    lines = ["// The words of the answer mean nothing until it is committed, and those of the request that lay there were read.",
             f"KEPT_UNNOTED static void pack_{method.name}(struct reply *reply, const struct {base}_out *out) {{"]
    word = 0
    for result in method.results:
        value = f"&out->{result.name}" if result.kind == "struct" else f"out->{result.name}"
        lines += [f"    {line}" for line in pack(result, word, value, "reply->words")]
        word += words_of(result)
    for index, cap in enumerate(method.caps_out):
        flag = " | SEND_CAP_MOVE" if cap.moves else ""
        lines.append(f"    reply->caps[{index}] = out->{cap.name}{flag};")
    if not method.results and not method.caps_out:
        lines.append("    (void)out;")
    lines += [f"    reply->word_count = {method.words_out};", f"    reply->cap_count = {len(method.caps_out)};", "}", ""]
    return lines


def dispatch_function(protocol, method):
    name = protocol.name
    base = f"{name}_{method.name}"
    lines = ["// Stores to its own stack.",
             f"KEPT_UNNOTED static error_t dispatch_{method.name}(const struct {name}_ops *ops, struct request *request) {{",
             f"    struct {base}_in in = {{0}};", f"    struct {base}_out out = {{0}};"]
    word = 0
    for argument in method.args:
        lines += range_check(argument, word) + load(argument, word)
        word += words_of(argument)
    if method.reads:
        lines.append(f"    in.{method.reads.name}_size = request->lent_read_length;")
    if method.writes:
        lines.append(f"    in.{method.writes.name}_size = request->lent_write_length;")
    for index, cap in enumerate(method.caps_in):
        lines.append(f"    in.{cap.name} = request->caps[{index}];")
    lines += [f"    error_t status = ops->{method.name}(request, &in, &out);",
              "    if (status == ERR_OK && request_is_open(request))",
              f"        pack_{method.name}(&request->reply, &out);", "    return status;", "}", ""]
    return lines


def range_check(argument, word):
    if argument.kind == "struct":
        return []
    c_type, size, signed = SCALARS[scalar_of(argument)]
    if size == 8:
        return []
    value = f"request->words[{word}]"
    test = f"(uint64_t)(int64_t)({c_type}){value} != {value}" if signed else f"({c_type}){value} != {value}"
    return [f"    if ({test})", "        return ERR_BAD_MESSAGE;"]


def load(argument, word):
    if argument.kind == "struct":
        return [f"    __builtin_memcpy(&in.{argument.name}, &request->words[{word}], sizeof(in.{argument.name}));"]
    return [f"    in.{argument.name} = ({SCALARS[scalar_of(argument)][0]})request->words[{word}];"]


def answer_function(protocol, method):
    lines = answer_prototype(protocol, method, " {")
    lines += [f"    uint64_t words[{max(method.words_out, 1)}];",
              "    struct reply reply = {.words = words};",
              "    if (status == ERR_OK)", f"        pack_{method.name}(&reply, out);",
              "    return request_answer(deferred, status, &reply);", "}", ""]
    return lines


def can_forward(method):
    """What SYS_FORWARD carries: register words and no capabilities."""
    return method.words_in <= 6 and method.caps_required == 0


def forward_function(protocol, method):
    if not can_forward(method):
        return []
    lines = forward_prototype(protocol, method, " {")
    lines.append("    uint64_t words[6] = {0};")
    word = 0
    for argument in method.args:
        value = f"&in->{argument.name}" if argument.kind == "struct" else f"in->{argument.name}"
        lines += [f"    {line}" for line in pack(argument, word, value)]
        word += words_of(argument)
    if not method.args:
        lines.append("    (void)in;")
    lines += [f"    return request_forward(request, session, &shape_{method.name}, words);", "}", ""]
    return lines
