"""Variants of the model for one soil, in Python and at the command line."""

import numpy as np
import pandas as pd
import pytest
from tests.sequestration.test_site import (
    POOLS,
    RESULT,
    SOIL,
    given_start,
    invoke,
    make_months,
    make_run,
    write_site,
)

from recarb.core.config import Variant
from recarb.core.errors import ConfigError
from recarb.rothc.rates import standard_limits
from recarb.sequestration.site import run_site
from recarb.sequestration.site_checks import limits_of_site
from recarb.sequestration.variants import model_parameters

TEXTURE = {"silt_pct": 40.0, "bulk_density_g_cm3": 1.35, "organic_carbon_pct": 1.1}
SEASONAL = {"paddy": "seasonal", "flooded_months": (6, 7, 8)}
SPIN_UP = ("--spin-up-months", "12", "--soc-tc-ha", "60")


def parameters(**variant):
    return model_parameters({}, Variant(**variant))


@pytest.mark.parametrize("make", [make_run, given_start])
@pytest.mark.parametrize(
    ("variant", "more"),
    [
        ({"moisture": "van_genuchten"}, TEXTURE),
        ({"cover": "mixed"}, {}),
        (SEASONAL, {"paddy": True, "flooded_months": (6, 7, 8)}),
        ({"bare_limit": "15_bar"}, {}),
    ],
)
def test_a_variant_changes_the_run_and_its_equilibrium_repeats(make, variant, more):
    dry = make_months()
    dry["rain_mm"] *= 0.3
    dry["plant_cover"] = 0.3  # bare by the threshold, and two grounds if mixed
    plain = run_site(make(months=dry)).months
    result = run_site(make(months=dry, parameters=parameters(**variant), **more))
    assert np.abs(result.months["rate"] / plain["rate"] - 1.0).max() > 0.01
    if make is make_run:
        end = result.months.iloc[-1]
        assert end[POOLS].to_numpy(float) == pytest.approx(result.start, rel=1e-12)
        assert end["deficit_mm"] == pytest.approx(result.start_deficit_mm, abs=1e-9)


def test_analytical_start_is_another_state():
    periodic = run_site(make_run())
    other = run_site(make_run(parameters=parameters(spin_up="analytical")))
    assert other.start.sum() == pytest.approx(periodic.start.sum(), rel=0.1)
    assert np.abs(other.start / periodic.start - 1.0).max() > 1e-3
    drift = other.months[POOLS].iloc[-1].to_numpy() / other.start - 1.0
    assert np.abs(drift).max() > 1e-3, "it does not repeat in monthly steps"


def test_mixed_cover_shows_the_deficit_of_both_grounds():
    months = run_site(make_run(parameters=parameters(cover="mixed"))).months
    assert list(months.columns) == [*RESULT[:-1], "deficit_bare_mm", RESULT[-1]]
    assert (months["deficit_mm"] < months["deficit_bare_mm"]).any()


def test_organic_carbon_of_the_stock_where_none_is_given():
    p = parameters(moisture="van_genuchten")
    texture = TEXTURE | {"organic_carbon_pct": None}
    run = make_run(iom_tc_ha=None, soc_tc_ha=1.1 * 1.35 * 23.0, parameters=p, **texture)
    given = make_run(parameters=p, **TEXTURE)
    assert limits_of_site(run) == pytest.approx(limits_of_site(given), rel=1e-12)


def test_the_standard_soil_has_its_limits_by_clay():
    run = make_run(**TEXTURE)
    assert limits_of_site(run) == standard_limits(23.4, 23.0, run.parameters)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"silt_pct": None}, "--silt-pct"),
        ({"bulk_density_g_cm3": 1350.0}, "--bulk-density-g-cm3"),
        ({"organic_carbon_pct": None}, "--organic-carbon-pct"),
        ({"silt_pct": 0.0}, "no water limits"),
        ({"initial_deficit_mm": -500.0, "spin_up_months": 0, "initial": (1, 1, 1, 1)}, "-500"),
        ({"flooded_months": (6,)}, "belong together"),
        ({"flooded_months": (13,)}, "months 1 to 12"),
    ],
)
def test_what_a_variant_lacks_is_told(changes, said):
    options = {"parameters": parameters(moisture="van_genuchten"), **TEXTURE, **changes}
    with pytest.raises(ConfigError, match=said):
        run_site(make_run(**options))


@pytest.mark.parametrize(
    "options",
    [
        ("--moisture", "van_genuchten", "--silt-pct", 40, "--bulk-density-g-cm3", 1.35),
        ("--cover", "mixed"),
        ("--paddy", "uniform"),
        ("--paddy", "seasonal", "--flooded-months", "6,7,8"),
        ("--spin-up", "analytical"),
        ("--bare-limit", "15_bar", "--parameter", "k_hum_per_yr=0.015"),
    ],
)
def test_command_offers_every_variant(tmp_path, options):
    path, results = write_site(tmp_path), []
    for more in ((), options):
        out = tmp_path / f"{len(more)}.csv"
        told = invoke(path, *SOIL, *SPIN_UP, "--out", out, *more)
        assert told.exception is None, told.output
        results.append(pd.read_csv(out))
    first, second = (one[["hum_tc_ha", "rate"]].to_numpy() for one in results)
    assert np.abs(first / second - 1.0).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cover", "half"), "--cover: .*threshold.*half"),
        (("--moisture", "van_genuchten"), "silt"),
        (("--flooded-months", "June"), "--flooded-months: .*June"),
        (("--paddy", "seasonal"), "flooded_months"),
        (("--parameter", "moist_min"), "NAME=VALUE"),
        (("--parameter", "moist_minimum=0.1"), "no parameter moist_minimum"),
        (("--parameter", "moist_min=2"), "--parameter.moist_min: expected a part"),
    ],
)
def test_command_refuses_what_does_not_fit(tmp_path, options, said):
    told = invoke(write_site(tmp_path), *SOIL, *SPIN_UP, "--out", tmp_path / "r.csv", *options)
    assert isinstance(told.exception, ConfigError)
    with pytest.raises(ConfigError, match=said):
        raise told.exception
