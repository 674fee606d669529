"""Pictures of a comparison are drawn for every kind of pair."""

import numpy as np
import pytest
from PIL import Image
from tests.factories import geobox

from recarb.reports.compare_figures import draw_pair
from recarb.sequestration.compare import MapPair

GRID = geobox(10.0, 50.0, 0.1, (20, 30))


def field(seed: int, missing: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(50.0, 10.0, GRID.shape)
    values[rng.random(GRID.shape) < missing] = np.nan
    return values


@pytest.mark.parametrize(
    ("stem", "unit", "b"),
    [
        ("T0_Map030", "t ha-1", field(2)),
        ("ASR_BAU_Map030", "t ha-1 year-1", field(3) - 50.0),
        ("T0_UncertaintyMap030", "percent", np.full(GRID.shape, 20.0)),
        ("RSR_SSM1_Map030", "t ha-1 year-1", np.full(GRID.shape, np.nan)),
    ],
)
def test_both_pictures_are_there(tmp_path, stem, unit, b):
    maps, scatter = draw_pair(MapPair(stem, unit, GRID, field(1), b), tmp_path, ("mine", "theirs"))
    for path in (maps, scatter):
        with Image.open(path) as image:
            assert min(image.size) > 200
            assert len(set(image.convert("L").tobytes())) > 5


def test_cells_without_a_value_are_light_blue(tmp_path):
    empty = np.full(GRID.shape, np.nan)
    maps, _ = draw_pair(MapPair("T0_Map030", "t ha-1", GRID, field(1, 0.0), empty), tmp_path)
    with Image.open(maps) as image:
        colours = [colour for _, colour in image.convert("RGB").getcolors(1 << 20)]
    assert (217, 230, 242) in colours
