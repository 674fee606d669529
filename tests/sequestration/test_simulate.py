"""The whole protocol on cells, held to a month-by-month run in plain Python."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories import YEAR, cells, config

from recarb.rothc import blocks
from recarb.rothc.reference import Month, Soil, step
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.products import diagnostics, products
from recarb.sequestration.simulate import simulate

DPM_RPM = {2: 1.44, 12: 1.44, 13: 1.44, 3: 0.67, 5: 0.67}
SPIN_UP_YEARS = 4000  # some thirty turnovers of HUM in the slowest of the cells below


class PlainCell:
    """One cell of `inputs`, stepped month by month with nothing but the reference model."""

    def __init__(self, inputs: xr.Dataset, i: int) -> None:
        self.cell = inputs.isel(cell=i)
        self.code = int(self.cell["land_use"])
        self.soil = Soil()

    def months(self, phase: str) -> list[tuple[float, float, float]]:
        one = self.cell
        temperature, rain, pet = (
            one[f"{name}_{phase}"].values for name in ("temperature", "rain", "pet")
        )
        cover = np.resize(one[f"cover_{phase}"].values, temperature.size)
        irrigation = np.resize(one["irrigation"].values, temperature.size)
        return list(
            zip(
                temperature.tolist(),
                (rain + irrigation - pet).tolist(),
                cover.tolist(),
                strict=True,
            )
        )

    def run(self, months: list[tuple[float, float, float]], c_input: float) -> None:
        for temperature, balance, cover in months:
            month = Month(
                temperature, balance, cover, plant=c_input / 12.0, dpm_rpm=DPM_RPM[self.code]
            )
            step(self.soil, month, float(self.cell["clay"]), 30.0, paddy=self.code == 13)

    def spin_up(self) -> None:
        """Thousands of years with a unit of input, then scaled to the stock of the map."""
        soc = float(self.cell["soc"])
        self.iom = 0.049 * soc**1.139
        year = self.months("spin_up")
        for _ in range(SPIN_UP_YEARS):
            self.run(year, 1.0)
        self.c_eq = (soc - self.iom) / self.soil.active
        for pool in ("dpm", "rpm", "bio", "hum"):
            setattr(self.soil, pool, getattr(self.soil, pool) * self.c_eq)

    def npp(self, temperature: float, rain: float) -> float:
        by_temperature = 3000.0 / (1.0 + math.exp(1.315 - 0.119 * temperature))
        return min(by_temperature, 3000.0 * (1.0 - math.exp(-0.000664 * rain)))

    def warm_up(self) -> float:
        """Through the years; the mean carbon input."""
        one, series = self.cell, self.months("warm_up")
        reference = np.mean(
            [self.npp(t, p) for t, p in zip(one["temperature_reference"].values,
                                            one["rain_reference"].values, strict=True)]
        )  # fmt: skip
        given = []
        for start in range(0, len(series), YEAR):
            year = slice(start, start + YEAR)
            npp = self.npp(
                float(one["temperature_warm_up"].values[year].mean()),
                float(one["rain_warm_up"].values[year].sum()),
            )
            given.append(self.c_eq * npp / reference)
            self.run(series[year], given[-1])
        return float(np.mean(given))

    def ahead(self, c_input: float, years: int) -> float:
        """Stock after the forward phase, from the state as it is; the state stays."""
        saved = Soil(**self.soil.__dict__)
        for _ in range(years):
            self.run(self.months("forward"), c_input)
        stock = self.soil.active + self.iom
        self.soil = saved
        return stock


@pytest.mark.parametrize("i", range(3))
def test_closed_forms_equal_a_run_month_by_month(i):
    """Spin-up by thousands of years, twenty years of warm-up, twenty ahead; nothing is reset.

    The third cell is a paddy whose dry December leaves a deficit to every January.
    """
    inputs = cells((2, 3, 13))
    inputs["irrigation"][:, 1] = 15.0
    maps = simulate(inputs, config(uncertainty={"chains": False})).isel(cell=i)
    cell = PlainCell(inputs, i)
    cell.spin_up()
    assert cell.c_eq == pytest.approx(float(maps["C_eq"]), rel=1e-9)
    carried = [cell.soil.deficit_mm]
    c_bau = cell.warm_up()
    carried.append(cell.soil.deficit_mm)
    assert c_bau == pytest.approx(float(maps["C_BAU"]), rel=1e-9)
    assert cell.soil.active + cell.iom == pytest.approx(float(maps["T0"]), rel=1e-9)
    for name, factor in (("BAU", 1.0), ("SSM1", 1.05), ("SSM2", 1.1), ("SSM3", 1.2)):
        stock = cell.ahead(factor * c_bau, 20)
        assert stock == pytest.approx(float(maps[f"finalSOC_{name}"]), rel=1e-9)
    if i == 2:
        assert max(carried) < -1.0


@pytest.mark.parametrize("years", [20, 50, 100])
def test_with_one_climatology_and_no_warm_up_bau_is_flat(years):
    run = config(warm_up=None, forward={"years": years})
    inputs = cells(warm_up=False)
    maps = simulate(inputs, run)
    np.testing.assert_allclose(maps["T0"], inputs["soc"], rtol=1e-12)
    np.testing.assert_allclose(maps["ASR_BAU"], 0.0, atol=1e-9)
    for name in ("SSM1", "SSM2", "SSM3"):
        np.testing.assert_allclose(maps[f"ASR_{name}"], maps[f"RSR_{name}"], atol=1e-9)


def test_a_soc_map_of_2010_has_a_warm_up_of_ten_years():
    run = config(model={"soc_year": 2010}, warm_up={"years": [2011, 2020]})
    inputs = cells(years=10)
    maps = simulate(inputs, run)
    assert np.isfinite(maps["T0"]).all() and (abs(maps["T0"] - inputs["soc"]) > 1e-3).all()


@settings(max_examples=25)
@given(st.integers(0, 100_000), st.integers(1, 100))
def test_more_input_never_means_less_carbon(seed, years):
    """RSR >= 0 and SSM1 <= SSM2 <= SSM3 in any climate and soil."""
    rng = np.random.default_rng(seed)
    inputs = cells(tuple(rng.choice([2, 3, 5, 12, 13], 4)), seed=seed, warming=rng.uniform(-2, 4))
    inputs["soc"][:] = rng.uniform(1.0, 400.0, 4)
    inputs["clay"][:] = rng.uniform(0.0, 90.0, 4)
    maps = simulate(inputs, config(forward={"years": years}, uncertainty={"chains": False}))
    assert (maps["RSR_SSM1"] >= 0).all()
    assert (maps["RSR_SSM1"] <= maps["RSR_SSM2"]).all()
    assert (maps["RSR_SSM2"] <= maps["RSR_SSM3"]).all()
    assert (maps["finalSOC_BAU"] > 0).all()


def by_hand(inputs: xr.Dataset, side: int) -> xr.Dataset:
    """A complete run of its own on inputs perturbed here, with gains moved by 15 points."""
    moved = inputs.copy(deep=True)
    moved["soc"] = inputs["soc"] * (1.0 + 0.2 * side)
    moved["clay"] = inputs["clay"] * (1.0 + 0.1 * side)
    for phase in ("spin_up", "warm_up", "forward", "reference"):
        moved[f"rain_{phase}"] = inputs[f"rain_{phase}"] * (1.0 + 0.05 * side)
        moved[f"temperature_{phase}"] = inputs[f"temperature_{phase}"] - 0.3 * side
    scenarios = [
        {"name": f"SSM{i}", "gain_pct": gain + 15.0 * side}
        for i, gain in enumerate((5.0, 10.0, 20.0), start=1)
    ]
    return simulate(moved, config(scenarios=scenarios, uncertainty={"chains": False}))


def test_uncertainty_is_that_of_two_complete_runs():
    inputs = cells()
    maps = simulate(inputs, config())
    upper, lower = by_hand(inputs, 1), by_hand(inputs, -1)
    pairs = {"U_T0": "T0", "U_BAU": "finalSOC_BAU", "U_SSM": "finalSOC_SSM2"}
    for key, stock in pairs.items():
        expected = 100.0 * (upper[stock] - lower[stock]) / (2.0 * maps[stock])
        np.testing.assert_allclose(maps[key], expected, rtol=1e-9)
    for rate in ("ASR_BAU", "ASR_SSM1", "RSR_SSM1", "RSR_SSM2", "RSR_SSM3"):
        half = abs(upper[rate] - lower[rate]) / 2.0
        np.testing.assert_allclose(maps[f"HW_{rate}"], half, atol=1e-12)
        np.testing.assert_allclose(maps[f"U_{rate}"], 100.0 * half / abs(maps[rate]), rtol=1e-6)


def test_every_chain_has_its_own_inert_carbon_and_its_own_npp_reference():
    """With the plain chain's, the stock of the upper chain at t0 would be another."""
    inputs = cells(warm_up=False)
    maps = simulate(inputs, config(warm_up=None))
    np.testing.assert_allclose(maps["U_T0"], 20.0, rtol=1e-9)
    np.testing.assert_allclose(maps["U_BAU"], 20.0, rtol=1e-9)


@pytest.mark.parametrize("formula", ["chains", "sum", "independent"])
def test_a_flat_bau_has_no_percentage_but_a_half_width(formula):
    run = config(warm_up=None, uncertainty={"rate_formula": formula})
    maps = simulate(cells(warm_up=False), run)
    assert np.isnan(maps["U_ASR_BAU"]).all() and np.isfinite(maps["HW_ASR_BAU"]).all()
    assert np.isfinite(maps["U_ASR_SSM3"]).all()


def test_a_cell_that_fails_in_one_chain_keeps_its_stocks():
    """0.3 K colder, no month of it is above -5 degC any more."""
    inputs = cells((3, 3, 3))
    for phase in ("spin_up", "warm_up", "forward"):
        inputs[f"temperature_{phase}"][:, 1] = -4.8
        inputs[f"temperature_{phase}"][:, 2] = -5.5
    maps = simulate(inputs, config())
    assert maps["outcome"].values.tolist() == [Outcome.RUN, Outcome.RUN, Outcome.NO_TURNOVER]
    for product in products(config()) + diagnostics(config()):
        found = np.isfinite(maps[product.key].values).tolist()
        of_chains = product.key.startswith(("U_", "HW_"))
        assert found == [True, not of_chains, False], product.key


def test_a_cell_that_fails_in_the_plain_chain_has_nothing_at_all():
    """Its deficit drifts for ever; with 5 % more or less rain it does not."""
    inputs = cells((3, 3))
    inputs["rain_spin_up"][:, 1] = np.linspace(45.0, 55.0, 12)
    inputs["pet_spin_up"][:, 1] = 50.0 + 1e-7
    maps = simulate(inputs, config())
    assert maps["outcome"].values.tolist() == [Outcome.RUN, Outcome.DEFICIT_NOT_PERIODIC]
    for product in products(config()) + diagnostics(config()):
        assert np.isnan(maps[product.key].values[1]), product.key


@settings(max_examples=15)
@given(st.permutations(range(8)), st.integers(1, 7))
def test_a_cell_has_the_same_bits_in_any_order_and_any_block(order, cut):
    inputs = cells((2, 3, 12, 5, 13, 2, 3, 13))
    whole = simulate(inputs, config())
    for part in (order[:cut], order[cut:]):
        some = simulate(inputs.isel(cell=list(part)), config())
        for key in whole.data_vars:
            np.testing.assert_array_equal(some[key].values, whole[key].values[list(part)])


def test_the_place_of_a_cell_stays_with_it():
    maps = simulate(cells().isel(cell=[3, 1]), config())
    assert maps["row"].values.tolist() == [3, 1]


def test_no_cells_give_no_maps_but_no_error():
    maps = simulate(cells().isel(cell=slice(0, 0)), config())
    assert maps.sizes["cell"] == 0 and "RSR_SSM3" in maps


def test_absolute_inputs_and_gains_by_class_reach_the_maps():
    inputs = cells((2, 3, 2, 3))
    scenarios = [
        {"name": "Fixed", "c_input_tc_ha_per_yr": 3.0},
        {"name": "Crops", "gain_pct_by_land_use": {2: 10.0}},
    ]
    maps = simulate(inputs, config(scenarios=scenarios))
    assert np.array_equal(maps["RSR_Crops"] > 0, [True, False, True, False])
    same = maps["C_BAU"] > 3.0
    np.testing.assert_array_equal(maps["RSR_Fixed"] < 0, same)


def test_shares_of_the_input_move_the_equilibrium():
    inputs = cells((2, 2))
    winter = config(model={"input_share": {"2": [1.0, *[0.0] * 11]}})
    spread, at_once = simulate(inputs, config()), simulate(inputs, winter)
    assert (abs(at_once["C_eq"] / spread["C_eq"] - 1.0) > 1e-3).all()
    np.testing.assert_allclose(
        at_once["T0"], spread["T0"], rtol=0.05
    )  # the same map is met either way


def signatures() -> list[int]:
    phases = (blocks.spin_up_blocks, blocks.warm_up_blocks, blocks.forward_blocks)
    return [len(phase.signatures) for phase in phases]


def test_no_layout_of_the_inputs_compiles_a_kernel_again():
    """A second compilation takes longer than most countries; strided or frozen arrays cause it."""
    inputs = cells((2, 3, 12, 5))
    simulate(inputs, config())
    once = signatures()
    yearly = np.tile(inputs["land_use"].values, (20, 1))
    by_year = inputs.assign(land_use_yearly=(("year", "cell"), yearly))
    plain = config(uncertainty={"chains": False})
    parts = [inputs.isel(cell=some) for some in ([2], slice(1, 3))]
    for other in (*parts, by_year, inputs.transpose()):
        simulate(other, config())
        simulate(other, plain)
    simulate(cells(warm_up=False), config(warm_up=None))
    assert signatures() == once
