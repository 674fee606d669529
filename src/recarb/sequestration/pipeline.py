"""One run from run.toml to the maps: inputs -> spin-up -> warm-up -> forward -> products.

Only this module and `output` touch the disk.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from recarb.core.config import RunConfig
from recarb.core.findings import Finding, Progress, Severity, no_progress, raise_if_stopping
from recarb.core.provenance import combined_hash, file_facts, versions, write_json
from recarb.io.raster import LayerFile
from recarb.sequestration.checks import MOST, CheckReport, check_run
from recarb.sequestration.flags import flag_cells, out_of_order, outside_limits
from recarb.sequestration.forward import BAU
from recarb.sequestration.inputs import CountryInputs, LoadedTile
from recarb.sequestration.ledger import Ledger
from recarb.sequestration.output import RunOutput, check_folder, map_tags, writing
from recarb.sequestration.products import products
from recarb.sequestration.simulate import simulate
from recarb.sequestration.summary import Summary

log = logging.getLogger("recarb")

NEAR_THRESHOLD = 0.05  # of the cover fraction that turns a month from bare to vegetated


@dataclass
class RunReport:
    """What a run leaves beside its maps."""

    folder: Path
    ledger: Ledger
    summary: pd.DataFrame
    findings: list[Finding]
    counts: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Tally:
    """Counts over the tiles that the run reports."""

    ledger: Ledger
    summary: Summary
    implausible: dict[str, int]
    no_percentage: dict[str, int]
    near_threshold: int = 0
    cover_months: int = 0
    above_npp: int = 0
    filled: int = 0

    @classmethod
    def of(cls, config: RunConfig, inputs: CountryInputs) -> "_Tally":
        names = inputs.units.names if inputs.units else ("country",)
        scenarios = (BAU, *(scenario.name for scenario in config.scenarios))
        emissions = config.agricultural_emissions_mt_co2e_per_yr
        return cls(Ledger(), Summary(names, scenarios, emissions), {}, {})

    def add(self, loaded: LoadedTile, maps: xr.Dataset, config: RunConfig) -> None:
        deliverables = products(config)
        cells, tile = loaded.cells, loaded.tile
        at = (cells["row"].values - tile.rows.start, cells["column"].values - tile.columns.start)
        land_use = cells["land_use"].values
        self.summary.add(maps, loaded.units[at], land_use, loaded.area_ha[at])
        wrong_by_key = outside_limits(maps, deliverables) | out_of_order(maps, config)
        for key, wrong in wrong_by_key.items():
            self.implausible[key] = self.implausible.get(key, 0) + int(wrong.sum())
        running = np.isfinite(maps["T0"].values)
        for product in deliverables:
            if product.key.startswith("U_"):
                gone = running & np.isnan(maps[product.key].values)
                self.no_percentage[product.key] = self.no_percentage.get(product.key, 0) + int(
                    gone.sum()
                )
        self.above_npp += int((maps["C_eq_over_NPP"].values > 1.0).sum())
        self.filled += int(cells["climate_filled"].values.sum())
        if "cover_layer" in cells:
            self.cover_months += cells["cover_layer"].size
            threshold = cells.attrs["cover_threshold"]
            close = np.abs(cells["cover_layer"].values - threshold) < NEAR_THRESHOLD
            self.near_threshold += int(close.sum())

    def record(self) -> dict[str, Any]:
        return {
            "c_eq_above_npp_cells": self.above_npp,
            "climate_filled_cells": self.filled,
            "cover_cell_months": self.cover_months,
            "cover_cell_months_near_threshold": self.near_threshold,
            "implausible_cells": {k: n for k, n in self.implausible.items() if n},
            "uncertainty_without_percentage": {k: n for k, n in self.no_percentage.items() if n},
        }


def run(
    config: RunConfig,
    *,
    overwrite: bool = False,
    sis_names: bool = False,
    progress: Progress | None = None,
) -> RunReport:
    """Run the whole protocol and write every map, the summary and the provenance.

    Parameters
    ----------
    overwrite : bool
        Replace an earlier run in the same folder, once this one is complete.
    sis_names : bool
        Write the deliverables a second time under the information system's names.
    progress : callable(done, total, what)

    Raises
    ------
    InputError
        Findings stop the run (see `recarb check`); all of them are in the message.
    OutputError
        A file could not be written; nothing stands under the output folder's name.
    """
    show = progress or no_progress
    check_folder(config, overwrite, sis_names)
    checked = check_run(config, show)
    raise_if_stopping(checked.findings, config.accept)
    inputs = checked.inputs
    assert inputs is not None  # noqa: S101 - no finding stopped the run
    files = input_records(inputs, config, show)
    tags = map_tags(config, combined_hash(r["sha256"] for r in files), last_year(config))
    tally = _Tally.of(config, inputs)
    with RunOutput(config, inputs.grid, tags, overwrite) as out:
        _log_start(config, files, checked.findings)
        for done, tile in enumerate(todo := inputs.tiles()):
            show(done, len(todo), "running")
            _run_tile(inputs.load(tile), inputs, out, tally)
        findings = checked.findings + after_findings(tally.record(), tally.ledger)
        raise_if_stopping(findings, config.accept)
        show(len(todo), len(todo), "writing the maps")
        out.publish()
        if sis_names:
            out.copy_under_sis_names(last_year(config))
        table = tally.summary.table()
        with writing(out.part):
            table.to_csv(out.part / "summary.csv", index=False)
            record = provenance(config, files, findings, tally, checked)
            write_json(out.part / "provenance.json", record)
        for line in tally.ledger.lines():
            log.info("%s", line)
        folder = out.finish()
    return RunReport(folder, tally.ledger, table, findings, tally.record())


def _run_tile(loaded: LoadedTile, inputs: CountryInputs, out: RunOutput, tally: _Tally) -> None:
    """All phases, scenarios and chains of one tile, to its windows of the maps."""
    config = inputs.config
    if loaded.cells.sizes["cell"]:
        maps = simulate(loaded.cells, config, inputs.tables)
        loaded = with_model_outcome(loaded, maps)
        out.write(loaded, maps, flag_cells(loaded, maps, config, products(config)))
        tally.add(loaded, maps, config)
    else:
        out.write_outcome(loaded)
    tally.ledger.add(loaded.outcome)


def _log_start(config: RunConfig, files: list[dict[str, Any]], findings: list[Finding]) -> None:
    """The head of run.log: what ran, on what, and what the checks said."""
    log.info("recarb %s, %s", versions()["recarb"], config.name or config.iso3)
    log.info("configuration %s", config.fingerprint())
    for record in files:
        log.info("input %s: %s, sha256 %s", record["layer"], record["file"], record["sha256"])
    for finding in findings:
        log.warning("%s", finding.line())


def last_year(config: RunConfig) -> int:
    """The year of t0: the end of the warm-up, or the year of the SOC map."""
    return config.warm_up.years[1] if config.warm_up else config.model.soc_year


def with_model_outcome(loaded: LoadedTile, maps: xr.Dataset) -> LoadedTile:
    """The tile with the outcomes the model added (no turnover, no NPP, ...)."""
    tile = loaded.tile
    at = (maps["row"].values - tile.rows.start, maps["column"].values - tile.columns.start)
    loaded.outcome[at] = maps["outcome"].values
    return loaded


def input_records(
    inputs: CountryInputs, config: RunConfig, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Every input file: what it is, its unit, its size and hash."""
    layers: list[tuple[str, LayerFile]] = list(inputs.layers.items())
    for name, climate in inputs.climates.items():
        layers += [(f"climate.{name}.{key}", file) for key, file in climate.files.items()]
    records = [
        {
            "layer": key,
            "file": path.name,
            "unit": layer.unit,
            "unit_from": layer.unit_from,
            **file_facts(path, progress),
        }
        for key, layer in layers
        for path in layer.files
    ]
    extra = [("boundary", config.boundary.path)] if config.boundary else []
    extra += [
        (f"{key}.override", override.path)
        for key, choice in (("land_use", config.inputs.land_use),)
        for override in choice.override
    ]
    return records + [
        {"layer": key, "file": path.name, **file_facts(path, progress)} for key, path in extra
    ]


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
    if ledger.failed:
        found.append(
            Finding("failed_cells", Severity.WARNING, "run", f"{ledger.failed} cells failed")
        )
    return found


def provenance(
    config: RunConfig,
    files: list[dict[str, Any]],
    findings: list[Finding],
    tally: _Tally,
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
