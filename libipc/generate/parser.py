"""Reads one .idl file into a model.Protocol. Recursive descent; every error names file and line. The grammar is in
libipc/protocols/README.md."""

from lexer import IdlError, tokenize
from model import SCALARS, Buffer, Cap, Enum, Enumerator, Field, Method, Protocol, Struct

UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class Parser:
    def __init__(self, path, text):
        self.path = path
        self.tokens, self.purpose, self.trailing = tokenize(path, text)
        self.position = 0

    # Tokens

    def peek(self):
        return self.tokens[self.position]

    def next(self):
        token = self.tokens[self.position]
        if token.kind != "end":
            self.position += 1
        return token

    def fail(self, token, sentence):
        raise IdlError(self.path, token.line, sentence)

    def expect(self, text):
        token = self.next()
        if token.text != text or token.kind not in ("sign", "name"):
            self.fail(token, f"expected '{text}', found '{token.text}'")
        return token

    def accept(self, text):
        token = self.peek()
        if token.text == text and token.kind in ("sign", "name"):
            self.position += 1
            return True
        return False

    def name(self, what):
        token = self.next()
        if token.kind != "name":
            self.fail(token, f"expected {what}, found '{token.text}'")
        return token

    def number(self, what):
        token = self.next()
        if token.kind != "number":
            self.fail(token, f"expected {what}, found '{token.text}'")
        value = int(token.text, 0)
        if self.accept("<<"):
            value <<= self.number("a shift")
        return value

    def docs(self):
        lines = []
        while self.peek().kind == "doc":
            lines.append(self.next().text)
        return "\n".join(lines)

    # Grammar

    def protocol(self):
        self.docs()
        start = self.expect("protocol")
        name = self.name("the protocol's name").text
        self.expect("=")
        number = self.number("the protocol's number")
        self.expect("version")
        version = self.number("the version")
        kernel = self.accept("kernel")
        result = Protocol(self.path, name, number, version, kernel, self.purpose, start.line)
        self.expect("{")
        while not self.accept("}"):
            doc = self.docs()
            token = self.next()
            if token.text == "enum":
                result.enums.append(self.enum(doc))
            elif token.text == "struct":
                result.structs.append(self.struct(doc))
            elif token.text == "method":
                result.methods.append(self.method(doc))
            elif token.text == "}" and doc:
                self.fail(token, "a doc comment that belongs to nothing")
            else:
                self.fail(token, f"expected 'enum', 'struct', 'method' or '}}', found '{token.text}'")
        token = self.peek()
        if token.kind != "end":
            self.fail(token, f"'{token.text}' after the end of the protocol")
        return result

    def enum(self, doc):
        name = self.name("the enumeration's name")
        self.expect(":")
        base = self.name("an integer type")
        if base.text not in SCALARS:
            self.fail(base, f"'{base.text}' is not an integer type")
        result = Enum(name.text, base.text, [], doc, name.line)
        self.expect("{")
        while not self.accept("}"):
            item_doc = self.docs()
            item = self.name("an enumerator")
            self.expect("=")
            value = self.number("the enumerator's value")
            line = self.expect(";").line
            result.items.append(Enumerator(item.text, value, item_doc, item.line))
            self.attach_trailing(result.items[-1], line)
        return result

    def struct(self, doc):
        name = self.name("the structure's name")
        result = Struct(name.text, [], doc, name.line)
        self.expect("{")
        while not self.accept("}"):
            field = self.field(self.docs(), arrays=True)
            line = self.expect(";").line
            self.attach_trailing(field, line)
            result.fields.append(field)
        return result

    def attach_trailing(self, item, line):
        """A // comment at the end of a line belongs to the last item on it."""
        if self.peek().line > line and not item.doc:
            item.doc = self.trailing.get(line, "")

    def field(self, doc, arrays):
        token = self.name("a type")
        kind = token.text if token.text in ("struct", "enum") else "scalar"
        type_name = token
        if kind != "scalar":
            type_name = self.name(f"the {kind}'s name")
        elif token.text not in SCALARS:
            self.fail(token, f"unknown type '{token.text}'")
        name = self.name("a name")
        count = 0
        if self.peek().text == "[":
            bracket = self.next()
            if not arrays:
                self.fail(bracket, "an array must lie inside a struct")
            count = self.number("the number of elements")
            if count == 0:
                self.fail(bracket, "an array needs at least one element")
            self.expect("]")
        return Field(kind, type_name.text, name.text, count, doc, name.line)

    def fields(self):
        self.expect("(")
        result = []
        if self.accept(")"):
            return result
        while True:
            result.append(self.field("", arrays=False))
            if self.accept(")"):
                return result
            self.expect(",")

    def method(self, doc):
        name = self.name("the method's name")
        self.expect("=")
        number = self.number("the method's number")
        args = self.fields()
        self.expect("->")
        result = Method(name.text, number, doc, name.line, args, self.fields())
        seen = set()
        while not self.accept(";"):
            clause = self.name("a clause or ';'")
            key = clause.text
            if key == "caps":
                direction = self.name("'in' or 'out'")
                if direction.text not in ("in", "out"):
                    self.fail(direction, f"expected 'in' or 'out' after 'caps', found '{direction.text}'")
                key = f"caps {direction.text}"
            if key in seen:
                self.fail(clause, f"'{key}' twice")
            seen.add(key)
            if key in ("reads", "writes"):
                setattr(result, key, self.buffer())
            elif key == "caps in":
                result.caps_in = self.caps()
            elif key == "caps out":
                result.caps_out = self.caps()
            elif key == "idempotent":
                result.idempotent = True
            elif key == "needs":
                result.needs = self.names("a right")
            elif key == "errors":
                result.errors = self.names("an error")
            elif key == "on_loss":
                token = self.next()
                if token.kind != "string":
                    self.fail(token, "expected a string after 'on_loss'")
                result.on_loss = token.text
            else:
                self.fail(clause, f"unknown clause '{key}'")
        return result

    def buffer(self):
        name = self.name("the buffer's name")
        self.expect("[")
        maximum = self.number("the buffer's maximum size")
        if self.peek().text in UNITS:
            maximum *= UNITS[self.next().text]
        self.expect("]")
        return Buffer(name.text, maximum, name.line, self.accept("inline"))

    def caps(self):
        self.expect("(")
        result = []
        while True:
            moves = self.accept("moves")
            optional = self.accept("optional")
            kind = self.name("a kind of capability")
            name = self.name("the capability's name")
            result.append(Cap(kind.text, name.text, moves, optional, kind.line))
            if self.accept(")"):
                return result
            self.expect(",")

    def names(self, what):
        result = []
        while True:
            token = self.name(what)
            result.append((token.text, token.line))
            if not self.accept(","):
                return result


def parse(path, text):
    return Parser(path, text).protocol()
