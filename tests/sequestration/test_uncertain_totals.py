"""Totals with their uncertainty: what stands in the table, against sums over all pairs of cells."""

import numpy as np
import pandas as pd
import pytest
import rasterio
from tests.bad_country import Country

from recarb.core.config import RunConfig
from recarb.core.grid import Tile, cell_areas_ha, cell_centres
from recarb.sequestration import pipeline
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.uncertain_totals import totals_findings, totals_table

LENGTH_KM = 30.0
EARTH_KM = 6371.0088
SMALL = {"draws": 200, "correlation_km": [LENGTH_KM, 15.0], "fit_correlation": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[RunConfig, pipeline.RunReport]:
    country = Country(tmp_path_factory.mktemp("totals"))
    country.table["monte_carlo"] = SMALL
    config = country.config()
    return config, pipeline.run(config)


def read(report, name: str) -> np.ndarray:
    with rasterio.open(report.folder / f"{name}.tif") as source:
        return source.read(1, masked=True).astype(np.float64).filled(np.nan)


def group(table: pd.DataFrame, quantity: str, *, same_gain=False, **where) -> pd.DataFrame:
    table = table[(table["quantity"] == quantity) & (table["same_gain"] == same_gain)]
    for key, value in where.items():
        table = table[table[key] == value]
    return table.set_index("correlation_km")


def great_circle_km(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    lon, lat = np.radians(lon), np.radians(lat)
    half = np.sin((lat[:, None] - lat) / 2) ** 2
    half += np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    return 2.0 * EARTH_KM * np.arcsin(np.sqrt(half))


def weights_and_places(config, report, quantity: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each cell adds to the sd of the total [Mt], its longitude and latitude."""
    inputs = CountryInputs(config)
    sd = read(report, f"uncertainty/{config.iso3}_{quantity}_sd")
    rows, columns = np.nonzero(np.isfinite(sd))
    whole = Tile(slice(0, sd.shape[0]), slice(0, sd.shape[1]))
    area = cell_areas_ha(inputs.grid, whole)
    return (sd * area / 1e6)[rows, columns], *cell_centres(inputs.grid, rows, columns)


@pytest.mark.parametrize("quantity", ["T0", "RSR_SSM2", "ASR_BAU"])
def test_the_country_under_every_assumption(run, quantity):
    config, report = run
    table = group(report.uncertain_totals, quantity, level="country")
    weights, lon, lat = weights_and_places(config, report, quantity)
    distance = great_circle_km(lon, lat)
    assert table.loc[0.0, "sd"] == pytest.approx(np.sqrt((weights**2).sum()), rel=1e-5)
    assert table.loc[np.inf, "sd"] == pytest.approx(weights.sum(), rel=1e-5)
    for length in (15.0, LENGTH_KM):
        expected = np.sqrt(weights @ np.exp(-distance / length) @ weights)
        assert table.loc[length, "sd"] == pytest.approx(expected, rel=0.03)


def test_a_gain_that_is_off_by_the_same_everywhere(run):
    """Its part of the variance adds up fully, the rest as the errors of cells do."""
    config, report = run
    weights, lon, lat = weights_and_places(config, report, "RSR_SSM2")
    with rasterio.open(report.folder / f"uncertainty/{config.iso3}_RSR_SSM2_shares.tif") as source:
        share = source.read(source.descriptions.index("gain") + 1, masked=True).compressed()
    table = group(report.uncertain_totals, "RSR_SSM2", same_gain=True, level="country")
    of_gain, rest = weights * np.sqrt(share), weights * np.sqrt(1.0 - share)
    correlation = np.exp(-great_circle_km(lon, lat) / LENGTH_KM)
    for length, other in ((0.0, (rest**2).sum()), (LENGTH_KM, rest @ correlation @ rest)):
        expected = np.sqrt(of_gain.sum() ** 2 + other)
        assert table.loc[length, "sd"] == pytest.approx(expected, rel=0.01)
    for key in ("T0", "ASR_BAU", "finalSOC_SSM2"):
        assert group(report.uncertain_totals, key, same_gain=True).empty


def test_every_number_has_its_assumption_beside_it(run):
    table = run[1].uncertain_totals
    said = table["assumption"].str
    assert said.contains("same everywhere").equals(table["same_gain"])
    assert table[said.contains("independent")]["correlation_km"].eq(0.0).all()
    assert table[said.contains("are one")]["correlation_km"].eq(np.inf).all()
    assert table[said.contains("given")]["correlation_km"].isin([15.0, LENGTH_KM]).all()
    half = (table["high_95"] - table["low_95"]) / 2.0
    np.testing.assert_allclose(half, 1.959964 * table["sd"], rtol=1e-4)


def test_the_totals_are_those_of_the_summary(run):
    """Up to the difference between the mean of the draws and the plain run."""
    report = run[1]
    plain = report.summary
    for level in ("country", "land_use", "unit", "unit_land_use"):
        wanted = plain[(plain["level"] == level) & (plain["scenario"] == "SSM2")]
        found = group(report.uncertain_totals, "RSR_SSM2", level=level).loc[0.0]
        found = found if isinstance(found, pd.DataFrame) else found.to_frame().T
        assert found["unit"].tolist() == wanted["unit"].tolist()
        assert found["land_use"].tolist() == wanted["land_use"].tolist()
        assert found["cells"].tolist() == wanted["cells"].tolist()
        np.testing.assert_allclose(found["area_ha"].astype(float), wanted["area_ha"], rtol=1e-5)
        np.testing.assert_allclose(
            found["total"].astype(float), wanted["total_rsr_mt_c_per_yr"], rtol=0.1
        )


def test_the_file_is_the_table(run):
    report = run[1]
    written = pd.read_csv(report.folder / "totals_uncertainty.csv")
    assert len(written) == len(report.uncertain_totals)
    np.testing.assert_array_equal(written["sd"], report.uncertain_totals["sd"])


def test_full_correlation_adds_up_and_none_adds_in_squares(run):
    table = run[1].uncertain_totals
    country = group(table, "T0", level="country")["sd"]
    parts = group(table, "T0", level="land_use")["sd"]
    assert parts.loc[np.inf].sum() == pytest.approx(country.loc[np.inf], rel=1e-4)
    assert np.sqrt((parts.loc[0.0] ** 2).sum()) == pytest.approx(country.loc[0.0], rel=1e-4)


def test_a_fitted_length_is_named_with_its_nugget(run, monkeypatch):
    """The country of the tests is too small to fit one: here it is given by hand."""
    from recarb.sequestration import uncertain_totals
    from recarb.uncertainty.variogram import Variogram

    config, report = run
    monkeypatch.setattr(uncertain_totals, "fit_variogram", lambda *_: Variogram(20.0, 0.25))
    choices = config.monte_carlo.model_copy(update={"fit_correlation": True})
    inputs = CountryInputs(config.model_copy(update={"monte_carlo": choices}))
    table = totals_table(report.folder, inputs)
    assert not totals_findings(table, inputs.config)
    fitted = group(table, "T0", level="country").loc[20.0]
    assert "fitted to ln SOC" in fitted["assumption"] and "nugget 0.25" in fitted["assumption"]
    weights, lon, lat = weights_and_places(config, report, "T0")
    correlation = 0.75 * np.exp(-great_circle_km(lon, lat) / 20.0)
    np.fill_diagonal(correlation, 1.0)
    expected = np.sqrt(weights @ correlation @ weights)
    assert fitted["sd"] == pytest.approx(expected, rel=0.03)


def test_a_length_that_cannot_be_fitted_is_told(run):
    config, report = run
    choices = config.monte_carlo.model_copy(update={"fit_correlation": True})
    asked = config.model_copy(update={"monte_carlo": choices})
    found = totals_findings(report.uncertain_totals, asked)
    assert [finding.code for finding in found] == ["no_correlation_length"]
    assert not totals_findings(report.uncertain_totals, config)


def test_without_a_cell_whose_draws_end_there_is_no_table(run, monkeypatch):
    from recarb.sequestration import uncertain_totals

    config, report = run
    monkeypatch.setattr(uncertain_totals, "_cells_with_draws", lambda *_: np.zeros((2, 2), bool))
    table = totals_table(report.folder, CountryInputs(config))
    assert table.empty and not totals_findings(table, config)


def test_the_terminal_says_which_row_to_report(run):
    """The error of the gain does not cancel over cells; the table has a row for each assumption."""
    from recarb.cli.run import _uncertain_totals

    config, report = run
    head, *lines = _uncertain_totals(report.uncertain_totals, config)
    assert head.startswith("RSR_")
    (marked,) = [line for line in lines if "report this one" in line]
    assert "the same everywhere" in marked and f"{LENGTH_KM:g} km" in marked
    assert len(lines) > 3
