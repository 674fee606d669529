"""RothC-26.3 once more, in plain Python, to be read beside the Rothamsted description.

Slow and direct: one soil, lists of months, no shared code with the compiled kernels but the numbers
in `parameters`. Tests hold the kernels to it.
"""

import math
from dataclasses import dataclass

from recarb.rothc.parameters import DEFAULT, Parameters


@dataclass
class Soil:
    """State of one soil: pools [t C ha-1] and moisture deficit [mm]."""

    dpm: float = 0.0
    rpm: float = 0.0
    bio: float = 0.0
    hum: float = 0.0
    deficit_mm: float = 0.0
    respired: float = 0.0
    rate: float = 0.0

    @property
    def active(self) -> float:
        """Carbon of the four active pools [t C ha-1]."""
        return self.dpm + self.rpm + self.bio + self.hum


@dataclass(frozen=True)
class Month:
    """Drivers of one month: temperature [degC], balance [mm], cover [0-1], inputs [t C ha-1]."""

    temperature_c: float
    balance_mm: float
    cover: float
    plant: float = 0.0
    fym: float = 0.0
    dpm_rpm: float = 1.44


def step(
    soil: Soil,
    month: Month,
    clay_pct: float,
    depth_cm: float,
    paddy: bool = False,
    p: Parameters = DEFAULT,
) -> None:
    """Move `soil` through one month, in the order of the description: rate, decay, inputs."""
    deepest = -(20.0 + 1.3 * clay_pct - 0.01 * clay_pct**2) * depth_cm / 23.0
    bare = month.cover < p.cover_threshold
    limit = min(0.556 * deepest, soil.deficit_mm) if bare else deepest
    soil.deficit_mm = max(limit, min(0.0, soil.deficit_mm + month.balance_mm))

    a = 0.0
    if month.temperature_c >= -5.0:
        a = 47.91 / (1.0 + math.exp(106.06 / (month.temperature_c + 18.27)))
    one_bar = 0.444 * deepest
    b = 1.0
    if soil.deficit_mm <= one_bar:
        b = 0.2 + 0.8 * (deepest - soil.deficit_mm) / (deepest - one_bar)
    c = 1.0 - 0.4 * month.cover
    soil.rate = a * b * c * (0.4 if paddy else 1.0)

    x = 1.67 * (1.85 + 1.60 * math.exp(-0.0786 * clay_pct))
    start = {"dpm": soil.dpm, "rpm": soil.rpm, "bio": soil.bio, "hum": soil.hum}
    yearly = {"dpm": 10.0, "rpm": 0.3, "bio": 0.66, "hum": 0.02}
    kept = {
        pool: carbon * math.exp(-yearly[pool] * soil.rate / 12.0) for pool, carbon in start.items()
    }
    lost = sum(start[pool] - kept[pool] for pool in start)
    soil.respired = lost * x / (1.0 + x)
    soil.dpm = kept["dpm"] + month.plant * month.dpm_rpm / (1.0 + month.dpm_rpm) + 0.49 * month.fym
    soil.rpm = kept["rpm"] + month.plant / (1.0 + month.dpm_rpm) + 0.49 * month.fym
    soil.bio = kept["bio"] + lost * 0.46 / (1.0 + x)
    soil.hum = kept["hum"] + lost * 0.54 / (1.0 + x) + 0.02 * month.fym


def iterate(
    soil: Soil,
    year: list[Month],
    clay_pct: float,
    depth_cm: float,
    years: int,
    paddy: bool = False,
    p: Parameters = DEFAULT,
) -> None:
    """Repeat the same year `years` times, as the classical spin-up does."""
    for _ in range(years):
        for month in year:
            step(soil, month, clay_pct, depth_cm, paddy, p)
