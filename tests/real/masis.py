"""Soil profiles of North Macedonia (MASIS) as measured stocks for `recarb validate`.

`points/north_macedonia_masis_{site,horizon}.csv` of the data folder. Their coordinates are metres
of EPSG:6204 (not stated there; found by the profiles that also stand, in degrees, among the
training data of the SOC map). Used by the test and by `docs/figures/validation.py`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer
from tests.realdata import data_folder

POINTS = Path("points")
TRAINING = Path("north_macedonia/profiles/dsm_training_dataproc_soc.csv")
CRS = "EPSG:6204"  # MGI 1901 / Macedonia State Coordinate System
DEPTH_CM = 30.0
HUMUS_TO_C = 1.724  # van Bemmelen
HIGHEST_HUMUS_PCT = 20.0  # beyond: peat, or an error of the table (its largest is 306)
DENSITIES_G_CM3 = (0.5, 2.0)  # a mineral soil; beyond: an error of the table


def training() -> pd.DataFrame:
    """Profiles the SOC map was made from: id, X, Y [degrees]."""
    return pd.read_csv(data_folder() / TRAINING).set_index("id")


def sites() -> pd.DataFrame:
    """Longitude, latitude and year (NaN if unknown) of every profile that stands there once."""
    table = pd.read_csv(data_folder() / POINTS / "north_macedonia_masis_site.csv")
    table = table.drop_duplicates("pid").set_index("pid")
    change = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    longitude, latitude = change.transform(table["x"].to_numpy(), table["y"].to_numpy())
    return table.assign(longitude=longitude, latitude=latitude)


def stock_tc_ha(horizons: pd.DataFrame) -> float:
    """Stock of 0-30 cm of one profile, NaN unless all of it is measured and possible.

    Carbon, density and stones of every horizon; humus / 1.724, stones as a share of the volume as
    the makers of the SOC map take them.
    """
    at, stock = 0.0, 0.0
    for row in horizons.sort_values("top").itertuples():
        if row.top != at or row.bottom <= row.top:
            return np.nan
        within = (
            0.0 <= row.humus <= HIGHEST_HUMUS_PCT
            and DENSITIES_G_CM3[0] <= row.bd <= DENSITIES_G_CM3[1]
            and 0.0 <= row.coarse_frag < 100.0
        )
        if not within:
            return np.nan
        thickness = min(row.bottom, DEPTH_CM) - row.top
        stock += row.humus / HUMUS_TO_C * row.bd * thickness * (1.0 - row.coarse_frag / 100.0)
        at = row.bottom
        if at >= DEPTH_CM:
            return stock
    return np.nan


def observed(*, in_training: bool) -> pd.DataFrame:
    """The table for `recarb validate`, of profiles the SOC map knew, or of those it did not."""
    horizons = pd.read_csv(data_folder() / POINTS / "north_macedonia_masis_horizon.csv")
    known = horizons["pid"].isin(training().index)
    horizons = horizons[known if in_training else ~known]
    tops = horizons[horizons["top"] == 0].dropna(subset=["humus", "bd", "coarse_frag"])
    horizons = horizons[horizons["pid"].isin(tops["pid"])]
    stocks = pd.Series({pid: stock_tc_ha(part) for pid, part in horizons.groupby("pid")})
    table = sites().join(stocks[stocks > 0.0].rename("soc_tc_ha"), how="inner")
    table = table.assign(site=table.index, depth_cm=DEPTH_CM)
    columns = ["site", "longitude", "latitude", "year", "soc_tc_ha", "depth_cm"]
    return table[columns].reset_index(drop=True)
