"""A sample of cells, brought to the model: whether any runs, and whether its input can grow."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import rasterio.features
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import RunConfig
from recarb.core.findings import Finding, Severity
from recarb.core.grid import Tile
from recarb.io.raster import ROI
from recarb.io.vectors import Units
from recarb.sequestration.carbon_input import reference_npp
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.check_report import CheckReport
from recarb.sequestration.climate_checks import MOST
from recarb.sequestration.compiling import compiling
from recarb.sequestration.inputs import CountryInputs, LoadedTile
from recarb.sequestration.ledger import MEANING, Outcome
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.suspicions import SuspicionCode, suspicion

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIDE = 16  # cells of one side of a sample tile
SAMPLE_TILES = 12
COMPILE_S = 12  # of the kernels of the spin-up, measured on two shared cores
MANY = 0.1  # share of the cells with SOC that may lack another layer without a word; own judgement
LACKING = (
    Outcome.NO_CLAY,
    Outcome.NO_LAND_USE,
    Outcome.NO_COVER,
    Outcome.NO_ZONE,
    Outcome.NO_NPP_REFERENCE,
    Outcome.NO_UNCERTAINTY_LAYER,
    Outcome.NO_IRRIGATION,
    Outcome.NO_CLIMATE,
)


class Occupied:
    """Which squares of `SIDE` cells hold any SOC; filled while the SOC map is checked."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.squares: Bools = np.zeros((-(-shape[0] // SIDE), -(-shape[1] // SIDE)), dtype=bool)

    def __call__(self, bands: list[int], window: ROI, values: Floats) -> None:
        """Add a block of full rows."""
        starts = np.arange(0, self.shape[1], SIDE)
        by_square = np.logical_or.reduceat(np.isfinite(values[0]), starts, axis=1)
        rows = np.arange(window[0].start, window[0].stop) // SIDE
        np.logical_or.at(self.squares, rows, by_square)

    def inside(self, units: Units | None, grid: GeoBox) -> None:
        """Keep the squares that the boundary touches."""
        if units is None:
            return
        a = grid.transform
        touched = rasterio.features.rasterize(
            units.shapes,
            out_shape=self.squares.shape,
            transform=Affine(SIDE * a.a, 0.0, a.c, 0.0, SIDE * a.e, a.f),
            all_touched=True,
            dtype="uint8",
        )
        self.squares &= touched > 0

    def tiles(self) -> Iterator[Tile]:
        """First the sample, evenly spread over the country; then all other squares."""
        at = np.argwhere(self.squares)
        chosen = np.linspace(0, len(at) - 1, min(SAMPLE_TILES, len(at))).round().astype(int)
        rest = np.setdiff1d(np.arange(len(at)), chosen)
        for row, column in at[np.concatenate([chosen, rest])].tolist():
            top, left = row * SIDE, column * SIDE
            yield Tile(
                slice(top, min(top + SIDE, self.shape[0])),
                slice(left, min(left + SIDE, self.shape[1])),
            )


@dataclass
class _Sample:
    """Sums over the cells of the sample."""

    above_npp: int = 0
    beside: dict[str, int] = field(default_factory=dict)
    outcomes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, dtype=np.int64))
    means: Floats = field(default_factory=lambda: np.zeros(4))

    def add(self, loaded: LoadedTile, inputs: CountryInputs) -> None:
        """Add a tile, and spin its cells up."""
        self.outcomes += np.bincount(loaded.outcome.ravel(), minlength=256)
        if not loaded.cells.sizes["cell"]:
            return
        state = spin_up(loaded.cells, inputs.tables)
        ended = state["outcome"].values
        self.outcomes[Outcome.RUN] -= ended.size
        self.outcomes += np.bincount(ended, minlength=256)
        running = ended == Outcome.RUN
        cells = loaded.cells.isel(cell=running)
        self.above_npp += int((state["c_eq"].values[running] > reference_npp(cells)[0]).sum())
        self.means += _phase_sums(cells)
        for key in ("soc", "clay"):
            if f"{key}_low" in cells:
                value, low, high = (cells[f"{key}{end}"].values for end in ("", "_low", "_high"))
                outside = int(((value < low) | (value > high)).sum())
                self.beside[key] = self.beside.get(key, 0) + outside

    @property
    def cells(self) -> int:
        """Cells that run."""
        return int(self.outcomes[Outcome.RUN])


def check_sample(
    report: CheckReport, config: RunConfig, inputs: CountryInputs, occupied: Occupied
) -> None:
    """Spin up some cells all over the country."""
    occupied.inside(inputs.units, inputs.grid)
    sample, tiles = _Sample(), 0
    for number, tile in enumerate(occupied.tiles()):
        if number >= SAMPLE_TILES and sample.cells:
            break  # beyond the sample only while nothing runs
        with nullcontext() if sample.cells else compiling(COMPILE_S, report.progress):
            loaded, tiles = inputs.load(tile), number + 1
            sample.add(loaded, inputs)
        if report.example is None and loaded.cells.sizes["cell"]:
            report.example = loaded.cells.isel(cell=slice(0, 1)).copy(deep=True)
    if not sample.cells:
        report.tell([_nothing_to_run(sample.outcomes)])
        return
    report.cells = sample.cells / tiles * int(occupied.squares.sum())
    report.tell(_lacking(sample.outcomes))
    report.tell(_above_npp(sample))
    report.tell(_beside(sample))
    report.tell(_jump(config, sample.means / sample.cells))


def _nothing_to_run(outcomes: NDArray[np.int64]) -> Finding:
    reasons = ", ".join(f"{outcomes[o]:,} cells: {MEANING[o]}" for o in Outcome if outcomes[o])
    return Finding(
        "nothing_to_run",
        Severity.ERROR,
        "run",
        f"no cell can be modelled ({reasons or 'no cell with SOC lies inside the boundary'})",
        "do the layers cover the country, is the crosswalk that of the land-cover map, and does "
        "modelled_land_use name its classes?",
    )


def _lacking(outcomes: NDArray[np.int64]) -> list[Finding]:
    """Layers that miss a good part of the country; its cells are left out and counted."""
    candidates = outcomes.sum() - outcomes[[Outcome.OUTSIDE, Outcome.NO_SOC]].sum()
    return [
        Finding(
            "partly_covered",
            Severity.WARNING,
            "run",
            f"{outcomes[outcome] / candidates:.0%} of the sampled cells with SOC are left out: "
            f"{MEANING[outcome]} ({outcome.name.lower()})",
            "does the layer cover the whole country, and is its nodata value right?",
        )
        for outcome in LACKING
        if outcomes[outcome] > MANY * candidates
    ]


def _above_npp(sample: _Sample) -> list[Finding]:
    if sample.above_npp <= MOST * sample.cells:
        return []
    return [
        suspicion(
            SuspicionCode.C_EQ_ABOVE_NPP,
            "spin-up",
            f"{sample.above_npp:,} of {sample.cells:,} sampled cells need more carbon input to "
            "hold their SOC than can grow there (MIAMI)",
            "is the SOC stock too high (unit?), or temperature, rain or PET wrong (unit?)?",
        )
    ]


def _beside(sample: _Sample) -> list[Finding]:
    """Confidence limits that are not of this map."""
    return [
        suspicion(
            SuspicionCode.LIMITS_BESIDE_MAP,
            f"{key}_low, {key}_high",
            f"{cells:,} of {sample.cells:,} sampled cells have {key} outside its own limits",
            f"are the limits of this {key} map, of the same depth and in the unit that is said?",
        )
        for key, cells in sample.beside.items()
        if cells > MANY * sample.cells
    ]


def _phase_sums(cells: xr.Dataset) -> Floats:
    """Sums over cells of mean temperature and yearly rain, of the spin-up and the forward phase."""
    return np.array(
        [
            cells["temperature_spin_up"].mean("month").values.sum(),
            cells["rain_spin_up"].values.sum(),
            cells["temperature_forward"].mean("month").values.sum(),
            cells["rain_forward"].values.sum(),
        ]
    )


def _jump(config: RunConfig, means: Floats) -> list[Finding]:
    warmer = means[2] - means[0]
    wetter = PERCENT * (means[3] - means[1]) / means[1] if means[1] > 0 else 0.0
    limits = config.suspicion
    if abs(warmer) <= limits.temperature_jump_c and abs(wetter) <= limits.rain_jump_pct:
        return []
    return [
        suspicion(
            SuspicionCode.CLIMATE_JUMP,
            "climate",
            f"from spin-up to forward the mean temperature moves by {warmer:+.2f} K and rain by "
            f"{wetter:+.0f} % (expected within {limits.temperature_jump_c:g} K and "
            f"{limits.rain_jump_pct:g} %)",
            "two products or two baselines fake a climate change; use one product for all phases",
        )
    ]
