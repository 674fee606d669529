"""Flags beside the maps: limits, masks, and that nothing is removed."""

import numpy as np
import xarray as xr
from tests.factories import cells, config

from recarb.core.grid import Tile
from recarb.sequestration.flags import flag_cells, flags, out_of_order, outside_limits
from recarb.sequestration.inputs import LoadedTile
from recarb.sequestration.products import products
from recarb.sequestration.simulate import simulate

LAYERS = {key: {"path": f"{key}.tif"} for key in
          ("elevation", "sand", "electrical_conductivity", "peat", "wetland")}  # fmt: skip


def tile_of(inputs: xr.Dataset, **layers: list[float]) -> LoadedTile:
    """The cells as a column of a tile that starts at row 10, column 5."""
    n = inputs.sizes["cell"]
    fields = {k: np.array(v, dtype=float)[:, None] for k, v in layers.items()}
    return LoadedTile(
        tile=Tile(slice(10, 10 + n), slice(5, 6)),
        outcome=np.zeros((n, 1), np.uint8),
        units=np.ones((n, 1), np.uint16),
        area_ha=np.ones((n, 1)),
        land_use=inputs["land_use"].values[:, None],
        flags=fields,
        cells=inputs.assign_coords(
            row=("cell", np.arange(10, 10 + n)), column=("cell", np.full(n, 5))
        ),
    )


def flagged(inputs: xr.Dataset, run, **layers: list[float]) -> dict[str, list[bool]]:
    maps = simulate(inputs, run)
    found = flag_cells(tile_of(inputs, **layers), maps, run, products(run))
    return {key: values.tolist() for key, values in found.items()}


def test_only_flags_whose_layers_exist():
    assert {f.key for f in flags(config())} == {
        "soc_high",
        "paddy",
        "climate_filled",
        "implausible",
    }
    every = {f.key for f in flags(config(inputs=LAYERS))}
    assert every >= {"no_lapse_correction", "sandy", "saline", "peat", "wetland"}
    assert len(every) == 9


def test_the_limits_of_the_manual():
    """Ch. 13: above 200 t C ha-1, above 90 % sand, above 4 dS/m; at the limit not yet."""
    inputs = cells((2, 13, 3, 3))
    inputs["soc"][:] = [200.0, 200.1, 50.0, 50.0]
    found = flagged(
        inputs,
        config(inputs=LAYERS),
        sand=[90.0, 90.1, np.nan, 0.0],
        electrical_conductivity=[4.0, 4.1, np.nan, 0.0],
        peat=[0.0, 1.0, np.nan, 1.0],
        wetland=[1.0, 0.0, 0.0, np.nan],
    )
    assert found["soc_high"] == [False, True, False, False]
    assert found["sandy"] == found["saline"] == [False, True, False, False]
    assert found["peat"] == [False, True, False, True]
    assert found["wetland"] == [True, False, False, False]
    assert found["paddy"] == [False, True, False, False]


def test_own_limits():
    inputs = cells()
    run = config(flags={"soc_above_tc_ha": 60.0})
    assert flagged(inputs, run)["soc_high"] == (inputs["soc"].values > 60.0).tolist()


def test_a_rate_beyond_the_plausible_is_flagged_and_kept():
    inputs = cells((2, 3))
    run = config(scenarios=[{"name": "Wild", "c_input_tc_ha_per_yr": 100.0}])
    maps = simulate(inputs, run)
    found = outside_limits(maps, products(run))
    assert found["ASR_Wild"].all() and found["AbsDiff_Wild"].all() and not found["T0"].any()
    assert np.isfinite(maps["ASR_Wild"]).all()
    assert flagged(inputs, run)["implausible"] == [True, True]
    assert flagged(inputs, config())["implausible"] == [False, False]


def test_cells_without_a_result_are_not_implausible():
    inputs = cells((3, 3))
    inputs["temperature_spin_up"][:, 1] = -30.0
    maps = simulate(inputs, config())
    assert not any(wrong[1] for wrong in outside_limits(maps, products(config())).values())


def test_scenarios_in_order():
    run = config()
    maps = simulate(cells(), run)
    assert {key for key in out_of_order(maps, run)} == {
        "RSR_SSM1 > RSR_SSM2",
        "RSR_SSM2 > RSR_SSM3",
    }
    assert not any(wrong.any() for wrong in out_of_order(maps, run).values())
    spoiled = maps.assign(RSR_SSM2=maps["RSR_SSM2"] * 0.1)
    assert out_of_order(spoiled, run)["RSR_SSM1 > RSR_SSM2"].all()
