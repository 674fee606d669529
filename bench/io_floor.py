"""The floor of a run: read every input once, write every map, compute nothing.

`python -m bench.io_floor RUN_TOML OUT` does it with the library calls of recarb, for a case that
was run before: the outcome map of that run tells which cells have values.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.asked import Asked
from bench.country_run import SMALL, TARGET, measured_floor, prepared
from bench.rasters import BLOCK
from bench.results import Record
from recarb.core.config import RunConfig, load_config
from recarb.core.grid import Tile, tiles
from recarb.harmonise.calendar import bands_of_years
from recarb.harmonise.climate import ClimateReader
from recarb.io.cog import MapSpec, MapWriter
from recarb.io.raster import LayerFile, describe, read, read_raw_codes
from recarb.sequestration.flags import flags
from recarb.sequestration.layers import LAND_USE, describe_layers
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.output import DIAGNOSTICS
from recarb.sequestration.products import diagnostics, products

BANDS = 12  # read at once
TILE_CELLS = 256  # cells along a tile that is written at once
STEP = 1e-3  # by which the values of one map differ from those of the next [-]


def measured(asked: Asked) -> list[Record]:
    """The floor of the case "country"."""
    found = []
    for cells in asked.sizes((SMALL,), (TARGET,)):
        config, ran = prepared(asked, cells)
        runs = [measured_floor(asked, config) for _ in range(asked.repeats)]
        found.append(Record("io_floor", f"country, {cells:,}", ran, tuple(runs)))
    return found


def read_inputs(config: RunConfig) -> int:
    """Read every band a run uses once, by windows, and return how many values there were."""
    values = 0
    for key, layer in describe_layers(config).items():
        for window in _windows(layer):
            if key in LAND_USE:
                values += read_raw_codes(layer, layer.layer.band or 1, window.roi)[0].size
            else:
                bands = [layer.layer.band] if layer.layer.band else range(1, layer.count + 1)
                values += read(layer, list(bands), window.roi).size
    for name, climate in config.climate.items():
        reader = ClimateReader(name, climate, None, config.model)
        for key, file in reader.files.items():
            used = _used_bands(config, reader, key)
            for first in range(0, len(used), BANDS):
                for window in _windows(file):
                    values += read(file, used[first : first + BANDS], window.roi).size
    return values


def write_maps(config: RunConfig, out: Path) -> int:
    """Write as many maps as the run, with values where the run had some, and return how many."""
    soc = describe("soc", config.inputs.soc)
    outcome = describe("land_use", config.inputs.land_use.model_copy(update={
        "path": config.output / DIAGNOSTICS / f"{config.iso3}_outcome.tif"}))  # fmt: skip
    staging = out / ".staging"
    staging.mkdir(parents=True, exist_ok=True)
    measures, codes = _specs(config)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(MapWriter(spec, soc.geobox, staging)) for spec in measures + codes
        ]
        for tile in tiles(
            (soc.geobox.shape[0], soc.geobox.shape[1]), config.tile_cells or TILE_CELLS
        ):
            _write_tile(soc, outcome, tile, writers)
        for writer in writers:
            writer.publish(out)
    return len(writers)


def _write_tile(soc: LayerFile, outcome: LayerFile, tile: Tile, writers: list[MapWriter]) -> None:
    """The stock times a factor in every map of measures, 0 in the flags, the outcome as it is."""
    found, valid = read_raw_codes(outcome, 1, tile.roi)
    runs = valid & (found == Outcome.RUN)
    known: NDArray[np.float64] = np.where(valid, found, np.nan).astype(np.float64)
    stock = np.where(runs, read(soc, [1], tile.roi)[0], np.nan)
    row, column = tile.rows.start, tile.columns.start
    for number, writer in enumerate(writers):
        if writer.spec.name in {"outcome", "land_use"}:
            writer.write(known, row, column)
        elif runs.any():
            flag = writer.spec.dtype == "uint8"
            values = np.where(runs, 0.0, np.nan) if flag else stock * (1.0 + STEP * number)
            writer.write(values, row, column)


def _specs(config: RunConfig) -> tuple[list[MapSpec], list[MapSpec]]:
    """The maps of measures and those of codes."""
    made = [*products(config), *diagnostics(config)]
    measures = [MapSpec(product.key, product.title, product.unit) for product in made]
    names = [flag.key for flag in flags(config)] + ["outcome", "land_use"]
    return measures, [MapSpec(name, name, "code", "uint8") for name in names]


def _used_bands(config: RunConfig, reader: ClimateReader, key: str) -> list[int]:
    """Bands of a climate layer that some phase needs, 1-based."""
    file, months = reader.files[key], reader.months[key]
    wanted = [config.spin_up] if config.spin_up.climate == reader.name else []
    phases = [phase.years for phase in wanted]
    if config.warm_up is not None and config.warm_up.climate == reader.name:
        phases.append(config.warm_up.years)
    if reader.config.climatology or None in phases:
        return list(range(1, file.count + 1))
    bands = [bands_of_years(file, months, years) for years in phases if years is not None]
    return np.unique(np.concatenate(bands)).tolist() if bands else []


def _windows(layer: LayerFile) -> Iterator[Tile]:
    """Rows of the file's tiles, one after the other."""
    height, width = layer.geobox.shape
    for row in range(0, height, BLOCK):
        yield Tile(slice(row, min(row + BLOCK, height)), slice(0, width))


if __name__ == "__main__":
    settings = load_config(Path(sys.argv[1]))
    read_inputs(settings)
    write_maps(settings, Path(sys.argv[2]))
