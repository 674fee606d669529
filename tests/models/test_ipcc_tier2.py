"""The Tier 2 method, held to runs of another implementation, to its flows and to its bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.models import golden
from tests.models.drivers import some_drivers
from tests.realdata import requires

from recarb.models.interface import CROPLAND, Climate, Drivers, Reason
from recarb.models.ipcc_tier2 import (
    Parameters,
    Pools,
    Quality,
    Tier2,
    active_input,
    active_to_slow,
    advance,
    metabolic_input,
    rates_of,
    steady_state,
    temperature_factor,
    tillage_numbers,
    total,
    water_factor,
    year_factors,
)

P = Parameters()
OF_HESTIA = P._replace(temp_scale=0.2 / 2.63)  # as the golden table was made; the IPCC prints 0.076
TOLERANCE = 4e-12  # relative
PRINTED = 5e-12  # twelve digits stand in the table
CROPS = Quality(0.073, 0.0083)
CASES = ("c01_temperate_arable", "c02_humid_tropic_crop", "c03_sahel_millet",
         "c04_mediterranean_wheat", "c05_boreal_ley", "c06_mongolia_steppe", "c07_maize_belt",
         "c08_desert_oasis", "c09_highland_coffee", "c10_monsoon_paddy", "c11_yakutia",
         "c12_pampas_pasture")  # fmt: skip


class Case:
    """One row of the golden table, and the functions applied to it."""

    def __init__(self, name: str, p: Parameters = OF_HESTIA) -> None:
        self.row = golden.table("tier2_hestia_cases_and_steady_state").set_index("case").loc[name]
        months = golden.table("cases_monthly").query("case == @name")
        columns = [
            months[key].to_numpy(dtype=float)[:, None] for key in ("T_degC", "P_mm", "PET_mm")
        ]
        self.climate = Climate(*columns, rate=np.ones(1))
        self.irrigated = np.array(golden.irrigated(self.row["irrigated_months"]))[:, None]
        self.quality = Quality(self.row["lignin_frac"], self.row["N_frac"])
        self.sand = np.array([self.row["sand_frac"]])
        self.c_input = np.array([self.row["Cin_tC_ha_yr"]])
        tillage = self.row["tillage"]
        self.factors = year_factors(self.climate, self.irrigated, p)
        self.tillfac, self.f2 = tillage_numbers(tillage, p)
        self.f4 = active_to_slow(self.sand, p)
        self.k = rates_of(self.factors, self.tillfac, self.sand, p)
        self.steady = steady_state(self.c_input, self.quality, self.f2, self.f4, self.k, p)
        self.beta = metabolic_input(self.c_input, self.quality, p)
        self.alpha = active_input(self.c_input, self.quality, self.f2, self.f4, p)

    def numbers(self) -> dict[str, float]:
        """By the names of the golden columns."""
        found = {
            "tfac": self.factors.temperature, "wfac": self.factors.water, "tillfac": self.tillfac,
            "f2": self.f2, "f4": self.f4, "beta_tC": self.beta, "alpha_tC": self.alpha,
            "k_a": self.k.active, "k_s": self.k.slow, "k_p": self.k.passive,
            "Active_ss": self.steady.active, "Slow_ss": self.steady.slow,
            "Passive_ss": self.steady.passive, "Total_ss": total(self.steady),
        }  # fmt: skip
        return {name: float(np.squeeze(value)) for name, value in found.items()}


@pytest.mark.realdata
@requires(golden.FOLDER)
@pytest.mark.parametrize("name", CASES)
def test_factors_rates_and_steady_states_of_the_golden_table(name):
    case = Case(name)
    for column, value in case.numbers().items():
        tolerance = TOLERANCE if column.endswith("_ss") else PRINTED
        assert value == pytest.approx(case.row[column], rel=tolerance), column


@pytest.mark.realdata
@requires(golden.FOLDER)
def test_the_exponent_of_the_ipcc_moves_steady_states_by_less_than_a_thousandth():
    apart = [Case(n, P).numbers()["Total_ss"] / Case(n).numbers()["Total_ss"] - 1 for n in CASES]
    assert 1e-5 < max(np.abs(apart)) < 9e-4


@pytest.mark.realdata
@requires(golden.FOLDER)
@pytest.mark.parametrize("name", CASES)
def test_eighty_years_of_the_golden_table_through_the_interface(name):
    """From the stock under 0.6 of the input: 30 years of the input, then 50 of 1.25 times it."""
    case = Case(name)
    rows = golden.table("tier2_hestia_timeseries").query("case == @name").set_index("year")
    stock = rows["Total_tC_ha"].astype(float)
    drivers = Drivers(
        runs=np.ones(1, dtype=bool),
        stock_tc_ha=np.array([stock[0]]),
        sand_pct=100.0 * case.sand,
        peat=np.zeros(1, dtype=bool),
        land_use=np.full((2, 1), CROPLAND, dtype=np.uint8),
        irrigated=case.irrigated,
        spin_up=case.climate,
        warm_up=Climate(*(np.tile(v, (30, 1)) for v in case.climate[:3]), rate=np.ones(1)),
        forward=case.climate,
        input_warm_up=np.full((30, 1), 1.0 / 0.6),
        input_forward=np.full((1, 1), 1.25 / 0.6),
        years=50,
    )
    found = Tier2(case.quality, (case.row["tillage"],), OF_HESTIA).project(drivers).stocks
    assert float(found.c_eq[0, 0]) == pytest.approx(0.6 * float(case.c_input[0]), rel=TOLERANCE)
    assert float(found.t0[0, 0]) == pytest.approx(stock[30], rel=TOLERANCE)
    assert float(found.final[0, 0, 0]) == pytest.approx(stock[80], rel=TOLERANCE)


def test_temperature_is_best_at_33_69_and_stops_at_45():
    curve = temperature_factor(np.array([-30.0, 20.0, 33.0, 33.69, 34.5, 45.0, 50.0]), P)
    assert curve[3] == 1.0 and (curve < 1.0 + 1e-12).all()
    assert (curve[5:] == 0.0).all() and curve[0] < 0.1


def test_water_counts_up_to_a_limit_and_irrigation_takes_its_place():
    rain, pet = (
        np.array([0.0, 100.0, 125.0, 900.0, 10.0]),
        np.array([100.0, 100.0, 100.0, 100.0, 0]),
    )
    dry, even, wet, wetter, no_demand = water_factor(rain, pet, np.zeros(5, dtype=bool), P)
    assert dry == P.water_base and even == pytest.approx(0.2129 + 1.331 - 0.2413)
    assert wet == wetter == no_demand
    assert (water_factor(rain, pet, np.ones(5, dtype=bool), P) == 0.775).all()


def test_tillage_speeds_the_active_and_slow_pools_only():
    case = year_factors(some_drivers(1, warm_up_years=0).spin_up, np.zeros((12, 1), dtype=bool), P)
    sand = np.array([0.3])
    full, none = (rates_of(case, tillage_numbers(t, P)[0], sand, P) for t in ("full", "none"))
    assert full.active / none.active == pytest.approx(3.036)
    assert full.slow / none.slow == pytest.approx(3.036)
    assert full.passive == none.passive


def test_woody_input_has_no_less_than_no_metabolic_carbon():
    assert metabolic_input(np.array(3.0), Quality(0.3, 0.005), P) == 0.0  # lignin / N = 60
    assert metabolic_input(np.array(1.0), Quality(0.2, 0.2), P) == pytest.approx(0.8)


@given(
    sand=st.floats(0.0, 1.0),
    lignin=st.floats(0.0, 0.5),
    nitrogen=st.floats(0.002, 0.1),
    tillage=st.sampled_from(["full", "reduced", "none", "unknown"]),
)
def test_what_flows_into_every_pool_flows_out_of_it(sand, lignin, nitrogen, tillage):
    """The closed form solves the flows between the pools, for any soil, residue and tillage."""
    c, quality, k = (
        np.array([2.5]),
        Quality(lignin, nitrogen),
        Pools(*np.array([[6.0], [0.4], [4e-3]])),
    )
    f4, f2 = active_to_slow(np.array([sand]), P), tillage_numbers(tillage, P)[1]
    active, slow, passive = (
        k_i * x for k_i, x in zip(k, steady_state(c, quality, f2, f4, k, P), strict=True)
    )
    beta = metabolic_input(c, quality, P)
    structural = c * (1.0 - lignin) - beta
    np.testing.assert_allclose(
        [active, slow, passive],
        [
            beta * P.f1 + structural * f2 + slow * P.f7 + passive * P.f8,
            c * lignin * P.f3 + active * f4,
            active * P.f5 + slow * P.f6,
        ],
        rtol=1e-12,
    )
    assert min(beta[0], structural[0]) >= -1e-15


def test_a_pool_never_goes_beyond_its_steady_state():
    k = Pools(np.array([7.4]), np.array([0.5]), np.array([0.005]))
    after = advance(Pools(*np.ones((3, 1))), Pools(*np.zeros((3, 1))), k)
    np.testing.assert_allclose(np.ravel(after), [0.0, 0.5, 0.995])


def test_the_stock_of_the_map_is_the_modelled_one():
    drivers = some_drivers(4, warm_up_years=0)
    found = Tier2(CROPS, ("full", "none")).project(drivers).stocks
    np.testing.assert_allclose(found.t0, np.stack([drivers.stock_tc_ha] * 2), rtol=1e-14)
    assert (found.c_eq[0] > found.c_eq[1]).all()  # ploughed soil needs more for the same stock


def test_every_year_of_the_warm_up_has_its_own_climate():
    drivers = some_drivers(3, warm_up_years=4)
    found = Tier2(CROPS, ("reduced",)).project(drivers).stocks
    tillfac, f2 = tillage_numbers("reduced", P)
    sand = drivers.sand_pct / 100.0
    f4 = active_to_slow(sand, P)

    def steady(climate, c_input):
        k = rates_of(year_factors(climate, drivers.irrigated, P), tillfac, sand, P)
        return steady_state(c_input, CROPS, f2, f4, k, P), k

    pools, _ = steady(drivers.spin_up, found.c_eq[0])
    for year in range(4):
        ends, k = steady(drivers.warm_up.year(year), found.c_eq[0] * drivers.input_warm_up[year])
        pools = advance(pools, ends, k)
    np.testing.assert_allclose(found.t0[0], total(pools), rtol=1e-13)
    ends, k = steady(drivers.forward, found.c_eq[0] * drivers.input_forward[3])
    for _ in range(drivers.years):
        pools = advance(pools, ends, k)
    np.testing.assert_allclose(found.final[0, 3], total(pools), rtol=1e-12)


def test_a_cell_without_sand_has_a_reason_and_no_number():
    drivers = some_drivers(3, warm_up_years=2)
    sand = np.array([np.nan, 20.0, np.nan])
    runs = np.array([True, True, False])
    found = Tier2(CROPS, ("full",)).project(drivers._replace(sand_pct=sand, runs=runs))
    assert [Reason(code) for code in found.reason] == [
        Reason.NO_SAND, Reason.MODELLED, Reason.NOT_RUN
    ]  # fmt: skip
    assert np.isnan(found.stocks.final[..., [0, 2]]).all()
    assert np.isfinite(found.stocks.final[..., 1]).all()


def test_versions_have_names_only_where_they_are_several():
    assert Tier2(CROPS, ("full",)).variants == ("",)
    assert Tier2(CROPS, ("full", "none")).variants == ("full", "none")


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_cell_has_the_same_bits_in_any_company(size):
    drivers = some_drivers(41, warm_up_years=3)
    model = Tier2(CROPS, ("full", "none"))
    whole = model.project(drivers).stocks
    for start in range(0, 41, size):
        part = model.project(drivers.at(np.arange(start, min(start + size, 41)))).stocks
        for of_part, of_all in zip(part, whole, strict=True):
            np.testing.assert_array_equal(of_part, of_all[..., start : start + size])
