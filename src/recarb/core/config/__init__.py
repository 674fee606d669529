"""run.toml: every choice of a run, checked when it is read. Unknown keys are errors.

Paths are relative to the folder of run.toml, or URLs (see `core.paths`); `~` and `$NAME`
(environment) are expanded. Units stand in the keys. Defaults are those of the GSOCseq technical
manual unless a comment says otherwise.
"""

from recarb.core.config.ensemble import Ensemble
from recarb.core.config.fields import Model
from recarb.core.config.forward import ClimateChange, Forward
from recarb.core.config.layers import Boundary, Climate, Inputs, LandUseLayer, Layer, Override
from recarb.core.config.limits import Flags, Suspicion, Uncertainty
from recarb.core.config.monte_carlo import MonteCarlo
from recarb.core.config.phases import Choices, NppReference, SpinUp, WarmUp
from recarb.core.config.protocol import FAO_R, Protocol
from recarb.core.config.run import RunConfig, load_config
from recarb.core.config.scenarios import STANDARD_SCENARIOS, AdoptedPractice, Scenario
from recarb.core.config.targets import Target
from recarb.core.config.variants import Variant

__all__ = [
    "FAO_R",
    "STANDARD_SCENARIOS",
    "AdoptedPractice",
    "Boundary",
    "Choices",
    "Climate",
    "ClimateChange",
    "Ensemble",
    "Flags",
    "Forward",
    "Inputs",
    "LandUseLayer",
    "Layer",
    "Model",
    "MonteCarlo",
    "NppReference",
    "Override",
    "Protocol",
    "RunConfig",
    "Scenario",
    "SpinUp",
    "Suspicion",
    "Target",
    "Uncertainty",
    "Variant",
    "WarmUp",
    "load_config",
]
