"""The gain that a target needs, from the maps of a finished run.

One scenario with a plain gain is enough: the stock is linear in the input, so a gain of RSR at g %
becomes any other gain in proportion. Nothing is run again.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from recarb.core.config import Target
from recarb.core.errors import InputError
from recarb.core.findings import Progress, no_progress
from recarb.core.grid import Tile, tiles
from recarb.io.cog import BLOCK, MapSpec, MapWriter
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.output import DIAGNOSTICS
from recarb.sequestration.products import RATE, SHARE, depth_digits
from recarb.sequestration.run_folder import writing
from recarb.sequestration.targets import ABOVE_NPP, BAU_ABOVE_NPP, MET, gain_needed_pct, infeasible

Floats = NDArray[np.float64]

FOLDER = "targets"
LEVELS_PCT = (5.0, 10.0, 20.0, 30.0)  # the standard scenarios and the optional one
OF_THE_FILE = ("title", "units", "substance", "AREA_OR_POINT", "OVR_RESAMPLING_ALG")


@dataclass
class GainNeeded:
    """What a target needs: the maps, and cells by the least standard level that reaches it.

    `cells` counts by reason (see `targets`) and by level: "5", "10", "20", "30", "more".
    """

    maps: tuple[Path, Path]
    scenario: str
    cells: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Cells with a number."""
        return sum(self.cells.values())


@dataclass(frozen=True)
class _Run:
    """A finished run and the scenario that tells the response."""

    folder: Path
    iso3: str
    years: int
    scenario: str
    gain: float
    depth: str

    def path(self, stem: str) -> Path:
        return self.folder / f"{self.iso3}_GSOCseq_{stem}_Map{self.depth}.tif"

    def files(self) -> dict[str, Path]:
        diagnostics = self.folder / DIAGNOSTICS
        return {
            "rsr": self.path(f"RSR_{self.scenario}"),
            "risen": self.path("AbsDiff_BAU"),
            "c_bau": diagnostics / f"{self.iso3}_C_BAU.tif",
            "npp": diagnostics / f"{self.iso3}_NPP.tif",
        }


def gain_needed(folder: Path, target: Target, progress: Progress | None = None) -> GainNeeded:
    """Write the maps of the gain [%] and the input [t C ha-1 yr-1] that a target needs.

    Parameters
    ----------
    folder : of a finished run, with a scenario that is one gain for the whole country
    target : its years are those of the run

    Raises
    ------
    InputError
        The folder is no finished run, or has no such scenario.
    OutputError
        The maps cannot be written into `folder`/targets.
    """
    run = _read_run(folder)
    show, out = progress or no_progress, folder / FOLDER
    with ExitStack() as opened:
        sources = {key: opened.enter_context(_open(path)) for key, path in run.files().items()}
        first = sources["rsr"]
        tags = {key: text for key, text in first.tags().items() if key not in OF_THE_FILE}
        with writing(out):
            out.mkdir(exist_ok=True)
            staging = Path(opened.enter_context(TemporaryDirectory(dir=out)))
        specs = [
            MapSpec(f"{run.iso3}_{kind}_{target.name}", f"{title}, {target.name}", unit,
                    tags={**tags, "title": f"{title}, {target.name}", "units": unit})
            for kind, title, unit in (
                ("GainNeeded", "gain in carbon input needed", SHARE),
                ("InputNeeded", "carbon input needed", RATE),
            )
        ]  # fmt: skip
        box = GeoBox(first.shape, first.transform, str(first.crs))
        writers = [opened.enter_context(MapWriter(spec, box, staging)) for spec in specs]
        cells: dict[str, int] = {}
        for tile, values in _blocks(sources, show):
            needed, gain, counts = _of_block(run, target, values)
            for writer, found in zip(writers, (gain, needed), strict=True):
                writer.write(found, tile.rows.start, tile.columns.start)
            for key, number in counts.items():
                cells[key] = cells.get(key, 0) + number
        gain_path, input_path = (writer.publish(out) for writer in writers)
    return GainNeeded((gain_path, input_path), run.scenario, cells)


def _read_run(folder: Path) -> _Run:
    try:
        config = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["config"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{folder}: expected the folder of a finished run with its provenance.json ({error}); "
            "run it first: recarb run run.toml"
        ) from error
    plain = [one for one in config["scenarios"] if _is_plain(one) and one["gain_pct"] > 0.0]
    if not plain:
        raise InputError(
            f"{folder}: no scenario of this run is one gain for the whole country, so the response "
            'to input is not known; add one: [[scenarios]] name = "SSM3", gain_pct = 20.0'
        )
    largest = max(plain, key=lambda one: one["gain_pct"])
    years, depth = int(config["forward"]["years"]), depth_digits(config["model"]["depth_cm"])
    gain = largest["gain_pct"] / PERCENT
    return _Run(folder, config["iso3"], years, largest["name"], gain, depth)


def _is_plain(scenario: Mapping[str, Any]) -> bool:
    special = ("gain_pct_by_land_use", "gain_pct_by_zone", "c_input_tc_ha_per_yr", "practices")
    return not any(scenario.get(key) for key in special)


def _open(path: Path) -> Any:
    try:
        return rasterio.open(path)
    except rasterio.RasterioIOError as error:
        raise InputError(f"{path}: a map of the run is not there ({error})") from error


def _blocks(sources: Mapping[str, Any], show: Progress) -> Iterator[tuple[Tile, dict[str, Floats]]]:
    """Every block of the maps, NaN where they have no value."""
    todo = tiles(sources["rsr"].shape, BLOCK)
    for done, tile in enumerate(todo):
        show(done, len(todo), "gain needed")
        window = Window.from_slices(tile.rows, tile.columns)
        yield (
            tile,
            {
                key: source.read(1, window=window, masked=True).astype(np.float64).filled(np.nan)
                for key, source in sources.items()
            },
        )
    show(len(todo), len(todo), "gain needed")


def _of_block(
    run: _Run, target: Target, values: Mapping[str, Floats]
) -> tuple[Floats, Floats, dict[str, int]]:
    """Input and gain needed of one block (y, x), and cells by reason and level."""
    c_bau, npp = values["c_bau"], values["npp"]
    with np.errstate(invalid="ignore", divide="ignore"):
        response = values["rsr"] * run.years / (run.gain * c_bau)
        risen = values["risen"] if target.against_today else 0.0
        needed = c_bau + (target.stock_tc_ha(run.years) - risen) / response
        gain = gain_needed_pct(needed, c_bau)
    known = np.isfinite(gain)
    needed, gain = np.where(known, needed, np.nan), np.where(known, gain, np.nan)
    where = infeasible(needed, c_bau, npp)
    counts = {reason: int(where[reason].sum()) for reason in (MET, ABOVE_NPP, BAU_ABOVE_NPP)}
    rest = gain[known & ~np.logical_or.reduce(list(where.values()))]
    below = 0
    for level in LEVELS_PCT:
        reach = int((rest <= level).sum())
        counts[f"{level:g}"] = reach - below
        below = reach
    counts["more"] = rest.size - below
    return needed, gain, counts
