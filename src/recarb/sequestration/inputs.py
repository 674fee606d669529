"""From a country's files to the cells the model runs on, tile by tile.

`CountryInputs` opens what run.toml names; `load` brings one tile to the SOC grid. Every cell of the
tile gets an outcome, and only those that can run get climate.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import RunConfig
from recarb.core.grid import LONLAT, Tile, cell_areas_ha, cell_centres, check_grid, transform
from recarb.core.quantities import catalogue
from recarb.core.sums import running_mean
from recarb.harmonise.calendar import YEAR, climatology_months, days_of
from recarb.harmonise.climate import ClimateReader, Points, Sample
from recarb.harmonise.climate_change import changed
from recarb.harmonise.crosswalk import load_crosswalk
from recarb.harmonise.field_cache import FieldCache
from recarb.harmonise.regrid import to_grid
from recarb.io.raster import LayerFile
from recarb.io.vectors import OUTSIDE, Units, read_units
from recarb.sequestration.ahead import classes_ahead
from recarb.sequestration.carbon_input import yearly_npp
from recarb.sequestration.layers import (
    BY_YEAR,
    LAND_USE,
    MONTHLY,
    classes_on_grid,
    describe_layers,
)
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.practices.measures import check_units
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.variants import TEXTURE, with_texture

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

OF_DRAWS = (
    *(f"{of}_{how}" for of in ("soc", "clay") for how in ("sd", "low", "high")),
    *(f"{of}_sd" for of in ("temperature", "rain", "cover", "c_input", "gain")),
)
SPREADS = ("soc_uncertainty", "clay_uncertainty", *OF_DRAWS)
AXES = {"warm_up": "time", "reference": "reference", "ahead": "time_ahead"}  # of months or years
UNIT_BLOCK = 512  # cells along a side of the blocks in which the boundary is rasterized
UNIT_BLOCKS_KEPT = 200  # two rows of blocks of a world of 1 km; 100 MB
OF_CELLS = ("zones", "sand", "peat")  # as they are, where they are given
FLAG_LAYERS = ("sand", "electrical_conductivity", "peat", "wetland")


@dataclass(frozen=True)
class LoadedTile:
    """One tile: the outcome and the unit of every cell, its area, and the cells that can run."""

    tile: Tile
    outcome: Bytes
    units: NDArray[np.uint16]
    area_ha: Floats  # 0 in a tile without a stock
    land_use: Bytes  # 0 where there is no stock or it lies outside
    flags: Mapping[str, Floats]
    cells: xr.Dataset


class CountryInputs:
    """All inputs of a run, opened and described, not yet read.

    Raises
    ------
    RecarbError
        On the first layer that cannot be used; `checks.check_run` collects all of them.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.tables = ModelTables.of(config)
        self.layers = describe_layers(config)
        self.grid: GeoBox = self.layers["soc"].geobox
        check_grid(self.grid, self.layers["soc"].where)
        self.crosswalks = {
            key: load_crosswalk(layer.crosswalk, options=layer.options)
            for key in LAND_USE
            if (layer := getattr(config.inputs, key)) is not None
        }
        self.units = _units(config, self.grid)
        check_units(config, self.units.names if self.units else ())
        self._unit_blocks: dict[tuple[int, int], NDArray[np.uint16]] = {}
        self.climate_cache = FieldCache()
        self.climates = {
            name: ClimateReader(
                name, climate, self.layers.get("elevation"), config.model, self.climate_cache
            )
            for name, climate in config.climate.items()
        }

    def load(self, tile: Tile | None = None) -> LoadedTile:
        """Bring one tile (default: the whole grid) to the SOC grid and its cells to the model."""
        tile = tile or Tile(slice(0, self.grid.shape[0]), slice(0, self.grid.shape[1]))
        units = self.unit_numbers(tile)
        soc = to_grid(self.layers["soc"], self.grid, self.layers["soc"].layer.band or 1, tile.roi)
        if not (candidates := (units != OUTSIDE) & (soc > 0.0)).any():
            return self._empty(tile, units, soc)
        choices = self.config.model
        maps = self._static_maps(tile) | {"soc": soc}
        maps = with_texture(maps, choices.variant, choices.depth_cm)
        if self.config.monte_carlo is None:  # a gap in what is not asked for excludes no cell
            maps = {key: values for key, values in maps.items() if key not in OF_DRAWS}
        land_use = {key: self._land_use(key, tile) for key in LAND_USE if key in self.layers}
        outcome = self._outcome(maps, land_use, units)
        rows, columns = np.nonzero(outcome == Outcome.RUN)
        cells = self._cells(maps, land_use, tile, (rows, columns))
        if self.units is not None:
            cells["unit"] = ("cell", units[rows, columns])
            cells.attrs["unit_names"] = self.units.names
        if rows.size:
            cells = self._with_climate(cells, maps, (rows, columns))
            outcome[rows, columns] = cells["outcome"].values
            running = cells["outcome"].values == np.uint8(Outcome.RUN)
            if not running.all():
                cells = cells.isel(cell=running)
        return LoadedTile(
            tile=tile,
            outcome=outcome,
            units=units,
            area_ha=cell_areas_ha(self.grid, tile),
            land_use=np.where(candidates, land_use["land_use"][0], np.uint8(0)),
            flags={key: maps[key] for key in FLAG_LAYERS if key in maps},
            cells=cells,
        )

    def _empty(self, tile: Tile, units: NDArray[np.uint16], soc: Floats) -> LoadedTile:
        """A tile without a stock inside the boundary: no other layer is read."""
        outcome = np.full(tile.shape, Outcome.OUTSIDE, dtype=np.uint8)
        outcome[units != OUTSIDE] = Outcome.NO_SOC
        outcome[(units != OUTSIDE) & (soc == 0.0)] = Outcome.ZERO_SOC
        return LoadedTile(
            tile=tile,
            outcome=outcome,
            units=units,
            area_ha=np.zeros(tile.shape),
            land_use=np.zeros(tile.shape, dtype=np.uint8),
            flags={},
            cells=xr.Dataset(coords={key: ("cell", np.empty(0, int)) for key in ("row", "column")}),
        )

    def _static_maps(self, tile: Tile) -> dict[str, Floats]:
        def on_grid(layer: LayerFile, band: int, days: float | None = None) -> Floats:
            return to_grid(layer, self.grid, band, tile.roi, days)

        layers = {key: layer for key, layer in self.layers.items() if key not in LAND_USE}
        found = {
            key: on_grid(layer, layer.layer.band or 1)
            for key, layer in layers.items()
            if key not in {*MONTHLY, "soc"}
        }
        days = days_of(climatology_months(), climatology=True).tolist()
        for key in MONTHLY:
            if key in layers:
                months = [on_grid(layers[key], m + 1, days[m]) for m in range(YEAR)]
                found[key] = np.stack(months)
        return found

    def _land_use(self, key: str, tile: Tile) -> Bytes:
        """Classes of a tile, (band, y, x): reclassified on the native grid, then modal."""
        layer, config = self.layers[key], getattr(self.config.inputs, key)
        band = None if key == "land_use_yearly" else layer.layer.band
        every = key in BY_YEAR and band is None
        bands = range(1, layer.count + 1) if every else [band or 1]
        legend = self.crosswalks[key]
        return np.stack(
            [classes_on_grid(layer, band, legend, config, self.grid, tile.roi) for band in bands]
        )

    def unit_numbers(self, tile: Tile) -> NDArray[np.uint16]:
        """Number of the administrative unit of every cell of a tile, (y, x); 0 outside.

        Cut from blocks that are the same for every tile: on a border that runs through the very
        centre of a cell the rasterizer decides by rounding, and so by its window.
        """
        found = np.ones(tile.shape, dtype=np.uint16)
        if self.units is None:
            return found
        size, top, left = UNIT_BLOCK, tile.rows.start, tile.columns.start
        for row in range(top - top % size, tile.rows.stop, size):
            rows = slice(max(top, row), min(tile.rows.stop, row + size))
            for column in range(left - left % size, tile.columns.stop, size):
                columns = slice(max(left, column), min(tile.columns.stop, column + size))
                found[_moved(rows, top), _moved(columns, left)] = self._unit_block(row, column)[
                    _moved(rows, row), _moved(columns, column)
                ]
        return found

    def _unit_block(self, row: int, column: int) -> NDArray[np.uint16]:
        """Unit numbers of the block that starts at a row and column of the grid."""
        assert self.units is not None  # noqa: S101 - asked for by `unit_numbers` alone
        found = self._unit_blocks.get((row, column))
        if found is None:  # single steps on the dict: another thread may clear or fill it meanwhile
            if len(self._unit_blocks) >= UNIT_BLOCKS_KEPT:
                self._unit_blocks.clear()
            box = self.grid[row : row + UNIT_BLOCK, column : column + UNIT_BLOCK]
            found = self._unit_blocks[row, column] = self.units.on_grid(box)
        return found

    def _outcome(
        self, maps: Mapping[str, Floats], land_use: Mapping[str, Bytes], units: NDArray[np.uint16]
    ) -> Bytes:
        """First reason, in a fixed order, why a cell does not run."""
        latest, soc = land_use["land_use"][0], maps["soc"]
        known = np.isfinite(self.tables.dpm_rpm) & np.isfinite(self.tables.npp_fraction)
        earlier = [classes for key in LAND_USE[1:] for classes in land_use.get(key, ())]
        reasons: list[tuple[Outcome, Bools]] = [
            (Outcome.OUTSIDE, units == OUTSIDE),
            (Outcome.NO_SOC, np.isnan(soc)),
            (Outcome.ZERO_SOC, soc == 0.0),
            (Outcome.NO_LAND_USE, latest == 0),
            (Outcome.NOT_MODELLED, ~self.tables.modelled[latest]),
            (Outcome.NO_CLAY, np.isnan(maps["clay"])),
        ]
        reasons += [(Outcome.LAND_USE_HISTORY, ~known[classes]) for classes in (latest, *earlier)]
        for key, outcome in (
            ("cover", Outcome.NO_COVER),
            ("irrigation", Outcome.NO_IRRIGATION),
            ("zones", Outcome.NO_ZONE),
            ("npp_reference", Outcome.NO_NPP_REFERENCE),
            *((key, Outcome.NO_UNCERTAINTY_LAYER) for key in SPREADS),
            *((key, Outcome.NO_TEXTURE) for key in TEXTURE),
        ):
            if key in maps:
                by_month = np.isnan(maps[key]).reshape(-1, *soc.shape)
                reasons.append((outcome, np.asarray(by_month.any(axis=0))))
        for key in ("soc", "clay"):
            if f"{key}_low" in maps:
                low, high = maps[f"{key}_low"], maps[f"{key}_high"]
                reasons.append((Outcome.NO_UNCERTAINTY_LAYER, ~((low > 0.0) & (low <= high))))
        found = np.full(soc.shape, Outcome.RUN, dtype=np.uint8)
        for outcome, where in reversed(reasons):
            found[where] = outcome
        return found

    def _cells(
        self,
        maps: Mapping[str, Floats],
        land_use: Mapping[str, Bytes],
        tile: Tile,
        at: tuple[NDArray[np.intp], NDArray[np.intp]],
    ) -> xr.Dataset:
        latest = land_use["land_use"][0][at]
        before = land_use["land_use_spin_up"][0][at] if "land_use_spin_up" in land_use else latest
        rows, columns = at[0] + tile.rows.start, at[1] + tile.columns.start
        cells = xr.Dataset(
            {
                "soc": ("cell", maps["soc"][at]),
                "clay": ("cell", maps["clay"][at]),
                "land_use": ("cell", latest),
                "land_use_spin_up": ("cell", before),
                "outcome": ("cell", np.full(latest.size, Outcome.RUN, dtype=np.uint8)),
            },
            coords={"row": ("cell", rows), "column": ("cell", columns)},
            attrs={
                "irrigation_counts_as_rain": self.config.npp_reference.irrigation_counts_as_rain,
                "inputs_follow_npp": self.config.forward.inputs_follow_npp,
                "year_by_year": self.config.forward.year_by_year,
                "cover_threshold": self.tables.parameters.cover_threshold,
            },
        )
        if "land_use_yearly" in land_use:
            yearly = land_use["land_use_yearly"][:, at[0], at[1]]
            cells["land_use_yearly"] = (("year", "cell"), yearly)
        if "land_use_forward" in land_use:
            ahead = land_use["land_use_forward"][:, at[0], at[1]]
            cells["land_use_ahead"] = (
                ("year_ahead", "cell"),
                classes_ahead(latest, ahead, self.config.forward),
            )
        irrigation = (
            maps["irrigation"][:, *at] if "irrigation" in maps else np.zeros((YEAR, latest.size))
        )
        cells["irrigation"] = (("month", "cell"), irrigation)
        if "cover" in maps:
            cells["cover_layer"] = (("month", "cell"), maps["cover"][:, *at])
        for key in (*OF_CELLS, "npp_reference", *SPREADS, *TEXTURE):
            if key in maps:
                cells[key] = ("cell", maps[key][at])
        return _with_catalogue_attrs(cells)

    def _with_climate(
        self,
        cells: xr.Dataset,
        maps: Mapping[str, Floats],
        at: tuple[NDArray[np.intp], NDArray[np.intp]],
    ) -> xr.Dataset:
        points = self._points(cells, maps, at)
        found = self._climate_of_phases(points)
        missing = np.logical_or.reduce([sample.missing for sample in found.values()])
        filled = np.logical_or.reduce([sample.filled for sample in found.values()])
        bare = np.logical_or.reduce([sample.uncorrected for sample in found.values()])
        for phase, sample in found.items():
            axis = AXES.get(phase, "month")
            if phase == "ahead" and len(sample.temperature) == YEAR:
                axis = "month"
            cells[f"temperature_{phase}"] = ((axis, "cell"), sample.temperature)
            cells[f"rain_{phase}"] = ((axis, "cell"), sample.rain)
            if sample.pet is not None:
                cells[f"pet_{phase}"] = ((axis, "cell"), sample.pet)
        cells["climate_filled"] = ("cell", filled)
        cells["no_lapse_correction"] = ("cell", bare)
        cells["outcome"] = cells["outcome"].where(~missing, np.uint8(Outcome.NO_CLIMATE))
        if "npp_reference" in cells:
            cells["npp_reference_climate"] = ("cell", yearly_npp(cells, "spin_up")[0, 0])
        return _with_catalogue_attrs(with_cover(cells, self.tables, self.config))

    def _points(
        self,
        cells: xr.Dataset,
        maps: Mapping[str, Floats],
        at: tuple[NDArray[np.intp], NDArray[np.intp]],
    ) -> Points:
        x, y = cell_centres(self.grid, cells["row"].values, cells["column"].values)
        lon, lat = transform(x, y, self.grid.crs, LONLAT)
        elevation = maps["elevation"][at] if "elevation" in maps else None
        return Points(lon, lat, elevation)

    def _climate_of_phases(self, points: Points) -> dict[str, Sample]:
        config = self.config
        first = self.climates[config.spin_up.climate]
        found = {"spin_up": first.sample(points, config.spin_up.years, "climatology")}
        years = config.npp_reference.years or config.spin_up.years
        if not first.config.climatology and config.inputs.npp_reference is None:
            found["reference"] = first.sample(points, years, "years", pet=False)
        if config.warm_up is not None:
            series = self.climates[config.warm_up.climate]
            found["warm_up"] = series.sample(points, config.warm_up.years, "months")
        ahead = config.forward
        if ahead.climate is not None and not ahead.year_by_year:
            other = self.climates[ahead.climate]
            found["forward"] = other.sample(points, None, "climatology")
        elif config.warm_up is not None:
            found["forward"] = _mean_year(found["warm_up"])
        else:
            found["forward"] = found["spin_up"]
        if ahead.year_by_year and ahead.climate is not None:
            years = ahead.series_years(config.t0_year)
            found["ahead"] = self.climates[ahead.climate].sample(points, years, "months")
        elif ahead.climate_change is not None:
            found["ahead"] = changed(found["forward"], ahead.climate_change, ahead.last)
        return found


def open_inputs(config: RunConfig) -> CountryInputs:
    """Open the inputs of a run for a notebook: `open_inputs(config).load().cells` is a Dataset."""
    return CountryInputs(config)


def _moved(part: slice, origin: int) -> slice:
    """The same rows or columns, counted from `origin`."""
    return slice(part.start - origin, part.stop - origin)


def _mean_year(sample: Sample) -> Sample:
    """Twelve means of a monthly series at points."""

    def mean(series: Floats) -> Floats:
        return running_mean(series.reshape(len(series) // YEAR, YEAR, series.shape[1]))

    assert sample.pet is not None  # noqa: S101 - the warm-up is sampled with PET
    return Sample(
        mean(sample.temperature),
        mean(sample.rain),
        mean(sample.pet),
        sample.filled,
        sample.missing,
        sample.uncorrected,
    )


def with_cover(cells: xr.Dataset, tables: ModelTables, config: RunConfig) -> xr.Dataset:
    """Plant cover of each phase: the layer, or the table by land use with the crop calendar.

    One calendar serves all phases, from the spin-up's climate: a month that turned from cropped to
    bare between two phases would look like a change of the soil.
    """
    choices = config.model
    rain, pet = cells["rain_spin_up"].values, cells["pet_spin_up"].values
    warm = cells["temperature_spin_up"].values > choices.crop_min_temperature_c
    cropped = (rain > choices.crop_rain_to_pet * pet) & warm

    def cover(land_use: Bytes) -> Floats:
        if "cover_layer" in cells:
            return np.asarray(cells["cover_layer"].values)
        return tables.cover(land_use, cropped)

    month = ("month", "cell")
    cells = cells.assign(
        cover_spin_up=(month, cover(cells["land_use_spin_up"].values)),
        cover_forward=(month, cover(cells["land_use"].values)),
    )
    if "land_use_ahead" in cells and "cover_layer" not in cells:
        by_year = [cover(classes) for classes in cells["land_use_ahead"].values]
        cells["cover_ahead"] = (("month_ahead", "cell"), np.concatenate(by_year))
    if "temperature_warm_up" in cells:
        yearly = cells["land_use_yearly"].values if "land_use_yearly" in cells else None
        if yearly is None or "cover_layer" in cells:
            return cells.assign(cover_warm_up=cells["cover_forward"])
        by_year = [cover(classes) for classes in yearly]
        cells["cover_warm_up"] = (("time", "cell"), np.concatenate(by_year))
    return cells


def _with_catalogue_attrs(cells: xr.Dataset) -> xr.Dataset:
    """Units and long names of the catalogue on every variable that has them."""
    for name in cells.data_vars:
        for key in (str(name), str(name).rsplit("_spin_up")[0], str(name).split("_", 1)[0]):
            if key in catalogue():
                quantity = catalogue()[key]
                cells[name].attrs = {"units": quantity.unit, "long_name": quantity.long_name}
                break
    return cells


def _units(config: RunConfig, grid: GeoBox) -> Units | None:
    if config.boundary is None:
        return None
    return read_units(config.boundary.path, grid, config.boundary.unit_field)
