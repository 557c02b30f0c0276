"""Splits an .idl file into tokens. A token knows its line; doc comments (///) become tokens, trailing // comments are
kept by line so that the parser can attach them to a field. Called by parser.py alone."""

import re
from dataclasses import dataclass


class IdlError(Exception):
    """A mistake in an .idl file: path, line and a sentence."""

    def __init__(self, path, line, sentence):
        super().__init__(f"{path}:{line}: {sentence}")
        self.path = path
        self.line = line
        self.sentence = sentence


@dataclass(frozen=True)
class Token:
    kind: str  # "name", "number", "string", "sign", "doc" or "end"
    text: str
    line: int


TOKEN_PATTERN = re.compile(
    r"""(?P<space>[ \t\r]+)
      | (?P<newline>\n)
      | (?P<doc>///[^\n]*)
      | (?P<comment>//[^\n]*)
      | (?P<string>"[^"\n]*")
      | (?P<number>0x[0-9a-fA-F]+\b|[0-9]+\b)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign>->|<<|[{}()\[\];,:=])""",
    re.VERBOSE,
)


def tokenize(path, text):
    """Returns the tokens, the leading comment of the file (its purpose) and the trailing comments by line."""
    tokens = []
    purpose = []
    trailing = {}
    line = 1
    position = 0
    while position < len(text):
        match = TOKEN_PATTERN.match(text, position)
        if match is None:
            raise IdlError(path, line, f"unexpected character {text[position]!r}")
        kind = match.lastgroup
        value = match.group()
        if kind == "newline":
            line += 1
        elif kind == "comment":
            words = value[2:].strip()
            if not tokens:
                purpose.append(words)
            elif tokens[-1].line == line:
                trailing[line] = words
        elif kind == "doc":
            tokens.append(Token("doc", value[3:].strip(), line))
        elif kind == "string":
            tokens.append(Token("string", value[1:-1], line))
        elif kind != "space":
            tokens.append(Token(kind, value, line))
        position = match.end()
    tokens.append(Token("end", "end of file", line))
    return tokens, "\n".join(purpose), trailing
