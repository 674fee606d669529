"""The three phases of the published chain on plain arrays, the cell always last."""

import numpy as np
from numpy.typing import NDArray

from recarb.core.sums import running_mean
from recarb.rothc.parameters import DEFAULT as ROTHC
from recarb.sequestration.fao_r.spline import bridged
from recarb.sequestration.tables import YEAR

Floats = NDArray[np.float64]


def spin_up(
    soc: Floats, iom: Floats, clay_pct: Floats, rate: Floats, dpm_rpm: Floats
) -> tuple[Floats, Floats]:
    """Steady state of the continuous equations under the mean rate of the 12 months.

    Parameters
    ----------
    soc, iom : (cell,) [t C ha-1]; iom is that of the unshifted stock in every chain
    rate : (12, cell) [-]
    dpm_rpm : (cell,) [-]

    Returns
    -------
    c_eq : (cell,) [t C ha-1 yr-1]
    pools : (4, cell) [t C ha-1]; both NaN where a month has no rate
    """
    mean_rate = running_mean(rate)
    to_bio, to_hum = _kept(clay_pct)
    decomposed = 1.0 / (1.0 - to_bio - to_hum)  # per unit of input, all pools together
    dpm = dpm_rpm / (1.0 + dpm_rpm)
    k = _decay_per_yr()
    with np.errstate(divide="ignore", invalid="ignore"):
        per_unit = np.stack(
            [dpm / k[0], (1.0 - dpm) / k[1], to_bio * decomposed / k[2], to_hum * decomposed / k[3]]
        )
        per_unit /= mean_rate
        c_eq = (soc - iom) / (per_unit[0] + per_unit[1] + per_unit[2] + per_unit[3])
        return c_eq, c_eq * per_unit


def yearly_input(c_eq: Floats, npp: Floats, npp_reference: Floats) -> Floats:
    """Carbon input of every year [t C ha-1 yr-1], (year, cell).

    Each year follows from the one before, so a year without growth makes all later ones NaN.

    Parameters
    ----------
    npp : (year, cell) of this chain; npp_reference : (cell,) of the plain chain [t C ha-1 yr-1]
    """
    found = np.empty_like(npp)
    with np.errstate(divide="ignore", invalid="ignore"):
        found[0] = c_eq / npp_reference * npp[0]
        for year in range(1, len(npp)):
            found[year] = found[year - 1] / npp[year - 1] * npp[year]
    return found


def warm_up(
    pools: Floats, c_input: Floats, rate: Floats, clay_pct: Floats, dpm_rpm: Floats
) -> Floats:
    """Pools (4, cell) after the years of the warm-up; each year makes 11 steps of a month.

    Parameters
    ----------
    c_input : (year, cell) [t C ha-1 yr-1]
    rate : (12 x year, cell) [-]; December's is never used
    dpm_rpm : (year | 1, cell) [-]
    """
    for year, amount in enumerate(c_input):
        ratio = dpm_rpm[year % len(dpm_rpm)]
        months = bridged(rate[year * YEAR : (year + 1) * YEAR])
        pools = euler(pools, amount, months, clay_pct, ratio)
    return pools


def forward(
    pools: Floats, c_input: Floats, rate: Floats, clay_pct: Floats, dpm_rpm: Floats, years: int
) -> Floats:
    """Pools (4, scenario, cell) after `years`, in 12 x years - 1 steps.

    Parameters
    ----------
    pools : (4, cell) at t0
    c_input : (scenario, cell) [t C ha-1 yr-1]
    rate : (12, cell) [-], the same in all years
    """
    months = bridged(np.tile(rate, (years, 1)))
    start = np.repeat(pools[:, None], len(c_input), axis=1)
    return euler(start, c_input, months, clay_pct, dpm_rpm)


def euler(
    pools: Floats, c_input: Floats, rate: Floats, clay_pct: Floats, dpm_rpm: Floats
) -> Floats:
    """Explicit steps of a month from each of the times but the last: n times make n - 1 steps.

    Diverges where the rate is so large that a step takes more than twice what is there.

    Parameters
    ----------
    pools : (4, ..., cell) [t C ha-1]
    c_input : (..., cell) [t C ha-1 yr-1]
    rate : (month, cell) [-]
    """
    dt_yr = 1.0 / YEAR
    k = _decay_per_yr()
    to_bio, to_hum = _kept(clay_pct)
    into_dpm = dpm_rpm / (1.0 + dpm_rpm) * c_input * dt_yr
    into_rpm = (1.0 - dpm_rpm / (1.0 + dpm_rpm)) * c_input * dt_yr
    dpm, rpm, bio, hum = (np.array(pool, dtype=np.float64) for pool in pools)
    with np.errstate(over="ignore", invalid="ignore"):
        for of_month in rate[:-1] * dt_yr:
            old = (dpm, rpm, bio, hum)
            lost = [per_yr * of_month * pool for per_yr, pool in zip(k, old, strict=True)]
            total = lost[0] + lost[1] + lost[2] + lost[3]
            dpm += into_dpm - lost[0]
            rpm += into_rpm - lost[1]
            bio += to_bio * total - lost[2]
            hum += to_hum * total - lost[3]
    return np.stack([dpm, rpm, bio, hum])


def _kept(clay_pct: Floats) -> tuple[Floats, Floats]:
    """Parts of what decomposes that become BIO and HUM [-], (cell,). CJ96."""
    p = ROTHC
    ratio = p.x_scale * (p.x_base + p.x_clay * np.exp(-p.x_clay_decay_per_pct * clay_pct))
    return p.bio_fraction / (1.0 + ratio), p.hum_fraction / (1.0 + ratio)


def _decay_per_yr() -> tuple[float, float, float, float]:
    p = ROTHC
    return p.k_dpm_per_yr, p.k_rpm_per_yr, p.k_bio_per_yr, p.k_hum_per_yr
