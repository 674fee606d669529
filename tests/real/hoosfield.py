"""Hoosfield continuous barley, Rothamsted: measured and modelled carbon, 1852-1998.

Measured: Rothamsted electronic archive, rhb2 HBSOC1852, 0-23 cm, t C ha-1 (CC BY 4.0).
Inputs: monthly weather and carbon inputs as in `lte/hoosfield_nsrothc`; its evaporation is already
0.75 x open pan. Used by the test and by `docs/figures/hoosfield.py`.
"""

import csv
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from tests.realdata import data_folder

from recarb.sequestration.site import SiteResult, SiteRun, run_site
from recarb.validation.site_file import Site

TREATMENTS = {"Unfertilized": 1, "FYM": 2, "FYM 1852-1871": 3}
MEASURED = Path("lte/rothamsted_era/rhb2/HBSOC1852/01-HBSOC1852-data.csv")
INPUTS = Path("lte/hoosfield_nsrothc")
HEADER = "Unfertilized"
# clay, ratio, depth and pools of 1852 stand beside their names in the parameter file
CELLS = {"dpm_rpm": "C5", "clay_pct": "C7", "depth_cm": "C8"}
POOL_CELLS = ("C10", "C11", "C12", "C13")
IOM_CELL = "C14"
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
COLUMNS = {
    "Year": "year",
    "Month": "month",
    "Temperature (°C)": "temperature_c",
    "Rainfall (mm)": "rain_mm",
    "Pet (mm)": "evaporation_mm",
    "Plant residuals (t C / ha)": "carbon_input_tc_ha",
    "FYM (t C / ha)": "fym_tc_ha",
    "Soil cover (1 covered, 0 fallov)": "plant_cover",
}


def measured() -> pd.DataFrame:
    """Measured stocks [t C ha-1]: one row per sampled year, one column per treatment."""
    with (data_folder() / MEASURED).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    header = next(k for k, row in enumerate(rows) if HEADER in row)
    names = {name.strip(): k for k, name in enumerate(rows[header]) if name.strip() in TREATMENTS}
    sampled = [row for row in rows[header + 1 :] if row[1].strip().isdigit()]
    columns = {name: [float(row[k]) for row in sampled] for name, k in names.items()}
    return pd.DataFrame(columns, index=pd.Index([int(row[1]) for row in sampled], name="year"))


def _sheet(name: str):
    workbook = openpyxl.load_workbook(data_folder() / INPUTS / name, data_only=True)
    return workbook.worksheets[0]


def site_run(treatment: str, *, from_measured: bool = False) -> SiteRun:
    """One treatment from the file's pools of 1852.

    `from_measured` scales those pools so that the stock of 1852 is the measured one.
    """
    parameters = _sheet("hoosfield_parameters.xlsx")
    values = {key: float(parameters[cell].value) for key, cell in CELLS.items()}
    pools = np.array([float(parameters[cell].value) for cell in POOL_CELLS])
    iom = float(parameters[IOM_CELL].value)
    if from_measured:
        pools *= (measured()[treatment].loc[1852] - iom) / pools.sum()
    name = f"monthly_weather_and_input_hoosfield_scenario{TREATMENTS[treatment]}.xlsx"
    header, *rows = _sheet(name).iter_rows(values_only=True)
    months = pd.DataFrame(rows, columns=header)[list(COLUMNS)].rename(columns=COLUMNS)
    months["month"] = months["month"].map(MONTHS.index) + 1
    months["dpm_rpm"] = values["dpm_rpm"]
    return SiteRun(
        months=months,
        clay_pct=values["clay_pct"],
        depth_cm=values["depth_cm"],
        iom_tc_ha=iom,
        initial=tuple(pools),
        evaporation="pet",
    )


def run(treatment: str, *, from_measured: bool = False) -> SiteResult:
    """Run one treatment."""
    return run_site(site_run(treatment, from_measured=from_measured))


def site(treatment: str) -> Site:
    """One treatment for a fit: every stock at the end of its year, that of 1852 at the start."""
    stocks = measured()[treatment].reset_index(name="soc_tc_ha")
    first = stocks["year"] == stocks["year"].iloc[0]
    observed = stocks.assign(year=stocks["year"] - first, month=12, sd_tc_ha=np.nan)
    return Site(treatment, site_run(treatment, from_measured=True), observed)


def modelled(result: SiteResult, years: pd.Index) -> pd.Series:
    """Stock [t C ha-1] at the end of the sampled years; before the first month in the first."""
    december = result.months.query("month == 12").set_index("year")["soc_tc_ha"]
    start = int(result.months["year"].iloc[0])
    stocks = december.reindex(years).astype(float)
    if start in stocks.index:
        stocks.loc[start] = result.start.sum() + result.iom_tc_ha
    return stocks


def compare(treatment: str, *, from_measured: bool = False) -> pd.DataFrame:
    """Measured and modelled stocks [t C ha-1] of the sampled years."""
    table = measured()[[treatment]].rename(columns={treatment: "measured"})
    result = run(treatment, from_measured=from_measured)
    return table.assign(modelled=modelled(result, table.index))


def rmse(table: pd.DataFrame) -> float:
    """Root mean square difference [t C ha-1]."""
    return float(np.sqrt(((table["modelled"] - table["measured"]) ** 2).mean()))


def bias(table: pd.DataFrame) -> float:
    """Mean of modelled minus measured [t C ha-1]."""
    return float((table["modelled"] - table["measured"]).mean())
