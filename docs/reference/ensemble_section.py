"""The part of the page on outputs that an ensemble of models adds, for `generate.py`."""

from collections.abc import Callable

from recarb.core.config import RunConfig
from recarb.models.interface import MEANING, Reason
from recarb.sequestration.ensemble_maps import ensemble_products


def ensemble_section(
    config: RunConfig, table: Callable[..., str], row: Callable[..., object]
) -> list[str]:
    """Files of the folder `ensemble`, and the reasons of its outcome maps."""
    reasons = ((int(one), f"`{one.name.lower()}`", MEANING[one]) for one in Reason)
    return [
        "## Ensemble, in `ensemble/`: where run.toml names other models\n",
        table(("file", "map", "unit"), (row(p) for p in ensemble_products(config))),
        "`XTL_*_reason.tif` are bytes, 255 = no data:\n",
        table(("value", "name", "meaning"), reasons),
        "`ensemble/summary.csv` has the columns of `summary.csv` for every model (`model`), over "
        "the cells that all models have numbers for.\n",
    ]
