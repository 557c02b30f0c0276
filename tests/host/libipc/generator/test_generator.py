"""The generator: golden output for a file that uses all of the language, errors with their lines, the same bytes on every
run, and C that compiles. `KEELSON_UPDATE_GOLDEN=1` writes the golden files anew; read the difference before committing."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
GENERATOR = ROOT / "libipc" / "generate" / "generate.py"
ERRORS = ROOT / "kernel" / "abi" / "errors.h"
PROTOCOLS = sorted((ROOT / "libipc" / "protocols").glob("*.idl"))
SAMPLE = HERE / "sample.idl"
SAMPLE_FILES = [f"sample{end}" for end in (".h", "_client.c", "_server.h", "_server.c", "_fuzz.c", ".md")]


def generate(output, kind, files):
    return subprocess.run([sys.executable, GENERATOR, kind, "--output", output, "--errors", ERRORS, *files], capture_output=True, text=True)


def generate_all(output):
    output.mkdir()
    for kind in ("methods", "trace", "protocols"):
        assert generate(output, kind, PROTOCOLS).returncode == 0
    return {path.name: path.read_bytes() for path in output.iterdir()}


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_golden(tmp_path, name):
    result = generate(tmp_path, "protocols", [SAMPLE])
    assert result.returncode == 0, result.stderr
    made = (tmp_path / name).read_text()
    golden = HERE / "golden" / (name + ".golden")
    if os.environ.get("KEELSON_UPDATE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text()


def test_same_bytes_on_repeat(tmp_path):
    first = generate_all(tmp_path / "first")
    assert len(first) == 3 + 6 * len(PROTOCOLS)
    assert generate_all(tmp_path / "second") == first


def test_compiles(tmp_path):
    """The sample's C, with every warning the project turns on, as guest code sees it."""
    folder = tmp_path / "libipc" / "protocols"
    folder.mkdir(parents=True)
    abi = tmp_path / "kernel" / "abi"
    abi.mkdir(parents=True)
    assert generate(folder, "protocols", [SAMPLE]).returncode == 0
    assert generate(abi, "methods", PROTOCOLS).returncode == 0
    for name in ("sample_client.c", "sample_server.c"):
        subprocess.run(["clang", "-std=c17", "-ffreestanding", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wshadow",
                        "-Wmissing-prototypes", "-Wcast-qual", f"-I{ROOT}", f"-I{tmp_path}", str(folder / name)], check=True)


def test_json(tmp_path):
    assert generate(tmp_path, "trace", [SAMPLE]).returncode == 0
    protocol = json.loads((tmp_path / "protocols.json").read_text())["protocols"][0]
    method = protocol["methods"][0]
    assert (protocol["number"], method["code"], method["constant"]) == (200, 200 << 8 | 1, "METHOD_SAMPLE_EVERYTHING")
    assert method["buffers"]["writes"] == {"name": "data", "maximum": 4096, "carried": 0}
    keep, take = protocol["methods"][3:]
    assert keep["buffers"]["reads"] == {"name": "text", "maximum": 100, "carried": 24}  # 3 of 6 words are left
    assert take["buffers"]["writes"] == {"name": "data", "maximum": 20, "carried": 20}  # all of it
    assert take["buffers"]["reads"] == {"name": "name", "maximum": 1024, "carried": 0}
    assert [cap["optional"] for cap in method["caps_in"]] == [False, False, True]
    assert protocol["structs"][0]["size"] == 32


def wrapped(body):
    return "// x\nprotocol x = 100 version 1 {\n" + body + "\n}\n"


ERROR_CASES = [
    ("protocol x = 1 {", 1, "expected 'version', found '{'"),
    ("protocol x = 300 version 1 { }", 1, "a protocol's number lies between 1 and 255"),
    ("protocol X = 3 version 1 { }", 1, "'X' must be lower case"),
    ("protocol memory = 3 version 1 { }", 1, "'memory' is a kind of kernel object"),
    ("protocol x = 3 version 1 { } more", 1, "'more' after the end of the protocol"),
    ("protocol x = 3 version 1 {\n\n", 3, "expected 'enum', 'struct', 'method' or '}', found 'end of file'"),
    ("protocol x = 3 version 1 {\n  %", 2, "unexpected character '%'"),
    (wrapped("\n  /// lost"), 5, "a doc comment that belongs to nothing"),
    (wrapped("function f = 1 () -> ();"), 3, "expected 'enum', 'struct', 'method' or '}', found 'function'"),
    (wrapped("enum e : u8 { A = 256; }"), 3, "'A' does not fit (at most 8 bits)"),
    (wrapped("enum e : u64 { A = 1 << 31; }"), 3, "'A' does not fit (at most 31 bits)"),
    (wrapped("enum e : u8 { A = 1;\n A = 2; }"), 4, "'A' is used twice (first in line 3)"),
    (wrapped("enum e : u8 { a = 1; }"), 3, "'a' must be upper case"),
    (wrapped("enum e : word { A = 1; }"), 3, "'word' is not an integer type"),
    (wrapped("struct s { u8 a;\n u32 b; }"), 4, "'b' needs 3 bytes of padding before it"),
    (wrapped("struct s { u32 a; u8 b; }"), 3, "struct 's' needs 3 bytes of padding at its end"),
    (wrapped("struct s { }"), 3, "struct 's' has no fields"),
    (wrapped("struct s { u8 a[0]; }"), 3, "an array needs at least one element"),
    (wrapped("struct s { struct t t; }\nstruct t { u64 a; }"), 3, "struct 't' must be defined before it is used"),
    (wrapped("struct s { u64 a; }\nstruct s { u64 a; }"), 4, "the structure 's' exists already"),
    (wrapped("struct s { u64 int; }"), 3, "'int' is a word of C"),
    (wrapped("struct s { u64 a; u64 a; }"), 3, "'a' is used twice (first in line 3)"),
    (wrapped("method m = 1 (uint a) -> ();"), 3, "unknown type 'uint'"),
    (wrapped("method m = 1 (struct s a) -> ();"), 3, "unknown struct 's'"),
    (wrapped("method m = 1 (u8 a[3]) -> ();"), 3, "an array must lie inside a struct"),
    (wrapped("method m = 1 () -> ();\nmethod n = 1 () -> ();"), 4, "the method number 1 is used twice (first in line 3)"),
    (wrapped("method m = 1 () -> ();\nmethod m = 2 () -> ();"), 4, "the method 'm' is used twice (first in line 3)"),
    (wrapped("method m = 0 () -> ();"), 3, "a method's number lies between 1 and 255"),
    (wrapped("method m = 1 () -> () loud;"), 3, "unknown clause 'loud'"),
    (wrapped("method m = 1 () -> () idempotent\n idempotent;"), 4, "'idempotent' twice"),
    (wrapped("method m = 1 () -> () reads a[1] reads b[1];"), 3, "'reads' twice"),
    (wrapped("method m = 1 () -> () reads a[2 GiB];"), 3, "the size of 'a' lies between 1 byte and 1 GiB"),
    (wrapped("method m = 1 () -> () reads a[1] inline\n writes b[1] inline;"), 3, "one buffer of a server's method can be inline"),
    (wrapped("struct s { u64 a[5]; }\nmethod m = 1 (struct s s) -> () reads a[1] inline;"), 4, "no register is left for 'a'"),
    (wrapped("struct s { u64 a[5]; }\nmethod m = 1 () -> (struct s s) writes a[1] inline;"), 4, "no register is left for 'a'"),
    (wrapped("struct s { u64 a[6]; }\nmethod m = 1 (struct s s) -> () writes a[1] inline;"), 4, "no register is left for 'a'"),
    (wrapped("method m = 1 () -> () caps on (memory a);"), 3, "expected 'in' or 'out' after 'caps', found 'on'"),
    (wrapped("method m = 1 () -> () caps in (disk a);"), 3, "'disk' is neither a kind of kernel object nor a protocol"),
    (wrapped("method m = 1 () -> () caps in (optional any a, any b);"), 3,
     "'b' follows an optional capability, so it must be one too"),
    (wrapped("method m = 1 () -> () caps out (optional any a);"), 3, "only a capability that is sent can be optional"),
    (wrapped("method m = 1 () -> () caps in (any a, any b, any c, any d, any e);"), 3,
     "'m' hands over 5 capabilities, more than 4"),
    (wrapped("struct s { u64 a[65]; }\nmethod m = 1 (struct s s) -> ();"), 4,
     "the arguments of 'm' take 65 words, more than 64"),
    (wrapped("method m = 1 (u64 a, u64 a) -> ();"), 3, "'a' is used twice (first in line 3)"),
    (wrapped("method m = 1 (u64 x) -> ();"), 3, "'x' is used twice (first in line 2)"),
    (wrapped("method m = 1 () -> () errors IO,\n WRONG;"), 4, "unknown error 'WRONG'"),
    (wrapped("method m = 1 () -> () on_loss kept;"), 3, "expected a string after 'on_loss'"),
    (wrapped("method m = 1 () -> ()"), 4, "expected a clause or ';', found '}'"),
]


@pytest.mark.parametrize("text, line, sentence", ERROR_CASES)
def test_errors(tmp_path, text, line, sentence):
    path = tmp_path / "bad.idl"
    path.write_text(text)
    result = generate(tmp_path, "trace", [path])
    assert result.returncode == 1
    assert result.stderr == f"{path}:{line}: {sentence}\n"
    assert not (tmp_path / "protocols.json").exists()


def test_numbers_are_unique_across_files(tmp_path):
    (tmp_path / "a.idl").write_text("protocol a = 9 version 1 { }")
    (tmp_path / "b.idl").write_text("\nprotocol b = 9 version 1 { }")
    result = generate(tmp_path, "trace", [tmp_path / "a.idl", tmp_path / "b.idl"])
    assert result.stderr == f"{tmp_path}/b.idl:2: the number 9 belongs to {tmp_path}/a.idl already\n"
