#!/usr/bin/python3 -B
"""What the ledgers of the sweep and of the mutations say of one commit, as the lines between the markers of docs/assurance.md.

    /usr/bin/python3 tests/fault/figures.py [--write] [COMMIT]

COMMIT: by default that of a ledger's last line. `--write` puts them into the page."""
import argparse
import collections
import pathlib

import mutations

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEDGERS = {"fault": ROOT / "build/fault-ledger", "mutate": ROOT / "build/mutate-ledger"}
PAGE = ROOT / "docs/assurance.md"
BEGIN, END = "<!-- ledgers: tests/fault/figures.py --write -->\n", "<!-- end of ledgers -->\n"


def rows(suite):
    """{commit: [words of a line]}"""
    found = collections.defaultdict(list)
    for line in LEDGERS[suite].read_text().splitlines() if LEDGERS[suite].exists() else []:
        words = line.split()
        if len(words) > 3 and words[1] == suite:
            found[words[0]].append(words)
    return found


def share(part, whole):
    low, high = mutations.interval(part, whole)
    return f"{100 * part / max(1, whole):.1f} % ({max(0, low):.1f} to {high:.1f})"


def sweep_lines(commit, lines):
    met = [words for words in lines if words[4] in ("passed", "failed")]
    good = sum(words[4] == "passed" for words in met)
    low, _ = mutations.interval(good, len(met))
    kinds = len({words[3].rsplit(":", 1)[0] for words in met})
    return [f"The sweep, commit {commit}: {len(met):,} points of {kinds} kinds met in {len({words[2] for words in met}):,} fresh boots. Recovered, with output,",
            f"terminal and disk as in the undisturbed run: {good:,}, {100 * good / max(1, len(met)):.2f} % (95 % interval from {low:.2f} %). Wrong bytes or errors: {len(met) - good}.", ""]


def mutation_lines(commit, lines):
    made = [words for words in lines if words[3] != "absent"]
    manifested = [words for words in made if words[3] != "quiet"]
    count = collections.Counter(words[3] for words in made)
    noted = {note: [words for words in made if note in words[5:]] for note in ("unrepaired", "forced", "others", "off", "ended")}
    result = [f"Mutations, commit {commit}: {len(made):,}, of which {len(manifested):,} manifested: {share(len(manifested), len(made))}.", "",
              "| class | mutations | of those manifested (95 % interval) |", "|---|---|---|"]
    result += [f"| {name} | {count[name]:,} | {share(count[name], len(manifested))} |" for name in mutations.CLASSES if name != "quiet"]
    result += ["", "| server | made | manifested | recovered | told | late | silent | hang | dead, panic |", "|---|---|---|---|---|---|---|---|---|"]
    for server in mutations.SERVERS:
        own = [words for words in made if mutations.server_of(words[2]) == server]
        of = collections.Counter(words[3] for words in own)
        result.append(f"| `{server}` | {len(own):,} | {len(own) - of['quiet']:,} | {of['recovered']} | {of['told']} | {of['late']} | {of['silent']} | {of['hang']} | "
                      f"{of['dead'] + of['panic']} |")
    harmed = collections.Counter(mutations.server_of(words[2]) for note in ("unrepaired", "forced", "others") for words in noted[note])
    result += ["", f"`e2fsck -p` gave up after {len(noted['unrepaired'] + noted['forced'])}, and what was on the disk before differed after {len(noted['others'])} (by server: "
               + (", ".join(f"`{server}` {number}" for server, number in sorted(harmed.items())) or "none")
               + f"). The workload itself gave up in {len(noted['ended'])}, the program that talks to the host in {len(noted['off'])}: told."]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = []
    for suite, make in (("fault", sweep_lines), ("mutate", mutation_lines)):
        found = rows(suite)
        commit = options.commit or next(reversed(found), None)
        if commit in found:
            text += make(commit, found[commit])
    block = BEGIN + "\n" + "\n".join(text).rstrip() + "\n\n" + END
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        PAGE.write_text(before + block + rest.partition(END)[2], encoding="utf-8")
    else:
        print(block)


if __name__ == "__main__":
    main()
