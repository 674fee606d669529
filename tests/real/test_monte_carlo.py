"""Draws on real cells: the factors between the methods that docs/science/monte_carlo.md states."""

import numpy as np
import pytest
from tests.real import runs
from tests.realdata import requires

from recarb.core.grid import Tile
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.monte_carlo import draw_maps
from recarb.sequestration.simulate import simulate

pytestmark = [pytest.mark.realdata, requires("north_macedonia")]

WINDOW = Tile(slice(80, 100), slice(150, 180))
DRAWS = "\n[monte_carlo]\ndraws = 1000\n"


def test_the_published_formula_says_a_tenth_and_independence_many_times_as_much(tmp_path):
    config = runs.load("north_macedonia", tmp_path, DRAWS)
    inputs = CountryInputs(config)
    cells = inputs.load(WINDOW).cells
    assert cells.sizes["cell"] > 200
    plain, drawn = simulate(cells, config), draw_maps(cells, config, inputs.tables)
    width = (drawn["high_RSR_SSM2"] - drawn["low_RSR_SSM2"]) / 2.0
    halves = [
        plain[f"U_{key}"].values / 100.0 * plain[f"finalSOC_{scenario}"].values
        for key, scenario in (("BAU", "BAU"), ("SSM", "SSM2"))
    ]
    apart = np.hypot(*halves)
    both = plain["finalSOC_BAU"].values + plain["finalSOC_SSM2"].values
    assert 0.08 < np.median(apart / both * plain["RSR_SSM2"].values / width) < 0.13
    assert 4.0 < np.median(apart / 20.0 / width) < 12.0
    assert 1.0 < np.median(plain["HW_RSR_SSM2"].values / width) < 1.4
    assert np.median(drawn["share_RSR_SSM2_gain"]) > 0.9
    assert 0.85 < np.median(drawn["P_SSM2_above_BAU"]) < 0.95


def test_the_limits_of_the_soil_map_are_the_interval_of_the_draws(tmp_path):
    """95 % limits of the kriged stock; without a warm-up T0 is the stock that was drawn."""
    config = runs.load("north_macedonia_limits", tmp_path, DRAWS)
    inputs = CountryInputs(config)
    cells = inputs.load(WINDOW).cells
    drawn = draw_maps(cells, config, inputs.tables)
    for key, layer in (("low", "soc_low"), ("high", "soc_high")):
        off = np.abs(np.log(drawn[f"{key}_T0"] / cells[layer].values))
        assert np.median(off) < 0.05
