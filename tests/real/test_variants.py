"""The page on the variants shows what they do to Iberia."""

from pathlib import Path

import numpy as np
import pytest
from docs.figures import variants
from tests.realdata import requires

pytestmark = [pytest.mark.realdata, requires("iberia")]


def test_the_page_shows_the_numbers_of_the_runs(tmp_path: Path):
    """Else run `python -m docs.figures.variants` and read the page again."""
    found = variants.run_all(tmp_path)
    assert variants.rows_of(found) in variants.PAGE.read_text(encoding="utf-8")
    plain = variants.gain(found[variants.STANDARD])
    for name, run in found.items():
        values = variants.gain(run)
        np.testing.assert_array_equal(np.isfinite(values), np.isfinite(plain))
        assert (np.abs(values / plain - 1.0) > 1e-3)[np.isfinite(plain)].any() == (
            name != variants.STANDARD
        )
