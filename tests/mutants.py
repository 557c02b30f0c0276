"""Breaks the product on purpose (tests/run --mutants): one seeded mutation of a source file at a time, in a copy of the tree
below the build folder, and tells which of the host tests that cover the file notice it. One that none notices survives:
either a test is missing or the change means nothing."""
import os
import random
import re
import subprocess

# Files, the host tests to build, and the runs (name, program, arguments) that should notice.
EXT2 = "tests/host/ext2/test_ext2"
TARGETS = [
    ("servers/ext2/*.c", [(f"ext2-{suite}", EXT2, [suite, "--seeds", str(seeds)])
                          for suite, seeds in (("faults", 10), ("special", 5), ("random", 10), ("corruption", 200))]),
    ("kernel/ipc/*.c", [("kernel-cases", "tests/host/kernel/kernel-cases", []),
                        ("kernel-calls", "tests/host/kernel/kernel-calls", ["3", "0", "5000"]),
                        ("kernel-random-calls", "tests/host/kernel/kernel-drive", ["1", "20"])]),
    ("libipc/state/*.c", [("libipc_state", "tests/host/libipc/libipc_state_test", [])]),
]
# Parts of the guest alone, which no host program holds.
GUEST_ONLY = {"servers/ext2/" + name for name in ("main.c", "attach.c", "disk_rings.c", "platform.c", "message.c", "tree_ops.c")}
SECONDS = 120
STATEMENT = re.compile(r"^    +(?!return|goto|break|continue|case|else|for|while|if|do\b)[a-z][^;=]*(?:[+|&-]?=[^;=]+|\([^;]*\));$")
KINDS = {
    "negated condition": (re.compile(r"\b(if|while) \((.*)\)( \{|)$"), lambda m: f"{m[1]} (!({m[2]})){m[3]}"),
    "off by one": (re.compile(r" (<=|>=|<|>) "), lambda m: {"<": " <= ", "<=": " < ", ">": " >= ", ">=": " > "}[m[1]]),
    "dropped statement": (STATEMENT, lambda m: re.match(" *", m[0])[0] + ";"),
}


def balanced(text):
    return text.count("(") == text.count(")")


def places(text):
    """Every (line number, kind, new line) that this source text offers; declarations are no statements."""
    found = []
    for number, line in enumerate(text.splitlines()):
        if line.lstrip().startswith(("//", "#", "*", "static_assert")):
            continue
        for kind, (pattern, change) in KINDS.items():
            match = pattern.search(line)
            is_declaration = kind == "dropped statement" and re.match(r" +(?:[a-z_0-9]+ )+\*?[a-z_0-9]+(?:\[| =|,|;)", line)
            if match and balanced(match[0]) and not is_declaration:
                new = line[:match.start()] + change(match) + line[match.end():]
                found.append((number, kind, new))
    return found


def choose(root, seed, count):
    """count mutations as (file, line number, kind, new line, runs): the same for the same seed and tree."""
    generator = random.Random(seed)
    chosen = []
    while len(chosen) < count:
        pattern, runs = TARGETS[len(chosen) % len(TARGETS)]
        files = [path for path in sorted(root.glob(pattern)) if str(path.relative_to(root)) not in GUEST_ONLY]
        path = generator.choice(files)
        if offered := places(path.read_text(encoding="utf-8")):
            kind = generator.choice(sorted({place[1] for place in offered}))
            chosen.append((path.relative_to(root), *generator.choice([p for p in offered if p[1] == kind]), runs))
    return chosen


def command(line, folder, seconds):
    """0: success. Anything else: it failed, or took too long."""
    try:
        return subprocess.run(line, cwd=folder, capture_output=True, check=False, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return 1


def judge(tree, mutation):
    """The names of the runs that notice; None if the compiler refuses the change. The tree is as before afterwards."""
    name, number, _, new, runs = mutation
    path = tree / name
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    lines[number] = new + "\n"
    programs = sorted({program for _, program, _ in runs})
    try:
        path.write_text("".join(lines), encoding="utf-8")
        if command(["ninja", "-C", "build", *programs], tree, 600) != 0:
            return None
        return [run for run, program, arguments in runs if command([tree / "build" / program, *arguments], tree, SECONDS) != 0]
    finally:
        path.write_text(text, encoding="utf-8")


def main(root, build, seed, count):
    """Prints a line for each mutant and the survivors; 1 if the tests fail without any mutation, else 0."""
    tree = build / "mutants"
    subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=root, capture_output=True, check=False)
    subprocess.run(["git", "worktree", "add", "-q", "--detach", "--force", tree, "HEAD"], cwd=root, check=True)
    try:
        subprocess.run(["meson", "setup", "build"], cwd=tree, env={**os.environ, "CC": "clang"}, check=True,
                       capture_output=True)
        mutations = choose(tree, seed, count)
        for name, number, runs in {str(m[4]): (m[0], m[1], m[4]) for m in mutations}.values():
            same = (tree / name).read_text(encoding="utf-8").splitlines()[number]
            if noticed := judge(tree, (name, number, "none", same, runs)):
                print(f"without a mutation these fail: {', '.join(noticed)}")
                return 1
        survivors = []
        for mutation in mutations:
            name, number, kind, new, _ = mutation
            noticed = judge(tree, mutation)
            what = f"{name}:{number + 1}: {kind}: {new.strip()}"
            word = "not compiled" if noticed is None else f"noticed by {', '.join(noticed)}" if noticed else "SURVIVES"
            survivors += [what] if noticed == [] else []
            print(f"{what}\n    {word}", flush=True)
        print(f"{count} mutants, {len(survivors)} survived")
        print("\n".join(survivors))
        return 0
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=root, capture_output=True, check=False)
