"""Which maps an ensemble of models leaves, and what it counts."""

import numpy as np
import xarray as xr

from recarb.core.config import RunConfig
from recarb.core.findings import Finding, Severity
from recarb.core.quantities import CODE
from recarb.models.interface import MEANING, Reason
from recarb.sequestration.forward import BAU
from recarb.sequestration.products import RATE, STOCK, Product

STATISTICS = {
    "mean": "mean of the models",
    "min": "least of the models",
    "max": "most of the models",
    "sd": "standard deviation of the models",
}


def label(model: str, variant: str) -> str:
    """Name of one version of a model in keys and file names."""
    return f"{model}-{variant}" if variant else model


def scenario_names(config: RunConfig) -> tuple[str, ...]:
    """BAU and the scenarios of run.toml."""
    return (BAU, *(scenario.name for scenario in config.scenarios))


def rate_names(config: RunConfig) -> list[str]:
    """Rates of which the ensemble has a mean and a spread."""
    names = scenario_names(config)
    return [f"ASR_{s}" for s in names] + [f"RSR_{s}" for s in names if s != BAU]


def versions(config: RunConfig) -> list[str]:
    """Labels of what run beside RothC; the Tier 2 method twice where tillage is a range."""
    found = []
    for model in config.ensemble.models:
        ranged = model == "ipcc-tier2" and config.ensemble.tillage == "range"
        found += [label(model, variant) for variant in (("full", "none") if ranged else ("",))]
    return found


def ensemble_products(config: RunConfig) -> list[Product]:
    """The maps of the folder `ensemble`; none where run.toml names no models."""
    if not config.ensemble.models:
        return []
    found = [_map(f"{m}_reason", f"{m}: outcome", CODE) for m in config.ensemble.models]
    for name in versions(config):
        found += [
            _map(f"{name}_C_eq", f"{name}: carbon input of the equilibrium", RATE),
            _map(f"{name}_T0", f"{name}: SOC stock at t0", STOCK),
        ]
        for s in scenario_names(config):
            found.append(_map(f"{name}_finalSOC_{s}", f"{name}: final SOC stock, {s}", STOCK))
        found += [_map(f"{name}_{rate}", f"{name}: {rate}", RATE) for rate in rate_names(config)]
    for rate in rate_names(config):
        found += [
            _map(f"ensemble_{rate}_{key}", f"{rate}: {said}", RATE)
            for key, said in STATISTICS.items()
        ]
    return found


def _map(key: str, title: str, unit: str) -> Product:
    return Product(key, key, title, unit, -np.inf, np.inf)


def count_reasons(maps: xr.Dataset, config: RunConfig) -> dict[str, int]:
    """Cells by model and reason, `MODEL/REASON`."""
    found = {}
    for model in config.ensemble.models:
        codes, counts = np.unique(maps[f"{model}_reason"].values, return_counts=True)
        for code, cells in zip(codes.tolist(), counts.tolist(), strict=True):
            found[f"{model}/{Reason(int(code)).name.lower()}"] = cells
    return found


def reason_findings(counts: dict[str, int]) -> list[Finding]:
    """For each model, how many cells it has numbers for and why it has none for the others."""
    lines: dict[str, list[str]] = {}
    for key in sorted(counts):
        model, _, name = key.partition("/")
        reason = Reason[name.upper()]
        line = lines.setdefault(model, [])
        line.insert(0 if reason is Reason.MODELLED else len(line),
                    f"{counts[key]:,} {MEANING[reason]}")  # fmt: skip
    return [
        Finding("ensemble_cells", Severity.NOTE, f"ensemble, {model}", "cells: " + ", ".join(line))
        for model, line in lines.items()
    ]
