"""The whole of run.toml: how it is read, and how it is written into the record of a run."""

import hashlib
import json
import math
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from recarb.core.config.ensemble import Ensemble, check_ensemble
from recarb.core.config.fields import Folder, Model
from recarb.core.config.forward import Forward, check_forward
from recarb.core.config.layers import Boundary, Climate, Inputs
from recarb.core.config.limits import Flags, Suspicion, Uncertainty
from recarb.core.config.monte_carlo import MonteCarlo
from recarb.core.config.phases import Choices, NppReference, SpinUp, WarmUp
from recarb.core.config.protocol import FAO_R, Protocol, check_fao_r
from recarb.core.config.scenarios import (
    STANDARD_SCENARIOS,
    Scenario,
    check_names,
    check_places,
    check_steady,
    check_years,
)
from recarb.core.config.targets import Target
from recarb.core.config.variants import check_variant
from recarb.core.errors import ConfigError
from recarb.core.faults import fault_lines
from recarb.core.paths import AnyPath, is_file, parse_path, read_text


class RunConfig(Model):
    """A whole run, as written in run.toml."""

    iso3: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    iso2: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    name: str = ""
    note: str = ""
    output: Annotated[Folder, Field(default="out", validate_default=True)]
    accept: tuple[str, ...] = ()
    protocol: Protocol = "rothc-26.3"
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
    targets: tuple[Target, ...] = ()
    uncertainty: Uncertainty = Uncertainty()
    ensemble: Ensemble = Ensemble()
    monte_carlo: MonteCarlo | None = None
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
        check_forward(self)
        check_names("scenario", [scenario.name for scenario in self.scenarios])
        check_names("target", [target.name for target in self.targets])
        check_places(self.scenarios, self.inputs.zones is not None, self.has_units)
        check_years(self.scenarios, self.t0_year + 1, self.forward.last)
        check_steady(self.scenarios, self.forward.steady_state)
        check_ensemble(self)
        check_variant(self)
        if self.uncertainty.ssm_map not in {None, *(s.name for s in self.scenarios)}:
            raise ValueError(f"uncertainty.ssm_map {self.uncertainty.ssm_map!r} is no scenario")
        if self.protocol == FAO_R:
            check_fao_r(self)
        return self

    def with_draws(self, draws: int) -> Self:
        """The same with a Monte Carlo of so many draws, whatever method run.toml names.

        Raises
        ------
        ConfigError
            They are too few or too many, or the protocol knows none.
        """
        given = self.monte_carlo.model_dump() if self.monte_carlo else {}
        try:
            choices = MonteCarlo.model_validate({**given, "draws": draws, "method": "monte_carlo"})
        except ValidationError as error:
            fault = error.errors()[0]["msg"]
            raise ConfigError(f"--monte-carlo {draws}: {fault}") from error
        found = self.model_copy(update={"monte_carlo": choices})
        if self.protocol == FAO_R:
            try:
                check_fao_r(found)
            except ValueError as error:
                raise ConfigError(f"--monte-carlo {draws}: {error}") from error
        return found

    @property
    def ssm_scenario(self) -> str | None:
        """The scenario of SSM_UncertaintyMap."""
        names = [scenario.name for scenario in self.scenarios]
        if self.uncertainty.ssm_map or not names:
            return self.uncertainty.ssm_map
        return "SSM2" if "SSM2" in names else names[-1]

    @property
    def has_units(self) -> bool:
        """Whether the boundary has administrative units with names."""
        return self.boundary is not None and self.boundary.unit_field is not None

    @property
    def t0_year(self) -> int:
        """The year at whose end the projection starts: the warm-up's last, or the SOC map's."""
        return self.warm_up.years[1] if self.warm_up else self.model.soc_year

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
        lines = fault_lines(error, RunConfig, top="run.toml")
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
