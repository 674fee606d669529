"""The example of the official RothC program (Coleman, Prout & Milne 2024), 1939-2007."""

import numpy as np
import pandas as pd
import pytest
from tests.realdata import data_folder, requires

from recarb.io.tables import read_site
from recarb.rothc import kernels, reference
from recarb.rothc.parameters import DEFAULT as P
from recarb.sequestration.site import SiteRun, run_site

pytestmark = [pytest.mark.realdata, requires("rothc_official")]

FOLDER = data_folder() / "rothc_official"
PRINTED = ["DPM_t_C_ha", "RPM_t_C_ha", "BIO_t_C_ha", "HUM_t_C_ha"]
OURS = ["dpm_tc_ha", "rpm_tc_ha", "bio_tc_ha", "hum_tc_ha"]


@pytest.fixture(scope="module")
def table():
    return read_site(FOLDER / "RothC_input.dat")


@pytest.fixture(scope="module")
def printed() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "month_results.csv")


@pytest.fixture(scope="module")
def initial() -> tuple[float, ...]:
    """The pools that the program printed before its first month."""
    first = pd.read_csv(FOLDER / "year_results.csv").iloc[0]
    return tuple(float(first[name]) for name in PRINTED)


def run(table, **options):
    return run_site(
        SiteRun(
            clay_pct=table.clay_pct,
            depth_cm=table.depth_cm,
            iom_tc_ha=table.iom_tc_ha,
            **{"months": table.months, **options},
        ),
        table.findings,
    )


def test_file_holds_the_soil_and_says_what_is_left_out(table):
    assert (table.clay_pct, table.depth_cm, table.iom_tc_ha) == (13.0, 25.0, 3.0041)
    assert not table.findings
    assert any("modern" in note for note in table.notes)


def test_equal_from_the_printed_initial_pools(table, printed, initial):
    result = run(table, months=table.months.iloc[12:], initial=initial, initial_deficit_mm=0.0)
    months = result.months
    assert months[["year", "month"]].to_numpy().tolist() == (
        printed[["Year", "Month"]].to_numpy().tolist()
    )
    assert months[OURS].to_numpy() == pytest.approx(printed[PRINTED].to_numpy(), rel=1e-9)
    assert months["soc_tc_ha"].to_numpy() == pytest.approx(
        printed["SOC_t_C_ha"].to_numpy(), rel=1e-9
    )
    assert np.abs(months[OURS].to_numpy() / printed[PRINTED].to_numpy() - 1.0).max() < 1e-13


def test_equal_from_our_own_equilibrium(table, printed):
    """Its stopping rule leaves the program 1.3e-4 t C ha-1 short of the steady state."""
    result = run(table, spin_up_months=12)
    assert result.months[OURS].to_numpy() == pytest.approx(printed[PRINTED].to_numpy(), rel=1e-5)
    assert result.factor == 1.0
    assert result.start_deficit_mm == 0.0


def test_our_equilibrium_is_the_better_one(table, initial):
    """A further year moves the program's initial pools, and leaves ours where they are."""
    year = table.months.iloc[:12]
    ours = run(table, spin_up_months=12).start
    again = run(table, months=year, initial=tuple(ours)).months[OURS].iloc[-1].to_numpy()
    assert again == pytest.approx(ours, rel=1e-13)
    moved = run(table, months=year, initial=initial).months[OURS].iloc[-1].to_numpy()
    assert 1e-7 < np.abs(moved - initial).max() < 1e-5
    assert ours.sum() - sum(initial) == pytest.approx(1.3e-4, rel=0.1)


def test_deficits_equal_the_reference_bit_by_bit(table, initial):
    later = table.months.iloc[12:]
    balance = (later["rain_mm"] - 0.75 * later["evaporation_mm"]).to_numpy()
    _, _, deficits, rates = kernels.run_months(
        np.array(initial),
        0.0,
        later["temperature_c"].to_numpy(float).copy(),
        balance,
        later["plant_cover"].to_numpy(float).copy(),
        False,
        np.zeros((len(later), 3)),
        table.clay_pct,
        table.depth_cm,
        P,
    )
    soil = reference.Soil()
    for m, row in enumerate(later.itertuples()):
        month = reference.Month(row.temperature_c, balance[m], row.plant_cover)
        reference.step(soil, month, table.clay_pct, table.depth_cm)
        assert deficits[m] == soil.deficit_mm
        assert rates[m] == pytest.approx(soil.rate, rel=1e-13)
    assert deficits.min() < -20.0
