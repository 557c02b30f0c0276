"""A slice of the code mutations (mutations.py): two boots. What the mutated server does is its own matter; the kernel, the disk and the judge are
tested here."""
import mutations

COUNT = 12


def test_slice():
    results = []
    for first in (0, 1000):
        results += mutations.run_boot([mutations.mutation_of(first + number) for number in range(COUNT)])
    print("\n".join(f"{mutation} {kind} {lasting}" for mutation, kind, lasting in results))
    assert results and all(kind != "panic" and not isinstance(lasting, str) for _, kind, lasting in results), results


def test_every_kind_changes_something():
    """Each kind finds places in each server, and the bits to flip lie in the instruction that is changed."""
    for number in range(len(mutations.SERVERS) * len(mutations.KINDS)):
        _, _, _, bits, count = mutations.make(mutations.mutation_of(number))
        assert 0 < bits < 1 << 8 * count


def test_classes():
    """The judge, on what a workload could have said."""
    files = {"0": {"a": b"x"}, "2": {"a": b"x"}, "4": {"a": b"y"}}
    said = {("during same 0 whole silent", 1): "quiet", ("during same 2 whole silent", 1): "recovered", ("during same 0 whole silent", 2): "silent",
            ("during differs 0 whole silent", 1): "silent", ("during differs 0 whole told", 1): "told",
            ("during differs 1 whole silent", 1): "told", ("during same 3 lost silent", 1): "told"}
    for (line, number), kind in said.items():
        assert mutations.classify([line], number, files) == kind
    assert mutations.classify([], 1, files) == "hang"
