"""Which numerics a run follows: RothC-26.3, or those of the published R scripts."""

from collections.abc import Collection
from typing import Literal

Protocol = Literal["rothc-26.3", "fao-r"]

FAO_R: Protocol = "fao-r"
FAO_R_LAND_USE = (2, 3, 5, 6, 8, 12, 13)  # SCR script 15; any other class ends with a stock of 0


def check_fao_r(modelled_land_use: Collection[int] | None, not_for_it: Collection[str]) -> None:
    """Raise ValueError where run.toml asks of the published scripts what they cannot do.

    Parameters
    ----------
    not_for_it : keys that run.toml changes and the scripts have fixed, or do not know
    """
    if not_for_it:
        raise ValueError(
            f'protocol = "{FAO_R}" repeats fixed numbers; remove {sorted(not_for_it)[0]}, or '
            "the protocol"
        )
    if other := sorted(set(modelled_land_use or ()) - set(FAO_R_LAND_USE)):
        raise ValueError(
            f'protocol = "{FAO_R}" models the land uses {FAO_R_LAND_USE}, not {other[0]}: change '
            "model.modelled_land_use"
        )
