"""Highfield ley-arable, Rothamsted: old grass kept, and ploughed up for crops, 1948-2014.

Measured: Rothamsted electronic archive, rrn1 HLAsoc4814, 0-23 cm, blocks 1-4 (CC BY 4.0). Rain is
the observed monthly series, temperature and pan evaporation the means of 1961-1990. The archive
holds no carbon input: that of the old grass follows from its stock, that of the crops is fitted.
Used by the test and by `docs/figures/validation.py`.
"""

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from tests.realdata import data_folder

from recarb.sequestration.site import SiteRun
from recarb.validation.site_file import Site

ARCHIVE = Path("lte/rothamsted_era")
SOIL = ARCHIVE / "rrn1/SOC4814/01-HLA-SOC4814/soil_data.csv"
NORMALS = ARCHIVE / "rms/R30YrMeans6190/Rothamsted_30-year_mean_weather_data_1961-1990_CSV.csv"
RAIN = ARCHIVE / "rms/rmsTMRain5323/rmsTMRain5323-data-v2.xlsx"
NORMALS_HEADER, MONTHS = 5, 12
TREATMENTS = {"grass": ("G", "Gc"), "arable": ("A",)}
GRASSED_1948, PASTURE_BD = 60.8, 0.944  # mean stock [t C ha-1] and bulk density [g cm-3] of 1948
DEPTH_CM = 23.0
CLAY_PCT = 23.4  # of Hoosfield, the same soil series: the archive gives none for Highfield
DPM_RPM = 1.44  # crops and improved grassland (Coleman & Jenkinson 1996)
ARABLE_INPUT = 1.6  # t C ha-1 a year, of unmanured barley at Hoosfield; the fit multiplies it
# months of barley at Hoosfield: when it covers the soil, and when its carbon comes in
CROPPED = np.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0], dtype=float)
CROP_SHARE = np.array([0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0, 0])
LAST_YEAR = 2014
FITTED_UNTIL = 1981


def soils() -> pd.DataFrame:
    """Plots of the two treatments: year and month of sampling, content, bulk density."""
    table = pd.read_csv(data_folder() / SOIL, na_values="*")
    table = table[table["percent_soc"].notna()]
    date = pd.to_datetime(table["sampling_date"], format="%Y-%m-%d %H:%M:%S", errors="coerce")
    spring = date.isna()  # of 1956 only the season is known
    return table.assign(
        sampled=date.dt.year.where(~spring, table["year"]),
        month=date.dt.month.where(~spring, 4.0),
    )


def measured(treatment: str, *, fixed_depth: bool = False) -> pd.DataFrame:
    """Mean stocks [t C ha-1] with the sd of the mean over plots, one row per sampling.

    The stock is that of the soil mass of 1948 (equivalent soil mass, Ellert & Bettany 1995): the
    crops' soil became denser, so that 23 cm hold more soil. `fixed_depth` takes 23 cm as they are.
    """
    table = soils()
    table = table[table["rotation_factor_level_code"].isin(TREATMENTS[treatment])]
    if treatment == "arable":  # both treatments start from the grass of 1948
        first = soils().query("year == 1948")
        table = pd.concat([first, table])
    density = table["bulk_density"] if fixed_depth else PASTURE_BD
    table = table.assign(soc_tc_ha=table["percent_soc"] * density * DEPTH_CM)
    table = table[table["soc_tc_ha"].notna()]
    group = table.groupby("year")
    return pd.DataFrame(
        {
            "year": group["sampled"].median().round(),
            "month": group["month"].median().round(),
            "soc_tc_ha": group["soc_tc_ha"].mean(),
            "sd_tc_ha": group["soc_tc_ha"].std() / np.sqrt(group.size()),
        }
    ).reset_index(drop=True)


def normals() -> pd.DataFrame:
    """Mean temperature [degC] and pan evaporation [mm] of the months, 1961-1990."""
    path = data_folder() / NORMALS
    table = pd.read_csv(path, skiprows=NORMALS_HEADER, nrows=MONTHS, header=None, encoding="latin1")
    return pd.DataFrame({"temperature_c": table[6], "evaporation_mm": table[10]}).astype(float)


def rain(first: int, last: int) -> np.ndarray:
    """Observed rain [mm] of every month."""
    sheet = openpyxl.load_workbook(data_folder() / RAIN, data_only=True).worksheets[0]
    rows = {row[0]: row[1 : 1 + MONTHS] for row in sheet.iter_rows(min_row=2, values_only=True)}
    return np.array([rows[year] for year in range(first, last + 1)], dtype=float).ravel()


def site(treatment: str, observed: pd.DataFrame | None = None) -> Site:
    """The run of a treatment: the grass of 1948 in equilibrium, then grass or crops.

    The spin-up year is grass with the mean rain of 1919-1948; its input is scaled to the stock.
    """
    before = rain(1919, 1948).reshape(-1, MONTHS).mean(axis=0)
    years = LAST_YEAR - 1948 + 1
    weather = pd.concat([normals()] * years, ignore_index=True)
    month = np.arange(len(weather))
    crops = (month >= MONTHS) & (treatment == "arable")
    grass_input = 1.0 / MONTHS
    share, cover = np.tile(CROP_SHARE, years), np.tile(CROPPED, years)
    table = pd.DataFrame(
        {
            "year": 1948.0 + month // MONTHS,
            "month": month % MONTHS + 1.0,
            **weather,
            "rain_mm": np.concatenate([before, rain(1949, LAST_YEAR)]),
            "carbon_input_tc_ha": np.where(crops, ARABLE_INPUT * share, grass_input),
            "fym_tc_ha": 0.0,
            "plant_cover": np.where(crops, cover, 1.0),
            "dpm_rpm": DPM_RPM,
        }
    )
    run = SiteRun(
        months=table,
        clay_pct=CLAY_PCT,
        depth_cm=DEPTH_CM,
        soc_tc_ha=GRASSED_1948,
        spin_up_months=MONTHS,
        evaporation="pan",
        scale_all=treatment == "grass",
    )
    return Site(treatment, run, measured(treatment) if observed is None else observed)
