"""Draw `docs/img/ensemble.png` and fill the tables of `docs/real/three_models.md`.

North Macedonia and Iberia with ICBM and the Tier 2 method beside RothC. Run from the root of the
repository, with the data folder in RECARB_DATA: `python -m docs.figures.ensemble`.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from docs.figures import real_maps, real_tables
from numpy.typing import NDArray
from scipy.stats import spearmanr
from tests.real import runs

from recarb.models import icbm
from recarb.models import ipcc_tier2 as tier2
from recarb.models.interface import Reason, arable
from recarb.rothc import parameters as rothc
from recarb.sequestration.ensemble import drivers_of, reference_rate
from recarb.sequestration.forward import forward
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.products import stock_at_t0
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.tables import ModelTables
from recarb.sequestration.warm_up import warm_up

Floats = NDArray[np.float64]

DOCS = Path(__file__).resolve().parents[1]
IMAGE = DOCS / "img" / "ensemble.png"
PAGE = DOCS / "real" / "three_models.md"
VERSIONS = {
    "RothC": "",
    "ICBM": "icbm_",
    "Tier 2, full tillage": "ipcc-tier2-full_",
    "Tier 2, no tillage": "ipcc-tier2-none_",
}
GAIN = 0.2
YEARS = 20


class Maps:
    """The maps of a run, by version and stem, where all models have a number."""

    def __init__(self, run: runs.Finished) -> None:
        self.run = run
        self.everywhere = np.isfinite(self._ensemble("ensemble_RSR_SSM3_mean"))

    def _ensemble(self, stem: str) -> Floats:
        return runs.read_map(
            self.run.report.folder / "ensemble" / f"{self.run.config.iso3}_{stem}.tif"
        )

    def of(self, version: str, stem: str) -> Floats:
        """One map of one version, (y, x)."""
        if version:
            found = self._ensemble(version + stem)
        elif stem == "C_eq":
            found = self.run.diagnostic(stem)
        else:
            found = self.run.map(f"{stem}_Map030")
        return np.where(self.everywhere, found, np.nan)

    def spread(self, stem: str) -> Floats:
        """One map of the ensemble, (y, x)."""
        return self._ensemble(f"ensemble_{stem}")

    def ranks(self, version: str) -> float:
        """Rank correlation of RSR between RothC and a version, over the cells."""
        ours, theirs = (self.of(v, "RSR_SSM3")[self.everywhere] for v in ("", version))
        return float(spearmanr(ours, theirs).statistic)

    def row(self, name: str, version: str) -> list[str]:
        """Medians over the cells: input, rates, and the part of the way gone."""
        here = self.everywhere
        c_eq, t0, bau = (self.of(version, s)[here] for s in ("C_eq", "T0", "ASR_BAU"))
        rsr = self.of(version, "RSR_SSM3")[here]
        gone = rsr * YEARS / (GAIN * t0)
        rate = real_tables.rate
        return [
            name,
            real_tables.number(float(np.median(c_eq))),
            rate(float(np.median(bau))),
            rate(float(np.median(rsr))),
            rate(float(np.percentile(rsr, 5.0))),
            rate(float(np.percentile(rsr, 95.0))),
            real_tables.percent(float(np.median(gone))),
        ]


HEADER = ("median over the cells", "C_eq [t C ha⁻¹ yr⁻¹]", "ASR, BAU", "RSR at +20 %", "5 %",
          "95 %", "gain after 20 years / 20 % of T0")  # fmt: skip


def medians(maps: Maps) -> str:
    """One row for each version."""
    return real_tables.table(HEADER, [maps.row(*version) for version in VERSIONS.items()])


def apart(maps: Maps) -> str:
    """How far the models lie apart, in words."""
    mean, low, high, sd = (maps.spread(f"RSR_SSM3_{s}")[maps.everywhere]
                           for s in ("mean", "min", "max", "sd"))  # fmt: skip
    of_mean = real_tables.percent(float(np.median(sd / mean)))
    return (
        f"- Ensemble mean of RSR at +20 %: median {real_tables.rate(float(np.median(mean)))} "
        f"t C ha⁻¹ yr⁻¹; standard deviation {of_mean} of it.\n"
        f"- Most / least of the models: median {float(np.median(high / low)):.1f}, "
        f"5 to 95 % of the cells {float(np.percentile(high / low, 5.0)):.1f} to "
        f"{float(np.percentile(high / low, 95.0)):.1f}.\n"
        "- Rank correlation of RSR over the cells: RothC with ICBM "
        f"{maps.ranks('icbm_'):.2f}, with Tier 2 under full tillage "
        f"{maps.ranks('ipcc-tier2-full_'):.2f}."
    )


def totals(found: Mapping[str, Maps]) -> str:
    """RSR at +20 % of all cells, from ensemble/summary.csv."""
    columns = []
    for maps in found.values():
        table = pd.read_csv(maps.run.report.folder / "ensemble" / "summary.csv")
        whole = table.query("level == 'country' and scenario == 'SSM3'")
        columns.append([real_tables.number(mt) for mt in whole["total_rsr_mt_c_per_yr"]])
    head = ("RSR at +20 % [Mt C yr⁻¹]", "North Macedonia", "Iberia")
    return real_tables.table(head, zip(VERSIONS, *columns, strict=True))


def reasons(run: runs.Finished) -> str:
    """Cells of each model by reason, as counted."""
    counts = run.report.counts["ensemble_cells"]
    rows = [[*key.split("/"), f"{cells:,}"] for key, cells in counts.items()]
    return real_tables.table(("model", "reason", "cells"), rows)


class Cells:
    """The arable cells of a run as models see them."""

    def __init__(self, run: runs.Finished) -> None:
        tables, config = ModelTables.of(run.config), run.config
        inputs = CountryInputs(config).load().cells
        state = warm_up(spin_up(inputs, tables), inputs, tables)
        found = forward(state, inputs, tables, config.scenarios, config.forward.years)
        drivers = drivers_of(inputs, found, tables, config.forward.years)
        at = np.flatnonzero(arable(drivers) == Reason.MODELLED)
        self.drivers, self.found = drivers.at(at), found.isel(cell=at)
        self.reference = reference_rate(config, tables)

    def slowest(self) -> list[tuple[str, Floats, Floats]]:
        """Pool that holds most, its share of the stock [-], and its turnover [yr-1]."""
        of_rothc = self.found["pools"].sel(pool="hum").values / stock_at_t0(self.found)
        k_hum = rothc.Parameters().k_hum_per_yr * self.drivers.forward.rate
        r = self.drivers.spin_up.rate / self.reference
        p = icbm.Parameters()
        young, old = icbm.steady_state(np.ones(1), p.humification, r, p)
        rows = [("HUM", of_rothc, k_hum), ("old", old / (young + old), p.k_old_per_yr * r)]
        return [*rows, self._passive("full"), self._passive("none")]

    def _passive(self, tillage: tier2.Tillage) -> tuple[str, Floats, Floats]:
        p, sand = tier2.Parameters(), self.drivers.sand_pct / 100.0
        factors = tier2.year_factors(self.drivers.spin_up, self.drivers.irrigated, p)
        tillfac, f2 = tier2.tillage_numbers(tillage, p)
        k = tier2.rates_of(factors, tillfac, sand, p)
        f4 = tier2.active_to_slow(sand, p)
        pools = tier2.steady_state(np.ones(1), tier2.Quality(0.073, 0.0083), f2, f4, k, p)
        return "passive", pools.passive / tier2.total(pools), k.passive

    def by_reference(self, reference: float) -> str:
        """Median of RSR at +20 % by ICBM with another rate at its reference site."""
        final = icbm.Icbm(reference).project(self.drivers).stocks.final[0]
        return real_tables.rate(float(np.median(final[3] - final[0])) / YEARS)


def pools(found: Mapping[str, Cells]) -> str:
    """Where most of the stock lies, and how fast that part turns over."""
    columns = [cells.slowest() for cells in found.values()]
    rows = []
    for name, *of_regions in zip(VERSIONS, *columns, strict=True):
        row = [name, of_regions[0][0]]
        for _, share, k in of_regions:
            row += [real_tables.percent(float(np.median(share))), f"{np.median(k):.4f}"]
        rows.append(row)
    head = [f"{what}, {region}" for region in ("North Macedonia", "Iberia")
            for what in ("share of the stock", "turnover [yr⁻¹]")]  # fmt: skip
    return real_tables.table(("median over the cells", "largest pool", *head), rows)


def references(found: Mapping[str, Cells]) -> str:
    """What ICBM makes of another reference."""
    chosen = next(iter(found.values())).reference
    rows = [
        [f"{reference:.3f}{said}", *(cells.by_reference(reference) for cells in found.values())]
        for reference, said in ((0.23, ""), (chosen, " (used)"), (0.5, ""))
    ]
    head = ("rate modifier at Ultuna", "ICBM's RSR, North Macedonia", "Iberia")
    return real_tables.table(head, rows)


def draw(maps: Maps) -> None:
    """The rates of three models and the spread, on North Macedonia."""
    tier2 = (
        maps.of("ipcc-tier2-full_", "RSR_SSM3") + maps.of("ipcc-tier2-none_", "RSR_SSM3")
    ) / 2.0
    rates = {"RothC": maps.of("", "RSR_SSM3"), "ICBM": maps.of("icbm_", "RSR_SSM3"),
             "IPCC Tier 2, mean of full and no tillage": tier2}  # fmt: skip
    how = real_maps.gains(*rates.values())
    spread = maps.spread("RSR_SSM3_max") - maps.spread("RSR_SSM3_min")
    panels = [(f"RSR at +20 %: {name}", values, how) for name, values in rates.items()]
    panels.append(("most minus least of the models", spread, how))
    real_maps.side_by_side(IMAGE, maps.run, panels, "t C ha$^{-1}$ yr$^{-1}$", columns=2)


def main() -> None:
    """Regenerate the figure and the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: Maps(runs.finish(name, Path(scratch), runs.ensemble(name)))
                 for name in ("north_macedonia", "iberia")}  # fmt: skip
        draw(found["north_macedonia"])
        cells = {name: Cells(maps.run) for name, maps in found.items()}
        lines = runs.ensemble("north_macedonia").strip()
        tables = {
            "toml": f"```toml\n{lines}\n```",
            "reasons": reasons(found["north_macedonia"].run),
            "pools": pools(cells),
            "references": references(cells),
            "totals": totals(found),
        }
        for name, maps in found.items():
            tables[name] = medians(maps)
            tables[f"{name}_apart"] = apart(maps)
        real_tables.fill(PAGE, tables)


if __name__ == "__main__":
    main()
