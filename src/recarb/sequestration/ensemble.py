"""Other models of soil carbon on the cells of a run, and how far they lie apart.

Every model starts from the mapped stock in equilibrium with an input of its own, as RothC does, and
then gets the run's inputs in proportion: the same part more or less, year by year.
"""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from recarb.core.config import RunConfig
from recarb.core.sums import running_mean, running_sum
from recarb.models.icbm import Icbm, ReferenceSite
from recarb.models.interface import (
    CROPLAND,
    Climate,
    Drivers,
    Projection,
    Reason,
    SoilModel,
    Stocks,
    spread,
)
from recarb.models.ipcc_tier2 import Quality, Tier2, Tillage
from recarb.rothc import kernels
from recarb.sequestration.chains import PERCENT
from recarb.sequestration.ensemble_maps import STATISTICS, label, rate_names, scenario_names
from recarb.sequestration.forward import BAU
from recarb.sequestration.inputs import with_cover
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.members import by_cell, land_of, soils_of, weather_of
from recarb.sequestration.products import stock_at_t0
from recarb.sequestration.tables import YEAR, ModelTables
from recarb.sequestration.warm_up import input_ratio

Floats = NDArray[np.float64]

IS_PEAT = 1.0
TILLAGES: dict[str, tuple[Tillage, ...]] = {
    "range": ("full", "none"),
    "full": ("full",),
    "reduced": ("reduced",),
    "none": ("none",),
    "unknown": ("unknown",),
}


@dataclass(frozen=True)
class RothCRun:
    """RothC behind the interface of the others: what its phases found is read, not run again."""

    found: xr.Dataset
    name: str = "rothc"
    variants: tuple[str, ...] = field(default=("",))

    def project(self, drivers: Drivers) -> Projection:
        """Stocks at t0 and after `drivers.years`, as in the deliverables."""
        reason = np.where(drivers.runs, Reason.MODELLED, Reason.NOT_RUN).astype(np.uint8)
        at = np.flatnonzero(drivers.runs)
        final = self.found["final_soc"].transpose("scenario", "cell").values
        stocks = (self.found["c_eq"].values, stock_at_t0(self.found), final)
        return spread(reason, Stocks(*(np.take(v, at, axis=-1)[None] for v in stocks)))


def models_of(config: RunConfig, tables: ModelTables) -> list[SoilModel]:
    """The models of run.toml beside RothC."""
    choice = config.ensemble
    found: list[SoilModel] = []
    for name in choice.models:
        if name == "icbm":
            found.append(Icbm(reference_rate(config, tables)))
        else:
            quality = Quality(choice.lignin_pct / PERCENT, choice.nitrogen_pct / PERCENT)
            found.append(Tier2(quality, TILLAGES[choice.tillage]))
    return found


def reference_rate(config: RunConfig, tables: ModelTables) -> float:
    """Mean rate modifier of RothC at ICBM's reference site [-], as cropland of this run would be.

    The crop calendar and the parameters of RothC are the run's, so that they cancel in the ratio.
    """
    site = ReferenceSite()
    month = ("month", "cell")
    year = {name: (month, np.array(getattr(site, name))[:, None].astype(np.float64))
            for name in ("temperature_c", "rain_mm", "pet_mm")}  # fmt: skip
    cropland = ("cell", np.array([CROPLAND], dtype=np.uint8))
    cell = xr.Dataset(
        {
            "soc": ("cell", np.ones(1)),
            "clay": ("cell", np.array([site.clay_pct])),
            "land_use": cropland,
            "land_use_spin_up": cropland,
            "irrigation": (month, np.zeros((YEAR, 1))),
            "temperature_spin_up": year["temperature_c"],
            "rain_spin_up": year["rain_mm"],
            "pet_spin_up": year["pet_mm"],
        }
    )
    cell = with_cover(cell, tables, config)
    _, _, rate, _ = kernels.spin_up(
        weather_of(cell, "spin_up"),
        soils_of(cell),
        land_of(cell["land_use"].values, tables),
        tables.depth_cm,
        tables.parameters,
    )
    return float(rate[0, 0])


def drivers_of(inputs: xr.Dataset, found: xr.Dataset, tables: ModelTables, years: int) -> Drivers:
    """The cells as models see them.

    Parameters
    ----------
    inputs : Dataset over `cell`, as `CountryInputs.load` gives it, without chains
    found : the forward result of the plain chain
    """
    has_warm_up = "temperature_warm_up" in inputs
    cells = inputs.sizes["cell"]
    no_years = np.empty((0, cells))
    return Drivers(
        runs=found["outcome"].values == np.uint8(Outcome.RUN),
        stock_tc_ha=inputs["soc"].values,
        sand_pct=inputs["sand"].values if "sand" in inputs else np.full(cells, np.nan),
        peat=inputs["peat"].values == IS_PEAT if "peat" in inputs else np.zeros(cells, np.bool_),
        land_use=_land_use(inputs),
        irrigated=by_cell(inputs["irrigation"], "month") > 0.0,
        spin_up=_climate(inputs, found, "spin_up"),
        warm_up=_climate(inputs, found, "warm_up") if has_warm_up else None,
        forward=_climate(inputs, found, "forward"),
        input_warm_up=input_ratio(inputs, tables)[0] if has_warm_up else no_years,
        input_forward=by_cell(found["c_input"] / found["c_eq"], "scenario"),
        years=years,
    )


def _climate(inputs: xr.Dataset, found: xr.Dataset, phase: str) -> Climate:
    weather = weather_of(inputs, phase)
    rate = found[f"rate_{phase}"].values
    return Climate(weather.temperature_c, weather.rain_mm, weather.pet_mm, rate)


def _land_use(inputs: xr.Dataset) -> NDArray[np.uint8]:
    """Every class that a cell had, the latest last, (times, cell)."""
    times = [inputs["land_use_spin_up"].values, inputs["land_use"].values]
    if "land_use_yearly" in inputs:
        times[1:1] = inputs["land_use_yearly"].transpose("year", "cell").values
    return np.stack(times)


def ensemble_maps(
    inputs: xr.Dataset, found: xr.Dataset, config: RunConfig, tables: ModelTables
) -> dict[str, Floats]:
    """Maps of every model and of the ensemble, (cell,) by their keys (`ensemble_products`).

    The ensemble has a value where every model has one: its mean is that of the same models all
    over the map. Versions of one model (tillage) count as one in the mean and in the standard
    deviation; each counts in the least and the most.
    """
    drivers = drivers_of(inputs, found, tables, config.forward.years)
    others = models_of(config, tables)
    maps: dict[str, Floats] = {}
    rates: list[list[dict[str, Floats]]] = []  # by model and version
    for number, model in enumerate((RothCRun(found), *others)):
        projection = model.project(drivers)
        of_model = [
            _of_version(Stocks(*(values[n] for values in projection.stocks)), config)
            for n in range(len(model.variants))
        ]
        rates.append(of_model)
        if number > 0:  # RothC's maps are the deliverables
            maps[f"{model.name}_reason"] = projection.reason.astype(np.float64)
            for variant, values in zip(model.variants, of_model, strict=True):
                maps |= {f"{label(model.name, variant)}_{k}": v for k, v in values.items()}
    for rate in rate_names(config):
        spread_of = _statistics([[values[rate] for values in one] for one in rates])
        maps |= {f"ensemble_{rate}_{name}": spread_of[name] for name in STATISTICS}
    return maps


def _of_version(stocks: Stocks, config: RunConfig) -> dict[str, Floats]:
    """C_eq, T0, final stocks and rates of one version of one model."""
    years = config.forward.years
    maps = {"C_eq": stocks.c_eq, "T0": stocks.t0}
    bau = stocks.final[0]
    for name, final in zip(scenario_names(config), stocks.final, strict=True):
        maps[f"finalSOC_{name}"] = final
        maps[f"ASR_{name}"] = (final - stocks.t0) / years
        if name != BAU:
            maps[f"RSR_{name}"] = (final - bau) / years
    return maps


def _statistics(values: list[list[Floats]]) -> dict[str, Floats]:
    """Mean, least, most and standard deviation (n - 1) of models with versions; NaN goes first."""
    models = np.stack([running_mean(np.stack(versions)) for versions in values])
    every = np.stack([version for versions in values for version in versions])
    mean = running_mean(models)
    variance = running_sum((models - mean) ** 2) / (len(models) - 1)
    return {
        "mean": mean,
        "min": every.min(axis=0),
        "max": every.max(axis=0),
        "sd": np.sqrt(variance),
    }
