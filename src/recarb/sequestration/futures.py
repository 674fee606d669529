"""Maps beyond the protocol's twenty years: further horizons, the steady state, the time to it."""

import numpy as np
import xarray as xr

from recarb.core.config import RunConfig
from recarb.rothc.steady import steady_state
from recarb.sequestration.ahead import land_ahead, weather_ahead
from recarb.sequestration.forward import BAU, courses_of_input, entering, project
from recarb.sequestration.members import by_member, soils_of
from recarb.sequestration.tables import ModelTables


def futures(
    state: xr.Dataset, inputs: xr.Dataset, config: RunConfig, tables: ModelTables
) -> xr.Dataset:
    """What run.toml asks for beyond `forward`, of the plain chain alone.

    Parameters
    ----------
    state : Dataset over `cell`, as `warm_up` gives it; no dimension `chain`

    Returns
    -------
    Dataset over `cell`: soc_ahead (horizon, scenario, cell) [t ha-1] where there are further
    horizons; steady_soc [t ha-1] and years_to_steady [years] over (scenario, cell), and
    years_to_effect (cell,) [years], where the steady state is wanted.
    """
    names = [BAU, *(scenario.name for scenario in config.scenarios)]
    found = xr.Dataset(coords={"scenario": names})
    if further := config.forward.further:
        ahead = project(state, inputs, tables, config.scenarios, further)
        found["soc_ahead"] = (("horizon", "scenario", "cell"), ahead.stock[0])
        found = found.assign_coords(horizon=list(further))
    if config.forward.steady_state:
        found = found.assign(_steady(state, inputs, config, tables))
    return found


def _steady(
    state: xr.Dataset, inputs: xr.Dataset, config: RunConfig, tables: ModelTables
) -> dict[str, tuple[tuple[str, ...], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]]:
    land = land_ahead(inputs, tables)
    courses = courses_of_input(state, inputs, tables, config.scenarios, 1)
    entry = land.entry.swapaxes(0, 1)
    steady, years, _ = steady_state(
        by_member(state["pools"], "pool"),
        by_member(state["deficit"]),
        weather_ahead(inputs),
        soils_of(inputs),
        land,
        np.concatenate([entering(c_input, entry) for c_input in courses], axis=1),
        tables.depth_cm,
        tables.parameters,
    )
    return {
        "steady_soc": (("scenario", "cell"), steady[0, :-1] + state["iom"].values),
        "years_to_steady": (("scenario", "cell"), years[0, :-1]),
        "years_to_effect": (("cell",), years[0, -1]),
    }
