"""Run + excluded + failed = total, and the first reason wins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recarb.sequestration.ledger import FAILED, MEANING, Ledger, Outcome

CODES = np.array(list(Outcome), dtype=np.uint8)
maps = arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)),
              elements=st.integers(0, CODES.size - 1)).map(lambda i: CODES[i])  # fmt: skip


@given(st.lists(maps, min_size=1, max_size=4))
def test_run_excluded_and_failed_make_the_total(tiles):
    ledger = Ledger()
    for tile in tiles:
        ledger.add(tile)
    every = np.concatenate([tile.ravel() for tile in tiles])
    record = ledger.record()
    assert record["total"] == (every != Outcome.OUTSIDE).sum()
    assert record["run"] == (every == Outcome.RUN).sum()
    assert record["failed"] == np.isin(every, FAILED).sum()
    assert record["run"] + record["excluded"] + record["failed"] == record["total"]
    assert sum(record["by_outcome"].values()) == record["total"]
    assert "outside" not in record["by_outcome"]


@given(st.lists(maps, min_size=2, max_size=5))
def test_it_does_not_matter_how_tiles_are_added(tiles):
    one, other, rest = Ledger(), Ledger(), Ledger()
    for tile in tiles:
        one.add(tile)
    other.add(tiles[-1])
    for tile in tiles[:-1]:
        rest.add(tile)
    other.merge(rest)
    assert one.record() == other.record() and one.lines() == other.lines()


def test_every_outcome_is_explained():
    assert set(MEANING) == set(Outcome)
    assert len({text for text in MEANING.values()}) == len(Outcome)


def test_lines_for_people():
    ledger = Ledger()
    ledger.add(np.array([[0, 0, 1], [20, 20, 255]], dtype=np.uint8))
    assert ledger.lines() == [
        "cells: 2 run + 1 excluded + 2 failed = 5",
        f"  excluded: 1 {MEANING[Outcome.NO_SOC]} (no_soc)",
        f"  failed: 2 {MEANING[Outcome.NO_CLIMATE]} (no_climate)",
    ]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_outcomes_fit_the_byte_of_their_map(outcome):
    assert 0 <= outcome <= 255 and (outcome == 255) == (outcome is Outcome.OUTSIDE)
