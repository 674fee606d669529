"""The ways to run the eleven runs give the same stocks."""

import numpy as np
import pytest
from bench.peers import INPUTS_TC_HA, Cells, as_in_a_run, by_months, by_pyrothc, by_reference


def test_reference_and_kernels_agree():
    cells = Cells.of(3)
    expected = by_reference(cells)
    assert expected.shape == (3, 11)
    np.testing.assert_allclose(by_months(cells), expected, rtol=1e-12)
    np.testing.assert_allclose(as_in_a_run(cells), expected, rtol=1e-10)


def test_the_peer_runs_the_same_soil():
    pytest.importorskip("pyRothC")
    cells = Cells.of(1)
    ours, theirs = by_reference(cells), by_pyrothc(cells)
    # without plant cover it decays 1 / 0.6 times as fast: less is left, and more input adds more
    assert (theirs < ours).all()
    assert (np.diff(theirs[0]) > 0).all()
    assert np.corrcoef(theirs[0], INPUTS_TC_HA)[0, 1] > 0.999
