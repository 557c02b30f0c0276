"""The scripted exchanges against the guest's `net`, behind its driver and its card, in one boot: all that need neither a stack of their own nor
much time, each over one version of IP. `guest_stack.py FILE...` tries all, over both."""
import pathlib

import guest_stack

LEAST = 300  # that can be tried


def test_exchanges():
    cases, _, again, skipped, failures = guest_stack.run_all(sorted(pathlib.Path(__file__).parent.glob("*.exchange")), **guest_stack.SHORT)
    print(f"{cases} exchanges, {len(again)} tried again; left out: {dict(skipped)}")
    assert not failures, "\n\n".join(failures)
    assert cases >= LEAST
