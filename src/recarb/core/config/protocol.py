"""Which numerics a run follows: RothC-26.3, or those of the published R scripts."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from recarb.core.config.run import RunConfig

Protocol = Literal["rothc-26.3", "fao-r"]

FAO_R: Protocol = "fao-r"
FAO_R_LAND_USE = (2, 3, 5, 6, 8, 12, 13)  # SCR script 15; any other class ends with a stock of 0
FIXED = ("rothc", "input_share")  # keys of [model] whose values the scripts have fixed
FIXED_DEPTH_CM = 30.0
NOT_THERE = (  # keys of [forward] for which the scripts have nothing
    "horizons",
    "steady_state",
    "year_by_year",
    "climate_change",
    "inputs_follow_npp",
)


def check_fao_r(config: "RunConfig") -> None:
    """Raise ValueError where run.toml asks of the published scripts what they cannot do."""
    if asked := _asked(config):
        raise ValueError(
            f'protocol = "{FAO_R}" repeats fixed scripts, which know no {asked[0]}: remove it, or '
            "the protocol"
        )
    if other := sorted(set(config.model.modelled_land_use or ()) - set(FAO_R_LAND_USE)):
        raise ValueError(
            f'protocol = "{FAO_R}" models the land uses {FAO_R_LAND_USE}, not {other[0]}: change '
            "model.modelled_land_use"
        )


def _asked(config: "RunConfig") -> list[str]:
    """Keys of run.toml for which the scripts have nothing."""
    model = config.model
    by_key = {
        "model.variant": model.variant.told(),
        f"model.depth_cm of {model.depth_cm:g}": model.depth_cm != FIXED_DEPTH_CM,
        "npp_reference.irrigation_counts_as_rain": config.npp_reference.irrigation_counts_as_rain,
        "inputs.land_use_forward": config.inputs.land_use_forward is not None,
        "scenarios.practices": any(scenario.practices for scenario in config.scenarios),
        "targets": config.targets,
        "ensemble.models": config.ensemble.models,
        "monte_carlo": config.monte_carlo is not None,
    }
    found = [f"model.{key}" for key in FIXED if getattr(model, key)]
    found += [f"forward.{key}" for key in NOT_THERE if getattr(config.forward, key)]
    return found + [key for key, there in by_key.items() if there]
