"""Joint draws of the uncertain inputs. The table [monte_carlo] in run.toml switches them on."""

from typing import Annotated, Literal

from pydantic import Field

from recarb.core.config.fields import Model


class MonteCarlo(Model):
    """How inputs are drawn, and how far their errors are taken to reach.

    Half widths of the stock, clay, rain, temperature and gain are those of [uncertainty], read as
    95 % intervals, where no layer tells better.
    """

    method: Literal["monte_carlo", "delta"] = "monte_carlo"
    draws: int = Field(default=1000, ge=200, le=100_000)  # the protocol wants at least 200
    sampling: Literal["sobol", "random"] = "sobol"
    seed: int = Field(default=1, ge=0, lt=2**63)
    cover_share: float = Field(default=0.1, ge=0, le=1)  # half width, own judgement
    c_input_pct: float = Field(default=10.0, ge=0, lt=100)  # of NPP over NPP_ref, own judgement
    limits_pct: float = Field(default=95.0, gt=0, lt=100)  # probability between *_low and *_high
    correlation_km: tuple[Annotated[float, Field(gt=0)], ...] = ()
    fit_correlation: bool = True
