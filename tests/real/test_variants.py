"""The page on the variants shows what they do to Iberia."""

from pathlib import Path

import numpy as np
import pytest
from docs.figures import variants
from tests.realdata import requires

SOME = (variants.STANDARD, "van Genuchten, -1000 bar", "mixed cover", "depth 60 cm")

pytestmark = [pytest.mark.realdata, requires("iberia")]


def test_the_page_shows_the_numbers_of_the_runs(tmp_path: Path):
    """Else run `python -m docs.figures.variants` and read the page again."""
    found = variants.run_all(tmp_path, SOME)
    shown = set(variants.PAGE.read_text(encoding="utf-8").splitlines())
    assert set(variants.rows_of(found).splitlines()) <= shown
    plain = variants.gain(found[variants.STANDARD])
    for name, run in found.items():
        values = variants.gain(run)
        np.testing.assert_array_equal(np.isfinite(values), np.isfinite(plain))
        assert (np.abs(values / plain - 1.0) > 1e-3)[np.isfinite(plain)].any() == (
            name != variants.STANDARD
        )
