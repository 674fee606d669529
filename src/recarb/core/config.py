"""run.toml: every choice of a run, checked when it is read. Unknown keys are errors.

Paths are relative to the folder of run.toml, or URLs (see `core.paths`); `~` and `$NAME`
(environment) are expanded. Units stand in the keys. Defaults are those of the GSOCseq technical
manual unless a comment says otherwise.
"""

import hashlib
import json
import math
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from recarb.core.errors import ConfigError
from recarb.core.paths import WEB, AnyPath, is_file, is_remote, parse_path, read_text

LAST_SLASH = re.compile(r"(?<=[^:/])/+$")  # not that of "/" or "s3://"
FIRST_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


def _resolve(path: Any, info: ValidationInfo) -> Any:
    if not isinstance(path, str | AnyPath):
        raise ValueError(f"expected a path or a URL, came {path!r}")
    return parse_path(path, (info.context or {}).get("folder", Path(".")))


def _resolve_output(path: Any, info: ValidationInfo) -> Any:
    found = _resolve(LAST_SLASH.sub("", path) if isinstance(path, str) else path, info)
    if is_remote(found) and (found.protocol in WEB or not found.name):
        raise ValueError(
            f"expected a folder on a disk or in an object store, came {found}; write a path like "
            '"out", or a URL like "s3://bucket/kenya/out"'
        )
    return found


def _table_path(name: Any, info: ValidationInfo) -> Any:
    """A crosswalk that ships keeps its name; a country's own table is a path."""
    if not isinstance(name, str | AnyPath):
        raise ValueError(f"expected the name of a table or a path, came {name!r}")
    return _resolve(name, info) if Path(str(name)).suffix in {".csv", ".toml"} else name


def _as_is(path: Any, info: SerializationInfo) -> Any:
    """Paths stay paths; pydantic would take a UPath apart, storage options and all."""
    return str(path) if info.mode_is_json() else path


def _first_month(text: str) -> str:
    if not FIRST_MONTH.match(text):
        raise ValueError(f'expected year and month like "1981-01", got {text!r}')
    return text


def _class_keys(table: Any) -> Any:
    return {int(k): v for k, v in table.items()} if isinstance(table, dict) else table


AsIs = PlainSerializer(_as_is)
File = Annotated[AnyPath, PlainValidator(_resolve), AsIs]
Folder = Annotated[AnyPath, PlainValidator(_resolve_output), AsIs]
Month = Annotated[str, AfterValidator(_first_month)]
ByClass = Annotated[dict[int, float], BeforeValidator(_class_keys)]
AnyFloat = Annotated[float, Field(allow_inf_nan=True)]
Years = tuple[int, int]
PetMethod = Literal["fao56", "hargreaves", "thornthwaite"]


class Model(BaseModel):
    """Base of all tables of run.toml."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,
        ser_json_inf_nan="strings",  # JSON has no word for NaN
    )


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

    crosswalk: Annotated[str | AnyPath, PlainValidator(_table_path), AsIs] = "esa_cci_fao_scripts"
    options: Annotated[dict[int, int], BeforeValidator(_class_keys)] = {}  # {20: 13}: ESA irrigated
    override: tuple[Override, ...] = ()


class Inputs(Model):
    """The maps of the country. `soc` defines the grid."""

    soc: Layer
    clay: Layer
    land_use: LandUseLayer
    land_use_spin_up: LandUseLayer | None = None
    land_use_yearly: LandUseLayer | None = None  # one band per warm-up year
    cover: Layer | None = None
    elevation: Layer | None = None
    irrigation: Layer | None = None
    npp_reference: Layer | None = None
    soc_uncertainty: Layer | None = None
    clay_uncertainty: Layer | None = None
    zones: Layer | None = None
    sand: Layer | None = None
    electrical_conductivity: Layer | None = None
    peat: Layer | None = None
    wetland: Layer | None = None


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


class SpinUp(Model):
    """Phase 1: the climate under which the mapped stock is taken as in equilibrium."""

    climate: str
    years: Years | None = None


class WarmUp(Model):
    """Phase 2: from the year of the SOC map to t0, year by year."""

    climate: str
    years: Years


class Forward(Model):
    """Phase 3: the projection, on the mean climate of the warm-up (without one, the spin-up's)."""

    years: int = Field(default=20, ge=1, le=500)
    climate: str | None = None


class NppReference(Model):
    """Reference years of the NPP ratio; by default those of the spin-up."""

    years: Years | None = None
    irrigation_counts_as_rain: bool = False


class Choices(Model):
    """Choices of the model beside RothC's own parameters."""

    depth_cm: float = Field(default=30.0, gt=0, le=100)
    soc_year: int = 2000
    lapse_rate_c_per_km: float = -6.5
    climate_fill_km: float = Field(default=60.0, ge=0)  # nearest valid climate cell, own judgement
    modelled_land_use: tuple[int, ...] | None = None
    dpm_rpm: ByClass = {}
    crop_calendar: dict[str, tuple[int, ...]] = {}  # class -> cropped months 1..12
    crop_rain_to_pet: float = 0.5  # cropped where P > 0.5 PET, own judgement
    crop_min_temperature_c: float = 5.0  # and T > 5 degC, own judgement
    input_share: dict[str, tuple[float, ...]] = {}  # class -> 12 monthly shares of the annual input
    rothc: dict[str, float] = {}  # RothC parameters to change, by name


class Scenario(Model):
    """A level of sustainable soil management: a gain in carbon input, or an absolute input."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    gain_pct: float = Field(default=0.0, ge=-100.0)
    gain_pct_by_land_use: ByClass = {}
    gain_pct_by_zone: ByClass = {}
    c_input_tc_ha_per_yr: float | None = Field(default=None, ge=0)

    @property
    def is_plain(self) -> bool:
        """Whether it is one gain for the whole country."""
        special = self.gain_pct_by_land_use or self.gain_pct_by_zone
        return not special and self.c_input_tc_ha_per_yr is None


class Uncertainty(Model):
    """The two extra chains of manual ch. 12, and the formula of a rate's uncertainty."""

    chains: bool = True
    soc_pct: float = Field(default=20.0, ge=0, lt=100)
    clay_pct: float = Field(default=10.0, ge=0, lt=100)
    rain_pct: float = Field(default=5.0, ge=0, lt=100)
    temperature_c: float = Field(default=0.3, ge=0)
    gain_points: float = Field(default=15.0, ge=0)
    rate_formula: Literal["chains", "sum", "independent"] = "chains"
    ssm_map: str | None = None  # scenario of SSM_UncertaintyMap; default SSM2, else the last
    rate_floor_tc_ha_per_yr: float = Field(default=0.001, ge=0)


class Flags(Model):
    """Limits of the exclusion flags of manual ch. 5. Deliveries are not masked (ch. 13)."""

    soc_above_tc_ha: float = 200.0
    sand_above_pct: float = 90.0
    electrical_conductivity_above_ds_m: float = 4.0


class Suspicion(Model):
    """Limits beyond which an input is suspicious (own judgement; each has a code in `accept`)."""

    rain_below_mm_per_yr: float = 60.0
    rain_above_mm_per_yr: float = 6000.0
    pet_below_mm_per_yr: float = 120.0
    clay_below_pct: float = 1.5
    amplitude_above_c: float = 60.0
    temperature_jump_c: float = 1.5
    rain_jump_pct: float = 25.0


STANDARD_SCENARIOS = (
    Scenario(name="SSM1", gain_pct=5.0),
    Scenario(name="SSM2", gain_pct=10.0),
    Scenario(name="SSM3", gain_pct=20.0),
)


class RunConfig(Model):
    """A whole run, as written in run.toml."""

    iso3: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    iso2: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    name: str = ""
    note: str = ""
    output: Annotated[Folder, Field(default="out", validate_default=True)]
    accept: tuple[str, ...] = ()
    agricultural_emissions_mt_co2e_per_yr: float | None = Field(default=None, gt=0)
    tile_cells: int | None = Field(default=None, ge=8, le=4096)  # default: the plan's choice
    inputs: Inputs
    boundary: Boundary | None = None
    climate: dict[str, Climate]
    spin_up: SpinUp
    warm_up: WarmUp | None = None
    forward: Forward = Forward()
    npp_reference: NppReference = NppReference()
    model: Choices = Choices()
    scenarios: tuple[Scenario, ...] = STANDARD_SCENARIOS
    uncertainty: Uncertainty = Uncertainty()
    flags: Flags = Flags()
    suspicion: Suspicion = Suspicion()

    @model_validator(mode="after")
    def _phases_fit(self) -> Self:
        used = {self.spin_up.climate}
        used |= {self.warm_up.climate} if self.warm_up else set()
        used |= {self.forward.climate} if self.forward.climate else set()
        if missing := sorted(used - set(self.climate)):
            raise ValueError(f"no [climate.{missing[0]}] is given; there is {sorted(self.climate)}")
        if self.warm_up and self.climate[self.warm_up.climate].climatology:
            raise ValueError(
                "the warm-up goes year by year, but "
                f"climate.{self.warm_up.climate} has twelve means "
                "(climatology = true): name a series in warm_up.climate, or remove [warm_up]"
            )
        if self.warm_up and self.warm_up.years[0] != self.model.soc_year + 1:
            raise ValueError(
                f"the warm-up starts in {self.warm_up.years[0]}, but the SOC map is of "
                f"{self.model.soc_year}: it has to start in {self.model.soc_year + 1} "
                "(set model.soc_year, or warm_up.years)"
            )
        _unique_scenarios(self.scenarios)
        by_zone = [s.name for s in self.scenarios if s.gain_pct_by_zone]
        if by_zone and self.inputs.zones is None:
            raise ValueError(
                f"scenario {by_zone[0]} has gains by zone, but there is no map of zones: "
                "give inputs.zones, or remove gain_pct_by_zone"
            )
        if self.uncertainty.ssm_map not in {None, *(s.name for s in self.scenarios)}:
            raise ValueError(f"uncertainty.ssm_map {self.uncertainty.ssm_map!r} is no scenario")
        return self

    @property
    def ssm_scenario(self) -> str | None:
        """The scenario of SSM_UncertaintyMap."""
        names = [scenario.name for scenario in self.scenarios]
        if self.uncertainty.ssm_map or not names:
            return self.uncertainty.ssm_map
        return "SSM2" if "SSM2" in names else names[-1]

    def fingerprint(self) -> str:
        """Hash of the resolved configuration, wherever its files lie, however it is tiled [hex]."""
        values = _with_paths(self.model_dump(exclude={"output", "tile_cells"}), _name)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def local_output(self) -> Path:
        """The output folder.

        Raises
        ------
        ConfigError
            It is a URL.
        """
        if not isinstance(self.output, Path):
            raise ConfigError(f"expected an output folder on a local disk, came {self.output}")
        return self.output

    def absolute(self) -> Self:
        """The same with whole paths, for a process that was started in another folder."""
        return self.model_validate(self.model_dump(), context={"folder": Path.cwd()})

    def portable(self) -> dict[str, Any]:
        """The resolved configuration for JSON, paths relative to the output folder's parent.

        The record of a run then says the same wherever its folder lies. URLs stay whole, and so do
        local paths where the output is a URL.
        """
        start = self.output.parent if isinstance(self.output, Path) else None

        def relative(path: AnyPath) -> str:
            if not isinstance(path, Path):
                return str(path)
            if start is None:
                return path.absolute().as_posix()
            try:
                return Path(os.path.relpath(path, start)).as_posix()
            except ValueError:  # another drive, on Windows
                return path.as_posix()

        found: dict[str, Any] = _with_paths(self.model_dump(), relative)
        return found


def _name(path: AnyPath) -> str:
    return path.name


def _with_paths(value: Any, change: Callable[[AnyPath], str]) -> Any:
    """The same tree for JSON: every path changed to text, NaN (a nodata value) too."""
    if isinstance(value, dict):
        return {str(key): _with_paths(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_with_paths(item, change) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    return change(value) if isinstance(value, AnyPath) else value


def _unique_scenarios(scenarios: tuple[Scenario, ...]) -> None:
    names = [scenario.name for scenario in scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "BAU" in names:
        raise ValueError(f"scenario names must be unique and none is BAU: {twice or ['BAU']}")


def load_config(path: str | AnyPath) -> RunConfig:
    """Read and check run.toml, from a local path or a URL.

    Raises
    ------
    ConfigError
        With every fault of the file, one per line.
    InputError
        The server it lies on cannot be reached.
    """
    try:
        path = parse_path(path)
    except ValueError as error:
        raise ConfigError(f"run.toml: {error}") from error
    table = _read_table(path)
    context = {"folder": path.parent}
    try:
        return RunConfig.model_validate(table, context=context)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(str(part) for part in fault['loc']) or 'run.toml'}: "
            + fault["msg"].removeprefix("Value error, ")
            for fault in error.errors()
        ]
        raise ConfigError(f"{path}: {len(lines)} fault(s):\n" + "\n".join(lines)) from error


def _read_table(path: AnyPath) -> dict[str, Any]:
    if not is_file(path):
        raise ConfigError(f"{path}: no such file; write one with: recarb init ISO3")
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        advice = "; write paths with / or in single quotes" if "\\" in str(error) else ""
        raise ConfigError(f"{path}: not valid TOML: {error}{advice}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
