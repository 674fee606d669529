"""recarb: soil organic carbon sequestration maps (GSOCseq) with RothC, for whole countries.

The ten names below are the public interface; the command line uses the same ones.

>>> import recarb
>>> recarb.__all__[0]
'CountryInputs'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recarb.core.config import RunConfig, load_config
    from recarb.core.errors import RecarbError
    from recarb.sequestration.checks import check_run
    from recarb.sequestration.inputs import CountryInputs, open_inputs
    from recarb.sequestration.maps import to_maps
    from recarb.sequestration.pipeline import run
    from recarb.sequestration.point import trajectory
    from recarb.sequestration.simulate import simulate

__version__ = "0.1.0"

_HOME = {
    "CountryInputs": "recarb.sequestration.inputs",
    "RecarbError": "recarb.core.errors",
    "RunConfig": "recarb.core.config",
    "check_run": "recarb.sequestration.checks",
    "load_config": "recarb.core.config",
    "open_inputs": "recarb.sequestration.inputs",
    "run": "recarb.sequestration.pipeline",
    "simulate": "recarb.sequestration.simulate",
    "to_maps": "recarb.sequestration.maps",
    "trajectory": "recarb.sequestration.point",
}

__all__ = [
    "CountryInputs",
    "RecarbError",
    "RunConfig",
    "check_run",
    "load_config",
    "open_inputs",
    "run",
    "simulate",
    "to_maps",
    "trajectory",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `recarb --help` must answer at once."""
    if name not in _HOME:
        raise AttributeError(f"recarb has no {name!r}")
    return getattr(import_module(_HOME[name]), name)
