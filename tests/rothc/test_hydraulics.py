"""Water limits by van Genuchten: what RothC v2.0.0 computed, and where there are none."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.realdata import data_folder, requires
from tests.rothc.soils import floats

from recarb.rothc import rates
from recarb.rothc.hydraulics import van_genuchten_limits
from recarb.rothc.parameters import (
    STANDARD,
    VAN_GENUCHTEN,
    VAN_GENUCHTEN_15_BAR,
    Parameters,
    Variant,
)

CLOSE = 1e-9  # of the golden table; the Fortran's double build
DRY = Parameters(variant=Variant(moisture=VAN_GENUCHTEN))
DRY_15 = Parameters(variant=Variant(moisture=VAN_GENUCHTEN_15_BAR))

pytestmark = requires("models_golden")


every_option = pytest.mark.parametrize(  # moisture, bare soil, least rate of the golden tables
    "option", [(1, 1, 0.2), (1, 2, 0.2), (2, 1, 0.2), (2, 2, 0.2), (3, 1, 0.2), (2, 2, 0.1)]
)


def golden(name: str) -> pd.DataFrame:
    return pd.read_csv(data_folder() / "models_golden" / name)


def farina(option: int, bare: int, least: float) -> Parameters:
    """The parameters of opt_RMmoist, opt_SMDbare and minRM_Moist of RothC v2.0.0."""
    moisture = {1: STANDARD, 2: VAN_GENUCHTEN, 3: VAN_GENUCHTEN_15_BAR}[option]
    p = Parameters(moist_min=least, variant=Variant(moisture=moisture))
    return p if bare == 1 else p._replace(bare_fraction=1.0, van_genuchten_bare=0.0)


def limits_of_case(case: pd.Series, p: Parameters) -> rates.Limits:
    site = case[["clay_pct", "silt_pct", "OC_pct", "BD_g_cm3", "depth_cm"]].astype(float)
    if p.variant.moisture == STANDARD:
        return rates.standard_limits(site.clay_pct, site.depth_cm, p)
    return van_genuchten_limits(
        site.clay_pct, site.silt_pct, site.OC_pct, site.BD_g_cm3, site.depth_cm, p
    )


@every_option
def test_deficit_and_rate_are_those_of_rothc_2(option):
    """Farina et al. 2013 as Rothamsted's Fortran computes it, 24 soils of which 12 are bare."""
    table = golden("rothc_v2_farina_factors_monthly.csv")
    keys = ["opt_RMmoist", "opt_SMDbare", "minRM_Moist"]
    table = table[(table[keys] == list(option)).all(axis=1)]
    sites, climate = golden("cases_site.csv").set_index("case"), golden("cases_monthly.csv")
    p, seen = farina(*option), 0
    for case, months in table.groupby("case"):
        name = case.removesuffix("_bare")
        weather = climate[climate["case"] == name].set_index("month")
        limits, deficit = limits_of_case(sites.loc[name], p), 0.0
        for row in months.itertuples():
            month = weather.loc[row.month]
            covered = month.cover >= 0.5 and not case.endswith("_bare")
            deficit = rates.next_deficit(deficit, month.P_mm - month.PET_mm, covered, limits)
            assert deficit == pytest.approx(row.SMD_mm, abs=CLOSE)
            assert rates.moisture_rate(deficit, limits, p) == pytest.approx(row.RM_moist, abs=CLOSE)
            assert rates.temperature_rate(month.T_degC, p) == pytest.approx(row.RM_T, abs=CLOSE)
            seen += 1
    assert seen == 24 * 24


@st.composite
def textures(draw):
    """Clay, silt, organic carbon, bulk density of an ordinary mineral soil."""
    clay = draw(floats(2.0, 70.0))
    return clay, draw(floats(2.0, 95.0 - clay)), draw(floats(0.2, 5.0)), draw(floats(0.9, 1.7))


@given(textures(), floats(10.0, 100.0))
def test_limits_are_in_order_and_grow_with_depth(texture, depth):
    limits = van_genuchten_limits(*texture, depth, DRY)
    if math.isnan(limits.deepest_mm):
        return
    assert limits.deepest_mm < limits.driest_mm < limits.bare_mm < limits.one_bar_mm < 0.0
    twice = van_genuchten_limits(*texture, 2.0 * depth, DRY)
    assert twice == pytest.approx([2.0 * limit for limit in limits], rel=1e-12)
    shallow = van_genuchten_limits(*texture, depth, DRY_15)
    assert shallow == pytest.approx(limits._replace(deepest_mm=limits.driest_mm), rel=1e-14)
    assert van_genuchten_limits.py_func(*texture, depth, DRY) == pytest.approx(limits, rel=1e-11)


def test_a_bare_soil_by_itself_has_b_0_839_under_any_retention_curve():
    limits = van_genuchten_limits(30.0, 40.0, 1.2, 1.35, 30.0, DRY)
    assert rates.moisture_rate(limits.bare_mm, limits, DRY) == pytest.approx(0.8388, abs=1e-12)


@pytest.mark.parametrize(
    "texture",
    [
        (0.0, 40.0, 1.0, 1.3),
        (20.0, 0.0, 1.0, 1.3),
        (20.0, -5.0, 1.0, 1.3),
        (20.0, 40.0, 0.0, 1.3),
        (20.0, 40.0, 1.0, 0.0),
        (math.nan, 40.0, 1.0, 1.3),
    ],
)
def test_a_soil_without_a_curve_has_no_limits(texture):
    assert all(math.isnan(limit) for limit in van_genuchten_limits(*texture, 30.0, DRY))
