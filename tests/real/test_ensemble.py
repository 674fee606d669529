"""Three models on Iberia, and the climate of ICBM's reference site."""

from collections.abc import Callable

import numpy as np
import pytest
import rasterio
from docs.figures import ensemble
from tests.real import runs
from tests.realdata import data_folder, requires

from recarb.models.icbm import ReferenceSite

Finish = Callable[..., runs.Finished]
pytestmark = pytest.mark.realdata


@requires("iberia")
def test_the_page_shows_the_numbers_of_the_run(finished: Finish):
    """Else run `python -m docs.figures.ensemble` and read the page again."""
    maps = ensemble.Maps(finished("iberia", runs.ensemble("iberia")))
    text = ensemble.PAGE.read_text(encoding="utf-8")
    assert ensemble.medians(maps) in text
    assert ensemble.apart(maps) in text


@requires("iberia")
def test_models_differ_by_less_than_an_order_of_magnitude(finished: Finish):
    maps = ensemble.Maps(finished("iberia", runs.ensemble("iberia")))
    low, high = (maps.spread(f"RSR_SSM3_{s}")[maps.everywhere] for s in ("min", "max"))
    assert maps.everywhere.sum() > 100
    assert (low > 0.0).all() and (high / low < 10.0).all()


@requires("global_0p5deg")
@pytest.mark.parametrize(
    ("name", "field", "tolerance"), [("tas", "temperature_c", 0.6), ("pr", "rain_mm", 5.0)]
)
def test_the_reference_site_has_the_climate_of_uppsala(name: str, field: str, tolerance: float):
    path = data_folder() / "global_0p5deg" / f"{name}_clim_1961-1990_crucl1.tif"
    with rasterio.open(path) as source:
        row, column = source.index(17.65, 59.82)
        months = source.read(window=((row, row + 1), (column, column + 1)))[:, 0, 0]
    np.testing.assert_allclose(getattr(ReferenceSite(), field), months, atol=tolerance)
