"""Climate stays on its own grid and is interpolated to the cells as it is used.

Temperature is corrected by the lapse rate times the difference between the cell's elevation and the
elevation averaged to the climate cells and interpolated the same way.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import Choices, Climate
from recarb.core.errors import GridMismatch, MissingData
from recarb.core.grid import LONLAT, cell_centres, transform
from recarb.core.sums import running_sum
from recarb.harmonise.calendar import YEAR, bands_of_years, days_of, months_of
from recarb.harmonise.field_cache import FieldCache
from recarb.harmonise.interpolate import Sampler, margin_of, sampler, stencil, window_of
from recarb.harmonise.pet import PET_METHODS, potential_evapotranspiration
from recarb.harmonise.regrid import aligned_shift, to_grid
from recarb.io.raster import ROI, LayerFile, describe, read

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Years = tuple[int, int] | None
Reduce = Literal["months", "climatology", "years"]

M_PER_KM = 1000.0


@dataclass(frozen=True)
class Points:
    """Where climate is wanted: longitude, latitude [degrees], elevation [m, NaN where unknown]."""

    lon: Floats
    lat: Floats
    elevation: Floats | None


@dataclass(frozen=True)
class Sample:
    """Climate at points: (time, point) in degC, mm per month or year, and what was not plain."""

    temperature: Floats
    rain: Floats
    pet: Floats | None
    filled: Bools  # taken from the nearest valid climate cell
    missing: Bools  # no valid climate cell near enough
    uncorrected: Bools  # no elevation at the point: no lapse-rate correction


class ClimateReader:
    """One climate product of run.toml, opened and checked."""

    def __init__(
        self,
        name: str,
        config: Climate,
        elevation: LayerFile | None,
        choices: Choices,
        cache: FieldCache | None = None,
    ) -> None:
        self.name = name
        self.cache = cache or FieldCache()
        self.config = config
        self.choices = choices
        self.files: Mapping[str, LayerFile] = {
            key: describe(key, layer) for key, layer in config.layers().items()
        }
        self.months = {key: months_of(file, config.climatology) for key, file in self.files.items()}
        self.orography = _orography(config, elevation)
        if config.pet_method is not None:
            self._check_pet(config.pet_method)

    def _check_pet(self, method: str) -> None:
        for key in PET_METHODS[method]:
            if key not in self.files:
                raise MissingData(
                    f"climate.{self.name}: PET by {method} needs {', '.join(PET_METHODS[method])}; "
                    f"{key} is not given"
                )
            if self.files[key].geobox != self.files["temperature"].geobox:
                raise GridMismatch(
                    f"climate.{self.name}: PET by {method} needs its variables on one grid; {key} "
                    "lies on another grid than temperature"
                )
            if not np.array_equal(self.months[key], self.months["temperature"]):
                raise MissingData(f"climate.{self.name}: {key} has other months than temperature")

    def grid_of(self, variable: str) -> GeoBox:
        """The grid a variable lies on; computed PET lies on that of temperature."""
        return self.files.get(variable, self.files["temperature"]).geobox

    def fields(self, variable: str, years: Years, roi: ROI) -> Floats:
        """Monthly fields (time, y, x) of a window of the variable's own grid."""
        if variable in self.files:
            file, months = self.files[variable], self.months[variable]
            bands = self._bands(variable, years)
            days = days_of(months, self.config.climatology)[bands - 1]
            return read(file, bands.tolist(), roi, days)
        return self._computed_pet(years, roi)

    def _bands(self, variable: str, years: Years) -> NDArray[np.int64]:
        months = self.months[variable]
        if self.config.climatology or years is None:
            return np.arange(1, months.size + 1)
        return bands_of_years(self.files[variable], months, years)

    def _computed_pet(self, years: Years, roi: ROI) -> Floats:
        method = self.config.pet_method
        assert method is not None  # noqa: S101 - the config has either a layer or a method
        grid = self.grid_of("temperature")
        rows, columns = np.mgrid[roi[0], roi[1]]
        x, y = cell_centres(grid, rows, columns)
        _, lat = transform(x, y, grid.crs, LONLAT)
        # Thornthwaite's heat index is that of the whole series: a month has one PET in all phases
        block = None if method == "thornthwaite" else years
        bands = self._bands("temperature", block)
        months = self.months["temperature"][bands - 1]
        climate = xr.Dataset(
            {
                key: (("time", "y", "x"), self.fields(key, block, roi))
                for key in PET_METHODS[method]
            },
            coords={"time": months.astype("datetime64[ns]")},
        )
        elevation = self.coarse_elevation(roi)
        pet = potential_evapotranspiration(
            method,
            climate,
            latitude=xr.DataArray(lat, dims=("y", "x")),
            elevation=None if elevation is None else xr.DataArray(elevation, dims=("y", "x")),
            climatology=self.config.climatology,
            wind_height_m=self.config.wind_height_m,
        )
        wanted = np.isin(bands, self._bands("temperature", years))
        return np.ascontiguousarray(pet.transpose("time", "y", "x").values[wanted])

    def coarse_elevation(self, roi: ROI) -> Floats | None:
        """Elevation averaged to the cells of a window of the temperature grid [m]."""
        if self.orography is None:
            return None
        return to_grid(self.orography, self.grid_of("temperature"), roi=roi)

    def sample(self, points: Points, years: Years, reduce: Reduce, pet: bool = True) -> Sample:
        """Climate at points, as monthly series, as twelve means, or as yearly mean T and sum P."""
        temperature, where, no_height = self._temperature(points, years, reduce)
        rain, also = self._interpolated("rain", points, years, reduce)
        wet = [where, also]
        evaporation = None
        if pet:
            evaporation, again = self._interpolated("pet", points, years, reduce)
            wet.append(again)
        return Sample(
            temperature=temperature,
            rain=rain,
            pet=evaporation,
            filled=np.logical_or.reduce([s.filled for s in wet]),
            missing=np.logical_or.reduce([s.missing for s in wet]),
            uncorrected=no_height,
        )

    def _reduced_fields(self, variable: str, years: Years, reduce: Reduce, roi: ROI) -> Floats:
        def load(block: ROI) -> Floats:
            return _reduced(self.fields(variable, years, block), variable, reduce)

        height, width = self.grid_of(variable).shape
        return self.cache.window((self.name, variable, years, reduce), (height, width), roi, load)

    def _height(self, roi: ROI) -> Floats:
        """Elevation of the temperature grid, (1, y, x) [m]."""

        def load(block: ROI) -> Floats:
            height = self.coarse_elevation(block)
            assert height is not None  # noqa: S101 - asked for where there is an orography
            return height[None]

        rows, columns = self.grid_of("temperature").shape
        return self.cache.window((self.name, "elevation"), (rows, columns), roi, load)

    def _interpolated(
        self, variable: str, points: Points, years: Years, reduce: Reduce
    ) -> tuple[Floats, Sampler]:
        def load(roi: ROI) -> Floats:
            return self._reduced_fields(variable, years, reduce, roi)

        return _at_points(load, self.grid_of(variable), points, self.choices.climate_fill_km)

    def _temperature(
        self, points: Points, years: Years, reduce: Reduce
    ) -> tuple[Floats, Sampler, Bools]:
        no_correction = np.zeros(points.lon.size, dtype=bool)
        lapse = self.choices.lapse_rate_c_per_km
        if self.orography is None or points.elevation is None or lapse == 0.0:
            values, where = self._interpolated("temperature", points, years, reduce)
            return values, where, no_correction

        def load(roi: ROI) -> Floats:
            """Temperature and, as one more layer, the elevation it belongs to."""
            fields = self._reduced_fields("temperature", years, reduce, roi)
            return np.concatenate([fields, self._height(roi)])

        grid = self.grid_of("temperature")
        both, where = _at_points(load, grid, points, self.choices.climate_fill_km)
        values, height = both[:-1], both[-1]
        known = np.isfinite(points.elevation)
        difference_km = np.where(known, points.elevation - height, 0.0) / M_PER_KM
        return values + lapse * difference_km, where, ~known


def _orography(config: Climate, elevation: LayerFile | None) -> LayerFile | None:
    if config.elevation is not None:
        return describe("elevation", config.elevation)
    return elevation


def _reduced(fields: Floats, variable: str, reduce: Reduce) -> Floats:
    """(months, y, x) to the months, to twelve means, or to one value per year."""
    if reduce == "months":
        return fields
    by_year = fields.reshape(-1, YEAR, *fields.shape[1:])
    if reduce == "climatology":
        return np.asarray(running_sum(by_year) / by_year.shape[0])
    total = running_sum(by_year.swapaxes(0, 1))
    return np.asarray(total / YEAR) if variable == "temperature" else total


def _at_points(
    load: Callable[[ROI], Floats], grid: GeoBox, points: Points, fill_km: float
) -> tuple[Floats, Sampler]:
    """Interpolate; the wider window of the nearest-cell search is read only where it is needed."""
    x, y = transform(points.lon, points.lat, LONLAT, grid.crs)
    found = stencil(x, y, grid)
    where = (points.lon, points.lat)
    window = window_of(found, grid, (1, 1))
    fields = load(window)
    cut = sampler(found, _valid(fields), window, where, grid, fill_km=0.0)
    if cut.missing.any() and fill_km > 0.0:
        steepest = float(np.abs(points.lat[cut.missing]).max())
        window = window_of(found, grid, margin_of(grid, fill_km, steepest))
        fields = load(window)
        cut = sampler(found, _valid(fields), window, where, grid, fill_km)
    return cut.apply(fields), cut


def _valid(fields: Floats) -> Bools:
    """Cells that have every month."""
    return np.asarray(np.isfinite(fields).all(axis=0))


def same_grid(one: GeoBox, other: GeoBox) -> bool:
    """Whether two grids are one."""
    return one.shape == other.shape and aligned_shift(one, other) == (0, 0)
