"""The maps of a run: layers of the country, its boundary, climate products."""

from typing import Literal, Self

from pydantic import Field, model_validator

from recarb.core.config.fields import AnyFloat, ByCode, File, Model, Month, TablePath

PetMethod = Literal["fao56", "hargreaves", "thornthwaite"]


class Layer(Model):
    """One raster: GeoTIFF, NetCDF or anything GDAL reads."""

    path: File
    unit: str | None = None  # needed where the file's tags do not name one
    band: int | None = Field(default=None, ge=1)  # for a single layer in a file of many bands
    variable: str | None = None  # for a NetCDF with several variables
    nodata: tuple[AnyFloat, ...] = ()  # further values that mean "missing", beside the file's own
    apply_scale: bool = True  # false: ignore the scale factor in the file's tags
    first: Month | None = None  # first month of a series whose file does not tell


class Override(Layer):
    """Where this layer is at least `at_least`, land use is class `land_use`."""

    at_least: float
    land_use: int


class LandUseLayer(Layer):
    """A land-use or land-cover map and the table that reads its legend."""

    crosswalk: TablePath = "esa_cci_fao_scripts"
    options: ByCode = {}  # {20: 13}: ESA irrigated
    override: tuple[Override, ...] = ()


class Inputs(Model):
    """The maps of the country. `soc` defines the grid."""

    soc: Layer
    clay: Layer
    land_use: LandUseLayer
    land_use_spin_up: LandUseLayer | None = None
    land_use_yearly: LandUseLayer | None = None  # one band per warm-up year
    land_use_forward: LandUseLayer | None = None  # one band, or one per year ahead
    cover: Layer | None = None
    elevation: Layer | None = None
    irrigation: Layer | None = None
    npp_reference: Layer | None = None
    soc_uncertainty: Layer | None = None
    soc_sd: Layer | None = None
    soc_low: Layer | None = None
    soc_high: Layer | None = None
    clay_uncertainty: Layer | None = None
    clay_sd: Layer | None = None
    clay_low: Layer | None = None
    clay_high: Layer | None = None
    temperature_sd: Layer | None = None
    rain_sd: Layer | None = None
    cover_sd: Layer | None = None
    c_input_sd: Layer | None = None
    gain_sd: Layer | None = None
    zones: Layer | None = None
    sand: Layer | None = None
    silt: Layer | None = None
    bulk_density: Layer | None = None
    organic_carbon: Layer | None = None
    electrical_conductivity: Layer | None = None
    peat: Layer | None = None
    wetland: Layer | None = None

    @model_validator(mode="after")
    def _one_spread(self) -> Self:
        for key in ("soc", "clay"):
            sd, low, high = (getattr(self, f"{key}_{of}") for of in ("sd", "low", "high"))
            if (low is None) != (high is None):
                raise ValueError(f"give {key}_low and {key}_high together, or neither")
            if sd is not None and low is not None:
                raise ValueError(f"give either {key}_sd, or {key}_low and {key}_high, not both")
        return self


class Boundary(Model):
    """Polygons of the country; `unit_field` names its administrative units."""

    path: File
    unit_field: str | None = None


class Climate(Model):
    """One climate product: a monthly series, or twelve long-term means."""

    product: str
    temperature: Layer
    rain: Layer
    pet: Layer | None = None
    pet_method: PetMethod | None = None
    temperature_min: Layer | None = None
    temperature_max: Layer | None = None
    radiation: Layer | None = None
    vapour_pressure: Layer | None = None
    wind: Layer | None = None
    wind_height_m: float = 10.0
    climatology: bool = False
    elevation: Layer | None = None  # the product's own orography, if it has one

    @model_validator(mode="after")
    def _one_pet(self) -> Self:
        if (self.pet is None) == (self.pet_method is None):
            raise ValueError("give either `pet` (a layer) or `pet_method`, and not both")
        return self

    def layers(self) -> dict[str, Layer]:
        """The variables that are given, by catalogue name."""
        names = ("temperature", "rain", "pet", "temperature_min", "temperature_max")
        more = ("radiation", "vapour_pressure", "wind")
        found = {name: getattr(self, name) for name in names + more}
        return {name: layer for name, layer in found.items() if layer is not None}
