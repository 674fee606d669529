"""What a run looks up by land use: DPM/RPM, appropriation, cover, paddy, shares of input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recarb.core.config import RunConfig, Scenario
from recarb.core.errors import ConfigError
from recarb.harmonise.landuse_classes import (
    CLASS_COUNT,
    calendar_lookup,
    dpm_rpm_lookup,
    modelled_lookup,
    npp_fraction_lookup,
    paddy_lookup,
)
from recarb.rothc.parameters import Parameters
from recarb.sequestration.practices.measures import Measure, measures_of
from recarb.sequestration.variants import flooding, model_parameters

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

YEAR = 12
FULL_COVER = 1.0
BARE = 0.0
SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True)
class ModelTables:
    """Lookups by land-use class (14 rows, row 0 unused), RothC's parameters, practices.

    `flooded` (12,) is the part of each month that paddies are under water, None if it is not asked.
    """

    parameters: Parameters
    depth_cm: float
    dpm_rpm: Floats
    npp_fraction: Floats
    modelled: Bools
    calendar: Bools
    paddy: Bools
    flooded: Floats | None
    share: Floats
    own_calendar: dict[int, Bools]
    measures: Mapping[str, tuple[Measure, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, config: RunConfig) -> "ModelTables":
        """The tables of a run."""
        choices = config.model
        _check_classes(config.scenarios)
        ratios = dpm_rpm_lookup(choices.dpm_rpm)
        return cls(
            parameters=model_parameters(choices.rothc, choices.variant),
            depth_cm=choices.depth_cm,
            dpm_rpm=ratios,
            npp_fraction=npp_fraction_lookup(),
            modelled=modelled_lookup(choices.modelled_land_use, dpm_rpm=ratios),
            calendar=calendar_lookup(),
            paddy=paddy_lookup(),
            flooded=flooding(choices.variant),
            share=_shares(choices.input_share),
            own_calendar=_calendars(choices.crop_calendar),
            measures=measures_of(config),
        )

    def entry(self, land_use: Bytes) -> Floats:
        """Part of the carbon input entering DPM, RPM, HUM [-], (..., 3)."""
        ratio = self.dpm_rpm[land_use]
        dpm = ratio / (1.0 + ratio)
        return np.stack([dpm, 1.0 / (1.0 + ratio), np.zeros_like(dpm)], axis=-1)

    def cover(self, land_use: Bytes, cropped: Bools) -> Floats:
        """Plant cover by land use where no layer exists [0-1], (12, cell). Manual ch. 6.

        Perennials, trees, grass and shrubs are green all year; annual crops in cropped months.
        """
        covered = np.where(self.calendar[land_use] & ~cropped, BARE, FULL_COVER)
        for code, months in self.own_calendar.items():
            covered[:, land_use == code] = np.where(months, FULL_COVER, BARE)[:, None]
        return covered


def _class_code(text: str, where: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= CLASS_COUNT:
        raise ConfigError(f"{where}: {text!r} is no land-use class (1 to {CLASS_COUNT})")
    return int(text)


def _check_classes(scenarios: Sequence[Scenario]) -> None:
    """Refuse a scenario for a class that is none: it would change nothing without a word."""
    for scenario in scenarios:
        for one in scenario.practices:
            for code in one.land_use:
                _class_code(str(code), f"scenario {scenario.name}: land_use of {one.practice}")
        for code in scenario.gain_pct_by_land_use:
            _class_code(str(code), f"scenario {scenario.name}: gain_pct_by_land_use")


def _shares(by_class: dict[str, tuple[float, ...]]) -> Floats:
    table = np.full((CLASS_COUNT + 1, YEAR), 1.0 / YEAR)
    for text, shares in by_class.items():
        code = _class_code(text, "model.input_share")
        if len(shares) != YEAR or min(shares) < 0 or abs(sum(shares) - 1.0) > SHARE_TOLERANCE:
            raise ConfigError(
                f"model.input_share.{text}: expected 12 shares, none negative, that sum to 1; "
                f"came {len(shares)} that sum to {sum(shares):g}"
            )
        table[code] = shares
    return table


def _calendars(by_class: dict[str, tuple[int, ...]]) -> dict[int, Bools]:
    found = {}
    for text, months in by_class.items():
        code = _class_code(text, "model.crop_calendar")
        if not set(months) <= set(range(1, YEAR + 1)):
            raise ConfigError(f"model.crop_calendar.{text}: months are 1 to 12, came {months}")
        cropped = np.zeros(YEAR, dtype=bool)
        cropped[[month - 1 for month in months]] = True
        found[code] = cropped
    return found
