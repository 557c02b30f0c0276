"""Every shell case, by Keelson's shell and, unless it is our own, by dash: a wrong expectation shows there."""
import subprocess

import pytest

import cases
from conftest import BIN, assert_clean, environment

CASES = cases.load()


def run(shell, case, directory, leaks=False):
    (directory / "script").write_text(case.script)
    work = directory / "work"
    work.mkdir()
    env = environment("/home/user")
    if leaks:
        env["ASAN_OPTIONS"] = "detect_leaks=1"
    return subprocess.run([shell, "../script"], cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=20)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case, tmp_path):
    result = run(BIN / "sh", case, tmp_path)
    assert_clean(result.stderr)
    assert (result.stdout.decode(), result.returncode) == (case.output, case.status), result.stderr.decode()
    for line in case.errors:
        assert line in result.stderr.decode()


@pytest.mark.parametrize("case", [case for case in CASES if not case.own], ids=lambda case: case.name)
def test_dash_agrees(case, tmp_path):
    result = run("dash", case, tmp_path)
    assert (result.stdout.decode(), result.returncode) == (case.output, case.status), result.stderr.decode()


@pytest.mark.parametrize("case", CASES[::12], ids=lambda case: case.name)
def test_no_leaks(case, tmp_path):
    result = run(BIN / "sh", case, tmp_path, leaks=True)
    assert_clean(result.stderr)


def test_there_are_enough_cases():
    assert len(CASES) >= 250


def test_state_survives_a_subshell(tmp_path):
    """Every byte that a variable can hold comes through to a subshell, and functions come through unchanged."""
    value = "".join(chr(c) for c in range(1, 128)) + "äß世"
    (tmp_path / "value").write_bytes(value.encode())
    script = 'IFS=; x=$(cat value; echo .); x=${x%.}; f() { printf "%s" "$x"; }; (f) > out'
    subprocess.run([BIN / "sh", "-c", script], cwd=tmp_path, env=environment(tmp_path), check=True)
    assert (tmp_path / "out").read_bytes() == value.encode()


def test_printed_trees_mean_the_same(tmp_path):
    """What a function looks like after one round through the shell does not change in a second."""
    source = """f() {
if a; then b; elif c; then d; else e; fi < x > y 2>&1
for i in 1 2 "3 4"; do while x; do y; done; until z; do :; done; done
case $x in (a|b) echo;; c) ;; *) { g; h & } ;; esac
! a | b | (c; d) && e || f &
cat <<EOF | tr a b
text $x
EOF
cat <<'EOF' <<-X
$literal
EOF
	tabs
	X
x=1 y="$(echo `a`)" cmd ${x:-"}"} $((1+2)) >>z <&3 3<>w &>both
g() { inner; }
for a; do :; done
}
"""
    first = subprocess.run([BIN / "sh", "-c", source + "type f"], capture_output=True, text=True,
                           env=environment(tmp_path), cwd=tmp_path)
    text = first.stdout.partition("\n")[2]
    second = subprocess.run([BIN / "sh", "-c", text + "type f"], capture_output=True, text=True,
                            env=environment(tmp_path), cwd=tmp_path)
    assert_clean(first.stderr + second.stderr)
    assert second.stdout.partition("\n")[2] == text and "literal" in text


@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_refused_politely(seed, tmp_path):
    """Random pieces of syntax give a result or a syntax error, never a crash or a hang."""
    import random
    pieces = ["if", "then", "fi", "do", "done", "for", "in", "while", "case", "esac", "{", "}", "(", ")", "$(", "`", "'",
              '"', "$((", "))", "${x", ":-", "}", "|", "&&", "||", ";", ";;", "\n", "<<E", "E\n", ">", "<", "2>&1", "x=1",
              "echo", "a*", "[", "\\", "$x", "$@", "!", "#", " ", " ", " ", "true", "f()", "$'", "<<<", "&>"]
    generator = random.Random(seed)
    for _ in range(15):
        script = "".join(generator.choice(pieces) for _ in range(generator.randrange(1, 25))).replace("while", "if")
        result = subprocess.run([BIN / "sh", "-c", script], capture_output=True, timeout=20, cwd=tmp_path,
                                stdin=subprocess.DEVNULL, env=environment(tmp_path))
        assert_clean(result.stderr)
        assert 0 <= result.returncode < 130, script
