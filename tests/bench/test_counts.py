"""The kernel's prices in instructions, counted exactly, against the committed table counts.txt.

A rise fails. If it is meant, run `tests/bench/bare.py --update` in the same commit and say there why. A fall asks for
an update too (or the next rise would pass unseen), but does not fail."""
import warnings

import pytest

import bare

FIGURES = ("min", "median", "max")


@pytest.fixture(scope="module", name="runs")
def two_runs():
    return bare.run(*bare.EXACT), bare.run(*bare.EXACT)


def test_instructions_are_counted(runs):
    assert {row["unit"] for row in runs[0].values()} == {"instructions"}


def test_counts_repeat_exactly(runs):
    assert runs[0] == runs[1]


def test_every_figure_is_in_the_table(runs):
    assert list(runs[0]) == list(bare.counts_read())


@pytest.mark.parametrize("name", bare.counts_read())
def test_nothing_became_dearer(runs, name):
    if name not in runs[0]:
        pytest.fail(f"{name} is in counts.txt but was not measured")
    committed = bare.counts_read()[name]
    risen = {figure: f"{committed[figure]} -> {runs[0][name][figure]}" for figure in FIGURES
             if runs[0][name][figure] > committed[figure]}
    assert not risen, f"{name} takes more instructions than counts.txt says; if it is meant: tests/bench/bare.py --update"
    if any(runs[0][name][figure] < committed[figure] for figure in FIGURES):
        warnings.warn(f"{name} became cheaper: tests/bench/bare.py --update keeps it so")
