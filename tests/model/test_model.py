"""The message protocol's model: a bounded search that is complete, and three of the seeded mistakes."""
import pytest

import check


def test_nothing_is_wrong():
    errors, states = check.search()
    assert errors == 0 and states > 500_000


@pytest.mark.parametrize("mistake", [2, 12, 16])
def test_mistake_is_found(mistake):
    assert check.search(mistake)[0] > 0
