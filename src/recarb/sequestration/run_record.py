"""What a run says of itself: inputs, the key of its tiles, late findings, provenance."""

import hashlib
import json
from pathlib import Path
from typing import Any

import recarb
from recarb.core.config import RunConfig
from recarb.core.findings import Finding, Progress, Severity
from recarb.core.paths import AnyPath
from recarb.core.provenance import combined_hash, file_facts, versions
from recarb.io.raster import LayerFile
from recarb.sequestration.checks import MOST, CheckReport
from recarb.sequestration.ensemble_maps import reason_findings
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.layers import LAND_USE
from recarb.sequestration.ledger import Ledger
from recarb.sequestration.tally import WITHOUT_DRAWS, Tally
from recarb.sequestration.targets import target_findings
from recarb.sequestration.tile_store import TileKey
from recarb.sources.origin import origins_of

# keys of run.toml that no tile depends on: they may change before an interrupted run goes on
NOT_OF_TILES = (
    "accept",
    "agricultural_emissions_mt_co2e_per_yr",
    "name",
    "note",
    "output",
    "suspicion",
    "tile_cells",
)
COMPUTING = ("python", "numpy", "scipy", "numba", "rasterio", "pyproj", "pyet")
CODE = {".py", ".toml", ".csv"}


def input_records(
    inputs: CountryInputs, config: RunConfig, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Every input file: what it is, its unit, its size and hash, and where it comes from.

    `origins` is there where `recarb fetch` or `recarb prepare` wrote it down.
    """
    layers: list[tuple[str, LayerFile]] = list(inputs.layers.items())
    for name, climate in inputs.climates.items():
        layers += [(f"climate.{name}.{key}", file) for key, file in climate.files.items()]
    records = [
        _record(key, path, progress, {"unit": layer.unit, "unit_from": layer.unit_from})
        for key, layer in layers
        for path in layer.files
    ]
    return records + [_record(key, path, progress, {}) for key, path in _files_beside(config)]


def _record(
    key: str, path: AnyPath, progress: Progress | None, told: dict[str, str]
) -> dict[str, Any]:
    facts = file_facts(path, progress)
    origins = origins_of(path, str(facts["sha256"]))
    known = {"origins": origins} if origins else {}
    return {"layer": key, "file": path.name, **told, **facts, **known}


def _files_beside(config: RunConfig) -> list[tuple[str, AnyPath]]:
    """Files that shape the result and are no layers of their own, by what they are for."""
    found: list[tuple[str, AnyPath]] = []
    if config.boundary is not None:
        found.append(("boundary", config.boundary.path))
    for key in LAND_USE:
        choice = getattr(config.inputs, key)
        if choice is None:
            continue
        found += [(f"{key}.override", override.path) for override in choice.override]
        if not isinstance(choice.crosswalk, str):
            found.append((f"{key}.crosswalk", choice.crosswalk))
    found += [
        (f"climate.{name}.elevation", climate.elevation.path)
        for name, climate in config.climate.items()
        if climate.elevation is not None
    ]
    return found


def tile_key(config: RunConfig, files: list[dict[str, Any]], tile_cells: int) -> TileKey:
    """All that the result of a tile depends on; computed from the same, a tile is the same."""
    chosen = {key: value for key, value in config.portable().items() if key not in NOT_OF_TILES}
    return TileKey(
        configuration=hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest(),
        inputs=combined_hash(record["sha256"] for record in files),
        versions=computing_versions(),
        tile_cells=tile_cells,
    )


def computing_versions() -> dict[str, str]:
    """Versions of what the numbers of a tile may depend on; recarb's is the hash of its files."""
    found = versions()
    return {name: found[name] for name in COMPUTING} | {"recarb": _code_hash()}


def _code_hash() -> str:
    """Hash of recarb's own files [hex]: its version stays the same while it is being changed."""
    digest = hashlib.sha256()
    for path in sorted(Path(recarb.__file__).parent.rglob("*")):
        if path.suffix in CODE:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def after_findings(counts: dict[str, Any], ledger: Ledger) -> list[Finding]:
    """What only shows when all cells are done."""
    found = []
    if counts["c_eq_above_npp_cells"]:
        share = counts["c_eq_above_npp_cells"] / max(ledger.run, 1)
        found.append(
            Finding(
                "c_eq_above_npp" if share > MOST else "c_eq_above_npp_cells",
                Severity.SUSPICIOUS if share > MOST else Severity.WARNING,
                "spin-up",
                f"{counts['c_eq_above_npp_cells']} cells ({share:.1%}) need more carbon input than "
                "MIAMI says can grow",
                "see diagnostics/*_C_eq_over_NPP.tif; is the SOC stock too high, or the soil bare "
                "in months in which it is covered?",
            )
        )
    found += [
        Finding("implausible", Severity.WARNING, key, f"{cells} cells outside the plausible range")
        for key, cells in counts["implausible_cells"].items()
        if not key.startswith("U_")
    ]
    found += [
        Finding(
            "stocks_filtered",
            Severity.WARNING,
            key,
            f"{cells} cells end outside 0 to 300 t C ha-1 and have no value, as published (fao-r)",
        )
        for key, cells in counts["stocks_outside_0_to_300"].items()
    ]
    found += [
        Finding(
            "input_capped_at_npp",
            Severity.WARNING,
            f"scenario {scenario}",
            f"{cells:,} cells: the practices would bring more carbon than NPP leaves above BAU and "
            "were cut back",
            f"see flags/*_npp_capped_{scenario}.tif; cap_at_npp = false where the carbon comes "
            "from elsewhere",
        )
        for scenario, cells in counts.get("npp_capped_cells", {}).items()
        if cells
    ]
    found += target_findings(counts.get("targets", {}))
    found += reason_findings(counts.get("ensemble_cells", {}))
    if without := counts.get(WITHOUT_DRAWS):
        text = f"{without} cells have no uncertainty by draws: one draw or more did not end"
        found.append(Finding("cells_without_monte_carlo", Severity.WARNING, "run", text))
    if ledger.failed:
        found.append(
            Finding("failed_cells", Severity.WARNING, "run", f"{ledger.failed} cells failed")
        )
    return found


def provenance(
    config: RunConfig,
    files: list[dict[str, Any]],
    findings: list[Finding],
    tally: Tally,
    checked: CheckReport,
) -> dict[str, Any]:
    """Everything needed to repeat the run: configuration, versions, inputs, what was accepted."""
    return {
        "config": config.portable(),
        "config_sha256": config.fingerprint(),
        "versions": versions(),
        "inputs": files,
        "inputs_sha256": combined_hash(record["sha256"] for record in files),
        "land_cover_codes": {
            key: {str(code): cells for code, cells in sorted(codes.items())}
            for key, codes in checked.codes.items()
        },
        "accepted": list(config.accept),
        "findings": [finding.record() for finding in findings],
        "cells": tally.ledger.record(),
        "counts": tally.record(),
    }
