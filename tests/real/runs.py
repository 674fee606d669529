"""The real runs: their run.toml, its variants, and the maps a run left.

Used by the tests beside it and by `docs/figures/real_runs.py`. `RECARB_DATA` (or ../shared/data)
holds the inputs; what is written goes below a folder the caller names, as `RECARB_OUT`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import rasterio
from numpy.typing import NDArray
from tests.realdata import data_folder

from recarb.core.config import RunConfig, load_config
from recarb.sequestration import pipeline

Floats = NDArray[np.float64]

FOLDER = Path(__file__).parent
NAMES = ("iberia", "zambia_eastern", "north_macedonia", "global_0p5deg")
EVI = "north_macedonia_evi"

FULL_COVER = """
[model.crop_calendar] # annual crops and paddy count as covered all year
2 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
13 = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
"""

BHUTAN = "bhutan"
BHUTAN_OFFICIAL = Path("bhutan/gsocseq_official")
BHUTAN_LAND_USE = "bhutan_land_use.tif"
CROPLAND, NO_CLASS = 2, 0
ENSEMBLE = """
[inputs.sand] # coarse: one value for 0.5 degrees
path = "$RECARB_DATA/{name}/soil_lpjguess_0p5deg_pct.tif"
unit = "%"
band = 3

[ensemble]
models = ["icbm", "ipcc-tier2"]
"""

EVI_THRESHOLD = 0.20  # own choice: bare soil and dead straw lie near 0.1, young crops above 0.2
EVI_SENSOR = Path("north_macedonia/evi_bimonthly_modis.tif")  # JanFeb, MarApr, ... NovDec
EVI_COVER = "north_macedonia_evi_cover.tif"
MONTHS_PER_BAND = 2


@dataclass(frozen=True)
class Finished:
    """A finished run: its configuration, its report and its maps."""

    config: RunConfig
    report: pipeline.RunReport

    def map(self, stem: str) -> Floats:
        """One deliverable as (y, x), NaN where it has no value: `map("RSR_SSM1_Map030")`."""
        return read_map(self.report.folder / f"{self.config.iso3}_GSOCseq_{stem}.tif")

    def diagnostic(self, stem: str) -> Floats:
        """One diagnostic as (y, x), NaN where it has no value: `diagnostic("C_eq")`."""
        return read_map(self.report.folder / "diagnostics" / f"{self.config.iso3}_{stem}.tif")

    def flag(self, key: str) -> Floats:
        """One flag layer as (y, x): 1 set, 0 not set, NaN where nothing was modelled."""
        return read_map(self.report.folder / "flags" / f"{self.config.iso3}_flag_{key}.tif")


def read_map(path: Path, band: int = 1) -> Floats:
    """One band of a raster as float64, NaN where it has no value."""
    with rasterio.open(path) as source:
        return source.read(band, masked=True).astype(np.float64).filled(np.nan)


def toml_text(name: str) -> str:
    """The run.toml of a region as it stands in the repository."""
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def load(name: str, out: Path, more: str = "") -> RunConfig:
    """The configuration of a region with the lines `more` added, writing below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.toml"
    path.write_text(toml_text(name) + more, encoding="utf-8")
    folders = {"RECARB_DATA": str(data_folder()), "RECARB_OUT": str(out)}
    with mock.patch.dict(os.environ, folders):
        return load_config(path)


def ensemble(name: str) -> str:
    """The lines that run other models beside RothC."""
    return ENSEMBLE.format(name=name)


def finish(name: str, out: Path, more: str = "") -> Finished:
    """Run a region from its run.toml to its maps below `out`."""
    if name == EVI:
        write_evi_cover(out / EVI_COVER)
    if name == BHUTAN:
        write_bhutan_land_use(out / BHUTAN_LAND_USE)
    config = load(name, out, more)
    return Finished(config, pipeline.run(config, overwrite=True))


def write_evi_cover(path: Path, threshold: float = EVI_THRESHOLD) -> Path:
    """Plant cover of North Macedonia, 12 months, from MODIS EVI: 1 where it reaches `threshold`.

    Each of the six two-monthly means serves both of its months. A real cover share would count the
    single images above a threshold; two-monthly means can only say covered or not.
    """
    with rasterio.open(data_folder() / EVI_SENSOR) as source:
        evi = source.read(masked=True).astype(np.float64).filled(np.nan)
        profile = source.profile
    share = np.where(np.isfinite(evi), (evi >= threshold).astype(np.float64), profile["nodata"])
    profile.update(count=len(share) * MONTHS_PER_BAND, dtype="float32", driver="GTiff")
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile) as target:
        target.write(np.repeat(share, MONTHS_PER_BAND, axis=0).astype(np.float32))
    return path


def write_bhutan_land_use(path: Path) -> Path:
    """Cropland where the submitted map has a stock at t0; what it was there is not published."""
    with rasterio.open(data_folder() / BHUTAN_OFFICIAL / "Bhutan_GSOCseq_T0_Map030.tif") as source:
        stock = source.read(1, masked=True).filled(0.0)
        profile = source.profile
    profile.update(dtype="uint8", nodata=NO_CLASS, driver="GTiff")
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile) as target:
        target.write(np.where(stock > 0.0, CROPLAND, NO_CLASS).astype(np.uint8), 1)
    return path
