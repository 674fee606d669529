"""Variants in a run: what they need, that they reach every phase, and what depth means."""

import numpy as np
import pytest
import rasterio
from tests.bad_country import COLUMNS, ROWS, Country, assert_refused, maps_of, pattern, reasons
from tests.factories import cells, config

from recarb.core.config import Variant
from recarb.core.errors import ConfigError
from recarb.rothc.parameters import VAN_GENUCHTEN, Parameters
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.pipeline import run
from recarb.sequestration.point import trajectory
from recarb.sequestration.products import products
from recarb.sequestration.simulate import simulate
from recarb.sequestration.variants import flooding, model_parameters, with_texture

SHAPE = (ROWS, COLUMNS)
DRY = {"moisture": "van_genuchten", "bulk_density_g_cm3": 1.3}
SEASONAL = {"paddy": "seasonal", "flooded_months": [6, 7, 8]}
VARIANTS = {
    "van Genuchten": DRY,
    "to -15 bar": DRY | {"moisture": "van_genuchten_15_bar", "bare_limit": "15_bar"},
    "bare to -15 bar": {"bare_limit": "15_bar"},
    "mixed": {"cover": "mixed"},
    "seasonal": SEASONAL,
    "analytical": {"spin_up": "analytical"},
    "all": DRY | SEASONAL | {"cover": "mixed", "spin_up": "analytical"},
}

every_variant = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)


@pytest.fixture
def country(tmp_path) -> Country:
    """With a sand layer, cover between 0 and 1, and paddies in one half."""
    made = Country(tmp_path / "country")
    made.add("sand", np.linspace(20.0, 60.0, ROWS * COLUMNS).reshape(SHAPE))
    month = np.arange(12)[:, None, None]
    made.add("cover", np.clip(0.5 + 0.4 * np.sin(month + np.zeros(SHAPE)), 0.0, 1.0))
    made.option("land_use", options={"10": 13})
    return made


def with_variant(country: Country, variant: dict, **choices) -> Country:
    country.set("model", variant=variant, **choices)
    return country


@every_variant
def test_a_run_of_a_variant_has_the_mapped_stock_and_other_gains(country, variant):
    """The gains are others; the ends of the trajectory are those of the maps."""
    plain = run(country.config())
    before = maps_of(plain.folder)
    country.table["output"] = "variant"
    report = run(with_variant(country, variant).config())
    after = maps_of(report.folder)
    assert report.ledger.run == plain.ledger.run == ROWS * COLUMNS
    assert before.keys() == after.keys()
    gain = "BAD_GSOCseq_RSR_SSM3_Map030.tif"
    assert np.abs(after[gain] / before[gain] - 1.0).max() > 1e-3
    found = trajectory(country.config(), 20.35, 41.65)
    at = (found.row, found.column)
    ends = found.months.groupby(["phase", "scenario"])["soc_tc_ha"].last()
    if variant.get("spin_up") != "analytical":  # whose pools are not those of the monthly year
        assert ends["spin_up", "BAU"] == pytest.approx(found.facts["soc_tc_ha"], rel=1e-9)
    for scenario in ("BAU", "SSM1", "SSM3"):
        final = after[f"BAD_GSOCseq_finalSOC_{scenario}_Map030.tif"][at]
        assert ends["forward", scenario] == pytest.approx(final, rel=2e-7)


def test_no_tile_changes_a_bit_of_a_variant(country):
    with_variant(country, VARIANTS["all"])
    whole = maps_of(run(country.config()).folder)
    country.table |= {"output": "tiled", "tile_cells": 8}
    tiled = maps_of(run(country.config(), threads=2).folder)
    for name, values in whole.items():
        np.testing.assert_array_equal(values, tiled[name], err_msg=name)


def test_a_variant_with_chains_has_uncertainties():
    inputs, soil = (
        cells(land_use=(2, 13)),
        {"silt": 40.0, "bulk_density": 1.3, "organic_carbon": 1.1},
    )
    inputs = inputs.assign({key: ("cell", np.full(2, value)) for key, value in soil.items()})
    asked = config(inputs={"silt": {"path": "silt.tif"}}, model={"variant": VARIANTS["all"]})
    found = simulate(inputs, asked)
    assert np.isfinite(found["U_RSR_SSM1"]).all()
    assert (found["T0"] != simulate(inputs, config())["T0"]).all()


def test_the_seasonal_scheme_only_touches_paddies():
    inputs = cells(land_use=(2, 3, 12, 13))
    plain = simulate(inputs, config())["rate_forward"]
    found = simulate(inputs, config(model={"variant": SEASONAL}))["rate_forward"]
    np.testing.assert_allclose(found[:3], plain[:3], rtol=1e-10)
    summer, rest = 3 / 12, 9 / 12  # more than their part: the warm months are under water
    assert 0.2 < found[3] / plain[3] * 0.4 < 0.2 * summer + 0.6 * rest


def test_texture_is_taken_from_layers_or_follows_from_others(country):
    country.add("silt", np.full(SHAPE, 33.0)).unit = "%"
    country.add("bulk_density", np.full(SHAPE, 1250.0)).unit = "kg/m3"
    country.add("organic_carbon", np.full(SHAPE, 14.0)).unit = "g/kg"
    given = CountryInputs(with_variant(country, {"moisture": "van_genuchten"}).config())
    found = given.load().cells
    for key, value in (("silt", 33.0), ("bulk_density", 1.25), ("organic_carbon", 1.4)):
        np.testing.assert_allclose(found[key], value, rtol=1e-12)
    for key in ("silt", "bulk_density", "organic_carbon"):
        del country.layers[key]
    found = CountryInputs(with_variant(country, DRY, depth_cm=20.0).config()).load().cells
    left = 100.0 - found["clay"] - country.layers["sand"].values[0][found["row"], found["column"]]
    np.testing.assert_allclose(found["silt"], left, rtol=1e-12)
    np.testing.assert_allclose(found["organic_carbon"], found["soc"] / (1.3 * 20.0), rtol=1e-12)


def test_a_layer_that_no_variant_asks_for_excludes_nothing(country):
    silt = np.full(SHAPE, np.nan)
    silt[0] = 30.0
    country.add("silt", silt).unit = "%"
    assert reasons(country) == {"run": ROWS * COLUMNS}
    assert "silt" not in CountryInputs(country.config()).load().cells
    assert reasons(with_variant(country, DRY)) == {
        "run": COLUMNS, "no_texture": (ROWS - 1) * COLUMNS
    }  # fmt: skip


def test_a_soil_without_a_retention_curve_is_excluded_and_counted(country):
    silt = np.full(SHAPE, 30.0)
    silt[0, :3] = 0.0
    country.add("silt", silt).unit = "%"
    report = run(with_variant(country, DRY).config())
    assert report.ledger.reasons() == {"run": ROWS * COLUMNS - 3, "no_water_limits": 3}
    outcome = maps_of(report.folder)["BAD_outcome.tif"]
    assert (outcome[0, :3] == Outcome.NO_WATER_LIMITS).all()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("bulk_density", 1300.0, "g cm-3"),
        ("silt", 130.0, "percent"),
        ("organic_carbon", 80.0, "percent"),
    ],
)
def test_a_texture_in_another_unit_is_refused(country, key, value, said):
    raster = country.add(key, pattern(SHAPE, value, 1.1 * value))
    raster.unit = {"bulk_density": "g/cm3"}.get(key, "%")
    assert_refused(with_variant(country, DRY), "impossible_value", said=[key, said])


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ({"moisture": "van_genuchten"}, "inputs.silt .or inputs.sand.* and inputs.bulk_density"),
        ({"moisture": "wosten"}, "standard"),
        ({"paddy": "seasonal"}, "flooded_months"),
        ({"flooded_months": [6]}, "belong together"),
        (SEASONAL | {"flooded_months": [0, 6]}, "months are 1 to 12"),
        ({"bulk_density_g_cm3": 1.3}, "only read with a van Genuchten"),
        (DRY | {"bulk_density_g_cm3": 1300.0}, "less than or equal"),
    ],
)
def test_what_does_not_fit_is_refused(variant, said):
    with pytest.raises(ValueError, match=said):
        config(model={"variant": variant})


def test_parameters_of_a_variant():
    assert model_parameters({}, Variant()) == Parameters()
    found = model_parameters({"moist_min": 0.1}, Variant(bare_limit="15_bar", **DRY))
    assert (found.moist_min, found.bare_fraction, found.van_genuchten_bare) == (0.1, 1.0, 0.0)
    assert found.variant.moisture == VAN_GENUCHTEN
    with pytest.raises(ConfigError, match="bare_limit = '15_bar' sets it too"):
        model_parameters({"bare_fraction": 0.7}, Variant(bare_limit="15_bar"))
    with pytest.raises(ConfigError, match="no parameter variant; there are k_dpm_per_yr"):
        model_parameters({"variant": 1.0}, Variant())
    with pytest.raises(ConfigError, match="paddy_flooded: expected a part from 0 to 1"):
        model_parameters({"paddy_flooded": 1.5}, Variant())


def test_flooding_is_a_calendar():
    assert flooding(Variant()) is None
    np.testing.assert_array_equal(
        np.flatnonzero(flooding(Variant.model_validate(SEASONAL))), [5, 6, 7]
    )


def test_texture_is_not_touched_without_a_variant():
    clay = {"clay": np.ones(3), "silt": np.ones(3)}
    assert list(with_texture(clay, Variant(), 30.0)) == ["clay"]


@pytest.mark.parametrize(("depth", "name"), [(30.0, "030"), (23.0, "023"), (100.0, "100"),
                                             (7.5, "7p5")])  # fmt: skip
def test_depth_stands_in_the_names(depth, name):
    found = products(config(model={"depth_cm": depth}))
    assert len(found) == 29
    assert all(product.stem.endswith(f"Map{name}") for product in found)
    assert f"-0-{name.lstrip('0')}-" in found[0].sis_name("XX", 2020)


def test_a_run_of_another_depth(country):
    """The stock is read as that of the depth, which stands in names and tags; water follows it."""
    shallow = maps_of(run(country.config()).folder)
    country.table["output"] = "deep"
    country.set("model", depth_cm=60.0)
    report = run(country.config())
    deep = maps_of(report.folder)
    np.testing.assert_allclose(
        deep["BAD_iom_t0.tif"], shallow["BAD_iom_t0.tif"], rtol=1e-6
    )  # the same stock
    rates = [maps["BAD_rate_forward.tif"] for maps in (shallow, deep)]
    assert np.abs(rates[1] / rates[0] - 1.0).max() > 0.01
    with rasterio.open(report.folder / "BAD_GSOCseq_T0_Map060.tif") as made:
        assert made.tags()["depth_cm"] == "60"
        assert "variant" not in made.tags()


def test_the_maps_of_a_variant_say_so(country):
    report = run(with_variant(country, DRY | SEASONAL).config())
    with rasterio.open(report.folder / "BAD_GSOCseq_T0_Map030.tif") as made:
        said = made.tags()["variant"]
    assert said == "moisture van_genuchten, bulk_density_g_cm3 1.3, paddy seasonal"
