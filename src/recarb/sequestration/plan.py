"""How a run fits a machine: the size of tiles, how many at once, and what GDAL may cache.

The memory a run needs at its peak is, in bytes,

    BASE + boundary + caches + threads * tile^2 * working + in_flight * tile^2 * result

where `tile` is the side of a tile in cells. Nothing in it grows with the country. The maps do not
depend on any of it.
"""

import math
import os
from dataclasses import dataclass

import psutil
from pydantic import ByteSize, TypeAdapter, ValidationError

from recarb.core.config import RunConfig
from recarb.core.errors import ConfigError
from recarb.harmonise.interpolate import margin_of
from recarb.harmonise.regrid import cell_ratio
from recarb.rothc.equilibrium import INPUTS
from recarb.sequestration.chains import chains
from recarb.sequestration.ensemble_maps import ensemble_products
from recarb.sequestration.inputs import UNIT_BLOCK, UNIT_BLOCKS_KEPT, CountryInputs
from recarb.sequestration.monte_carlo import share_maps, uncertainty_maps, working_bytes
from recarb.sequestration.products import diagnostics, products

MIB = 2**20
FLOAT64, FLOAT32, UNIT_NUMBER = 8, 4, 2  # bytes

SIZES = (256, 128, 64, 32, 16)  # cells along a tile; also blocks a GeoTIFF may have
SMALL = 64  # cells along a tile: smaller ones, whose reading costs as much, only to save memory
TILES_PER_THREAD = 4  # at least, so that threads end together
AHEAD = 2  # tiles begun for each thread: one may be finished while another waits to be written

# Measured on the example country with a finer SOC map, and rounded up
BASE_BYTES = 490 * MIB  # Python, its libraries, the check, compiling the model
SERIES_COPIES = 5  # arrays of every month of the warm-up, while a tile is computed
ENSEMBLE_COPIES = 3  # temperature, rain and PET of the cells that a model beside RothC runs on
READING_COPIES = 5  # arrays of every month of the longest series, where climate is as fine as SOC
YEAR_COPIES = 40  # arrays of twelve months
NATIVE_BYTES = 12  # for each cell of the finest map under a cell of the SOC map

CACHE_SHARE = 8  # the part of the memory that GDAL's block cache takes
LEAST_CACHE, MOST_CACHE = 32 * MIB, 1024 * MIB
CLIMATE_SHARE = 16  # the part of the memory that decoded climate takes
MOST_CLIMATE = 256 * MIB
STEEP_DEG = 60.0  # latitude at which the margin of the climate is counted
YEAR = 12


@dataclass(frozen=True)
class Plan:
    """What a run uses of the machine."""

    tile_cells: int
    threads: int
    in_flight: int
    gdal_cache_bytes: int
    climate_cache_bytes: int
    peak_bytes: int

    def line(self) -> str:
        """For run.log."""
        return (
            f"{self.threads} thread(s), tiles of {self.tile_cells} x {self.tile_cells} cells, "
            f"at most {_readable(self.peak_bytes)} of memory"
        )


@dataclass(frozen=True)
class Sources:
    """What the maps under a tile add to its memory."""

    native_cells: float  # of the finest map, under one cell of the SOC map
    climate_side: float  # side of a cell of the SOC map in cells of the finest climate
    climate_margin: int  # cells of climate read around a tile
    climate_months: int  # read at once


def sources_of(inputs: CountryInputs) -> Sources:
    """The finest map and the finest climate of a country."""
    grid, choices = inputs.grid, inputs.config.model
    sides = [cell_ratio(layer.geobox, grid) or 1.0 for layer in inputs.layers.values()]
    climates = [
        (cell_ratio(reader.grid_of(name), grid) or 1.0, reader, name)
        for reader in inputs.climates.values()
        for name in reader.files
    ]
    side, reader, name = max(climates, key=lambda found: found[0])
    margin = margin_of(reader.grid_of(name), choices.climate_fill_km, STEEP_DEG)
    return Sources(
        native_cells=max(sides) ** 2,
        climate_side=side,
        climate_margin=max(margin),
        climate_months=max(file.count for file in reader.files.values()),
    )


def plan_run(
    config: RunConfig,
    shape: tuple[int, int],
    sources: Sources,
    threads: int,
    memory_bytes: int,
    kept_tile_cells: int | None = None,
    shared_by: int = 1,
) -> Plan:
    """Choose tiles and threads for a grid of `shape`.

    Parameters
    ----------
    threads, memory_bytes : what the run may use of the machine
    kept_tile_cells : size of the tiles of an interrupted run; kept where it fits
    shared_by : machines or processes like this one among which the tiles are divided

    Raises
    ------
    ConfigError
        The memory is too little even for one thread and the smallest tiles.
    """
    wanted = max(SMALL, math.sqrt(shape[0] * shape[1] / (TILES_PER_THREAD * threads * shared_by)))
    if config.monte_carlo is not None:
        wanted = SMALL  # a tile then takes long: progress is seen, and little is lost
    sizes = [size for size in SIZES if size <= wanted]
    if kept_tile_cells is not None:
        sizes = [kept_tile_cells, *sizes]
    if config.tile_cells is not None:
        sizes = [config.tile_cells]
    cache, climate = gdal_cache_bytes(memory_bytes), climate_cache_bytes(memory_bytes)
    counts = range(threads, 0, -1)  # rather smaller tiles than fewer threads, if not too small
    choices = [(count, size) for count in counts for size in sizes]
    for count, size in sorted(choices, key=lambda c: c[1] < SMALL and c[1] != kept_tile_cells):
        peak = _peak_bytes(config, sources, count, size, cache + climate)
        if peak <= memory_bytes:
            return Plan(size, count, AHEAD * count, cache, climate, peak)
    alone = _peak_bytes(config, sources, 1, sizes[-1], cache=0)
    free = 1.0 - 1.0 / CACHE_SHARE - 1.0 / CLIMATE_SHARE
    least = max((alone + LEAST_CACHE) / (1.0 - 1.0 / CLIMATE_SHARE), alone / free)
    raise ConfigError(
        f"{_readable(memory_bytes)} of memory are too little for this run; the smallest that would "
        f"do is --memory {math.ceil(least / MIB)}MiB"
        + (", or choose smaller tile_cells in run.toml" if config.tile_cells else "")
    )


def gdal_cache_bytes(memory_bytes: int) -> int:
    """What GDAL may keep of the blocks of its files."""
    return min(max(memory_bytes // CACHE_SHARE, LEAST_CACHE), MOST_CACHE)


def climate_cache_bytes(memory_bytes: int) -> int:
    """What may be kept of decoded climate."""
    return min(memory_bytes // CLIMATE_SHARE, MOST_CLIMATE)


def machine_threads() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine_memory_bytes() -> int:
    """Half of the machine's memory: the rest is for what else it does."""
    return int(psutil.virtual_memory().total) // 2


def parse_memory(text: str) -> int:
    """Bytes of a size such as "2GiB", "1.5 GB" or "800MB".

    >>> parse_memory("2GiB")
    2147483648

    Raises
    ------
    ConfigError
        It is no size.
    """
    try:
        found = TypeAdapter(ByteSize).validate_python(text)
    except ValidationError as error:
        raise ConfigError(
            f"--memory wants a size with its unit, like 2GiB or 800MB; came {text!r}"
        ) from error
    if found < MIB:
        raise ConfigError(f"--memory {text} is less than 1 MiB; is the unit missing? Like 2GiB")
    return int(found)


def _peak_bytes(config: RunConfig, sources: Sources, threads: int, size: int, cache: int) -> int:
    """The formula at the head of this module."""
    boundary = UNIT_BLOCK**2 * UNIT_NUMBER * UNIT_BLOCKS_KEPT if config.boundary else 0
    working = size**2 * _working_bytes_per_cell(config, sources) + _climate_bytes(size, sources)
    working += working_bytes(config)
    result = size**2 * number_of_maps(config) * FLOAT32
    return BASE_BYTES + boundary + cache + threads * (working + AHEAD * result)


def number_of_maps(config: RunConfig) -> int:
    """Bands of numbers that a run writes."""
    lists = (products, diagnostics, ensemble_products, uncertainty_maps)
    bands = sum(len(of_shares) for of_shares in share_maps(config).values())
    return sum(len(maps(config)) for maps in lists) + bands


def _working_bytes_per_cell(config: RunConfig, sources: Sources) -> int:
    years = config.warm_up.years[1] - config.warm_up.years[0] + 1 if config.warm_up else 0
    copies = SERIES_COPIES + (ENSEMBLE_COPIES if config.ensemble.models else 0)
    numbers = YEAR * (copies * years + YEAR_COPIES) + _numbers_ahead(config)
    return FLOAT64 * numbers + math.ceil(NATIVE_BYTES * sources.native_cells)


def _numbers_ahead(config: RunConfig) -> int:
    """Of one cell, where the years ahead differ: the months, and the response of every year."""
    ahead = config.forward
    ramp = ahead.climate_change is not None and ahead.climate_change.ramp_years > 0
    if not (ahead.year_by_year or ramp or config.inputs.land_use_forward):
        return 0
    members = len(chains(config.uncertainty))
    horizons = max(members, len(ahead.further))  # further ones of the plain chain alone
    courses = members * (len(config.scenarios) + 1)
    return ahead.last * (SERIES_COPIES * YEAR + INPUTS * (horizons + courses))


def _climate_bytes(size: int, sources: Sources) -> int:
    side = math.ceil(size * sources.climate_side) + 2 * (sources.climate_margin + 1)
    return READING_COPIES * FLOAT64 * side**2 * sources.climate_months


def _readable(size: int) -> str:
    return ByteSize(size).human_readable()
